"""Cross-entropies of probabilities or logits, and the overlap losses Dice and Tversky."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .activations import log_softmax, sigmoid, softmax, softmax_backward, softplus
from .loss_base import EPSILON, Array, Elementwise, Loss, clip, inside


@dataclass
class BinaryCrossentropy(Elementwise):
    from_logits: bool = False
    label_smoothing: float = 0.0

    def smooth(self, t: Array) -> Array:
        return t * (1 - self.label_smoothing) + self.label_smoothing / 2

    def f(self, t: Array, p: Array) -> Array:
        t = self.smooth(t)
        if self.from_logits:
            return softplus(p) - t * p
        q = clip(p)
        return -(t * np.log(q) + (1 - t) * np.log(1 - q))

    def df(self, t: Array, p: Array) -> Array:
        t = self.smooth(t)
        if self.from_logits:
            return sigmoid(p) - t
        q = clip(p)
        return inside(p) * (q - t) / (q * (1 - q))


@dataclass
class BinaryFocalCrossentropy(BinaryCrossentropy):
    """The cross-entropy times (1 - probability of the right class) ** gamma."""

    apply_class_balancing: bool = False
    alpha: float = 0.25
    gamma: float = 2.0

    def parts(self, t: Array, p: Array) -> tuple[Array, Array, Array, Array]:
        """Smoothed targets, probabilities, the chance of the wrong class, and the balance."""
        t, p = self.smooth(t), sigmoid(p) if self.from_logits else p
        balance = self.alpha * t + (1 - self.alpha) * (1 - t) if self.apply_class_balancing else np.ones_like(t)
        return t, p, 1 - (t * p + (1 - t) * (1 - p)), balance

    def f(self, t: Array, p: Array) -> Array:
        t, p, wrong, balance = self.parts(t, p)
        return balance * wrong**self.gamma * BinaryCrossentropy().f(t, p)

    def df(self, t: Array, p: Array) -> Array:
        t, p, wrong, balance = self.parts(t, p)
        plain = BinaryCrossentropy()
        slope_of_wrong = 1 - 2 * t
        slope = self.gamma * wrong ** (self.gamma - 1) * slope_of_wrong * plain.f(t, p)
        slope = balance * (slope + wrong**self.gamma * plain.df(t, p))
        return slope * p * (1 - p) if self.from_logits else slope


@dataclass
class CategoricalCrossentropy(Loss):
    from_logits: bool = False
    label_smoothing: float = 0.0

    def smooth(self, t: Array) -> Array:
        return t * (1 - self.label_smoothing) + self.label_smoothing / t.shape[-1]

    def per_sample(self, t: Array, p: Array) -> Array:
        t = self.smooth(t)
        if self.from_logits:
            return -(t * log_softmax(p)).sum(-1)
        return -(t * np.log(clip(p / p.sum(-1, keepdims=True)))).sum(-1)

    def slope(self, t: Array, p: Array) -> Array:
        t = self.smooth(t)
        if self.from_logits:
            return softmax(p) * t.sum(-1, keepdims=True) - t
        total = p.sum(-1, keepdims=True)
        q = p / total
        return through_normalisation(q, -t / clip(q) * inside(q), total)


def through_normalisation(q: Array, dq: Array, total: Array) -> Array:
    """Gradient by p from the gradient by q = p / total, where total is the sum of the row p."""
    return (dq - (dq * q).sum(-1, keepdims=True)) / total


@dataclass
class SparseCategoricalCrossentropy(Loss):
    """The categorical cross-entropy of integer labels; rows of `ignore_class` count for nothing."""

    from_logits: bool = False
    ignore_class: int | None = None

    def align(self, t: Array, p: Array) -> tuple[Array, Array]:
        return (t[..., 0], p) if t.ndim == p.ndim and t.shape[-1] == 1 else (t, p)

    def kept(self, t: Array, values: Array) -> Array:
        return np.ones_like(values) if self.ignore_class is None else (t != self.ignore_class).astype(np.float64)

    def one_hot(self, t: Array, p: Array) -> Array:
        return (t[..., None] == np.arange(p.shape[-1])) * self.kept(t, t)[..., None]

    def per_sample(self, t: Array, p: Array) -> Array:
        return CategoricalCrossentropy(self.from_logits).per_sample(self.one_hot(t, p), p)

    def slope(self, t: Array, p: Array) -> Array:
        return CategoricalCrossentropy(self.from_logits).slope(self.one_hot(t, p), p)


@dataclass
class CategoricalFocalCrossentropy(CategoricalCrossentropy):
    """sum(alpha * (1 - p) ** gamma * -t * log(p))."""

    alpha: float = 0.25
    gamma: float = 2.0

    def per_sample(self, t: Array, p: Array) -> Array:
        t, p = self.smooth(t), softmax(p) if self.from_logits else p
        q = clip(p / p.sum(-1, keepdims=True))
        return (self.alpha * (1 - q) ** self.gamma * -t * np.log(q)).sum(-1)

    def slope(self, t: Array, p: Array) -> Array:
        t, x, p = self.smooth(t), p, softmax(p) if self.from_logits else p
        total = p.sum(-1, keepdims=True)
        q = clip(p / total)
        dq = self.alpha * t * (self.gamma * (1 - q) ** (self.gamma - 1) * np.log(q) - (1 - q) ** self.gamma / q)
        dp = through_normalisation(p / total, dq * inside(p / total), total)
        return softmax_backward(x, p, dp) if self.from_logits else dp


@dataclass
class Tversky(Loss):
    """1 - I / (I + alpha * missed + beta * wrongly found + epsilon) over the whole batch; I is the overlap."""

    alpha: float = 0.5
    beta: float = 0.5

    def parts(self, t: Array, p: Array) -> tuple[Array, Array]:
        overlap = (t * p).sum()
        missed, found = ((1 - p) * t).sum(), (p * (1 - t)).sum()
        return overlap, overlap + self.alpha * missed + self.beta * found + EPSILON

    def per_sample(self, t: Array, p: Array) -> Array:
        overlap, total = self.parts(t, p)
        return 1 - overlap / total

    def slope(self, t: Array, p: Array) -> Array:
        overlap, total = self.parts(t, p)
        slope_of_total = t - self.alpha * t + self.beta * (1 - t)
        return -(t * total - overlap * slope_of_total) / total**2


class Dice(Loss):
    """1 - 2 sum(t * p) / (sum(t) + sum(p) + epsilon) over the whole batch."""

    def per_sample(self, t: Array, p: Array) -> Array:
        return 1 - 2 * (t * p).sum() / (t.sum() + p.sum() + EPSILON)

    def slope(self, t: Array, p: Array) -> Array:
        total = t.sum() + p.sum() + EPSILON
        return -2 * t / total + 2 * (t * p).sum() / total**2
