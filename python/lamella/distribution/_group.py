"""The processes that train together: sums, agreement on errors and stops, and the watch over waiting."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from .._streams import tell

Array = npt.NDArray[Any]


class Communicator(Protocol):
    """What a transport must offer. All processes make the same calls in the same order; arrays are contiguous.

    Example:
        >>> from lamella.distribution import Communicator, DataParallel
        >>> class Alone(Communicator):
        ...     rank, size = 0, 1
        >>> DataParallel(Alone()).rank
        0
    """

    rank: int
    size: int

    def allreduce_(self, buf: Array) -> None:
        """Replaces `buf` by its sum over all processes."""

    def bcast_(self, buf: Array, root: int) -> None:
        """Replaces `buf` by that of process `root`."""

    def alltoall_(self, parts: Array, buf: Array) -> None:
        """Row p of `parts` goes to process p; row p of `buf` comes from there. Only for bfloat16."""

    def reduce_scatter_(self, buf: Array, counts: Array) -> None:
        """Part p of `buf`, of counts[p] numbers, becomes its sum in process p; the rest may be anything. Sums are the
        same each time. Only for shard_optimizer."""

    def allgather_(self, buf: Array, counts: Array) -> None:
        """Part p of `buf`, of counts[p] numbers, becomes that of process p. For bfloat16 and shard_optimizer."""

    def shrink_(self) -> Communicator:
        """What connects those that are left, after a call has raised RanksLost in all of them. Only for on_failure."""

    def abort(self, code: int) -> None:
        """Ends all processes."""


class RanksLost(RuntimeError):
    """Processes of the group are gone; those that are left may make a new group.

    Example:
        >>> from lamella.distribution import RanksLost
        >>> issubclass(RanksLost, RuntimeError)
        True
    """


class PeerError(RuntimeError):
    """Another process failed, and so this one stops at the same place.

    Example:
        >>> from lamella.distribution import PeerError
        >>> issubclass(PeerError, RuntimeError)
        True
    """


def _agreed(error: BaseException) -> BaseException:
    error._lamella_agreed = True  # type: ignore[attr-defined]
    return error


def agreed_on(error: BaseException) -> bool:
    """Whether all processes leave with an error at the same place as this one."""
    return getattr(error, "_lamella_agreed", False)


class Group:
    """A communicator with what training needs of it.

    Args:
        comm: The transport.
        timeout: Seconds that a process waits for the others before it ends the job; 0 for ever.
        sync_every: Steps between two exchanges.
        bfloat16: Whether gradients travel so.
        shards: Whether each process keeps a part of the optimizer's state.
        own_data: Whether each process has rows of its own.
        shrinks: Whether those that are left go on when some are lost.
    """

    def __init__(
        self,
        comm: Communicator,
        timeout: float,
        sync_every: int = 1,
        bfloat16: bool = False,
        shards: bool = False,
        own_data: bool = False,
        shrinks: bool = False,
    ) -> None:
        self.comm, self.timeout, self.own_data, self.shrinks = comm, timeout, own_data, shrinks
        self.sync_every, self.bfloat16, self.shards = sync_every, bfloat16, shards
        self.can_scatter = hasattr(comm, "reduce_scatter_") and hasattr(comm, "allgather_")
        self.answer: Callable[[], list[Array]] | None = None  # gathers what is in parts
        self.rank, self.size = comm.rank, comm.size
        self.interrupted = False
        self._waiting_since: float | None = None
        self._meetings = 0
        self._watching = False

    # ------------------------------------------------------------------ sums

    def sum_(self, values: Array) -> Array:
        """`values`, replaced by their sum over all processes."""
        self._wait(lambda: self.comm.allreduce_(values))
        return values

    def of_first(self, value: float) -> float:
        """The number that rank 0 has."""
        return float(self.sum_(np.array([value if self.rank == 0 else 0.0], np.float64))[0])

    def each(self, *values: int) -> Array:
        """(processes, values): the numbers that each process has."""
        found = np.zeros((self.size, len(values)), np.int64)
        found[self.rank] = values
        return self.sum_(found)

    def any(self, flag: bool) -> bool:
        """Whether some process says so."""
        return bool(self.sum_(np.array([float(flag)]))[0])

    def bytes_of(self, root: int, content: bytes) -> bytes:
        """The bytes that process `root` has."""
        size = self.sum_(np.array([len(content) if self.rank == root else 0], np.int64))
        found = np.frombuffer(content, np.uint8).copy() if self.rank == root else np.empty(int(size[0]), np.uint8)
        self._wait(lambda: self.comm.bcast_(found, root))
        return found.tobytes()

    def gathered(self, values: Array) -> Array:
        """Rows that each process has filled in and the others left zero, put together to the bit."""
        self.sum_(values.view(np.int32))
        return values

    def survivors(self) -> Group:
        """The group of the processes that are left.

        Raises:
            RuntimeError: If they are not more than half of this one: the others may be alive, and think the same.
        """
        comm = self.comm.shrink_()
        if 2 * comm.size <= self.size:
            raise _agreed(
                RuntimeError(
                    f"{self.size - comm.size} of {self.size} ranks are lost. Those that are left are no majority and "
                    "stop: there may be others that are cut off. Start again from the last backup."
                )
            )
        left = Group(comm, self.timeout, self.sync_every, self.bfloat16, shrinks=True)
        left.interrupted = self.interrupted
        return left

    def placed(self, rows: Array, places: Array | None, count: int) -> Array:
        """So many rows, of which each process has those at its places."""
        found = np.zeros((count, *rows.shape[1:]), rows.dtype)
        found[places] = rows
        return self.gathered(found)

    def part(self, count: int) -> tuple[int, int]:
        """The first and the last (excluded) of so many rows that are this process's."""
        return count * self.rank // self.size, count * (self.rank + 1) // self.size

    def take_(self, values: Array, root: int) -> None:
        """Takes over those of process `root`."""
        self._wait(lambda: self.comm.bcast_(values, root))

    def scatter_(self, values: Array, counts: Array) -> None:
        """Each process sums its part."""
        self._wait(lambda: self.comm.reduce_scatter_(values, counts))

    def gather_(self, values: Array, counts: Array) -> None:
        """All take over the parts of the others."""
        self._wait(lambda: self.comm.allgather_(values, counts))

    def swap_(self, sent: Array, got: Array) -> None:
        """Row p goes to process p, and row p comes from there."""
        self._wait(lambda: self.comm.alltoall_(sent, got))

    # ------------------------------------------------------------------ agreement

    def agree(self, error: BaseException | None) -> None:
        """Ends a piece of work that may have failed here or elsewhere.

        Raises:
            PeerError: If it failed elsewhere; `error` itself if it failed here.
            KeyboardInterrupt: If some process was interrupted.
        """
        asked = 1.0
        while asked:
            flags = np.zeros(self.size + 2)
            interrupted = self.interrupted or isinstance(error, KeyboardInterrupt)
            flags[self.rank] = error is not None and not interrupted
            flags[-1] = interrupted
            self.sum_(flags)
            asked = flags[-2]
            if asked and self.answer is not None:
                self.answer()
        failed = np.flatnonzero(flags[:-2])
        if len(failed):
            first = int(failed[0])
            said = self.bytes_of(first, b"" if error is None else f"{type(error).__name__}: {error}".encode())
            if error is None:
                error = PeerError(f"training stopped: rank {first} failed: {said.decode(errors='replace')}")
            raise _agreed(error)
        if flags[-1]:
            self.interrupted = False
            raise _agreed(KeyboardInterrupt())

    def ask(self) -> list[Array]:
        """What all have a part of, for one process in a block of work while the others wait for its end."""
        assert self.answer is not None
        flags = np.zeros(self.size + 2)
        flags[-2] = 1
        self.sum_(flags)
        return self.answer()

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """Work of one process that may fail: all leave this block with an error, or none."""
        error: BaseException | None = None
        try:
            yield
        except BaseException as caught:
            if agreed_on(caught) or isinstance(caught, RanksLost):
                raise
            error = caught
        self.agree(error)

    def check_equal(self, content: bytes, what: str) -> None:
        """Compares bytes that all processes must have alike.

        Raises:
            RuntimeError: On all of them, if some are not.
        """
        sums = np.zeros(self.size, np.int64)
        sums[self.rank] = zlib.crc32(content)
        self.sum_(sums)
        others = np.flatnonzero(sums != sums[0])
        if len(others):
            ranks = ", ".join(str(int(r)) for r in others)
            raise _agreed(
                RuntimeError(f"{what} of rank {ranks} differ from those of rank 0; all ranks must run one script.")
            )

    @contextlib.contextmanager
    def patient(self) -> Iterator[None]:
        """Ctrl-C only takes a note: all processes leave at the next agreement."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def note(*_: Any) -> None:
            self.interrupted = True

        before = signal.getsignal(signal.SIGINT)
        if before is not signal.SIG_IGN:
            signal.signal(signal.SIGINT, note)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    # ------------------------------------------------------------------ waiting

    def _wait(self, call: Any) -> None:
        if self.timeout and not self._watching:
            self._watching = True
            threading.Thread(target=self._watch, name="lamella-watchdog", daemon=True).start()
        self._waiting_since = time.monotonic()
        try:
            call()
        finally:
            self._waiting_since = None  # also after an error of the transport: who catches it does not wait any more
        self._meetings += 1

    def _watch(self) -> None:
        while True:
            time.sleep(min(1.0, self.timeout / 4))
            since = self._waiting_since
            if since is None or time.monotonic() - since < self.timeout:
                continue
            tell(
                f"rank {self.rank} has waited {time.monotonic() - since:.0f} s for the other ranks (exchange "
                f"{self._meetings}); one of them hangs, is gone, or went another way through the script. The job ends. "
                "DataParallel(timeout=...) sets the seconds."
            )
            return self._end()

    def _end(self) -> None:
        self.comm.abort(1)
        os._exit(1)


class _Here(threading.local):
    """What holds for this thread alone; attributes of the class are found sooner than defaults of getattr()."""

    alone = False
    group: Group | None = None  # of a thread that is a process to tests


_here = _Here()
_everywhere: list[Group | None] = [None]


def active() -> Group | None:
    """The group that training is shared with, if there are others in it."""
    return None if _here.alone else _here.group or _everywhere[0]


def activate(group: Group | None) -> None:
    """Sets the group of this process."""
    _everywhere[0] = group


def replace(old: Group, group: Group) -> None:
    """Puts a group of fewer processes in the place of another."""
    if _here.group is old:
        _here.group = group
    else:
        activate(group)


@contextlib.contextmanager
def scope(group: Group | None) -> Iterator[None]:
    """The group of this thread alone, for a while."""
    before = _here.group
    _here.group = group
    try:
        yield
    finally:
        _here.group = before


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Work of this thread that the other processes know nothing of."""
    before = _here.alone
    _here.alone = True
    try:
        yield
    finally:
        _here.alone = before


_ALONE: AbstractContextManager[None] = contextlib.nullcontext()


def together() -> AbstractContextManager[None]:
    """Group.together() where there is a group."""
    group = active()
    return _ALONE if group is None else group.together()


def is_first() -> bool:
    """Whether this process is the one that prints and writes."""
    group = active()
    return group is None or group.rank == 0
