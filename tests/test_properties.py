"""Properties that hold for all data, tried on much of it: against float64, and of the library with itself.

The examples are the same in every run; LAMELLA_FUZZ=1 (`nox -s fuzz`) tries many more, new ones each time.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from reference.network import Network
from reference.terms import absolute_terms

import lamella
from lamella import Input, Sequential, layers, optimizers
from lamella.models import load_model

LONG = bool(os.environ.get("LAMELLA_FUZZ"))
COMMON: dict[str, Any] = {"deadline": None, "suppress_health_check": list(HealthCheck)}
bounded = settings(max_examples=1000 if LONG else 40, derandomize=not LONG, **COMMON)

pytestmark = pytest.mark.filterwarnings("ignore:Layer .* has one output and the activation softmax:UserWarning")

SIZES = st.one_of(st.integers(1, 70), st.sampled_from([7, 8, 9, 15, 16, 17, 63, 64, 65]))  # around registers and lines
ACTIVATIONS = st.sampled_from(["linear", "relu", "tanh", "sigmoid", "softmax", "gelu", "elu"])
TYPES = st.sampled_from(["f4", "f8", "f2", "u1", "i4", "i8", "?", ">f4", ">f8"])


def numbers(shape: tuple[int, ...], scale: float = 1) -> st.SearchStrategy[Any]:
    return hnp.arrays(np.float32, shape, elements=st.floats(-scale, scale, width=32, allow_subnormal=False))


@st.composite
def networks(draw: Any, losses: tuple[str, ...] = ("mse",), kinks: bool = True) -> tuple[Sequential, list[Any]]:
    """A compiled model, and what the float64 reference is made of."""
    width, depth = draw(SIZES), draw(st.integers(0, 2))
    kinds = ACTIVATIONS if kinks else st.sampled_from(["linear", "tanh", "sigmoid"])
    specs = [(draw(SIZES), draw(kinds)) for _ in range(depth + 1)]
    model = Sequential([Input((width,)), *[layers.Dense(units, act) for units, act in specs]])
    model.compile(optimizers.SGD(0.1), draw(st.sampled_from(losses)))
    seed = draw(st.integers(0, 2**32 - 1))
    generator = np.random.default_rng(seed)
    model.set_weights([generator.normal(0, 0.5, w.shape).astype(np.float32) for w in model.get_weights()])
    return model, [("Dense", {"units": units, "activation": act}) for units, act in specs]


def reference(model: Sequential, specs: list[Any], **options: Any) -> Network:
    network = Network(specs, "mse", ("SGD", {"learning_rate": 0.1}), **options)
    network.set_weights(model.get_weights())
    return network


@st.composite
def layouts(draw: Any, x: Any) -> Any:
    """The same numbers, lying otherwise in memory."""
    rows, cols = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    wide = np.zeros((len(x) * rows, x.shape[1] * cols), x.dtype)
    wide[::rows, ::cols] = x
    strided, backwards = wide[::rows, ::cols], x[::-1].copy()[::-1]
    return draw(st.sampled_from([strided, np.asfortranarray(x), backwards, x[:, ::-1].copy()[:, ::-1]]))


@bounded
@given(networks(), st.data())
def test_predictions_are_those_of_float64(made: Any, data: st.DataObject) -> None:
    model, specs = made
    x = data.draw(numbers((data.draw(SIZES), model.input_shape[1] or 0), 3))
    expected = reference(model, specs).predict(x)
    np.testing.assert_allclose(model.predict(x), expected, rtol=2e-5, atol=2e-5 * (1 + np.abs(expected).max()))


@bounded
@given(networks(kinks=False), st.data())
def test_gradients_are_those_of_float64_to_one_in_a_million(made: Any, data: st.DataObject) -> None:
    model, specs = made
    rows = data.draw(SIZES)
    generator = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    # Sums of like signs: where they cancel, no float32 program has six digits of what is left (the next test has those
    # sums). Nor of 1 - y² where tanh is near 1, so weights are small.
    model.set_weights([np.abs(w) / len(w) for w in model.get_weights()])
    x = generator.uniform(0.1, 1, (rows, model.input_shape[1] or 0)).astype(np.float32)
    y = generator.uniform(90, 100, (rows, model.output_shape[1] or 0)).astype(np.float32)
    loss, gradients, of_x = model.gradients(x, y)
    expected_loss, expected, expected_of_x = reference(model, specs).gradients(x, y)
    assert loss == pytest.approx(expected_loss, rel=1e-5)
    for found, wanted in zip([*gradients, of_x], [*expected, expected_of_x], strict=True):
        assert np.linalg.norm(found - wanted) <= 1e-6 * np.linalg.norm(wanted) + 1e-9


@bounded
@given(networks(kinks=False), st.data())
def test_each_number_of_a_gradient_is_within_a_millionth_of_its_terms(made: Any, data: st.DataObject) -> None:
    model, specs = made
    rows, generator = data.draw(SIZES), np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    x = generator.uniform(-1, 1, (rows, model.input_shape[1] or 0)).astype(np.float32)
    y = generator.normal(0, data.draw(st.sampled_from([1, 100])), (rows, model.output_shape[1] or 0)).astype(np.float32)
    _, gradients, of_x = model.gradients(x, y)
    _, expected, expected_of_x = reference(model, specs).gradients(x, y)
    terms = absolute_terms([options["activation"] for _, options in specs], model.get_weights(), x, y)
    for found, wanted, size in zip([*gradients, of_x], [*expected, expected_of_x], terms, strict=True):
        assert (np.abs(found - wanted) <= 1e-6 * size + 1e-37).all()


@pytest.mark.parametrize("seed", range(3))
def test_gradient_of_the_books_network_is_within_a_millionth_of_float64(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(size=(128, 784)).astype(np.float32), rng.integers(0, 10, 128)
    lamella.utils.set_random_seed(seed)
    model = Sequential([Input((784,)), layers.Dense(512, "relu"), layers.Dense(10, "softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    specs = [("Dense", {"units": 512, "activation": "relu"}), ("Dense", {"units": 10, "activation": "softmax"})]
    network = Network(specs, "SparseCategoricalCrossentropy", ("SGD", {"learning_rate": 0.1}))
    network.set_weights(model.get_weights())
    _, gradients, of_x = model.gradients(x, y)
    _, expected, expected_of_x = network.gradients(x, y)
    for found, wanted in zip([*gradients, of_x], [*expected, expected_of_x], strict=True):
        assert np.linalg.norm(found - wanted) <= 1e-6 * np.linalg.norm(wanted)


@bounded
@given(networks(), TYPES, st.data())
def test_neither_the_type_nor_the_layout_of_inputs_changes_a_bit(made: Any, kind: str, data: st.DataObject) -> None:
    model, _ = made
    shape = (data.draw(SIZES), model.input_shape[1] or 0)
    x = data.draw(hnp.arrays(np.dtype(kind), shape, elements={"min_value": 0, "max_value": 1} if kind != "?" else None))
    expected = model.predict(np.ascontiguousarray(x, np.float32))
    np.testing.assert_array_equal(model.predict(data.draw(layouts(x))), expected)
    y = np.zeros((len(x), model.output_shape[1] or 0))
    before = model.get_weights()
    losses = []
    for each in (np.ascontiguousarray(x, np.float32), data.draw(layouts(x))):
        model.set_weights(before)
        losses.append(model.train_on_batch(each, y))
        losses.append(b"".join(w.tobytes() for w in model.get_weights()))
    assert losses[:2] == losses[2:]


@bounded
@given(networks(), st.data())
def test_rows_are_independent_in_predictions(made: Any, data: st.DataObject) -> None:
    model, _ = made
    rows = data.draw(SIZES)
    x = data.draw(numbers((rows, model.input_shape[1] or 0), 3))
    whole = model.predict(x)
    order = np.array(data.draw(st.permutations(range(rows))))
    scale = 1 + np.abs(whole).max()
    np.testing.assert_allclose(model.predict(x[order]), whole[order], rtol=1e-5, atol=1e-5 * scale)
    cut = data.draw(st.integers(0, rows))
    parts = np.concatenate([model.predict(x[:cut]), model.predict(x[cut:])])
    np.testing.assert_allclose(parts, whole, rtol=1e-5, atol=1e-5 * scale)


@pytest.mark.filterwarnings("ignore:The loss became:RuntimeWarning")  # some diverge, all to the same bits
@bounded
@given(networks(), st.data())
def test_threads_and_copies_of_weights_change_no_bit(made: Any, data: st.DataObject) -> None:
    model, _ = made
    generator = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    x = generator.standard_normal((data.draw(SIZES), model.input_shape[1] or 0)).astype(np.float32)
    y = generator.standard_normal((len(x), model.output_shape[1] or 0)).astype(np.float32)
    before, ends = model.get_weights(), []
    for threads in (1, 2, 3, 8):
        lamella.set_num_threads(threads)
        model.set_weights(before)
        model.set_weights(model.get_weights())
        model.fit(x, y, batch_size=7, verbose=0, shuffle=False)
        ends.append([w.tobytes() for w in model.get_weights()] + [model.predict(x).tobytes()])
    lamella.set_num_threads(0)
    assert ends[1:] == ends[:1] * 3


@bounded
@given(networks(kinks=False), st.data())
def test_data_that_is_there_twice_counts_as_weights_of_two(made: Any, data: st.DataObject) -> None:
    model, _ = made
    rows = data.draw(st.integers(1, 20))
    generator = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    x = generator.standard_normal((rows, model.input_shape[1] or 0)).astype(np.float32)
    y = generator.standard_normal((rows, model.output_shape[1] or 0)).astype(np.float32)
    # a mean over twice as many rows is half of a sum with weights of two
    twice = model.gradients(np.concatenate([x, x]), np.concatenate([y, y]))
    weighted = model.gradients(x, y, sample_weight=np.full(rows, 2.0))
    for one, other in zip(twice[1], weighted[1], strict=True):
        np.testing.assert_allclose(2 * one, other, rtol=2e-4, atol=2e-5 * (1 + np.abs(other).max()))


@bounded
@given(networks(), st.data())
def test_no_gradient_is_no_change(made: Any, data: st.DataObject) -> None:
    model, _ = made
    x = data.draw(numbers((data.draw(SIZES), model.input_shape[1] or 0), 3))
    before = [w.tobytes() for w in model.get_weights()]
    y = np.zeros((len(x), model.output_shape[1] or 0))
    model.train_on_batch(x, y, sample_weight=np.zeros(len(x)))
    assert [w.tobytes() for w in model.get_weights()] == before


@bounded
@given(networks(), st.sampled_from([".safetensors", ".keras"]), st.data())
def test_a_saved_model_is_the_same_to_the_bit(made: Any, ending: str, data: st.DataObject) -> None:
    model, _ = made
    if ending == ".keras":
        pytest.importorskip("h5py")
    x = data.draw(numbers((5, model.input_shape[1] or 0), 3))
    y = np.zeros((5, model.output_shape[1] or 0))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"model{ending}"
        model.save(path)
        loaded = load_model(path)
    for each in (model, loaded):
        each.fit(x, y, verbose=0, shuffle=False)
    assert [w.tobytes() for w in loaded.get_weights()] == [w.tobytes() for w in model.get_weights()]


class Machine(RuleBasedStateMachine):
    """A model in any order of calls, beside a float64 network that does the same."""

    folder: Any = None

    @initialize(width=st.integers(1, 9))
    def begin(self, width: int) -> None:
        self.model, self.specs, self.width = Sequential([Input((width,))]), [], width
        self.network: Network | None = None
        self.generator = np.random.default_rng(width)
        self.saved: bytes | None = None

    def data(self, rows: int) -> tuple[Any, Any]:
        outputs = self.specs[-1][1]["units"]
        return self.generator.standard_normal((rows, self.width)).astype("f4"), self.generator.standard_normal(
            (rows, outputs)
        ).astype("f4")

    @precondition(lambda self: len(self.specs) < 4)
    @rule(units=st.integers(1, 9), activation=st.sampled_from(["linear", "tanh", "sigmoid"]))
    def add(self, units: int, activation: str) -> None:
        self.model.add(layers.Dense(units, activation))
        self.specs.append(("Dense", {"units": units, "activation": activation}))
        self.sync()

    @precondition(lambda self: len(self.specs) > 1)
    @rule()
    def pop(self) -> None:
        self.model.pop()
        self.specs.pop()
        self.sync()

    @precondition(lambda self: self.specs)
    @rule()
    def compile(self) -> None:
        self.model.compile(optimizers.SGD(0.05), "mse")
        self.sync()

    def sync(self) -> None:
        if self.specs and self.model._compiled is not None:
            self.network = Network(self.specs, "mse", ("SGD", {"learning_rate": 0.05}))
            self.network.set_weights(self.model.get_weights())

    @precondition(lambda self: self.network is not None)
    @rule(rows=st.integers(1, 40), batch=st.integers(1, 40))
    def fit(self, rows: int, batch: int) -> None:
        x, y = self.data(rows)
        assert self.network is not None
        found = self.model.fit(x, y, batch_size=batch, verbose=0, shuffle=False).history["loss"][0]
        assert found == pytest.approx(self.network.fit(x, y, batch_size=batch), rel=1e-4, abs=1e-6)

    @precondition(lambda self: self.specs)
    @rule(rows=st.integers(0, 3))
    def bad_calls(self, rows: int) -> None:
        x, _ = self.data(rows)
        for call in (
            lambda: self.model.fit(x[:, :-1], np.zeros(rows), verbose=0),
            lambda: self.model.fit(x, np.zeros((rows + 1, 1)), verbose=0),
            lambda: self.model.set_weights([]),
        ):
            with pytest.raises(ValueError):
                call()

    @precondition(lambda self: self.specs)
    @rule()
    def set_weights(self) -> None:
        self.model.set_weights([w * np.float32(0.5) for w in self.model.get_weights()])
        self.sync()

    @precondition(lambda self: self.specs)
    @rule()
    def save_and_load(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.safetensors"
            self.model.save(path)
            self.model = load_model(path)

    @invariant()
    def predictions_are_those_of_the_network(self) -> None:
        if getattr(self, "network", None) is not None:
            x, _ = self.data(5)
            assert self.network is not None
            np.testing.assert_allclose(self.model.predict(x), self.network.predict(x), rtol=1e-3, atol=1e-4)


Machine.TestCase.settings = settings(
    max_examples=200 if LONG else 15, stateful_step_count=30, derandomize=not LONG, **COMMON
)
TestCallsInAnyOrder = Machine.TestCase
