"""What a layer is: forward, backward, named weights and their gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import activations
from .constraints import CONSTRAINTS
from .regularizers import REGULARIZERS

Array = NDArray[np.float64]


def rows(x: Array) -> Array:
    """All leading axes as one."""
    return x.reshape(-1, x.shape[-1])


class Layer:
    """`forward(x, training)` keeps what `backward(dy)` needs; that returns dx and fills `grads`.

    `weights` holds float64 arrays by name, the trainable ones of `weight_names` before those of `state_names`.
    """

    weight_names: tuple[str, ...] = ()
    state_names: tuple[str, ...] = ()

    def __init__(
        self,
        *,
        trainable: bool = True,
        name: str | None = None,
        activity_regularizer: Any = None,
        regularizers: dict[str, Any] | None = None,
        constraints: dict[str, Any] | None = None,
    ) -> None:
        self.trainable, self.name = trainable, name
        self.activity_regularizer = REGULARIZERS.make(activity_regularizer)
        self.regularizers = {k: REGULARIZERS.make(v) for k, v in (regularizers or {}).items() if v is not None}
        self.constraints = {k: CONSTRAINTS.make(v) for k, v in (constraints or {}).items() if v is not None}
        self.weights: dict[str, Array] = {}
        self.grads: dict[str, Array] = {}

    @property
    def trainable_names(self) -> tuple[str, ...]:
        return self.weight_names if self.trainable else ()

    def set_weights(self, values: list[ArrayLike]) -> None:
        names = self.weight_names + self.state_names
        self.weights = {k: np.array(v, np.float64) for k, v in zip(names, values, strict=True)}

    def get_weights(self) -> list[Array]:
        return [self.weights[name].copy() for name in self.weight_names + self.state_names]

    def penalty(self) -> float:
        """The regularization terms of the trainable weights."""
        return sum(r.value(self.weights[k]) for k, r in self.regularizers.items() if k in self.trainable_names)

    def penalised_grads(self) -> list[Array]:
        """The gradients of the trainable weights with those of the regularization terms."""
        grads = {k: self.grads[k] for k in self.trainable_names}
        for k, r in self.regularizers.items():
            if k in grads:
                grads[k] = grads[k] + r.gradient(self.weights[k])
        return list(grads.values())

    def constrain(self) -> None:
        for k, constraint in self.constraints.items():
            if k in self.trainable_names:
                self.weights[k][...] = constraint(self.weights[k])

    def forward(self, x: Array, training: bool = False) -> Array:
        raise NotImplementedError

    def backward(self, dy: Array) -> Array:
        raise NotImplementedError


class Activation(Layer):
    """y = activation(x), entry by entry or row by row."""

    def __init__(self, activation: Any, **common: Any) -> None:
        super().__init__(**common)
        self.activation = activations.get(activation)

    def forward(self, x: Array, training: bool = False) -> Array:
        self.logits = x
        self.y = self.activation.forward(x)
        return self.y

    def backward(self, dy: Array) -> Array:
        return self.backward_logits(self.activation.backward(self.logits, self.y, dy))

    def backward_logits(self, dz: Array) -> Array:
        """`backward` from the gradient of the logits, that is, of what goes into the activation."""
        return dz


def ReLU(
    max_value: float | None = None, negative_slope: float = 0.0, threshold: float = 0.0, **common: Any
) -> Activation:
    params = {"max_value": max_value, "negative_slope": negative_slope, "threshold": threshold}
    return Activation(("relu", params), **common)


def LeakyReLU(negative_slope: float = 0.3, **common: Any) -> Activation:
    return Activation(("leaky_relu", {"negative_slope": negative_slope}), **common)


def ELU(alpha: float = 1.0, **common: Any) -> Activation:
    return Activation(("elu", {"alpha": alpha}), **common)


def Softmax(axis: int = -1, **common: Any) -> Activation:
    return Activation(("softmax", {"axis": axis}), **common)


class Dense(Activation):
    """y = activation(x @ kernel + bias), on the last axis of x."""

    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **common: Any,
    ) -> None:
        regularizers = {"kernel": kernel_regularizer, "bias": bias_regularizer}
        constraints = {"kernel": kernel_constraint, "bias": bias_constraint}
        super().__init__(activation, regularizers=regularizers, constraints=constraints, **common)
        self.units, self.use_bias = units, use_bias
        self.weight_names = ("kernel", "bias") if use_bias else ("kernel",)

    def forward(self, x: Array, training: bool = False) -> Array:
        self.x = x
        z = x @ self.weights["kernel"]
        return super().forward(z + self.weights["bias"] if self.use_bias else z)

    def backward_logits(self, dz: Array) -> Array:
        self.grads["kernel"] = rows(self.x).T @ rows(dz)
        if self.use_bias:
            self.grads["bias"] = rows(dz).sum(0)
        return dz @ self.weights["kernel"].T


class PReLU(Layer):
    """y = max(x, 0) + alpha * min(x, 0), one alpha per feature."""

    weight_names = ("alpha",)

    def __init__(self, alpha_regularizer: Any = None, alpha_constraint: Any = None, **common: Any) -> None:
        super().__init__(regularizers={"alpha": alpha_regularizer}, constraints={"alpha": alpha_constraint}, **common)

    def forward(self, x: Array, training: bool = False) -> Array:
        self.x = x
        return np.maximum(x, 0) + self.weights["alpha"] * np.minimum(x, 0)

    def backward(self, dy: Array) -> Array:
        self.grads["alpha"] = (dy * np.minimum(self.x, 0)).sum(0)
        return dy * np.where(self.x > 0, 1.0, self.weights["alpha"])
