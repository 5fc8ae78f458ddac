"""Words of the command line as values; what is wrong with one is said before any work."""

from __future__ import annotations

import argparse
import contextlib
import os
from collections.abc import Callable
from pathlib import Path


def whole(least: int, most: int | None = None) -> Callable[[str], int]:
    """Reads a whole number within bounds.

    Example:
        >>> whole(1)("3")
        3
    """
    bounds = f"of at least {least}" if most is None else f"from {least} to {most}"

    def parse(text: str) -> int:
        with contextlib.suppress(ValueError):
            number = int(text)
            if number >= least and (most is None or number <= most):
                return number
        raise argparse.ArgumentTypeError(f"must be a whole number {bounds}, got {text!r}")

    return parse


def share(text: str) -> float:
    """Reads a number of at least 0 and less than 1.

    Example:
        >>> share("0.2")
        0.2
    """
    with contextlib.suppress(ValueError):
        if 0 <= float(text) < 1:
            return float(text)
    raise argparse.ArgumentTypeError(f"must be a number of at least 0 and less than 1, got {text!r}")


def positive(text: str) -> float:
    """Reads a number above 0.

    Example:
        >>> positive("1e-3")
        0.001
    """
    with contextlib.suppress(ValueError):
        if 0 < float(text) < float("inf"):
            return float(text)
    raise argparse.ArgumentTypeError(f"must be a number above 0, got {text!r}")


def names(text: str) -> list[str]:
    """Reads names with commas between them.

    Example:
        >>> names("id, name")
        ['id', 'name']
    """
    found = [name.strip() for name in text.split(",")]
    if not all(found):
        raise argparse.ArgumentTypeError(f"must be names with commas between them, got {text!r}")
    return found


def widths(text: str) -> list[int]:
    """Reads the sizes of layers, ``none`` for no layer.

    Example:
        >>> widths("64,32"), widths("none")
        ([64, 32], [])
    """
    if text == "none":
        return []
    with contextlib.suppress(argparse.ArgumentTypeError):
        return [whole(1)(width) for width in text.split(",")]
    raise argparse.ArgumentTypeError(f"must be sizes of layers such as 64,64, or none; got {text!r}")


def existing(text: str) -> Path:
    """Reads the name of a file or folder that is there."""
    path = Path(text).expanduser()
    if not text or not path.exists():
        raise argparse.ArgumentTypeError(f"must be an existing folder or file, got {text!r}; leave it out to search")
    return path.absolute()


def source(text: str) -> Path:
    """Reads the name of a file that is there, or ``-`` for standard input."""
    path = Path(text).expanduser()
    if text == "-" or path.is_file() or path.is_fifo():  # a fifo: the shell's <(...)
        return path
    raise argparse.ArgumentTypeError(f"must be an existing file, got {text!r}")


def target(*endings: str) -> Callable[[str], Path]:
    """Reads the name of a file that can be written, as far as that can be told before the work.

    Args:
        *endings: What it must end with, one of them; none for any.
    """

    def parse(text: str) -> Path:
        path = Path(text).expanduser()
        if not text or path.is_dir():
            raise argparse.ArgumentTypeError(f"must be a file such as name{(endings or ('.csv',))[0]}, got {text!r}")
        if path.exists() and not path.is_file():
            raise argparse.ArgumentTypeError(f"must be a regular file, not a device or a pipe, got {text!r}")
        if endings and path.suffix.lower() not in endings:
            raise argparse.ArgumentTypeError(f"must end with {' or '.join(endings)}, got {text!r}")
        if not path.parent.is_dir():
            raise argparse.ArgumentTypeError(f"must lie in an existing folder, got {text!r}; make the folder first")
        if not os.access(path if path.exists() else path.parent, os.W_OK):
            raise argparse.ArgumentTypeError(f"must be a file that can be written, got {text!r}; choose another place")
        return path

    return parse
