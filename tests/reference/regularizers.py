"""Regularizers: a penalty on a weight array, and its gradient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .family import Family

Array = NDArray[np.float64]


@dataclass
class L1L2:
    """l1 * sum(abs(w)) + l2 * sum(w**2); the slope of abs at 0 is 0."""

    l1: float = 0.0
    l2: float = 0.0

    def value(self, w: Array) -> float:
        return self.l1 * np.abs(w).sum() + self.l2 * (w**2).sum()

    def gradient(self, w: Array) -> Array:
        return self.l1 * np.sign(w) + 2 * self.l2 * w


def L1(l1: float = 0.01) -> L1L2:
    return L1L2(l1=l1)


def L2(l2: float = 0.01) -> L1L2:
    return L1L2(l2=l2)


@dataclass
class OrthogonalRegularizer:
    """factor * the mean of abs(cosine) over all pairs of rows (or columns)."""

    factor: float = 0.01
    mode: str = "rows"

    def parts(self, w: Array) -> tuple[Array, Array, Array, float]:
        """Unit rows, their norms, the cosines of different rows, and the weight of one of them."""
        rows = w if self.mode == "rows" else w.T
        norms = np.sqrt((rows**2).sum(1, keepdims=True))
        units = rows / norms
        n = len(rows)
        return units, norms, units @ units.T * (1 - np.eye(n)), self.factor / (n * (n - 1))

    def value(self, w: Array) -> float:
        _, _, cosines, scale = self.parts(w)
        return scale * np.abs(cosines).sum()

    def gradient(self, w: Array) -> Array:
        units, norms, cosines, scale = self.parts(w)
        d_units = 2 * scale * np.sign(cosines) @ units
        d_rows = (d_units - units * (units * d_units).sum(1, keepdims=True)) / norms
        return d_rows if self.mode == "rows" else d_rows.T


REGULARIZERS = Family.of(L1, L2, L1L2, OrthogonalRegularizer)


def regularizer(name: str, w: Array, **params: float) -> float:
    return REGULARIZERS[name](**params).value(np.asarray(w, np.float64))


def regularizer_gradient(name: str, w: Array, **params: float) -> Array:
    return REGULARIZERS[name](**params).gradient(np.asarray(w, np.float64))
