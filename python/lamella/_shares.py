"""Which rows of each batch are this process's, and what the others must know of them."""

from __future__ import annotations

import contextlib
import functools
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np
import numpy.typing as npt

from ._data import Inputs, row_count, take_rows
from ._feed import Part
from ._warn import warn
from .distribution._exchange import exchange_of
from .distribution._group import Group, RanksLost, active, agreed_on, alone, is_first, replace, together

if TYPE_CHECKING:
    from .models import Sequential

__all__ = ["Group", "RanksLost", "active", "alone", "exchange_of", "is_first", "together"]

Array = npt.NDArray[Any]
Work = TypeVar("Work", bound=Callable[..., Any])


def agreed(work: Work) -> Work:
    """The same function; where it raises in one process, all raise."""

    @functools.wraps(work)
    def call(*args: Any, **kwargs: Any) -> Any:
        with together():
            return work(*args, **kwargs)

    return cast(Work, call)


def bounds(group: Group, count: int, batch: int) -> Array:
    """For each batch of `count` rows (first of the batch, first of ours, behind the last of ours, behind the batch)."""
    first = np.arange(0, count, batch, dtype=np.int64)
    size = np.minimum(batch, count - first)
    return np.stack(
        [first, first + size * group.rank // group.size, first + size * (group.rank + 1) // group.size, first + size], 1
    )


def own_bounds(group: Group, counts: Array) -> Array:
    """The same where each process has rows of its own, of which it takes counts[step, process]."""
    last = np.cumsum(counts.sum(1))
    first = last - counts.sum(1)
    low = first + counts[:, : group.rank].sum(1)
    return np.stack([first, low, low + counts[:, group.rank], last], 1).astype(np.int64).reshape(-1, 4)


def own_batch(batch: int) -> int:
    """Rows of a batch that come from this process: its share, where each has rows of its own, else all.

    Raises:
        ValueError: If there are fewer than processes.
    """
    group = active()
    if group is None or not group.own_data:
        return batch
    if batch < group.size:
        raise ValueError(
            f"`batch_size` is that of all ranks together and must be at least their number, {group.size}, where each "
            f"has rows of its own (auto_shard_dataset=False); got {batch}."
        )
    first, last = group.part(batch)
    return last - first


def spread(parts: Iterable[Part]) -> Iterator[Part]:
    """The parts as all processes take them. Where a source fails in one process, all raise.

    With rows of its own a process that has no more of them goes on without any until all have none.
    """
    group = active()
    assert group is not None
    iterator = iter(parts)
    part: Part | None = None
    before: Part | None = None
    while True:
        with group.together():
            if part is None:
                part = next(iterator, None)
            if part is None and before is None and group.own_data:
                raise ValueError("This rank has no batches; each must have at least one (auto_shard_dataset=False).")
        if not group.own_data:
            if part is None:
                return
            yield part
            part = None
            continue
        left = group.each(0 if part is None else part.steps)[:, 0]
        if not left.any():
            return
        steps = int(left[left > 0].min())
        piece = before.first(0) if part is None and before is not None else cast("Part", part).first(steps)
        rows = len(piece.data) if piece.order is None else len(piece.order)
        found = group.each(rows, piece.batch).T
        counts = np.clip(found[0] - np.arange(steps)[:, None] * found[1], 0, found[1])
        yield Part(piece.data, piece.order, piece.batch, counts)
        before = piece
        part = part.after(steps) if part is not None and part.steps > steps else None


def warn_of_copies(group: Group, y: Array) -> None:
    """Says so where all processes have the same targets but should have rows of their own."""
    sums = group.each(zlib.crc32(np.ascontiguousarray(y).tobytes()))[:, 0]
    if len(np.unique(sums)) == 1 and group.rank == 0:
        warn(
            f"All {group.size} ranks pass the same targets to fit(), but auto_shard_dataset=False says that each has "
            "rows of its own: they count so many times. Pass each rank its rows, or leave auto_shard_dataset=True.",
            RuntimeWarning,
        )


def ours(found: Array) -> Array:
    """The places of our rows among all."""
    return np.concatenate([np.empty(0, np.int64), *(np.arange(low, high) for _, low, high, _ in found)])


def as_shares(found: Array, gathered: bool) -> Array:
    """(first, count, place, batch) by step, as the core has them.

    Args:
        found: What bounds() gave.
        gathered: Whether our rows lie one after the other; else they lie among all.
    """
    first, low, high, last = found.T
    count = high - low
    place = np.cumsum(count) - count if gathered else low
    return np.ascontiguousarray(np.stack([place, count, low - first, last - first], 1), np.int64)


def most(group: Group, batch: int) -> int:
    """Rows of a batch that one process has at most."""
    return -(-batch // group.size)


def predict(network: Any, rows: Inputs) -> Array:
    """The network's outputs for all rows, of which each process computes a part."""
    group = active()
    if group is None or group.own_data:
        found: Array = network.predict(rows)
        return found
    count = row_count(rows)
    first, last = group.part(count)
    outputs = np.zeros((count, network.outputs), np.float32)
    if last > first:
        outputs[first:last] = network.predict(take_rows(rows, first, last))
    return group.gathered(outputs)


def synchronize(group: Group, model: Sequential) -> None:
    """All processes take over the state of rank 0: weights, optimizer, order of rows, keys of noise, where to go on."""
    state = group.bytes_of(0, model._backup() if group.rank == 0 else b"")
    resumes = group.any(model._resume_epoch is not None)
    with group.together():
        if group.rank > 0:
            model._take_backup(state)
            if not resumes:
                model._resume_epoch, model._resume_batch = None, 0
    model._compiled_or_raise().synchronize_with(group)


def unite(optimizer: Any) -> None:
    """All processes keep all of the optimizer's state again."""
    group = active()
    if group is not None:
        exchange_of(group, optimizer).unite()


@contextlib.contextmanager
def divided(group: Group, model: Sequential) -> Iterator[None]:
    """A fit: where that is wanted, processes keep parts of the optimizer's state, once divide() was called."""
    exchange = exchange_of(group, model._compiled_or_raise().optimizer)
    try:
        yield
    except BaseException as error:
        if agreed_on(error):
            exchange.unite()
        exchange.is_lost = exchange.is_divided
        raise
    exchange.unite()


def divide(group: Group, model: Sequential) -> None:
    """All have the same state: from here on, where that is wanted, each keeps its part."""
    if group.shards:
        exchange_of(group, model._compiled_or_raise().optimizer).divide()


def average(group: Group, network: Any, optimizer: Any) -> None:
    """Weights and the optimizer's state become their means over all processes."""
    flats = [network.get_weights(), *optimizer._flats()]
    means = group.sum_(np.concatenate(flats)) / np.float32(group.size)
    weights, *rest = np.split(means, np.cumsum([len(flat) for flat in flats])[:-1])
    network.set_weights(weights)
    optimizer._set_flats(rest)


def survive(group: Group, model: Sequential, callbacks: Any, keeps: bool) -> Group:
    """Makes the group of the processes that are left, which go on where the first of them stood.

    Args:
        keeps: Whether training had begun.
    """
    was_first = group.rank == 0
    left = group.survivors()
    replace(group, left)
    if left.rank == 0:
        warn(f"Of {group.size} ranks {group.size - left.size} are lost; {left.size} go on.", RuntimeWarning)
    with left.together():
        if left.rank == 0 and not was_first:  # what only the first process calls has seen nothing yet
            state = model._backup() if keeps else b""
            callbacks.on_first_rank()
            if keeps:  # it may have taken up an older backup
                model._take_backup(state)
    return left


def check_equal(group: Group, model: Sequential) -> None:
    """Compares the weights of all processes.

    Raises:
        RuntimeError: If they are not the same to the bit.
    """
    group.check_equal(model._network.get_weights().tobytes(), "The weights")
