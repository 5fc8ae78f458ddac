"""The text of Sequential.summary(), as Keras 3 prints it."""

from __future__ import annotations

import math
import shutil
import textwrap
from collections.abc import Sequence
from typing import Any

_COLUMNS = ("Layer (type)", "Output Shape", "Param #")
_ENDS = (0.45, 0.80, 1.0)


def size_text(count: int) -> str:
    """Bytes of `count` float32 numbers, for people.

    Example:
        >>> size_text(1024)
        '4.00 KB'
    """
    size = float(count * 4)
    for unit in ("B", "KB", "MB", "GB"):
        if size < 1024 or unit == "GB":
            break
        size /= 1024
    return f"{size:.2f} {unit}"


def _cells(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, break_long_words=True, break_on_hyphens=False) or [""]


def _shape_text(shape: Any) -> str:
    return "?" if shape is None else str(tuple(shape))


def summary(model: Any, line_length: int | None, positions: Sequence[float] | None, show_trainable: bool) -> str:
    """The table of layers and the counts of parameters."""
    if line_length is None:
        line_length = min(88, shutil.get_terminal_size().columns - 4)
        line_length += 12 if show_trainable else 0
    columns = list(_COLUMNS)
    ends = list(positions or _ENDS)
    if show_trainable:
        columns.append("Trai…")
        if not positions:
            ends = [e * 0.85 for e in ends] + [1.0]
    stops = [int(end) if end > 1 else math.floor(line_length * end) for end in ends]
    widths = [stop - start for start, stop in zip([0, *stops], stops, strict=False)]
    inner = [width - 4 for width in widths]
    for i in range(line_length - sum(inner) - 3 * len(inner) - 1):  # what the rules and padding leave over
        inner[-((i + 1) // 2)] += 1
    rows = []
    for layer in model.layers:
        built = layer.input_shape is not None
        params = f"{layer.count_params():,}" if built else "0 (unbuilt)"
        row = [f"{layer.name} ({type(layer).__name__})", _shape_text(layer.output_shape), params]
        rows.append(row + (["Y" if layer.trainable else "N"] if show_trainable else []))

    def ruled(left: str, fill: str, middle: str, right: str) -> str:
        return left + middle.join(fill * (w + 2) for w in inner) + right

    def lines(cells: list[str], bar: str) -> list[str]:
        wrapped = [_cells(cell, width) for cell, width in zip(cells, inner, strict=True)]
        height = max(map(len, wrapped))
        out = []
        for i in range(height):
            parts = []
            for column, (cell, width) in enumerate(zip(wrapped, inner, strict=True)):
                text = cell[i] if i < len(cell) else ""
                parts.append(text.rjust(width) if column == 2 else text.ljust(width))
            out.append(f"{bar} " + f" {bar} ".join(parts) + f" {bar}")
        return out

    text = [f'Model: "{model.name}"', ruled("┏", "━", "┳", "┓"), *lines(columns, "┃"), ruled("┡", "━", "╇", "┩")]
    for i, row in enumerate(rows):
        text += lines(row, "│")
        text.append(ruled("├", "─", "┼", "┤") if i + 1 < len(rows) else ruled("└", "─", "┴", "┘"))
    if not rows:
        text.append(ruled("└", "─", "┴", "┘"))
    total = model.count_params() if model.built else 0
    extra = model._optimizer_numbers()
    frozen = sum(layer.count_params() for layer in model.layers if model.built and not layer.trainable)

    def line(label: str, count: int) -> str:
        return f" {label} params: {count:,} ({size_text(count)})"

    text += [line("Total", total + extra), line("Trainable", total - frozen), line("Non-trainable", frozen)]
    if extra:
        text.append(line("Optimizer", extra))
    return "\n".join(text) + "\n"
