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

    Args:
        cls: The loss class.
        example: Arguments of a call for the docstring.
        result: What that call gives, rounded to 3 digits.

    Example:
        >>> mean_squared_error([[0.0, 1.0], [0.0, 0.0]], [[2.0, 1.0], [0.0, 1.0]])
        array([2. , 0.5], dtype=float32)
    """

    def __init__(self, cls: type[CoreLoss], example: str, result: str) -> None:
        self.cls, self._example = cls, (example, result)
        self.__name__ = self.__qualname__ = snake_case(cls.__name__)
        options = [p for p in inspect.signature(cls).parameters.values() if p.name not in _OF_CLASSES_ONLY]
        arrays = [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in ("y_true", "y_pred")]
        self.__signature__ = inspect.Signature([*arrays, *options])
        summary = (cls.__doc__ or "").partition("\n")[0]
        self.__doc__ = f"""{summary}

A number for each sample; further arguments are those of `{cls.__name__}`.

Example:
    >>> import lamella
    >>> print(lamella.losses.{self.__name__}({example}).round(3))
    {result}
"""

    def __call__(self, y_true: npt.ArrayLike, y_pred: npt.ArrayLike, *args: Any, **options: Any) -> Any:
        bound = self.__signature__.bind(y_true, y_pred, *args, **options)
        y_true, y_pred, *_ = bound.args
        arguments = {k: v for k, v in bound.arguments.items() if k not in ("y_true", "y_pred")}
        return self.cls(**arguments).call(y_true, y_pred)

    def __repr__(self) -> str:
        return f"<loss function {self.__name__}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return LossFunction, (self.cls, *self._example)


mean_squared_error = LossFunction(regression.MeanSquaredError, "[[0.0, 1.0]], [[2.0, 1.0]]", "[2.]")
mean_absolute_error = LossFunction(regression.MeanAbsoluteError, "[[0.0, 1.0]], [[2.0, 1.0]]", "[1.]")
mean_absolute_percentage_error = LossFunction(
    regression.MeanAbsolutePercentageError, "[[2.0, 4.0]], [[1.0, 4.0]]", "[25.]"
)
mean_squared_logarithmic_error = LossFunction(regression.MeanSquaredLogarithmicError, "[[0.0]], [[1.0]]", "[0.48]")
log_cosh = LossFunction(regression.LogCosh, "[[0.0]], [[1.0]]", "[0.434]")
huber = LossFunction(regression.Huber, "[[0.0, 0.0]], [[1.0, 3.0]], delta=2.0", "[2.25]")
poisson = LossFunction(regression.Poisson, "[[2.0]], [[1.0]]", "[1.]")
kl_divergence = LossFunction(regression.KLDivergence, "[[0.5, 0.5]], [[0.25, 0.75]]", "[0.144]")
cosine_similarity = LossFunction(regression.CosineSimilarity, "[[0.0, 1.0]], [[0.0, 3.0]]", "[-1.]")
binary_crossentropy = LossFunction(crossentropies.BinaryCrossentropy, "[[1.0, 0.0]], [[0.5, 0.5]]", "[0.693]")
categorical_crossentropy = LossFunction(crossentropies.CategoricalCrossentropy, "[[0.0, 1.0]], [[0.5, 0.5]]", "[0.693]")
sparse_categorical_crossentropy = LossFunction(
    crossentropies.SparseCategoricalCrossentropy, "[1, 0], [[0.5, 0.5], [0.9, 0.1]]", "[0.693 0.105]"
)
binary_focal_crossentropy = LossFunction(crossentropies.BinaryFocalCrossentropy, "[[1.0]], [[0.5]]", "[0.173]")
categorical_focal_crossentropy = LossFunction(
    crossentropies.CategoricalFocalCrossentropy, "[[0.0, 1.0]], [[0.5, 0.5]]", "[0.043]"
)
hinge = LossFunction(margins.Hinge, "[[1.0, -1.0]], [[0.5, 0.5]]", "[1.]")
squared_hinge = LossFunction(margins.SquaredHinge, "[[1.0, -1.0]], [[0.5, 0.5]]", "[1.25]")
categorical_hinge = LossFunction(margins.CategoricalHinge, "[[0.0, 1.0]], [[0.5, 0.75]]", "[0.75]")
dice = LossFunction(margins.Dice, "[[1.0, 0.0], [0.0, 1.0]], [[0.5, 0.5], [0.5, 0.5]]", "0.5")
tversky = LossFunction(margins.Tversky, "[[1.0, 1.0]], [[0.5, 0.5]], alpha=1.0, beta=0.0", "0.5")
