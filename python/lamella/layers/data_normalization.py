"""Normalization by statistics of the data, which the model keeps."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import initializers
from .._checks import flag
from .._frames import is_frame, numbers
from .base import Array, Layer, Shape, Weight, last_axis


class Normalization(Layer):
    """``y = (x - mean) / max(sqrt(variance), 1e-7)``, so that features have mean 0 and variance 1.

    Mean and variance are given, or found by `adapt`; training does not change them.

    Args:
        axis: The axis of features, which each have their own mean and variance; None for one of all numbers.
        mean: The mean, a number or one a feature; without it call adapt().
        variance: The variance, likewise.
        invert: Whether to compute ``y = x * max(sqrt(variance), 1e-7) + mean`` instead.
        **options: As for every layer.

    Raises:
        ValueError: If only one of `mean` and `variance` is given, or `axis` is not the last.

    Example:
        >>> import numpy as np
        >>> from lamella import Input, Sequential
        >>> from lamella.layers import Normalization
        >>> layer = Normalization()
        >>> layer.adapt(np.array([[1.0], [3.0]]))
        >>> Sequential([Input((1,)), layer]).predict(np.array([[5.0]]))
        array([[3.]], dtype=float32)
    """

    def __init__(
        self, axis: Any = -1, mean: Any = None, variance: Any = None, invert: bool = False, **options: Any
    ) -> None:
        super().__init__(**options)
        axes = tuple(axis) if isinstance(axis, (list, tuple)) else (axis,)
        self.axis = None if axes in ((None,), ()) else axes  # Keras writes None as an empty list
        self.invert = flag("Normalization", "invert", invert)
        if (mean is None) != (variance is None):
            raise ValueError("Normalization needs both `mean` and `variance`, or neither and a call of adapt().")
        self._given: tuple[Array, Array] | None = None
        self._adapted: tuple[Array, Array] | None = None
        if mean is not None:
            self._given = _numbers("mean", mean), _numbers("variance", variance)
            if self._given[1].min(initial=0.0) < 0:
                raise ValueError(f"Normalization `variance` must not be negative, got {variance!r}.")

    def adapt(self, data: npt.ArrayLike, batch_size: int | None = None, steps: int | None = None) -> None:
        """Sets mean and variance to those of `data`, ``(n, ...)``; in float64, whatever its type.

        Args:
            data: Samples, an array of numbers.
            batch_size, steps: Accepted for Keras programs.

        Raises:
            ValueError: If mean and variance were given, or `data` is empty, not finite, or of another shape.
        """
        if self._given is not None:
            raise ValueError(f"Normalization layer {self.name!r} has a given mean and variance; it cannot adapt.")
        values = numbers("data", data) if is_frame(data) else np.asarray(data)
        if values.dtype.kind not in "fiub" or values.ndim < 2 or not len(values):
            raise ValueError(
                f"Normalization adapt() needs samples of numbers, shape (n, ...), got shape {values.shape} of "
                f"dtype {values.dtype}." + (" Use data.toarray()." if hasattr(data, "toarray") else "")
            )
        if self.input_shape is not None and values.shape[1:] != self.input_shape[1:]:
            raise ValueError(
                f"Normalization layer {self.name!r} was built for samples of shape {self.input_shape[1:]}, "
                f"got data of shape {values.shape}."
            )
        shape: Shape = values.shape[1:]
        axes = tuple(range(values.ndim - len(self._shape(shape)))) if self.axis is not None else None
        mean, variance = _moments(values, axes)
        if not (np.isfinite(mean).all() and np.isfinite(variance).all()):
            place = tuple(map(int, np.argwhere(~np.isfinite(values))[0])) if not np.isfinite(values).all() else None
            where = "numbers whose squares are too large" if place is None else f"{values[place]:g} at {place}"
            raise ValueError(
                f"Normalization adapt() needs finite data, got {where}; drop or replace such samples first."
            )
        self._adapted = mean.astype(np.float32), variance.astype(np.float32)
        if self._model is not None:
            self.set_weights([*self._adapted, np.float32(0)])

    @property
    def mean(self) -> Array:
        """The mean in use, a copy."""
        return np.array(self._statistics()[0])

    @property
    def variance(self) -> Array:
        """The variance in use, a copy."""
        return np.array(self._statistics()[1])

    def _statistics(self) -> tuple[Array, Array]:
        if self._given is not None:
            return self._given
        if self._model is not None:
            mean, variance, _ = self.get_weights()
            return mean, variance
        if self._adapted is None:
            raise ValueError(f"Normalization layer {self.name!r} has no mean yet: call adapt(data) or give one.")
        return self._adapted

    def _shape(self, shape: Shape) -> Shape:
        """Shape of mean and variance."""
        if self.axis is None:
            return ()
        numbers = sorted(last_axis("Normalization", axis, shape) for axis in self.axis)
        if numbers != list(range(numbers[0], len(shape) + 1)):
            raise ValueError(
                f"Normalization layer {self.name!r} keeps the last axes only, got axis={self.axis} for samples of "
                f"shape {shape}; use Reshape or another order of axes."
            )
        return shape[numbers[0] - 1 :]

    def compute_output_shape(self, shape: Shape) -> Shape:
        """The shape of the input."""
        features = self._shape(shape)
        if self._given is not None:
            for name, values in zip(("mean", "variance"), self._given, strict=True):
                if values.size not in (1, math.prod(features)):
                    raise ValueError(f"Normalization `{name}` must have shape {features}, got {values.shape}.")
        if self._adapted is not None and self._adapted[0].shape != features:
            raise ValueError(
                f"Normalization layer {self.name!r} has learned from features of shape {self._adapted[0].shape} and "
                f"gets {features}; call adapt() with data like the model's."
            )
        return shape

    def _groups(self, shape: Shape) -> int:
        return math.prod(shape[: len(shape) - len(self._shape(shape))])

    def weight_specs(self, shape: Shape) -> list[Weight]:
        """Mean and variance, and the count that Keras keeps (always 0); none where they are given."""
        if self._given is not None:
            return []
        features = self._shape(shape)
        start: list[Any] = ["zeros", "ones"] if self._adapted is None else list(self._adapted)
        return [
            Weight("mean", features, initializers.get(start[0]), trainable=False),
            Weight("variance", features, initializers.get(start[1]), trainable=False),
            Weight("count", (), initializers.get("zeros"), trainable=False),
        ]

    def _spec(self, core: Any) -> Any:
        spec = core.layers.Normalization()
        spec.invert = self.invert
        return spec

    def _specs(self, core: Any, shape: Shape) -> list[Any]:
        specs = super()._specs(core, shape)
        width = math.prod(self._shape(shape))
        if self._given is None:
            specs[0].statistics = width
        else:
            specs[0].mean, specs[0].variance = (np.broadcast_to(v.ravel(), width).tolist() for v in self._given)
        return specs

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, as Keras writes them."""
        mean, variance = self._given if self._given is not None else (None, None)
        return {
            **super().get_config(),
            "axis": None if self.axis is None else list(self.axis),
            "invert": self.invert,
            "mean": None if mean is None else mean.tolist(),
            "variance": None if variance is None else variance.tolist(),
        }


def _moments(values: Array, axes: tuple[int, ...] | None) -> tuple[Array, Array]:
    """Mean and variance over the first axes, or all: piece by piece, for the sake of memory and of Ctrl-C."""
    rows = max(1, (1 << 18) * len(values) // max(values.size, 1))
    pieces = [values[first : first + rows] for first in range(0, len(values), rows)]
    with np.errstate(over="ignore", invalid="ignore"):
        total = sum(piece.sum(axis=axes, dtype=np.float64) for piece in pieces)
        count = values.size // max(np.size(total), 1)
        mean = np.asarray(total / count)
        squares = sum(np.square(piece - mean).sum(axis=axes) for piece in pieces)
    return mean, np.asarray(squares / count)


def _numbers(name: str, value: Any) -> Array:
    """A given mean or variance."""
    try:
        values = np.asarray(value, np.float32)
    except (TypeError, ValueError):
        raise ValueError(f"Normalization `{name}` must be numbers, got {value!r}.") from None
    if not np.isfinite(values).all():
        raise ValueError(f"Normalization `{name}` must be finite, got {value!r}.")
    return values
