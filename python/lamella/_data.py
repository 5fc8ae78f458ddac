"""Data at the door: what users pass in, checked and turned into what the core takes.

Inputs become a matrix of float32, float64 or uint8 where they lie (no copy if that is what they are), or the three
arrays of a compressed sparse matrix. Targets become float32 rows or int32 class numbers.
"""

from __future__ import annotations

import math
from array import array as python_array
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ._checks import integer, laid_out, real
from ._core import core
from .layers.base import checked_shape
from .losses import Loss

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
        hint = f"; convert it first, such as with {name}.astype('float32')" if array.dtype.kind in "OUS" else ""
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
    width = math.prod(shape)
    if is_sparse(x):
        return _sparse_inputs(x, width, name)
    array = as_array(name, x)
    expected = f"({'n, ' + ', '.join(map(str, shape))})"
    if array.ndim != 1 + len(shape):
        hint = ""
        if array.shape == shape:
            hint = f" For one sample, write {name}[None, ...]."
        elif array.ndim == 1:
            hint = (
                f" Reshape it: {name}.reshape(-1, 1) if it has one feature, {name}.reshape(1, -1) if it is one sample."
            )
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


def _sparse_inputs(x: Any, width: int, name: str) -> Inputs:
    if x.ndim != 2 or x.shape[1] != width:
        raise ValueError(f"Expected `{name}` of shape (n, {width}), got a sparse matrix of shape {x.shape}.")
    if x.dtype.kind not in "fiub":
        raise ValueError(f"`{name}` must hold real numbers, got dtype {x.dtype}.")
    rows = x.tocsr()
    indices = rows.indices if rows.indices.dtype in (np.int32, np.int64) else rows.indices.astype(np.int64)
    if len(indices) and (indices.min() < 0 or indices.max() >= width):
        raise ValueError(f"`{name}` is a broken sparse matrix: its column numbers leave 0 ... {width - 1}.")
    starts, size = np.array(rows.indptr, np.int64), min(len(indices), len(rows.data))
    if len(starts) != x.shape[0] + 1 or starts[0] != 0 or starts[-1] > size or (np.diff(starts) < 0).any():
        raise ValueError(f"`{name}` is a broken sparse matrix: its row pointers do not ascend from 0 to its size.")
    native = rows.data.dtype in (np.float32, np.float64) and rows.data.dtype.isnative
    values = laid_out(rows.data, rows.data.dtype) if native else _cast(rows.data)
    return starts, laid_out(indices, indices.dtype), values, width


def scan(x: Inputs, name: str = "x") -> int:
    """The number of nonzeros of `x`.

    Raises:
        ValueError: If `x` holds NaN, infinity, or what float32 cannot hold.
    """
    nonzeros, row, column = core.scan(x)
    if row >= 0:
        value = "NaN or infinity" if isinstance(x, tuple) else _name_of(x[row, column])
        raise ValueError(
            f"`{name}` contains {value} (first at row {row}, column {column}). "
            f"Replace or drop such rows before training, for example with numpy.nan_to_num."
        )
    return int(nonzeros)


def _name_of(value: Any) -> str:
    if np.isnan(value):
        return "NaN"
    return (
        "infinity or a number too large for float32"
        if np.isinf(value)
        else f"{value:g}, which is too large for float32"
    )


def compressed(x: Inputs, nonzeros: int, densest: float) -> Inputs:
    """`x`, as a compressed sparse matrix where it is dense, mostly zero (and under `densest`), and small enough so."""
    if isinstance(x, tuple) or nonzeros > min(_MOSTLY_ZERO, densest) * x.size:
        return x
    index_bytes = 2 if x.shape[1] <= 65536 else 4
    return core.compress(x) if nonzeros * (4 + index_bytes) + 8 * len(x) <= _COMPRESSED_BYTES else x


def targets(y: Any, rows: int, loss: Loss, output: Shape, name: str = "y") -> AnyArray:
    """`y` as the loss needs it: int32 class numbers ``(m,)`` or float32 rows ``(m, width)``.

    For outputs of one axis m is the number of samples; other outputs have several rows a sample.

    Raises:
        TypeError: If `y` is not data.
        ValueError: If its length, shape or values do not fit.
    """
    if y is None:
        raise ValueError(f"`{name}` is missing: training and evaluation need targets.")
    array = as_array(name, y)
    if array.ndim == 0 or len(array) != rows:
        raise ValueError(
            f"Data cardinality is ambiguous. `x` has {rows} rows but `{name}` has {len(array) if array.ndim else 0}; "
            "they must be equal."
        )
    if loss.labels:
        return _labels(array, output, name, loss.ignore_class)
    return _values(array, rows, loss, output, name)


def _labels(array: AnyArray, output: Shape, name: str, ignored: int | None = None) -> AnyArray:
    classes = output[-1]
    if array.ndim == len(output) + 1 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.shape[1:] != output[:-1]:
        raise ValueError(
            f"`{name}` must hold class numbers of shape {_shape_text(output[:-1])} for "
            f"sparse_categorical_crossentropy, got shape {array.shape}; for one-hot rows use the loss "
            "'categorical_crossentropy'."
        )
    if classes < 2:
        raise ValueError(
            "sparse_categorical_crossentropy needs an output for every class, but the model has 1 output; "
            "for two classes and one output use the loss 'binary_crossentropy'."
        )
    if array.dtype.kind == "f":
        _finite(array, name)
        fractional = np.argwhere(array != np.floor(array))
        if len(fractional):
            where = tuple(map(int, fractional[0]))
            found = f"{array[where]:g} at index {_place(where)}"
            raise ValueError(f"`{name}` must hold whole class numbers, found {found}.")
    # Before the cast: 2**40 would become 0.
    outside = np.argwhere(((array < 0) | (array >= classes)) & (array != ignored))
    if len(outside):
        where = tuple(map(int, outside[0]))
        raise ValueError(
            f"`{name}`: labels must be in [0, {classes}), the model has {classes} outputs; "
            f"found {int(array[where])} at index {_place(where)}."
        )
    return np.array(array, np.int32).ravel()  # a copy: nobody changes it any more


def _place(where: tuple[int, ...]) -> str:
    return str(where[0] if len(where) == 1 else where)


def _shape_text(shape: Shape) -> str:
    return f"(n, {', '.join(map(str, shape))})" if shape else "(n,)"


def _values(array: AnyArray, rows: int, loss: Loss, output: Shape, name: str) -> AnyArray:
    shape, outputs = array.shape, output[-1]
    if array.shape[1:] == output[:-1] and outputs == 1:
        array = array[..., None]
    elif array.shape[1:] == (*output, 1):
        array = array[..., 0]
    if array.shape != (rows, *output):
        hint = ""
        if outputs > 1 and array.shape[1:] in (output[:-1], (*output[:-1], 1)) and "categorical" in loss.name:
            hint = " For class numbers use the loss 'sparse_categorical_crossentropy', or to_categorical(y)."
        elif len(output) > 1 and array.ndim < len(output) + 1:
            hint = f" The output has {len(output)} axes a sample: a Flatten() in the model makes one of them."
        raise ValueError(f"`{name}` must have the shape of the output, {_shape_text(output)}, got {shape}.{hint}")
    array = array.reshape(-1, outputs)
    _finite(array, name)
    values = float32(array, name)
    least, most = loss.limits
    if len(values) and values.min() < least:
        row, column = np.argwhere(values < least)[0]
        raise ValueError(f"`{name}` must not be negative for {loss.name}, found {values[row, column]:g} at row {row}.")
    if len(values) and values.max() > most:
        row, column = np.argwhere(values > most)[0]
        raise ValueError(f"`{name}` must be in [0, 1] for {loss.name}, found {values[row, column]:g} at row {row}.")
    return values


def _finite(array: AnyArray, name: str) -> None:
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        place = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        what = "NaN" if np.isnan(array[place]) else "infinity"
        where = f"row {place[0]}" + (f", column {place[1]}" if len(place) > 1 else "")
        raise ValueError(f"`{name}` contains {what} (first at {where}). Replace or drop such rows before training.")


def sample_weights(weights: Any, rows: int, name: str = "sample_weight") -> AnyArray | None:
    """float32 weights ``(n,)`` of the samples, or None.

    Raises:
        ValueError: If their number is not that of the rows, or one is negative or not finite.
    """
    if weights is None:
        return None
    array = as_array(name, weights)
    if array.shape not in ((rows,), (rows, 1)):
        raise ValueError(f"`{name}` must have one weight for each of the {rows} rows of `x`, got shape {array.shape}.")
    _finite(array, name)
    if len(array) and array.min() < 0:
        raise ValueError(f"`{name}` must not be negative, found {array.min():g}.")
    return float32(array.reshape(rows), name)


def class_weights(class_weight: Any, y: AnyArray) -> AnyArray:
    """The sample weights that weights of classes mean; classes that are not named weigh 1.

    Raises:
        TypeError: If `class_weight` is not a dictionary or a class not an integer.
        ValueError: If a class or a weight is negative, or a weight is not a finite number.
    """
    if not isinstance(class_weight, dict):
        raise TypeError(f"`class_weight` must be a dictionary from class number to weight, got {class_weight!r}.")
    labels = y.argmax(axis=1) if y.ndim == 2 and y.shape[1] > 1 else np.rint(y.reshape(len(y))).astype(np.int64)
    weights = np.ones(len(y), np.float32)
    for label, weight in class_weight.items():
        number = integer("fit", "class_weight", label, least=0)
        weights[labels == number] = real("fit", f"class_weight[{number}]", weight, least=0)
    return weights


@dataclass(frozen=True)
class Examples:
    """Checked rows of inputs, targets and sample weights."""

    x: Inputs
    y: AnyArray
    weights: AnyArray | None = None
    nonzeros: int = 0  # of x, at most

    def __len__(self) -> int:
        return row_count(self.x)

    def rows(self, first: int, last: int) -> Examples:
        """Rows first ... last - 1, without a copy of the numbers."""
        weights = None if self.weights is None else self.weights[first:last]
        groups = len(self.y) // max(len(self), 1)
        y = self.y[first * groups : last * groups]
        return Examples(take_rows(self.x, first, last), y, weights, self.nonzeros)


def examples(x: Any, y: Any, weights: Any, shape: Shape, loss: Loss, output: Shape, prefix: str = "") -> Examples:
    """Checked x, y and sample weights.

    `output` is the shape of a sample's output; `prefix` names in messages where the data came from.
    """
    checked = inputs(x, shape, f"{prefix}x")
    rows = row_count(checked)
    if rows == 0:
        raise ValueError(f"`{prefix}x` has 0 rows: training and evaluation need at least one.")
    wanted = targets(y, rows, loss, output, f"{prefix}y")
    weighted = sample_weights(weights, rows, f"{prefix}sample_weight")
    return Examples(checked, wanted, weighted, scan(checked, f"{prefix}x"))


def split(data: Examples, share: float) -> tuple[Examples, Examples]:
    """The first rows to train on and the last `share` of them to validate.

    Raises:
        ValueError: If either part would be empty.
    """
    count = len(data)
    cut = math.floor(count * (1.0 - share))
    if cut in (0, count):
        raise ValueError(
            f"`validation_split`={share} of {count} rows leaves no rows to "
            f"{'train on' if cut == 0 else 'validate'}; it is not sufficient to split."
        )
    return data.rows(0, cut), data.rows(cut, count)


def sample_shape(x: Any) -> tuple[int, ...]:
    """Shape of one sample, for a model that does not know its input shape."""
    shape = x.shape if is_sparse(x) else as_array("x", x).shape
    if len(shape) < 2:
        raise ValueError(
            f"Expected `x` of shape (n, features), got shape {shape}. Reshape it with x.reshape(-1, 1) if it has one "
            "feature, or x.reshape(1, -1) if it is one sample."
        )
    return checked_shape("x", "shape", shape[1:])
