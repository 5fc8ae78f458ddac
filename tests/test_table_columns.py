"""Columns as they come: whole numbers written in two ways, names that are missing, numbers beyond all bounds."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from small_tables import encoded, quick

from lamella import cli, tables
from lamella.tables import TableError


def _file(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_whole_numbers_are_one_class_however_they_are_written(tmp_path: Path) -> None:
    rows = [f"{i},{['0', '1', '1', '1.0'][i % 4]}" for i in range(80)]
    trained = quick(_file(tmp_path / "a.csv", "\n".join(["a,y", *rows])), "y", epochs=1)
    assert trained.schema.classes == ["0", "1"]
    scores = trained.evaluate(_file(tmp_path / "b.csv", "a,y\n1,0.0\n2,1.00\n3,1\n"))
    assert scores["rows"] == 3 and [each["rows"] for each in scores["classes"].values()] == [1, 2]


def test_categories_of_whole_numbers_are_known_however_they_are_written(tmp_path: Path) -> None:
    rows = [f"{'12'[i % 2]}.0,{i}.5" for i in range(60)]
    options = {"categorical": ["kind"], "epochs": 1, "task": "regression"}
    trained = quick(_file(tmp_path / "a.csv", "\n".join(["kind,y", *rows])), "y", **options)
    assert trained.schema.features[0].values == ["1.0", "2.0"]
    assert encoded(trained, _file(tmp_path / "b.csv", "kind\n1\n2.0\n2\n")).tolist() == [[1, 0], [0, 1], [0, 1]]


def test_whole_numbers_in_two_ways_count_once_among_few_classes_and_most_categories(tmp_path: Path) -> None:
    rows = [f"{i % 15}{'.0' * (i % 4 == 0)}" for i in range(300)]
    path = _file(tmp_path / "a.csv", "\n".join(["a,y", *(f"{each},{each}" for each in rows)]))
    trained = quick(path, "y", epochs=1, categorical=["a"], max_categories=15)
    assert trained.schema.classes == trained.schema.features[0].values
    assert [*map(float, trained.schema.classes)] == [*range(15)]


def test_codes_that_begin_with_zeros_stay_apart(tmp_path: Path) -> None:
    rows = [f"{['07', '7'][i % 2]},{i}.5" for i in range(60)]
    trained = quick(_file(tmp_path / "a.csv", "\n".join(["zip,y", *rows])), "y", epochs=1, categorical=["zip"])
    assert sorted(trained.schema.features[0].values) == ["07", "7"]


def test_columns_without_a_name_are_noted_and_not_used(tmp_path: Path) -> None:
    rows = [f"{i},{i}.5,{2 * i}.5,x" for i in range(60)]
    trained = quick(_file(tmp_path / "a.csv", "\n".join([",a,y,", *rows])), "y", epochs=1)
    assert [each.name for each in trained.schema.features] == ["a"]
    assert trained.notes == ["columns 1, 4 have no name and are not used; name them in the first line"]


def test_empty_columns_without_a_name_are_passed_over(tmp_path: Path) -> None:
    rows = [f"{i}.5;{2 * i}.5;;" for i in range(60)]
    path = _file(tmp_path / "a.csv", "\n".join(["a;y;;", *rows]))
    trained = quick(path, "y", epochs=1)
    assert trained.notes == [] and len(trained.predict(path)) == 60
    with pytest.raises(TableError, match="no names of columns in its first line"):
        quick(_file(tmp_path / "b.csv", ",,\n1,2,3\n"), "y")


@pytest.mark.parametrize("column", ["a", "y"])
def test_numbers_beyond_all_bounds_name_their_line(tmp_path: Path, column: str) -> None:
    rows = [f"{i}.5,{2 * i}.5" for i in range(60)]
    rows[30] = {"a": "-1e300,1.5", "y": "1.5,-1e300"}[column]
    path = _file(tmp_path / "a.csv", "\n".join(["a,y", *rows]))
    for options in ({}, {"numeric": [column]}, {"task": "regression"}):
        with pytest.raises(TableError, match=f"'{column}', line 32: '-1e300' is too large; .* up to 1e100"):
            quick(path, "y", epochs=1, **options)


def test_tables_of_numbers_beyond_all_bounds_have_no_categories(tmp_path: Path) -> None:
    path = _file(tmp_path / "a.csv", "\n".join(["a,y", *(f"1e3{i:02d},{i}.5" for i in range(1, 9))]))
    with pytest.raises(TableError, match="'a', line 2: '1e301' is too large"):
        quick(path, "y", validation_split=0)


def test_numbers_far_from_those_of_the_training_name_their_line(tmp_path: Path) -> None:
    trained = quick(_file(tmp_path / "a.csv", "a,y\n" + "".join(f"{i}.5,{i}.5\n" for i in range(60))), "y", epochs=1)
    new = _file(tmp_path / "b.csv", "a,y\n1,1\n1e60,1\n")
    for use in (trained.predict, trained.evaluate):
        with pytest.raises(TableError, match="column 'a', line 3: '1e60' is too far from those of the training"):
            use(new)
    for use, bad in ((trained.predict, "1e300,1"), (trained.evaluate, "1,1e300")):
        with pytest.raises(TableError, match="line 2: '1e300' is too large"):
            use(_file(tmp_path / "b.csv", f"a,y\n{bad}\n"))


def test_large_numbers_that_are_alike_train(tmp_path: Path) -> None:
    rows = [f"{i}.5e90,{2 * i}.5e90" for i in range(200)]
    path = _file(tmp_path / "a.csv", "\n".join(["a,y", *rows]))
    assert np.isfinite(list(tables.train(path, "y", seed=1, epochs=2, verbose=0).evaluate(path)[k] for k in ("mae",)))


def test_words_for_missing_cells_can_be_classes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [f"{i},{['None', 'Low', 'High'][i % 3]}" for i in range(60)]
    path = _file(tmp_path / "a.csv", "\n".join(["a,c", *rows]))
    with pytest.raises(
        TableError, match=r"'c' \(20, first on line 2, such as 'None'\).*`markers=\[\"\"\]` \(--only-empty\)"
    ):
        quick(path, "c")
    assert quick(path, "c", markers=[""], epochs=1).schema.classes == ["High", "Low", "None"]
    words = ["train", str(path), "--target", "c", "--epochs", "1", "--save", str(tmp_path / "m.safetensors")]
    assert cli.main([*words, "--only-empty"]) == 0 and "one of High, Low, None" in capsys.readouterr().out
    assert cli.main([*words, "--missing", "drop"]) == 0
    capsys.readouterr()
    assert cli.main(["evaluate", str(tmp_path / "m.safetensors"), str(path)]) == 0
    assert "note: 20 rows miss a value and are not scored." in capsys.readouterr().err


def test_kept_columns_are_not_called_like_a_probability(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [f"{i},{i},{'xy'[i % 2]}" for i in range(60)]
    path = _file(tmp_path / "a.csv", "\n".join(["a,c=x,c", *rows]))
    quick(path, "c", epochs=1).save(tmp_path / "m.safetensors")
    with pytest.raises(SystemExit):
        cli.main(["predict", str(tmp_path / "m.safetensors"), str(path), "--probabilities", "--keep", "c=x"])
    assert "argument --keep: 'c=x' is also what the column of a probability is called" in capsys.readouterr().err


def test_targets_that_are_the_same_in_all_rows_have_no_r2(tmp_path: Path) -> None:
    trained = quick(_file(tmp_path / "a.csv", "\n".join(["a,y", *(f"{i},{i / 7}" for i in range(60))])), "y", epochs=1)
    same = _file(tmp_path / "b.csv", "\n".join(["a,y", *(f"{i},1.1" for i in range(121))]))
    assert trained.evaluate(same)["r2"] is None


def test_numbers_far_from_zero_keep_their_deviation(tmp_path: Path) -> None:
    path = _file(tmp_path / "a.csv", "\n".join(["a,same,y", *(f"{i},0.1,{10**16 + 64 * i}" for i in range(60))]))
    trained = quick(path, "y", epochs=1, task="regression", validation_split=0)
    assert trained.schema.scale == pytest.approx(64 * np.std(np.arange(60)), rel=1e-4)
    assert trained.notes == ["column 'same' is the same in all rows of the training"]


DOUBTS = {
    "2020-01-{:02d}": "'2020-01-.*pandas.to_datetime",
    "1.2.20{:02d}": "'1.2.20.*pandas.to_datetime",
    "name {}": "another text in each row, such as 'name .*--drop",
    "01{:03d}": "taken for numbers, such as '01.*--categorical",
}


@pytest.mark.parametrize("like", DOUBTS)
def test_what_a_column_may_be_besides_is_noted(tmp_path: Path, like: str) -> None:
    path = _file(tmp_path / "a.csv", "\n".join(["a,y", *(f"{like.format(1 + i)},{2.5 * i}" for i in range(28))]))
    notes = quick(path, "y", epochs=1).notes
    assert len(notes) == 1 and re.search(DOUBTS[like], notes[0])
    assert quick(path, "y", epochs=1, categorical=["a"]).notes == []


def test_a_column_that_the_training_rows_miss_raises_no_doubts(tmp_path: Path) -> None:
    cells = ["" if i != 29 else "word" for i in range(30)]
    path = _file(tmp_path / "a.csv", "\n".join(["a,b,y", *(f"{cell},{i},{2.5 * i}" for i, cell in enumerate(cells))]))
    found = [quick(path, "y", epochs=1, missing="fill", seed=seed).notes for seed in range(12)]
    assert not any("to_datetime" in note for notes in found for note in notes)


def test_classes_of_few_rows_are_noted(tmp_path: Path) -> None:
    path = _file(tmp_path / "a.csv", "\n".join(["a,town", *(f"{i},town {i}" for i in range(60))]))
    assert quick(path, "town", epochs=1).notes == [
        "'town' has 60 classes in 60 rows; a class needs several to be learned"
    ]


def test_numbers_have_no_underscores(tmp_path: Path) -> None:
    path = _file(tmp_path / "a.csv", "\n".join(["a,y", *(f"{'1_0' if i == 30 else i},{2.5 * i}" for i in range(60))]))
    with pytest.raises(TableError, match="column 'a', line 32: '1_0' is not a number"):
        quick(path, "y")


def test_probabilities_are_there_from_python(tmp_path: Path) -> None:
    path = _file(tmp_path / "a.csv", "\n".join(["a,c", *(f"{i},{'xyz'[i % 3]}" for i in range(60))]))
    trained = quick(path, "c", epochs=1)
    found = trained.predict(path, probabilities=True)
    assert found.shape == (60, 3) and np.allclose(found.sum(axis=1), 1)
    assert [trained.schema.classes[i] for i in found.argmax(axis=1)] == trained.predict(path).tolist()
    numbers = quick(
        _file(tmp_path / "b.csv", "\n".join(["a,y", *(f"{i},{2.5 * i}" for i in range(60))])), "y", epochs=1
    )
    with pytest.raises(ValueError, match="`probabilities`: the model predicts a number"):
        numbers.predict(tmp_path / "b.csv", probabilities=True)
    with pytest.raises(TypeError, match=r"TableModel.predict\(\) got an unexpected keyword argument 'sep'"):
        numbers.predict(tmp_path / "b.csv", sep=";")


def test_names_with_commas_are_told_how_to_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = _file(tmp_path / "a.csv", "\n".join(['"a, net",b,y', *(f"{i},{i},{2.5 * i}" for i in range(60))]))
    words = ["train", str(path), "--target", "y", "--epochs", "1", "--drop"]
    assert cli.main([*words, "a, net"]) == 1
    assert """'a, net' is written with quotes inside: '"...\"'.""" in capsys.readouterr().err
    assert cli.main([*words, '"a, net"']) == 0
