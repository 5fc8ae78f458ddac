"""Metrics that are the weighted mean, or the sum, of one value for each sample."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from .._registry import snake_case
from ._pairs import AnyArray, Floats, labelled, numbers, pair, weights_for
from ._rows import row_values, spec_of
from .base import FAMILY, Metric


def _by_sample(values: Floats) -> Floats:
    """The mean of each sample's numbers."""
    return values if values.ndim < 2 or not values.size else values.mean(axis=tuple(range(1, values.ndim)))


@FAMILY.register()
class Sum(Metric):
    """The weighted sum of values.

    Args:
        name: The key in logs and history.
        dtype: Kept for configs.

    Example:
        >>> Sum()([1, 3, 5, 7], sample_weight=[1, 1, 0, 0])
        4.0
    """

    def __init__(self, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(name, dtype)
        self.total = self.add_variable((), name="total")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        """Adds values, a scalar or an array.

        Raises:
            ValueError: If the weights do not fit the values.
        """
        v: Floats = numbers("values", values, np.float64)
        self.total.assign_add((v if sample_weight is None else v * weights_for(v.shape, sample_weight)).sum())

    def result(self) -> float:
        """The sum so far."""
        return float(self.total)


@FAMILY.register()
class Mean(Metric):
    """The weighted mean of values, ``sum(v * w) / sum(w)``; 0 when nothing was seen.

    Values of a sample, along further axes, are averaged first.

    Args:
        name: The key in logs and history.
        dtype: Kept for configs.

    Example:
        >>> Mean()([1, 3, 5, 7], sample_weight=[1, 1, 0, 0])
        2.0
    """

    def __init__(self, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(name, dtype)
        self.total = self.add_variable((), name="total")
        self.count = self.add_variable((), name="count")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        """Adds values, a scalar or an array.

        Raises:
            ValueError: If the weights do not fit the values.
        """
        self._add(numbers("values", values, np.float64), sample_weight)

    def _add(self, values: Floats, sample_weight: Any) -> None:
        if sample_weight is None:
            self.total.assign_add(_by_sample(values).sum())
            self.count.assign_add(len(values))
            return
        weights = np.broadcast_to(weights_for(values.shape, sample_weight), values.shape)
        self.total.assign_add(_by_sample(values * weights).sum())
        self.count.assign_add(_by_sample(weights).sum())

    def result(self) -> float:
        """The mean so far."""
        return float(self.total / self.count) if self.count else 0.0


def name_of(function: Callable[..., Any]) -> str:
    """The key of a function: its name in snake case.

    Example:
        >>> name_of(lambda t, p: t), name_of(name_of)
        ('lambda', 'name_of')
    """
    return snake_case(re.sub(r"\W", "", getattr(function, "__name__", type(function).__name__)))


@FAMILY.register()
class MeanMetricWrapper(Mean):
    """The mean of ``fn(y_true, y_pred)``, which gives one value for each sample.

    Args:
        fn: Called with two arrays.
        name: The key in logs and history; the function's name by default.
        dtype: Kept for configs.
        kwargs: Further arguments of `fn`.

    Raises:
        TypeError: If `fn` cannot be called.

    Example:
        >>> largest_error = MeanMetricWrapper(lambda t, p: abs(t - p).max(axis=1), "largest_error")
        >>> largest_error([[0, 1], [2, 3]], [[0, 2], [2, 6]])
        2.0
    """

    def __init__(self, fn: Callable[..., Any], name: str | None = None, dtype: Any = None, **kwargs: Any) -> None:
        if not callable(fn):
            raise TypeError(f"MeanMetricWrapper `fn` must be a function f(y_true, y_pred), got {fn!r}.")
        super().__init__(name or name_of(fn), dtype)
        self._fn, self._fn_kwargs = fn, kwargs

    def update_state(  # type: ignore[override]  # as in Keras
        self, y_true: Any, y_pred: Any, sample_weight: Any = None
    ) -> None:
        """Adds samples. Targets ``(n,)`` of predictions ``(n, 1)`` become ``(n, 1)``.

        Raises:
            ValueError: If `fn` does not return one value for each sample, or the weights do not fit.
        """
        t, p = numbers("y_true", y_true, None), numbers("y_pred", y_pred, None)
        if t.ndim == 1 and p.ndim == 2 and p.shape[1] == 1:
            t = t[:, None]
        found = self._fn(t, p, **self._fn_kwargs)
        values = numbers(f"the result of {self.name}", found, np.float64)
        if np.ndim(found) and len(values) != len(p):
            raise ValueError(
                f"Metric {self.name!r} must return one value for each of the {len(p)} samples, got shape "
                f"{values.shape} from `y_true` of shape {t.shape} and `y_pred` of shape {p.shape}."
            )
        self._add(values, sample_weight)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments; the function by its name."""
        function = {"module": "builtins", "class_name": "function", "config": self._fn.__name__}
        return {**super().get_config(), "fn": function | {"registered_name": "function"}, **self._fn_kwargs}


class MeanOfRows(Mean):
    """A mean whose values the compiled core computes, in `fit` too."""

    labels = False
    _formula: ClassVar[str | None] = None  # the core's name of the values, where it is not that of the class
    _one_by_one: ClassVar[bool] = False  # a formula for single numbers: y_pred (n,) holds n samples
    _batch_wide: ClassVar[bool] = False  # the values depend on the whole batch

    def update_state(  # type: ignore[override]  # as in Keras
        self, y_true: Any, y_pred: Any, sample_weight: Any = None
    ) -> None:
        """Adds samples.

        Args:
            y_true: Targets, of the shape of the predictions, or class numbers where the metric takes those.
            y_pred: Predictions.
            sample_weight: One weight for each sample.

        Raises:
            ValueError: If the shapes do not fit.
        """
        t, p, weights = self._rows(y_true, y_pred, sample_weight)
        if not len(p):
            return
        values = self._values(t, p)
        if values.ndim == 0 and np.ndim(weights):
            raise ValueError(
                f"{type(self).__name__} takes `y_pred` of shape {p.shape} as one sample, which cannot have weights of "
                f"shape {np.shape(weights)}; reshape both with [:, None] if it holds {len(p)} samples."
            )
        self._add(np.atleast_1d(values).astype(np.float64), weights)

    def _sample_values(self, y_true: Any, y_pred: Any) -> AnyArray:
        """What a function of this name returns: the values, without state."""
        t, p, _ = self._rows(y_true, y_pred, None)
        return self._values(t, p)

    def _rows(self, y_true: Any, y_pred: Any, weights: Any) -> tuple[AnyArray, AnyArray, Any]:
        t, p = (labelled if self.labels else pair)(type(self).__name__, y_true, y_pred)
        if self._one_by_one and p.ndim == 1:
            t, p = t[:, None], p[:, None]
        return t, p, weights

    def _values(self, t: AnyArray, p: AnyArray) -> AnyArray:
        return row_values(self._formula or type(self).__name__, self._core_options(), t, p)

    def _core_options(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self._options}

    def _spec(self, core: Any) -> Any:
        if self._batch_wide:
            return None
        return spec_of(self._formula or type(self).__name__, self._core_options(), core.metrics)
