"""A sequential network: forward, backward, and the loops of `fit` and `evaluate` in the order that Keras has."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import losses, metrics
from .layer_base import Activation
from .layers import LAYERS
from .losses import LOSSES
from .optimizers import OPTIMIZERS

Array = NDArray[np.float64]

# The activation whose derivative cancels against that of the loss.
CANONICAL = {
    "BinaryCrossentropy": "sigmoid",
    "CategoricalCrossentropy": "softmax",
    "SparseCategoricalCrossentropy": "softmax",
}


def take(a: Array | None, chosen: Any) -> Array | None:
    return None if a is None else a[chosen]


def split_rows(n: int, validation_split: float) -> int:
    """How many of the first rows train; the rest validates."""
    return math.floor(n * (1 - validation_split))


def class_weights(y: ArrayLike, class_weight: dict[int, float]) -> Array:
    """One sample weight per row; a class that is not named counts 1."""
    y = np.asarray(y)
    labels = y.argmax(-1) if y.ndim > 1 and y.shape[-1] > 1 else np.round(y.reshape(len(y))).astype(int)
    return np.array([class_weight.get(int(label), 1.0) for label in labels])


class Tracker:
    """The loss and metrics of an epoch: means over the rows seen so far."""

    def __init__(self, plain: Sequence[Any], weighted: Sequence[Any]) -> None:
        self.specs = [(spec, False) for spec in plain] + [(spec, True) for spec in weighted]
        self.loss = metrics.Mean()
        self.metrics: dict[str, tuple[Any, bool]] = {}

    def add(self, loss: float, y: Array, p: Array, sample_weight: Array | None) -> None:
        self.loss.update_state([loss], [len(p)])
        if not self.metrics:
            for spec, weighted in self.specs:
                name = spec if isinstance(spec, str) else spec[0]
                name = f"weighted_{name}" if weighted and name in self.metrics else name
                self.metrics[name] = metrics.compiled(spec, y, p), weighted
        for metric, weighted in self.metrics.values():
            metric.update_state(y, p, sample_weight if weighted else None)

    def results(self) -> dict[str, Any]:
        return {"loss": self.loss.result()} | {name: metric.result() for name, (metric, _) in self.metrics.items()}


class Network:
    """Layers given as `("Dense", {"units": 3})`; weights as Keras orders them, by `set_weights`."""

    def __init__(
        self,
        layers: Sequence[Any],
        loss: Any = "mse",
        optimizer: Any = "rmsprop",
        metrics: Sequence[Any] = (),
        weighted_metrics: Sequence[Any] = (),
    ) -> None:
        self.layers = [LAYERS.make(spec) for spec in layers]
        self.loss, self.optimizer = LOSSES.make(loss), OPTIMIZERS.make(optimizer)
        self.plain_metrics, self.weighted_metrics = metrics, weighted_metrics
        self.history: dict[str, list[float]] = {}
        self.logs: dict[str, float] = {}
        last, canonical = self.layers[-1], CANONICAL.get(type(self.loss).__name__)
        self.fused = isinstance(last, Activation) and last.activation.name == canonical and not self.loss.from_logits
        self.loss_of_output = replace(self.loss, from_logits=True) if self.fused else self.loss

    def set_weights(self, values: Sequence[ArrayLike]) -> None:
        counts = [len(layer.weight_names + layer.state_names) for layer in self.layers]
        if len(values) != sum(counts):
            raise ValueError(f"the network has {sum(counts)} weight arrays, got {len(values)}")
        left = iter(values)
        for layer, count in zip(self.layers, counts, strict=True):
            layer.set_weights([next(left) for _ in range(count)])

    def get_weights(self) -> list[Array]:
        return [w for layer in self.layers for w in layer.get_weights()]

    def trainable_weights(self) -> list[Array]:
        """The arrays themselves, not copies."""
        return [layer.weights[name] for layer in self.layers for name in layer.trainable_names]

    # One batch.

    def forward(self, x: ArrayLike, training: bool = False) -> Array:
        """The output; what each layer gave stays in `outputs`."""
        a = np.asarray(x, np.float64)
        self.outputs = [a := layer.forward(a, training) for layer in self.layers]
        return a

    def batch_loss(self, y: Array, sample_weight: Array | None) -> float:
        """Mean loss of the rows that went forward last, and all regularization terms."""
        scored = self.layers[-1].logits if self.fused else self.outputs[-1]
        total = losses.reduced(self.loss_of_output, y, scored, sample_weight)
        for layer, a in zip(self.layers, self.outputs, strict=True):
            total += layer.penalty()
            if layer.activity_regularizer:
                total += layer.activity_regularizer.value(a) / len(a)
        return float(total)

    def backward(self, y: Array, sample_weight: Array | None) -> Array:
        """Fills the gradients of all layers; returns that of the input."""
        last = self.layers[-1]
        scored = last.logits if self.fused else self.outputs[-1]
        d = losses.gradient(self.loss_of_output, y, scored, sample_weight)
        for layer, a in zip(reversed(self.layers), reversed(self.outputs), strict=True):
            regularizer = layer.activity_regularizer
            extra = regularizer.gradient(a) / len(a) if regularizer else 0.0 * a
            if self.fused and layer is last:  # d is the gradient of the logits
                d = layer.backward_logits(d + layer.activation.backward(layer.logits, a, extra))
            else:
                d = layer.backward(d + extra)
        return d

    def predict(self, x: ArrayLike) -> Array:
        return self.forward(x)

    def gradients(
        self, x: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> tuple[float, list[Array], Array]:
        """(loss, gradients of the trainable weights, gradient of the input) in training mode; changes no weight."""
        before = self.get_weights()
        result = self._gradients(np.asarray(x), np.asarray(y), sample_weight)
        self.set_weights(before)
        return result

    def _gradients(self, x: Array, y: Array, sample_weight: Array | None) -> tuple[float, list[Array], Array]:
        self.forward(x, training=True)
        loss, dx = self.batch_loss(y, sample_weight), self.backward(y, sample_weight)
        return loss, [g for layer in self.layers for g in layer.penalised_grads()], dx

    def _train(self, x: Array, y: Array, sample_weight: Array | None, tracker: Tracker) -> float:
        loss, grads, _ = self._gradients(x, y, sample_weight)
        tracker.add(loss, y, self.outputs[-1], sample_weight)
        self.optimizer.step(self.trainable_weights(), grads)
        for layer in self.layers:
            layer.constrain()
        return loss

    def train_on_batch(self, x: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """One update; returns the loss before it. `logs` has the metrics too."""
        tracker = Tracker(self.plain_metrics, self.weighted_metrics)
        loss = self._train(np.asarray(x), np.asarray(y), take(sample_weight, slice(None)), tracker)
        self.logs = tracker.results()
        return loss

    # Many batches.

    def evaluate(
        self, x: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None, batch_size: int = 32
    ) -> dict[str, Any]:
        x, y = np.asarray(x), np.asarray(y)
        tracker = Tracker(self.plain_metrics, self.weighted_metrics)
        for start in range(0, len(x), batch_size):
            rows = slice(start, start + batch_size)
            p, w = self.forward(x[rows]), take(sample_weight, rows)
            tracker.add(self.batch_loss(y[rows], w), y[rows], p, w)
        return tracker.results()

    def fit(
        self,
        x: ArrayLike,
        y: ArrayLike,
        batch_size: int = 32,
        order: ArrayLike | None = None,
        epochs: int = 1,
        sample_weight: ArrayLike | None = None,
        validation_data: tuple[Array, ...] | None = None,
        validation_freq: int = 1,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
    ) -> float:
        """Trains; returns the loss of the last epoch. `history` has loss and metrics of every epoch.

        `order` lists the rows in the order of training: one list for all passes over the data, or a list per pass.
        """
        x, y = np.asarray(x), np.asarray(y)
        weights = None if sample_weight is None else np.asarray(sample_weight)
        passes = np.atleast_2d(np.arange(len(x)) if order is None else np.asarray(order))
        steps = steps_per_epoch or math.ceil(passes.shape[1] / batch_size)
        batches = _batches(passes, batch_size)
        self.history = {}
        for epoch in range(initial_epoch, epochs):
            tracker = Tracker(self.plain_metrics, self.weighted_metrics)
            for _ in range(steps):
                rows = next(batches)
                self._train(x[rows], y[rows], take(weights, rows), tracker)
            results = tracker.results()
            if validation_data and (epoch + 1) % validation_freq == 0:
                found = self.evaluate(*validation_data, batch_size=batch_size)
                results |= {f"val_{name}": value for name, value in found.items()}
            for name, value in results.items():
                self.history.setdefault(name, []).append(value)
        self.optimizer.finalize(self.trainable_weights())
        return self.history["loss"][-1]


def _batches(passes: Array, batch_size: int) -> Iterator[Array]:
    """Rows per batch, pass after pass without end; the last pass is repeated."""
    number = 0
    while True:
        rows = passes[min(number, len(passes) - 1)]
        for start in range(0, len(rows), batch_size):
            yield rows[start : start + batch_size]
        number += 1
