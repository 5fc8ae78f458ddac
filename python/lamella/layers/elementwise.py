"""Layers without weights."""

from __future__ import annotations

import math
from typing import Any

from .. import activations
from .._checks import real
from .base import Layer, Shape


class Activation(Layer):
    """``y = activation(x)``.

    Args:
        activation: A name such as ``"relu"`` or an activation.
        **options: As for every layer.

    Example:
        >>> import numpy as np
        >>> from lamella import Input, Sequential
        >>> from lamella.layers import Activation
        >>> Sequential([Input((2,)), Activation("relu")]).predict(np.array([[-1.0, 2.0]]))
        array([[0., 2.]], dtype=float32)
    """

    def __init__(self, activation: Any, **options: Any) -> None:
        self.activation = activations.get(activation)
        super().__init__(**options)

    def compute_output_shape(self, shape: Shape) -> Shape:
        """`shape`; glu halves it."""
        if not self.activation.rowwise:
            return shape
        if len(shape) != 1 or self.activation.arguments["axis"] not in (-1, 1):
            raise ValueError(
                f"Layer {self.name!r} applies {self.activation!r} to samples of shape {shape}; in a model such an "
                "activation works on samples of one axis, along it (axis=-1). Put a Flatten() before it."
            )
        return (self.activation.width(shape[0]),)

    def _spec(self, core: Any) -> Any:
        spec = core.layers.Activation()
        spec.activation = self.activation._spec(core)
        return spec

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "activation": activations.serialize(self.activation)}


class Flatten(Layer):
    """Makes one axis of all axes of a sample: ``(28, 28)`` becomes ``(784,)``.

    Example:
        >>> from lamella import Input, Sequential
        >>> from lamella.layers import Flatten
        >>> Sequential([Input((28, 28)), Flatten()]).output_shape
        (None, 784)
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)

    def compute_output_shape(self, shape: Shape) -> Shape:
        """The product of the sizes."""
        return (math.prod(shape),)

    def _spec(self, core: Any) -> None:
        return None


class Rescaling(Layer):
    """``y = x * scale + offset``. In front of a model it costs nothing: batches are scaled while they are gathered.

    Args:
        scale: Factor, such as ``1 / 255`` for images of bytes.
        offset: Added after scaling.
        **options: As for every layer.

    Example:
        >>> import numpy as np
        >>> from lamella import Input, Sequential
        >>> from lamella.layers import Rescaling
        >>> Sequential([Input((2,)), Rescaling(0.5)]).predict(np.array([[2, 4]], "uint8"))
        array([[1., 2.]], dtype=float32)
    """

    def __init__(self, scale: float, offset: float = 0.0, **options: Any) -> None:
        self.scale = real("Rescaling", "scale", scale)
        self.offset = real("Rescaling", "offset", offset)
        super().__init__(**options)

    def _spec(self, core: Any) -> Any:
        spec = core.layers.Rescaling()
        spec.scale, spec.offset = self.scale, self.offset
        return spec

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "scale": self.scale, "offset": self.offset}
