"""The loops behind fit and evaluate: where Python and the core meet, once per chunk of steps."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from . import _random
from ._checks import integer
from ._compile import Logs
from ._data import Examples, Inputs, row_count, take_rows
from .callbacks import CallbackList

if TYPE_CHECKING:
    from .models import Sequential

# Steps of one native call: about so many seconds, so that the bar moves.
_CHUNK_SECONDS = 0.1
_FIRST_CHUNK = 16
# Rows of one step of evaluation where nobody watches batches: results do not depend on it.
_EVALUATION_ROWS = 256


class Chunks:
    """Sizes of native calls: one step where batches are watched, else as many as take about 0.1 s."""

    def __init__(self, one_by_one: bool) -> None:
        self.size = 1 if one_by_one else _FIRST_CHUNK
        self.grows = not one_by_one
        self.warned = False

    def ranges(self, steps: int) -> Iterator[tuple[int, int]]:
        first = 0
        while first < steps:
            last = min(first + self.size, steps)
            start = time.perf_counter()
            yield first, last
            if self.grows:
                per_step = max(time.perf_counter() - start, 1e-6) / (last - first)
                self.size = max(1, min(int(_CHUNK_SECONDS / per_step), 8 * self.size))
            first = last


class Order:
    """The order of rows, epoch after epoch, from one seed.

    Args:
        rows: How many rows there are.
        batch_size: Rows of a step.
        shuffle: True for a permutation of all rows each epoch, ``"batch"`` for one inside each batch, False for none.
    """

    def __init__(self, rows: int, batch_size: int, shuffle: bool | str) -> None:
        self.rows, self.batch_size, self.shuffle = rows, batch_size, shuffle
        self.seed = _random.next_seed() if shuffle else 0

    def epoch(self, number: int) -> npt.NDArray[np.int64]:
        order = np.arange(self.rows, dtype=np.int64)
        if self.shuffle:
            generator = _random.generator(self.seed, number)
            if self.shuffle == "batch":
                for first in range(0, self.rows, self.batch_size):
                    generator.shuffle(order[first : first + self.batch_size])
            else:
                generator.shuffle(order)
        return order


def train_epoch(
    model: Sequential, data: Examples, order: npt.NDArray[np.int64], batch: int, chunks: Chunks, callbacks: CallbackList
) -> Logs:
    """Trains on the rows in `order`; returns loss and metrics of the epoch."""
    compiled = model._compiled_or_raise()
    trainer, network = compiled.trainer, model._network
    compiled.clear_totals()
    watched = callbacks.wants_train_batches
    logs: Logs = {}
    for first, last in chunks.ranges(-(-len(order) // batch)):
        before = trainer.iterations
        if watched:
            callbacks.on_train_batch_begin(first)
        rates = compiled.optimizer.rates(before, last - first)
        trainer.train(network, data.x, data.y, data.weights, order[first * batch : last * batch], batch, rates)
        logs = compiled.logs()
        if watched:
            callbacks.on_train_batch_end(last - 1, logs)
        callbacks.on_train_chunk_end(last, logs)
        if model.stop_training:
            break
        if not (chunks.warned or math.isfinite(logs["loss"])):
            chunks.warned = True
            warnings.warn(
                f"The loss became {logs['loss']} in step {before + 1} to {trainer.iterations}. "
                "Try a smaller learning rate; the callback TerminateOnNaN stops training there.",
                RuntimeWarning,
                stacklevel=4,
            )
    return logs


def evaluate(model: Sequential, data: Examples, batch: int, callbacks: CallbackList) -> Logs:
    """Loss and metrics over all rows, with the weights as they are."""
    compiled = model._compiled_or_raise()
    trainer, network = compiled.trainer, model._network
    compiled.clear_totals()
    model.stop_evaluating = False
    callbacks.on_test_begin()
    logs: Logs = {}
    watched = callbacks.wants_test_batches
    steps = -(-len(data) // batch)
    chunks = Chunks(watched)
    for first, last in chunks.ranges(steps):
        if watched:
            callbacks.on_test_batch_begin(first)
        part = data.rows(first * batch, min(last * batch, len(data)))
        rows = batch if watched else max(batch, _EVALUATION_ROWS)
        trainer.evaluate(network, part.x, part.y, part.weights, min(rows, len(data)))
        logs = compiled.logs()
        if watched:
            callbacks.on_test_batch_end(last - 1, logs)
        callbacks.on_test_chunk_end(last, logs)
        if model.stop_evaluating:
            break
    callbacks.on_test_end(logs)
    return logs


def validates(epoch: int, frequency: int | list[int]) -> bool:
    """Whether the epoch (from 0) is one that is validated."""
    return (epoch + 1) % frequency == 0 if isinstance(frequency, int) else epoch + 1 in frequency


def checked_frequency(value: Any) -> int | list[int]:
    """fit's `validation_freq`."""
    if isinstance(value, (list, tuple, set)):
        return [integer("fit", "validation_freq", v, least=1) for v in value]
    return integer("fit", "validation_freq", value, least=1)


@dataclass(frozen=True)
class Plan:
    """What fit() was asked to do, checked."""

    data: Examples
    validation: Examples | None
    batch: int
    validation_batch: int
    first_epoch: int
    last_epoch: int
    validation_frequency: int | list[int]

    @property
    def steps(self) -> int:
        """Steps of an epoch."""
        return -(-len(self.data) // self.batch)


def run(model: Sequential, plan: Plan, order: Order, callbacks: CallbackList) -> None:
    """All epochs of a fit."""
    chunks = Chunks(callbacks.wants_train_batches)
    model.stop_training = False
    logs: Logs = {}
    callbacks.on_train_begin()
    for epoch in range(plan.first_epoch, plan.last_epoch):
        callbacks.on_epoch_begin(epoch)
        logs = train_epoch(model, plan.data, order.epoch(epoch), plan.batch, chunks, callbacks)
        if plan.validation is not None and validates(epoch, plan.validation_frequency):
            tested = evaluate(model, plan.validation, plan.validation_batch, callbacks)
            logs.update({f"val_{name}": value for name, value in tested.items()})
        callbacks.on_epoch_end(epoch, logs)
        if model.stop_training:
            break
    model._compiled_or_raise().trainer.finalize()
    callbacks.on_train_end(logs)


def predict(model: Sequential, rows: Inputs, batch: int, callbacks: CallbackList) -> npt.NDArray[np.float32]:
    """The output for all rows, with callbacks."""
    count = row_count(rows)
    steps = -(-count // batch)
    chunks = Chunks(callbacks.wants_predict_batches)
    if len(callbacks) == 0:
        chunks.size = max(steps, 1)
    model.stop_predicting = False
    parts = []
    callbacks.on_predict_begin()
    for first, last in chunks.ranges(steps):
        if callbacks.wants_predict_batches:
            callbacks.on_predict_batch_begin(first)
        parts.append(model._network.predict(take_rows(rows, first * batch, min(last * batch, count))))
        if callbacks.wants_predict_batches:
            callbacks.on_predict_batch_end(first, {"outputs": parts[-1]})
        callbacks.on_predict_chunk_end(last)
        if model.stop_predicting:
            break
    callbacks.on_predict_end()
    outputs = np.empty((0, model._network.outputs), np.float32)
    matrix = parts[0] if len(parts) == 1 else np.concatenate([outputs, *parts])
    return matrix.reshape(len(matrix), *model.output_shape[1:])
