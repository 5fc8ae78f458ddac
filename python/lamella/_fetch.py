"""Finds, downloads and checks data files. Nothing is used before its size and digest have been compared."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import importlib.util
import io
import os
import stat
import sys
import tempfile
import time
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from . import _checks
from ._atomic import write_atomic
from ._optional import require
from ._warn import warn

BASE_URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"

_SCHEMES = ("https://",)
_TIMEOUT = (3, 30)  # seconds to connect, and between two pieces
_DEADLINE = 900  # seconds for a whole file: a server that trickles must not hold a program for ever


class DatasetError(ValueError, OSError):
    """A data file is there and is not what it should be.

    Example:
        >>> issubclass(DatasetError, ValueError), issubclass(DatasetError, OSError)
        (True, True)
    """


class DatasetNotFoundError(FileNotFoundError, ValueError):
    """A data file is nowhere to be found and could not be downloaded.

    Example:
        >>> from lamella.datasets import DatasetNotFoundError, digits, mnist
        >>> try:
        ...     data = mnist.load_data()
        ... except DatasetNotFoundError:
        ...     data = digits.load_data(num_train=100, num_test=10)
    """


class File(NamedTuple):
    """A published data file; size and digest are those of the uncompressed content, of the file itself if `packed`."""

    name: str
    digest: str  # SHA-256, or MD5 where nothing better was published
    size: int
    packed: bool = False


def hasher(digest: str) -> Any:
    """A fresh hash object of the kind that `digest` comes from, told by its length: SHA-256 or MD5.

    Example:
        >>> hasher("0" * 64).name, hasher("0" * 32).name
        ('sha256', 'md5')
    """
    return hashlib.md5(usedforsecurity=False) if len(digest) == 32 else hashlib.sha256()


def given_place(path: str | os.PathLike[str]) -> Path | None:
    """The existing file or folder that `path` points to; None for a bare name, which is to be looked up.

    Raises:
        DatasetNotFoundError: If `path` has a folder part and does not exist.
    """
    place, text = _checks.file_path("path", path), os.fspath(path)
    if not text:
        raise ValueError('`path` must name a file or a folder, got "". Leave it out for the default.')
    if place.exists():
        return place
    if len(place.parts) > 1 or any(separator in text for separator in (os.sep, os.altsep) if separator):
        raise DatasetNotFoundError(
            f"`path` must be an existing file or folder, got {text!r}, which does not exist. "
            "Correct it, or leave it out to have the data looked up and downloaded."
        )
    return None


def foreign_folders(subfolder: str) -> list[Path]:
    """Folders other people fill: $LAMELLA_DATA, `subfolder` in it, and Keras' data sets. Nothing in them is changed."""
    folders = []
    if data := os.environ.get("LAMELLA_DATA"):
        folders += [Path(data).expanduser(), Path(data).expanduser() / subfolder]
    if keras := keras_folder():
        folders.append(keras / "datasets")
    return list(dict.fromkeys(folders))


def keras_folder() -> Path | None:
    """Where Keras keeps what it downloads: $KERAS_HOME or ~/.keras."""
    if keras := os.environ.get("KERAS_HOME"):
        return Path(keras).expanduser()
    return home / ".keras" if (home := _home()) else None


def cache_folders() -> list[Path]:
    """Our cache folder, and the one in the temporary folder that serves when the first cannot be written."""
    user = "" if sys.platform == "win32" else f"-{os.getuid()}"
    folders = [Path(tempfile.gettempdir()) / f"lamella{user}"]
    home = _home()
    if own := os.environ.get("LAMELLA_HOME"):
        folders.insert(0, Path(own).expanduser())
    elif base := os.environ.get("LOCALAPPDATA" if sys.platform == "win32" else "XDG_CACHE_HOME"):
        folders.insert(0, Path(base) / "lamella")
    elif home:
        folders.insert(0, home / ("Library/Caches" if sys.platform == "darwin" else ".cache") / "lamella")
    return folders


def _home() -> Path | None:
    with contextlib.suppress(RuntimeError):
        return Path.home()
    return None


def read(path: Path, file: File, siblings: Iterable[File] = ()) -> bytes:
    """Reads a file, gunzipped if need be, and checks it; `siblings` are files it may have been mixed up with.

    Raises:
        DatasetError: If the content is not exactly `file`.
    """
    content, fault = _inspect(path, file, siblings)
    if fault:
        raise DatasetError(
            f"{path} is not the published {file.name}: {fault}. Replace it with a good copy, "
            "or delete it and call again to have it looked up elsewhere or downloaded."
        )
    return content


def _inspect(path: Path, file: File, siblings: Iterable[File] = ()) -> tuple[bytes, str]:
    if not stat.S_ISREG(path.stat().st_mode):  # a pipe or a device might never end
        return b"", "it is not a regular file"
    with path.open("rb") as stream:
        return _content(stream, file, siblings)


def _content(stream: io.BufferedIOBase | io.BytesIO, file: File, siblings: Iterable[File] = ()) -> tuple[bytes, str]:
    """The checked content of a stream and "", or b"" and what is wrong with it."""
    # Told by content, not by name: browsers and servers unzip on their own now and then.
    zipped = stream.read(2) == b"\x1f\x8b" and not file.packed
    stream.seek(0)
    try:
        # One byte more than expected is enough to know; a gzip bomb is not blown up.
        content = gzip.GzipFile(fileobj=stream).read(file.size + 1) if zipped else stream.read(file.size + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        return b"", f"it is cut off or damaged ({error})"
    kind = hasher(file.digest)
    kind.update(content)
    digest = kind.hexdigest()
    if digest == file.digest:
        return content, ""
    for other in siblings:
        if digest == other.digest:
            return b"", f"it holds {other.name}; the two were swapped"
    if len(content) > file.size:
        return b"", f"it is longer than the expected {file.size} bytes"
    if len(content) < file.size:
        return b"", f"it has {len(content)} bytes, expected {file.size}; it was probably cut off"
    return b"", f"its {'MD5' if kind.name == 'md5' else 'SHA-256'} is {digest}, expected {file.digest}"


def from_cache(file: File, subfolder: str = "") -> bytes | None:
    """Reads a file from our own cache; a bad one is deleted, with a warning, and counts as absent."""
    for folder in cache_folders():
        path = folder / subfolder / file.name
        try:
            content, fault = _inspect(path, file)
        except OSError:
            continue  # not there, or not ours to read
        if not fault:
            return content
        with contextlib.suppress(OSError):
            path.unlink()
        warn(f"{path} in lamella's cache is deleted, it is not the published {file.name}: {fault}.", RuntimeWarning)
    return None


def download(urls: Sequence[str], file: File, subfolder: str = "") -> bytes:
    """Downloads a file from the first address that serves it, checks it, and keeps it in our cache.

    Raises:
        DatasetNotFoundError: If no address served the right content, or pooch is missing; it says why for each.
    """
    pooch = downloader()
    faults = []
    for url in urls:
        content, fault = _request(pooch, url, file)
        if not fault:
            _keep(content, file, subfolder)
            return content
        faults.append(f"{url}: {fault}")
    raise DatasetNotFoundError("\n".join(faults))


def downloader() -> Any:
    """The module pooch.

    Raises:
        DatasetNotFoundError: If it is not installed, with the line that installs it.
    """
    try:
        return require("pooch", extra="datasets", purpose="download data sets")
    except ImportError as error:
        reason = str(error)
    raise DatasetNotFoundError(reason)


def is_secure(url: str) -> bool:
    """Whether an address starts with https://."""
    return url.startswith(_SCHEMES)


def transfer(pooch: Any, url: str, output: BinaryIO, **options: Any) -> None:
    """Writes what `url` sends to `output`; `options` are those of requests.get.

    Raises:
        DatasetError: If the address is not one of HTTPS.
        OSError: If the connection fails or stalls, or there is no such page.
    """
    if not is_secure(url):
        raise DatasetError(f"the address must start with {' or '.join(_SCHEMES)}, got {url!r}")
    bar = importlib.util.find_spec("tqdm") is not None
    pooch.HTTPDownloader(progressbar=bar, chunk_size=1 << 16, timeout=_TIMEOUT, **options)(url, output, None)


class _Bounded(io.BytesIO):
    """Memory for a download, which refuses more than it was made for in space and time."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.room = size
        self.end = time.monotonic() + _DEADLINE

    def write(self, piece: Any) -> int:
        self.room -= len(piece)
        if self.room < 0:
            raise DatasetError("the server sends more than the file should hold")
        if time.monotonic() > self.end:
            raise DatasetError(f"it took more than {_DEADLINE} seconds")
        return super().write(piece)


def _request(pooch: Any, url: str, file: File) -> tuple[bytes, str]:
    stream = _Bounded(file.size + (1 << 16))  # incompressible data grows a little under gzip
    try:
        # A redirect could lead off HTTPS, so none is followed; its page then fails the check below.
        transfer(pooch, url, stream, allow_redirects=False)
    except (OSError, ValueError) as error:  # requests' errors are OSErrors
        return b"", f"{type(error).__name__}: {error}"
    stream.seek(0)
    return _content(stream, file)


def _keep(content: bytes, file: File, subfolder: str) -> None:
    for folder in cache_folders():
        with contextlib.suppress(OSError):
            (folder / subfolder).mkdir(parents=True, exist_ok=True)
            write_atomic(folder / subfolder / file.name, content)
            return
    warn(
        f"{file.name} could not be kept: no cache folder can be written. Set LAMELLA_HOME to one that can.",
        RuntimeWarning,
    )
