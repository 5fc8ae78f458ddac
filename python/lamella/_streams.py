"""Standard output as commands need it: any text can be printed, and whoever reads it may leave."""

from __future__ import annotations

import contextlib
import os
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any


def plain(text: str, most: int = 60) -> str:
    """A text from a file as it may be printed: no control codes, no endless line.

    Example:
        >>> plain("a\\x1b[31m"), plain("abcdef", most=5)
        ('a\\\\x1b[31m', 'ab...')
    """
    text = text if len(text) <= most else f"{text[: most - 3]}..."
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in text)


def tell(text: str) -> None:
    """A line on standard error, if there is one: `print` would take standard output where it is closed.

    Example:
        >>> tell("two cells are empty")
    """
    if sys.stderr is not None:
        print(f"lamella: {text}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def lenient(keeps_on: bool) -> Iterator[None]:
    """Signs that the encoding of standard output lacks are escaped meanwhile, instead of ending the command.

    Args:
        keeps_on: Whether the command goes on when nobody reads what it prints any more, because it writes files.
    """
    before = sys.stdout
    errors = getattr(before, "errors", None)
    _escape(before, "backslashreplace")
    if before is not None:
        sys.stdout = _Unheard(_Told(before)) if keeps_on else _Told(before)
    try:
        yield
    finally:
        sys.stdout = before
        _escape(before, errors)


@contextlib.contextmanager
def exact() -> Iterator[Any]:
    """Standard output for data, of which no sign may change.

    Raises:
        OSError: If it is closed, or cannot be written.
        ValueError: If its encoding lacks a sign.
    """
    if sys.stdout is None:
        raise OSError("Standard output is closed; say where to write: --output FILE.")
    errors = getattr(sys.stdout, "errors", None)
    _escape(sys.stdout, "strict")
    try:
        yield sys.stdout
        flush()
    except UnicodeEncodeError as error:
        raise ValueError(
            f"Standard output is in {error.encoding}, which has no {error.object[error.start : error.end]!a}. "
            "Write to a file, which is utf-8: --output FILE; or set PYTHONIOENCODING=utf-8."
        ) from None
    finally:
        _escape(sys.stdout, errors)


def flush() -> None:
    """Writes what waits to be written to standard output, if there is one."""
    if sys.stdout is not None:
        sys.stdout.flush()


def _escape(stream: Any, errors: str | None) -> None:
    if errors is not None and hasattr(stream, "reconfigure"):
        stream.reconfigure(errors=errors)


def to_nowhere(stream: Any) -> None:
    """What is still to be written to a stream goes nowhere, so that the end of the process does not complain again."""
    with contextlib.suppress(OSError, ValueError):  # one without a file
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


class _Guarded(ABC):
    """A stream whose errors a subclass turns into something else."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with self._guarded():
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with self._guarded():
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    @abstractmethod
    def _guarded(self) -> contextlib.AbstractContextManager[None]: ...


class _Told(_Guarded):
    """Standard output, whose errors say that it is that; a reader who left is a BrokenPipeError, as ever."""

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            raise
        except OSError as error:
            to_nowhere(self._stream)
            raise OSError(f"Standard output cannot be written: {error.strerror or error}.") from None


class _Unheard(_Guarded):
    """A stream that, once its reader has left, goes to nowhere."""

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            to_nowhere(self._stream)
