"""What all initializers have in common, and their family."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .._checks import numbers_of
from .._registry import Configured, Registry

Shape = tuple[int, ...]
Array = npt.NDArray[np.float32]


class Initializer(Configured):
    """Base class: ``initializer(shape)`` returns an array; the same one on every call.

    One of your own defines ``__call__(shape)``, and get_config() if a model that uses it is to be saved.

    Example:
        >>> class Identity(Initializer):
        ...     def __call__(self, shape, dtype="float32"):
        ...         return np.eye(*shape, dtype=dtype)
        >>> from lamella.layers import Dense
        >>> Dense(3, kernel_initializer=Identity()).kernel_initializer((2, 3))
        array([[1., 0., 0.],
               [0., 1., 0.]], dtype=float32)
    """

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> npt.NDArray[Any]:
        """Start values of a weight.

        Args:
            shape: Shape of the weight.
            dtype: Their type, by default float32.
        """
        values = self._values(tuple(int(size) for size in shape))
        return values if dtype is None else values.astype(dtype, copy=False)

    def _values(self, shape: Shape) -> Array:
        raise NotImplementedError(f"{type(self).__name__} must define __call__(shape).")


class Function(Initializer):
    """Start values from a function ``f(shape)`` or ``f(shape, dtype)``."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        try:
            taken = inspect.signature(function)
        except ValueError:  # some builtins do not tell
            self._takes_dtype = False
            return
        self._takes_dtype = "dtype" in taken.parameters
        try:
            taken.bind((1,), **self._options())
        except TypeError:
            raise TypeError(
                f"An initializer must be a function of (shape) or (shape, dtype), got one of {taken}."
            ) from None

    def _options(self) -> dict[str, Any]:
        return {"dtype": "float32"} if self._takes_dtype else {}

    def _values(self, shape: Shape) -> Array:
        given = self._function(shape, **self._options())
        values = numbers_of(f"initializer {self._function!r}", "values", given).copy()
        if values.shape != shape:
            raise ValueError(
                f"The initializer {self._function!r} must give values of shape {shape}, got shape {values.shape}."
            )
        return values


FAMILY: Registry[Initializer] = Registry("initializer", Initializer, adapt=Function)
