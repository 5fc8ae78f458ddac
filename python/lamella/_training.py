"""The loops behind fit and evaluate: where Python and the core meet, once per chunk of steps."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from . import _random
from ._data import Examples
from .callbacks import CallbackList
from .metrics import Metric
from .optimizers import Optimizer

if TYPE_CHECKING:
    from .models import Sequential

Logs = dict[str, float]

# Steps of one native call: about so many seconds, so that the bar moves.
_CHUNK_SECONDS = 0.1
_FIRST_CHUNK = 16
# Rows of one step of evaluation where nobody watches batches: results do not depend on it.
_EVALUATION_ROWS = 256


@dataclass
class Compiled:
    """What compile() set, and the core's trainer with its state once the model is built."""

    optimizer: Optimizer
    loss: Any
    metrics: list[Metric]
    trainer: Any = None
    names: list[str] = field(default_factory=list)

    def logs(self) -> Logs:
        """Loss and metrics over the rows since the totals were cleared."""
        rows, loss, metrics = self.trainer.totals()
        rows = max(rows, 1.0)
        return {"loss": loss / rows, **{n: total / rows for n, total in zip(self.names, metrics, strict=True)}}


class Chunks:
    """Sizes of native calls: one step where batches are watched, else as many as take about 0.1 s."""

    def __init__(self, one_by_one: bool) -> None:
        self.size = 1 if one_by_one else _FIRST_CHUNK
        self.grows = not one_by_one

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
    trainer.clear_totals()
    watched = callbacks.wants_train_batches
    logs: Logs = {}
    for first, last in chunks.ranges(-(-len(order) // batch)):
        if watched:
            callbacks.on_train_batch_begin(first)
        rates = compiled.optimizer.rates(trainer.iterations, last - first)
        trainer.train(network, data.x, data.y, data.weights, order[first * batch : last * batch], batch, rates)
        logs = compiled.logs()
        if watched:
            callbacks.on_train_batch_end(last - 1, logs)
        callbacks.on_train_chunk_end(last, logs)
        if model.stop_training:
            break
    return logs


def evaluate(model: Sequential, data: Examples, batch: int, callbacks: CallbackList) -> Logs:
    """Loss and metrics over all rows, with the weights as they are."""
    compiled = model._compiled_or_raise()
    trainer, network = compiled.trainer, model._network
    trainer.clear_totals()
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
        trainer.evaluate(network, part.x, part.y, part.weights, rows)
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
