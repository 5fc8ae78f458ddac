"""The MNIST loader, on tiny stand-ins for its files, and on the real ones where LAMELLA_DATA names them."""

import functools
import gzip
import hashlib
import http.server
import io
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from lamella import _fetch
from lamella.datasets import DatasetError, DatasetNotFoundError, mnist

REAL = os.environ.get("LAMELLA_DATA")
ARRAYS = {
    "x_train": np.arange(6 * 4, dtype=np.uint8).reshape(6, 2, 2),
    "y_train": np.arange(6, dtype=np.uint8),
    "x_test": np.arange(100, 112, dtype=np.uint8).reshape(3, 2, 2),
    "y_test": np.array([9, 8, 7], np.uint8),
}


def idx(array):
    return bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape) + array.tobytes()


def npz(arrays):
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def publish(monkeypatch, arrays=ARRAYS):
    """Makes the loader believe that `arrays` are MNIST; returns the contents of its files."""
    contents = {mnist._IDX[key].name: idx(array) for key, array in arrays.items()}

    def entry(name, content):
        return _fetch.File(name, hashlib.sha256(content).hexdigest(), len(content))

    npz_content = npz(arrays)
    monkeypatch.setattr(mnist, "_IDX", {k: entry(mnist._IDX[k].name, idx(a)) for k, a in arrays.items()})
    monkeypatch.setattr(mnist, "_NPZ", entry("mnist.npz", npz_content))
    monkeypatch.setattr(mnist, "_SHAPES", {key: array.shape for key, array in ARRAYS.items()})
    return {**contents, "mnist.npz": npz_content}


@pytest.fixture
def files(monkeypatch, tmp_path):
    """Tiny published files; empty caches; no network."""
    for name, folder in {"LAMELLA_DATA": "data", "KERAS_HOME": "keras", "LAMELLA_HOME": "ours"}.items():
        monkeypatch.setenv(name, str(tmp_path / folder))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(_fetch.tempfile, "gettempdir", lambda: str(tmp_path / "temp"))
    monkeypatch.setattr(mnist, "_NPZ_URLS", ["https://127.0.0.1:9/mnist.npz"])
    monkeypatch.setattr(mnist, "_IDX_BASES", ["https://127.0.0.1:9/"])
    return publish(monkeypatch)


def put(folder, contents, zipped=False):
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        path = folder / (name + ".gz" if zipped else name)
        path.write_bytes(gzip.compress(content) if zipped else content)
    return folder


def four(files):
    return {name: content for name, content in files.items() if name != "mnist.npz"}


def one(files):
    return {"mnist.npz": files["mnist.npz"]}


def assert_loaded(loaded):
    (x_train, y_train), (x_test, y_test) = loaded
    for key, array in zip(ARRAYS, (x_train, y_train, x_test, y_test), strict=True):
        assert array.dtype == np.uint8 and array.flags.writeable
        assert np.array_equal(array, ARRAYS[key])


# --- files that are there ---


@pytest.mark.skipif(REAL is None, reason="LAMELLA_DATA does not name a folder with MNIST")
def test_real_mnist_has_its_shapes_and_numbers():
    (x_train, y_train), (x_test, y_test) = mnist.load_data()
    assert x_train.shape == (60000, 28, 28) and y_train.shape == (60000,)
    assert x_test.shape == (10000, 28, 28) and y_test.shape == (10000,)
    assert {a.dtype for a in (x_train, y_train, x_test, y_test)} == {np.dtype(np.uint8)}
    assert y_train[:5].tolist() == [5, 0, 4, 1, 9] and y_test[:5].tolist() == [7, 2, 1, 0, 4]
    assert round(float(x_train.mean()), 2) == 33.32


@pytest.mark.parametrize("where", ["data", "data/mnist", "keras/datasets"])
@pytest.mark.parametrize("kind", ["npz", "raw", "gz"])
def test_bare_name_is_found_in_the_folders_of_others(files, tmp_path, where, kind):
    put(tmp_path / where, one(files) if kind == "npz" else four(files), zipped=kind == "gz")
    assert_loaded(mnist.load_data())


@pytest.mark.parametrize("which", [0, -1], ids=["cache", "temporary"])
@pytest.mark.parametrize("kind", ["npz", "gz"])
def test_bare_name_is_found_in_our_cache(files, which, kind):
    folder = _fetch.cache_folders()[which]
    if kind == "npz":
        put(folder, one(files))
    else:
        put(folder / "mnist", four(files), zipped=True)
    assert_loaded(mnist.load_data())


def test_given_file_folder_or_member_is_used(files, tmp_path, monkeypatch):
    folder = put(tmp_path / "mine", four(files), zipped=True)
    file = put(tmp_path / "other", {"renamed.npz": files["mnist.npz"]}) / "renamed.npz"
    for path in (folder, str(folder), folder / "train-labels-idx1-ubyte.gz", file, str(file)):
        assert_loaded(mnist.load_data(path))
    monkeypatch.chdir(tmp_path)
    assert_loaded(mnist.load_data("mine"))
    assert_loaded(mnist.load_data(os.path.join("other", "renamed.npz")))


def test_gzip_is_told_by_content_not_by_name(files, tmp_path):
    names = {name + ".gz": content for name, content in four(files).items()}
    assert_loaded(mnist.load_data(put(tmp_path / "unzipped", names)))


@pytest.mark.parametrize("path", ["no/such.npz", "./none.npz", "{tmp}/none.npz"])
def test_given_path_that_does_not_exist_is_file_not_found(files, tmp_path, path):
    with pytest.raises(FileNotFoundError, match="`path` must be an existing file or folder") as caught:
        mnist.load_data(path.format(tmp=tmp_path))
    assert isinstance(caught.value, DatasetNotFoundError) and isinstance(caught.value, ValueError)


def test_folder_without_or_with_some_of_the_files_names_the_missing(files, tmp_path):
    with pytest.raises(DatasetNotFoundError, match="none of them"):
        mnist.load_data(put(tmp_path / "empty", {}))
    some = four(files)
    del some["t10k-labels-idx1-ubyte"]
    with pytest.raises(DatasetNotFoundError, match="missing: t10k-labels-idx1-ubyte"):
        mnist.load_data(put(tmp_path / "some", some))


@pytest.mark.parametrize(("path", "error"), [(None, TypeError), (3, TypeError), ("", ValueError)])
def test_path_that_is_no_path_is_refused(files, path, error):
    with pytest.raises(error, match="`path` must"):
        mnist.load_data(path)


# --- files that are wrong ---

IMAGES = "train-images-idx3-ubyte"
DAMAGE = {
    "truncated": (lambda content, _: content[:-1], "cut off"),
    "empty": (lambda content, _: b"", "cut off"),
    "oversized": (lambda content, _: content + b"x", "longer than the expected"),
    "changed": (lambda content, _: content[:-1] + b"\xff", "SHA-256 is"),
    "swapped": (lambda _, files: files["train-labels-idx1-ubyte"], "holds train-labels-idx1-ubyte"),
    "truncated gzip": (lambda content, _: gzip.compress(content)[:-5], "cut off or damaged"),
    "changed gzip": (lambda content, _: gzip.compress(content)[:12] + b"\xff" * 40, "cut off or damaged"),
    "bomb": (lambda _c, _f: gzip.compress(bytes(50_000_000)), "longer than the expected"),
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("where", ["given", "data", "keras/datasets"])
def test_bad_file_is_named_and_left_where_it_is(files, tmp_path, damage, where):
    make, message = DAMAGE[damage]
    folder = put(tmp_path / where, {**four(files), IMAGES: make(files[IMAGES], files)})
    with pytest.raises(DatasetError, match=message) as caught:
        mnist.load_data(folder) if where == "given" else mnist.load_data()
    assert str(folder / IMAGES) in str(caught.value)
    assert isinstance(caught.value, ValueError) and isinstance(caught.value, OSError)
    assert (folder / IMAGES).exists()


def test_wrong_npz_is_refused_before_it_is_parsed(files, tmp_path):
    path = put(tmp_path, {"mnist.npz": npz({"x_train": np.array([{}], dtype=object)})}) / "mnist.npz"
    with pytest.raises(DatasetError, match=r"mnist\.npz is not the published"):
        mnist.load_data(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_pipe_is_refused_instead_of_waited_for(files, tmp_path):
    os.mkfifo(tmp_path / "mnist.npz")
    with pytest.raises(DatasetError, match="not a regular file"):
        mnist.load_data(tmp_path / "mnist.npz")


def test_shapes_dtypes_and_labels_are_checked_after_the_digest(files, monkeypatch, tmp_path):
    bad = {
        "labels from 0 to 9, got 10": {**ARRAYS, "y_test": np.array([1, 2, 10], np.uint8)},
        r"`x_test` must be uint8 of shape \(3, 2, 2\)": {**ARRAYS, "x_test": ARRAYS["x_test"][:2]},
        "got int16": {**ARRAYS, "y_train": ARRAYS["y_train"].astype(np.int16)},
    }
    for message, arrays in bad.items():
        contents = publish(monkeypatch, arrays)
        with pytest.raises(DatasetError, match=message):
            mnist.load_data(put(tmp_path / "bad", one(contents)))


def test_npz_with_pickles_or_missing_arrays_is_refused(files, monkeypatch, tmp_path):
    for arrays in ({**ARRAYS, "y_test": np.array([{}, {}, {}], dtype=object)}, {"x_train": ARRAYS["x_train"]}):
        content = npz(arrays)
        entry = _fetch.File("mnist.npz", hashlib.sha256(content).hexdigest(), len(content))
        monkeypatch.setattr(mnist, "_NPZ", entry)
        with pytest.raises(DatasetError, match=r"must be an \.npz file with the arrays") as caught:
            mnist.load_data(put(tmp_path / "bad", {"mnist.npz": content}))
        assert caught.value.__cause__ is None and caught.value.__context__ is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "starting 00 00 TYPE RANK"),
        (b"\x01\0\x08\x01\0\0\0\0", "starting 00 00 TYPE RANK"),
        (b"\0\0\x0a\x01\0\0\0\0", "starting 00 00 TYPE RANK"),
        (b"\0\0\x08\0", "1 to 8 axes"),
        (b"\0\0\x08\x09" + bytes(36), "1 to 8 axes"),
        (b"\0\0\x08\x03\0\0\0\1", "1 to 8 axes"),
        (b"\0\0\x08\x01\0\0\0\2a", "must have 10 bytes"),
        (b"\0\0\x08\x01\0\0\0\2abc", "must have 10 bytes"),
        (b"\0\0\x0e\x04" + b"\xff" * 16, "must have"),
    ],
)
def test_idx_with_a_wrong_header_or_length_is_refused(content, message):
    with pytest.raises(DatasetError, match=message):
        mnist.read_idx(content, "some file")


def test_idx_reads_big_endian_numbers():
    array = mnist.read_idx(b"\0\0\x0b\x02" + b"\0\0\0\1" + b"\0\0\0\2" + b"\1\0\xff\xff", "shorts")
    assert array.dtype == np.int16 and array.dtype.isnative and array.tolist() == [[256, -1]]


# --- downloads ---


class Handler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        if self.path.startswith("/moved/"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/moved"))
            self.end_headers()
        else:
            super().do_GET()

    def log_message(self, *_):
        self.server.requested.append(self.path)


@pytest.fixture
def server(files, tmp_path, monkeypatch):
    """A web server on this machine in place of the addresses; its `folder` is what it serves."""
    pytest.importorskip("pooch")
    folder = put(tmp_path / "served", {})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(folder)))
    server.folder, server.requested = folder, []
    server.url = f"http://127.0.0.1:{server.server_port}/"
    monkeypatch.setattr(_fetch, "_SCHEMES", ("http://",))
    monkeypatch.setattr(mnist, "_NPZ_URLS", [server.url + "mnist.npz"])
    monkeypatch.setattr(mnist, "_IDX_BASES", [server.url + "broken/", server.url])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_download_is_kept_and_not_repeated(files, server, tmp_path):
    put(server.folder, one(files))
    assert_loaded(mnist.load_data())
    assert os.listdir(tmp_path / "ours") == ["mnist.npz"]
    requests = len(server.requested)
    assert_loaded(mnist.load_data())
    assert len(server.requested) == requests


def test_four_files_come_from_the_second_mirror_when_the_npz_fails(files, server, tmp_path):
    put(server.folder, {"mnist.npz": b"<html>please log in</html>"})
    put(server.folder, four(files), zipped=True)
    assert_loaded(mnist.load_data())
    assert sorted(os.listdir(tmp_path / "ours" / "mnist")) == sorted(name + ".gz" for name in four(files))
    requests = len(server.requested)
    assert_loaded(mnist.load_data())
    assert len(server.requested) == requests


def test_bad_file_in_our_cache_is_deleted_and_fetched_again(files, server, tmp_path):
    path = put(tmp_path / "ours", {"mnist.npz": files["mnist.npz"][:-7]}) / "mnist.npz"
    put(server.folder, one(files))
    with pytest.warns(RuntimeWarning, match="in lamella's cache is deleted") as caught:
        assert_loaded(mnist.load_data())
    assert caught[0].filename == __file__
    assert path.read_bytes() == files["mnist.npz"]


def test_cache_that_cannot_be_written_falls_back_to_the_temporary_folder(files, server, tmp_path, monkeypatch):
    put(server.folder, one(files))
    (tmp_path / "ours").write_text("a file where the folder should be")
    assert_loaded(mnist.load_data())
    assert (_fetch.cache_folders()[-1] / "mnist.npz").exists()
    (_fetch.cache_folders()[-1] / "mnist.npz").unlink()
    monkeypatch.setattr(_fetch, "cache_folders", lambda: [tmp_path / "ours"])
    with pytest.warns(RuntimeWarning, match="LAMELLA_HOME"):
        assert_loaded(mnist.load_data())


@pytest.mark.parametrize("prepare", ["nothing", "oversized", "wrong", "redirect"])
def test_failed_download_is_one_error_that_says_what_to_do(files, server, tmp_path, monkeypatch, prepare):
    if prepare == "oversized":
        put(server.folder, {"mnist.npz": bytes(1 << 20)})
    elif prepare == "wrong":
        put(server.folder, {"mnist.npz": files["mnist.npz"][:-1] + b"x"})
    elif prepare == "redirect":
        put(server.folder, one(files))
        monkeypatch.setattr(mnist, "_NPZ_URLS", [server.url + "moved/mnist.npz"])
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
    assert all(url.startswith("https://") for url in [_fetch.BASE_URL, *mnist._NPZ_URLS, *mnist._IDX_BASES])


def test_no_network_is_one_error(files):
    pytest.importorskip("pooch")
    with pytest.raises(DatasetNotFoundError, match="could not be downloaded"):
        mnist.load_data()


def test_slow_download_ends_at_the_deadline(files, server, monkeypatch):
    put(server.folder, one(files))
    monkeypatch.setattr(_fetch, "_DEADLINE", -1)
    with pytest.raises(DatasetNotFoundError, match="took more than"):
        mnist.load_data()


def test_missing_pooch_is_one_error_with_the_install_line(files, monkeypatch):
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(DatasetNotFoundError, match=r'pip install "lamella\[datasets\]"') as caught:
        mnist.load_data()
    assert caught.value.__cause__ is None and caught.value.__context__ is None


def child(code, *arguments):
    """Starts Python with `code`, which finds what this process finds."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def test_two_processes_downloading_at_once_both_succeed(files, server, tmp_path):
    put(server.folder, one(files))
    code = """
        import sys
        from lamella import _fetch
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

    monkeypatch.setattr(_fetch.os, function, fail)
    with pytest.raises(OSError, match="No space left"):
        _fetch.write_atomic(path, b"new")
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["file"]


def test_write_removes_temporary_files_of_the_dead(tmp_path):
    old, fresh = tmp_path / ".file.1.aa.tmp", tmp_path / ".file.2.bb.tmp"
    old.touch()
    fresh.touch()
    os.utime(old, (time.time() - 7200,) * 2)
    _fetch.write_atomic(tmp_path / "file", b"new")
    assert sorted(os.listdir(tmp_path)) == [".file.2.bb.tmp", "file"]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_killed_write_leaves_a_whole_file(tmp_path):
    path = tmp_path / "file"
    code = """
        import sys
        from pathlib import Path
        from lamella import _fetch
        while True:
            for letter in (b"a", b"b"):
                _fetch.write_atomic(Path(sys.argv[1]), letter * (1 << 20))
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
