"""Keras' way to shuffle and split: NumPy's old generator, whose numbers never change."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._checks import integer, real


def random_state(seed: int | None) -> np.random.RandomState:
    """The generator of a seed, or a fresh one.

    Raises:
        TypeError: If `seed` is neither an integer nor None.
        ValueError: If it is not from 0 to 2**32 - 1.
    """
    if seed is not None and (seed := integer("load_data", "seed", seed, least=0)) >= 2**32:
        raise ValueError(f"load_data `seed` must be an integer from 0 to 2**32 - 1, got {seed}.")
    return np.random.RandomState(seed)


def order(n: int, random: np.random.RandomState) -> NDArray[np.intp]:
    """The numbers below `n`, shuffled."""
    indices = np.arange(n)
    random.shuffle(indices)
    return indices


def fraction(test_split: Any) -> float:
    """`test_split` as a float.

    Raises:
        ValueError: If it is not in [0, 1).
    """
    return real("load_data", "test_split", test_split, least=0, below=1)


def num_train(n: int, test_split: float) -> int:
    """Rows to train on; the rest is for tests.

    Example:
        >>> num_train(506, 0.2)
        404
    """
    return int(n * (1 - test_split))
