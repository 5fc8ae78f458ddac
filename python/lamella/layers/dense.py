"""The fully connected layer."""

from __future__ import annotations

from typing import Any

from .. import activations, constraints, initializers, regularizers
from .._checks import flag, units
from .base import Array, Layer, Shape, Weight


class Dense(Layer):
    """Fully connected layer, ``y = activation(x @ kernel + bias)``, on the last axis of its input.

    Args:
        units: Width of the output, a positive integer.
        activation: A name such as ``"relu"``, an activation, or None for linear.
        use_bias: Whether to add a bias.
        kernel_initializer: Start values of the kernel.
        bias_initializer: Start values of the bias.
        kernel_regularizer: Adds to the loss what it says of the kernel, such as ``"l2"``.
        bias_regularizer: The same for the bias.
        activity_regularizer: The same for the output, divided by the number of samples.
        kernel_constraint: Applied to the kernel after each update, such as ``"max_norm"``.
        bias_constraint: The same for the bias.
        lora_rank, lora_alpha, quantization_config: Only None; for files of Keras.
        **options: `name`, `trainable`, `input_shape`, `input_dim`, `dtype`, as for every layer.

    Shapes:
        input ``(batch, ..., inputs)``, output ``(batch, ..., units)``, kernel ``(inputs, units)``, bias ``(units,)``

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
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        lora_rank: None = None,
        lora_alpha: None = None,
        quantization_config: None = None,
        **options: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **options)
        self.units = _units(units)
        self.activation = activations.get(activation)
        self.use_bias = flag("Dense", "use_bias", use_bias)
        self.kernel_initializer = initializers.get(kernel_initializer, "kernel_initializer")
        self.bias_initializer = initializers.get(bias_initializer, "bias_initializer")
        self.kernel_regularizer = regularizers.get(kernel_regularizer, "kernel_regularizer")
        self.bias_regularizer = regularizers.get(bias_regularizer, "bias_regularizer")
        self.kernel_constraint = constraints.get(kernel_constraint, "kernel_constraint")
        self.bias_constraint = constraints.get(bias_constraint, "bias_constraint")
        for name, value in (("lora_rank", lora_rank), ("quantization_config", quantization_config)):
            if value is not None:
                raise ValueError(f"Dense `{name}` must be None: lamella has full float32 kernels only, got {value!r}.")

    def compute_output_shape(self, shape: Shape) -> Shape:
        """``(..., units)``, or half of it after the activation glu."""
        return (*shape[:-1], self.activation.width(self.units))

    def weight_specs(self, shape: Shape) -> list[Weight]:
        """Kernel ``(inputs, units)`` and bias ``(units,)``."""
        kernel = Weight(
            "kernel",
            (shape[-1], self.units),
            self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        bias = Weight(
            "bias",
            (self.units,),
            self.bias_initializer,
            regularizer=self.bias_regularizer,
            constraint=self.bias_constraint,
        )
        return [kernel, bias] if self.use_bias else [kernel]

    @property
    def kernel(self) -> Array:
        """A copy of the kernel, ``(inputs, units)``."""
        return self._weight("kernel", 0)

    @property
    def bias(self) -> Array | None:
        """A copy of the bias, ``(units,)``, or None."""
        return self._weight("bias", 1) if self.use_bias else None

    def _weight(self, name: str, index: int) -> Array:
        weights = self.get_weights()
        if not weights:
            raise AttributeError(f"Layer {self.name!r} has no `{name}` yet: build its model, or call fit(), first.")
        return weights[index]

    def _spec(self, core: Any) -> Any:
        spec = core.layers.Dense()
        spec.units, spec.use_bias, spec.activation = self.units, self.use_bias, self.activation._spec(core)
        return spec

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, as Keras writes them."""
        return {
            **super().get_config(),
            "units": self.units,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
            "bias_constraint": constraints.serialize(self.bias_constraint),
        }


def _units(value: Any) -> int:
    return units("Dense", "units", value)
