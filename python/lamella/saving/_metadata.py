"""What a model's `metadata` may hold: what a file gives back as it was."""

from __future__ import annotations

import math
from typing import Any

_DEEPEST = 50
_LARGEST = 10**300  # of an int


def checked(value: Any) -> dict[str, Any] | None:
    """`value` itself, if files can hold it.

    Raises:
        TypeError: If it is no dictionary, or holds what JSON has not.
        ValueError: If it holds NaN, an infinite number, or is nested too deep.

    Example:
        >>> checked({"classes": ["cat", "dog"]})
        {'classes': ['cat', 'dog']}
    """
    if value is not None and not isinstance(value, dict):
        raise TypeError(f"`metadata` must be a dictionary or None, got {value!r} of type {type(value).__name__}.")
    if value is not None:
        _check(value, "metadata", 0)
    return value


def _check(value: Any, place: str, depth: int) -> None:
    if depth > _DEEPEST:
        raise ValueError(f"`metadata` must be nested at most {_DEEPEST} deep.")
    if isinstance(value, dict):
        for key, each in value.items():
            if not isinstance(key, str):
                raise TypeError(f"`{place}` must have texts as keys, got {key!r} of type {type(key).__name__}.")
            _check(each, f"{place}[{key!r}]", depth + 1)
    elif isinstance(value, (list, tuple)):
        for index, each in enumerate(value):
            _check(each, f"{place}[{index}]", depth + 1)
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"`{place}` must be a finite number, got {value!r}; None may stand for it.")
    elif isinstance(value, int):
        if abs(value) > _LARGEST:
            raise ValueError(f"`{place}` must be a number between -1e300 and 1e300.")
    elif value is not None and not isinstance(value, str):
        way = "; take its tolist()" if hasattr(value, "tolist") else ""
        raise TypeError(
            f"`{place}` must be a text, a number, True, False, None, a list or a dictionary, as files hold no others; "
            f"got {value!r} of type {type(value).__name__}{way}."
        )
