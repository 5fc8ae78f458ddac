"""What all pictures share: colours, axes, and arguments in their usual shapes."""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt

from .._optional import require

BLUE, ORANGE, GREEN, RED, GREY = "#1f6fb4", "#e07b00", "#2e8540", "#c8102e", "#5a5a5a"
LARGEST = 1e300  # beyond, ranges overflow
_LONGEST = 24  # signs of a name beside a picture


def require_matplotlib(purpose: str) -> None:
    """Raises an ImportError that says how to install matplotlib unless it is there."""
    require("matplotlib.figure", extra="plot", purpose=purpose)


def axes_for(ax: Any, purpose: str, **options: Any) -> Any:
    """`ax`, or that of a new pyplot figure where it is None.

    Raises:
        TypeError: If `ax` is something else.
    """
    if ax is None:
        return require("matplotlib.pyplot", extra="plot", purpose=purpose).subplots(**options)[1]
    if isinstance(ax, require("matplotlib.axes", extra="plot", purpose=purpose).Axes):
        return ax
    way = "Pass figure.subplots() for a figure, one of them for an array of axes, or None for a new figure."
    shape = f" of shape {ax.shape}" if isinstance(ax, np.ndarray) else ""
    raise TypeError(f"`ax` must be axes of matplotlib, got {type(ax).__name__}{shape}. {way}")


def short(name: Any) -> str:
    """A name that leaves room for the picture.

    Example:
        >>> short("a\\nb"), len(short("long " * 100))
        ('a b', 24)
    """
    text = " ".join(str(name).split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def numbers(name: str, given: Any, kind: str = "numbers") -> npt.NDArray[Any]:
    """An array of booleans, whole or real numbers.

    Raises:
        TypeError: If it holds something else.
        ValueError: If its rows are of several lengths.
    """
    try:
        array = np.asarray(given)
    except ValueError:
        raise ValueError(f"`{name}` must hold rows of one length.") from None
    if array.dtype.kind in "OUS":
        odd = [each for each in array.ravel().tolist() if not isinstance(each, Real)]
        if odd:
            raise TypeError(f"`{name}` must hold {kind}, got {odd[0]!r}.")
        array = array.astype(np.float64)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"`{name}` must hold {kind}, got an array of {array.dtype}.")
    return array


def squares(given: Any) -> npt.NDArray[np.float64]:
    images = numbers("images", given)
    side = math.isqrt(images.shape[1]) if images.ndim == 2 else 0
    if images.ndim == 2 and side * side == images.shape[1]:
        images = images.reshape(-1, side, side)
    if images.ndim != 3 or 0 in images.shape:
        raise ValueError(
            f"`images` must be (n, height, width) or (n, side * side) with n of at least 1, got shape {images.shape}. "
            "Pass a single image as image[None]."
        )
    return images.astype(np.float64)


def classes_of(name: str, given: Any, count: int | None = None) -> npt.NDArray[np.int64]:
    """Class numbers, whether given as numbers, one-hot rows or rows of probabilities.

    A single column is the probability of class 1, or class numbers.

    Args:
        name: Of the argument.
        given: ``(n,)`` or ``(n, classes)``.
        count: How many there must be.

    Raises:
        TypeError: If it holds no numbers.
        ValueError: If the shape does not fit, or a number is no class.

    Example:
        >>> classes_of("labels", [[0.1, 0.9], [1, 0]]).tolist(), classes_of("labels", [[0.7]]).tolist()
        ([1, 0], [1])
    """
    array = numbers(name, given, "class numbers or rows of probabilities; numpy.unique has return_inverse for texts")
    if array.ndim not in (1, 2) or (array.ndim == 2 and 0 in array.shape):
        raise ValueError(f"`{name}` must be (n,) or (n, classes), got shape {array.shape}.")
    if count is not None and len(array) != count:
        raise ValueError(f"`{name}` must be ({count},) or ({count}, classes), one for each image; got {array.shape}.")
    if not np.isfinite(array).all():
        row = int(np.argwhere(~np.isfinite(array))[0, 0])
        raise ValueError(f"`{name}` must be finite, got {array[row].tolist()} in row {row}.")
    if array.ndim == 2 and array.shape[1] > 1:
        return np.asarray(array.argmax(axis=1), np.int64)
    flat = array.ravel()
    if array.ndim == 2 and array.dtype.kind == "f" and ((flat >= 0) & (flat <= 1)).all():
        return (flat > 0.5).astype(np.int64)  # of a sigmoid
    odd = flat[(flat != np.rint(flat)) | (np.abs(flat.astype(np.float64)) >= 2**53)] if flat.dtype.kind != "b" else []
    if len(odd):
        raise ValueError(f"`{name}` must be class numbers, got {odd[0]!r}; pass probabilities as rows.")
    return flat.astype(np.int64)
