"""What editors and type checkers see: the stubs of the core, the lazily loaded names, what help() says."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import pydoc
import subprocess
import sys
from pathlib import Path

import pytest

import lamella
from lamella._core import core

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "python" / "lamella"

USER = """
import numpy as np
import lamella as keras
from lamella import layers
from lamella.callbacks import History
from lamella.datasets import digits

model = keras.Sequential([layers.Dense(8, activation="relu"), layers.Dense(1)])
model.compile(optimizer=keras.optimizers.RMSprop(1e-3), loss="mse", metrics=["mae"])
history: History = model.fit(np.eye(4), [1.0, 2.0, 3.0, 4.0], epochs=2, verbose=0)
losses: list[float] = history.history["loss"]
row: np.float32 = model.predict(np.eye(4))[0, 0]
data = digits.load_data(num_train=10, num_test=10)
file: str = keras.utils.get_file("x", "https://example.org/x")
"""


def stubs() -> dict[Path, str]:
    spec = importlib.util.spec_from_file_location("stubs", ROOT / "tools" / "stubs.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: dict[Path, str] = module.stubs()
    return found


def test_stubs_are_what_the_core_says() -> None:
    pytest.importorskip("pybind11_stubgen")
    found = stubs()
    assert len(found) == 9
    stale = [path.name for path, text in found.items() if path.read_text(encoding="utf-8") != text]
    assert stale == [], "run python tools/stubs.py"


def test_stubs_name_all_that_the_core_has() -> None:
    text = (PACKAGE / "_native" / "__init__.pyi").read_text(encoding="utf-8")
    names = [name for name in dir(core) if not name.startswith("_")]
    assert len(names) > 20
    assert [name for name in names if name not in text] == []
    assert "arg0" not in "".join(line for line in text.splitlines() if "setter" not in line and "def __init__" in line)


def test_the_package_says_that_it_is_typed() -> None:
    assert (Path(lamella.__file__).parent / "py.typed").exists()


def mypy(tmp_path: Path, text: str) -> str:
    pytest.importorskip("mypy")
    program = tmp_path / "program.py"
    program.write_text(text, encoding="utf-8")
    home = Path(lamella.__file__).parents[1]  # mypy finds by itself what is installed
    environment = {"PATH": "", **({} if home.name == "site-packages" else {"MYPYPATH": str(home)})}
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", f"--cache-dir={tmp_path / 'cache'}", program]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False).stdout


def test_a_users_program_passes_strict_mypy(tmp_path: Path) -> None:
    assert "Success" in mypy(tmp_path, USER)


def test_mistakes_in_a_users_program_are_seen(tmp_path: Path) -> None:
    found = mypy(tmp_path, USER + "model.fti(np.eye(4))\nkeras.layers.Dens(1)\nlayers.Dense('8')\n")
    assert '"fti"' in found and 'has no attribute "Dens"' in found and "incompatible type" in found


def completions(text: str) -> set[str]:
    jedi = pytest.importorskip("jedi")
    project = jedi.Project(str(ROOT), added_sys_path=[str(Path(lamella.__file__).parents[1])])
    return {found.name for found in jedi.Script(text, project=project).complete()}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import lamella\nlamella.", {"Sequential", "layers", "datasets", "plotting", "preprocessing"}),
        ("import lamella as keras\nkeras.layers.De", {"Dense"}),
        ("import lamella\nlamella.utils.", {"get_file", "plot_model", "to_categorical"}),
        ("import lamella\nlamella.datasets.mn", {"mnist"}),
        ("import lamella\nlamella.Sequential().", {"fit", "compile", "predict", "summary", "save"}),
        ("import lamella\nmodel = lamella.Sequential()\nmodel.fit([]).", {"history", "epoch"}),
    ],
    ids=lambda value: value.splitlines()[-1] if isinstance(value, str) else "",
)
def test_editors_complete(text: str, expected: set[str]) -> None:
    assert expected <= completions(text)


def test_dir_names_what_is_loaded_on_first_use() -> None:
    for module in (lamella, lamella.utils):
        assert set(module.__all__) <= set(dir(module))


def test_help_names_the_public_place_and_the_arguments() -> None:
    text = pydoc.render_doc(lamella.layers.Dense, renderer=pydoc.plaintext)
    assert text.startswith("Python Library Documentation: class Dense in module lamella.layers\n")
    assert "class Dense(Layer)" in text.replace("lamella.layers.", "")
    assert "units: Width of the output, a positive integer." in text and ">>> " in text
    parameters = list(inspect.signature(lamella.layers.Dense).parameters)
    assert parameters[:3] == ["units", "activation", "use_bias"]


def test_public_classes_go_by_the_name_that_imports_them() -> None:
    packages = [path.parent.name for path in PACKAGE.glob("[a-z]*/__init__.py")]
    assert len(packages) >= 10
    for package in packages:
        module = importlib.import_module(f"lamella.{package}")
        for name in module.__all__:
            home = getattr(getattr(module, name), "__module__", "")
            assert "._" not in home and home.count(".") <= 1, f"{package}.{name} says that it is in {home}"
