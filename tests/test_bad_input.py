"""Everything wrong that a user can pass: the error, the words of its message, and a model that is as it was before.

The catalogue, row by row, is in test_catalogue.py; here each kind of fault knocks at every door.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from bad_input import (
    CLASSES,
    DOORS,
    LISTS,
    PREDICT,
    ROWS,
    WIDTH,
    Array,
    Case,
    Model,
    WithArray,
    X,
    cases,
    make_data,
    make_model,
    refuses,
    state_of,
    trains_on,
    with_value,
)

import lamella
from lamella import Input, Sequential, layers, losses, metrics, optimizers
from lamella.callbacks import Callback, LambdaCallback, TerminateOnNaN
from lamella.initializers import Initializer
from lamella.utils import to_categorical


def long_double_is_longer() -> bool:
    return np.finfo(np.longdouble).max > np.finfo(np.float64).max


NO_X: list[Any] = []
NO_X.append(NO_X)

SHAPES_AND_KINDS = cases(
    # shapes
    ("one axis", X[:, 0], ValueError, "`x` of shape (n, 8)", "(32,)", "x.reshape(-1, 1)", "x.reshape(1, -1)"),
    ("one sample", X[0], ValueError, "`x` of shape (n, 8)", "(8,)", "x[None, ...]"),
    ("three axes", X[..., None], ValueError, "(n, 8)", "(32, 8, 1)", "x.reshape(len(x), 8)", "Flatten()"),
    ("no axis", np.array(1.0), ValueError, "`x` of shape (n, 8)", "()"),
    ("NumPy number", np.float32(3), ValueError, "`x` of shape (n, 8)", "()"),
    ("too narrow", X[:, :7], ValueError, "`x`", "7 features", "expects 8"),
    ("too wide", np.hstack([X, X]), ValueError, "`x`", "16 features", "expects 8"),
    ("no features", X[:, :0], ValueError, "`x`", "0 features", "expects 8"),
    ("transposed", X.T, ValueError, "`x`", "32 features", "expects 8"),
    ("empty list", [], ValueError, "`x` of shape (n, 8)", "(0,)"),
    ("list of an empty list", [[]], ValueError, "`x`", "0 features"),
    ("sparse, too narrow", scipy.sparse.csr_matrix(X[:, :7]), ValueError, "`x` of shape (n, 8)", "(32, 7)"),
    # kinds
    ("complex", X.astype(np.complex64), ValueError, "`x` must hold real numbers", "complex64"),
    ("objects", X.astype(object), ValueError, "`x` must hold real numbers", "object", ".astype('float32')"),
    ("None among numbers", [[None] * WIDTH] * ROWS, ValueError, "`x` must hold real numbers", "object"),
    ("array of strings", np.full((ROWS, WIDTH), "1"), ValueError, "`x` must hold real numbers", "<U1", "astype"),
    ("list of strings", [["1"] * WIDTH] * ROWS, ValueError, "`x` must hold real numbers", "<U1", "numpy.asarray(x).as"),
    ("array of bytes", np.full((ROWS, WIDTH), b"1"), ValueError, "`x` must hold real numbers", "S1"),
    ("NumPy string", np.str_("abc"), ValueError, "`x` must hold real numbers", "<U3"),
    ("dates", np.zeros((ROWS, WIDTH), "M8[s]"), ValueError, "`x` must hold real numbers", "datetime64[s]"),
    ("durations", np.zeros((ROWS, WIDTH), "m8[s]"), ValueError, "`x` must hold real numbers", "timedelta64[s]"),
    ("structured", np.zeros(ROWS, [("a", "f4")]), ValueError, "`x` must hold real numbers", "[('a', '<f4')]"),
    ("masked", np.ma.masked_less(X, 0), ValueError, "`x` must not be a masked array", "x.filled("),
    ("masked inside", WithArray(np.ma.masked_less(X, 0)), ValueError, "`x` must not be a masked array"),
    ("ragged", [[1.0, 2.0], [3.0]], ValueError, "`x`", "rows of equal length"),
    ("list in itself", NO_X, ValueError, "`x`"),
    ("integers beyond 64 bits", [[10**400] * WIDTH] * ROWS, ValueError, "`x` must hold real numbers", "object"),
    ("__array__ without array", WithArray(5), ValueError, "`x`", "__array__"),
    (
        "frame of strings",
        pd.DataFrame({i: ["a"] * ROWS for i in range(WIDTH)}),
        ValueError,
        "`x` must hold real",
        "in its column 0",
    ),
    ("sparse complex", scipy.sparse.csr_matrix(X.astype("c8")), ValueError, "`x` must hold real numbers", "complex64"),
    ("None", None, TypeError, f"`x` must be {LISTS}", "None"),
    ("string", "abc", TypeError, f"`x` must be {LISTS}", "'abc' of type str"),
    ("bytes", b"abc", TypeError, f"`x` must be {LISTS}", "bytes"),
    ("dictionary", {"x": X}, TypeError, f"`x` must be {LISTS}", "dict"),
    ("set", {1.0}, TypeError, f"`x` must be {LISTS}", "set"),
    ("Python number", 5, TypeError, f"`x` must be {LISTS}", "5 of type int"),
    ("generator of rows", (row for row in X), (TypeError, ValueError), "x"),
    ("function", len, TypeError, f"`x` must be {LISTS}", "builtin_function"),
    ("class", np.ndarray, TypeError, f"`x` must be {LISTS}", "type"),
    ("object", object(), TypeError, f"`x` must be {LISTS}", "object"),
)


@SHAPES_AND_KINDS
@pytest.mark.parametrize("door", [*DOORS, *PREDICT])
def test_inputs_of_a_wrong_shape_or_kind_are_refused_at_every_door(case: Case, door: str) -> None:
    model = make_model()
    words = [word.replace("`x`", "`validation x`") for word in case.words if door != "validation" or "(x)" not in word]
    words = [w for w in words if "x." not in w and "x[" not in w] if door == "validation" else list(case.words)
    with refuses(model, case.error, *words):
        (DOORS | PREDICT)[door](model, case.bad, make_data(model)[1])
    trains_on(model, make_model())


VALUES = cases(
    ("NaN", with_value(np.nan), ValueError, "contains NaN", "row 3, column 7"),
    ("NaN in float64", with_value(np.nan, float), ValueError, "contains NaN", "row 3, column 7"),
    ("NaN in float16", with_value(np.nan, np.float16), ValueError, "contains NaN", "row 3, column 7"),
    ("infinity", with_value(np.inf), ValueError, "contains infinity", "row 3, column 7"),
    ("minus infinity", with_value(-np.inf), ValueError, "contains infinity", "row 3, column 7"),
    ("1e300", with_value(1e300, float), ValueError, "1e+300", "too large for float32", "row 3, column 7"),
    ("-1e39", with_value(-1e39, float), ValueError, "-1e+39", "too large for float32"),
    ("big-endian 1e300", with_value(1e300, ">f8"), ValueError, "too large for float32", "row 3, column 7"),
    ("long double", with_value(1e300, np.longdouble), ValueError, "too large for float32", "row 3, column 7"),
    ("NaN, Fortran order", np.asfortranarray(with_value(np.nan)), ValueError, "NaN", "row 3, column 7"),
    ("NaN, reversed rows", with_value(np.nan)[::-1], ValueError, "NaN", "row 28, column 7"),
    ("NaN in a frame", pd.DataFrame(with_value(np.nan)), ValueError, "NaN", "row 3, column 7"),
    ("NaN in a list", with_value(np.nan).tolist(), ValueError, "NaN", "row 3, column 7"),
    ("NaN, sparse", scipy.sparse.csr_matrix(with_value(np.nan)), ValueError, "NaN", "row 3, column 7"),
    ("1e300, sparse", scipy.sparse.csr_matrix(with_value(1e300, float)), ValueError, "row 3, column 7"),
    ("no rows", X[:0], ValueError, "0 rows"),
    ("no rows, sparse", scipy.sparse.csr_matrix(X[:0]), ValueError, "0 rows"),
)


@VALUES
@pytest.mark.parametrize("door", DOORS)
def test_inputs_with_bad_values_are_refused_where_they_would_train_or_score(case: Case, door: str) -> None:
    model = make_model()
    name = "`validation x`" if door == "validation" else "`x`"
    _, y = make_data(model)
    with refuses(model, case.error, name, *case.words):
        DOORS[door](model, case.bad, y[: case.bad.shape[0]] if hasattr(case.bad, "shape") else y)
    trains_on(model, make_model())


def test_numbers_that_round_to_the_largest_float32_are_accepted_and_the_next_are_not() -> None:
    model = make_model()
    limit = 2.0**128 * (1 - 2.0**-25)  # halfway between it and 2**128, which rounds to infinity
    _, y = make_data(model)
    model.evaluate(with_value(np.nextafter(limit, 0), float), y, verbose=0)
    with refuses(model, ValueError, "too large for float32"):
        model.evaluate(with_value(limit, float), y, verbose=0)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf], ids=str)
@pytest.mark.parametrize("kind", [np.float32, np.float64, np.float16, ">f4"], ids=str)
@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid", "linear", "softmax"])
def test_predict_turns_rows_with_nan_into_nan_and_leaves_the_others_alone(
    bad: float, kind: Any, activation: str
) -> None:
    model = Sequential([Input((WIDTH,)), layers.Dense(6, activation), layers.Dense(CLASSES, "softmax")])
    outputs = model.predict(with_value(bad, kind))
    np.testing.assert_array_equal(np.delete(outputs, 3, 0), np.delete(model.predict(X.astype(kind)), 3, 0))
    if np.isnan(bad):
        assert np.isnan(outputs[3]).all()


@pytest.mark.parametrize(
    "nothing",
    [
        X[:0],
        X[:0].astype(float),
        np.zeros((0, WIDTH), np.uint8),
        scipy.sparse.csr_matrix((0, WIDTH)),
        pd.DataFrame(X[:0]),
    ],
    ids=["float32", "float64", "uint8", "sparse", "frame"],
)
@pytest.mark.parametrize("batch_size", [None, 1, 32])
def test_predict_of_no_rows_is_no_rows(nothing: Any, batch_size: int | None) -> None:
    outputs = make_model().predict(nothing, batch_size=batch_size)
    assert outputs.shape == (0, CLASSES) and outputs.dtype == np.float32


# ---------------------------------------------------------------------- targets

Y = np.random.default_rng(5).standard_normal((ROWS, CLASSES)).astype(np.float32)
LABELS = np.arange(ROWS) % CLASSES
HOT = np.eye(CLASSES)[LABELS]


def at(array: Any, where: Any, value: Any, dtype: Any = None) -> Array:
    changed = np.array(array, dtype)
    changed[where] = value
    return changed


REGRESSION_TARGETS = cases(
    ("missing", None, ValueError, "`y` is missing"),
    ("string", "abc", TypeError, "`y` must be", "str"),
    ("object", object(), TypeError, "`y` must be", "object"),
    ("dictionary", {}, TypeError, "`y` must be", "dict"),
    ("Python number", 1.0, TypeError, "`y` must be", "float"),
    ("sparse", scipy.sparse.csr_matrix(Y), TypeError, "`y` must be dense", "y.toarray()"),
    ("no axis", np.array(1.0), ValueError, "`y`", "32 rows"),
    ("fewer rows", Y[:20], ValueError, "`x` has 32 rows", "`y` has 20"),
    ("more rows", np.vstack([Y, Y]), ValueError, "`x` has 32 rows", "`y` has 64"),
    ("no rows", Y[:0], ValueError, "`x` has 32 rows", "`y` has 0"),
    ("no rows, list", [], ValueError, "`x` has 32 rows", "`y` has 0"),
    ("too narrow", Y[:, :2], ValueError, "`y` must have the shape of the output, (n, 3)", "(32, 2)"),
    ("one axis", Y[:, 0], ValueError, "`y` must have the shape of the output, (n, 3)", "(32,)"),
    ("three axes", np.stack([Y, Y], -1), ValueError, "`y` must have the shape of the output, (n, 3)", "(32, 3, 2)"),
    ("NaN", at(Y, (4, 1), np.nan), ValueError, "`y` contains NaN", "row 4, column 1"),
    ("infinity", at(Y, (4, 1), np.inf), ValueError, "`y` contains infinity", "row 4, column 1"),
    ("1e300", at(Y, (4, 1), 1e300, float), ValueError, "`y`", "1e+300", "too large for float32", "(4, 1)"),
    ("complex", Y.astype("c8"), ValueError, "`y` must hold real numbers", "complex64"),
    ("objects", Y.astype(object), ValueError, "`y` must hold real numbers", "object", ".astype('float32')"),
    ("strings", Y.astype(str), ValueError, "`y` must hold real numbers", "<U"),
    ("masked", np.ma.masked_less(Y, 0), ValueError, "`y` must not be a masked array", "y.filled("),
    ("ragged", [[1.0, 2.0, 3.0], [1.0]] * 16, ValueError, "`y`", "rows of equal length"),
)
LABEL_TARGETS = cases(
    ("one-hot", HOT, ValueError, "`y`", "class numbers", "(32, 3)", "'categorical_crossentropy'"),
    ("class count", at(LABELS, 6, CLASSES), ValueError, "`y`", "labels must be in [0, 3)", "found 3 at index 6"),
    ("seven", at(LABELS, 0, 7), ValueError, "labels must be in [0, 3)", "found 7 at index 0"),
    ("negative", at(LABELS, 2, -1), ValueError, "labels must be in [0, 3)", "found -1 at index 2"),
    ("2**40", at(LABELS, 1, 2**40), ValueError, "labels must be in [0, 3)", "found 1099511627776 at index 1"),
    ("2**32", at(LABELS, 1, 2**32, np.uint64), ValueError, "labels must be in [0, 3)", "found 4294967296 at index 1"),
    ("2**63", at(LABELS, 1, 2**63, np.uint64), ValueError, "labels must be in [0, 3)", "index 1"),
    ("255 in uint8", at(LABELS, 1, 255, np.uint8), ValueError, "labels must be in [0, 3)", "found 255 at index 1"),
    (
        "float 2**40",
        at(LABELS, 1, 2.0**40, float),
        ValueError,
        "labels must be in [0, 3)",
        "found 1099511627776 at index 1",
    ),
    ("float 1e300", at(LABELS, 1, 1e300, float), ValueError, "labels must be in [0, 3)", "index 1"),
    ("fractional", at(LABELS, 5, 1.5, float), ValueError, "`y` must hold whole class numbers", "1.5 at index 5"),
    ("tiny", at(LABELS, 5, 1e-9, float), ValueError, "`y` must hold whole class numbers", "1e-09 at index 5"),
    ("NaN", at(LABELS, 5, np.nan, float), ValueError, "`y` contains NaN", "row 5"),
    ("infinity", at(LABELS, 5, np.inf, np.float32), ValueError, "`y` contains infinity", "row 5"),
    ("strings", LABELS.astype(str), ValueError, "`y` must hold real numbers", "<U"),
    ("complex", LABELS.astype(complex), ValueError, "`y` must hold real numbers", "complex128"),
    ("masked", np.ma.masked_equal(LABELS, 2), ValueError, "`y` must not be a masked array"),
    ("fewer rows", LABELS[:20], ValueError, "`x` has 32 rows", "`y` has 20"),
    ("missing", None, ValueError, "`y` is missing"),
)
ONE_HOT_TARGETS = cases(
    (
        "class numbers",
        LABELS,
        ValueError,
        "`y`",
        "(n, 3)",
        "(32,)",
        "sparse_categorical_crossentropy",
        "to_categorical",
    ),
    ("column of class numbers", LABELS[:, None], ValueError, "(n, 3)", "(32, 1)", "sparse_categorical_crossentropy"),
    ("four classes", np.eye(4)[LABELS], ValueError, "`y`", "(n, 3)", "(32, 4)"),
    ("negative", HOT - 0.5, ValueError, "`y` must not be negative", "-0.5 at row 0"),
    ("three", HOT * 3.0, ValueError, "`y` must be in [0, 1]", "found 3 at row 0", "`sample_weight`"),
    ("NaN", at(HOT, (1, 2), np.nan), ValueError, "`y` contains NaN", "row 1, column 2"),
)
BINARY_TARGETS = cases(
    ("one and two", LABELS % 2 + 1, ValueError, "`y` must be in [0, 1]", "found 2 at row 1"),
    ("minus one and one", LABELS % 2 * 2 - 1, ValueError, "`y` must not be negative", "found -1 at row 0"),
    ("two columns", HOT[:, :2], ValueError, "`y`", "(n, 1)", "(32, 2)"),
)


def check_targets(case: Case, door: str, *model: Any, **options: Any) -> None:
    given = make_model(*model, **options)
    words = [w.replace("`y`", "`validation y`") if door == "validation" else w for w in case.words]
    words = [w for w in words if door != "validation" or not w.startswith(("y.", "`x` has"))]
    with refuses(given, case.error, *words):
        DOORS[door](given, X, case.bad)
    trains_on(given, make_model(*model, **options))


@REGRESSION_TARGETS
@pytest.mark.parametrize("door", DOORS)
def test_targets_that_do_not_fit_a_regression_are_refused(case: Case, door: str) -> None:
    check_targets(case, door)


@LABEL_TARGETS
@pytest.mark.parametrize("door", DOORS)
def test_targets_that_are_no_class_numbers_are_refused(case: Case, door: str) -> None:
    check_targets(case, door, "sparse_categorical_crossentropy", activation="softmax")


@ONE_HOT_TARGETS
@pytest.mark.parametrize("door", DOORS)
def test_targets_that_are_no_class_shares_are_refused(case: Case, door: str) -> None:
    check_targets(case, door, "categorical_crossentropy", activation="softmax")


def test_rows_of_zeros_and_soft_labels_are_class_shares() -> None:
    soft = np.full(HOT.shape, 1 / 3) + np.array([0.1, -0.05, -0.05])
    for shares in (HOT * (np.arange(ROWS) % 2)[:, None], soft, HOT * np.float32(1.0000002), np.zeros_like(HOT)):
        model = make_model("categorical_crossentropy", activation="softmax")
        assert np.isfinite(model.fit(X, shares, verbose=0).history["loss"]).all()


def test_a_range_is_data_of_one_axis() -> None:
    model = make_model()
    for use in (model.predict, lambda x: model.fit(x, HOT)):
        with pytest.raises(ValueError, match=r"Expected `x` of shape .*, got an array of shape \(20,\)\. Reshape it"):
            use(range(20))


def test_counts_are_not_negative() -> None:
    model = Sequential([Input((X.shape[1],)), layers.Dense(3, "softplus")])
    model.compile("sgd", "poisson")
    counts = np.arange(3.0 * ROWS).reshape(ROWS, 3)
    with pytest.raises(ValueError, match="`y` must not be negative for poisson, found -1 at row 2"):
        model.fit(X, at(counts, (2, 1), -1.0), verbose=0)
    assert np.isfinite(model.fit(X, counts, verbose=0).history["loss"]).all()


@BINARY_TARGETS
@pytest.mark.parametrize("door", DOORS)
def test_targets_that_are_no_binary_classes_are_refused(case: Case, door: str) -> None:
    check_targets(case, door, "binary_crossentropy", outputs=1, activation="sigmoid")


def test_class_numbers_for_one_output_point_to_the_binary_loss() -> None:
    model = Sequential([Input((WIDTH,)), layers.Dense(1)])
    model.compile("sgd", "sparse_categorical_crossentropy")
    with refuses(model, ValueError, "1 output", "binary_crossentropy"):
        model.fit(X, np.zeros(ROWS, int), verbose=0)


def test_soft_labels_that_do_not_sum_to_one_are_accepted() -> None:
    model = make_model("categorical_crossentropy", activation="softmax")
    assert np.isfinite(model.fit(X, HOT * 0.4, verbose=0).history["loss"][0])


@pytest.mark.parametrize(
    "labels",
    [
        LABELS[:, None],
        LABELS.astype(float),
        LABELS.astype(np.uint8),
        LABELS.tolist(),
        pd.Series(LABELS),
        LABELS.astype(">i8"),
    ],
    ids=["column", "whole floats", "uint8", "list", "series", "big-endian"],
)
def test_class_numbers_of_every_kind_give_the_same_training(labels: Any) -> None:
    options: Any = {"activation": "softmax"}
    model, twin = (make_model("sparse_categorical_crossentropy", **options) for _ in range(2))
    model.fit(X, labels, verbose=0, shuffle=False)
    twin.fit(X, LABELS.astype(np.int32), verbose=0, shuffle=False)
    for one, other in zip(model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_labels_that_a_callback_spoils_while_fit_runs_do_not_reach_training() -> None:
    labels = LABELS.astype(np.int32)
    model = make_model("sparse_categorical_crossentropy", activation="softmax")
    spoil = LambdaCallback(on_epoch_end=lambda epoch, logs: labels.fill(99))
    assert len(model.fit(X, labels, epochs=3, verbose=0, callbacks=[spoil]).epoch) == 3


# ---------------------------------------------------------------------- weights of samples and classes

WEIGHTS = cases(
    ("too few", np.ones(20), ValueError, "`sample_weight`", "32 rows", "(20,)"),
    ("two columns", np.ones((ROWS, 2)), ValueError, "`sample_weight`", "(32, 2)"),
    ("negative", np.full(ROWS, -1.0), ValueError, "`sample_weight` must not be negative", "-1"),
    ("NaN", np.full(ROWS, np.nan), ValueError, "`sample_weight` contains NaN", "row 0"),
    ("infinity", np.full(ROWS, np.inf), ValueError, "`sample_weight` contains infinity"),
    ("1e300", np.full(ROWS, 1e300), ValueError, "`sample_weight`", "too large for float32"),
    ("strings", ["a"] * ROWS, ValueError, "`sample_weight` must hold real numbers"),
    ("number", 2.0, TypeError, "`sample_weight` must be", "float"),
    ("text", "balanced", TypeError, "`sample_weight` must be", "'balanced'"),
)
CLASS_WEIGHTS = cases(
    ("text", "balanced", TypeError, "`class_weight` must be a dictionary", "'balanced'"),
    ("list", [1.0, 2.0], TypeError, "`class_weight` must be a dictionary"),
    ("name of a class", {"cat": 1.0}, TypeError, "`class_weight`", "by their numbers", "the key 'cat'"),
    ("number as text", {"0": 1.0}, TypeError, "`class_weight`", "by their numbers", "the key '0'"),
    ("negative class", {-1: 1.0}, ValueError, "`class_weight`", "by their numbers", "the key -1"),
    ("weight as text", {0: "x"}, ValueError, "`class_weight[0]`", "'x'"),
    ("NaN", {1: np.nan}, ValueError, "`class_weight[1]`", "nan"),
    ("negative weight", {1: -2.0}, ValueError, "`class_weight[1]`", "at least 0", "-2"),
)


@WEIGHTS
@pytest.mark.parametrize("method", ["fit", "evaluate", "train_on_batch", "test_on_batch", "gradients"])
def test_bad_sample_weights_are_refused(case: Case, method: str) -> None:
    model = make_model()
    with refuses(model, case.error, *case.words):
        getattr(model, method)(X, Y, sample_weight=case.bad)
    trains_on(model, make_model())


@CLASS_WEIGHTS
@pytest.mark.parametrize("method", ["fit", "train_on_batch"])
def test_bad_class_weights_are_refused(case: Case, method: str) -> None:
    options: Any = {"activation": "softmax"}
    model = make_model("sparse_categorical_crossentropy", **options)
    with refuses(model, case.error, *case.words):
        getattr(model, method)(X, LABELS, class_weight=case.bad)
    trains_on(model, make_model("sparse_categorical_crossentropy", **options))


@pytest.mark.parametrize("method", ["fit", "train_on_batch"])
def test_class_weights_and_sample_weights_together_are_refused(method: str) -> None:
    model = make_model()
    with refuses(model, ValueError, "`class_weight`", "`sample_weight`"):
        getattr(model, method)(X, Y, class_weight={0: 1.0}, sample_weight=np.ones(ROWS))


# ---------------------------------------------------------------------- sizes and scalars

FIT_ARGUMENTS = cases(
    *(
        (f"{name}={bad!r}", {name: bad}, error, f"`{name}`", *words)
        for name, bad, error, *words in [
            ("batch_size", 0, ValueError, "positive integer", "got 0"),
            ("batch_size", -1, ValueError, "positive integer", "got -1"),
            ("batch_size", 2.5, TypeError, "positive integer", "2.5 of type float"),
            ("batch_size", 32.0, TypeError, "positive integer", "float"),
            ("batch_size", "8", TypeError, "positive integer", "'8' of type str"),
            ("batch_size", True, TypeError, "positive integer", "True"),
            ("batch_size", [32], TypeError, "positive integer", "list"),
            ("batch_size", 2**70, ValueError, "less than 2**63"),
            ("epochs", -1, ValueError, "at least 0", "-1"),
            ("epochs", 1.5, TypeError, "integer", "1.5"),
            ("epochs", "2", TypeError, "integer", "'2'"),
            ("epochs", None, TypeError, "integer", "None"),
            ("epochs", True, TypeError, "integer", "True"),
            ("initial_epoch", -1, ValueError, "at least 0", "-1"),
            ("initial_epoch", 0.5, TypeError, "integer", "0.5"),
            ("verbose", 3, ValueError, "3"),
            ("verbose", "loud", ValueError, "loud"),
            ("verbose", None, ValueError, "None"),
            ("validation_split", 1.5, ValueError, "at least 0", "less than 1", "1.5"),
            ("validation_split", 1.0, ValueError, "less than 1", "1.0"),
            ("validation_split", -0.1, ValueError, "at least 0", "-0.1"),
            ("validation_split", 0.999, ValueError, "not sufficient to split", "32 rows"),
            ("validation_split", np.nan, ValueError, "finite", "nan"),
            ("validation_split", "0.2", ValueError, "number", "'0.2'"),
            ("validation_split", None, ValueError, "number", "None"),
            ("validation_split", True, ValueError, "number", "True"),
            ("validation_data", X, ValueError, "(x, y)", "ndarray"),
            ("validation_data", (X,), ValueError, "(x, y)", "a tuple of 1"),
            ("validation_data", (X, Y, None, None), ValueError, "(x, y)", "a tuple of 4"),
            ("validation_data", 0.2, ValueError, "(x, y)", "float"),
            ("validation_batch_size", 0, ValueError, "positive integer"),
            ("validation_batch_size", 2.5, TypeError, "positive integer", "2.5"),
            ("validation_freq", 0, ValueError, "positive integer"),
            ("validation_freq", "1", TypeError, "positive integer"),
            ("validation_freq", [1, 0.5], TypeError, "positive integer", "0.5"),
            ("shuffle", "batches", ValueError, "'batch'", "'batches'"),
            ("shuffle", 3, ValueError, "True, False or 'batch'", "3"),
            ("shuffle", None, ValueError, "True, False or 'batch'", "None"),
            ("shuffle", np.ones(2), ValueError, "True, False or 'batch'"),
            ("steps_per_epoch", 0, ValueError, "fit `steps_per_epoch` must be a positive integer"),
            ("steps_per_epoch", 1.5, TypeError, "fit `steps_per_epoch` must be a positive integer"),
            ("validation_steps", 0, ValueError, "fit `validation_steps` must be a positive integer"),
        ]
    )
)


@FIT_ARGUMENTS
def test_bad_arguments_of_fit_are_refused(case: Case) -> None:
    model = make_model()
    with refuses(model, case.error, *case.words):
        model.fit(X, Y, **({"verbose": 0} | case.bad))
    trains_on(model, make_model())


@pytest.mark.parametrize("method", ["evaluate", "predict"])
@cases(
    ("0", {"batch_size": 0}, ValueError, "`batch_size`", "positive integer", "got 0"),
    ("-1", {"batch_size": -1}, ValueError, "`batch_size`", "positive integer", "got -1"),
    ("2.5", {"batch_size": 2.5}, TypeError, "`batch_size`", "2.5 of type float"),
    ("text", {"batch_size": "8"}, TypeError, "`batch_size`", "'8' of type str"),
    ("True", {"batch_size": True}, TypeError, "`batch_size`", "True"),
    ("verbose", {"verbose": 7}, ValueError, "`verbose`", "7"),
    ("steps", {"steps": 0}, ValueError, "`steps` must be a positive integer"),
    ("callbacks", {"callbacks": [5]}, TypeError, "`callbacks[0]`", "int"),
)
def test_bad_arguments_of_evaluate_and_predict_are_refused(case: Case, method: str) -> None:
    model = make_model()
    data = (X,) if method == "predict" else (X, Y)
    with refuses(model, case.error, *case.words):
        getattr(model, method)(*data, **({"verbose": 0} | case.bad))


@pytest.mark.parametrize("batch_size", [None, 32, 33, 10**6, 2**40, np.int64(32), np.uint8(32)], ids=repr)
def test_batch_sizes_from_the_number_of_rows_on_are_one_batch(batch_size: Any) -> None:
    model, twin = make_model(), make_model()
    model.fit(
        X, Y, batch_size=batch_size, verbose=0, shuffle=False, validation_data=(X, Y), validation_batch_size=batch_size
    )
    twin.fit(X, Y, batch_size=ROWS, verbose=0, shuffle=False, validation_data=(X, Y))
    assert model.history is not None and twin.history is not None
    assert model.history.history == twin.history.history
    assert model.evaluate(X, Y, batch_size, 0) == twin.evaluate(X, Y, verbose=0)
    np.testing.assert_array_equal(model.predict(X, batch_size), twin.predict(X))


def test_no_epochs_are_an_empty_history() -> None:
    model = make_model()
    before = [weight.tobytes() for weight in model.get_weights()]
    assert model.fit(X, Y, epochs=0, verbose=0).history == {}
    assert [weight.tobytes() for weight in model.get_weights()] == before


@pytest.mark.parametrize("bad", [0, -1, 2.5, "3", None, True, np.True_, 2**70, [3]], ids=repr)
def test_units_are_a_positive_integer(bad: Any) -> None:
    with pytest.raises(ValueError, match=r"Dense `units` must be a positive integer.*got"):
        layers.Dense(bad)


@cases(
    ("negative size", (-3,), ValueError, "Input `shape`", "(-3,)", "Negative dimensions are not allowed"),
    ("zero", (0,), ValueError, "Input `shape`", "(0,)"),
    ("nothing", (), ValueError, "Input `shape`", "()"),
    ("unknown size", (None,), ValueError, "Input `shape`", "(None,)", "must be known"),
    ("fraction", (2.5,), ValueError, "Input `shape`", "2.5"),
    ("text", "784", ValueError, "Input `shape`", "'784'"),
    ("boolean", (True,), ValueError, "Input `shape`", "True"),
    ("missing", None, ValueError, "Input", "`shape`", "`batch_shape`"),
    ("product beyond 64 bits", (2**40, 2**40), ValueError, "Input `shape`", "2**48"),
    ("size beyond 64 bits", (2**70,), ValueError, "Input `shape`", "2**48"),
)
def test_bad_shapes_of_inputs_are_refused(case: Case) -> None:
    with pytest.raises(case.error) as caught:
        Input(case.bad)
    assert [word for word in case.words if word not in str(caught.value)] == []


@pytest.mark.parametrize("bad", [5, (None,), (), "ab", (None, -1), (None, None), (None, 2.5)], ids=repr)
def test_bad_shapes_for_build_are_refused_and_nothing_is_built(bad: Any) -> None:
    model = Sequential([layers.Dense(3)])
    with refuses(model, ValueError, "build `input_shape`"):
        model.build(bad)
    with pytest.raises(ValueError, match="Input `batch_shape`"):
        Input(batch_shape=bad)
    model.build((None, 4))
    assert model.output_shape == (None, 3)


RATES: list[Any] = [-1.0, np.nan, np.inf, "x", None, True, np.True_, 1j, 1e300, 10**400, [0.1], np.complex64(1)]


@pytest.mark.parametrize("bad", RATES, ids=lambda bad: repr(bad)[:12])
@pytest.mark.parametrize("kind", [optimizers.SGD, optimizers.RMSprop])
def test_learning_rates_are_finite_and_at_least_zero(bad: Any, kind: Any) -> None:
    with pytest.raises(ValueError, match=f"{kind.__name__} `learning_rate` must be a finite number, at least 0; got"):
        kind(bad)
    model = make_model()
    rate = model.optimizer.learning_rate
    with refuses(model, ValueError, "RMSprop `learning_rate`"):
        model.optimizer.learning_rate = bad
    assert model.optimizer.learning_rate == rate


@pytest.mark.parametrize("rate", [0, 1, 0.5, np.float32(0.5), np.float64(0.5), np.int64(1), np.array(0.5)], ids=repr)
def test_learning_rates_of_every_real_type_are_accepted(rate: Any) -> None:
    assert optimizers.SGD(rate).learning_rate == float(rate)


@pytest.mark.parametrize(
    "make",
    [
        lambda bad: optimizers.SGD(momentum=bad),
        lambda bad: optimizers.RMSprop(rho=bad),
        lambda bad: optimizers.RMSprop(momentum=bad),
        lambda bad: optimizers.RMSprop(epsilon=bad),
        lambda bad: losses.CategoricalCrossentropy(label_smoothing=bad),
        lambda bad: layers.Rescaling(bad),
        lambda bad: layers.Rescaling(1.0, bad),
        lambda bad: metrics.BinaryAccuracy(threshold=bad),
        lambda bad: lamella.initializers.VarianceScaling(bad),
    ],
    ids=[
        "momentum", "rho", "RMSprop momentum", "epsilon", "label_smoothing", "scale", "offset", "threshold",
        "VarianceScaling",
    ],
)  # fmt: skip
@pytest.mark.parametrize("bad", [np.nan, np.inf, "x", None, True, 1j, 1e39, 10**400], ids=lambda bad: repr(bad)[:12])
def test_hyperparameters_are_finite_numbers(make: Callable[[Any], Any], bad: Any) -> None:
    with pytest.raises(ValueError, match=r"`\w+` must be a finite number.*got"):
        make(bad)


@pytest.mark.parametrize("make", [Sequential, lambda name: layers.Dense(1, name=name)])
def test_names_are_texts(make: Callable[..., Any]) -> None:
    with pytest.raises(TypeError, match="`name` must be a string, got 3"):
        make(name=3)


def test_a_layer_is_no_activation() -> None:
    with pytest.raises(TypeError, match="is a layer; add it to the model behind"):
        layers.Dense(3, activation=layers.ReLU())


def test_a_normalization_of_other_features_is_named() -> None:
    layer = layers.Normalization(name="scaled")
    layer.adapt(X[:, :2])
    with pytest.raises(ValueError, match=r"'scaled' has learned from features of shape \(2,\) and gets \(8,\)"):
        Sequential([layer, layers.Dense(1)]).predict(X)


def test_the_batch_of_a_stream_that_is_bad_is_named() -> None:
    model = make_model()
    x, y = make_data(model)
    bad = np.where(np.arange(len(x))[:, None] == 3, np.nan, x)
    with pytest.raises(ValueError, match=r"Batch 2 of `x`: `x` contains NaN \(first at row 3"):
        model.fit(iter([(x, y), (bad, y)]), steps_per_epoch=2, verbose=0)


@pytest.mark.parametrize("bad", [1, 0, "yes", None, 0.5], ids=repr)
def test_switches_are_true_or_false(bad: Any) -> None:
    makers: list[Callable[[Any], Any]] = [
        lambda v: layers.Dense(3, use_bias=v),
        lambda v: layers.Dense(3, trainable=v),
        lambda v: optimizers.SGD(nesterov=v),
        lambda v: optimizers.RMSprop(centered=v),
        lambda v: losses.CategoricalCrossentropy(from_logits=v),
    ]
    for make in makers:
        with pytest.raises(TypeError, match=r"`\w+` must be True or False, got"):
            make(bad)


# ---------------------------------------------------------------------- names

NAMES = cases(
    ("optimizer", {"optimizer": "sgdd"}, ValueError, "optimizer 'sgdd'", "Did you mean 'sgd'?"),
    ("other optimizer", {"optimizer": "rmspro"}, ValueError, "optimizer 'rmspro'", "Did you mean 'rmsprop'?"),
    ("loss", {"loss": "categorical_crossentropi"}, ValueError, "loss", "Did you mean 'categorical_crossentropy'?"),
    ("no such loss", {"loss": "qqqq"}, ValueError, "loss 'qqqq'", "Known:"),
    ("metric", {"metrics": ["binary_acuracy"]}, ValueError, "metric", "Did you mean 'binary_accuracy'?"),
    ("metric alone", {"metrics": "accuracy"}, ValueError, "`metrics` must be a list", "'accuracy'"),
    ("metric number", {"metrics": [5]}, TypeError, "`metrics[0]` must be", "5 of type int"),
    ("optimizer number", {"optimizer": 5}, TypeError, "`optimizer` must be", "5 of type int"),
    ("optimizer None", {"optimizer": None}, TypeError, "`optimizer` must be", "None"),
    ("loss missing", {"loss": None}, ValueError, "`loss`"),
    ("loss without values", {"loss": type("Mine", (losses.Loss,), {})()}, TypeError, "`loss`", "Mine", "call("),
    ("loss class name", {"loss": {"class_name": "Mse2"}}, ValueError, "loss 'Mse2'"),
    ("loss_weights", {"loss_weights": [1.0, 2.0]}, ValueError, "`loss_weights`"),
    ("weighted_metrics", {"weighted_metrics": "mae"}, ValueError, "`weighted_metrics`"),
    (
        "metric for labels",
        {"metrics": ["sparse_categorical_accuracy"]},
        ValueError,
        "does not fit the loss",
        "'accuracy'",
    ),
    ("metric without values", {"metrics": [type("Mine", (metrics.Metric,), {})()]}, TypeError, "Mine", "update_state"),
    (
        "optimizer in Python",
        {"optimizer": type("Mine", (optimizers.Optimizer,), {})(0.1, None, None)},
        TypeError,
        "`optimizer`",
        "Mine",
    ),
)


@NAMES
@pytest.mark.parametrize("built", [True, False], ids=["built", "unbuilt"])
def test_a_failed_compile_leaves_the_old_one(case: Case, built: bool) -> None:
    if built:
        model = make_model()
    else:
        model = Sequential([layers.Dense(CLASSES)])
        model.compile("sgd", "mse")
    before = model.optimizer, model.loss, model.metrics_names
    with refuses(model, case.error, *case.words):
        model.compile(**({"optimizer": "rmsprop", "loss": "mse"} | case.bad))
    assert (model.optimizer, model.loss, model.metrics_names) == before
    if built:
        trains_on(model, make_model())


@cases(
    ("activation", lambda: layers.Dense(3, "rellu"), ValueError, "activation 'rellu'", "Did you mean 'relu'?"),
    ("activation layer", lambda: layers.Activation("sigmoyd"), ValueError, "activation", "Did you mean 'sigmoid'?"),
    ("activation function", lambda: layers.Dense(3, np.tanh), TypeError, "`activation`", "compiled core"),
    ("activation number", lambda: layers.Dense(3, 5), TypeError, "`activation` must be", "5 of type int"),
    ("initializer", lambda: layers.Dense(3, kernel_initializer="he_norml"), ValueError, "Did you mean 'he_normal'?"),
    (
        "initializer number",
        lambda: layers.Dense(3, bias_initializer=0),
        TypeError,
        "`bias_initializer` must be",
        "0 of type int",
    ),
    ("layer", lambda: make_model().get_layer("hiden"), ValueError, "layer 'hiden'", "Did you mean 'hidden'?"),
    ("layer number", lambda: make_model().get_layer(index=7), ValueError, "no layer 7", "2 layers"),
    ("layer name", lambda: layers.Dense(3, name=5), TypeError, "Dense `name`", "5"),
    ("dtype", lambda: layers.Dense(3, dtype="float64"), ValueError, "`dtype`", "'float64'"),
    ("unknown option", lambda: layers.Dense(3, activaton="relu"), TypeError, "activaton"),
)
def test_unknown_names_come_with_the_nearest_known_one(case: Case) -> None:
    with pytest.raises(case.error) as caught:
        case.bad()
    assert [word for word in case.words if word not in str(caught.value)] == [], caught.value


# ---------------------------------------------------------------------- memory

HUGE = 2**20


def test_a_layer_larger_than_memory_is_a_memory_error_with_its_bytes_before_any_is_touched() -> None:
    with pytest.raises(MemoryError, match=r"needs 4,398,050,705,408 bytes for its 1,099,512,676,352 weights"):
        Sequential([Input((HUGE,)), layers.Dense(HUGE)])


def test_a_model_outlives_a_layer_larger_than_memory() -> None:
    model = make_model()
    with refuses(model, MemoryError, "bytes"):
        model.add(layers.Dense(2**45))
    trains_on(model, make_model())


def test_an_unbuilt_model_outlives_a_build_larger_than_memory() -> None:
    model = Sequential([layers.Dense(HUGE)])
    with refuses(model, MemoryError, "4,398,050,705,408 bytes"):
        model.build((None, HUGE))
    model.build((None, 2))
    assert model.predict(np.zeros((1, 2))).shape == (1, HUGE)


def test_products_of_sizes_never_wrap_around() -> None:
    for units in (2**31, 2**32 + 1, 2**44, 2**62, 2**63 - 1):
        with pytest.raises(MemoryError, match="bytes"):
            Sequential([Input((2**33,)), layers.Dense(units)])


# ---------------------------------------------------------------------- weights of the model

SET_WEIGHTS = cases(
    ("none", lambda w: [], ValueError, "0 weights", "has 4"),
    ("too few", lambda w: w[:3], ValueError, "3 weights", "has 4"),
    ("too many", lambda w: [*w, w[0]], ValueError, "5 weights", "has 4"),
    ("wrong shape", lambda w: [w[0].T, *w[1:]], ValueError, "`weights[0]`", "(8, 5)", "(5, 8)"),
    ("last wrong", lambda w: [w[0] + 1, *w[1:3], np.zeros(4)], ValueError, "`weights[3]`", "(3,)", "(4,)"),
    ("flat", lambda w: [a.ravel() for a in w], ValueError, "`weights[0]`", "(8, 5)", "(40,)"),
    ("strings", lambda w: [w[0].astype(str), *w[1:]], ValueError, "`weights[0]` must hold real numbers"),
    ("complex", lambda w: [*w[:3], w[3] + 1j], ValueError, "`weights[3]` must hold real numbers"),
    ("objects", lambda w: [w[0].astype(object), *w[1:]], ValueError, "`weights[0]` must hold real numbers"),
    ("1e300", lambda w: [w[0], w[1] + np.float64(1e300), *w[2:]], ValueError, "`weights[1]`", "too large for float32"),
    ("None", lambda w: None, TypeError, "`weights` must be a list", "NoneType"),
    ("None inside", lambda w: [None, *w[1:]], TypeError, "`weights[0]` must be", "None"),
    ("generator", lambda w: (a for a in w), TypeError, "`weights` must be a list", "generator"),
    ("text", lambda w: "abcd", TypeError, "`weights` must be a list", "str"),
    ("number", lambda w: 5, TypeError, "`weights` must be a list", "int"),
)


@SET_WEIGHTS
def test_set_weights_takes_all_or_nothing(case: Case) -> None:
    model = make_model()
    with refuses(model, case.error, *case.words):
        model.set_weights(case.bad(model.get_weights()))
    trains_on(model, make_model())


def test_set_weights_of_a_layer_takes_all_or_nothing() -> None:
    model = make_model()
    kernel, bias = model.get_layer("hidden").get_weights()
    for bad in ([kernel], [kernel, bias, bias], [bias, kernel], [kernel + 1, bias[:2]], [kernel.T, bias]):
        with refuses(model, ValueError, "hidden"):
            model.get_layer("hidden").set_weights(bad)
    with refuses(model, TypeError, "`weights` must be a list"):
        model.get_layer("hidden").set_weights(None)  # type: ignore[arg-type]


class WrongShape(Initializer):
    def __call__(self, shape: tuple[int, ...]) -> Any:
        return np.zeros(3, np.float32)


def test_an_initializer_that_gives_a_wrong_shape_is_named() -> None:
    model = Sequential([Input((2,)), layers.Dense(3, name="first")])
    with refuses(model, ValueError, "WrongShape", "`kernel`", "(3, 4)", "(3,)"):
        model.add(layers.Dense(4, kernel_initializer=WrongShape()))
    assert model.predict(np.ones((1, 2))).shape == (1, 3)


# ---------------------------------------------------------------------- state and order of calls


@pytest.mark.parametrize("door", [door for door in DOORS if door != "validation"])
def test_training_and_scoring_need_compile_first(door: str) -> None:
    model = Sequential([Input((WIDTH,)), layers.Dense(CLASSES)])
    with refuses(model, ValueError, "You must call `compile()` before using the model."):
        DOORS[door](model, X, Y)


@pytest.mark.parametrize("name", ["optimizer", "loss", "metrics_names"])
def test_what_compile_sets_needs_compile_first(name: str) -> None:
    with pytest.raises(ValueError, match=r"You must call `compile\(\)` before using the model\."):
        getattr(Sequential([Input((WIDTH,)), layers.Dense(CLASSES)]), name)


def test_predict_works_before_compile_and_builds_the_model() -> None:
    model = Sequential([layers.Dense(CLASSES)])
    assert model.predict(X).shape == (ROWS, CLASSES) and model.built


def test_compile_works_before_the_model_is_built_and_fit_builds_it() -> None:
    model = Sequential([layers.Dense(CLASSES)])
    model.compile("sgd", "mse")
    assert model.fit(X, Y, verbose=0).epoch == [0] and model.input_shape == (None, WIDTH)


@pytest.mark.parametrize("door", [*(d for d in DOORS if d != "validation"), *PREDICT])
def test_a_model_without_layers_says_so(door: str) -> None:
    model = Sequential()
    model.compile("sgd", "mse")
    with refuses(model, ValueError, "cannot be built because it has no layers", "model.add("):
        (DOORS | PREDICT)[door](model, X, Y)
    with refuses(model, ValueError, "cannot be built because it has no layers"):
        model.build()


@pytest.mark.parametrize("only", [layers.Flatten, lambda: layers.Rescaling(2.0)], ids=["Flatten", "Rescaling"])
def test_a_model_that_only_reshapes_and_rescales_predicts_and_cannot_train(only: Callable[[], Any]) -> None:
    model = Sequential([Input((WIDTH,)), only()])
    model.compile("sgd", "mse")
    assert model.predict(X).shape == X.shape
    for door in DOORS.values():
        with refuses(model, ValueError, "only reshapes and rescales", "Dense"):
            door(model, X, X) if door is not DOORS["validation"] else model.fit(X, X, verbose=0)


def test_an_unbuilt_model_answers_what_it_can(capsys: pytest.CaptureFixture[str]) -> None:
    model = Sequential([layers.Dense(3)])
    model.summary()
    assert "unbuilt" in capsys.readouterr().out
    assert model.get_weights() == []
    with pytest.raises(ValueError, match="isn't built"):
        model.count_params()
    with pytest.raises(ValueError, match="no weights yet"):
        model.set_weights([np.zeros((2, 3)), np.zeros(3)])
    with pytest.raises(AttributeError, match="not been built"):
        _ = model.output_shape


UNBUILT = cases(
    ("NaN", lambda m: m.fit(with_value(np.nan), Y, verbose=0), ValueError, "NaN"),
    ("no rows", lambda m: m.fit(X[:0], Y[:0], verbose=0), ValueError, "0 rows"),
    ("one axis", lambda m: m.fit(X[0], Y, verbose=0), ValueError, "`x` of shape (n, features)", "(8,)"),
    ("one axis, sparse", lambda m: m.predict(scipy.sparse.coo_array(X[0])), ValueError, "`x` of shape (n, features)"),
    ("three axes", lambda m: m.fit(X[..., None], Y, verbose=0), ValueError, "Flatten()"),
    ("no features", lambda m: m.predict(X[:, :0]), ValueError, "positive sizes"),
    ("no features, sparse", lambda m: m.predict(scipy.sparse.csr_matrix((3, 0))), ValueError, "positive sizes"),
    ("targets", lambda m: m.fit(X, Y[:20], verbose=0), ValueError, "`y` has 20"),
    ("width of targets", lambda m: m.fit(X, Y[:, :1], verbose=0), ValueError, "(n, 3)"),
    ("weights", lambda m: m.fit(X, Y, verbose=0, sample_weight=np.ones(3)), ValueError, "`sample_weight`"),
    (
        "validation",
        lambda m: m.fit(X, Y, verbose=0, validation_data=(X[:, :7], Y)),
        ValueError,
        "`validation x`",
        "7 features",
    ),
    ("callback", lambda m: m.fit(X, Y, verbose=0, callbacks=[5]), TypeError, "`callbacks[0]`"),
    ("split", lambda m: m.fit(X, Y, verbose=0, validation_split=0.999), ValueError, "not sufficient"),
    ("evaluate", lambda m: m.evaluate(with_value(np.nan), Y, verbose=0), ValueError, "NaN"),
    ("train_on_batch", lambda m: m.train_on_batch(X, Y[:3]), ValueError, "`y` has 3"),
    ("string", lambda m: m.predict("abc"), TypeError, "`x` must be", "str"),
)


@UNBUILT
def test_a_bad_first_call_does_not_fix_the_shape_of_a_model(case: Case) -> None:
    model = Sequential([layers.Dense(CLASSES)])
    model.compile("sgd", "mse")
    with refuses(model, case.error, *case.words):
        case.bad(model)
    assert not model.built
    model.fit(np.zeros((4, 2)), np.zeros((4, CLASSES)), verbose=0)


@cases(
    ("number", 5, ValueError, "Only instances of lamella layers", "5 of type int"),
    ("class", layers.Dense, ValueError, "Only instances of lamella layers", "Dense"),
    ("text", "dense", ValueError, "Only instances of lamella layers", "'dense'"),
    ("same name", layers.Dense(2, name="hidden"), ValueError, "different names", "'hidden'"),
    ("late input", Input((3,)), ValueError, "Input must come first"),
    ("layer in Python", type("Mine", (layers.Layer,), {})(), TypeError, "Mine", "written in Python"),
    (
        "layer of another model",
        Sequential([Input((5,)), layers.Dense(2)]).layers[0],
        ValueError,
        "belongs to the model",
    ),
)
def test_what_is_no_new_layer_cannot_be_added(case: Case) -> None:
    model = make_model()
    with refuses(model, case.error, *case.words):
        model.add(case.bad)
    trains_on(model, make_model())


def test_layers_of_a_model_are_a_list() -> None:
    for bad in (5, layers.Dense(3)):
        with pytest.raises(TypeError, match="`layers` must be a list of layers, got"):
            Sequential(bad)  # type: ignore[arg-type]


def test_a_layer_that_does_not_fit_is_not_added() -> None:
    model = Sequential([Input((4, 4)), layers.Activation("relu")])
    with refuses(model, ValueError, "Reshape", "(3, 5)", "(4, 4)", "16 numbers"):
        model.add(layers.Reshape((3, 5)))


# ---------------------------------------------------------------------- callbacks


class Counter(Callback):
    """Notes the hooks that were called."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def on_train_begin(self, logs: Any = None) -> None:
        self.seen.append("begin")

    def on_train_end(self, logs: Any = None) -> None:
        self.seen.append("end")


@pytest.mark.parametrize(
    "bad", [5, "early", object(), Counter, [Counter], {"a": 1}], ids=lambda bad: type(bad).__name__
)
def test_what_is_no_callback_is_refused_before_training(bad: Any) -> None:
    model, counter = make_model(), Counter()
    for callbacks in (bad, [counter, bad]):
        with refuses(model, TypeError, "`callbacks[", "must be a callback"):
            model.fit(X, Y, verbose=0, callbacks=callbacks)
    assert counter.seen == []
    trains_on(model, make_model())


HOOKS = [
    "on_train_begin", "on_epoch_begin", "on_train_batch_begin", "on_train_batch_end", "on_train_chunk_end",
    "on_test_begin", "on_test_batch_end", "on_test_end", "on_epoch_end", "on_train_end",
]  # fmt: skip


@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize("error", [KeyError, KeyboardInterrupt, SystemExit], ids=lambda error: error.__name__)
def test_what_a_callback_raises_comes_out_unchanged_and_the_model_stays_usable(hook: str, error: Any) -> None:
    raised, counter, model = error("mine"), Counter(), make_model()
    done = model._compiled.trainer.iterations if model._compiled else 0

    def fail(*args: Any) -> None:
        raise raised

    with pytest.raises(error) as caught:
        model.fit(
            X, Y, batch_size=8, verbose=0, callbacks=[counter, LambdaCallback(**{hook: fail})], validation_data=(X, Y)
        )
    assert caught.value is raised
    assert counter.seen == (["begin", "end"] if hook == "on_train_end" else ["begin"])
    assert model._compiled is not None
    steps = 0 if HOOKS.index(hook) < 3 else 1 if hook == "on_train_batch_end" else 4
    assert model._compiled.trainer.iterations - done == steps
    assert model.fit(X, Y, verbose=0).epoch == [0]


class StopAfter(Callback):
    """Stops training after so many steps."""

    def __init__(self, steps: int) -> None:
        self.steps = steps

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.model.stop_training = batch + 1 >= self.steps


@pytest.mark.parametrize("step", [0, 1, 3])
def test_after_an_error_in_a_callback_the_weights_are_those_of_the_last_finished_step(step: int) -> None:
    def fail(batch: int, logs: Any) -> None:
        if batch == step:
            raise KeyError("mine")

    model, twin = make_model(), make_model()
    with pytest.raises(KeyError, match="mine"):
        model.fit(X, Y, batch_size=8, verbose=0, shuffle=False, callbacks=[LambdaCallback(on_train_batch_end=fail)])
    twin.fit(X, Y, batch_size=8, verbose=0, shuffle=False, callbacks=[StopAfter(step + 1)])
    assert state_of(model)[0] == state_of(twin)[0]
    trains_on(model, twin)


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m.compile("sgd", "binary_crossentropy"),
        lambda m: m.add(layers.Dense(2)),
        lambda m: m.pop(),
        lambda m: m.fit(X, Y, verbose=0),
    ],
    ids=["compile", "add", "pop", "fit"],
)
@pytest.mark.parametrize("hook", ["on_epoch_begin", "on_train_batch_end", "on_test_end", "on_epoch_end"])
def test_a_model_cannot_be_changed_under_a_running_fit(change: Callable[[Model], Any], hook: str) -> None:
    model = make_model()
    with pytest.raises(ValueError, match=r"fit\(\)"):
        model.fit(
            X, Y, verbose=0, validation_data=(X, Y), callbacks=[LambdaCallback(**{hook: lambda *args: change(model)})]
        )
    assert len(model.layers) == 2 and model.loss.name == "mean_squared_error"
    assert model.fit(X, Y, verbose=0).epoch == [0]
    model.compile("sgd", "mse")


def test_evaluate_in_a_batch_callback_leaves_the_running_loss_alone() -> None:
    model, twin = make_model(), make_model()
    peek = LambdaCallback(on_train_batch_end=lambda batch, logs: model.evaluate(X[:5], Y[:5], verbose=0))
    watched = model.fit(X, Y, batch_size=8, verbose=0, shuffle=False, callbacks=[peek])
    plain = twin.fit(X, Y, batch_size=8, verbose=0, shuffle=False)
    assert watched.history["loss"] == pytest.approx(plain.history["loss"], rel=1e-12)
    assert watched.history["accuracy"] == plain.history["accuracy"]


# ---------------------------------------------------------------------- a loss that is no number any more


def exploding() -> Model:
    model = Sequential([Input((WIDTH,)), layers.Dense(CLASSES)])
    model.compile(optimizers.SGD(1e30), "mse")
    return model


def test_a_loss_that_becomes_nan_warns_once_with_the_step_and_training_goes_on() -> None:
    model = exploding()
    with pytest.warns(RuntimeWarning, match=r"The loss became (nan|inf) in step 1 to 4\..*TerminateOnNaN") as caught:
        history = model.fit(X, Y, batch_size=8, epochs=3, verbose=0)
    assert len(caught) == 1 and caught[0].filename == __file__
    assert history.epoch == [0, 1, 2] and not np.isfinite(history.history["loss"]).any()


def test_where_batches_are_watched_the_warning_names_the_very_step() -> None:
    watch = LambdaCallback(on_train_batch_end=lambda batch, logs: None)
    with pytest.warns(RuntimeWarning, match=r"in step (\d+) to \1\."):
        exploding().fit(X, Y, batch_size=8, epochs=3, verbose=0, callbacks=[watch])


def test_terminate_on_nan_stops_instead_of_the_warning(capsys: pytest.CaptureFixture[str]) -> None:
    history = exploding().fit(X, Y, batch_size=8, epochs=3, verbose=0, callbacks=[TerminateOnNaN()])
    assert history.epoch == [0] and "Invalid loss" in capsys.readouterr().out


# ---------------------------------------------------------------------- sparse matrices whose parts do not fit

BROKEN = cases(
    ("column too large", lambda m: m.indices.__setitem__(0, WIDTH), ValueError, "`x`", "column numbers leave 0 ... 7"),
    ("column negative", lambda m: m.indices.__setitem__(0, -1), ValueError, "`x`", "column numbers leave 0 ... 7"),
    ("rows descend", lambda m: m.indptr.__setitem__(1, 9999), ValueError, "`x`", "row pointers"),
    ("first row late", lambda m: m.indptr.__setitem__(0, 2), ValueError, "`x`", "row pointers"),
    ("numbers missing", lambda m: setattr(m, "data", m.data[:-1]), ValueError, "`x`", "row pointers"),
    ("columns missing", lambda m: setattr(m, "indices", m.indices[:-1]), ValueError, "`x`", "row pointers"),
    ("rows missing", lambda m: setattr(m, "indptr", m.indptr[:-1]), ValueError, "`x`", "row pointers"),
    ("no row pointers", lambda m: setattr(m, "indptr", m.indptr[:0]), ValueError, "`x`", "row pointers"),
)


@BROKEN
@pytest.mark.parametrize("door", ["fit", "evaluate", "predict"])
def test_broken_sparse_matrices_do_not_reach_the_core(case: Case, door: str) -> None:
    model, matrix = make_model(), scipy.sparse.csr_matrix(X)
    case.bad(matrix)
    with refuses(model, case.error, *case.words):
        (DOORS | PREDICT)[door](model, matrix, Y)


# ---------------------------------------------------------------------- helpers

CATEGORIES = cases(
    ("negative", lambda: to_categorical([-1]), ValueError, "`x`", "-1"),
    ("fraction", lambda: to_categorical([0.5]), ValueError, "`x`", "whole", "0.5"),
    ("NaN", lambda: to_categorical([np.nan]), ValueError, "`x`", "nan"),
    ("infinity", lambda: to_categorical([np.inf]), ValueError, "`x`", "inf"),
    ("2**63", lambda: to_categorical(np.array([2**63], np.uint64)), ValueError, "`x`", str(2**63)),
    ("strings", lambda: to_categorical(["a"]), ValueError, "`x`", "<U1"),
    ("complex", lambda: to_categorical([1j]), ValueError, "`x`", "complex128"),
    ("too large", lambda: to_categorical([3], 3), ValueError, "num_classes=3", "3"),
    ("no classes", lambda: to_categorical([1], 0), ValueError, "`num_classes`", "got 0"),
    ("fractional classes", lambda: to_categorical([1], 2.5), TypeError, "`num_classes`", "2.5"),  # type: ignore[arg-type]
    ("classes as text", lambda: to_categorical([1], "3"), TypeError, "`num_classes`", "'3'"),  # type: ignore[arg-type]
)


@CATEGORIES
def test_to_categorical_refuses_what_is_no_class_number(case: Case) -> None:
    with pytest.raises(case.error) as caught:
        case.bad()
    assert [word for word in case.words if word not in str(caught.value)] == [], caught.value


def test_axis_and_summary_and_adapt_say_what_is_wrong() -> None:
    for layer in (layers.BatchNormalization(axis="a"), layers.LayerNormalization(axis=None)):  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="`axis` must be an integer"):
            Sequential([Input((6,)), layer])
    with pytest.raises(ValueError, match="last axes only"):
        Sequential([Input((6,)), layers.LayerNormalization(axis=[])])
    made = Sequential([Input((6,)), layers.Dense(2)])
    with pytest.raises(ValueError, match="`line_length`"):
        made.summary(line_length=-3)
    with pytest.raises(ValueError, match="`positions` must hold 3"):
        made.summary(positions=[0.2, 0.4, 0.6, 1.0])
    with pytest.raises(ValueError, match="toarray"):
        layers.Normalization().adapt(scipy.sparse.eye(3))


def test_an_input_that_contradicts_the_first_layer() -> None:
    first = layers.Dense(2)
    Sequential([Input((6,)), first])
    for layer in (first, layers.Dense(2, input_shape=(6,))):
        with pytest.raises(ValueError, match="takes samples of shape"):
            Sequential([Input((5,)), layer])


def test_a_built_layer_keeps_what_the_core_was_given() -> None:
    x, y = np.ones((8, 6), np.float32), np.ones(8, np.float32)
    made = Sequential([Input((6,)), layers.Dense(4, "relu"), layers.Dropout(0.5), layers.Dense(1)])
    made.compile("sgd", "mse")
    changes = {"units": 3, "activation": "tanh", "use_bias": False}
    for layer, name, value in [(made.layers[0], *each) for each in changes.items()] + [(made.layers[1], "rate", 0.1)]:
        with pytest.raises(AttributeError, match=f"`{name}` of .* cannot change once the layer is built"):
            setattr(layer, name, value)
    made.layers[0].trainable = False
    made.layers[0].remark = "mine"
    made.compile("sgd", "mse")
    made.fit(x, y, verbose=0)
    made.set_weights(made.get_weights())


def test_numbers_of_the_wrong_kind_are_type_errors_and_as_in_keras_value_errors():
    for make in (lambda: layers.Dense("a"), lambda: layers.Dropout("a"), lambda: lamella.optimizers.SGD(momentum=1j)):
        for kind in (TypeError, ValueError):
            with pytest.raises(kind, match=r"must be .*got "):
                make()
    for make in (lambda: layers.Dense(0), lambda: layers.Dropout(2), lambda: lamella.optimizers.SGD(momentum=np.nan)):
        with pytest.raises(ValueError, match=r"must be .*got ") as error:
            make()
        assert not isinstance(error.value, TypeError)


@pytest.mark.parametrize(
    "loss", ["categorical_crossentropy", "categorical_focal_crossentropy", "sparse_categorical_crossentropy"]
)
def test_one_output_for_several_classes_is_refused(loss: str) -> None:
    model = Sequential([Input((WIDTH,)), layers.Dense(1, "sigmoid")])
    model.compile("sgd", loss)
    y = LABELS % 2
    with refuses(model, ValueError, "needs an output for every class", "'binary_crossentropy'"):
        model.fit(X, y, verbose=0)


@pytest.mark.parametrize("metric", [metrics.Mean, metrics.Sum])
def test_metrics_of_plain_values_are_refused_in_compile(metric: Any) -> None:
    with pytest.raises(TypeError, match=f"`metrics`: {metric.__name__} adds up values, not targets and predictions"):
        Sequential([layers.Dense(1)]).compile("sgd", "mse", metrics=[metric()])


def test_whole_labels_that_are_nearly_so_are_shown_as_they_are() -> None:
    model = make_model("sparse_categorical_crossentropy", activation="softmax")
    with refuses(model, ValueError, "whole class numbers, found 1.000000001 at index 0"):
        model.fit(X, np.full(ROWS, 1.000000001), verbose=0)


def test_softmax_of_one_output_is_warned_of() -> None:
    model = Sequential([Input((WIDTH,)), layers.Dense(1, "softmax")])
    model.compile("sgd", "mse")
    with pytest.warns(UserWarning, match=r"one output and the activation softmax.*Use 'sigmoid'"):
        model.fit(X, Y[:, :1], verbose=0)
