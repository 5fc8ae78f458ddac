"""Ctrl-C at random moments of a fit: what it leaves, and that training goes on from there as if nothing had been.

`python tests/interrupts.py COUNT` interrupts so often (`nox -s kills`), `... delays` says how long
it takes until they are seen; tests/test_interrupts.py does so a few times.
"""

from __future__ import annotations

import gc
import hashlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import lamella
from lamella import Input, Sequential, layers
from lamella.callbacks import LambdaCallback

ROWS, BATCH = 256, 16
OPTIONS: dict[str, Any] = {"batch_size": BATCH, "verbose": 0, "shuffle": False}


def make_model() -> Sequential:
    lamella.utils.set_random_seed(3)
    model = Sequential(
        [Input((24,)), layers.Dense(96, "relu"), layers.BatchNormalization(), layers.Dropout(0.2), layers.Dense(1)]
    )
    model.compile("adam", "mse", metrics=["mae"])
    return model


def data() -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    x = np.random.default_rng(4).standard_normal((ROWS, 24)).astype(np.float32)
    return x, x[:, 0] - x[:, 1]


def digest(model: Sequential) -> str:
    """Of weights and optimizer's state."""
    found = hashlib.sha256()
    for array in [*model.get_weights(), *model.optimizer.variables]:
        found.update(np.asarray(array).tobytes())
    return found.hexdigest()


class Interrupts:
    """Interrupts fits and compares what they leave with a run that nothing interrupts."""

    def __init__(self) -> None:
        self.x, self.y = data()
        self.after: dict[int, str] = {}
        twin = make_model()
        note = LambdaCallback(
            on_train_batch_end=lambda *_: self.after.update({twin.optimizer.iterations: digest(twin)})
        )
        self.after[0] = digest(twin)
        self.twin, self.note = twin, note

    def _note(self) -> None:
        self.after[int(self.twin.optimizer.iterations)] = digest(self.twin)

    def expected(self, steps: int) -> str:
        while steps not in self.after:
            self.twin.fit(self.x, self.y, callbacks=[self.note], **OPTIONS)
        return self.after[steps]

    def once(self, seconds: float) -> int:
        """One interrupt after so long; returns the steps that were done."""
        model, start = make_model(), threading.Event()

        def send() -> None:
            start.wait()
            threading.Event().wait(seconds)
            os.kill(os.getpid(), signal.SIGINT)

        sender = threading.Thread(target=send)
        sender.start()
        interrupted = False
        gc.disable()  # Python drops what a handler raises in a hook for collections, as hypothesis has
        try:
            start.set()
            model.fit(self.x, self.y, epochs=10**9, **OPTIONS)
        except KeyboardInterrupt:
            interrupted = True
        finally:
            gc.enable()
        sender.join()
        assert interrupted
        steps = int(model.optimizer.iterations)
        assert digest(model) == self.expected(steps), f"the weights are not those after {steps} steps"
        assert model.history is None or len(model.history.epoch) in (
            steps // (ROWS // BATCH),
            steps // (ROWS // BATCH) - 1,
        )

        # A copy that nothing interrupted goes on alike, and other threads are let in.
        copied = make_model()  # with the same seeds of its noise
        copied.set_weights(model.get_weights())
        copied.optimizer.set_variables(model.optimizer.variables)
        results: list[Any] = []
        other = threading.Thread(target=lambda: results.append(model.evaluate(self.x, self.y, verbose=0)))
        other.start()
        other.join(30)
        assert results == [copied.evaluate(self.x, self.y, verbose=0)], "another thread waits for ever"
        for each in (model, copied):
            each.fit(self.x, self.y, **OPTIONS)
        assert digest(model) == digest(copied)
        return steps

    def often(self, count: int, rng: np.random.Generator) -> list[int]:
        return [self.once(float(rng.uniform(0, 0.06))) for _ in range(count)]


def delay(work: Callable[[], Any], seconds: float = 0.1) -> float:
    """Seconds from a Ctrl-C, sent so long after `work` began, to the KeyboardInterrupt."""
    sent: list[float] = []

    def send() -> None:
        sent.append(time.perf_counter())
        os.kill(os.getpid(), signal.SIGINT)

    timer = threading.Timer(seconds, send)
    timer.start()
    try:
        work()
        timer.join()
        raise AssertionError("the work was done before the signal came")
    except KeyboardInterrupt:
        return time.perf_counter() - sent[0]


def big_works(rows: int = 60_000) -> dict[str, tuple[Any, Callable[[], Any]]]:
    """Calls that take a second or more each, by name, with the model that they use."""
    x = np.zeros((rows, 784), np.float32)
    x[:, ::7] = 1
    y = np.zeros(rows, np.float32)
    model = Sequential([Input((784,)), *[layers.Dense(512, "relu") for _ in range(4)], layers.Dense(1)])
    model.compile("rmsprop", "mse")
    wide = np.broadcast_to(np.zeros((1, 256), np.float32), (100 * rows, 256))
    long = Sequential([Input((256,)), layers.Dense(1)])
    long.compile("sgd", "mse")
    sparse = np.zeros((1, 784), np.uint8)
    sparse[0, :50] = 1
    many = np.broadcast_to(sparse, (50 * rows, 784))
    counting = Sequential([Input((784,)), layers.Dense(512, "relu"), layers.Dense(1)])
    counting.compile("sgd", "mse")
    zeros = np.broadcast_to(np.float32(0), len(wide))
    return {
        "fit": (model, lambda: model.fit(x, y, epochs=10**6, verbose=0)),
        "fit, all rows in one batch": (model, lambda: model.fit(x, y, batch_size=rows, epochs=10**6, verbose=0)),
        "train_on_batch, all rows": (model, lambda: [model.train_on_batch(x, y) for _ in range(100)]),
        "evaluate, all rows in one batch": (
            model, lambda: [model.evaluate(x, y, batch_size=rows, verbose=0) for _ in range(100)]),
        "gradients of all rows": (model, lambda: [model.gradients(x, y) for _ in range(100)]),
        "predict": (model, lambda: [model.predict(x) for _ in range(100)]),
        "checks of much data": (long, lambda: [long.evaluate(wide, zeros, verbose=0) for _ in range(100)]),
        "compression of much data": (counting, lambda: counting.fit(many, zeros[: len(many)], epochs=10**6, verbose=0)),
        "adapt": (None, lambda: [layers.Normalization().adapt(wide) for _ in range(100)]),
    }  # fmt: skip


def delays() -> None:
    """Prints them."""
    for name, (_, work) in big_works().items():
        found = sorted(delay(work, seconds) for seconds in (0.3, 0.5, 0.7, 0.9, 1.1))
        print(f"{name}: {1000 * found[2]:.0f} ms, at most {1000 * found[-1]:.0f} ms", flush=True)


def main() -> int:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell's background jobs ignore
    if sys.argv[1:] == ["delays"]:
        delays()
        return 0
    steps = Interrupts().often(int((sys.argv[1:] or ["200"])[0]), np.random.default_rng(0))
    print(f"{len(steps)} interrupts after {min(steps)} to {max(steps)} steps: all went on from the last finished step")
    return 0


if __name__ == "__main__":
    sys.exit(main())
