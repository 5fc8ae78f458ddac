"""Frames and columns of pandas: every type of number is taken, what is none is named with the way out."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

import lamella
from lamella import Input, Sequential, layers

ROWS = 6
SIZE = np.array([1.5, -2, 3, 4.25, 0, 7])
OLD = np.array([True, False, True, True, False, False])
ROOMS = np.array([3, 1, 4, 1, 5, 9])
PLAIN = np.column_stack([SIZE, OLD, ROOMS])

FRAMES: dict[str, dict[str, Any]] = {
    "float and bool": {"a": SIZE, "b": OLD, "c": ROOMS},
    "float32 and bool": {"a": SIZE.astype("f4"), "b": OLD, "c": ROOMS.astype("i2")},
    "nullable": {"a": pd.array(SIZE, "Float64"), "b": pd.array(OLD, "boolean"), "c": pd.array(ROOMS, "Int64")},
    "nullable beside plain": {"a": SIZE, "b": pd.array(OLD, "boolean"), "c": pd.array(ROOMS, "UInt8")},
    "sparse": {"a": SIZE, "b": OLD, "c": pd.arrays.SparseArray(ROOMS)},
}


def first_layer(x: Any) -> Any:
    """`x` as the core sees it."""
    return Sequential([Input((3,)), layers.Flatten()]).predict(x, verbose=0)


@pytest.mark.parametrize("kind", FRAMES)
def test_columns_of_every_type_of_number_are_taken(kind: str) -> None:
    frame = pd.DataFrame(FRAMES[kind])
    np.testing.assert_array_equal(first_layer(frame), PLAIN.astype(np.float32))
    model = Sequential([layers.Dense(1)])
    model.compile("sgd", "mse")
    history = model.fit(frame, frame["b"], validation_data=(frame, frame["c"]), sample_weight=frame["c"], verbose=0)
    assert np.isfinite(history.history["loss"]).all()


def test_dummies_of_pandas_are_taken() -> None:
    table = pd.DataFrame({"size": SIZE, "city": ["Oslo", "Bern"] * 3})
    frame = pd.get_dummies(table)
    np.testing.assert_array_equal(first_layer(frame)[:, 1], [0, 1] * 3)


def test_missing_values_of_nullable_columns_are_named_by_row_and_column() -> None:
    frame = pd.DataFrame({**FRAMES["nullable"], "c": pd.array([3, 1, None, 1, 5, 9], "Int64")})
    model = Sequential([layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match=r"`x` contains NaN \(first at row 2, column 2\)"):
        model.fit(frame, SIZE, verbose=0)
    with pytest.raises(ValueError, match=r"`y` contains NaN \(first at row 2"):
        model.fit(PLAIN, frame["c"], verbose=0)
    assert np.isnan(first_layer(frame)[2, 2])


@pytest.mark.parametrize(
    ("column", "words"),
    [
        (["a", "b"] * 3, r"dtype (object|str) in its column 'city'; .*pandas.get_dummies\(x\)"),
        (pd.Categorical(["a", "b"] * 3), r"dtype category in its column 'city'; .*pandas.get_dummies\(x\)"),
        (["1.5", "2"] * 3, r"dtype (object|str) in its column 'city'; pandas.to_numeric\(column\)"),
        (np.array([1, 2.5] * 3, object), r"dtype object in its column 'city'; pandas.to_numeric\(column\)"),
        (
            pd.date_range("2026-01-01", periods=ROWS),
            r"dtype datetime64\[.*\] in its column 'city'; dates become .*dt\.days",
        ),
        (
            pd.to_timedelta(range(ROWS), unit="s"),
            r"dtype timedelta64\[.*\] in its column 'city'; spans .*total_seconds",
        ),
        (SIZE * 1j, r"dtype complex128 in its column 'city'\.$"),
        ([[1], [2]] * 3, r"dtype object in its column 'city'\.$"),
        (["1", "n/a"] * 3, r"in its column 'city'; pandas.to_numeric\(column, errors='coerce'\) .* NaN of .*'n/a'"),
        ([Decimal(1), Decimal(2)] * 3, r"in its column 'city'; pandas.to_numeric\(column\)"),
    ],
    ids=["text", "category", "numbers as text", "objects", "dates", "spans", "complex", "lists", "mixed", "decimals"],
)
def test_column_that_holds_no_numbers_is_named_with_the_way_out(column: Any, words: str) -> None:
    frame = pd.DataFrame({"a": SIZE, "city": column, "b": OLD})
    with pytest.raises(ValueError, match="`x` must hold real numbers, got .*" + words):
        first_layer(frame)


def test_way_out_works() -> None:
    city = pd.Series(["Oslo", "Bern", "Oslo", "Rome", "Bern", "Oslo"], name="city")
    model = Sequential([Input((3,)), layers.Dense(3, "softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    with pytest.raises(ValueError, match=r"`y` must hold real numbers, got dtype \w+; .* pandas.factorize\(y\)\[0\]"):
        model.fit(PLAIN, city, verbose=0)
    model.fit(PLAIN, pd.factorize(city)[0], verbose=0)
    with pytest.raises(ValueError, match=r"`y` must hold .*numpy.unique\(y, return_inverse=True\)\[1\]"):
        model.fit(PLAIN, city.to_numpy(str), verbose=0)
    model.fit(PLAIN, np.unique(city.to_numpy(str), return_inverse=True)[1], verbose=0)
    days = pd.DataFrame({"day": pd.date_range("2026-01-01", periods=ROWS), "size": SIZE})
    days["day"] = (days["day"] - days["day"].min()).dt.days
    assert lamella.Sequential([Input((2,)), layers.Flatten()]).predict(days, verbose=0)[-1].tolist() == [5, 7]


def test_one_axis_is_made_a_matrix_as_the_message_says() -> None:
    model = Sequential([Input((3,)), layers.Flatten()])
    frame = pd.DataFrame({"a": SIZE, "b": OLD, "c": ROOMS})
    with pytest.raises(ValueError, match=r"pandas.to_numeric\(x\)"):
        model.predict(frame.iloc[0])
    row = pd.to_numeric(frame.iloc[0])
    with pytest.raises(ValueError, match=r"For one sample, write x.to_frame\(\).T\."):
        model.predict(row)
    np.testing.assert_array_equal(model.predict(row.to_frame().T), PLAIN[:1])
    with pytest.raises(ValueError, match=r"x.to_frame\(\) if it has one feature"):
        Sequential([Input((1,)), layers.Flatten()]).predict(frame["a"])
    with pytest.raises(ValueError, match=r"For one sample, write \[x\]\."):
        model.predict([1.0, 2.0, 3.0])


def test_normalization_and_metrics_take_the_frames_that_fit_takes() -> None:
    frame, scale = pd.DataFrame(FRAMES["nullable beside plain"]), layers.Normalization()
    scale.adapt(frame)
    np.testing.assert_allclose(scale.mean.ravel(), PLAIN.mean(axis=0), rtol=1e-6)
    with pytest.raises(ValueError, match=r"`data` must hold .* in its column 'c'; categories .*get_dummies\(data\)"):
        layers.Normalization().adapt(frame.assign(c=["u", "v"] * 3))
    with pytest.raises(ValueError, match=r"needs finite data, got nan at \(2, 0\)"):
        layers.Normalization().adapt(frame.assign(a=[1, 2, None, 4, 5, 6]))
    metric = lamella.metrics.MeanSquaredError()
    metric.update_state(frame, PLAIN + 1)
    assert metric.result() == 1


def test_estimators_name_columns_of_words() -> None:
    estimators = pytest.importorskip("lamella.sklearn")
    frame = pd.DataFrame({"a": SIZE, "c": pd.Categorical(["u", "v"] * 3)})
    with pytest.raises(ValueError, match=r"X must hold real numbers|could not convert string to float"):
        estimators.DenseClassifier().fit(frame, [0, 1] * 3)
