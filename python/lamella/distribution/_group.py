"""The processes that train together: sums, agreement on errors and stops, and the watch over waiting."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from .._core import core

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

    def allgather_(self, part: Array, buf: Array) -> None:
        """Row p of `buf` becomes the `part` of process p. Only for bfloat16."""

    def abort(self, code: int) -> None:
        """Ends all processes."""


class PeerError(RuntimeError):
    """Another process failed, and so this one stops at the same place.

    Example:
        >>> from lamella.distribution import PeerError
        >>> issubclass(PeerError, RuntimeError)
        True
    """


class Group:
    """A communicator with what training needs of it.

    Args:
        comm: The transport.
        timeout: Seconds that a process waits for the others before it ends the job; 0 for ever.
        sync_every: Steps between two exchanges.
        bfloat16: Whether gradients travel so.
    """

    def __init__(self, comm: Communicator, timeout: float, sync_every: int = 1, bfloat16: bool = False) -> None:
        self.comm, self.timeout, self.sync_every, self.bfloat16 = comm, timeout, sync_every, bfloat16
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

    def part(self, count: int) -> tuple[int, int]:
        """The first and the last (excluded) of so many rows that are this process's."""
        return count * self.rank // self.size, count * (self.rank + 1) // self.size

    def exchange(self, numbers: Array, gradients: bool) -> bool:
        """What the core calls inside of a step; the flags of failure and interruption end a gradient."""
        if not gradients:
            self.sum_(numbers)
            return True
        flags = numbers[-64 // numbers.itemsize :]
        flags[1] = self.interrupted
        if self.bfloat16 and numbers.dtype == np.float32:
            self._sum_bfloat16(numbers)
        else:
            self.sum_(numbers)
        return bool(flags[0] == 0 and flags[1] == 0)

    def _sum_bfloat16(self, numbers: Array) -> None:
        """Half the bytes: each process sums a piece of all, in float32, and all take over the rounded sums."""
        piece = -(-len(numbers) // self.size)
        sent = np.zeros(piece * self.size, np.uint16)
        core.to_bfloat16(numbers, sent[: len(numbers)])
        got, sums = np.empty((self.size, piece), np.uint16), np.empty((self.size, piece), np.uint16)
        self._wait(lambda: self.comm.alltoall_(sent.reshape(self.size, piece), got))
        mine = core.sum_bfloat16(got)
        self._wait(lambda: self.comm.allgather_(mine, sums))
        core.from_bfloat16(sums.ravel()[: len(numbers)], numbers)

    # ------------------------------------------------------------------ agreement

    def agree(self, error: BaseException | None) -> None:
        """Ends a piece of work that may have failed here or elsewhere.

        Raises:
            PeerError: If it failed elsewhere; `error` itself if it failed here.
            KeyboardInterrupt: If some process was interrupted.
        """
        flags = np.zeros(self.size + 1)
        interrupted = self.interrupted or isinstance(error, KeyboardInterrupt)
        flags[self.rank] = error is not None and not interrupted
        flags[-1] = interrupted
        self.sum_(flags)
        failed = np.flatnonzero(flags[:-1])
        if len(failed):
            first = int(failed[0])
            said = self.bytes_of(first, b"" if error is None else f"{type(error).__name__}: {error}".encode())
            if error is None:
                error = PeerError(f"training stopped: rank {first} failed: {said.decode(errors='replace')}")
            error._lamella_agreed = True  # type: ignore[attr-defined]
            raise error
        if flags[-1]:
            self.interrupted = False
            stop = KeyboardInterrupt()
            stop._lamella_agreed = True  # type: ignore[attr-defined]
            raise stop

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """Work of one process that may fail: all leave this block with an error, or none."""
        error: BaseException | None = None
        try:
            yield
        except BaseException as caught:
            if getattr(caught, "_lamella_agreed", False):
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
            error = RuntimeError(f"{what} of rank {ranks} differ from those of rank 0; all ranks must run one script.")
            error._lamella_agreed = True  # type: ignore[attr-defined]
            raise error

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
            print(
                f"lamella: rank {self.rank} has waited {time.monotonic() - since:.0f} s for the other ranks (exchange "
                f"{self._meetings}); one of them hangs, is gone, or went another way through the script. The job ends. "
                "DataParallel(timeout=...) sets the seconds.",
                file=sys.stderr,
                flush=True,
            )
            return self._end()

    def _end(self) -> None:
        self.comm.abort(1)
        os._exit(1)


_here = threading.local()  # a thread that is a process to tests
_everywhere: list[Group | None] = [None]


def active() -> Group | None:
    """The group that training is shared with, if there are others in it."""
    found: Group | None = getattr(_here, "group", None) or _everywhere[0]
    return found


def activate(group: Group | None) -> None:
    """Sets the group of this process."""
    _everywhere[0] = group


@contextlib.contextmanager
def scope(group: Group | None) -> Iterator[None]:
    """The group of this thread alone, for a while."""
    before = getattr(_here, "group", None)
    _here.group = group
    try:
        yield
    finally:
        _here.group = before


_ALONE: AbstractContextManager[None] = contextlib.nullcontext()


def together() -> AbstractContextManager[None]:
    """Group.together() where there is a group."""
    group = active()
    return _ALONE if group is None else group.together()


def is_first() -> bool:
    """Whether this process is the one that prints and writes."""
    group = active()
    return group is None or group.rank == 0
