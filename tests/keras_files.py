"""Writes small files with the Keras that is installed, and what that Keras makes of them.

`python tests/keras_files.py tests/data/keras` adds ``VERSION.h5``, ``VERSION.weights.h5`` (of Keras 2 in its layout),
from 3.0 on ``VERSION.keras``, and ``VERSION.npz``: inputs, targets, outputs, and outputs after two more steps.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import numpy as np


def network(keras: Any) -> Any:
    """A compiled model that has most kinds of weights, and no noise that training would depend on."""
    layers = keras.layers
    inner = keras.Sequential([layers.Dense(4, activation="elu", input_shape=(5,)), layers.BatchNormalization()])
    model = keras.Sequential(
        [
            layers.Dense(5, activation="relu", input_shape=(6,)),
            layers.Dropout(0.0),
            inner,
            layers.PReLU(),
            layers.LeakyReLU(),
            layers.LayerNormalization(),
            layers.Dense(3, activation="softmax"),
        ],
        name="net",
    )
    rate = keras.optimizers.schedules.ExponentialDecay(0.01, 5, 0.9)
    metrics = ["accuracy", keras.metrics.SparseTopKCategoricalAccuracy(2)]
    model.compile(
        keras.optimizers.Adam(rate, epsilon=1e-3), keras.losses.SparseCategoricalCrossentropy(), metrics=metrics
    )
    return model


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    keras = importlib.import_module("keras")
    keras.utils.set_random_seed(1)
    model = network(keras)
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(16, 6)).astype("float32"), rng.integers(0, 3, 16)
    for _ in range(3):
        model.train_on_batch(x, y)
    found = {"x": x, "y": y, "before": model.predict(x, verbose=0)}
    path = str(folder / keras.__version__)
    if not keras.__version__.startswith("2."):
        model.save(f"{path}.keras")
    model.save_weights(f"{path}.weights.h5")
    if keras.__version__.startswith("2."):  # takes that name for its new layout
        model.save_weights(f"{path}-weights.h5")
        Path(f"{path}-weights.h5").replace(f"{path}.weights.h5")
    model.save(f"{path}.h5")
    for _ in range(2):
        model.train_on_batch(x, y)
    np.savez_compressed(f"{path}.npz", **found, after=model.predict(x, verbose=0))


if __name__ == "__main__":
    main()
