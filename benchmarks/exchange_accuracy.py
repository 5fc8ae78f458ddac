"""What fewer bytes cost in accuracy: `mpiexec -n 2 python benchmarks/exchange_accuracy.py [SEEDS] [EPOCHS]`.

Trains the book's network on MNIST (or digits drawn in its place), ten seeds and two epochs by default, and compares
each way with the plain exchange, seed by seed: two one-sided tests of a difference within 0.3 points.
"""

from __future__ import annotations

import sys

import numpy as np

import lamella
from lamella import _demo, distribution, layers

WAYS: dict[str, dict[str, object]] = {
    "float32": {},
    'grad_dtype="bfloat16"': {"grad_dtype": "bfloat16"},
    "sync_every=8": {"sync_every": 8},
    "sync_every=32": {"sync_every": 32},
}
BOUND = 0.3  # points
# Student's t, one-sided 5 %, by degrees of freedom.
QUANTILES = {4: 2.132, 9: 1.833, 19: 1.729, 29: 1.699}


def accuracy(data: _demo.Digits, seed: int, epochs: int) -> float:
    """Test accuracy in percent."""
    lamella.backend.clear_session()
    lamella.utils.set_random_seed(seed)
    model = lamella.Sequential([lamella.Input((784,)), layers.Dense(512, "relu"), layers.Dense(10, "softmax")])
    model.compile(lamella.optimizers.SGD(0.1, momentum=0.9), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(_demo.pixels(data.x_train), data.y_train, batch_size=256, epochs=epochs, verbose=0)
    return 100 * float(model.evaluate(_demo.pixels(data.x_test), data.y_test, verbose=0)[1])


def main() -> None:
    """Prints a row for each way."""
    seeds, epochs = (int(word) for word in [*sys.argv[1:], *["10", "2"][len(sys.argv) - 1 :]])
    distribution.initialize()
    data = _demo.load()
    found: dict[str, list[float]] = {}
    for name, options in WAYS.items():
        distribution.set_distribution(distribution.DataParallel(**options))  # type: ignore[arg-type]
        found[name] = [accuracy(data, seed, epochs) for seed in range(seeds)]
        if distribution.rank() > 0:
            continue
        difference = np.subtract(found[name], found["float32"])
        error = difference.std(ddof=1) / np.sqrt(seeds)
        text = f"{name:22} {np.mean(found[name]):.2f} (SD {np.std(found[name], ddof=1):.2f})"
        if options:
            limit = abs(difference.mean()) + QUANTILES.get(seeds - 1, 2.2) * error
            text += f", {difference.mean():+.3f} ± {error:.3f} to float32"
            text += f", {'within' if limit < BOUND else 'not shown to be within'} {BOUND} points"
        print(text, flush=True)


if __name__ == "__main__":
    main()
