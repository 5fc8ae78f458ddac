"""Helpers of lamella.utils on arrays and lists; get_file has a file of its own."""

import random

import numpy as np
import pytest

import lamella
from lamella.utils import (
    PyDataset,
    Sequence,
    normalize,
    pad_sequences,
    set_random_seed,
    split_dataset,
    to_categorical,
)

# --- to_categorical ---


def test_to_categorical_has_a_one_in_the_place_of_each_class(rng):
    for shape in [(7,), (7, 1), (4, 3), (2, 3, 1), (1,), (0,)]:
        classes = rng.integers(0, 5, shape)
        rows = to_categorical(classes, 5)
        flat = classes[..., 0] if len(shape) > 1 and shape[-1] == 1 else classes
        assert rows.dtype == np.float64 and rows.shape == (*flat.shape, 5)
        np.testing.assert_array_equal(rows, np.eye(5)[flat])
    assert to_categorical([0, 3, 1]).shape == (3, 4)
    assert lamella.utils.np_utils.to_categorical is to_categorical


@pytest.mark.parametrize(
    ("x", "classes"),
    [([-1], None), ([0.5], None), ([3], 3), (["a"], None), ([np.nan], None), ([1e300], None), ([0], 0)],
)
def test_to_categorical_refuses_what_is_no_class(x, classes):
    with pytest.raises(ValueError, match=r"`(x|num_classes)` must"):
        to_categorical(x, classes)


# --- normalize ---


@pytest.mark.parametrize("shape", [(5,), (4, 3), (2, 3, 4)])
@pytest.mark.parametrize("order", [0, 1, 2, 3, 2.5, np.inf])
def test_normalize_divides_by_the_norm_along_every_axis(rng, shape, order):
    x = rng.normal(size=shape)
    for axis in range(-len(shape), len(shape)):
        sizes = np.moveaxis(np.abs(x), axis, -1)
        if order == np.inf:
            norm = sizes.max(-1)
        else:
            norm = (sizes != 0).sum(-1) if order == 0 else (sizes**order).sum(-1) ** (1 / order)
        found = np.moveaxis(normalize(x, axis, order), axis, -1)
        np.testing.assert_allclose(found, np.moveaxis(x, axis, -1) / norm[..., None], rtol=1e-12)


def test_normalize_leaves_zeros_and_the_type_of_floats():
    assert normalize([[0, 0], [3, 4]]).tolist() == [[0, 0], [0.6, 0.8]]
    assert normalize(np.array([[3, 0], [4, 0]]), axis=0).tolist() == [[0.6, 0], [0.8, 0]]
    assert normalize(np.ones((2, 2), np.float32)).dtype == np.float32
    assert normalize(np.ones((2, 2), np.uint8)).dtype == np.float64
    assert normalize(5).tolist() == [1.0]


def test_normalize_does_not_change_its_argument(rng):
    x = rng.normal(size=(3, 4))
    before = x.copy()
    normalize(x)
    assert np.array_equal(x, before)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"x": ["a"]}, ValueError, "`x` must hold numbers"),
        ({"x": [1j]}, ValueError, "`x` must hold numbers"),
        ({"x": [1.0], "axis": 1}, ValueError, "`axis` must be below 1"),
        ({"x": [1.0], "axis": -2}, ValueError, "`axis` must be an integer of at least -1"),
        ({"x": [1.0], "axis": None}, TypeError, "`axis` must be"),
        ({"x": [1.0], "order": -1}, ValueError, "`order` must be"),
        ({"x": [1.0], "order": "fro"}, ValueError, "`order` must be"),
    ],
    ids=str,
)
def test_normalize_names_what_is_wrong(arguments, error, message):
    with pytest.raises(error, match=f"normalize {message}"):
        normalize(**arguments)


# --- pad_sequences ---

TEXTS = [[1], [2, 3], [], [4, 5, 6]]


def padded(texts, maxlen, padding, truncating, value):
    """Item by item."""
    maxlen = max(map(len, texts)) if maxlen is None else maxlen
    rows = []
    for text in texts:
        kept = text[max(0, len(text) - maxlen) :] if truncating == "pre" else text[:maxlen]
        fill = [value] * (maxlen - len(kept))
        rows.append(fill + kept if padding == "pre" else kept + fill)
    return rows


@pytest.mark.parametrize("maxlen", [None, 1, 2, 3, 5])
@pytest.mark.parametrize("padding", ["pre", "post"])
@pytest.mark.parametrize("truncating", ["pre", "post"])
@pytest.mark.parametrize("value", [0, -7])
def test_pad_sequences_cuts_and_fills_on_the_side_asked_for(maxlen, padding, truncating, value):
    found = pad_sequences(TEXTS, maxlen, padding=padding, truncating=truncating, value=value)
    assert found.dtype == np.int32
    assert found.tolist() == padded(TEXTS, maxlen, padding, truncating, value)


def test_pad_sequences_takes_arrays_tuples_and_further_axes():
    texts = np.empty(2, dtype=object)
    texts[0], texts[1] = [1, 2], (3,)
    assert pad_sequences(texts).tolist() == [[1, 2], [0, 3]]
    points = [np.ones((2, 3)), [], np.full((1, 3), 2.0)]
    assert pad_sequences(points, dtype="float32").tolist() == [[[1] * 3] * 2, [[0] * 3] * 2, [[0] * 3, [2] * 3]]
    assert pad_sequences([[0.5], [1.5, 2.5]], dtype="float64", value=-0.5).tolist() == [[-0.5, 0.5], [1.5, 2.5]]
    assert pad_sequences([["a"], ["bc", "d"]], dtype=object, value="").tolist() == [["", "a"], ["bc", "d"]]
    assert pad_sequences([]).shape == (0, 0) and pad_sequences([[], []], maxlen=3).tolist() == [[0] * 3] * 2
    assert lamella.preprocessing.sequence.pad_sequences is pad_sequences


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"sequences": 5}, ValueError, "`sequences` must be a list of lists, got int"),
        ({"sequences": "words"}, ValueError, "`sequences` must be a list of lists, got str"),
        ({"sequences": (x for x in TEXTS)}, ValueError, "got generator"),
        ({"sequences": [[1], 2]}, ValueError, "item 1 is 2"),
        ({"sequences": [[1], [[2]]]}, ValueError, "items of one shape; those of sequence 1 have"),
        ({"sequences": [[1.5]]}, ValueError, "sequence 0 must hold whole numbers"),
        ({"sequences": [[1], [float("nan")]]}, ValueError, "sequence 1 must hold whole numbers"),
        ({"sequences": [[2**31]]}, ValueError, "sequence 0 must hold whole numbers from -2147483648 to 2147483647"),
        ({"sequences": [[-1]], "dtype": "uint8"}, ValueError, "whole numbers from 0 to 255"),
        ({"sequences": [["a"]]}, ValueError, "whole numbers"),
        ({"sequences": [["a"]], "dtype": "float32"}, ValueError, "must fit into dtype float32"),
        ({"sequences": [[1]], "value": 0.5}, ValueError, "`value` must hold whole numbers"),
        ({"sequences": [[1]], "value": "x"}, ValueError, "`value` must be a number .* Use dtype=object"),
        ({"sequences": [[1]], "maxlen": 0}, ValueError, "`maxlen` must be a positive integer"),
        ({"sequences": [[1]], "maxlen": 1.5}, TypeError, "`maxlen` must be a positive integer"),
        ({"sequences": [[1]], "padding": "left"}, ValueError, '`padding` must be "pre" or "post"'),
        ({"sequences": [], "truncating": None}, ValueError, '`truncating` must be "pre" or "post"'),
    ],
    ids=str,
)
def test_pad_sequences_names_what_is_wrong(arguments, error, message):
    with pytest.raises(error, match=f"pad_sequences .*{message}"):
        pad_sequences(**arguments)


# --- PyDataset ---


class Pairs(PyDataset):
    def __init__(self, batches, **options):
        super().__init__(**options)
        self.batches = batches

    def __len__(self):
        return self.batches

    def __getitem__(self, index):
        return [2 * index, 2 * index + 1]


def test_pydataset_gives_its_batches_in_order():
    data = Pairs(3, workers=4, use_multiprocessing=True, max_queue_size=2)
    assert list(data) == [[0, 1], [2, 3], [4, 5]] and data.num_batches == 3
    assert (data.workers, data.use_multiprocessing, data.max_queue_size) == (4, True, 2)
    assert data.on_epoch_begin() is None and data.on_epoch_end() is None
    assert Sequence is PyDataset


def test_pydataset_without_end_goes_on():
    class Endless(Pairs):
        num_batches = None

    batches = iter(Endless(0))
    assert [next(batches) for _ in range(5)][-1] == [8, 9]


def test_pydataset_works_when_a_subclass_forgets_super():
    class Forgetful(PyDataset):
        def __init__(self):
            self.ready = True

        def __len__(self):
            return 1

    data = Forgetful()
    assert (data.workers, data.use_multiprocessing, data.max_queue_size) == (1, False, 10)
    with pytest.raises(NotImplementedError, match="Forgetful must define __getitem__"):
        data[0]
    with pytest.raises(NotImplementedError, match="PyDataset must define __len__"):
        PyDataset().num_batches  # noqa: B018


# --- split_dataset ---


@pytest.mark.parametrize(
    ("sizes", "left", "right"),
    [
        ({"left_size": 0.8}, 8, 2),
        ({"right_size": 0.3}, 7, 3),
        ({"left_size": 4}, 4, 6),
        ({"right_size": np.int64(1)}, 9, 1),
        ({"left_size": 0.2, "right_size": 0.5}, 2, 5),
        ({"left_size": 3, "right_size": 0.7}, 3, 7),
    ],
    ids=str,
)
def test_split_dataset_takes_rows_from_both_ends(sizes, left, right):
    x, y = np.arange(20).reshape(10, 2), np.arange(10)
    first, last = split_dataset(y, **sizes)
    assert first.tolist() == list(range(left)) and last.tolist() == list(range(10 - right, 10))
    for whole in ((x, y), [x, y]):
        first, last = split_dataset(whole, **sizes)
        assert type(first) is type(last) is type(whole)
        assert np.array_equal(first[0], x[:left]) and np.array_equal(last[1], y[10 - right :])


def test_split_dataset_shuffles_as_keras_does():
    rows = list(range(10))
    random.seed(3)
    random.shuffle(rows)
    random.seed(9)
    state = random.getstate()
    left, right = split_dataset(np.arange(10), 0.5, shuffle=True, seed=3)
    assert left.tolist() + right.tolist() == rows and random.getstate() == state
    splits = []
    for seed in (1, 1, 2):
        set_random_seed(seed)
        splits.append(split_dataset(np.arange(10), 0.5, shuffle=True)[0].tolist())
    assert splits[0] == splits[1] != splits[2]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({}, ValueError, "needs `left_size` or `right_size`"),
        ({"left_size": 0}, ValueError, "`left_size` must be a whole number from 1 to 9"),
        ({"left_size": 10}, ValueError, "`left_size` must be a whole number from 1 to 9"),
        ({"right_size": 1.0}, ValueError, "`right_size` must be"),
        ({"right_size": float("nan")}, ValueError, "`right_size` must be"),
        ({"left_size": 0.01}, ValueError, "must leave rows for both parts"),
        ({"left_size": 0.99}, ValueError, "must leave rows for both parts"),
        ({"left_size": 6, "right_size": 5}, ValueError, "must not overlap"),
        ({"left_size": "half"}, TypeError, "`left_size` must be a number"),
        ({"left_size": True}, TypeError, "`left_size` must be a number"),
        ({"left_size": 0.5, "shuffle": 1}, TypeError, "`shuffle` must be True or False"),
        ({"left_size": 0.5, "dataset": [1, 2]}, TypeError, "`dataset` must be an array"),
        ({"left_size": 0.5, "dataset": []}, TypeError, "`dataset` must be an array"),
        ({"left_size": 0.5, "dataset": (np.ones(2), np.ones(3))}, ValueError, "arrays of one length, got 2, 3"),
    ],
    ids=str,
)
def test_split_dataset_names_what_is_wrong(arguments, error, message):
    with pytest.raises(error, match=f"split_dataset .*{message}"):
        split_dataset(**{"dataset": np.arange(10), **arguments})


def test_utils_have_the_names_of_keras():
    for name in lamella.utils.__all__:
        assert getattr(lamella.utils, name) is not None
    with pytest.raises(AttributeError, match=r"lamella\.utils.*no attribute 'nothing'"):
        lamella.utils.nothing  # noqa: B018
