"""DenseClassifier beside scikit-learn's MLPClassifier: the same data, layers, Adam, batches and number of epochs.

`python benchmarks/estimators.py` prints a Markdown table; the two take turns, each time is a median.
"""

from __future__ import annotations

import argparse
import statistics
import time
import warnings
from typing import Any

import numpy as np
import sklearn
from scipy import sparse
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

import lamella
from lamella.datasets import mnist
from lamella.sklearn import DenseClassifier


def digits() -> list[Any]:
    x, y = load_digits(return_X_y=True)
    return list(train_test_split(x / 16, y, random_state=0))


def book() -> list[Any]:
    (x, y), (x_test, y_test) = mnist.load_data()
    x, x_test = (images.reshape(len(images), -1).astype("float32") / 255 for images in (x, x_test))
    return [x, x_test, y, y_test]


def text() -> list[Any]:
    """Documents of 100 of 10,000 words; a word belongs to one of five subjects, and most of a document to its own."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 5, 5000)
    words = rng.integers(0, 2000, (5000, 100)) * 5
    own = rng.random(words.shape) < 0.3
    words += np.where(own, y[:, None], rng.integers(0, 5, words.shape))
    rows = np.repeat(np.arange(5000), 100)
    x = sparse.csr_matrix((np.ones(words.size, np.float32), (rows, words.ravel())), (5000, 10_000))
    return list(train_test_split(x, y, random_state=0))


WORKLOADS = {
    "digits, 1,347 × 64, (100,), 30 epochs": (digits, (100,), 30),
    "MNIST, 60,000 × 784, (512,), 2 epochs": (book, (512,), 2),
    "sparse text, 3,750 × 10,000, (16, 16), 5 epochs": (text, (16, 16), 5),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    warnings.simplefilter("ignore")  # neither converges in so few epochs
    print(f"lamella {lamella.__version__}, scikit-learn {sklearn.__version__}, {lamella.get_num_threads()} threads\n")
    print("| Data, layers, epochs | DenseClassifier, s | accuracy | MLPClassifier, s | accuracy | times faster |")
    print("| --- | --: | --: | --: | --: | --: |")
    for name, (load, layers, epochs) in WORKLOADS.items():
        x, x_test, y, y_test = load()
        seconds: dict[Any, list[float]] = {DenseClassifier: [], MLPClassifier: []}
        scores: dict[Any, list[float]] = {DenseClassifier: [], MLPClassifier: []}
        for seed in range(rounds):
            for cls in seconds:
                estimator = cls(layers, max_iter=epochs, random_state=seed)
                begin = time.perf_counter()
                estimator.fit(x, y)
                seconds[cls].append(time.perf_counter() - begin)
                scores[cls].append(estimator.score(x_test, y_test))
        ours, theirs = (statistics.median(seconds[cls]) for cls in seconds)
        found = [f"{np.mean(scores[cls]):.3f}" for cls in scores]
        print(f"| {name} | {ours:.2f} | {found[0]} | {theirs:.2f} | {found[1]} | {theirs / ours:.1f} |", flush=True)


if __name__ == "__main__":
    main()
