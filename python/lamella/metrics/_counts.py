"""Weighted counts of positives and negatives above many thresholds, in one pass over the data."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .._checks import integer, real
from ._pairs import AnyArray, Floats, pair, weights_for
from .base import Metric


def ratio(a: Floats, b: Floats) -> Floats:
    """``a / b``, and 0 where b is 0.

    Example:
        >>> ratio(np.array([1.0, 1.0]), np.array([2.0, 0.0]))
        array([0.5, 0. ])
    """
    return np.divide(a, b, out=np.zeros(np.shape(a)), where=np.asarray(b) != 0)


def counts(
    thresholds: npt.NDArray[np.float32], t: AnyArray, p: AnyArray, w: Floats | None
) -> tuple[Floats, Floats, Floats, Floats]:
    """True positives, false positives, true negatives and false negatives of each threshold, for each column of p.

    A prediction is positive if it is greater than the threshold (a NaN is not); a target if it is greater than 0.

    Args:
        thresholds: In ascending order.
        t: Targets ``(n, columns)``.
        p: Predictions ``(n, columns)``.
        w: Weights ``(n, columns)``.

    Returns:
        Four arrays ``(thresholds, columns)``.

    Example:
        >>> t, p = np.array([[0], [1], [1]]), np.array([[0.4], [0.3], [0.9]])
        >>> counts(np.array([0.2, 0.5], np.float32), t, p, None)[0]
        array([[2.],
               [1.]])
    """
    columns, cells = p.shape[1], len(thresholds) + 1
    below = np.searchsorted(thresholds, p, side="left")  # how many thresholds lie below: these it exceeds
    below[np.isnan(p)] = 0
    below += cells * ((t > 0) + 2 * np.arange(columns))
    weights = None if w is None else w.ravel()
    found = np.bincount(below.ravel(), weights, minlength=2 * columns * cells).astype(np.float64)
    found = found.reshape(columns, 2, cells)
    above = found[..., ::-1].cumsum(axis=-1)[..., ::-1]  # [..., i]: at least i thresholds exceeded
    negative, positive = above[:, 0].T, above[:, 1].T
    return positive[1:], negative[1:], negative[0] - negative[1:], positive[0] - positive[1:]


class Counter(Metric):
    """State of a metric that counts at thresholds.

    `_kept` names the counts that it needs; each is a variable ``(thresholds,)``.
    """

    _kept: tuple[str, ...] = ("true_positives", "false_positives", "true_negatives", "false_negatives")
    true_positives: Any
    false_positives: Any
    true_negatives: Any
    false_negatives: Any

    def __init__(self, thresholds: AnyArray, name: str | None, dtype: Any) -> None:
        super().__init__(name, dtype)
        self._order = np.argsort(thresholds, kind="stable")
        self._sorted = np.asarray(thresholds, np.float32)[self._order]

    def _build(self, shape: tuple[int, ...]) -> None:
        for count in self._kept:
            setattr(self, count, self.add_variable(shape, name=count))

    def _count(self, t: AnyArray, p: AnyArray, w: Floats | None) -> None:
        """Adds samples, in columns that are counted separately."""
        found = counts(self._sorted, t, p, w)
        for name, count in zip(Counter._kept, found, strict=True):
            if name in self._kept:
                variable = getattr(self, name)
                variable[self._order] += count.reshape(variable.shape)


def arrays(
    owner: str, y_true: Any, y_pred: Any, sample_weight: Any, class_id: int | None = None
) -> tuple[AnyArray, AnyArray, Floats | None]:
    """Targets, predictions and weights of one shape; with `class_id` those of that class only.

    Raises:
        ValueError: If the shapes do not fit, or there is no such class.
    """
    t, p = pair(owner, y_true, y_pred)
    w = None if sample_weight is None else np.broadcast_to(weights_for(p.shape, sample_weight), p.shape)
    if class_id is None:
        return t, p, w
    if p.ndim < 2 or class_id >= p.shape[-1]:
        raise ValueError(f"{owner} `class_id`={class_id} needs `y_pred` with more classes, got shape {p.shape}.")
    return t[..., class_id], p[..., class_id], None if w is None else w[..., class_id]


def column(t: AnyArray, p: AnyArray, w: Floats | None) -> tuple[AnyArray, AnyArray, Floats | None]:
    """All numbers as one column."""
    return t.reshape(-1, 1), p.reshape(-1, 1), None if w is None else w.reshape(-1, 1)


def class_number(owner: str, class_id: Any) -> int | None:
    return None if class_id is None else integer(owner, "class_id", class_id, least=0)


def checked_thresholds(owner: str, thresholds: Any) -> list[float]:
    """A list of thresholds in [0, 1]."""
    given = list(thresholds) if np.ndim(thresholds) else [thresholds]
    if not given:
        raise ValueError(f"{owner} `thresholds` must not be empty.")
    return [real(owner, "thresholds", value, least=0, most=1) for value in given]


def spread(owner: str, num_thresholds: Any, least: int) -> tuple[int, Floats]:
    """`num_thresholds` as an int, and so many from 0 to 1."""
    number = integer(owner, "num_thresholds", num_thresholds, least=least)
    return number, np.linspace(0, 1, number) if number > 1 else np.array([0.5])
