"""Lists of different lengths as one array."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .._checks import integer


def pad_sequences(
    sequences: Sequence[Any] | npt.NDArray[Any],
    maxlen: int | None = None,
    dtype: npt.DTypeLike = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: float | str = 0.0,
) -> npt.NDArray[Any]:
    """Makes all sequences equally long: cuts the longer ones, fills the shorter ones up with `value`.

    Args:
        sequences: Lists or arrays; what they hold may have further axes, which must agree.
        maxlen: Length of the result; by default that of the longest sequence.
        dtype: Type of the result; ``object`` for strings.
        padding: ``"pre"`` to fill up in front, ``"post"`` behind.
        truncating: ``"pre"`` to cut in front, ``"post"`` behind.
        value: What to fill up with.

    Shapes:
        ``(len(sequences), maxlen, ...)``.

    Raises:
        TypeError: If `maxlen` is not an integer.
        ValueError: If a sequence is not one, its items have another shape or do not fit into `dtype`, or `padding` or
            `truncating` is none of the two.

    Example:
        >>> pad_sequences([[1], [2, 3], [4, 5, 6]], maxlen=2)
        array([[0, 1],
               [2, 3],
               [5, 6]], dtype=int32)
    """
    for name, where in (("padding", padding), ("truncating", truncating)):
        if where not in ("pre", "post"):
            raise ValueError(f'pad_sequences `{name}` must be "pre" or "post", got {where!r}.')
    lengths = _lengths(sequences)
    longest = max(lengths, default=0) if maxlen is None else integer("pad_sequences", "maxlen", maxlen, least=1)
    kind = np.dtype(dtype)
    if isinstance(value, str) and kind.kind not in "OUS":
        raise ValueError(f"pad_sequences `value` must be a number for dtype {kind}, got {value!r}. Use dtype=object.")
    item: tuple[int, ...] = next((np.shape(s[0]) for s, n in zip(sequences, lengths, strict=True) if n), ())
    fill = np.asarray(value) if kind.kind in "OUS" else _cast(value, kind, "`value`")
    padded = np.full((len(lengths), longest, *item), fill, dtype=kind)
    for i, (sequence, length) in enumerate(zip(sequences, lengths, strict=True)):
        if not length:
            continue
        kept = min(length, longest)
        part = _cast(sequence[length - kept :] if truncating == "pre" else sequence[:kept], kind, f"sequence {i}")
        if part.shape[1:] != item:
            raise ValueError(
                f"pad_sequences `sequences` must hold items of one shape; those of sequence {i} have {part.shape[1:]}, "
                f"those before it {item}."
            )
        padded[i, slice(longest - kept, None) if padding == "pre" else slice(kept)] = part
    return padded


def _lengths(sequences: Any) -> list[int]:
    if not hasattr(sequences, "__len__") or isinstance(sequences, (str, bytes)):
        raise ValueError(
            f"pad_sequences `sequences` must be a list of lists, got {type(sequences).__name__}. Use list(...)."
        )
    for i, sequence in enumerate(sequences):
        if not hasattr(sequence, "__len__"):
            raise ValueError(f"pad_sequences `sequences` must be a list of lists; item {i} is {sequence!r}.")
    return [len(sequence) for sequence in sequences]


def _cast(numbers: Any, kind: np.dtype[Any], what: str) -> npt.NDArray[Any]:
    """`numbers` as an array of `kind`; no integer is cut off or wrapped around on the way."""
    try:
        given = np.asarray(numbers) if kind.kind in "iu" else np.asarray(numbers, kind)
    except (TypeError, ValueError) as error:
        raise ValueError(f"pad_sequences {what} must fit into dtype {kind}: {error}.") from None
    if kind.kind not in "iu":
        return given
    limits = np.iinfo(kind)
    if given.dtype.kind not in "iufb" or not ((given >= limits.min) & (given <= limits.max) & (given % 1 == 0)).all():
        raise ValueError(
            f"pad_sequences {what} must hold whole numbers from {limits.min} to {limits.max} for dtype {kind}. "
            'Pass another dtype, such as "float32".'
        )
    return given.astype(kind)
