"""Examples at the door: inputs with targets and sample weights, checked, as the core takes them.

Targets become float32 rows or int32 class numbers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ._checks import integer, real
from ._data import AnyArray, Inputs, Shape, as_array, float32, inputs, only, row_count, scan, take_rows
from .losses import Loss

_ROUNDING = 1e-6  # above 1, where soft labels were added up


def targets(y: Any, rows: int, loss: Loss, output: Shape, name: str = "y") -> AnyArray:
    """`y` as the loss needs it: int32 class numbers ``(m,)`` or float32 rows ``(m, width)``.

    For outputs of one axis m is the number of samples; other outputs have several rows a sample.

    Raises:
        TypeError: If `y` is not data.
        ValueError: If its length, shape or values do not fit.
    """
    if y is None:
        raise ValueError(f"`{name}` is missing: training and evaluation need targets.")
    array = as_array(name, only(y, 1 if rows > 1 else 1 + len(output)))
    if loss.several and output[-1] < 2 and (loss.labels or (array != 1).any()):  # a single class is nothing to learn
        raise ValueError(
            f"{loss.name} needs an output for every class, but the model has 1 output; for two classes and one output "
            "use the loss 'binary_crossentropy'."
        )
    if array.ndim == 0 or len(array) != rows:
        where = " in `validation_data`" if name != "y" else ""
        raise ValueError(
            f"Data cardinality is ambiguous{where}. `{_x_of(name)}` has {rows} rows but `{name}` has "
            f"{len(array) if array.ndim else 0}; they must be equal."
        )
    if loss.labels:
        return _labels(array, output, name, loss.ignore_class)
    return _values(array, rows, loss, output, name)


def _x_of(name: str) -> str:
    """What x is called beside `name`, which may begin with "validation "."""
    return name.removesuffix("sample_weight").removesuffix("y") + "x"


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
    if array.dtype.kind == "f":
        _finite(array, name)
        fractional = np.argwhere(array != np.floor(array))
        if len(fractional):
            where = tuple(map(int, fractional[0]))
            found = f"{array[where].item()!r} at index {_place(where)}"
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
    if len(values) and values.max() > most + _ROUNDING:
        row, column = np.argwhere(values > most + _ROUNDING)[0]
        raise ValueError(
            f"`{name}` must be in [0, 1] for {loss.name}, found {values[row, column]:g} at row {row}; weights belong "
            "into `sample_weight` or `class_weight`."
        )
    return values


def _finite(array: AnyArray, name: str) -> None:
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        place = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        what = "NaN" if np.isnan(array[place]) else "infinity"
        where = f"row {place[0]}" + (f", column {place[1]}" if len(place) > 1 else "")
        raise ValueError(f"`{name}` contains {what} (first at {where}). Replace or drop such rows.")


def sample_weights(weights: Any, rows: int, name: str = "sample_weight") -> AnyArray | None:
    """float32 weights ``(n,)`` of the samples, or None.

    Raises:
        ValueError: If their number is not that of the rows, or one is negative or not finite.
    """
    if weights is None:
        return None
    array = as_array(name, only(weights, 1))
    if array.shape not in ((rows,), (rows, 1)):
        raise ValueError(
            f"`{name}` must have one weight for each of the {rows} rows of `{_x_of(name)}`, got shape {array.shape}."
        )
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
        try:
            number = integer("fit", "class_weight", label, least=0)
        except (TypeError, ValueError) as error:
            raise type(error)(
                f"fit `class_weight` must name classes by their numbers, such as {{0: 1.0, 1: 2.0}}; got the key "
                f"{label!r}."
            ) from None
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
