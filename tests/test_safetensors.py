"""Our safetensors files and those of the package that defines the format."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lamella import Input, Sequential, layers

theirs = pytest.importorskip("safetensors.numpy")


def network() -> Sequential:
    model = Sequential([Input((4,)), layers.Dense(5, "relu"), layers.BatchNormalization(), layers.Dense(3)])
    model.compile("adam", "mse")
    model.train_on_batch(np.ones((2, 4)), np.ones((2, 3)))
    return model


@pytest.mark.parametrize("whole", [True, False], ids=["model", "weights"])
def test_the_package_reads_our_files(whole: bool, tmp_path: Path) -> None:
    model = network()
    (model.save if whole else model.save_weights)(path := tmp_path / "m.safetensors")
    arrays = list(theirs.load_file(path).values())
    for weight in model.get_weights():
        assert any(each.shape == weight.shape and np.array_equal(each, weight) for each in arrays)


def test_files_of_the_package_are_weights_by_name(tmp_path: Path) -> None:
    model = network()
    weights = model.get_weights()
    model.save_weights(tmp_path / "ours.safetensors")
    arrays = theirs.load_file(tmp_path / "ours.safetensors")
    theirs.save_file(
        {name: arrays[name] for name in arrays if "optimizer" not in name}, tmp_path / "theirs.safetensors"
    )
    model.set_weights([np.zeros_like(weight) for weight in weights])
    model.load_weights(tmp_path / "theirs.safetensors")
    for loaded, weight in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(loaded, weight)
