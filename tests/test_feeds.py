"""Batches from arrays in steps, generators, iterables and sequences."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from lamella import Input, Sequential, layers, utils

Array = np.ndarray[Any, np.dtype[Any]]


def model() -> Sequential:
    utils.set_random_seed(3)
    made = Sequential([Input((4,)), layers.Dense(5, "relu"), layers.Dense(2)])
    made.compile("rmsprop", "mse", metrics=["mae"])
    return made


@pytest.fixture
def data(rng: np.random.Generator) -> tuple[Array, Array]:
    return rng.standard_normal((22, 4), dtype=np.float32), rng.standard_normal((22, 2), dtype=np.float32)


class Batches:
    """An object with len() and [i], as Keras' PyDataset."""

    def __init__(self, x: Array, y: Array, size: int) -> None:
        self.x, self.y, self.size, self.ended = x, y, size, 0

    def __len__(self) -> int:
        return -(-len(self.x) // self.size)

    def __getitem__(self, i: int) -> tuple[Array, Array]:
        rows = slice(i * self.size, (i + 1) * self.size)
        return self.x[rows], self.y[rows]

    def on_epoch_begin(self) -> None:
        self.begun = self.ended + 1

    def on_epoch_end(self) -> None:
        assert self.begun == self.ended + 1
        self.ended += 1


class Again:
    """Can be iterated again and again, as a DataLoader."""

    def __init__(self, batches: Batches) -> None:
        self.batches = batches

    def __iter__(self) -> Iterator[tuple[Array, Array]]:
        return (self.batches[i] for i in range(len(self.batches)))


def forever(batches: Batches) -> Iterator[tuple[Array, Array]]:
    while True:
        yield from Again(batches)


def assert_same(found: Sequential, expected: Sequential) -> None:
    for a, b in zip(found.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("kind", ["sequence", "iterable", "generator"])
def test_batches_train_as_arrays_do(kind: str, data: tuple[Array, Array]) -> None:
    expected, found = model(), model()
    history = expected.fit(*data, batch_size=8, epochs=3, shuffle=False, verbose=0)
    batches = Batches(*data, 8)
    source = {"sequence": batches, "iterable": Again(batches), "generator": forever(batches)}[kind]
    steps = {"steps_per_epoch": 3} if kind == "generator" else {}
    got = found.fit(source, epochs=3, shuffle=False, verbose=0, **steps)
    assert_same(found, expected)
    for name, values in history.history.items():
        np.testing.assert_allclose(got.history[name], values, rtol=1e-6)
    assert batches.ended == (3 if kind == "sequence" else 0)


def test_sequence_is_asked_in_a_new_order_each_epoch(data: tuple[Array, Array]) -> None:
    asked: list[int] = []

    class Watched(Batches):
        def __getitem__(self, i: int) -> tuple[Array, Array]:
            asked.append(i)
            return super().__getitem__(i)

    model().fit(Watched(*data, 2), epochs=3, verbose=0)
    epochs = [asked[i : i + 11] for i in range(0, 33, 11)]
    assert all(sorted(epoch) == list(range(11)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 3


def test_weights_come_with_the_batches(data: tuple[Array, Array]) -> None:
    x, y = data
    w = np.linspace(0, 2, len(x)).astype(np.float32)
    expected, found = model(), model()
    expected.fit(x, y, batch_size=22, sample_weight=w, shuffle=False, verbose=0)
    found.fit(iter([(x, y, w)]), verbose=0)
    assert_same(found, expected)


def test_unbuilt_model_takes_its_shape_from_the_first_batch_and_loses_none(data: tuple[Array, Array]) -> None:
    made = Sequential([layers.Dense(2)])
    made.compile("sgd", "mse")
    seen: list[int] = []

    def batches() -> Iterator[tuple[Array, Array]]:
        for i in range(3):
            seen.append(i)
            yield data

    history = made.fit(batches(), verbose=0)
    assert made.input_shape == (None, 4) and seen == [0, 1, 2] and history.params["steps"] is None


def test_source_that_runs_out_stops_training_with_a_warning(data: tuple[Array, Array]) -> None:
    with pytest.warns(UserWarning, match="ran out of batches after 0"):
        history = model().fit(iter([data, data]), epochs=3, verbose=0)
    assert len(history.epoch) == 1
    with pytest.warns(UserWarning, match="ran out of batches after 2"):
        model().fit(iter([data, data]), steps_per_epoch=5, verbose=0)


def test_validation_and_evaluation_take_batches(data: tuple[Array, Array]) -> None:
    batches = Batches(*data, 8)
    made = model()
    history = made.fit(*data, validation_data=batches, epochs=2, verbose=0)
    assert history.history["val_loss"][-1] == pytest.approx(made.evaluate(*data, verbose=0)[0], rel=1e-5)
    np.testing.assert_allclose(made.evaluate(Again(batches), verbose=0), made.evaluate(*data, verbose=0), rtol=1e-5)
    np.testing.assert_array_equal(made.predict(Again(batches)), made.predict(data[0]))
    np.testing.assert_array_equal(made.predict((x for x, _ in [batches[0]])), made.predict(data[0][:8]))
    np.testing.assert_array_equal(made.predict([x, y] for x, y in [batches[0]]), made.predict(data[0][:8]))


def test_steps_limit_evaluation_prediction_and_validation(data: tuple[Array, Array]) -> None:
    x, y = data
    made = model()
    assert made.evaluate(x, y, batch_size=4, steps=2, verbose=0) == made.evaluate(x[:8], y[:8], verbose=0)
    assert made.evaluate(x, y, batch_size=4, steps=99, verbose=0) == made.evaluate(x, y, batch_size=4, verbose=0)
    assert made.predict(x, batch_size=4, steps=2).shape == (8, 2)
    history = made.fit(x, y, validation_data=(x, y), validation_steps=1, validation_batch_size=5, verbose=0)
    assert history.history["val_loss"][0] == pytest.approx(made.evaluate(x[:5], y[:5], verbose=0)[0], rel=1e-5)
    forever_validation = made.fit(x, y, validation_data=forever(Batches(x, y, 5)), validation_steps=1, verbose=0)
    assert forever_validation.history["val_loss"][0] == pytest.approx(made.evaluate(x[:5], y[:5], verbose=0)[0], 1e-5)


def test_steps_per_epoch_goes_on_where_the_last_epoch_ended(data: tuple[Array, Array]) -> None:
    x, y = data
    whole, parts = model(), model()
    whole.fit(x, y, batch_size=8, epochs=2, shuffle=False, verbose=0)  # 6 steps
    parts.fit(x, y, batch_size=8, epochs=3, steps_per_epoch=2, shuffle=False, verbose=0)
    assert_same(parts, whole)


def test_steps_per_epoch_sets_the_batch_size(data: tuple[Array, Array]) -> None:
    history = model().fit(*data, steps_per_epoch=4, verbose=0)
    assert history.params["steps"] == 4
    expected, found = model(), model()
    expected.fit(*data, batch_size=6, shuffle=False, verbose=0)
    found.fit(*data, steps_per_epoch=4, shuffle=False, verbose=0)
    assert_same(found, expected)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"y": np.zeros((22, 2))}, "`y` must be None"),
        ({"batch_size": 4}, "`batch_size` must be None"),
        ({"sample_weight": np.ones(22)}, "`sample_weight` must be None"),
        ({"validation_split": 0.5}, "`validation_split` needs x as an array"),
    ],
    ids=["y", "batch_size", "sample_weight", "validation_split"],
)
def test_arguments_that_make_no_sense_with_batches_are_refused(
    arguments: dict[str, Any], words: str, data: tuple[Array, Array]
) -> None:
    with pytest.raises(ValueError, match=words):
        model().fit(Batches(*data, 8), verbose=0, **arguments)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (lambda x, y: iter([]), "no batches"),
        (lambda x, y: iter([x]), "must give batches"),
        (lambda x, y: iter([(x, y, None, None)]), "of 4 parts"),
        (lambda x, y: iter([(x[:, :3], y)]), "3 features"),
        (lambda x, y: iter([(x * np.nan, y)]), "NaN"),
    ],
    ids=["nothing", "no pair", "four", "narrow", "nan"],
)
def test_bad_batches_are_refused(source: Any, words: str, data: tuple[Array, Array]) -> None:
    with pytest.raises(ValueError, match=words):
        model().fit(source(*data), verbose=0)
