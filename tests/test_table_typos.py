"""A column of numbers with a few texts among them is a slip, not categories."""

from __future__ import annotations

import re
from pathlib import Path

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
