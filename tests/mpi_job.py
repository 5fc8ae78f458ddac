"""What test_mpi.py runs under mpiexec: `mpi_job.py WHAT FOLDER`. Rank 0 prints what it found as JSON behind RESULT."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import lamella
from lamella import distribution, layers, optimizers

WHAT, FOLDER = sys.argv[1], Path(sys.argv[2])
OPTIMIZERS = ["SGD", "RMSprop", "Adam", "AdamW", "Adagrad", "Adadelta", "Adamax", "Nadam", "Ftrl", "Lion"]


class Losses(lamella.callbacks.Callback):
    """The loss of each step."""

    def __init__(self) -> None:
        super().__init__()
        self.sums, self.steps = [0.0], []

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        total = logs["loss"] * (batch + 1)  # the logs are means since the epoch began; all batches are equally large
        self.steps.append(total - (self.sums[-1] if batch else 0.0))
        self.sums.append(total)


def data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(500, 16)).astype("float32")
    return x, rng.integers(0, 4, 500)


def network(make: Callable[[], list[Any]]) -> lamella.Sequential:
    lamella.backend.clear_session()  # numbers in names begin anew
    lamella.utils.set_random_seed(1)
    parts = make()  # layers draw their seeds when they are made
    return lamella.Sequential([lamella.Input((16,)), *parts, layers.Dense(4, "softmax")])


def crc(model: lamella.Sequential) -> int:
    return zlib.crc32(b"".join(weight.tobytes() for weight in model.get_weights()))


def curves() -> dict[str, Any]:
    """Losses of 25 steps of each optimizer, and what evaluation and prediction say."""
    x, y = data()
    found: dict[str, Any] = {}
    for name in OPTIMIZERS:
        model = network(lambda: [layers.Dense(32, "tanh"), layers.Dropout(0.2), layers.BatchNormalization()])
        model.compile(getattr(optimizers, name)(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
        losses = Losses()
        model.fit(x, y, batch_size=100, epochs=5, verbose=0, callbacks=[losses])
        tested = model.evaluate(x, y, verbose=0)
        found[name] = {"losses": losses.steps, "tested": tested, "rows": len(model.predict(x)), "crc": crc(model)}
    return found


def tanh() -> list[float]:
    """Losses of 50 steps."""
    x, y = data()
    model = network(lambda: [layers.Dense(32, "tanh")])
    model.compile(optimizers.SGD(0.1), "sparse_categorical_crossentropy")
    losses = Losses()
    model.fit(x, y, batch_size=100, epochs=10, verbose=0, callbacks=[losses])
    return losses.steps


def fewer_bytes() -> dict[str, list[float]]:
    """Losses of epochs with each way to send less; fit() compares the ranks' weights after each of them."""
    x, y = data()
    found = {}
    for name, options in {"plain": {}, "apart": {"sync_every": 3}, "half": {"grad_dtype": "bfloat16"}}.items():
        distribution.set_distribution(distribution.DataParallel(timeout=60, **options))
        model = network(lambda: [layers.Dense(32, "tanh")])
        model.compile(optimizers.SGD(0.1), "sparse_categorical_crossentropy")
        found[name] = model.fit(x, y, batch_size=50, epochs=5, verbose=0).history["loss"]
    return found


def sharded() -> dict[str, list[int]]:
    """Files of each optimizer, whole and divided, after ten steps of a network whose sums are taken in parts."""
    x, y = data()
    found: dict[str, list[int]] = {}
    for name in [*OPTIMIZERS, "clipped"]:
        for shards in (False, True):
            distribution.set_distribution(distribution.DataParallel(timeout=60, shard_optimizer=shards))
            model = network(lambda: [layers.Dense(1500, "tanh"), layers.Dropout(0.2)])
            kind, clip = (optimizers.Adam, 0.1) if name == "clipped" else (getattr(optimizers, name), None)
            model.compile(kind(0.01, global_clipnorm=clip), "sparse_categorical_crossentropy")
            path = FOLDER / f"{name}{shards}.safetensors"
            watch = lamella.callbacks.ModelCheckpoint(str(path))
            model.fit(x, y, batch_size=100, epochs=2, verbose=0, callbacks=[watch])
            if distribution.rank() == 0:
                found.setdefault(name, []).append(zlib.crc32(path.read_bytes()))
    return found


def own_data() -> list[float]:
    """Losses of epochs where each rank has rows of its own, so chosen that the batches are those of one process."""
    x, y = data()
    rank, size = distribution.rank(), distribution.size()
    mine = np.concatenate([np.arange(at + 20 * rank // size, at + 20 * (rank + 1) // size) for at in range(0, 500, 20)])
    distribution.set_distribution(distribution.DataParallel(auto_shard_dataset=False, timeout=60))
    model = network(lambda: [layers.Dense(32, "tanh"), layers.Dropout(0.2), layers.BatchNormalization()])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    losses = model.fit(x[mine], y[mine], batch_size=20, epochs=3, shuffle=False, verbose=0).history["loss"]
    assert len(model.predict(x[mine])) == len(mine)
    return [*losses, *model.evaluate(x[mine], y[mine], verbose=0)]


def estimator() -> float:
    """What an estimator of scikit-learn learns."""
    from lamella.sklearn import DenseClassifier

    x, y = data()
    return float(DenseClassifier((16,), max_iter=3, random_state=0).fit(x, y).score(x, y))


class Harm(lamella.callbacks.Callback):
    """What befalls one rank, once."""

    def __init__(self, what: str, rank: int, step: int, mark: str = "harmed") -> None:
        super().__init__()
        self.what, self.rank, self.left, self.mark = what, rank, step, mark

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.left -= 1
        done = FOLDER / self.mark
        if self.left or distribution.rank() != self.rank or done.exists():
            return
        done.touch()
        if self.what == "raise":
            raise ZeroDivisionError("on purpose")
        os.kill(os.getpid(), {"kill": signal.SIGKILL, "stop": signal.SIGSTOP, "interrupt": signal.SIGINT}[self.what])


def harmed() -> dict[str, Any]:
    """Loss and weights after four epochs, in which a rank may come to harm."""
    x, y = data()
    model = network(lambda: [layers.Dense(32, "relu"), layers.Dropout(0.2), layers.BatchNormalization()])
    model.compile("adam", "sparse_categorical_crossentropy")
    harm = Harm(WHAT, int(sys.argv[3]), int(sys.argv[4]))
    backup = lamella.callbacks.BackupAndRestore(str(FOLDER / "backup"), save_freq=7)
    model.fit(x, y, batch_size=50, epochs=4, verbose=0, callbacks=[harm, backup])
    return {"loss": model.evaluate(x, y, verbose=0), "crc": crc(model)}


def lost() -> dict[str, Any]:
    """A fit in which ranks may be killed, on those that are left."""
    x, y = data()
    distribution.set_distribution(distribution.DataParallel(on_failure="shrink", timeout=30))
    model = network(lambda: [layers.Dense(32, "tanh"), layers.BatchNormalization()])
    model.compile("adam", "sparse_categorical_crossentropy")
    victims = [int(rank) for rank in sys.argv[3].split(",") if rank]
    harms = [Harm("kill", rank, int(sys.argv[4]), f"harmed{rank}") for rank in victims]
    backup = lamella.callbacks.CSVLogger(str(FOLDER / "log.csv"))
    history = model.fit(x, y, batch_size=50, epochs=4, verbose=0, callbacks=[*harms, backup]).history["loss"]
    return {"size": distribution.size(), "loss": model.evaluate(x, y, verbose=0), "history": history}


def stuck() -> dict[str, Any]:
    """The same where MPI_Finalize never returns: it first deletes what hangs on MPI.COMM_SELF, here with pause()."""
    from mpi4py import MPI

    library = ctypes.CDLL(MPI.__file__)
    pause = ctypes.cast(ctypes.CDLL(None).pause, ctypes.c_void_p)
    nothing = ctypes.cast(library.OMPI_C_MPI_COMM_NULL_COPY_FN, ctypes.c_void_p)
    key = ctypes.c_int()
    assert library.MPI_Comm_create_keyval(nothing, pause, ctypes.byref(key), None) == MPI.SUCCESS
    itself = ctypes.c_void_p.from_address(MPI._addressof(MPI.COMM_SELF))
    assert library.MPI_Comm_set_attr(itself, key, None) == MPI.SUCCESS
    return lost()


def outside() -> None:
    """An exception on one rank, where the others wait in fit()."""
    if distribution.rank() == 1:
        raise ZeroDivisionError("on purpose")
    tanh()


distribution.initialize()
# A long time for all but those that wait for it: several ranks on one core are slow.
distribution.set_distribution(distribution.DataParallel(timeout=2 if WHAT == "stop" else 60))
jobs = {"curves": curves, "tanh": tanh, "outside": outside, "fewer_bytes": fewer_bytes, "estimator": estimator}
jobs.update(sharded=sharded, own_data=own_data, lost=lost, stuck=stuck)
result = jobs.get(WHAT, harmed)()
if distribution.rank() == 0:
    print("RESULT", json.dumps({"size": distribution.size(), "found": result}), flush=True)
if WHAT == "stuck":
    print("LAST", end="")  # flushed by the end of the interpreter alone
