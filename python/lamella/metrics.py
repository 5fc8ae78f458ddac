"""Metrics: means over samples that are watched beside the loss. Names and meanings are those of Keras 3."""

from __future__ import annotations

from typing import Any

from . import losses
from ._checks import real
from ._registry import Registry, snake_case

__all__ = [
    "BinaryAccuracy",
    "BinaryCrossentropy",
    "CategoricalAccuracy",
    "CategoricalCrossentropy",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "Metric",
    "SparseCategoricalAccuracy",
    "SparseCategoricalCrossentropy",
    "get",
]


class Metric:
    """Base class: a value per sample, averaged over all samples of an epoch.

    Args:
        name: The key in logs and history.
    """

    labels = False  # whether targets are class numbers
    direction: str | None = "min"  # which way is better

    def __init__(self, name: str | None = None) -> None:
        self.name = name or snake_case(type(self).__name__)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {k: v for k, v in vars(self).items() if not k.startswith("_")}

    def _spec(self, core: Any) -> Any:
        spec = getattr(core.metrics, type(self).__name__)()
        for key, value in self.get_config().items():
            if key != "name" and hasattr(spec, key):
                setattr(spec, key, value)
        return spec


_FAMILY: Registry[Metric] = Registry("metric", Metric)


class _Accuracy(Metric):
    direction = "max"


@_FAMILY.register()
class BinaryAccuracy(_Accuracy):
    """Share of outputs on the target's side of the threshold.

    Args:
        name: The key in logs and history.
        threshold: Outputs above it count as 1.

    Example:
        >>> BinaryAccuracy().threshold
        0.5
    """

    def __init__(self, name: str | None = None, threshold: float = 0.5) -> None:
        super().__init__(name)
        self.threshold = real("BinaryAccuracy", "threshold", threshold)


@_FAMILY.register()
class CategoricalAccuracy(_Accuracy):
    """Share of samples whose largest output is at the largest target (one-hot targets).

    Example:
        >>> CategoricalAccuracy().name
        'categorical_accuracy'
    """


@_FAMILY.register()
class SparseCategoricalAccuracy(_Accuracy):
    """Share of samples whose largest output is at the target's class number.

    Example:
        >>> SparseCategoricalAccuracy().labels
        True
    """

    labels = True


@_FAMILY.register("mae", "MAE")
class MeanAbsoluteError(Metric):
    """``mean(|t - p|)``.

    Example:
        >>> MeanAbsoluteError().name
        'mean_absolute_error'
    """


@_FAMILY.register("mse", "MSE")
class MeanSquaredError(Metric):
    """``mean((t - p)**2)``.

    Example:
        >>> MeanSquaredError("squares").name
        'squares'
    """


class _LossMetric(Metric):
    """A loss, watched as a metric: same arguments, `name` first."""

    def __init__(self, name: str | None = None, **options: Any) -> None:
        super().__init__(name)
        loss = getattr(losses, type(self).__name__)(**options)
        vars(self).update({k: v for k, v in vars(loss).items() if k not in ("name", "reduction")})


@_FAMILY.register()
class CategoricalCrossentropy(_LossMetric):
    """``-sum(t * ln p)``; arguments as the loss of that name.

    Example:
        >>> CategoricalCrossentropy(label_smoothing=0.1).label_smoothing
        0.1
    """


@_FAMILY.register()
class SparseCategoricalCrossentropy(_LossMetric):
    """``-ln p[class]``; arguments as the loss of that name.

    Example:
        >>> SparseCategoricalCrossentropy(from_logits=True).from_logits
        True
    """

    labels = True


@_FAMILY.register("bce", "BCE")
class BinaryCrossentropy(_LossMetric):
    """``-mean(t * ln p + (1 - t) * ln(1 - p))``; arguments as the loss of that name.

    Example:
        >>> BinaryCrossentropy().name
        'binary_crossentropy'
    """


def is_accuracy(identifier: Any) -> bool:
    """Whether this is ``"accuracy"`` or ``"acc"``, which become one of three metrics by the shapes of the data."""
    return isinstance(identifier, str) and identifier.lower() in ("accuracy", "acc")


def resolve_accuracy(name: str, outputs: int, sparse: bool) -> Metric:
    """The metric that ``"accuracy"`` stands for: by the width of the output and whether targets are class numbers."""
    if outputs == 1:
        return BinaryAccuracy(name)
    return SparseCategoricalAccuracy(name) if sparse else CategoricalAccuracy(name)


def get(identifier: Any) -> Metric:
    """The metric that a name, a metric or its config stands for. A string is also the metric's key in logs.

    Raises:
        ValueError: If no metric has that name.
        TypeError: If `identifier` is none of those.

    Example:
        >>> get("mae").name
        'mae'
    """
    metric = _FAMILY.get(identifier)
    if isinstance(identifier, str):
        metric.name = identifier
    return metric
