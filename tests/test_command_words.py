"""Words of the command line that cannot be: each is said at once, in one line, under the option's name."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lamella import _demo, cli, tables
from lamella.datasets import DatasetNotFoundError, mnist

TRAIN = ["train", "flats.csv", "--target", "price", "--epochs", "1", "--seed", "1"]


@pytest.fixture(autouse=True)
def folder(rng: np.random.Generator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a table and a model, in which the commands run."""
    area = rng.uniform(20, 200, 200).round(1)
    rows = [f"{each},{'NS'[i % 2]},{1000 * each}" for i, each in enumerate(area)]
    (tmp_path / "flats.csv").write_text("\n".join(["area,district,price", *rows, ""]), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def model(folder: Path) -> Path:
    tables.train("flats.csv", "price", epochs=1, seed=1, verbose=0).save("m.safetensors")
    return Path("m.safetensors")


def fails(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[object, str]:
    """The exit code and the one line that a command complains with, and that it printed nothing else."""
    try:
        code: object = cli.main(words)
    except SystemExit as end:
        code = end.code
    printed = capsys.readouterr()
    assert printed.err.startswith("lamella: error: ") and printed.err.count("\n") == 1, printed.err
    assert printed.out == ""
    return code, printed.err


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ([*TRAIN, "--activation", "nope"], "argument --activation: must be a name such as 'relu', got 'nope'"),
        ([*TRAIN, "--optimizer", "nope"], "argument --optimizer: must be a name such as 'adam', got 'nope'"),
        ([*TRAIN, "--learning-rate", "1e300"], "argument --learning-rate: must be a finite number"),
        ([*TRAIN, "--epochs", "1" + "0" * 21], "argument --epochs: must be a whole number less than 2**63"),
        ([*TRAIN, "--hidden", "9" * 21], "argument --hidden: must be sizes of layers"),
        ([*TRAIN, "--hidden", "64,99999999999"], "argument --hidden: must be units up to 2,147,483,647"),
        ([*TRAIN, "--categorical", "area", "--numeric", "area"], "argument --numeric, --categorical: both name 'area'"),
        (
            [*TRAIN, "--categorical", "price", "--task", "regression"],
            "argument --categorical: names the target 'price'",
        ),
        ([*TRAIN, "--drop", "area,area"], "argument --drop: must be different names, got 'area,area'"),
        ([*TRAIN, "--save", "m" * 300 + ".keras"], "argument --save: must be a file that can be written, got 'mmm"),
        ([*TRAIN, "--plot", "~nobody-of-that-name/a.png"], "argument --plot: must be a file"),
        (["train", "x" * 5000 + ".csv", "--target", "price"], "argument DATA.csv: must be an existing file, got 'xxx"),
        (["mnist", "--report", "/proc/r.html"], "argument --report: must be a file that can be written"),
        (["mnist", "--data", "x" * 5000], "argument --data: must be an existing folder or file"),
        (["playground", "--model", "flats.csv"], "argument --model: must end with .safetensors"),
        (["predict", "flats.csv", "flats.csv"], "argument MODEL: must end with .safetensors or .keras"),
        (["evaluate", "-", "-"], "argument MODEL: must end with .safetensors or .keras"),
        (["run"], "required: script"),
        (["run", "nofile.py"], "argument script: must be an existing Python script, got 'nofile.py'"),
        (["run", "."], "argument script: must be an existing Python script, got '.'"),
        (["run", "--mpiexec", '"', "flats.csv"], "argument --mpiexec: must be a command such as"),
        (["run", "--mpiexec", "", "flats.csv"], "argument --mpiexec: must be a command such as"),
    ],
    ids=lambda each: " ".join(each)[:50] if isinstance(each, list) else "",
)
def test_wrong_words_name_their_option_before_any_work(
    capsys: pytest.CaptureFixture[str], words: list[str], text: str
) -> None:
    if "/proc/r.html" in words and not Path("/proc/self").exists():
        words = ["mnist", "--report", "no/r.html"]
        text = "argument --report: must lie in an existing folder"
    code, line = fails(capsys, *words)
    assert code == 2 and text in line and len(line) < 1000


def test_required_arguments_of_run_are_only_the_script(capsys: pytest.CaptureFixture[str]) -> None:
    assert fails(capsys, "run")[1].endswith("required: script\n")


def test_a_launcher_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("mpi4py")
    code, line = fails(capsys, "run", "--mpiexec", "no-such-launcher -x", "flats.csv")
    assert code == 1 and "There is no launcher 'no-such-launcher -x' here" in line


def test_names_as_long_as_the_file_system_takes_are_written(capsys: pytest.CaptureFixture[str]) -> None:
    name = "m" * 243 + ".safetensors"
    assert cli.main([*TRAIN, "--save", name]) == 0, capsys.readouterr().err
    assert Path(name).is_file() and {path.name for path in Path().iterdir()} == {name, "flats.csv"}


def test_options_of_predict_are_checked_before_anything_is_printed(
    capsys: pytest.CaptureFixture[str], model: Path
) -> None:
    (model.parent / "bad.csv").write_text("area\n1\n", encoding="utf-8")
    for words, text in (
        (["flats.csv", "--keep", "nope"], "no column 'nope' to keep"),
        (["flats.csv", "--keep", "district,district"], "argument --keep: must be different names"),
        (["bad.csv"], "no column 'district'"),
    ):
        assert text in fails(capsys, "predict", str(model), *words)[1]


def test_a_dash_is_standard_output(capsys: pytest.CaptureFixture[str], model: Path) -> None:
    assert cli.main(["predict", str(model), "flats.csv", "--output", "-"]) == 0
    assert capsys.readouterr().out.startswith("price\n") and not Path("-").exists()


def test_many_categories_of_numbers_name_the_option(capsys: pytest.CaptureFixture[str]) -> None:
    line = fails(capsys, *TRAIN, "--categorical", "area")[1]
    assert (
        "column 'area': more than 100 different values. " in line and "--max-categories" in line and "line" not in line
    )


@pytest.mark.skipif(sys.platform == "win32", reason="there are no named pipes")
def test_pipes_are_refused_where_they_cannot_be_used(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    os.mkfifo(folder / "pipe.png")
    code, line = fails(capsys, "train", "pipe.png", "--target", "price")
    assert code == 2 and "argument DATA.csv: must be a file, training reads it twice" in line
    code, line = fails(capsys, *TRAIN, "--plot", "pipe.png")
    assert code == 2 and "argument --plot: must be a regular file" in line


def test_a_missing_h5py_is_said_before_the_training(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "h5py", None)
    code, line = fails(capsys, *TRAIN, "--save", "m.keras")
    assert code == 1 and 'pip install "lamella[keras]"' in line and not Path("m.keras").exists()


@pytest.mark.parametrize("given", ["nowhere", "."])
def test_a_variable_that_names_no_data_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], given: str
) -> None:
    def load(*_: Any) -> None:
        raise DatasetNotFoundError("none")

    monkeypatch.setattr(mnist, "load_data", load)
    monkeypatch.setenv("LAMELLA_DATA", given)
    _demo.load(num_train=10, num_test=10)
    line = capsys.readouterr().err
    what = "is no folder" if given == "nowhere" else "holds none"
    assert line.count("\n") == 1 and f"LAMELLA_DATA={given} {what}" in line
