"""Processes played by threads of this one: what a communicator must do, without MPI."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from lamella.distribution import _group


class World:
    """What the threads share."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.barrier = threading.Barrier(size, timeout=60)
        self.given: list[Any] = [None] * size
        self.calls = 0


class ThreadCommunicator:
    """One thread's end of a World."""

    def __init__(self, world: World, rank: int) -> None:
        self.world, self.rank, self.size = world, rank, world.size
        self.sent: list[int] = []  # bytes of each sum

    def _exchanged(self, value: Any) -> list[Any]:
        self.world.given[self.rank] = value
        self.world.barrier.wait()
        everyone = list(self.world.given)
        self.world.barrier.wait()
        return everyone

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

    def allgather_(self, part: np.ndarray, buf: np.ndarray) -> None:
        self.sent.append(part.nbytes)
        buf[...] = self._exchanged(part.copy())

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
