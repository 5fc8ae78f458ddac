"""One stream of seeds for everything random: initial weights, shuffling, noise."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator

import numpy as np

_seeds: np.random.Generator | None = None  # made when first needed: numpy.random takes a while to import
_times_seeded = 0


def next_seed() -> int:
    """A fresh 63-bit seed; the sequence repeats after set_random_seed()."""
    global _seeds
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
        >>> set_random_seed(0)
        >>> first = next_seed()
        >>> set_random_seed(0)
        >>> next_seed() == first
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
def undisturbed() -> Iterator[None]:
    """Seeds drawn inside do not count: the stream goes on afterwards as if nothing had happened."""
    before = None if _seeds is None else _seeds.bit_generator.state
    try:
        yield
    finally:
        if _seeds is not None and before is not None:
            _seeds.bit_generator.state = before


def times_seeded() -> int:
    """How often set_random_seed() was called."""
    return _times_seeded
