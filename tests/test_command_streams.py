"""Commands whose terminal knows few signs, whose readers leave, with closed streams, or that end at their start."""

from __future__ import annotations

import errno
import io
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lamella import cli, tables

COMMAND = [sys.executable, "-m", "lamella"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a table and a model of classes with signs that ASCII lacks."""
    rows = [f"{i}.5,{'äß'[i % 2]}" for i in range(80)]
    (tmp_path / "kinds.csv").write_text("\n".join(["größe,art", *rows, ""]), encoding="utf-8")
    rows = [f"{i}.5,{2 * i}.5" for i in range(80)]
    (tmp_path / "prices.csv").write_text("\n".join(["größe,preis", *rows, ""]), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    tables.train("kinds.csv", "art", epochs=1, seed=1, verbose=0).save("m.safetensors")
    tables.train("prices.csv", "preis", epochs=1, seed=1, verbose=0).save("p.safetensors")
    return tmp_path


def done(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *words],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        env={**os.environ, **environment},
    )


def in_shell(line: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
    """A line of the shell, in which `lamella` is the command."""
    command = f'lamella() {{ "{sys.executable}" -m lamella "$@"; }}; {line}'
    return subprocess.run(["sh", "-c", command], input=given, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("table", ["prices.csv", "kinds.csv"])
def test_terminals_of_few_signs_show_what_they_can(table: str) -> None:
    target = {"prices.csv": "preis", "kinds.csv": "art"}[table]
    words = ["train", table, "--target", target, "--epochs", "2", "--save", "new.safetensors"]
    told = done(*words, PYTHONIOENCODING="ascii")
    assert (told.returncode, told.stderr) == (0, "")
    assert "wrote new.safetensors" in told.stdout and "gr\\xf6\\xdfe" in told.stdout and told.stdout.isascii()


def test_data_is_not_changed_to_fit_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    told = done("predict", "m.safetensors", "kinds.csv", PYTHONIOENCODING="ascii")
    assert told.returncode == 1 and told.stderr.count("\n") == 1 and "\\x" not in told.stdout
    assert "Standard output is in ascii, which has no '\\xe" in told.stderr and "--output FILE" in told.stderr
    assert cli.main(["predict", "m.safetensors", "kinds.csv"]) == 0
    assert {*capsys.readouterr().out.splitlines()} <= {"art", "ä", "ß"}


def test_a_row_that_cannot_be_written_leaves_no_heads_behind(folder: Path) -> None:
    table = folder / "signs.csv"
    table.write_text("größe,was\n1,a\n2,é\n", encoding="utf-8")
    told = done("predict", "p.safetensors", "signs.csv", "--keep", "was", PYTHONIOENCODING="ascii")
    assert (told.returncode, told.stdout) == (1, "") and "has no '\\xe9'" in told.stderr
    assert done("predict", "p.safetensors", "signs.csv", "--keep", "was").stdout.startswith("was,preis\na,")


def test_a_standard_output_that_is_full_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Full(io.StringIO):
        def flush(self) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(sys, "stdout", Full())
    for words in (["predict", "p.safetensors", "prices.csv"], ["info"]):
        assert cli.main(words) == 1
        wanted = "lamella: error: Standard output cannot be written: No space left on device.\n"
        assert capsys.readouterr().err == wanted


def test_control_codes_of_a_table_do_not_reach_the_terminal(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, long = "\x1b[31m", "x" * 3000
    rows = [f"{i}.5,{[code, long][i % 2]},{['a' + code, 'b' + long][i % 2]}" for i in range(80)]
    (folder / "codes.csv").write_text("\n".join([f"a{code},b{long},c", *rows, ""]), encoding="utf-8")
    assert cli.main(["train", "codes.csv", "--target", "c", "--epochs", "1", "--validation-split", "0"]) == 0
    printed = capsys.readouterr().out
    assert "\x1b" not in printed and "a\\x1b[31m" in printed and max(map(len, printed.splitlines())) < 300


@pytest.mark.skipif(shutil.which("head") is None, reason="there is no such shell")
def test_a_training_whose_reader_leaves_is_saved(folder: Path) -> None:
    words = "train prices.csv --target preis --epochs 300 --patience 0 --seed 1"
    told = in_shell(f"(lamella {words} --save late.safetensors; echo $? > code) | head -n 1")
    assert told.stderr == "" and told.stdout.count("\n") == 1 and (folder / "code").read_text() == "0\n"
    assert tables.load("late.safetensors").predict("prices.csv").shape == (80,)
    told = in_shell(f"(lamella {words}; echo $? > code) | head -n 1")
    assert told.stderr == "" and (folder / "code").read_text() == "1\n"  # nothing to go on for


@pytest.mark.skipif(not (shutil.which("sh") and os.path.exists("/dev/full")), reason="needs a shell and /dev/full")
@pytest.mark.parametrize(
    "words",
    [
        "--help",
        "train --help",
        "--version",
        "info",
        "train prices.csv --target preis --epochs 2 --save n.safetensors",
        "predict p.safetensors prices.csv",
    ],
)
def test_a_full_standard_output_is_named(words: str) -> None:
    told = in_shell(f"unset PYTHONUNBUFFERED; lamella {words} > /dev/full")
    assert told.returncode == 1
    assert told.stderr == f"lamella: error: Standard output cannot be written: {os.strerror(errno.ENOSPC)}.\n"


@pytest.mark.skipif(shutil.which("head") is None, reason="there is no such shell")
def test_closed_streams_are_named() -> None:
    told = in_shell("lamella predict m.safetensors kinds.csv >&-")
    assert told.returncode == 1 and told.stderr.count("\n") == 1 and "say where to write: --output FILE" in told.stderr
    told = in_shell("lamella predict m.safetensors - <&-")
    assert (
        told.returncode == 1
        and told.stdout == ""
        and told.stderr.startswith("lamella: error: Standard input is closed")
    )
    told = in_shell("lamella evaluate m.safetensors kinds.csv >&- 2>&-")
    assert told.returncode == 0


@pytest.mark.skipif(shutil.which("sh") is None, reason="needs a shell")
def test_notes_stay_out_of_the_predictions_where_standard_error_is_closed() -> None:
    Path("words.csv").write_text("\n".join(["a,b", *(f"{'xyz'[i % 3]},{i}.5" for i in range(60)), ""]))
    tables.train("words.csv", "b", epochs=1, seed=1, verbose=0).save("w.safetensors")
    Path("new.csv").write_text("a\nx\nq\n")
    told = in_shell("lamella predict w.safetensors new.csv")
    assert "a category that the training did not see" in told.stderr
    assert in_shell("lamella predict w.safetensors new.csv 2>&-").stdout == told.stdout != ""


def test_scores_of_standard_input_are_called_so() -> None:
    text = Path("kinds.csv").read_text(encoding="utf-8")
    told = subprocess.run(
        [*COMMAND, "evaluate", "m.safetensors", "-"], input=text, capture_output=True, encoding="utf-8", timeout=120
    )
    assert told.stdout.startswith("standard input (80 rows): accuracy ")


def test_one_epoch_is_no_epochs(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["train", "prices.csv", "--target", "preis", "--epochs", "1"]) == 0
    assert "\n1 epoch in " in capsys.readouterr().out


def test_a_wrong_instruction_set_is_one_line() -> None:
    told = done("info", LAMELLA_ISA="nope")
    assert (told.returncode, told.stdout) == (1, "")
    assert told.stderr.startswith("lamella: error: LAMELLA_ISA='nope' cannot run here") and told.stderr.count("\n") == 1


def test_interrupts_during_the_import_are_one_line(folder: Path) -> None:
    (folder / "numpy").mkdir()
    (folder / "numpy" / "__init__.py").write_text("raise KeyboardInterrupt", encoding="utf-8")
    (folder / "bin").mkdir()
    (folder / "bin" / "lamella").write_text("from lamella.cli import main\nmain()\n", encoding="utf-8")
    settings = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), *filter(None, sys.path)])}
    for line in ([*COMMAND, "info"], [sys.executable, str(folder / "bin" / "lamella"), "info"]):
        told = subprocess.run(line, capture_output=True, text=True, timeout=120, env=settings)
        assert (told.returncode != 0, told.stdout, told.stderr) == (True, "", "lamella: interrupted\n")
    (folder / "script.py").write_text("import lamella", encoding="utf-8")
    line = [sys.executable, "script.py"]
    told = subprocess.run(line, capture_output=True, text=True, timeout=120, env=settings)
    assert "Traceback" in told.stderr  # a program is no command
