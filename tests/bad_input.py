"""What tests of bad input share: a trained model, its state, and the block that must change nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import pytest

import lamella
from lamella import Input, Sequential, layers
from lamella.utils import to_categorical

Model = Sequential
Array = np.ndarray[Any, Any]

ROWS, WIDTH, CLASSES = 32, 8, 3


class Case(NamedTuple):
    """A bad value or call, the error that it must raise, and words of the message."""

    name: str
    bad: Any
    error: type[Exception]
    words: tuple[str, ...]


def cases(*table: tuple[Any, ...]) -> Any:
    """The rows (id, bad, error, word, word, ...) as parameters of a test."""
    return pytest.mark.parametrize("case", [pytest.param(Case(*row[:3], row[3:]), id=row[0]) for row in table])


def make_model(loss: str = "mse", *, outputs: int = CLASSES, activation: str | None = None) -> Model:
    """A trained model, so that it has weights, optimizer state and a history to lose; the same one on every call."""
    lamella.utils.set_random_seed(1)
    model = Sequential(
        [Input((WIDTH,)), layers.Dense(5, "tanh", name="hidden"), layers.Dense(outputs, activation, name="out")],
        name="m",
    )
    model.compile("rmsprop", loss, metrics=["accuracy"])
    x, y = make_data(model)
    model.fit(x, y, epochs=2, verbose=0, shuffle=False)
    return model


def make_data(model: Model) -> tuple[Array, Array]:
    """Good data for the model."""
    generator = np.random.default_rng(7)
    x = generator.standard_normal((ROWS, WIDTH)).astype(np.float32)
    labels = generator.integers(0, model.output_shape[-1] or 0, ROWS)
    if model.loss.labels:
        return x, labels
    if "crossentropy" in model.loss.name:
        return x, to_categorical(labels, model.output_shape[-1]) if model.output_shape[-1] != 1 else labels % 2
    return x, generator.standard_normal((ROWS, model.output_shape[-1] or 0)).astype(np.float32)


def state_of(model: Model) -> tuple[Any, ...]:
    compiled = model._compiled
    return (
        [weight.tobytes() for weight in model.get_weights()],
        model.layers,
        model.built,
        None
        if compiled is None
        else (id(compiled), compiled.trainer and compiled.trainer.iterations, list(compiled.names)),
        model.history,
        model.history and (dict(model.history.history), list(model.history.epoch)),
    )


@contextmanager
def refuses(model: Model, error: type[Exception], *words: str) -> Iterator[None]:
    """The block raises the error in good words and changes nothing about the model."""
    before = state_of(model)
    with pytest.raises(error) as caught:
        yield
    message = str(caught.value)
    assert [word for word in words if word not in message] == [], message
    core_text = r"^(x|y|weights|order|rates|order, batch|batch): |incompatible (function|constructor)|std::|module '"
    assert not re.search(core_text, message), f"a message from inside: {message}"
    assert state_of(model) == before


def trains_on(model: Model, twin: Model) -> None:
    """The model goes on as its twin does that no bad call ever reached, to the bit: its optimizer is untouched too."""
    x, y = make_data(twin)
    for each in (model, twin):
        each.fit(x, y, verbose=0, shuffle=False)
    for one, other in zip(model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


class WithArray:
    def __init__(self, array: Any) -> None:
        self.array = array

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return self.array


DOORS: dict[str, Callable[[Model, Any, Any], Any]] = {
    "fit": lambda m, x, y: m.fit(x, y, verbose=0),
    "evaluate": lambda m, x, y: m.evaluate(x, y, verbose=0),
    "train_on_batch": lambda m, x, y: m.train_on_batch(x, y),
    "test_on_batch": lambda m, x, y: m.test_on_batch(x, y),
    "gradients": lambda m, x, y: m.gradients(x, y),
    "validation": lambda m, x, y: m.fit(*make_data(m), verbose=0, validation_data=(x, y)),
}
PREDICT: dict[str, Callable[[Model, Any, Any], Any]] = {
    "predict": lambda m, x, y: m.predict(x),
    "predict_on_batch": lambda m, x, y: m.predict_on_batch(x),
    "call": lambda m, x, y: m(x),
}
X = np.random.default_rng(3).standard_normal((ROWS, WIDTH)).astype(np.float32)
LISTS = "a NumPy array, a list of numbers, a pandas frame or a SciPy sparse matrix"


def with_value(value: Any, dtype: Any = np.float32) -> Array:
    """X with one bad number at row 3, column 7."""
    x = X.astype(dtype)
    x[3, 7] = value
    return x
