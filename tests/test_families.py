"""Every struct of the core has its Python class, and the other way round, with the same arguments and defaults."""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any

import pytest

from lamella import Input, Sequential, activations, constraints, layers, losses, metrics, optimizers, regularizers
from lamella._core import core
from lamella._plan import Plan
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
BASES = {"Constraint", "InputLayer", "Layer", "Loss", "Metric", "Optimizer", "Regularizer", "Weight"}

# Arguments for a member of each class that needs some, or that the core sees only with them.
NEEDED: dict[str, dict[str, Any]] = {
    "Activation": {"activation": "linear"},
    "AlphaDropout": {"rate": 0.25},
    "Dense": {"units": 3},
    "Dropout": {"rate": 0.25},
    "GaussianDropout": {"rate": 0.25},
    "GaussianNoise": {"stddev": 0.25},
    "MeanMetricWrapper": {"fn": metrics.binary_accuracy},
    "PrecisionAtRecall": {"recall": 0.5},
    "ReLU": {"threshold": 1.0},
    "RecallAtPrecision": {"precision": 0.5},
    "Rescaling": {"scale": 2.0},
    "Reshape": {"target_shape": (2, 2)},
    "SensitivityAtSpecificity": {"specificity": 0.5},
    "SpecificityAtSensitivity": {"sensitivity": 0.5},
}
SHAPE = (4,)  # of a sample, for layers
# Fields that layers fill from what they know besides their arguments.
OF_THE_LAYER = {"seed", "shared_samples", "shared_groups", "shared_width", "statistics", "mean", "variance"}


def made(family: str, name: str) -> Any:
    """A member with arguments that the core can see."""
    member = getattr(MODULES[family], name)
    if family == "activations":
        return member.with_arguments(threshold=1.0) if member is activations.relu else member
    return member(**NEEDED.get(name, {}))


def spec_of(family: str, member: Any) -> Any:
    """The core's struct of a member, or None where it has none: layers that only reshape, some metrics."""
    if family != "layers":
        return member._spec(core)
    specs = member._specs(core, SHAPE)
    return specs[0] if specs else None


def python_names(family: str) -> list[str]:
    """Names of the members of a family."""
    module = MODULES[family]
    members = {name: getattr(module, name) for name in module.__all__}
    if family == "activations":
        return sorted(
            name for name, member in members.items() if isinstance(member, Activation) and member.name == name
        )
    return sorted(name for name, cls in members.items() if isinstance(cls, type) and name not in BASES)


MEMBERS = [
    pytest.param(family, name, id=f"{family}-{name}")
    for family in MODULES
    for name in python_names(family)
    if spec_of(family, made(family, name)) is not None
]


def structs(family: str) -> set[str]:
    """Names of the core's structs that the members of a family become; several may share one."""
    members = [made(*param.values) for param in MEMBERS if param.values[0] == family]
    found = {type(spec_of(family, member)).__name__ for member in members}
    if family == "activations":
        found.add("relu")  # the one without arguments
    if family == "layers":  # between layers that look at samples as different numbers of rows
        plan = Plan(core)
        plan.append(Sequential([Input((2, 3)), layers.Dense(2)]), (2, 3))
        found |= {type(spec).__name__ for spec in plan.specs}
    return found


@pytest.mark.parametrize("family", MODULES)
def test_core_and_python_have_the_same_members(family: str) -> None:
    in_core, in_python = set(getattr(core, family).names), structs(family)
    assert not in_core - in_python, f"the core has these {family}, lamella.{family} does not: {in_core - in_python}"
    # A metric may be one of the core's losses.
    known = in_core | set(core.losses.names) if family == "metrics" else in_core
    assert not in_python - known, f"lamella.{family} has these, the core does not: {in_python - known}"


@pytest.mark.parametrize("family", MODULES)
def test_every_member_has_a_struct_unless_python_does_its_work(family: str) -> None:
    without = {name for name in python_names(family) if spec_of(family, made(family, name)) is None}
    assert family in ("layers", "metrics") or not without
    if family == "layers":
        assert without == {"Flatten", "Reshape"}
    if family == "metrics":
        assert all(callable(getattr(made(family, name), "update_state", None)) for name in without)


@pytest.mark.parametrize("family", MODULES)
def test_names_of_a_family_are_bound(family: str) -> None:
    found = getattr(core, family)
    assert found.names
    for name in found.names:
        assert type(getattr(found, name)()).__name__ == name


def fields(spec: Any) -> set[str]:
    return {name for name in dir(spec) if not name.startswith("_")}


def arguments(family: str, member: Any) -> dict[str, Any]:
    """The arguments of a member, by name."""
    found: dict[str, Any] = member.arguments if family == "activations" else member.get_config()
    return found


def described(spec: Any, given: dict[str, Any]) -> Any:
    """The struct that has the arguments: a layer that is an activation has those of its activation."""
    return spec.activation if hasattr(spec, "activation") and "activation" not in given else spec


def same(found: Any, expected: Any) -> bool:
    """Whether numbers are the same in float32; no limit is infinity; lists and words as they are."""
    if expected is None or isinstance(expected, (str, bool)):
        return found == (math.inf if expected is None and isinstance(found, float) else expected)
    return bool(found == pytest.approx(expected, rel=1e-6))


@pytest.mark.parametrize(("family", "name"), MEMBERS)
def test_fields_of_the_core_carry_the_arguments(family: str, name: str) -> None:
    member = made(family, name)
    given = arguments(family, member)
    spec = described(spec_of(family, member), given)
    unknown = fields(spec) - set(given) - (OF_THE_LAYER if family == "layers" else set())
    assert not unknown, f"the core's {name} has these fields, get_config() does not: {unknown}"
    for field in fields(spec) & set(given) - {"activation", "mean", "variance", "seed"}:
        assert same(getattr(spec, field), given[field]), field


@pytest.mark.parametrize(("family", "name"), [m for m in MEMBERS if m.values[0] not in ("layers", "activations")])
def test_defaults_are_the_same_on_both_sides(family: str, name: str) -> None:
    member = made(family, name)
    spec, given = type(spec_of(family, member))(), arguments(family, member)
    for field in fields(spec):
        assert same(getattr(spec, field), given[field]), field


@pytest.mark.parametrize("name", [name for name in python_names("activations") if name != "relu"])
def test_defaults_of_activations_are_the_same_on_both_sides(name: str) -> None:
    member = getattr(activations, name)
    spec = type(member._spec(core))()
    for field in fields(spec):
        assert same(getattr(spec, field), member.arguments[field]), field


def test_general_relu_has_the_defaults_of_relu() -> None:
    spec = core.activations.general_relu()
    usual = activations.relu.arguments
    assert (spec.negative_slope, spec.threshold) == (usual["negative_slope"], usual["threshold"])
    assert spec.max_value == math.inf and usual["max_value"] is None


@pytest.mark.parametrize("family", [family for family in MODULES if family != "layers"])
def test_members_are_found_by_name(family: str) -> None:
    for name in python_names(family):
        if name in NEEDED:
            continue  # not to be made of a name alone
        found = MODULES[family].get(name)
        assert (found.name if family == "activations" else type(found).__name__) == name


KINDS = {"losses": "loss"}


@pytest.mark.parametrize("family", [family for family in MODULES if family != "layers"])
def test_unknown_members_are_named_with_the_nearest_known(family: str) -> None:
    wrong = python_names(family)[0] + "x"
    with pytest.raises(ValueError, match=rf"Unknown {KINDS.get(family, family[:-1])} '{wrong}'.*Did you mean"):
        MODULES[family].get(wrong)
