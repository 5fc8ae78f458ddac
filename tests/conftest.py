"""What every test starts from: the same seed, fresh automatic names, and afterwards OpenMP's own number of threads."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import lamella

SEED = 20240607


@pytest.fixture
def rng() -> np.random.Generator:
    """The source of all random data of a test; the same numbers in every run."""
    return np.random.default_rng(SEED)


@pytest.fixture(autouse=True)
def clean_state() -> Iterator[None]:
    """No test sees seeds, names or threads of another."""
    lamella.utils.set_random_seed(SEED)
    lamella.backend.clear_session()
    yield
    lamella.set_num_threads(0)
