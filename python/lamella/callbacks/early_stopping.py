"""Stopping when nothing gets better any more."""

from __future__ import annotations

from typing import Any

from .._progress import write
from . import _checks
from .base import Logs
from .monitoring import MonitorCallback


class EarlyStopping(MonitorCallback):
    """Stops training when a metric has not improved for a number of epochs.

    Args:
        monitor: Key of `logs` to watch.
        min_delta: Smallest change that counts as an improvement.
        patience: Epochs without improvement after which training stops.
        verbose: 1 prints a line when the callback acts.
        mode: ``"min"``, ``"max"`` or ``"auto"``.
        baseline: Value that an epoch must beat to restart the patience.
        restore_best_weights: Whether the model gets the weights of its best epoch back when training ends, stopped
            early or not.
        start_from_epoch: Epochs at the beginning that are not watched.

    Raises:
        TypeError: If an argument is of the wrong type.
        ValueError: If an argument is out of range, or `mode` is ``"auto"`` and the metric cannot tell.

    Attributes:
        best: Best value so far.
        best_epoch: Its epoch, from 0.
        stopped_epoch: The epoch that stopped training, 0 when none did.

    Example:
        >>> from types import SimpleNamespace
        >>> stopping = EarlyStopping(monitor="loss", patience=2, verbose=1)
        >>> stopping.set_model(SimpleNamespace(stop_training=False))
        >>> stopping.on_train_begin()
        >>> for epoch, loss in enumerate([0.5, 0.6, 0.7]):
        ...     stopping.on_epoch_end(epoch, {"loss": loss})
        >>> stopping.model.stop_training
        True
        >>> stopping.on_train_end()
        Epoch 3: early stopping
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        self.patience = _checks.integer("patience", patience)
        self.verbose = _checks.integer("verbose", verbose)
        self.baseline = None if baseline is None else _checks.number("baseline", baseline)
        self.restore_best_weights = bool(restore_best_weights)
        self.start_from_epoch = _checks.integer("start_from_epoch", start_from_epoch)
        self._reset()

    def _reset(self) -> None:
        self.wait = 0
        self.best: float | None = None
        self.best_epoch = 0
        self.best_weights: list[Any] | None = None
        self.stopped_epoch = 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Forgets an earlier run."""
        super().on_train_begin(logs)
        self._reset()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Compares, and stops when patience is at its end."""
        current = self.current_value(logs)
        if current is None or epoch < self.start_from_epoch:
            return
        self.wait += 1
        if self.is_improvement(current, self.best):
            self.best, self.best_epoch = current, epoch
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
            if self.baseline is None or self.is_improvement(current, self.baseline):
                self.wait = 0
        elif self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Gives the model its best weights back if asked to."""
        if self.stopped_epoch > 0 and self.verbose:
            write(f"Epoch {self.stopped_epoch + 1}: early stopping\n")
        if self.best_weights is not None:
            if self.verbose:
                write(f"Restoring model weights from the end of the best epoch: {self.best_epoch + 1}.\n")
            self.model.set_weights(self.best_weights)
