"""Every kind of array that must work gives the bits of the plain float32 array in C order, and is never written to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse

import lamella
from lamella import Input, Sequential, layers

pytestmark = pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")

Array = np.ndarray[Any, Any]

ROWS, WIDTH, CLASSES = 70, 9, 3
# Small whole numbers, many of them zero: every type below holds them, and floats get fractions that no type rounds.
WHOLE = np.random.default_rng(11).integers(0, 4, (ROWS, WIDTH))
LABELS = np.random.default_rng(12).integers(0, CLASSES, ROWS)
EXACT = (WHOLE - 1.5).astype(np.float32)


def make_model() -> Sequential:
    lamella.utils.set_random_seed(1)
    model = Sequential([Input((WIDTH,)), layers.Dense(17, "relu"), layers.Dense(CLASSES, "softmax")])
    model.compile("rmsprop", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def results(x: Any) -> list[Array]:
    """All that the library computes from x: predictions, an evaluation, gradients, and the weights after training."""
    model = make_model()
    outputs = model.predict(x)
    few = model.predict(x, batch_size=7, verbose=0)
    evaluated = np.array(model.evaluate(x, LABELS, verbose=0))
    loss, gradients, of_inputs = model.gradients(x, LABELS)
    history = model.fit(x, LABELS, epochs=2, batch_size=16, verbose=0, validation_split=0.2)
    losses = np.array([loss, *history.history["loss"]])
    return [outputs, few, evaluated, losses, *gradients, of_inputs, *model.get_weights()]


def same_as_plain(x: Any, plain: Array) -> None:
    for ours, theirs in zip(results(x), results(np.ascontiguousarray(plain, np.float32)), strict=True):
        np.testing.assert_array_equal(ours, theirs)


class WithArray:
    def __init__(self, array: Array) -> None:
        self.array = array

    def __array__(self, dtype: Any = None, copy: Any = None) -> Array:
        return self.array


class WithInterface:
    def __init__(self, array: Array) -> None:
        self.array = array
        self.__array_interface__ = array.__array_interface__


def unaligned(array: Array) -> Array:
    """The same numbers, one byte off."""
    raw = np.empty(array.nbytes + 1, np.uint8)
    raw[1:] = np.frombuffer(array.tobytes(), np.uint8)
    return raw[1:].view(array.dtype).reshape(array.shape)


def read_only(array: Array) -> Array:
    array = array.copy()
    array.flags.writeable = False
    return array


def strided(array: Array, rows: int, columns: int) -> Array:
    """The same numbers in every rows-th row and columns-th column of a larger array."""
    large = np.full((array.shape[0] * rows, array.shape[1] * columns), 77, array.dtype)
    large[::rows, ::columns] = array
    return large[::rows, ::columns]


def in_first_field(array: Array) -> Array:
    """As in_field(), the first row aligned."""
    records = np.zeros(len(array), [("x", array.dtype, array.shape[1:]), ("pad", "u1")])
    records["x"] = array
    return records["x"]


def in_field(array: Array) -> Array:
    """The same numbers in one field of a structured array: rows that are not a multiple of their size apart."""
    records = np.zeros(len(array), [("pad", "u1"), ("x", array.dtype, array.shape[1:])])
    records["x"] = array
    return records["x"]


LAYOUTS: dict[str, Callable[[Array], Any]] = {
    "C order": np.ascontiguousarray,
    "Fortran order": np.asfortranarray,
    "transposed": lambda a: a.T.copy().T,
    "every third row": lambda a: strided(a, 3, 1),
    "every second column": lambda a: strided(a, 1, 2),
    "some of both": lambda a: strided(a, 2, 3),
    "rows backwards": lambda a: a[::-1].copy()[::-1],
    "columns backwards": lambda a: a[:, ::-1].copy()[:, ::-1],
    "both backwards": lambda a: a[::-1, ::-1].copy()[::-1, ::-1],
    "in wider rows": lambda a: np.hstack([a, a])[:, : a.shape[1]],
    "read-only": read_only,
    "read-only Fortran": lambda a: np.asfortranarray(read_only(a)),
    "one byte off": unaligned,
    "field of records": in_field,
    "first field of records": in_first_field,
    "big-endian": lambda a: a.astype(a.dtype.newbyteorder(">")),
}
TYPES = ["float16", "float32", "float64", "longdouble", "bool"]
TYPES += [f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", TYPES)
def test_every_type_in_every_layout_gives_the_bits_of_plain_float32(dtype: str, layout: str) -> None:
    numbers = (EXACT if np.dtype(dtype).kind == "f" else WHOLE).astype(dtype)
    same_as_plain(LAYOUTS[layout](numbers), numbers)


@pytest.mark.parametrize("dtype", ["float64", "longdouble", "int32", "int64", "uint32", "uint64", ">f8", ">i8"])
def test_wide_numbers_are_rounded_as_numpy_rounds_them(dtype: str, rng: np.random.Generator) -> None:
    wide = rng.standard_normal((ROWS, WIDTH)) if np.dtype(dtype).kind == "f" else rng.integers(0, 2**31, (ROWS, WIDTH))
    numbers = wide.astype(dtype)
    model = Sequential([Input((WIDTH,)), layers.Flatten()])  # the inputs, as the core sees them
    np.testing.assert_array_equal(model.predict(numbers), numbers.astype(np.float32))
    same_as_plain(numbers, numbers.astype(np.float32))


KINDS: dict[str, Callable[[Array], Any]] = {
    "list of lists": lambda a: a.tolist(),
    "tuple of tuples": lambda a: tuple(map(tuple, a.tolist())),
    "list of row arrays": list,
    "list of NumPy numbers": lambda a: [list(row) for row in a],
    "matrix": np.asmatrix,
    "frame": pd.DataFrame,
    "frame with names": lambda a: pd.DataFrame(a, columns=[f"feature {i}" for i in range(WIDTH)]),
    "frame of many types": lambda a: pd.DataFrame({i: a[:, i].astype("f4" if i % 2 else "f8") for i in range(WIDTH)}),
    "frame, shuffled index": lambda a: pd.DataFrame(a, index=np.arange(ROWS)[::-1]),
    "__array__ only": WithArray,
    "__array_interface__": WithInterface,
    "memoryview": lambda a: memoryview(np.ascontiguousarray(a)),
    "record array": lambda a: a.view(np.recarray),
    "broadcast": lambda a: np.broadcast_to(a, (1, *a.shape))[0],
    "csr_matrix": scipy.sparse.csr_matrix,
    "csr_array": scipy.sparse.csr_array,
    "csc_matrix": scipy.sparse.csc_matrix,
    "coo_array": scipy.sparse.coo_array,
    "lil_matrix": scipy.sparse.lil_matrix,
    "dok_array": scipy.sparse.dok_array,
    "bsr_array": scipy.sparse.bsr_array,
    "dia_array": scipy.sparse.dia_array,
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("numbers", [EXACT, WHOLE.astype(np.float64), WHOLE], ids=["float32", "float64", "int64"])
def test_every_container_gives_the_bits_of_plain_float32(kind: str, numbers: Array) -> None:
    same_as_plain(KINDS[kind](numbers), numbers)


@pytest.mark.parametrize("index", [np.int32, np.int64])
def test_sparse_rows_with_repeated_and_unordered_columns_are_sums(index: Any) -> None:
    parts = np.array([1, 2, 3, 4, 0.5], "f4"), np.array([4, 0, 4, 8, 1], index), np.array([0, 3, 3, 5], index)
    model = Sequential([Input((WIDTH,)), layers.Dense(4)])
    dense = np.zeros((3, WIDTH), np.float32)
    dense[0, 4], dense[0, 0], dense[2, 8], dense[2, 1] = 4, 2, 4, 0.5
    np.testing.assert_array_equal(model.predict(scipy.sparse.csr_matrix(parts, (3, WIDTH))), model.predict(dense))


def test_memory_mapped_files_train_and_stay_as_they_are(tmp_path: Path) -> None:
    for dtype in (np.float32, np.float64, np.uint8, np.int16):
        numbers = WHOLE.astype(dtype)
        np.save(tmp_path / "x.npy", numbers)
        before = (tmp_path / "x.npy").read_bytes()
        for mode in ("r", "r+", "c"):
            same_as_plain(np.load(tmp_path / "x.npy", mmap_mode=mode), numbers)  # type: ignore[call-overload]
        assert (tmp_path / "x.npy").read_bytes() == before


@pytest.mark.parametrize("kind", ["float32", "float64", "uint8", "int64", "sparse", "frame"])
def test_data_are_never_written_to(kind: str) -> None:
    x: Any = WHOLE.astype(kind if kind[-1].isdigit() else np.float32)
    x = scipy.sparse.csr_matrix(x) if kind == "sparse" else pd.DataFrame(x) if kind == "frame" else x
    y, weights = LABELS.astype(np.int32), np.linspace(0, 1, ROWS, dtype=np.float32)
    before = x.copy(), y.copy(), weights.copy()
    model = make_model()
    model.fit(x, y, sample_weight=weights, epochs=2, verbose=0)
    model.evaluate(x, y, sample_weight=weights, verbose=0)
    model.predict(x)
    plain = [x.toarray(), before[0].toarray()] if kind == "sparse" else [x, before[0]]
    np.testing.assert_array_equal(*plain)
    np.testing.assert_array_equal(y, before[1])
    np.testing.assert_array_equal(weights, before[2])


TARGETS: dict[str, Callable[[Array], Any]] = {
    **LAYOUTS,
    **{
        name: KINDS[name]
        for name in ("list of lists", "tuple of tuples", "matrix", "frame", "__array__ only", "memoryview")
    },
    "float16": lambda a: a.astype(np.float16),
    "float64": lambda a: a.astype(np.float64),
    "longdouble": lambda a: a.astype(np.longdouble),
}


@pytest.mark.parametrize("kind", TARGETS)
@pytest.mark.parametrize("outputs", [1, CLASSES])
def test_targets_of_every_kind_train_to_the_same_bits(kind: str, outputs: int) -> None:
    def train(y: Any) -> list[Array]:
        lamella.utils.set_random_seed(1)
        model = Sequential([Input((WIDTH,)), layers.Dense(outputs)])
        model.compile("sgd", "mse", metrics=["mae"])
        model.fit(EXACT, y, epochs=2, verbose=0, sample_weight=np.ones(ROWS, np.float16))
        return [*model.get_weights(), np.array(model.evaluate(EXACT, y, verbose=0))]

    plain = EXACT[:, :outputs]
    for ours, theirs in zip(train(TARGETS[kind](plain)), train(plain.copy()), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    "make",
    [
        lambda v: v,
        lambda v: v[:, None],
        list,
        pd.Series,
        lambda v: pd.Series(v, index=v[::-1]),
        lambda v: v[::-1].copy()[::-1],
    ],
    ids=["row", "column", "list", "series", "series with an index", "backwards"],
)
def test_one_output_takes_targets_and_weights_as_a_row_or_a_column(make: Callable[[Array], Any]) -> None:
    values = np.linspace(0, 1, ROWS)

    def train(y: Any, weights: Any) -> list[Array]:
        lamella.utils.set_random_seed(1)
        model = Sequential([Input((WIDTH,)), layers.Dense(1)])
        model.compile("sgd", "mse")
        model.fit(EXACT, y, epochs=2, verbose=0, sample_weight=weights)
        return model.get_weights()

    for ours, theirs in zip(train(make(values), make(values)), train(values, values), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("rows", [1, 2, 255, 256, 257, 1000])
@pytest.mark.parametrize("width", [1, 2, 15, 16, 17, 65])
def test_prediction_does_not_depend_on_layout_or_batches_at_any_size(
    rows: int, width: int, rng: np.random.Generator
) -> None:
    x = rng.standard_normal((rows, width)).astype(np.float32)
    model = Sequential([Input((width,)), layers.Dense(19, "tanh"), layers.Dense(2)])
    outputs = model.predict(x)
    for layout in LAYOUTS.values():
        np.testing.assert_array_equal(model.predict(layout(x)), outputs)
    np.testing.assert_array_equal(np.vstack([model.predict(x[i : i + 1]) for i in range(0, rows, 100)]), outputs[::100])


def test_samples_of_many_axes_may_lie_in_any_order(rng: np.random.Generator) -> None:
    images = rng.integers(0, 255, (20, 4, 5, 3)).astype(np.uint8)
    model = Sequential([Input((4, 5, 3)), layers.Rescaling(1 / 255), layers.Flatten(), layers.Dense(2)])
    outputs = model.predict(images)
    channels_first = np.ascontiguousarray(images.transpose(0, 3, 1, 2)).transpose(0, 2, 3, 1)
    for given in (
        np.asfortranarray(images),
        channels_first,
        images[::-1].copy()[::-1],
        images.tolist(),
        images.astype(float),
    ):
        np.testing.assert_array_equal(model.predict(given), outputs)


def test_rows_that_repeat_one_row_are_taken_without_a_copy(rng: np.random.Generator) -> None:
    row = rng.standard_normal(WIDTH).astype(np.float32)
    model = make_model()
    outputs = model.predict(np.broadcast_to(row, (50_000, WIDTH)))
    np.testing.assert_array_equal(outputs, np.broadcast_to(model.predict(row[None]), (50_000, CLASSES)))


def test_subclasses_of_arrays_come_back_as_plain_arrays() -> None:
    outputs = make_model().predict(np.asmatrix(EXACT))
    assert type(outputs) is np.ndarray and outputs.dtype == np.float32 and outputs.shape == (ROWS, CLASSES)
