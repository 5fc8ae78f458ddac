"""Start values drawn from one distribution, whatever the weight's shape."""

from __future__ import annotations

import math

import numpy as np

from .. import _random
from .._checks import integer, real
from .base import FAMILY, Array, Initializer, Shape


class Random(Initializer):
    """An initializer with a seed, fixed when it is made: two calls give the same numbers."""

    def __init__(self, seed: int | None) -> None:
        self.seed = None if seed is None else integer(type(self).__name__, "seed", seed, least=-(2**63))
        self._seed = _random.next_seed() if self.seed is None else self.seed

    def _generator(self) -> np.random.Generator:
        return _random.generator(self._seed & (2**63 - 1))

    def _normal(self, shape: Shape, mean: float, stddev: float) -> Array:
        return self._generator().standard_normal(shape, np.float32) * np.float32(stddev) + np.float32(mean)

    def _uniform(self, shape: Shape, low: float, high: float) -> Array:
        return self._generator().random(shape, np.float32) * np.float32(high - low) + np.float32(low)

    def _truncated(self, shape: Shape, mean: float, stddev: float) -> Array:
        generator = self._generator()
        values = generator.standard_normal(shape, np.float32)
        while (outside := np.abs(values) > 2).any():
            values[outside] = generator.standard_normal(int(outside.sum()), np.float32)
        return values * np.float32(stddev) + np.float32(mean)


@FAMILY.register("normal")
class RandomNormal(Random):
    """Normal distribution.

    Args:
        mean: Its mean.
        stddev: Its standard deviation, at least 0.
        seed: An integer, or None for one that is drawn now.

    Example:
        >>> RandomNormal(stddev=0.1, seed=1)((2, 3)).shape
        (2, 3)
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None) -> None:
        super().__init__(seed)
        self.mean = real("RandomNormal", "mean", mean)
        self.stddev = real("RandomNormal", "stddev", stddev, least=0)

    def _values(self, shape: Shape) -> Array:
        return self._normal(shape, self.mean, self.stddev)


@FAMILY.register("uniform")
class RandomUniform(Random):
    """Uniform distribution on [minval, maxval).

    Args:
        minval: Lower end.
        maxval: Upper end.
        seed: An integer, or None for one that is drawn now.

    Example:
        >>> bool(abs(RandomUniform(seed=1)((2, 3))).max() <= 0.05)
        True
    """

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: int | None = None) -> None:
        super().__init__(seed)
        self.minval = real("RandomUniform", "minval", minval)
        self.maxval = real("RandomUniform", "maxval", maxval)

    def _values(self, shape: Shape) -> Array:
        return self._uniform(shape, self.minval, self.maxval)


@FAMILY.register()
class TruncatedNormal(Random):
    """Normal distribution, values beyond two standard deviations drawn again.

    Args:
        mean: Its mean.
        stddev: Its standard deviation before the cut (the values' own is 0.88 of it), at least 0.
        seed: An integer, or None for one that is drawn now.

    Example:
        >>> bool(abs(TruncatedNormal(stddev=1.0, seed=1)((50, 3))).max() <= 2)
        True
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None) -> None:
        super().__init__(seed)
        self.mean = real("TruncatedNormal", "mean", mean)
        self.stddev = real("TruncatedNormal", "stddev", stddev, least=0)

    def _values(self, shape: Shape) -> Array:
        return self._truncated(shape, self.mean, self.stddev)


@FAMILY.register("OrthogonalInitializer")
class Orthogonal(Random):
    """A matrix with orthogonal columns (rows, if it is wide) of length `gain`, any of them equally likely.

    It is Q of the QR decomposition of normal numbers, with the signs of R's diagonal. Of a weight with more axes,
    all but the last count as rows.

    Args:
        gain: Length of the columns.
        seed: An integer, or None for one that is drawn now.

    Raises:
        ValueError: When called, if the weight has fewer than two axes.

    Source:
        Saxe et al. 2014, https://arxiv.org/abs/1312.6120

    Example:
        >>> q = Orthogonal(seed=1)((4, 2))
        >>> np.allclose(q.T @ q, np.eye(2), atol=1e-6)
        True
    """

    def __init__(self, gain: float = 1.0, seed: int | None = None) -> None:
        super().__init__(seed)
        self.gain = real("Orthogonal", "gain", gain)

    def _values(self, shape: Shape) -> Array:
        if len(shape) < 2:
            raise ValueError(f"Orthogonal needs a weight of two axes or more, got shape {shape}.")
        rows, cols = math.prod(shape[:-1]), shape[-1]
        normal = self._generator().standard_normal((max(rows, cols), min(rows, cols)))
        q, r = np.linalg.qr(normal)
        q = q * np.sign(np.diag(r)) * self.gain
        return np.ascontiguousarray((q if rows >= cols else q.T).reshape(shape), np.float32)
