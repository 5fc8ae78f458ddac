"""IMDB: 50,000 film reviews as lists of word numbers, half of them good."""

from __future__ import annotations

import os
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .._fetch import DatasetError, File
from . import _published
from ._npz import read_npz
from ._sequences import Rules, Sequences
from ._shuffle import order, random_state

Split: TypeAlias = tuple[NDArray[np.object_], NDArray[np.integer[Any]]]

_FILE = File("imdb.npz", "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f", 17_464_789)
_WORDS = File("imdb_word_index.json", "bfafd718b763782e994055a2d397834f", 1_641_221)
_ROWS = 25_000  # in each half


def load_data(
    path: str | os.PathLike[str] = "imdb.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    seed: int | None = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int = 3,
) -> tuple[Split, Split]:
    """Loads the IMDB reviews from disk, or downloads them once; each half is shuffled.

    Words are numbered by how frequent they are; `index_from` is added to each number.

    Args:
        path: A file or folder that exists, or a bare name to look up as `mnist.load_data` does.
        num_words: Numbers from this one on become `oov_char`. None: the largest number in use.
        skip_top: Numbers below this one become `oov_char`.
        maxlen: Reviews of as many words or more, the mark included, are left out.
        seed: Seed of the order of reviews; None for another order each time.
        start_char: Marks the beginning of each review; None for no mark.
        oov_char: Stands for words out of the vocabulary; None to leave them out.
        index_from: What is added to the words' numbers.

    Returns:
        ``(x_train, y_train), (x_test, y_test)``; x are arrays of lists of integers, y are 1 for good and 0 for bad.

    Shapes:
        (25000,) each, or fewer with `maxlen`.

    Raises:
        DatasetNotFoundError: A FileNotFoundError and ValueError, if the data are nowhere and cannot be downloaded.
        DatasetError: A ValueError and OSError, if the file is cut off or otherwise wrong.
        TypeError: If an argument is of the wrong kind.
        ValueError: If an argument is negative, or `maxlen` leaves no review.

    Source:
        Maas et al., Learning word vectors for sentiment analysis, 2011.

    Example:
        >>> from lamella.datasets import imdb
        >>> (x_train, y_train), (x_test, y_test) = imdb.load_data(num_words=10000)  # doctest: +SKIP
        >>> x_train[0][:5]  # doctest: +SKIP
        [1, 14, 22, 16, 43]
    """
    rules = Rules.checked(num_words=num_words, skip_top=skip_top, maxlen=maxlen,
                          start_char=start_char, oov_char=oov_char, index_from=index_from)  # fmt: skip
    random = random_state(seed)
    content, place = _published.read(path, _FILE)
    names = ("x_train", "y_train", "x_test", "y_test")
    arrays = read_npz(content, place, names, lists=("x_train", "x_test"))
    if any(arrays[name].shape != (_ROWS,) for name in names):
        raise DatasetError(f"{place} must hold {_ROWS} reviews and labels in each half.")
    halves = []
    for half in ("train", "test"):
        rows = order(_ROWS, random)
        halves.append(Sequences.of(arrays[f"x_{half}"][rows], arrays[f"y_{half}"][rows]))
    train, test = rules.apply(*halves)
    return train.arrays(), test.arrays()


def get_word_index(path: str | os.PathLike[str] = "imdb_word_index.json") -> dict[str, int]:
    """The number of each word, from 1 for the most frequent; load_data adds its `index_from`.

    Args:
        path: A file or folder that exists, or a bare name to look up as `mnist.load_data` does.

    Raises:
        DatasetNotFoundError: A FileNotFoundError and ValueError, if the file is nowhere and cannot be downloaded.
        DatasetError: A ValueError and OSError, if it is cut off or otherwise wrong.

    Example:
        >>> from lamella.datasets import imdb
        >>> words = {number + 3: word for word, number in imdb.get_word_index().items()}  # doctest: +SKIP
    """
    return _published.word_index(path, _WORDS)
