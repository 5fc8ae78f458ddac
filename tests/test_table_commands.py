"""The commands for tables, as they are typed: what they print, write, and say when something is wrong."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lamella import cli, tables

HOUSES = ["train", "houses.csv", "--target", "price", "--epochs", "20", "--seed", "3"]


@pytest.fixture(autouse=True)
def folder(rng: np.random.Generator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two tables, in which the commands run."""
    area, city = rng.uniform(20, 200, 400).round(1), rng.choice(["Bern", "Oslo", "Rome"], 400)
    price = 1000 * area + 50_000 * (city == "Oslo") + rng.normal(0, 2000, 400).round(2)
    rows = [f"{i},{area[i]},{city[i]},{price[i]}" for i in range(400)]
    (tmp_path / "houses.csv").write_text("\n".join(["id,area,city,price", *rows, ""]), encoding="utf-8")
    x = rng.normal(size=(300, 2))
    kinds = np.array(["rose", "lily", "iris"])[np.digitize(x[:, 0], [-0.4, 0.4])]
    rows = [f"{a};{b};{kind}" for (a, b), kind in zip(x, kinds, strict=True)]
    (tmp_path / "flowers.csv").write_text("\n".join(["a;b;kind", *rows, ""]), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def typed(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """What a command that succeeds prints."""
    assert cli.main(words) == 0, capsys.readouterr().err
    return capsys.readouterr().out


def fails(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[object, str]:
    """The exit code and the one line that a command complains with."""
    try:
        code: object = cli.main(words)
    except SystemExit as end:
        code = end.code
    errors = capsys.readouterr().err
    assert errors.startswith("lamella: error: ") and errors.count("\n") == 1, errors
    return code, errors


def rows_of(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


def test_model_is_trained_used_and_scored_in_three_commands(capsys: pytest.CaptureFixture[str]) -> None:
    shown = typed(capsys, *HOUSES, "--drop", "id", "--save", "m.safetensors")
    for line in (
        r"400 rows: 3\d\d train, \d\d validate \(seed 3\)",
        r"  area  numeric      mean 1\d\d\.\d+, deviation \d\d\.\d+",
        "  city  categorical  Bern, Oslo, Rome",
        "price: regression, mean",
        "network: 4-64-64-1, 4,545 weights",
        "Epoch 1/20",
        r"20 epochs in .+ s, the weights of epoch \d+ kept",
        r"validation \(\d\d rows\): mean absolute error [\d.]+, rmse [\d.]+, R² 0\.9",
        "always the mean would give: mean absolute error",
        "wrote m.safetensors",
    ):
        assert re.search(f"^{line}", shown, re.M), line
    assert "\x1b" not in shown and "\r" not in shown

    predicted = rows_of(typed(capsys, "predict", "m.safetensors", "houses.csv", "--keep", "id,city"))
    assert predicted[0] == ["id", "city", "price"] and len(predicted) == 401
    assert [row[0] for row in predicted[1:]] == [str(i) for i in range(400)]
    expected = tables.load("m.safetensors").predict("houses.csv")
    np.testing.assert_allclose([float(row[2]) for row in predicted[1:]], expected, rtol=1e-8)

    scored = typed(capsys, "evaluate", "m.safetensors", "houses.csv")
    assert scored.startswith("houses.csv (400 rows): mean absolute error ")


def test_classes_are_reported_one_by_one(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--target", "kind", "--epochs", "30", "--seed", "1", "--save", "m.safetensors"]
    shown = typed(capsys, "train", "flowers.csv", *options)
    assert "kind: classification, one of iris, lily, rose\nnetwork: 2-64-64-3, 4,547 weights" in shown
    assert re.search(r"^  class +rows  precision  recall\n  iris +\d+ +[01]\.\d{4} +[01]\.\d{4}$", shown, re.M)
    scores = json.loads(typed(capsys, "evaluate", "m.safetensors", "flowers.csv", "--json"))
    assert scores["accuracy"] > 0.9 and np.sum(scores["confusion"]) == scores["rows"] == 300

    rows = rows_of(typed(capsys, "predict", "m.safetensors", "flowers.csv", "--probabilities"))
    assert rows[0] == ["kind", "kind=iris", "kind=lily", "kind=rose"]
    chances = np.array([row[1:] for row in rows[1:]], float)
    np.testing.assert_allclose(chances.sum(axis=1), 1, atol=1e-7)
    assert [row[0] for row in rows[1:]] == [["iris", "lily", "rose"][i] for i in chances.argmax(axis=1)]
    first = json.loads(typed(capsys, "predict", "m.safetensors", "flowers.csv", "--json").splitlines()[0])
    assert first == {"kind": rows[1][0]}


def test_json_is_one_object_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(typed(capsys, *HOUSES, "--json"))
    assert found["task"] == "regression" and found["seed"] == 3 and found["rows"] == 400
    assert len(found["history"]["val_loss"]) == found["epochs"]
    assert {"rows", "mae", "rmse", "r2"} <= set(found["validation"])


def test_options_reach_the_training(capsys: pytest.CaptureFixture[str]) -> None:
    words = [*HOUSES, "--hidden", "8,4", "--dropout", "0.1", "--batch-size", "16", "--patience", "0"]
    shown = typed(capsys, *words, "--optimizer", "sgd", "--learning-rate", "0.05", "--categorical", "city")
    assert "network: 5-8-4-1" in shown and "\n21/21 ━" in shown  # 327 rows in steps of 16
    linear = json.loads(typed(capsys, *HOUSES, "--hidden", "none", "--validation-split", "0", "--json"))
    assert linear["parameters"] == 6 and linear["validation_rows"] == 0 and "training" in linear
    forced = typed(capsys, "train", "houses.csv", "--target", "city", "--epochs", "1", "--task", "classification")
    assert "city: classification, one of Bern, Oslo, Rome" in forced


def test_a_seed_repeats_a_training(capsys: pytest.CaptureFixture[str]) -> None:
    runs = [json.loads(typed(capsys, *HOUSES, "--json"))["history"] for _ in range(2)]
    other = json.loads(typed(capsys, *HOUSES[:-1], "4", "--json"))["history"]
    assert runs[0] == runs[1] != other


def test_files_of_other_lands_are_read(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "größe\tpreis\n" + "".join(f"{i}.5\t{2 * i}.5\n" for i in range(200))
    (folder / "a.tsv").write_bytes(text.encode("latin-1"))
    shown = typed(capsys, "train", "a.tsv", "--target", "preis", "--encoding", "latin-1", "--separator", "tab")
    assert "  größe  numeric" in shown
    assert "another encoding" not in shown
    code, line = fails(capsys, "train", "a.tsv", "--target", "preis")
    assert code == 1 and "latin-1" in line


def test_missing_values_are_named_before_anything_is_trained(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (folder / "houses.csv").read_text(encoding="utf-8").splitlines()
    text[3] = "2,,Oslo,70000"
    text[9] = "8,-99,Oslo,70000"
    (folder / "holes.csv").write_text("\n".join(text), encoding="utf-8")
    words = ["train", "holes.csv", *HOUSES[2:], "--missing-marker=-99", "--save", "m.safetensors"]
    code, line = fails(capsys, *words)
    assert code == 1 and "'area' (2, first on line 4)" in line and "--missing fill" in line
    assert not Path("m.safetensors").exists()
    assert ", 2 dropped (seed 3)" in typed(capsys, *words, "--missing", "drop")
    assert cli.main(["predict", "m.safetensors", "holes.csv"]) == 0
    printed = capsys.readouterr()
    assert printed.err == "lamella: note: 2 rows miss a value and have no prediction.\n"
    rows = printed.out.splitlines()
    assert len(rows) == 401 and rows[3] == rows[9] == '""'
    assert "some missing" in typed(capsys, *words, "--missing", "fill")


def test_categories_that_training_did_not_see_are_counted(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    typed(capsys, *HOUSES, "--drop", "id", "--save", "m.safetensors")
    (folder / "new.csv").write_text("city,area\nParis,50\nOslo,60\nParis,70\n", encoding="utf-8")
    assert cli.main(["predict", "m.safetensors", "new.csv"]) == 0
    printed = capsys.readouterr()
    assert printed.out.count("\n") == 4
    assert printed.err.startswith("lamella: note: 2 cells of column 'city' with a category that the training did not")


def test_standard_input_is_read_and_output_is_piped(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    typed(capsys, *HOUSES, "--drop", "id", "--save", "m.safetensors")
    line = [sys.executable, "-m", "lamella", "predict", "m.safetensors", "-"]
    given = "area,city\n50,Oslo\n60,Bern\n"
    done = subprocess.run(line, input=given, capture_output=True, text=True, timeout=120, encoding="utf-8")
    assert (done.returncode, done.stderr) == (0, "")
    assert [len(rows) for rows in rows_of(done.stdout)] == [1, 1, 1] and done.stdout.startswith("price\n")


def test_output_is_whole_or_as_it_was(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    typed(capsys, *HOUSES, "--drop", "id", "--save", "m.safetensors")
    assert typed(capsys, "predict", "m.safetensors", "houses.csv", "--output", "out.csv") == ""
    whole = Path("out.csv").read_text(encoding="utf-8")
    assert whole.startswith("price\n") and whole.count("\n") == 401
    (folder / "bad.csv").write_text("area,city\n" + "50,Oslo\n" * 9000 + "much,Oslo\n", encoding="utf-8")
    code, line = fails(capsys, "predict", "m.safetensors", "bad.csv", "--output", "out.csv")
    assert code == 1 and "column 'area', line 9002: 'much' is not a number" in line
    assert Path("out.csv").read_text(encoding="utf-8") == whole
    assert {path.name for path in folder.glob("out*")} == {"out.csv"}


def test_no_file_that_is_read_is_written_over(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    typed(capsys, *HOUSES, "--save", "m.safetensors")
    (folder / "link.csv").symlink_to("houses.csv")
    for output, what in (("houses.csv", "table"), ("link.csv", "table"), ("m.safetensors", "model")):
        before = (folder / output).read_bytes()
        code, line = fails(capsys, "predict", "m.safetensors", "houses.csv", "--output", output)
        assert code == 2 and f"--output: {output!r} is the {what} that is read" in line and "name another file" in line
        assert (folder / output).read_bytes() == before


def test_pictures_are_drawn_of_trainings_and_tests(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    shown = typed(capsys, *HOUSES, "--save", "m.safetensors", "--plot", "train.png")
    assert shown.endswith("wrote m.safetensors\nwrote train.png\n")
    assert typed(capsys, "evaluate", "m.safetensors", "houses.csv", "--plot", "test.png").endswith("wrote test.png\n")
    for name in ("train.png", "test.png"):
        assert Path(name).read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_scores_are_told_whatever_becomes_of_the_picture(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    pytest.importorskip("matplotlib")
    from lamella import plotting

    def full(trained: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(plotting, "table_figure", full)
    for words in ([*HOUSES, "--save", "m.safetensors"], ["evaluate", "m.safetensors", "houses.csv"]):
        assert cli.main([*words, "--plot", "a.png"]) == 1
        printed = capsys.readouterr()
        assert "mean absolute error" in printed.out and "wrote a.png" not in printed.out
        assert printed.err == "lamella: error: no space left on device\n"


@pytest.mark.skipif(sys.platform == "win32", reason="there is no RLIMIT_FSIZE")
def test_a_picture_that_does_not_fit_on_the_disk_leaves_the_old_one(folder: Path) -> None:
    pytest.importorskip("matplotlib")
    assert cli.main([*HOUSES, "--save", "m.safetensors", "--plot", "old.png"]) == 0
    old = (folder / "old.png").read_bytes()
    limited = (
        "import resource, signal, sys; from lamella import cli; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2048, 2048)); sys.exit(cli.main(sys.argv[1:]))"
    )
    words = ["evaluate", "m.safetensors", "houses.csv", "--plot", "old.png"]
    done = subprocess.run([sys.executable, "-c", limited, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "File too large" in done.stderr, done.stderr
    assert len(old) > 2048 and (folder / "old.png").read_bytes() == old
    assert not [each for each in folder.iterdir() if each.suffix == ".tmp"]


def test_names_of_any_signs_and_length_are_drawn(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    names = ["$x_{$", "\\frac$", "\u72d7" * 3, "long " * 40]
    lines = [f"{i},{names[i % 4]}" for i in range(200)]
    (folder / "odd.csv").write_text("\n".join(["a,the $kind_{$", *lines, ""]), encoding="utf-8")
    assert cli.main(["train", "odd.csv", "--target", "the $kind_{$", "--epochs", "1", "--plot", "odd.png"]) == 0
    printed = capsys.readouterr()
    assert printed.out.endswith("wrote odd.png\n") and "accuracy" in printed.out
    notes = printed.err.splitlines()
    assert all(note.startswith("lamella: note: odd.png: the font has no signs") for note in notes) and len(notes) <= 1


def test_missing_matplotlib_is_said_before_the_table_is_read(folder: Path) -> None:
    (folder / "matplotlib").mkdir()
    (folder / "matplotlib" / "__init__.py").write_text("raise ImportError('not here')")
    path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    line = [sys.executable, "-m", "lamella", *HOUSES, "--plot", "a.png"]
    done = subprocess.run(line, capture_output=True, text=True, timeout=120, env={**os.environ, "PYTHONPATH": path})
    assert (done.returncode, done.stdout) == (1, "")
    assert 'pip install "lamella[plot]"' in done.stderr and done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("train",), "required: DATA.csv, --target"),
        (("train", "houses.csv"), "required: --target"),
        (("train", "nowhere.csv", "--target", "price"), "must be an existing file, got 'nowhere.csv'"),
        (("train", "-", "--target", "price"), "must be a file, training reads it twice"),
        ((*HOUSES, "--hidden", "64,x"), "must be sizes of layers such as 64,64, or none; got '64,x'"),
        ((*HOUSES, "--validation-split", "1"), "at least 0 and less than 1"),
        ((*HOUSES, "--learning-rate", "0"), "must be a number above 0"),
        ((*HOUSES, "--save", "model.bin"), "must end with .safetensors or .keras"),
        ((*HOUSES, "--save", "no/such/m.safetensors"), "make the folder first"),
        ((*HOUSES, "--separator", "ab"), "must be one sign"),
        ((*HOUSES, "--encoding", "klingon"), "must be an encoding such as utf-8"),
        ((*HOUSES, "--drop", "id,,"), "names with commas between"),
        ((*HOUSES, "--task", "guess"), "invalid choice: 'guess'"),
        (("predict", "nowhere.safetensors", "houses.csv"), "must be an existing file"),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, tuple) else "",
)
def test_wrong_words_are_refused_before_any_work(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], text: str
) -> None:
    code, line = fails(capsys, *words)
    assert code == 2 and text in line


def test_what_a_model_cannot_do_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    typed(capsys, *HOUSES, "--save", "m.safetensors")
    for words, code, text in (
        (("--probabilities",), 2, "the model predicts a number, which has none"),
        (("--keep", "price"), 2, "'price' is the column that is predicted"),
        (("--keep", "colour"), 1, "no column 'colour' to keep; it has 'id', 'area', 'city', 'price'"),
    ):
        found, line = fails(capsys, "predict", "m.safetensors", "houses.csv", *words)
        assert found == code and text in line
    code, line = fails(capsys, "predict", "m.safetensors", "flowers.csv")
    assert code == 1 and "no column 'id', 'area', 'city', which the model was trained with" in line
    code, line = fails(capsys, "predict", "houses.csv", "houses.csv")
    assert code == 2


@pytest.mark.filterwarnings("default:The loss became:RuntimeWarning")
def test_training_that_diverges_is_an_error_and_writes_nothing(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    words = [*HOUSES[:4], "--learning-rate", "1e30", "--epochs", "1", "--save", "m.safetensors"]
    for target in ("price", "city"):
        assert cli.main([*words, "--target", target]) == 1
        assert re.search(r"diverged.*smaller learning_rate .--learning-rate. than 1e\+30", capsys.readouterr().err)
    assert not (folder / "m.safetensors").exists()


def test_outputs_that_are_no_numbers_name_their_line(folder: Path) -> None:
    trained = tables.train(folder / "houses.csv", "price", drop=["id"], epochs=1, seed=1, verbose=0)
    trained.model.set_weights([np.full_like(weight, np.nan) for weight in trained.model.get_weights()])
    for use in (trained.predict, trained.evaluate):
        with pytest.raises(tables.TableError, match="line 2: the network's output is no finite number"):
            use(folder / "houses.csv")


def test_warnings_are_notes_of_one_line(folder: Path) -> None:
    words = ["--epochs", "30", "--learning-rate", "1e15", "--optimizer", "sgd", "--seed", "1"]
    done = subprocess.run(
        [sys.executable, "-m", "lamella", "train", "houses.csv", "--target", "price", *words],
        cwd=folder, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    errors = done.stderr.splitlines()
    assert done.returncode == 1 and len(errors) == 2, done.stderr
    assert errors[0].startswith("lamella: note: The loss became") and errors[1].startswith("lamella: error: Training")


def test_json_of_an_epoch_that_diverged_is_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from lamella import _table_output

    _table_output.print_json({"history": {"loss": [1.5, float("inf"), float("nan")]}, "rows": 3, "names": ("a",)})
    strict = json.loads(capsys.readouterr().out, parse_constant=lambda name: pytest.fail(name))
    assert strict == {"history": {"loss": [1.5, None, None]}, "rows": 3, "names": ["a"]}
