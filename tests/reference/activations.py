"""Activations: `forward(x)` and the vector-Jacobian product `backward(x, y, dy)`.

At a kink the slope is the one that Keras with JAX takes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .family import Family

Array = NDArray[np.float64]

SELU_ALPHA = 1.6732632423543772
SELU_SCALE = 1.0507009873554805
GELU_SCALE = math.sqrt(2 / math.pi)

erfc = np.vectorize(math.erfc, otypes=[np.float64])


@dataclass(frozen=True)
class Activation:
    """y = forward(x); dx = backward(x, y, dy) is the gradient of sum(y * dy) with respect to x."""

    name: str
    forward: Callable[..., Array]
    backward: Callable[..., Array]

    def __call__(self, **params: Any) -> Activation:
        """The same activation with its parameters fixed."""
        return Activation(self.name, partial(self.forward, **params), partial(self.backward, **params))


def sigmoid(x: Array) -> Array:
    return np.exp(-np.logaddexp(0, -x))


def softplus(x: Array) -> Array:
    return np.logaddexp(0, x)


def softmax(x: Array, axis: int = -1) -> Array:
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def softmax_backward(x: Array, y: Array, dy: Array, axis: int = -1) -> Array:
    return y * (dy - (dy * y).sum(axis, keepdims=True))


def log_softmax(x: Array, axis: int = -1) -> Array:
    shifted = x - x.max(axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis, keepdims=True))


def log_softmax_backward(x: Array, y: Array, dy: Array, axis: int = -1) -> Array:
    return dy - np.exp(y) * dy.sum(axis, keepdims=True)


def sparsemax_threshold(x: Array) -> tuple[Array, Array]:
    """The number tau with sum(max(x - tau, 0)) = 1 along the last axis, and how many entries exceed it."""
    descending = -np.sort(-x, axis=-1)
    k = np.arange(1, x.shape[-1] + 1)
    taus = (descending.cumsum(-1) - 1) / k
    size = (descending > taus).sum(-1, keepdims=True)
    return np.take_along_axis(taus, size - 1, -1), size


def sparsemax(x: Array) -> Array:
    return np.maximum(x - sparsemax_threshold(x)[0], 0)


def sparsemax_backward(x: Array, y: Array, dy: Array) -> Array:
    tau, size = sparsemax_threshold(x)
    dz = dy * np.where(x > tau, 1.0, np.where(x == tau, 0.5, 0.0))
    return dz - (x > tau) * dz.sum(-1, keepdims=True) / size


def glu(x: Array) -> Array:
    a, b = np.split(x, 2, -1)
    return a * sigmoid(b)


def glu_backward(x: Array, y: Array, dy: Array) -> Array:
    a, b = np.split(x, 2, -1)
    s = sigmoid(b)
    return np.concatenate([dy * s, dy * a * s * (1 - s)], -1)


def relu(x: Array, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> Array:
    above = x if max_value is None else np.minimum(x, max_value)
    return np.where(x > threshold, above, negative_slope * (x - threshold))


def relu_slope(
    x: Array, y: Array, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0
) -> Array:
    above = 1.0 if max_value is None else np.where(x < max_value, 1.0, 0.0)
    return np.where(x > threshold, above, negative_slope)


def gelu(x: Array, approximate: bool = False) -> Array:
    if approximate:
        return x * sigmoid(
            2 * GELU_SCALE * (x + 0.044715 * x**3)
        )  # sigmoid(2u) is (1 + tanh u) / 2 without cancellation
    return 0.5 * x * erfc(-x / math.sqrt(2))


def gelu_slope(x: Array, y: Array, approximate: bool = False) -> Array:
    if approximate:
        t = np.tanh(GELU_SCALE * (x + 0.044715 * x**3))
        return 0.5 * (1 + t) + 0.5 * x * (1 - t**2) * GELU_SCALE * (1 + 3 * 0.044715 * x**2)
    return 0.5 * erfc(-x / math.sqrt(2)) + x * np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)


def hard_sigmoid(x: Array) -> Array:
    return np.clip(x / 6 + 0.5, 0, 1)


def hard_sigmoid_slope(x: Array) -> Array:
    return np.where(np.abs(x) < 3, 1 / 6, 0.0)


def mish_slope(x: Array, y: Array) -> Array:
    t = np.tanh(softplus(x))
    return t + x * (1 - t**2) * sigmoid(x)


def expm1_below(x: Array) -> Array:
    """exp(x) - 1 where x <= 0; 0 above."""
    return np.expm1(np.minimum(x, 0))


def exp_below(x: Array) -> Array:
    """exp(x) where x <= 0; 1 above, so that nothing overflows."""
    return np.exp(np.minimum(x, 0))


# name -> forward(x), slope(x, y)
ELEMENTWISE: dict[str, tuple[Callable[..., Array], Callable[..., Array]]] = {
    "linear": (lambda x: x, lambda x, y: np.ones_like(x)),
    "relu": (relu, relu_slope),
    "leaky_relu": (
        lambda x, negative_slope=0.2: np.where(x >= 0, x, negative_slope * x),
        lambda x, y, negative_slope=0.2: np.where(x >= 0, 1.0, negative_slope),
    ),
    "relu6": (lambda x: np.clip(x, 0, 6), lambda x, y: np.where((x > 0) & (x < 6), 1.0, 0.0)),
    "elu": (
        lambda x, alpha=1.0: np.where(x > 0, x, alpha * expm1_below(x)),
        lambda x, y, alpha=1.0: np.where(x > 0, 1.0, alpha * exp_below(x)),
    ),
    "selu": (
        lambda x: SELU_SCALE * np.where(x > 0, x, SELU_ALPHA * expm1_below(x)),
        lambda x, y: SELU_SCALE * np.where(x > 0, 1.0, SELU_ALPHA * exp_below(x)),
    ),
    "celu": (
        lambda x, alpha=1.0: np.maximum(x, 0) + alpha * expm1_below(x / alpha),
        lambda x, y, alpha=1.0: np.where(x > 0, 1.0, exp_below(x / alpha)),
    ),
    "sigmoid": (sigmoid, lambda x, y: y * (1 - y)),
    "hard_sigmoid": (hard_sigmoid, lambda x, y: hard_sigmoid_slope(x)),
    "log_sigmoid": (lambda x: -softplus(-x), lambda x, y: sigmoid(-x)),
    "sparse_sigmoid": (
        lambda x: np.clip((x + 1) / 2, 0, 1),
        lambda x, y: np.where(np.abs(x) < 1, 0.5, np.where(np.abs(x) == 1, 0.25, 0.0)),
    ),
    "tanh": (np.tanh, lambda x, y: 1 - y**2),
    "hard_tanh": (lambda x: np.clip(x, -1, 1), lambda x, y: np.where(np.abs(x) <= 1, 1.0, 0.0)),
    "tanh_shrink": (lambda x: x - np.tanh(x), lambda x, y: np.tanh(x) ** 2),
    "hard_shrink": (
        lambda x, threshold=0.5: np.where(np.abs(x) > threshold, x, 0.0),
        lambda x, y, threshold=0.5: np.where(np.abs(x) > threshold, 1.0, 0.0),
    ),
    "soft_shrink": (
        lambda x, threshold=0.5: np.sign(x) * np.maximum(np.abs(x) - threshold, 0),
        lambda x, y, threshold=0.5: np.where(np.abs(x) > threshold, 1.0, 0.0),
    ),
    "softplus": (softplus, lambda x, y: sigmoid(x)),
    "softsign": (lambda x: x / (1 + np.abs(x)), lambda x, y: 1 / (1 + np.abs(x)) ** 2),
    "sparse_plus": (
        lambda x: np.where(x <= -1, 0.0, np.where(x < 1, (x + 1) ** 2 / 4, x)),
        lambda x, y: np.clip((x + 1) / 2, 0, 1),
    ),
    "squareplus": (
        lambda x, b=4: (x + np.sqrt(x**2 + b)) / 2,
        lambda x, y, b=4: (1 + x / np.sqrt(x**2 + b)) / 2,
    ),
    "silu": (lambda x: x * sigmoid(x), lambda x, y: sigmoid(x) * (1 + x * sigmoid(-x))),
    "hard_silu": (lambda x: x * hard_sigmoid(x), lambda x, y: hard_sigmoid(x) + x * hard_sigmoid_slope(x)),
    "gelu": (gelu, gelu_slope),
    "mish": (lambda x: x * np.tanh(softplus(x)), mish_slope),
    "exponential": (np.exp, lambda x, y: y),
}

# These mix the entries of a row: name -> forward(x), backward(x, y, dy)
ROWWISE: dict[str, tuple[Callable[..., Array], Callable[..., Array]]] = {
    "softmax": (softmax, softmax_backward),
    "log_softmax": (log_softmax, log_softmax_backward),
    "sparsemax": (sparsemax, sparsemax_backward),
    "glu": (glu, glu_backward),
}


def _elementwise(name: str, forward: Callable[..., Array], slope: Callable[..., Array]) -> Activation:
    return Activation(name, forward, lambda x, y, dy, **params: dy * slope(x, y, **params))


ACTIVATIONS = Family(
    {name: _elementwise(name, *pair) for name, pair in ELEMENTWISE.items()}
    | {name: Activation(name, *pair) for name, pair in ROWWISE.items()},
    aliases={"swish": "silu", "hard_swish": "hard_silu"},
)


def get(spec: Any) -> Activation:
    """An activation from None, a name, `(name, params)` or an activation."""
    return ACTIVATIONS["linear"] if spec is None else ACTIVATIONS.make(spec)


def activation(name: str, x: ArrayLike, **params: Any) -> Array:
    return ACTIVATIONS[name](**params).forward(np.asarray(x, np.float64))


def activation_gradient(name: str, x: ArrayLike, dy: ArrayLike, **params: Any) -> Array:
    """Gradient of sum(activation(x) * dy) with respect to x."""
    act = ACTIVATIONS[name](**params)
    x = np.asarray(x, np.float64)
    return act.backward(x, act.forward(x), np.asarray(dy, np.float64))
