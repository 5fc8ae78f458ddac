"""One stream of seeds for everything random: initial weights, shuffling, noise."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator
from contextvars import ContextVar

import numpy as np

_own: ContextVar[np.random.Generator | None] = ContextVar("_own", default=None)
_seeds: np.random.Generator | None = None  # made when first needed: numpy.random takes a while to import
_times_seeded = 0


def next_seed() -> int:
    """A fresh 63-bit seed; the sequence repeats after set_random_seed()."""
    global _seeds
    own = _own.get()
    if own is not None:
        return int(own.integers(2**63))
    if _seeds is None:
        _seeds = np.random.Generator(np.random.Philox())
    return int(_seeds.integers(2**63))


def generator(seed: int, stream: int = 0) -> np.random.Generator:
    """The generator number `stream` of a seed: the same numbers in whatever order streams are asked for."""
    return np.random.Generator(np.random.Philox(key=[seed, stream]))


def set_random_seed(seed: int) -> None:
    """Makes everything after it repeatable: initial weights, shuffling, noise, and Python's and NumPy's own generators.

    Equal seeds give equal bits, whatever the number of threads.

    Args:
        seed: An integer from 0 to 2**32 - 1.

    Raises:
        ValueError: If `seed` is not such an integer.

    Example:
        >>> import lamella
        >>> found = []
        >>> for _ in range(2):
        ...     lamella.utils.set_random_seed(0)
        ...     found.append(lamella.initializers.RandomNormal()((2, 3)))
        >>> bool((found[0] == found[1]).all())
        True
    """
    global _seeds, _times_seeded
    if isinstance(seed, (bool, np.bool_)) or not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**32:
        raise ValueError(f"`seed` must be an integer from 0 to 2**32 - 1, got {seed!r}.")
    _times_seeded += 1
    random.seed(int(seed))
    np.random.seed(int(seed))
    _seeds = np.random.Generator(np.random.Philox(key=[int(seed), 0]))


@contextlib.contextmanager
def seeds_of(seed: int) -> Iterator[None]:
    """Inside, this thread alone draws its seeds from a stream of its own; no generator outside moves.

    Example:
        >>> found = []
        >>> for _ in range(2):
        ...     with seeds_of(3):
        ...         found.append(next_seed())
        >>> found[0] == found[1]
        True
    """
    token = _own.set(generator(seed))
    try:
        yield
    finally:
        _own.reset(token)


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Seeds drawn inside do not count: the stream goes on afterwards as if nothing had happened."""
    seeds = _own.get() or _seeds
    before = None if seeds is None else seeds.bit_generator.state
    try:
        yield
    finally:
        if seeds is not None and before is not None:
            seeds.bit_generator.state = before


def times_seeded() -> int:
    """How often set_random_seed() was called."""
    return _times_seeded
