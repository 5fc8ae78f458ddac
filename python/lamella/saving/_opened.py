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
from ._heaps import claimed_by
from ._state import VERSION, Array

ROOM = 64 << 20  # what a small file may unpack to
OURS = "lamella"  # a dataset and an attribute of the root, which Keras passes over
_DEFLATE, _SHUFFLE = 1, 2
_SIGNATURE = b"\x89HDF\r\n\x1a\n"  # at the start, where no program has put its own block


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


def seal(file: Any, training: dict[str, Any], parts: dict[str, Any]) -> None:
    """Adds what only lamella writes to an open file: where training stands, and the checksums of its parts.

    It is a row of bytes in place: strings of any length lie in a heap, over whose damage HDF5 may loop for ever.
    """
    digests = {name: digest(part) for name, part in parts.items()}
    text = _json.write({"version": VERSION, "training": training, "sha256": {**digests, OURS: _own(training)}})
    file[OURS] = np.frombuffer(text, np.uint8)
    file.attrs[OURS] = VERSION  # a second mark: a damaged name does not make the file one of Keras


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
        self._read: set[str] = set()
        self._found: dict[str, Any] = {}
        self.training: dict[str, Any] = {}
        if OURS not in self.root.attrs and OURS not in self.root:
            return
        text = self.array(OURS, None)
        if OURS not in self.root.attrs or text.dtype != np.uint8 or text.ndim != 1:
            raise BadModelFile(f"its part {OURS!r} was changed or damaged")
        ours = _json.read(text.tobytes(), OURS)
        if type(ours.get("version", 0)) is not int or ours.get("version", 0) > VERSION:
            raise BadModelFile(f"it was written by version {ours.get('version')!r}; this lamella reads up to {VERSION}")
        training, digests = ours.get("training"), ours.get("sha256")
        if not isinstance(training, dict) or not isinstance(digests, dict) or digests.get(OURS) != _own(training):
            raise BadModelFile(f"its part {OURS!r} was changed or damaged")
        self.training, self._digests = training, digests

    def _check(self, name: str, value: Array | bytes | None) -> None:
        """Compares a part with its checksum, in a file that has them; None if the part is missing."""
        self._read.add(name)
        if self._digests is not None and self._digests.get(name) != (None if value is None else digest(value)):
            raise BadModelFile(f"the SHA-256 of its {name[:64]!r} differs: it was changed or damaged")

    def finish(self, *others: str) -> None:
        """Refuses a file that should have parts which were not read, beside `others`."""
        missing = {*(self._digests or {})} - self._read - {OURS, *others}
        if missing:
            raise BadModelFile(f"it lacks {min(missing)[:64]!r}: it was changed or damaged")

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
        if path not in self._found:
            above, _, name = path.rpartition("/")
            at = self._find(above) if above else self.root
            link = at.get(name, getlink=True) if isinstance(at, self._h5py.Group) else None
            if link is not None and type(link) is not self._h5py.HardLink:
                raise BadModelFile(f"its {path!r} is a link, which lamella does not follow")
            self._found[path] = None if link is None else at[name]
        return self._found[path]

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
        values = self._in_place(found) if found.chunks is None else self._unpacked(found, filters, path)
        self._check(path, values)
        return values

    def _in_place(self, found: Any) -> Array:
        """A dataset in one piece: a view of the file's bytes where they are that, else a copy."""
        place, size = found.id.get_offset(), math.prod(found.shape) * found.dtype.itemsize
        if place is None or not self._content.startswith(_SIGNATURE) or place + size > len(self._content):
            return np.asarray(found[()])
        return np.frombuffer(self._content, found.dtype, math.prod(found.shape), place).reshape(found.shape)

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

    def names(self, path: str, name: str) -> list[str]:
        """A list of names among a group's attributes; a long one lies in several, numbered from 0."""
        group = self.group(path) if path else self.root
        if group is None:
            raise BadModelFile(f"it has no group {path[:64]!r}")
        numbered = itertools.takewhile(lambda each: each in group.attrs, (f"{name}{i}" for i in itertools.count()))
        parts = [name] if name in group.attrs else [*numbered]
        found = [each for part in parts for each in self._names(group, part)]
        self._check(f"{path}@{name}", b"\0".join(each.encode("utf-8") for each in found))
        return found

    def _names(self, group: Any, name: str) -> list[str]:
        if group.attrs.get_id(name).shape == (0,):
            return []
        value = self._attribute(group, name)
        if not isinstance(value, np.ndarray) or value.ndim != 1:
            raise BadModelFile(f"its attribute {name!r} is no list of names")
        return [_decoded(each) for each in value]

    def text(self, name: str) -> str | None:
        """A text among the root's attributes, or None."""
        value = self._attribute(self.root, name) if name in self.root.attrs else None
        if value is not None and not isinstance(value, (str, bytes)):
            raise BadModelFile(f"its attribute {name!r} is no text")
        text = None if value is None else _decoded(value)
        self._check(name, None if text is None else text.encode("utf-8"))
        return text

    def _attribute(self, group: Any, name: str) -> Any:
        """Texts, of no more bytes than the file has: HDF5 takes memory for what they claim before it looks."""
        identifier = group.attrs.get_id(name)
        kind, most = self._h5py.check_string_dtype(identifier.dtype), min(len(self._content), _json.MOST_BYTES)
        size = identifier.get_storage_size()
        if kind is not None and kind.length is None:
            size = max(size, claimed_by(self._content, name))
        if kind is None or size > most:
            raise BadModelFile(f"its attribute {name!r} is no text of at most {most} bytes")
        return group.attrs[name]


def _decoded(value: str | bytes) -> str:
    return value.decode("utf-8") if isinstance(value, bytes) else value
