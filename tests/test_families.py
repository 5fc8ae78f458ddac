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
BASES = {"Constraint", "Layer", "InputLayer", "Loss", "Metric", "Optimizer", "Regularizer"}
NOT_IN_THE_CORE = {"name", "learning_rate", "trainable"}

# Arguments without a default, for a member of each class that needs some.
NEEDED: dict[str, dict[str, Any]] = {
    "Dense": {"units": 1},
    "Activation": {"activation": "linear"},
    "Rescaling": {"scale": 1.0},
}


def python_names(family: str) -> set[str]:
    """Names of the members that the core has to know."""
    module = MODULES[family]
    members = {name: getattr(module, name) for name in module.__all__}
    if family == "activations":
        return {member.name for member in members.values() if isinstance(member, Activation)}
    classes = {name: cls for name, cls in members.items() if isinstance(cls, type) and name not in BASES}
    if family == "layers":  # some only reshape
        classes = {n: cls for n, cls in classes.items() if cls(**NEEDED.get(n, {}))._spec(core) is not None}
    return set(classes)


@pytest.mark.parametrize("family", MODULES)
def test_core_and_python_have_the_same_members(family: str) -> None:
    in_core, in_python = set(getattr(core, family).names), python_names(family)
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


def rounded(value: Any) -> Any:
    """Equal to what float32 makes of a number; words and flags as they are."""
    return value if isinstance(value, str) else pytest.approx(value, rel=1e-6)


def made(family: str, name: str) -> Any:
    member = getattr(MODULES[family], name)
    return member if family == "activations" else member(**NEEDED.get(name, {}))


CLASSES = [(family, name) for family in MODULES if family != "activations" for name in getattr(core, family).names]


@pytest.mark.parametrize(("family", "name"), CLASSES, ids="-".join)
def test_fields_of_the_core_are_arguments_in_python(family: str, name: str) -> None:
    config = set(made(family, name).get_config()) - NOT_IN_THE_CORE
    in_core = fields(getattr(getattr(core, family), name)())
    assert not in_core - config, f"the core's {name} has these fields, get_config() does not: {in_core - config}"
    of_python_only = {"kernel_initializer", "bias_initializer"} if family == "layers" else set()
    assert not config - in_core - of_python_only, (
        f"get_config() has these, the core's {name} does not: {config - in_core}"
    )


@pytest.mark.parametrize(("family", "name"), [c for c in CLASSES if c[0] != "layers"], ids="-".join)
def test_defaults_are_the_same_on_both_sides(family: str, name: str) -> None:
    member, spec = made(family, name), getattr(getattr(core, family), name)()
    for field in fields(spec):
        assert getattr(spec, field) == rounded(getattr(member, field)), field


@pytest.mark.parametrize(("family", "name"), CLASSES, ids="-".join)
def test_spec_carries_the_arguments(family: str, name: str) -> None:
    member = made(family, name)
    spec = member._spec(core)
    assert type(spec) is getattr(getattr(core, family), name)
    for field in fields(spec) - {"activation"}:
        assert getattr(spec, field) == rounded(getattr(member, field)), field


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
