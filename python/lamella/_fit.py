"""What fit(), evaluate() and predict() make of their arguments, before anything is changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _data, _examples, _shares, _training
from ._checks import integer, real
from ._examples import Examples
from ._feed import ArrayFeed, Feed, IterableFeed, gives_batches, steps_of
from ._order import Orders
from ._progress import resolve_verbose
from ._training import Plan
from ._warn import warn
from .activations import serialize
from .layers import Dense

if TYPE_CHECKING:
    from .models import Sequential


@dataclass
class Options:
    """fit()'s arguments apart from data and callbacks, checked and completed."""

    batch_size: Any
    epochs: Any
    verbose: Any
    validation_split: Any
    shuffle: Any
    class_weight: Any
    sample_weight: Any
    initial_epoch: Any
    steps_per_epoch: Any
    validation_steps: Any
    validation_batch_size: Any
    validation_freq: Any

    def __post_init__(self) -> None:
        self.batch_size = _optional("fit", "batch_size", self.batch_size)
        self.epochs = integer("fit", "epochs", self.epochs, least=0)
        self.initial_epoch = integer("fit", "initial_epoch", self.initial_epoch, least=0)
        self.verbose = resolve_verbose(self.verbose)
        self.validation_split = real("fit", "validation_split", self.validation_split, least=0, below=1)
        self.validation_freq = _training.checked_frequency(self.validation_freq)
        self.steps_per_epoch = _optional("fit", "steps_per_epoch", self.steps_per_epoch)
        self.validation_steps = _optional("fit", "validation_steps", self.validation_steps)
        self.validation_batch_size = _optional("fit", "validation_batch_size", self.validation_batch_size)
        shuffle = self.shuffle
        if not (isinstance(shuffle, (int, np.bool_)) and shuffle in (0, 1)) and not (
            isinstance(shuffle, str) and shuffle == "batch"
        ):
            raise ValueError(f"fit `shuffle` must be True, False or 'batch', got {shuffle!r}.")
        if self.class_weight is not None and self.sample_weight is not None:
            raise ValueError("fit() takes either `class_weight` or `sample_weight`, not both: multiply them yourself.")


def _optional(owner: str, name: str, value: Any) -> int | None:
    return None if value is None else integer(owner, name, value, least=1)


@_shares.agreed
def plan(model: Sequential, x: Any, y: Any, validation_data: Any, options: Options) -> Plan:
    """The plan of a fit; the model is not changed."""
    model._compiled_or_raise().check_can_train()
    orders = Orders.for_fit(model._orders, options.initial_epoch) if options.shuffle else None
    seed = None if orders is None else orders.seed
    if gives_batches(x):
        feed, shape = _batches_to_fit(model, x, y, options, seed)
        validation = None
    else:
        feed, validation, shape = _arrays_to_fit(model, x, y, validation_data is None, options, seed)
    if validation_data is not None:
        validation = _validation(model, validation_data, shape, options)
    elif options.validation_split and validation is None:
        raise ValueError("fit `validation_split` needs x as an array; pass `validation_data` to validate on batches.")
    if orders is not None and orders is model._orders:  # goes on where the last fit ended
        feed.go_on(orders.seed, options.initial_epoch)
    return Plan(feed, validation, options.initial_epoch, options.epochs, options.validation_freq, shape, orders)


@_shares.agreed
def build(model: Sequential, plan: Plan) -> None:
    """Makes the weights if there are none, and compresses data that is mostly zero once for all epochs."""
    model._build_with(plan.shape)
    _warn_of_constant(model, plan)
    feed = plan.feed
    if isinstance(feed, ArrayFeed) and plan.last_epoch - plan.first_epoch > 1:
        data = feed.data
        nonzeros = data.nonzeros
        feed.data = Examples(_data.compressed(data.x, nonzeros, model._network.densest), data.y, data.weights, nonzeros)


def _warn_of_constant(model: Sequential, plan: Plan) -> None:
    """A softmax of one output is 1 whatever comes in."""
    feed, last = plan.feed, model.layers[-1] if model.layers else None
    if not isinstance(last, Dense) or last.units > 1 or serialize(last.activation) != "softmax":
        return
    if isinstance(feed, ArrayFeed) and (feed.data.y != 1).any():
        warn(
            f"Layer {last.name!r} has one output and the activation softmax, which makes it 1 whatever comes in: "
            "nothing is learned. Use 'sigmoid' for two classes, or an output for every class.",
            UserWarning,
        )


def _arrays_to_fit(
    model: Sequential, x: Any, y: Any, may_split: bool, options: Options, seed: int | None
) -> tuple[Feed, Feed | None, tuple[int, ...]]:
    shape = model._sample_shape(x)
    data = model._examples(x, y, options.sample_weight, shape)
    weights = None if options.class_weight is None else _examples.class_weights(options.class_weight, data.y)
    held_out: Examples | None = None
    if options.validation_split and may_split:
        data, held_out = _examples.split(data, options.validation_split)
    if weights is not None:  # those held out for validation count as they are
        data = Examples(data.x, data.y, weights[: len(data)], data.nonzeros)
    asked = options.batch_size
    if asked is not None or options.steps_per_epoch is None:
        asked = _shares.own_batch(asked or 32)
    batch = steps_of(len(data), asked, options.steps_per_epoch)
    feed = ArrayFeed(data, batch, options.shuffle, options.steps_per_epoch, seed)
    return feed, None if held_out is None else _held(held_out, options, batch), shape


def _held(data: Examples, options: Options, batch: int) -> ArrayFeed:
    """Feed of validation arrays."""
    rows = options.validation_batch_size or options.batch_size
    rows = _shares.own_batch(rows) if rows else min(batch, 32)
    return ArrayFeed(data, rows, steps=_at_most(options.validation_steps, len(data), rows))


def _at_most(steps: int | None, rows: int, batch: int) -> int | None:
    """Steps of an evaluation: arrays have no more than these."""
    return None if steps is None else min(steps, -(-rows // batch))


def _batches_to_fit(
    model: Sequential, source: Any, y: Any, options: Options, seed: int | None
) -> tuple[Feed, tuple[int, ...]]:
    for name, value in (("y", y), ("sample_weight", options.sample_weight), ("batch_size", options.batch_size)):
        if value is not None:
            raise ValueError(f"fit `{name}` must be None where x gives batches: they come with x, as (x, y, weights).")
    shape: list[tuple[int, ...]] = []

    def check(x: Any, y: Any, weights: Any) -> Examples:
        data = model._examples(x, y, weights, shape[0])
        if options.class_weight is None:
            return data
        if weights is not None:
            raise ValueError("fit() takes either `class_weight` or weights in the batches, not both.")
        return Examples(data.x, data.y, _examples.class_weights(options.class_weight, data.y), data.nonzeros)

    feed = IterableFeed(source, check, bool(options.shuffle), options.steps_per_epoch, seed=seed)
    shape.append(_first_shape(model, feed))
    return feed, shape[0]


def _first_shape(model: Sequential, feed: IterableFeed) -> tuple[int, ...]:
    return model._shape if model._shape is not None and model._layers else model._sample_shape(feed.peek())


def _validation(model: Sequential, given: Any, shape: tuple[int, ...], options: Options) -> Feed:
    if gives_batches(given):
        return IterableFeed(
            given,
            lambda x, y, w: model._examples(x, y, w, shape, "validation "),
            steps=options.validation_steps,
            name="validation_data",
        )
    if not isinstance(given, (tuple, list)) or len(given) not in (2, 3):
        size = f" of {len(given)}" if isinstance(given, (tuple, list)) else ""
        raise ValueError(
            f"`validation_data` must be (x, y) or (x, y, sample_weight), got a {type(given).__name__}{size}."
        )
    x, y, *weights = given
    return _held(model._examples(x, y, weights[0] if weights else None, shape, "validation "), options, 32)


@_shares.agreed
def to_evaluate(
    model: Sequential, x: Any, y: Any, weights: Any, batch_size: Any, steps: Any
) -> tuple[Feed, tuple[int, ...]]:
    """What evaluate() reads, and the shape of one sample."""
    batch, steps = _optional("evaluate", "batch_size", batch_size), _optional("evaluate", "steps", steps)
    if gives_batches(x):
        if y is not None or weights is not None:
            raise ValueError("evaluate `y` and `sample_weight` must be None where x gives batches: they come with x.")
        shape: list[tuple[int, ...]] = []
        feed = IterableFeed(x, lambda x, y, w: model._examples(x, y, w, shape[0]), steps=steps)
        shape.append(_first_shape(model, feed))
        return feed, shape[0]
    of_one = model._sample_shape(x)
    data = model._examples(x, y, weights, of_one)
    batch = _shares.own_batch(batch or 32)
    return ArrayFeed(data, batch, steps=_at_most(steps, len(data), batch)), of_one
