"""Losses of the margin (targets -1 and 1) and of the overlap (masks)."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from .._checks import real
from .base import FAMILY, CoreLoss


class _Hinge(CoreLoss):
    @property
    def depends_on_batch(self) -> bool:
        """True: whether targets are 0 and 1 is asked of a whole batch."""
        return True


@FAMILY.register()
class Hinge(_Hinge):
    """``mean(max(1 - t * p, 0))`` for targets -1 and 1; if all targets of a batch are 0 or 1, 0 becomes -1.

    Example:
        >>> Hinge()([[1.0, -1.0]], [[0.5, 0.5]])
        1.0
    """


@FAMILY.register()
class SquaredHinge(_Hinge):
    """``mean(max(1 - t * p, 0)**2)``, with targets as for `Hinge`.

    Example:
        >>> SquaredHinge()([[1.0, -1.0]], [[0.5, 0.5]])
        1.25
    """


@FAMILY.register()
class CategoricalHinge(CoreLoss):
    """``max(1 + max((1 - t) * p) - sum(t * p), 0)`` for one-hot targets.

    Example:
        >>> CategoricalHinge()([[0.0, 1.0]], [[0.5, 0.75]])
        0.75
    """


class _Overlap(CoreLoss):
    @property
    def depends_on_batch(self) -> bool:
        """True unless every sample stands alone."""
        return self.axis is None or super().depends_on_batch

    axis: int | None

    def call(self, y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Any:
        """One float32 number for the whole batch, or with an axis one for each sample.

        Raises:
            ValueError: If the shapes do not fit.
        """
        values = super().call(y_true, y_pred)
        return values if self.axis is not None else values.reshape(-1)[0]


def _axis(owner: str, axis: Any) -> int | None:
    if axis is not None and axis not in (-1, (-1,), [-1]):
        raise ValueError(f"{owner} `axis` must be None (the whole batch) or -1 (each sample alone), got {axis!r}.")
    return None if axis is None else -1


@FAMILY.register()
class Dice(_Overlap):
    """``1 - 2 * sum(t * p) / (sum(t) + sum(p) + 1e-7)`` over the whole batch: one number.

    Args:
        reduction, name, dtype: As for every loss.
        axis: None for the whole batch, -1 for each sample alone.

    Raises:
        ValueError: If `axis` is another.

    Example:
        >>> Dice()([[1.0, 0.0], [0.0, 1.0]], [[0.5, 0.5], [0.5, 0.5]])
        0.5
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        axis: Any = None,
        dtype: str | None = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self.axis = _axis("Dice", axis)


@FAMILY.register()
class Tversky(_Overlap):
    """``1 - I / (I + alpha * sum((1 - p) * t) + beta * sum(p * (1 - t)) + 1e-7)`` with ``I = sum(t * p)``.

    Args:
        alpha: The price of what is missed.
        beta: The price of what is wrongly found.
        reduction, name, dtype: As for every loss.
        axis: None for the whole batch, -1 for each sample alone.

    Raises:
        ValueError: If `axis` is another.

    Source:
        Salehi et al., Tversky loss function for image segmentation, 2017, https://arxiv.org/abs/1706.05721.

    Example:
        >>> Tversky(alpha=1.0, beta=0.0)([[1.0, 1.0]], [[0.5, 0.5]])
        0.5
    """

    def __init__(
        self,
        alpha: float = 0.5,
        beta: float = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        axis: Any = None,
        dtype: str | None = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self.alpha = real("Tversky", "alpha", alpha)
        self.beta = real("Tversky", "beta", beta)
        self.axis = _axis("Tversky", axis)
