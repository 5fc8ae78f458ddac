"""Losses of the difference, the ratio, the angle or the margin between target and prediction."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .activations import softplus
from .loss_base import EPSILON, Array, Elementwise, Loss


class MeanSquaredError(Elementwise):
    def f(self, t: Array, p: Array) -> Array:
        return (p - t) ** 2

    def df(self, t: Array, p: Array) -> Array:
        return 2 * (p - t)


def sign(d: Array) -> Array:
    """The slope of abs(t - p) by p; where the two are equal it is the -1 that Keras with JAX takes."""
    return np.where(d > 0, 1.0, -1.0)


class MeanAbsoluteError(Elementwise):
    def f(self, t: Array, p: Array) -> Array:
        return np.abs(p - t)

    def df(self, t: Array, p: Array) -> Array:
        return sign(p - t)


class MeanAbsolutePercentageError(Elementwise):
    def f(self, t: Array, p: Array) -> Array:
        return 100 * np.abs(p - t) / np.maximum(np.abs(t), EPSILON)

    def df(self, t: Array, p: Array) -> Array:
        return 100 * sign(p - t) / np.maximum(np.abs(t), EPSILON)


class MeanSquaredLogarithmicError(Elementwise):
    def d(self, t: Array, p: Array) -> Array:
        return np.log(np.maximum(p, EPSILON) + 1) - np.log(np.maximum(t, EPSILON) + 1)

    def f(self, t: Array, p: Array) -> Array:
        return self.d(t, p) ** 2

    def df(self, t: Array, p: Array) -> Array:
        return np.where(p > EPSILON, 2 * self.d(t, p) / (np.maximum(p, EPSILON) + 1), 0.0)


class LogCosh(Elementwise):
    def f(self, t: Array, p: Array) -> Array:
        return (p - t) + softplus(-2 * (p - t)) - np.log(2)

    def df(self, t: Array, p: Array) -> Array:
        return np.tanh(p - t)


@dataclass
class Huber(Elementwise):
    delta: float = 1.0

    def f(self, t: Array, p: Array) -> Array:
        d = np.abs(p - t)
        return np.where(d <= self.delta, d**2 / 2, self.delta * d - self.delta**2 / 2)

    def df(self, t: Array, p: Array) -> Array:
        return np.clip(p - t, -self.delta, self.delta)


class Poisson(Elementwise):
    def f(self, t: Array, p: Array) -> Array:
        return p - t * np.log(p + EPSILON)

    def df(self, t: Array, p: Array) -> Array:
        return 1 - t / (p + EPSILON)


class Hinge(Elementwise):
    @staticmethod
    def signs(t: Array) -> Array:
        """Targets that are all 0 or 1 become -1 or 1."""
        return 2 * t - 1 if np.isin(t, (0, 1)).all() else t

    def f(self, t: Array, p: Array) -> Array:
        return np.maximum(1 - self.signs(t) * p, 0)

    def df(self, t: Array, p: Array) -> Array:
        return np.where(1 - self.signs(t) * p > 0, -self.signs(t), 0.0)


class SquaredHinge(Hinge):
    def f(self, t: Array, p: Array) -> Array:
        return super().f(t, p) ** 2

    def df(self, t: Array, p: Array) -> Array:
        return 2 * super().f(t, p) * super().df(t, p)


@dataclass
class CosineSimilarity(Loss):
    """Minus the cosine of the angle between target and prediction."""

    axis: int = -1

    def unit(self, v: Array) -> tuple[Array, Array]:
        norm = np.maximum(np.sqrt((v**2).sum(self.axis, keepdims=True)), EPSILON)
        return v / norm, norm

    def per_sample(self, t: Array, p: Array) -> Array:
        return -(self.unit(t)[0] * self.unit(p)[0]).sum(self.axis)

    def slope(self, t: Array, p: Array) -> Array:
        (u, _), (v, norm) = self.unit(t), self.unit(p)
        cosine = (u * v).sum(self.axis, keepdims=True)
        return np.where(norm > EPSILON, -(u - cosine * v) / norm, -u / norm)


class KLDivergence(Loss):
    def per_sample(self, t: Array, p: Array) -> Array:
        t, p = np.clip(t, EPSILON, 1), np.clip(p, EPSILON, 1)
        return (t * np.log(t / p)).sum(-1)

    def slope(self, t: Array, p: Array) -> Array:
        t, clipped = np.clip(t, EPSILON, 1), np.clip(p, EPSILON, 1)
        return np.where((p >= EPSILON) & (p <= 1), -t / clipped, 0.0)


class CategoricalHinge(Loss):
    """max(0, 1 + the largest wrong score - the right score)."""

    def per_sample(self, t: Array, p: Array) -> Array:
        return np.maximum(((1 - t) * p).max(-1) - (t * p).sum(-1) + 1, 0)

    def slope(self, t: Array, p: Array) -> Array:
        wrong = (1 - t) * p
        largest = wrong == wrong.max(-1, keepdims=True)  # equal ones share the slope
        slope = (1 - t) * largest / largest.sum(-1, keepdims=True) - t
        return np.where(self.per_sample(t, p)[..., None] > 0, slope, 0.0)
