"""IMDB and Reuters, on small stand-ins, compared with Keras' processing written out word by word."""

import hashlib
import json
import warnings

import numpy as np
import pytest
from stand_ins import npz, publish, put

from lamella import _fetch
from lamella.datasets import DatasetError, DatasetNotFoundError, imdb, reuters

N = 20  # texts of Reuters, and of each half of IMDB
CASES = [
    {},
    {"num_words": 20},
    {"skip_top": 6, "num_words": 30, "oov_char": 9},
    {"num_words": 20, "oov_char": None},
    {"start_char": None},
    {"start_char": None, "index_from": 0, "num_words": 15},
    {"start_char": 0, "index_from": 10},
    {"start_char": -1, "oov_char": -2, "num_words": 9},
    {"maxlen": 7},
    {"maxlen": 7, "num_words": 12, "seed": 5},
    {"seed": 0},
]


def ragged(texts):
    array = np.empty(len(texts), dtype=object)
    for i, text in enumerate(texts):
        array[i] = text
    return array


def texts(rng, most=40):
    return ragged([rng.integers(1, most, size=rng.integers(1, 12)).tolist() for _ in range(N)])


@pytest.fixture
def halves(rng):
    """IMDB's arrays; the largest word is in the second half."""
    return {
        "x_train": texts(rng),
        "y_train": rng.integers(0, 2, N),
        "x_test": texts(rng, 50),
        "y_test": rng.integers(0, 2, N),
    }


@pytest.fixture
def news(rng):
    return {"x": texts(rng), "y": rng.integers(0, 46, N)}


@pytest.fixture
def put_imdb(places, monkeypatch, halves):
    monkeypatch.setattr(imdb, "_ROWS", N)
    return put(places / "data", publish(monkeypatch, imdb, npz(halves)))


@pytest.fixture
def put_reuters(places, monkeypatch, news):
    monkeypatch.setattr(reuters, "_ROWS", N)
    return put(places / "data", publish(monkeypatch, reuters, npz(news)))


def prepared(x, y, start_char, index_from, maxlen):
    x = [[word + index_from for word in text] for text in x]
    if start_char is not None:
        x = [[start_char, *text] for text in x]
    kept = [i for i in range(len(x)) if maxlen is None or len(x[i]) < maxlen]
    return [x[i] for i in kept], [int(y[i]) for i in kept]


def limited(x, num_words, skip_top, oov_char):
    inside = [[skip_top <= word < num_words for word in text] for text in x]
    if oov_char is None:
        return [[w for w, good in zip(t, row, strict=True) if good] for t, row in zip(x, inside, strict=True)]
    return [[w if good else oov_char for w, good in zip(t, row, strict=True)] for t, row in zip(x, inside, strict=True)]


def expected(parts, seed=113, num_words=None, skip_top=0, maxlen=None, start_char=1, oov_char=2, index_from=3):
    """What Keras makes of pairs of texts and labels, one generator shuffling them one after the other."""
    random, found = np.random.RandomState(seed), []
    for x, y in parts:
        rows = np.arange(len(x))
        random.shuffle(rows)
        found.append(prepared([x[i] for i in rows], [y[i] for i in rows], start_char, index_from, maxlen))
    num_words = num_words or max(word for x, _ in found for text in x for word in text)
    return [(limited(x, num_words, skip_top, oov_char), y) for x, y in found]


def assert_texts(loaded, wanted):
    x, y = loaded
    assert x.dtype == object and x.ndim == 1 and y.dtype == np.int64 and len(x) == len(y)
    assert all(type(text) is list and {*map(type, text)} <= {int} for text in x)
    assert x.tolist() == wanted[0] and y.tolist() == wanted[1]


@pytest.mark.parametrize("options", CASES, ids=str)
def test_imdb_is_what_keras_makes_of_the_file(put_imdb, halves, options):
    wanted = expected([(halves["x_train"], halves["y_train"]), (halves["x_test"], halves["y_test"])], **options)
    for loaded, part in zip(imdb.load_data(**options), wanted, strict=True):
        assert_texts(loaded, part)
    assert (
        any(word == options.get("oov_char", 2) for text in wanted[1][0] for word in text) or options["oov_char"] is None
    )


@pytest.mark.parametrize("test_split", [0.2, 0.0, 0.55])
@pytest.mark.parametrize("options", CASES, ids=str)
def test_reuters_is_what_keras_makes_of_the_file(put_reuters, news, options, test_split):
    ((x, y),) = expected([(news["x"], news["y"])], **options)
    cut = int(len(x) * (1 - test_split))
    train, test = reuters.load_data(test_split=test_split, **options)
    assert_texts(train, (x[:cut], y[:cut]))
    assert_texts(test, (x[cut:], y[cut:]))
    assert len(train[0]) and bool(len(test[0])) == (test_split > 0)


def test_texts_of_one_length_stay_lists_along_one_axis(put_imdb, monkeypatch, halves):
    halves |= {"x_train": ragged([[1, 2]] * N), "x_test": ragged([[3, 4]] * N)}
    put(put_imdb, publish(monkeypatch, imdb, npz(halves)))
    (x_train, _), _ = imdb.load_data(num_words=100)
    assert x_train.shape == (N,) and x_train[0] == [1, 4, 5]


def test_no_seed_gives_another_order_each_time(put_imdb):
    orders = {str(imdb.load_data(seed=None)[0][0].tolist()) for _ in range(4)}
    assert len(orders) > 1


@pytest.mark.parametrize("module", [imdb, reuters])
@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"num_words": 0}, ValueError, "`num_words` must be a positive integer"),
        ({"num_words": 2.5}, TypeError, "`num_words` must be a positive integer"),
        ({"num_words": True}, TypeError, "`num_words` must be a positive integer"),
        ({"skip_top": -1}, ValueError, "`skip_top` must be an integer of at least 0"),
        ({"skip_top": None}, TypeError, "`skip_top` must be"),
        ({"index_from": -1}, ValueError, "`index_from` must be"),
        ({"start_char": "a"}, TypeError, "`start_char` must be"),
        ({"maxlen": 0}, ValueError, "`maxlen` must be a positive integer"),
        ({"maxlen": 2}, ValueError, "`maxlen` must leave some texts"),
        ({"seed": -1}, ValueError, "`seed` must be an integer of at least 0"),
        ({"seed": 2**32}, ValueError, r"`seed` must be an integer from 0 to 2\*\*32 - 1"),
        ({"seed": "x"}, TypeError, "`seed` must be"),
    ],
    ids=str,
)
def test_bad_arguments_are_named(put_imdb, put_reuters, module, options, error, message):
    with pytest.raises(error, match=f"load_data {message}"):
        module.load_data(**options)


@pytest.mark.parametrize("test_split", [-0.1, 1, 1.5, float("nan"), None, "half"])
def test_bad_test_split_is_refused(put_reuters, test_split):
    with pytest.raises(ValueError, match="load_data `test_split` must be a finite number"):
        reuters.load_data(test_split=test_split)


@pytest.mark.parametrize("module", [imdb, reuters])
def test_file_with_another_digest_is_refused_and_left(put_imdb, put_reuters, module):
    path = put_imdb / module._FILE.name
    content = path.read_bytes()
    path.write_bytes(content[:-1] + b"x")
    for given in (module._FILE.name, path, put_imdb):
        with pytest.raises(DatasetError, match=f"{module._FILE.name} is not the published .* SHA-256") as caught:
            module.load_data(given)
        assert isinstance(caught.value, ValueError) and str(path) in str(caught.value)
    assert path.exists()


def test_number_of_texts_is_checked_after_the_digest(put_imdb, put_reuters, monkeypatch):
    for module in (imdb, reuters):
        monkeypatch.setattr(module, "_ROWS", N + 1)
        with pytest.raises(DatasetError, match=f"must hold {N + 1} "):
            module.load_data()


def test_given_file_and_folder_are_used(put_imdb, places, monkeypatch):
    folder = put_imdb.rename(places / "elsewhere")
    (folder / "imdb.npz").rename(folder / "other.npz")
    assert len(imdb.load_data(folder / "other.npz")[0][0]) == N
    with pytest.raises(DatasetNotFoundError, match=r"a folder with imdb\.npz"):
        imdb.load_data(folder)
    (folder / "other.npz").rename(folder / "imdb.npz")
    assert len(imdb.load_data(folder)[0][0]) == N


@pytest.mark.parametrize("where", ["data", "keras/datasets", "ours"])
def test_files_are_found_in_every_place(put_imdb, places, where):
    put(places / where, {"imdb.npz": (put_imdb / "imdb.npz").read_bytes()})
    if where != "data":
        (put_imdb / "imdb.npz").unlink()
    assert len(imdb.load_data()[0][0]) == N


def test_missing_file_is_one_error_that_says_what_to_do(places):
    pytest.importorskip("pooch")
    with pytest.raises(FileNotFoundError) as caught:
        reuters.load_data()
    for part in ("reuters.npz", str(places / "data"), str(places / "keras"), str(places / "ours"), "LAMELLA_DATA"):
        assert part in str(caught.value)
    assert isinstance(caught.value, ValueError) and caught.value.__context__ is None


def test_download_is_kept_under_the_name_asked_for(put_reuters, server, places, news):
    content = (put_reuters / "reuters.npz").read_bytes()
    (put_reuters / "reuters.npz").unlink()
    put(server.folder, {"reuters.npz": content})
    assert len(reuters.load_data("mine.npz")[0][0]) == 16
    assert (places / "ours" / "mine.npz").read_bytes() == content
    requests = len(server.requested)
    assert len(reuters.load_data("mine.npz")[0][0]) == 16 and len(server.requested) == requests


@pytest.mark.parametrize("module", [imdb, reuters])
def test_bad_file_in_our_cache_warns_at_the_caller(put_imdb, put_reuters, places, monkeypatch, module):
    pytest.importorskip("pooch")
    (put_imdb / module._FILE.name).unlink()
    put(places / "ours", {module._FILE.name: b"cut off"})
    with (
        pytest.warns(RuntimeWarning, match="in lamella's cache is deleted") as caught,
        pytest.raises(DatasetNotFoundError),
    ):
        module.load_data()
    assert caught[0].filename == __file__


# --- word indexes ---


def publish_words(monkeypatch, module, content):
    name = module._WORDS.name
    digest = hashlib.md5(content).hexdigest()  # as Keras published it
    monkeypatch.setattr(module, "_WORDS", _fetch.File(name, digest, len(content)))
    return {name: content}


@pytest.mark.parametrize("module", [imdb, reuters])
def test_word_index_is_checked_and_read(places, monkeypatch, module):
    words = {"the": 1, "fawn": 34701, "d'œuvre": 7}
    folder = put(places / "data", publish_words(monkeypatch, module, json.dumps(words).encode()))
    path = folder / module._WORDS.name
    assert module.get_word_index() == module.get_word_index(path) == words
    path.write_bytes(path.read_bytes().replace(b"34701", b"34702"))
    with pytest.raises(DatasetError, match=r"its MD5 is [0-9a-f]{32}, expected"):
        module.get_word_index()


@pytest.mark.parametrize(
    "content", [b"{", b"[1]", b'{"a": 1.5}', b'{"a": true}', b'{"a": {}}', b"\xff\xfe\x00", b"[" * 100_000]
)
def test_word_index_of_another_form_is_refused(places, monkeypatch, content):
    put(places / "data", publish_words(monkeypatch, imdb, content))
    with pytest.raises(DatasetError, match=r"imdb_word_index\.json must"):
        imdb.get_word_index()


def test_reuters_has_46_different_topics():
    names = reuters.get_label_names()
    assert len(names) == len(set(names)) == 46
    assert names[0] == "cocoa" and names[3] == "earn" and names[45] == "lead"


def test_digests_are_those_of_keras():
    assert [len(f.digest) for f in (imdb._FILE, imdb._WORDS, reuters._FILE, reuters._WORDS)] == [64, 32, 64, 32]
    assert imdb._FILE.digest.startswith("69664113be75") and reuters._FILE.digest.startswith("d6586e694ee5")


def test_loading_is_silent(put_imdb, capsys):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        imdb.load_data()
    assert capsys.readouterr() == ("", "")
