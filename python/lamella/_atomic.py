"""Writes that are all or nothing: at every moment, kills included, a file is the old one or the new one."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_STALE = 3600  # seconds after which the temporary file of a process that is gone is removed


def write_atomic(path: Path, content: bytes) -> None:
    """Writes a file so that at every moment `path` holds all of the old content or all of the new."""
    with replacing(path) as stream:
        stream.write(content)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A stream that becomes the file `path` when the block ends, and vanishes if it fails.

    Where `path` is a symbolic link, the file that it points to is replaced.

    Raises:
        OSError: As writing does: the folder is missing or read-only, the disk is full. The old file is as it was.
            Also where `path` is a device, a pipe or a socket: replacing it would destroy it.
    """
    if path.exists() and not path.is_file() and not path.is_dir():
        raise OSError(f"{path} is a device, a pipe or a socket, no regular file; give the name of a file.")
    path = path.resolve() if path.is_symlink() else path
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder; give the name of a file.")
    if path.parent.exists() and not path.parent.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, "This is a file, not a folder to write into", str(path.parent))
    if not path.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "No such folder; create it first", str(path.parent))
    _remove_stale(path)
    temporary = path.with_name(f".{_stem(path)}.{os.getpid()}.{os.urandom(4).hex()}.tmp")
    try:
        stream = temporary.open("x+b")
    except OSError as error:
        error.filename = str(path)  # the name that the caller knows
        raise
    try:
        with stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if sys.platform != "win32":  # the new name itself must reach the disk; Windows cannot open folders
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _stem(path: Path) -> str:
    """The file's name, or where that leaves no room for more in a name of 255 bytes, its digest."""
    name = os.fsencode(path.name)
    if len(name) <= 200:
        return path.name
    import hashlib  # here, since it takes 3 of the milliseconds of `import lamella`

    return hashlib.sha256(name).hexdigest()


def _remove_stale(path: Path) -> None:
    """Removes what killed processes left beside `path`."""
    own = re.compile(rf"\.{re.escape(_stem(path))}\.(\d+)\.[0-9a-f]{{8}}\.tmp")
    with contextlib.suppress(OSError):
        for other in path.parent.iterdir():
            found = own.fullmatch(other.name)
            if found and time.time() - other.stat().st_mtime > _STALE and not _runs(int(found[1])):
                other.unlink()


def _runs(pid: int) -> bool:
    """Whether a process runs; another user's does, for all that we can tell."""
    if sys.platform == "win32":
        return False  # an hour is long enough there
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True
