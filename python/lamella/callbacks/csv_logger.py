"""The metrics of every epoch in a CSV file."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .._checks import file_path
from .base import Callback, Logs


class CSVLogger(Callback):
    """Writes the metrics of every epoch to a CSV file, one line per epoch.

    Columns are `epoch` (from 0) and the keys of the logs in alphabetical order. A key that comes later, such as
    `val_loss` with `validation_freq=2`, gets a column at the end, with ``NA`` in the epochs that had no value.

    Args:
        filename: The file.
        separator: Character between two values.
        append: Whether to continue an existing file rather than to start a new one; its columns are kept.

    Raises:
        TypeError: If `filename` is not a path.
        ValueError: If `separator` is not one character, or a file to continue was not written by this callback.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp(), "log.csv")
        >>> logger = CSVLogger(path)
        >>> logger.on_train_begin()
        >>> logger.on_epoch_end(0, {"accuracy": 0.5, "loss": 0.25})
        >>> print(path.read_text().strip())
        epoch,accuracy,loss
        0,0.5,0.25
    """

    first_rank_only = True

    def __init__(self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False) -> None:
        super().__init__()
        file_path("filename", filename)
        if not isinstance(separator, str) or len(separator) != 1:
            raise ValueError(f'`separator` must be one character, got {separator!r}. Pass for example "," or ";".')
        self.filename = os.fspath(filename)
        self.sep = separator
        self.append = bool(append)
        self.keys: list[str] | None = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Starts the file, or reads the columns of the one to continue."""
        self.keys = self._read_keys() if self.append else None
        if self.keys is None:
            Path(self.filename).write_bytes(b"")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Writes a line, and the headline or new columns before it where needed."""
        logs = logs or {}
        if self.keys is None:
            self.keys = sorted(logs)
            self._write(self.filename, [["epoch", *self.keys]])
        new = sorted(key for key in logs if key not in self.keys)
        if new:
            self._add_columns(new)
        self._write(self.filename, [[epoch, *(_cell(logs.get(key, "NA")) for key in self.keys)]])

    def _add_columns(self, new: list[str]) -> None:
        self.keys = [*(self.keys or []), *new]
        rows = self._read()[1:]
        width = len(self.keys) + 1
        draft = f"{self.filename}.tmp"  # the log stays whole if we are interrupted here
        Path(draft).write_bytes(b"")
        self._write(draft, [["epoch", *self.keys], *([*row, *["NA"] * (width - len(row))] for row in rows)])
        os.replace(draft, self.filename)

    def _read_keys(self) -> list[str] | None:
        """Columns of the file to continue; None when there is none, or an empty one."""
        if not Path(self.filename).exists() or not (rows := self._read()):
            return None
        if rows[0][0] != "epoch":
            raise ValueError(
                f"`filename` must be a log of CSVLogger to be continued, with a headline that starts with `epoch`; "
                f"{self.filename!r} starts with {self.sep.join(rows[0])!r}. "
                "Pass the `separator` it was written with, another file, or append=False."
            )
        if not Path(self.filename).read_bytes().endswith(b"\n"):  # an interrupted run left a line open
            self._write(self.filename, [[]])
        return rows[0][1:]

    def _read(self) -> list[list[str]]:
        with open(self.filename, encoding="utf-8", newline="") as file:
            return [row for row in csv.reader(file, delimiter=self.sep) if row]

    def _write(self, filename: str, rows: list[list[Any]]) -> None:
        try:
            with open(filename, "a", encoding="utf-8", newline="") as file:
                csv.writer(file, delimiter=self.sep).writerows(rows)
        except OSError as error:  # a full disk names no file
            raise OSError(error.errno, error.strerror, filename) from None


def _cell(value: Any) -> Any:
    """A value as it stands in the file: an iterable in brackets."""
    if isinstance(value, Iterable) and not isinstance(value, str) and getattr(value, "ndim", 1) > 0:
        return f'"[{", ".join(map(str, value))}]"'
    return value
