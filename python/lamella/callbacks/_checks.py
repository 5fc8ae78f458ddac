"""Checks of constructor arguments, with messages that say what to pass instead."""

from __future__ import annotations

import math
import numbers
import operator
from typing import Any


def integer(name: str, value: Any, *, minimum: int = 0) -> int:
    """Returns `value` as an int of at least `minimum`.

    Raises:
        TypeError: If it is not a whole number.
        ValueError: If it is too small.
    """
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None and isinstance(value, numbers.Real) and float(value).is_integer():
        number = int(float(value))
    if number is None:
        raise TypeError(f"`{name}` must be an integer, got {value!r}. Pass a whole number of at least {minimum}.")
    if number < minimum:
        raise ValueError(f"`{name}` must be at least {minimum}, got {number}. Pass a larger number.")
    return number


def number(name: str, value: Any, *, minimum: float | None = None) -> float:
    """Returns `value` as a float that is not NaN, and at least `minimum` when one is given.

    Raises:
        TypeError: If it is not a number.
        ValueError: If it is NaN or too small.
    """
    scalar = value.item() if getattr(value, "shape", None) == () else value
    if not isinstance(scalar, numbers.Real) or isinstance(scalar, bool):
        raise TypeError(f"`{name}` must be a number, got {value!r} of type {type(value).__name__}. Pass a float.")
    result = float(scalar)
    if math.isnan(result):
        raise ValueError(f"`{name}` must be a number, got NaN. Pass a finite float.")
    if minimum is not None and result < minimum:
        raise ValueError(f"`{name}` must be at least {minimum}, got {result}. Pass a larger number.")
    return result
