"""`.weights.h5` of Keras 3: groups named after the classes of layers, numbered; read by h5py.

Ours carry a SHA-256 of the numbers and their places in an attribute of the root, which Keras passes over.
"""

from __future__ import annotations

import hashlib
import io
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from .._optional import require
from ._errors import BadModelFile
from ._state import Array, State, layout_of

_FILTERS = {1, 2}  # gzip, shuffle
_DIGEST = "lamella_sha256"


def _h5py() -> Any:
    return require("h5py", extra="keras", purpose="read and write files of Keras (.safetensors needs nothing)")


def dumps(state: State) -> bytes:
    """The bytes of a file; the layout comes with the state."""
    stream = io.BytesIO()
    weights = iter(state.weights)
    digest = hashlib.sha256()
    with _h5py().File(stream, "w") as file:
        for path, name, count in state.layout:
            variables = file.create_group(f"{path}/vars" if path else "vars")
            variables.attrs["name"] = name
            for index in range(count):
                variables[str(index)] = value = next(weights)
                _add(digest, f"{variables.name}/{index}", value)
        if state.optimizer:
            variables = file.create_group("optimizer/vars")
            for index, value in enumerate(state.optimizer):
                variables[str(index)] = value
                _add(digest, f"{variables.name}/{index}", value)
        file.attrs[_DIGEST] = np.frombuffer(
            digest.digest(), np.uint8
        )  # strings of any length lie elsewhere in the file
    return stream.getvalue()


def loads_for(content: bytes, model: Any, skip_mismatch: bool = False) -> State:
    """The weights for a built model, and the optimizer's state if it is there."""
    if not content:
        raise BadModelFile("it is empty")
    shapes = [spec.shape for _, spec in model._weight_specs()]
    return read(content, layout_of(model, model._shape), shapes, model._weight_names(), skip_mismatch)


def read(
    content: bytes, layout: list[tuple[str, str, int]], shapes: list[Any], names: list[str], loose: bool = False
) -> State:
    """What `layout` asks for; every shape is compared before a number is read."""
    h5py = _h5py()
    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            places = [f"{path}/vars/{i}".lstrip("/") for path, _, count in layout for i in range(count)]
            weights = [_read(h5py, file, path, shape, loose) for path, shape in zip(places, shapes, strict=True)]
            optimizer = list(_optimizer(h5py, file, 4 * sum(map(math.prod, shapes)) + 4096))
            places += [f"optimizer/vars/{i}" for i in range(len(optimizer))]
            digest = hashlib.sha256()
            for path, value in zip(places, [*weights, *optimizer], strict=True):
                _add(digest, f"/{path}", value)
            if _DIGEST in file.attrs and _digest_in(file) != digest.digest() and not loose:
                raise BadModelFile("its SHA-256 differs: it was changed or damaged")
    except BadModelFile:
        raise
    except ImportError:
        raise
    except Exception as error:  # HDF5's errors are of many kinds
        raise BadModelFile(f"it is no whole HDF5 file ({type(error).__name__}: {str(error)[:100]})") from None
    return State(names, weights, optimizer)


def _add(digest: Any, path: str, value: Any) -> None:
    array = np.asarray(value)
    digest.update(f"{path} {array.dtype.str} {array.shape}\n".encode())
    digest.update(np.ascontiguousarray(array).data)


def _digest_in(file: Any) -> bytes:
    """Our digest, if it is 32 bytes in place: HDF5 loops for ever over damaged heaps, so nothing is read from one."""
    attribute = file.attrs.get_id(_DIGEST)
    return file.attrs[_DIGEST].tobytes() if attribute.shape == (32,) and attribute.dtype == np.uint8 else b""


def _find(h5py: Any, file: Any, path: str) -> Any:
    """The object at a path, by hard links only; None if there is none."""
    at = file
    for part in path.split("/"):
        if not isinstance(at, h5py.Group) or part not in at:
            return None
        if type(at.get(part, getlink=True)) is not h5py.HardLink:
            raise BadModelFile(f"its {path!r} is a link, which lamella does not follow")
        at = at[part]
    return at


def _read(h5py: Any, file: Any, path: str, shape: tuple[int, ...] | None, loose: bool = False) -> Array:
    """One dataset, of `shape` if that is known."""
    found = _find(h5py, file, path)
    if not isinstance(found, h5py.Dataset):
        raise BadModelFile(f"it has no weights {path!r}, which the model needs")
    properties = found.id.get_create_plist()
    filters = {properties.get_filter(i)[0] for i in range(properties.get_nfilters())}
    if found.external or found.is_virtual or filters - _FILTERS:
        raise BadModelFile(f"its {path!r} lies elsewhere or is packed in an unknown way")
    if found.dtype.kind not in "fiu" or found.dtype.itemsize > 8:
        raise BadModelFile(f"its {path!r} holds {found.dtype}, no numbers")
    if shape is not None and found.shape != shape and not loose:
        raise BadModelFile(f"its {path!r} has shape {found.shape}, the model needs {shape}")
    if shape is not None and found.shape != shape:
        return np.empty((0, 0, 0), np.float32)  # not the model's: will be skipped
    return np.asarray(found[()])


def _optimizer(h5py: Any, file: Any, most: int) -> Iterator[Array]:
    """The optimizer's variables, none of them larger than all weights."""
    group = _find(h5py, file, "optimizer/vars")
    for index in range(len(group) if isinstance(group, h5py.Group) else 0):
        member = _find(h5py, file, f"optimizer/vars/{index}")
        if not isinstance(member, h5py.Dataset) or math.prod(member.shape) * member.dtype.itemsize > 2 * most:
            raise BadModelFile(f"its 'optimizer/vars/{index}' is missing or larger than the model")
        yield _read(h5py, file, f"optimizer/vars/{index}", None)
