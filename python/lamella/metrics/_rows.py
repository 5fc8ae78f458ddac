"""One value for each row of predictions, as the compiled core computes it."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._checks import laid_out
from .._core import core
from ._pairs import AnyArray


def spec_of(name: str, options: dict[str, Any], family: Any) -> Any:
    """That metric or loss of the core, with those options; None if the family has none of that name."""
    if not hasattr(family, name):
        return None
    spec = getattr(family, name)()
    for key, value in options.items():
        setattr(spec, key, value)
    return spec


def row_values(name: str, options: dict[str, Any], y_true: AnyArray, y_pred: AnyArray) -> AnyArray:
    """The values of the last axis, ``y_pred.shape[:-1]``; `y_true` has the shape of `y_pred`, or no last axis (labels).

    Example:
        >>> row_values("MeanSquaredError", {}, np.zeros((2, 3)), np.ones((2, 3)))
        array([1., 1.], dtype=float32)
    """
    columns = y_pred.shape[-1]
    if columns == 0:
        raise ValueError(f"{name}: `y_pred` of shape {y_pred.shape} has rows without numbers.")
    p = laid_out(y_pred, np.float32).reshape(-1, columns)
    if y_true.ndim < y_pred.ndim:
        t: AnyArray = laid_out(y_true, np.int32).reshape(-1)
    else:
        t = laid_out(y_true, np.float32).reshape(-1, columns)
    values: AnyArray
    if (metric := spec_of(name, options, core.metrics)) is not None:
        values = core.metric_values(metric, t, p)
    else:
        values = core.loss_values(spec_of(name, options, core.losses), t, p)
    return values.reshape(y_pred.shape[:-1])
