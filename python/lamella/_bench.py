"""What ``lamella bench`` runs: the C++ core and plain NumPy at the same training, each in a process of its own.

In one process the threads of NumPy's product and ours would get into each other's way.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from . import __version__
from ._core import get_num_threads, isa
from ._demo import Digits, network, pixels
from .callbacks import Callback
from .utils import set_random_seed, to_categorical

_Array = npt.NDArray[np.float32]

_BATCH = 128
_NAMES = {"core": "C++ core", "numpy": "NumPy"}
_BUSY = 0.5  # load average from which other programs are mentioned
_LIMITS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "OMP_NUM_THREADS")


class Timing(NamedTuple):
    """Seconds of each epoch, and the share of test images that are recognised after the last."""

    seconds: list[float]
    accuracy: float


def run(data: Digits, epochs: int, rounds: int) -> None:
    """Measures both in turn and prints a table; its last line gives the ratio to a script."""
    print(f"lamella {__version__} ({isa()}) and NumPy {np.__version__}, {get_num_threads()} threads each")
    print(f"784-512-10, RMSprop, batches of {_BATCH}, {len(data.x_train)} images of {data.name}", flush=True)
    if hasattr(os, "getloadavg") and (load := os.getloadavg()[0]) > _BUSY:
        print(f"load average {load:.1f} at the start: other programs move these figures, NumPy's most", flush=True)
    timings: dict[str, list[Timing]] = {name: [] for name in _NAMES}
    with tempfile.TemporaryDirectory(prefix="lamella-bench-") as folder:
        file = Path(folder, "digits.npz")
        np.savez(file, **{key: value for key, value in data._asdict().items() if key != "name"})
        for number in range(1, rounds + 1):
            for name, done in timings.items():
                done.append(_spawn(name, file, epochs, number))
            latest = ", ".join(f"{_NAMES[name]} {_typical(done[-1:]):.3f} s" for name, done in timings.items())
            print(f"round {number} of {rounds}: {latest} an epoch", flush=True)
    print(table(timings))


def table(timings: dict[str, list[Timing]]) -> str:
    """The medians of all epochs but the first of each round, against NumPy's.

    Example:
        >>> print(table({"core": [Timing([3, 1], 0.98)], "numpy": [Timing([4, 2], 0.97)]}))
        <BLANKLINE>
        Medians of the epochs of all rounds, but for the first of each:
                   seconds an epoch  times as fast  test accuracy
        C++ core              1.000           2.00         0.9800
        NumPy                 2.000           1.00         0.9700
        <BLANKLINE>
        ratio 2.00
    """
    plain = _typical(timings["numpy"])
    lines = ["", "Medians of the epochs of all rounds, but for the first of each:"]
    lines += [f"{'':10} {'seconds an epoch':>16} {'times as fast':>14} {'test accuracy':>14}"]
    for name, done in timings.items():
        seconds, accuracy = _typical(done), statistics.median(timing.accuracy for timing in done)
        lines.append(f"{_NAMES[name]:10} {seconds:16.3f} {plain / seconds:14.2f} {accuracy:14.4f}")
    return "\n".join([*lines, "", f"ratio {plain / _typical(timings['core']):.2f}"])


def _typical(timings: list[Timing]) -> float:
    return statistics.median(seconds for timing in timings for seconds in timing.seconds[1:])


def _spawn(name: str, file: Path, epochs: int, seed: int) -> Timing:
    environment = dict(os.environ)
    if name == "numpy":  # as many threads as we take; a container's share is not known to every library
        for limit in _LIMITS:
            environment.setdefault(limit, str(get_num_threads()))
    command = [sys.executable, "-m", "lamella._bench", name, str(file), str(epochs), str(seed)]
    done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
        raise RuntimeError(f"the process that measures {_NAMES[name]} failed: {reason}")
    return Timing(*json.loads(done.stdout.splitlines()[-1]))


def measure(name: str, data: Digits, epochs: int, seed: int) -> Timing:
    """Trains one of the two in this process; both start with the same weights."""
    x, y = pixels(data.x_train), to_categorical(data.y_train, 10).astype(np.float32)
    random = np.random.default_rng(seed)
    weights: list[_Array] = []
    for shape in ((784, 512), (512, 10)):
        limit = (6 / sum(shape)) ** 0.5
        weights += [random.uniform(-limit, limit, shape).astype(np.float32), np.zeros(shape[1], np.float32)]
    trainer = Core(weights, seed) if name == "core" else PlainNumpy(weights, seed)
    seconds = trainer.fit(x, y, epochs)
    guessed = trainer.predict(pixels(data.x_test)).argmax(axis=1)
    return Timing(seconds, float((guessed == data.y_test).mean()))


class Core:
    """The network of lamella."""

    def __init__(self, weights: list[_Array], seed: int) -> None:
        set_random_seed(seed)
        self.model = network()
        self.model.set_weights(weights)

    def fit(self, x: _Array, y: _Array, epochs: int) -> list[float]:
        """Returns the seconds of each epoch."""
        clock = _Clock()
        self.model.fit(x, y, epochs=epochs, batch_size=_BATCH, verbose=0, callbacks=[clock])
        return clock.seconds

    def predict(self, x: _Array) -> _Array:
        """Returns probabilities (n, 10)."""
        return self.model.predict(x)


class _Clock(Callback):
    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []
        self.start = 0.0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.start = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.seconds.append(time.perf_counter() - self.start)


class PlainNumpy:
    """The same in NumPy as one would write it for speed: float32, in place, every buffer made once."""

    def __init__(self, weights: list[_Array], seed: int) -> None:
        self.weights = weights
        self.grads = [np.empty_like(w) for w in weights]
        self.means = [np.zeros_like(w) for w in weights]  # of the squared gradients
        self.scratch = [np.empty_like(w) for w in weights]
        self.buffers = [np.empty((_BATCH, width), np.float32) for width in (784, 10, 512, 512, 10)]
        self.random = np.random.default_rng(seed)

    def fit(self, x: _Array, y: _Array, epochs: int) -> list[float]:
        """Returns the seconds of each epoch."""
        seconds = []
        for _ in range(epochs):
            start, loss = time.perf_counter(), 0.0
            order = self.random.permutation(len(x))
            for first in range(0, len(x), _BATCH):
                loss += self.step(x, y, order[first : first + _BATCH])
            seconds.append(time.perf_counter() - start)
        return seconds

    def step(self, x: _Array, y: _Array, rows: npt.NDArray[np.int64]) -> float:
        """One batch; returns the sum of its losses."""
        w1, b1, w2, b2 = self.weights
        x_batch, y_batch, hidden, d_hidden, out = (buffer[: len(rows)] for buffer in self.buffers)
        np.take(x, rows, axis=0, out=x_batch, mode="clip")  # "raise" would copy once more
        np.take(y, rows, axis=0, out=y_batch, mode="clip")
        np.matmul(x_batch, w1, out=hidden)
        hidden += b1
        np.maximum(hidden, 0, out=hidden)
        np.matmul(hidden, w2, out=out)
        out += b2
        _softmax(out)
        loss = -float(np.log(np.maximum(out[y_batch > 0], 1e-7)).sum())

        out -= y_batch
        out *= np.float32(1 / len(rows))
        np.matmul(out, w2.T, out=d_hidden)
        d_hidden *= hidden > 0
        for i, (inputs, delta) in enumerate(((x_batch, d_hidden), (hidden, out))):
            np.matmul(inputs.T, delta, out=self.grads[2 * i])
            np.sum(delta, axis=0, out=self.grads[2 * i + 1])
        self.update()
        return loss

    def update(self) -> None:
        """RMSprop as in Keras 3: v = rho v + (1 - rho) g², w -= rate g / sqrt(v + epsilon)."""
        rho, rate, epsilon = np.float32(0.9), np.float32(1e-3), np.float32(1e-7)
        for w, g, v, s in zip(self.weights, self.grads, self.means, self.scratch, strict=True):
            np.multiply(g, g, out=s)
            s *= 1 - rho
            v *= rho
            v += s
            np.add(v, epsilon, out=s)
            np.sqrt(s, out=s)
            np.divide(g, s, out=s)
            s *= rate
            w -= s

    def predict(self, x: _Array) -> _Array:
        """Returns probabilities (n, 10)."""
        w1, b1, w2, b2 = self.weights
        return _softmax(np.maximum(x @ w1 + b1, 0) @ w2 + b2)


def _softmax(z: _Array) -> _Array:
    """In place."""
    z -= z.max(axis=1, keepdims=True)
    np.exp(z, out=z)
    z /= z.sum(axis=1, keepdims=True)
    return z


def _child(name: str, file: str, epochs: str, seed: str) -> None:
    with np.load(file) as arrays:
        data = Digits("", **arrays)
    print(json.dumps(measure(name, data, int(epochs), int(seed))))


if __name__ == "__main__":
    _child(*sys.argv[1:])
