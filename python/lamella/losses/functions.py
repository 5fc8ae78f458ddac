"""Losses as functions of targets and predictions, without reduction."""

from __future__ import annotations

import inspect
from typing import Any

import numpy.typing as npt

from .._registry import snake_case
from . import crossentropies, margins, regression
from .base import CoreLoss

_OF_CLASSES_ONLY = ("reduction", "name", "dtype")


class LossFunction:
    """``f(y_true, y_pred, ...)``: values of samples, with the arguments of a loss class. Works as ``loss=`` too.

    Example:
        >>> mean_squared_error([[0.0, 1.0], [0.0, 0.0]], [[2.0, 1.0], [0.0, 1.0]])
        array([2. , 0.5], dtype=float32)
    """

    def __init__(self, cls: type[CoreLoss]) -> None:
        self.cls = cls
        self.__name__ = self.__qualname__ = snake_case(cls.__name__)
        options = [p for p in inspect.signature(cls).parameters.values() if p.name not in _OF_CLASSES_ONLY]
        arrays = [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in ("y_true", "y_pred")]
        self.__signature__ = inspect.Signature([*arrays, *options])
        summary = (cls.__doc__ or "").partition("\n")[0]
        self.__doc__ = f"{summary}\n\nA number for each sample; further arguments are those of `{cls.__name__}`."

    def __call__(self, y_true: npt.ArrayLike, y_pred: npt.ArrayLike, *args: Any, **options: Any) -> Any:
        bound = self.__signature__.bind(y_true, y_pred, *args, **options)
        y_true, y_pred, *_ = bound.args
        arguments = {k: v for k, v in bound.arguments.items() if k not in ("y_true", "y_pred")}
        return self.cls(**arguments).call(y_true, y_pred)

    def __repr__(self) -> str:
        return f"<loss function {self.__name__}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return LossFunction, (self.cls,)


mean_squared_error = LossFunction(regression.MeanSquaredError)
mean_absolute_error = LossFunction(regression.MeanAbsoluteError)
mean_absolute_percentage_error = LossFunction(regression.MeanAbsolutePercentageError)
mean_squared_logarithmic_error = LossFunction(regression.MeanSquaredLogarithmicError)
log_cosh = LossFunction(regression.LogCosh)
huber = LossFunction(regression.Huber)
poisson = LossFunction(regression.Poisson)
kl_divergence = LossFunction(regression.KLDivergence)
cosine_similarity = LossFunction(regression.CosineSimilarity)
binary_crossentropy = LossFunction(crossentropies.BinaryCrossentropy)
categorical_crossentropy = LossFunction(crossentropies.CategoricalCrossentropy)
sparse_categorical_crossentropy = LossFunction(crossentropies.SparseCategoricalCrossentropy)
binary_focal_crossentropy = LossFunction(crossentropies.BinaryFocalCrossentropy)
categorical_focal_crossentropy = LossFunction(crossentropies.CategoricalFocalCrossentropy)
hinge = LossFunction(margins.Hinge)
squared_hinge = LossFunction(margins.SquaredHinge)
categorical_hinge = LossFunction(margins.CategoricalHinge)
dice = LossFunction(margins.Dice)
tversky = LossFunction(margins.Tversky)
