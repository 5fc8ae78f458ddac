"""Fashion-MNIST, on small stand-ins that are zipped and told apart by the digest of the zipped file."""

import gzip
import os

import numpy as np
import pytest
from stand_ins import MNIST, assert_mnist, entry, idx, one, put

from lamella.datasets import DatasetError, DatasetNotFoundError, fashion_mnist, mnist

FOLDER = "fashion-mnist"


def publish(monkeypatch, contents):
    entries = {}
    for key, content in contents.items():
        entries[key] = entry(fashion_mnist._FILES[key].name, content, packed=True)
    monkeypatch.setattr(fashion_mnist, "_FILES", entries)
    return {entries[key].name: content for key, content in contents.items()}


@pytest.fixture
def clothes(places, monkeypatch):
    """The four files by name; nothing is put anywhere."""
    monkeypatch.setattr(fashion_mnist, "_SHAPES", {key: array.shape for key, array in MNIST.items()})
    monkeypatch.setattr(fashion_mnist, "_BASES", ["https://127.0.0.1:9/"])
    return publish(monkeypatch, {key: gzip.compress(idx(array)) for key, array in MNIST.items()})


@pytest.mark.parametrize("where", [f"data/{FOLDER}", f"keras/datasets/{FOLDER}", f"ours/{FOLDER}"])
def test_files_are_found_in_their_folder_of_every_place(clothes, places, where):
    put(places / where, clothes)
    assert_mnist(fashion_mnist.load_data())


def test_files_of_mnist_with_the_same_names_are_not_taken_for_clothes(clothes, places, monkeypatch):
    pytest.importorskip("pooch")
    for where in ("data", "data/mnist", "ours/mnist", "here"):
        put(places / where, {name: gzip.compress(b"digits") for name in clothes})
    monkeypatch.chdir(places / "here")
    with pytest.raises(DatasetNotFoundError, match="could not be downloaded"):
        fashion_mnist.load_data()


def test_mnist_does_not_take_clothes_for_digits(clothes, files, places):
    put(places / "data" / FOLDER, clothes)
    put(places / "data", one(files))
    assert_mnist(mnist.load_data())
    assert_mnist(fashion_mnist.load_data())


@pytest.mark.parametrize("name", sorted(file.name for file in fashion_mnist._FILES.values()))
def test_wrong_digest_is_refused(clothes, places, name):
    folder = put(places / "data" / FOLDER, clothes)
    content = clothes[name]
    # Another zip of the same numbers is another file: only the published one has a known digest.
    for wrong in (
        content[:-1],
        content[:-1] + b"x",
        content + b"x",
        gzip.compress(gzip.decompress(content), 1, mtime=9),
    ):
        assert wrong != content
        (folder / name).write_bytes(wrong)
        with pytest.raises(DatasetError, match=f"{name} is not the published"):
            fashion_mnist.load_data()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no zip at all", "must be a gzip file"),
        (gzip.compress(idx(MNIST["y_test"]))[:-9], "must be a gzip file"),
        (gzip.compress(bytes(20)), "IDX file"),
        (gzip.compress(idx(MNIST["y_test"][:2])), r"`y_test` must be uint8 of shape \(3,\)"),
        (gzip.compress(idx(np.array([1, 2, 10], np.uint8))), "labels from 0 to 9, got 10"),
    ],
    ids=["text", "cut", "zeros", "short", "label"],
)
def test_other_contents_with_the_right_digest_are_refused(clothes, places, monkeypatch, content, message):
    contents = {key: gzip.compress(idx(array)) for key, array in MNIST.items()}
    put(places / "data" / FOLDER, publish(monkeypatch, contents | {"y_test": content}))
    with pytest.raises(DatasetError, match=message):
        fashion_mnist.load_data()


def test_zip_bomb_is_not_blown_up(clothes, places, monkeypatch):
    monkeypatch.setattr(fashion_mnist, "_MOST", 1000)
    bomb = gzip.compress(b"\0\0\x08\1\0\1\0\0" + bytes(1 << 16))
    contents = {key: gzip.compress(idx(array)) for key, array in MNIST.items()}
    put(places / "data" / FOLDER, publish(monkeypatch, contents | {"x_train": bomb}))
    with pytest.raises(DatasetError, match=r"must have 65544 bytes for its shape .*, got 1001"):
        fashion_mnist.load_data()


def test_downloads_are_kept_apart_from_mnist(clothes, server, places, monkeypatch):
    monkeypatch.setattr(fashion_mnist, "_BASES", [server.url + "broken/", server.url])
    put(server.folder, clothes)
    assert_mnist(fashion_mnist.load_data())
    assert os.listdir(places / "ours") == [FOLDER]
    assert sorted(os.listdir(places / "ours" / FOLDER)) == sorted(clothes)
    requests = len(server.requested)
    assert_mnist(fashion_mnist.load_data())
    assert len(server.requested) == requests


def test_published_shapes_and_names_are_those_of_keras():
    assert fashion_mnist._SHAPES == {**mnist._SHAPES}
    assert [file.name for file in fashion_mnist._FILES.values()] == [file.name + ".gz" for file in mnist._IDX.values()]
    assert max(file.size for file in mnist._IDX.values()) == fashion_mnist._MOST
