"""Names of Keras that lamella does not have: imports that a program does not use do no harm, use raises."""

import pytest

import lamella
from lamella._elsewhere import _WAYS_OUT

NAMES = [(module, name) for module, names in _WAYS_OUT.items() for name in names]


@pytest.mark.parametrize(("module", "name"), NAMES)
def test_names_can_be_imported_and_say_the_way_out_when_used(module: str, name: str) -> None:
    found: dict[str, type] = {}
    exec(f"from {module} import {name} as found", found)
    message = f"{name} of Keras is not in lamella: .{{20,}}"
    with pytest.raises(TypeError, match=message):
        found["found"](3, activation="relu")
    with pytest.raises(TypeError, match=message):
        type("Mine", (found["found"],), {})
    with pytest.raises(AttributeError, match=message):
        print(found["found"].from_config)


@pytest.mark.parametrize("module", sorted(_WAYS_OUT))
def test_other_names_are_unknown_as_ever(module: str) -> None:
    holder = lamella if module == "lamella" else getattr(lamella, module.split(".")[1])
    assert not hasattr(holder, "Nonsense")
    assert not {name for where, name in NAMES if where == module} & set(dir(holder))


def test_misspelt_names_are_suggested() -> None:
    with pytest.raises(AttributeError) as told:
        _ = lamella.layers.Dens
    assert told.value.name == "Dens" and told.value.obj is lamella.layers  # what Python needs for "Did you mean"
