"""Time to save and load the book's model in each format, size and peak memory, beside Keras if it is installed.

`python benchmarks/saving.py` prints a Markdown table. fsync is left out on both sides: it times the disk. Keras runs in
a process of its own, interleaved with lamella, on the backend that KERAS_BACKEND names.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

WHOLE = ["model.safetensors", "model.keras", "model.h5"]
WEIGHTS = ["weights.safetensors", "weights.weights.h5", "weights.npz"]
KERAS = ["model.keras", "model.h5", "weights.weights.h5"]


def book(library: Any) -> Any:
    """The book's model, trained one step: RMSprop has its state."""
    dense = library.layers.Dense
    model = library.Sequential([library.Input((784,)), dense(512, activation="relu"), dense(10, activation="softmax")])
    model.compile("rmsprop", "categorical_crossentropy", metrics=["accuracy"])
    rng = np.random.default_rng(0)
    x, y = rng.random((128, 784), np.float32), np.eye(10, dtype="float32")[rng.integers(0, 10, 128)]
    model.train_on_batch(x, y)
    return model


def load_model(library: Any, path: Path) -> Any:
    return library.models.load_model(path)


def median_ms(action: Callable[[], Any], rounds: int) -> float:
    """Milliseconds, after one call that imports what is needed."""
    action()
    found = []
    for _ in range(rounds):
        begin = time.perf_counter()
        action()
        found.append(1000 * (time.perf_counter() - begin))
    return statistics.median(found)


def timed(library: Any, names: list[str], folder: Path, rounds: int) -> dict[str, list[float]]:
    """Milliseconds to save and to load, and bytes, by name."""
    model, found = book(library), {}
    for name in names:
        path = folder / name
        if name.startswith("model"):
            actions = [lambda path=path: model.save(path), lambda path=path: load_model(library, path)]
        else:
            actions = [lambda path=path: model.save_weights(path), lambda path=path: model.load_weights(path)]
        found[name] = [*(median_ms(action, rounds) for action in actions), path.stat().st_size]
    return found


def peak_mib(library: str, path: Path) -> float:
    """How much the peak memory of a fresh process grows when it loads a model for the first time, imports apart."""
    code = f"""
import resource, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
import importlib, saving
library = importlib.import_module({library!r})
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
small = library.Sequential([library.Input((2,)), library.layers.Dense(2)])
small.compile("rmsprop", "categorical_crossentropy")
small.save({str(path.with_name("small" + path.suffix))!r})
saving.load_model(library, {str(path.with_name("small" + path.suffix))!r})
before = peak()
kept = saving.load_model(library, {str(path)!r})
print(peak() - before)
"""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, capture_output=True, text=True)
    return float(done.stdout.split()[-1]) / 1024


def in_process(library: str, names: list[str], folder: Path, rounds: int) -> dict[str, list[float]]:
    command = [sys.executable, "-W", "ignore", __file__, "--measure", library, "--folder", str(folder)]
    done = subprocess.run([*command, "--rounds", str(rounds), *names], check=True, capture_output=True, text=True)
    found: dict[str, list[float]] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--repeats", type=int, default=3, help="processes of each library, one after the other")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    parser.add_argument("names", nargs="*", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        os.fsync = lambda _: None  # type: ignore[assignment]
        library = importlib.import_module(options.measure)
        print(json.dumps(timed(library, options.names, Path(options.folder), options.rounds)))
        return
    os.environ.setdefault("KERAS_BACKEND", "jax")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    libraries = {"lamella": [*WHOLE, *WEIGHTS]}
    if importlib.util.find_spec("keras"):
        libraries["keras"] = KERAS
    with tempfile.TemporaryDirectory() as text:
        runs: dict[str, list[dict[str, list[float]]]] = {library: [] for library in libraries}
        for _ in range(options.repeats):
            for library, names in libraries.items():
                folder = Path(text) / library
                folder.mkdir(exist_ok=True)
                runs[library].append(in_process(library, names, folder, options.rounds))
        medians = {
            library: {name: np.median([run[name] for run in each], axis=0) for name in libraries[library]}
            for library, each in runs.items()
        }
        peaks = {
            (library, name): peak_mib(library, Path(text) / library / name)
            for library, names in libraries.items()
            for name in names
            if name.startswith("model")
        }
    weights = 784 * 512 + 512 + 512 * 10 + 10
    print(f"{options.repeats} x {options.rounds} rounds; versions: {versions(libraries)}\n")
    print(
        "| File | Save, ms | Load, ms | Keras saves | Keras loads | Size beyond the arrays | Peak memory of loading |"
    )
    print("| --- | --: | --: | --: | --: | --: | --: |")
    for name, (save, load, size) in medians["lamella"].items():
        arrays = 4 * weights * (1 if name.endswith(".npz") else 2) + (0 if name.endswith(".npz") else 8)
        theirs = medians.get("keras", {}).get(name)
        beside = ["", ""] if theirs is None else [f"{theirs[0]:.1f} ({theirs[0] / save:.1f} ×)", ""]
        if theirs is not None:
            beside[1] = f"{theirs[1]:.1f} ({theirs[1] / load:.1f} ×)"
        memory = [f"{peaks[each, name]:.1f} MiB" for each in libraries if (each, name) in peaks]
        extra = f"{(size - arrays) / 1000:.1f} kB ({(size - arrays) / arrays:.2%})"
        print(
            f"| `{name}` | {save:.1f} | {load:.1f} | {beside[0]} | {beside[1]} | {extra} | {', Keras '.join(memory)} |"
        )


def versions(libraries: Any) -> str:
    backend = [f"keras on {os.environ['KERAS_BACKEND']}"] if "keras" in libraries else []
    modules = ["lamella", "numpy", "h5py", *(["keras"] if "keras" in libraries else [])]
    return ", ".join(
        [f"{each} {importlib.metadata.version(each)}" if each != "lamella" else each for each in modules] + backend
    )


if __name__ == "__main__":
    main()
