"""Batches that are mostly zeros, in every type of number, beside the same products in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lamella import Input, Sequential, layers

ROWS = 2000  # several blocks of a prediction for each thread


def sparse_rows(width: int, dtype: str) -> np.ndarray[Any, Any]:
    """6 % nonzeros, at both ends of some rows; a stretch of full rows in the middle, and empty ones behind it."""
    rng = np.random.default_rng(width)
    x = rng.integers(1, 200, (ROWS, width)).astype(dtype)
    x[rng.random((ROWS, width)) > 0.06] = 0
    x[::7, 0] = 3
    x[::5, -1] = 5
    x[700:1100] = rng.integers(1, 200, (400, width))
    x[1100:1150] = 0
    return x


@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8"])
@pytest.mark.parametrize("width", [1, 7, 8, 9, 61, 784])
@pytest.mark.parametrize("rescaling", [(1.0, 0.0), (1 / 255, 0.0), (1 / 255, -0.5)])
def test_sparse_and_full_blocks_give_numpys_products(dtype: str, width: int, rescaling: tuple[float, float]) -> None:
    scale, offset = rescaling
    model = Sequential([Input((width,)), layers.Rescaling(scale, offset), layers.Dense(130)])
    kernel, bias = (w.astype(np.float64) for w in model.get_weights())
    x = sparse_rows(width, dtype)
    expected = (x * np.float64(np.float32(scale)) + offset) @ kernel + bias
    np.testing.assert_allclose(model.predict(x, verbose=0), expected, rtol=2e-5, atol=2e-5 * np.abs(expected).max())


def test_signed_zeros_are_zeros_and_nan_is_not() -> None:
    model = Sequential([Input((40,)), layers.Dense(64, use_bias=False)])
    kernel = model.get_weights()[0]
    x = np.zeros((600, 40), np.float32)
    x[:, ::2] = -0.0
    x[:, 39] = 2
    assert np.array_equal(model.predict(x, verbose=0), np.tile(2 * kernel[39], (600, 1)))
    x[500, 17] = np.nan
    out = model.predict(x, verbose=0)
    assert np.isnan(out[500]).all() and np.isfinite(out[:500]).all()


def test_rows_of_every_number_of_nonzeros_come_through_as_they_are() -> None:
    width, most = 200, 40  # a register's worth of nonzeros is listed at once, but for the last ones of a row
    rng = np.random.default_rng(0)
    x = np.zeros((1024, width), np.float32)
    for r, row in enumerate(x):
        places = rng.choice(width, r % (most + 1), replace=False)
        row[places] = rng.standard_normal(len(places))
    x[255::256] = 1  # the last of a block
    model = Sequential([Input((width,)), layers.Dense(width, use_bias=False)])
    model.set_weights([np.eye(width, dtype=np.float32)])
    assert np.array_equal(model.predict(x, verbose=0), x)
