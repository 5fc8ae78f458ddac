"""JSON from files that nobody vouches for."""

from __future__ import annotations

import json
import re
from typing import Any

from ._errors import BadModelFile

MOST_BYTES = 8 << 20
_DEEPEST = 64
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.S)


def read(content: bytes, what: str) -> dict[str, Any]:
    """The object in `content`; neither deep, nor long, nor with a key twice.

    Example:
        >>> read(b'{"a": [1.5]}', "header")
        {'a': [1.5]}
    """
    if len(content) > MOST_BYTES:
        raise BadModelFile(f"its {what} has {len(content)} bytes, at most {MOST_BYTES} are read")
    depth = 0
    for bracket in re.findall(rb"[\[\]{}]", _STRING.sub(b"", content)):
        depth += 1 if bracket in b"[{" else -1
        if depth > _DEEPEST:
            raise BadModelFile(f"its {what} is nested more than {_DEEPEST} deep")
    try:
        found = json.loads(content.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_constant)
    except BadModelFile:
        raise
    except (ValueError, RecursionError) as error:
        raise BadModelFile(f"its {what} is no JSON ({type(error).__name__})") from None
    if not isinstance(found, dict):
        raise BadModelFile(f"its {what} is no JSON object")
    return found


def write(value: Any) -> bytes:
    """The one way to write a value: what checksums are taken of.

    Raises:
        TypeError, ValueError: If it holds what JSON has not, NaN included.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BadModelFile("its JSON has a key twice")
    return found


def _no_constant(name: str) -> Any:
    raise BadModelFile(f"its JSON has the number {name}")
