"""Data sets that are a table of numbers x with one target y for each row."""

from __future__ import annotations

import os
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .._fetch import DatasetError, File
from . import _published
from ._npz import read_npz
from ._shuffle import fraction, num_train, order, random_state

Split: TypeAlias = tuple[NDArray[np.floating[Any]], NDArray[np.floating[Any]]]


def load(
    path: str | os.PathLike[str],
    file: File,
    shape: tuple[int, int],
    test_split: float,
    seed: int | None,
    first: int | None = None,
) -> tuple[Split, Split]:
    """Reads, shuffles and splits a table; with `first`, only its first rows."""
    random, share = random_state(seed), fraction(test_split)
    content, place = _published.read(path, file)
    arrays = read_npz(content, place, ("x", "y"))
    x, y = arrays["x"], arrays["y"]
    if x.shape != shape or y.shape != shape[:1] or x.dtype.kind != "f" or y.dtype.kind != "f":
        raise DatasetError(
            f"{place} must hold x of shape {shape} and y of shape {shape[:1]}, got {x.shape}, {y.shape}."
        )
    x, y = x[:first], y[:first]
    rows = order(len(x), random)
    x, y, cut = x[rows], y[rows], num_train(len(x), share)
    return (x[:cut].copy(), y[:cut].copy()), (x[cut:].copy(), y[cut:].copy())
