"""Predicted numbers against true ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ._base import BLUE, GREY, LARGEST, axes_for, numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_predictions(y_true: npt.ArrayLike, y_pred: npt.ArrayLike, *, ax: Axes | None = None) -> Axes:
    """Draws a point for each sample of a regression; on the line, prediction and truth are the same.

    Args:
        y_true: True values.
        y_pred: Predicted values.
        ax: Where to draw; a new pyplot figure when None.

    Shapes:
        both (n,) or (n, 1)

    Returns:
        `ax`, or the new one.

    Raises:
        ImportError: If matplotlib is not installed.
        TypeError: If `ax` or a value is of another kind.
        ValueError: If the lengths differ, a shape does not fit, or a number is not finite or too large to draw.

    Example:
        >>> from matplotlib.figure import Figure
        >>> plot_predictions([1.0, 2.0], [[1.5], [2.0]], ax=Figure().subplots()).get_ylabel()
        'predicted'
    """
    true, guessed = _column("y_true", y_true), _column("y_pred", y_pred)
    if len(true) != len(guessed) or not len(true):
        raise ValueError(f"`y_true` and `y_pred` must be of one length, got {len(true)} and {len(guessed)}.")
    ax = axes_for(ax, "draw predictions")
    ends = [float(min(true.min(), guessed.min())), float(max(true.max(), guessed.max()))]
    ax.plot(ends, ends, "--", color=GREY, lw=1, zorder=3)
    alpha = float(np.clip(30 / np.sqrt(len(true)), 0.15, 0.8))
    ax.scatter(true, guessed, s=12, color=BLUE, alpha=alpha, linewidths=0)
    if max(map(abs, ends)) >= 10_000:
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_formatter("{x:,.0f}")
    ax.set(xlabel="true", ylabel="predicted")
    ax.set_aspect("equal", adjustable="datalim")
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(alpha=0.25)
    return ax


def _column(name: str, given: Any) -> npt.NDArray[np.float64]:
    array = numbers(name, given)
    if array.ndim not in (1, 2) or (array.ndim == 2 and array.shape[1] != 1):
        raise ValueError(
            f"`{name}` must be (n,) or (n, 1), got shape {array.shape}. Draw one output at a time: y[:, 0]."
        )
    values: npt.NDArray[np.float64] = array.ravel().astype(np.float64)
    odd = values[~(np.abs(values) <= LARGEST)]
    if len(odd):
        raise ValueError(f"`{name}` must be finite and at most {LARGEST:g} in size, got {odd[0]}.")
    return values
