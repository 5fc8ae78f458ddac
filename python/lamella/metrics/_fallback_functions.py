"""Stand-ins for the functions of `lamella.losses`."""

from __future__ import annotations

from typing import Any

from . import probabilistic, regression
from ._pairs import AnyArray, pair
from ._rows import row_values


def _of(name: str, cls: Any) -> Any:
    def function(y_true: Any, y_pred: Any, **options: Any) -> AnyArray:
        if isinstance(cls, str):
            t, p = pair(name, y_true, y_pred)
            return row_values(cls, options, t, p)
        values: AnyArray = cls(**options)._sample_values(y_true, y_pred)
        return values

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"The values of {cls if isinstance(cls, str) else cls.__name__} for each sample."
    return function


mean_squared_error = _of("mean_squared_error", regression.MeanSquaredError)
mean_absolute_error = _of("mean_absolute_error", regression.MeanAbsoluteError)
mean_absolute_percentage_error = _of("mean_absolute_percentage_error", regression.MeanAbsolutePercentageError)
mean_squared_logarithmic_error = _of("mean_squared_logarithmic_error", regression.MeanSquaredLogarithmicError)
log_cosh = _of("log_cosh", regression.LogCoshError)
huber = _of("huber", "Huber")
kl_divergence = _of("kl_divergence", probabilistic.KLDivergence)
poisson = _of("poisson", probabilistic.Poisson)
hinge = _of("hinge", probabilistic.Hinge)
squared_hinge = _of("squared_hinge", probabilistic.SquaredHinge)
categorical_hinge = _of("categorical_hinge", probabilistic.CategoricalHinge)
binary_crossentropy = _of("binary_crossentropy", probabilistic.BinaryCrossentropy)
categorical_crossentropy = _of("categorical_crossentropy", probabilistic.CategoricalCrossentropy)
sparse_categorical_crossentropy = _of("sparse_categorical_crossentropy", probabilistic.SparseCategoricalCrossentropy)
binary_focal_crossentropy = _of("binary_focal_crossentropy", "BinaryFocalCrossentropy")
categorical_focal_crossentropy = _of("categorical_focal_crossentropy", "CategoricalFocalCrossentropy")
