"""Where batches come from: arrays, or anything that gives them one after the other."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _random
from ._data import is_data
from ._examples import Examples
from ._warn import warn

Order = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Part:
    """Examples, the order in which their rows are taken, and how many make a step (the last one may have fewer)."""

    data: Examples
    order: Order | None  # None: from the first row to the last
    batch: int
    counts: Order | None = None  # (steps, processes), where each has rows of its own: how many

    @property
    def rows(self) -> int:
        return len(self.data) if self.order is None else len(self.order)

    @property
    def steps(self) -> int:
        if self.counts is not None:
            return len(self.counts)
        return -(-self.rows // self.batch)

    def samples(self, first: int, last: int) -> int:
        """Rows of the steps first ... last - 1, those of other processes included."""
        if self.counts is not None:
            return int(self.counts[first:last].sum())
        return min(last * self.batch, self.rows) - first * self.batch

    def in_order(self) -> Part:
        """The same, where the rows are taken from one to a later one, without an order."""
        if self.order is None or not len(self.order):
            return self
        return Part(self.data.rows(int(self.order[0]), int(self.order[-1]) + 1), None, self.batch)

    def after(self, steps: int) -> Part:
        """The same without the first so many steps."""
        rows = steps * self.batch
        if self.order is None:
            return Part(self.data.rows(rows, len(self.data)), None, self.batch)
        return Part(self.data, self.order[rows:], self.batch)

    def first(self, steps: int) -> Part:
        """The same with so many steps at most."""
        rows = steps * self.batch
        if self.order is None:
            return Part(self.data.rows(0, min(rows, len(self.data))), None, self.batch)
        return Part(self.data, self.order[:rows], self.batch)


class ArrayFeed:
    """Batches of arrays, in a new order each pass if asked.

    Args:
        data: Checked examples.
        batch: Rows of a step.
        shuffle: True for a permutation of all rows each pass, ``"batch"`` for one inside each batch, False for none.
        steps: Steps of an epoch; without it an epoch is one pass. An epoch goes on where the last one ended.
        seed: Of the orders; by default a fresh one.
    """

    def __init__(
        self,
        data: Examples,
        batch: int,
        shuffle: bool | str = False,
        steps: int | None = None,
        seed: int | None = None,
    ) -> None:
        self.data, self.batch, self.shuffle = data, batch, shuffle
        self.seed = _random.next_seed() if shuffle and seed is None else seed or 0
        self.steps_given = steps
        self._passes: Iterator[int] | None = None
        self._rest: Order | None = None

    @property
    def steps(self) -> int:
        """Steps of an epoch."""
        return self.steps_given or -(-len(self.data) // self.batch)

    def order(self, number: int) -> Order:
        """The order of rows in a pass."""
        order = np.arange(len(self.data), dtype=np.int64)
        if self.shuffle:
            generator = _random.generator(self.seed, number)
            if self.shuffle == "batch":
                for first in range(0, len(order), self.batch):
                    generator.shuffle(order[first : first + self.batch])
            else:
                generator.shuffle(order)
        return order

    def go_on(self, seed: int, epochs: int) -> None:
        """Takes up the orders of another feed after so many of its epochs."""
        self.seed, self._passes, self._rest = seed, None, None
        if self.steps_given is not None:
            for number in range(epochs):
                for _ in self.epoch(number):
                    pass

    def epoch(self, number: int) -> Iterator[Part]:
        """The parts of an epoch."""
        if self.steps_given is None:
            yield Part(self.data, self.order(number), self.batch)
            return
        if self._passes is None:
            self._passes = itertools.count()
        left = self.steps_given
        while left > 0:
            if self._rest is None or not len(self._rest):
                self._rest = self.order(next(self._passes))
            part = Part(self.data, self._rest, self.batch).first(left)
            assert part.order is not None
            self._rest = self._rest[len(part.order) :]
            left -= part.steps
            yield part


Check = Callable[[Any, Any, Any], Examples]


class IterableFeed:
    """Batches ``(x, y)`` or ``(x, y, sample_weight)`` from a generator, an iterable, or an object with len() and [i].

    Args:
        source: What gives the batches.
        check: Makes checked examples of x, y and weights.
        shuffle: Whether objects with len() and [i] are asked in a new order each epoch.
        steps: Batches of an epoch; without it an epoch ends with the source.
        name: What it is called in messages.
        seed: Of the orders; by default a fresh one.
    """

    def __init__(
        self,
        source: Any,
        check: Check,
        shuffle: bool = False,
        steps: int | None = None,
        name: str = "x",
        seed: int | None = None,
    ) -> None:
        self.source, self.check, self.shuffle, self.name = source, check, shuffle, name
        self.seed = _random.next_seed() if shuffle and seed is None else seed or 0
        self.steps_given = steps
        self._is_sequence = hasattr(source, "__getitem__") and hasattr(source, "__len__")
        self._running = iter(source) if not self._is_sequence and iter(source) is source else None
        self._ahead: list[Any] = []
        self._given = False  # whether there was an epoch before

    @property
    def steps(self) -> int | None:
        """Batches of an epoch, or None if only the end of the source will tell."""
        if self.steps_given is not None:
            return self.steps_given
        return len(self.source) if hasattr(self.source, "__len__") else None

    def go_on(self, seed: int, epochs: int) -> None:
        """Takes up the orders of another feed; what a generator gives, it gives."""
        self.seed = seed

    def peek(self) -> Any:
        """The first x, which is not lost."""
        iterator = self._iterator(0)
        first = next(iterator, None)
        if first is None:
            raise ValueError(f"`{self.name}` gives no batches: training and evaluation need at least one.")
        if self._running is not None:
            self._ahead.append(first)
        return self._batch(first)[0]

    def epoch(self, number: int) -> Iterator[Part]:
        """A part for each batch."""
        count = 0
        if hasattr(self.source, "on_epoch_begin"):
            self.source.on_epoch_begin()
        for item in itertools.islice(self._iterator(number), self.steps_given):
            count += 1
            try:
                data = self.check(*self._batch(item))
            except ValueError as error:
                raise ValueError(f"Batch {count} of `{self.name}`: {error}") from None
            yield Part(data, np.arange(len(data), dtype=np.int64), len(data))
        if hasattr(self.source, "on_epoch_end"):
            self.source.on_epoch_end()
        if count == 0 and not self._given:
            raise ValueError(f"`{self.name}` gives no batches: training and evaluation need at least one.")
        self._given = True
        if count < (self.steps_given or 1):
            warn(
                f"`{self.name}` ran out of batches after {count} of an epoch; training stops. Let it give "
                "more, or pass an object that can be iterated again, such as a PyDataset or a DataLoader."
            )

    def _iterator(self, number: int) -> Iterator[Any]:
        if self._running is not None:
            ahead, self._ahead = self._ahead, []
            return itertools.chain(ahead, self._running)
        if not self._is_sequence:
            return iter(self.source)
        order = np.arange(len(self.source))
        if self.shuffle:
            _random.generator(self.seed, number).shuffle(order)
        return (self.source[int(i)] for i in order)

    def _batch(self, item: Any) -> tuple[Any, Any, Any]:
        if not isinstance(item, (tuple, list)) or len(item) not in (1, 2, 3):
            raise ValueError(
                f"`{self.name}` must give batches (x, y) or (x, y, sample_weight), got {type(item).__name__}"
                f"{f' of {len(item)} parts' if isinstance(item, (tuple, list)) else ''}."
            )
        x, y, w = (*item, None, None)[:3]
        return x, y, w


Feed = ArrayFeed | IterableFeed


def gives_batches(x: Any) -> bool:
    """Whether `x` is no data itself but gives batches of it."""
    if is_data(x) or isinstance(x, (str, bytes, dict, list, tuple, set, range)):
        return False
    return hasattr(x, "__iter__") or (hasattr(x, "__getitem__") and hasattr(x, "__len__"))


def inputs_of_batches(batches: Any, steps: int | None) -> Iterator[Any]:
    """The x of each of (at most `steps`) batches from whatever gives them."""
    each = iter(batches) if hasattr(batches, "__iter__") else (batches[i] for i in range(len(batches)))
    return map(_inputs_of, itertools.islice(each, steps))


def _inputs_of(item: Any) -> Any:
    """The x of a batch: the batch itself, or the first part of ``(x, y)`` and the like."""
    parts = isinstance(item, (tuple, list)) and 0 < len(item) <= 3 and (isinstance(item, tuple) or is_data(item[0]))
    return item[0] if parts else item


def steps_of(rows: int, batch: int | None, steps: int | None) -> int:
    """Rows of a step: what was asked for, else what makes so many steps of all rows, else 32."""
    if batch is not None:
        return min(batch, rows)
    return min(32, rows) if steps is None else math.ceil(rows / steps)


def after(parts: Iterable[Part], steps: int) -> Iterator[Part]:
    """Parts without the first so many steps."""
    for part in parts:
        if steps < part.steps:
            yield part.after(steps) if steps else part
        steps = max(0, steps - part.steps)
