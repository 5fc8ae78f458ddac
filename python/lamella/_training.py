"""The loops behind fit, evaluate and predict: where Python and the core meet, once per chunk of steps."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from . import _shares
from ._checks import integer
from ._compile import Logs
from ._data import Inputs, row_count, take_rows
from ._feed import ArrayFeed, Feed, Part, after
from ._order import Orders
from ._shares import active, together
from ._warn import warn
from .callbacks import CallbackList

if TYPE_CHECKING:
    from .models import Sequential

# Steps of one native call: about so many seconds, so that the bar moves.
_CHUNK_SECONDS = 0.1
_FIRST_CHUNK = 16
# Rows of one step of evaluation where nobody watches batches and results do not depend on it.
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
                group = active()
                if group is not None:
                    self.size = int(group.of_first(self.size))
            first = last


def _any(flag: bool) -> bool:
    """Whether the flag is set here or in another process of the group."""
    group = active()
    return flag if group is None else group.any(flag)


def train_epoch(
    model: Sequential, parts: Iterable[Part], chunks: Chunks, callbacks: CallbackList, done: int = 0
) -> Logs:
    """Trains on all parts, which come after `done` steps of the epoch; returns loss and metrics."""
    compiled = model._compiled_or_raise()
    trainer = compiled.trainer
    compiled.clear_totals()
    watched = _any(callbacks.wants_train_batches)
    logs: Logs = {}
    for part in parts if active() is None else _shares.spread(parts):
        for first, last in chunks.ranges(part.steps):
            before = trainer.iterations
            if watched:
                with together():
                    callbacks.on_train_batch_begin(done)
            with together():
                compiled.train(model._network, part, first, last)
            callbacks.note_samples(part.samples(first, last))
            done += last - first
            logs = compiled.logs()
            with together():
                if watched:
                    callbacks.on_train_batch_end(done - 1, logs)
                callbacks.on_train_chunk_end(done, logs)
            model.stop_training = _any(model.stop_training)
            if model.stop_training:
                return logs
            if not (chunks.warned or math.isfinite(logs["loss"])) and _shares.is_first():
                chunks.warned = True
                warn(
                    f"The loss became {logs['loss']} in step {before + 1} to {trainer.iterations}. "
                    "Try a smaller learning rate; the callback TerminateOnNaN stops training there.",
                    RuntimeWarning,
                )
    return logs


def train_batch(model: Sequential, part: Part) -> Logs:
    """The one step of a part."""
    compiled, group = model._compiled_or_raise(), active()
    if group is not None and not compiled.is_synchronized(group):
        _shares.synchronize(group, model)
    compiled.clear_totals()
    for shared in [part] if group is None else _shares.spread([part]):
        with together():
            compiled.train(model._network, shared, 0, 1)
    return compiled.logs()


def evaluate(model: Sequential, parts: Iterable[Part], callbacks: CallbackList) -> Logs:
    """Loss and metrics over all rows, with the weights as they are."""
    compiled = model._compiled_or_raise()
    compiled.clear_totals()
    model.stop_evaluating = False
    with together():
        callbacks.on_test_begin()
    logs: Logs = {}
    watched = _any(callbacks.wants_test_batches)
    chunks = Chunks(watched)
    done = 0
    parts = map(Part.in_order, parts)
    for part in parts if active() is None else _shares.spread(parts):
        for first, last in chunks.ranges(part.steps):
            if watched:
                with together():
                    callbacks.on_test_batch_begin(done)
            count = len(part.data)
            rows = part.data.rows(min(first * part.batch, count), min(last * part.batch, count))
            one_by_one = watched or compiled.depends_on_batches or part.counts is not None
            batch = part.batch if one_by_one else max(part.batch, _EVALUATION_ROWS)
            with together():
                compiled.evaluate(model._network, rows, batch, None if part.counts is None else part.counts[first:last])
            done += last - first
            logs = compiled.logs()
            with together():
                if watched:
                    callbacks.on_test_batch_end(done - 1, logs)
                callbacks.on_test_chunk_end(done, logs)
            model.stop_evaluating = _any(model.stop_evaluating)
            if model.stop_evaluating:
                break
        if model.stop_evaluating:
            break
    with together():
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

    feed: Feed
    validation: Feed | None
    first_epoch: int
    last_epoch: int
    validation_frequency: int | list[int]
    shape: tuple[int, ...]  # of one sample
    orders: Orders | None = None

    @property
    def facts(self) -> tuple[Any, ...]:
        """What must be the same in all processes of a group."""
        group = active()
        own = group is not None and group.own_data
        feeds = [
            (() if own else (len(feed.data), feed.batch), feed.shuffle, feed.steps_given)
            if isinstance(feed, ArrayFeed)
            else type(feed).__name__
            for feed in (self.feed, self.validation)
        ]
        return feeds, self.first_epoch, self.last_epoch, self.validation_frequency, self.shape


def run(model: Sequential, plan: Plan, callbacks: CallbackList) -> None:
    """All epochs of a fit; processes of a group start with the state of rank 0, and end with equal weights."""
    group = active()
    if group is None:
        _run(model, plan, callbacks, Place())
        return
    if group.shrinks and not all(isinstance(feed, ArrayFeed) for feed in (plan.feed, plan.validation or plan.feed)):
        raise ValueError(
            "fit() with on_failure='shrink' needs arrays: what a source of batches has given cannot be taken back."
        )
    place = Place()
    while True:
        try:
            with group.patient():
                group.check_equal(repr(plan.facts).encode(), "The data or the arguments of fit()")
                if group.own_data and isinstance(plan.feed, ArrayFeed):
                    _shares.warn_of_copies(group, plan.feed.data.y)
                with _shares.divided(group, model):
                    _run(model, plan, callbacks, place)
            return
        except _shares.RanksLost:
            if not group.shrinks:
                raise
        group = _shares.survive(group, model, callbacks, keeps=place.epoch is not None)
        if place.epoch is not None:
            steps = model._compiled_or_raise().trainer.iterations - place.before
            model._resume_epoch, model._resume_batch = place.epoch, steps


@dataclass
class Place:
    """Where a fit stands, for those that go on when others are lost."""

    begun: bool = False
    epoch: int | None = None
    before: int = 0  # steps before the epoch
    logs: Logs = field(default_factory=dict)  # of the epoch, once its steps are done

    def move(self, epoch: int, before: int) -> None:
        """To the first step of an epoch."""
        self.epoch, self.before, self.logs = epoch, before, {}


def _run(model: Sequential, plan: Plan, callbacks: CallbackList, place: Place) -> None:
    chunks = Chunks(_any(callbacks.wants_train_batches))
    trainer = model._compiled_or_raise().trainer
    logs: Logs = {}
    if not place.begun:
        model.stop_training = False
        model._orders = plan.orders
        with together():
            place.begun = True
            callbacks.on_train_begin()
    group = active()
    if group is not None:
        _shares.synchronize(group, model)
        if model._orders is not None and plan.orders is not None:
            plan.feed.seed = model._orders.seed
        _shares.divide(group, model)
    first_epoch, done = plan.first_epoch, 0
    if model._resume_epoch is not None:
        first_epoch, done = model._resume_epoch, model._resume_batch
        orders = model._orders  # those of the interrupted fit
        plan.feed.go_on(plan.feed.seed if orders is None else orders.seed, first_epoch)
    model._resume_epoch, model._resume_batch = None, 0
    logs_before = place.logs
    for epoch in range(first_epoch, first_epoch if _any(model.stop_training) else plan.last_epoch):
        place.move(epoch, trainer.iterations - done)
        with together():
            callbacks.on_epoch_begin(epoch)
        logs = train_epoch(model, after(plan.feed.epoch(epoch), done), chunks, callbacks, done)
        ended, done = done > 0 and not logs, 0  # the interruption came after the last step of an epoch
        if ended:
            logs = dict(logs_before)
        place.logs = dict(logs)
        if not (logs or ended):  # the source of batches is empty
            break
        if plan.validation is not None and validates(epoch, plan.validation_frequency):
            tested = evaluate(model, plan.validation.epoch(0), callbacks)
            logs.update({f"val_{name}": value for name, value in tested.items()})
        if model._orders is not None:
            model._orders = model._orders.at(epoch + 1)
        if group is not None:
            _shares.check_equal(group, model)
        with together():
            callbacks.on_epoch_end(epoch, logs)
        place.move(epoch + 1, trainer.iterations)
        model.stop_training = _any(model.stop_training)
        if model.stop_training:
            break
    model._compiled_or_raise().finish()
    with together():
        callbacks.on_train_end(logs)


def predict(model: Sequential, rows: Inputs, batch: int, callbacks: CallbackList) -> npt.NDArray[np.float32]:
    """The output for all rows, with callbacks."""
    count = row_count(rows)
    steps = -(-count // batch)
    chunks = Chunks(_any(callbacks.wants_predict_batches))
    if not _any(len(callbacks) > 0):
        chunks.size = max(steps, 1)
    model.stop_predicting = False
    parts = []
    callbacks.on_predict_begin()
    for first, last in chunks.ranges(steps):
        if callbacks.wants_predict_batches:
            callbacks.on_predict_batch_begin(first)
        parts.append(_shares.predict(model._network, take_rows(rows, first * batch, min(last * batch, count))))
        if callbacks.wants_predict_batches:
            callbacks.on_predict_batch_end(first, {"outputs": parts[-1]})
        callbacks.on_predict_chunk_end(last)
        if model.stop_predicting:
            break
    callbacks.on_predict_end()
    outputs = np.empty((0, model._network.outputs), np.float32)
    matrix = parts[0] if len(parts) == 1 else np.concatenate([outputs, *parts])
    return matrix.reshape(len(matrix), *model.output_shape[1:])
