"""The IDX format of MNIST and its relatives."""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .._fetch import DatasetError

Split: TypeAlias = tuple[NDArray[np.uint8], NDArray[np.uint8]]

_TYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}


def read_idx(content: bytes, name: str) -> NDArray[Any]:
    """Parses the IDX format: two zero bytes, type, rank, sizes as big-endian u32, then the numbers.

    Raises:
        DatasetError: If any of these is wrong, or the content is not exactly as long as they say.

    Example:
        >>> read_idx(bytes([0, 0, 8, 1, 0, 0, 0, 2, 7, 9]), "two").tolist()
        [7, 9]
    """
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in _TYPES:
        raise DatasetError(f"{name} must be an IDX file starting 00 00 TYPE RANK, got {content[:4].hex(' ')!r}.")
    kind, rank = np.dtype(_TYPES[content[2]]), content[3]
    start = 4 + 4 * rank
    if not 1 <= rank <= 8 or len(content) < start:
        raise DatasetError(f"{name} must have 1 to 8 axes and a size for each, got rank {rank}, {len(content)} bytes.")
    shape = tuple(int.from_bytes(content[i : i + 4], "big") for i in range(4, start, 4))
    expected = start + math.prod(shape) * kind.itemsize
    if len(content) != expected or math.prod(size or 1 for size in shape) >= 2**48:  # 0 bytes of an endless shape
        raise DatasetError(f"{name} must have {expected} bytes for its shape {shape}, got {len(content)}.")
    return np.frombuffer(content, kind, offset=start).reshape(shape).astype(kind.newbyteorder("="))


def splits(arrays: dict[str, NDArray[Any]], shapes: dict[str, tuple[int, ...]]) -> tuple[Split, Split]:
    """``(x_train, y_train), (x_test, y_test)`` from arrays of these names.

    Raises:
        DatasetError: If one has not its shape, is not uint8, or holds labels above 9.
    """
    for key, shape in shapes.items():
        array = arrays[key]
        if array.shape != shape or array.dtype != np.uint8:
            raise DatasetError(f"`{key}` must be uint8 of shape {shape}, got {array.dtype} of shape {array.shape}.")
        if key.startswith("y") and array.size and array.max() > 9:
            raise DatasetError(f"`{key}` must hold labels from 0 to 9, got {array.max()}.")
    return (arrays["x_train"], arrays["y_train"]), (arrays["x_test"], arrays["y_test"])
