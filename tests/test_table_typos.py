"""A column of numbers with a few texts among them is a slip, not categories."""

from __future__ import annotations

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


def test_a_column_named_categorical_may_mix_numbers_and_texts(tmp_path: Path) -> None:
    trained = quick(_table(tmp_path / "t.csv", "x", "1"), "price", epochs=1, categorical=["a"])
    assert trained.schema.features[0].kind == "categorical"
