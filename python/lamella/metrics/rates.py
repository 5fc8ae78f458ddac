"""The best of one rate where another is good enough."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._checks import real
from ._counts import Counter, arrays, class_number, column, ratio, spread
from ._pairs import Floats
from .base import FAMILY


class _AtBest(Counter):
    _direction = "up"
    _bound = ""  # the rate that has a bound, and is the name of the argument
    _wanted = ""

    def __init__(self, bound: float, num_thresholds: int, class_id: int | None, name: str | None, dtype: Any) -> None:
        owner = type(self).__name__
        setattr(self, self._bound, real(owner, self._bound, bound, least=0, most=1))
        self.num_thresholds, thresholds = spread(owner, num_thresholds, least=1)
        super().__init__(thresholds, name, dtype)
        self.class_id = class_number(owner, class_id)
        self._build((self.num_thresholds,))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds samples.

        Args:
            y_true: Targets of 0 and 1.
            y_pred: Predictions of the same shape, in [0, 1].
            sample_weight: One weight for each sample, or for each prediction.

        Raises:
            ValueError: If the shapes do not fit, or there is no such class.
        """
        self._count(*column(*arrays(type(self).__name__, y_true, y_pred, sample_weight, self.class_id)))

    def _rate(self, name: str) -> Floats:
        tp, fp, tn, fn = (np.asarray(getattr(self, count)) for count in self._kept)
        over = {"precision": (tp, fp), "specificity": (tn, fp)}.get(name, (tp, fn))
        return ratio(over[0], over[0] + over[1])

    def result(self) -> float:
        """The best value so far; 0 where the bound is never kept."""
        kept = self._rate(self._bound) >= getattr(self, self._bound)
        return float(self._rate(self._wanted)[kept].max(initial=0.0))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        own = {"class_id": self.class_id, "num_thresholds": self.num_thresholds}
        return super().get_config() | own | {self._bound: getattr(self, self._bound)}


@FAMILY.register()
class SensitivityAtSpecificity(_AtBest):
    """The best ``tp / (tp + fn)`` where ``tn / (tn + fp)`` is at least `specificity`.

    Args:
        specificity: The bound, in [0, 1].
        num_thresholds: So many evenly spaced thresholds from 0 to 1 are tried.
        class_id: Counts only this class.
        name: The key in logs and history.
        dtype: Kept for configs.

    Raises:
        TypeError: If `num_thresholds` or `class_id` is not an integer.
        ValueError: If `specificity` is not in [0, 1].

    Example:
        >>> SensitivityAtSpecificity(0.5)([0, 0, 0, 1, 1], [0, 0.3, 0.8, 0.3, 0.8])
        0.5
    """

    _bound, _wanted = "specificity", "sensitivity"

    def __init__(
        self,
        specificity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(specificity, num_thresholds, class_id, name, dtype)


@FAMILY.register()
class SpecificityAtSensitivity(_AtBest):
    """The best ``tn / (tn + fp)`` where ``tp / (tp + fn)`` is at least `sensitivity`.

    Args:
        sensitivity: The bound, in [0, 1].
        num_thresholds: So many evenly spaced thresholds from 0 to 1 are tried.
        class_id: Counts only this class.
        name: The key in logs and history.
        dtype: Kept for configs.

    Raises:
        TypeError: If `num_thresholds` or `class_id` is not an integer.
        ValueError: If `sensitivity` is not in [0, 1].

    Example:
        >>> SpecificityAtSensitivity(0.5)([0, 0, 0, 1, 1], [0, 0.3, 0.8, 0.3, 0.8]) == 2 / 3
        True
    """

    _bound, _wanted = "sensitivity", "specificity"

    def __init__(
        self,
        sensitivity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(sensitivity, num_thresholds, class_id, name, dtype)


@FAMILY.register()
class PrecisionAtRecall(_AtBest):
    """The best ``tp / (tp + fp)`` where ``tp / (tp + fn)`` is at least `recall`.

    Args:
        recall: The bound, in [0, 1].
        num_thresholds: So many evenly spaced thresholds from 0 to 1 are tried.
        class_id: Counts only this class.
        name: The key in logs and history.
        dtype: Kept for configs.

    Raises:
        TypeError: If `num_thresholds` or `class_id` is not an integer.
        ValueError: If `recall` is not in [0, 1].

    Example:
        >>> PrecisionAtRecall(0.5)([0, 0, 0, 1, 1], [0, 0.3, 0.8, 0.3, 0.8])
        0.5
    """

    _bound, _wanted = "recall", "precision"

    def __init__(
        self,
        recall: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(recall, num_thresholds, class_id, name, dtype)


@FAMILY.register()
class RecallAtPrecision(_AtBest):
    """The best ``tp / (tp + fn)`` where ``tp / (tp + fp)`` is at least `precision`.

    Args:
        precision: The bound, in [0, 1].
        num_thresholds: So many evenly spaced thresholds from 0 to 1 are tried.
        class_id: Counts only this class.
        name: The key in logs and history.
        dtype: Kept for configs.

    Raises:
        TypeError: If `num_thresholds` or `class_id` is not an integer.
        ValueError: If `precision` is not in [0, 1].

    Example:
        >>> RecallAtPrecision(0.8)([0, 0, 1, 1], [0, 0.5, 0.3, 0.9])
        0.5
    """

    _bound, _wanted = "precision", "recall"

    def __init__(
        self,
        precision: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(precision, num_thresholds, class_id, name, dtype)
