"""The first reading of a table: what its columns hold."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ._cells import MARKERS, Mask, is_ambiguous, is_dressed, merged, missing_cells, numbers, shown
from ._reading import Chunk, Source, TableError

_SURELY_TEXT = 1000  # cells, none of which was a number


@dataclass
class Column:
    """What is known of a column after some chunks.

    Attributes:
        missing, first_missing, marker: How many cells are, the line of the first, a word such as NA that says so.
        good, bad, first_bad: Cells that are numbers, that are not, and line and text of the first of these.
        count, mean, squares, least, largest: Of the numbers that training uses: how many, their mean, squared
            distances from it, and bounds.
        judged, dressed, example: Of how many bad cells it was asked whether they are numbers with signs, of money or
            between thousands, how many are, and one of them.
        values: How often each text comes, or None if there are more than `most` of them.
    """

    most: int
    missing: int = 0
    first_missing: int = 0
    marker: str = ""
    good: int = 0
    bad: int = 0
    first_bad: tuple[int, str] = (0, "")
    judged: int = 0
    dressed: int = 0
    example: str = ""
    count: int = 0
    mean: float = 0.0
    squares: float = 0.0
    least: float = np.inf
    largest: float = -np.inf
    values: Counter[str] | None = field(default_factory=Counter)
    whole: bool = True

    def add(self, cells: list[str], lines: list[int], missing: Mask, used: Mask) -> None:
        """Takes in a chunk; statistics and values only of the rows in `used`."""
        absent = int(missing.sum())
        if absent and not self.missing:
            self.first_missing = lines[int(missing.argmax())]
        if absent and not self.marker:
            self.marker = next((cells[i] for i in np.flatnonzero(missing) if cells[i] and cells[i] in MARKERS), "")
        self.missing += absent
        if self.values is not None:
            shown = (used & ~missing).tolist()
            self.values.update(cell for cell, show in zip(cells, shown, strict=True) if show)
            if len(self.values) > self.most and len(merged(self.values)) > self.most:
                self.values = None
        if not self.good and self.bad > _SURELY_TEXT:
            self.bad += len(cells) - absent
            return
        values, bad = numbers(cells, missing)
        wrong = int(bad.sum())
        if wrong and not self.bad:
            at = int(bad.argmax())
            self.first_bad = lines[at], cells[at]
        if wrong:
            self._judge([cells[i] for i in np.flatnonzero(bad)])
        self.bad += wrong
        self.good += len(cells) - absent - wrong
        self._merge(values[used & ~missing & ~bad])

    def _judge(self, cells: list[str]) -> None:
        found = [cell for cell in cells if is_dressed(cell)]
        self.judged += len(cells)
        self.dressed += len(found)
        if not self.example or is_ambiguous(self.example):
            self.example = next((cell for cell in found if not is_ambiguous(cell)), self.example or "".join(found[:1]))

    @property
    def is_dressed(self) -> bool:
        """Whether most texts are numbers with signs."""
        return 2 * self.dressed > self.judged

    def _merge(self, values: Any) -> None:
        if not len(values):
            return
        self.whole = self.whole and bool((values == np.rint(values)).all())
        mean = float(values.mean())
        total, apart = self.count + len(values), mean - self.mean
        self.squares += float(((values - mean) ** 2).sum()) + apart**2 * self.count * len(values) / total
        self.mean += apart * len(values) / total
        self.least, self.largest = min(self.least, float(values.min())), max(self.largest, float(values.max()))
        self.count = total

    @property
    def deviation(self) -> float:
        """The standard deviation, 1 where all numbers are the same."""
        found = float(np.sqrt(self.squares / self.count)) if self.count else 0.0
        return 1.0 if self.is_constant or not found else found

    @property
    def is_constant(self) -> bool:
        """Whether all numbers are the same."""
        return not self.least < self.largest


@dataclass
class Scan:
    """What the first reading found.

    Attributes:
        columns: By name, without those that are not used.
        rows: In the file.
        training, validation: Rows of each part that can be used.
        last: The last of them, counted from 0.
    """

    columns: dict[str, Column]
    rows: int = 0
    training: int = 0
    validation: int = 0
    last: int = -1

    @property
    def one_sided(self) -> bool:
        """Whether one part is empty although there are rows for both."""
        return self.training + self.validation > 1 and not (self.training and self.validation)


class Split:
    """Which rows validate: the same ones in every reading, spread over the whole file.

    Args:
        seed: Of the choice.
        share: Of the rows.
        moved: A row, counted from 0, that is on the other side than chance would have it, so that neither is empty.
    """

    def __init__(self, seed: int, share: float, moved: int = -1) -> None:
        self._seed, self._share, self._moved = seed, share, moved

    def masks(self) -> Generator[Any, int, None]:
        """A generator to send numbers of rows to; gives which of them validate."""
        random = np.random.default_rng(self._seed)
        count, first = (yield None), 0
        while True:
            held = random.random(count) < self._share
            if first <= self._moved < first + count:
                held[self._moved - first] ^= True
            first += count
            count = yield held


def usable_rows(chunk: Chunk, names: Iterable[str], target: str, drop: bool, markers: frozenset[str]) -> Mask:
    """Rows whose target is there and, with `drop`, all else too."""
    usable = ~missing_cells(chunk.cells[target], markers)
    for name in names if drop else ():
        usable &= ~missing_cells(chunk.cells[name], markers)
    return usable


def scan(
    source: Source, target: str, without: Iterable[str], drop: bool, markers: frozenset[str], split: Split, most: int
) -> Scan:
    """Reads all of a table once.

    Args:
        source: The table.
        target: The column to predict.
        without: Columns that are not used.
        drop: Whether rows with missing cells are left out.
        markers: What a missing cell holds.
        split: Which rows validate.
        most: Different texts to count in a column.

    Raises:
        TableError: If a column is not there, or there are no rows.
    """
    columns: dict[str, Column] = {}
    found = Scan(columns)
    masks = split.masks()
    next(masks)
    for chunk in source.chunks():
        if not columns:
            names = check_names(source, chunk, target, without)
            columns.update((name, Column(max(most, 1000) if name == target else most)) for name in names)
        usable = usable_rows(chunk, columns, target, drop, markers)
        held = masks.send(len(chunk))
        found.last = found.rows + int(np.flatnonzero(usable)[-1]) if usable.any() else found.last
        found.rows += len(chunk)
        found.training += int((usable & ~held).sum())
        found.validation += int((usable & held).sum())
        for name, column in columns.items():
            cells = chunk.cells[name]
            used = usable if name == target else usable & ~held  # validation must not show what there is to learn
            column.add(cells, chunk.lines, missing_cells(cells, markers), used)
    if not found.rows:
        raise TableError(f"{source.name} has no rows below the names of its columns.")
    for column in columns.values():
        column.values = None if column.values is None else merged(column.values)
    return found


def check_names(source: Source, chunk: Chunk, target: str, without: Iterable[str]) -> list[str]:
    """The columns to use: those that are not in `without`."""
    for name in (target, *without):
        if name not in chunk.cells:
            longer = next((shown(each) for each in chunk.cells if name in re.split(" *, *", each)), "")
            way = f" On the command line {longer} is written with quotes inside: '\"...\"'." if longer else ""
            raise TableError(f"{source.name} has no column {shown(name)}; it has {listed(chunk.cells)}.{way}")
    if target in without:
        raise TableError(f"The target {shown(target)} cannot be left out.")
    return [name for name in chunk.cells if name not in without]


def listed(names: Iterable[str], most: int = 12) -> str:
    """Names for a message, not more than some.

    Example:
        >>> listed(["a", "b", "c"], most=2)
        "'a', 'b' and 1 more"
    """
    found = [shown(name) for name in names]
    return ", ".join(found[:most]) + (f" and {len(found) - most} more" if len(found) > most else "")
