"""Layers that work number by number."""

from __future__ import annotations

import math
from typing import Any

from .. import activations, constraints, initializers, regularizers
from .._checks import real, several
from .base import Layer, Shape, Weight, last_axis


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
        super().__init__(**options)
        self.activation = activations.get(activation)

    def compute_output_shape(self, shape: Shape) -> Shape:
        """The shape of the input; glu halves the last axis."""
        if not self.activation.rowwise:
            return shape
        if last_axis(type(self).__name__, self.activation.arguments["axis"], shape) != len(shape):
            raise ValueError(
                f"Layer {self.name!r} applies {self.activation!r} to samples of shape {shape}; in a model such an "
                "activation works along the last axis (axis=-1). Use Reshape or another order of axes."
            )
        return (*shape[:-1], self.activation.width(shape[-1]))

    def _spec(self, core: Any) -> Any:
        spec = core.layers.Activation()
        spec.activation = self.activation._spec(core)
        return spec

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, as Keras writes them."""
        return {**super().get_config(), "activation": activations.serialize(self.activation)}


class Identity(Activation):
    """``y = x``.

    Args:
        **options: As for every layer.

    Example:
        >>> from lamella import Input, Sequential
        >>> from lamella.layers import Identity
        >>> Sequential([Input((2,)), Identity()]).output_shape
        (None, 2)
    """

    def __init__(self, **options: Any) -> None:
        super().__init__("linear", **options)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, as Keras writes them."""
        return {key: value for key, value in super().get_config().items() if key != "activation"}


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
        super().__init__(**options)
        self.scale = real("Rescaling", "scale", scale)
        self.offset = real("Rescaling", "offset", offset)

    def _groups(self, shape: Shape) -> None:
        return None

    def _spec(self, core: Any) -> Any:
        spec = core.layers.Rescaling()
        spec.scale, spec.offset = self.scale, self.offset
        return spec

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, as Keras writes them."""
        return {**super().get_config(), "scale": self.scale, "offset": self.offset}


class ActivityRegularization(Layer):
    """Passes its input on, and adds ``(l1 Σ|x| + l2 Σx²) / samples`` to the loss.

    Args:
        l1, l2: Factors, at least 0.
        **options: As for every layer.

    Example:
        >>> from lamella.layers import ActivityRegularization
        >>> ActivityRegularization(l2=0.01).l1
        0.0
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **options: Any) -> None:
        super().__init__(**options)
        self.l1 = real("ActivityRegularization", "l1", l1, least=0)
        self.l2 = real("ActivityRegularization", "l2", l2, least=0)

    def _spec(self, core: Any) -> Any:
        spec = core.layers.ActivityRegularization()
        spec.l1, spec.l2 = self.l1, self.l2
        return spec

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, as Keras writes them."""
        return {**super().get_config(), "l1": self.l1, "l2": self.l2}


class PReLU(Layer):
    """``y = max(x, 0) + α min(x, 0)`` with a learned α for each feature.

    Args:
        alpha_initializer: Start values of α.
        alpha_regularizer, alpha_constraint: As for the kernel of Dense.
        shared_axes: Axes, from 1, along which α is the same: all but the last one, or none.
        **options: As for every layer.

    Source:
        He et al. 2015, "Delving deep into rectifiers".

    Example:
        >>> from lamella import Input, Sequential
        >>> from lamella.layers import PReLU
        >>> Sequential([Input((3,)), PReLU()]).count_params()
        3
    """

    def __init__(
        self,
        alpha_initializer: Any = "Zeros",
        alpha_regularizer: Any = None,
        alpha_constraint: Any = None,
        shared_axes: Any = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.alpha_initializer = initializers.get(alpha_initializer, "alpha_initializer")
        self.alpha_regularizer = regularizers.get(alpha_regularizer, "alpha_regularizer")
        self.alpha_constraint = constraints.get(alpha_constraint, "alpha_constraint")
        if shared_axes is None or hasattr(shared_axes, "__index__"):
            self.shared_axes = None if shared_axes is None else [shared_axes]
        else:
            self.shared_axes = several("PReLU", "shared_axes", shared_axes, "axes")

    def compute_output_shape(self, shape: Shape) -> Shape:
        """The shape of the input."""
        if self.shared_axes and sorted(self.shared_axes) != list(range(1, len(shape))):
            raise ValueError(
                f"PReLU layer {self.name!r} can share α along all axes but the last, or along none; got "
                f"shared_axes={self.shared_axes} for samples of shape {shape}."
            )
        return shape

    def _groups(self, shape: Shape) -> int:
        return math.prod(shape[:-1]) if self.shared_axes else 1

    def weight_specs(self, shape: Shape) -> list[Weight]:
        """α, of the shape of a sample with 1 for shared axes."""
        alpha = (*[1] * (len(shape) - 1), shape[-1]) if self.shared_axes else shape
        return [
            Weight(
                "alpha",
                alpha,
                self.alpha_initializer,
                regularizer=self.alpha_regularizer,
                constraint=self.alpha_constraint,
            )
        ]

    def _spec(self, core: Any) -> Any:
        return core.layers.PReLU()

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, as Keras writes them."""
        return {
            **super().get_config(),
            "alpha_initializer": initializers.serialize(self.alpha_initializer),
            "alpha_regularizer": regularizers.serialize(self.alpha_regularizer),
            "alpha_constraint": constraints.serialize(self.alpha_constraint),
            "shared_axes": self.shared_axes,
        }
