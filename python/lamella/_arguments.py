"""Words of the command line as values; what is wrong with one is said before any work."""

from __future__ import annotations

import argparse
import contextlib
import csv
import os
import shlex
import tempfile
from collections.abc import Callable
from pathlib import Path

_LARGEST = 2**63 - 1


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
            if least <= number <= (_LARGEST if most is None else most):
                return number
            if number > _LARGEST:
                raise argparse.ArgumentTypeError(f"must be a whole number less than 2**63, got {_cut(text)}")
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
    """Reads names with commas between them, quoted as in CSV files where a name has a comma itself.

    Example:
        >>> names("id, name"), names('"price, net",id')
        (['id', 'name'], ['price, net', 'id'])
    """
    found = [name.strip() for name in next(csv.reader([text], skipinitialspace=True), [])]
    if not (found and all(found)):
        raise argparse.ArgumentTypeError(f"must be names with commas between them, got {text!r}")
    if len({*found}) < len(found):
        raise argparse.ArgumentTypeError(f"must be different names, got {text!r}")
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


def command(text: str) -> str:
    """Reads a command with its options, as a shell would cut it.

    Example:
        >>> command("mpiexec -hosts a,b")
        'mpiexec -hosts a,b'
    """
    with contextlib.suppress(ValueError):
        if shlex.split(text):
            return text
    raise argparse.ArgumentTypeError(f"must be a command such as 'mpiexec -hosts a,b', got {text!r}")


def existing(text: str) -> Path:
    """Reads the name of a file or folder that is there."""
    path = _path(text, "an existing folder or file")
    if not path.exists():
        raise argparse.ArgumentTypeError(
            f"must be an existing folder or file, got {_cut(text)}; leave it out to search"
        )
    return path.absolute()


def script(text: str) -> Path:
    """Reads the name of a Python script that is there."""
    path = _path(text, "an existing Python script")
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"must be an existing Python script, got {_cut(text)}")
    return path.absolute()


def source(text: str) -> Path:
    """Reads the name of a file that is there, or ``-`` for standard input."""
    path = _path(text, "an existing file")
    if text == "-" or path.is_file() or path.is_fifo():  # a fifo: the shell's <(...)
        return path
    raise argparse.ArgumentTypeError(f"must be an existing file, got {_cut(text)}")


def model(*endings: str) -> Callable[[str], Path]:
    """Reads the name of a model's file that is there.

    Args:
        *endings: What it must end with, one of them.
    """

    def parse(text: str) -> Path:
        if not text.lower().endswith(endings):
            ends = ", ".join(endings[:-1]) + f" or {endings[-1]}"
            raise argparse.ArgumentTypeError(f"must end with {ends}, got {_cut(text)}")
        return source(text)

    return parse


def target(*endings: str) -> Callable[[str], Path]:
    """Reads the name of a file that can be written, as far as that can be told before the work.

    Args:
        *endings: What it must end with, one of them; none for any.
    """

    def parse(text: str) -> Path:
        path = _path(text, "a file that can be written")
        if not text or path.is_dir():
            raise argparse.ArgumentTypeError(f"must be a file such as name{(endings or ('.csv',))[0]}, got {text!r}")
        if path.exists() and not path.is_file():
            raise argparse.ArgumentTypeError(f"must be a regular file, not a device or a pipe, got {text!r}")
        if endings and path.suffix.lower() not in endings:
            raise argparse.ArgumentTypeError(f"must end with {' or '.join(endings)}, got {_cut(text)}")
        if not path.parent.is_dir():
            raise argparse.ArgumentTypeError(f"must lie in an existing folder, got {_cut(text)}; make the folder first")
        try:
            if path.exists() and not os.access(path, os.W_OK):
                raise PermissionError(None, "it is read-only")
            with tempfile.TemporaryFile(dir=path.parent):  # what os.access says of folders is not always so
                pass
        except OSError as error:
            raise argparse.ArgumentTypeError(
                f"must be a file that can be written, got {text!r} ({error.strerror}); choose another place"
            ) from None
        return path

    return parse


def _path(text: str, what: str) -> Path:
    """The path that a word names; names that no file can have are said to be none."""
    try:
        if not text:
            raise OSError(None, "it is empty")
        path = Path(text).expanduser()
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            os.stat(path)
    except (OSError, RuntimeError, ValueError) as error:  # too long, a ring of links, ~nobody, a zero
        why = error.strerror if isinstance(error, OSError) else error
        raise argparse.ArgumentTypeError(f"must be {what}, got {_cut(text)} ({why})") from None
    return path


def _cut(text: str) -> str:
    return repr(text if len(text) <= 100 else f"{text[:80]}...{text[-10:]}")
