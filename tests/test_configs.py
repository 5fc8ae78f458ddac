"""Configs: what Keras writes of an object, read back; also what its other versions write."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from golden import section

from lamella import constraints, initializers, regularizers, schedules

# What Keras 3.15.1 writes, member by member; only the two float32 roundings of its own are left out.
WRITTEN: dict[Any, list[tuple[Any, str, dict[str, Any]]]] = {
    initializers: [
        (initializers.Zeros(), "Zeros", {}),
        (initializers.Ones(), "Ones", {}),
        (initializers.Constant(2.0), "Constant", {"value": 2.0}),
        (initializers.RandomNormal(), "RandomNormal", {"seed": None, "mean": 0.0, "stddev": 0.05}),
        (initializers.RandomUniform(seed=3), "RandomUniform", {"seed": 3, "minval": -0.05, "maxval": 0.05}),
        (initializers.TruncatedNormal(), "TruncatedNormal", {"seed": None, "mean": 0.0, "stddev": 0.05}),
        (
            initializers.VarianceScaling(),
            "VarianceScaling",
            {
                "seed": None,
                "scale": 1.0,
                "mode": "fan_in",
                "distribution": "truncated_normal",
                "input_axes": None,
                "output_axes": None,
            },
        ),
        (initializers.GlorotUniform(), "GlorotUniform", {"seed": None, "input_axes": None, "output_axes": None}),
        (initializers.HeNormal(seed=2), "HeNormal", {"seed": 2, "input_axes": None, "output_axes": None}),
        (initializers.Orthogonal(), "Orthogonal", {"seed": None, "gain": 1.0}),
    ],
    regularizers: [
        (regularizers.L1(0.5), "L1", {"l1": 0.5}),
        (regularizers.L2(), "L2", {"l2": 0.01}),
        (regularizers.L1L2(), "L1L2", {"l1": 0.0, "l2": 0.0}),
        (regularizers.OrthogonalRegularizer(0.5), "OrthogonalRegularizer", {"factor": 0.5, "mode": "rows"}),
    ],
    constraints: [
        (constraints.MaxNorm(), "MaxNorm", {"max_value": 2, "axis": 0}),
        (constraints.NonNeg(), "NonNeg", {}),
        (constraints.UnitNorm(), "UnitNorm", {"axis": 0}),
        (constraints.MinMaxNorm(), "MinMaxNorm", {"min_value": 0.0, "max_value": 1.0, "rate": 1.0, "axis": 0}),
    ],
    schedules: [
        (
            schedules.ExponentialDecay(0.1, 10, 0.5),
            "ExponentialDecay",
            {
                "initial_learning_rate": 0.1,
                "decay_steps": 10,
                "decay_rate": 0.5,
                "staircase": False,
                "name": "ExponentialDecay",
            },
        ),
        (
            schedules.PiecewiseConstantDecay([1, 2], [0.1, 0.2, 0.3]),
            "PiecewiseConstantDecay",
            {"boundaries": [1, 2], "values": [0.1, 0.2, 0.3], "name": "PiecewiseConstant"},
        ),
        (
            schedules.PolynomialDecay(0.1, 10),
            "PolynomialDecay",
            {
                "initial_learning_rate": 0.1,
                "decay_steps": 10,
                "end_learning_rate": 0.0001,
                "power": 1.0,
                "cycle": False,
                "name": "PolynomialDecay",
            },
        ),
        (
            schedules.InverseTimeDecay(0.1, 10, 0.5),
            "InverseTimeDecay",
            {
                "initial_learning_rate": 0.1,
                "decay_steps": 10,
                "decay_rate": 0.5,
                "staircase": False,
                "name": "InverseTimeDecay",
            },
        ),
        (
            schedules.CosineDecay(0.1, 10),
            "CosineDecay",
            {
                "initial_learning_rate": 0.1,
                "decay_steps": 10,
                "alpha": 0.0,
                "name": "CosineDecay",
                "warmup_target": None,
                "warmup_steps": 0,
            },
        ),
        (
            schedules.CosineDecayRestarts(0.1, 10),
            "CosineDecayRestarts",
            {
                "initial_learning_rate": 0.1,
                "first_decay_steps": 10,
                "t_mul": 2.0,
                "m_mul": 1.0,
                "alpha": 0.0,
                "name": "SGDRDecay",
            },
        ),
    ],
}
MODULES = {
    initializers: "keras.initializers",
    regularizers: "keras.regularizers",
    constraints: "keras.constraints",
    schedules: "keras.optimizers.schedules",
}
MEMBERS = [pytest.param(family, *member, id=member[1]) for family, listed in WRITTEN.items() for member in listed]


@pytest.mark.parametrize(("family", "member", "name", "config"), MEMBERS)
def test_dictionaries_are_those_of_keras(family: Any, member: Any, name: str, config: dict[str, Any]) -> None:
    written = family.serialize(member)
    expected = {"module": MODULES[family], "class_name": name, "config": config, "registered_name": None}
    assert written == expected
    assert list(written) == list(expected) and list(written["config"]) == list(config)


@pytest.mark.parametrize(("family", "member", "name", "config"), MEMBERS)
def test_what_is_written_is_read_back(family: Any, member: Any, name: str, config: dict[str, Any]) -> None:
    read = family.deserialize(json.loads(json.dumps(family.serialize(member))))
    assert type(read) is type(member) and read.get_config() == member.get_config()
    again = type(member).from_config(member.get_config())
    assert again.get_config() == member.get_config()


def objects_in(part: Any, module: str) -> list[dict[str, Any]]:
    if isinstance(part, list):
        return [found for item in part for found in objects_in(item, module)]
    if not isinstance(part, dict):
        return []
    inside = [found for item in part.values() for found in objects_in(item, module)]
    return [part, *inside] if part.get("module") == module else inside


@pytest.mark.parametrize("family", [initializers, regularizers], ids=lambda family: family.__name__)
def test_objects_in_models_that_keras_wrote_are_read(family: Any) -> None:
    found = objects_in(section("configs"), MODULES[family])
    assert found
    for config in found:
        assert family.serialize(family.deserialize(config)) == config


@pytest.mark.parametrize(
    "config",
    [
        {"class_name": "L2", "config": {"l2": 0.5}},
        {"class_name": "l2", "config": {"l2": 0.5}},
        {"module": None, "class_name": "L2", "config": {"l2": 0.5}, "registered_name": None},
        {"module": "keras.src.regularizers.regularizers", "class_name": "L2", "config": {"l2": 0.5}},
        {"module": "keras.regularizers", "class_name": "L2", "config": {"l2": 0.5}, "registered_name": "L2"},
        {"class_name": "L2", "config": {"l2": 0.5, "name": None}, "shared_object_id": 17},
    ],
    ids=str,
)
def test_all_forms_of_keras_are_read(config: dict[str, Any]) -> None:
    for found in (regularizers.deserialize(config), regularizers.get(config)):
        assert isinstance(found, regularizers.L2) and found.l2 == 0.5


def test_defaults_are_filled_in_and_names_are_enough() -> None:
    assert regularizers.deserialize({"class_name": "L2"}).get_config() == {"l2": 0.01}
    assert regularizers.deserialize({"class_name": "L2", "config": None}).get_config() == {"l2": 0.01}
    assert isinstance(initializers.deserialize("he_normal"), initializers.HeNormal)  # type: ignore[arg-type]
    function = {"module": "builtins", "class_name": "function", "config": "l2", "registered_name": "function"}
    assert isinstance(regularizers.deserialize(function), regularizers.L2)


def test_settings_of_keras_that_change_nothing_are_passed_over() -> None:
    class Later(regularizers.L2):
        _unused = {"reduction": "sum"}  # noqa: RUF012

    assert Later.from_config({"l2": 0.5, "reduction": "sum", "dtype": None}).l2 == 0.5
    with pytest.raises(ValueError, match=r"config of Later has `reduction`='mean', which lamella does not know.*l2"):
        Later.from_config({"reduction": "mean"})


@pytest.mark.parametrize(
    ("config", "error", "message"),
    [
        ({"class_name": "L3", "config": {}}, ValueError, "Unknown regularizer 'L3'.*Did you mean 'l2'"),
        ({"class_name": "L2", "config": {"l3": 1.0}}, ValueError, "config of L2 has `l3`=1.0, which lamella does not"),
        ({"class_name": "L2", "config": [0.1]}, TypeError, r"`config` of regularizer 'L2' must be a dictionary"),
        ({"config": {}}, TypeError, "`regularizer` must be|must be a dictionary with a `class_name`"),
        (["L2"], TypeError, "`regularizer` must be|must be a dictionary with a `class_name`"),
        ({"class_name": "L2", "config": {"l2": -1.0}}, ValueError, "L2 `l2` must be"),
        ({"module": "mine", "class_name": "L2", "config": {}}, ValueError, "Unknown regularizer 'L2' of 'mine'"),
        (
            {"module": None, "class_name": "L2", "config": {}, "registered_name": "mine>L2"},
            ValueError,
            "Unknown regularizer 'L2' of 'mine>L2'.*custom_objects",
        ),
    ],
    ids=lambda value: str(value) if isinstance(value, (dict, list)) else "",
)
def test_configs_that_cannot_be_read_are_explained(config: Any, error: type[Exception], message: str) -> None:
    for read in (regularizers.deserialize, regularizers.get):
        with pytest.raises(error, match=message):
            read(config)


def test_missing_settings_are_named() -> None:
    with pytest.raises(ValueError, match="config of ExponentialDecay lacks `decay_steps`, `decay_rate`"):
        schedules.deserialize({"class_name": "ExponentialDecay", "config": {"initial_learning_rate": 0.1}})


class Doubled(regularizers.Regularizer):
    def __init__(self, by: float) -> None:
        self.by = by


def own_start(shape: Any, dtype: Any = None) -> Any:
    return np.full(shape, 3, dtype)


def test_classes_of_ones_own_are_written_by_name_and_read_with_their_help() -> None:
    written = regularizers.serialize(Doubled(2.0))
    assert written == {"module": None, "class_name": "Doubled", "config": {"by": 2.0}, "registered_name": "Doubled"}
    with pytest.raises(ValueError, match="Unknown regularizer 'Doubled'"):
        regularizers.deserialize(written)
    read = regularizers.deserialize(written, {"Doubled": Doubled})
    assert isinstance(read, Doubled) and read.by == 2.0
    registered = {**written, "registered_name": "mine>Doubled"}  # by Keras' decorator
    assert isinstance(regularizers.deserialize(registered, {"mine>Doubled": Doubled}), Doubled)


def test_functions_of_ones_own_are_written_by_name_and_read_with_their_help() -> None:
    written = initializers.serialize(initializers.get(own_start))
    assert written["class_name"] == "function" and written["config"] == "own_start"
    with pytest.raises(ValueError, match="Unknown initializer 'own_start'"):
        initializers.deserialize(written)
    read = initializers.deserialize(written, {"own_start": own_start})
    np.testing.assert_array_equal(read((2,)), [3, 3])


def test_an_array_is_written_as_a_constant_that_keras_reads(rng: np.random.Generator) -> None:
    start = rng.standard_normal((2, 3))
    written = json.loads(json.dumps(initializers.serialize(initializers.get(start))))
    value = {"class_name": "__numpy__", "config": {"value": start.tolist(), "dtype": "float64"}}
    assert (written["class_name"], written["config"]) == ("Constant", {"value": value})
    np.testing.assert_array_equal(initializers.deserialize(written)((2, 3)), start.astype(np.float32))
