"""Kills at random moments of a loop that writes, and whether what was there before can still be read.

`python tests/kills.py COUNT` kills each writer so often (`nox -s kills`); tests/test_kills.py does so a few times.
"""

from __future__ import annotations

import hashlib
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from lamella import Input, Sequential, _fetch, callbacks, layers, models

X = np.linspace(-1, 1, 64, dtype=np.float32).reshape(16, 4)


class Writer(NamedTuple):
    """What writes in a folder for ever, and what reads it: that fails where the file is lost or mixed."""

    write: Callable[[Path], Any]
    read: Callable[[Path], Any]


def network() -> Sequential:
    model = Sequential([Input((4,)), layers.Dense(96, "relu"), layers.Dense(96), layers.Dense(1)])
    model.compile("rmsprop", "mse")
    return model


def _rounds(save: Callable[[Sequential, Path], Any]) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        model, shapes = network(), [weight.shape for weight in network().get_weights()]
        for number in range(10**9):
            model.set_weights([np.full(shape, number % 1000, np.float32) for shape in shapes])
            save(model, folder)

    return write


def whole(model: Sequential) -> None:
    """All weights come from one save."""
    assert len({float(value) for weight in model.get_weights() for value in np.unique(weight)}) == 1


def _model(name: str) -> Writer:
    return Writer(
        _rounds(lambda model, folder: model.save(folder / name)), lambda f: whole(models.load_model(f / name))
    )


def _weights(name: str) -> Writer:
    def read(folder: Path) -> None:
        model = network()
        model.load_weights(folder / name)
        whole(model)

    return Writer(_rounds(lambda model, folder: model.save_weights(folder / name)), read)


def _fits(make: Callable[[Path], callbacks.Callback]) -> Callable[[Path], None]:
    return lambda folder: network().fit(X, X[:, 0], batch_size=4, epochs=10**9, verbose=0, callbacks=[make(folder)])


def _restored(double: bool) -> Writer:
    def backup(folder: Path) -> callbacks.Callback:
        return callbacks.BackupAndRestore(folder / "backup", 1, double, delete_checkpoint=False)

    def read(folder: Path) -> None:
        model = network()
        model.fit(X, X[:, 0], batch_size=4, epochs=0, verbose=0, callbacks=[backup(folder)])
        assert model.optimizer.iterations > 0, "the backup was not taken up"

    return Writer(_fits(backup), read)


def _csv_lines(folder: Path) -> None:
    text = (folder / "log.csv").read_text()
    for number, line in enumerate(text.splitlines()[1:-1]):  # the last one may be cut off, as logs are
        epoch, loss = line.split(",")
        assert int(epoch) == number and np.isfinite(float(loss))


CONTENT = np.random.default_rng(0).bytes(300_000)
FILE = _fetch.File("data.bin", hashlib.sha256(CONTENT).hexdigest(), len(CONTENT))


def _cache(folder: Path) -> None:
    os.environ["LAMELLA_HOME"] = str(folder)
    while True:
        _fetch._keep(CONTENT, FILE, "")


def _cached(folder: Path) -> None:
    assert _fetch.read(folder / FILE.name, FILE) == CONTENT


WRITERS = {
    "model.safetensors": _model("model.safetensors"),
    "model.keras": _model("model.keras"),
    "model.h5": _model("model.h5"),
    "weights.safetensors": _weights("only.safetensors"),
    "weights.npz": _weights("only.npz"),
    "weights.h5": _weights("only.weights.h5"),
    "ModelCheckpoint": Writer(
        _fits(lambda folder: callbacks.ModelCheckpoint(folder / "best.keras", save_freq=1)),
        lambda folder: models.load_model(folder / "best.keras"),
    ),
    "BackupAndRestore": _restored(False),
    "BackupAndRestore, double": _restored(True),
    "CSVLogger": Writer(_fits(lambda folder: callbacks.CSVLogger(folder / "log.csv")), _csv_lines),
    "data cache": Writer(_cache, _cached),
}


def kill(writer: Writer, folder: Path, seconds: float) -> None:
    """Lets a child write for about so long, from its first file on, and kills it."""
    child = os.fork()
    if child == 0:
        try:
            writer.write(folder)
        finally:
            os._exit(1)
    try:
        end = time.monotonic() + 60
        while not any(path.is_file() and path.suffix != ".tmp" for path in folder.rglob("*")):
            assert time.monotonic() < end and os.waitpid(child, os.WNOHANG) == (0, 0), "the child wrote nothing"
            time.sleep(0.002)
        time.sleep(seconds)
    finally:
        os.kill(child, signal.SIGKILL)
        status = os.waitpid(child, 0)[1]
    assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL, "the child ended by itself"


def leftovers(folder: Path) -> list[Path]:
    """Temporary files of the killed."""
    return list(folder.rglob(".*.tmp"))


def kill_often(name: str, count: int, rng: np.random.Generator) -> tuple[int, int]:
    """Kills a writer so often; returns how often its file was lost, and how many kills fell into a write."""
    lost = inside = 0
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        for _ in range(count):
            before = len(leftovers(folder))
            kill(WRITERS[name], folder, float(rng.uniform(0.001, 0.03)))
            inside += len(leftovers(folder)) > before
            try:
                WRITERS[name].read(folder)
            except Exception as error:
                lost += 1
                print(f"{name}: {type(error).__name__}: {error}")
    return lost, inside


def main() -> int:
    count, total = int((sys.argv[1:] or ["1000"])[0]), 0
    for name in WRITERS:
        lost, inside = kill_often(name, count, np.random.default_rng(0))
        print(f"{name}: {count} kills, {inside} inside of a write, {lost} lost", flush=True)
        total += lost
    return total > 0


if __name__ == "__main__":
    sys.exit(main())
