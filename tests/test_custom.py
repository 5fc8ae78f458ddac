"""Losses and metrics written in Python, weighted metrics, loss weights, and what is chosen by shape."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lamella
from lamella import Input, Sequential, layers, losses, metrics

Array = np.ndarray[Any, np.dtype[Any]]


def squares(y_true: Array, y_pred: Array) -> Array:
    return np.mean((y_true - y_pred) ** 2, axis=-1)


squares.gradient = lambda t, p: 2 * (p - t) / p.shape[-1]  # type: ignore[attr-defined]


class Squares(losses.Loss):
    def call(self, y_true: Any, y_pred: Any) -> Any:
        return squares(y_true, y_pred)

    def gradient(self, y_true: Any, y_pred: Any) -> Any:
        return squares.gradient(y_true, y_pred)  # type: ignore[attr-defined]


class Largest(metrics.Metric):
    def __init__(self, name: str = "largest") -> None:
        super().__init__(name)
        self.value = self.add_variable((), name="value")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        self.value.assign(max(float(self.value), float(np.max(y_pred))))

    def result(self) -> float:
        return float(self.value)


def model(loss: Any, units: int = 3, activation: str | None = None, **options: Any) -> Sequential:
    lamella.utils.set_random_seed(5)
    made = Sequential([Input((4,)), layers.Dense(6, "tanh"), layers.Dense(units, activation)])
    made.compile("rmsprop", loss, **options)
    return made


@pytest.fixture
def data(rng: np.random.Generator) -> tuple[Array, Array]:
    return rng.standard_normal((50, 4), dtype=np.float32), rng.random((50, 3), dtype=np.float32)


@pytest.mark.parametrize("custom", [squares, Squares(), Squares(name="mine")], ids=["function", "class", "named"])
@pytest.mark.parametrize("threads", [1, 3])
def test_loss_in_python_trains_as_that_of_the_core(custom: Any, threads: int, data: tuple[Array, Array]) -> None:
    lamella.set_num_threads(threads)
    weights = np.linspace(0, 2, 50).astype(np.float32)
    mine, ours = model(custom, metrics=["mae"]), model("mse", metrics=["mae"])
    histories = [
        m.fit(*data, epochs=3, batch_size=16, sample_weight=weights, shuffle=False, verbose=0) for m in (mine, ours)
    ]
    for name, values in histories[1].history.items():
        np.testing.assert_allclose(histories[0].history[name], values, rtol=2e-5)
    for a, b in zip(mine.get_weights(), ours.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(mine.evaluate(*data, verbose=0), ours.evaluate(*data, verbose=0), rtol=1e-4)
    found, expected = mine.gradients(*data), ours.gradients(*data)
    assert found[0] == pytest.approx(expected[0], rel=1e-4)
    np.testing.assert_allclose(found[2], expected[2], rtol=1e-3, atol=1e-7)


@pytest.mark.parametrize("reduction", ["sum", "mean_with_sample_weight"])
def test_reduction_of_a_loss_in_python(reduction: str, data: tuple[Array, Array]) -> None:
    weights = np.linspace(0.5, 2, 50).astype(np.float32)
    mine, ours = model(Squares(reduction=reduction)), model(losses.MeanSquaredError(reduction=reduction))
    for each in (mine, ours):
        each.fit(*data, batch_size=50, sample_weight=weights, verbose=0, shuffle=False)
    for a, b in zip(mine.get_weights(), ours.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_loss_of_class_numbers_in_python(rng: np.random.Generator) -> None:
    def surprise(y_true: Array, y_pred: Array) -> Array:
        return -np.log(y_pred[np.arange(len(y_true)), y_true])

    def gradient(y_true: Array, y_pred: Array) -> Array:
        slopes = np.zeros_like(y_pred)
        rows = np.arange(len(y_true))
        slopes[rows, y_true] = -1 / y_pred[rows, y_true]
        return slopes

    surprise.gradient, surprise.labels = gradient, True  # type: ignore[attr-defined]
    x, y = rng.standard_normal((40, 4), dtype=np.float32), rng.integers(0, 3, 40)
    mine = model(surprise, activation="softmax", metrics=["accuracy"])
    ours = model("sparse_categorical_crossentropy", activation="softmax", metrics=["accuracy"])
    for each in (mine, ours):
        each.fit(x, y, epochs=2, shuffle=False, verbose=0)
    np.testing.assert_allclose(mine.evaluate(x, y, verbose=0), ours.evaluate(x, y, verbose=0), rtol=1e-4)


def test_loss_without_gradient_evaluates_and_says_what_training_needs(data: tuple[Array, Array]) -> None:
    made = model(lambda t, p: np.abs(t - p).mean(-1))
    assert made.evaluate(*data, verbose=0) == pytest.approx(np.abs(data[1] - made.predict(data[0])).mean(), rel=1e-5)
    before = made.get_weights()
    for train in (made.fit, made.train_on_batch, made.gradients):
        with pytest.raises(TypeError, match="gradient"):
            train(*data)
    for a, b in zip(made.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)


def normalized(loss: Any) -> Sequential:
    """With moving statistics, which a step that is thrown away must not move."""
    lamella.utils.set_random_seed(5)
    made = Sequential([Input((4,)), layers.Dense(6, "tanh"), layers.BatchNormalization(), layers.Dense(3)])
    made.compile("rmsprop", loss)
    return made


@pytest.mark.parametrize("made", [model, normalized])
def test_what_a_loss_in_python_raises_comes_out_and_leaves_the_last_step(made: Any, data: tuple[Array, Array]) -> None:
    calls = []

    class Broken(Squares):
        def call(self, y_true: Any, y_pred: Any) -> Any:
            calls.append(len(y_true))
            if len(calls) == 3:
                raise RuntimeError("third batch")
            return super().call(y_true, y_pred)

        def gradient(self, y_true: Any, y_pred: Any) -> Any:
            return super().gradient(y_true, y_pred)

    broken, two_steps = made(Broken()), made(Squares())
    with pytest.raises(RuntimeError, match="third batch"):
        broken.fit(*data, batch_size=10, shuffle=False, verbose=0)
    two_steps.fit(data[0][:20], data[1][:20], batch_size=10, shuffle=False, verbose=0)
    for a, b in zip(broken.get_weights(), two_steps.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert broken.optimizer.iterations == 2
    broken.fit(*data, verbose=0)


@pytest.mark.parametrize("bad", [lambda t, p: np.zeros(3), lambda t, p: "x"], ids=["length", "text"])
def test_wrong_values_of_a_loss_in_python_are_refused(bad: Any, data: tuple[Array, Array]) -> None:
    with pytest.raises((ValueError, TypeError)):
        model(bad).evaluate(*data, verbose=0)


def test_metrics_in_python_see_every_batch(data: tuple[Array, Array]) -> None:
    x, y = data
    made = model("mse", metrics=[Largest(), metrics.RootMeanSquaredError(), lambda t, p: np.abs(t - p).max(-1), "auc"])
    y = (y > 0.5).astype(np.float32)
    logs = made.evaluate(x, y, verbose=0, return_dict=True)
    p = made.predict(x)
    assert list(made.metrics_names) == ["loss", "largest", "root_mean_squared_error", "lambda", "auc"]
    assert logs["largest"] == pytest.approx(max(p.max(), 0), rel=1e-6)
    assert logs["root_mean_squared_error"] == pytest.approx(np.sqrt(np.square(y - p).mean()), rel=1e-5)
    assert logs["lambda"] == pytest.approx(np.abs(y - p).max(-1).mean(), rel=1e-5)
    auc = metrics.AUC()
    assert logs["auc"] == pytest.approx(float(auc(y, p)), rel=1e-6)
    history = made.fit(x, y, epochs=2, batch_size=16, validation_data=(x, y), verbose=0)
    assert set(history.history) == {f"{v}{k}" for v in ("", "val_") for k in made.metrics_names}
    assert history.history["val_auc"][-1] == pytest.approx(made.evaluate(x, y, verbose=0, return_dict=True)["auc"])


def test_metrics_in_python_agree_with_the_core_during_training(data: tuple[Array, Array]) -> None:
    watched = [metrics.MeanMetricWrapper(metrics.mean_absolute_error, name="python"), "mae"]
    made = model("mse", weighted_metrics=watched)
    history = made.fit(*data, epochs=2, batch_size=16, sample_weight=np.linspace(0, 2, 50), verbose=0).history
    np.testing.assert_allclose(history["python"], history["mae"], rtol=1e-5)


def test_evaluation_inside_of_a_fit_leaves_running_metrics_alone(data: tuple[Array, Array]) -> None:
    seen = {}

    class Evaluate(lamella.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            if batch == 1:
                self.model.evaluate(data[0][:5], data[1][:5], verbose=0)

    for name, callbacks in (("plain", []), ("evaluating", [Evaluate()])):
        made = model("mse", metrics=[Largest(), metrics.RootMeanSquaredError(), "mae"])
        seen[name] = made.fit(*data, batch_size=10, shuffle=False, callbacks=callbacks, verbose=0).history
    for name, values in seen["plain"].items():
        np.testing.assert_allclose(seen["evaluating"][name], values, rtol=1e-6)


def test_weighted_metrics_count_samples_by_weight(data: tuple[Array, Array]) -> None:
    x, y = data
    w = np.linspace(0, 3, 50).astype(np.float32)
    made = model("mse", metrics=["mae"], weighted_metrics=["mae", "mse", metrics.RootMeanSquaredError()])
    logs = made.evaluate(x, y, sample_weight=w, verbose=0, return_dict=True)
    error = np.abs(y - made.predict(x)).astype(np.float64)
    assert made.metrics_names == ["loss", "mae", "weighted_mae", "mse", "root_mean_squared_error"]
    assert logs["mae"] == pytest.approx(error.mean(), rel=1e-5)
    assert logs["weighted_mae"] == pytest.approx(np.average(error.mean(-1), weights=w), rel=1e-5)
    assert logs["mse"] == pytest.approx(np.average((error**2).mean(-1), weights=w), rel=1e-5)
    assert logs["root_mean_squared_error"] == pytest.approx(logs["mse"] ** 0.5, rel=1e-5)


def test_loss_weight_multiplies_loss_and_gradient(data: tuple[Array, Array]) -> None:
    plain, tripled = model("mse"), model("mse", loss_weights=3.0)
    loss, of_weights, _ = plain.gradients(*data)
    found, of_tripled, _ = tripled.gradients(*data)
    assert found == pytest.approx(3 * loss, rel=1e-6)
    for a, b in zip(of_tripled, of_weights, strict=True):
        np.testing.assert_allclose(a, 3 * b, rtol=1e-5, atol=1e-7)
    assert tripled.evaluate(*data, verbose=0) == pytest.approx(3 * plain.evaluate(*data, verbose=0), rel=1e-6)


@pytest.mark.parametrize(
    ("units", "targets", "expected"),
    [(1, "binary", "binary"), (3, "labels", "sparse_categorical"), (3, "rows", "categorical")],
    ids=["one output", "class numbers", "one-hot rows"],
)
@pytest.mark.parametrize("word", ["crossentropy", "ce"])
@pytest.mark.parametrize("built", [True, False], ids=["built", "unbuilt"])
def test_crossentropy_is_chosen_by_shape(
    built: bool, word: str, units: int, targets: str, expected: str, rng: np.random.Generator
) -> None:
    labels = rng.integers(0, max(units, 2), 30)
    y = np.eye(3, dtype=np.float32)[labels] if targets == "rows" else labels
    made = Sequential([Input((4,))] * built + [layers.Dense(units, "sigmoid" if units == 1 else "softmax")])
    made.compile("sgd", word, metrics=["accuracy", "ce"])
    x = rng.standard_normal((30, 4), dtype=np.float32)
    made.fit(x, y, epochs=2, verbose=0)
    assert made.loss.name == f"{expected}_crossentropy"
    loss, _, crossentropy = made.evaluate(x, y, verbose=0)
    assert crossentropy == pytest.approx(loss, rel=1e-5)


@pytest.mark.parametrize("ndim", [1, 2])
def test_loss_in_python_may_keep_the_axis_of_one_unit(ndim: int, data: tuple[Array, Array]) -> None:
    def elementwise(y_true: Array, y_pred: Array) -> Array:
        values = (y_true - y_pred) ** 2
        return values if ndim == 2 else values[:, 0]

    elementwise.gradient = lambda t, p: 2 * (p - t)  # type: ignore[attr-defined]
    mine, cores = model(elementwise, units=1), model("mse", units=1)
    y = data[1][:, :1]
    losses_of = [m.fit(data[0], y, shuffle=False, verbose=0).history["loss"][0] for m in (mine, cores)]
    assert losses_of[0] == pytest.approx(losses_of[1], rel=1e-5)


def test_one_value_for_each_sample_of_rank_two(rng: np.random.Generator) -> None:
    x, y = rng.standard_normal((4, 4, 5), np.float32), rng.random((4, 4, 2), np.float32)

    def by_sample(y_true: Array, y_pred: Array) -> Array:
        return np.mean((y_true - y_pred) ** 2, axis=(1, 2))

    made = Sequential([Input((4, 5)), layers.Dense(2)])
    made.compile("sgd", by_sample)
    weights = np.array([1, 0, 0, 3], np.float32)
    got = made.evaluate(x, y, sample_weight=weights, verbose=0)
    assert got == pytest.approx(float(np.mean(by_sample(y, made.predict(x)) * weights)), rel=1e-5)


@pytest.mark.parametrize("bad", [None, "x", 1j], ids=str)
def test_loss_and_gradient_must_be_real_numbers(bad: Any, data: tuple[Array, Array]) -> None:
    class Bad(Squares):
        def gradient(self, y_true: Any, y_pred: Any) -> Any:
            return bad

    made = model(Bad())
    before = made.get_weights()
    with pytest.raises(TypeError, match="gradient of the loss 'bad' must return real numbers"):
        made.fit(*data, verbose=0)
    with pytest.raises(TypeError, match="must return real numbers"):
        model(lambda t, p: bad).evaluate(*data, verbose=0)
    with pytest.raises(ValueError, match="mean over the last axis"):
        model(lambda t, p: (t - p) ** 2).evaluate(*data, verbose=0)
    for a, b in zip(before, made.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
