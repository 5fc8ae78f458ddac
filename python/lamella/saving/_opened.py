"""An HDF5 file, read by h5py without believing it: hard links, known kinds, and sizes that the file can have."""

from __future__ import annotations

import contextlib
import hashlib
import io
import itertools
import math
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from .._optional import require
from . import _json
from ._errors import BadModelFile
from ._state import VERSION, Array

ROOM = 64 << 20  # what a small file may unpack to
OURS = "lamella"  # an attribute of the root, which Keras passes over
_DEFLATE, _SHUFFLE = 1, 2


def library() -> Any:
    """The module h5py."""
    return require("h5py", extra="keras", purpose="read and write files of Keras (.safetensors needs nothing)")


def digest(value: Array | bytes) -> str:
    """SHA-256 of a text, or of an array with its type and shape."""
    if isinstance(value, bytes):
        return hashlib.sha256(value).hexdigest()
    found = hashlib.sha256(f"{value.dtype.str} {value.shape}\n".encode())
    found.update(np.ascontiguousarray(value).data)
    return found.hexdigest()


def seal(training: dict[str, Any], parts: dict[str, Any]) -> bytes:
    """What lamella adds to a file: where training stands, and the checksums of its parts."""
    digests = {name: digest(part) for name, part in parts.items()}
    return _json.write({"version": VERSION, "training": training, "sha256": {**digests, OURS: _own(training)}})


def _own(training: Any) -> str:
    return digest(_json.write(training))


@contextlib.contextmanager
def opened(content: bytes) -> Iterator[Opened]:
    """The file in `content`; what HDF5 dislikes becomes a BadModelFile."""
    if not content:
        raise BadModelFile("it is empty")
    h5py = library()
    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            yield Opened(h5py, file, content)
    except (BadModelFile, ImportError):
        raise
    except Exception as error:  # HDF5's errors are of many kinds
        raise BadModelFile(f"it is no whole HDF5 file ({type(error).__name__}: {str(error)[:100]})") from None


class Opened:
    """An open file: arrays, names and texts by their paths."""

    def __init__(self, h5py: Any, file: Any, content: bytes) -> None:
        self._h5py, self.root, self._content = h5py, file, content
        self._room = 2 * len(content) + ROOM  # bytes that may still be read
        self._digests: dict[str, Any] | None = None
        self._measured: dict[str, int] = {}
        ours = _json.read((self.text(OURS) or "{}").encode(), OURS)
        if type(ours.get("version", 0)) is not int or ours.get("version", 0) > VERSION:
            raise BadModelFile(f"it was written by version {ours.get('version')!r}; this lamella reads up to {VERSION}")
        self.training: dict[str, Any] = {}
        if ours:
            training, digests = ours.get("training"), ours.get("sha256")
            if not isinstance(training, dict) or not isinstance(digests, dict) or digests.get(OURS) != _own(training):
                raise BadModelFile(f"its attribute {OURS!r} was changed or damaged")
            self.training, self._digests = training, digests

    def _check(self, name: str, value: Array | bytes) -> None:
        if self._digests is not None and self._digests.get(name) != digest(value):
            raise BadModelFile(f"the SHA-256 of its {name[:64]!r} differs: it was changed or damaged")

    def expect(self, shapes: list[tuple[int, ...]]) -> None:
        """Refuses weights that are much larger than the file, before memory is taken for them."""
        size = 4 * sum(map(math.prod, shapes))
        if size > self._room:
            raise BadModelFile(f"it has {len(self._content)} bytes, the weights of its model need {size}")

    def group(self, path: str) -> Any:
        """The group at a path, or None."""
        found = self._find(path)
        return found if isinstance(found, self._h5py.Group) else None

    def _find(self, path: str) -> Any:
        """The object at a path, by hard links only; None if there is none."""
        at = self.root
        for part in path.split("/"):
            if not isinstance(at, self._h5py.Group) or part not in at:
                return None
            if type(at.get(part, getlink=True)) is not self._h5py.HardLink:
                raise BadModelFile(f"its {path!r} is a link, which lamella does not follow")
            at = at[part]
        return at

    def array(self, path: str, shape: tuple[int, ...] | None, loose: bool = False) -> Array:
        """One dataset, of `shape` if that is known; if `loose`, what has another shape comes back empty."""
        found = self._find(path)
        if not isinstance(found, self._h5py.Dataset):
            raise BadModelFile(f"it has no weights {path!r}, which the model needs")
        properties = found.id.get_create_plist()
        filters = [properties.get_filter(i)[0] for i in range(properties.get_nfilters())]
        if found.external or found.is_virtual or {*filters} - {_DEFLATE, _SHUFFLE}:
            raise BadModelFile(f"its {path!r} lies elsewhere or is packed in an unknown way")
        if found.dtype.kind not in "fiu" or found.dtype.itemsize > 8:
            raise BadModelFile(f"its {path!r} holds {found.dtype}, no numbers")
        if shape is not None and found.shape != shape:
            if not loose:
                raise BadModelFile(f"its {path!r} has shape {found.shape}, the model needs {shape}")
            return np.empty((0, 0, 0), np.float32)  # not the model's: will be skipped
        self._room -= math.prod(found.shape) * found.dtype.itemsize
        if self._room < 0:
            raise BadModelFile(f"its {path!r} is larger than what its {len(self._content)} bytes can hold")
        values = np.asarray(found[()] if found.chunks is None else self._unpacked(found, filters, path))
        self._check(path, values)
        return values

    def _unpacked(self, found: Any, filters: list[int], path: str) -> Array:
        """A dataset in chunks. HDF5 would unpack a chunk to any size; here it must have the size that it says."""
        values, width = np.full(found.shape, found.fillvalue, found.dtype), found.dtype.itemsize
        size = math.prod(found.chunks) * width
        if size > 2 * values.nbytes + (1 << 20):
            raise BadModelFile(f"its {path!r} has chunks of {size} bytes for an array of {values.nbytes}")
        for index in range(found.id.get_num_chunks()):
            info = found.id.get_chunk_info(index)
            if info.size > len(self._content):
                raise BadModelFile(f"its {path!r} has a chunk that is larger than the file")
            skipped, part = found.id.read_direct_chunk(info.chunk_offset)
            for place, kind in reversed([*enumerate(filters)]):
                if kind == _DEFLATE and not skipped >> place & 1:
                    part = zlib.decompressobj().decompress(part, size + 1)
                elif kind == _SHUFFLE and not skipped >> place & 1 and len(part) == size:
                    part = np.frombuffer(part, np.uint8).reshape(width, -1).T.tobytes()
            if len(part) != size:
                raise BadModelFile(f"its {path!r} has a chunk of {len(part)} bytes instead of {size}")
            where = tuple(slice(at, at + n) for at, n in zip(info.chunk_offset, found.chunks, strict=True))
            inside = tuple(slice(0, n) for n in values[where].shape)
            values[where] = np.frombuffer(part, found.dtype).reshape(found.chunks)[inside]
        return values

    def names(self, group: Any, name: str) -> list[str]:
        """A list of names among a group's attributes; a long one lies in several, numbered from 0."""
        if name in group.attrs:
            return self._names(group, name)
        numbered = itertools.takewhile(lambda each: each in group.attrs, (f"{name}{i}" for i in itertools.count()))
        return [each for part in numbered for each in self._names(group, part)]

    def _names(self, group: Any, name: str) -> list[str]:
        if group.attrs.get_id(name).shape == (0,):
            return []
        value = self._attribute(group, name)
        if not isinstance(value, np.ndarray) or value.ndim != 1:
            raise BadModelFile(f"its attribute {name!r} is no list of names")
        return [_decoded(each) for each in value]

    def text(self, name: str) -> str | None:
        """A text among the root's attributes, or None."""
        if name not in self.root.attrs:
            return None
        value = self._attribute(self.root, name)
        if not isinstance(value, (str, bytes)):
            raise BadModelFile(f"its attribute {name!r} is no text")
        text = _decoded(value)
        if name != OURS:
            self._check(name, text.encode("utf-8"))
        return text

    def _attribute(self, group: Any, name: str) -> Any:
        """Texts, of no more bytes than the file has: HDF5 takes memory for what they claim before it looks."""
        if name not in self._measured:
            self._measured[name] = max(_sizes(self._content, name.encode("utf-8") + b"\0"), default=0)
        identifier = group.attrs.get_id(name)
        size, most = max(identifier.get_storage_size(), self._measured[name]), min(len(self._content), _json.MOST_BYTES)
        if self._h5py.check_string_dtype(identifier.dtype) is None or size > most:
            raise BadModelFile(f"its attribute {name!r} is no text of at most {most} bytes")
        return group.attrs[name]


def _decoded(value: str | bytes) -> str:
    return value.decode("utf-8") if isinstance(value, bytes) else value


def _sizes(content: bytes, name: bytes) -> Iterator[int]:
    """How long the texts of variable length claim to be, all together, in each attribute of a name.

    An attribute is version, flags, sizes of name, type and space, these three, which version 1 pads to eights, and for
    each text its length and place. A type's first byte ends in 9 for variable length; a space has rank and extents.
    """
    at = content.find(name)
    while at >= 0:
        for version, head in ((1, 8), (2, 8), (3, 9)):
            first, unit = at - head, 8 if version == 1 else 1
            sizes = [_number(content, first + i, 2) for i in (2, 4, 6)]
            kind, space, data = [*itertools.accumulate((size + -size % unit for size in sizes), initial=at)][1:]
            if first >= 0 and content[first] == version and sizes[0] == len(name) and content[kind] & 15 == 9:
                extents = space + (8 if content[space] == 1 else 4)
                count = math.prod(_number(content, extents + 8 * i, 8) for i in range(content[space + 1]))
                yield sum(_number(content, i, 4) for i in range(data, min(data + 16 * count, len(content)), 16))
        at = content.find(name, at + 1)


def _number(content: bytes, at: int, width: int) -> int:
    return int.from_bytes(content[at : at + width], "little")
