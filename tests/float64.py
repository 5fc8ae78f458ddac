"""The core with double as its number type: gradients that finite differences can check to nine digits.

`core()` builds it once for each state of the sources; `Double` runs a lamella model in it.
"""

from __future__ import annotations

import hashlib
import importlib.util
import math
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pybind11
import pytest
from numpy.typing import ArrayLike, NDArray

import lamella
from lamella._plan import Plan

ROOT = Path(__file__).parents[1]

Array = NDArray[np.float64]


def _program(name: str) -> str:
    """A program of this environment, or of the system."""
    found = shutil.which(name, path=sysconfig.get_path("scripts")) or shutil.which(name)
    if found is None:
        raise FileNotFoundError(f"{name} is missing; it comes with the extra 'test'")
    return found


def _has_compiler() -> bool:
    return any(shutil.which(name) for name in (os.environ.get("CXX", ""), "c++", "g++", "clang++") if name)


def _state() -> str:
    """A hash of everything that the module is made from."""
    digest = hashlib.sha256(repr((sys.version, lamella.isa(), pybind11.__version__)).encode())
    for path in [ROOT / "CMakeLists.txt", *sorted((ROOT / "cpp").rglob("*.?pp"))]:
        digest.update(path.relative_to(ROOT).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _build(target: Path) -> None:
    """Builds into a folder of its own, which becomes `target` when it is complete: two test runs may meet here."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        options = {
            "CMAKE_BUILD_TYPE": "Debug",
            "CMAKE_CXX_FLAGS_DEBUG": "-O1",
            "CMAKE_MAKE_PROGRAM": _program("ninja"),
            "CMAKE_PREFIX_PATH": f"{sysconfig.get_path('purelib')};{pybind11.get_cmake_dir()}",
            "LAMELLA_ISAS": lamella.isa(),
            "LAMELLA_SCALAR": "double",
            "Python_EXECUTABLE": sys.executable,
        }
        environment = {key: value for key, value in os.environ.items() if key != "LD_PRELOAD"}  # no sanitized compiler
        made = Path(folder) / "made"
        made.mkdir()
        for command in (
            ["-S", ROOT, "-B", folder, "-G", "Ninja", *(f"-D{key}={value}" for key, value in options.items())],
            ["--build", folder, "--target", f"_core_{lamella.isa()}"],
        ):
            program = [_program("cmake"), *map(str, command)]
            done = subprocess.run(program, capture_output=True, text=True, check=False, env=environment)
            if done.returncode:
                raise RuntimeError(f"the core does not compile with double:\n{_errors(done.stdout + done.stderr)}")
        for module in Path(folder).glob("_core_*" + sysconfig.get_config_var("EXT_SUFFIX")):
            shutil.copy(module, made)
        if not target.exists():
            made.rename(target)


def _errors(text: str) -> str:
    lines = text.splitlines()
    return "\n".join([line for line in lines if "error:" in line.lower()][:4] or lines[-20:])


@cache
def _attempt() -> ModuleType | Exception:
    """The module, or why there is none: a build that fails is not tried again for every test."""
    user = os.getuid() if hasattr(os, "getuid") else "user"
    target = Path(tempfile.gettempdir()) / f"lamella-float64-{user}" / _state()
    try:
        if not target.exists():
            _build(target)
        name = f"_core_{lamella.isa()}"
        spec = importlib.util.spec_from_file_location(name, next(target.glob(f"{name}.*")))
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    except Exception as error:
        return error
    return module


def core() -> Any:
    """The module, as lamella._core.core is; skips the test where there is no C++ compiler."""
    if not _has_compiler():
        pytest.skip("needs a C++ compiler")
    found = _attempt()
    if isinstance(found, Exception):
        raise RuntimeError(str(found))
    return found


class Double:
    """A compiled lamella model with the weights that it has now, in float64. Weights and gradients are flat."""

    def __init__(self, model: lamella.Sequential) -> None:
        module, compiled = core(), model._compiled
        assert compiled is not None
        plan = Plan(module)
        plan.append(model, model.input_shape[1:])
        self.network = module.Network(plan.specs, math.prod(model.input_shape[1:]))
        self.set_weights(np.concatenate([w.ravel() for w in model.get_weights()] or [np.empty(0)]))
        self.trainer = compiled._trainer(module, self.network, plan.owners, model._all_weights(), [])

    def get_weights(self) -> Array:
        weights: Array = self.network.get_weights()
        return weights

    def set_weights(self, values: ArrayLike) -> None:
        self.network.set_weights(np.ascontiguousarray(values, np.float64))

    def predict(self, x: ArrayLike) -> Array:
        outputs: Array = self.network.predict(_rows(x))
        return outputs

    def gradients(
        self, x: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None, training: bool = False
    ) -> tuple[float, Array, Array]:
        """(loss, gradient of all weights, gradient of the inputs as rows)"""
        loss, of_weights, of_inputs = self.trainer.gradients(
            self.network, _rows(x), _targets(y), _weights(sample_weight), training
        )
        return loss, of_weights, of_inputs

    def loss(self, x: ArrayLike, y: ArrayLike, weights: ArrayLike | None = None, training: bool = False) -> float:
        """The loss with other weights; the model keeps its own."""
        before = self.get_weights()
        if weights is not None:
            self.set_weights(weights)
        found = self.gradients(x, y, training=training)[0]
        self.set_weights(before)
        return found

    def fit(self, x: ArrayLike, y: ArrayLike, batch_size: int, epochs: int, learning_rate: float) -> None:
        """Trains in the order of the rows."""
        rows = _rows(x)
        order = np.arange(len(rows), dtype=np.int64)
        rates = np.full(math.ceil(len(rows) / batch_size), learning_rate)
        for _ in range(epochs):
            self.trainer.train(self.network, rows, _targets(y), None, order, batch_size, rates)
        self.trainer.finalize()


def _rows(x: ArrayLike) -> Array:
    values = np.asarray(x, np.float64)
    return np.ascontiguousarray(values.reshape(len(values), -1))


def _targets(y: ArrayLike) -> NDArray[Any]:
    values = np.asarray(y)
    return np.ascontiguousarray(values, np.int32 if values.ndim == 1 else np.float64)


def _weights(values: ArrayLike | None) -> Array | None:
    return None if values is None else np.ascontiguousarray(values, np.float64)
