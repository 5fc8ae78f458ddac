"""Sizes that cannot be had are refused with their bytes before anything is allocated."""

from __future__ import annotations

import numpy as np
import pytest

from lamella import Input, Sequential, layers
from lamella._core import core


@pytest.mark.parametrize("size", [2**50, 2**62, 2**63])
def test_memory_that_cannot_be_had_is_an_error_with_its_bytes(size: int) -> None:
    with pytest.raises(MemoryError, match=f"{size} bytes"):
        core.claim(size)


def test_memory_that_can_be_had_is_granted() -> None:
    core.claim(1 << 20)


def test_a_batch_larger_than_memory_is_an_error_with_its_bytes_and_a_way_out() -> None:
    model = Sequential([Input((4,)), layers.Dense(2**20, activation="softmax", kernel_initializer="zeros")])
    model.compile(optimizer="sgd", loss="sparse_categorical_crossentropy")
    rows = 2**20
    with pytest.raises(MemoryError, match=rf"batch of {rows} samples needs \d+ bytes of memory.*batch_size"):
        model.fit(np.zeros((rows, 4), np.float32), np.zeros(rows, int), batch_size=rows, verbose=0)
    assert model.fit(np.zeros((2, 4)), np.zeros(2, int), verbose=0).history["loss"]
