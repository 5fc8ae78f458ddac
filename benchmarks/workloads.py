"""What is trained and measured: one line a workload, and the data behind it."""

from __future__ import annotations

import gzip
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[np.float32]]
SEED = 20


@dataclass(frozen=True, eq=False)
class Workload:
    """A dense network, its data, and what is measured on it.

    `goals` says how many times faster than each contestant ours has to be; `limits` holds upper bounds on ours alone.
    """

    name: str
    title: str
    data: str  # mnist, gaussian or text
    inputs: int
    hidden: tuple[int, ...]
    outputs: int
    output: str  # activation of the last layer; the hidden ones are relu
    samples: int
    batch: int
    loss: str = "categorical_crossentropy"
    epochs: int = 5
    measure: str = "fit"
    tolerance: float = 0.1  # of the final loss, relative to the contestants' median
    goals: dict[str, float] = field(default_factory=dict)
    limits: dict[str, float] = field(default_factory=dict)

    learning_rate: float = 1e-3
    rho: float = 0.9
    epsilon: float = 1e-7

    @property
    def sizes(self) -> tuple[int, ...]:
        """Widths from the input to the output."""
        return (self.inputs, *self.hidden, self.outputs)

    @property
    def activations(self) -> tuple[str, ...]:
        """One name a layer."""
        return ("relu",) * len(self.hidden) + (self.output,)

    @property
    def dense_flops(self) -> float:
        """Arithmetic of an epoch without skipping zeros: forward, dW, and dx of every layer but the first."""
        pairs = list(zip(self.sizes, self.sizes[1:], strict=False))
        return self.samples * sum(2.0 * a * b * (2 if i == 0 else 3) for i, (a, b) in enumerate(pairs))

    def start_weights(self) -> list[Array]:
        """Glorot-uniform kernels and zero biases, the same for every contestant: kernel, bias, kernel, ..."""
        rng = np.random.default_rng(SEED)
        weights: list[Array] = []
        for rows, cols in zip(self.sizes, self.sizes[1:], strict=False):
            limit = np.sqrt(6 / (rows + cols))
            weights += [rng.uniform(-limit, limit, (rows, cols)).astype(np.float32), np.zeros(cols, np.float32)]
        return weights

    def orders(self) -> np.random.Generator:
        """Who shuffles by hand calls `.permutation(samples)` on it once an epoch: the same batches for all."""
        return np.random.default_rng(SEED + 1)

    def load(self) -> Data:
        """Reads or makes the data; the same call gives the same arrays in every process."""
        if self.data == "mnist":
            x, labels = mnist(self.inputs)
            return Data(x, one_hot(labels, self.outputs))
        rng = np.random.default_rng(SEED + 2)
        if self.data == "text":
            return text(rng, self.samples, self.inputs)
        x = rng.standard_normal((self.samples, self.inputs), dtype=np.float32)
        teacher = rng.standard_normal((self.inputs, self.outputs), dtype=np.float32) / np.float32(np.sqrt(self.inputs))
        z = x @ teacher
        if self.output == "softmax":
            return Data(x, one_hot(z.argmax(1), self.outputs))
        return Data(x, np.tanh(z) if self.output == "linear" else (z > 0).astype(np.float32))


@dataclass(frozen=True)
class Data:
    """Shapes: x (samples x inputs), y (samples x outputs), both float32 in C order."""

    x: Array
    y: Array


def one_hot(labels: np.ndarray[Any, Any], classes: int) -> Array:
    """One row of zeros and a one per label."""
    return np.eye(classes, dtype=np.float32)[labels]


def text(rng: np.random.Generator, samples: int, words: int, nonzero: float = 0.013) -> Data:
    """Multi-hot bags of words: Zipf-like frequencies, log-normal lengths, 1.3 % nonzero, a label with some noise."""
    frequency = 1 / (np.arange(words) + 2.7)
    frequency /= frequency.sum()
    lengths = rng.lognormal(0, 0.65, samples)
    low, high = 1.0, 10.0 * words
    for _ in range(40):  # the mean length whose expected number of distinct words is `nonzero * words`
        middle = (low * high) ** 0.5
        sample = lengths[:500] / lengths.mean() * middle
        distinct = np.mean(1 - np.exp(-np.outer(sample, frequency)))
        low, high = (middle, high) if distinct < nonzero else (low, middle)
    lengths = np.maximum(lengths / lengths.mean() * low, 5).astype(np.int64)
    rows = np.repeat(np.arange(samples), lengths)
    x = np.zeros((samples, words), np.float32)
    x[rows, np.searchsorted(frequency.cumsum(), rng.random(len(rows))).clip(0, words - 1)] = 1
    z = x @ rng.standard_normal(words).astype(np.float32)
    noisy = z - np.median(z) + z.std() * 0.3 * rng.standard_normal(samples)
    return Data(x, (noisy > 0).astype(np.float32)[:, None])


def mnist(inputs: int) -> tuple[Array, np.ndarray[Any, Any]]:
    """The 60,000 training images in [0, 1] from the folder in LAMELLA_DATA, or lamella's digits repeated to that size.

    The files are read here and not by lamella, so that a peer's process holds the peer alone.
    """
    if folder := os.environ.get("LAMELLA_DATA"):
        images, labels = (read_idx(folder, f"train-{kind}-ubyte") for kind in ("images-idx3", "labels-idx1"))
        return images.reshape(len(images), inputs).astype(np.float32) / np.float32(255), labels
    try:
        from lamella.datasets import digits
    except ImportError:
        raise FileNotFoundError("Set `LAMELLA_DATA` to a folder with MNIST's idx-ubyte files.") from None
    (images, labels), _ = digits.load_data()
    flat = images.reshape(len(images), -1)[:, :inputs].astype(np.float32)
    flat /= flat.max()
    wide = np.pad(flat, ((0, 0), (0, inputs - flat.shape[1])))
    again = np.arange(60_000) % len(wide)
    return wide[again], np.asarray(labels).ravel()[again]


def read_idx(folder: str, name: str) -> np.ndarray[Any, Any]:
    """Reads `name` or `name`.gz in the IDX format (also spelled with a dot, as some copies are)."""
    names = [spelling + end for spelling in (name, name.replace("-idx", ".idx")) for end in ("", ".gz")]
    path = next((p for n in names if (p := Path(folder, n)).exists()), None)
    if path is None:
        raise FileNotFoundError(f"`LAMELLA_DATA` must name a folder with {name}[.gz], got {folder!r}.")
    raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    shape = np.frombuffer(raw, ">i4", raw[3], 4)
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * len(shape)).reshape(shape)


def book(name: str, title: str, **changes: Any) -> Workload:
    """The book's MNIST program, 784-512-10, with `changes`."""
    usual: dict[str, Any] = {"data": "mnist", "samples": 60_000, "batch": 128}
    return Workload(name, title, inputs=784, hidden=(512,), outputs=10, output="softmax", **(usual | changes))


def net(name: str, title: str, sizes: tuple[int, ...], output: str, data: str, **changes: Any) -> Workload:
    """A network of other `sizes` than the book's."""
    return Workload(name, title, data, sizes[0], sizes[1:-1], sizes[-1], output, **changes)


TEXT: dict[str, Any] = {"samples": 25_000, "batch": 512, "loss": "binary_crossentropy"}
SMALL: dict[str, Any] = {"samples": 50_000, "batch": 32, "loss": "mse", "epochs": 10, "tolerance": 0.2}
SMALL["goals"] = {"jax": 1.5, "numpy": 4, "sklearn": 8, "torch": 15}

LIST = [
    # What `fit` takes: seconds an epoch.
    book("book", "784-512-10, MNIST, batch 128", goals={"numpy": 4, "jax": 3, "torch": 6, "keras-tensorflow": 10}),
    book("book32", "784-512-10, MNIST, batch 32", batch=32, goals={"jax": 2.5, "keras-tensorflow": 12}),
    book("gaussian", "784-512-10, Gaussian, batch 128", data="gaussian", goals={"jax": 1.3, "eigen": 0.85}),
    net("wide", "784-2048-2048-10, Gaussian, batch 256", (784, 2048, 2048, 10), "softmax", "gaussian",
        samples=20_000, batch=256, tolerance=0.2, goals={"jax": 1.15}),
    net("small", "30-64-64-1 linear, batch 32", (30, 64, 64, 1), "linear", "gaussian", **SMALL),
    net("small_relu", "30-64-64-1 relu, batch 32", (30, 64, 64, 1), "relu", "gaussian", **SMALL),
    net("small_sigmoid", "30-64-64-1 sigmoid, batch 32", (30, 64, 64, 1), "sigmoid", "gaussian", **SMALL),
    net("housing", "13-64-64-1, batch 1", (13, 64, 64, 1), "linear", "gaussian", samples=404, batch=1,
        loss="mse", epochs=30, tolerance=0.5, goals={"jax": 1.2, "keras-tensorflow": 200}),
    net("text16", "10000-16-16-1, text, batch 512", (10_000, 16, 16, 1), "sigmoid", "text",
        goals={"jax": 15, "numpy": 12}, **TEXT),
    net("text512", "10000-512-512-1, text, batch 512", (10_000, 512, 512, 1), "sigmoid", "text",
        tolerance=0.2, goals={"jax": 8}, **TEXT),
    # What `predict` takes: seconds a call.
    book("predict_one", "predict, one row of 784", measure="predict_one",
         goals={"numpy": 1.5, "torch": 3, "keras-tensorflow": 2000}),
    book("predict_many", "predict, 10,000 MNIST rows", measure="predict_many",
         goals=dict.fromkeys(("jax", "numpy", "torch", "sklearn"), 2.0)),
    # The rest, on the book's program.
    book("threads", "one thread and two", measure="threads", limits={"gain_at_least": 1.7}),
    book("crowded", "beside two busy processes", measure="crowded", limits={"fit": 2.2, "predict": 2.2}),
    book("memory", "peak memory that fit adds", measure="memory", limits={"added_mb": 100}),
]  # fmt: skip
WORKLOADS = {workload.name: workload for workload in LIST}
