"""Mutants of files, and what becomes of each: the same content, a documented error, or something that must not be.

A format is one line in FORMATS. `python tests/mutants.py FORMAT COUNT [SEED]` runs a campaign, with a count of 0 it
makes the corpus of the format anew; `nox -s fuzz` runs all.
"""

from __future__ import annotations

import collections
import gzip
import hashlib
import io
import re
import signal
import sys
import tempfile
import warnings
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import lamella
from lamella import Input, Sequential, _fetch, layers, saving
from lamella.datasets._idx import read_idx
from lamella.datasets._npz import read_npz
from lamella.saving import _safetensors, _state

CORPUS = Path(__file__).parent / "data" / "corpus"
DOCUMENTED = (saving.BadModelFile, saving.ModelNotFoundError, _fetch.DatasetError)


class Format(NamedTuple):
    """A kind of file.

    `ours` says that a checksum guards it: then no mutant may load with other content. `make` gives a small good file,
    `read` everything that can be told apart about what a path holds.
    """

    ending: str
    ours: bool
    make: Callable[[], bytes]
    read: Callable[[Path], bytes]


# ---------------------------------------------------------------------- the files


def network() -> Sequential:
    """A small trained model; the same on every call."""
    lamella.utils.set_random_seed(5)
    lamella.backend.clear_session()
    model = Sequential([Input((6,)), layers.Dense(4, "relu"), layers.Dropout(0.5), layers.Dense(3)], name="net")
    model.compile("adam", "mse", metrics=["mae"])
    x = np.linspace(-1, 1, 48, dtype=np.float32).reshape(8, 6)
    model.fit(x, x[:, :3], epochs=2, verbose=0)
    return model


def _written(write: Callable[[Sequential, Path], Any], ending: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"file{ending}"
        write(network(), path)
        return path.read_bytes()


def _everything(model: Sequential) -> bytes:
    return _safetensors.dumps(_state.state_of(model, whole=True))


_other: list[Sequential] = []


def _weights_of(path: Path) -> bytes:
    """Loads into a model that is there already, and sees that a refused file changes nothing about it."""
    if not _other:
        _other.append(network())
        _other[0].set_weights([weight * 0 - 1 for weight in _other[0].get_weights()])
        _other.append(lamella.models.clone_model(_other[0]))
    model = _other[0]
    before = _everything(model)
    try:
        model.load_weights(path)
    except BaseException:
        assert _everything(model) == before, "a refused file changed the model"
        raise
    loaded = _everything(model)
    _other.clear()
    return loaded


def _backup(path: Path) -> bytes:
    model = network()
    resumed = saving.restore_backup(model, str(path))
    return repr(resumed).encode() + _everything(model)


def _bytes_of(array: Any) -> bytes:
    return f"{array.dtype.str} {array.shape}\n".encode() + array.tobytes()


IMAGES = np.arange(5 * 6 * 7, dtype=np.uint8).reshape(5, 6, 7)


def _idx() -> bytes:
    return bytes([0, 0, 8, 3, 0, 0, 0, 5, 0, 0, 0, 6, 0, 0, 0, 7]) + IMAGES.tobytes()


def _npz() -> bytes:
    stream = io.BytesIO()
    np.savez_compressed(stream, x=IMAGES, y=np.arange(5))
    return stream.getvalue()


def _kept_npz() -> bytes:
    """Another NumPy writes other bytes, and the hash is of these."""
    return (CORPUS / "npz-published" / "good.npz").read_bytes()


def _published(make: Callable[[], bytes]) -> Callable[[Path], bytes]:
    """Reads a file whose SHA-256 is known, as all data sets are read."""
    content = make()
    plain = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    file = _fetch.File("file", hashlib.sha256(plain).hexdigest(), len(plain))
    return lambda path: _fetch.read(path, file)


def _zipped() -> bytes:
    return gzip.compress(_idx(), mtime=0)


def _foreign_safetensors() -> bytes:
    model = network()
    state = _state.state_of(model, whole=False)
    parts = dict(zip(state.names, state.weights, strict=True))
    text, data = {}, b""
    for name, array in parts.items():
        text[name] = {
            "dtype": "F32",
            "shape": list(array.shape),
            "data_offsets": [len(data), len(data) + array.nbytes],
        }
        data += array.tobytes()
    header = saving._json.write(text)  # type: ignore[attr-defined]
    return len(header).to_bytes(8, "little") + header + data


def _foreign_h5(content: bytes) -> bytes:
    """The same file without what only lamella adds, and with the strings of any length that Keras writes."""
    import h5py

    stream = io.BytesIO(content)
    with h5py.File(stream, "a") as file:
        del file.attrs["lamella"], file["lamella"]
        for name in {"model_config", "training_config"} & {*file.attrs}:
            file.attrs[name] = bytes(file.attrs[name])
    return stream.getvalue()


def _foreign_keras() -> bytes:
    """A .keras file as Keras writes it, without what only lamella adds."""
    found = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(_written(Sequential.save, ".keras"))) as ours,
        zipfile.ZipFile(found, "w") as theirs,
    ):
        for name in ("config.json", "model.weights.h5"):
            theirs.writestr(name, ours.read(name))
    return found.getvalue()


def _foreign_npz() -> bytes:
    stream = io.BytesIO()
    np.savez(stream, *network().get_weights())
    return stream.getvalue()


def _whole(path: Path) -> bytes:
    return _everything(lamella.models.load_model(path))


# fmt: off
FORMATS = {
    # what lamella writes
    "safetensors": Format(".safetensors", True, lambda: _written(Sequential.save, ".safetensors"), _whole),
    "safetensors-weights": Format(
        ".safetensors", True, lambda: _written(Sequential.save_weights, ".safetensors"), _weights_of),
    "keras": Format(".keras", True, lambda: _written(Sequential.save, ".keras"), _whole),
    "npz-weights": Format(".npz", True, lambda: _written(Sequential.save_weights, ".npz"), _weights_of),
    "weights-h5": Format(".weights.h5", True, lambda: _written(Sequential.save_weights, ".weights.h5"), _weights_of),
    "h5": Format(".h5", True, lambda: _written(Sequential.save, ".h5"), _whole),
    "backup": Format(
        ".safetensors", True, lambda: _written(lambda m, p: m._write_backup(str(p), 3, 4), ".safetensors"), _backup),
    # data files whose hash is known
    "idx-published": Format("", True, _idx, _published(_idx)),
    "idx-gz-published": Format(".gz", True, _zipped, _published(_zipped)),
    "npz-published": Format(".npz", True, _kept_npz, _published(_kept_npz)),
    # files of others, which have no checksum of the whole
    "idx": Format("", False, _idx, lambda path: _bytes_of(read_idx(path.read_bytes(), "file"))),
    "npz": Format(".npz", False, _npz, lambda path: b"".join(
        map(_bytes_of, read_npz(path.read_bytes(), "file", ("x", "y")).values()))),
    "safetensors-foreign": Format(".safetensors", False, _foreign_safetensors, _weights_of),
    "keras-foreign": Format(".keras", False, _foreign_keras, _whole),
    "npz-weights-foreign": Format(".npz", False, _foreign_npz, _weights_of),
    "weights-h5-foreign": Format(
        ".weights.h5", False, lambda: _foreign_h5(_written(Sequential.save_weights, ".weights.h5")), _weights_of),
    "h5-foreign": Format(".h5", False, lambda: _foreign_h5(_written(Sequential.save, ".h5")), _whole),
}
# fmt: on

# ---------------------------------------------------------------------- mutants


def mutant(content: bytes, rng: np.random.Generator) -> bytes:
    """One to three random edits: bytes, bits, fills, cuts, insertions, blocks that are moved or removed."""
    found = bytearray(content)
    for _ in range(int(rng.choice([1, 1, 1, 2, 3]))):
        at, size = int(rng.integers(max(len(found), 1))), int(rng.integers(1, 17))
        match int(rng.integers(9)):
            case 0:
                found[at : at + size] = rng.bytes(len(found[at : at + size]))
            case 1 if found:
                found[at] ^= 1 << int(rng.integers(8))
            case 2:
                found[at : at + 8] = rng.choice([b"\xff", b"\0", b"\x7f", b"0", b"9"]) * len(found[at : at + 8])
            case 3:
                del found[at:]
            case 4:
                found[at:at] = rng.bytes(size)
            case 5:
                del found[at : at + size]
            case 6:
                other = int(rng.integers(len(found) + 1))
                found[at:at] = found[other : other + 4 * size]
            case 7:
                other = int(rng.integers(len(found) + 1))
                part = found[other : other + size]
                found[at : at + len(part)] = part
            case 8 if found:
                found[at] = (found[at] + int(rng.choice([1, 255]))) % 256
    return bytes(found)


def outcome(form: Format, path: Path, expected: bytes) -> str:
    """ "same", "other", or "refused: ..." for a documented error; every other error comes out."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return "same" if form.read(path) == expected else "other"
        except DOCUMENTED as error:
            return f"refused: {type(error).__name__}: {error}"


class Campaign(NamedTuple):
    """How many mutants met which end, and those that must not be."""

    counts: collections.Counter[str]
    faults: list[tuple[bytes, str]]


def campaign(name: str, count: int, rng: np.random.Generator, folder: Path, most_seconds: int = 0) -> Campaign:
    """Reads `count` mutants of the format's file. One that takes longer ends the process, and stays in the folder."""
    form = FORMATS[name]
    content = form.make()
    path = folder / f"mutant{form.ending}"
    path.write_bytes(content)
    expected = form.read(path)
    counts: collections.Counter[str] = collections.Counter()
    faults: list[tuple[bytes, str]] = []
    for _ in range(count):
        changed = mutant(content, rng)
        path.write_bytes(changed)
        if most_seconds:
            signal.alarm(most_seconds)  # a loop in a C library sees no other signal
        try:
            found = outcome(form, path, expected)
        except Exception as error:
            found = f"error: {type(error).__name__}: {error}"
        counts[found.partition(":")[0]] += 1
        if found.startswith("error") or (form.ours and found == "other"):
            faults.append((changed, found))
    return Campaign(counts, faults)


def distinct(name: str, most: int, rng: np.random.Generator) -> Iterator[bytes]:
    """Mutants that meet different ends, for the corpus."""
    form, seen = FORMATS[name], set()
    content = form.make()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"mutant{form.ending}"
        path.write_bytes(content)
        expected = form.read(path)
        for _ in range(3000):
            changed = mutant(content, rng)
            path.write_bytes(changed)
            end = re.sub(r"[0-9]+|'.*'", "", outcome(form, path, expected).replace(str(path), ""))
            if end not in seen and len(seen) < most:
                seen.add(end)
                yield changed


def main() -> int:
    name, count, seed = sys.argv[1], int(sys.argv[2]), int((sys.argv[3:] or ["0"])[0])
    if count == 0:  # makes the corpus anew
        folder = CORPUS / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"good{FORMATS[name].ending}").write_bytes(FORMATS[name].make())
        for number, content in enumerate(distinct(name, 8, np.random.default_rng(seed))):
            (folder / f"{number}{FORMATS[name].ending}").write_bytes(content)
        return 0
    with tempfile.TemporaryDirectory() as text:
        found = campaign(name, count, np.random.default_rng(seed), Path(text), 60)
        signal.alarm(0)
    share = 100 * found.counts["other"] / count
    print(f"{name}: {count} mutants: {dict(found.counts)}; {share:.3f} % load with other content", flush=True)
    for content, fault in found.faults[:20]:
        kept = Path(f"fault-{name}-{hashlib.sha256(content).hexdigest()[:12]}{FORMATS[name].ending}")
        kept.write_bytes(content)
        print(f"  {kept}: {fault[:300]}")
    return len(found.faults) > 0


if __name__ == "__main__":
    sys.exit(main())
