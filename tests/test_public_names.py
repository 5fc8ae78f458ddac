"""Every public name has a docstring with an example, and each example runs, also where doctest would not look."""

from __future__ import annotations

import doctest
import inspect
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import lamella

OPTIONAL = {"sklearn": "sklearn", "plotting": "matplotlib"}  # what a module needs


def modules() -> dict[str, ModuleType]:
    """The public modules, as their users reach them: from `lamella.__all__` and downwards."""
    found, queue = {"lamella": lamella}, ["lamella"]
    while queue:
        name = queue.pop()
        for public in (*getattr(found[name], "__all__", ()), *(["sklearn"] if name == "lamella" else [])):
            if public in OPTIONAL:
                pytest.importorskip(OPTIONAL[public])
            member = getattr(found[name], public)
            if inspect.ismodule(member) and member.__name__ not in found:
                found[member.__name__] = member
                queue.append(member.__name__)
    return found


def public_names() -> dict[str, Any]:
    """What each module says is public, and how a user spells it."""
    names: dict[str, Any] = {}
    for name, module in modules().items():
        for public in getattr(module, "__all__", ()):
            names.setdefault(f"{name}.{public}", getattr(module, public))
    return names


def examples(member: Any) -> list[doctest.Example]:
    return doctest.DocTestParser().get_examples(inspect.getdoc(member) or "")


def test_every_public_name_has_a_docstring_with_an_example() -> None:
    names = public_names()
    assert len(names) > 250
    values = [name for name, member in names.items() if not callable(member) and not inspect.ismodule(member)]
    assert values == []
    lacking = [name for name, member in names.items() if not inspect.ismodule(member) and not examples(member)]
    assert lacking == []


def test_packages_list_their_public_names_and_no_helpers() -> None:
    for package in (lamella, lamella.layers, lamella.losses, lamella.plotting, lamella.tables):
        listed = [name for name in dir(package) if not name.startswith("_")]
        assert {*package.__all__} <= {*listed} and {"publish", "annotations"}.isdisjoint(listed)
        assert all(hasattr(package, name) for name in listed)


def test_every_public_method_of_a_model_has_an_example() -> None:
    methods = {
        name: member
        for name, member in inspect.getmembers(lamella.Sequential, callable)
        if not name.startswith("_") and (getattr(member, "__module__", "") or "").startswith("lamella")
    }
    assert {"fit", "compile", "predict", "evaluate", "summary", "save"} <= set(methods)
    assert [name for name, member in methods.items() if not examples(member)] == []


def test_examples_of_functions_that_are_objects_run() -> None:
    """Activations and losses: doctest looks for functions and classes only."""
    ran = 0
    for name, member in public_names().items():
        if inspect.isclass(member) or inspect.isroutine(member) or inspect.ismodule(member):
            continue
        test = doctest.DocTest(examples(member), {"np": np}, name, None, None, None)
        result = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(test)
        assert result.failed == 0, name
        ran += result.attempted
    assert ran > 100


def test_docstrings_of_modules_say_what_they_are() -> None:
    found = modules()
    assert {"lamella.layers", "lamella.schedules", "lamella.datasets.mnist"} <= set(found)
    assert [name for name, module in found.items() if not (module.__doc__ or "").strip()] == []
