"""Distances of numbers from their targets."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from .._checks import integer
from ._pairs import AnyArray, Floats, pair, weights_for
from ._rows import row_values
from .base import FAMILY, Metric, Variable
from .means import MeanOfRows


class _Error(MeanOfRows):
    _direction = "down"


@FAMILY.register("mse", "MSE")
class MeanSquaredError(_Error):
    """``mean((t - p)**2)``.

    Args:
        name: The key in logs and history.
        dtype: Kept for configs.

    Example:
        >>> MeanSquaredError("squares")([[0, 1], [0, 0]], [[1, 1], [0, 0]])
        0.25
    """


@FAMILY.register("mae", "MAE")
class MeanAbsoluteError(_Error):
    """``mean(|t - p|)``.

    Args:
        name: The key in logs and history.
        dtype: Kept for configs.

    Example:
        >>> MeanAbsoluteError()([[0, 1], [0, 0]], [[1, 1], [0, 0]])
        0.25
    """


@FAMILY.register("mape", "MAPE")
class MeanAbsolutePercentageError(_Error):
    """``100 * mean(|t - p| / max(|t|, 1e-7))``.

    Args:
        name: The key in logs and history.
        dtype: Kept for configs.

    Example:
        >>> MeanAbsolutePercentageError()([[4.0], [2.0]], [[3.0], [2.0]])
        12.5
    """


@FAMILY.register("msle", "MSLE")
class MeanSquaredLogarithmicError(_Error):
    """``mean((ln(p + 1) - ln(t + 1))**2)``, where p and t are at least 1e-7.

    Args:
        name: The key in logs and history.
        dtype: Kept for configs.

    Example:
        >>> round(MeanSquaredLogarithmicError()([[0.0], [0.0]], [[1.0], [0.0]]), 4)
        0.2402
    """


@FAMILY.register("logcosh", "log_cosh")
class LogCoshError(_Error):
    """``mean(ln(cosh(p - t)))``.

    Args:
        name: The key in logs and history.
        dtype: Kept for configs.

    Example:
        >>> round(LogCoshError()([[0.0], [0.0]], [[1.0], [0.0]]), 6)
        0.21689
    """

    _default_name = "logcosh"
    _formula = "LogCosh"


@FAMILY.register("cosine_proximity", "cosine")
class CosineSimilarity(MeanOfRows):
    """``sum(t * p) / (|t| * |p|)``: 1 for the same direction, -1 for opposite ones.

    Args:
        name: The key in logs and history.
        dtype: Kept for configs.
        axis: The axis of the vectors.

    Raises:
        TypeError: If `axis` is not an integer.

    Example:
        >>> round(CosineSimilarity()([[0.0, 1.0], [1.0, 1.0]], [[1.0, 0.0], [1.0, 1.0]]), 6)
        0.5
    """

    _direction = "up"
    _options = ("axis",)

    def __init__(self, name: str | None = None, dtype: Any = None, axis: int = -1) -> None:
        super().__init__(name, dtype)
        self.axis = axis_number("CosineSimilarity", axis)

    def _values(self, t: AnyArray, p: AnyArray) -> AnyArray:
        t, p = last_axis(t, self.axis), last_axis(p, self.axis)
        return -row_values("CosineSimilarity", {}, t, p)  # the core has the loss, which is to become small

    def _spec(self, core: Any) -> Any:
        return None


def axis_number(owner: str, axis: Any) -> int:
    """`axis` as an int, negative ones included."""
    return integer(owner, "axis", axis, least=-32)


def last_axis(array: AnyArray, axis: int) -> AnyArray:
    """`array` with that axis moved to the end.

    Raises:
        ValueError: If it has no such axis.
    """
    if not -array.ndim <= axis < array.ndim:
        raise ValueError(f"`axis`={axis} does not fit an array of shape {array.shape}.")
    return np.moveaxis(array, axis, -1)


@FAMILY.register("rmse", "RMSE")
class RootMeanSquaredError(MeanOfRows):
    """``sqrt(mean((t - p)**2))``, the mean over all samples seen.

    Args:
        name: The key in logs and history.
        dtype: Kept for configs.

    Example:
        >>> RootMeanSquaredError()([2, 4, 6], [2, 4, 9]) == 3**0.5
        True
    """

    _direction = "down"
    _formula = "MeanSquaredError"
    _one_by_one = True

    def result(self) -> float:
        """The root so far."""
        return math.sqrt(super().result())

    def _spec(self, core: Any) -> Any:
        return None  # a root is not a mean over samples


@FAMILY.register()
class R2Score(Metric):
    """``1 - sum((t - p)**2) / sum((t - mean(t))**2)``, by output: 1 is perfect, 0 no better than the mean.

    Args:
        class_aggregation: ``"uniform_average"`` of the outputs, ``"variance_weighted_average"``, or None for one
            score for each output.
        num_regressors: Number of independent inputs, for the adjusted score ``1 - (1 - R2) (n - 1) / (n - p - 1)``.
        name: The key in logs and history.
        dtype: Kept for configs.

    Raises:
        TypeError: If `num_regressors` is not an integer.
        ValueError: If an argument is none of those.

    Example:
        >>> round(R2Score()([[1], [4], [3]], [[2], [4], [4]]), 6)
        0.571429
    """

    _direction = "up"
    _options = ("class_aggregation", "num_regressors")

    def __init__(
        self,
        class_aggregation: str | None = "uniform_average",
        num_regressors: int = 0,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(name, dtype)
        known = (None, "uniform_average", "variance_weighted_average")
        if class_aggregation not in known:
            raise ValueError(f"R2Score `class_aggregation` must be one of {known}, got {class_aggregation!r}.")
        self.class_aggregation = class_aggregation
        self.num_regressors = integer("R2Score", "num_regressors", num_regressors, least=0)
        self.num_samples = self.add_variable((), name="num_samples")
        self.squared_sum: Variable | None = None

    def _build(self, outputs: int) -> None:
        self.squared_sum = self.add_variable((outputs,), name="squared_sum")
        self.sum = self.add_variable((outputs,), name="sum")
        self.total_mse = self.add_variable((outputs,), name="residual")
        self.count = self.add_variable((outputs,), name="count")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds samples: targets and predictions ``(n, outputs)``, or ``(n,)`` for one output.

        Raises:
            ValueError: If the shapes do not fit each other, or earlier samples.
        """
        narrow_t, narrow_p = pair("R2Score", y_true, y_pred)
        t, p = narrow_t.astype(np.float64), narrow_p.astype(np.float64)
        t, p = (t[:, None], p[:, None]) if p.ndim == 1 else (t, p)
        if p.ndim != 2:
            raise ValueError(f"R2Score takes `y_pred` of shape (n, outputs), got {p.shape}.")
        if self.squared_sum is None:
            self._build(p.shape[1])
        assert self.squared_sum is not None
        if p.shape[1:] != self.squared_sum.shape:
            raise ValueError(f"R2Score: `y_pred` of shape {p.shape} has other outputs than before, {self.sum.shape}.")
        w = np.broadcast_to(np.ones(()) if sample_weight is None else weights_for(p.shape, sample_weight), p.shape)
        self.squared_sum += (w * t * t).sum(axis=0)
        self.sum += (w * t).sum(axis=0)
        self.total_mse += (w * (t - p) ** 2).sum(axis=0)
        self.count += w.sum(axis=0)
        self.num_samples += len(p)

    def result(self) -> Any:
        """The score so far; 0 for outputs whose targets are all equal."""
        if self.squared_sum is None or not self.num_samples:
            return 0.0 if self.class_aggregation else np.zeros(())
        with np.errstate(divide="ignore", invalid="ignore"):
            total: Floats = np.asarray(self.squared_sum - self.sum**2 / self.count)
            by_output = 1 - np.asarray(self.total_mse) / total
            by_output = np.where(total > 0, by_output, 0.0)
            score: Any = by_output
            if self.class_aggregation == "uniform_average":
                score = float(by_output.mean())
            elif self.class_aggregation:
                score = float(np.nan_to_num((total * by_output).sum() / total.sum(), nan=0.0, posinf=0.0, neginf=0.0))
        return self._adjusted(score)

    def _adjusted(self, score: Any) -> Any:
        free = float(self.num_samples) - self.num_regressors - 1
        if self.num_regressors and free <= 0:
            warnings.warn(
                f"The adjusted R2 score needs more than {self.num_regressors + 1} samples, got "
                f"{int(self.num_samples)}; this is the score without adjustment.",
                stacklevel=3,
            )
            return score
        return 1 - (1 - score) * (float(self.num_samples) - 1) / free if self.num_regressors else score
