"""Files that real versions of Keras wrote (`keras_files.py`): they load, predict the same and train on alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras_files
import numpy as np
import pytest

import lamella
from lamella import Sequential, models, saving

pytest.importorskip("h5py")
FOLDER = Path(__file__).parent / "data" / "keras"
WHOLE = sorted([*FOLDER.glob("*[0-9].h5"), *FOLDER.glob("*.keras")])
WEIGHTS = sorted(FOLDER.glob("*.weights.h5"))


def numbers(path: Path) -> Any:
    return np.load(path.with_name(path.name.removesuffix(".weights.h5").removesuffix(path.suffix) + ".npz"))


def assert_near(model: Sequential, x: Any, expected: Any, tolerance: float = 1e-6) -> None:
    np.testing.assert_allclose(model.predict(x, verbose=0), expected, rtol=tolerance, atol=tolerance)


def test_there_are_files_of_several_versions() -> None:
    assert [path.name for path in WHOLE] == ["2.15.0.h5", "3.0.5.h5", "3.0.5.keras", "3.15.1.h5", "3.15.1.keras"]
    assert len(WEIGHTS) == 3


@pytest.mark.parametrize("path", WHOLE, ids=lambda path: path.name)
def test_models_of_keras_train_on(path: Path) -> None:
    kept = numbers(path)
    model = models.load_model(path)
    assert_near(model, kept["x"], kept["before"])
    assert model.optimizer.iterations == 3 and len(model.metrics_names) == 3
    for _ in range(2):
        model.train_on_batch(kept["x"], kept["y"])
    assert_near(model, kept["x"], kept["after"], 2e-6)


@pytest.mark.parametrize("path", WEIGHTS, ids=lambda path: path.name)
def test_weights_of_keras_are_loaded(path: Path) -> None:
    kept = numbers(path)
    model = keras_files.network(lamella)
    model.load_weights(path)
    assert_near(model, kept["x"], kept["before"])


@pytest.mark.parametrize("path", WHOLE, ids=lambda path: path.name)
def test_models_of_keras_come_back_from_every_format(path: Path, tmp_path: Path) -> None:
    kept, model = numbers(path), models.load_model(path)
    for ending in (".keras", ".h5", ".safetensors"):
        model.save(tmp_path / f"m{ending}")
        model = models.load_model(tmp_path / f"m{ending}")
    for _ in range(2):
        model.train_on_batch(kept["x"], kept["y"])
    assert_near(model, kept["x"], kept["after"], 2e-6)


@pytest.mark.parametrize("path", [path for path in WHOLE if path.suffix == ".h5"], ids=lambda path: path.name)
def test_layers_take_the_weights_of_their_names(path: Path) -> None:
    saved = models.load_model(path)
    dense = saved.layers[-1]
    other = Sequential([lamella.Input((4,)), lamella.layers.Dense(3, name=dense.name), lamella.layers.Dense(2)])
    before = other.layers[1].get_weights()
    other.load_weights(path, by_name=True)
    for ours, theirs in zip(other.layers[0].get_weights(), dense.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(other.layers[1].get_weights()[0], before[0])
    with pytest.raises(saving.BadModelFile, match="layers with weights"):
        other.load_weights(path)
