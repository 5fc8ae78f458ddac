"""Activations agree with the reference to a few units in the last place, and let NaN and infinity through."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import reference
from golden import assert_close, cases

import lamella
from lamella import Input, Sequential, activations, layers, losses, optimizers
from lamella._core import core

# Measured over the whole range: tanh 4.3 (near 0.03), sigmoid 5.1 (below -80; 2.9 above), softmax 6.4 (below e**-40).
ULPS = {"linear": 0.0, "relu": 0.0, "tanh": 5.0, "sigmoid": 6.0, "softmax": 8.0}
if lamella.isa() == "x86_64_v2":  # without fused multiply-add every term of a polynomial is rounded twice
    ULPS |= {"tanh": 7.0, "softmax": 10.0}
TINY = np.finfo(np.float32).tiny
LANES = [1, 3, 10, 16, 17, 33]
ELEMENTWISE = [name for name in core.activations.names if name != "softmax"]

Array = np.ndarray[Any, np.dtype[Any]]


def exact_result(name: str, x: Array) -> Array:
    """In float64; for softmax of x minus its maximum in float32, which every float32 softmax starts from."""
    shifted = x - x.max(axis=-1, keepdims=True) if name == "softmax" else x
    return reference.activation(name, shifted)


def ulps(actual: Array, exact: Array) -> Array:
    """The distance in units of the last place; below the normal numbers, of the smallest normal one."""
    spacing = np.spacing(np.abs(exact).astype(np.float32)).astype(np.float64)
    return np.abs(actual.astype(np.float64) - exact) / np.where(np.abs(exact) < TINY, TINY, spacing)


def supported(case: dict[str, Any]) -> bool:
    return case["name"] in core.activations.names and not case["kwargs"]


GOLDEN = [case for case in cases("activations") if supported(case.values[0])]


def test_golden_file_covers_every_activation() -> None:
    assert {case.values[0]["name"] for case in GOLDEN} == set(core.activations.names)


@pytest.mark.parametrize("case", GOLDEN)
def test_activation_equals_keras(case: dict[str, Any]) -> None:
    assert_close(activations.get(case["name"])(case["x"]), case["y"])


@pytest.mark.parametrize("case", GOLDEN)
def test_activation_gradient_equals_keras(case: dict[str, Any]) -> None:
    # The loss sum(upstream * y) in terms of squares: mse to the targets y - upstream * n / 2 has that gradient.
    x, upstream = np.atleast_2d(case["x"]), np.atleast_2d(case["upstream"])
    model = Sequential([Input((x.shape[1],)), layers.Activation(case["name"])])
    model.compile("sgd", "mse")
    targets = model.predict(x) - upstream * upstream.size / 2
    assert_close(model.gradients(x, targets)[2], np.atleast_2d(case["grad"]), atol=5e-6)


@pytest.mark.parametrize("width", [1, 8, 15, 16, 17, 100, 1001], ids="width={}".format)
@pytest.mark.parametrize("name", core.activations.names)
def test_activation_is_exact_to_a_few_ulp(name: str, width: int, rng: np.random.Generator) -> None:
    for scale in (1e-3, 1.0, 10.0, 80.0):
        x = (rng.standard_normal((50, width)) * scale).astype(np.float32)
        y = activations.get(name)(x)
        assert ulps(y, exact_result(name, x)).max() <= ULPS[name], scale


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_activation_is_exact_on_a_fine_grid(name: str) -> None:
    x = np.linspace(-40, 40, 400_001, dtype=np.float32)
    assert ulps(activations.get(name)(x), reference.activation(name, x)).max() <= ULPS[name]


@pytest.mark.parametrize("name", ["sigmoid", "softmax"])
def test_activation_is_exact_to_four_ulp_where_it_is_not_tiny(name: str, rng: np.random.Generator) -> None:
    x = (rng.standard_normal((2000, 10)) * 3).astype(np.float32)
    y, exact = activations.get(name)(x), exact_result(name, x)
    assert ulps(y, exact)[exact > 1e-6].max() <= 4


@pytest.mark.parametrize("width", LANES, ids="width={}".format)
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_nan_stays_in_its_lane(name: str, width: int) -> None:
    for lane in range(width):
        x = np.linspace(-1, 1, width, dtype=np.float32)[None]
        x[0, lane] = np.nan
        y = activations.get(name)(x)
        assert np.isnan(y[0]).nonzero()[0].tolist() == [lane]
        kept = np.arange(width) != lane
        assert ulps(y[0, kept], reference.activation(name, x[0, kept])).max(initial=0) <= ULPS[name]


@pytest.mark.parametrize("width", LANES, ids="width={}".format)
@pytest.mark.parametrize("bad", [np.nan, np.inf], ids=str)
def test_softmax_of_a_row_with_nan_or_infinity_is_nan(bad: float, width: int) -> None:
    for lane in range(width):
        x = np.ones((2, width), np.float32)
        x[1, lane] = bad
        y = activations.softmax(x)
        assert np.isnan(y[1]).all(), lane
        assert np.isfinite(y[0]).all(), lane


@pytest.mark.parametrize("width", [3, 10, 16, 17, 33], ids="width={}".format)
def test_softmax_of_minus_infinity_is_zero(width: int) -> None:
    for lane in range(width):
        x = np.ones((1, width), np.float32)
        x[0, lane] = -np.inf
        y = activations.softmax(x)
        assert y[0, lane] <= TINY
        np.testing.assert_allclose(np.delete(y, lane, axis=1), 1 / (width - 1), rtol=1e-6)


@pytest.mark.parametrize("width", LANES, ids="width={}".format)
def test_infinity_reaches_the_limit_in_every_lane(width: int) -> None:
    limits = {"linear": (-np.inf, np.inf), "relu": (0, np.inf), "sigmoid": (0, 1), "tanh": (-1, 1)}
    assert set(limits) == set(ELEMENTWISE)
    for name, ends in limits.items():
        for value, limit in zip((-np.inf, np.inf), ends, strict=True):
            for lane in range(width):
                x = np.zeros(width, np.float32)
                x[lane] = value
                found = activations.get(name)(x)[lane]
                assert found == limit or abs(found - limit) <= TINY, (name, value, lane)


@pytest.mark.parametrize("offset", [0.0, 1e3, -1e3, 1e30, -1e30], ids="offset={}".format)
def test_softmax_of_large_logits_does_not_overflow(offset: float) -> None:
    y = activations.softmax(np.full((1, 5), offset, np.float32))
    np.testing.assert_allclose(y, 0.2, rtol=1e-6)


@pytest.mark.parametrize("width", [1, 16, 17, 1000], ids="width={}".format)
def test_softmax_rows_sum_to_one(width: int, rng: np.random.Generator) -> None:
    y = activations.softmax((rng.standard_normal((20, width)) * 20).astype(np.float32))
    np.testing.assert_allclose(y.sum(axis=1, dtype=np.float64), 1, rtol=1e-6)


def test_relu_has_slope_zero_at_zero() -> None:
    model = Sequential([Input((1,)), layers.Activation("relu")])
    model.compile(optimizers.SGD(), losses.MeanSquaredError())
    assert model.gradients([[0.0]], [[1.0]])[2] == 0
    assert model.gradients([[1e-30]], [[1.0]])[2] == -2


def test_activations_keep_any_shape() -> None:
    for name in core.activations.names:
        for shape in [(4,), (2, 3), (2, 3, 5)]:
            y = activations.get(name)(np.zeros(shape))
            assert y.shape == shape and y.dtype == np.float32
