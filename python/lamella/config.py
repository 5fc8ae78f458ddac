"""Settings of Keras that have one value here, because the compiled core is made for it."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = [
    "backend",
    "epsilon",
    "floatx",
    "image_data_format",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
]


def backend() -> str:
    """What computes.

    Example:
        >>> backend()
        'lamella'
    """
    return "lamella"


def floatx() -> str:
    """The type that everything is computed in.

    Example:
        >>> floatx()
        'float32'
    """
    return "float32"


def set_floatx(value: str) -> None:
    """Accepts ``"float32"``, the only type there is.

    Raises:
        ValueError: If `value` is anything else.

    Example:
        >>> set_floatx("float32")
    """
    if value != "float32":
        raise ValueError(
            f'set_floatx `value` must be "float32", the only type of the compiled core, got {value!r}. '
            "Leave the call out; data of other types are converted."
        )


def epsilon() -> float:
    """The small number that losses clip probabilities by.

    Example:
        >>> epsilon()
        1e-07
    """
    return 1e-7


def set_epsilon(value: float) -> None:
    """Accepts 1e-7, which is compiled in.

    Raises:
        ValueError: If `value` is anything else.

    Example:
        >>> set_epsilon(1e-7)
    """
    number: Any = value
    if isinstance(number, (bool, str)) or not hasattr(number, "__float__") or np.float32(number) != np.float32(1e-7):
        raise ValueError(
            f"set_epsilon `value` must be 1e-7, which is compiled in, got {value!r}. "
            "Leave the call out; optimizers have an `epsilon` of their own."
        )


def image_data_format() -> str:
    """The order of axes of pictures: colours last.

    Example:
        >>> image_data_format()
        'channels_last'
    """
    return "channels_last"


def set_image_data_format(data_format: str) -> None:
    """Accepts ``"channels_last"``.

    Raises:
        ValueError: If `data_format` is anything else.

    Example:
        >>> set_image_data_format("channels_last")
    """
    if str(data_format).lower() != "channels_last":
        raise ValueError(
            f'set_image_data_format `data_format` must be "channels_last", got {data_format!r}. '
            "Leave the call out, and move the axis with numpy.moveaxis(x, 1, -1)."
        )
