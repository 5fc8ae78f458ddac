"""Learning rates: a number, a schedule, or a function without arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import schedules
from .._checks import real

if TYPE_CHECKING:
    from .base import Optimizer


class Rate(float):
    """The rate of an optimizer: a float with Keras' ``assign``.

    Args:
        value: The rate.
        optimizer: Whose rate it is.
    """

    __slots__ = ("_optimizer",)
    _optimizer: Optimizer

    def __new__(cls, value: float, optimizer: Optimizer) -> Rate:
        rate = super().__new__(cls, value)
        rate._optimizer = optimizer
        return rate

    def assign(self, value: Any) -> None:
        """Sets the optimizer's learning rate."""
        self._optimizer.learning_rate = value

    def __reduce__(self) -> tuple[type[float], tuple[float]]:
        return float, (float(self),)


def is_schedule(value: Any) -> bool:
    """Whether `value` computes rates from step numbers."""
    return callable(getattr(value, "rates", None))


def checked_rate(owner: str, value: Any) -> Any:
    """A float of at least 0, a schedule or its config as a schedule, or a function without arguments.

    Raises:
        ValueError: If it is none of these.
    """
    if isinstance(value, dict) and "class_name" in value:
        value = schedules.deserialize(value)
    if is_schedule(value) or (callable(value) and not isinstance(value, type)):
        return value
    return real(owner, "learning_rate", value, least=0)
