"""Metrics: running state over `update_state(y_true, y_pred, sample_weight)`, read by `result()`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import confusion as cm
from .family import Family
from .losses import LOSSES, loss

Array = NDArray[np.float64]

EPSILON = 1e-7


def weights_for(values: Array, sample_weight: ArrayLike | None) -> Array:
    """Weights of shape (n,), ones by default, with axes added until they broadcast over `values`."""
    w = np.ones(len(values)) if sample_weight is None else np.asarray(sample_weight, np.float64).reshape(len(values))
    return w.reshape(-1, *[1] * (values.ndim - 1))


class Sum:
    """The weighted sum of all values."""

    def __init__(self) -> None:
        self.total = self.count = 0.0

    def update_state(self, values: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        values = np.atleast_1d(np.asarray(values, np.float64))
        self.total += (values * weights_for(values, sample_weight)).sum()

    def result(self) -> Any:
        return self.total


class Mean(Sum):
    """The weighted mean of one value per sample; 0 when nothing was seen."""

    def update_state(self, values: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        values = np.atleast_1d(np.asarray(values, np.float64))
        values = values.reshape(len(values), -1).mean(-1)
        super().update_state(values, sample_weight)
        self.count += weights_for(values, sample_weight).sum()

    def result(self) -> float:
        return float(self.total / self.count) if self.count else 0.0


class MeanOf:
    """The mean of `values(y_true, y_pred)` over all samples."""

    def __init__(self, values: Callable[..., Array], **params: Any) -> None:
        self.values = partial(values, **params)
        self.mean = Mean()

    def update_state(self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        self.mean.update_state(self.values(np.asarray(y_true, np.float64), np.asarray(y_pred)), sample_weight)

    def result(self) -> float:
        return self.mean.result()


def fitted(t: Array, p: Array) -> tuple[Array, Array]:
    """Targets of shape (n,) for predictions of shape (n, 1) become (n, 1), and the like."""
    return LOSSES["mse"]().align(t, p)


def accuracy(t: Array, p: Array) -> Array:
    return np.equal(*fitted(t, p))


def binary_accuracy(t: Array, p: Array, threshold: float = 0.5) -> Array:
    t, p = fitted(t, p)
    return t == (p > threshold)


def labels_of(t: Array, p: Array) -> Array:
    return t.reshape(p.shape[:-1]).astype(np.int64)


def categorical_accuracy(t: Array, p: Array) -> Array:
    return t.argmax(-1) == p.argmax(-1)


def sparse_categorical_accuracy(t: Array, p: Array) -> Array:
    return labels_of(t, p) == p.argmax(-1)


def sparse_top_k_categorical_accuracy(t: Array, p: Array, k: int = 5) -> Array:
    """A hit if fewer than k classes score strictly higher than the right one."""
    right = np.take_along_axis(p, labels_of(t, p)[..., None], -1)
    return (p > right).sum(-1) < k


def top_k_categorical_accuracy(t: Array, p: Array, k: int = 5) -> Array:
    return sparse_top_k_categorical_accuracy(t.argmax(-1), p, k)


def cosine_similarity(t: Array, p: Array, axis: int = -1) -> Array:
    return -loss("CosineSimilarity", t, p, axis=axis)


class RootMeanSquaredError(MeanOf):
    def __init__(self) -> None:
        super().__init__(lambda t, p: (p - t) ** 2)

    def update_state(self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        t, p = fitted(np.asarray(y_true, np.float64), np.asarray(y_pred, np.float64))
        super().update_state(t, p, sample_weight)

    def result(self) -> float:
        return float(np.sqrt(super().result()))


class R2Score:
    """1 - residual sum of squares / total sum of squares, per output."""

    def __init__(self, class_aggregation: str | None = "uniform_average", num_regressors: int = 0) -> None:
        self.class_aggregation, self.num_regressors = class_aggregation, num_regressors
        self.sum_of_squares = self.sum = self.residual = self.count = 0.0
        self.samples = 0

    def update_state(self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        t, p = fitted(np.asarray(y_true, np.float64), np.asarray(y_pred, np.float64))
        w = weights_for(t, sample_weight)
        self.sum_of_squares = self.sum_of_squares + (w * t**2).sum(0)
        self.sum = self.sum + (w * t).sum(0)
        self.residual = self.residual + (w * (t - p) ** 2).sum(0)
        self.count += w.sum()
        self.samples += len(t)

    def result(self) -> Any:
        total = np.asarray(self.sum_of_squares - self.sum**2 / self.count)
        score = np.where(total == 0, 0.0, 1 - self.residual / np.where(total == 0, 1, total))
        if self.class_aggregation == "uniform_average":
            score = score.mean()
        elif self.class_aggregation == "variance_weighted_average":
            score = (score * total).sum() / total.sum()
        if self.num_regressors:
            score = 1 - (1 - score) * (self.samples - 1) / (self.samples - self.num_regressors - 1)
        return score


class FBetaScore:
    """The weighted harmonic mean of precision and recall, per class or averaged."""

    def __init__(self, average: str | None = None, beta: float = 1.0, threshold: float | None = None) -> None:
        self.average, self.beta, self.threshold = average, beta, threshold
        self.tp = self.fp = self.fn = self.support = 0.0

    def update_state(self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        t, p = np.asarray(y_true, np.float64), np.asarray(y_pred, np.float64)
        p = p > self.threshold if self.threshold is not None else (p >= p.max(-1, keepdims=True)) & (np.abs(p) > 1e-9)
        w = weights_for(t, sample_weight)
        axis = None if self.average == "micro" else 0
        self.tp = self.tp + (w * p * t).sum(axis)
        self.fp = self.fp + (w * p * (1 - t)).sum(axis)
        self.fn = self.fn + (w * (1 - p) * t).sum(axis)
        self.support = self.support + (w * t).sum(axis)

    def result(self) -> Any:
        precision = self.tp / (self.tp + self.fp + EPSILON)
        recall = self.tp / (self.tp + self.fn + EPSILON)
        score = (1 + self.beta**2) * precision * recall / (self.beta**2 * precision + recall + EPSILON)
        if self.average == "weighted":
            return (score * self.support / (self.support.sum() + EPSILON)).sum()
        return score.mean() if self.average == "macro" else score


class F1Score(FBetaScore):
    def __init__(self, average: str | None = None, threshold: float | None = None) -> None:
        super().__init__(average, 1.0, threshold)


def _of_loss(name: str) -> Callable[..., MeanOf]:
    return partial(MeanOf, partial(loss, name))


# Losses whose mean over all samples is a metric of the same name.
_SAME_AS_LOSS = set(LOSSES) - {
    "CosineSimilarity",
    "LogCosh",
    "Huber",
    "BinaryFocalCrossentropy",
    "CategoricalFocalCrossentropy",
    "Dice",
    "Tversky",
}

METRICS = Family(
    {
        "Mean": Mean,
        "Sum": Sum,
        "Accuracy": partial(MeanOf, accuracy),
        "BinaryAccuracy": partial(MeanOf, binary_accuracy),
        "CategoricalAccuracy": partial(MeanOf, categorical_accuracy),
        "SparseCategoricalAccuracy": partial(MeanOf, sparse_categorical_accuracy),
        "TopKCategoricalAccuracy": partial(MeanOf, top_k_categorical_accuracy),
        "SparseTopKCategoricalAccuracy": partial(MeanOf, sparse_top_k_categorical_accuracy),
        "CosineSimilarity": partial(MeanOf, cosine_similarity),
        "LogCoshError": _of_loss("LogCosh"),
        "RootMeanSquaredError": RootMeanSquaredError,
        "R2Score": R2Score,
        "F1Score": F1Score,
        "FBetaScore": FBetaScore,
    }
    | {name: _of_loss(name) for name in LOSSES if name in _SAME_AS_LOSS}
    | {c.__name__: c for c in cm.CONFUSION_METRICS},
    aliases={"mse": "MeanSquaredError", "mae": "MeanAbsoluteError", "mape": "MeanAbsolutePercentageError"}
    | {"msle": "MeanSquaredLogarithmicError", "bce": "BinaryCrossentropy", "kld": "KLDivergence"}
    | {"rmse": "RootMeanSquaredError", "logcosh": "LogCoshError"},
)


def metric(name: str, **params: Any) -> Any:
    return METRICS[name](**params)


def compiled(spec: Any, y_true: Array, y_pred: Array) -> Any:
    """A metric from what `compile(metrics=[...])` takes; "accuracy" and "acc" choose by shapes."""
    if isinstance(spec, str) and spec.lower() in ("accuracy", "acc"):
        if y_pred.shape[-1] == 1:
            return metric("BinaryAccuracy")
        sparse = y_true.ndim < y_pred.ndim or y_true.shape[-1] == 1
        return metric("SparseCategoricalAccuracy" if sparse else "CategoricalAccuracy")
    return METRICS.make(spec)
