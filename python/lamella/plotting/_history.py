"""Metrics over the epochs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from .._optional import require
from ._base import BLUE, ORANGE, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_history(history: Any, metric: str = "loss", *, ax: Axes | None = None) -> Axes:
    """Draws a metric over the epochs, that of the validation beside it if there is one.

    Args:
        history: What fit() returned, or its dictionary.
        metric: A key of it, such as ``"accuracy"``.
        ax: Where to draw; a new pyplot figure when None.

    Returns:
        `ax`, or the new one.

    Raises:
        ImportError: If matplotlib is not installed.
        TypeError: If `history` is something else.
        ValueError: If it has no such metric.

    Example:
        >>> from matplotlib.figure import Figure
        >>> ax = plot_history({"loss": [0.5, 0.2], "val_loss": [0.6, 0.4]}, ax=Figure().subplots())
        >>> [line.get_label() for line in ax.lines]
        ['training', 'validation']
    """
    record = getattr(history, "history", history)
    if not isinstance(record, Mapping):
        raise TypeError(f"`history` must be what fit() returned or its dictionary, got {type(history).__name__}.")
    if metric not in record:
        known = ", ".join(repr(key) for key in record if not key.startswith("val_")) or "none: nothing was trained"
        raise ValueError(f"`metric` must be one that was recorded ({known}), got {metric!r}.")
    ax = ax or new_axes("draw curves")
    count = len(record[metric])
    epochs = np.asarray(getattr(history, "epoch", range(count))) + 1
    for key, label, color in ((metric, "training", BLUE), (f"val_{metric}", "validation", ORANGE)):
        if key in record:
            every = count // max(1, len(record[key]))  # validation_freq
            ax.plot(epochs[every - 1 :: every][: len(record[key])], record[key], "o-", color=color, label=label, ms=4)
    ticker = require("matplotlib.ticker", extra="plot", purpose="draw curves")
    ax.xaxis.set_major_locator(ticker.MaxNLocator(integer=True, min_n_ticks=1))
    ax.set(xlabel="epoch", ylabel=metric)
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(alpha=0.25)
    if len(ax.lines) > 1:
        ax.legend(frameon=False)
    return ax
