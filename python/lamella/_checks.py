"""Checks of arguments, with messages that name the argument."""

from __future__ import annotations

import math
import operator
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]

_FLOAT32_MAX = float(np.finfo(np.float32).max)


class KindError(TypeError, ValueError):
    """A value of the wrong kind: a TypeError, and, where Keras and scikit-learn have it so, a ValueError as well."""


def integer(owner: str, name: str, value: Any, *, least: int) -> int:
    """`value` as an int of at least `least`; accepts NumPy integers, refuses booleans.

    Raises:
        TypeError: If it is not an integer.
        ValueError: If it is too small, or does not fit into 64 bits.

    Example:
        >>> integer("fit", "epochs", np.int64(3), least=0)
        3
    """
    what = f"{owner} `{name}` must be " + ("a positive integer" if least == 1 else f"an integer of at least {least}")
    if isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{what}, got {value!r}.")
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{what}, got {value!r} of type {type(value).__name__}.") from None
    if not least <= number < 2**63:
        raise ValueError(f"{what}{' and less than 2**63' if number > 0 else ''}, got {number}.")
    return number


def units(owner: str, name: str, value: Any) -> int:
    """A positive integer.

    Raises:
        KindError: If it is not an integer.
        ValueError: If it is not positive.
    """
    try:
        return integer(owner, name, value, least=1)
    except TypeError as error:
        raise KindError(str(error)) from None


def real(
    owner: str, name: str, value: Any, *, least: float = -math.inf, most: float = math.inf, below: float = math.inf
) -> float:
    """`value` as a float in [least, most], less than `below`, that float32 can hold.

    Raises:
        KindError: If it is not a number.
        ValueError: If it is not finite, or outside.

    Example:
        >>> real("SGD", "momentum", 0.9, least=0, most=1)
        0.9
    """
    limits = [f"at least {least:g}"] * (least > -math.inf) + [f"at most {most:g}"] * (most < min(below, math.inf))
    limits += [f"less than {below:g}"] * (below < math.inf)
    what = f"{owner} `{name}` must be a finite number" + (f", {' and '.join(limits)}" if limits else "")
    if isinstance(value, (bool, np.bool_, np.complexfloating)) or not hasattr(value, "__float__"):
        raise KindError(f"{what}; got {value!r} of type {type(value).__name__}.")
    try:
        number = float(value)
    except TypeError:  # an array of several
        raise KindError(f"{what}; got {value!r} of type {type(value).__name__}.") from None
    except (ValueError, OverflowError):
        raise ValueError(f"{what}; got {value!r}.") from None
    if not (abs(number) <= _FLOAT32_MAX and least <= number <= most and number < below):
        raise ValueError(f"{what}; got {value!r}.")
    return number


def of_one_output(given: Any) -> Any:
    """What stands alone in a list: how Keras takes compile()'s arguments output by output, for a model with one.

    Example:
        >>> of_one_output(["mse"]), of_one_output("mse")
        ('mse', 'mse')
    """
    return given[0] if isinstance(given, (list, tuple)) and len(given) == 1 else given


def floats(values: npt.ArrayLike) -> Floats:
    """Numbers as an array of float64 if they are one, else of float32.

    Example:
        >>> floats([1, 2]).dtype, floats(np.zeros(2)).dtype
        (dtype('float32'), dtype('float64'))
    """
    array = np.asarray(values)
    return array if isinstance(values, np.ndarray) and array.dtype == np.float64 else array.astype(np.float32)


def numbers_of(
    owner: str, name: str, values: npt.ArrayLike, dtype: npt.DTypeLike | None = np.float32
) -> npt.NDArray[Any]:
    """`values` as an array of numbers.

    Raises:
        TypeError: If they are none.
        ValueError: If the lists in it have different lengths.

    Example:
        >>> numbers_of("mse", "y_pred", [1, 2]).dtype
        dtype('float32')
    """
    try:
        return np.asarray(values, dtype)
    except (TypeError, ValueError) as error:
        if "inhomogeneous" in str(error):
            raise ValueError(f"{owner}: `{name}` must be an array; its lists have different lengths.") from None
        raise TypeError(f"{owner}: `{name}` must hold numbers, got {values!r:.80}.") from None


def several(owner: str, name: str, values: Any, what: str) -> list[Any]:
    """`values` as a list; `what` says of what, such as "numbers".

    Raises:
        TypeError: If it is no list, or anything else that can be gone through.

    Example:
        >>> several("Reshape", "target_shape", (3, 4), "sizes")
        [3, 4]
    """
    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
        raise TypeError(f"{owner} `{name}` must be a list of {what}, got {values!r} of type {type(values).__name__}.")
    return list(values)


def laid_out(array: npt.NDArray[Any], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """`array` as the core reads arrays: of `dtype`, rows one after the other, every number at a place that it may have.

    Example:
        >>> laid_out(np.frombuffer(bytes(9), np.uint8)[1:].view(np.float32), np.float32).flags.aligned
        True
    """
    return np.require(array, dtype, ["C_CONTIGUOUS", "ALIGNED"])


def check_labels(owner: str, labels: npt.NDArray[Any], classes: int, ignored: int | None = None) -> None:
    """Refuses what is no class number.

    Raises:
        ValueError: If a label is not whole, not in [0, `classes`), and not the `ignored` one.
    """
    wrong = ~((labels >= 0) & (labels < classes) & (labels == np.floor(labels)))
    wrong &= True if ignored is None else labels != ignored
    if wrong.any():
        place = tuple(map(int, np.argwhere(wrong)[0]))
        where = place[0] if len(place) == 1 else place
        found = labels[place].item()
        raise ValueError(f"{owner}: labels must be whole numbers in [0, {classes}), found {found!r} at {where}.")


def file_path(name: str, value: Any) -> Path:
    """`value` as a path; ``~`` is the user's folder.

    Raises:
        TypeError: If it is no str and no Path.
        ValueError: If no file can have the name.

    Example:
        >>> file_path("filepath", "a.npz").name
        'a.npz'
    """
    if not isinstance(value, (str, os.PathLike)) or not isinstance(os.fspath(value), str):
        raise TypeError(f"`{name}` must be a path, a str or a Path, got {value!r} of type {type(value).__name__}.")
    if "\0" in os.fspath(value):
        raise ValueError(f"`{name}` must be a name that a file can have, without zeros, got {value!r}.")
    return Path(value).expanduser()


def flag(owner: str, name: str, value: Any) -> bool:
    """`value` as a bool.

    Raises:
        TypeError: If it is not one.
    """
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{owner} `{name}` must be True or False, got {value!r}.")
    return bool(value)
