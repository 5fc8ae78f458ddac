"""Which rows of each batch are this process's, and what the others must know of them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np
import numpy.typing as npt

from ._data import Inputs, row_count, take_rows
from .distribution._group import Group, active, is_first, together

if TYPE_CHECKING:
    from .models import Sequential

__all__ = ["Group", "active", "is_first", "together"]

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
    if group is None:
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


def average(group: Group, network: Any, optimizer: Any) -> None:
    """Weights and the optimizer's state become their means over all processes."""
    updater = optimizer._updater
    names = ["averages"] * optimizer.use_ema + ["accumulated"] * bool(optimizer.gradient_accumulation_steps)
    flats = [network.get_weights(), *(getattr(updater, name) for name in names), *updater.get_state()]
    means = group.sum_(np.concatenate(flats)) / np.float32(group.size)
    weights, *rest = np.split(means, np.cumsum([len(flat) for flat in flats])[:-1])
    network.set_weights(weights)
    for name, flat in zip(names, rest, strict=False):
        setattr(updater, name, flat)
    updater.set_state(rest[len(names) :])


def check_equal(group: Group, model: Sequential) -> None:
    """Compares the weights of all processes.

    Raises:
        RuntimeError: If they are not the same to the bit.
    """
    group.check_equal(model._network.get_weights().tobytes(), "The weights")
