"""Start values that are not random."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .._checks import real
from .base import FAMILY, Array, Initializer, Shape


@FAMILY.register("zero")
class Zeros(Initializer):
    """All zeros.

    Example:
        >>> Zeros()((1, 2))
        array([[0., 0.]], dtype=float32)
    """

    def _values(self, shape: Shape) -> Array:
        return np.zeros(shape, np.float32)


@FAMILY.register("one")
class Ones(Initializer):
    """All ones.

    Example:
        >>> Ones()((1, 2))
        array([[1., 1.]], dtype=float32)
    """

    def _values(self, shape: Shape) -> Array:
        return np.ones(shape, np.float32)


@FAMILY.register()
class Constant(Initializer):
    """One value everywhere, or an array of the weight's shape.

    Args:
        value: A number, or numbers whose shape fits the weight's.

    Raises:
        ValueError: If `value` is not numeric; when called, if it does not fit.

    Example:
        >>> Constant(0.5)((1, 2))
        array([[0.5, 0.5]], dtype=float32)
    """

    def __init__(self, value: npt.ArrayLike = 0.0) -> None:
        if isinstance(value, dict) and value.get("class_name") == "__numpy__":  # as get_config() writes an array
            value = np.array(value["config"]["value"], value["config"]["dtype"])
        try:
            self._array = np.array(value, np.float32)
        except (TypeError, ValueError):
            raise ValueError(f"Constant `value` must be a number or an array of numbers, got {value!r}.") from None
        self.value = value

    def _values(self, shape: Shape) -> Array:
        try:
            return np.array(np.broadcast_to(self._array, shape))
        except ValueError:
            raise ValueError(
                f"Constant `value` of shape {self._array.shape} does not fit a weight of shape {shape}."
            ) from None

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments; an array as its numbers and their type."""
        if not isinstance(self.value, (np.ndarray, np.generic)):
            return {"value": self.value}
        config = {"value": self.value.tolist(), "dtype": self.value.dtype.name}
        return {"value": {"class_name": "__numpy__", "config": config}}


class _Given(Constant):
    """Start values given as an array of exactly the weight's shape."""

    def _values(self, shape: Shape) -> Array:
        if self._array.shape != shape:
            raise ValueError(
                f"The array given as initializer must have the weight's shape {shape}, got shape {self._array.shape}."
            )
        return self._array.copy()


@FAMILY.register("IdentityInitializer")
class Identity(Initializer):
    """``gain`` on the diagonal, zeros elsewhere; for matrices only.

    Args:
        gain: What the ones are multiplied by.

    Raises:
        ValueError: When called, if the weight is no matrix.

    Example:
        >>> Identity()((2, 3))
        array([[1., 0., 0.],
               [0., 1., 0.]], dtype=float32)
    """

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = real("Identity", "gain", gain)

    def _values(self, shape: Shape) -> Array:
        if len(shape) != 2:
            raise ValueError(f"Identity makes matrices only, got shape {shape}; use Constant or an array there.")
        return np.eye(*shape, dtype=np.float32) * np.float32(self.gain)
