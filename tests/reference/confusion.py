"""Metrics that count true and false positives and negatives at thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

EPSILON = 1e-7


def ratio(a: ArrayLike, b: ArrayLike) -> Array:
    """a / b, and 0 where b is 0."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    return np.where(b == 0, 0.0, a / np.where(b == 0, 1, b))


class Confusion:
    """Weighted counts per threshold; a prediction is positive if it is greater than the threshold."""

    def __init__(self, thresholds: float | Sequence[float] | None = None) -> None:
        self.scalar = thresholds is None or np.ndim(thresholds) == 0
        self.thresholds = np.atleast_1d(np.asarray(0.5 if thresholds is None else thresholds, np.float64))
        self.tp = self.fp = self.tn = self.fn = np.zeros(len(self.thresholds))

    def update_state(self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        p = np.asarray(y_pred, np.float64)
        t = np.asarray(y_true, np.float64).reshape(p.shape)
        w = np.ones(len(p)) if sample_weight is None else np.asarray(sample_weight, np.float64).reshape(len(p))
        w = np.broadcast_to(w.reshape(-1, *[1] * (p.ndim - 1)), p.shape)
        self.count(t.ravel() > 0, p.ravel(), w.ravel())

    def count(self, t: Array, p: Array, w: Array) -> None:
        positive = p > self.thresholds[:, None]
        self.tp = self.tp + (w * (positive & t)).sum(1)
        self.fp = self.fp + (w * (positive & ~t)).sum(1)
        self.tn = self.tn + (w * (~positive & ~t)).sum(1)
        self.fn = self.fn + (w * (~positive & t)).sum(1)

    def value(self) -> Array:
        raise NotImplementedError

    def result(self) -> Any:
        value = self.value()
        return float(value[0]) if self.scalar else value


class TruePositives(Confusion):
    def value(self) -> Array:
        return self.tp


class TrueNegatives(Confusion):
    def value(self) -> Array:
        return self.tn


class FalsePositives(Confusion):
    def value(self) -> Array:
        return self.fp


class FalseNegatives(Confusion):
    def value(self) -> Array:
        return self.fn


class Selective(Confusion):
    """Counts only one class (`class_id`) or only the `top_k` highest scores of each row."""

    def __init__(
        self,
        thresholds: float | Sequence[float] | None = None,
        top_k: int | None = None,
        class_id: int | None = None,
    ) -> None:
        self.top_k, self.class_id = top_k, class_id
        super().__init__(-1e10 if thresholds is None and top_k is not None else thresholds)

    def update_state(self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        t, p = np.asarray(y_true, np.float64), np.asarray(y_pred, np.float64)
        if self.top_k is not None:
            rank = np.argsort(np.argsort(-p, axis=-1, kind="stable"), axis=-1)
            p = np.where(rank < self.top_k, p, -1e10)
        if self.class_id is not None:
            t, p = t[..., self.class_id], p[..., self.class_id]
        super().update_state(t, p, sample_weight)


class Precision(Selective):
    def value(self) -> Array:
        return ratio(self.tp, self.tp + self.fp)


class Recall(Selective):
    def value(self) -> Array:
        return ratio(self.tp, self.tp + self.fn)


class AtBest(Confusion):
    """The best of one rate over all thresholds at which another rate is at least `bound`."""

    def __init__(self, bound: float, num_thresholds: int = 200) -> None:
        self.bound = bound
        super().__init__([0.5] if num_thresholds == 1 else np.arange(num_thresholds) / (num_thresholds - 1))

    @property
    def sensitivity(self) -> Array:
        return ratio(self.tp, self.tp + self.fn)

    @property
    def specificity(self) -> Array:
        return ratio(self.tn, self.tn + self.fp)

    @property
    def precision(self) -> Array:
        return ratio(self.tp, self.tp + self.fp)

    def rates(self) -> tuple[Array, Array]:
        """The bounded rate, the wanted rate."""
        raise NotImplementedError

    def result(self) -> float:
        bounded, wanted = self.rates()
        return float(wanted[bounded >= self.bound].max(initial=0.0))


class SensitivityAtSpecificity(AtBest):
    def __init__(self, specificity: float, num_thresholds: int = 200) -> None:
        super().__init__(specificity, num_thresholds)

    def rates(self) -> tuple[Array, Array]:
        return self.specificity, self.sensitivity


class SpecificityAtSensitivity(AtBest):
    def __init__(self, sensitivity: float, num_thresholds: int = 200) -> None:
        super().__init__(sensitivity, num_thresholds)

    def rates(self) -> tuple[Array, Array]:
        return self.sensitivity, self.specificity


class PrecisionAtRecall(AtBest):
    def __init__(self, recall: float, num_thresholds: int = 200) -> None:
        super().__init__(recall, num_thresholds)

    def rates(self) -> tuple[Array, Array]:
        return self.sensitivity, self.precision


class RecallAtPrecision(AtBest):
    def __init__(self, precision: float, num_thresholds: int = 200) -> None:
        super().__init__(precision, num_thresholds)

    def rates(self) -> tuple[Array, Array]:
        return self.precision, self.sensitivity


class AUC(Confusion):
    """Area under the ROC or precision-recall curve, drawn through finitely many thresholds."""

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        thresholds: Sequence[float] | None = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: Sequence[float] | None = None,
        from_logits: bool = False,
    ) -> None:
        between = np.arange(1, num_thresholds - 1) / (num_thresholds - 1) if thresholds is None else sorted(thresholds)
        super().__init__([-EPSILON, *between, 1 + EPSILON])
        self.options = {"curve": curve, "summation_method": summation_method}
        self.between, self.multi_label, self.label_weights = list(between), multi_label, label_weights
        self.curve, self.summation_method, self.from_logits = curve, summation_method, from_logits
        self.labels: list[AUC] = []

    def update_state(self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        t, p = np.asarray(y_true, np.float64), np.asarray(y_pred, np.float64)
        p = np.exp(-np.logaddexp(0, -p)) if self.from_logits else p
        if not self.multi_label:
            super().update_state(t, p, sample_weight)
            return
        self.labels = self.labels or [AUC(thresholds=self.between, **self.options) for _ in range(p.shape[-1])]
        for i, label in enumerate(self.labels):
            label.update_state(t[:, i], p[:, i], sample_weight)

    def result(self) -> float:
        if self.multi_label:
            return float(np.average([label.result() for label in self.labels], weights=self.label_weights))
        if self.curve == "PR" and self.summation_method == "interpolation":
            return self.interpolated_pr()
        recall = ratio(self.tp, self.tp + self.fn)
        if self.curve == "ROC":
            x, y = ratio(self.fp, self.fp + self.tn), recall
        else:
            x, y = recall, ratio(self.tp, self.tp + self.fp)
        pick = {"interpolation": lambda a, b: (a + b) / 2, "minoring": np.minimum, "majoring": np.maximum}
        return float(((x[:-1] - x[1:]) * pick[self.summation_method](y[:-1], y[1:])).sum())

    def interpolated_pr(self) -> float:
        """Between two thresholds the true positives are linear in all positives (Davis and Goadrich, 2006)."""
        positives = self.tp + self.fp
        d_tp = self.tp[:-1] - self.tp[1:]
        slope = ratio(d_tp, np.maximum(positives[:-1] - positives[1:], 0))
        intercept = self.tp[1:] - slope * positives[1:]
        both = (positives[:-1] > 0) & (positives[1:] > 0)
        growth = np.where(both, ratio(positives[:-1], positives[1:]), 1.0)
        area = ratio(slope * (d_tp + intercept * np.log(growth)), self.tp[1:] + self.fn[1:])
        return float(area.sum())


CONFUSION_METRICS = (
    TruePositives,
    TrueNegatives,
    FalsePositives,
    FalseNegatives,
    Precision,
    Recall,
    AUC,
    SensitivityAtSpecificity,
    SpecificityAtSensitivity,
    PrecisionAtRecall,
    RecallAtPrecision,
)
