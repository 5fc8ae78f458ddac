"""The progress bar: one redrawn line in a terminal, a widget in a notebook, plain lines everywhere else."""

from __future__ import annotations

import numbers
import os
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any, TextIO

from ._widget import Board, available, in_notebook

_BLOCK = "━"


def resolve_verbose(verbose: Any) -> int:
    """Turns the `verbose` argument of `fit`, `evaluate` and `predict` into 0, 1 or 2.

    Raises:
        ValueError: If `verbose` is none of 0, 1, 2 and ``"auto"``.

    Example:
        >>> resolve_verbose("auto"), resolve_verbose(2), resolve_verbose(False)
        (1, 2, 0)
    """
    if isinstance(verbose, str):
        if verbose == "auto":
            return 1
    elif isinstance(verbose, numbers.Real) and verbose in (0, 1, 2):
        return round(float(verbose))
    raise ValueError(
        f'`verbose` must be 0 (silent), 1 (bar), 2 (one line per epoch) or "auto", got {verbose!r}. '
        "Pass one of these four."
    )


def is_terminal(stream: Any) -> bool:
    """Tells whether `stream` can redraw a line: a terminal that is not "dumb", or a notebook cell."""
    if in_notebook(stream):
        return True
    try:
        return bool(stream.isatty()) and os.environ.get("TERM") != "dumb"
    except (AttributeError, ValueError):  # a stream without isatty, or a closed one
        return False


def can_encode(stream: Any, text: str) -> bool:
    """Tells whether `text` survives the encoding of `stream`."""
    try:
        text.encode(getattr(stream, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def format_eta(seconds: float) -> str:
    """Time left, as `5s`, `1:05` or `1:01:05`.

    Example:
        >>> [format_eta(t) for t in (5.9, 65, 3665)]
        ['5s', '1:05', '1:01:05']
    """
    whole = int(seconds)
    if seconds > 3600:
        return f"{whole // 3600}:{whole % 3600 // 60:02d}:{whole % 60:02d}"
    if seconds > 60:
        return f"{whole // 60}:{whole % 60:02d}"
    return f"{whole}s"


def format_duration(seconds: float, unit_name: str) -> str:
    """Time of one unit of work, in the unit that keeps it readable.

    Example:
        >>> [format_duration(t, "step") for t in (3.2, 0.0034, 0.000034)]
        ['3s/step', '3ms/step', '34us/step']
    """
    if seconds >= 1 or seconds == 0:
        return f"{seconds:.0f}s/{unit_name}"
    if seconds >= 1e-3:
        return f"{seconds * 1e3:.0f}ms/{unit_name}"
    return f"{seconds * 1e6:.0f}us/{unit_name}"


def format_speed(samples: int, seconds: float) -> str:
    """How long a training took, and its samples a second.

    Example:
        >>> format_speed(300_000, 1.4)
        '1.4s - 214,286 samples/s'
    """
    duration = format_eta(seconds) if seconds > 60 else f"{seconds:.2g}s" if seconds < 10 else f"{seconds:.0f}s"
    return f"{duration} - {samples / max(seconds, 1e-9):,.0f} samples/s"


def format_value(value: Any) -> str:
    """A metric with four decimals, or in exponent form when it is small.

    Example:
        >>> format_value(0.25), format_value(0.0005)
        ('0.2500', '5.0000e-04')
    """
    try:
        number = float(value)
    except (TypeError, ValueError):
        return str(value)
    return f"{number:.4f}" if abs(number) > 1e-3 else f"{number:.4e}"


class Progbar:
    """Shows how far a loop has come, in the words and colours of Keras 3.

    In a terminal the line is redrawn in place. In a notebook a widget moves if ipywidgets is there, and a line without
    control codes stays. Elsewhere (a log file, a pipe) nothing is printed before the last update, which prints it.

    Args:
        target: Number of steps expected; None when unknown.
        width: Characters of the bar.
        verbose: 0 silent, 1 or ``"auto"`` a bar, 2 one line at the end.
        interval: Seconds that pass at least between two redraws.
        unit_name: What one step is called, as in ``3ms/step``.
        stream: Where to write; standard output, looked up at each write, when None.
        clock: Function that returns the time in seconds.
        terminal: Whether the stream can redraw a line; found out when None.
        board: Where notebooks show the bar, shared by the bars of a training; one of its own when None.

    Raises:
        ValueError: If `verbose` is none of the four.

    Example:
        >>> bar = Progbar(4, clock=iter([0.0, 2.0]).__next__, terminal=False)
        >>> bar.update(4, [("loss", 0.25)])
        4/4 ━━━━━━━━━━━━━━━━━━━━ 2s 500ms/step - loss: 0.2500
    """

    def __init__(
        self,
        target: int | None,
        width: int = 20,
        verbose: int | str = 1,
        interval: float = 0.05,
        unit_name: str = "step",
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.perf_counter,
        terminal: bool | None = None,
        board: Board | None = None,
    ) -> None:
        self.target = target
        self.width = width
        self.verbose = resolve_verbose(verbose)
        self.interval = interval
        self.unit_name = unit_name
        self.seen = 0
        self._stream = stream
        self._clock = clock
        self._terminal = is_terminal(stream or sys.stdout) if terminal is None else terminal
        self._board = Board() if board is None else board
        self._own_board = board is None
        self._in_notebook = terminal is None and in_notebook(stream or sys.stdout) and available()
        self._block = _BLOCK if can_encode(stream or sys.stdout, _BLOCK) else "="
        self._values: dict[str, Any] = {}
        self._drawn_width = 0
        self._drawn_at = float("-inf")
        self._first_step_at: float | None = None
        self._start = clock()

    def update(self, current: int, values: Iterable[tuple[str, Any]] = (), finalize: bool | None = None) -> None:
        """Notes that `current` steps are done, and redraws when it is time to.

        Args:
            current: Steps done so far, from 1.
            values: Pairs of name and value, shown as they are in the order in which the names first came.
            finalize: Whether this is the last update; None means "when the target is reached".
        """
        if self.verbose == 0:
            return
        if finalize is None:
            finalize = self.target is not None and current >= self.target
        self._values.update(values)
        self.seen = current
        now = self._clock()
        per_step = self._step_duration(current, now)
        if self.verbose == 1 and self._in_notebook and not finalize:
            if now - self._drawn_at >= self.interval:
                left = per_step * max(0, (self.target or current) - current)
                self._board.draw(current, self.target, self._label(current, per_step, left))
                self._drawn_at = now
        elif self.verbose == 1 and self._terminal and not self._in_notebook:
            if finalize or now - self._drawn_at >= self.interval:
                self._redraw(current, now, per_step, finalize)
                self._drawn_at = now
        elif finalize:
            if self._own_board:
                self._board.close()
            self._write_line(current, now, per_step)

    def add(self, steps: int, values: Iterable[tuple[str, Any]] = ()) -> None:
        """Notes that `steps` more steps are done."""
        self.update(self.seen + steps, values)

    def _step_duration(self, current: int, now: float) -> float:
        """Average seconds per step; the first step is left out when it was seen on its own."""
        if current < 1:
            return 0.0
        if current == 1 or self._first_step_at is None:
            if current == 1:
                self._first_step_at = now
            return (now - self._start) / current
        return (now - self._first_step_at) / (current - 1)

    def _count(self, current: int) -> str:
        if not self.target:
            return f"{current:7d}/Unknown"
        return f"{current:{len(str(self.target))}d}/{self.target}"

    def _metrics(self) -> str:
        return "".join(f" - {name}: {format_value(value)}" for name, value in self._values.items())

    def _filled(self, current: int) -> int:
        return min(self.width, int(self.width * current / self.target)) if self.target else 0

    def _label(self, current: int, per_step: float, left: float) -> str:
        """What stands beside the bar of a notebook."""
        parts = [self._board.title, self._count(current).strip()]
        if self.target:
            parts.append(f"{format_eta(left)} left")
            if self._board.epochs_left:  # each as long as the last one, or as what can be told of the first
                each = self._board.epoch_seconds or per_step * self.target
                parts[-1] += f", {format_eta(left + self._board.epochs_left * each)} in all"
        return " - ".join(filter(None, [*parts, format_duration(per_step, self.unit_name)])) + self._metrics()

    def _redraw(self, current: int, now: float, per_step: float, finalize: bool) -> None:
        count = self._count(current)
        clock = f"{now - self._start:.0f}s"
        if self.target and not finalize:
            clock = format_eta(per_step * (self.target - current))
        tail = f" {format_duration(per_step, self.unit_name)}{self._metrics()}"
        if self.target:
            filled = self._filled(current)
            done = f"\x1b[32m{self._block * filled}\x1b[0m" if filled else ""
            bar = f"\x1b[1m{count}\x1b[0m {done}\x1b[37m{self._block * (self.width - filled)}\x1b[0m"
            visible = len(count) + 1 + self.width
        else:
            bar, visible = count, len(count)
        visible += 1 + len(clock) + len(tail)
        padding = " " * (self._drawn_width - visible)  # wipes what a longer line left behind
        self._drawn_width = visible
        self._write(f"\r{bar} \x1b[1m{clock}\x1b[0m{tail}{padding}" + "\n" * finalize)

    def _write_line(self, current: int, now: float, per_step: float) -> None:
        total = f"{now - self._start:.0f}s"
        duration = format_duration(per_step, self.unit_name)
        if self.verbose == 2:
            self._write(f"{self._count(current)} - {total} - {duration}{self._metrics()}\n")
            return
        bar = f" {self._block * self._filled(current)}" if self.target else ""
        self._write(f"{self._count(current)}{bar} {total} {duration}{self._metrics()}\n")

    def _write(self, text: str) -> None:
        write(text, self._stream)


def write(text: str, stream: TextIO | None = None) -> None:
    """Writes `text` as it is and flushes; to standard output when `stream` is None, to nowhere when there is none."""
    target: TextIO | None = sys.stdout if stream is None else stream
    if target is None:  # a program without a console
        return
    if not can_encode(target, text):  # a metric may have any name
        text = text.encode("ascii", "backslashreplace").decode("ascii")
    target.write(text)
    target.flush()
