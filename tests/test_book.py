"""The first program of the book, as it is printed but for the name of the package."""

import os
import sys

import numpy as np
import pytest

import lamella
from lamella.datasets import digits, mnist

REAL = bool(os.environ.get("LAMELLA_DATA"))
BOOK_LOSSES = [0.2577, 0.1042, 0.0687, 0.0508, 0.0382]
PROGRAM = """
import lamella as keras
from lamella.datasets import mnist
from lamella import models, layers
from lamella.utils import to_categorical
(train_images, train_labels), (test_images, test_labels) = mnist.load_data()
import matplotlib.pyplot as plt
plt.imshow(train_images[4], cmap=plt.cm.binary)
network = models.Sequential()
network.add(layers.Dense(512, activation='relu', input_shape=(28 * 28,)))
network.add(layers.Dense(10, activation='softmax'))
network.compile(optimizer='rmsprop', loss='categorical_crossentropy', metrics=['accuracy'])
train_images = train_images.reshape((60000, 28 * 28)).astype('float32') / 255
test_images = test_images.reshape((10000, 28 * 28)).astype('float32') / 255
train_labels, test_labels = to_categorical(train_labels), to_categorical(test_labels)
history = network.fit(train_images, train_labels, epochs=5, batch_size=128)
test_loss, test_acc = network.evaluate(test_images, test_labels)
probabilities = network.predict(test_images)
"""


@pytest.fixture
def program(monkeypatch):
    """The program, on fewer drawn digits where there is no MNIST."""
    pytest.importorskip("matplotlib")
    monkeypatch.setenv("MPLBACKEND", "Agg")
    if REAL:
        yield PROGRAM
    else:
        drawn = digits.load_data(num_train=12_000, num_test=2_000)
        monkeypatch.setattr(mnist, "load_data", lambda: drawn)
        yield PROGRAM.replace("60000", "12000").replace("10000", "2000")
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


def test_program_of_the_book_runs_and_learns(program, capsys):
    import matplotlib

    matplotlib.use("Agg")  # pyplot may have been imported before the environment was set
    lamella.utils.set_random_seed(0)
    names = {"__name__": "book"}
    exec(compile(program, "book.py", "exec"), names)

    printed = capsys.readouterr().out
    assert all(f"Epoch {epoch}/5\n" in printed for epoch in range(1, 6))
    assert "469/469 ━" in printed if REAL else "94/94 ━" in printed
    assert "accuracy: 0." in printed and "loss: 0." in printed

    losses, accuracy = names["history"].history["loss"], names["history"].history["accuracy"]
    assert len(losses) == len(accuracy) == 5
    assert losses == sorted(losses, reverse=True)
    assert isinstance(names["test_loss"], float) and names["test_loss"] < (0.1 if REAL else 0.5)
    assert names["test_acc"] >= (0.975 if REAL else 0.9)
    if REAL:
        np.testing.assert_allclose(losses, BOOK_LOSSES, rtol=0.08)

    probabilities = names["probabilities"]
    assert probabilities.shape == (len(names["test_images"]), 10)
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    agrees = (probabilities.argmax(axis=1) == names["test_labels"].argmax(axis=1)).mean()
    assert agrees == pytest.approx(names["test_acc"], abs=1e-6)
