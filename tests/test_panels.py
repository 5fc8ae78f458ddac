"""Layers wider than a panel of columns (cpp/core/panels.hpp): what crosses from one panel to the next."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lamella
from lamella import layers, regularizers
from lamella._core import core

Array = np.ndarray[Any, np.dtype[Any]]
WIDTHS = [(127, 128), (129, 256), (300, 257)]


def wide_model(first: int, second: int, rng: np.random.Generator, **settings: Any) -> lamella.Sequential:
    model = lamella.Sequential(
        [lamella.Input((40,)), layers.Dense(first, "relu", **settings), layers.Dense(second, "tanh"), layers.Dense(3)]
    )
    model.set_weights([(rng.standard_normal(w.shape) / 8).astype(np.float32) for w in model.get_weights()])
    return model


def forward(weights: list[Array], x: Array) -> list[Array]:
    """Outputs of the three layers."""
    w1, b1, w2, b2, w3, b3 = (w.astype(np.float64) for w in weights)
    first = np.maximum(x @ w1 + b1, 0)
    second = np.tanh(first @ w2 + b2)
    return [first, second, second @ w3 + b3]


def gradients(weights: list[Array], x: Array, y: Array) -> list[Array]:
    """Of the mean squared error."""
    first, second, out = forward(weights, x)
    delta = 2 * (out - y) / out.size
    found = [second.T @ delta, delta.sum(0)]
    delta = (delta @ weights[4].T.astype(np.float64)) * (1 - second**2)
    found = [first.T @ delta, delta.sum(0), *found]
    delta = (delta @ weights[2].T.astype(np.float64)) * (first > 0)
    return [x.T @ delta, delta.sum(0), *found]


@pytest.mark.parametrize("widths", WIDTHS, ids=str)
def test_weights_come_back_as_they_were_given(widths: tuple[int, int], rng: np.random.Generator) -> None:
    model = wide_model(*widths, rng)
    given = [rng.standard_normal(w.shape).astype(np.float32) for w in model.get_weights()]
    model.set_weights(given)
    for before, now in zip(given, model.get_weights(), strict=True):
        np.testing.assert_array_equal(now, before)


@pytest.mark.parametrize("share", [1.0, 0.1], ids=["dense", "sparse"])
@pytest.mark.parametrize("rows", [1, 3, 33])
@pytest.mark.parametrize("widths", WIDTHS, ids=str)
def test_outputs_and_gradients_are_the_reference(
    widths: tuple[int, int], rows: int, share: float, rng: np.random.Generator
) -> None:
    model = wide_model(*widths, rng)
    model.compile(lamella.optimizers.SGD(0.5), "mse")
    x = (rng.standard_normal((rows, 40)) * (rng.random((rows, 40)) < share)).astype(np.float32)
    y = rng.standard_normal((rows, 3)).astype(np.float32)
    weights = model.get_weights()
    np.testing.assert_allclose(model.predict(x, verbose=0), forward(weights, x)[-1], rtol=2e-5, atol=2e-5)
    wanted = gradients(weights, x, y)
    model.train_on_batch(x, y)
    for before, slope, now in zip(weights, wanted, model.get_weights(), strict=True):
        np.testing.assert_allclose(now, before - 0.5 * slope, rtol=2e-5, atol=2e-6)


def test_threads_change_no_bit(rng: np.random.Generator) -> None:
    x, y = rng.standard_normal((256, 40)).astype(np.float32), rng.standard_normal((256, 3)).astype(np.float32)
    x[:, ::2] = 0
    initial = [rng.standard_normal(w.shape).astype(np.float32) / 8 for w in wide_model(300, 257, rng).get_weights()]
    found = []
    for threads in (1, 2, 3, 8):
        before = lamella.get_num_threads()
        lamella.set_num_threads(threads)
        model = wide_model(300, 257, rng, kernel_regularizer=regularizers.L1L2(1e-4, 1e-3))
        model.set_weights(initial)
        model.compile("adam", "mse")
        model.fit(x, y, batch_size=64, epochs=2, shuffle=False, verbose=0)
        found.append(model.get_weights())
        lamella.set_num_threads(before)
    for other in found[1:]:
        for one, two in zip(found[0], other, strict=True):
            np.testing.assert_array_equal(one, two)


def test_state_of_the_optimizer_is_read_where_it_lies(rng: np.random.Generator) -> None:
    model = wide_model(300, 257, rng)
    model.compile(lamella.optimizers.SGD(0.1, momentum=0.9), "mse")
    x, y = rng.standard_normal((16, 40)).astype(np.float32), rng.standard_normal((16, 3)).astype(np.float32)
    wanted = [slope for slope in gradients(model.get_weights(), x, y) if slope.ndim == 2]
    model.train_on_batch(x, y)
    momenta = [np.array(v) for v in model.optimizer.variables if np.ndim(v) == 2]
    for momentum, slope in zip(momenta, wanted, strict=True):
        np.testing.assert_allclose(momentum, -0.1 * slope, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("cols", [64, 128, 129, 300])
def test_padding_stays_zero(cols: int, rng: np.random.Generator) -> None:
    """The core says so if a constraint writes behind the last column of a panel."""
    w = rng.standard_normal((5, cols)).astype(np.float32)
    w[0, 0] = np.inf
    found = core.constrain(lamella.constraints.UnitNorm(axis=1)._spec(core, 2), w)
    assert np.isnan(found[0]).any() and np.isfinite(found[1:]).all()
