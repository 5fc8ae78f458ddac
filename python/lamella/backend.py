"""What old programs call through ``keras.backend``."""

from __future__ import annotations

from .layers.base import reset_names

__all__ = ["clear_session", "epsilon", "floatx"]


def clear_session() -> None:
    """Starts automatic names again: ``dense``, ``dense_1``, ... There is no other global state to free.

    Example:
        >>> clear_session()
    """
    reset_names()


def floatx() -> str:
    """The type that everything is computed in.

    Example:
        >>> floatx()
        'float32'
    """
    return "float32"


def epsilon() -> float:
    """The small number that losses clip probabilities by.

    Example:
        >>> epsilon()
        1e-07
    """
    return 1e-7
