"""Optimizers: `step(weights, grads)` changes the weights in place, in the order of operations that Keras has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from .schedules import SCHEDULES

Array = NDArray[np.float64]


@dataclass(kw_only=True)
class Optimizer:
    learning_rate: float | Callable[[int], float] = 0.001
    weight_decay: float | None = None
    clipnorm: float | None = None
    clipvalue: float | None = None
    global_clipnorm: float | None = None
    use_ema: bool = False
    ema_momentum: float = 0.99
    ema_overwrite_frequency: int | None = None
    gradient_accumulation_steps: int | None = None

    # Groups of slot names; within a group the slots of one weight stand together.
    slots: ClassVar[tuple[tuple[str, ...], ...]] = ()

    def __post_init__(self) -> None:
        self.learning_rate = SCHEDULES.make(self.learning_rate)
        self.calls = 0
        self.state: list[dict[str, Array]] = []
        self.averages: list[Array] = []
        self.accumulated: list[Array] = []

    # What an update rule supplies.

    def slot_groups(self) -> tuple[tuple[str, ...], ...]:
        return self.slots

    def start(self, slot: str) -> float:
        """The value with which a slot begins."""
        return 0.0

    def begin_step(self, t: int) -> None:
        """Work that is done once per step, not once per weight."""

    def update(self, w: Array, g: Array, rate: float, t: int, slots: dict[str, Array]) -> None:
        """Changes w and its slots in place; t counts the updates from 1."""
        raise NotImplementedError

    # The step.

    @property
    def iterations(self) -> int:
        """Updates so far."""
        return self.calls // (self.gradient_accumulation_steps or 1)

    def rate(self) -> float:
        return self.learning_rate(self.calls) if callable(self.learning_rate) else self.learning_rate

    def build(self, weights: Sequence[Array]) -> None:
        names = [name for group in self.slot_groups() for name in group]
        self.state = [{name: np.full(w.shape, self.start(name)) for name in names} for w in weights]
        self.averages = [np.zeros(w.shape) for w in weights]
        self.accumulated = [np.zeros(w.shape) for w in weights]

    def step(self, weights: Sequence[Array], grads: Sequence[Array]) -> None:
        if len(self.state) != len(weights):
            self.build(weights)
        grads = [np.asarray(g, np.float64) for g in grads]
        if self.gradient_accumulation_steps:
            for total, g in zip(self.accumulated, grads, strict=True):
                total += g
            if (self.calls + 1) % self.gradient_accumulation_steps == 0:
                self.apply(weights, [total / self.gradient_accumulation_steps for total in self.accumulated])
                for total in self.accumulated:
                    total[...] = 0
        else:
            self.apply(weights, grads)
        if self.use_ema:
            self.average(weights)
        self.calls += 1

    def apply(self, weights: Sequence[Array], grads: Sequence[Array]) -> None:
        rate, t = self.rate(), self.iterations + 1
        grads = self.clipped(grads)
        self.begin_step(t)
        for w, g, slots in zip(weights, grads, self.state, strict=True):
            if self.weight_decay:
                w -= rate * self.weight_decay * w
            self.update(w, g, rate, t, slots)

    def clipped(self, grads: Sequence[Array]) -> list[Array]:
        if self.clipnorm:
            return [g * self.clipnorm / max(np.sqrt((g**2).sum()), self.clipnorm) for g in grads]
        if self.global_clipnorm:
            norm = np.sqrt(sum((g**2).sum() for g in grads))
            return [g * self.global_clipnorm / max(norm, self.global_clipnorm) for g in grads]
        if self.clipvalue:
            return [np.clip(g, -self.clipvalue, self.clipvalue) for g in grads]
        return list(grads)

    def average(self, weights: Sequence[Array]) -> None:
        momentum = self.ema_momentum if self.iterations else 0.0
        for mean, w in zip(self.averages, weights, strict=True):
            mean[...] = momentum * mean + (1 - momentum) * w
        if self.ema_overwrite_frequency and (self.iterations + 1) % self.ema_overwrite_frequency == 0:
            self.finalize(weights)

    def finalize(self, weights: Sequence[Array]) -> None:
        """With an average, the weights become it; `fit` does so at its end."""
        if self.use_ema:
            for mean, w in zip(self.averages, weights, strict=True):
                w[...] = mean

    def variables(self) -> list[Any]:
        """Everything the optimizer remembers, in the order of Keras."""
        found: list[Any] = [self.calls]
        if not callable(self.learning_rate):
            found.append(self.learning_rate)
        found += self.averages if self.use_ema else []
        found += self.accumulated if self.gradient_accumulation_steps else []
        for group in self.slot_groups():
            found += [slots[name] for slots in self.state for name in group]
        return found


def ema(mean: Array, value: Array, keep: float) -> None:
    """mean <- keep * mean + (1 - keep) * value, in place."""
    mean[...] = keep * mean + (1 - keep) * value
