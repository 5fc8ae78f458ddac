"""Reads .npz files without running what is in them: numbers, and lists of whole numbers where these are asked for."""

from __future__ import annotations

import io
import math
import pickle
import zipfile
from itertools import chain
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from .._fetch import DatasetError

_MOST = 1 << 28  # bytes an archive may unfold to; the largest data set needs a fifth of it


def read_npz(
    content: bytes, place: str, names: tuple[str, ...], lists: tuple[str, ...] = ()
) -> dict[str, NDArray[Any]]:
    """The arrays `names` of an .npz file.

    Args:
        content: The file.
        place: What messages call it.
        names: Arrays that must be there.
        lists: Those of them that must hold lists of integers, which NumPy can only keep as a pickle. It is read by an
            unpickler that knows how an array of lists is put together, and nothing else.

    Raises:
        DatasetError: If the file is damaged, unfolds to more than 256 MiB, or holds anything else.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            sizes = {info.filename: info.file_size for info in archive.infolist()}
            if sum(sizes.values()) > _MOST:
                raise ValueError(f"it unfolds to {sum(sizes.values())} bytes, at most {_MOST} are read")
            if missing := [name for name in names if f"{name}.npy" not in sizes]:
                raise ValueError(f"missing: {', '.join(missing)}")
            return {name: _read_npy(archive.read(f"{name}.npy"), name, name in lists) for name in names}
    except Exception as error:  # zipfile, zlib, pickle and NumPy's header parser raise a dozen kinds on damaged bytes
        reason = str(error) or type(error).__name__
    raise DatasetError(f"{place} must be an .npz file with the arrays {', '.join(names)}: {reason}.")


def _read_npy(content: bytes, name: str, lists: bool) -> NDArray[Any]:
    stream = io.BytesIO(content)
    read_header = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }[np.lib.format.read_magic(stream)]
    shape, fortran, dtype = read_header(stream)
    if lists:
        return _read_lists(stream, name, shape, dtype)
    if dtype.kind not in "iuf":
        raise ValueError(f"`{name}` must hold numbers, got dtype {dtype}")
    start = stream.tell()
    if len(content) - start != math.prod(shape) * dtype.itemsize:
        raise ValueError(f"`{name}` must have {math.prod(shape) * dtype.itemsize} bytes for its shape {shape}")
    flat = np.frombuffer(content, dtype, offset=start)
    return np.array(flat.reshape(shape, order="F" if fortran else "C"), dtype.newbyteorder("="), order="C")


def _read_lists(stream: BinaryIO, name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    if dtype != np.dtype(object) or len(shape) != 1:
        raise ValueError(f"`{name}` must hold lists along one axis, got {dtype} of shape {shape}")
    array = _Unpickler(stream).load()
    if not isinstance(array, _Array) or len(array.items) != shape[0]:
        raise ValueError(f"`{name}` must hold {shape[0]} lists")
    if {*map(type, array.items)} - {list} or {*map(type, chain.from_iterable(array.items))} - {int}:
        raise ValueError(f"`{name}` must hold lists of integers")
    return ragged(array.items)


def ragged(lists: list[list[int]]) -> NDArray[Any]:
    """An array of lists, along one axis also where they are equally long.

    Example:
        >>> ragged([[1, 2], [3, 4]]).shape
        (2,)
    """
    array = np.empty(len(lists), dtype=object)
    for i, one in enumerate(lists):
        array[i] = one
    return array


class _Array:
    """What a pickled array of objects turns into here: its list of objects. NumPy itself sees nothing of the pickle."""

    def __init__(self) -> None:
        self.items: list[Any] = []

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, _, dtype, _, items = state
        if not isinstance(dtype, _DType) or not isinstance(items, list):
            raise pickle.UnpicklingError("the state of an array is not what NumPy writes")
        self.items = items


class _DType:
    """Stands for the type of objects, which is the only one an array in a pickle may have."""

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        """Alignment and byte order, which say nothing for objects."""


def _reconstruct(kind: Any, shape: Any, code: Any) -> _Array:
    return _Array()


def _dtype(code: str, align: bool = False, copy: bool = True) -> _DType:
    if code not in ("O", "O8", "O4"):
        raise pickle.UnpicklingError(f"an array of {code!r} inside of a pickle")
    return _DType()


_KNOWN = {
    ("numpy", "ndarray"): "numpy.ndarray",  # only handed to _reconstruct, so a name will do
    ("numpy", "dtype"): _dtype,
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _KNOWN:
            return _KNOWN[module, name]
        raise pickle.UnpicklingError(f"{module}.{name} is asked for, which no array of lists needs")
