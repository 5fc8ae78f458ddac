"""What a loss is: one value per sample, and the slope of that value with respect to the predictions.

`per_sample(t, p)` takes targets and predictions of fitting shapes; `slope(t, p)` has the shape of p, and its row i is
the gradient of value i.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

EPSILON = 1e-7
# Keras clips in float32, where 1 - 1e-7 is 1 - 2**-23.
UPPER = float(np.float32(1) - np.float32(EPSILON))


def clip(p: Array) -> Array:
    return np.clip(p, EPSILON, UPPER)


def inside(p: Array) -> Array:
    """Slope of `clip`."""
    return np.where((p >= EPSILON) & (p <= UPPER), 1.0, 0.0)


class Loss:
    def align(self, t: Array, p: Array) -> tuple[Array, Array]:
        """Ranks that differ by a trailing axis of size 1 are made equal."""
        if t.ndim + 1 == p.ndim and p.shape[-1] == 1:
            return (t[:, None], p) if t.ndim == 1 else (t, p[..., 0])
        if p.ndim + 1 == t.ndim and t.shape[-1] == 1:
            return (t, p[:, None]) if p.ndim == 1 else (t[..., 0], p)
        return t, p

    def per_sample(self, t: Array, p: Array) -> Array:
        raise NotImplementedError

    def slope(self, t: Array, p: Array) -> Array:
        raise NotImplementedError

    def kept(self, t: Array, values: Array) -> Array:
        """1 for the values that take part in a mean, 0 for the others."""
        return np.ones_like(values)


class Elementwise(Loss):
    """The mean over the last axis of `f(t, p)`; `df` is its derivative by p."""

    def f(self, t: Array, p: Array) -> Array:
        raise NotImplementedError

    def df(self, t: Array, p: Array) -> Array:
        raise NotImplementedError

    def per_sample(self, t: Array, p: Array) -> Array:
        return self.f(t, p).mean(-1)

    def slope(self, t: Array, p: Array) -> Array:
        return self.df(t, p) / p.shape[-1]
