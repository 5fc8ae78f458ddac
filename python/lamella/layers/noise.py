"""Layers that are noise in training, and nothing in prediction. Numbers depend on seed, step and place alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from .. import _random
from .._checks import integer, real
from .base import Layer, Shape


class _Noise(Layer):
    """A layer with a seed; without one it takes a fresh one from the stream that set_random_seed() starts."""

    def __init__(self, seed: int | None, **options: Any) -> None:
        super().__init__(**options)
        self.seed = None if seed is None else integer(type(self).__name__, "seed", seed, least=0)
        self._key = _random.next_seed() if self.seed is None else self.seed

    def _spec(self, core: Any) -> Any:
        spec = getattr(core.layers, type(self).__name__)()
        spec.seed = self._key
        return spec

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, as Keras writes them."""
        return {**super().get_config(), "seed": self.seed}


class _Dropping(_Noise):
    """A rate, and axes along which one draw serves all."""

    def __init__(self, rate: float, noise_shape: Any, seed: int | None, *, below: float, **options: Any) -> None:
        super().__init__(seed, **options)
        self.rate = real(type(self).__name__, "rate", rate, least=0, most=1, below=below)
        if noise_shape is not None and not isinstance(noise_shape, Sequence):
            raise TypeError(
                f"{type(self).__name__} `noise_shape` must be a tuple such as (None, 1), got {noise_shape!r}."
            )
        self.noise_shape = None if noise_shape is None else tuple(noise_shape)

    def _shared(self, shape: Shape) -> tuple[bool, bool, bool]:
        """Whether samples, groups and the last axis share draws."""
        if self.noise_shape is None:
            return False, False, False
        full = (self.noise_shape[:1] or (None,)) + shape  # batches have any size
        shares = [size == 1 and whole != 1 for size, whole in zip(self.noise_shape, (None, *shape), strict=False)]
        fits = all(size in (None, 1, whole) for size, whole in zip(self.noise_shape, full, strict=False))
        middle = shares[1:-1]
        if len(self.noise_shape) != len(full) or not fits or len({*middle}) > 1:
            raise ValueError(
                f"{type(self).__name__} layer {self.name!r}: `noise_shape` must have a None or 1 for each axis of "
                f"(batch, {', '.join(map(str, shape))}), equal for the axes between first and last; "
                f"got {self.noise_shape}."
            )
        return shares[0], any(middle), len(shares) > 1 and shares[-1]

    def compute_output_shape(self, shape: Shape) -> Shape:
        """The shape of the input."""
        self._shared(shape)
        return shape

    def _specs(self, core: Any, shape: Shape) -> list[Any]:
        spec, *rest = super()._specs(core, shape)
        spec.rate = self.rate
        spec.shared_samples, spec.shared_groups, spec.shared_width = self._shared(shape)
        return [spec, *rest]

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, as Keras writes them."""
        return {**super().get_config(), "rate": self.rate, "noise_shape": self.noise_shape}


class Dropout(_Dropping):
    """In training, sets a share of the numbers to 0 and multiplies the others by ``1 / (1 - rate)``.

    Args:
        rate: The share, in [0, 1].
        noise_shape: ``(None, 1)`` and the like: along an axis of size 1 one draw serves all.
        seed: A non-negative integer; equal seeds draw equal numbers, step by step.
        **options: As for every layer.

    Raises:
        ValueError: If `rate` is outside [0, 1].

    Source:
        Srivastava et al. 2014, "Dropout: a simple way to prevent neural networks from overfitting".

    Example:
        >>> import numpy as np
        >>> from lamella import Input, Sequential
        >>> from lamella.layers import Dropout
        >>> Sequential([Input((2,)), Dropout(0.5)]).predict(np.array([[1.0, 2.0]]))
        array([[1., 2.]], dtype=float32)
    """

    def __init__(self, rate: float, noise_shape: Any = None, seed: int | None = None, **options: Any) -> None:
        super().__init__(rate, noise_shape, seed, below=math.inf, **options)


class AlphaDropout(_Dropping):
    """Dropout that keeps mean and variance of numbers that come from selu.

    Args:
        rate: The share that is dropped, in [0, 1).
        noise_shape, seed: As for Dropout.
        **options: As for every layer.

    Source:
        Klambauer et al. 2017, "Self-normalizing neural networks".

    Example:
        >>> from lamella.layers import AlphaDropout
        >>> AlphaDropout(0.1).rate
        0.1
    """

    def __init__(self, rate: float, noise_shape: Any = None, seed: int | None = None, **options: Any) -> None:
        super().__init__(rate, noise_shape, seed, below=1, **options)


class GaussianDropout(_Noise):
    """In training, multiplies by normal numbers of mean 1 and variance ``rate / (1 - rate)``.

    Args:
        rate: In [0, 1).
        seed: As for Dropout.
        **options: As for every layer.

    Source:
        Srivastava et al. 2014, section 10.

    Example:
        >>> from lamella.layers import GaussianDropout
        >>> GaussianDropout(0.25).rate
        0.25
    """

    def __init__(self, rate: float, seed: int | None = None, **options: Any) -> None:
        super().__init__(seed, **options)
        self.rate = real("GaussianDropout", "rate", rate, least=0, below=1)

    def _spec(self, core: Any) -> Any:
        spec = super()._spec(core)
        spec.rate = self.rate
        return spec

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, as Keras writes them."""
        return {**super().get_config(), "rate": self.rate}


class GaussianNoise(_Noise):
    """In training, adds normal numbers of mean 0.

    Args:
        stddev: Their standard deviation, in [0, 1].
        seed: As for Dropout.
        **options: As for every layer.

    Example:
        >>> from lamella.layers import GaussianNoise
        >>> GaussianNoise(0.1).stddev
        0.1
    """

    def __init__(self, stddev: float, seed: int | None = None, **options: Any) -> None:
        super().__init__(seed, **options)
        self.stddev = real("GaussianNoise", "stddev", stddev, least=0, most=1)

    def _spec(self, core: Any) -> Any:
        spec = super()._spec(core)
        spec.stddev = self.stddev
        return spec

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, as Keras writes them."""
        return {**super().get_config(), "stddev": self.stddev}
