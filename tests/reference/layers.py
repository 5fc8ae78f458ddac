"""The family of layers; here those without weights that drop, add noise, change shapes or only watch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from . import activations
from .activations import SELU_ALPHA, SELU_SCALE
from .family import Family
from .layer_base import ELU, Activation, Array, Dense, Layer, LeakyReLU, PReLU, ReLU, Softmax
from .normalization_layers import (
    BatchNormalization,
    LayerNormalization,
    Normalization,
    Rescaling,
    UnitNormalization,
)


class Identity(Layer):
    def forward(self, x: Array, training: bool = False) -> Array:
        return x

    def backward(self, dy: Array) -> Array:
        return dy


class ActivityRegularization(Identity):
    def __init__(self, l1: float = 0.0, l2: float = 0.0, **common: Any) -> None:
        super().__init__(activity_regularizer=("L1L2", {"l1": l1, "l2": l2}), **common)


class Reshape(Layer):
    def __init__(self, target_shape: Sequence[int], **common: Any) -> None:
        super().__init__(**common)
        self.target_shape = tuple(target_shape)

    def forward(self, x: Array, training: bool = False) -> Array:
        self.shape = x.shape
        return x.reshape(len(x), *self.target_shape)

    def backward(self, dy: Array) -> Array:
        return dy.reshape(self.shape)


def Flatten(**common: Any) -> Reshape:
    return Reshape((-1,), **common)


class Noise(Layer):
    """In training y = x * factor + shift, two arrays that a test draws and sets; in inference y = x."""

    factor: ArrayLike = 1.0
    shift: ArrayLike = 0.0

    def __init__(self, seed: int | None = None, **common: Any) -> None:
        super().__init__(**common)
        self.seed = seed

    def forward(self, x: Array, training: bool = False) -> Array:
        self.slope = np.asarray(self.factor if training else 1.0)
        return x * self.factor + self.shift if training else x

    def backward(self, dy: Array) -> Array:
        return dy * self.slope


class Dropout(Noise):
    """Keeps x / (1 - rate) where `mask` is 1, and gives 0 where it is 0."""

    def __init__(self, rate: float, mask: ArrayLike | None = None, **noise: Any) -> None:
        super().__init__(**noise)
        self.rate, self.mask = rate, mask

    def drawn(self) -> Array:
        if self.mask is None:
            raise ValueError("set `mask`, an array of 0 and 1 in the shape of x, before a training step")
        return np.asarray(self.mask, np.float64)

    def forward(self, x: Array, training: bool = False) -> Array:
        if training and self.rate > 0:
            self.factor = self.drawn() / (1 - self.rate) if self.rate < 1 else np.zeros_like(x)
        return super().forward(x, training)


class AlphaDropout(Dropout):
    """Sets dropped entries to the saturation value of selu, then restores mean and variance."""

    def forward(self, x: Array, training: bool = False) -> Array:
        if training and self.rate > 0:
            saturation = -SELU_ALPHA * SELU_SCALE
            a = 1 / math.sqrt((1 - self.rate) * (1 + self.rate * saturation**2))
            mask = self.drawn()
            self.factor = a * mask
            self.shift = a * (1 - mask) * saturation - a * saturation * self.rate
        return Noise.forward(self, x, training)


class GaussianNoise(Noise):
    """Adds stddev * draws, where `draws` is from the unit normal."""

    def __init__(self, stddev: float, draws: ArrayLike = 0.0, **noise: Any) -> None:
        super().__init__(**noise)
        self.stddev, self.draws = stddev, draws

    def forward(self, x: Array, training: bool = False) -> Array:
        self.shift = self.stddev * np.asarray(self.draws, np.float64)
        return super().forward(x, training)


class GaussianDropout(Noise):
    """Multiplies by 1 + sqrt(rate / (1 - rate)) * draws, where `draws` is from the unit normal."""

    def __init__(self, rate: float, draws: ArrayLike = 0.0, **noise: Any) -> None:
        super().__init__(**noise)
        self.rate, self.draws = rate, draws

    def forward(self, x: Array, training: bool = False) -> Array:
        self.factor = 1 + math.sqrt(self.rate / (1 - self.rate)) * np.asarray(self.draws, np.float64)
        return super().forward(x, training)


LAYERS = Family.of(
    Dense,
    Activation,
    ReLU,
    LeakyReLU,
    PReLU,
    ELU,
    Softmax,
    BatchNormalization,
    LayerNormalization,
    UnitNormalization,
    Normalization,
    Rescaling,
    Dropout,
    AlphaDropout,
    GaussianNoise,
    GaussianDropout,
    ActivityRegularization,
    Flatten,
    Reshape,
    Identity,
)


def layer(name: str, weights: list[ArrayLike] | None = None, **params: Any) -> Layer:
    """A layer, with its weights in Keras order if it has any."""
    made = LAYERS[name](**params)
    if weights is not None:
        made.set_weights(weights)
    return made


def dense(x: ArrayLike, kernel: ArrayLike, bias: ArrayLike | None = None, activation: str | None = None) -> Array:
    """activation(x @ kernel + bias)."""
    z = np.asarray(x, np.float64) @ np.asarray(kernel, np.float64)
    return activations.get(activation).forward(z if bias is None else z + np.asarray(bias, np.float64))
