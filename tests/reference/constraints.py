"""Constraints: what a weight array becomes after each update."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .family import Family

Array = NDArray[np.float64]

EPSILON = 1e-7


def norm(w: Array, axis: int) -> Array:
    return np.sqrt((w**2).sum(axis, keepdims=True))


@dataclass
class MaxNorm:
    max_value: float = 2
    axis: int = 0

    def __call__(self, w: Array) -> Array:
        n = norm(w, self.axis)
        return w * np.clip(n, 0, self.max_value) / (EPSILON + n)


@dataclass
class NonNeg:
    def __call__(self, w: Array) -> Array:
        return np.maximum(w, 0)


@dataclass
class UnitNorm:
    axis: int = 0

    def __call__(self, w: Array) -> Array:
        return w / (EPSILON + norm(w, self.axis))


@dataclass
class MinMaxNorm:
    min_value: float = 0.0
    max_value: float = 1.0
    rate: float = 1.0
    axis: int = 0

    def __call__(self, w: Array) -> Array:
        n = norm(w, self.axis)
        wanted = self.rate * np.clip(n, self.min_value, self.max_value) + (1 - self.rate) * n
        return w * wanted / (EPSILON + n)


CONSTRAINTS = Family.of(MaxNorm, NonNeg, UnitNorm, MinMaxNorm)


def constraint(name: str, w: ArrayLike, **params: float) -> Array:
    return CONSTRAINTS[name](**params)(np.asarray(w, np.float64))
