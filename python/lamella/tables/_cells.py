"""Cells as numbers: which are missing, which are none; and as texts."""

from __future__ import annotations

import re
import reprlib
from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_MOST = 1e100  # of a number: sums of squares stay finite
_WHOLE = re.compile(r"([+-]?\d+)\.0*")
_THOUSANDS = re.compile(r"[+-]?\d{1,3}([,.'\u2019 \xa0\u202f])\d{3}(?:\1\d{3})*([,.]\d+)?")
_SIGN = re.compile(r"\s*[$€£¥₹%]\s*")
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
_EITHER = re.compile(r"[+-]?\d{1,3},\d{3}")
_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 80

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
        if any("_" in text for text in texts):  # which Python has between digits
            raise ValueError
        values = np.array(texts, np.str_).astype(np.float64)
    except ValueError:
        values = np.fromiter(map(_number, texts), np.float64, len(texts))
    bad = ~(np.abs(values) <= _MOST) & ~missing
    values[bad] = np.nan
    return values, bad


def fault(text: str) -> str:
    """Why a cell is bad, for messages.

    Example:
        >>> fault("x"), fault("1e300")
        ("'x' is not a number", "'1e300' is too large; numbers may be up to 1e100")
    """
    return f"{shown(text)} {'is too large; numbers may be up to 1e100' if is_large(text) else 'is not a number'}"


def separators(text: str) -> str:
    """What pandas must be told to read a number with signs between its thousands or a decimal comma; "" for others.

    Example:
        >>> separators("1,234.5"), separators("1.234.567,8"), separators("173,6"), separators("1234.5")
        ("thousands=','", "thousands='.', decimal=','", "decimal=','", '')
    """
    found = _THOUSANDS.fullmatch(text)
    if found and found[1] != (found[2] or "")[:1] and not _is_number(text):
        return f"thousands={found[1]!r}" + (", decimal=','" if found[2] and found[2][0] == "," else "")
    return "decimal=','" if _DECIMAL_COMMA.fullmatch(text) else ""


def is_ambiguous(text: str) -> bool:
    """Whether the comma of a number may be a decimal one or stand between thousands.

    Example:
        >>> [is_ambiguous(text) for text in ("7,377", "2,05", "1,234,567", "7.377")]
        [True, False, False, False]
    """
    return bool(_EITHER.fullmatch(text))


def is_dressed(text: str) -> bool:
    """Whether it is a number with signs: of money or percent, between thousands, a decimal comma.

    Example:
        >>> [is_dressed(text) for text in ("$1,200", "-5 %", "173,6", "1234.5", "A5", "5 m")]
        [True, True, True, False, False, False]
    """
    bare = _SIGN.sub("", text)
    return bool(separators(bare)) or (bare != text and _is_number(bare))


def undressed(text: str) -> str:
    """How a column of numbers such as `text` becomes one of numbers, for messages.

    Example:
        >>> print(undressed("173,6"))
        write numbers as in 1234.5, without signs between thousands: pandas.read_csv(..., decimal=',').to_csv(...) does
        >>> print(undressed("5 %"))
        write numbers as in 1234.5: frame[column].str.replace('[$€£¥₹% ]', '', regex=True) of pandas drops the signs
    """
    if _SIGN.search(text):
        how = "frame[column].str.replace('[$€£¥₹% ]', '', regex=True) of pandas drops the signs"
        return f"write numbers as in 1234.5: {how}"
    how = f"pandas.read_csv(..., {separators(text)}).to_csv(...) does"
    if is_ambiguous(text):
        how += f", or with decimal=',' if {text} is {text.replace(',', '.')}"
    return f"write numbers as in 1234.5, without signs between thousands: {how}"


def is_large(text: str) -> bool:
    """Whether it is a number, but one that nothing can be reckoned with."""
    return bool(np.isfinite(_number(text)) and abs(_number(text)) > _MOST)


def plain(text: str) -> str:
    """A whole number without its fraction of zeros, so that 1.0 is 1; all other texts as they are.

    Example:
        >>> plain("1.0"), plain("-2."), plain("01"), plain("1.50")
        ('1', '-2', '01', '1.50')
    """
    found = _WHOLE.fullmatch(text)
    return found[1] if found else text


def merged(values: Counter[str]) -> Counter[str]:
    """Counts of texts, with those of one whole number under the commonest way that it is written.

    Example:
        >>> merged(Counter({"1": 5, "1.0": 2, "x": 1}))
        Counter({'1': 7, 'x': 1})
    """
    groups: dict[str, Counter[str]] = {}
    for text, count in values.items():
        groups.setdefault(plain(text), Counter())[text] += count
    return Counter({max(group, key=lambda text: (group[text], -len(text))): group.total() for group in groups.values()})


class Places(dict[str, int]):
    """Where each text is; -1 for others. Whole numbers are found however they are written.

    Example:
        >>> places = Places(["0.0", "x"])
        >>> places["0"], places["0.0"], places["y"]
        (0, 0, -1)
    """

    def __init__(self, texts: Sequence[str]) -> None:
        super().__init__({plain(text): i for i, text in enumerate(texts)})
        self.update({text: i for i, text in enumerate(texts)})

    def __missing__(self, text: str) -> int:
        return self.get(plain(text), -1)

    def of(self, cells: Sequence[str]) -> npt.NDArray[np.int64]:
        """The places of cells."""
        return np.fromiter(map(self.__getitem__, cells), np.int64, len(cells))


def shown(text: str) -> str:
    """A text as messages quote it: not its whole length, no control codes.

    Example:
        >>> shown("a\\x1b"), len(shown("a" * 1000))
        ("'a\\\\x1b'", 80)
    """
    return _SHORT.repr(text)


def _is_number(text: str) -> bool:
    return not np.isnan(_number(text))


def _number(text: str) -> float:
    try:
        return np.nan if "_" in text else float(text)
    except ValueError:
        return np.nan
