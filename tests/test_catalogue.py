"""The catalogue of bad input, row by row, as docs/reliability.md counts it: what is refused, how, and what is accepted.

A row that is refused has an error and words of its message, and nothing about the model may change. A row that is
accepted has a call that gives the same, to the bit, on a twin. test_bad_input.py tries the faults at every door.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from bad_input import (
    CLASSES,
    ROWS,
    WIDTH,
    Array,
    Model,
    WithArray,
    X,
    make_model,
    refuses,
    state_of,
    trains_on,
    with_value,
)

from lamella import Input, Sequential, layers, optimizers

Y = np.random.default_rng(5).standard_normal((ROWS, CLASSES)).astype(np.float32)
LABELS = np.arange(ROWS) % CLASSES
HOT = np.eye(CLASSES, dtype=np.float32)[LABELS]
QUIET: dict[str, Any] = {"verbose": 0, "shuffle": False}


def regression() -> Model:
    return make_model("mse")


def sparse_labels() -> Model:
    return make_model("sparse_categorical_crossentropy", activation="softmax")


def one_hot() -> Model:
    return make_model("categorical_crossentropy", activation="softmax")


def unbuilt() -> Model:
    model = Sequential([layers.Dense(CLASSES)])
    model.compile("sgd", "mse")
    return model


def empty() -> Model:
    model = Sequential()
    model.compile("sgd", "mse")
    return model


def uncompiled() -> Model:
    return Sequential([Input((WIDTH,)), layers.Dense(CLASSES)])


def uncompiled_unbuilt() -> Model:
    return Sequential([layers.Dense(CLASSES)])


class Row(NamedTuple):
    section: str
    name: str
    make: Callable[[], Model]
    call: Callable[[Model], Any]
    error: Any = None
    words: tuple[str, ...] = ()
    same: Callable[[Model], Any] | None = None  # what an accepted call must equal


def refused(section: str, name: str, make: Any, call: Any, error: Any, *words: str) -> Row:
    return Row(section, name, make, call, error, words)


def accepted(section: str, name: str, make: Any, call: Any, same: Any) -> Row:
    return Row(section, name, make, call, same=same)


def fit(x: Any = X, y: Any = Y, **options: Any) -> Callable[[Model], Any]:
    return lambda m: m.fit(x, y, **(QUIET | options)).history


def predict(x: Any) -> Callable[[Model], Any]:
    return lambda m: m.predict(x)


def evaluate(x: Any = X, y: Any = Y) -> Callable[[Model], Any]:
    return lambda m: m.evaluate(x, y, verbose=0)


def value(result: Any) -> Callable[[Model], Any]:
    return lambda m: result


def at(array: Any, where: Any, new: Any, dtype: Any = None) -> Array:
    changed = np.array(array, dtype)
    changed[where] = new
    return changed


def odd(kind: Any) -> Array:
    """Numbers that every type holds."""
    return (np.arange(ROWS * WIDTH).reshape(ROWS, WIDTH) % 2).astype(kind)


def memmap() -> Any:
    path = Path(tempfile.mkdtemp()) / "x.npy"
    np.save(path, X)
    return np.load(path, mmap_mode="r")


def read_only() -> Array:
    x = X.copy()
    x.flags.writeable = False
    return x


def summary_of(model: Model) -> str:
    lines: list[str] = []
    model.summary(print_fn=lines.append)
    return "".join(lines)


V, T, MEMORY = ValueError, TypeError, MemoryError
BIG = np.broadcast_to(np.float32(0), (1, 2**20))

# fmt: off
CATALOGUE = [
    # 3.1 Shape
    refused("3.1", "rank-1 x", regression, fit(X[:, 0]), V, "`x` of shape (n, 8)", "(32,)", "x.reshape(-1, 1)"),
    refused("3.1", "rank-1 x, evaluate", regression, evaluate(X[:, 0]), V, "(n, 8)", "(32,)", "reshape"),
    refused("3.1", "rank-3 x", regression, fit(X[..., None]), V, "(32, 8, 1)", "Flatten()", "reshape"),
    refused("3.1", "0-d x", regression, fit(np.array(1.0)), V, "()"),
    refused("3.1", "wrong feature count", regression, fit(X[:, :7]), V, "7 features", "expects 8"),
    refused("3.1", "wrong feature count, evaluate", regression, evaluate(X[:, :7]), V, "7 features", "expects 8"),
    refused("3.1", "wrong feature count, predict", regression, predict(X[:, :7]), V, "7 features", "expects 8"),
    refused("3.1", "wrong feature count, validation_data", regression, fit(validation_data=(X[:, :7], Y)), V,
            "`validation x`", "7 features", "expects 8"),
    refused("3.1", "one sample as rank-1 to predict", regression, predict(X[0]), V, "x[None, ...]"),
    refused("3.1", "zero features", regression, fit(X[:, :0]), V, "0 features"),
    refused("3.1", "len(x) != len(y)", regression, fit(y=Y[:20]), V, "`x` has 32 rows but `y` has 20"),
    refused("3.1", "len(x) != len(y), train_on_batch", regression, lambda m: m.train_on_batch(X, Y[:20]), V,
            "`x` has 32 rows but `y` has 20"),
    refused("3.1", "len(x) != len(y), validation_data", regression, fit(validation_data=(X, Y[:20])), V,
            "`validation_data`", "`validation x` has 32 rows but `validation y` has 20"),
    refused("3.1", "sample_weight of wrong length", regression, fit(sample_weight=np.ones(5)), V,
            "`sample_weight`", "32 rows of `x`", "(5,)"),
    refused("3.1", "sample_weight of wrong length, validation_data", regression,
            fit(validation_data=(X, Y, np.ones(5))), V, "`validation sample_weight`", "32 rows of `validation x`"),
    refused("3.1", "integer labels with categorical loss", one_hot, fit(y=LABELS), V,
            "sparse_categorical_crossentropy", "to_categorical"),
    refused("3.1", "one-hot labels with sparse loss", sparse_labels, fit(y=HOT), V, "'categorical_crossentropy'"),
    refused("3.1", "one-hot of the wrong width", one_hot, fit(y=np.eye(4)[LABELS]), V, "(n, 3)", "(32, 4)"),
    accepted("3.1", "y of shape (n, 1) with sparse loss", sparse_labels, fit(y=LABELS[:, None]), fit(y=LABELS)),
    refused("3.1", "set_weights, wrong count", regression, lambda m: m.set_weights(m.get_weights()[:3]), V, "3", "4"),
    refused("3.1", "set_weights, wrong shape", regression, lambda m: m.set_weights([w.T for w in m.get_weights()]),
            V, "`weights[0]`", "(8, 5)", "(5, 8)"),
    # 3.2 Values
    refused("3.2", "NaN in x", regression, fit(with_value(np.nan)), V, "NaN", "row 3, column 7"),
    accepted("3.2", "NaN in x, predict", regression, lambda m: np.isnan(m.predict(with_value(np.nan))).all(axis=1),
             value(np.arange(ROWS) == 3)),
    refused("3.2", "infinity in x", regression, fit(with_value(np.inf)), V, "infinity"),
    refused("3.2", "minus infinity in x", regression, evaluate(with_value(-np.inf)), V, "infinity"),
    refused("3.2", "float64 beyond float32", regression, fit(with_value(1e300, float)), V, "too large for float32"),
    refused("3.2", "NaN labels", sparse_labels, fit(y=at(LABELS, 5, np.nan, float)), V, "`y` contains NaN"),
    refused("3.2", "label >= classes", sparse_labels, fit(y=at(LABELS, 0, 7)), V,
            "labels must be in [0, 3)", "found 7 at index 0"),
    refused("3.2", "negative label", sparse_labels, fit(y=at(LABELS, 0, -1)), V, "labels must be in [0, 3)"),
    refused("3.2", "label 2**40", sparse_labels, fit(y=at(LABELS, 0, 2**40)), V, "found 1099511627776"),
    refused("3.2", "fractional labels", sparse_labels, fit(y=at(LABELS, 5, 1.5, float)), V, "1.5 at index 5"),
    accepted("3.2", "whole float labels", sparse_labels, fit(y=LABELS.astype(float)), fit(y=LABELS)),
    accepted("3.2", "one-hot rows not summing to 1", one_hot, fit(y=0.5 * HOT), fit(y=(HOT / 2).astype(float))),
    refused("3.2", "negative one-hot", one_hot, fit(y=HOT - 0.5), V, "must not be negative"),
    refused("3.2", "NaN one-hot", one_hot, fit(y=at(HOT, (1, 2), np.nan)), V, "`y` contains NaN"),
    # 3.3 Sizes and scalars
    refused("3.3", "empty x to fit", regression, fit(X[:0], Y[:0]), V, "0 rows"),
    accepted("3.3", "empty x to predict", regression, predict(X[:0]), value(np.empty((0, CLASSES), np.float32))),
    refused("3.3", "empty x to evaluate", regression, evaluate(X[:0], Y[:0]), V, "0 rows"),
    refused("3.3", "batch_size=0", regression, fit(batch_size=0), V, "`batch_size`", "positive integer"),
    refused("3.3", "batch_size=-1", regression, fit(batch_size=-1), V, "`batch_size`", "positive integer"),
    accepted("3.3", "batch_size > n", regression, fit(batch_size=10**6), fit(batch_size=ROWS)),
    refused("3.3", "batch_size=2.5", regression, fit(batch_size=2.5), T, "`batch_size`", "2.5"),
    refused("3.3", "batch_size='8'", regression, fit(batch_size="8"), T, "`batch_size`", "'8'"),
    refused("3.3", "batch_size=True", regression, fit(batch_size=True), T, "`batch_size`", "True"),
    accepted("3.3", "batch_size with __index__", regression, fit(batch_size=np.uint8(8)), fit(batch_size=8)),
    accepted("3.3", "batch_size=None", regression, fit(batch_size=None), fit(batch_size=32)),
    accepted("3.3", "epochs=0", regression, fit(epochs=0), value({})),
    refused("3.3", "epochs=-1", regression, fit(epochs=-1), V, "`epochs`", "at least 0"),
    refused("3.3", "epochs=1.5", regression, fit(epochs=1.5), T, "`epochs`", "1.5"),
    refused("3.3", "epochs='2'", regression, fit(epochs="2"), T, "`epochs`", "'2'"),
    refused("3.3", "validation_split=1.0", regression, fit(validation_split=1.0), V, "less than 1"),
    refused("3.3", "validation_split=.999 of 32", regression, fit(validation_split=0.999), V, "not sufficient"),
    refused("3.3", "validation_split=1.5", regression, fit(validation_split=1.5), V, "less than 1", "1.5"),
    refused("3.3", "validation_split=-0.1", regression, fit(validation_split=-0.1), V, "at least 0", "-0.1"),
    *(refused("3.3", f"units={bad!r}", regression, lambda m, bad=bad: m.add(layers.Dense(bad)), V, "positive integer")
      for bad in (0, -1, 2.5, "3", None, True)),
    refused("3.3", "Input((-3,))", regression, lambda m: Input((-3,)), V, "Negative dimensions are not allowed"),
    accepted("3.3", "learning_rate=0", regression, lambda m: optimizers.SGD(0).learning_rate, value(0.0)),
    *(refused("3.3", f"learning_rate={bad!r}", regression, lambda m, bad=bad: m.compile(optimizers.SGD(bad), "mse"), V,
              "`learning_rate`", "at least 0") for bad in ("x", None, -1.0, np.nan)),
    refused("3.3", "Dropout(1.5)", regression, lambda m: m.add(layers.Dropout(1.5)), V, "Dropout `rate`", "at most 1"),
    refused("3.3", "AlphaDropout(1)", regression, lambda m: m.add(layers.AlphaDropout(1)), V,
            "at least 0 and less than 1;"),
    refused("3.3", "unknown optimizer", regression, lambda m: m.compile("sgdd", "mse"), V, "'sgdd'", "'sgd'"),
    refused("3.3", "unknown activation", regression, lambda m: m.add(layers.Dense(2, "rellu")), V, "'rellu'", "'relu'"),
    refused("3.3", "unknown loss", regression, lambda m: m.compile("sgd", "msee"), V, "'msee'", "'mse'"),
    refused("3.3", "unknown metric", regression, lambda m: m.compile("sgd", "mse", ["acuracy"]), V, "acuracy"),
    refused("3.3", "2^20 x 2^20 layer", unbuilt, lambda m: Sequential([Input((2**20,)), layers.Dense(2**20)]), MEMORY,
            "4,398,050,705,408 bytes"),
    refused("3.3", "2^20 x 2^45, unbuilt", lambda: Sequential([layers.Dense(2**45)]), predict(BIG), MEMORY, "bytes"),
    refused("3.3", "n*m overflow", regression, lambda m: m.add(layers.Dense(2**62)), MEMORY, "bytes"),
    # 3.4 Kinds of array
    *(accepted("3.4", np.dtype(kind).name, regression, fit(odd(kind)), fit(odd("f4")))
      for kind in ("f8", "f2", "u1", "i8", "?")),
    refused("3.4", "complex64", regression, fit(X.astype("c8")), V, "must hold real numbers", "complex64"),
    refused("3.4", "object array", regression, fit(X.astype(object)), V, "object", ".astype('float32')"),
    refused("3.4", "None among numbers", regression, fit([[None] * WIDTH] * ROWS), V, "object"),
    refused("3.4", "strings", regression, fit(X.astype(str)), V, "must hold real numbers"),
    refused("3.4", "datetime64", regression, fit(np.zeros((ROWS, WIDTH), "M8[s]")), V, "datetime64"),
    refused("3.4", "structured", regression, fit(np.zeros(ROWS, [("a", "f4")])), V, "must hold real numbers"),
    accepted("3.4", "longdouble", regression, fit(X.astype(np.longdouble)), fit()),
    accepted("3.4", "big-endian", regression, fit(X.astype(">f4"), Y.astype(">f4")), fit()),
    accepted("3.4", "Fortran order", regression, fit(np.asfortranarray(X), np.asfortranarray(Y)), fit()),
    accepted("3.4", "negative strides", regression, fit(X[::-1, ::-1], Y[::-1]),
             fit(X[::-1, ::-1].copy(), Y[::-1].copy())),
    accepted("3.4", "strided view", regression, fit(np.repeat(np.repeat(X, 2, 0), 3, 1)[::2, ::3]), fit()),
    accepted("3.4", "read-only", regression, fit(read_only()), fit()),
    accepted("3.4", "memmap", regression, fit(memmap()), fit()),
    refused("3.4", "masked array", regression, fit(np.ma.masked_less(X, 0)), V, "x.filled("),
    accepted("3.4", "np.matrix", regression, lambda m: m.fit(X.view(np.matrix), Y, **QUIET).history, fit()),
    accepted("3.4", "list of lists", regression, fit(X.tolist(), Y.tolist()), fit()),
    accepted("3.4", "list of row arrays", regression, fit(list(X), list(Y)), fit()),
    accepted("3.4", "list of one array", regression, fit([X], [Y], sample_weight=[np.ones(ROWS)]),
             fit(sample_weight=np.ones(ROWS))),
    accepted("3.4", "list of one array, validation_data", regression, fit(validation_data=([X], [Y])),
             fit(validation_data=(X, Y))),
    accepted("3.4", "list of one array, predict", regression, predict([X]), predict(X)),
    accepted("3.4", "list of one array, unbuilt", unbuilt, lambda m: m.predict([X]).shape, value((ROWS, CLASSES))),
    accepted("3.4", "list of one row", regression, predict([X[0]]), predict(X[:1])),
    accepted("3.4", "list of one row of targets", regression, fit([X[0]], [Y[0]]), fit(X[:1], Y[:1])),
    refused("3.4", "list of two arrays", regression, fit([X, X]), V, "(2, 32, 8)"),
    refused("3.4", "ragged list", regression, fit([[1.0, 2.0], [3.0]]), V, "rows of equal length"),
    accepted("3.4", "pandas", regression, fit(pd.DataFrame(X), pd.DataFrame(Y)), fit()),
    accepted("3.4", "scipy CSR", regression, lambda m: np.round(m.predict(scipy.sparse.csr_matrix(odd("f4"))), 4),
             lambda m: np.round(m.predict(odd("f4")), 4)),
    accepted("3.4", "scipy COO", regression, fit(scipy.sparse.coo_matrix(odd("f4"))),
             fit(scipy.sparse.csr_matrix(odd("f4")))),
    refused("3.4", "None as x", regression, fit(None), T, "None"),
    refused("3.4", "str as x", regression, fit("abc"), T, "'abc' of type str"),
    refused("3.4", "dict as x", regression, fit({"x": X}), T, "dict"),
    refused("3.4", "y=None", regression, fit(y=None), V, "`y` is missing"),
    accepted("3.4", "__array__", regression, fit(WithArray(X), WithArray(Y)), fit()),
    accepted("3.4", "buffer", regression, fit(memoryview(X), memoryview(Y)), fit()),
    # 3.5 State and call order
    refused("3.5", "fit before compile", uncompiled, fit(), V, "You must call `compile()` before using the model."),
    refused("3.5", "evaluate before compile", uncompiled, evaluate(), V, "You must call `compile()`"),
    refused("3.5", "train_on_batch before compile", uncompiled, lambda m: m.train_on_batch(X, Y), V, "`compile()`"),
    accepted("3.5", "predict before compile", uncompiled_unbuilt, lambda m: m.predict(X).shape, value((ROWS, CLASSES))),
    accepted("3.5", "compile before build, fit builds", unbuilt, lambda m: [m.built, fit()(m) != {}, m.built],
             value([False, True, True])),
    refused("3.5", "no layers", empty, fit(), V, "cannot be built because it has no layers"),
    accepted("3.5", "summary() unbuilt", unbuilt, lambda m: "unbuilt" in summary_of(m), value(True)),
    refused("3.5", "count_params() unbuilt", unbuilt, lambda m: m.count_params(), V, "isn't built"),
    accepted("3.5", "get_weights() unbuilt", unbuilt, lambda m: m.get_weights(), value([])),
    refused("3.5", "save_weights unbuilt", unbuilt, lambda m: m.save_weights("a.safetensors"), V, "no weights"),
    refused("3.5", "add(5)", regression, lambda m: m.add(5), V, "Only instances of lamella layers", "5 of type int"),
    refused("3.5", "callback not a Callback", regression, fit(callbacks=[5]), T, "`callbacks[0]`"),
]
# fmt: on
STATEFUL = [  # rows of 3.2 and 3.5 that are more than one call; their tests
    ("3.2", "loss becomes NaN", "test_bad_input.py", "test_a_loss_that_becomes_nan_warns_once_with_the_step"),
    ("3.5", "callback raises", "test_bad_input.py", "test_what_a_callback_raises_comes_out_unchanged"),
    ("3.5", "KeyboardInterrupt, then fit again", "test_interrupts.py", "test_after_a_ctrl_c_at_any_moment"),
    (
        "3.5",
        "two fit and two predict from 4 threads",
        "test_threads.py",
        "test_fits_and_predictions_at_once",
    ),
    ("3.4", "tensors of torch", "test_catalogue.py", "test_tensors_of_torch_are_taken_through_numpy"),
]


@pytest.mark.parametrize("row", CATALOGUE, ids=lambda row: f"{row.section} {row.name}")
def test_every_row_of_the_catalogue_ends_as_it_should(row: Row) -> None:
    model, twin = row.make(), row.make()
    if row.error is not None:
        with refuses(model, row.error, *row.words):
            row.call(model)
        if model._compiled is not None and model.built:
            trains_on(model, twin)
        return
    assert row.same is not None
    np.testing.assert_equal(row.call(model), row.same(twin))
    if model.built and twin.built:
        assert state_of(model)[0] == state_of(twin)[0]


@pytest.mark.torch
def test_tensors_of_torch_are_taken_through_numpy() -> None:
    import torch

    model, twin = regression(), regression()
    assert fit(torch.from_numpy(X.copy()), torch.from_numpy(Y.copy()))(model) == fit()(twin)
    assert state_of(model)[0] == state_of(twin)[0]


def test_the_catalogue_says_each_row_once_and_its_longer_rows_are_tested_where_it_says() -> None:
    names = [(row.section, row.name) for row in CATALOGUE] + [(section, name) for section, name, *_ in STATEFUL]
    assert len({*names}) == len(names)
    assert {section for section, _ in names} == {"3.1", "3.2", "3.3", "3.4", "3.5"}
    for _, name, file, test in STATEFUL:
        text = (Path(__file__).parent / file).read_text(encoding="utf-8")
        assert re.search(test, text), name
