"""The .npz reader: numbers and lists of integers come through, everything else is a DatasetError and runs nothing."""

import io
import os
import pickle
import zipfile

import numpy as np
import pytest
from stand_ins import npz

from lamella.datasets import DatasetError, _npz
from lamella.datasets._npz import ragged, read_npz

TEXTS = [[1, 2, 300], [], [70_000], [2**40, -1]]


def header(shape=(4,), descr="|O", **more):
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": descr, "fortran_order": False, "shape": shape} | more)
    return stream.getvalue()


def archive(members):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return stream.getvalue()


def refused(content, names=("x",), lists=("x",), match=None):
    with pytest.raises(DatasetError, match=match) as caught:
        read_npz(content, "some/file.npz", names, lists)
    assert "some/file.npz must be an .npz file" in str(caught.value)
    assert isinstance(caught.value, ValueError) and caught.value.__context__ is None


@pytest.mark.parametrize("dtype", ["u1", "<i8", ">i4", "<f4", ">f8", "f2"])
@pytest.mark.parametrize("shape", [(), (0,), (5,), (3, 4), (2, 0, 3)])
def test_numbers_come_as_they_are_in_native_order(dtype, shape, rng):
    given = (rng.random(shape) * 100).astype(dtype)
    for order in "CF":
        found = read_npz(npz({"x": np.asarray(given, order=order)}), "file", ("x",))["x"]
        assert found.dtype == given.dtype.newbyteorder("=") and found.dtype.isnative
        assert found.flags.writeable and found.flags.c_contiguous
        np.testing.assert_array_equal(found, given)


def test_only_what_is_asked_for_is_read():
    content = npz({"x": np.arange(3), "evil": np.array([print], dtype=object)})
    assert list(read_npz(content, "file", ("x",))) == ["x"]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("module", ["numpy.core.multiarray", "numpy._core.multiarray"])
def test_lists_pickled_by_any_numpy_and_python_come_through(protocol, module):
    pickled = pickle.dumps(ragged(TEXTS), protocol=protocol)
    for name in (b"numpy._core.multiarray", b"numpy.core.multiarray"):
        if name in pickled and protocol < 4:  # later ones say how long the name is
            pickled = pickled.replace(name, module.encode())
    if b"_codecs" in pickled:  # what Python 3 writes for bytes in old protocols, and NumPy never did into a file
        refused(archive({"x.npy": header() + pickled}), match=r"_codecs\.encode is asked for")
        return
    found = read_npz(archive({"x.npy": header() + pickled}), "file", ("x",), ("x",))["x"]
    assert found.dtype == object and found.shape == (4,) and found.tolist() == TEXTS


def test_lists_pickled_by_python_2_come_through():
    # protocol 2, with byte strings where Python 3 has text; b'O8' and b'|' are what NumPy called types of objects
    python_2 = (
        b"\x80\x02cnumpy.core.multiarray\n_reconstruct\nq\x01cnumpy\nndarray\nq\x02K\x00\x85U\x01b\x87Rq\x03"
        b"(K\x01K\x02\x85cnumpy\ndtype\nq\x04U\x02O8K\x00K\x01\x87Rq\x05(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xff"
        b"K?tb\x89](](K\x01M\x2c\x01e]K\x07aetb."
    )
    assert pickle.loads(python_2).tolist() == [[1, 300], [7]]  # it is what it should be
    found = read_npz(archive({"x.npy": header((2,)) + python_2}), "file", ("x",), ("x",))["x"]
    assert found.tolist() == [[1, 300], [7]]


class Calls:
    """Pickles to a call."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("where", ["alone", "in a list", "in an array"])
@pytest.mark.parametrize(
    "call",
    [
        (os.mkdir, "pwned"),
        (eval, "1"),
        (exec, "1"),
        (getattr, len, "__self__"),
        (np.load, "pwned"),
        (np.fromfile, "pwned"),
        (np.zeros, 10),
        (np.int64, 3),
        (bytearray, 10**12),
        (np.ndarray, (10**12,)),
        (np.dtype, "i8"),
        (np.dtype, "O", {"evil": 1}),
    ],
    ids=lambda call: call[0].__name__,
)
def test_pickle_that_calls_something_is_refused_and_calls_nothing(call, where, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    thing = Calls(*call)
    wrapped = {"alone": thing, "in a list": [[thing]], "in an array": ragged([[1], [thing]])}[where]
    pickled = pickle.dumps(wrapped, protocol=4)
    refused(archive({"x.npy": header((2,)) + pickled}))
    assert os.listdir(tmp_path) == []


def test_array_in_a_pickle_allocates_nothing():
    # NumPy's own function would make an array of a terabyte from these 100 bytes
    code = b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n\x8a\x06\0\0\0\0\0\x01\x85U\x01b\x87R."
    refused(archive({"x.npy": header() + code}), match="must hold 4 lists")


@pytest.mark.parametrize(
    "items",
    [
        [[1], [2.5]],
        [[1], ["a"]],
        [[1], [True]],
        [[1], [None]],
        [[1], [[2]]],
        [[1], (2,)],
        [[1], 2],
        [[1], {"a": 2}],
        [[1], np.array([2], dtype=object)],
        [[1], [2], [3]],
        [],
    ],
    ids=str,
)
def test_other_things_than_lists_of_integers_are_refused(items):
    array = np.empty(len(items), dtype=object)
    for i, item in enumerate(items):
        array[i] = item
    refused(archive({"x.npy": header((2,)) + pickle.dumps(array, protocol=4)}), match="must hold")


@pytest.mark.parametrize(
    "pickled",
    [
        b"",
        b".",
        b"garbage",
        b"\x80\x04N.",
        b"\x80\x04]\x94.",
        b"\x80\xff.",
        pickle.dumps(TEXTS),
        b"P1\n.",
        b"\x82\x01.",
    ],
    ids=repr,
)
def test_broken_pickles_are_refused(pickled):
    refused(archive({"x.npy": header() + pickled}))


def test_numbers_where_lists_are_due_and_the_reverse_are_refused():
    refused(npz({"x": np.arange(4)}), match="must hold lists along one axis")
    refused(npz({"x": ragged(TEXTS)}), lists=(), match="must hold numbers")
    refused(archive({"x.npy": header((2, 2)) + pickle.dumps(ragged(TEXTS))}), match="lists along one axis")
    for array in (
        np.array(["a"]),
        np.array([1j]),
        np.array([b"a"]),
        np.zeros(2, [("a", int)]),
        np.array(["2000"], "M8[D]"),
    ):
        refused(npz({"x": array}), lists=(), match="must hold numbers")


def test_missing_arrays_are_named():
    refused(npz({"x": np.arange(3)}), names=("x", "y", "z"), lists=(), match="missing: y, z")


def test_every_prefix_and_every_changed_byte_is_an_error_or_the_truth(rng):
    arrays = {"x": ragged(TEXTS), "y": np.arange(4.0)}
    content = npz(arrays)
    for end in range(0, len(content), 7):
        refused(content[:end], names=("x", "y"))
    for place in rng.integers(0, len(content), 400):
        changed = bytearray(content)
        changed[place] ^= 1 << int(rng.integers(8))
        try:
            found = read_npz(bytes(changed), "file", ("x", "y"), ("x",))
        except DatasetError:
            continue
        assert found["x"].tolist() == TEXTS and found["y"].tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("shape", [(10**12,), (2**62, 4), (5,), (3,)])
def test_shape_that_does_not_fit_the_bytes_is_refused_before_allocating(shape):
    refused(archive({"x.npy": header(shape, "<f8") + bytes(32)}), lists=(), match="must have")


def test_header_of_another_kind_is_refused():
    for start in (b"\x93NUMPY\x07\0", b"\x93NUMPZ\x01\0", b"", b"\x93NUMPY\x01\0\xff\xff{"):
        refused(archive({"x.npy": start}), lists=())
    evil = b"{'descr': __import__('os').mkdir('pwned'), 'fortran_order': False, 'shape': (1,)}\n"
    refused(archive({"x.npy": b"\x93NUMPY\x01\0" + len(evil).to_bytes(2, "little") + evil}), lists=())


def test_archive_that_unfolds_to_too_much_is_refused(monkeypatch):
    monkeypatch.setattr(_npz, "_MOST", 100_000)
    refused(archive({"x.npy": header((10**6,), "u1") + bytes(10**6)}), lists=(), match="at most 100000 are read")
    refused(archive({"y.npy": bytes(10**6), "x.npy": header((4,), "u1") + bytes(4)}), lists=(), match="at most 100000")
