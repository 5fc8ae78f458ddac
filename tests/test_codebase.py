"""The rules of the code itself: direction of imports, length of files, what is exported and what is loaded."""

from __future__ import annotations

import ast
import importlib
import importlib.metadata
import inspect
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import lamella

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "python" / "lamella"
CPP = ROOT / "cpp"

# Each imports from its left only.
# fmt: off
PYTHON_ORDER = [
    "_command", "_optional", "_public", "_elsewhere", "_arguments", "_streams", "_warn", "_atomic", "_checks",
    "_frames", "_fetch", "_registry", "_random", "_cpu", "_core", "config", "distribution", "activations",
    "initializers",
    "regularizers", "constraints", "losses", "metrics", "schedules", "optimizers", "layers", "backend", "_widget",
    "_progress", "_markup", "utils", "callbacks", "_summary", "_lock", "_data", "_examples", "_weights", "_plan",
    "_stack", "_order", "_feed", "_shares", "_watched", "_trainer", "_compile", "_compiled_from", "_training", "_fit",
    "saving",
    "_onnx", "_described", "_with_config", "_saved", "_compilable", "models", "preprocessing", "datasets", "tables",
    "plotting", "sklearn", "__init__", "_machine", "_report", "_playground", "_demo", "_bench", "_launch",
    "_table_output", "_table_commands", "cli", "__main__",
]
CPP_ORDER = [
    "core/scalar", "core/memory", "core/simd", "core/special", "core/panels", "core/arena",
    "core/forks", "core/shared_mutex", "core/parallel", "core/polling",
    "core/kernels/products", "core/kernels/compressed_products", "core/kernels/entries", "core/kernels/rows",
    "core/kernels/columns", "core/kernels/batch", "core/compress",
    "core/bfloat16", "core/exchange", "core/split", "core/pass", "core/random",
    "core/activations/of_output", "core/activations/of_input", "core/activations/rowwise", "core/activations",
    "core/losses/target", "core/losses/crossentropies", "core/losses/*", "core/losses",
    "core/metrics", "core/examples", "core/scorer",
    "core/regularizers", "core/constraints", "core/penalties", "core/sinks",
    "core/optimizers/rule", "core/optimizers/*", "core/optimizers", "core/update", "core/updater",
    "core/layers/*", "core/layers", "core/workspace", "core/network", "core/trainer",
    "bindings/specs", "bindings/arrays", "bindings/gil", "bindings/bind_activations", "bindings/bind_losses",
    "bindings/bind_metrics",
    "bindings/bind_weights", "bindings/bind_updater", "bindings/bind_network", "bindings/module", "bindings/cpu",
]
# fmt: on

PYTHON_FILES = sorted(PACKAGE.rglob("*.py"))
CPP_FILES = sorted(CPP.rglob("*.?pp"))


def file_id(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def module_of(path: Path) -> str:
    """The top-level module or package that a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def statements(tree: ast.AST) -> Iterator[ast.stmt]:
    """All imports, also those inside of functions, but not those that only type checkers see."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            continue
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield node
        yield from statements(node)


def imported(path: Path) -> set[str]:
    """Top-level modules of the package that a file imports."""
    depth, found = len(path.relative_to(PACKAGE).parts), set()
    for node in statements(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("lamella.")}
        elif isinstance(node, ast.ImportFrom) and node.level == depth:
            names = [node.module.split(".")[0]] if node.module else [alias.name for alias in node.names]
            found |= {name if name in PYTHON_ORDER else "__init__" for name in names}
    return found - {module_of(path)}


def test_every_python_module_has_its_place_in_the_order() -> None:
    modules = {module_of(path) for path in PYTHON_FILES} | {"_cpu"}
    assert modules == set(PYTHON_ORDER), "PYTHON_ORDER in this file lists the modules from left to right"


@pytest.mark.parametrize("path", PYTHON_FILES, ids=file_id)
def test_python_imports_point_left(path: Path) -> None:
    if module_of(path) == "__init__":
        return  # names everything that is public
    place = PYTHON_ORDER.index(module_of(path))
    assert not {name for name in imported(path) if PYTHON_ORDER.index(name) >= place}


def cpp_place(path: Path) -> int:
    name = path.relative_to(CPP).with_suffix("").as_posix()
    group = name.rpartition("/")[0] + "/*"
    assert name in CPP_ORDER or group in CPP_ORDER, f"CPP_ORDER in this file has no place for {name}"
    return CPP_ORDER.index(name if name in CPP_ORDER else group)


@pytest.mark.parametrize("path", CPP_FILES, ids=file_id)
def test_cpp_includes_point_left(path: Path) -> None:
    for name in re.findall(r'^#include "(.+)"', path.read_text(encoding="utf-8"), re.M):
        other = (path.parent / name).resolve()
        if other.with_suffix("") != path.resolve().with_suffix(""):
            assert cpp_place(other) < cpp_place(path.resolve()), name


def test_core_knows_nothing_of_python() -> None:
    for path in (CPP / "core").rglob("*.?pp"):
        assert not re.search(r"pybind11|Python\.h", path.read_text(encoding="utf-8")), path


@pytest.mark.parametrize("path", PYTHON_FILES + CPP_FILES, ids=file_id)
def test_files_are_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


def test_openmp_is_in_one_file() -> None:
    found = {file_id(path) for path in CPP_FILES if "#pragma omp" in path.read_text(encoding="utf-8")}
    assert found == {"cpp/core/parallel.cpp"}


def test_no_build_flag_bends_arithmetic_or_fits_one_machine() -> None:
    files = [*CPP_FILES, ROOT / "CMakeLists.txt", ROOT / "pyproject.toml", *ROOT.glob(".github/**/*")]
    for path in files:
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            for flag in ("-ffast-math", "-Ofast", "-march=native", "-funsafe-math-optimizations", "fast_math"):
                assert flag not in text, (path, flag)


def test_branches_for_instruction_sets_are_in_one_file() -> None:
    branches = re.compile(r"__AVX|__SSE|__ARM_NEON")
    found = {
        file_id(path) for path in (CPP / "core").rglob("*.?pp") if branches.search(path.read_text(encoding="utf-8"))
    }
    assert found == {"cpp/core/kernels/entries.hpp"}  # Eigen's packets have nothing that moves numbers together


def run_python(code: str) -> str:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_import_loads_nothing_but_numpy_and_the_standard_library() -> None:
    code = """
import sys, numpy  # with what numpy itself brings
before = set(sys.modules)
import lamella
tops = {name.partition(".")[0] for name in set(sys.modules) - before}
print(*sorted(tops - sys.stdlib_module_names))
"""
    assert set(run_python(code).split()) == {"lamella", "numpy"}


def test_import_prints_nothing_and_leaves_generators_alone() -> None:
    code = """
import random
import numpy
random.seed(1), numpy.random.seed(1)
expected = random.random(), numpy.random.random()
random.seed(1), numpy.random.seed(1)
import lamella
assert expected == (random.random(), numpy.random.random())
"""
    assert run_python(code) == ""


def test_version_is_said_once_and_everywhere_the_same() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+((a|b|rc)\d+)?", lamella.__version__)
    assert 'dynamic = ["version"]' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    source = (PACKAGE / "__init__.py").read_text(encoding="utf-8")
    assert re.findall(r'^__version__ = "(.+)"', source, re.M) == [lamella.__version__]
    citation = ROOT / "CITATION.cff"
    if citation.exists():
        assert f"version: {lamella.__version__}" in citation.read_text(encoding="utf-8").replace('"', "")
    try:
        installed = importlib.metadata.version("lamella")
    except importlib.metadata.PackageNotFoundError:  # run from the source tree
        installed = lamella.__version__
    assert installed == lamella.__version__


def public_modules() -> list[str]:
    # A module of the package that says what is public, found by its file: attributes may load on first use.
    names = {module_of(path) for path in PYTHON_FILES}
    return sorted(name for name in names if not name.startswith("_") and name != "cli")


def public_objects() -> dict[str, Any]:
    """Everything that __all__ names, and the public methods and properties of the classes among it."""
    found: dict[str, Any] = {}
    for name in public_modules():
        module = importlib.import_module(f"lamella.{name}")
        found[name] = module
        for public in getattr(module, "__all__", ()):
            member = getattr(module, public)
            found[f"{name}.{public}"] = member
            if inspect.isclass(member):
                for attribute, value in vars(member).items():
                    if not attribute.startswith("_") and (callable(value) or isinstance(value, property)):
                        found[f"{name}.{public}.{attribute}"] = getattr(member, attribute)
    return found


def test_public_names_have_docstrings() -> None:
    objects = public_objects()
    assert len(objects) > 50
    assert [name for name, value in objects.items() if not (inspect.getdoc(value) or "").strip()] == []


def test_public_names_exist() -> None:
    for name in lamella.__all__:
        assert getattr(lamella, name) is not None


def test_code_is_clean() -> None:
    ruff = shutil.which("ruff", path=sysconfig.get_path("scripts")) or shutil.which("ruff")
    assert ruff, "ruff is missing; it comes with the extra 'test'"
    done = subprocess.run([ruff, "check", "--no-cache", "."], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
