"""What all pictures share: colours, axes, and arguments in their usual shapes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from .._optional import require

BLUE, ORANGE, GREEN, RED, GREY = "#1f6fb4", "#e07b00", "#2e8540", "#c8102e", "#5a5a5a"


def require_matplotlib(purpose: str) -> None:
    """Raises an ImportError that says how to install matplotlib unless it is there."""
    require("matplotlib.figure", extra="plot", purpose=purpose)


def new_axes(purpose: str, **options: Any) -> Any:
    return require("matplotlib.pyplot", extra="plot", purpose=purpose).subplots(**options)[1]


def squares(images: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    side = math.isqrt(images.shape[1]) if images.ndim == 2 else 0
    if images.ndim == 2 and side * side == images.shape[1]:
        images = images.reshape(-1, side, side)
    if images.ndim != 3 or 0 in images.shape:
        raise ValueError(
            f"`images` must be (n, height, width) or (n, side * side) with n of at least 1, got shape {images.shape}. "
            "Pass a single image as image[None]."
        )
    return images.astype(np.float64)


def classes_of(name: str, given: npt.ArrayLike | None, count: int) -> npt.NDArray[np.int64] | None:
    if given is None:
        return None
    array = np.asarray(given)
    if array.ndim not in (1, 2) or len(array) != count or array.size == 0:
        raise ValueError(f"`{name}` must be ({count},) or ({count}, classes), one for each image; got {array.shape}.")
    return (array.argmax(axis=1) if array.ndim == 2 else array).astype(np.int64)
