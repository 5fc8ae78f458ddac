"""What the core calls inside of a step: sums of gradients, whole or in parts, and weights that others have updated."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .._core import core
from ._group import Group

Array = npt.NDArray[Any]

# Bytes up to which a sum is one call: in parts it has twice the latency. Two processes have the same sums either way.
_SMALL = 1 << 16


class Exchange:
    """The exchange of an optimizer and its trainer in a group.

    Gradients are summed in parts, each by the process that has it, whether all take the sums over or each updates its
    part of the weights: so dividing the optimizer's state among the processes changes no bit.

    Args:
        group: The processes.
        optimizer: Its updater says where the arena may be cut.
    """

    def __init__(self, group: Group, optimizer: Any) -> None:
        self.group, self.optimizer, self.updater = group, optimizer, optimizer._updater
        self.cuts = self.updater.cuts(group.size)
        self.counts = np.diff(self.cuts)
        self.is_divided = self.is_lost = False

    def __call__(self, numbers: Array, what: str) -> bool:
        """Sums, or for "weights" takes over; the flags of failure and interruption end gradients.

        Returns:
            Whether all processes go on.
        """
        if what == "numbers":
            self.group.sum_(numbers)
        elif what == "weights":
            self.group.gather_(numbers, self.counts)
        else:
            return self._sum_gradients(numbers)
        return True

    def _sum_gradients(self, numbers: Array) -> bool:
        group = self.group
        flags = numbers[-64 // numbers.itemsize :]
        flags[1] = group.interrupted
        if group.bfloat16 and numbers.dtype == np.float32:
            self._sum_bfloat16(numbers)
        elif numbers.nbytes <= _SMALL or not (self.is_divided or (group.size > 2 and group.can_scatter)):
            group.sum_(numbers)
        else:
            counts = self.counts.copy()
            counts[-1] += len(flags)
            group.scatter_(numbers, counts)
            if self.is_divided:
                group.take_(flags, group.size - 1)
            else:
                group.gather_(numbers, counts)
        return bool(flags[0] == 0 and flags[1] == 0)

    def _sum_bfloat16(self, numbers: Array) -> None:
        """Half the bytes: each process sums a piece of all, in float32, and all take over the rounded sums."""
        group = self.group
        piece = -(-len(numbers) // group.size)
        sent = np.zeros(piece * group.size, np.uint16)
        core.to_bfloat16(numbers, sent[: len(numbers)])
        got = np.empty((group.size, piece), np.uint16)
        group.swap_(sent.reshape(group.size, piece), got)
        sent[group.rank * piece : (group.rank + 1) * piece] = core.sum_bfloat16(got)
        group.gather_(sent, np.full(group.size, piece))
        core.from_bfloat16(sent[: len(numbers)], numbers)

    # ------------------------------------------------------------------ the optimizer's state in parts

    def divide(self) -> None:
        """From here on this process keeps its part of the optimizer's state, and who asks for all of it gets it."""
        self.updater.keep(*self.cuts[self.group.rank : self.group.rank + 2])
        self.is_divided = True
        self.group.answer = self._gathered

    def unite(self) -> None:
        """All processes keep all of it again."""
        if self.is_divided:
            flats = self._gathered()
            self.group.answer = None
            self.is_divided = False
            self.updater.keep(0, self.cuts[-1])
            self.optimizer._set_flats(flats)

    def ask(self) -> list[Array]:
        """The whole state, while the other processes wait for this one, or ask too.

        Raises:
            RuntimeError: If they do not: training broke off.
        """
        if self.is_lost:
            raise RuntimeError(
                "This process has a part of the optimizer's state: training with shard_optimizer=True broke off before "
                "the parts could be put together. Start again from a backup or a checkpoint."
            )
        return self.group.ask()

    def _gathered(self) -> list[Array]:
        return [self.group.gathered(flat) for flat in self.optimizer._own_flats()]


def exchange_of(group: Group, optimizer: Any) -> Exchange:
    """The exchange of an optimizer and its trainer in a group."""
    known: Exchange | None = optimizer._exchange
    if known is None or known.group is not group or known.updater is not optimizer._updater:
        known = optimizer._exchange = Exchange(group, optimizer)
    return known
