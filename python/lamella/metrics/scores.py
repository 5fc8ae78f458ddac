"""Precision and recall in one number, by class."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from .._checks import real
from ._pairs import EPSILON, Floats, pair, weights_for
from .base import FAMILY, Metric


@FAMILY.register("fbeta_score")
class FBetaScore(Metric):
    """``(1 + b²) precision recall / (b² precision + recall)``, by class.

    Args:
        average: None for one score for each class, ``"micro"`` for one over all decisions, ``"macro"`` for the mean
            over classes, ``"weighted"`` for the mean weighted by the frequency of each class.
        beta: Weight of recall against precision.
        threshold: Predictions above it are positive; None: the largest of each sample, with its equals.
        name: The key in logs and history.
        dtype: Kept for configs.

    Raises:
        ValueError: If `average` is unknown, `beta` not positive, or `threshold` not in (0, 1].

    Example:
        >>> t = [[1, 1, 1], [1, 0, 0], [1, 1, 0]]
        >>> FBetaScore(beta=2.0, threshold=0.5)(t, [[0.2, 0.6, 0.7], [0.2, 0.6, 0.6], [0.6, 0.8, 0.0]]).round(4)
        array([0.3846, 0.9091, 0.8333])
    """

    _direction = "up"
    _default_name = "fbeta_score"
    _options: ClassVar[tuple[str, ...]] = ("average", "beta", "threshold")

    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(name, dtype)
        owner, known = type(self).__name__, (None, "micro", "macro", "weighted")
        if average not in known:
            raise ValueError(f"{owner} `average` must be one of {known}, got {average!r}.")
        self.average = average
        self.beta = real(owner, "beta", beta, least=0)
        if self.beta == 0:
            raise ValueError(f"{owner} `beta` must be greater than 0.")
        self.threshold = None if threshold is None else real(owner, "threshold", threshold, least=0, most=1)
        if self.threshold == 0:
            raise ValueError(f"{owner} `threshold` must be greater than 0.")

    def _build(self, classes: int) -> None:
        shape = () if self.average == "micro" else (classes,)
        self._classes = classes
        self.true_positives = self.add_variable(shape, name="true_positives")
        self.false_positives = self.add_variable(shape, name="false_positives")
        self.false_negatives = self.add_variable(shape, name="false_negatives")
        self.intermediate_weights = self.add_variable(shape, name="intermediate_weights")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds samples: targets of 0 and 1, and predictions, both ``(n, classes)``.

        Raises:
            ValueError: If the shapes do not fit each other, or earlier samples.
        """
        narrow_t, p = pair(type(self).__name__, y_true, y_pred)
        if p.ndim != 2:
            raise ValueError(f"{type(self).__name__} takes `y_pred` of shape (n, classes), got {p.shape}.")
        if not self._variables:
            self._build(p.shape[1])
        if p.shape[1] != self._classes:
            raise ValueError(
                f"{type(self).__name__}: `y_pred` of shape {p.shape} has other classes than before, {self._classes}."
            )
        t = narrow_t.astype(np.float64)
        w = np.ones((1, 1)) if sample_weight is None else weights_for(p.shape, sample_weight)
        chosen = self._chosen(p)
        axis = None if self.average == "micro" else 0
        self.true_positives += (w * chosen * t).sum(axis=axis)
        self.false_positives += (w * chosen * (1 - t)).sum(axis=axis)
        self.false_negatives += (w * (1 - chosen) * t).sum(axis=axis)
        self.intermediate_weights += (w * t).sum(axis=axis)

    def _chosen(self, p: Any) -> Floats:
        if self.threshold is not None:
            return (p > np.float32(self.threshold)).astype(np.float64)  # type: ignore[no-any-return]
        # Rows of zeros choose nothing.
        return ((p >= p.max(axis=-1, keepdims=True, initial=-np.inf)) & (abs(p) > 1e-9)).astype(np.float64)  # type: ignore[no-any-return]

    def result(self) -> Any:
        """The score so far: a number, or with ``average=None`` one for each class."""
        if not self._variables:
            return 0.0
        tp, support = np.asarray(self.true_positives), np.asarray(self.intermediate_weights)
        precision = tp / (tp + self.false_positives + EPSILON)
        recall = tp / (tp + self.false_negatives + EPSILON)
        square = self.beta**2
        score = np.asarray((1 + square) * precision * recall / (square * precision + recall + EPSILON))
        if self.average == "weighted":
            return float((score * support / (support.sum() + EPSILON)).sum())
        return score if self.average is None else float(score.mean())


@FAMILY.register()
class F1Score(FBetaScore):
    """``2 precision recall / (precision + recall)``, by class.

    Args:
        average: None for one score for each class, ``"micro"`` for one over all decisions, ``"macro"`` for the mean
            over classes, ``"weighted"`` for the mean weighted by the frequency of each class.
        threshold: Predictions above it are positive; None: the largest of each sample, with its equals.
        name: The key in logs and history.
        dtype: Kept for configs.

    Raises:
        ValueError: If `average` is unknown or `threshold` not in (0, 1].

    Example:
        >>> t = [[1, 1, 1], [1, 0, 0], [1, 1, 0]]
        >>> F1Score(threshold=0.5)(t, [[0.2, 0.6, 0.7], [0.2, 0.6, 0.6], [0.6, 0.8, 0.0]]).round(4)
        array([0.5   , 0.8   , 0.6667])
    """

    _default_name = "f1_score"
    _options = ("average", "threshold")

    def __init__(
        self,
        average: str | None = None,
        threshold: float | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(average, 1.0, threshold, name, dtype)
