"""The callback that drives the progress bar."""

from __future__ import annotations

import time
from typing import Any, TextIO

from .._progress import Progbar, format_speed, resolve_verbose, write
from .._widget import Board
from .base import Callback, Logs


class ProgbarLogger(Callback):
    """Prints how training, evaluation or prediction goes; added by `fit`, `evaluate` and `predict` unless silent.

    It reads `verbose`, `epochs` and `steps` from `params`, and listens to chunks, never to single batches. After a
    training of several epochs a line tells their time, without validation, and samples a second.

    Args:
        stream: Where to write; standard output, looked up at each write, when None.

    Example:
        >>> logger = ProgbarLogger()
        >>> logger.set_params({"verbose": 2, "epochs": 3, "steps": 10})
        >>> logger.on_train_begin()
        >>> logger.on_epoch_begin(0)
        Epoch 1/3
    """

    first_rank_only = True

    def __init__(self, stream: TextIO | None = None) -> None:
        super().__init__()
        self.verbose = 1
        self.epochs = 1
        self.target: int | None = None
        self._stream = stream
        self._bar: Progbar | None = None
        self._in_fit = False
        self._board = Board()
        self._epoch_began = self._trained_at = 0.0
        self._samples, self._seconds, self._ended = 0, 0.0, 0

    def set_params(self, params: dict[str, Any]) -> None:
        """Reads `verbose`, `epochs` and `steps`."""
        super().set_params(params)
        self.verbose = resolve_verbose(params.get("verbose", 1))
        self.epochs = params.get("epochs", 1)
        self.target = params.get("steps")

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Notes that evaluations are part of `fit` from here on, and stay silent."""
        self._in_fit = True
        self._board = Board()
        self._samples, self._seconds, self._ended = 0, 0.0, 0

    def note_samples(self, count: int) -> None:
        """Adds up the samples that training has seen."""
        self._samples += count
        self._trained_at = time.perf_counter()

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Ends `fit`; tells samples a second when there were several epochs."""
        self._in_fit = False
        self._board.close()
        if self.verbose and self._ended > 1 and self._samples:
            write(f"{self._ended} epochs - {format_speed(self._samples, self._seconds)}\n", self._stream)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Prints the headline of the epoch when there are several."""
        if self.verbose and self.epochs > 1:
            write(f"Epoch {epoch + 1}/{self.epochs}\n", self._stream)
        self._board.title = f"Epoch {epoch + 1}/{self.epochs}" if self.epochs > 1 else ""
        self._board.epochs_left = max(0, self.epochs - epoch - 1)
        self._epoch_began = self._trained_at = time.perf_counter()
        self._open()

    def on_train_chunk_end(self, steps: int, logs: Logs | None = None) -> None:
        """Redraws the bar when it is time to."""
        self._update(steps, logs)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Draws the bar for the last time, with the metrics of the validation."""
        self._close(logs)
        self._board.epoch_seconds = time.perf_counter() - self._epoch_began
        self._seconds += self._trained_at - self._epoch_began
        self._ended += 1

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Starts a bar, unless `fit` validates."""
        if not self._in_fit:
            self._open()

    def on_test_chunk_end(self, steps: int, logs: Logs | None = None) -> None:
        """Redraws the bar when it is time to."""
        if not self._in_fit:
            self._update(steps, logs)

    def on_test_end(self, logs: Logs | None = None) -> None:
        """Draws the bar for the last time."""
        if not self._in_fit:
            self._close(logs)

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """Starts a bar."""
        self._open()

    def on_predict_chunk_end(self, steps: int, logs: Logs | None = None) -> None:
        """Redraws the bar when it is time to."""
        self._update(steps, None)

    def on_predict_end(self, logs: Logs | None = None) -> None:
        """Draws the bar for the last time."""
        self._close(None)

    def _open(self) -> None:
        board = self._board if self._in_fit else None
        self._bar = (
            Progbar(self.target, verbose=self.verbose, stream=self._stream, board=board) if self.verbose else None
        )

    def _update(self, steps: int, logs: Logs | None) -> None:
        if self._bar is not None:
            self._bar.update(steps, sorted((logs or {}).items()), finalize=False)

    def _close(self, logs: Logs | None) -> None:
        bar, self._bar = self._bar, None
        if bar is None:
            return
        steps = bar.seen or self.target or 0
        if bar.target is None:  # the first pass over data of unknown length tells it
            bar.target = self.target = steps
        bar.update(steps, (logs or {}).items(), finalize=True)
