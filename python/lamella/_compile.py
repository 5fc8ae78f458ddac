"""What compile() sets: optimizer, loss and metrics, and the core's trainer with its state once the model is built."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _shares, losses
from ._checks import laid_out
from ._core import core
from ._examples import Examples
from ._feed import Part
from ._lock import ModelLock
from ._shares import Group, active, exchange_of, together
from ._trainer import core_loss, regularize
from ._watched import Watched, named, restore_state, results_of, saved_state
from .layers import Layer, Weight
from .losses import CustomLoss
from .metrics import Mean, Metric
from .optimizers import Optimizer

Logs = dict[str, Any]
Array = npt.NDArray[Any]


@dataclass
class Compiled:
    """What compile() set, and the core's trainer with its state once the model is built."""

    optimizer: Optimizer
    loss: Any  # None while only data can tell
    loss_weight: float
    watched: list[Watched]
    trainer: Any = None
    guard: ModelLock = field(default_factory=ModelLock)  # the model's
    _attachment: Any = None
    _output: tuple[int, ...] = ()
    _carried: list[float] = field(default_factory=list)
    given_loss: Any = None  # as compile() got it
    _synchronized: tuple[Any, Any] = (None, None)

    def synchronize_with(self, group: Group) -> None:
        """Notes that all processes of the group have the same state."""
        self._synchronized = group, self.trainer

    def is_synchronized(self, group: Group) -> bool:
        """Whether they had it when this trainer was new."""
        return self._synchronized == (group, self.trainer)

    @property
    def names(self) -> list[str]:
        """Keys of the metrics in logs, in the order of compile()."""
        return [each.name for each in self.watched]

    @property
    def metrics(self) -> list[Metric]:
        """The metrics, in the order of compile()."""
        return [each.metric for each in self.watched]

    def metric_direction(self, name: str) -> str | None:
        """Which way a metric gets better: "min", "max" or None if it is not known."""
        return next((each.metric.direction for each in self.watched if each.name == name), None)

    def results(self, logs: dict[str, float], return_dict: bool) -> Any:
        """What evaluate() returns: a dictionary, a list in the order of compile(), or the loss alone."""
        if return_dict:
            return dict(sorted(logs.items()))
        names = [name for name in ("loss", *self.names) if name in logs]
        values = [logs[name] for name in [*names, *sorted(logs.keys() - {*names})]]  # the latter from dictionaries
        return values if len(values) > 1 else values[0]

    @property
    def depends_on_batches(self) -> bool:
        """Whether loss or metrics over all rows depend on how these are cut into batches."""
        return bool(self.loss.depends_on_batch) or not all(each.in_core for each in self.watched)

    def check_can_train(self) -> None:
        """Says what is missing.

        Raises:
            TypeError: If the loss has no gradient.
        """
        if isinstance(self.loss, CustomLoss):
            self.loss.require_gradient()

    def resolve_loss(self, output: tuple[int, ...], targets: Any) -> None:
        """Decides what loss ``"crossentropy"`` is, by the shapes of a sample's output and of the targets."""
        if self.loss is None:
            self.loss = losses.resolve_crossentropy(output[-1], len(output) + 1, np.shape(targets))
            if self._attachment is not None:
                self.attach(*self._attachment)

    # ------------------------------------------------------------------ what the core is asked to do

    def train(self, network: Any, part: Part, first: int, last: int) -> None:
        """The steps first ... last - 1 of a part."""
        data, batch, counts = part.data, part.batch, None if part.counts is None else part.counts[first:last]
        order = np.arange(len(data), dtype=np.int64) if part.order is None else part.order
        order = order[first * batch : last * batch]
        rates = self.optimizer.rates(self.trainer.iterations, last - first)
        group = active()
        if group is None:
            with self._seen(data, order, batch) as options:
                self.trainer.train(network, data.x, data.y, data.weights, order, batch, rates, **options)
        elif group.sync_every == 1 or (counts is None and batch < group.size):
            self._train_together(group, network, data, order, batch, rates, counts)
        else:
            self._train_apart(group, network, data, order, batch, rates, counts, last == part.steps)

    def _train_together(
        self,
        group: Group,
        network: Any,
        data: Examples,
        order: Array,
        batch: int,
        rates: Any,
        counts: Array | None,
        alone: bool = False,
    ) -> None:
        """The same steps on this process's rows of each batch; alone as if they were all."""
        if counts is None:
            bounds = _shares.bounds(group, len(order), batch)
            rows, most = order[_shares.ours(bounds)], _shares.most(group, batch)
        else:
            bounds, rows, most = _shares.own_bounds(group, counts), order, batch
        exchange = None if alone else exchange_of(group, self.optimizer)
        shared = {"exchange": exchange, "shares": _shares.as_shares(bounds, gathered=True)}
        with self._seen(data, order, batch, group, bounds) as options:
            self.trainer.train(network, data.x, data.y, data.weights, rows, most, rates, **shared, **options)

    def _train_apart(
        self,
        group: Group,
        network: Any,
        data: Examples,
        order: Array,
        batch: int,
        rates: Any,
        counts: Array | None,
        ends: bool,
    ) -> None:
        """Steps without an exchange, means after each `sync_every` of them and where the rows end."""
        # Last batches with too few rows for all are trained together.
        short = int(0 < len(order) % batch < group.size) if counts is None else int((counts == 0).any(1).sum())
        first, steps = 0, len(rates) - short
        while first < steps:
            last = min(steps, first + group.sync_every - self.trainer.iterations % group.sync_every)
            rows, some = order[first * batch : last * batch], None if counts is None else counts[first:last]
            with together():
                self._train_together(group, network, data, rows, batch, rates[first:last], some, alone=True)
            first = last
            if self.trainer.iterations % group.sync_every == 0 or (first == steps and (ends or short)):
                _shares.average(group, network, self.optimizer)
        if short:
            rows, some = order[steps * batch :], None if counts is None else counts[steps:]
            self._train_together(group, network, data, rows, batch, rates[steps:], some)

    def evaluate(self, network: Any, data: Examples, batch: int, counts: Array | None = None) -> None:
        """Adds all rows of `data` to loss and metrics; with `counts` they are this process's own."""
        group = active()
        if group is not None:
            own = counts is not None
            if counts is None:
                batch *= 1 if self.depends_on_batches else group.size
                bounds, most = _shares.bounds(group, len(data), batch), _shares.most(group, batch)
            else:
                bounds, most = _shares.own_bounds(group, counts), batch
            shared = {"exchange": exchange_of(group, self.optimizer), "shares": _shares.as_shares(bounds, own)}
            with self._seen(data, np.arange(len(data), dtype=np.int64), batch, group, bounds, own) as options:
                self.trainer.evaluate(network, data.x, data.y, data.weights, most, **shared, **options)
            return
        with self._seen(data, np.arange(len(data), dtype=np.int64), batch) as options:
            self.trainer.evaluate(network, data.x, data.y, data.weights, min(batch, len(data)), **options)

    def gradients(self, network: Any, data: Examples, training: bool) -> tuple[float, Array, Array]:
        """(loss, gradient of all weights, gradient of the inputs) of one batch."""
        self.check_can_train()
        found: tuple[float, Array, Array] = self.trainer.gradients(
            network, data.x, data.y, data.weights, training, self._external(data)
        )
        return found

    def finish(self) -> None:
        """Called at the end of a fit: averages of the weights take their place, where the optimizer keeps some."""
        _shares.unite(self.optimizer)
        self.trainer.finalize()

    @contextmanager
    def _seen(
        self,
        data: Examples,
        order: Array,
        batch: int,
        group: Group | None = None,
        bounds: Array | None = None,
        gathered: bool = True,
    ) -> Iterator[dict[str, Any]]:
        """Options of a call of the core; afterwards Python's metrics see what it predicted, batch by batch.

        In a group the core writes our rows within the `bounds`: one after the other if they are `gathered`.
        """
        mine = [each for each in self.watched if not each.in_core]
        places = None if bounds is None else _shares.ours(bounds)
        count = len(order) if places is None or not gathered else len(places)
        predictions = np.zeros((count, *self._output), np.float32) if mine else None
        with together() if mine else nullcontext():  # who goes on from here is waited for below
            yield {"predictions": predictions, "external": self._external(data)}
        if predictions is None:
            return
        y, weights = self._sample_targets(data), data.weights
        if group is not None and bounds is not None:
            total = int(bounds[-1, -1])
            predictions = group.placed(predictions, places, total) if gathered else group.gathered(predictions)
            if group.own_data:
                y = group.placed(y[order], places, total)
                if group.any(weights is not None):
                    known = np.ones(len(data), np.float32) if weights is None else weights
                    weights = group.placed(known[order], places, total)
                order = np.arange(total)
        batches = [(first, first + batch) for first in range(0, len(order), batch)]
        for first, last in batches if bounds is None else bounds[:, [0, 3]]:
            rows = order[first:last]
            for each in mine:
                each.update(y[rows], predictions[first:last], None if weights is None else weights[rows])

    def _sample_targets(self, data: Examples) -> Array:
        """Targets with an axis of samples, as users know them."""
        shape = self._output[:-1] if data.y.ndim == 1 else self._output
        return data.y.reshape(len(data), *shape)

    def _external(self, data: Examples) -> Callable[..., Any] | None:
        """What the core calls instead of a loss of its own."""
        if not isinstance(self.loss, CustomLoss):
            return None
        y, loss = self._sample_targets(data), self.loss

        def call(rows: Array, predictions: Array, with_gradient: bool) -> tuple[Array, Array | None]:
            p = predictions.reshape(len(rows), *self._output)
            values = np.asarray(loss.call(y[rows], p), np.float32)
            values = values.reshape(*values.shape, *(1,) * (p.ndim - 1 - values.ndim))  # axes align from the first
            values = np.broadcast_to(values, p.shape[:-1])
            slopes = laid_out(np.asarray(loss.gradient(y[rows], p)), np.float32) if with_gradient else None
            return laid_out(values, np.float32).ravel(), None if slopes is None else slopes.reshape(-1, p.shape[-1])

        return call

    # ------------------------------------------------------------------ running loss and metrics

    def clear_totals(self) -> None:
        """Loss and metrics are counted from here on."""
        self.trainer.clear_totals()
        for each in self.watched:
            if not each.in_core:
                each.metric.reset_state()
        self._carried = [0.0] * (2 + 2 * sum(each.in_core for each in self.watched))

    def reset(self) -> None:
        """The same, and metrics that the core adds up say so at once."""
        self.clear_totals()
        self._logs(self._totals())

    def _totals(self) -> list[float]:
        samples, loss, sums, counts = self.trainer.totals()
        return [before + now for before, now in zip(self._carried, (samples, loss, *sums, *counts), strict=True)]

    def logs(self) -> Logs:
        """Loss and metrics over the rows, those of other processes included, since the totals were cleared."""
        group = active()
        return self._logs(self._totals() if group is None else group.sum_(np.array(self._totals())).tolist())

    def _logs(self, totals: list[float]) -> Logs:
        samples, loss, *rest = totals
        counted = [each.metric for each in self.watched if isinstance(each.metric, Mean) and each.in_core]
        for metric, total, count in zip(counted, rest[: len(counted)], rest[len(counted) :], strict=True):
            metric.total.assign(total)
            metric.count.assign(count)
        logs: Logs = {"loss": loss / samples if samples else 0.0}
        for each in self.watched:
            logs.update(results_of(each.name, each.metric))
        return logs

    @contextmanager
    def alone(self, *, fitting: bool = False) -> Iterator[None]:
        """Other threads wait. Inside a fit of the same thread, the running loss is put aside and taken up again.

        Raises:
            ValueError: If a callback of a fit asks for another fit of the same model.
        """
        with self.guard.held():
            if fitting and self.guard.fitting:
                raise ValueError("fit() cannot be called from a callback of a running fit() of the same model.")
            nested = self.guard.fitting
            carried = self._totals() if nested else []
            states = saved_state(self.watched) if nested else []
            self.guard.fitting = nested or fitting
            try:
                yield
            finally:
                self.guard.fitting = nested
                if nested:
                    self.trainer.clear_totals()
                    self._carried = carried
                    restore_state(self.watched, states)

    # ------------------------------------------------------------------ the trainer

    def attach(
        self,
        network: Any,
        owners: list[Layer | None],
        weights: list[tuple[str, Layer, Weight]],
        output: tuple[int, ...],
    ) -> None:
        """Makes a trainer; where that fails, everything is as before.

        Args:
            network: The core's network.
            owners: The layer of each of its structs.
            weights: Path, layer and description of each weight of the network, or of the one that it is a part of.
            output: The shape of a sample's output.
        """
        self._attachment = network, owners, weights, output
        if self.loss is None:
            return
        watched = [each.resolve(output[-1], self.loss.labels) for each in self.watched]
        named(watched)
        try:
            trainer = self._trainer(core, network, owners, weights, watched)
        except MemoryError as error:
            name = self.optimizer.name
            raise MemoryError(f"Optimizer {name!r} has no room for its state: {error}") from None
        self.trainer, self.watched, self._output = trainer, watched, output
        self.clear_totals()
        self.optimizer._attach(trainer.updater, [(path, spec.shape) for path, _, spec in weights])

    def _trainer(
        self,
        core: Any,
        network: Any,
        owners: list[Layer | None],
        weights: list[tuple[str, Layer, Weight]],
        watched: list[Watched],
    ) -> Any:
        """A trainer of `core`, which may be the one that tests build with double precision."""
        network.set_trainable([owner is not None and owner.trainable for owner in owners])
        counted = [each for each in watched if each.in_core]
        trainer = core.Trainer(
            network,
            self.optimizer._spec(core),
            self.optimizer._options(core),
            core_loss(core, self.loss),
            [each.metric._spec(core) for each in counted if not each.weighted],
            [each.metric._spec(core) for each in counted if each.weighted],
            self.loss.reduction,
            self.loss_weight,
        )
        regularize(core, trainer.updater, {id(owner) for owner in owners}, weights)
        return trainer
