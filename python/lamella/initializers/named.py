"""Glorot's, He's and LeCun's initializers: VarianceScaling with its options fixed."""

from __future__ import annotations

from typing import Any, ClassVar

from .base import FAMILY
from .scaling import Axes, VarianceScaling


class _Fixed(VarianceScaling):
    _options: ClassVar[tuple[float, str, str]]  # scale, mode, distribution

    def __init__(self, seed: int | None = None, input_axes: Axes = None, output_axes: Axes = None) -> None:
        super().__init__(*self._options, seed, input_axes, output_axes)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"seed": self.seed, "input_axes": self.input_axes, "output_axes": self.output_axes}


@FAMILY.register()
class GlorotUniform(_Fixed):
    """Uniform on ±sqrt(6 / (fan_in + fan_out)), the default of Dense.

    Args:
        seed: An integer, or None for one that is drawn now.
        input_axes: See VarianceScaling.
        output_axes: See VarianceScaling.

    Source:
        Glorot & Bengio 2010, https://proceedings.mlr.press/v9/glorot10a.html

    Example:
        >>> bool(abs(GlorotUniform(seed=1)((4, 2))).max() <= 1)
        True
    """

    _options = (1.0, "fan_avg", "uniform")


@FAMILY.register()
class GlorotNormal(_Fixed):
    """Truncated normal, variance 2 / (fan_in + fan_out). Arguments and source as for GlorotUniform.

    Example:
        >>> GlorotNormal(seed=1)((4, 3)).shape
        (4, 3)
    """

    _options = (1.0, "fan_avg", "truncated_normal")


@FAMILY.register()
class HeUniform(_Fixed):
    """Uniform on ±sqrt(6 / fan_in). Arguments as for GlorotUniform.

    Source:
        He et al. 2015, https://arxiv.org/abs/1502.01852

    Example:
        >>> bool(abs(HeUniform(seed=1)((6, 2))).max() <= 1)
        True
    """

    _options = (2.0, "fan_in", "uniform")


@FAMILY.register()
class HeNormal(_Fixed):
    """Truncated normal, variance 2 / fan_in. Arguments as for GlorotUniform, source as for HeUniform.

    Example:
        >>> HeNormal(seed=1)((4, 3)).shape
        (4, 3)
    """

    _options = (2.0, "fan_in", "truncated_normal")


@FAMILY.register()
class LecunUniform(_Fixed):
    """Uniform on ±sqrt(3 / fan_in). Arguments as for GlorotUniform.

    Source:
        LeCun et al. 1998, Efficient BackProp.

    Example:
        >>> bool(abs(LecunUniform(seed=1)((3, 2))).max() <= 1)
        True
    """

    _options = (1.0, "fan_in", "uniform")


@FAMILY.register()
class LecunNormal(_Fixed):
    """Truncated normal, variance 1 / fan_in. Arguments as for GlorotUniform, source as for LecunUniform.

    Example:
        >>> LecunNormal(seed=1)((4, 3)).shape
        (4, 3)
    """

    _options = (1.0, "fan_in", "truncated_normal")
