"""Writes one small file of each format with this version of lamella, for later versions to load.

`python tests/release_files.py` adds the folder ``tests/data/releases/VERSION`` on the day of a release: the same model
in every format, and ``expected.npz``: inputs, targets, outputs, and outputs after two more epochs.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

import lamella
from lamella import Input, Sequential, layers, optimizers, schedules

FOLDER = Path(__file__).parent / "data" / "releases"
WHOLE = ["model.safetensors", "model.keras", "model.h5"]
WEIGHTS = ["weights.safetensors", "weights.weights.h5", "weights.npz"]


def network() -> Sequential:
    """A compiled model with most kinds of weights, noise, and a model in it."""
    model = Sequential(
        [
            Input((4,)),
            layers.Dense(5, "relu", kernel_regularizer="l2", kernel_constraint="max_norm"),
            layers.Dropout(0.3),
            layers.BatchNormalization(),
            Sequential([layers.Dense(3, "elu"), layers.GaussianNoise(0.1)]),
            layers.PReLU(),
            layers.Dense(3, "softmax"),
        ]
    )
    rate = schedules.ExponentialDecay(0.01, 5, 0.9)
    model.compile(optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def main(folder: Path) -> None:
    lamella.utils.set_random_seed(1)
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(32, 4)).astype("float32"), rng.integers(0, 3, 32)
    model = network()
    model.fit(x, y, epochs=2, batch_size=8, verbose=0)
    folder.mkdir(parents=True)
    for name in WHOLE:
        model.save(folder / name)
    for name in WEIGHTS:
        model.save_weights(folder / name)
    model._write_backup(str(folder / "latest.safetensors"), 2, 0)  # what BackupAndRestore leaves
    before = model.predict(x, verbose=0)
    model.fit(x, y, epochs=4, initial_epoch=2, batch_size=8, verbose=0)
    after = model.predict(x, verbose=0)
    np.savez_compressed(folder / "expected.npz", x=x, y=y, before=before, after=after)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER / lamella.__version__)
