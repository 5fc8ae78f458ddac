"""Files that the real Keras reads and writes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lamella import Input, Sequential, layers, models, optimizers

pytestmark = [pytest.mark.interop, pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module")
def keras() -> Any:
    """Keras itself; these tests fail where it is missing, since they run only when asked for."""
    os.environ.setdefault("KERAS_BACKEND", "jax")
    import keras

    return keras


@pytest.fixture
def data(rng: np.random.Generator) -> tuple[Any, Any]:
    return rng.normal(size=(64, 6)).astype("float32"), rng.integers(0, 3, 64)


def network() -> Sequential:
    model = Sequential(
        [
            Input((6,)),
            layers.Normalization(),
            layers.Dense(8, "relu", kernel_regularizer="l2", kernel_constraint="max_norm"),
            layers.Dropout(0.3),
            layers.BatchNormalization(),
            Sequential([layers.Dense(5, "elu"), layers.LayerNormalization()]),
            layers.PReLU(),
            layers.LeakyReLU(0.1),
            layers.Dense(3, "softmax"),
        ]
    )
    model.compile(optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def test_keras_reads_our_models(keras: Any, data: Any, tmp_path: Path) -> None:
    model = network()
    model.fit(*data, verbose=0)
    model.save(tmp_path / "a.keras")
    read = keras.models.load_model(tmp_path / "a.keras")
    np.testing.assert_allclose(read.predict(data[0], verbose=0), model.predict(data[0]), atol=1e-6)
    assert int(read.optimizer.iterations) == model.optimizer.iterations
    for ours, theirs in zip(model.optimizer.variables, read.optimizer.variables, strict=True):
        np.testing.assert_array_equal(ours, np.asarray(theirs))


def test_we_read_models_of_keras(keras: Any, data: Any, tmp_path: Path) -> None:
    network().save(tmp_path / "a.keras")
    theirs = keras.models.load_model(tmp_path / "a.keras")
    theirs.fit(*data, verbose=0)
    theirs.save(tmp_path / "b.keras")
    model = models.load_model(tmp_path / "b.keras")
    np.testing.assert_allclose(theirs.predict(data[0], verbose=0), model.predict(data[0]), atol=1e-6)
    assert model.optimizer.iterations == 2 and model.optimizer.learning_rate == np.float32(0.01)


def test_weights_go_both_ways(keras: Any, data: Any, tmp_path: Path) -> None:
    model = network()
    model.fit(*data, verbose=0)
    model.save(tmp_path / "a.keras")
    theirs = keras.models.load_model(tmp_path / "a.keras")
    model.fit(*data, verbose=0)
    model.save_weights(tmp_path / "a.weights.h5")
    theirs.load_weights(tmp_path / "a.weights.h5")
    theirs.save_weights(tmp_path / "b.weights.h5")
    other = network()
    other.load_weights(tmp_path / "b.weights.h5")
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
