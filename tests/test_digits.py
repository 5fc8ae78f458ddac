"""The drawn digits: MNIST's shapes, the same images for the same seed, and something to learn."""

import time

import numpy as np
import pytest

from lamella.datasets import digits


@pytest.fixture(scope="module")
def drawn():
    return digits.load_data(seed=3, num_train=4000, num_test=1000)


def test_default_set_has_the_shapes_and_dtypes_of_mnist_and_is_quick():
    begin = time.perf_counter()
    (x_train, y_train), (x_test, y_test) = digits.load_data()
    assert time.perf_counter() - begin < 60
    assert [a.shape for a in (x_train, y_train, x_test, y_test)] == [
        (60000, 28, 28),
        (60000,),
        (10000, 28, 28),
        (10000,),
    ]
    assert {a.dtype for a in (x_train, y_train, x_test, y_test)} == {np.dtype(np.uint8)}
    assert all(a.flags.c_contiguous and a.flags.writeable for a in (x_train, y_train, x_test, y_test))


def test_pixels_look_like_ink_on_paper(drawn):
    (x, _), _ = drawn
    assert 0.15 < (x > 0).mean() < 0.25
    assert x.min() == 0 and x.max() == 255
    assert 0.1 < ((x > 0) & (x < 255)).mean() / (x > 0).mean() < 0.9  # soft edges, dark cores
    assert (x.reshape(len(x), -1).sum(axis=1) > 0).all()


def test_all_classes_are_there_and_balanced(drawn):
    (_, y_train), (_, y_test) = drawn
    for y in (y_train, y_test):
        counts = np.bincount(y, minlength=10)
        assert len(counts) == 10
        assert counts.min() > 0.7 * len(y) / 10 and counts.max() < 1.3 * len(y) / 10


def test_same_seed_draws_the_same_images(drawn):
    again = digits.load_data(seed=3, num_train=4000, num_test=1000)
    for one, other in zip(drawn, again, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_another_seed_draws_other_images(drawn):
    (x, _), _ = digits.load_data(seed=4, num_train=50, num_test=0)
    assert not np.array_equal(x, drawn[0][0][:50])


def test_train_and_test_images_differ(drawn):
    (x_train, _), (x_test, _) = drawn
    assert not {image.tobytes() for image in x_train} & {image.tobytes() for image in x_test}


@pytest.mark.parametrize("num", [0, 1, 511, 512, 513])
def test_fewer_images_are_the_first_of_more(drawn, num):
    (x_train, y_train), (x_test, y_test) = digits.load_data(seed=3, num_train=num, num_test=7)
    assert x_train.shape == (num, 28, 28) and y_train.shape == (num,) and x_test.shape == (7, 28, 28)
    assert np.array_equal(x_train, drawn[0][0][:num]) and np.array_equal(y_train, drawn[0][1][:num])
    assert np.array_equal(x_test, drawn[1][0][:7]) and np.array_equal(y_test, drawn[1][1][:7])


def test_global_random_state_is_left_alone():
    np.random.seed(5)
    before = np.random.get_state()[1].copy()
    digits.load_data(num_train=10, num_test=10)
    assert np.array_equal(before, np.random.get_state()[1])


def test_nearest_mean_learns_something_but_not_all(drawn):
    (x, y), (x_test, y_test) = drawn
    means = np.stack([x[y == digit].mean(axis=0).ravel() for digit in range(10)])
    flat = x_test.reshape(len(x_test), -1).astype(float)
    distance = (means**2).sum(axis=1) - 2 * flat @ means.T
    assert 0.5 < (distance.argmin(axis=1) == y_test).mean() < 0.97


def test_numpy_integers_are_taken():
    (x, _), _ = digits.load_data(np.int64(1), num_train=np.int32(2), num_test=np.uint8(1))
    assert len(x) == 2


@pytest.mark.parametrize("name", ["seed", "num_train", "num_test"])
@pytest.mark.parametrize("value", [1.0, "1", None, True], ids=repr)
def test_argument_that_is_no_whole_number_is_a_type_error(name, value):
    with pytest.raises(TypeError, match=f"`{name}` must be a whole number"):
        digits.load_data(**{name: value})


@pytest.mark.parametrize("name", ["seed", "num_train", "num_test"])
def test_negative_argument_is_a_value_error(name):
    with pytest.raises(ValueError, match=f"`{name}` must be 0 or more, got -1"):
        digits.load_data(**{name: -1})
