"""What all layers have in common, and the checks of shapes."""

from __future__ import annotations

import inspect
import math
import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .. import constraints, initializers, regularizers
from .._checks import flag
from .._registry import arguments, snake_case, unexpected

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


@dataclass(frozen=True)
class Weight:
    """One weight of a layer before it is made.

    Example:
        >>> from lamella.layers import Dense
        >>> [(weight.name, weight.shape) for weight in Dense(3).weight_specs((2,))]
        [('kernel', (2, 3)), ('bias', (3,))]
    """

    name: str
    shape: Shape
    initializer: initializers.Initializer
    trainable: bool = True  # False for statistics, which no optimizer changes
    regularizer: regularizers.Regularizer | None = None
    constraint: constraints.Constraint | None = None


_CHANGEABLE = frozenset({"name", "trainable", "input_shape", "output_shape", "declared_shape"})


class Layer:
    """Base class of layers.

    Args:
        name: Unique in a model; by default the class name in snake case, numbered.
        trainable: Whether training changes its weights; what it is when the model is compiled counts.
        activity_regularizer: Adds ``regularizer(output) / samples`` to the loss: l1, l2 or both.
        input_shape: Shape of one sample, where this is the first layer.
        input_dim: The same for one axis.
        dtype: Only ``"float32"``.

    Example:
        >>> from lamella.layers import Dense, Dropout
        >>> [(layer.name, layer.trainable) for layer in (Dense(2, name="out"), Dropout(0.5, name="noise"))]
        [('out', True), ('noise', True)]
    """

    def __init__(
        self,
        *,
        name: str | None = None,
        trainable: bool = True,
        activity_regularizer: Any = None,
        input_shape: Any = None,
        input_dim: int | None = None,
        dtype: Any = None,
        **unknown: Any,
    ) -> None:
        kind = type(self).__name__
        if unknown:
            raise unexpected(type(self), unknown, _own_parameters(type(self)))
        if name is not None and not isinstance(name, str):
            raise TypeError(f"{kind} `name` must be a string, got {name!r}.")
        _check_dtype(kind, dtype)
        if input_dim is not None:
            input_shape = (input_dim,)
        self.declared_shape = None if input_shape is None else checked_shape(kind, "input_shape", input_shape)
        self.name = name or automatic_name(type(self))
        self.trainable = flag(kind, "trainable", trainable)
        self.activity_regularizer = _activity(kind, activity_regularizer)
        self.input_shape: tuple[int | None, ...] | None = None
        self.output_shape: tuple[int | None, ...] | None = None
        self._model: Stack | None = None

    def __setattr__(self, name: str, value: Any) -> None:
        """Refuses to change what the core was given when the layer was built, as it would change nothing there."""
        mine = self.__dict__
        free = name in _CHANGEABLE or name.startswith("_") or name.endswith(("_regularizer", "_constraint"))
        if mine.get("output_shape") is not None and name in mine and not free:
            raise AttributeError(
                f"`{name}` of {type(self).__name__} layer {self.name!r} cannot change once the layer is built. Make a "
                "new layer and move the weights with get_weights() and set_weights()."
            )
        super().__setattr__(name, value)

    @property
    def built(self) -> bool:
        """Whether the layer's shapes are known."""
        return self.output_shape is not None

    def compute_output_shape(self, shape: Shape) -> Shape:
        """Shape of one sample after the layer, from its shape before it."""
        return shape

    def weight_specs(self, shape: Shape) -> list[Weight]:
        """The weights for samples of `shape`, in the order of get_weights()."""
        return []

    def _spec(self, core: Any) -> Any | None:
        """The core's struct for this layer; None where it only reshapes."""
        raise TypeError(
            f"Layer {self.name!r} of type {type(self).__name__} cannot run: layers written in Python do not; "
            "use those of lamella.layers."
        )

    def _specs(self, core: Any, shape: Shape) -> list[Any]:
        """The core's structs for samples of `shape`, one after the other."""
        spec = self._spec(core)
        if spec is None:
            return []
        if hasattr(spec, "trainable"):
            spec.trainable = self.trainable
        return [spec, *_watching(core, self.activity_regularizer)]

    def _groups(self, shape: Shape) -> int | None:
        """Into how many rows the core has to cut a sample of `shape`; None if that does not matter."""
        return math.prod(shape[:-1])

    @property
    def weights(self) -> list[Array]:
        """The layer's weights as arrays, copies: kernel, then bias."""
        return self.get_weights()

    @property
    def trainable_weights(self) -> list[Array]:
        """Copies of the weights that training changes."""
        return [w for w, spec in zip(self.get_weights(), self._built_specs(), strict=True) if self._trains(spec)]

    @property
    def non_trainable_weights(self) -> list[Array]:
        """Copies of the weights that training leaves alone."""
        return [w for w, spec in zip(self.get_weights(), self._built_specs(), strict=True) if not self._trains(spec)]

    def _trains(self, spec: Weight) -> bool:
        return spec.trainable and self.trainable

    def _built_specs(self) -> list[Weight]:
        return [] if self.input_shape is None else self.weight_specs(known_sizes(self.input_shape))

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
        return sum(math.prod(spec.shape) for spec in self._built_specs())

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, as Keras writes them."""
        config: dict[str, Any] = {"name": self.name, "trainable": self.trainable}
        if self.activity_regularizer is not None:
            config["activity_regularizer"] = regularizers.serialize(self.activity_regularizer)
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Layer:
        """The layer that get_config(), or any version of Keras, described, with fresh weights.

        Raises:
            ValueError: If a setting is unknown and in use, or a needed one is missing.
        """
        config = dict(config)
        batch_shape = config.pop("batch_input_shape", None)  # Keras 2
        if batch_shape is not None:
            config["input_shape"] = sample_shape(cls.__name__, "batch_input_shape", batch_shape)
        if not f"{cls.__module__}.".startswith(f"{__package__}."):
            return cls(**config)  # a class of the user's own
        return cls(**arguments(cls, config, _own_parameters(cls)))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError(
            f"Layer {self.name!r} cannot be called: lamella has no functional models. "
            "Put layers into Sequential([...]) and call the model."
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name!r} output_shape={self.output_shape}>"


def _own_parameters(cls: type[Layer]) -> dict[str, inspect.Parameter]:
    """The arguments of a layer by name; those behind its ``**options`` are the ones of Layer."""
    own = dict(inspect.signature(cls).parameters)
    if own.pop("options", None) is not None:
        own |= inspect.signature(Layer).parameters
    own.pop("unknown", None)
    return own


def _check_dtype(kind: str, dtype: Any) -> None:
    """Refuses all but float32, by name or as Keras' policy object."""
    name = dtype.get("config", {}).get("name") if isinstance(dtype, dict) else getattr(dtype, "name", dtype)
    if name not in (None, "float32"):
        raise ValueError(f"{kind} `dtype` must be 'float32', the only one that lamella computes in; got {dtype!r}.")


def _activity(kind: str, identifier: Any) -> regularizers.Regularizer | None:
    found: regularizers.Regularizer | None = regularizers.get(identifier, "activity_regularizer")
    if found is not None and not isinstance(found, (regularizers.L1, regularizers.L2, regularizers.L1L2)):
        raise ValueError(f"{kind} `activity_regularizer` must be l1, l2 or both, got {identifier!r}.")
    return found


def _watching(core: Any, regularizer: Any) -> list[Any]:
    """The core's layer that adds an activity regularizer to the loss."""
    if regularizer is None:
        return []
    spec = core.layers.ActivityRegularization()
    spec.l1, spec.l2 = getattr(regularizer, "l1", 0.0), getattr(regularizer, "l2", 0.0)
    return [spec]


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
        negative = " Negative dimensions are not allowed." if any(size < 0 for size in sizes) else ""
        raise ValueError(f"{owner} `{name}` must hold positive sizes, got {shape!r}.{negative}")
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


def last_axis(owner: str, axis: Any, shape: Shape) -> int:
    """`axis` as a non-negative axis of the batch, where the batch axis is 0.

    Raises:
        TypeError: If it is not an integer.
        ValueError: If there is no such axis, or it is the batch axis.
    """
    rank = len(shape) + 1
    if isinstance(axis, (tuple, list)) and len(axis) == 1:
        axis = axis[0]
    if isinstance(axis, bool) or not hasattr(axis, "__index__"):
        raise TypeError(f"{owner} `axis` must be an integer, got {axis!r}.")
    number = operator.index(axis)
    if not -rank < number < rank or number % rank == 0:
        raise ValueError(
            f"{owner} `axis` must be an axis of samples of shape {shape}, from 1 to {rank - 1} or from {1 - rank} to "
            f"-1; got {axis}."
        )
    return number % rank
