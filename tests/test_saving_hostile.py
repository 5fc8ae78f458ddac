"""Files that are damaged or meant to harm: each is refused by name, and none loads with other numbers."""

from __future__ import annotations

import io
import json
import struct
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lamella import Input, Sequential, layers, models, saving


def network() -> Sequential:
    model = Sequential([Input((6,)), layers.Dense(4, "relu"), layers.Dropout(0.5), layers.Dense(3)], name="net")
    model.compile("rmsprop", "mse", metrics=["mae"])
    return model


def mutant(content: bytes, rng: np.random.Generator) -> bytes:
    found = bytearray(content)
    kind, at = rng.integers(5), int(rng.integers(len(content)))
    if kind == 0:
        found[at : at + 4] = rng.bytes(4)
    elif kind == 1:
        found[at] ^= 1 << int(rng.integers(8))
    elif kind == 2:
        found[at : at + 8] = b"\xff" * len(found[at : at + 8])
    elif kind == 3:
        del found[at:]
    else:
        found[at:at] = rng.bytes(3)
    return bytes(found)


@pytest.mark.parametrize("name", ["a.safetensors", "a.keras", "a.npz", "a.weights.h5"])
def test_mutants_do_not_load_with_other_numbers(name: str, tmp_path: Path, rng: np.random.Generator) -> None:
    model, other, path = network(), network(), tmp_path / name
    whole = name in ("a.safetensors", "a.keras")
    (model.save if whole else model.save_weights)(path)
    content, expected = path.read_bytes(), model.get_weights()
    refused = 0
    for _ in range(300):
        path.write_bytes(mutant(content, rng))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                loaded = models.load_model(path) if whole else other
                if not whole:
                    other.load_weights(path)
            except saving.BadModelFile as error:
                assert name in str(error)
                refused += 1
                continue
        if name != "a.weights.h5":  # which has no checksum, as it is Keras' own
            assert all(np.array_equal(a, b) for a, b in zip(expected, loaded.get_weights(), strict=True))
    assert refused > (20 if name == "a.weights.h5" else 100)


def safetensors(header: Any, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


ENTRY = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
META = {"format": "lamella", "version": "1", "weights": "1", "sha256": "0"}
HOSTILE = {
    "empty": (b"", "is empty"),
    "short": (b"abc", "no room"),
    "huge header": (struct.pack("<Q", 2**63) + b"{}", "no safetensors file"),
    "cut off": (struct.pack("<Q", 100) + b"{}", "cut off"),
    "no json": (safetensors(b"hello"), "no JSON"),
    "not utf-8": (safetensors(b'{"\xff": 1}'), "no JSON"),
    "list": (safetensors(b"[]"), "no JSON object"),
    "deep": (safetensors(b'{"a":' * 1000 + b"1" + b"}" * 1000), "deep"),
    "key twice": (safetensors(b'{"a": 1, "a": 2}'), "twice"),
    "nan": (safetensors(b'{"a": NaN}'), "NaN"),
    "no entry": (safetensors({"a": 1}), "not dtype"),
    "type": (safetensors({"a": ENTRY | {"dtype": "O"}}, bytes(4)), "dtype"),
    "size": (safetensors({"a": ENTRY | {"shape": [2]}}, bytes(4)), "does not fit"),
    "overflow": (safetensors({"a": ENTRY | {"shape": [2**40, 2**40]}}, bytes(4)), "does not fit"),
    "negative": (safetensors({"a": ENTRY | {"shape": [-1]}}, bytes(4)), "wrong shape"),
    "gap": (safetensors({"a": ENTRY | {"data_offsets": [4, 8]}}, bytes(8)), "do not begin"),
    "overlap": (safetensors({"a": ENTRY, "b": ENTRY}, bytes(4)), "do not begin"),
    "trailing": (safetensors({"a": ENTRY}, bytes(5)), "5 bytes of numbers"),
    "checksum": (safetensors({"a": ENTRY, "__metadata__": META}, bytes(4)), "SHA-256"),
    "newer": (safetensors({"a": ENTRY, "__metadata__": META | {"version": "2"}}, bytes(4)), "version '2'"),
    "foreign": (safetensors({"a": ENTRY}, bytes(4)), "weights only"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_safetensors_are_refused(name: str, tmp_path: Path) -> None:
    content, reason = HOSTILE[name]
    path = tmp_path / "bad.safetensors"
    path.write_bytes(content)
    with pytest.raises(saving.BadModelFile, match=rf"bad\.safetensors.*{reason}"):
        models.load_model(path)


def test_arrays_of_others_are_loaded_by_name(tmp_path: Path) -> None:
    model = Sequential([Input((1,)), layers.Dense(1, use_bias=False, name="d")])
    entry = {"dtype": "F32", "shape": [1, 1], "data_offsets": [0, 4]}
    (tmp_path / "a.safetensors").write_bytes(safetensors({"d/kernel": entry}, struct.pack("<f", 2.5)))
    model.load_weights(tmp_path / "a.safetensors")
    assert model.get_weights() == [2.5]
    (tmp_path / "a.safetensors").write_bytes(safetensors({"e/kernel": entry}, bytes(4)))
    with pytest.raises(saving.BadModelFile, match="e/kernel"):
        model.load_weights(tmp_path / "a.safetensors")


def changed(path: Path, edit: Any) -> None:
    """Edits config.json in a .keras file, as another program would that knows nothing of lamella.json."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in ("config.json", "model.weights.h5")}
    config = json.loads(members["config.json"])
    edit(config)
    members["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in members.items():
            archive.writestr(name, part)


EDITS = {
    "lambda": (lambda c: c["config"]["layers"].append({"class_name": "Lambda", "config": {}}), "Lambda"),
    "module": (lambda c: c["config"]["layers"][1].update(module="os"), "os"),
    "giant": (lambda c: c["config"]["layers"][1]["config"].update(units=10**6), "1000000"),
    "setting": (lambda c: c["config"]["layers"][1]["config"].update(run="x"), "`run`"),
    "functional": (lambda c: c.update(class_name="Functional"), "Functional"),
    "bomb": (lambda c: c.update(padding=" " * (9 << 20)), "at most"),
}


@pytest.mark.parametrize("name", EDITS)
def test_hostile_configs_are_refused(name: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.keras"
    network().save(path)
    changed(path, EDITS[name][0])
    with pytest.raises(saving.BadModelFile, match=rf"bad\.keras.*{EDITS[name][1]}"):
        models.load_model(path)


def test_hostile_hdf5_is_refused(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    secret = tmp_path / "secret"
    secret.write_bytes(bytes(96))

    def write(make: Any) -> Path:
        path = tmp_path / "bad.weights.h5"
        network().save_weights(path)
        with h5py.File(path, "a") as file:
            group = file["layers/dense/vars"]
            del group["0"]
            make(group)
        return path

    makers = {
        "link": lambda g: g.__setitem__("0", h5py.SoftLink("/layers/dense_1/vars/0")),
        "is a link": lambda g: g.__setitem__("0", h5py.ExternalLink("other.h5", "/x")),
        "elsewhere": lambda g: g.create_dataset("0", (6, 4), "f4", external=[(str(secret), 0, 96)]),
        "packed": lambda g: g.create_dataset("0", (6, 4), "f4", compression="lzf"),
        "shape": lambda g: g.create_dataset("0", (10**9,), "f4", chunks=(1000,), compression="gzip"),
        "no numbers": lambda g: g.create_dataset("0", data=np.zeros((6, 4), "S4")),
        "has no weights": lambda g: None,
    }
    for reason, make in makers.items():
        with pytest.raises(saving.BadModelFile, match=reason):
            network().load_weights(write(make))


def test_no_pickle_is_read_from_npz(tmp_path: Path) -> None:
    np.savez(tmp_path / "bad.npz", np.array([{}], object))
    with pytest.raises(saving.BadModelFile, match="bad"):
        network().load_weights(tmp_path / "bad.npz")
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", bytes(80 << 20))
    (tmp_path / "bad.npz").write_bytes(bomb.getvalue())
    with pytest.raises(saving.BadModelFile, match="unpack"):
        network().load_weights(tmp_path / "bad.npz")


def test_the_loader_knows_no_way_to_run_code() -> None:
    for path in Path(saving.__file__).parent.glob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert not any(
            word in text for word in ("eval(", "exec(", "import pickle", "marshal", "getattr(lamella", "__import__")
        )
