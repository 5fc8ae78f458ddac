"""Cells as numbers: which are missing, which are none."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

MARKERS = ("", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "?")  # cells that say "missing"


def missing_cells(cells: Sequence[str], markers: frozenset[str]) -> Mask:
    """Which cells are one of `markers`.

    Example:
        >>> missing_cells(["3", "", "NA"], frozenset(MARKERS)).tolist()
        [False, True, True]
    """
    return np.fromiter(map(markers.__contains__, cells), np.bool_, len(cells))


def numbers(cells: Sequence[str], missing: Mask) -> tuple[Floats, Mask]:
    """The numbers in `cells`, NaN where there is none, and which cells should be one and are not.

    Example:
        >>> values, bad = numbers(["3", "", "x", "inf"], np.array([False, True, False, False]))
        >>> values.tolist(), bad.tolist()
        ([3.0, nan, nan, nan], [False, False, True, True])
    """
    texts = ["nan" if absent else cell for cell, absent in zip(cells, missing.tolist(), strict=True)]
    try:
        values = np.array(texts, np.str_).astype(np.float64)
    except ValueError:
        values = np.fromiter(map(_number, texts), np.float64, len(texts))
    bad = ~np.isfinite(values) & ~missing
    values[bad] = np.nan
    return values, bad


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return np.nan
