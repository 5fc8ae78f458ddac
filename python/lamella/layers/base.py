"""What all layers have in common: names, shapes, weights."""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .. import initializers
from .._checks import flag
from .._registry import snake_case

if TYPE_CHECKING:
    from .._stack import Stack

Shape = tuple[int, ...]
Array = npt.NDArray[np.float32]

_used_names: dict[str, int] = {}


def reset_names() -> None:
    """Automatic names start again: ``dense``, ``dense_1``, ..."""
    _used_names.clear()


def automatic_name(cls: type) -> str:
    """The class name in snake case, numbered from the second on."""
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
        self._model: Stack | None = None

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
        return sum(math.prod(shape) for _, shape, _ in self.weight_shapes(known_sizes(self.input_shape)))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"name": self.name, "trainable": self.trainable}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Layer:
        """The layer that get_config() described, with fresh weights."""
        return cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name!r} output_shape={self.output_shape}>"


def known_sizes(shape: tuple[int | None, ...]) -> Shape:
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
