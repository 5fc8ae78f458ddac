"""Frames and columns of pandas as arrays of numbers; pandas is not imported, and need not be installed."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


def is_frame(value: Any) -> bool:
    """Whether `value` is a frame or a column (Series) of pandas."""
    return type(value).__module__.partition(".")[0] == "pandas" and hasattr(value, "iloc")


def numbers(name: str, value: Any) -> npt.NDArray[Any]:
    """A frame or column as an array of numbers, of which missing ones are NaN; without a copy if it is one array.

    Raises:
        ValueError: If a column holds something else than real numbers; it names the column and the way out.

    Example:
        >>> import pandas as pd
        >>> rooms = pd.array([3, None], "Int64")
        >>> numbers("x", pd.DataFrame({"size": [1.5, 2.5], "old": [True, False], "rooms": rooms}))
        array([[1.5, 1. , 3. ],
               [2.5, 0. , nan]])
    """
    types = [*value.dtypes] if value.ndim == 2 else [value.dtype]
    for place, kind in enumerate(types):
        if _kind(kind) not in "fiub":
            column, where = value, ""
            if value.ndim == 2:
                column, where = value.iloc[:, place], f" in its column {value.columns[place]!r}"
            way = _way(f"pandas.get_dummies({name})" if value.ndim == 2 else f"pandas.factorize({name})[0]", column)
            raise ValueError(f"`{name}` must hold real numbers, got dtype {kind}{where}{way}.")
    if all(isinstance(kind, np.dtype) for kind in types) and len({_kind(kind) == "b" for kind in types}) == 1:
        return np.asarray(value)
    small = all(getattr(kind, "itemsize", 8) <= 4 for kind in types)
    array: npt.NDArray[Any] = value.to_numpy(dtype=np.float32 if small else np.float64, na_value=np.nan)
    return array


def _kind(kind: Any) -> str:
    return str(getattr(kind, "kind", "O"))


def _way(categories: str, column: Any) -> str:
    """What turns such a column into numbers."""
    if _kind(column.dtype) == "M":
        return "; dates become numbers with (column - column.min()).dt.days, or parts of them such as column.dt.month"
    if _kind(column.dtype) == "m":
        return "; spans of time become numbers with column.dt.total_seconds()"
    first = [each for each in column.head(100).tolist() if isinstance(each, (str, int, float))]
    if first and all(map(_is_number, first)):
        return "; pandas.to_numeric(column) makes numbers of it"
    return f"; categories become numbers with {categories}"


def _is_number(text: Any) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
