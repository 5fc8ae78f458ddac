"""Losses. Formulas, names and defaults are those of Keras 3."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._public import publish
from .base import FAMILY as _FAMILY
from .base import Loss
from .crossentropies import (
    BinaryCrossentropy,
    BinaryFocalCrossentropy,
    CategoricalCrossentropy,
    CategoricalFocalCrossentropy,
    SparseCategoricalCrossentropy,
)
from .crossentropies import is_crossentropy as is_crossentropy
from .crossentropies import resolve_crossentropy as resolve_crossentropy
from .custom import CustomLoss as CustomLoss
from .custom import is_custom
from .functions import (
    LossFunction,
    binary_crossentropy,
    binary_focal_crossentropy,
    categorical_crossentropy,
    categorical_focal_crossentropy,
    categorical_hinge,
    cosine_similarity,
    dice,
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
    tversky,
)
from .margins import (
    CategoricalHinge,
    Dice,
    Hinge,
    SquaredHinge,
    Tversky,
)
from .regression import (
    CosineSimilarity,
    Huber,
    KLDivergence,
    LogCosh,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    Poisson,
)

__all__ = [
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "CategoricalHinge",
    "CosineSimilarity",
    "Dice",
    "Hinge",
    "Huber",
    "KLDivergence",
    "LogCosh",
    "Loss",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
    "Tversky",
    "bce",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_hinge",
    "cosine_similarity",
    "deserialize",
    "dice",
    "get",
    "hinge",
    "huber",
    "kl_divergence",
    "kld",
    "log_cosh",
    "logcosh",
    "mae",
    "mape",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "mse",
    "msle",
    "poisson",
    "serialize",
    "sparse_categorical_crossentropy",
    "squared_hinge",
    "tversky",
]

publish(globals())

bce = binary_crossentropy
kld = kl_divergence
logcosh = log_cosh
mae = mean_absolute_error
mape = mean_absolute_percentage_error
mse = mean_squared_error
msle = mean_squared_logarithmic_error

_CLASSES = set(_FAMILY.makers.values())


def get(identifier: Any) -> Loss:
    """The loss that a name, a loss, its config, one of the functions here or a function of your own stands for.

    Raises:
        ValueError: If no loss has that name.
        TypeError: If `identifier` is none of those.

    Example:
        >>> get("mse").name, get(huber).name
        ('mean_squared_error', 'huber_loss')
    """
    if isinstance(identifier, LossFunction):
        return identifier.cls()
    if callable(identifier) and not isinstance(identifier, (Loss, type)):
        return CustomLoss(identifier)
    loss = _FAMILY.get(identifier)
    return CustomLoss(loss) if is_custom(loss, _CLASSES) and not isinstance(loss, CustomLoss) else loss


def serialize(loss: Any) -> Any:
    """The dictionary that Keras writes for a loss; the name alone for one of the functions here.

    Raises:
        TypeError: If `loss` is none.

    Example:
        >>> serialize(Huber(delta=2.0))["config"]
        {'reduction': 'sum_over_batch_size', 'name': 'huber_loss', 'delta': 2.0}
    """
    if isinstance(loss, LossFunction):
        return loss.__name__
    if isinstance(loss, CustomLoss):
        loss = loss._of
    if isinstance(loss, Loss):
        return _FAMILY.serialize(loss)
    if callable(loss):
        name = getattr(loss, "__name__", type(loss).__name__)
        return {"module": "builtins", "class_name": "function", "config": name, "registered_name": "function"}
    raise TypeError(f"`loss` must be a loss or a function, got {loss!r}.")


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Loss:
    """The loss that serialize(), or any version of Keras, described.

    Args:
        config: ``{"class_name": ..., "config": {...}}``, or a name.
        custom_objects: Classes and functions of your own by name.

    Raises:
        ValueError: If the class or one of its settings is unknown.

    Example:
        >>> deserialize(serialize(Huber(delta=2.0))).delta
        2.0
    """
    own = custom_objects or {}
    name = config.get("config") if isinstance(config, Mapping) and config.get("class_name") == "function" else config
    if isinstance(name, str):
        try:
            return get(own.get(name, name))
        except ValueError as error:
            raise ValueError(f"{error} A loss of your own belongs into `custom_objects`.") from None
    return get(_FAMILY.deserialize(config, custom_objects))
