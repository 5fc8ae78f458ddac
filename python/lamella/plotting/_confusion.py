"""What was taken for what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ._base import new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes


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
        ValueError: If a shape or a class does not fit.

    Example:
        >>> from matplotlib.figure import Figure
        >>> ax = plot_confusion([0, 1, 1], [0, 1, 0], classes=["cat", "dog"], ax=Figure().subplots())
        >>> [text.get_text() for text in ax.texts]
        ['1', '0', '1', '1']
    """
    true, guessed = _numbers("labels", labels), _numbers("predictions", predictions)
    if len(true) != len(guessed) or not len(true):
        raise ValueError(f"`labels` and `predictions` must be of one length, got {len(true)} and {len(guessed)}.")
    count = int(max(true.max(), guessed.max())) + 1 if classes is None else len(classes)
    both = np.concatenate([true, guessed])
    outside = both[(both < 0) | (both >= count)]
    if len(outside):
        raise ValueError(f"Classes must be from 0 to {count - 1}, got {outside[0]}.")
    matrix = np.zeros((count, count), np.int64)
    np.add.at(matrix, (true, guessed), 1)
    return draw_confusion(matrix, classes, normalize, ax)


def draw_confusion(
    matrix: npt.NDArray[np.int64], classes: Sequence[str] | None, normalize: str | None, ax: Axes | None
) -> Axes:
    """Draws counts ``(classes, classes)``; see `plot_confusion`."""
    if normalize not in (None, "true", "pred", "all"):
        raise ValueError(f"`normalize` must be 'true', 'pred', 'all' or None, got {normalize!r}.")
    axis = {"true": 1, "pred": 0, "all": None}.get(normalize or "", 1)
    totals = matrix.sum(axis=axis, keepdims=True)
    shares = matrix / np.maximum(totals, 1)
    ax = ax or new_axes("draw a confusion matrix")
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
    names = [str(i) for i in range(count)] if classes is None else [str(name) for name in classes]
    places = range(count) if count <= 30 else range(0, count, -(-count // 20))
    long = max(map(len, names)) > 4
    ax.set_xticks([*places], [names[i] for i in places], rotation=40 if long else 0, ha="right" if long else "center")
    ax.set_yticks([*places], [names[i] for i in places])
    ax.set(xlabel="predicted", ylabel="true")
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return ax


def _font_size(ax: Any, count: int) -> float:
    points: float = min(ax.get_window_extent().width, ax.get_window_extent().height) / ax.figure.dpi * 72
    return min(11.0, max(4.0, 0.3 * points / count))


def _numbers(name: str, given: npt.ArrayLike) -> npt.NDArray[np.int64]:
    array = np.asarray(given)
    if array.ndim == 2 and array.shape[1] > 1:
        return np.asarray(array.argmax(axis=1), np.int64)
    if array.ndim not in (1, 2):
        raise ValueError(f"`{name}` must be (n,) or (n, classes), got shape {array.shape}.")
    flat = array.ravel()
    if array.ndim == 2 and flat.dtype.kind == "f":
        return (flat > 0.5).astype(np.int64)  # of a sigmoid
    if not np.array_equal(flat, np.rint(flat)):
        raise ValueError(
            f"`{name}` must be class numbers, got {flat[flat != np.rint(flat)][0]!r}; pass probabilities as rows."
        )
    return flat.astype(np.int64)
