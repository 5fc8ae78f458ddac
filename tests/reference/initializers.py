"""What initializers promise: the fans of a shape, and the range, mean and standard deviation of the draws."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from .family import Family

# The standard deviation of a unit normal cut at two standard deviations.
TRUNCATED_STDDEV = 0.8796256610342398


@dataclass(frozen=True)
class Distribution:
    low: float
    high: float
    mean: float
    stddev: float


def fans(shape: Sequence[int]) -> tuple[float, float]:
    """(fan_in, fan_out) of a weight array."""
    if len(shape) < 1:
        return 1, 1
    if len(shape) == 1:
        return shape[0], shape[0]
    rest = math.prod(shape[:-2])
    return shape[-2] * rest, shape[-1] * rest


def uniform(low: float, high: float) -> Distribution:
    return Distribution(low, high, (low + high) / 2, (high - low) / math.sqrt(12))


def truncated(mean: float, stddev: float) -> Distribution:
    """A normal of `stddev` before the cut; the draws beyond two of it are made again."""
    return Distribution(mean - 2 * stddev, mean + 2 * stddev, mean, stddev * TRUNCATED_STDDEV)


def variance_scaling(
    shape: Sequence[int], scale: float = 1.0, mode: str = "fan_in", distribution: str = "truncated_normal"
) -> Distribution:
    fan_in, fan_out = fans(shape)
    fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[mode]
    variance = scale / max(1, fan)
    if distribution == "uniform":
        limit = math.sqrt(3 * variance)
        return uniform(-limit, limit)
    if distribution == "untruncated_normal":
        return Distribution(-math.inf, math.inf, 0.0, math.sqrt(variance))
    return truncated(0.0, math.sqrt(variance) / TRUNCATED_STDDEV)


def random_normal(shape: Sequence[int], mean: float = 0.0, stddev: float = 0.05) -> Distribution:
    return Distribution(-math.inf, math.inf, mean, stddev)


def random_uniform(shape: Sequence[int], minval: float = -0.05, maxval: float = 0.05) -> Distribution:
    return uniform(minval, maxval)


def truncated_normal(shape: Sequence[int], mean: float = 0.0, stddev: float = 0.05) -> Distribution:
    return truncated(mean, stddev)


INITIALIZERS = Family(
    {
        "GlorotUniform": partial(variance_scaling, scale=1.0, mode="fan_avg", distribution="uniform"),
        "GlorotNormal": partial(variance_scaling, scale=1.0, mode="fan_avg"),
        "HeUniform": partial(variance_scaling, scale=2.0, distribution="uniform"),
        "HeNormal": partial(variance_scaling, scale=2.0),
        "LecunUniform": partial(variance_scaling, scale=1.0, distribution="uniform"),
        "LecunNormal": partial(variance_scaling, scale=1.0),
        "VarianceScaling": variance_scaling,
        "RandomNormal": random_normal,
        "RandomUniform": random_uniform,
        "TruncatedNormal": truncated_normal,
    },
    aliases={"normal": "RandomNormal", "uniform": "RandomUniform"},
)


def distribution(name: str, shape: Sequence[int], **params: float) -> Distribution:
    """The distribution from which initializer `name` draws an array of `shape`."""
    return INITIALIZERS[name](shape, **params)
