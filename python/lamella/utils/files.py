"""Files from the web, downloaded once."""

from __future__ import annotations

import contextlib
import os
import re
import stat
import sys
import urllib.parse
from pathlib import Path
from typing import Any, BinaryIO

from .. import _fetch
from .._atomic import replacing
from .._checks import flag
from .._fetch import DatasetError, DatasetNotFoundError
from .._progress import write


def get_file(
    fname: str | os.PathLike[str] | None = None,
    origin: str | None = None,
    untar: bool = False,
    md5_hash: str | None = None,
    file_hash: str | None = None,
    cache_subdir: str | os.PathLike[str] = "datasets",
    hash_algorithm: str = "auto",
    extract: bool = False,
    archive_format: str = "auto",
    cache_dir: str | os.PathLike[str] | None = None,
    force_download: bool = False,
) -> str:
    """Downloads a file over HTTPS, unless it is there already, and says where it is.

    Nothing half downloaded or with a wrong hash is ever seen under the file's name.

    Args:
        fname: Name to keep it under; by default the last part of the address.
        origin: Its address.
        untar: Must be False: archives are not extracted here.
        md5_hash: Old form of `file_hash`.
        file_hash: SHA-256 or MD5 that the file must have, in hexadecimal digits.
        cache_subdir: Folder in the cache.
        hash_algorithm: ``"sha256"``, ``"md5"``, or ``"auto"`` to tell by the length.
        extract: Must be False, as `untar`.
        archive_format: Not used.
        cache_dir: The cache; by default lamella's own (``LAMELLA_HOME``). A good file in Keras' cache is used as well.
        force_download: Whether to download it even if it is there.

    Returns:
        The path of the file.

    Raises:
        DatasetNotFoundError: A FileNotFoundError and ValueError, if it cannot be downloaded.
        DatasetError: A ValueError and OSError, if what was downloaded has another hash.
        TypeError: If an argument is of the wrong kind.
        ValueError: If an argument cannot be used.

    Example:
        >>> path = get_file("words.txt", "https://example.com/words.txt")  # doctest: +SKIP
    """
    for name, value in (("extract", extract), ("untar", untar)):
        if flag("get_file", name, value):
            raise ValueError(
                f"get_file `{name}` must be False: archives can write outside of their folder, so none is extracted. "
                "Leave it out, and unpack the path it returns with "
                "tarfile.open(path).extractall(folder, filter='data') or zipfile.ZipFile(path).extractall(folder)."
            )
    if not isinstance(origin, str) or not _fetch.is_secure(origin):
        raise ValueError(f"get_file `origin` must be an address that starts with https://, got {origin!r}.")
    name = _name(fname, origin)
    digest = _digest(md5_hash, "md5") if file_hash is None and md5_hash else _digest(file_hash, hash_algorithm)
    subfolder = os.fspath(cache_subdir)
    if cache_dir is not None:
        folders = looked = [Path(cache_dir).expanduser() / subfolder]
    else:
        *own, shared = _fetch.cache_folders()
        folders = [folder / subfolder for folder in [*own, *([shared] if _is_private(shared) else [])]]
        looked = [*folders, *([keras / subfolder] if (keras := _fetch.keras_folder()) else [])]
    if not flag("get_file", "force_download", force_download):
        for folder in looked:
            if (folder / name).is_file() and _fits(folder / name, digest):
                return str(folder / name)
    pooch = _fetch.downloader()
    target = _writable(folders) / name
    write(f"Downloading data from {origin}\n")
    _download(pooch, origin, target, digest)
    return str(target)


def _name(fname: str | os.PathLike[str] | None, origin: str) -> str:
    if fname is not None and not isinstance(fname, (str, os.PathLike)):
        raise TypeError(f"get_file `fname` must be a str, got {fname!r} of type {type(fname).__name__}.")
    name = os.fspath(fname) if fname is not None else urllib.parse.urlsplit(origin).path.rpartition("/")[2]
    if not name or name in (".", "..") or re.search(r"[/\\:\x00-\x1f]", name):
        raise ValueError(
            f"get_file `fname` must be the name of a file, without folders, got {name!r}. "
            "Use `cache_dir` and `cache_subdir` for the folder."
        )
    return name


def _digest(digest: str | None, algorithm: str) -> str | None:
    if algorithm not in ("auto", "md5", "sha256"):
        raise ValueError(f'get_file `hash_algorithm` must be "auto", "md5" or "sha256", got {algorithm!r}.')
    if digest is None:
        return None
    lengths = {"md5": (32,), "sha256": (64,), "auto": (32, 64)}[algorithm]
    if not isinstance(digest, str) or len(digest) not in lengths or not re.fullmatch("[0-9a-fA-F]+", digest):
        raise ValueError(
            f"get_file `file_hash` must have {' or '.join(map(str, lengths))} hexadecimal digits, got {digest!r}."
        )
    return digest.lower()


def _is_private(folder: Path) -> bool:
    """Whether a folder among those of other users is not theirs, who could have left a file for us there."""
    if sys.platform == "win32" or not os.path.lexists(folder):
        return True
    status = folder.lstat()
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid() and not status.st_mode & stat.S_IWOTH


def _writable(folders: list[Path]) -> Path:
    """The first of `folders` that can be made and written.

    Raises:
        DatasetNotFoundError: If there is none.
    """
    for folder in folders:
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
        if folder.is_dir() and os.access(folder, os.W_OK):
            return folder
    raise DatasetNotFoundError(
        f"get_file `cache_dir` must be a folder that can be written, got {', '.join(map(str, folders)) or 'none'}. "
        "Pass another, or name one in LAMELLA_HOME."
    )


def _fits(path: Path, digest: str | None) -> bool:
    if digest is None:
        return True
    with path.open("rb") as stream:
        return _hash(stream, digest) == digest


def _hash(stream: BinaryIO, like: str) -> str:
    kind = _fetch.hasher(like)
    while piece := stream.read(1 << 20):
        kind.update(piece)
    return str(kind.hexdigest())


def _download(pooch: Any, origin: str, target: Path, digest: str | None) -> None:
    check = _Check()
    with replacing(target) as stream:
        reason = ""
        try:
            # Not to be zipped on the way: the hash is that of the file as it lies there.
            headers = {"Accept-Encoding": "identity"}
            _fetch.transfer(pooch, origin, stream, hooks={"response": check}, headers=headers)
        except (OSError, ValueError) as error:  # requests' errors are OSErrors
            reason = f"{type(error).__name__}: {error}"
        if not reason and check.length is not None and stream.tell() != check.length:
            reason = f"it broke off after {stream.tell()} of {check.length} bytes"
        if reason:
            raise DatasetNotFoundError(f"get_file `origin` {origin} could not be downloaded: {reason}.")
        stream.seek(0)
        if digest is not None and (found := _hash(stream, digest)) != digest:
            raise DatasetError(
                f"{origin} is incomplete, corrupted or another file: its hash is {found}, expected {digest}. "
                "Try again, or correct `file_hash`."
            )


class _Check:
    """Looks at each response: follows no redirect that leads off HTTPS, and notes how many bytes are promised."""

    length: int | None = None

    def __call__(self, response: Any, **_: Any) -> None:
        target = urllib.parse.urljoin(response.url, response.headers.get("location", ""))
        if not _fetch.is_secure(target):
            raise DatasetError(f"it redirects to {target}, which is not HTTPS")
        length = response.headers.get("content-length", "")
        self.length = int(length) if length.isdigit() and "content-encoding" not in response.headers else None
