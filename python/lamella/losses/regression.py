"""Losses of the difference, the ratio or the angle between target and prediction."""

from __future__ import annotations

import numbers

import numpy as np

from .._checks import real
from .base import FAMILY, CoreLoss


@FAMILY.register("mse", "MSE")
class MeanSquaredError(CoreLoss):
    """``mean((t - p)**2)`` over the outputs of a sample.

    Example:
        >>> MeanSquaredError()([[0.0, 1.0]], [[2.0, 1.0]])
        2.0
    """


@FAMILY.register("mae", "MAE")
class MeanAbsoluteError(CoreLoss):
    """``mean(abs(t - p))``; where both are equal, the slope is -1, as in Keras.

    Example:
        >>> MeanAbsoluteError()([[0.0, 1.0]], [[2.0, 1.0]])
        1.0
    """


@FAMILY.register("mape", "MAPE")
class MeanAbsolutePercentageError(CoreLoss):
    """``100 * mean(abs(t - p) / max(abs(t), 1e-7))``.

    Example:
        >>> MeanAbsolutePercentageError()([[2.0, 4.0]], [[1.0, 4.0]])
        25.0
    """


@FAMILY.register("msle", "MSLE")
class MeanSquaredLogarithmicError(CoreLoss):
    """``mean((ln(1 + p) - ln(1 + t))**2)``, where p and t are at least 1e-7.

    Example:
        >>> round(MeanSquaredLogarithmicError()([[0.0]], [[1.0]]), 4)
        0.4805
    """


@FAMILY.register("logcosh")
class LogCosh(CoreLoss):
    """``mean(ln(cosh(t - p)))``: half the square of small differences, the size of large ones.

    Example:
        >>> round(LogCosh()([[0.0]], [[1.0]]), 4)
        0.4338
    """


@FAMILY.register("huber_loss")
class Huber(CoreLoss):
    """``mean(d**2 / 2)`` where ``d = abs(t - p)`` is at most delta, elsewhere ``delta * d - delta**2 / 2``.

    Args:
        delta: Where the parabola becomes a line, above 0.
        reduction, name, dtype: As for every loss.

    Raises:
        ValueError: If `delta` is negative.

    Source:
        Huber, Robust estimation of a location parameter, Annals of Mathematical Statistics 35 (1964).

    Example:
        >>> Huber(delta=2.0)([[0.0, 0.0]], [[1.0, 3.0]])
        2.25
    """

    def __init__(
        self,
        delta: float = 1.0,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "huber_loss",
        dtype: str | None = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self.delta = real("Huber", "delta", delta, least=0)


@FAMILY.register()
class Poisson(CoreLoss):
    """``mean(p - t * ln(p + 1e-7))``: for counts t with expectation p.

    Example:
        >>> Poisson()([[2.0]], [[1.0]])
        0.9999997615814209
    """

    limits = (0.0, np.inf)


@FAMILY.register("kld", "KLD", "kullback_leibler_divergence")
class KLDivergence(CoreLoss):
    """``sum(t * ln(t / p))``, where t and p are clipped to [1e-7, 1].

    Example:
        >>> round(KLDivergence()([[0.5, 0.5]], [[0.25, 0.75]]), 4)
        0.1438
    """


@FAMILY.register("cosine_proximity")
class CosineSimilarity(CoreLoss):
    """Minus the cosine of the angle between target and prediction: -1 where they point the same way.

    Args:
        axis: The axis of the vectors; only -1, the last.
        reduction, name, dtype: As for every loss.

    Raises:
        ValueError: If `axis` is not -1.

    Example:
        >>> CosineSimilarity()([[0.0, 1.0]], [[0.0, 3.0]])
        -1.0
    """

    def __init__(
        self,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self.axis = last_axis("CosineSimilarity", axis)


def last_axis(owner: str, axis: int) -> int:
    """-1, the only axis that outputs lie along.

    Raises:
        ValueError: If `axis` is another.
    """
    if not isinstance(axis, numbers.Integral) or axis != -1:
        raise ValueError(f"{owner} `axis` must be -1, the last axis, got {axis!r}.")
    return -1
