"""Texts as lists of word numbers: Keras' shifting, marking and cutting, on all words of a data set at once."""

from __future__ import annotations

from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._checks import integer
from ._npz import ragged


class Sequences(NamedTuple):
    """Texts one behind the other, with their lengths and labels."""

    words: NDArray[np.int64]
    lengths: NDArray[np.int64]
    labels: NDArray[Any]

    @classmethod
    def of(cls, texts: NDArray[Any], labels: NDArray[Any]) -> Sequences:
        """From an array of lists."""
        lengths = np.fromiter(map(len, texts), np.int64, len(texts))
        words = np.fromiter(chain.from_iterable(texts), np.int64, lengths.sum())
        return cls(words, lengths, labels)

    def marked(self, start_char: int | None, index_from: int) -> Sequences:
        """Adds `index_from` to every word, and puts `start_char`, if any, in front of every text."""
        words = self.words + index_from
        if start_char is None:
            return self._replace(words=words)
        starts = np.cumsum(self.lengths) - self.lengths
        return self._replace(words=np.insert(words, starts, start_char), lengths=self.lengths + 1)

    def shorter_than(self, maxlen: int) -> Sequences:
        """The texts of less than `maxlen` words.

        Raises:
            ValueError: If there are none.
        """
        kept = self.lengths < maxlen
        if not kept.any():
            raise ValueError(
                f"load_data `maxlen` must leave some texts; none has less than {maxlen} words. Pass a larger one."
            )
        return Sequences(self.words[np.repeat(kept, self.lengths)], self.lengths[kept], self.labels[kept])

    def limited(self, skip_top: int, num_words: int, oov_char: int | None) -> Sequences:
        """Writes `oov_char` for words outside of [skip_top, num_words), or leaves them out if it is None."""
        inside = (self.words >= skip_top) & (self.words < num_words)
        if oov_char is not None:
            return self._replace(words=np.where(inside, self.words, oov_char))
        text = np.repeat(np.arange(len(self.lengths)), self.lengths)
        return self._replace(words=self.words[inside], lengths=np.bincount(text[inside], minlength=len(self.lengths)))

    def arrays(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """An array of lists, and the labels."""
        words, ends = self.words.tolist(), np.cumsum(self.lengths).tolist()
        return ragged([words[end - n : end] for end, n in zip(ends, self.lengths.tolist(), strict=True)]), self.labels


class Rules(NamedTuple):
    """What load_data says about words, checked."""

    num_words: int | None
    skip_top: int
    maxlen: int | None
    start_char: int | None
    oov_char: int | None
    index_from: int

    @classmethod
    def checked(cls, **given: Any) -> Rules:
        """Every value an integer of at least its least, or None where that is allowed.

        Raises:
            TypeError: If one is no integer.
            ValueError: If one is too small.
        """
        least = {"num_words": 1, "maxlen": 1, "start_char": -(2**31), "oov_char": -(2**31)}
        optional = ("num_words", "maxlen", "start_char", "oov_char")
        for name, value in given.items():
            if value is not None or name not in optional:
                given[name] = integer("load_data", name, value, least=least.get(name, 0))
        return cls(**given)

    def apply(self, *parts: Sequences) -> list[Sequences]:
        """The texts by these rules; what the largest word is, is found over all parts."""
        found = [part.marked(self.start_char, self.index_from) for part in parts]
        if self.maxlen is not None:
            found = [part.shorter_than(self.maxlen) for part in found]
        # As in Keras, "all words" leaves out the very last one.
        num_words = self.num_words or max(int(part.words.max(initial=0)) for part in found)
        return [part.limited(self.skip_top, num_words, self.oov_char) for part in found]
