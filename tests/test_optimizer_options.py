"""What optimizers are told: learning rates of every kind, options that exclude one another, names."""

from __future__ import annotations

import copy
import inspect
import json
import pickle
from typing import Any

import numpy as np
import pytest
from test_optimizers import Schedule

from lamella import Input, Sequential, layers, optimizers
from lamella._core import core

HALVING = {
    "class_name": "ExponentialDecay",
    "config": {"initial_learning_rate": 1.0, "decay_steps": 1, "decay_rate": 0.5},
}


def model_with(optimizer: Any) -> Sequential:
    model = Sequential([Input((1,)), layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
    model.compile(optimizer, "mse")
    return model


def moves(model: Sequential, steps: int) -> list[float]:
    """The kernel after each step with a gradient of -1."""
    found = []
    for _ in range(steps):
        kernel = float(model.get_weights()[0][0, 0])
        model.train_on_batch([[1.0]], [kernel + 0.5])
        found.append(float(model.get_weights()[0][0, 0]))
    return found


def test_a_schedule_sees_the_steps_from_zero() -> None:
    model = model_with(optimizers.SGD(Schedule(HALVING)))
    assert model.optimizer.learning_rate == 1.0
    assert moves(model, 3) == [1.0, 1.5, 1.75]
    assert model.optimizer.learning_rate == 0.125
    assert [int(v) for v in model.optimizer.variables] == [3]


def test_a_schedule_sees_steps_that_only_accumulate() -> None:
    model = model_with(optimizers.SGD(Schedule(HALVING), gradient_accumulation_steps=2))
    assert moves(model, 4) == [0.0, 0.5, 0.5, 0.625]


def test_a_schedule_cannot_be_overruled_by_a_number() -> None:
    optimizer = optimizers.SGD(Schedule(HALVING))
    with pytest.raises(TypeError, match=r"follows a schedule and cannot be set to 0.1"):
        optimizer.learning_rate = 0.1  # type: ignore[misc]
    optimizer.learning_rate = Schedule({**HALVING, "config": {**HALVING["config"], "initial_learning_rate": 8.0}})  # type: ignore[dict-item, assignment]
    assert optimizer.learning_rate == 8.0


def test_a_schedule_is_part_of_the_config() -> None:
    config = optimizers.Adam(Schedule(HALVING)).get_config()["learning_rate"]
    assert config["class_name"] == "Schedule"
    assert config["config"] == HALVING["config"]
    json.dumps(config)


def test_a_function_is_asked_for_every_step() -> None:
    rates = iter([0.5, 0.25, 4.0])
    model = model_with(optimizers.SGD(lambda: next(rates)))
    assert moves(model, 2) == [0.5, 0.75]
    assert model.optimizer.get_config()["learning_rate"] == 4.0
    with pytest.raises(ValueError, match="SGD `learning_rate` must be a finite number"):
        model_with(optimizers.SGD(lambda: -1.0)).train_on_batch([[1.0]], [1.0])


def test_a_rate_can_be_assigned_to() -> None:
    model = model_with(optimizers.SGD(0.5))
    moves(model, 1)
    model.optimizer.learning_rate.assign(0.25)  # type: ignore[attr-defined]
    assert moves(model, 1) == [0.75]
    assert repr(model.optimizer.learning_rate) == "0.25"
    for twin in (copy.deepcopy(model.optimizer.learning_rate), pickle.loads(pickle.dumps(model.optimizer.lr))):
        assert (type(twin), twin) == (float, 0.25)
    assert type(model.optimizer.get_config()["learning_rate"]) is float


def test_old_names_of_the_learning_rate() -> None:
    optimizer = optimizers.RMSprop(lr=0.5)
    assert (optimizer.learning_rate, optimizer.lr) == (0.5, 0.5)
    optimizer.lr = 0.25  # type: ignore[assignment]
    assert optimizer.learning_rate == 0.25
    with pytest.raises(ValueError, match=r"SGD has no `decay`.*InverseTimeDecay"):
        optimizers.SGD(0.1, decay=1e-6)  # type: ignore[call-arg]


@pytest.mark.parametrize("name", core.optimizers.names)
def test_two_learning_rates_are_refused(name: str) -> None:
    cls = getattr(optimizers, name)
    for rate in (0.2, cls().get_config()["learning_rate"]):
        with pytest.raises(TypeError, match=f"^{name} takes `learning_rate` or its older name `lr`, not both"):
            cls(learning_rate=float(str(rate)), lr=0.1)
    assert cls(lr=0.1).learning_rate == 0.1


def test_unknown_options_name_the_class_and_what_comes_near() -> None:
    with pytest.raises(TypeError, match=r"^Adam got an .*'foo'\. Known: learning_rate, beta_1, .*, lr\.$"):
        optimizers.Adam(foo=1)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match=r"^SGD got an unexpected .*'momentun'\. Did you mean 'momentum'"):
        optimizers.SGD(momentun=1)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="must be a name or an Optimizer, got 3 of type int"):
        optimizers.get(3)


@pytest.mark.parametrize("name", core.optimizers.names)
def test_signatures_show_all_arguments(name: str) -> None:
    cls = getattr(optimizers, name)
    shown = set(inspect.signature(cls).parameters)
    assert set(cls().get_config()) | {"lr"} == shown
    with pytest.raises(TypeError, match="unexpected keyword argument 'momentums'"):
        cls(momentums=1)


@pytest.mark.parametrize("name", core.optimizers.names)
def test_only_one_clip(name: str) -> None:
    with pytest.raises(ValueError, match=rf"Only one of .*{name} got clipnorm and clipvalue"):
        getattr(optimizers, name)(clipnorm=1.0, clipvalue=1.0)


BAD: list[tuple[str, Any, type[Exception]]] = [
    ("weight_decay", -0.1, ValueError),
    ("clipnorm", -1.0, ValueError),
    ("clipvalue", np.nan, ValueError),
    ("global_clipnorm", "x", ValueError),
    ("use_ema", 1, TypeError),
    ("ema_momentum", 1.5, ValueError),
    ("ema_overwrite_frequency", 0, ValueError),
    ("ema_overwrite_frequency", 1.5, TypeError),
    ("gradient_accumulation_steps", 1, ValueError),
    ("gradient_accumulation_steps", True, TypeError),
    ("loss_scale_factor", "dynamic", ValueError),
]


@pytest.mark.parametrize(("option", "value", "error"), BAD)
def test_common_options_are_checked(option: str, value: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=f"Adam `{option}` must be.*got"):
        optimizers.Adam(**{option: value})


OWN_BAD: list[tuple[str, str, Any]] = [
    ("Adam", "beta_1", 1.0),
    ("Adam", "beta_2", -0.1),
    ("Adam", "epsilon", -1.0),
    ("AdamW", "weight_decay", None),
    ("Adagrad", "initial_accumulator_value", -1.0),
    ("Adagrad", "epsilon", None),
    ("Adadelta", "rho", 1.5),
    ("Adadelta", "epsilon", "x"),
    ("Adamax", "beta_2", 1.0),
    ("Adamax", "epsilon", np.inf),
    ("Nadam", "beta_1", 1.0),
    ("Nadam", "epsilon", -1e-9),
    ("Lion", "beta_2", 2.0),
    ("Ftrl", "learning_rate_power", 0.5),
    ("Ftrl", "initial_accumulator_value", -0.1),
    ("Ftrl", "l1_regularization_strength", -1.0),
    ("Ftrl", "l2_regularization_strength", np.nan),
    ("Ftrl", "l2_shrinkage_regularization_strength", -1.0),
    ("Ftrl", "beta", -1.0),
]


@pytest.mark.parametrize(("name", "option", "value"), OWN_BAD)
def test_own_options_are_checked(name: str, option: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"{name} `{option}` must be a finite number"):
        getattr(optimizers, name)(**{option: value})
    with pytest.raises(TypeError, match="Adam `amsgrad` must be True or False"):
        optimizers.Adam(amsgrad=1)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "name",
    [
        "SGD",
        "sgd",
        "RMSprop",
        "rmsprop",
        "adam",
        "AdamW",
        "adamw",
        "ADAM",
        "adagrad",
        "adadelta",
        "adamax",
        "nadam",
        "ftrl",
        "lion",
    ],
)
def test_names_are_found_in_any_case(name: str) -> None:
    assert type(optimizers.get(name)).__name__.lower() == name.lower()


@pytest.mark.parametrize("name", ["muon", "Adafactor"])
def test_optimizers_of_keras_that_are_missing_say_so(name: str) -> None:
    with pytest.raises(ValueError, match=f"Optimizer '{name}' of Keras is not in lamella; 'adamw'"):
        optimizers.get(name)


@pytest.mark.parametrize("copied", [copy.deepcopy, copy.copy, lambda o: pickle.loads(pickle.dumps(o))])
@pytest.mark.parametrize("name", core.optimizers.names)
def test_a_used_optimizer_is_copied_with_all_that_it_remembers(
    copied: Any, name: str, rng: np.random.Generator
) -> None:
    options = {"use_ema": True, "gradient_accumulation_steps": 2, "weight_decay": 0.1}
    used = getattr(optimizers, name)(0.1, **options)
    model = Sequential([layers.Input((3,)), layers.Dense(4, trainable=False), layers.Dense(2)])
    used.exclude_from_weight_decay(var_names=["bias"])
    model.compile(used, "mse")
    x, y = rng.normal(size=(24, 3)), rng.normal(size=(24, 2))
    model.fit(x, y, batch_size=8, epochs=1, verbose=0)
    assert used.iterations == 1 and used._steps == 3

    twin = copied(used)
    assert type(twin) is type(used) and twin.get_config() == used.get_config()
    assert (twin.iterations, twin.variable_names) == (1, used.variable_names)
    before = used.variables
    for ours, theirs in zip(before, twin.variables, strict=True):
        np.testing.assert_array_equal(ours, theirs)

    # Both go on alike, and apart from each other.
    arrays = [w.copy() for w in model.get_weights()]
    grads = [rng.normal(size=w.shape).astype(np.float32) for w in arrays]
    again = copied(used)
    twin.apply(grads, arrays)
    others = [w.copy() for w in model.get_weights()]
    again.apply(grads, others)
    for ours, theirs in zip([*arrays, *twin.variables], [*others, *again.variables], strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert twin._steps == 4 and any((a != b).any() for a, b in zip(arrays[2:], model.get_weights()[2:], strict=True))
    for ours, kept in zip(used.variables, before, strict=True):
        np.testing.assert_array_equal(ours, kept)
    used.apply(grads, last := [w.copy() for w in model.get_weights()])
    for ours, theirs in zip(last, arrays, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_an_unused_optimizer_is_copied_and_trains() -> None:
    schedule = optimizers.schedules.ExponentialDecay(0.5, 1, 0.5)
    twin = pickle.loads(pickle.dumps(optimizers.SGD(schedule, momentum=0.5)))
    assert not twin.built and twin.learning_rate == 0.5
    assert moves(model_with(twin), 1) == [0.5]


def test_a_loss_scale_changes_nothing() -> None:
    plain, scaled = model_with(optimizers.SGD(0.5)), model_with(optimizers.SGD(0.5, loss_scale_factor=128.0))
    assert moves(plain, 3) == moves(scaled, 3)
    assert scaled.optimizer.get_config()["loss_scale_factor"] == 128.0
