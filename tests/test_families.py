"""Every struct of the core has its Python class, and the other way round, with the same arguments and defaults."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from lamella import activations, constraints, layers, losses, metrics, optimizers, regularizers
from lamella._core import core
from lamella.activations import Activation

MODULES: dict[str, ModuleType] = {
    "activations": activations,
    "constraints": constraints,
    "layers": layers,
    "losses": losses,
    "metrics": metrics,
    "optimizers": optimizers,
    "regularizers": regularizers,
}
BASES = {"Layer", "InputLayer", "Loss", "Metric", "Optimizer"}
NOT_IN_THE_CORE = {"name", "learning_rate", "trainable", "axis", "reduction"}

# Arguments for a member of each class that needs some, or that the core sees only with them.
NEEDED: dict[str, dict[str, Any]] = {
    "Dense": {"units": 1},
    "Activation": {"activation": "linear"},
    "Rescaling": {"scale": 1.0},
    "ReLU": {"threshold": 1.0},
}

# The core's name of a metric, and the metric's, which is that of another thing in Keras.
LOSS_OF_OTHER_NAME = {"LogCosh": "LogCoshError"}

# Arguments with which a metric is computed in Python.
PYTHON_ONLY: dict[str, set[str]] = {
    "CategoricalCrossentropy": {"axis"},
    "SparseCategoricalCrossentropy": {"axis", "ignore_class"},
}


def python_name(family: str, name: str) -> str:
    return LOSS_OF_OTHER_NAME.get(name, name) if family == "metrics" else name


def python_names(family: str) -> set[str]:
    """Names of the members that the core has to know."""
    module = MODULES[family]
    members = {name: getattr(module, name) for name in module.__all__}
    if family == "activations":
        return {member.name for member in members.values() if isinstance(member, Activation)}
    classes = {name: cls for name, cls in members.items() if isinstance(cls, type) and name not in BASES}
    if family in ("layers", "metrics"):  # some only reshape; some metrics are more than a mean over samples
        classes = {n: cls for n, cls in classes.items() if cls(**NEEDED.get(n, {}))._spec(core) is not None}
    return set(classes)


def structs(family: str) -> set[str]:
    """Names of the core's structs that the members of a family become; several layers may share one."""
    members = [made(family, name) for name in python_names(family)]
    if family == "activations":
        members.append(activations.relu.with_arguments(threshold=1.0))  # with arguments it is another one
    return {type(member._spec(core)).__name__ for member in members}


@pytest.mark.parametrize("family", MODULES)
def test_core_and_python_have_the_same_members(family: str) -> None:
    in_core, in_python = set(getattr(core, family).names), structs(family)
    assert not in_core - in_python, f"the core has these {family}, lamella.{family} does not: {in_core - in_python}"
    assert not in_python - in_core, f"lamella.{family} has these, the core does not: {in_python - in_core}"


@pytest.mark.parametrize("family", MODULES)
def test_names_of_a_family_are_bound(family: str) -> None:
    found = getattr(core, family)
    assert found.names
    for name in found.names:
        assert type(getattr(found, name)()).__name__ == name


def fields(spec: Any) -> set[str]:
    return {name for name in dir(spec) if not name.startswith("_")}


def same(found: Any, expected: Any) -> bool:
    """Whether numbers are the same in float32; None is only None."""
    return found is expected if expected is None else bool(found == pytest.approx(expected, rel=1e-6))


def made(family: str, name: str) -> Any:
    member = getattr(MODULES[family], python_name(family, name))
    return member if family == "activations" else member(**NEEDED.get(name, {}))


def arguments(family: str, member: Any) -> dict[str, Any]:
    """The arguments of a member that the core has to know."""
    config = member.arguments if family == "activations" else member.get_config()
    of_python_only = {"kernel_initializer", "bias_initializer"} if family == "layers" else set()
    return {name: value for name, value in config.items() if name not in NOT_IN_THE_CORE | of_python_only}


def described(spec: Any, arguments: dict[str, Any]) -> Any:
    """The struct that has the arguments: a layer that is an activation has those of its activation."""
    return spec.activation if hasattr(spec, "activation") and "activation" not in arguments else spec


MEMBERS = [(family, name) for family in MODULES for name in sorted(python_names(family))]


@pytest.mark.parametrize(("family", "name"), MEMBERS, ids="-".join)
def test_fields_of_the_core_are_arguments_in_python(family: str, name: str) -> None:
    member = made(family, name)
    if member is activations.relu:  # without arguments it has a struct without fields
        member = member.with_arguments(threshold=1.0)
    config = arguments(family, member)
    in_core = fields(described(member._spec(core), config))
    assert not in_core - set(config), f"the core's {name} has these fields, get_config() does not: {in_core}"
    assert not set(config) - in_core, f"get_config() has these, the core's {name} does not: {set(config) - in_core}"


@pytest.mark.parametrize(("family", "name"), [m for m in MEMBERS if m[0] != "layers"], ids="-".join)
def test_defaults_are_the_same_on_both_sides(family: str, name: str) -> None:
    member = made(family, name)
    spec = getattr(getattr(core, family), name)()
    for field, value in arguments(family, member).items():
        if member is not activations.relu:
            assert getattr(spec, field) == pytest.approx(value, rel=1e-6), field


@pytest.mark.parametrize(("family", "name"), MEMBERS, ids="-".join)
def test_spec_carries_the_arguments(family: str, name: str) -> None:
    member = made(family, name)
    config = arguments(family, member)
    spec = described(member._spec(core), config)
    for field in fields(spec) - {"activation"}:
        expected = float("inf") if field == "max_value" and config[field] is None else config[field]
        assert getattr(spec, field) == pytest.approx(expected, rel=1e-6), field


def test_general_relu_has_the_defaults_of_relu() -> None:
    spec = core.activations.general_relu()
    usual = activations.relu.arguments
    assert (spec.negative_slope, spec.threshold) == (usual["negative_slope"], usual["threshold"])
    assert spec.max_value == float("inf") and usual["max_value"] is None


@pytest.mark.parametrize("family", [family for family in MODULES if family != "layers"])
def test_members_are_found_by_name(family: str) -> None:
    for name in python_names(family):
        found = MODULES[family].get(name)
        assert (found.name if family == "activations" else type(found).__name__) == name


@pytest.mark.parametrize("family", [family for family in MODULES if family != "layers"])
def test_unknown_members_are_named_with_the_nearest_known(family: str) -> None:
    wrong = sorted(python_names(family))[0] + "x"
    with pytest.raises(
        ValueError, match=rf"Unknown {family[:-1] if family != 'losses' else 'loss'} '{wrong}'.*Did you mean"
    ):
        MODULES[family].get(wrong)
