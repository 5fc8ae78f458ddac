"""Targets, predictions and weights as metrics take them: arrays whose shapes fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .._checks import check_labels
from .._frames import is_frame
from .._frames import numbers as frame_numbers

AnyArray = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]

EPSILON = 1e-7  # what keeps quotients finite, as in Keras


def numbers(name: str, value: Any, dtype: npt.DTypeLike | None = np.float32) -> AnyArray:
    """`value` as an array of that type, or with None of its own, with at least one axis.

    Raises:
        ValueError: If it holds something else than real numbers.
    """
    if is_frame(value):
        value = frame_numbers(name, value)
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(f"`{name}` must be an array, or a list of rows of equal length: {error}") from None
    if array.dtype.kind not in "fiub":
        raise ValueError(f"`{name}` must hold real numbers, got {type(value).__name__} with dtype {array.dtype}.")
    array = np.atleast_1d(array)
    with np.errstate(over="ignore"):
        return array if dtype is None else array.astype(dtype, copy=False)


def aligned(y_true: AnyArray, y_pred: AnyArray) -> tuple[AnyArray, AnyArray]:
    """Both with the same number of axes, where they differ by a last axis of size 1 only.

    Example:
        >>> t, p = aligned(np.zeros(3), np.zeros((3, 1)))
        >>> t.shape, p.shape
        ((3, 1), (3, 1))
    """
    if y_pred.ndim == y_true.ndim + 1 and y_pred.shape[-1] == 1:
        return (y_true[:, None], y_pred) if y_true.ndim == 1 else (y_true, y_pred[..., 0])
    if y_true.ndim == y_pred.ndim + 1 and y_true.shape[-1] == 1:
        return (y_true, y_pred[:, None]) if y_pred.ndim == 1 else (y_true[..., 0], y_pred)
    return y_true, y_pred


def pair(owner: str, y_true: Any, y_pred: Any) -> tuple[AnyArray, AnyArray]:
    """float32 targets and predictions of one shape.

    Raises:
        ValueError: If they have different shapes, or do not hold real numbers.
    """
    t, p = aligned(numbers("y_true", y_true), numbers("y_pred", y_pred))
    if t.shape != p.shape:
        raise ValueError(f"{owner}: {_shapes(y_true, y_pred)} do not fit: they must have the same shape.")
    return t, p


def labelled(
    owner: str, y_true: Any, y_pred: Any, ignore_class: int | None = None
) -> tuple[npt.NDArray[np.int32], AnyArray]:
    """int32 class numbers, and float32 predictions with one axis more.

    Raises:
        ValueError: If the shapes do not fit, or a label is not a class number.
    """
    p, t = numbers("y_pred", y_pred), numbers("y_true", y_true, None)
    if t.ndim == p.ndim and t.shape[-1] == 1:
        t = t[..., 0]
    if p.ndim < 2 or t.shape != p.shape[:-1]:
        raise ValueError(
            f"{owner}: {_shapes(y_true, y_pred)} do not fit: it takes one class number for each row of predictions."
        )
    check_labels(owner, t, p.shape[-1], ignore_class)
    return t.astype(np.int32), p


def _shapes(y_true: Any, y_pred: Any) -> str:
    return f"`y_true` of shape {np.shape(y_true)} and `y_pred` of shape {np.shape(y_pred)}"


def weights_for(shape: tuple[int, ...], sample_weight: Any) -> Floats:
    """Weights that broadcast to `shape`: one for all, one for each sample, or one for each number.

    Raises:
        ValueError: If there is another number of them.
    """
    weights: Floats = numbers("sample_weight", sample_weight, np.float64)
    if np.ndim(sample_weight) == 0:
        return weights.reshape((1,) * len(shape))
    axes = weights.shape
    if axes != shape and len(axes) > 1 and axes[-1] == 1:
        axes = axes[:-1]
    if axes != shape[: len(axes)]:
        raise ValueError(
            f"`sample_weight` of shape {weights.shape} does not fit values of shape {shape}: "
            "give one weight for each sample."
        )
    return weights.reshape(axes + (1,) * (len(shape) - len(axes)))
