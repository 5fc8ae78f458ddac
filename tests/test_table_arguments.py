"""Arguments of `tables`: each is named when it is wrong, before the table is read."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_tables import flats, quick, write

from lamella import tables

WRONG: dict[str, list[object]] = {
    "path": [None, 5, "", b"a.csv", ["a.csv"], {"a": [1]}],
    "target": [None, 5, ["price"], ""],
    "task": ["guess", None, 5],
    "hidden": [64, "64", None, (0,), (1.5,), ("64",), (-1,), (2**40,)],
    "activation": ["nope", 5, None, ["relu"]],
    "dropout": [1, -0.1, "a", None, np.nan],
    "optimizer": ["nope", 5, None],
    "learning_rate": [0, -1, "a", np.inf, 1e300, True],
    "epochs": [0, -1, 1.5, "3", True, 10**21],
    "batch_size": [0, "3", 2**31, None],
    "validation_split": [1, -0.1, "a", None],
    "patience": [-1, 1.5, "a", None],
    "missing": ["ignore", 5, None],
    "markers": ["NA", [5], None],
    "numeric": ["a", [5], None],
    "categorical": ["a", [5], None],
    "drop": ["a", [5], None],
    "max_categories": [0, 1.5, None],
    "separator": ["", "ab", 5, "\n", '"', "a", b";"],
    "encoding": [None, "nope", 5, "", "hex"],
    "seed": [-1, 1.5, "a"],
    "before_fit": [5, "a"],
}


@pytest.fixture
def table(rng: np.random.Generator, tmp_path: Path) -> Path:
    return write(tmp_path / "a.csv", flats(rng, 60))


@pytest.mark.parametrize(("name", "given"), [(name, each) for name, bad in WRONG.items() for each in bad], ids=repr)
def test_wrong_arguments_are_named_before_the_table_is_read(tmp_path: Path, name: str, given: Any) -> None:
    options = {"path": tmp_path / "nowhere.csv", "target": "price", name: given}
    with pytest.raises((TypeError, ValueError), match=f"`{name}` .*got ") as error:
        tables.train(**options)
    assert "\n" not in str(error.value)


def test_every_argument_is_checked() -> None:
    assert {*WRONG, "verbose"} == {*inspect.signature(tables.train).parameters}


@pytest.mark.parametrize(
    "reading", [{"path": None}, {"path": {"a": [1]}}, {"separator": ""}, {"encoding": None}], ids=str
)
def test_predictions_name_wrong_arguments(table: Path, reading: dict[str, Any]) -> None:
    trained = quick(table, "price", epochs=1)
    for use in (trained.predict, trained.evaluate):
        with pytest.raises((TypeError, ValueError), match=f"`{next(iter(reading))}` must be"):
            use(**{"path": table, **reading})


def test_frames_are_no_paths_and_the_way_out_is_said(table: Path) -> None:
    pandas = pytest.importorskip("pandas")
    trained = quick(table, "price", epochs=1)
    with pytest.raises(TypeError, match=r"`path` must be .*got a DataFrame.*to_csv\(path, index=False\)"):
        trained.predict(pandas.read_csv(table))


def test_a_column_is_not_both_numbers_and_categories(table: Path) -> None:
    for options, message in (
        ({"numeric": ["size"], "categorical": ["city", "size"]}, "`numeric` and `categorical` both name 'size'"),
        ({"categorical": ["price"], "task": "regression"}, "`categorical` names the target 'price', .*'regression'"),
        ({"numeric": ["price"], "task": "classification"}, "`numeric` names the target 'price', .*'classification'"),
        ({"drop": ["size"], "categorical": ["size"]}, "`drop` and `categorical` both name 'size'"),
        ({"numeric": ["size"], "drop": ["size"]}, "`drop` and `numeric` both name 'size'"),
    ):
        with pytest.raises(ValueError, match=message):
            quick(table, "price", epochs=1, **options)


def test_numbers_of_numpy_are_taken(table: Path) -> None:
    trained = quick(
        table, "price", hidden=np.array([4]), epochs=np.int64(1), seed=np.int64(5), learning_rate=np.float32(0.01)
    )
    assert trained.model.layers[0].units == 4 and trained.facts and trained.facts["seed"] == 5
