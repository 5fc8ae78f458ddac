"""Accuracies as functions: the value of each sample, without state. The others are the functions of `losses`."""

from __future__ import annotations

from typing import Any

from . import accuracies
from ._pairs import AnyArray
from .means import MeanOfRows


def _values(metric: MeanOfRows, y_true: Any, y_pred: Any) -> AnyArray:
    return metric._sample_values(y_true, y_pred)


def binary_accuracy(y_true: Any, y_pred: Any, threshold: float = 0.5) -> AnyArray:
    """Share of outputs on the target's side of the threshold, for each sample.

    Example:
        >>> binary_accuracy([[1, 1], [0, 0]], [[0.9, 0.4], [0.1, 0.2]])
        array([0.5, 1. ], dtype=float32)
    """
    return accuracies.BinaryAccuracy(threshold=threshold)._sample_values(y_true, y_pred)


def categorical_accuracy(y_true: Any, y_pred: Any) -> AnyArray:
    """1 for each sample whose largest output is at the largest target.

    Example:
        >>> categorical_accuracy([[0, 1], [0, 1]], [[0.1, 0.9], [0.8, 0.2]])
        array([1., 0.], dtype=float32)
    """
    return accuracies.CategoricalAccuracy()._sample_values(y_true, y_pred)


def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> AnyArray:
    """1 for each sample whose largest output is at the target's class number.

    Example:
        >>> sparse_categorical_accuracy([1, 1], [[0.1, 0.9], [0.8, 0.2]])
        array([1., 0.], dtype=float32)
    """
    return accuracies.SparseCategoricalAccuracy()._sample_values(y_true, y_pred)


def top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> AnyArray:
    """1 for each sample where fewer than k outputs exceed that of the right class (one-hot targets).

    Example:
        >>> top_k_categorical_accuracy([[0, 0, 1], [0, 1, 0]], [[0.1, 0.9, 0.8], [0.05, 0.95, 0]], k=1)
        array([0., 1.], dtype=float32)
    """
    return accuracies.TopKCategoricalAccuracy(k)._sample_values(y_true, y_pred)


def sparse_top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5, from_sorted_ids: bool = False) -> AnyArray:
    """1 for each sample where fewer than k outputs exceed that of the target's class.

    Example:
        >>> sparse_top_k_categorical_accuracy([2, 1], [[0.1, 0.9, 0.8], [0.05, 0.95, 0]], k=1)
        array([0., 1.], dtype=float32)
    """
    return accuracies.SparseTopKCategoricalAccuracy(k, from_sorted_ids=from_sorted_ids)._sample_values(y_true, y_pred)
