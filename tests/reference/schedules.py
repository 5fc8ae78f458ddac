"""Learning rate schedules: step (from 0) -> learning rate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from .family import Family


@dataclass
class ExponentialDecay:
    initial_learning_rate: float
    decay_steps: float
    decay_rate: float
    staircase: bool = False

    def __call__(self, step: int) -> float:
        periods = step / self.decay_steps
        return self.initial_learning_rate * self.decay_rate ** (math.floor(periods) if self.staircase else periods)


@dataclass
class PiecewiseConstantDecay:
    """values[i] up to and including step boundaries[i]."""

    boundaries: Sequence[int]
    values: Sequence[float]

    def __call__(self, step: int) -> float:
        return self.values[sum(step > boundary for boundary in self.boundaries)]


@dataclass
class PolynomialDecay:
    initial_learning_rate: float
    decay_steps: float
    end_learning_rate: float = 1e-4
    power: float = 1.0
    cycle: bool = False

    def __call__(self, step: int) -> float:
        if self.cycle:
            decay_steps = self.decay_steps * max(1, math.ceil(step / self.decay_steps))
        else:
            decay_steps, step = self.decay_steps, min(step, self.decay_steps)
        left = (1 - step / decay_steps) ** self.power
        return (self.initial_learning_rate - self.end_learning_rate) * left + self.end_learning_rate


@dataclass
class InverseTimeDecay:
    initial_learning_rate: float
    decay_steps: float
    decay_rate: float
    staircase: bool = False

    def __call__(self, step: int) -> float:
        periods = step / self.decay_steps
        return self.initial_learning_rate / (1 + self.decay_rate * (math.floor(periods) if self.staircase else periods))


def cosine(fraction: float) -> float:
    """From 1 at fraction 0 to 0 at fraction 1."""
    return (1 + math.cos(math.pi * fraction)) / 2


@dataclass
class CosineDecay:
    initial_learning_rate: float
    decay_steps: float
    alpha: float = 0.0
    warmup_target: float | None = None
    warmup_steps: int = 0

    def __call__(self, step: int) -> float:
        top = self.initial_learning_rate
        if self.warmup_target is not None:
            if step < self.warmup_steps:
                return top + (self.warmup_target - top) * step / self.warmup_steps
            top, step = self.warmup_target, step - self.warmup_steps
        return top * ((1 - self.alpha) * cosine(min(step / self.decay_steps, 1)) + self.alpha)


@dataclass
class CosineDecayRestarts:
    """Period i has length first_decay_steps * t_mul**i and height m_mul**i."""

    initial_learning_rate: float
    first_decay_steps: float
    t_mul: float = 2.0
    m_mul: float = 1.0
    alpha: float = 0.0

    def __call__(self, step: float) -> float:
        length, height = self.first_decay_steps, 1.0
        while step >= length:
            step, length, height = step - length, length * self.t_mul, height * self.m_mul
        return self.initial_learning_rate * ((1 - self.alpha) * height * cosine(step / length) + self.alpha)


SCHEDULES = Family.of(
    ExponentialDecay, PiecewiseConstantDecay, PolynomialDecay, InverseTimeDecay, CosineDecay, CosineDecayRestarts
)


def schedule(name: str, step: int, **params: float) -> float:
    return SCHEDULES[name](**params)(step)
