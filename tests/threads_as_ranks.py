"""Processes played by threads of this one: what a communicator must do, without MPI."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from lamella.distribution import RanksLost, _group


class World:
    """What the threads share."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.barrier = threading.Barrier(size, timeout=60)
        self.given: list[Any] = [None] * size
        self.comms: list[Any] = [None] * size
        self.dead: set[int] = set()
        self.lock = threading.Lock()
        self.left: World | None = None


class Killed(BaseException):
    """The end of a rank."""


class ThreadCommunicator:
    """One thread's end of a World."""

    def __init__(self, world: World, rank: int) -> None:
        self.world, self.rank, self.size = world, rank, world.size
        self.sent: list[int] = []  # bytes of each sum
        self.calls_left = -1  # before this rank is killed
        world.comms[rank] = self

    def _exchanged(self, value: Any) -> list[Any]:
        if self.calls_left == 0:
            self.world.dead.add(self.rank)
            self.world.barrier.abort()
            raise Killed
        self.calls_left -= 1
        self.world.given[self.rank] = value
        try:
            self.world.barrier.wait()
            everyone = list(self.world.given)
            self.world.barrier.wait()
        except threading.BrokenBarrierError:
            if self.world.dead:
                raise RanksLost("a rank is lost") from None
            raise
        return everyone

    def shrink_(self) -> ThreadCommunicator:
        if self.calls_left >= 0:
            raise Killed
        alive = [rank for rank, comm in enumerate(self.world.comms) if comm.calls_left < 0]
        with self.world.lock:
            self.world.left = self.world.left or World(len(alive))
        return ThreadCommunicator(self.world.left, alive.index(self.rank))

    def allreduce_(self, buf: np.ndarray) -> None:
        self.sent.append(buf.nbytes)
        parts = self._exchanged(buf.copy())
        assert len({(part.dtype, part.shape) for part in parts}) == 1, "ranks sum different things"
        total = parts[0].copy()
        for part in parts[1:]:
            total += part
        buf[...] = total

    def bcast_(self, buf: np.ndarray, root: int) -> None:
        buf[...] = self._exchanged(buf.copy())[root]

    def alltoall_(self, parts: np.ndarray, buf: np.ndarray) -> None:
        self.sent.append(parts.nbytes)
        buf[...] = [part[self.rank] for part in self._exchanged(parts.copy())]

    def reduce_scatter_(self, buf: np.ndarray, counts: np.ndarray) -> None:
        self.sent.append(buf.nbytes)
        parts = self._exchanged(buf.copy())
        mine = self._mine(counts)
        buf[...] = np.nan  # nobody may use the rest
        buf[mine] = parts[-1][mine]
        for part in parts[-2::-1]:  # not the order of allreduce_
            buf[mine] += part[mine]

    def allgather_(self, buf: np.ndarray, counts: np.ndarray) -> None:
        mine = self._mine(counts)
        self.sent.append(buf[mine].nbytes)
        buf[...] = np.concatenate(self._exchanged(buf[mine].copy()))

    def _mine(self, counts: np.ndarray) -> slice:
        first = int(counts[: self.rank].sum())
        return slice(first, first + int(counts[self.rank]))

    def abort(self, code: int) -> None:
        self.world.barrier.abort()


def run_ranks(size: int, work: Callable[[int], Any], **options: Any) -> list[Any]:
    """work(rank) in a thread for each rank; what each returned or raised."""
    world = World(size)
    results: list[Any] = [None] * size

    def play(rank: int) -> None:
        group = _group.Group(ThreadCommunicator(world, rank), 0, **options) if size > 1 else None
        with _group.scope(group):
            try:
                results[rank] = work(rank)
            except BaseException as error:
                results[rank] = error

    threads = [threading.Thread(target=play, args=(rank,)) for rank in range(size)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(90)
    assert not any(thread.is_alive() for thread in threads), "a rank hangs"
    return results
