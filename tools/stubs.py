"""Writes the type stubs of the compiled core, `python/lamella/_native/`, or says where they differ from it.

python tools/stubs.py           # writes them
python tools/stubs.py --check   # compares, for tests and CI
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path
from types import ModuleType

from lamella._core import core

PACKAGE = Path(__file__).parents[1] / "python" / "lamella"
NAME = "lamella._native"  # stands for the core of any instruction set
FAMILIES = ("activations", "constraints", "layers", "losses", "metrics", "optimizers", "regularizers")


def _generated(module: str) -> dict[str, str]:
    """What pybind11-stubgen says of a module, by file name; raises if it is not sure of something."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pybind11_stubgen", module, "-o", folder, "--exit-code"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"pybind11-stubgen failed on {module}:\n{done.stdout}{done.stderr}")
        found = Path(folder, *module.split("."))
        paths = sorted(found.glob("*.pyi")) if found.is_dir() else [found.with_suffix(".pyi")]
        return {path.name: path.read_text(encoding="utf-8") for path in paths}


def _members(family: ModuleType) -> list[tuple[str, str]]:
    """(family, name) of each struct: some losses are metrics too."""
    classes = [getattr(family, name) for name in family.names]
    return [(cls.__module__.rpartition(".")[2], cls.__name__) for cls in classes]


def _tidied(file: str, text: str) -> str:
    """The same with short names for "any member of a family", and without what differs between builds."""
    text = re.sub(r"^__all__.*\n", "", text.replace(core.__name__, NAME), flags=re.M)
    text = re.sub(r"^((isa|eigen_version|openmp_version): str) = .*$", r"\1", text, flags=re.M)
    own = file.removesuffix(".pyi")
    for family in FAMILIES:
        members = _members(getattr(core, family))
        for prefix in (f"{NAME}.", ""):
            union = " | ".join(f"{prefix}{home}.{name}" for home, name in members)
            text = text.replace(union, f"{prefix}{family}._Spec")
        if family == own:
            names = [name if home == own else f"{home}.{name}" for home, name in members]
            for home in sorted({home for home, _ in members} - {own}):
                text = text.replace("annotations\n", f"annotations\nfrom . import {home}\n", 1)
            text += f"_Spec: typing.TypeAlias = {' | '.join(names)}\n"
            if "import typing\n" not in text:
                text = text.replace("annotations\n", "annotations\nimport typing\n", 1)
    text = re.sub(r"typing\.Annotated\[numpy\.typing\.ArrayLike, (numpy\.\w+)\]", r"numpy.typing.NDArray[\1]", text)
    text = re.sub(r"^names: tuple = .*$", "names: tuple[str, ...]", text, flags=re.M)
    text = re.sub(r"\bnumpy\.ndarray(?!\[)", "numpy.typing.NDArray[typing.Any]", text)
    text = text.replace("-> list:", "-> list[typing.Any]:").replace("-> tuple:", "-> tuple[typing.Any, ...]:")
    text = text.replace(": typing.SupportsFloat | typing.SupportsIndex", ": float")
    return text.replace(": typing.SupportsInt | typing.SupportsIndex", ": int")


def stubs() -> dict[Path, str]:
    """Where each stub lies, and what it says."""
    found = {PACKAGE / "_native" / file: _tidied(file, text) for file, text in _generated(core.__name__).items()}
    found[PACKAGE / "_cpu.pyi"] = _tidied("_cpu.pyi", _generated("lamella._cpu")["_cpu.pyi"])
    return found


def disagreements() -> list[str]:
    """What mypy's stubtest says, without what is pybind11's own business."""
    names = ["_native", *(f"_native.{family}" for family in FAMILIES)]
    modules = {f"lamella.{name}": f"{core.__name__}{name.removeprefix('_native')}" for name in names}
    code = f"""
import sys
from functools import reduce
from mypy import stubtest
import lamella._core
for stub, real in {modules!r}.items():
    sys.modules[stub] = reduce(getattr, real.split(".")[2:], lamella._core.core)
sys.exit(stubtest.test_stubs(stubtest.parse_options(["--concise", "lamella._native", "lamella._cpu"])))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    lines = (done.stdout + done.stderr).splitlines()
    assert lines, "stubtest always finds pybind11's own names: it did not run"
    return [line for line in lines if "metaclass differs" not in line and "__pybind11_module_local" not in line]


def main(arguments: list[str]) -> int:
    expected = stubs()
    if arguments == ["--check"]:
        stale = [p for p, text in expected.items() if not p.exists() or p.read_text(encoding="utf-8") != text]
        for path in stale:
            print(f"{path.relative_to(PACKAGE.parents[1])} is not what the core says: run python tools/stubs.py")
        return bool(stale)
    if arguments == ["--test"]:
        lines = disagreements()
        print("\n".join(lines) or "stubtest: no disagreements")
        return bool(lines)
    for path, text in expected.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
