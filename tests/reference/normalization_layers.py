"""Layers that normalise: over the batch, over a row, or by known numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .layer_base import Array, Layer, rows


class Affine(Layer):
    """A layer that ends in y = gamma * x_hat + beta, where each of the two may be missing."""

    def __init__(
        self,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **common: Any,
    ) -> None:
        regularizers = {"gamma": gamma_regularizer, "beta": beta_regularizer}
        constraints = {"gamma": gamma_constraint, "beta": beta_constraint}
        super().__init__(regularizers=regularizers, constraints=constraints, **common)
        self.epsilon = epsilon
        self.weight_names = ("gamma",) * scale + ("beta",) * center

    def affine(self, x_hat: Array) -> Array:
        self.x_hat = x_hat
        return self.weights.get("gamma", 1.0) * x_hat + self.weights.get("beta", 0.0)

    def affine_backward(self, dy: Array) -> Array:
        """The gradient of x_hat."""
        if "gamma" in self.weight_names:
            self.grads["gamma"] = rows(dy * self.x_hat).sum(0)
        if "beta" in self.weight_names:
            self.grads["beta"] = rows(dy).sum(0)
        return dy * self.weights.get("gamma", 1.0)


class BatchNormalization(Affine):
    """Training: batch mean and biased variance, which also move the averages. Inference: the moving averages."""

    state_names = ("moving_mean", "moving_variance")

    def __init__(self, momentum: float = 0.99, epsilon: float = 1e-3, **affine: Any) -> None:
        super().__init__(epsilon, **affine)
        self.momentum = momentum

    def forward(self, x: Array, training: bool = False) -> Array:
        self.of_batch = training and self.trainable
        if self.of_batch:
            mean, variance = rows(x).mean(0), rows(x).var(0)
            for name, value in (("moving_mean", mean), ("moving_variance", variance)):
                self.weights[name][...] = self.momentum * self.weights[name] + (1 - self.momentum) * value
        else:
            mean, variance = self.weights["moving_mean"], self.weights["moving_variance"]
        self.scale = 1 / np.sqrt(variance + self.epsilon)
        return self.affine((x - mean) * self.scale)

    def backward(self, dy: Array) -> Array:
        g = self.affine_backward(dy)
        if not self.of_batch:
            return g * self.scale
        return self.scale * (g - rows(g).mean(0) - self.x_hat * rows(g * self.x_hat).mean(0))


class LayerNormalization(Affine):
    """Each row by its own mean and biased variance."""

    def forward(self, x: Array, training: bool = False) -> Array:
        self.scale = 1 / np.sqrt(x.var(-1, keepdims=True) + self.epsilon)
        return self.affine((x - x.mean(-1, keepdims=True)) * self.scale)

    def backward(self, dy: Array) -> Array:
        g = self.affine_backward(dy)
        mean, along = g.mean(-1, keepdims=True), (g * self.x_hat).mean(-1, keepdims=True)
        return self.scale * (g - mean - self.x_hat * along)


class UnitNormalization(Layer):
    """y = x / max(norm of the row, 1e-12)."""

    def forward(self, x: Array, training: bool = False) -> Array:
        norm = np.sqrt((x**2).sum(-1, keepdims=True))
        self.tiny, self.norm = norm < 1e-12, np.maximum(norm, 1e-12)
        self.y = x / self.norm
        return self.y

    def backward(self, dy: Array) -> Array:
        along = np.where(self.tiny, 0, (dy * self.y).sum(-1, keepdims=True))
        return (dy - self.y * along) / self.norm


class Normalization(Layer):
    """y = (x - mean) / max(sqrt(variance), 1e-7), with numbers given or taken from data by `adapt`."""

    def __init__(
        self, mean: ArrayLike | None = None, variance: ArrayLike | None = None, invert: bool = False, **common: Any
    ) -> None:
        super().__init__(**common)
        self.invert = invert
        self.given = None if mean is None else (np.asarray(mean, np.float64), np.asarray(variance, np.float64))
        self.state_names = ("mean", "variance", "count") if mean is None else ()

    def adapt(self, data: ArrayLike) -> None:
        x = rows(np.asarray(data, np.float64))
        self.set_weights([x.mean(0), x.var(0), 0])

    def numbers(self) -> tuple[Array, Array]:
        """Mean and scale."""
        mean, variance = self.given or (self.weights["mean"], self.weights["variance"])
        return mean, np.maximum(np.sqrt(variance), 1e-7)

    def forward(self, x: Array, training: bool = False) -> Array:
        mean, scale = self.numbers()
        return mean + x * scale if self.invert else (x - mean) / scale

    def backward(self, dy: Array) -> Array:
        _, scale = self.numbers()
        return dy * scale if self.invert else dy / scale


class Rescaling(Layer):
    """y = x * scale + offset."""

    def __init__(self, scale: ArrayLike, offset: ArrayLike = 0.0, **common: Any) -> None:
        super().__init__(**common)
        self.scale, self.offset = np.asarray(scale, np.float64), np.asarray(offset, np.float64)

    def forward(self, x: Array, training: bool = False) -> Array:
        return x * self.scale + self.offset

    def backward(self, dy: Array) -> Array:
        return dy * self.scale
