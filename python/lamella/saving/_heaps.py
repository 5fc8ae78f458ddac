"""Strings of any length in HDF5: what they claim is checked before HDF5 itself looks.

It takes memory for the length that a string claims, and loops for ever over a heap whose objects have no size.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

from ._errors import BadModelFile

_HEADS = ((1, 8), (2, 8), (3, 9))  # versions of attributes, and how far before its name each begins


def claimed_by(content: bytes, attribute: str) -> int:
    """The most bytes that the strings of one attribute of that name claim to have.

    Raises:
        BadModelFile: If no such attribute is found, or a heap is damaged.
    """
    totals: list[int] = []
    heaps: set[int] = set()
    for entries in _attributes(content, attribute.encode("utf-8") + b"\0"):
        totals.append(sum(_number(content, at, 4) for at in entries))
        heaps |= {_number(content, at + 4, 8) for at in entries if _number(content, at, 4)}
    if not totals:
        raise BadModelFile(f"its attribute {attribute!r} lies in an unknown place")
    for heap in heaps:
        _walk(content, heap)
    return max(totals)


def _attributes(content: bytes, name: bytes) -> Iterator[range]:
    """Where the entries of strings lie, for each attribute of a name: length, place of the heap, and index.

    An attribute is version, flags, sizes of name, type and space, these three, which version 1 pads to eights, and the
    entries. A type's first byte ends in 9 for any length; a space has rank and extents.
    """
    at = content.find(name)
    while at >= 0:
        for version, head in _HEADS:
            first, unit = at - head, 8 if version == 1 else 1
            sizes = [_number(content, first + i, 2) for i in (2, 4, 6)]
            kind, space, data = [*itertools.accumulate((size + -size % unit for size in sizes), initial=at)][1:]
            if data >= len(content) or first < 0:
                continue
            if content[first] == version and sizes[0] == len(name) and content[kind] & 15 == 9:
                extents = space + (8 if content[space] == 1 else 4)
                count = math.prod(_number(content, extents + 8 * i, 8) for i in range(content[space + 1]))
                yield range(data, min(data + 16 * count, len(content)), 16)
        at = content.find(name, at + 1)


def _walk(content: bytes, heap: int) -> None:
    """Follows the objects of a heap: index, references, size, and so many bytes in eights; index 0 is what is free."""
    end = heap + _number(content, heap + 8, 8)
    if content[heap : heap + 5] != b"GCOL\1" or end > len(content):
        raise BadModelFile("it has a damaged heap of strings")
    at = heap + 16
    while at + 16 <= end:
        size = _number(content, at + 8, 8)
        step = 16 + size + -size % 8 if _number(content, at, 2) else size
        if step < 16 or at + step > end:
            raise BadModelFile("it has a damaged heap of strings")
        at += step


def _number(content: bytes, at: int, width: int) -> int:
    return int.from_bytes(content[at : at + width], "little")
