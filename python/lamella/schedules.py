"""Learning rate schedules: the size of a step, by its number from 0.

Formulas, names and defaults are those of Keras 3.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ._checks import flag, integer, real, several
from ._registry import Configured, Registry

__all__ = [
    "CosineDecay",
    "CosineDecayRestarts",
    "ExponentialDecay",
    "InverseTimeDecay",
    "LearningRateSchedule",
    "PiecewiseConstantDecay",
    "PolynomialDecay",
    "deserialize",
    "serialize",
]

Steps = npt.NDArray[np.float64]


class LearningRateSchedule(Configured):
    """Base class: ``schedule(step)`` is the learning rate of a step. One of your own defines that.

    Example:
        >>> class Halved(LearningRateSchedule):
        ...     def __call__(self, step): return 0.1 / 2**step
        >>> Halved().rates(0, 3)
        array([0.1  , 0.05 , 0.025], dtype=float32)
    """

    def __call__(self, step: int) -> float:
        """The learning rate of step number `step`, counted from 0."""
        raise NotImplementedError(f"{type(self).__name__} must define __call__(step).")

    def rates(self, first: int, count: int) -> npt.NDArray[np.float32]:
        """The learning rates of the steps first ... first + count - 1, ``(count,)``.

        Raises:
            ValueError: If one is not a finite number of at least 0.
        """
        name, steps = type(self).__name__, range(first, first + count)
        rates = [real(name, f"learning rate of step {step}", self(step), least=0) for step in steps]
        return np.array(rates, np.float32)


_FAMILY: Registry[LearningRateSchedule] = Registry(
    "learning rate schedule", LearningRateSchedule, "keras.optimizers.schedules"
)


class _Formula(LearningRateSchedule, ABC):
    """A schedule that computes many steps at once."""

    def __call__(self, step: int) -> float:
        return float(self._at(np.array([step], np.float64))[0])

    def rates(self, first: int, count: int) -> npt.NDArray[np.float32]:
        return self._at(np.arange(first, first + count, dtype=np.float64)).astype(np.float32)

    @abstractmethod
    def _at(self, steps: Steps) -> Steps:
        """The learning rates of these steps."""

    def _number(self, name: str, value: float, least: float = 0) -> float:
        return real(type(self).__name__, name, value, least=least)

    def _steps(self, name: str, value: float) -> float:
        """A positive number of steps; whole ones as int, as Keras writes them."""
        number = self._number(name, value)
        if number == 0:
            raise ValueError(f"{type(self).__name__} `{name}` must be positive, got {value!r}.")
        return int(number) if number.is_integer() else number


@_FAMILY.register()
class ExponentialDecay(_Formula):
    """``initial_learning_rate * decay_rate ** (step / decay_steps)``.

    Args:
        initial_learning_rate: Learning rate of step 0.
        decay_steps: After so many steps it is `decay_rate` times that.
        decay_rate: At least 0.
        staircase: Whether it changes only every `decay_steps` steps.
        name: Shown in configs.

    Raises:
        ValueError: If a number is negative or not finite, or `decay_steps` is 0.

    Example:
        >>> ExponentialDecay(0.1, 10, 0.5)(20)
        0.025
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str | None = "ExponentialDecay",
    ) -> None:
        self.initial_learning_rate = self._number("initial_learning_rate", initial_learning_rate)
        self.decay_steps = self._steps("decay_steps", decay_steps)
        self.decay_rate = self._number("decay_rate", decay_rate)
        self.staircase = flag(type(self).__name__, "staircase", staircase)
        self.name = name

    def _periods(self, steps: Steps) -> Steps:
        periods = steps / self.decay_steps
        return np.floor(periods) if self.staircase else periods

    def _at(self, steps: Steps) -> Steps:
        return self.initial_learning_rate * self.decay_rate ** self._periods(steps)


@_FAMILY.register()
class InverseTimeDecay(ExponentialDecay):
    """``initial_learning_rate / (1 + decay_rate * step / decay_steps)``.

    Args:
        initial_learning_rate: Learning rate of step 0.
        decay_steps: After so many steps it is divided by ``1 + decay_rate``.
        decay_rate: At least 0.
        staircase: Whether it changes only every `decay_steps` steps.
        name: Shown in configs.

    Raises:
        ValueError: If a number is negative or not finite, or `decay_steps` is 0.

    Example:
        >>> InverseTimeDecay(0.1, 10, 0.5)(20)
        0.05
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str | None = "InverseTimeDecay",
    ) -> None:
        super().__init__(initial_learning_rate, decay_steps, decay_rate, staircase, name)

    def _at(self, steps: Steps) -> Steps:
        return self.initial_learning_rate / (1 + self.decay_rate * self._periods(steps))


@_FAMILY.register()
class PiecewiseConstantDecay(_Formula):
    """``values[i]`` up to and including step ``boundaries[i]``, then the next; the last one for ever.

    Args:
        boundaries: Increasing step numbers.
        values: Learning rates, one more than boundaries.
        name: Shown in configs.

    Raises:
        ValueError: If lengths do not fit, boundaries do not increase, or a number is negative or not finite.

    Example:
        >>> schedule = PiecewiseConstantDecay([2, 8], [1.0, 0.5, 0.1])
        >>> schedule(2), schedule(3), schedule(9)
        (1.0, 0.5, 0.1)
    """

    def __init__(
        self, boundaries: Sequence[float], values: Sequence[float], name: str | None = "PiecewiseConstant"
    ) -> None:
        ends = several("PiecewiseConstantDecay", "boundaries", boundaries, "numbers")
        self.boundaries = [self._number("boundaries", boundary) for boundary in ends]
        rates = several("PiecewiseConstantDecay", "values", values, "numbers")
        self.values = [self._number("values", value) for value in rates]
        self.name = name
        if len(self.values) != len(self.boundaries) + 1:
            raise ValueError(
                f"PiecewiseConstantDecay `values` must be one more than `boundaries`, got {len(self.values)} values "
                f"for {len(self.boundaries)} boundaries."
            )
        if any(a >= b for a, b in zip(self.boundaries, self.boundaries[1:], strict=False)):
            raise ValueError(f"PiecewiseConstantDecay `boundaries` must increase, got {boundaries!r}.")

    def _at(self, steps: Steps) -> Steps:
        return np.array(self.values)[np.searchsorted(self.boundaries, steps)]


@_FAMILY.register()
class PolynomialDecay(_Formula):
    """``(initial - end) * (1 - step / decay_steps) ** power + end``, from `decay_steps` on `end_learning_rate`.

    Args:
        initial_learning_rate: Learning rate of step 0.
        decay_steps: After so many steps it is `end_learning_rate`.
        end_learning_rate: At least 0.
        power: At least 0; 1 is a straight line.
        cycle: Whether it starts again, with ``decay_steps * ceil(step / decay_steps)`` for `decay_steps`.
        name: Shown in configs.

    Raises:
        ValueError: If a number is negative or not finite, or `decay_steps` is 0.

    Example:
        >>> round(PolynomialDecay(0.1, 10, end_learning_rate=0.0)(5), 6)
        0.05
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        name: str | None = "PolynomialDecay",
    ) -> None:
        self.initial_learning_rate = self._number("initial_learning_rate", initial_learning_rate)
        self.decay_steps = self._steps("decay_steps", decay_steps)
        self.end_learning_rate = self._number("end_learning_rate", end_learning_rate)
        self.power = self._number("power", power)
        self.cycle = flag("PolynomialDecay", "cycle", cycle)
        self.name = name

    def _at(self, steps: Steps) -> Steps:
        periods = steps / self.decay_steps
        done = periods / np.maximum(1, np.ceil(periods)) if self.cycle else np.minimum(periods, 1)
        end = self.end_learning_rate
        return (self.initial_learning_rate - end) * (1 - done) ** self.power + end


def _cosine(done: Steps) -> Steps:
    """From 1 at 0 to 0 at 1."""
    return 0.5 * (1 + np.cos(math.pi * done))


@_FAMILY.register()
class CosineDecay(_Formula):
    """``initial * ((1 - alpha) * (1 + cos(pi * step / decay_steps)) / 2 + alpha)``, constant from `decay_steps` on.

    With `warmup_target` the rate first rises in a line from `initial_learning_rate` to it, and decays from there.

    Args:
        initial_learning_rate: Learning rate of step 0.
        decay_steps: Steps from the top to the end.
        alpha: The end, as a share of the top.
        name: Shown in configs.
        warmup_target: The top, or None: then it is `initial_learning_rate`.
        warmup_steps: Steps until the top.

    Raises:
        ValueError: If a number is negative or not finite, or `decay_steps` is 0.

    Source:
        Loshchilov & Hutter 2017, https://arxiv.org/abs/1608.03983

    Example:
        >>> schedule = CosineDecay(0.0, 10, warmup_target=0.1, warmup_steps=5)
        >>> [round(schedule(step), 3) for step in (0, 1, 5, 10, 15)]
        [0.0, 0.02, 0.1, 0.05, 0.0]
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        alpha: float = 0.0,
        name: str | None = "CosineDecay",
        warmup_target: float | None = None,
        warmup_steps: int = 0,
    ) -> None:
        self.initial_learning_rate = self._number("initial_learning_rate", initial_learning_rate)
        self.decay_steps = self._steps("decay_steps", decay_steps)
        self.alpha = self._number("alpha", alpha)
        self.name = name
        self.warmup_target = None if warmup_target is None else self._number("warmup_target", warmup_target)
        self.warmup_steps = integer("CosineDecay", "warmup_steps", warmup_steps, least=0)

    def _at(self, steps: Steps) -> Steps:
        first, top, warmup = self.initial_learning_rate, self.warmup_target, self.warmup_steps
        if top is None:
            top, warmup = first, 0
        done = np.clip((steps - warmup) / self.decay_steps, 0, 1)
        decayed = top * ((1 - self.alpha) * _cosine(done) + self.alpha)
        return np.where(steps < warmup, first + (top - first) * steps / max(1, warmup), decayed)


@_FAMILY.register()
class CosineDecayRestarts(_Formula):
    """CosineDecay again and again: period i has length ``first_decay_steps * t_mul**i`` and height ``m_mul**i``.

    Args:
        initial_learning_rate: Learning rate of step 0.
        first_decay_steps: Length of the first period.
        t_mul: Each period is so many times longer than the one before; at least 1.
        m_mul: Each period starts with so many times the learning rate of the one before.
        alpha: The end of a period, as a share of `initial_learning_rate`.
        name: Shown in configs.

    Raises:
        ValueError: If a number is negative or not finite, `first_decay_steps` is 0 or `t_mul` less than 1.

    Source:
        Loshchilov & Hutter 2017, https://arxiv.org/abs/1608.03983

    Example:
        >>> schedule = CosineDecayRestarts(0.1, 4)
        >>> [round(schedule(step), 3) for step in (0, 2, 4, 8, 12)]
        [0.1, 0.05, 0.1, 0.05, 0.1]
    """

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: float,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
        name: str | None = "SGDRDecay",
    ) -> None:
        self.initial_learning_rate = self._number("initial_learning_rate", initial_learning_rate)
        self.first_decay_steps = self._steps("first_decay_steps", first_decay_steps)
        self.t_mul = self._number("t_mul", t_mul, least=1)
        self.m_mul = self._number("m_mul", m_mul)
        self.alpha = self._number("alpha", alpha)
        self.name = name

    def _at(self, steps: Steps) -> Steps:
        # In units of the first period; the tiny share makes a step that is a start one, whatever was rounded.
        time = steps / self.first_decay_steps * (1 + 1e-12)
        period = np.floor(time)
        if self.t_mul > 1:
            period = np.floor(np.log1p(time * (self.t_mul - 1)) / math.log(self.t_mul))
            period += time >= self._start(period + 1)
            period -= time < self._start(period)
        done = np.clip((time - self._start(period)) / self.t_mul**period, 0, 1)
        height = (1 - self.alpha) * self.m_mul**period
        return self.initial_learning_rate * (height * _cosine(done) + self.alpha)

    def _start(self, period: Steps) -> Steps:
        """Where a period begins."""
        return (self.t_mul**period - 1) / (self.t_mul - 1) if self.t_mul > 1 else period


def serialize(learning_rate_schedule: LearningRateSchedule) -> dict[str, Any]:
    """The dictionary that Keras writes for a schedule.

    Example:
        >>> serialize(ExponentialDecay(0.1, 10, 0.5))["class_name"]
        'ExponentialDecay'
    """
    return _FAMILY.serialize(learning_rate_schedule)


def deserialize(config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None) -> LearningRateSchedule:
    """The schedule that serialize() described, with or without ``module`` and ``registered_name``.

    Args:
        config: ``{"class_name": ..., "config": {...}}``
        custom_objects: Classes of your own by name.

    Raises:
        ValueError: If the class or one of its settings is unknown.

    Example:
        >>> deserialize(serialize(PolynomialDecay(0.1, 10)))(0)
        0.1
    """
    return _FAMILY.deserialize(config, custom_objects)
