"""What programs call through ``keras.backend``."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from .config import (
    backend,
    epsilon,
    floatx,
    image_data_format,
    set_epsilon,
    set_floatx,
    set_image_data_format,
)
from .layers.base import reset_names

__all__ = [
    "backend",
    "clear_session",
    "epsilon",
    "floatx",
    "get_uid",
    "image_data_format",
    "is_float_dtype",
    "is_int_dtype",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
]

_uids: Counter[str] = Counter()


def clear_session(free_memory: bool = True) -> None:
    """Starts automatic names and `get_uid` again: ``dense``, ``dense_1``, ... There is no other global state to free.

    Args:
        free_memory: Accepted for Keras' sake; memory goes with the last reference to a model.

    Example:
        >>> clear_session()
    """
    reset_names()
    _uids.clear()


def get_uid(prefix: str = "") -> int:
    """Counts the calls with each `prefix`, from 1.

    Example:
        >>> get_uid("mine"), get_uid("mine"), get_uid("yours")
        (1, 2, 1)
    """
    if not isinstance(prefix, str):
        raise TypeError(f"get_uid `prefix` must be a str, got {prefix!r}.")
    _uids[prefix] += 1
    return _uids[prefix]


def is_float_dtype(dtype: Any) -> bool:
    """Whether a type is a floating one; None means `floatx()`.

    Raises:
        ValueError: If it is no type.

    Example:
        >>> is_float_dtype("float32"), is_float_dtype("int32")
        (True, False)
    """
    return _kind(dtype) == "f"


def is_int_dtype(dtype: Any) -> bool:
    """Whether a type is a whole number, with or without sign; None means `floatx()`.

    Raises:
        ValueError: If it is no type.

    Example:
        >>> is_int_dtype("uint8"), is_int_dtype("bool")
        (True, False)
    """
    return _kind(dtype) in "iu"


def _kind(dtype: Any) -> str:
    if dtype == "bfloat16":  # which NumPy has not heard of
        return "f"
    try:
        return np.dtype(floatx() if dtype is None else dtype).kind
    except TypeError:
        raise ValueError(f'`dtype` must be a type such as "float32", got {dtype!r}.') from None
