"""Arguments of `train`, checked before the table is read."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from itertools import combinations
from types import ModuleType
from typing import Any

from .. import activations, optimizers
from .._checks import integer, real, units
from ._reading import Source
from ._schema import POLICIES, TASKS

_UNITS = 2**31 - 1  # of a layer, and rows of a batch


@dataclass
class Options:
    """The arguments of `train` under their names, each as what it stands for.

    Raises:
        TypeError, ValueError: If one is wrong, or two contradict each other.
    """

    path: Any
    target: str
    task: str
    hidden: Any
    activation: str
    dropout: float
    optimizer: Any
    learning_rate: float | None
    epochs: int
    batch_size: int
    validation_split: float
    patience: int
    missing: str
    markers: Collection[str]
    numeric: Collection[str]
    categorical: Collection[str]
    drop: Collection[str]
    max_categories: int
    separator: str | None
    encoding: str
    seed: int | None
    verbose: int | str
    before_fit: Callable[[Any], None] | None

    def __post_init__(self) -> None:
        self.source = Source(self.path, self.separator, self.encoding)
        if self.source.name == "standard input" or self.source.path.is_fifo():
            raise ValueError(
                f"`path` must be a file, training reads it twice; got {self.source.name}, write that to a file first."
            )
        if not isinstance(self.target, str) or not self.target:
            raise _wrong(self.target, "target", "the name of a column")
        for name, among in (("task", ("auto", *TASKS)), ("missing", POLICIES)):
            if getattr(self, name) not in among:
                raise ValueError(f"`{name}` must be one of {', '.join(map(repr, among))}, got {getattr(self, name)!r}.")
        for name in ("markers", "numeric", "categorical", "drop"):
            given = getattr(self, name)
            if isinstance(given, str) or not isinstance(given, Collection) or not _all_texts(given):
                raise TypeError(f"`{name}` must be a list of texts, got {given!r}.")
        if isinstance(self.hidden, (str, bytes)) or not isinstance(self.hidden, Iterable):
            raise _wrong(self.hidden, "hidden", "a list of the units of each hidden layer, such as (64, 64)")
        self.hidden = [units("train", "hidden", each) for each in self.hidden]
        if max(self.hidden, default=0) > _UNITS:
            raise ValueError(f"`hidden` must be units up to {_UNITS:,} a layer, got {max(self.hidden)}.")
        _known(activations, "activation", self.activation)
        self.optimizer = _known(optimizers, "optimizer", self.optimizer)
        if self.learning_rate is not None:
            self.learning_rate = real("train", "learning_rate", self.learning_rate, least=0)
            if not self.learning_rate:
                raise ValueError("`learning_rate` must be above 0, got 0.")
            self.optimizer.learning_rate = self.learning_rate
        self.dropout = real("train", "dropout", self.dropout, least=0, below=1)
        self.validation_split = real("train", "validation_split", self.validation_split, least=0, below=1)
        for name, least in (("epochs", 1), ("batch_size", 1), ("patience", 0), ("max_categories", 1)):
            setattr(self, name, integer("train", name, getattr(self, name), least=least))
        if self.batch_size > _UNITS:
            raise ValueError(f"`batch_size` must be at most {_UNITS:,}, got {self.batch_size}.")
        self.seed = secrets.randbelow(2**31) if self.seed is None else integer("train", "seed", self.seed, least=0)
        if self.before_fit is not None and not callable(self.before_fit):
            raise _wrong(self.before_fit, "before_fit", "a function of a TableModel")
        self._check_columns()

    def _check_columns(self) -> None:
        """No column is two things at once."""
        for first, second in combinations(("drop", "numeric", "categorical"), 2):
            for name in {*getattr(self, first)} & {*getattr(self, second)}:
                raise ValueError(f"`{first}` and `{second}` both name {name!r}; leave it out of one of them.")
        for kind, task in (("categorical", "regression"), ("numeric", "classification")):
            if self.task == task and self.target in getattr(self, kind):
                raise ValueError(f"`{kind}` names the target {self.target!r}, which contradicts `task`={task!r}.")


def _known(family: ModuleType, name: str, given: Any) -> Any:
    """The member of a family that has a name."""
    try:
        if given is None:
            raise TypeError("None is none.")
        return family.get(given)
    except (TypeError, ValueError) as error:
        raise type(error)(f"`{name}` must be a name such as {_SUCH[name]!r}, got {given!r}. {error}") from None


_SUCH = {"activation": "relu", "optimizer": "adam"}


def _all_texts(given: Iterable[Any]) -> bool:
    return all(isinstance(each, str) for each in given)


def _wrong(given: Any, name: str, expected: str) -> Exception:
    kind: type[Exception] = ValueError if given == "" and name == "target" else TypeError
    return kind(f"`{name}` must be {expected}, got {given!r} of type {type(given).__name__}.")
