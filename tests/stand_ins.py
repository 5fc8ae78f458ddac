"""Small files in place of published data sets, and the bytes they are made of."""

import gzip
import hashlib
import io
import os
import subprocess
import sys
import textwrap

import numpy as np

from lamella import _fetch
from lamella.datasets import mnist

MNIST = {
    "x_train": np.arange(6 * 4, dtype=np.uint8).reshape(6, 2, 2),
    "y_train": np.arange(6, dtype=np.uint8),
    "x_test": np.arange(100, 112, dtype=np.uint8).reshape(3, 2, 2),
    "y_test": np.array([9, 8, 7], np.uint8),
}


def idx(array):
    return bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape) + array.tobytes()


def npz(arrays):
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def entry(name, content, **more):
    """What the loaders know of a file: its name, digest and size."""
    return _fetch.File(name, hashlib.sha256(content).hexdigest(), len(content), **more)


def put(folder, contents, zipped=False):
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        path = folder / (name + ".gz" if zipped else name)
        path.write_bytes(gzip.compress(content) if zipped else content)
    return folder


def publish_mnist(monkeypatch, arrays=MNIST):
    """Makes the loader believe that `arrays` are MNIST; returns the contents of its files."""
    contents = {mnist._IDX[key].name: idx(array) for key, array in arrays.items()}
    npz_content = npz(arrays)
    monkeypatch.setattr(mnist, "_IDX", {k: entry(mnist._IDX[k].name, idx(a)) for k, a in arrays.items()})
    monkeypatch.setattr(mnist, "_NPZ", entry("mnist.npz", npz_content))
    monkeypatch.setattr(mnist, "_SHAPES", {key: array.shape for key, array in MNIST.items()})
    return {**contents, "mnist.npz": npz_content}


def four(files):
    return {name: content for name, content in files.items() if name != "mnist.npz"}


def one(files):
    return {"mnist.npz": files["mnist.npz"]}


def assert_mnist(loaded):
    (x_train, y_train), (x_test, y_test) = loaded
    for key, array in zip(MNIST, (x_train, y_train, x_test, y_test), strict=True):
        assert array.dtype == np.uint8 and array.flags.writeable
        assert np.array_equal(array, MNIST[key])


def publish(monkeypatch, module, content, name="_FILE"):
    """Makes a loader believe that `content` is its published file; returns it under its name."""
    file = getattr(module, name)
    monkeypatch.setattr(module, name, entry(file.name, content))
    return {file.name: content}


def child(code, *arguments):
    """Starts Python with `code`, which finds what this process finds."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
