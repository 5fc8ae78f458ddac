"""Start values of weights. Formulas and defaults are those of Keras 3.

For a kernel ``(inputs, units)``, fan_in is `inputs` and fan_out is `units`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _random
from ._checks import real
from ._registry import Registry

__all__ = [
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Initializer",
    "LecunNormal",
    "LecunUniform",
    "Ones",
    "RandomNormal",
    "RandomUniform",
    "TruncatedNormal",
    "VarianceScaling",
    "Zeros",
    "get",
]

Shape = tuple[int, ...]
Array = npt.NDArray[np.float32]

# Standard deviation of a standard normal distribution cut at ±2.
_TRUNCATED_STD = 0.87962566103423978


class Initializer:
    """Base class: ``initializer(shape)`` returns a float32 array; the same one on every call."""

    def __call__(self, shape: Shape) -> Array:
        raise NotImplementedError(f"{type(self).__name__} must define __call__(shape).")

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {k: v for k, v in vars(self).items() if not k.startswith("_")}


_FAMILY: Registry[Initializer] = Registry("initializer", Initializer)


@_FAMILY.register("zero")
class Zeros(Initializer):
    """All zeros.

    Example:
        >>> Zeros()((1, 2))
        array([[0., 0.]], dtype=float32)
    """

    def __call__(self, shape: Shape) -> Array:
        return np.zeros(shape, np.float32)


@_FAMILY.register("one")
class Ones(Initializer):
    """All ones.

    Example:
        >>> Ones()((1, 2))
        array([[1., 1.]], dtype=float32)
    """

    def __call__(self, shape: Shape) -> Array:
        return np.ones(shape, np.float32)


@_FAMILY.register()
class Constant(Initializer):
    """One value everywhere, or an array of the weight's shape.

    Example:
        >>> Constant(0.5)((1, 2))
        array([[0.5, 0.5]], dtype=float32)
    """

    def __init__(self, value: npt.ArrayLike = 0.0) -> None:
        self.value = value

    def __call__(self, shape: Shape) -> Array:
        try:
            return np.array(np.broadcast_to(np.asarray(self.value, np.float32), shape))
        except ValueError:
            raise ValueError(
                f"Constant `value` of shape {np.shape(self.value)} does not fit a weight of shape {shape}."
            ) from None


class _Random(Initializer):
    """An initializer with a seed, fixed when it is made: two calls give the same numbers."""

    def __init__(self, seed: int | None) -> None:
        self.seed = seed
        self._seed = _random.next_seed() if seed is None else int(seed)

    def _generator(self) -> np.random.Generator:
        return _random.generator(self._seed & (2**63 - 1))

    def _truncated(self, shape: Shape, mean: float, stddev: float) -> Array:
        generator = self._generator()
        values = generator.standard_normal(shape, np.float32)
        while (outside := np.abs(values) > 2).any():
            values[outside] = generator.standard_normal(int(outside.sum()), np.float32)
        return values * np.float32(stddev) + np.float32(mean)


@_FAMILY.register("normal")
class RandomNormal(_Random):
    """Normal distribution.

    Example:
        >>> RandomNormal(stddev=0.1, seed=1)((2, 3)).shape
        (2, 3)
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None) -> None:
        super().__init__(seed)
        self.mean, self.stddev = mean, stddev

    def __call__(self, shape: Shape) -> Array:
        return self._generator().standard_normal(shape, np.float32) * np.float32(self.stddev) + np.float32(self.mean)


@_FAMILY.register("uniform")
class RandomUniform(_Random):
    """Uniform distribution on [minval, maxval).

    Example:
        >>> bool(abs(RandomUniform(seed=1)((2, 3))).max() <= 0.05)
        True
    """

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: int | None = None) -> None:
        super().__init__(seed)
        self.minval, self.maxval = minval, maxval

    def __call__(self, shape: Shape) -> Array:
        span = np.float32(self.maxval - self.minval)
        return self._generator().random(shape, np.float32) * span + np.float32(self.minval)


@_FAMILY.register()
class TruncatedNormal(_Random):
    """Normal distribution, values beyond two standard deviations drawn again.

    Example:
        >>> bool(abs(TruncatedNormal(stddev=1.0, seed=1)((50, 3))).max() <= 2)
        True
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None) -> None:
        super().__init__(seed)
        self.mean, self.stddev = mean, stddev

    def __call__(self, shape: Shape) -> Array:
        return self._truncated(shape, self.mean, self.stddev)


@_FAMILY.register()
class VarianceScaling(_Random):
    """Variance ``scale / fan``: the general form of Glorot's, He's and LeCun's initializers.

    Args:
        scale: Positive factor.
        mode: ``"fan_in"``, ``"fan_out"`` or ``"fan_avg"``.
        distribution: ``"truncated_normal"``, ``"untruncated_normal"`` or ``"uniform"``.
        seed: An integer, or None for one that is drawn now.

    Source:
        Glorot & Bengio 2010; He et al. 2015; LeCun et al. 1998.

    Example:
        >>> VarianceScaling(2.0, "fan_in", "uniform", seed=1)((4, 3)).shape
        (4, 3)
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: int | None = None,
    ) -> None:
        super().__init__(seed)
        self.scale = real("VarianceScaling", "scale", scale, least=0)
        if scale == 0:
            raise ValueError("VarianceScaling `scale` must be positive, got 0.")
        self.mode = _one_of("mode", mode, ("fan_in", "fan_out", "fan_avg"))
        if distribution == "normal":
            distribution = "truncated_normal"
        self.distribution = _one_of("distribution", distribution, ("truncated_normal", "untruncated_normal", "uniform"))

    def __call__(self, shape: Shape) -> Array:
        fan_in, fan_out = fans(shape)
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        variance = self.scale / max(1.0, fan)
        if self.distribution == "truncated_normal":
            return self._truncated(shape, 0.0, math.sqrt(variance) / _TRUNCATED_STD)
        if self.distribution == "untruncated_normal":
            return self._generator().standard_normal(shape, np.float32) * np.float32(math.sqrt(variance))
        limit = math.sqrt(3 * variance)
        return self._generator().random(shape, np.float32) * np.float32(2 * limit) - np.float32(limit)


def _one_of(name: str, value: str, known: tuple[str, ...]) -> str:
    if value not in known:
        raise ValueError(f"VarianceScaling `{name}` must be one of {', '.join(known)}; got {value!r}.")
    return value


def fans(shape: Shape) -> tuple[float, float]:
    """(fan_in, fan_out) of a weight's shape.

    Example:
        >>> fans((784, 512))
        (784, 512)
    """
    if len(shape) < 2:
        return (shape[0], shape[0]) if shape else (1, 1)
    rest = math.prod(shape[:-2])
    return shape[-2] * rest, shape[-1] * rest


def _variance_scaling(name: str, scale: float, mode: str, distribution: str, formula: str) -> type[Initializer]:
    """A class whose only argument is the seed."""

    def __init__(self: VarianceScaling, seed: int | None = None) -> None:
        VarianceScaling.__init__(self, scale, mode, distribution, seed)

    def get_config(self: VarianceScaling) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"seed": self.seed}

    doc = f"{formula}.\n\nExample:\n    >>> {name}(seed=1)((4, 3)).shape\n    (4, 3)\n"
    members = {"__init__": __init__, "get_config": get_config, "__doc__": doc, "__module__": __name__}
    return _FAMILY.register()(type(name, (VarianceScaling,), members))


GlorotUniform = _variance_scaling(
    "GlorotUniform", 1.0, "fan_avg", "uniform", "Uniform on ±sqrt(6 / (fan_in + fan_out)), the default of Dense"
)
GlorotNormal = _variance_scaling(
    "GlorotNormal", 1.0, "fan_avg", "truncated_normal", "Truncated normal, variance 2 / (fan_in + fan_out)"
)
HeUniform = _variance_scaling("HeUniform", 2.0, "fan_in", "uniform", "Uniform on ±sqrt(6 / fan_in)")
HeNormal = _variance_scaling("HeNormal", 2.0, "fan_in", "truncated_normal", "Truncated normal, variance 2 / fan_in")
LecunUniform = _variance_scaling("LecunUniform", 1.0, "fan_in", "uniform", "Uniform on ±sqrt(3 / fan_in)")
LecunNormal = _variance_scaling(
    "LecunNormal", 1.0, "fan_in", "truncated_normal", "Truncated normal, variance 1 / fan_in"
)


class _Given(Constant):
    """Start values given as an array."""


def get(identifier: Any) -> Initializer:
    """The initializer that a name, an initializer, its config or an array stands for.

    Raises:
        ValueError: If no initializer has that name.
        TypeError: If `identifier` is none of those.

    Example:
        >>> type(get("glorot_uniform")).__name__
        'GlorotUniform'
    """
    if isinstance(identifier, np.ndarray):
        return _Given(identifier)
    return _FAMILY.get(identifier)


def serialize(a):
    return {"class_name": type(a).__name__, "config": a.get_config()}
