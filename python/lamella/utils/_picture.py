"""Figures in files: all of the new one, or the old file stays."""

from __future__ import annotations

import io
import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._atomic import write_atomic
from .._streams import tell

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_PIXELS = 2**28  # a gigabyte of colours


def target(figure: Figure, to_file: Any) -> tuple[Path, str]:
    """The path and what it says that the file is, such as ``"png"``.

    Raises:
        TypeError: If `to_file` is no path.
        ValueError: If matplotlib writes no such files.
    """
    if not isinstance(to_file, (str, os.PathLike)):
        raise TypeError(
            f"`to_file` must be the path of a picture, such as 'model.png', got {to_file!r} of type "
            f"{type(to_file).__name__}."
        )
    known = figure.canvas.get_supported_filetypes()
    kind = os.path.splitext(to_file)[1].removeprefix(".").lower()
    if kind not in known or "\0" in os.fspath(to_file):
        raise ValueError(
            f"`to_file` must end in .png, .svg or .pdf, or another of {', '.join(sorted(known))}; got {to_file!r}."
        )
    return Path(to_file), kind


def save_figure(figure: Figure, to_file: Any) -> None:
    """Draws in memory at the figure's own resolution, then writes.

    Raises:
        TypeError, ValueError: As `target`; also if the picture has too many pixels.
        OSError: As writing does. The old file is as it was.
    """
    path, kind = target(figure, to_file)
    width, height = figure.get_size_inches() * figure.dpi
    if max(width, height) >= 2**16 or width * height > _MOST_PIXELS:
        raise ValueError(
            f"`dpi` must leave fewer than 65,536 pixels a side and {_MOST_PIXELS:,} in all, got {figure.dpi:g}, with "
            f"which there are {width:,.0f} x {height:,.0f}. Take a smaller one, or .svg or .pdf at the usual one."
        )
    stream = io.BytesIO()
    figure.savefig(stream, format=kind, dpi=figure.dpi)
    write_atomic(path, stream.getvalue())


def save_for_command(figure: Figure, path: Path) -> None:
    """The same for commands, which tell what matplotlib warns of in lines of their own."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        save_figure(figure, path)
    for text in dict.fromkeys(_note(str(each.message)) for each in caught):
        tell(f"note: {path}: {text}")


def _note(message: str) -> str:
    if "missing from font" in message:
        return (
            "the font has no signs for some names, which are boxes there; set font.family in a matplotlibrc to a font "
            "that has them"
        )
    return " ".join(message.split())
