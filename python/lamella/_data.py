"""Inputs at the door: what users pass as x, checked and turned into what the core takes.

They become a matrix of float32, float64 or uint8 where they lie (no copy if that is what they are), or the three
arrays of a compressed sparse matrix.
"""

from __future__ import annotations

import math
from array import array as python_array
from typing import Any

import numpy as np
import numpy.typing as npt

from ._checks import laid_out
from ._core import core
from ._frames import is_frame, numbers
from .layers.base import checked_shape

Shape = tuple[int, ...]
AnyArray = npt.NDArray[Any]
Inputs = AnyArray | tuple[AnyArray, AnyArray, AnyArray, int]  # a matrix, or (starts, indices, values, columns)

_KINDS = "a NumPy array, a list of numbers, a pandas frame or a SciPy sparse matrix"

# Dense data with fewer nonzeros than this share is compressed once for a whole fit, if that takes so few bytes.
_MOSTLY_ZERO = 0.25
_COMPRESSED_BYTES = 80_000_000


def is_sparse(x: Any) -> bool:
    """Whether `x` is a SciPy sparse matrix or array (SciPy need not be installed)."""
    return hasattr(type(x), "tocsr") and hasattr(type(x), "nnz")


def is_data(x: Any) -> bool:
    """Whether `x` is an array, a frame or a sparse matrix, not something that gives batches."""
    return hasattr(x, "__array__") or hasattr(x, "dtype") or is_sparse(x) or isinstance(x, (memoryview, python_array))


def only(value: Any, axes: int) -> Any:
    """The array in a list of one array, as Keras takes them; a list of one row or sample, of fewer `axes`, stays.

    Example:
        >>> only([np.zeros((4, 2))], 2).shape, len(only([np.zeros(2)], 2))
        ((4, 2), 1)
    """
    if isinstance(value, (list, tuple)) and len(value) == 1 and is_data(value[0]):
        inner = value[0]
        return inner if (inner.ndim if hasattr(inner, "ndim") else np.ndim(inner)) >= axes else value
    return value


def row_count(x: Inputs) -> int:
    return len(x[0]) - 1 if isinstance(x, tuple) else len(x)


def take_rows(x: Inputs, first: int, last: int) -> Inputs:
    """Rows first ... last - 1, without a copy of the numbers."""
    if isinstance(x, tuple):
        starts, indices, values, columns = x
        return starts[first : last + 1], indices, values, columns
    return x[first:last]


def as_array(name: str, value: Any) -> AnyArray:
    """`value` as an array of numbers of any type.

    Raises:
        TypeError: If it is not data at all.
        ValueError: If it holds something else than real numbers.
    """
    if is_sparse(value):
        raise TypeError(f"`{name}` must be dense, got {type(value).__name__}; use {name}.toarray().")
    if is_frame(value):
        return numbers(name, value)
    try:
        array = np.asanyarray(value)
    except ValueError as error:
        raise ValueError(f"`{name}` must be an array, or a list of rows of equal length: {error}") from None
    except TypeError as error:
        raise TypeError(f"`{name}` must be {_KINDS}, got {type(value).__name__}: {error}") from None
    if array.ndim == 0 and not hasattr(type(value), "dtype"):  # None, strings, dictionaries, functions, ...
        raise TypeError(f"`{name}` must be {_KINDS}, got {_shown(value)}.")
    if isinstance(array, np.ma.MaskedArray):
        raise ValueError(f"`{name}` must not be a masked array: its mask would be lost; use {name}.filled(...).")
    array = np.asarray(array)
    if array.dtype.kind not in "fiub":
        hint = ""
        if array.dtype.kind in "OUS":
            whole = name if hasattr(value, "astype") else f"numpy.asarray({name})"
            hint = f"; {whole}.astype('float32') converts numbers, numpy.unique({name}, return_inverse=True)[1] names"
        raise ValueError(f"`{name}` must hold real numbers, got dtype {array.dtype}{hint}.")
    return array


def float32(array: AnyArray, name: str) -> AnyArray:
    """`array` as contiguous float32; NaN and infinity stay.

    Raises:
        ValueError: If a finite number becomes infinite.
    """
    values = _cast(array)
    if array.dtype.kind == "f" and array.dtype.itemsize > 4 and not (np.isfinite(values) == np.isfinite(array)).all():
        place = tuple(map(int, np.argwhere(np.isfinite(values) != np.isfinite(array))[0]))
        raise ValueError(f"`{name}` contains {array[place]:g}, which is too large for float32 (first at {place}).")
    return values


def _cast(array: AnyArray) -> AnyArray:
    with np.errstate(over="ignore", invalid="ignore"):
        return laid_out(array, np.float32)


def _shown(value: Any) -> str:
    text = repr(value)
    return f"{text if len(text) <= 40 else text[:37] + '...'} of type {type(value).__name__}"


def inputs(x: Any, shape: Shape, name: str = "x") -> Inputs:
    """`x` as the core takes it: rows of samples of `shape`, flattened. May hold NaN.

    Raises:
        TypeError: If `x` is not data.
        ValueError: If its type or shape does not fit.
    """
    width, x = math.prod(shape), only(x, 1 + len(shape))
    if is_sparse(x):
        return _sparse_inputs(x, width, name)
    array = as_array(name, x)
    expected = f"({'n, ' + ', '.join(map(str, shape))})"
    if array.ndim != 1 + len(shape):
        hint = ""
        if array.shape == shape:
            one = _matrices(x, name)[1] if is_frame(x) or isinstance(x, (list, tuple)) else f"{name}[None, ...]"
            hint = f" For one sample, write {one}."
        elif array.ndim == 1:
            hint = " Reshape it: {} if it has one feature, {} if it is one sample.".format(*_matrices(x, name))
        elif array.ndim > 2 and math.prod(array.shape[1:]) == width:
            hint = (
                f" Reshape it with {name}.reshape(len({name}), {width}), "
                f"or start the model with Input({array.shape[1:]}) and Flatten()."
            )
        raise ValueError(f"Expected `{name}` of shape {expected}, got an array of shape {array.shape}.{hint}")
    if array.shape[1:] != shape:
        raise ValueError(
            f"Expected `{name}` of shape {expected}, got shape {array.shape}: "
            f"it has {array.shape[-1]} features, but the model expects {shape[-1]}."
        )
    if array.dtype not in (np.float32, np.float64, np.uint8) or not array.flags.aligned:
        array = _cast(array)
    matrix = array.reshape(len(array), width)
    if (width > 1 and matrix.strides[1] != matrix.itemsize) or matrix.strides[0] % matrix.itemsize:
        matrix = matrix.copy()  # not ascontiguousarray, which leaves the stride of a single row as it is
    return matrix


def _matrices(x: Any, name: str) -> tuple[str, str]:
    """How `x`, of one axis, becomes a matrix of one column, and of one row."""
    if is_frame(x):
        return f"{name}.to_frame()", f"{name}.to_frame().T"
    if isinstance(x, (list, tuple)):
        return f"numpy.reshape({name}, (-1, 1))", f"[{name}]"
    return f"{name}.reshape(-1, 1)", f"{name}.reshape(1, -1)"


def _sparse_inputs(x: Any, width: int, name: str) -> Inputs:
    if x.ndim != 2 or x.shape[1] != width:
        raise ValueError(f"Expected `{name}` of shape (n, {width}), got a sparse matrix of shape {x.shape}.")
    if x.dtype.kind not in "fiub":
        raise ValueError(f"`{name}` must hold real numbers, got dtype {x.dtype}.")
    _require_whole(x, name)
    rows = x.tocsr()
    indices = rows.indices if rows.indices.dtype in (np.int32, np.int64) else rows.indices.astype(np.int64)
    _require_within(indices, width, "column", name)
    starts = np.array(rows.indptr, np.int64)
    _require_ascending(starts, x.shape[0], min(len(indices), len(rows.data)), "row", name)
    native = rows.data.dtype in (np.float32, np.float64) and rows.data.dtype.isnative
    values = laid_out(rows.data, rows.data.dtype) if native else _cast(rows.data)
    return starts, laid_out(indices, indices.dtype), values, width


def _require_whole(x: Any, name: str) -> None:
    """SciPy converts a matrix without looking at its numbers, and writes wherever they point."""
    form = getattr(x, "format", None)  # other packages' matrices with tocsr() look after themselves
    if form == "coo" and hasattr(x, "row"):
        _require_within(x.row, x.shape[0], "row", name)
        _require_within(x.col, x.shape[1], "column", name)
    elif form in ("csc", "bsr"):
        high, wide = x.blocksize if form == "bsr" else (1, 1)
        rows, columns = x.shape[0] // high, x.shape[1] // wide
        size = min(len(x.indices), len(x.data))
        if form == "bsr":
            _require_within(x.indices, columns, "column", name)
            _require_ascending(x.indptr, rows, size, "row", name)
        else:
            _require_within(x.indices, rows, "row", name)
            _require_ascending(x.indptr, columns, size, "column", name)
    elif (form == "dia" and len(x.offsets) != len(x.data)) or (
        form == "lil" and list(map(len, x.rows)) != list(map(len, x.data))
    ):
        raise ValueError(f"`{name}` is a broken sparse matrix: it holds more places than numbers, or fewer.")


def _require_within(numbers: AnyArray, count: int, what: str, name: str) -> None:
    if len(numbers) and (numbers.min() < 0 or numbers.max() >= count):
        raise ValueError(f"`{name}` is a broken sparse matrix: its {what} numbers leave 0 ... {count - 1}.")


def _require_ascending(starts: AnyArray, count: int, size: int, what: str, name: str) -> None:
    if len(starts) != count + 1 or starts[0] != 0 or starts[-1] > size or (np.diff(starts) < 0).any():
        raise ValueError(f"`{name}` is a broken sparse matrix: its {what} pointers do not ascend from 0 to its size.")


def scan(x: Inputs, name: str = "x") -> int:
    """The number of nonzeros of `x`.

    Raises:
        ValueError: If `x` holds NaN, infinity, or what float32 cannot hold.
    """
    nonzeros, row, column = core.scan(x)
    if row >= 0:
        value, way = _name_of(None if isinstance(x, tuple) else x[row, column])
        raise ValueError(f"`{name}` contains {value} (first at row {row}, column {column}). {way}.")
    return int(nonzeros)


def _name_of(value: Any) -> tuple[str, str]:
    """What a number is that cannot be trained on (None: in a sparse matrix), and what to do."""
    if value is None:
        return "NaN or infinity", "Replace such numbers in its attribute data, or drop their rows"
    if np.isnan(value):
        return "NaN", "Fill such places (numpy.nan_to_num for an array, fillna of a frame), or drop their rows"
    if np.isinf(value):
        return "infinity or a number too large for float32", "Replace such numbers (numpy.clip), or drop their rows"
    return f"{value:g}, which is too large for float32", "Scale the column, or drop such rows"


def compressed(x: Inputs, nonzeros: int, densest: float) -> Inputs:
    """`x`, as a compressed sparse matrix where it is dense, mostly zero (and under `densest`), and small enough so."""
    if isinstance(x, tuple) or nonzeros > min(_MOSTLY_ZERO, densest) * x.size:
        return x
    index_bytes = 2 if x.shape[1] <= 65536 else 4
    return core.compress(x) if nonzeros * (4 + index_bytes) + 8 * len(x) <= _COMPRESSED_BYTES else x


def sample_shape(x: Any) -> tuple[int, ...]:
    """Shape of one sample, for a model that does not know its input shape."""
    x = only(x, 2)
    shape = x.shape if is_sparse(x) else as_array("x", x).shape
    if len(shape) < 2:
        column, row = _matrices(x, "x")
        raise ValueError(
            f"Expected `x` of shape (n, features), got shape {shape}. Reshape it with {column} if it has one feature, "
            f"or {row} if it is one sample."
        )
    return checked_shape("x", "shape", shape[1:])
