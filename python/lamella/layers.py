"""Layers. Each describes itself; the numbers live in the compiled core."""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from . import activations, initializers
from ._checks import flag, real, units
from ._registry import snake_case

if TYPE_CHECKING:
    from .models import Sequential

__all__ = ["Activation", "Dense", "Flatten", "Input", "InputLayer", "Layer", "Rescaling"]

Shape = tuple[int, ...]
Array = npt.NDArray[np.float32]

_used_names: dict[str, int] = {}


def reset_names() -> None:
    """Automatic names start again: ``dense``, ``dense_1``, ..."""
    _used_names.clear()


def automatic_name(cls: type) -> str:
    base = snake_case(cls.__name__)
    count = _used_names.get(base, 0)
    _used_names[base] = count + 1
    return base if count == 0 else f"{base}_{count}"


class Layer:
    """Base class of layers.

    Args:
        name: Unique in a model; by default the class name in snake case, numbered.
        trainable: Whether training changes its weights.
        input_shape: Shape of one sample, where this is the first layer.
        input_dim: The same for one axis.
        dtype: Only ``"float32"``.
    """

    def __init__(
        self,
        *,
        name: str | None = None,
        trainable: bool = True,
        input_shape: Any = None,
        input_dim: int | None = None,
        dtype: str | None = None,
    ) -> None:
        kind = type(self).__name__
        if name is not None and not isinstance(name, str):
            raise TypeError(f"{kind} `name` must be a string, got {name!r}.")
        if dtype not in (None, "float32"):
            raise ValueError(f"{kind} `dtype` must be 'float32', the only one that lamella computes in; got {dtype!r}.")
        if input_dim is not None:
            input_shape = (input_dim,)
        self.declared_shape = None if input_shape is None else checked_shape(kind, "input_shape", input_shape)
        self.name = name or automatic_name(type(self))
        self.trainable = flag(kind, "trainable", trainable)
        self.input_shape: tuple[int | None, ...] | None = None
        self.output_shape: tuple[int | None, ...] | None = None
        self._model: Sequential | None = None

    @property
    def built(self) -> bool:
        """Whether the layer's shapes are known."""
        return self.output_shape is not None

    def compute_output_shape(self, shape: Shape) -> Shape:
        """Shape of one sample after the layer, from its shape before it."""
        return shape

    def weight_shapes(self, shape: Shape) -> list[tuple[str, Shape, initializers.Initializer]]:
        """(name, shape, initializer) of each weight, for samples of `shape`."""
        return []

    def _spec(self, core: Any) -> Any | None:
        """The core's struct for this layer; None where it only reshapes."""
        raise TypeError(
            f"Layer {self.name!r} of type {type(self).__name__} cannot run: layers written in Python do not; "
            "use those of lamella.layers."
        )

    @property
    def weights(self) -> list[Array]:
        """The layer's weights as arrays, copies: kernel, then bias."""
        return self.get_weights()

    def get_weights(self) -> list[Array]:
        """Copies of the layer's weights; none before it is built."""
        return [] if self._model is None else self._model._layer_weights(self)

    def set_weights(self, weights: list[npt.ArrayLike]) -> None:
        """Replaces the layer's weights.

        Raises:
            ValueError: If their number or a shape differs, or the layer is not in a built model.
        """
        if self._model is None:
            raise ValueError(f"Layer {self.name!r} has no weights yet: add it to a model and build that first.")
        self._model._set_layer_weights(self, weights)

    def count_params(self) -> int:
        """Number of weights, in numbers."""
        if self.input_shape is None:
            raise ValueError(
                f"You tried to call `count_params` on layer {self.name!r}, but the layer isn't built. "
                "Give the model an input shape, or call build() or fit() first."
            )
        return sum(math.prod(shape) for _, shape, _ in self.weight_shapes(_known(self.input_shape)))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"name": self.name, "trainable": self.trainable}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Layer:
        """The layer that get_config() described, with fresh weights."""
        return cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name!r} output_shape={self.output_shape}>"


def _known(shape: tuple[int | None, ...]) -> Shape:
    """The shape of one sample, without the batch axis."""
    return tuple(int(size) for size in shape[1:] if size is not None)


def checked_shape(owner: str, name: str, shape: Any) -> Shape:
    """`shape` as a tuple of positive sizes.

    Raises:
        ValueError: If it is not one.
    """
    try:
        given = (shape,) if hasattr(shape, "__index__") else tuple(shape)
        sizes = tuple(0 if isinstance(size, bool) else operator.index(size) for size in given)
    except TypeError:
        raise ValueError(
            f"{owner} `{name}` must be a tuple of sizes such as (784,), got {shape!r}. Every size must be known."
        ) from None
    if not sizes or any(size < 1 for size in sizes):
        raise ValueError(
            f"{owner} `{name}` must hold positive sizes, got {shape!r}. Negative dimensions are not allowed."
        )
    if math.prod(sizes) >= 2**48:
        raise ValueError(f"{owner} `{name}` must hold fewer than 2**48 numbers, got {shape!r}.")
    return sizes


def sample_shape(owner: str, name: str, shape: Any) -> Shape:
    """The shape of one sample from ``(None, 784)``, where the batch axis comes first.

    Raises:
        ValueError: If it is not such a shape.
    """
    if not isinstance(shape, (tuple, list)) or len(shape) < 2:
        raise ValueError(
            f"{owner} `{name}` must be a batch axis and the shape of one sample, as (None, 784), got {shape!r}."
        )
    return checked_shape(owner, name, tuple(shape[1:]))


class InputLayer(Layer):
    """Tells a model the shape of its samples; computes nothing. Usually written ``Input((784,))``.

    Args:
        shape: Shape of one sample.
        batch_size: Ignored; batches may have any size.
        name: As for every layer.
        batch_shape: ``(None, *shape)``, the form that Keras files use.
        dtype: Only ``"float32"``; inputs of other types are converted.

    Example:
        >>> InputLayer((784,)).shape
        (784,)
    """

    def __init__(
        self,
        shape: Any = None,
        batch_size: int | None = None,
        dtype: str | None = None,
        name: str | None = None,
        batch_shape: Any = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        if (shape is None) == (batch_shape is None):
            raise ValueError("Input needs either `shape`, such as (784,), or `batch_shape`, such as (None, 784).")
        self.shape = (
            checked_shape("Input", "shape", shape)
            if batch_shape is None
            else sample_shape("Input", "batch_shape", batch_shape)
        )

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"batch_shape": (None, *self.shape), "dtype": "float32", "name": self.name}


def Input(
    shape: Any = None,
    batch_size: int | None = None,
    dtype: str | None = None,
    name: str | None = None,
    batch_shape: Any = None,
) -> InputLayer:
    """The shape of one sample, as first element of a model.

    Args:
        shape: Such as ``(784,)``.
        batch_size: Ignored; batches may have any size.
        dtype: Only ``"float32"``; inputs of other types are converted.
        name: As for every layer.
        batch_shape: ``(None, *shape)`` instead of `shape`.

    Raises:
        ValueError: If the shape is not known or not positive.

    Example:
        >>> from lamella import Sequential
        >>> Sequential([Input((4,)), Dense(3)]).output_shape
        (None, 3)
    """
    return InputLayer(shape, batch_size, dtype, name, batch_shape)


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
        >>> from lamella import Input, Sequential
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
        weights = [("kernel", (shape[0], self.units), self.kernel_initializer)]
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
            "activation": self.activation.name,
            "use_bias": self.use_bias,
            "kernel_initializer": _described(self.kernel_initializer),
            "bias_initializer": _described(self.bias_initializer),
        }


def _units(value: Any) -> int:
    return units("Dense", "units", value)


def _described(part: Any) -> dict[str, Any]:
    return {"class_name": type(part).__name__, "config": part.get_config()}


class Activation(Layer):
    """``y = activation(x)``.

    Args:
        activation: A name such as ``"relu"`` or an activation.
        **options: As for every layer.

    Example:
        >>> from lamella import Input, Sequential
        >>> Sequential([Input((2,)), Activation("relu")]).predict(np.array([[-1.0, 2.0]]))
        array([[0., 2.]], dtype=float32)
    """

    def __init__(self, activation: Any, **options: Any) -> None:
        self.activation = activations.get(activation)
        super().__init__(**options)

    def _spec(self, core: Any) -> Any:
        spec = core.layers.Activation()
        spec.activation = self.activation._spec(core)
        return spec

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "activation": self.activation.name}


class Flatten(Layer):
    """Makes one axis of all axes of a sample: ``(28, 28)`` becomes ``(784,)``.

    Example:
        >>> from lamella import Input, Sequential
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
        >>> from lamella import Input, Sequential
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
