"""Shares of samples that are right."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._checks import flag, integer, real
from ._pairs import AnyArray, numbers
from .base import FAMILY
from .means import MeanOfRows


class _Accuracy(MeanOfRows):
    _direction = "up"


@FAMILY.register()
class Accuracy(_Accuracy):
    """Share of outputs that equal their targets.

    Args:
        name: The key in logs and history.
        dtype: Kept for configs.

    Example:
        >>> Accuracy()([1, 2, 3, 4], [0, 2, 3, 4])
        0.75
    """

    _one_by_one = True


@FAMILY.register()
class BinaryAccuracy(_Accuracy):
    """Share of outputs on the target's side of the threshold.

    Args:
        name: The key in logs and history.
        dtype: Kept for configs.
        threshold: Outputs above it count as 1.

    Raises:
        ValueError: If `threshold` is not a finite number.

    Example:
        >>> BinaryAccuracy()([1, 1, 0, 0], [0.98, 1, 0, 0.6])
        0.75
    """

    _one_by_one = True
    _options = ("threshold",)

    def __init__(self, name: str | None = None, dtype: Any = None, threshold: float = 0.5) -> None:
        super().__init__(name, dtype)
        self.threshold = real("BinaryAccuracy", "threshold", threshold)


@FAMILY.register()
class CategoricalAccuracy(_Accuracy):
    """Share of samples whose largest output is at the largest target (one-hot targets); the first of equals counts.

    Args:
        name: The key in logs and history.
        dtype: Kept for configs.

    Example:
        >>> CategoricalAccuracy()([[0, 0, 1], [0, 1, 0]], [[0.1, 0.9, 0.8], [0.05, 0.95, 0]])
        0.5
    """


@FAMILY.register()
class SparseCategoricalAccuracy(_Accuracy):
    """Share of samples whose largest output is at the target's class number; the first of equals counts.

    Args:
        name: The key in logs and history.
        dtype: Kept for configs.

    Example:
        >>> SparseCategoricalAccuracy()([2, 1], [[0.1, 0.6, 0.3], [0.05, 0.95, 0]])
        0.5
    """

    labels = True


class _TopK(_Accuracy):
    _options = ("k",)

    def __init__(self, k: int = 5, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(name, dtype)
        self.k = integer(type(self).__name__, "k", k, least=1)


@FAMILY.register()
class TopKCategoricalAccuracy(_TopK):
    """Share of samples where fewer than k outputs exceed that of the right class (one-hot targets): ties are hits.

    Args:
        k: How many outputs count.
        name: The key in logs and history.
        dtype: Kept for configs.

    Raises:
        TypeError: If `k` is not an integer.
        ValueError: If it is less than 1.

    Example:
        >>> TopKCategoricalAccuracy(k=1)([[0, 0, 1], [0, 1, 0]], [[0.1, 0.9, 0.8], [0.05, 0.95, 0]])
        0.5
    """


@FAMILY.register()
class SparseTopKCategoricalAccuracy(_TopK):
    """Share of samples where fewer than k outputs exceed that of the target's class: ties are hits.

    Args:
        k: How many outputs count.
        name: The key in logs and history.
        dtype: Kept for configs.
        from_sorted_ids: Whether predictions are class numbers, the best first, instead of scores.

    Raises:
        TypeError: If `k` is not an integer.
        ValueError: If it is less than 1.

    Example:
        >>> SparseTopKCategoricalAccuracy(k=2)([2, 0], [[0.1, 0.9, 0.8], [0.05, 0.95, 0.1]])
        0.5
        >>> SparseTopKCategoricalAccuracy(k=2, from_sorted_ids=True)([2, 0], [[1, 2, 0], [1, 2, 0]])
        0.5
    """

    labels = True

    def __init__(self, k: int = 5, name: str | None = None, dtype: Any = None, from_sorted_ids: bool = False) -> None:
        super().__init__(k, name, dtype)
        self._from_sorted_ids = flag("SparseTopKCategoricalAccuracy", "from_sorted_ids", from_sorted_ids)

    def _rows(self, y_true: Any, y_pred: Any, weights: Any) -> tuple[AnyArray, AnyArray, Any]:
        if not self._from_sorted_ids:
            return super()._rows(y_true, y_pred, weights)
        t, p = numbers("y_true", y_true, None), numbers("y_pred", y_pred, None)
        if t.shape[:-1] == p.shape[:-1] and t.shape[-1:] == (1,):
            t = t[..., 0]
        if t.shape != p.shape[:-1]:
            raise ValueError(
                f"{type(self).__name__}: `y_true` of shape {np.shape(y_true)} and `y_pred` of shape "
                f"{np.shape(y_pred)} do not fit: it takes one class number for each row of class numbers."
            )
        return t, p, weights

    def _values(self, t: AnyArray, p: AnyArray) -> AnyArray:
        if self._from_sorted_ids:
            return np.asarray((p[..., : self.k] == t[..., None]).any(axis=-1))
        return super()._values(t, p)

    def _spec(self, core: Any) -> Any:
        return None if self._from_sorted_ids else super()._spec(core)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | ({"from_sorted_ids": True} if self._from_sorted_ids else {})
