"""Tables that cannot be used say where and why; so do arguments, and files that do not fit their model."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_tables import encoded, flats, flowers, quick, write

from lamella.tables import TableError, _train


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no names of columns in its first line"),
        ("a,y\n", "has no rows below"),
        ("1,2\n3,4\n", "numbers in its first line"),
        ("a,a,y\n1,2,3\n", "several columns 'a'"),
        ("a,y\n1,2\n3\n", "line 3: 1 cells, but the first line names 2 columns"),
        ("a,b\n1,2\n", "no column 'y'; it has 'a', 'b'"),
        ("y\n1.5\n2.5\n", "no column beside 'y'"),
        ("a,y\n1,7\n2,7\n", "column 'y': the target is 7 in all rows"),
        ("a,y\n1,5.5\n2,5.5\n", "column 'y': the target is 5.5 in all rows"),
        ("a,y\n1,b\n2,b\n", "column 'y': all rows are 'b', nothing to tell apart"),
        ("a,y\n1,3\n", "has 1 row; training needs two or more"),
        ("a,y\n1,\n2,?\n", "column 'y': the target is missing in all rows"),
        ("a,y\n1,2\n2,3\x00\n", "line 3: 'y' holds a byte that is zero|is no CSV file"),
        (
            "a,y\n1,\n2,?\n3,4\n",
            r"misses values .*: `missing=\"drop\"` \(--missing drop\) .* If '\?' is a value, .*--only-empty",
        ),
        ("a,y\n,\n2,?\n3,4\n", "misses values .*--missing fill.* Rows without the target 'y' are left out either way"),
        ('a,y\n"1,2\n', "is no CSV file: the quote that line 2 opens is never closed"),
        ('"a,y\n1,2\n', "is no CSV file: the quote that line 1 opens is never closed"),
        ('sep=,\na,y\n1,2\n"3,4\n', "the quote that line 4 opens is never closed"),
        (
            "a,y\n" + "1,2.5\n" * 200 + "1,oops\n" + "".join(f"1,{i}.5\n" for i in range(2000)),
            "line 202: 'oops' is not",
        ),
        ("a,y\n" + "".join(f"{i}.5,{i}\n" for i in range(150)) + "x7,9\n", "'a', line 152: 'x7' is not a number, most"),
        ("a,y\n" + "".join(f"name{i},{i}\n" for i in range(150)), "more than 100 different values, such as 'name0'"),
    ],
    ids=range(21),
)
def test_tables_that_cannot_be_used_say_where_and_why(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    with pytest.raises(TableError, match=message) as error:
        quick(tmp_path / "a.csv", "y", validation_split=0)
    assert "a.csv" in str(error.value)


def test_damaged_files_and_other_encodings_are_named(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("straße,y\n1,2\n2,3\n".encode("latin-1"))
    with pytest.raises(TableError, match=r"no text in utf-8 \(.*latin-1"):
        quick(path, "y")
    trained = quick(path, "y", encoding="latin-1", validation_split=0, epochs=1)
    assert trained.schema.features[0].name == "straße"
    path.write_bytes(gzip.compress(b"a,y\n1,2\n" * 1000)[:-9])
    with pytest.raises(TableError, match="is damaged"):
        quick(path, "y")


def test_columns_and_cells_that_do_not_fit_the_model_are_named(rng: np.random.Generator, tmp_path: Path) -> None:
    trained = quick(write(tmp_path / "a.csv", flats(rng)), "price", epochs=1)
    with pytest.raises(TableError, match="no column 'city', which the model was trained with"):
        trained.predict(write(tmp_path / "b.csv", {"size": [1], "town": ["Oslo"]}))
    with pytest.raises(TableError, match="column 'size', line 3: 'big' is not a number"):
        trained.predict(write(tmp_path / "b.csv", {"size": [1, "big"], "city": ["Oslo", "Oslo"]}))
    with pytest.raises(TableError, match="no column 'price', which the model predicts"):
        trained.evaluate(write(tmp_path / "b.csv", {"size": [1], "city": ["Oslo"]}))
    trained = quick(write(tmp_path / "c.csv", flowers(rng)), "kind", epochs=1)
    with pytest.raises(
        TableError, match="column 'kind', line 2: 'tulip' is none of the classes 'iris', 'lily', 'rose'"
    ):
        trained.evaluate(write(tmp_path / "b.csv", {"a": [1], "b": [1], "kind": ["tulip"]}))


def test_new_categories_are_none_of_the_known_and_are_counted(rng: np.random.Generator, tmp_path: Path) -> None:
    trained = quick(write(tmp_path / "a.csv", flats(rng)), "price", epochs=1)
    path = write(tmp_path / "b.csv", {"size": [30, 40], "city": ["Paris", "Oslo"]})
    assert np.isfinite(trained.predict(path)).all()
    assert trained.unseen == {"city": 1}
    assert encoded(trained, path)[0, 1:].tolist() == [0, 0, 0]


def test_file_that_changes_meanwhile_is_noticed(
    rng: np.random.Generator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, plan = write(tmp_path / "a.csv", flats(rng)), _train._plan.schema_of

    def shorten(*args: Any) -> Any:
        path.write_text("\n".join(path.read_text().splitlines()[:300]))
        return plan(*args)

    monkeypatch.setattr(_train._plan, "schema_of", shorten)
    with pytest.raises(TableError, match="has changed while it was read"):
        quick(path, "price")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"task": "guess"}, "`task` must be"),
        ({"missing": "ignore"}, "`missing` must be"),
        ({"hidden": (0,)}, "`hidden` must be a positive integer"),
        ({"validation_split": 1}, "`validation_split`"),
        ({"patience": -1}, "`patience`"),
        ({"drop": ("nope",)}, "no column 'nope'"),
        ({"drop": ("price",)}, "cannot be left out"),
        ({"categorical": ("nope",)}, "no column 'nope' to use"),
        ({"numeric": ("city",)}, "column 'city', line 2: .* is not a number"),
        ({"task": "regression", "target": "city"}, "is not a number; it is the target"),
        ({"optimizer": "best"}, "best"),
    ],
    ids=str,
)
def test_wrong_arguments_are_refused(
    rng: np.random.Generator, tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    path = write(tmp_path / "a.csv", flats(rng))
    with pytest.raises(ValueError, match=message):
        quick(path, **{"target": "price", **options})


def test_numbers_that_are_categories_become_them(rng: np.random.Generator, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", {"zip": [10, 9, 101] * 30, "y": rng.normal(size=90)})
    (feature,) = quick(path, "y", categorical=("zip",), epochs=1).schema.features
    assert (feature.kind, feature.values) == ("categorical", ["9", "10", "101"])


@pytest.mark.parametrize("seed", [1, 3])
@pytest.mark.parametrize("options", [{}, {"validation_split": 0}, {"patience": 0}], ids=str)
def test_diverged_training_of_a_small_table_is_an_error(tmp_path: Path, seed: int, options: dict[str, Any]) -> None:
    path = write(tmp_path / "a.csv", {"a": [1, 3, 5], "y": [2.5, 4, 6]})
    with pytest.warns(RuntimeWarning), pytest.raises(TableError, match="Training diverged"):
        quick(path, "y", learning_rate=1e30, epochs=5, seed=seed, **options)


def test_target_that_must_be_a_number_is_none_of_classes(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", {"a": range(9), "y": ["u", "v", "w"] * 3})
    with pytest.raises(TableError, match="column 'y', line 2: 'u' is not a number; it is the target of a regression"):
        quick(path, "y", numeric=["y"])


def test_large_targets_that_differ_by_one_are_two_classes(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", {"a": range(8), "y": [2**53, 2**53 + 1] * 4})
    assert quick(path, "y", epochs=1).schema.classes == [str(2**53), str(2**53 + 1)]
