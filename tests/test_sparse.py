"""Mostly-zero data goes a faster way, sparse matrices are never made dense; the numbers are the reference's."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import reference
import scipy.sparse

from lamella import Input, Sequential, layers, optimizers

Array = np.ndarray[Any, np.dtype[Any]]

STACK = [("Dense", {"units": 70, "activation": "tanh"}), ("Dense", {"units": 5, "activation": "softmax"})]
SGD = {"learning_rate": 0.1, "momentum": 0.9}


def pair(inputs: int, units: int = 70) -> tuple[Sequential, reference.Network]:
    stack = [("Dense", STACK[0][1] | {"units": units}), *STACK[1:]]
    model = Sequential([Input((inputs,)), *(getattr(layers, name)(**options) for name, options in stack)])
    model.compile(optimizers.SGD(**SGD), "sparse_categorical_crossentropy")
    net = reference.Network(stack, "sparse_categorical_crossentropy", ("SGD", SGD))
    net.set_weights(model.get_weights())
    return model, net


def mostly_zero(rng: np.random.Generator, rows: int, inputs: int, density: float) -> Array:
    return (rng.standard_normal((rows, inputs)) * (rng.random((rows, inputs)) < density)).astype(np.float32)


def assert_weights_agree(model: Sequential, net: reference.Network) -> None:
    for w, expected in zip(model.get_weights(), net.get_weights(), strict=True):
        np.testing.assert_allclose(w, expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max())


def csr(x: Array) -> Any:
    return scipy.sparse.csr_array(x)


def unsorted(x: Array) -> Any:
    """The columns of every row backwards."""
    made = csr(x)
    for first, last in zip(made.indptr, made.indptr[1:], strict=False):
        made.indices[first:last] = made.indices[first:last][::-1].copy()
        made.data[first:last] = made.data[first:last][::-1].copy()
    made.has_sorted_indices = False
    return made


def duplicated(x: Array) -> Any:
    """Every number as the sum of two entries."""
    made = csr(x)
    parts = np.repeat(made.data / 2, 2)
    result = scipy.sparse.csr_array((parts, np.repeat(made.indices, 2), 2 * made.indptr), shape=x.shape)
    result.has_canonical_format = False
    assert result.nnz == 2 * made.nnz
    return result


def explicit_zeros(x: Array) -> Any:
    made = scipy.sparse.coo_array(x)
    rows, columns = np.nonzero(x == 0)
    few = slice(0, len(rows), 7)
    row, column = np.concatenate([made.row, rows[few]]), np.concatenate([made.col, columns[few]])
    return scipy.sparse.csr_array(
        (np.concatenate([made.data, np.zeros(len(rows[few]), np.float32)]), (row, column)), x.shape
    )


def wide_indices(x: Array) -> Any:
    made = csr(x)
    made.indices, made.indptr = made.indices.astype(np.int64), made.indptr.astype(np.int64)
    assert made.indices.dtype == np.int64
    return made


FORMS: dict[str, Any] = {
    "dense": lambda x: x,
    "csr": csr,
    "csr-float64": lambda x: csr(x.astype(np.float64)),
    "unsorted-columns": unsorted,
    "duplicates": duplicated,
    "explicit-zeros": explicit_zeros,
    "int64-indices": wide_indices,
    "csc": scipy.sparse.csc_array,
    "coo": scipy.sparse.coo_array,
}


@pytest.mark.parametrize("epochs", [1, 3], ids="epochs={}".format)
@pytest.mark.parametrize("density", [0.5, 0.34, 0.2, 0.02], ids="density={}".format)
@pytest.mark.parametrize("form", FORMS)
def test_training_matches_reference(form: str, density: float, epochs: int, rng: np.random.Generator) -> None:
    model, net = pair(150)
    x, y = mostly_zero(rng, 90, 150, density), rng.integers(0, 5, 90)
    model.fit(FORMS[form](x), y, epochs=epochs, shuffle=False, verbose=0)
    net.fit(x, y, epochs=epochs)
    assert_weights_agree(model, net)


@pytest.mark.parametrize("batch", [1, 2, 33])
@pytest.mark.parametrize("units", [1, 17, 66, 140, 200, 300], ids="units={}".format)
def test_layers_of_any_width_match_reference(units: int, batch: int, rng: np.random.Generator) -> None:
    model, net = pair(61, units)
    x, y = mostly_zero(rng, 3 * batch + 1, 61, 0.08), rng.integers(0, 5, 3 * batch + 1)
    x[:, ::3] = 0  # columns without numbers stand between others
    x[:, 59] = 1  # and a full one beside them
    model.fit(x, y, batch, shuffle=False, verbose=0)
    net.fit(x, y, batch_size=batch)
    assert_weights_agree(model, net)
    np.testing.assert_allclose(model.predict(x, batch_size=batch), net.predict(x), rtol=1e-4)


@pytest.mark.parametrize("form", FORMS)
def test_outputs_and_gradients_match_reference(form: str, rng: np.random.Generator) -> None:
    model, net = pair(150)
    x, y = mostly_zero(rng, 40, 150, 0.1), rng.integers(0, 5, 40)
    given = FORMS[form](x)
    np.testing.assert_allclose(model.predict(given), net.predict(x), rtol=1e-5)
    loss, grads, of_inputs = model.gradients(given, y)
    expected_loss, expected, expected_inputs = net.gradients(x, y)
    assert loss == pytest.approx(expected_loss, rel=1e-5)
    assert model.evaluate(given, y, verbose=0) == pytest.approx(expected_loss, rel=1e-5)
    assert model.test_on_batch(given, y) == pytest.approx(expected_loss, rel=1e-5)
    for found, wanted in zip([*grads, of_inputs], [*expected, expected_inputs], strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6 * np.abs(wanted).max())


@pytest.mark.parametrize("form", ["dense", "csr"])
@pytest.mark.parametrize("rows", ["empty-rows", "zero-batch", "all-zero"])
def test_rows_without_numbers_are_trained_on(rows: str, form: str, rng: np.random.Generator) -> None:
    model, net = pair(60)
    x, y = mostly_zero(rng, 96, 60, 0.1), rng.integers(0, 5, 96)
    x[{"empty-rows": slice(0, 96, 3), "zero-batch": slice(32, 64), "all-zero": slice(0, 96)}[rows]] = 0
    model.fit(FORMS[form](x), y, epochs=2, shuffle=False, verbose=0)
    net.fit(x, y, epochs=2)
    assert_weights_agree(model, net)


@pytest.mark.parametrize("density", [0.05, 0.3])
def test_batches_of_different_density_match_reference(density: float, rng: np.random.Generator) -> None:
    model, net = pair(80)
    x, y = mostly_zero(rng, 128, 80, density), rng.integers(0, 5, 128)
    x[32:64] = rng.standard_normal((32, 80))
    model.fit(x, y, epochs=2, shuffle=False, verbose=0)
    net.fit(x, y, epochs=2)
    assert_weights_agree(model, net)


@pytest.mark.parametrize("form", ["dense", "csr"])
def test_validation_and_sample_weights_match_those_of_float64_rows(form: str, rng: np.random.Generator) -> None:
    x, y, w = mostly_zero(rng, 100, 80, 0.1), rng.integers(0, 5, 100), rng.random(100)
    model, _ = pair(80)
    twin, _ = pair(80)
    twin.set_weights(model.get_weights())
    options: dict[str, Any] = {"epochs": 2, "validation_split": 0.3, "sample_weight": w, "shuffle": False, "verbose": 0}
    found = model.fit(FORMS[form](x), y, **options).history
    expected = twin.fit(x.astype(np.float64), y, **options).history
    for name in expected:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-5)


@pytest.mark.parametrize("bad", [np.nan, np.inf], ids=str)
@pytest.mark.parametrize("form", ["dense", "csr"])
def test_bad_weight_meets_zeros_as_in_a_dense_product(form: str, bad: float, rng: np.random.Generator) -> None:
    model = Sequential([Input((40,)), layers.Dense(6, use_bias=False)])
    kernel = model.get_weights()[0]
    kernel[3, 2] = bad
    model.set_weights([kernel])
    x = mostly_zero(rng, 20, 40, 0.1)
    x[:, 3] = 0
    y = model.predict(FORMS[form](x))
    assert np.isnan(y[:, 2]).all()
    assert np.isfinite(np.delete(y, 2, axis=1)).all()


def test_weights_that_become_bad_in_training_spoil_zeros_too(rng: np.random.Generator) -> None:
    model = Sequential([Input((40,)), layers.Dense(6, use_bias=False)])
    model.compile(optimizers.SGD(1e38), "mse")
    x, y = mostly_zero(rng, 64, 40, 0.1), rng.standard_normal((64, 6))
    x[:32, :], x[:32, 0], x[32:, 0] = (
        0,
        1e4,
        0,
    )  # the first step ruins row 0 of the kernel, the second meets zeros there
    with np.errstate(all="ignore"), pytest.warns(RuntimeWarning):
        model.fit(x, y * 1e4, shuffle=False, verbose=0)
    assert not np.isfinite(model.get_weights()[0]).all()
    assert np.isnan(model.predict(np.zeros((1, 40)))).any()


def test_nan_in_a_sparse_matrix_gives_nan(rng: np.random.Generator) -> None:
    x = csr(mostly_zero(rng, 10, 50, 0.1))
    row = int(np.argmax(np.diff(x.indptr) > 0))
    x.data[x.indptr[row]] = np.nan
    y = pair(50)[0].predict(x)
    assert np.isnan(y[row]).all() and np.isfinite(np.delete(y, row, axis=0)).all()


@pytest.mark.parametrize("scale", [(0.5, 0.0), (-2.0, 0.0), (0.5, 0.25)], ids=str)
@pytest.mark.parametrize("form", ["dense", "csr", "duplicates", "unsorted-columns"])
def test_rescaling_of_sparse_data_matches_reference(
    form: str, scale: tuple[float, float], rng: np.random.Generator
) -> None:
    x = mostly_zero(rng, 40, 50, 0.1)
    options = {"scale": scale[0], "offset": scale[1]}
    model = Sequential([Input((50,)), layers.Rescaling(**options), layers.Dense(7)])
    net = reference.Network([("Rescaling", options), ("Dense", {"units": 7})])
    net.set_weights(model.get_weights())
    np.testing.assert_allclose(model.predict(FORMS[form](x)), net.predict(x), rtol=1e-5, atol=1e-5)


def test_sparse_matrices_without_rows_give_no_rows() -> None:
    assert pair(50)[0].predict(scipy.sparse.csr_array((0, 50), dtype=np.float32)).shape == (0, 5)


def test_many_columns_use_wide_indices(rng: np.random.Generator) -> None:
    model, net = pair(70_000)
    x, y = mostly_zero(rng, 12, 70_000, 0.001), rng.integers(0, 5, 12)
    model.fit(x, y, epochs=2, batch_size=4, shuffle=False, verbose=0)
    net.fit(x, y, epochs=2, batch_size=4)
    assert_weights_agree(model, net)


@pytest.mark.parametrize("call", ["predict", "fit"])
def test_sparse_matrices_are_never_made_dense(call: str) -> None:
    code = f"""
import resource
import numpy as np
import scipy.sparse
from lamella import Input, Sequential, layers

rng = np.random.default_rng(0)
n, each = 20_000, 10
indices = rng.integers(0, n, n * each)
x = scipy.sparse.csr_array((np.ones(n * each, np.float32), indices, np.arange(0, n * each + 1, each)), shape=(n, n))
model = Sequential([Input((n,)), layers.Dense(4)])
model.compile("sgd", "mse")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
model.predict(x) if "{call}" == "predict" else model.fit(x, np.zeros((n, 4)), epochs=2, verbose=0)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    grown = int(done.stdout) * (1 if sys.platform == "darwin" else 1024)
    assert grown < 200e6  # dense it would be 1.6 GB


@pytest.mark.parametrize(
    ("form", "array", "index", "value", "message"),
    [
        ("csr", "indices", 4, 50, "column numbers leave 0 ... 49"),
        ("csr", "indptr", 5, 10**8, "row pointers do not ascend"),
        ("csc", "indices", 4, 40, "row numbers leave 0 ... 39"),
        ("csc", "indices", 4, -1, "row numbers leave 0 ... 39"),
        ("csc", "indptr", 5, 10**8, "column pointers do not ascend"),
        ("csc", "indptr", 0, -1, "column pointers do not ascend"),
        ("coo", "row", 3, 10**8, "row numbers leave 0 ... 39"),
        ("coo", "col", 3, -1, "column numbers leave 0 ... 49"),
        ("bsr", "indices", 1, 50, "column numbers leave 0 ... "),
        ("bsr", "indptr", 1, 10**8, "row pointers do not ascend"),
        ("lil", "rows", 3, [1, 2, 3], "more places than numbers"),
        ("lil", "data", 3, [1.0, 2.0, 3.0], "more places than numbers"),
    ],
)
def test_broken_matrices_are_refused_before_scipy_converts_them(
    form: str, array: str, index: int, value: Any, message: str
) -> None:
    broken = scipy.sparse.csr_matrix(np.eye(40, 50, dtype=np.float32)).asformat(form)
    getattr(broken, array)[index] = value
    model = Sequential([layers.Dense(4)])
    model.compile("sgd", "mse")
    model.build((None, 50))
    before = model.get_weights()
    for call in (lambda: model.predict(broken, verbose=0), lambda: model.fit(broken, np.zeros((40, 4)), verbose=0)):
        with pytest.raises(ValueError, match=f"`x` is a broken sparse matrix: .*{message}"):
            call()
    assert all(map(np.array_equal, before, model.get_weights()))


def test_diagonals_without_numbers_are_refused() -> None:
    broken = scipy.sparse.dia_matrix(np.eye(40, 50, dtype=np.float32))
    broken.offsets = np.array([0, 1, 2])
    with pytest.raises(ValueError, match="broken sparse matrix: it holds more places than numbers"):
        Sequential([layers.Dense(4)]).predict(broken, verbose=0)
