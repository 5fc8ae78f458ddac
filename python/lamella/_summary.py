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


def _rows(layers: Sequence[Any], show_trainable: bool, expand: bool, indent: str = "") -> list[list[str]]:
    """A row a layer; those of nested models under theirs if asked."""
    rows = []
    for layer in layers:
        params = f"{layer.count_params():,}" if layer.built else "0 (unbuilt)"
        shape = layer.output_shape if layer.built else None
        row = [f"{indent}{layer.name} ({type(layer).__name__})", _shape_text(shape), params]
        rows.append(row + (["Y" if layer.trainable else "N"] if show_trainable else []))
        if expand and hasattr(layer, "layers"):
            rows += _rows(layer.layers, show_trainable, expand, indent + "└ ")
    return rows


def summary(
    model: Any,
    layers: Sequence[Any],
    line_length: int | None,
    positions: Sequence[float] | None,
    show_trainable: bool,
    expand_nested: bool,
) -> str:
    """The table of `layers` of a model and the counts of all its parameters."""
    if line_length is None:
        line_length = min(88, shutil.get_terminal_size().columns - 4)
        line_length += 12 if show_trainable else 0
    columns = list(_COLUMNS)
    ends = list(positions or _ENDS)
    if show_trainable:
        columns.append("Trai…")
        if not positions:
            ends = [e * 0.85 for e in ends] + [1.0]
    if len(ends) != len(columns):
        raise ValueError(f"`positions` must hold {len(columns)} numbers, one for each column, got {len(ends)}.")
    stops = [int(end) if end > 1 else math.floor(line_length * end) for end in ends]
    widths = [stop - start for start, stop in zip([0, *stops], stops, strict=False)]
    inner = [width - 4 for width in widths]
    if min(inner) < 1:
        raise ValueError(f"`line_length`={line_length} leaves no room for the columns of the summary; use 40 or more.")
    for i in range(line_length - sum(inner) - 3 * len(inner) - 1):  # what the rules and padding leave over
        inner[-((i + 1) // 2)] += 1
    rows = _rows(layers, show_trainable, expand_nested)

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
    frozen = sum(weight.size for weight in model.non_trainable_weights)

    def line(label: str, count: int) -> str:
        return f" {label} params: {count:,} ({size_text(count)})"

    text += [line("Total", total + extra), line("Trainable", total - frozen), line("Non-trainable", frozen)]
    if extra:
        text.append(line("Optimizer", extra))
    return "\n".join(text) + "\n"
