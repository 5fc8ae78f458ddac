"""Images in a grid, with what they are and what they were taken for."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .._checks import integer
from .._optional import require
from ._base import GREY, RED, axes_for, classes_of, squares

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_COLUMNS = 100  # more than that only for as many images


def plot_images(
    images: npt.ArrayLike,
    labels: npt.ArrayLike | None = None,
    predictions: npt.ArrayLike | None = None,
    *,
    columns: int | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draws images in a grid, each under its class; where prediction and label differ, framed, with both.

    Args:
        images: One after another; rows of numbers are taken for squares.
        labels: What they are: class numbers or one-hot rows.
        predictions: What they are taken for: class numbers, or rows of probabilities as predict() returns them;
            a single column is the probability of class 1.
        columns: Images beside each other; by default as many as below each other.
        ax: Where to draw; a new pyplot figure when None.

    Shapes:
        images (n, height, width) or (n, side * side), labels and predictions (n,) or (n, classes).

    Returns:
        `ax`, or the new one.

    Raises:
        ImportError: If matplotlib is not installed.
        TypeError: If `ax` or another argument is of another kind.
        ValueError: If a shape does not fit, a label is no class, or `columns` is too large.

    Example:
        >>> from matplotlib.figure import Figure
        >>> ax = plot_images(np.eye(4).reshape(1, 16), labels=[3], predictions=[1], ax=Figure().subplots())
        >>> ax.texts[0].get_text()
        '1 (is 3)'
    """
    tiles = squares(images)
    count, height, width = tiles.shape
    true = None if labels is None else classes_of("labels", labels, count)
    guessed = None if predictions is None else classes_of("predictions", predictions, count)
    if columns is None:
        columns = math.ceil(math.sqrt(count))
    columns = integer("plot_images", "columns", columns, least=1)
    if columns > max(count, _MOST_COLUMNS):
        raise ValueError(f"`columns` must be at most {max(count, _MOST_COLUMNS)} for {count} images, got {columns}.")
    ax = axes_for(ax, "draw images")

    captioned = true is not None or guessed is not None
    step_y, step_x = height + max(1, round(height * (0.5 if captioned else 0.12))), width + max(1, round(width * 0.22))
    sheet = np.full((math.ceil(count / columns) * step_y, columns * step_x), np.nan)
    size = font_size(ax, columns)
    for i, tile in enumerate(tiles):
        y, x = (i // columns + 1) * step_y - height, i % columns * step_x + (step_x - width) // 2
        sheet[y : y + height, x : x + width] = tile
        wrong = true is not None and guessed is not None and true[i] != guessed[i]
        if captioned:
            text = f"{guessed[i]}" if guessed is not None else f"{true[i]}" if true is not None else ""
            if wrong and true is not None:
                text += f" (is {true[i]})"
            style: dict[str, Any] = {"color": RED, "weight": "bold"} if wrong else {"color": GREY}
            ax.text(x + width / 2 - 0.5, y - 0.08 * height, text, ha="center", va="bottom", fontsize=size, **style)
        if wrong:
            frame = require("matplotlib.patches", extra="plot", purpose="draw images").Rectangle
            ax.add_patch(frame((x - 0.5, y - 0.5), width, height, fill=False, color=RED, lw=1.5, clip_on=False))
    ax.imshow(np.ma.masked_invalid(sheet), cmap="binary", interpolation="nearest")
    ax.set_axis_off()
    return ax


def font_size(ax: Axes, columns: int) -> float:
    """Points in which the longest caption is about as wide as its image."""
    points = ax.get_window_extent().width / ax.figure.dpi * 72
    return min(12.0, max(4.0, 0.21 * points / columns))
