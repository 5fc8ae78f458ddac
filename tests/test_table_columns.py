"""Columns as they come: whole numbers written in two ways, names that are missing, numbers beyond all bounds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from small_tables import encoded, quick

from lamella import tables
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
