"""Counts of right and wrong decisions at thresholds, and the shares made of them."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from .._checks import integer
from ._counts import Counter, arrays, checked_thresholds, class_number, column, ratio
from ._pairs import AnyArray, Floats, numbers
from .base import FAMILY

_LOWEST = -1e10  # below all predictions: what is not among the top k


class _AtThresholds(Counter):
    _options: ClassVar[tuple[str, ...]] = ("thresholds",)

    def __init__(self, thresholds: Any, name: str | None, dtype: Any, default: float = 0.5) -> None:
        owner = type(self).__name__
        values = [default] if thresholds is None else checked_thresholds(owner, thresholds)
        super().__init__(np.array(values), name, dtype)
        if thresholds is None or np.ndim(thresholds) == 0:
            self.thresholds: Any = None if thresholds is None else values[0]
        else:
            self.thresholds = values
        self._build((len(values),))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds samples.

        Args:
            y_true: Targets of 0 and 1.
            y_pred: Predictions of the same shape.
            sample_weight: One weight for each sample, or for each prediction.

        Raises:
            ValueError: If the shapes do not fit.
        """
        self._count(*column(*arrays(type(self).__name__, y_true, y_pred, sample_weight)))

    def _value(self) -> Floats:
        return np.array(getattr(self, self._kept[0]))

    def result(self) -> Any:
        """The value so far; an array where there are several thresholds."""
        value = self._value()
        return float(value[0]) if len(value) == 1 else value


class _Count(_AtThresholds):
    def __init__(self, thresholds: Any = None, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(thresholds, name, dtype)


@FAMILY.register()
class TruePositives(_Count):
    """Sum of the weights of predictions above the threshold whose target is 1.

    Args:
        thresholds: One or several in [0, 1]; 0.5 by default.
        name: The key in logs and history.
        dtype: Kept for configs.

    Raises:
        ValueError: If a threshold is not in [0, 1].

    Example:
        >>> TruePositives()([0, 1, 1, 1], [1, 0, 1, 1])
        2.0
    """

    _kept = ("true_positives",)


@FAMILY.register()
class TrueNegatives(_Count):
    """Sum of the weights of predictions not above the threshold whose target is 0.

    Args:
        thresholds: One or several in [0, 1]; 0.5 by default.
        name: The key in logs and history.
        dtype: Kept for configs.

    Raises:
        ValueError: If a threshold is not in [0, 1].

    Example:
        >>> TrueNegatives()([0, 1, 0, 0], [1, 1, 0, 0])
        2.0
    """

    _kept = ("true_negatives",)


@FAMILY.register()
class FalsePositives(_Count):
    """Sum of the weights of predictions above the threshold whose target is 0.

    Args:
        thresholds: One or several in [0, 1]; 0.5 by default.
        name: The key in logs and history.
        dtype: Kept for configs.

    Raises:
        ValueError: If a threshold is not in [0, 1].

    Example:
        >>> FalsePositives()([0, 1, 0, 0], [0, 0, 1, 1])
        2.0
    """

    _kept = ("false_positives",)


@FAMILY.register()
class FalseNegatives(_Count):
    """Sum of the weights of predictions not above the threshold whose target is 1.

    Args:
        thresholds: One or several in [0, 1]; 0.5 by default.
        name: The key in logs and history.
        dtype: Kept for configs.

    Raises:
        ValueError: If a threshold is not in [0, 1].

    Example:
        >>> FalseNegatives()([0, 1, 1, 1], [0, 1, 0, 0])
        2.0
    """

    _kept = ("false_negatives",)


class _Selective(_AtThresholds):
    _direction = "up"
    _options = ("thresholds", "top_k", "class_id")

    def __init__(
        self,
        thresholds: Any = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        owner = type(self).__name__
        super().__init__(thresholds, name, dtype, 0.5 if top_k is None else _LOWEST)
        self.top_k = None if top_k is None else integer(owner, "top_k", top_k, least=1)
        self.class_id = class_number(owner, class_id)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds samples.

        Args:
            y_true: Targets of 0 and 1.
            y_pred: Predictions of the same shape.
            sample_weight: One weight for each sample, or for each prediction.

        Raises:
            ValueError: If the shapes do not fit, or there is no such class.
        """
        owner = type(self).__name__
        if self.top_k is not None:
            y_pred = _highest(numbers("y_pred", y_pred), self.top_k)
        self._count(*column(*arrays(owner, y_true, y_pred, sample_weight, self.class_id)))

    def _value(self) -> Floats:
        right, wrong = (np.asarray(getattr(self, name)) for name in self._kept)
        return ratio(right, right + wrong)


def _highest(p: AnyArray, k: int) -> AnyArray:
    """The k highest numbers of each row, the first of equals; the others lowered."""
    order = np.argsort(-p, axis=-1, kind="stable")[..., :k]
    kept = np.full(p.shape, _LOWEST, np.float32)
    np.put_along_axis(kept, order, np.take_along_axis(p, order, -1), -1)
    return kept


@FAMILY.register()
class Precision(_Selective):
    """Share of right ones among the positive predictions, ``tp / (tp + fp)``; 0 where there are none.

    Args:
        thresholds: One or several in [0, 1] above which predictions are positive; 0.5 by default, none with `top_k`.
        top_k: Only so many highest predictions of a sample can be positive.
        class_id: Counts only this class.
        name: The key in logs and history.
        dtype: Kept for configs.

    Raises:
        TypeError: If `top_k` or `class_id` is not an integer.
        ValueError: If a threshold is not in [0, 1].

    Example:
        >>> Precision()([0, 1, 1, 1], [1, 0, 1, 1]) == 2 / 3
        True
    """

    _kept = ("true_positives", "false_positives")


@FAMILY.register()
class Recall(_Selective):
    """Share of positive targets that are found, ``tp / (tp + fn)``; 0 where there are none.

    Args:
        thresholds: One or several in [0, 1] above which predictions are positive; 0.5 by default, none with `top_k`.
        top_k: Only so many highest predictions of a sample can be positive.
        class_id: Counts only this class.
        name: The key in logs and history.
        dtype: Kept for configs.

    Raises:
        TypeError: If `top_k` or `class_id` is not an integer.
        ValueError: If a threshold is not in [0, 1].

    Example:
        >>> Recall()([0, 1, 1, 1], [1, 0, 1, 1]) == 2 / 3
        True
    """

    _kept = ("true_positives", "false_negatives")
