"""Callbacks that change the learning rate between epochs."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable

from .._progress import write
from . import _checks
from .base import Callback, Logs
from .monitoring import MonitorCallback


class LearningRateScheduler(Callback):
    """Sets the learning rate of each epoch, and adds it to the logs as `learning_rate`.

    Args:
        schedule: Function ``f(epoch, learning_rate)`` or ``f(epoch)`` that returns the new rate; epochs count from 0.
        verbose: 1 prints the rate of each epoch.

    Raises:
        TypeError: If `schedule` is not such a function, or returns no number.
        ValueError: If `schedule` returns a rate that is negative or not finite.

    Example:
        >>> from types import SimpleNamespace
        >>> scheduler = LearningRateScheduler(lambda epoch, rate: rate if epoch < 10 else rate / 2)
        >>> scheduler.set_model(SimpleNamespace(optimizer=SimpleNamespace(learning_rate=0.1)))
        >>> scheduler.on_epoch_begin(10)
        >>> scheduler.model.optimizer.learning_rate
        0.05
    """

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        super().__init__()
        self.schedule = schedule
        self.verbose = _checks.integer("verbose", verbose)
        self._takes_rate = _takes_rate(schedule)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Asks the schedule, and sets the rate."""
        optimizer = self.model.optimizer
        rate = self.schedule(epoch, float(optimizer.learning_rate)) if self._takes_rate else self.schedule(epoch)
        rate = _checks.number("schedule(...)", rate, minimum=0.0)
        if math.isinf(rate):
            raise ValueError(f"`schedule` must return a finite learning rate, got {rate} for epoch {epoch}. Check it.")
        optimizer.learning_rate = rate
        if self.verbose:
            write(f"\nEpoch {epoch + 1}: LearningRateScheduler setting learning rate to {rate}.\n")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Adds the rate to the logs."""
        if logs is not None:
            logs["learning_rate"] = float(self.model.optimizer.learning_rate)


def _takes_rate(schedule: Callable[..., float]) -> bool:
    """Whether `schedule` is called as f(epoch, rate) rather than f(epoch)."""
    if not callable(schedule):
        raise TypeError(f"`schedule` must be a function, got {schedule!r}. Pass f(epoch, learning_rate) -> float.")
    try:
        signature = inspect.signature(schedule)
    except ValueError:  # some compiled functions do not tell
        return True
    for arguments in ((0, 0.0), (0,)):
        try:
            signature.bind(*arguments)
        except TypeError:
            continue
        return len(arguments) == 2
    raise TypeError(
        f"`schedule` must take (epoch, learning_rate) or (epoch), got a function of {signature}. "
        "Give the further arguments defaults, or bind them with functools.partial."
    )


class ReduceLROnPlateau(MonitorCallback):
    """Lowers the learning rate when a metric has stopped improving; adds the rate to the logs as `learning_rate`.

    Args:
        monitor: Key of `logs` to watch.
        factor: What the rate is multiplied with, between 0 and 1.
        patience: Epochs without improvement after which the rate is lowered.
        verbose: 1 prints a line when the rate is lowered.
        mode: ``"min"``, ``"max"`` or ``"auto"``.
        min_delta: Smallest change that counts as an improvement.
        cooldown: Epochs after a reduction in which no epoch counts as without improvement.
        min_lr: The rate never falls below this.

    Raises:
        TypeError: If an argument is of the wrong type.
        ValueError: If an argument is out of range, or `mode` is ``"auto"`` and the metric cannot tell.

    Example:
        >>> from types import SimpleNamespace
        >>> plateau = ReduceLROnPlateau(monitor="loss", factor=0.5, patience=1)
        >>> plateau.set_model(SimpleNamespace(optimizer=SimpleNamespace(learning_rate=0.1)))
        >>> plateau.on_train_begin()
        >>> for epoch, loss in enumerate([0.3, 0.3]):
        ...     plateau.on_epoch_end(epoch, {"loss": loss})
        >>> plateau.model.optimizer.learning_rate
        0.05
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        self.factor = _checks.number("factor", factor, minimum=0.0)
        if self.factor >= 1.0:
            raise ValueError(f"`factor` must be less than 1, got {self.factor}. Pass for example 0.1.")
        self.patience = _checks.integer("patience", patience)
        self.verbose = _checks.integer("verbose", verbose)
        self.cooldown = _checks.integer("cooldown", cooldown)
        self.min_lr = _checks.number("min_lr", min_lr, minimum=0.0)
        self._reset()

    def _reset(self) -> None:
        self.wait = 0
        self.cooldown_counter = 0
        self.best: float | None = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Forgets an earlier run."""
        super().on_train_begin(logs)
        self._reset()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Adds the rate of this epoch to the logs, compares, and lowers the rate when patience is at its end."""
        current = self.current_value(logs)
        if logs is not None:
            logs["learning_rate"] = float(self.model.optimizer.learning_rate)
        if current is None:
            return
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.wait = 0
        if self.is_improvement(current, self.best):
            self.best = current
            self.wait = 0
        elif self.cooldown_counter == 0:
            self.wait += 1
            if self.wait >= self.patience:
                self._reduce(epoch)

    def _reduce(self, epoch: int) -> None:
        old = float(self.model.optimizer.learning_rate)
        if old <= self.min_lr * (1 + 1e-6):  # an optimizer may keep its rate in single precision
            return
        new = max(old * self.factor, self.min_lr)
        self.model.optimizer.learning_rate = new
        if self.verbose:
            write(f"\nEpoch {epoch + 1}: ReduceLROnPlateau reducing learning rate to {new}.\n")
        self.cooldown_counter = self.cooldown
        self.wait = 0
