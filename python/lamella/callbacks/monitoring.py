"""What callbacks that watch one metric share: which way is better, and is this better."""

from __future__ import annotations

import math
import warnings
from typing import Any

from . import _checks
from ._aliases import aliases, find_key
from .base import Callback, Logs

_MODES = ("auto", "min", "max")


class MonitorCallback(Callback):
    """Base of the callbacks that watch one metric.

    Args:
        monitor: Key of `logs` to watch. The other name of a metric works too (`val_acc` for `val_accuracy`).
        mode: ``"min"`` when smaller is better, ``"max"`` when larger is, ``"auto"`` to ask the metric.
        min_delta: Smallest change that counts as an improvement; its sign is ignored.

    Raises:
        TypeError: If `monitor` is not a string, or `min_delta` not a number.
        ValueError: If `mode` is none of the three, or, when training begins, if ``"auto"`` cannot tell.

    Example:
        >>> watcher = MonitorCallback("val_loss", min_delta=0.1)
        >>> watcher.is_improvement(0.5, best=0.7), watcher.is_improvement(0.65, best=0.7)
        (True, False)
    """

    def __init__(self, monitor: str = "val_loss", mode: str = "auto", min_delta: float = 0.0) -> None:
        super().__init__()
        if not isinstance(monitor, str):
            raise TypeError(f'`monitor` must be a string, got {monitor!r}. Pass a key of the logs such as "val_loss".')
        if mode not in _MODES:
            raise ValueError(f'`mode` must be "auto", "min" or "max", got {mode!r}. Pass one of these three.')
        self.monitor = monitor
        self.mode = mode
        self.min_delta = abs(_checks.number("min_delta", min_delta))
        self._direction: str | None = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Finds out which way is better, before any time is spent."""
        self._direction = self._find_direction()

    @property
    def direction(self) -> str:
        """``"min"`` or ``"max"``: which values of the metric are better."""
        if self._direction is None:
            self._direction = self._find_direction()
        return self._direction

    def current_value(self, logs: Logs | None) -> float | None:
        """The metric of this epoch; None, with a warning that lists what there is, when it is not among `logs`."""
        logs = logs or {}
        key = find_key(self.monitor, logs)
        if key is not None:
            return float(logs[key])
        warnings.warn(
            f"{type(self).__name__} has nothing to do: its `monitor` {self.monitor!r} is not among the metrics of "
            f"this epoch. Available are: {', '.join(logs) or 'none'}."
            + (" Give fit() `validation_data` or `validation_split`." if self.monitor.startswith("val_") else ""),
            stacklevel=2,
        )
        return None

    def is_improvement(self, value: float, best: float | None) -> bool:
        """Whether `value` beats `best` by more than `min_delta`; any value beats None, any number beats NaN."""
        if best is None or (math.isnan(best) and not math.isnan(value)):
            return True
        return value + self.min_delta < best if self.direction == "min" else value - self.min_delta > best

    def _find_direction(self) -> str:
        if self.mode != "auto":
            return self.mode
        name = self.monitor.removeprefix("val_")
        if name == "loss":
            return "min"
        ask: Any = getattr(self.model, "_metric_direction", lambda name: None)
        for candidate in (name, *aliases(name)):
            direction = ask(candidate)
            if direction is not None:
                return str(direction)
        raise ValueError(
            f'`mode` of {type(self).__name__} must be "min" or "max" for `monitor` {self.monitor!r}, got "auto": the '
            'model has no metric of this name that tells which way is better. Pass mode="min" if smaller is better, '
            'mode="max" if larger is, or check the spelling.'
        )
