"""Saving the model during training."""

from __future__ import annotations

import os
import string
from abc import ABC, abstractmethod
from typing import Any

from .._checks import file_path
from .._progress import write
from . import _checks
from .base import Callback, Logs
from .monitoring import MonitorCallback

_WEIGHTS = (".weights.h5", ".safetensors", ".npz")
_WHOLE = (".keras", ".safetensors")


class _Saving(Callback, ABC):
    """When to save: after each epoch, or every so many batches."""

    first_rank_only = True

    save_freq: Any

    def _set_frequency(self, save_freq: Any) -> None:
        self.save_freq = save_freq if save_freq == "epoch" else _checks.integer("save_freq", save_freq, minimum=1)
        self._epoch = self._batches = 0
        if save_freq != "epoch":  # a method of the object: only then does anyone watch batches
            self.on_train_batch_end = self._count  # type: ignore[method-assign]

    def _count(self, batch: int, logs: Logs | None = None) -> None:
        self._batches += 1
        if self._batches >= self.save_freq:
            self._batches = 0
            self._save(batch, logs)

    @abstractmethod
    def _save(self, batch: int | None, logs: Logs | None) -> None:
        """Writes the file."""


class ModelCheckpoint(MonitorCallback, _Saving):
    """Saves the model, or its weights, after each epoch or every so many batches.

    Args:
        filepath: ``*.keras`` or ``*.safetensors``; for weights only ``*.weights.h5``, ``*.safetensors`` or ``*.npz``.
            ``{epoch}``, from 1, ``{batch}`` and the metrics are filled in: ``"{epoch:02d}-{val_loss:.2f}.keras"``.
        monitor: Key of `logs` to watch.
        verbose: 1 prints a line when it saves.
        save_best_only: Whether to save only where the metric has improved.
        save_weights_only: Whether to save weights only.
        mode: ``"min"``, ``"max"`` or ``"auto"``.
        save_freq: ``"epoch"``, or a number of batches.
        initial_value_threshold: What the first value must beat to count as an improvement.

    Raises:
        ValueError: If `filepath` ends otherwise or an argument is out of range; in training, if `filepath` names what
            `logs` does not have.
        TypeError: If an argument is of the wrong type.

    Example:
        >>> ModelCheckpoint("best.keras", monitor="val_accuracy", mode="max", save_best_only=True).save_freq
        'epoch'
    """

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
        initial_value_threshold: float | None = None,
    ) -> None:
        super().__init__(monitor, mode)
        self._set_frequency(save_freq)
        file_path("filepath", filepath)
        self.filepath = os.fspath(filepath)
        endings = _WEIGHTS if save_weights_only else _WHOLE
        if not self.filepath.endswith(endings):
            kind = "save_weights_only=True" if save_weights_only else "whole models"
            raise ValueError(f"`filepath` must end in {' or '.join(endings)} for {kind}, got {self.filepath!r}.")
        try:
            [*string.Formatter().parse(self.filepath)]
        except ValueError as error:
            raise ValueError(
                f"`filepath` {self.filepath!r} is no pattern such as '{{epoch}}.keras': {error}."
            ) from None
        self.verbose = _checks.integer("verbose", verbose)
        self.save_best_only, self.save_weights_only = bool(save_best_only), bool(save_weights_only)
        threshold = initial_value_threshold
        self.best = None if threshold is None else _checks.number("initial_value_threshold", threshold)

    def _find_direction(self) -> str:
        return super()._find_direction() if self.save_best_only else "min"

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Notes the epoch."""
        self._epoch = epoch

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Saves, where that is asked for."""
        if self.save_freq == "epoch":
            self._save(None, logs)

    def _save(self, batch: int | None, logs: Logs | None) -> None:
        path, text = self._path(batch, logs or {}), ""
        if self.save_best_only:
            current = self.current_value(logs)
            if current is None:
                return
            if not self.is_improvement(current, self.best):
                if self.verbose:
                    write(f"\nEpoch {self._epoch + 1}: {self.monitor} did not improve from {self.best:.5f}\n")
                return
            text = f"{self.monitor} improved from {self.best} to {current:.5f}, "
            self.best = current
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        (self.model.save_weights if self.save_weights_only else self.model.save)(path)
        if self.verbose:
            write(f"\nEpoch {self._epoch + 1}: {text}saving model to {path}\n")

    def _path(self, batch: int | None, logs: Logs) -> str:
        values = {**logs, "epoch": self._epoch + 1, **({} if batch is None else {"batch": batch + 1})}
        try:
            return self.filepath.format(**values)
        except KeyError as error:
            raise ValueError(
                f"`filepath` {self.filepath!r} names {error}, which is not among {', '.join(values)}."
            ) from None


class BackupAndRestore(_Saving):
    """Makes an interrupted fit() go on where it was when the program runs again, to the bit.

    Args:
        backup_dir: A folder for this fit alone. It is removed when the fit ends.
        save_freq: ``"epoch"``, or a number of batches.
        double_checkpoint: Whether to keep the backup before the last one, too.
        delete_checkpoint: Whether to remove the folder at the end.

    Raises:
        ValueError: If `backup_dir` is empty; when training begins, if the model is not built.

    Example:
        >>> BackupAndRestore("backup").save_freq
        'epoch'
    """

    def __init__(
        self,
        backup_dir: str | os.PathLike[str],
        save_freq: str | int = "epoch",
        double_checkpoint: bool = False,
        delete_checkpoint: bool = True,
    ) -> None:
        super().__init__()
        file_path("backup_dir", backup_dir)
        self.backup_dir = os.fspath(backup_dir)
        if not self.backup_dir:
            raise ValueError("`backup_dir` must name a folder, got ''.")
        self._set_frequency(save_freq)
        self.double_checkpoint, self.delete_checkpoint = bool(double_checkpoint), bool(delete_checkpoint)
        self._latest = os.path.join(self.backup_dir, "latest.safetensors")
        self._previous = os.path.join(self.backup_dir, "previous.safetensors")

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Takes up the last backup, if there is one."""
        self._batches = 0
        for path in (self._latest, self._previous):
            if os.path.exists(path):
                self.model._restore_backup(path)
                return

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Notes the epoch."""
        self._epoch = epoch

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Saves; backups by batch count the end of an epoch as one of its batches."""
        if self.save_freq == "epoch":
            self._write(epoch + 1, 0)

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Removes the backup."""
        if self.delete_checkpoint:
            for path in (self._latest, self._previous):
                if os.path.exists(path):
                    os.remove(path)
            if os.path.isdir(self.backup_dir) and not os.listdir(self.backup_dir):
                os.rmdir(self.backup_dir)

    def _save(self, batch: int | None, logs: Logs | None) -> None:
        self._write(self._epoch, 0 if batch is None else batch + 1)

    def _write(self, epoch: int, batch: int) -> None:
        os.makedirs(self.backup_dir, exist_ok=True)
        if self.double_checkpoint and os.path.exists(self._latest):
            os.replace(self._latest, self._previous)
        self.model._write_backup(self._latest, epoch, batch)
