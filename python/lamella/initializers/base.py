"""What all initializers have in common, and their family."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

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
            self._takes_dtype = "dtype" in inspect.signature(function).parameters
        except ValueError:  # some builtins do not tell
            self._takes_dtype = False

    def _values(self, shape: Shape) -> Array:
        options = {"dtype": "float32"} if self._takes_dtype else {}
        values = np.array(self._function(shape, **options), np.float32)
        if values.shape != shape:
            raise ValueError(
                f"The initializer {self._function!r} must give values of shape {shape}, got shape {values.shape}."
            )
        return values


FAMILY: Registry[Initializer] = Registry("initializer", Initializer, adapt=Function)
