"""Sizes that cannot be had are refused with their bytes before anything is allocated."""

from __future__ import annotations

import numpy as np
import pytest

from lamella import Input, Sequential, initializers, layers
from lamella._core import core


@pytest.mark.parametrize("size", [2**50, 2**62, 2**63])
def test_memory_that_cannot_be_had_is_an_error_with_its_bytes(size: int) -> None:
    with pytest.raises(MemoryError, match=f"{size} bytes"):
        core.claim(size)


def test_memory_that_can_be_had_is_granted() -> None:
    core.claim(1 << 20)


@pytest.mark.parametrize("before", [layers.Dense, lambda units: Sequential([layers.Dense(units)])])
def test_a_stack_that_cannot_be_had_is_refused_before_its_first_weight_is_drawn(before) -> None:
    drawn: list[tuple[int, ...]] = []

    class Noted(initializers.Zeros):
        def __call__(self, shape, dtype=None):
            drawn.append(shape)
            return super().__call__(shape)

    small, large = layers.Dense(3, kernel_initializer=Noted()), [before(2**27), layers.Dense(2**27)]
    count = 4 * 3 + 4 * 2**27 + (2**27 + 1) * 2**27
    with pytest.raises(MemoryError, match=f"its {count:,} weights"):
        Sequential([Input((3,)), small, *large])
    with pytest.raises(MemoryError, match=f"its {count:,} weights"):
        Sequential([layers.Dense(3, input_dim=3, kernel_initializer=Noted()), *large])
    assert not drawn


def test_layers_that_do_not_fit_are_named_though_they_would_be_too_many() -> None:
    with pytest.raises(ValueError, match="Only instances of lamella layers"):
        Sequential([Input((3,)), layers.Dense(3), "dense", layers.Dense(2**40)])


def test_a_batch_larger_than_memory_is_an_error_with_its_bytes_and_a_way_out() -> None:
    model = Sequential([Input((4,)), layers.Dense(2**20, activation="softmax", kernel_initializer="zeros")])
    model.compile(optimizer="sgd", loss="sparse_categorical_crossentropy")
    rows = 2**20
    with pytest.raises(MemoryError, match=rf"batch of {rows} samples needs \d+ bytes of memory.*batch_size"):
        model.fit(np.zeros((rows, 4), np.float32), np.zeros(rows, int), batch_size=rows, verbose=0)
    assert model.fit(np.zeros((2, 4)), np.zeros(2, int), verbose=0).history["loss"]
