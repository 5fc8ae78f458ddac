"""Metrics: numbers watched beside the loss. Names and meanings are those of Keras 3."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import losses
from .._public import publish
from ..losses import (
    binary_crossentropy,
    binary_focal_crossentropy,
    categorical_crossentropy,
    categorical_focal_crossentropy,
    categorical_hinge,
    hinge,
    huber,
    kl_divergence,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
    poisson,
    sparse_categorical_crossentropy,
    squared_hinge,
)
from ..losses.functions import LossFunction
from .accuracies import (
    Accuracy,
    BinaryAccuracy,
    CategoricalAccuracy,
    SparseCategoricalAccuracy,
    SparseTopKCategoricalAccuracy,
    TopKCategoricalAccuracy,
)
from .base import FAMILY as _FAMILY
from .base import Metric
from .confusion import (
    FalseNegatives,
    FalsePositives,
    Precision,
    Recall,
    TrueNegatives,
    TruePositives,
)
from .curves import AUC
from .functions import (
    binary_accuracy,
    categorical_accuracy,
    sparse_categorical_accuracy,
    sparse_top_k_categorical_accuracy,
    top_k_categorical_accuracy,
)
from .means import (
    Mean,
    MeanMetricWrapper,
    Sum,
)
from .probabilistic import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    CategoricalHinge,
    Hinge,
    KLDivergence,
    Poisson,
    SparseCategoricalCrossentropy,
    SquaredHinge,
)
from .rates import (
    PrecisionAtRecall,
    RecallAtPrecision,
    SensitivityAtSpecificity,
    SpecificityAtSensitivity,
)
from .regression import (
    CosineSimilarity,
    LogCoshError,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    R2Score,
    RootMeanSquaredError,
)
from .scores import (
    F1Score,
    FBetaScore,
)

__all__ = [
    "AUC",
    "Accuracy",
    "BinaryAccuracy",
    "BinaryCrossentropy",
    "CategoricalAccuracy",
    "CategoricalCrossentropy",
    "CategoricalHinge",
    "CosineSimilarity",
    "F1Score",
    "FBetaScore",
    "FalseNegatives",
    "FalsePositives",
    "Hinge",
    "KLDivergence",
    "LogCoshError",
    "Mean",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanMetricWrapper",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Metric",
    "Poisson",
    "Precision",
    "PrecisionAtRecall",
    "R2Score",
    "Recall",
    "RecallAtPrecision",
    "RootMeanSquaredError",
    "SensitivityAtSpecificity",
    "SparseCategoricalAccuracy",
    "SparseCategoricalCrossentropy",
    "SparseTopKCategoricalAccuracy",
    "SpecificityAtSensitivity",
    "SquaredHinge",
    "Sum",
    "TopKCategoricalAccuracy",
    "TrueNegatives",
    "TruePositives",
    "binary_accuracy",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_accuracy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_hinge",
    "deserialize",
    "get",
    "hinge",
    "huber",
    "kl_divergence",
    "log_cosh",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "poisson",
    "serialize",
    "sparse_categorical_accuracy",
    "sparse_categorical_crossentropy",
    "sparse_top_k_categorical_accuracy",
    "squared_hinge",
    "top_k_categorical_accuracy",
]

publish(globals())

_ACCURACIES: tuple[type[Metric], ...] = (BinaryAccuracy, SparseCategoricalAccuracy, CategoricalAccuracy)
_CROSSENTROPIES: tuple[type[Metric], ...] = (
    BinaryCrossentropy,
    SparseCategoricalCrossentropy,
    CategoricalCrossentropy,
)
_BY_SHAPE = {"accuracy": _ACCURACIES, "acc": _ACCURACIES, "crossentropy": _CROSSENTROPIES, "ce": _CROSSENTROPIES}

# Losses that are no metric by class, but by function.
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "huber": huber,
    "binary_focal_crossentropy": binary_focal_crossentropy,
    "categorical_focal_crossentropy": categorical_focal_crossentropy,
}


def is_accuracy(identifier: Any) -> bool:
    """Whether this is a name that shapes decide: ``"accuracy"``, ``"acc"``, ``"crossentropy"`` or ``"ce"``.

    Example:
        >>> is_accuracy("ACC"), is_accuracy("binary_accuracy")
        (True, False)
    """
    return isinstance(identifier, str) and identifier.lower() in _BY_SHAPE


def resolve_accuracy(name: str, outputs: int, sparse: bool) -> Metric:
    """The metric that such a name stands for.

    Args:
        name: As it was written; the key in logs.
        outputs: Width of the output: 1 makes it a binary one.
        sparse: Whether targets are class numbers.

    Example:
        >>> resolve_accuracy("acc", 10, sparse=True)
        <SparseCategoricalAccuracy name=acc>
    """
    binary, of_labels, of_rows = _BY_SHAPE[name.lower()]
    return (binary if outputs == 1 else of_labels if sparse else of_rows)(name=name)


def get(identifier: Any, argument: str = "") -> Metric:
    """The metric that a name, a metric, a class, a loss, a function or a config stands for.

    A string is also the metric's key in logs. A function ``f(y_true, y_pred)`` that returns one value for each sample
    becomes its mean; its name is the key.

    Args:
        argument: Whose value it is, for messages.

    Raises:
        ValueError: If no metric has that name.
        TypeError: If `identifier` is none of those.

    Example:
        >>> get("mae")
        <MeanAbsoluteError name=mae>
        >>> get(binary_accuracy)
        <BinaryAccuracy name=binary_accuracy>
        >>> get(lambda t, p: abs(t - p).max(axis=1))
        <MeanMetricWrapper name=lambda>
    """
    if isinstance(identifier, str):
        if identifier in _FUNCTIONS:
            return MeanMetricWrapper(_FUNCTIONS[identifier])
        return _named(identifier)
    if isinstance(identifier, dict):
        return deserialize(identifier)
    if isinstance(identifier, losses.Loss):
        metric = MeanMetricWrapper(identifier.call, identifier.name)
        metric._direction = "down"
        return metric
    if callable(identifier) and not isinstance(identifier, (Metric, type)):
        return _of_function(identifier)
    return _FAMILY.get(identifier, argument=argument)


def _named(name: str) -> Metric:
    if is_accuracy(name) and name not in _FAMILY.makers:
        classes = ", ".join(cls.__name__ for cls in _BY_SHAPE[name.lower()])
        raise ValueError(f"What {name!r} means, compile() decides by shapes; elsewhere name one of {classes}.")
    maker = _FAMILY.find(name)
    try:
        return maker(name=name)
    except TypeError:
        raise ValueError(f"Metric {name!r} needs arguments: use metrics.{maker.__name__}(...).") from None


def _of_function(function: Callable[..., Any]) -> Metric:
    name = getattr(function, "__name__", "")
    if name in __all__ and globals()[name] is function and name in _FAMILY.makers:
        return _FAMILY.makers[name](name=name)
    metric = MeanMetricWrapper(function)
    metric._direction = "down" if isinstance(function, LossFunction) else None
    return metric


def serialize(metric: Any) -> dict[str, Any]:
    """The config of a metric or a function, with the name of its class.

    Raises:
        TypeError: If `metric` is neither.

    Example:
        >>> serialize(BinaryAccuracy())["config"]
        {'name': 'binary_accuracy', 'dtype': 'float32', 'threshold': 0.5}
    """
    if isinstance(metric, Metric):
        cls = type(metric)
        ours = _FAMILY.makers.get(cls.__name__) is cls
        return {
            "module": "keras.metrics" if ours else cls.__module__,
            "class_name": cls.__name__,
            "config": metric.get_config(),
            "registered_name": None if ours else cls.__name__,
        }
    if callable(metric):
        return {
            "module": "builtins",
            "class_name": "function",
            "config": metric.__name__,
            "registered_name": "function",
        }
    raise TypeError(f"`metric` must be a metric or a function, got {metric!r}.")


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Metric:
    """The metric that a config describes.

    Args:
        config: What `serialize` returned, or a name.
        custom_objects: Classes and functions of your own, by name.

    Raises:
        ValueError: If no metric has that name, or its arguments are others.
        TypeError: If `config` is something else.

    Example:
        >>> deserialize(serialize(BinaryAccuracy(threshold=0.25))).threshold
        0.25
    """
    own = custom_objects or {}
    if isinstance(config, str):
        return get(own.get(config, config))
    if not isinstance(config, dict) or "class_name" not in config:
        raise TypeError(f"`config` must be a name or a dictionary with `class_name` and `config`, got {config!r}.")
    name, options = str(config["class_name"]), config.get("config", {})
    if name == "function":
        return get(_function(str(options), own))
    maker = own[name] if name in own else _FAMILY.find(name)
    if maker is MeanMetricWrapper:
        options = options | {"fn": _function(options["fn"]["config"], own)}
    try:
        return getattr(maker, "from_config", lambda given: maker(**given))(dict(options))
    except TypeError as error:
        raise ValueError(f"The config of {name!r} does not fit: {error}") from None


def _function(name: str, own: dict[str, Any]) -> Callable[..., Any]:
    found = own.get(name, globals().get(name) if name in __all__ else getattr(losses, name, None))
    if not callable(found):
        raise ValueError(f"Unknown metric function {name!r}; give it in `custom_objects`.")
    return found  # type: ignore[no-any-return]
