"""Layers of one output behind others, whose kernels lie as rows (`Layout::add_column`)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import sparse

import lamella
from lamella import constraints, layers, regularizers

Array = np.ndarray[Any, np.dtype[Any]]
HIDDEN = [1, 16, 37, 300, 2100]  # less than a register, whole ones, a part behind; more than a tile of a gradient


def model_of(hidden: int, rng: np.random.Generator, activation: str = "tanh", **settings: Any) -> lamella.Sequential:
    model = lamella.Sequential(
        [lamella.Input((7,)), layers.Dense(hidden, activation), layers.Dense(1, name="last", **settings)]
    )
    model.set_weights([(rng.standard_normal(w.shape) / 3).astype(np.float32) for w in model.get_weights()])
    return model


def float64(weights: list[Array], x: Array, y: Array) -> tuple[Array, list[Array]]:
    """The output, and the gradients of the mean squared error."""
    w1, b1, w2, b2 = (w.astype(np.float64) for w in weights)
    first = np.tanh(x @ w1 + b1)
    out = first @ w2 + b2
    delta = 2 * (out - y) / out.size
    below = (delta @ w2.T) * (1 - first**2)
    return out, [x.T @ below, below.sum(0), first.T @ delta, delta.sum(0)]


@pytest.mark.parametrize("rows", [1, 3, 4, 17, 40])
@pytest.mark.parametrize("hidden", HIDDEN)
def test_outputs_and_gradients_are_the_reference(hidden: int, rows: int, rng: np.random.Generator) -> None:
    model = model_of(hidden, rng)
    model.compile(lamella.optimizers.SGD(0.5), "mse")
    x, y = (rng.standard_normal((rows, n)).astype(np.float32) for n in (7, 1))
    weights = model.get_weights()
    out, slopes = float64(weights, x, y)
    np.testing.assert_allclose(model.predict(x, verbose=0), out, rtol=1e-5, atol=1e-5)
    model.train_on_batch(x, y)
    for before, slope, now in zip(weights, slopes, model.get_weights(), strict=True):
        np.testing.assert_allclose(now, before - 0.5 * slope, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "options", [{}, {"clipnorm": 0.1}, {"use_ema": True}, {"gradient_accumulation_steps": 2}], ids=str
)
def test_threads_change_no_bit(options: dict[str, Any], rng: np.random.Generator) -> None:
    x, y = (rng.standard_normal((300, n)).astype(np.float32) for n in (7, 1))
    initial = model_of(2100, rng).get_weights()
    found = []
    before = lamella.get_num_threads()
    for threads in (1, 2, 3, 8):
        lamella.set_num_threads(threads)
        model = model_of(2100, rng)
        model.set_weights(initial)
        model.compile(lamella.optimizers.Adam(0.01, **options), "mse")
        model.fit(x, y, batch_size=150, epochs=2, shuffle=False, verbose=0)
        found.append([*model.get_weights(), model.predict(x, verbose=0)])
    lamella.set_num_threads(before)
    for weights in found[1:]:
        for one, other in zip(found[0], weights, strict=True):
            np.testing.assert_array_equal(other, one)


def test_what_stands_behind_the_last_hidden_unit_does_not_matter(rng: np.random.Generator) -> None:
    """An infinite input makes the hidden units 0 here, and NaN of the numbers that fill up their last register."""
    model = model_of(37, rng, "relu")
    weights = model.get_weights()
    weights[0] = -np.abs(weights[0])
    model.set_weights(weights)
    x = np.full((5, 7), np.inf, np.float32)
    np.testing.assert_array_equal(model.predict(x, verbose=0), np.full((5, 1), weights[3][0]))


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("kind", [constraints.MaxNorm, constraints.UnitNorm, constraints.MinMaxNorm])
def test_constraints_take_norms_along_the_axes_of_the_kernel(kind: Any, axis: int, rng: np.random.Generator) -> None:
    rule = kind(axis=axis)
    model = model_of(37, rng, kernel_constraint=rule)
    weights = model.get_weights()
    weights[2] *= 20
    model.set_weights(weights)
    model.compile(lamella.optimizers.SGD(0.0), "mse")
    model.train_on_batch(np.ones((4, 7)), np.ones((4, 1)))
    np.testing.assert_allclose(model.get_weights()[2], rule(weights[2]), rtol=1e-6, atol=1e-7)
    assert not np.array_equal(model.get_weights()[2], weights[2])


@pytest.mark.parametrize("mode", ["rows", "columns"])
def test_the_orthogonal_regularizer_takes_rows_of_the_kernel_for_rows(mode: str, rng: np.random.Generator) -> None:
    rule = regularizers.OrthogonalRegularizer(0.5, mode)
    model = model_of(37, rng, kernel_regularizer=rule)
    model.compile("sgd", "mse")
    x = rng.standard_normal((4, 7)).astype(np.float32)
    loss = model.evaluate(x, model.predict(x, verbose=0), verbose=0)
    assert loss == pytest.approx(float(rule(model.get_weights()[2])), rel=1e-5)
    assert loss == pytest.approx(0.5 if mode == "rows" else 0.0, abs=1e-6)  # pairs of single numbers are parallel


@pytest.mark.parametrize("penalty", [regularizers.L1(0.1), regularizers.L2(0.1), regularizers.L1L2(0.1, 0.2)])
def test_penalties_are_the_same(penalty: Any, rng: np.random.Generator) -> None:
    model = model_of(37, rng, kernel_regularizer=penalty)
    model.compile(lamella.optimizers.SGD(1.0), "mse")
    before = model.get_weights()[2].astype(np.float64)
    x = rng.standard_normal((4, 7)).astype(np.float32)
    y = model.predict(x, verbose=0)
    assert model.evaluate(x, y, verbose=0) == pytest.approx(float(penalty(before)), rel=1e-5)
    model.train_on_batch(x, y)
    slope = penalty.l1 * np.sign(before) if hasattr(penalty, "l1") else 0
    slope = slope + (2 * penalty.l2 * before if hasattr(penalty, "l2") else 0)
    np.testing.assert_allclose(model.get_weights()[2], before - slope, rtol=1e-5, atol=1e-6)


def test_the_last_layer_as_a_model_takes_rows_of_zeros(rng: np.random.Generator) -> None:
    """Its first layer is then one whose kernel lies as a row, which compressed rows cannot be multiplied with."""
    model = model_of(300, rng)
    last = lamella.Sequential([lamella.Input((300,)), model.get_layer("last")])
    x = rng.standard_normal((200, 300)).astype(np.float32)
    x[rng.random(x.shape) < 0.97] = 0
    kernel, bias = (w.astype(np.float64) for w in last.get_weights())
    wanted = x @ kernel + bias
    for given in (x, sparse.csr_array(x)):
        np.testing.assert_allclose(last.predict(given, verbose=0), wanted, rtol=1e-5, atol=1e-5)
    last.compile(lamella.optimizers.SGD(1.0), "mse")
    last.train_on_batch(sparse.csr_array(x), np.zeros((200, 1)))
    np.testing.assert_allclose(model.get_weights()[2], kernel - x.T @ (2 * wanted / 200), rtol=1e-5, atol=1e-5)


def test_states_of_the_optimizer_keep_their_shape(rng: np.random.Generator) -> None:
    model = model_of(37, rng)
    model.compile(lamella.optimizers.Adam(), "mse")
    model.train_on_batch(np.ones((4, 7)), np.ones((4, 1)))
    kernel = model.get_weights()[2]
    assert kernel.shape == (37, 1)
    momentum = [np.asarray(v) for v in model.optimizer.variables if np.asarray(v).shape == (37, 1)]
    assert len(momentum) == 2
    assert all(np.all(m != 0) for m in momentum)
