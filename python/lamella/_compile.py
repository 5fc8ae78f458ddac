"""What compile() sets: optimizer, loss and metrics, and the core's trainer with its state once the model is built."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _shares, losses, optimizers
from ._checks import laid_out, real
from ._core import core
from ._examples import Examples
from ._feed import Part
from ._lock import ModelLock
from ._shares import Group, active, together
from ._watched import Watched, named, restore_state, results_of, saved_state, watched_from
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
        data, batch = part.data, part.batch
        order = np.arange(len(data), dtype=np.int64) if part.order is None else part.order
        order = order[first * batch : last * batch]
        rates = self.optimizer.rates(self.trainer.iterations, last - first)
        group = active()
        if group is None:
            with self._seen(data, order, batch) as options:
                self.trainer.train(network, data.x, data.y, data.weights, order, batch, rates, **options)
        elif group.sync_every == 1 or batch < group.size:
            self._train_together(group, network, data, order, batch, rates, group.exchange)
        else:
            self._train_apart(group, network, data, order, batch, rates, last == part.steps)

    def _train_together(
        self, group: Group, network: Any, data: Examples, order: Array, batch: int, rates: Any, exchange: Any
    ) -> None:
        """The same steps on this process's rows of each batch; without an exchange as if they were all."""
        bounds = _shares.bounds(group, len(order), batch)
        places = _shares.ours(bounds)
        shared = {"exchange": exchange, "shares": _shares.as_shares(bounds, gathered=True)}
        most = _shares.most(group, batch)
        with self._seen(data, order, batch, group, places) as options:
            self.trainer.train(network, data.x, data.y, data.weights, order[places], most, rates, **shared, **options)

    def _train_apart(
        self, group: Group, network: Any, data: Examples, order: Array, batch: int, rates: Any, ends: bool
    ) -> None:
        """Steps without an exchange, means after each `sync_every` of them and where the rows end."""
        short = 0 < len(order) % batch < group.size  # the last batch has too few rows for all: they train it together
        first, steps = 0, len(rates) - short
        while first < steps:
            last = min(steps, first + group.sync_every - self.trainer.iterations % group.sync_every)
            rows = order[first * batch : last * batch]
            with together():
                self._train_together(group, network, data, rows, batch, rates[first:last], None)
            first = last
            if self.trainer.iterations % group.sync_every == 0 or (first == steps and (ends or short)):
                _shares.average(group, network, self.optimizer)
        if short:
            self._train_together(group, network, data, order[steps * batch :], batch, rates[steps:], group.exchange)

    def evaluate(self, network: Any, data: Examples, batch: int) -> None:
        """Adds all rows of `data` to loss and metrics."""
        group = active()
        if group is not None:
            batch *= 1 if self.depends_on_batches else group.size
            bounds = _shares.bounds(group, len(data), batch)
            shared = {"exchange": group.exchange, "shares": _shares.as_shares(bounds, gathered=False)}
            places = _shares.ours(bounds)
            with self._seen(data, np.arange(len(data), dtype=np.int64), batch, group, places, False) as options:
                rows = _shares.most(group, batch)
                self.trainer.evaluate(network, data.x, data.y, data.weights, rows, **shared, **options)
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
        self.trainer.finalize()

    @contextmanager
    def _seen(
        self,
        data: Examples,
        order: Array,
        batch: int,
        group: Group | None = None,
        places: Array | None = None,
        gathered: bool = True,
    ) -> Iterator[dict[str, Any]]:
        """Options of a call of the core; afterwards Python's metrics see what it predicted, batch by batch.

        In a group the core writes the rows at `places` of all: one after the other if they are `gathered`.
        """
        mine = [each for each in self.watched if not each.in_core]
        count = len(order) if places is None or not gathered else len(places)
        predictions = np.zeros((count, *self._output), np.float32) if mine else None
        with together() if mine else nullcontext():  # who goes on from here is waited for below
            yield {"predictions": predictions, "external": self._external(data)}
        if predictions is None:
            return
        if group is not None:
            if gathered:
                own, predictions = predictions, np.zeros((len(order), *self._output), np.float32)
                predictions[places] = own
            predictions = group.gathered(predictions)
        y = self._sample_targets(data)
        for first in range(0, len(order), batch):
            rows = order[first : first + batch]
            weights = None if data.weights is None else data.weights[rows]
            for each in mine:
                each.update(y[rows], predictions[first : first + batch], weights)

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
            _core_loss(core, self.loss),
            [each.metric._spec(core) for each in counted if not each.weighted],
            [each.metric._spec(core) for each in counted if each.weighted],
            self.loss.reduction,
            self.loss_weight,
        )
        _regularize(core, trainer.updater, {id(owner) for owner in owners}, weights)
        return trainer


def _core_loss(core: Any, loss: Any) -> Any:
    """The core's struct; for a loss written in Python one with targets of the same kind, whose place it takes."""
    if not isinstance(loss, CustomLoss):
        return loss._spec(core)
    if not loss.labels:
        return core.losses.MeanSquaredError()
    spec = core.losses.SparseCategoricalCrossentropy()
    spec.from_logits = True  # not fused with a softmax
    return spec


def _regularize(core: Any, updater: Any, owners: set[int], weights: list[tuple[str, Layer, Weight]]) -> None:
    """Tells the core what is trained, and the regularizers and constraints of that."""
    trained = [id(layer) in owners and layer._trains(spec) for _, layer, spec in weights]
    updater.trainable = trained
    for index, (flag, (path, _, spec)) in enumerate(zip(trained, weights, strict=True)):
        if not flag:
            continue
        for part, made in (
            (spec.regularizer, None if spec.regularizer is None else spec.regularizer._spec(core)),
            (spec.constraint, None if spec.constraint is None else spec.constraint._spec(core, len(spec.shape))),
        ):
            if part is not None and made is None:
                raise TypeError(
                    f"{type(part).__name__} of {path!r} is written in Python and cannot run in the compiled core; "
                    "use those of lamella.regularizers and lamella.constraints."
                )
            if made is not None:
                (updater.regularize if part is spec.regularizer else updater.constrain)(index, made)


def compiled_from(optimizer: Any, loss: Any, loss_weights: Any, metrics: Any, weighted_metrics: Any) -> Compiled:
    """Compiled parts from what users pass.

    Raises:
        ValueError: If a name is unknown, the loss is missing, or a metric does not fit the loss.
        TypeError: If a part is of another kind.
    """
    if loss is None:
        raise ValueError("compile() needs a `loss`, such as 'mse' or 'categorical_crossentropy'.")
    found = None if losses.is_crossentropy(loss) else losses.get(loss)
    rule = optimizers.get(optimizer)
    if not hasattr(core.optimizers, type(rule).__name__):
        raise TypeError(
            f"`optimizer` must be one that lamella has: {type(rule).__name__}, written in Python, cannot run in the "
            "compiled core."
        )
    watched = watched_from(metrics, weighted_metrics)
    if found is not None:
        for each in watched:
            if not _by_shape(each):
                each.resolve(2, found.labels)
    return Compiled(rule, found, _loss_weight(loss_weights), watched, given_loss=loss)


def _by_shape(each: Watched) -> bool:
    return isinstance(each.given, str) and each.given.lower() in ("acc", "accuracy", "ce", "crossentropy")


def _loss_weight(given: Any) -> float:
    """compile()'s `loss_weights`: a number, or a list of one."""
    if isinstance(given, (list, tuple)) and len(given) == 1:
        given = given[0]
    return 1.0 if given is None else real("compile", "loss_weights", given)
