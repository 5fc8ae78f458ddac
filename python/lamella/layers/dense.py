"""The fully connected layer."""

from __future__ import annotations

from typing import Any

from .. import activations, initializers
from .._checks import flag, units
from .base import Array, Layer, Shape


class Dense(Layer):
    """Fully connected layer, ``y = activation(x @ kernel + bias)``.

    Args:
        units: Width of the output, a positive integer.
        activation: A name such as ``"relu"``, an activation, or None for linear.
        use_bias: Whether to add a bias.
        kernel_initializer: Start values of the kernel.
        bias_initializer: Start values of the bias.
        **options: `name`, `trainable`, `input_shape`, `input_dim`, `dtype`, as for every layer.

    Shapes:
        input ``(batch, inputs)``, output ``(batch, units)``, kernel ``(inputs, units)``, bias ``(units,)``

    Raises:
        ValueError: If `units` is not a positive integer or a name is unknown.

    Example:
        >>> import numpy as np
        >>> from lamella import Input, Sequential
        >>> from lamella.layers import Dense
        >>> model = Sequential([Input((4,)), Dense(3, "relu")])
        >>> model.predict(np.zeros((2, 4))).shape
        (2, 3)
    """

    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        **options: Any,
    ) -> None:
        self.units = _units(units)
        self.activation = activations.get(activation)
        self.use_bias = flag("Dense", "use_bias", use_bias)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        super().__init__(**options)

    def compute_output_shape(self, shape: Shape) -> Shape:
        """``(units,)``."""
        if len(shape) != 1:
            raise ValueError(
                f"Dense layer {self.name!r} needs samples of one axis, got shape {shape}; put a Flatten() before it."
            )
        return (self.units,)

    def weight_shapes(self, shape: Shape) -> list[tuple[str, Shape, initializers.Initializer]]:
        """Kernel ``(inputs, units)`` and bias ``(units,)``."""
        weights: list[tuple[str, Shape, initializers.Initializer]] = [
            ("kernel", (shape[0], self.units), self.kernel_initializer)
        ]
        return [*weights, ("bias", (self.units,), self.bias_initializer)] if self.use_bias else weights

    @property
    def kernel(self) -> Array:
        """A copy of the kernel, ``(inputs, units)``."""
        return self.get_weights()[0]

    @property
    def bias(self) -> Array | None:
        """A copy of the bias, ``(units,)``, or None."""
        return self.get_weights()[1] if self.use_bias else None

    def _spec(self, core: Any) -> Any:
        spec = core.layers.Dense()
        spec.units, spec.use_bias, spec.activation = self.units, self.use_bias, self.activation._spec(core)
        return spec

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "units": self.units,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": _described(self.kernel_initializer),
            "bias_initializer": _described(self.bias_initializer),
        }


def _units(value: Any) -> int:
    return units("Dense", "units", value)


def _described(part: Any) -> dict[str, Any]:
    return {"class_name": type(part).__name__, "config": part.get_config()}
