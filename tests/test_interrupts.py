"""Ctrl-C whatever the work, at any moment; and data that other threads write over meanwhile."""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np
import pytest
import scipy.sparse
from interrupts import Interrupts, big_works, delay
from patience import SLOWER

from lamella import Input, Sequential, layers

NAMES = [
    "fit", "fit, all rows in one batch", "train_on_batch, all rows", "evaluate, all rows in one batch",
    "gradients of all rows", "predict", "checks of much data", "compression of much data", "adapt",
]  # fmt: skip


def test_after_a_ctrl_c_at_any_moment_the_weights_are_those_of_the_last_step_and_training_goes_on(
    rng: np.random.Generator,
) -> None:
    assert max(Interrupts().often(25, rng)) > 0


@pytest.mark.parametrize("name", NAMES)
def test_ctrl_c_is_seen_inside_of_one_large_call(name: str) -> None:
    model, work = big_works(20_000)[name]
    before = None if model is None else model.get_weights()
    assert delay(work, 0.2) < 5 * SLOWER  # the whole work takes a minute or more
    if model is None:
        return
    x = np.zeros((4, *model.input_shape[1:]), np.float32)
    assert model.predict(x).shape == (4, 1)
    if "fit" not in name and "train" not in name and "compress" not in name:
        assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    model.fit(x, np.zeros(4), verbose=0)


def test_the_list_of_large_calls_is_whole() -> None:
    assert [*big_works(100)] == NAMES


class Spoiler:
    """A thread that writes bad column numbers into a sparse matrix and takes them back, while the block runs."""

    def __init__(self, matrix: Any, bad: int) -> None:
        self.matrix, self.bad, self.done = matrix, bad, threading.Event()
        self.thread = threading.Thread(target=self._spoil, daemon=True)

    def _spoil(self) -> None:
        good = self.matrix.indices.copy()
        while not self.done.is_set():
            self.matrix.indices[:] = self.bad
            self.done.wait(0.002)
            self.matrix.indices[:] = good
            self.done.wait(0.002)

    def __enter__(self) -> None:
        self.thread.start()

    def __exit__(self, *_: Any) -> None:
        self.done.set()
        self.thread.join()


@pytest.mark.parametrize("bad", [-1, 300, 2**31 - 1])
@pytest.mark.parametrize("method", ["fit", "evaluate", "predict"])
@pytest.mark.parametrize("share", [0.05, 0.9], ids=["compressed", "dense"])
def test_column_numbers_that_change_during_a_call_are_refused_and_nothing_is_read_out_of_bounds(
    bad: int, method: str, share: float, rng: np.random.Generator
) -> None:
    matrix = scipy.sparse.random(4000, 300, share, "csr", np.float32, random_state=1)
    labels = rng.integers(0, 2, 4000)
    model = Sequential([Input((300,)), layers.Dense(32, "relu"), layers.Dense(2, "softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    refused, end = 0, time.monotonic() + 60
    with Spoiler(matrix, bad):
        while time.monotonic() < end:
            try:
                model.predict(matrix) if method == "predict" else getattr(model, method)(matrix, labels, verbose=0)
            except ValueError as error:
                assert "x` was changed by another thread" in str(error) or "broken sparse matrix" in str(error)
                refused += "changed" in str(error)
            if refused > 2:
                break
    assert refused > 0
    assert np.isfinite(model.predict(np.zeros((2, 300)))).all()


def test_a_matrix_that_loses_nonzeros_during_its_compression_is_read_within_its_bounds() -> None:
    x = np.zeros((3000, 400), np.float32)
    model = Sequential([Input((400,)), layers.Dense(64), layers.Dense(1)])
    model.compile("sgd", "mse")
    done = threading.Event()

    def flicker() -> None:
        while not done.is_set():
            x[:, ::20] = 1
            x[:] = 0

    thread = threading.Thread(target=flicker, daemon=True)
    thread.start()
    try:
        for _ in range(20):
            model.fit(x, np.zeros(3000), epochs=2, verbose=0)
    finally:
        done.set()
        thread.join()
    assert np.isfinite(model.predict(x)).all()
