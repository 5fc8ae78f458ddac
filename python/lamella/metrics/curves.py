"""The area under a curve through many thresholds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .._checks import flag, integer
from ._counts import Counter, arrays, checked_thresholds, column, ratio, spread
from ._pairs import EPSILON, AnyArray, Floats, numbers
from .base import FAMILY

_CURVES = ("ROC", "PR", "PRGAIN")
_HEIGHTS: dict[str, Callable[[Floats, Floats], Floats]] = {
    "interpolation": lambda a, b: (a + b) / 2,
    "minoring": np.minimum,
    "majoring": np.maximum,
}


def _one_of(name: str, value: Any, known: tuple[str, ...]) -> str:
    for option in known:
        if isinstance(value, str) and value.lower() == option.lower():
            return option
    raise ValueError(f"AUC `{name}` must be one of {known}, got {value!r}.")


@FAMILY.register()
class AUC(Counter):
    """Area under the curve of rates that the thresholds give, as in Keras: many samples, but not every score, count.

    Args:
        num_thresholds: Number of thresholds, evenly spaced in [0, 1].
        curve: ``"ROC"`` (true positive over false positive rate), ``"PR"`` (precision over recall) or ``"PRGAIN"``
            (their gains over always answering 1).
        summation_method: ``"interpolation"`` between thresholds, or ``"minoring"`` and ``"majoring"`` for bounds.
        name: The key in logs and history.
        dtype: Kept for configs.
        thresholds: Thresholds in [0, 1] instead of evenly spaced ones.
        multi_label: Whether each column has a curve of its own, and the result is the mean of the areas.
        num_labels: Number of columns, where `multi_label`; found from the data if left out.
        label_weights: A weight for each column: of its area where `multi_label`, otherwise of its predictions.
        from_logits: Whether predictions are logits, not probabilities.

    Raises:
        TypeError: If a number or flag is something else.
        ValueError: If an option is unknown, a threshold not in [0, 1], or the label arguments do not fit.

    Source:
        Davis and Goadrich, "The relationship between precision-recall and ROC curves", 2006 (PR interpolation);
        Flach and Kull, "Precision-recall-gain curves", 2015.

    Example:
        >>> AUC(num_thresholds=3)([0, 0, 1, 1], [0, 0.5, 0.3, 0.9])
        0.75
    """

    _direction = "up"
    _options = (
        "num_thresholds", "curve", "summation_method", "multi_label", "num_labels", "label_weights", "from_logits"
    )  # fmt: skip

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        name: str | None = None,
        dtype: Any = None,
        thresholds: Any = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: Any = None,
        from_logits: bool = False,
    ) -> None:
        self.curve = _one_of("curve", curve, _CURVES)
        self.summation_method = _one_of("summation_method", summation_method, tuple(_HEIGHTS))
        self._given = None if thresholds is None else sorted(checked_thresholds("AUC", thresholds))
        if self._given is None:
            self.num_thresholds, evenly = spread("AUC", num_thresholds, least=2)
            between = evenly[1:-1]
        else:
            self.num_thresholds, between = len(self._given) + 2, np.array(self._given)
        # every score in [0, 1] lies above the first and not above the last
        super().__init__(np.concatenate([[-EPSILON], between, [1 + EPSILON]]), name, dtype)
        self.multi_label = flag("AUC", "multi_label", multi_label)
        self.from_logits = flag("AUC", "from_logits", from_logits)
        self.num_labels = None if num_labels is None else integer("AUC", "num_labels", num_labels, least=1)
        if self.num_labels and not self.multi_label:
            raise ValueError("AUC `num_labels` is for `multi_label=True` only.")
        self._weights = None if label_weights is None else numbers("label_weights", label_weights, np.float64)
        if not self.multi_label:
            self._build((self.num_thresholds,))
        elif self.num_labels:
            self._build((self.num_thresholds, self.num_labels))

    @property
    def thresholds(self) -> list[float]:
        """All thresholds, the two beyond 0 and 1 included."""
        return [float(value) for value in self._sorted]

    @property
    def label_weights(self) -> list[float] | None:
        """The weights of the columns."""
        return None if self._weights is None else [float(weight) for weight in self._weights]

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds samples.

        Args:
            y_true: Targets of 0 and 1.
            y_pred: Predictions of the same shape.
            sample_weight: One weight for each sample, or for each prediction.

        Raises:
            ValueError: If the shapes do not fit.
        """
        t, p, w = arrays("AUC", y_true, y_pred, sample_weight)
        if self._weights is not None and (p.ndim < 2 or p.shape[-1] != len(self._weights)):
            raise ValueError(f"AUC has {len(self._weights)} `label_weights`, but got `y_pred` of shape {p.shape}.")
        if self.from_logits:
            p = (1 / (1 + np.exp(-np.clip(p, -80, 80)))).astype(np.float32)
        if not self.multi_label:
            if self._weights is not None:
                w = np.broadcast_to(self._weights, p.shape) * (1.0 if w is None else w)
            self._count(*column(t, p, w))
            return
        if not self._variables and p.ndim == 2:
            self._build((self.num_thresholds, p.shape[1]))
        if p.ndim != 2 or p.shape[1] != self.true_positives.shape[1]:
            expected = f"(n, {self.true_positives.shape[1]})" if self._variables else "(n, labels)"
            raise ValueError(f"AUC with `multi_label` expected `y_pred` of shape {expected}, got {p.shape}.")
        self._count(t, p, w)

    def result(self) -> float:
        """The area so far; 0 when nothing was seen."""
        if not self._variables:
            return 0.0
        areas = np.asarray(self._areas())
        if areas.ndim == 0:
            return float(areas)
        return float(areas.mean() if self._weights is None else ratio(areas @ self._weights, self._weights.sum()))

    def _areas(self) -> Floats:
        if self.curve == "PR" and self.summation_method == "interpolation":
            return self._interpolated_pr()
        x, y = self._curve()
        heights = _HEIGHTS[self.summation_method](y[:-1], y[1:])
        return ((x[:-1] - x[1:]) * heights).sum(axis=0)  # type: ignore[no-any-return]

    def _counted(self) -> list[AnyArray]:
        return [np.asarray(getattr(self, name)) for name in self._kept]

    def _curve(self) -> tuple[Floats, Floats]:
        tp, fp, tn, fn = self._counted()
        if self.curve == "ROC":
            return ratio(fp, fp + tn), ratio(tp, tp + fn)
        if self.curve == "PR":
            return ratio(tp, tp + fn), ratio(tp, tp + fp)
        odds = ratio(tp + fn, tn + fp)
        recall_gain, precision_gain = 1 - odds * ratio(fn, tp), 1 - odds * ratio(fp, tp)
        return np.where(tp == 0, 0.0, np.maximum(recall_gain, 0)), np.where(tp == 0, 1.0, precision_gain)

    def _interpolated_pr(self) -> Floats:
        """Between two thresholds, true positives grow linearly with all positives."""
        tp, fp, _, fn = self._counted()
        found = tp + fp
        more_right = tp[:-1] - tp[1:]
        slope = ratio(more_right, np.maximum(found[:-1] - found[1:], 0))
        intercept = tp[1:] - slope * found[1:]
        growth = ratio(found[:-1], found[1:])
        parts = slope * (more_right + intercept * np.log(np.where(growth > 0, growth, 1.0)))
        return ratio(parts, tp[1:] + fn[1:]).sum(axis=0)  # type: ignore[no-any-return]

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return super().get_config() | ({} if self._given is None else {"thresholds": self._given})
