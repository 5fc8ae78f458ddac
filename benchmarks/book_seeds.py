"""The book's program on several seeds: test accuracy and epoch losses beside the book's."""

from __future__ import annotations

import argparse
import time

import numpy as np

import lamella
from lamella.datasets import mnist

BOOK = (0.2577, 0.1042, 0.0687, 0.0508, 0.0382)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    seeds = parser.parse_args().seeds
    (x, y), (x_test, y_test) = mnist.load_data()
    x, x_test = (images.reshape(len(images), 784).astype("float32") / 255 for images in (x, x_test))
    y, y_test = lamella.utils.to_categorical(y), lamella.utils.to_categorical(y_test)
    losses, accuracies = [], []
    for seed in range(seeds):
        lamella.utils.set_random_seed(seed)
        model = lamella.Sequential(
            [lamella.Input((784,)), lamella.layers.Dense(512, "relu"), lamella.layers.Dense(10, "softmax")]
        )
        model.compile("rmsprop", "categorical_crossentropy", metrics=["accuracy"])
        start = time.perf_counter()
        history = model.fit(x, y, epochs=5, batch_size=128, verbose=0)
        seconds = time.perf_counter() - start
        losses.append(history.history["loss"])
        accuracies.append(model.evaluate(x_test, y_test, verbose=0)[1])
        print(f"seed {seed}: test accuracy {accuracies[-1]:.4f}, {seconds:.2f} s for five epochs")
    mean = np.mean(losses, axis=0)
    print(f"mean test accuracy {np.mean(accuracies):.4f} (Keras 0.979 - 0.981)")
    for epoch, (ours, book) in enumerate(zip(mean, BOOK, strict=True), 1):
        print(f"epoch {epoch}: loss {ours:.4f}, the book's {book:.4f} ({ours / book - 1:+.1%})")


if __name__ == "__main__":
    main()
