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
                column, where = value.iloc[:, place], f" in its column {value.columns.tolist()[place]!r}"
            way = _way(
                column, "column" if where else name, f"get_dummies({name})" if where else f"factorize({name})[0]"
            )
            raise ValueError(f"`{name}` must hold real numbers, got dtype {kind}{where}{way}.")
    if all(isinstance(kind, np.dtype) for kind in types) and len({_kind(kind) == "b" for kind in types}) == 1:
        return np.asarray(value)
    small = all(getattr(kind, "itemsize", 8) <= 4 for kind in types)
    array: npt.NDArray[Any] = value.to_numpy(dtype=np.float32 if small else np.float64, na_value=np.nan)
    return array


def _kind(kind: Any) -> str:
    return str(getattr(kind, "kind", "O"))


def _way(column: Any, name: str, categories: str) -> str:
    """What turns such a column into numbers, if pandas has something."""
    if _kind(column.dtype) == "M":
        return f"; dates become numbers with ({name} - {name}.min()).dt.days, or parts of them such as {name}.dt.month"
    if _kind(column.dtype) == "m":
        return f"; spans of time become numbers with {name}.dt.total_seconds()"
    first = column.dropna().head(100).tolist()
    real = [_is_number(each) for each in first]
    if first and all(real):
        return f"; pandas.to_numeric({name}) makes numbers of it"
    if any(real):
        other = first[real.index(False)]
        return f"; pandas.to_numeric({name}, errors='coerce') makes numbers of it, and NaN of others such as {other!r}"
    named = all(isinstance(each, (str, bool)) for each in first)
    return f"; categories become numbers with pandas.{categories}" if named else ""


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return not isinstance(value, bytes)
