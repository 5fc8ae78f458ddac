"""Helpers on arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .._checks import integer, real


def to_categorical(x: npt.ArrayLike, num_classes: int | None = None) -> npt.NDArray[np.float64]:
    """One-hot rows of class numbers.

    Args:
        x: Class numbers of any shape; a last axis of size 1 is dropped.
        num_classes: Width of the rows; by default the largest class plus one.

    Returns:
        float64 of shape ``(*x.shape, num_classes)``.

    Raises:
        TypeError: If `num_classes` is not an integer.
        ValueError: If a class is negative, not whole, or not below `num_classes`.

    Example:
        >>> to_categorical([0, 2], 3)
        array([[1., 0., 0.],
               [0., 0., 1.]])
    """
    given: npt.NDArray[Any] = np.asarray(x)
    if given.dtype.kind not in "iufb":
        raise ValueError(f"`x` must hold class numbers, got dtype {given.dtype}.")
    if num_classes is not None:
        num_classes = integer("to_categorical", "num_classes", num_classes, least=1)
    # Before the cast, which wraps around.
    bad = given[~((given >= 0) & (given < 2**53) & (given == np.floor(given)))]
    if bad.size:
        raise ValueError(f"`x` must hold whole class numbers from 0, found {bad[0]}.")
    classes = given.astype(np.int64)
    shape = classes.shape
    if len(shape) > 1 and shape[-1] == 1:
        shape = shape[:-1]
    classes = classes.reshape(-1)
    if num_classes is None:
        num_classes = int(classes.max()) + 1 if len(classes) else 0
    if len(classes) and classes.max() >= num_classes:
        raise ValueError(
            f"`x` must hold classes from 0 to {num_classes - 1} (num_classes={num_classes}), "
            f"found {classes.min()} to {classes.max()}."
        )
    rows = np.zeros((len(classes), num_classes))
    rows[np.arange(len(classes)), classes] = 1
    return rows.reshape(*shape, num_classes)


def normalize(x: npt.ArrayLike, axis: int = -1, order: float = 2) -> npt.NDArray[np.floating[Any]]:
    """Divides by the norm along an axis; what has none stays 0.

    Args:
        x: Numbers of any shape.
        axis: Axis along which the norm is taken; 0 works, which it does not in Keras.
        order: Which norm: 2 the usual one, 1 the sum of sizes, ``numpy.inf`` the largest size.

    Returns:
        An array of the same shape, of x's own type if it is floating.

    Raises:
        TypeError: If `axis` is not an integer.
        ValueError: If `x` does not hold numbers, has no such axis, or there is no such norm.

    Example:
        >>> normalize([[3.0, 4.0], [0.0, 0.0]])
        array([[0.6, 0.8],
               [0. , 0. ]])
    """
    given: npt.NDArray[Any] = np.atleast_1d(np.asarray(x))
    if given.dtype.kind not in "iufb":
        raise ValueError(f"normalize `x` must hold numbers, got dtype {given.dtype}.")
    axis = integer("normalize", "axis", axis, least=-given.ndim)
    if axis >= given.ndim:
        raise ValueError(f"normalize `axis` must be below {given.ndim}, the number of axes of `x`, got {axis}.")
    order = real("normalize", "order", order, least=0) if order != np.inf else np.inf
    numbers = given if given.dtype.kind == "f" else given.astype(np.float64)
    norm = np.linalg.norm(numbers, order, axis, keepdims=True)
    norm[norm == 0] = 1
    return np.asarray(numbers / norm)
