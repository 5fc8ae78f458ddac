"""Boston and California housing, on small stand-ins."""

import os

import numpy as np
import pytest
from stand_ins import npz, publish, put

from lamella.datasets import DatasetError, boston_housing, california_housing

MODULES = [boston_housing, california_housing]
ROWS = 30


def table(columns):
    """Rows that tell their number: x[i] = i + column / 100, y[i] = i."""
    rows = np.arange(ROWS, dtype=np.float64)
    return {"x": rows[:, None] + np.arange(columns) / 100, "y": rows}


@pytest.fixture
def folder(places, monkeypatch):
    for module in MODULES:
        columns = module._SHAPE[1]
        monkeypatch.setattr(module, "_SHAPE", (ROWS, columns))
        put(places / "data", publish(monkeypatch, module, npz(table(columns))))
    monkeypatch.setattr(california_housing, "_SMALL", 10)
    return places / "data"


def rows_of(loaded):
    """The numbers of the rows of both parts, after a look at what is with them."""
    numbers = []
    for x, y in loaded:
        assert x.dtype == y.dtype == np.float64 and x.flags.owndata and y.flags.owndata and x.flags.c_contiguous
        np.testing.assert_array_equal(x, y[:, None] + np.arange(x.shape[1]) / 100)
        numbers.append(y.astype(int).tolist())
    return numbers


def shuffled(n, seed):
    rows = np.arange(n)
    np.random.RandomState(seed).shuffle(rows)
    return rows.tolist()


@pytest.mark.parametrize("module", MODULES)
@pytest.mark.parametrize(("test_split", "seed"), [(0.2, 113), (0.0, 113), (0.5, 0), (0.33, np.int64(7)), (0.99, 1)])
def test_rows_are_shuffled_and_split_as_in_keras(folder, module, test_split, seed):
    train, test = rows_of(module.load_data(test_split=test_split, seed=seed))
    rows = shuffled(ROWS, seed)
    cut = int(ROWS * (1 - test_split))
    assert train == rows[:cut] and test == rows[cut:]


def test_small_california_is_cut_before_the_shuffle(folder):
    train, test = rows_of(california_housing.load_data(version="small"))
    assert train + test == shuffled(10, 113) and len(test) == 2


def test_defaults_are_those_of_keras():
    assert boston_housing._SHAPE == (506, 13) and california_housing._SHAPE == (20_640, 8)
    assert california_housing._SMALL == 600
    assert boston_housing._FILE.digest.startswith("f553886a1f8d")
    assert california_housing._FILE.digest.startswith("1a2e3a52e039")


def test_arguments_come_in_the_order_of_keras(folder):
    by_name = boston_housing.load_data(path=folder, test_split=0.4, seed=3)
    assert rows_of(boston_housing.load_data(folder, 0.4, 3)) == rows_of(by_name)
    by_name = california_housing.load_data(version="small", path=folder, test_split=0.4, seed=3)
    assert rows_of(california_housing.load_data("small", folder, 0.4, 3)) == rows_of(by_name)


@pytest.mark.parametrize("version", ["medium", None, 1])
def test_unknown_version_is_refused(folder, version):
    with pytest.raises(ValueError, match='`version` must be "small" or "large"'):
        california_housing.load_data(version=version)


@pytest.mark.parametrize("module", MODULES)
@pytest.mark.parametrize("test_split", [-0.1, 1.0, float("nan"), True, "x", None])
def test_test_split_must_be_a_share(folder, module, test_split):
    with pytest.raises(ValueError, match="`test_split` must be a finite number"):
        module.load_data(test_split=test_split)


@pytest.mark.parametrize("module", MODULES)
def test_wrong_digest_is_refused_before_anything_is_parsed(folder, module):
    path = folder / module._FILE.name
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(DatasetError, match="SHA-256 is") as caught:
        module.load_data()
    assert str(path) in str(caught.value)


BAD = {
    "rows": lambda a: {"x": a["x"][1:], "y": a["y"]},
    "y": lambda a: {"x": a["x"], "y": a["y"][:, None]},
    "columns": lambda a: {"x": a["x"][:, 1:], "y": a["y"]},
    "integers": lambda a: {"x": a["x"].astype(int), "y": a["y"]},
    "missing": lambda a: {"x": a["x"]},
    "objects": lambda a: {"x": a["x"].astype(object), "y": a["y"]},
}


@pytest.mark.parametrize("module", MODULES)
@pytest.mark.parametrize("kind", BAD)
def test_other_contents_with_the_right_digest_are_refused(folder, monkeypatch, module, kind):
    put(folder, publish(monkeypatch, module, npz(BAD[kind](table(module._SHAPE[1])))))
    with pytest.raises(DatasetError, match=f"{module._FILE.name} must "):
        module.load_data()


@pytest.mark.parametrize("module", MODULES)
def test_download_is_kept_in_our_cache(folder, server, places, module):
    (folder / module._FILE.name).rename(server.folder / module._FILE.name)
    rows_of(module.load_data())
    assert os.listdir(places / "ours") == [module._FILE.name]
    assert len(server.requested) == 1
    rows_of(module.load_data())
    assert len(server.requested) == 1
