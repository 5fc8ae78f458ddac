"""What a model knows of its table: columns, their numbers and categories, and what the target means."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from ._cells import Floats, Mask, Places, fault, missing_cells, numbers, shown
from ._reading import Chunk, Source, TableError
from ._scan import listed

TASKS = ("regression", "classification")
POLICIES = ("error", "drop", "fill")


@dataclass
class Feature:
    """A column that the network sees.

    Attributes:
        name: Of the column.
        kind: ``"numeric"`` or ``"categorical"``.
        mean, scale: Of a numeric one: it becomes ``(x - mean) / scale``.
        values: Of a categorical one: it becomes a column of 0 and 1 for each.
        missing: Whether a further column of 0 and 1 says where it is missing.
    """

    name: str
    kind: str
    mean: float = 0.0
    scale: float = 1.0
    values: list[str] = field(default_factory=list)
    missing: bool = False

    @property
    def width(self) -> int:
        """Columns of the network's input."""
        return (1 if self.kind == "numeric" else len(self.values)) + self.missing


@dataclass
class Encoded:
    """A chunk as the network sees it.

    Attributes:
        x: float32 ``(rows, width)``; rows that are not whole are 0.
        whole: Rows that can be used.
        unseen: Column -> how many cells hold a category that training never saw.
    """

    x: Any
    whole: Mask
    unseen: Counter[str]


@dataclass
class Schema:
    """All that is needed to read another table of the same kind; kept in the model's file.

    Attributes:
        task: ``"regression"`` or ``"classification"``.
        target: Column that is predicted.
        features: Columns that it is predicted from.
        missing: What is done with missing cells: ``"error"``, ``"drop"`` or ``"fill"``.
        markers: What a missing cell holds.
        classes: Texts of the target in the order of the outputs.
        mean, scale: The target is ``mean + scale * output`` where it is a number.
    """

    task: str
    target: str
    features: list[Feature]
    missing: str
    markers: list[str]
    classes: list[str] = field(default_factory=list)
    mean: float = 0.0
    scale: float = 1.0

    @property
    def width(self) -> int:
        """Columns of the network's input."""
        return sum(feature.width for feature in self.features)

    def encode(self, source: Source, chunk: Chunk, missing: str | None = None) -> Encoded:
        """A chunk of a table as the network sees it.

        Args:
            source: Where it is from, for messages.
            chunk: Some of its rows.
            missing: Another way with missing cells than that of the training.

        Raises:
            TableError: If a column is not there, holds what is no number, or misses what must be there.
        """
        policy, markers = missing or self.missing, frozenset(self.markers)
        absent = [feature.name for feature in self.features if feature.name not in chunk.cells]
        if absent:
            raise TableError(f"{source.name} has no column {listed(absent)}, which the model was trained with.")
        x = np.zeros((len(chunk), self.width), np.float32)
        whole, unseen, at = np.ones(len(chunk), np.bool_), Counter[str](), 0
        for feature in self.features:
            cells = chunk.cells[feature.name]
            gone = missing_cells(cells, markers)
            if policy != "fill" and gone.any():
                if policy == "error":
                    where = cell_name(source, feature.name, chunk.lines[int(gone.argmax())])
                    raise TableError(f"{where}: a value is missing. {ways(self.missing)}")
                whole &= ~gone
            if feature.kind == "numeric":
                values, bad = numbers(cells, gone)
                if bad.any():
                    row = int(bad.argmax())
                    raise TableError(f"{cell_name(source, feature.name, chunk.lines[row])}: {fault(cells[row])}.")
                with np.errstate(over="ignore"):
                    x[:, at] = np.where(gone, 0, (values - feature.mean) / feature.scale)
                if not np.isfinite(x[:, at]).all():
                    row = int((~np.isfinite(x[:, at])).argmax())
                    raise TableError(
                        f"{cell_name(source, feature.name, chunk.lines[row])}: {shown(cells[row])} is too far from "
                        "those of the training to be represented."
                    )
            else:
                found = Places(feature.values).of(cells)
                new = (found < 0) & ~gone
                unseen.update({feature.name: int(new.sum())} if new.any() else {})
                hits = np.flatnonzero((found >= 0) & ~gone)
                x[hits, at + found[hits]] = 1
            at += feature.width
            if feature.missing:
                x[:, at - 1] = gone
        x[~whole] = 0
        return Encoded(x, whole, unseen)

    def targets(self, source: Source, chunk: Chunk, rows: Mask) -> Floats:
        """The target of some rows: numbers as they are in the table, or places in `classes`.

        Raises:
            TableError: If one is no number, or no known class.
        """
        if self.target not in chunk.cells:
            raise TableError(f"{source.name} has no column {shown(self.target)}, which the model predicts.")
        cells = chunk.cells[self.target]
        if self.task == "regression":
            values, bad = numbers(cells, ~rows)
        else:
            values = Places(self.classes).of(cells).astype(np.float64)
            bad = (values < 0) & rows
        if bad.any():
            row = int(bad.argmax())
            what = fault(cells[row])
            if self.task == "classification":
                what = f"{shown(cells[row])} is none of the classes {listed(self.classes)}"
            raise TableError(f"{cell_name(source, self.target, chunk.lines[row])}: {what}.")
        return values[rows]

    def decode(self, output: Any) -> Floats:
        """The network's output as predicted numbers, or as probabilities ``(rows, classes)``."""
        values = np.asarray(output, np.float64)
        if self.task == "regression":
            return self.mean + self.scale * values[:, 0]
        if len(self.classes) == 2:
            return np.hstack([1 - values, values])
        total: Floats = values.sum(axis=1, keepdims=True)  # 1 in float32
        return values / total

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {"version": 1, **asdict(self)}

    @classmethod
    def from_dict(cls, given: Any) -> Schema:
        """The schema in a model's file, checked.

        Raises:
            TableError: If it is not what to_dict() gives.
        """
        try:
            if given["version"] != 1:
                raise TableError(f"The model's table is of version {given['version']!r}; this lamella reads version 1.")
            features = [Feature(**each) for each in given["features"]]
            schema = cls(
                **{key: value for key, value in given.items() if key not in ("version", "features")}, features=features
            )
            schema._check()
        except (KeyError, TypeError, AttributeError):
            raise TableError("The model's file does not describe a table as `lamella train` does.") from None
        return schema

    def _check(self) -> None:
        if type(self.markers) is not list or type(self.classes) is not list:
            raise TypeError(self)
        texts = [self.target, *self.markers, *self.classes]
        reals = [self.mean, self.scale]
        for each in self.features:
            texts += [each.name, *each.values]
            reals += [each.mean, each.scale]
            if (
                each.kind not in ("numeric", "categorical")
                or type(each.missing) is not bool
                or type(each.values) is not list
            ):
                raise TypeError(each)
        if self.task not in TASKS or self.missing not in POLICIES or not all(isinstance(text, str) for text in texts):
            raise TypeError(self)
        if not all(isinstance(real, (int, float)) and math.isfinite(real) for real in reals):
            raise TypeError(self)
        if not all(scale > 0 for scale in (self.scale, *(each.scale for each in self.features))):
            raise TypeError(self)
        if not self.features or (len(self.classes) < 2 if self.task == "classification" else self.classes):
            raise TypeError(self)


def cell_name(source: Source, column: str, line: int) -> str:
    """How a message begins that is about a cell."""
    return f"{source.name}, column {shown(column)}, line {line}"


def ways(policy: str) -> str:
    """What to do about missing cells, once a model is trained."""
    return (
        'With `missing="drop"` (--missing drop) such rows get no prediction; a model that was trained with '
        '"fill" predicts for them, too' + (", as this one was." if policy == "fill" else ".")
    )


def missing_columns(found: Mapping[str, Any]) -> str:
    """Which columns miss something, for people.

    Args:
        found: Column -> what the first reading found.
    """
    such = {name: f", such as {shown(c.marker)}" if c.marker else "" for name, c in found.items()}
    gone = [
        f"{shown(name)} ({c.missing}, first on line {c.first_missing}{such[name]})"
        for name, c in found.items()
        if c.missing
    ]
    return ", ".join(gone[:12]) + (f" and {len(gone) - 12} more columns" if len(gone) > 12 else "")
