"""What was taken for what."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ._base import axes_for, classes_of, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST = 2000  # classes


def plot_confusion(
    labels: npt.ArrayLike,
    predictions: npt.ArrayLike,
    *,
    classes: Sequence[str] | None = None,
    normalize: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draws the confusion matrix: a row for each class, a column for each that it was taken for.

    Args:
        labels: What the samples are: class numbers, or one-hot rows.
        predictions: What they are taken for: class numbers, or rows of probabilities as predict() returns them;
            a single column is the probability of class 1.
        classes: Names of the classes; by default their numbers.
        normalize: ``"true"``: shares of each row, ``"pred"``: of each column, ``"all"``: of all; None: counts.
        ax: Where to draw; a new pyplot figure when None.

    Returns:
        `ax`, or the new one.

    Raises:
        ImportError: If matplotlib is not installed.
        TypeError: If `ax` or another argument is of another kind.
        ValueError: If a shape or a class does not fit, or there are more than 2,000 classes.

    Example:
        >>> from matplotlib.figure import Figure
        >>> ax = plot_confusion([0, 1, 1], [0, 1, 0], classes=["cat", "dog"], ax=Figure().subplots())
        >>> [text.get_text() for text in ax.texts]
        ['1', '0', '1', '1']
    """
    true, guessed = classes_of("labels", labels), classes_of("predictions", predictions)
    names = _names(classes)
    if len(true) != len(guessed) or not len(true):
        raise ValueError(f"`labels` and `predictions` must be of one length, got {len(true)} and {len(guessed)}.")
    count = int(max(true.max(), guessed.max())) + 1 if names is None else len(names)
    if count > _MOST:
        raise ValueError(f"A confusion matrix is of at most {_MOST:,} classes, got class {count - 1:,}.")
    both = np.concatenate([true, guessed])
    outside = both[(both < 0) | (both >= count)]
    if len(outside):
        raise ValueError(f"Classes must be from 0 to {count - 1}, got {outside[0]}.")
    matrix = np.zeros((count, count), np.int64)
    np.add.at(matrix, (true, guessed), 1)
    return draw_confusion(matrix, names, normalize, ax)


def draw_confusion(
    matrix: npt.NDArray[np.int64], classes: Sequence[str] | None, normalize: str | None, ax: Axes | None
) -> Axes:
    """Draws counts ``(classes, classes)``; see `plot_confusion`."""
    if normalize not in (None, "true", "pred", "all"):
        raise ValueError(f"`normalize` must be 'true', 'pred', 'all' or None, got {normalize!r}.")
    axis = {"true": 1, "pred": 0, "all": None}.get(normalize or "", 1)
    totals = matrix.sum(axis=axis, keepdims=True)
    shares = matrix / np.maximum(totals, 1)
    ax = axes_for(ax, "draw a confusion matrix")
    shown = shares if normalize else matrix
    # Colours are shares of a row, so that rare classes are seen; strong ones are lightened to keep text readable.
    ax.imshow(shares / max(shares.max(), 1e-12), cmap="Blues", vmin=0, vmax=1.15)
    count = len(matrix)
    size = _font_size(ax, count)
    for (i, j), value in np.ndenumerate(shown):
        text = f"{value:.2f}" if normalize else f"{value:,}"
        if count <= 30:
            zero = not matrix[i, j]
            dark = shares[i, j] > 0.55 * shares.max()
            ax.text(
                j,
                i,
                text,
                ha="center",
                va="center",
                size=size,
                color="white" if dark else "#c0c0c0" if zero else "#222222",
            )
    names = [str(i) for i in range(count)] if classes is None else [short(name) for name in classes]
    places = range(count) if count <= 30 else range(0, count, -(-count // 20))
    long = max(map(len, names)) > 4
    shown_names = [names[i] for i in places]
    slant: dict[str, Any] = {"rotation": 40, "ha": "right"} if long else {}
    ax.set_xticks([*places], shown_names, parse_math=False, **slant)
    ax.set_yticks([*places], shown_names, parse_math=False)
    ax.set(xlabel="predicted", ylabel="true")
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return ax


def _font_size(ax: Any, count: int) -> float:
    points: float = min(ax.get_window_extent().width, ax.get_window_extent().height) / ax.figure.dpi * 72
    return min(11.0, max(4.0, 0.3 * points / count))


def _names(classes: Any) -> list[str] | None:
    """`classes` as a list."""
    if classes is None:
        return None
    if isinstance(classes, (str, bytes)) or not isinstance(classes, Iterable):
        raise TypeError(f"`classes` must be a list of names, one for each class, or None; got {classes!r}.")
    names = [str(name) for name in classes]
    if not names:
        raise ValueError("`classes` must name at least one class, got none. Leave it out for numbers.")
    return names
