"""What ``lamella mnist`` runs: the first network of most books, on MNIST or on digits drawn on the spot."""

from __future__ import annotations

import importlib.util
import os
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from . import layers
from ._streams import tell
from .datasets import DatasetNotFoundError, digits, mnist
from .models import Sequential
from .utils import set_random_seed, to_categorical

_Bytes = npt.NDArray[np.uint8]


class Digits(NamedTuple):
    """Images (n, 28, 28) and labels (n,) from 0 to 9, and where they come from: MNIST or digits."""

    name: str
    x_train: _Bytes
    y_train: _Bytes
    x_test: _Bytes
    y_test: _Bytes


def load(path: Path | None = None, num_train: int = 60_000, num_test: int = 10_000) -> Digits:
    """The first images of MNIST; drawn ones, after a line on standard error, where there is no MNIST.

    Args:
        path: Folder or file of MNIST; then there is no way around it.
        num_train: How many training images at most.
        num_test: How many test images at most.

    Raises:
        DatasetNotFoundError: If `path` is given and holds no MNIST.
        DatasetError: If a file of MNIST is damaged.
    """
    name = "MNIST"
    try:
        (x_train, y_train), (x_test, y_test) = mnist.load_data() if path is None else mnist.load_data(path)
    except DatasetNotFoundError:
        if path is not None:
            raise
        way, given = "set LAMELLA_DATA to its folder", os.environ.get("LAMELLA_DATA")
        if given:
            way += f" (now LAMELLA_DATA={given} {'holds none' if os.path.isdir(given) else 'is no folder'})"
        if importlib.util.find_spec("pooch") is None:
            way += ' or pip install "lamella[datasets]"'
        tell(f"note: no MNIST here and none to download, so digits are drawn instead; for MNIST, {way}.")
        name = "digits"
        (x_train, y_train), (x_test, y_test) = digits.load_data(num_train=num_train, num_test=num_test)
    return Digits(name, x_train[:num_train], y_train[:num_train], x_test[:num_test], y_test[:num_test])


def pixels(images: _Bytes) -> npt.NDArray[np.float32]:
    """Rows of numbers from 0 to 1.

    Shapes:
        images (n, height, width), result (n, height * width).
    """
    return images.reshape(len(images), -1).astype(np.float32) / np.float32(255)


def network() -> Sequential:
    """The network of the book, compiled."""
    model = Sequential()
    model.add(layers.Dense(512, activation="relu", input_shape=(28 * 28,)))
    model.add(layers.Dense(10, activation="softmax"))
    model.compile(optimizer="rmsprop", loss="categorical_crossentropy", metrics=["accuracy"])
    return model


def trained(data: Digits, epochs: int, seed: int | None) -> tuple[Sequential, str]:
    """The network after a training, and a sentence about it."""
    if seed is not None:
        set_random_seed(seed)
    model = network()
    model.fit(pixels(data.x_train), to_categorical(data.y_train, 10), epochs=epochs, batch_size=128)
    y_test = to_categorical(data.y_test, 10)
    accuracy = model.evaluate(pixels(data.x_test), y_test, verbose=0, return_dict=True)["accuracy"]
    count = f"{len(data.x_train):,} images of {data.name}"
    return model, f"A network of 784-512-10 units, trained on {count}; {accuracy:.1%} of its test images are right."


def run(data: Digits, epochs: int, batch_size: int, seed: int | None, plot: Path | None, report: Path | None) -> None:
    """Trains, tests, draws and reports if there are names of files, and prints one line of results at the end."""
    print(f"{data.name}: {len(data.x_train)} training and {len(data.x_test)} test images", flush=True)
    x_train, x_test = pixels(data.x_train), pixels(data.x_test)
    y_train, y_test = to_categorical(data.y_train, 10), to_categorical(data.y_test, 10)
    if seed is not None:
        set_random_seed(seed)
    model = network()
    start = time.perf_counter()
    history = model.fit(x_train, y_train, epochs=epochs, batch_size=batch_size)
    seconds = time.perf_counter() - start
    tested = model.evaluate(x_test, y_test, verbose=0, return_dict=True)
    try:
        if plot is not None:
            from .plotting import training_figure
            from .utils._picture import save_for_command

            predictions = model.predict(x_test)
            figure = training_figure(history, data.x_test, data.y_test, predictions, tested=tested)
            figure.suptitle(f"{data.name}: test accuracy {tested['accuracy']:.4f}")
            save_for_command(figure, plot)
            print(f"drew {plot}")
        if report is not None:
            from . import _report

            speed = _report.measured(model, x_test, len(x_train), epochs, seconds)
            _report.write(report, _report.page(data, model, history, tested, model.predict(x_test), speed))
            print(f"wrote {report}")
    finally:  # the training has succeeded, whatever becomes of its picture
        count = "1 epoch" if epochs == 1 else f"{epochs} epochs"
        print(f"test accuracy {tested['accuracy']:.4f} (data: {data.name}, {count} in {seconds:.1f} s)", flush=True)
