"""A column of numbers with a few texts among them is a slip, not categories."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest
from small_tables import quick

from lamella.tables import TableError


def _table(path: Path, bad_a: str, bad_price: str) -> Path:
    rows = [f"{i}.5,{2 * i}.25" for i in range(90)]
    rows[40] = f"{bad_a},{bad_price}"
    path.write_text("\n".join(["a,price", *rows]) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("bad", ["n.a.", "inf", "12O.5"])
def test_one_bad_cell_names_its_line_in_targets_and_features(tmp_path: Path, bad: str) -> None:
    for cells in ((bad, "1"), ("1", bad)):
        with pytest.raises(TableError, match=f"line 42: '{bad}' is not a number, most .*--categorical"):
            quick(_table(tmp_path / "t.csv", *cells), "price", epochs=1)


def test_a_target_named_categorical_has_classes(tmp_path: Path) -> None:
    trained = quick(_table(tmp_path / "t.csv", "1", "1"), "price", epochs=1, categorical=["price"], max_categories=90)
    assert trained.schema.task == "classification" and len(trained.schema.classes) == 90


SEPARATED = [
    ("132,400", "thousands=','"),
    ("107,377", "decimal=',' if 107,377 is 107.377"),
    ("1.132.400", "thousands='.'"),
    ("173,6", "decimal=','"),
    ("1 200,5", "' ', dec"),
]


def _separated(path: Path, like: str, rows: int = 300) -> Path:
    """A table with numbers such as `like` in the columns b and price, all different."""
    first, sign, rest = re.match(r"(\d+)(\D)(.*)", like).groups()  # type: ignore[union-attr]
    cells = [f'{i}.5,"{int(first) + i}{sign}{rest}","{int(first) + i}{sign}{rest}"' for i in range(rows)]
    path.write_text("\n".join(["a,b,price", *cells]) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(("like", "way"), SEPARATED)
def test_numbers_with_separators_are_no_classes(tmp_path: Path, like: str, way: str) -> None:
    path = _separated(tmp_path / "t.csv", like)
    wanted = f"column 'price': most of its texts are numbers such as {like!r}; write .*read_csv.*{re.escape(way)}"
    with pytest.raises(TableError, match=f"{wanted}.*--task classification"):
        quick(path, "price", drop=["b"], epochs=1)
    with pytest.raises(TableError, match=f"line 2: '1.*{re.escape(way)}"):
        quick(path, "price", drop=["b"], epochs=1, task="regression")
    chosen = quick(path, "price", drop=["b"], epochs=1, task="classification")
    assert len(chosen.schema.classes) == 300


@pytest.mark.parametrize(("like", "way"), SEPARATED)
def test_features_with_separators_say_how_to_write_them(tmp_path: Path, like: str, way: str) -> None:
    path = _separated(tmp_path / "t.csv", like)
    with pytest.raises(TableError, match=f"column 'b': most .*read_csv.*{re.escape(way)}") as told:
        quick(path, "a", drop=["price"], epochs=1)
    assert "names the rows" not in str(told.value)
    few = quick(_separated(path, like, 30), "a", drop=["price"], epochs=1)
    assert any("'b' is taken for categories" in note and way in note for note in few.notes)


@pytest.mark.parametrize("like", ["${}", "${},000", "{} €", "{},5 €", "-{}%", "£ {}.50"])
def test_amounts_and_percents_are_no_classes_and_the_way_out_works(tmp_path: Path, like: str) -> None:
    rows = [f'{i}.5,"{like.format(100 + i)}"' for i in range(60)]
    (tmp_path / "t.csv").write_text("\n".join(["a,price", *rows]) + "\n", encoding="utf-8")
    with pytest.raises(TableError, match=r"most of its texts are numbers .* drops the signs") as told:
        quick(tmp_path / "t.csv", "price", epochs=1)
    way = re.search(r"frame\[column\](\..*\)) of pandas", str(told.value))
    frame = pd.read_csv(tmp_path / "t.csv")
    assert way
    frame["price"] = eval(f"prices{way[1]}", {"prices": frame["price"]})
    frame.to_csv(tmp_path / "u.csv", index=False)
    if "," in like:
        with pytest.raises(TableError, match=r"read_csv\(\.\.\., (thousands|decimal)=','"):
            quick(tmp_path / "u.csv", "price", epochs=1)
    else:
        assert quick(tmp_path / "u.csv", "price", epochs=1).schema.task == "regression"


def test_texts_with_commas_stay_classes(tmp_path: Path) -> None:
    rows = [f'{i}.5,"{["Bern, Be", "Ulm", "1,2,3"][i % 3]}"' for i in range(90)]
    (tmp_path / "t.csv").write_text("\n".join(["a,town", *rows]) + "\n", encoding="utf-8")
    assert quick(tmp_path / "t.csv", "town", epochs=1).schema.classes == ["1,2,3", "Bern, Be", "Ulm"]


@pytest.mark.parametrize("name", ["markers", "numeric", "categorical", "drop"])
@pytest.mark.parametrize("given", ["NA", [5], None, 3])
def test_lists_of_texts_are_no_single_text(tmp_path: Path, name: str, given: object) -> None:
    with pytest.raises(TypeError, match=f"`{name}` must be a list of texts, got {re.escape(repr(given))}"):
        quick(_table(tmp_path / "t.csv", "1", "1"), "price", epochs=1, **{name: given})


@pytest.mark.parametrize("given", ["x", 5, "fill"])
def test_ways_with_missing_cells_that_a_model_does_not_have_are_refused(tmp_path: Path, given: object) -> None:
    path = _table(tmp_path / "t.csv", "1", "1")
    trained = quick(path, "price", epochs=1)
    for use in (trained.predict, trained.evaluate):
        with pytest.raises(ValueError, match=f"`missing` must be 'error' or 'drop'.*got {given!r}"):
            use(path, missing=given)


def test_a_column_named_categorical_may_mix_numbers_and_texts(tmp_path: Path) -> None:
    trained = quick(_table(tmp_path / "t.csv", "x", "1"), "price", epochs=1, categorical=["a"])
    assert trained.schema.features[0].kind == "categorical"


def test_classes_that_differ_in_capital_letters_are_told(tmp_path: Path) -> None:
    rows = [f"{i},{('yes', 'Yes', 'no')[i % 3]},{('True', 'true', 'FALSE')[i % 3]}" for i in range(30)]
    (tmp_path / "t.csv").write_text("\n".join(["a,b,y", *rows]) + "\n", encoding="utf-8")
    frame = pd.read_csv(tmp_path / "t.csv", dtype=str)
    told = quick(tmp_path / "t.csv", "y", epochs=1)
    assert len(told.schema.classes) == 3
    wanted = r"^{} '{}' and '{}', two for lamella; frame\[column\].str.lower\(\)"
    for what, pair in (("column 'b' has the categories", "yesYes"), ("'y' has the classes", "Truetrue")):
        one, other = pair[: len(pair) // 2], pair[len(pair) // 2 :]
        either = [wanted.format(what, *order) for order in ((one, other), (other, one))]
        assert any(re.match(pattern, note) for pattern in either for note in told.notes), told.notes
    for column in ("b", "y"):
        frame[column] = frame[column].str.lower()
    frame.to_csv(tmp_path / "lower.csv", index=False)
    assert not any("two for lamella" in note for note in quick(tmp_path / "lower.csv", "y", epochs=1).notes)


def test_one_cell_without_three_digits_tells_what_the_commas_mean(tmp_path: Path) -> None:
    cells = ["7,377", "12,105", "2,05", "10,443"]
    (tmp_path / "t.csv").write_text("\n".join(["a;y", *(f"{i}.5;{cells[i % 4]}" for i in range(40)), ""]))
    with pytest.raises(TableError, match=r"such as '2,05'; .*read_csv\(\.\.\., decimal=','\)\.to_csv\(\.\.\.\) does\."):
        quick(tmp_path / "t.csv", "y", epochs=1)
    pd.read_csv(tmp_path / "t.csv", sep=";", decimal=",").to_csv(tmp_path / "new.csv", index=False)
    assert quick(tmp_path / "new.csv", "y", epochs=1).schema.task == "regression"
