"""Optimizers: the steps of Keras for known gradients, and the reference's weights after training."""

from __future__ import annotations

import inspect
import itertools
from typing import Any

import numpy as np
import pytest
import reference
from golden import assert_close, cases, section

from lamella import Input, Sequential, layers, optimizers
from lamella._core import core

Case = dict[str, Any]
Array = np.ndarray[Any, np.dtype[Any]]


def supported(case: Case) -> bool:
    cls = getattr(optimizers, case["optimizer"], None)
    if cls is None or not set(case["kwargs"]) <= set(inspect.signature(cls).parameters):
        return False
    return not isinstance(case["kwargs"].get("learning_rate"), dict)


GOLDEN = [case for case in cases("optimizers") if supported(case.values[0])]


def combinations(**options: list[Any]) -> list[dict[str, Any]]:
    return [dict(zip(options, values, strict=True)) for values in itertools.product(*options.values())]


OPTIONS = {
    "SGD": combinations(learning_rate=[0.05], momentum=[0.0, 0.5, 0.9, 1.0], nesterov=[False, True]),
    "RMSprop": combinations(
        learning_rate=[0.01], rho=[0.0, 0.9], momentum=[0.0, 0.9], epsilon=[1e-7, 1e-3], centered=[False, True]
    ),
}
ALL_OPTIONS = [
    pytest.param(name, options, id="-".join([name, *(f"{k}={v}" for k, v in options.items() if k != "learning_rate")]))
    for name, listed in OPTIONS.items()
    for options in listed
    if not (options.get("centered") and options["rho"] == 0)  # v - a² is then 0, and its rounding decides
]


def step(model: Sequential, gradients: list[Array]) -> None:
    """One step with these gradients of a 2 × 2 kernel and a bias.

    Rows of x pick a row of the kernel or only the bias; mse passes (prediction - target) / 3 back to each of 3 rows.
    """
    kernel, bias = (np.asarray(g) for g in gradients)
    x = np.array([[1, 0], [0, 1], [0, 0]], np.float32)
    wanted = np.stack([kernel[0], kernel[1], bias - kernel[0] - kernel[1]])
    model.train_on_batch(x, model.predict(x) - 3 * wanted)


def controlled(optimizer: Any) -> Sequential:
    model = Sequential([Input((2,)), layers.Dense(2)])
    model.compile(optimizer, "mse")
    model.set_weights(section("optimizers.initial_params"))
    return model


def test_every_optimizer_is_checked() -> None:
    assert {case.values[0]["optimizer"] for case in GOLDEN} == set(core.optimizers.names)
    assert set(OPTIONS) == set(core.optimizers.names)


@pytest.mark.parametrize("case", GOLDEN)
def test_optimizer_equals_keras(case: Case) -> None:
    model = controlled(getattr(optimizers, case["optimizer"])(**case["kwargs"]))
    grads = section("optimizers.gradients_per_step")
    for number in range(case["steps"]):
        step(model, grads[number % len(grads)])
        for w, expected in zip(model.get_weights(), case["params"][number], strict=True):
            assert_close(w, expected, atol=2e-6)


@pytest.mark.parametrize("case", GOLDEN)
def test_optimizer_keeps_as_many_numbers_as_in_keras(case: Case) -> None:
    model = controlled(getattr(optimizers, case["optimizer"])(**case["kwargs"]))
    assert model._optimizer_numbers() == sum(np.size(variable) for variable in case["final_variables"])


def pair(name: str, options: dict[str, Any]) -> tuple[Sequential, reference.Network]:
    """A model and its twin; widths that leave lanes over."""
    model = Sequential([Input((5,)), layers.Dense(19, "tanh"), layers.Dense(3)])
    model.compile(getattr(optimizers, name)(**options), "mse")
    net = reference.Network(
        [("Dense", {"units": 19, "activation": "tanh"}), ("Dense", {"units": 3})], "mse", (name, options)
    )
    net.set_weights(model.get_weights())
    return model, net


@pytest.mark.parametrize(("name", "options"), ALL_OPTIONS)
def test_training_matches_reference(name: str, options: dict[str, Any], rng: np.random.Generator) -> None:
    model, net = pair(name, options)
    x, y = rng.standard_normal((40, 5), dtype=np.float32), rng.standard_normal((40, 3), dtype=np.float32)
    model.fit(x, y, batch_size=7, epochs=2, shuffle=False, verbose=0)
    net.fit(x, y, batch_size=7, epochs=2)
    for w, expected in zip(model.get_weights(), net.get_weights(), strict=True):
        assert np.isfinite(w).all()
        np.testing.assert_allclose(w, expected, rtol=2e-4, atol=2e-4 * np.abs(expected).max())


@pytest.mark.parametrize("batch", [1, 2, 3, 4, 8], ids="batch={}".format)
def test_rmsprop_without_epsilon_matches_reference(batch: int, rng: np.random.Generator) -> None:
    model, net = pair("RMSprop", {"learning_rate": 0.01, "epsilon": 0.0})
    x, y = rng.standard_normal((8, 5), dtype=np.float32), rng.standard_normal((8, 3), dtype=np.float32)
    model.fit(x, y, batch_size=batch, shuffle=False, verbose=0)
    net.fit(x, y, batch_size=batch)
    for w, expected in zip(model.get_weights(), net.get_weights(), strict=True):
        np.testing.assert_allclose(w, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", core.optimizers.names)
def test_state_carries_over_from_call_to_call(name: str, rng: np.random.Generator) -> None:
    options = {"momentum": 0.9, "learning_rate": 0.01}
    x, y = rng.standard_normal((12, 5), dtype=np.float32), rng.standard_normal((12, 3), dtype=np.float32)
    whole, parts = pair(name, options)[0], pair(name, options)[0]
    parts.set_weights(whole.get_weights())
    whole.fit(x, y, batch_size=4, shuffle=False, verbose=0)
    for first in (0, 4, 8):
        parts.train_on_batch(x[first : first + 4], y[first : first + 4])
    for w, expected in zip(parts.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(w, expected)


@pytest.mark.parametrize("name", core.optimizers.names)
def test_compile_starts_the_optimizer_anew(name: str, rng: np.random.Generator) -> None:
    options = {"momentum": 0.9, "learning_rate": 0.01}
    x, y = rng.standard_normal((12, 5), dtype=np.float32), rng.standard_normal((12, 3), dtype=np.float32)
    model, fresh = pair(name, options)[0], pair(name, options)[0]
    model.fit(x, y, verbose=0)
    fresh.set_weights(model.get_weights())
    model.compile(getattr(optimizers, name)(**options), "mse")
    for each in (model, fresh):
        each.fit(x, y, shuffle=False, epochs=2, verbose=0)
    for w, expected in zip(model.get_weights(), fresh.get_weights(), strict=True):
        np.testing.assert_array_equal(w, expected)


@pytest.mark.parametrize("name", core.optimizers.names)
def test_learning_rate_zero_changes_nothing(name: str, rng: np.random.Generator) -> None:
    model = pair(name, {"learning_rate": 0.0, "momentum": 0.5})[0]
    start = model.get_weights()
    model.fit(rng.standard_normal((20, 5)), rng.standard_normal((20, 3)), epochs=3, verbose=0)
    for w, expected in zip(model.get_weights(), start, strict=True):
        np.testing.assert_array_equal(w, expected)


def test_learning_rate_may_change_between_steps() -> None:
    model = controlled(optimizers.SGD(0.5))
    ones = [np.ones((2, 2)), np.ones(2)]
    before = model.get_weights()
    step(model, ones)
    model.optimizer.learning_rate = 0.25
    step(model, ones)
    for w, start in zip(model.get_weights(), before, strict=True):
        np.testing.assert_allclose(w, start - 0.75, atol=1e-6)


def test_zero_gradients_change_nothing_with_sgd() -> None:
    model = controlled(optimizers.SGD(0.5, momentum=0.9))
    before = model.get_weights()
    x = np.array([[1.0, 2.0]], np.float32)
    model.train_on_batch(x, model.predict(x))
    for w, start in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(w, start)


@pytest.mark.parametrize("name", core.optimizers.names)
def test_defaults_equal_those_of_keras(name: str) -> None:
    ours, keras = getattr(optimizers, name)().get_config(), section("configs.optimizer_default_configs")[name]
    for key, value in ours.items():
        if key != "name":
            assert value == pytest.approx(keras[key]), key
