"""HTML that needs nothing else: tables, and curves as SVG. Colours fit light and dark pages."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ._progress import format_value

BLUE, ORANGE, GREEN, RED = "#2f7fc4", "#e07b00", "#2e9150", "#d6304a"
_CELL = "padding:0.2em 0.7em;text-align:{}"


def text(value: Any) -> str:
    """A text in which no sign means anything to HTML.

    Example:
        >>> text("a < b")
        'a &lt; b'
    """
    return html.escape(str(value))


def table(heads: Sequence[str], rows: Iterable[Sequence[Any]], left: int = 1) -> str:
    """A table, its first `left` columns aligned left, all others right.

    Example:
        >>> table(["a"], [[1]]).count("<tr>")
        2
    """

    def cells(kind: str, row: Sequence[Any]) -> str:
        sides = ["left" if i < left else "right" for i in range(len(row))]
        shown = (f'<{kind} style="{_CELL.format(s)}">{text(v)}</{kind}>' for s, v in zip(sides, row, strict=True))
        return f"<tr>{''.join(shown)}</tr>"

    body = "".join(cells("td", row) for row in rows)
    return (
        f'<table style="border-collapse:collapse;margin:0.4em 0">'
        f"<thead>{cells('th', heads)}</thead><tbody>{body}</tbody></table>"
    )


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Round numbers between two numbers.

    Example:
        >>> ticks(0.0, 1.0), ticks(3, 97)
        ([0.0, 0.2, 0.4, 0.6, 0.8, 1.0], [20.0, 40.0, 60.0, 80.0])
    """
    raw = (high - low) / most
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * m for m in (1, 2, 5, 10) if power * m >= raw * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [float(f"{i * step:.12g}") for i in range(first, last + 1)]


def curves(record: Mapping[str, Any], metric: str, epochs: Sequence[int], width: int = 360, height: int = 220) -> str:
    """A metric over the epochs as SVG, that of the validation beside it.

    Args:
        record: Name -> values, as `History.history`.
        metric: Its key.
        epochs: Epochs from 0.
        width, height: In pixels.

    Example:
        >>> curves({"loss": [0.5, 0.2], "val_loss": [0.6, 0.4]}, "loss", [0, 1]).count("<polyline")
        2
    """
    lines = []
    for key, name, colour in ((metric, "training", BLUE), (f"val_{metric}", "validation", ORANGE)):
        values = [float(value) for value in record[key]] if key in record else []
        every = len(epochs) // max(1, len(values))  # validation_freq
        at = [epoch + 1 for epoch in epochs][max(0, every - 1) :: max(1, every)]
        points = [(x, y) for x, y in zip(at, values, strict=False) if abs(y) <= 1e300]  # no NaN, no axis that overflows
        if points:
            lines.append((name, colour, points))
    if not lines:
        return ""
    ys = [y for _, _, points in lines for _, y in points]
    low, high = min(ys), max(ys)
    margin = 0.06 * (high - low) or 0.1 * abs(high) or 1.0
    low, high = low - margin, high + margin
    first, last = epochs[0] + 1, max(epochs[-1] + 1, epochs[0] + 2)
    left, right, top, bottom = 52, 10, 24, 30

    def px(x: float) -> float:
        return round(left + (width - left - right) * (x - first) / (last - first), 1)

    def py(y: float) -> float:
        return round(height - bottom - (height - top - bottom) * (y - low) / (high - low), 1)

    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{text(metric)} over the epochs" '
        f'width="{width}" height="{height}" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="11" '
        'fill="currentColor" style="max-width:100%">'
    ]
    for y in ticks(low, high, 4):
        out.append(
            f'<line x1="{left}" x2="{width - right}" y1="{py(y)}" y2="{py(y)}" stroke="currentColor" opacity="0.15"/>'
            f'<text x="{left - 6}" y="{py(y) + 4}" text-anchor="end">{y:g}</text>'
        )
    for x in ticks(first, last, 6):
        if x == int(x):
            out.append(f'<text x="{px(x)}" y="{height - bottom + 15}" text-anchor="middle">{x:.0f}</text>')
    out.append(f'<text x="{width - right}" y="{height - 2}" text-anchor="end">epoch</text>')
    at_text = left
    for name, colour, points in lines:
        path = " ".join(f"{px(x)},{py(y)}" for x, y in points)
        out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        if len(points) < 40:
            out += [f'<circle cx="{px(x)}" cy="{py(y)}" r="2.5" fill="{colour}"/>' for x, y in points]
        label = f"{metric if name == 'training' else name} {format_value(points[-1][1])}"
        out.append(f'<text x="{at_text}" y="14" fill="{colour}" font-weight="bold">{text(label)}</text>')
        at_text += 8 * len(label) + 8
    return "".join(out) + "</svg>"
