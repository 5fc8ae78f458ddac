"""The MNIST loader, on tiny stand-ins for its files, and on the real ones where LAMELLA_DATA names them."""

import gzip
import os

import numpy as np
import pytest
from stand_ins import MNIST, assert_mnist, entry, four, npz, one, publish_mnist, put

from lamella import _fetch
from lamella.datasets import DatasetError, DatasetNotFoundError, mnist

REAL = os.environ.get("LAMELLA_DATA")


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
    assert_mnist(mnist.load_data())


@pytest.mark.parametrize("which", [0, -1], ids=["cache", "temporary"])
@pytest.mark.parametrize("kind", ["npz", "gz"])
def test_bare_name_is_found_in_our_cache(files, which, kind):
    folder = _fetch.cache_folders()[which]
    if kind == "npz":
        put(folder, one(files))
    else:
        put(folder / "mnist", four(files), zipped=True)
    assert_mnist(mnist.load_data())


def test_given_file_folder_or_member_is_used(files, tmp_path, monkeypatch):
    folder = put(tmp_path / "mine", four(files), zipped=True)
    file = put(tmp_path / "other", {"renamed.npz": files["mnist.npz"]}) / "renamed.npz"
    for path in (folder, str(folder), folder / "train-labels-idx1-ubyte.gz", file, str(file)):
        assert_mnist(mnist.load_data(path))
    monkeypatch.chdir(tmp_path)
    assert_mnist(mnist.load_data("mine"))
    assert_mnist(mnist.load_data(os.path.join("other", "renamed.npz")))


def test_gzip_is_told_by_content_not_by_name(files, tmp_path):
    names = {name + ".gz": content for name, content in four(files).items()}
    assert_mnist(mnist.load_data(put(tmp_path / "unzipped", names)))


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
        "labels from 0 to 9, got 10": {**MNIST, "y_test": np.array([1, 2, 10], np.uint8)},
        r"`x_test` must be uint8 of shape \(3, 2, 2\)": {**MNIST, "x_test": MNIST["x_test"][:2]},
        "got int16": {**MNIST, "y_train": MNIST["y_train"].astype(np.int16)},
    }
    for message, arrays in bad.items():
        contents = publish_mnist(monkeypatch, arrays)
        with pytest.raises(DatasetError, match=message):
            mnist.load_data(put(tmp_path / "bad", one(contents)))


def test_npz_with_pickles_or_missing_arrays_is_refused(files, monkeypatch, tmp_path):
    for arrays in ({**MNIST, "y_test": np.array([{}, {}, {}], dtype=object)}, {"x_train": MNIST["x_train"]}):
        content = npz(arrays)
        monkeypatch.setattr(mnist, "_NPZ", entry("mnist.npz", content))
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
