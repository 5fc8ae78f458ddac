"""Faults while files are written: kills, full disks, devices that fail. What was there before survives each of them."""

from __future__ import annotations

import builtins
import errno
import io
import os
import resource
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from kills import CONTENT, FILE, WRITERS, X, kill_often, leftovers, network

from lamella import _atomic, _fetch, callbacks, models

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork"),
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
]


@pytest.mark.parametrize("name", WRITERS)
def test_no_kill_loses_what_was_written_before(name: str, rng: np.random.Generator) -> None:
    assert kill_often(name, 10, rng)[0] == 0


@pytest.mark.parametrize("name", ["model.safetensors", "model.keras", "only.npz", "only.weights.h5"])
def test_what_the_killed_left_is_removed_by_a_later_save(name: str, tmp_path: Path) -> None:
    model = network()
    save = model.save if name.startswith("model") else model.save_weights
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    dead, alive = tmp_path / f".{name}.{child}.0123abcd.tmp", tmp_path / f".{name}.{os.getpid()}.0123abcd.tmp"
    young, other = tmp_path / f".{name}.{child}.4567abcd.tmp", tmp_path / f".other.{child}.0123abcd.tmp"
    for path in (dead, alive, young, other):
        path.write_bytes(b"rest")
    for path in (dead, alive, other):
        os.utime(path, (time.time() - 7200,) * 2)
    save(tmp_path / name)
    assert sorted(leftovers(tmp_path)) == sorted([alive, young, other])


# ---------------------------------------------------------------------- a device that fails at its N-th write


class Failing(io.FileIO):
    """A file whose N-th write (over all files) fails; half of it arrives."""

    left, error, closes = 0, errno.ENOSPC, False

    def write(self, piece: Any) -> int:
        Failing.left -= 1
        if Failing.left == 0:
            super().write(memoryview(piece)[: len(piece) // 2])
            raise OSError(Failing.error, os.strerror(Failing.error))
        return super().write(memoryview(piece)[:4096])  # as devices do: a part at a time


@contextmanager
def failing_at(number: int, error: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def open_failing(self: Path, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        if "x" in mode:
            return io.BufferedRandom(Failing(str(self), "xb+"), 4096)
        return builtins.open(self, mode, *args, **kwargs)

    Failing.left, Failing.error = number, error
    with monkeypatch.context() as patch:
        patch.setattr(_atomic.Path, "open", open_failing)
        yield


SAVES: dict[str, Callable[[Any, Path], Any]] = {
    "model.safetensors": lambda model, path: model.save(path),
    "model.keras": lambda model, path: model.save(path),
    "only.safetensors": lambda model, path: model.save_weights(path),
    "only.npz": lambda model, path: model.save_weights(path),
    "only.weights.h5": lambda model, path: model.save_weights(path),
    "checkpoint.keras": lambda model, path: model.fit(
        X, X[:, 0], verbose=0, callbacks=[callbacks.ModelCheckpoint(path)]
    ),
    "backup.safetensors": lambda model, path: model._write_backup(str(path), 1, 0),
}


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO], ids=["ENOSPC", "EIO"])
@pytest.mark.parametrize("name", SAVES)
def test_a_disk_that_fails_at_any_write_leaves_the_old_file(
    name: str, error: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, model = tmp_path / name, network()
    SAVES[name](model, path)
    old, failures = path.read_bytes(), 0
    for number in range(1, 1000):
        try:
            with failing_at(number, error, monkeypatch):
                SAVES[name](model, path)
        except OSError as caught:
            assert caught.errno == error
            assert path.read_bytes() == old and os.listdir(tmp_path) == [name]
            failures += 1
        else:
            break
    assert failures >= len(old) // 4096 and failures < 900
    assert os.listdir(tmp_path) == [name]


def test_a_data_cache_on_a_full_disk_keeps_nothing_and_serves_the_data(
    places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        failing_at(3, errno.ENOSPC, monkeypatch),
        pytest.MonkeyPatch.context() as patch,
        pytest.warns(RuntimeWarning, match="could not be kept"),
    ):
        patch.setattr(_fetch, "cache_folders", lambda: [places / "ours"])
        _fetch._keep(CONTENT, FILE, "")
    assert os.listdir(places / "ours") == []


# ---------------------------------------------------------------------- the system's own limits


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """RLIMIT_FSIZE: what a quota does; the signal that comes with it is ignored, as Python does not."""
    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize("name", SAVES)
def test_a_limit_on_the_size_of_files_leaves_the_old_file(name: str, tmp_path: Path) -> None:
    path, model = tmp_path / name, network()
    SAVES[name](model, path)
    old = path.read_bytes()
    for size in (0, 1, 4096, len(old) - 1):
        with files_of_at_most(size), pytest.raises(OSError, match="File too large"):
            SAVES[name](model, path)
        assert path.read_bytes() == old and os.listdir(tmp_path) == [name]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_the_log_of_a_fit_on_a_full_disk_is_an_error_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "log.csv").symlink_to("/dev/full")
    model = network()
    with pytest.raises(OSError) as caught:
        model.fit(X, X[:, 0], verbose=0, callbacks=[callbacks.CSVLogger(tmp_path / "log.csv")])
    assert caught.value.errno == errno.ENOSPC
    assert model.fit(X, X[:, 0], verbose=0).epoch == [0]


@pytest.mark.parametrize("name", [name for name in SAVES if name != "checkpoint.keras"])
def test_bad_targets_are_named(name: str, tmp_path: Path) -> None:
    model, save = network(), SAVES[name]
    with pytest.raises(FileNotFoundError, match="missing"):
        save(model, tmp_path / "missing" / name)
    (tmp_path / name).mkdir()
    with pytest.raises(IsADirectoryError, match=name):
        save(model, tmp_path / name)
    (tmp_path / "real").mkdir()
    link = tmp_path / "real" / name
    link.symlink_to(tmp_path / "real" / f"target-{name}")
    save(model, link)
    assert link.is_symlink() and (tmp_path / "real" / f"target-{name}").is_file()


def test_a_folder_that_cannot_be_written_is_a_permission_error() -> None:
    model = network()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.safetensors"
        model.save(path)
        os.chmod(folder, 0o555)
        child = os.fork()
        if child == 0:
            if os.geteuid() == 0:
                os.seteuid(65534)  # the superuser may write everywhere
            try:
                model.save(path)
            except PermissionError as error:
                os._exit(0 if "model.safetensors" in str(error) else 2)
            finally:
                os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert models.load_model(path).built and os.listdir(folder) == ["model.safetensors"]
        os.chmod(folder, 0o755)
