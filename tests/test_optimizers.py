"""Optimizers: the steps of Keras for known gradients, and the reference's weights after training."""

from __future__ import annotations

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


class Schedule:
    """A schedule of one's own: anything with rates() and get_config()."""

    def __init__(self, config: Case) -> None:
        self.config, self.at = config["config"], reference.SCHEDULES.make(config)

    def rates(self, first: int, count: int) -> Array:
        return np.array([self.at(step) for step in range(first, first + count)])

    def get_config(self) -> Case:
        return dict(self.config)


def made(case: Case) -> optimizers.Optimizer:
    """The optimizer of a case of Keras."""
    kwargs = dict(case["kwargs"])
    if isinstance(kwargs.get("learning_rate"), dict):
        kwargs["learning_rate"] = Schedule(kwargs["learning_rate"])
    optimizer: optimizers.Optimizer = getattr(optimizers, case["optimizer"])(**kwargs)
    return optimizer


GOLDEN = cases("optimizers")


def combinations(**options: list[Any]) -> list[dict[str, Any]]:
    return [dict(zip(options, values, strict=True)) for values in itertools.product(*options.values())]


OPTIONS = {
    "SGD": combinations(learning_rate=[0.05], momentum=[0.0, 0.5, 0.9, 1.0], nesterov=[False, True]),
    "RMSprop": combinations(
        learning_rate=[0.01], rho=[0.0, 0.9], momentum=[0.0, 0.9], epsilon=[1e-7, 1e-3], centered=[False, True]
    ),
    "Adam": combinations(learning_rate=[0.01], beta_1=[0.0, 0.9], beta_2=[0.9, 0.999], amsgrad=[False, True]),
    "AdamW": combinations(learning_rate=[0.01], weight_decay=[0.004, 0.5], amsgrad=[False, True]),
    "Adagrad": combinations(learning_rate=[0.05], initial_accumulator_value=[0.0, 0.1], epsilon=[1e-7, 1e-3]),
    "Adadelta": combinations(learning_rate=[1.0], rho=[0.5, 0.95], epsilon=[1e-6]),
    "Adamax": combinations(learning_rate=[0.01], beta_1=[0.5, 0.9], beta_2=[0.9, 0.999]),
    "Nadam": combinations(learning_rate=[0.01], beta_1=[0.5, 0.9], beta_2=[0.9, 0.999]),
    "Ftrl": [
        *combinations(learning_rate=[0.1], l1_regularization_strength=[0.0, 0.01], beta=[0.0, 0.3]),
        *combinations(learning_rate=[0.1], learning_rate_power=[-0.5, -0.3, 0.0], l2_regularization_strength=[0.02]),
        {"learning_rate": 0.1, "l2_shrinkage_regularization_strength": 0.05, "initial_accumulator_value": 0.5},
    ],
    "Lion": combinations(learning_rate=[0.01], beta_1=[0.0, 0.9], beta_2=[0.5, 0.99]),
}
COMMON = [
    {"weight_decay": 0.1},
    {"clipvalue": 0.02},
    {"clipnorm": 0.1},
    {"global_clipnorm": 0.1},
    {"use_ema": True, "ema_momentum": 0.8},
    {"use_ema": True, "ema_momentum": 0.5, "ema_overwrite_frequency": 3},
    {"gradient_accumulation_steps": 3},
    {"gradient_accumulation_steps": 2, "clipnorm": 0.1, "weight_decay": 0.1},
    {"gradient_accumulation_steps": 2, "clipvalue": 0.02, "use_ema": True, "ema_overwrite_frequency": 2},
    {"global_clipnorm": 0.05, "weight_decay": 0.1, "use_ema": True},
]


def option_id(name: str, options: dict[str, Any]) -> str:
    return "-".join([name, *(f"{k}={v}" for k, v in options.items() if k != "learning_rate")])


ALL_OPTIONS = [
    pytest.param(name, options, id=option_id(name, options))
    for name, listed in OPTIONS.items()
    for options in [*listed, *({"learning_rate": listed[0]["learning_rate"]} | common for common in COMMON)]
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
    assert len(GOLDEN) == 37
    assert {case.values[0]["optimizer"] for case in GOLDEN} == set(core.optimizers.names)
    assert set(OPTIONS) == set(core.optimizers.names)


@pytest.mark.parametrize("case", GOLDEN)
def test_apply_equals_keras(case: Case) -> None:
    optimizer = made(case)
    weights = [np.array(w, np.float32) for w in section("optimizers.initial_params")]
    grads = section("optimizers.gradients_per_step")
    for number in range(case["steps"]):
        assert optimizer.learning_rate == pytest.approx(case["learning_rates"][number])
        optimizer.apply(grads[number % len(grads)], weights)
        for w, expected in zip(weights, case["params"][number], strict=True):
            assert_close(w, expected, rtol=1e-5)
    for variable, expected in zip(optimizer.variables, case["final_variables"], strict=True):
        assert_close(variable, expected, rtol=1e-5)
    optimizer.finalize_variable_values(weights)
    for w, expected in zip(weights, case.get("params_after_finalize", case["params"][-1]), strict=True):
        assert_close(w, expected, rtol=1e-5)


@pytest.mark.parametrize("case", GOLDEN)
def test_training_equals_keras(case: Case) -> None:
    model = controlled(made(case))
    grads = section("optimizers.gradients_per_step")
    for number in range(case["steps"]):
        step(model, grads[number % len(grads)])
        for w, expected in zip(model.get_weights(), case["params"][number], strict=True):
            assert_close(w, expected, atol=2e-6)
    assert model._optimizer_numbers() == sum(np.size(variable) for variable in case["final_variables"])


@pytest.mark.parametrize("case", GOLDEN)
def test_variables_have_the_names_of_keras(case: Case) -> None:
    optimizer = made(case)
    optimizer.build([np.empty((2, 2), np.float32), np.empty(2, np.float32)])
    optimizer._weights = [("w", (2, 2)), ("b", (2,))]
    expected = ["variable" if name.startswith("variable_") else name for name in case["variable_names"]]
    assert optimizer.variable_names == expected
    assert len(optimizer.variables) == len(expected)


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


@pytest.mark.parametrize("options", [{}, {"epsilon": 0.0}, {"momentum": 0.5}], ids=str)
def test_rmsprop_takes_no_step_where_the_mean_square_is_infinite(options: dict[str, Any]) -> None:
    model = Sequential([Input((1,)), layers.Dense(20, use_bias=False)])
    model.compile(optimizers.RMSprop(0.01, **options), "mse")
    before = model.get_weights()[0]
    gradients = np.full((1, 20), 3, np.float32)
    gradients[0, [0, 17]] = 1e25, -1e25
    model.train_on_batch(np.ones((1, 1), np.float32), before - 10 * gradients)  # mse passes a tenth of the error back
    expected = np.where(np.abs(gradients) > 9, 0, -0.01 * 3 / np.sqrt(0.1 * 9))
    np.testing.assert_allclose(model.get_weights()[0] - before, expected, atol=1e-6)


@pytest.mark.parametrize("name", core.optimizers.names)
def test_state_carries_over_from_call_to_call(name: str, rng: np.random.Generator) -> None:
    options = OPTIONS[name][-1]
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
    options = OPTIONS[name][-1]
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
    model = pair(name, OPTIONS[name][-1] | {"learning_rate": 0.0})[0]
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
def test_configs_equal_those_of_keras(name: str) -> None:
    ours, keras = getattr(optimizers, name)().get_config(), section("configs.optimizer_default_configs")[name]
    assert list(ours) == list(keras)
    assert {**ours, "name": keras["name"]} == keras
    again = getattr(optimizers, name).from_config(ours)
    assert type(again) is getattr(optimizers, name)
    assert again.get_config() == ours
