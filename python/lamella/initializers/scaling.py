"""Start values whose spread follows the number of inputs and outputs.

For a kernel ``(inputs, units)``, fan_in is `inputs` and fan_out is `units`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from .._checks import real
from .base import FAMILY, Array, Shape
from .distributions import Random

# Standard deviation of a standard normal distribution cut at ±2.
_TRUNCATED_STD = 0.87962566103423978

Axes = Sequence[int] | None


def fans(shape: Shape, input_axes: Axes = None, output_axes: Axes = None) -> tuple[int, int]:
    """(fan_in, fan_out) of a weight's shape; the axes to multiply may be given, both or none.

    Example:
        >>> fans((784, 512))
        (784, 512)
        >>> fans((2, 3, 4), (0,), (1, 2))
        (2, 12)
    """
    if input_axes is not None and output_axes is not None:
        return math.prod(shape[axis] for axis in input_axes), math.prod(shape[axis] for axis in output_axes)
    if len(shape) < 2:
        return (shape[0], shape[0]) if shape else (1, 1)
    rest = math.prod(shape[:-2])
    return shape[-2] * rest, shape[-1] * rest


@FAMILY.register()
class VarianceScaling(Random):
    """Variance ``scale / fan``: the general form of Glorot's, He's and LeCun's initializers.

    Args:
        scale: Positive factor.
        mode: ``"fan_in"``, ``"fan_out"`` or ``"fan_avg"``.
        distribution: ``"truncated_normal"``, ``"untruncated_normal"`` or ``"uniform"``.
        seed: An integer, or None for one that is drawn now.
        input_axes: Axes of the weight that make fan_in, or None; only together with `output_axes`.
        output_axes: Axes of the weight that make fan_out, or None.

    Raises:
        ValueError: If an argument is none of these.

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
        input_axes: Axes = None,
        output_axes: Axes = None,
    ) -> None:
        super().__init__(seed)
        self.scale = real("VarianceScaling", "scale", scale, least=0)
        if scale == 0:
            raise ValueError("VarianceScaling `scale` must be positive, got 0.")
        self.mode = _one_of("mode", mode, ("fan_in", "fan_out", "fan_avg"))
        known = ("truncated_normal", "untruncated_normal", "uniform", "normal")
        distribution = _one_of("distribution", distribution, known)
        self.distribution = "truncated_normal" if distribution == "normal" else distribution
        self.input_axes, self.output_axes = input_axes, output_axes

    def _values(self, shape: Shape) -> Array:
        fan_in, fan_out = fans(shape, self.input_axes, self.output_axes)
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        variance = self.scale / max(1.0, fan)
        if self.distribution == "truncated_normal":
            return self._truncated(shape, 0.0, math.sqrt(variance) / _TRUNCATED_STD)
        if self.distribution == "untruncated_normal":
            return self._normal(shape, 0.0, math.sqrt(variance))
        limit = math.sqrt(3 * variance)
        return self._uniform(shape, -limit, limit)


def _one_of(name: str, value: str, known: tuple[str, ...]) -> str:
    lower = value.lower() if isinstance(value, str) else value
    if lower not in known:
        raise ValueError(f"VarianceScaling `{name}` must be one of {', '.join(known)}; got {value!r}.")
    return lower
