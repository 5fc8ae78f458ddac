"""Small helpers around data and randomness."""

from __future__ import annotations

from .._random import set_random_seed
from .numerical import to_categorical

__all__ = ["set_random_seed", "to_categorical"]
