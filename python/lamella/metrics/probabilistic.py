"""Losses of probabilities and margins, watched as metrics."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._checks import flag, integer, real
from ._pairs import AnyArray, labelled, weights_for
from ._rows import row_values
from .base import FAMILY
from .means import MeanOfRows
from .regression import axis_number, last_axis


class _Divergence(MeanOfRows):
    _direction = "down"


@FAMILY.register("bce", "BCE")
class BinaryCrossentropy(_Divergence):
    """``-mean(t * ln p + (1 - t) * ln(1 - p))``.

    Args:
        name: The key in logs and history.
        dtype: Kept for configs.
        from_logits: Whether predictions are logits, not probabilities.
        label_smoothing: Moves targets towards 1/2: ``t * (1 - s) + s / 2``.

    Raises:
        TypeError: If `from_logits` is not a bool.
        ValueError: If `label_smoothing` is not in [0, 1].

    Example:
        >>> round(BinaryCrossentropy()([[0, 1], [0, 0]], [[0.6, 0.4], [0.4, 0.6]]), 6)
        0.814924
    """

    _options = ("from_logits", "label_smoothing")

    def __init__(
        self,
        name: str | None = None,
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(name, dtype)
        self.from_logits = flag(type(self).__name__, "from_logits", from_logits)
        self.label_smoothing = real(type(self).__name__, "label_smoothing", label_smoothing, least=0, most=1)


class _OfClasses(_Divergence):
    axis: int

    def _values(self, t: AnyArray, p: AnyArray) -> AnyArray:
        p = last_axis(p, self.axis)
        t = t if self.labels else last_axis(t, self.axis)
        return row_values(type(self).__name__, self._core_options(), t, p)

    def _spec(self, core: Any) -> Any:
        return super()._spec(core) if self.axis in (-1, 1) else None


@FAMILY.register()
class CategoricalCrossentropy(_OfClasses):
    """``-sum(t * ln p)`` for targets that are rows of class shares (one-hot).

    Args:
        name: The key in logs and history.
        dtype: Kept for configs.
        from_logits: Whether predictions are logits, not probabilities.
        label_smoothing: Share of each target that is spread evenly over all classes.
        axis: The axis of the classes.

    Raises:
        TypeError: If `from_logits` is not a bool or `axis` not an integer.
        ValueError: If `label_smoothing` is not in [0, 1].

    Example:
        >>> round(CategoricalCrossentropy()([[0, 1, 0], [0, 0, 1]], [[0.05, 0.95, 0], [0.1, 0.8, 0.1]]), 6)
        1.176939
    """

    _options = ("from_logits", "label_smoothing", "axis")

    def __init__(
        self,
        name: str | None = None,
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
    ) -> None:
        super().__init__(name, dtype)
        self.from_logits = flag(type(self).__name__, "from_logits", from_logits)
        self.label_smoothing = real(type(self).__name__, "label_smoothing", label_smoothing, least=0, most=1)
        self.axis = axis_number(type(self).__name__, axis)

    def _core_options(self) -> dict[str, Any]:
        return {"from_logits": self.from_logits, "label_smoothing": self.label_smoothing}


@FAMILY.register()
class SparseCategoricalCrossentropy(_OfClasses):
    """``-ln p[class]`` for targets that are class numbers.

    Args:
        name: The key in logs and history.
        dtype: Kept for configs.
        from_logits: Whether predictions are logits, not probabilities.
        ignore_class: Samples of this class, often -1, are left out.
        axis: The axis of the classes.

    Raises:
        TypeError: If `from_logits` is not a bool, or `ignore_class` or `axis` not an integer.

    Example:
        >>> round(SparseCategoricalCrossentropy()([1, 2], [[0.05, 0.95, 0], [0.1, 0.8, 0.1]]), 6)
        1.176939
    """

    labels = True
    _options = ("from_logits", "ignore_class", "axis")

    def __init__(
        self,
        name: str | None = None,
        dtype: Any = None,
        from_logits: bool = False,
        ignore_class: int | None = None,
        axis: int = -1,
    ) -> None:
        super().__init__(name, dtype)
        owner = type(self).__name__
        self.from_logits = flag(owner, "from_logits", from_logits)
        self.ignore_class = (
            None if ignore_class is None else integer(owner, "ignore_class", ignore_class, least=-(2**31))
        )
        self.axis = axis_number(owner, axis)

    def _rows(self, y_true: Any, y_pred: Any, weights: Any) -> tuple[AnyArray, AnyArray, Any]:
        t, p = labelled(type(self).__name__, y_true, last_axis(np.asarray(y_pred), self.axis), self.ignore_class)
        if self.ignore_class is not None:  # ignored samples weigh nothing, and their label need not be a class
            kept = t != self.ignore_class
            weights = kept.astype(np.float64) if weights is None else weights_for(t.shape, weights) * kept
            t = np.where(kept, t, 0).astype(np.int32)
        return t, np.moveaxis(p, -1, self.axis), weights

    def _core_options(self) -> dict[str, Any]:
        return {"from_logits": self.from_logits}

    def _spec(self, core: Any) -> Any:
        return None if self.ignore_class is not None else super()._spec(core)


@FAMILY.register("kld", "KLD", "kullback_leibler_divergence")
class KLDivergence(_Divergence):
    """``sum(t * ln(t / p))``, with t and p at least 1e-7.

    Args:
        name: The key in logs and history.
        dtype: Kept for configs.

    Example:
        >>> round(KLDivergence()([[0, 1], [0, 0]], [[0.6, 0.4], [0.4, 0.6]]), 4)
        0.4581
    """


@FAMILY.register()
class Poisson(_Divergence):
    """``mean(p - t * ln(p + 1e-7))``.

    Args:
        name: The key in logs and history.
        dtype: Kept for configs.

    Example:
        >>> round(Poisson()([[0, 1], [0, 0]], [[1, 1], [0, 0]]), 4)
        0.5
    """


@FAMILY.register()
class Hinge(_Divergence):
    """``mean(max(1 - t * p, 0))`` for targets of -1 and 1; where all of a batch are 0 and 1, these stand for -1 and 1.

    Args:
        name: The key in logs and history.
        dtype: Kept for configs.

    Example:
        >>> round(Hinge()([[0, 1], [0, 0]], [[0.6, 0.4], [0.4, 0.6]]), 4)
        1.3
    """

    _batch_wide = True


@FAMILY.register()
class SquaredHinge(_Divergence):
    """``mean(max(1 - t * p, 0)**2)``; targets as for `Hinge`.

    Args:
        name: The key in logs and history.
        dtype: Kept for configs.

    Example:
        >>> round(SquaredHinge()([[0, 1], [0, 0]], [[0.6, 0.4], [0.4, 0.6]]), 4)
        1.86
    """

    _batch_wide = True


@FAMILY.register()
class CategoricalHinge(_Divergence):
    """``max(max((1 - t) * p) - sum(t * p) + 1, 0)`` for one-hot targets.

    Args:
        name: The key in logs and history.
        dtype: Kept for configs.

    Example:
        >>> round(CategoricalHinge()([[0, 1], [0, 0]], [[0.6, 0.4], [0.4, 0.6]]), 4)
        1.4
    """
