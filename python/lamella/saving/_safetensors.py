"""`.safetensors`: a length, a JSON header, numbers. Ours carry the configs and a SHA-256 in the header's metadata."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from . import _json
from ._errors import BadModelFile
from ._state import VERSION, Array, State

_TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4"}
_NAMES = {np.dtype(code): name for name, code in _TYPES.items()}
_OURS = ("config", "compile_config", "training")


def dumps(state: State) -> bytes:
    """The bytes of a file."""
    names = [*state.names, *(f"optimizer/{i}" for i in range(len(state.optimizer)))]
    if len({*names}) != len(names):  # names of layers are the user's
        names = [f"{i}/{name}" for i, name in enumerate(names)]
    arrays = [np.asarray(each, order="C") for each in (*state.weights, *state.optimizer)]
    parts = [each.astype(each.dtype.newbyteorder("<"), copy=False).data for each in arrays]
    header: dict[str, Any] = {}
    end = 0
    for name, array, part in zip(names, arrays, parts, strict=True):
        begin, end = end, end + part.nbytes
        header[name] = {"dtype": _NAMES[array.dtype], "shape": list(array.shape), "data_offsets": [begin, end]}
    ours = {key: getattr(state, key) for key in _OURS}
    metadata = {
        "format": "lamella",
        "version": str(VERSION),
        "weights": str(len(state.weights)),
        **{key: _json.write(value).decode() for key, value in ours.items() if value},
    }
    header["__metadata__"] = metadata
    metadata["sha256"] = _digest(header, *parts)
    text = _json.write(header)
    if len(text) > _json.MOST_BYTES:
        raise ValueError(f"The config of the model has {len(text)} bytes, at most {_json.MOST_BYTES} can be saved.")
    text += b" " * (-len(text) % 8)
    return b"".join([len(text).to_bytes(8, "little"), text, *parts])


def loads(content: bytes) -> State:
    """What a file holds, all of it checked.

    Raises:
        BadModelFile: If it is not what it should be.
    """
    view = memoryview(content)
    if len(view) < 8:
        raise BadModelFile(f"it has {len(view)} bytes, no room for a header" if len(view) else "it is empty")
    size = int.from_bytes(view[:8], "little")
    if size > _json.MOST_BYTES:
        raise BadModelFile(f"it is no safetensors file: its header would have {size} bytes")
    if size > len(view) - 8:
        raise BadModelFile(f"it is cut off: it has {len(view)} bytes, its header needs {8 + size}")
    header = _json.read(bytes(view[8 : 8 + size]), "header")
    data = view[8 + size :]
    metadata = header.get("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise BadModelFile("its metadata are not strings")
    ours = metadata.get("format") == "lamella"
    if ours:
        _check_version(metadata.get("version", ""))
        given = metadata.pop("sha256", None)
        entries = _entries(header, len(data))
        if given is None or given != _digest(header, data):
            raise BadModelFile("its SHA-256 differs: it was changed or damaged")
    else:
        entries = _entries(header, len(data))
    arrays = {name: _array(entry, data) for name, entry in entries}
    names = list(arrays)
    if not ours:
        return State(names, [arrays[name] for name in names], training={"ordered": False})
    count = _count(metadata.get("weights", ""), len(names))
    read: dict[str, Any] = {key: _json.read(metadata[key].encode(), key) for key in _OURS if key in metadata}
    return State(names[:count], [arrays[n] for n in names[:count]], [arrays[n] for n in names[count:]], **read)


def _check_version(text: str) -> None:
    if not (text.isascii() and text.isdigit() and len(text) < 9 and int(text) <= VERSION):
        raise BadModelFile(f"it was written by version {text[:32]!r} of the format; this lamella reads up to {VERSION}")


def _count(text: str, most: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 9 and int(text) <= most):
        raise BadModelFile(f"it has {most} arrays and says {text[:32]!r} of them are weights")
    return int(text)


def _digest(header: dict[str, Any], *data: memoryview) -> str:
    """SHA-256 over the header without the digest itself, and the numbers."""
    import hashlib  # here, since it takes 3 of the milliseconds of `import lamella`

    found = hashlib.sha256(_json.write(header))
    for part in data:
        found.update(part)
    return found.hexdigest()


def _entries(header: dict[str, Any], size: int) -> list[tuple[str, dict[str, Any]]]:
    """The header's entries in the order of their numbers, which must fill the file exactly."""
    entries = [(name, entry) for name, entry in header.items() if name != "__metadata__"]
    for name, entry in entries:
        if not isinstance(entry, dict) or {*entry} != {"dtype", "shape", "data_offsets"}:
            raise BadModelFile(f"its entry {name[:64]!r} is not dtype, shape and data_offsets")
        shape, offsets = entry["shape"], entry["data_offsets"]
        if not (_whole(shape) and _whole(offsets) and len(offsets) == 2 and len(shape) <= 32):
            raise BadModelFile(f"its entry {name[:64]!r} has a wrong shape or offsets")
        if not isinstance(entry["dtype"], str) or entry["dtype"] not in _TYPES:
            raise BadModelFile(f"its entry {name[:64]!r} has another dtype than {', '.join(_TYPES)}")
        if offsets[1] - offsets[0] != math.prod(shape) * np.dtype(_TYPES[entry["dtype"]]).itemsize:
            raise BadModelFile(f"its entry {name[:64]!r} has a shape that does not fit its offsets")
    entries.sort(key=lambda item: item[1]["data_offsets"])
    end = 0
    for name, entry in entries:
        if entry["data_offsets"][0] != end:
            raise BadModelFile(f"the numbers of {name[:64]!r} do not begin where those before it end")
        end = entry["data_offsets"][1]
    if end != size:
        raise BadModelFile(f"it has {size} bytes of numbers, its header names {end}")
    return entries


def _whole(values: Any) -> bool:
    return isinstance(values, list) and all(type(v) is int and 0 <= v < 2**48 for v in values)


def _array(entry: dict[str, Any], data: memoryview) -> Array:
    first, last = entry["data_offsets"]
    return np.frombuffer(data[first:last], _TYPES[entry["dtype"]]).reshape(entry["shape"])
