"""Arrays in two parts."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

from .._checks import flag


def split_dataset(
    dataset: Any,
    left_size: float | None = None,
    right_size: float | None = None,
    shuffle: bool = False,
    seed: int | None = None,
) -> tuple[Any, Any]:
    """Splits an array, or a list or tuple of equally long arrays, by rows.

    Unlike Keras', the parts are what the whole is: arrays, or a list or tuple of arrays.

    Args:
        dataset: An array, or a list or tuple of arrays.
        left_size: Rows of the left part, as a whole number or as a share between 0 and 1; by default what the right
            one leaves.
        right_size: The same for the right part, which ends with the last row.
        shuffle: Whether to shuffle the rows before.
        seed: Seed of their order, which is that of Keras; by default drawn from Python's generator.

    Raises:
        TypeError: If `dataset` holds something else than arrays, or an argument is of the wrong kind.
        ValueError: If no size is given, one leaves no rows for a part, both are more than there is, or the arrays
            differ in length.

    Example:
        >>> left, right = split_dataset(np.arange(10), left_size=0.8)
        >>> left.tolist(), right.tolist()
        ([0, 1, 2, 3, 4, 5, 6, 7], [8, 9])
    """
    arrays = list(dataset) if isinstance(dataset, (list, tuple)) else [dataset]
    if not arrays or not all(isinstance(array, np.ndarray) and array.ndim for array in arrays):
        raise TypeError(
            "split_dataset `dataset` must be an array, or a list or tuple of arrays, "
            f"got {type(dataset).__name__}. Use numpy.asarray."
        )
    if len({len(array) for array in arrays}) > 1:
        raise ValueError(
            f"split_dataset `dataset` must hold arrays of one length, got {', '.join(str(len(a)) for a in arrays)}."
        )
    n = len(arrays[0])
    left, right = _sizes(left_size, right_size, n)
    rows = list(range(n))
    if flag("split_dataset", "shuffle", shuffle):
        random.Random(random.randint(0, int(1e6)) if seed is None else seed).shuffle(rows)
    parts = [[array[chosen] for array in arrays] for chosen in (rows[:left], rows[n - right :])]
    if isinstance(dataset, (list, tuple)):
        return type(dataset)(parts[0]), type(dataset)(parts[1])
    return parts[0][0], parts[1][0]


def _sizes(left_size: float | None, right_size: float | None, n: int) -> tuple[int, int]:
    left, right = _rows("left_size", left_size, n), _rows("right_size", right_size, n)
    if left is None and right is None:
        raise ValueError("split_dataset needs `left_size` or `right_size`, got neither. Pass one, such as 0.8.")
    left = n - right if left is None and right is not None else left or 0
    right = n - left if right is None else right
    if left + right > n:
        raise ValueError(
            f"split_dataset `left_size` and `right_size` must not overlap, got {left_size}, {right_size} of {n} rows."
        )
    if not left or not right:
        raise ValueError(f"split_dataset must leave rows for both parts, got {left} and {right} of {n}.")
    return left, right


def _rows(name: str, size: Any, n: int) -> int | None:
    if size is None:
        return None
    if isinstance(size, (bool, np.bool_)) or not isinstance(size, (int, float, np.integer, np.floating)):
        raise TypeError(f"split_dataset `{name}` must be a number, got {size!r} of type {type(size).__name__}.")
    share = isinstance(size, (float, np.floating))
    if not 0 < size < (1 if share else n):
        raise ValueError(
            f"split_dataset `{name}` must be a whole number from 1 to {n - 1}, or a share between 0 and 1, got {size}."
        )
    return round(size * n) if share else int(size)
