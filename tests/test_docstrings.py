"""Every public name has a docstring, and every example in one runs."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import numpy
import pytest

import lamella

MODULES = sorted(
    name
    for _, name, _ in pkgutil.walk_packages(lamella.__path__, "lamella.")
    if not name.rpartition(".")[2].startswith(("_core_", "_cpu", "__main__"))
)

NEEDS = {"lamella._saved": "onnx"}  # by the example of Sequential.export


@pytest.mark.parametrize("name", ["lamella", *MODULES])
def test_examples_run(name: str) -> None:
    if name in NEEDS:
        pytest.importorskip(NEEDS[name])
    module = importlib.import_module(name)
    lamella.backend.clear_session()
    names = {"np": numpy, "lamella": lamella, **vars(module)}
    found = doctest.testmod(module, globs=names, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert found.failed == 0


def test_there_are_examples() -> None:
    finder = doctest.DocTestFinder()
    examples = sum(len(t.examples) for name in MODULES for t in finder.find(importlib.import_module(name)))
    assert examples > 100
