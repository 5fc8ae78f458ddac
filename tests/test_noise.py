"""Noise: its distribution, its place in training only, and the same bits for any threads and chunks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from float64 import Double
from golden import section
from test_gradients import numeric

import lamella
from lamella import Input, Sequential, layers

Array = np.ndarray[Any, np.dtype[Any]]
KINDS: dict[str, Callable[..., Any]] = {
    "Dropout": lambda **o: layers.Dropout(0.25, **o),
    "AlphaDropout": lambda **o: layers.AlphaDropout(0.25, **o),
    "GaussianDropout": lambda **o: layers.GaussianDropout(0.2, **o),
    "GaussianNoise": lambda **o: layers.GaussianNoise(0.3, **o),
}


def noisy(layer: Any, x: Array) -> Array:
    """What the layer makes of x in a training step, told by the gradient of ½ (y - 0)², which is y times dy/dx."""
    return drawn(layer, x)[0]


def drawn(layer: Any, x: Array) -> tuple[Array, Array]:
    """(output, derivative of the output) in training, for x without zeros.

    With the loss mean((y - t)²) the gradient of the input is 2 (y - t) f / n for y = f x + s: two targets give f and y.
    """
    model = Sequential([Input(x.shape[1:]), layer])
    model.compile("sgd", "mse")
    scale = x.size / 2
    zero = model.gradients(x, np.zeros_like(x), training=True)[2] * scale  # y f
    one = model.gradients(x, np.ones_like(x), training=True)[2] * scale  # (y - 1) f
    factor = zero - one
    with np.errstate(invalid="ignore", divide="ignore"):
        return zero / factor, factor


X = np.full((200, 50), 2.0, np.float32)


def test_dropout_of_keras_on_ones() -> None:
    case = section("layers.dropout_0_25_on_ones")
    ones = np.ones((400, 25), np.float32)
    model = Sequential([Input((25,)), layers.Dropout(0.25, seed=3)])
    assert case["inference_is_identity"] and (model.predict(ones) == 1).all()
    _, factor = drawn(layers.Dropout(0.25, seed=3), ones)
    values = np.unique(np.round(factor, 5))
    np.testing.assert_allclose(values, case["distinct_values"], rtol=1e-5)
    assert (factor > 0).mean() == pytest.approx(case["kept_fraction_approx"], abs=0.02)


@pytest.mark.parametrize("kind", KINDS)
def test_prediction_and_evaluation_have_no_noise(kind: str, rng: np.random.Generator) -> None:
    x = rng.standard_normal((30, 7), dtype=np.float32)
    model = Sequential([Input((7,)), KINDS[kind]()])
    model.compile("sgd", "mse")
    np.testing.assert_array_equal(model.predict(x), x)
    assert model.evaluate(x, x, verbose=0) == 0.0
    assert model.train_on_batch(x, x) > 0.0


def test_alpha_dropout_keeps_mean_and_variance_of_selu_outputs(rng: np.random.Generator) -> None:
    x = rng.standard_normal((2000, 40), dtype=np.float32)
    model = Sequential([Input((40,)), layers.AlphaDropout(0.3, seed=5)])
    model.compile("sgd", "mse")
    # mean((y - t)²) for t = 0 and t = 1 gives E y² and E y.
    square = model.gradients(x, np.zeros_like(x), training=True)[0]
    mean = (square + 1 - model.gradients(x, np.ones_like(x), training=True)[0]) / 2
    assert mean == pytest.approx(0.0, abs=0.02)
    assert square - mean**2 == pytest.approx(1.0, abs=0.03)


def test_gaussian_dropout_multiplies_by_normal_numbers_of_mean_one() -> None:
    y, factor = drawn(layers.GaussianDropout(0.2, seed=1), X)
    np.testing.assert_allclose(y, X * factor, rtol=2e-3)
    assert factor.mean() == pytest.approx(1.0, abs=0.02)
    assert factor.std() == pytest.approx(0.5, abs=0.02)


def test_gaussian_noise_adds_normal_numbers() -> None:
    y, factor = drawn(layers.GaussianNoise(0.3, seed=1), X)
    np.testing.assert_allclose(factor, 1.0, rtol=1e-4)
    noise = (y - X).ravel()
    assert noise.mean() == pytest.approx(0.0, abs=0.01)
    assert noise.std() == pytest.approx(0.3, abs=0.01)
    assert (np.abs(noise) > 0.6).mean() == pytest.approx(0.0455, abs=0.008)  # beyond two deviations
    assert abs(np.corrcoef(noise[:-1], noise[1:])[0, 1]) < 0.03


@pytest.mark.parametrize("rate", [0.0, 0.5, 1.0])
def test_dropout_keeps_one_minus_rate(rate: float) -> None:
    _, factor = drawn(layers.Dropout(rate, seed=9), X)
    kept = factor > 0
    assert kept.mean() == pytest.approx(1 - rate, abs=0.02)
    np.testing.assert_allclose(factor[kept], 1 / (1 - rate) if rate < 1 else 0, rtol=1e-4)


@pytest.mark.parametrize(
    ("noise_shape", "axis"), [((None, 1), 1), ((1, None), 0), ((200, 1), 1)], ids=["row", "column", "named"]
)
def test_noise_shape_shares_draws(noise_shape: Any, axis: int) -> None:
    _, factor = drawn(layers.Dropout(0.5, noise_shape, seed=2), X)
    assert (np.ptp(factor, axis=axis) < 1e-4).all()
    assert 0.2 < (factor > 0).mean() < 0.8


def test_noise_shape_of_other_axes_is_refused() -> None:
    for shape in [(None,), (None, 2), (None, 1, 1)]:
        with pytest.raises(ValueError, match="noise_shape"):
            Sequential([Input((50,)), layers.Dropout(0.5, shape)])


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_of_noise_equal_finite_differences(kind: str, rng: np.random.Generator) -> None:
    model = Sequential([Input((4,)), layers.Dense(6, "tanh"), KINDS[kind](seed=4), layers.Dense(2)])
    model.compile("sgd", "mse")
    double = Double(model)
    x, y = rng.standard_normal((5, 4)), rng.random((5, 2))
    _, of_weights, of_inputs = double.gradients(x, y, training=True)
    for found, (expected, _) in (
        (of_weights, numeric(lambda w: double.loss(x, y, w, True), double.get_weights())),
        (of_inputs, numeric(lambda v: double.loss(v, y, training=True), x)),
    ):
        np.testing.assert_allclose(found, expected, rtol=2e-6, atol=1e-9)


def trained(kind: str, threads: int, rng_seed: int = 0, watch: bool = False) -> list[Array]:
    lamella.utils.set_random_seed(7)
    lamella.set_num_threads(threads)
    model = Sequential([Input((30,)), layers.Dense(200, "relu"), KINDS[kind](), layers.Dense(10, "softmax")])
    model.compile("rmsprop", "sparse_categorical_crossentropy")
    rng = np.random.default_rng(rng_seed)
    x, y = rng.standard_normal((500, 30), dtype=np.float32), rng.integers(0, 10, 500)

    class Watch(lamella.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            pass

    model.fit(x, y, batch_size=128, epochs=2, verbose=0, callbacks=[Watch()] if watch else None)
    weights: list[Array] = model.get_weights()
    return weights


@pytest.mark.parametrize("kind", KINDS)
def test_noise_gives_the_same_bits_for_any_threads_and_chunks(kind: str) -> None:
    expected = trained(kind, 1)
    for threads, watch in ((2, False), (3, True), (8, False), (1, True)):
        for found, wanted in zip(trained(kind, threads, watch=watch), expected, strict=True):
            np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("kind", KINDS)
def test_noise_is_new_in_every_step_and_layer(kind: str, rng: np.random.Generator) -> None:
    x = rng.standard_normal((64, 20), dtype=np.float32)
    losses = []
    model = Sequential([Input((20,)), KINDS[kind]()])
    model.compile("sgd", "mse")
    losses += [model.train_on_batch(x, x) for _ in range(3)]
    other = Sequential([Input((20,)), KINDS[kind]()])
    other.compile("sgd", "mse")
    losses.append(other.train_on_batch(x, x))
    assert len(set(losses)) == 4


@pytest.mark.parametrize("kind", KINDS)
def test_equal_seeds_draw_equal_noise(kind: str, rng: np.random.Generator) -> None:
    x = rng.standard_normal((64, 20), dtype=np.float32)
    losses = set()
    for _ in range(2):
        model = Sequential([Input((20,)), KINDS[kind](seed=11)])
        model.compile("sgd", "mse")
        losses.add(model.train_on_batch(x, x))
    assert len(losses) == 1
    assert KINDS[kind](seed=11).get_config()["seed"] == 11


@pytest.mark.parametrize(
    "make",
    [
        lambda: layers.Dropout(1.5),
        lambda: layers.Dropout(-0.1),
        lambda: layers.AlphaDropout(1.0),
        lambda: layers.GaussianDropout(1.0),
        lambda: layers.GaussianNoise(1.5),
        lambda: layers.Dropout("half"),  # type: ignore[arg-type]
    ],
    ids=["above", "below", "alpha", "gaussian", "stddev", "text"],
)
def test_rates_outside_are_refused(make: Callable[[], Any]) -> None:
    with pytest.raises(ValueError, match="must be a finite number"):
        make()
