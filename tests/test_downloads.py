"""Downloads, our cache and atomic writes, with MNIST's loader as the one that asks."""

import os
import signal
import sys
import time
from pathlib import Path

import pytest
from stand_ins import assert_mnist, child, four, one, put

from lamella import _atomic, _fetch
from lamella.datasets import DatasetNotFoundError, fashion_mnist, mnist


def test_download_is_kept_and_not_repeated(files, mnist_server, tmp_path):
    put(mnist_server.folder, one(files))
    assert_mnist(mnist.load_data())
    assert os.listdir(tmp_path / "ours") == ["mnist.npz"]
    requests = len(mnist_server.requested)
    assert_mnist(mnist.load_data())
    assert len(mnist_server.requested) == requests


def test_four_files_come_from_the_second_mirror_when_the_npz_fails(files, mnist_server, tmp_path):
    put(mnist_server.folder, {"mnist.npz": b"<html>please log in</html>"})
    put(mnist_server.folder, four(files), zipped=True)
    assert_mnist(mnist.load_data())
    assert sorted(os.listdir(tmp_path / "ours" / "mnist")) == sorted(name + ".gz" for name in four(files))
    requests = len(mnist_server.requested)
    assert_mnist(mnist.load_data())
    assert len(mnist_server.requested) == requests


def test_bad_file_in_our_cache_is_deleted_and_fetched_again(files, mnist_server, tmp_path):
    path = put(tmp_path / "ours", {"mnist.npz": files["mnist.npz"][:-7]}) / "mnist.npz"
    put(mnist_server.folder, one(files))
    with pytest.warns(RuntimeWarning, match="in lamella's cache is deleted") as caught:
        assert_mnist(mnist.load_data())
    assert caught[0].filename == __file__
    assert path.read_bytes() == files["mnist.npz"]


def test_cache_that_cannot_be_written_falls_back_to_the_temporary_folder(files, mnist_server, tmp_path, monkeypatch):
    put(mnist_server.folder, one(files))
    (tmp_path / "ours").write_text("a file where the folder should be")
    assert_mnist(mnist.load_data())
    assert (_fetch.cache_folders()[-1] / "mnist.npz").exists()
    (_fetch.cache_folders()[-1] / "mnist.npz").unlink()
    monkeypatch.setattr(_fetch, "cache_folders", lambda: [tmp_path / "ours"])
    with pytest.warns(RuntimeWarning, match="LAMELLA_HOME"):
        assert_mnist(mnist.load_data())


@pytest.mark.parametrize("prepare", ["nothing", "oversized", "wrong", "redirect"])
def test_failed_download_is_one_error_that_says_what_to_do(files, mnist_server, tmp_path, monkeypatch, prepare):
    if prepare == "oversized":
        put(mnist_server.folder, {"mnist.npz": bytes(1 << 20)})
    elif prepare == "wrong":
        put(mnist_server.folder, {"mnist.npz": files["mnist.npz"][:-1] + b"x"})
    elif prepare == "redirect":
        put(mnist_server.folder, one(files))
        monkeypatch.setattr(mnist, "_NPZ_URLS", [mnist_server.url + "moved/mnist.npz"])
    with pytest.raises(FileNotFoundError) as caught:
        mnist.load_data()
    reason = {"nothing": "404", "oversized": "more than", "wrong": "SHA-256", "redirect": "0 bytes"}[prepare]
    for part in (reason, str(tmp_path / "data"), str(tmp_path / "keras"), "LAMELLA_DATA", "lamella.datasets.digits"):
        assert part in str(caught.value)
    assert caught.value.__cause__ is None and caught.value.__context__ is None
    assert not (tmp_path / "ours").exists()


def test_addresses_without_https_are_not_asked(files):
    pytest.importorskip("pooch")
    with pytest.raises(DatasetNotFoundError, match="must start with https"):
        _fetch.download(["http://127.0.0.1:9/mnist.npz"], mnist._NPZ)


def test_published_addresses_are_https():
    addresses = [_fetch.BASE_URL, *mnist._NPZ_URLS, *mnist._IDX_BASES, *fashion_mnist._BASES]
    assert all(url.startswith("https://") for url in addresses)


def test_no_network_is_one_error(files):
    pytest.importorskip("pooch")
    with pytest.raises(DatasetNotFoundError, match="could not be downloaded"):
        mnist.load_data()


def test_slow_download_ends_at_the_deadline(files, mnist_server, monkeypatch):
    put(mnist_server.folder, one(files))
    monkeypatch.setattr(_fetch, "_DEADLINE", -1)
    with pytest.raises(DatasetNotFoundError, match="took more than"):
        mnist.load_data()


def test_missing_pooch_is_one_error_with_the_install_line(files, monkeypatch):
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(DatasetNotFoundError, match=r'pip install "lamella\[datasets\]"') as caught:
        mnist.load_data()
    assert caught.value.__cause__ is None and caught.value.__context__ is None


def test_two_processes_downloading_at_once_both_succeed(files, mnist_server, tmp_path):
    put(mnist_server.folder, one(files))
    code = """
        import sys
        from lamella import _atomic, _fetch
        _fetch._SCHEMES = ("http://",)
        file = _fetch.File("mnist.npz", sys.argv[2], int(sys.argv[3]))
        print("ready", flush=True)
        for _ in range(20):
            assert len(_fetch.download([sys.argv[1]], file)) == file.size
            assert _fetch.from_cache(file) is not None
    """
    arguments = (mnist._NPZ_URLS[0], mnist._NPZ.digest, str(mnist._NPZ.size))
    children = [child(code, *arguments) for _ in range(2)]
    outcomes = [(process.communicate(timeout=60)[1], process.returncode) for process in children]
    assert [code for _, code in outcomes] == [0, 0], outcomes
    assert os.listdir(tmp_path / "ours") == ["mnist.npz"]


# --- writing ---


@pytest.mark.parametrize("function", ["fsync", "replace"])
def test_failing_write_leaves_the_old_file_and_no_temporary_one(tmp_path, monkeypatch, function):
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_atomic.os, function, fail)
    with pytest.raises(OSError, match="No space left"):
        _atomic.write_atomic(path, b"new")
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["file"]


def test_write_removes_temporary_files_of_the_dead(tmp_path):
    old, fresh = tmp_path / ".file.4194305.aaaaaaaa.tmp", tmp_path / ".file.4194305.bbbbbbbb.tmp"
    old.touch()
    fresh.touch()
    os.utime(old, (time.time() - 7200,) * 2)
    _atomic.write_atomic(tmp_path / "file", b"new")
    assert sorted(os.listdir(tmp_path)) == [".file.4194305.bbbbbbbb.tmp", "file"]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_killed_write_leaves_a_whole_file(tmp_path):
    path = tmp_path / "file"
    code = """
        import sys
        from pathlib import Path
        from lamella import _atomic
        while True:
            for letter in (b"a", b"b"):
                _atomic.write_atomic(Path(sys.argv[1]), letter * (1 << 20))
    """
    for i in range(4):
        process = child(code, str(path))
        begin = time.monotonic()
        while not path.exists() and time.monotonic() - begin < 30:
            time.sleep(0.01)
        time.sleep(0.013 * (i + 1))
        process.kill()
        process.communicate()
        content = path.read_bytes()
        assert content in (b"a" * (1 << 20), b"b" * (1 << 20))
        path.unlink()


# --- folders ---


def test_cache_folder_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.delenv("LAMELLA_HOME", raising=False)
    variable = "LOCALAPPDATA" if sys.platform == "win32" else "XDG_CACHE_HOME"
    monkeypatch.setenv(variable, str(tmp_path))
    assert _fetch.cache_folders()[0] == tmp_path / "lamella"
    monkeypatch.setenv("LAMELLA_HOME", str(tmp_path / "own"))
    assert _fetch.cache_folders()[0] == tmp_path / "own"
    monkeypatch.delenv("LAMELLA_HOME")
    monkeypatch.delenv(variable)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert _fetch.cache_folders()[0].is_relative_to(tmp_path)


def test_nothing_is_imported_for_downloads_until_needed():
    code = "import sys, lamella.datasets; assert not {'pooch', 'tqdm', 'requests'} & set(sys.modules)"
    process = child(code)
    _, fault = process.communicate(timeout=60)
    assert process.returncode == 0, fault
