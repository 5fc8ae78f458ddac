"""Metrics over the epochs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .._optional import require
from ._base import BLUE, LARGEST, ORANGE, axes_for, numbers, short

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
        TypeError: If `history`, `metric` or `ax` is something else.
        ValueError: If it has no such metric, or no numbers that fit.

    Example:
        >>> from matplotlib.figure import Figure
        >>> ax = plot_history({"loss": [0.5, 0.2], "val_loss": [0.6, 0.4]}, ax=Figure().subplots())
        >>> [line.get_label() for line in ax.lines]
        ['training', 'validation']
    """
    record = getattr(history, "history", history)
    if not isinstance(record, Mapping):
        raise TypeError(f"`history` must be what fit() returned or its dictionary, got {type(history).__name__}.")
    if not isinstance(metric, str):
        raise TypeError(f"`metric` must be the name of one, such as 'loss', got {metric!r}. Draw one at a time.")
    if metric not in record:
        plain = [repr(key) for key in record if not str(key).startswith("val_")]
        known = ", ".join(plain) or "none: nothing was trained"
        raise ValueError(f"`metric` must be one that was recorded ({known}), got {metric!r}.")
    values = _series(record, metric)
    if not len(values):
        raise ValueError(f"`history` has no numbers of {metric!r}: nothing was trained.")
    epochs = np.asarray(getattr(history, "epoch", range(len(values)))) + 1
    lines = [(metric, "training", BLUE, values)]
    if f"val_{metric}" in record:
        lines.append((f"val_{metric}", "validation", ORANGE, _series(record, f"val_{metric}")))
    for key, _, _, values in lines:
        if len(values) > len(epochs):
            raise ValueError(f"`history` has {len(values)} numbers of {key!r}, but only {len(epochs)} epochs.")
    ax = axes_for(ax, "draw curves")
    for _, label, color, values in lines:
        if len(values):
            every = len(epochs) // len(values)  # validation_freq
            ax.plot(epochs[every - 1 :: every][: len(values)], values, "o-", color=color, label=label, ms=4)
    ticker = require("matplotlib.ticker", extra="plot", purpose="draw curves")
    ax.xaxis.set_major_locator(ticker.MaxNLocator(integer=True, min_n_ticks=1))
    ax.set_xlabel("epoch")
    ax.set_ylabel(short(metric), parse_math=False)
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(alpha=0.25)
    if len(ax.lines) > 1:
        ax.legend(frameon=False)
    return ax


def _series(record: Mapping[str, Any], key: str) -> npt.NDArray[np.float64]:
    """The numbers of a metric; such as matplotlib cannot draw are gaps."""
    values = numbers(f"history[{key!r}]", record[key]).astype(np.float64)
    if values.ndim != 1:
        raise ValueError(f"`history[{key!r}]` must hold a number for each epoch, got shape {values.shape}.")
    return np.where(np.abs(values) <= LARGEST, values, np.nan)
