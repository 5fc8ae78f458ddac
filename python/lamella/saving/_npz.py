"""`.npz`: weights alone, as NumPy reads them, with a checksum in an array of its own; never a pickle."""

from __future__ import annotations

import hashlib
import io
import zipfile
from typing import Any

import numpy as np

from ._errors import BadModelFile
from ._state import Array, State

_DIGEST = "sha256"
_ROOM = 64 << 20  # what a small file may unpack to


def dumps(state: State) -> bytes:
    """The bytes of a file."""
    names = [f"{i:04d}/{name}" for i, name in enumerate(state.names)]
    digest = np.frombuffer(_digest(names, state.weights), np.uint8)
    stream = io.BytesIO()
    members: dict[str, Any] = {**dict(zip(names, state.weights, strict=True)), _DIGEST: digest}
    np.savez(stream, **members)
    return stream.getvalue()


def loads(content: bytes) -> State:
    """What a file holds, all of it checked; without our checksum, arrays count in their order."""
    if not content:
        raise BadModelFile("it is empty")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            check_members(archive, len(content))
            arrays = {info.filename.removesuffix(".npy"): _array(archive, info) for info in archive.infolist()}
    except BadModelFile:
        raise
    except Exception as error:  # NumPy's parser raises what it likes, a tokenizer's errors among others
        raise BadModelFile(f"it is no whole .npz file ({type(error).__name__}: {str(error)[:100]})") from None
    given = arrays.pop(_DIGEST, None)
    names = list(arrays)
    weights = [arrays[name] for name in names]
    if given is not None and given.tobytes() != _digest(names, weights):
        raise BadModelFile("its SHA-256 differs: it was changed or damaged")
    if given is None and any(name[:4].isdigit() and name[4:5] == "/" for name in names):
        raise BadModelFile("its SHA-256 is missing: it was changed or damaged")
    return State(names, weights)


def check_members(archive: zipfile.ZipFile, size: int) -> None:
    """Refuses members that are there twice, encrypted, or unpack to much more than the file's size."""
    infos = archive.infolist()
    if len({info.filename for info in infos}) != len(infos):
        raise BadModelFile("it has a member twice")
    if sum(info.file_size for info in infos) > 2 * size + _ROOM:
        raise BadModelFile("it would unpack to much more than its size")
    for info in infos:
        if info.flag_bits & 1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise BadModelFile(f"its member {info.filename[:64]!r} is encrypted or compressed in an unknown way")


def _array(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Array:
    part = archive.read(info)
    array: Any = np.lib.format.read_array(io.BytesIO(part[: info.file_size]), allow_pickle=False)
    if array.dtype.kind not in "fiu" or not info.filename.endswith(".npy"):
        raise BadModelFile(f"its member {info.filename[:64]!r} is no array of numbers")
    return array  # type: ignore[no-any-return]


def _digest(names: list[str], weights: list[Array]) -> bytes:
    found = hashlib.sha256()
    for name, array in zip(names, weights, strict=True):
        found.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        found.update(np.ascontiguousarray(array).data)
    return found.digest()
