"""Reuters: 11,228 news of 1987 as lists of word numbers, on 46 topics."""

from __future__ import annotations

import os
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .._fetch import DatasetError, File
from . import _published
from ._npz import read_npz
from ._sequences import Rules, Sequences
from ._shuffle import fraction, num_train, order, random_state

Split: TypeAlias = tuple[NDArray[np.object_], NDArray[np.integer[Any]]]

_FILE = File("reuters.npz", "d6586e694ee56d7a4e65172e12b3e987c03096cb01eab99753921ef915959916", 2_110_848)
_WORDS = File("reuters_word_index.json", "4d44cc38712099c9e383dc6e5f11a921", 550_378)
_ROWS = 11_228
# fmt: off
_TOPICS = (
    "cocoa", "grain", "veg-oil", "earn", "acq", "wheat", "copper", "housing", "money-supply", "coffee", "sugar",
    "trade", "reserves", "ship", "cotton", "carcass", "crude", "nat-gas", "cpi", "money-fx", "interest", "gnp",
    "meal-feed", "alum", "oilseed", "gold", "tin", "strategic-metal", "livestock", "retail", "ipi", "iron-steel",
    "rubber", "heat", "jobs", "lei", "bop", "zinc", "orange", "pet-chem", "dlr", "gas", "silver", "wpi", "hog", "lead",
)
# fmt: on


def load_data(
    path: str | os.PathLike[str] = "reuters.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    test_split: float = 0.2,
    seed: int | None = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int = 3,
) -> tuple[Split, Split]:
    """Loads the Reuters news from disk, or downloads them once; shuffled, then split.

    Words are numbered by how frequent they are; `index_from` is added to each number.

    Args:
        path: A file or folder that exists, or a bare name to look up as `mnist.load_data` does.
        num_words: Numbers from this one on become `oov_char`. None: the largest number in use.
        skip_top: Numbers below this one become `oov_char`.
        maxlen: News of as many words or more, the mark included, are left out.
        test_split: Share of the news that becomes the test set, from 0 to below 1.
        seed: Seed of the order of news; None for another order each time.
        start_char: Marks the beginning of each text; None for no mark.
        oov_char: Stands for words out of the vocabulary; None to leave them out.
        index_from: What is added to the words' numbers.

    Returns:
        ``(x_train, y_train), (x_test, y_test)``; x are arrays of lists of integers, y are topics from 0 to 45.

    Shapes:
        x_train and y_train (8982,), x_test and y_test (2246,), or fewer with `maxlen`.

    Raises:
        DatasetNotFoundError: A FileNotFoundError and ValueError, if the data are nowhere and cannot be downloaded.
        DatasetError: A ValueError and OSError, if the file is cut off or otherwise wrong.
        TypeError: If an argument is of the wrong kind.
        ValueError: If an argument is out of range, or `maxlen` leaves no news.

    Example:
        >>> from lamella.datasets import reuters
        >>> (x_train, y_train), (x_test, y_test) = reuters.load_data(num_words=10000)  # doctest: +SKIP
        >>> len(x_train), len(x_test)  # doctest: +SKIP
        (8982, 2246)
    """
    rules = Rules.checked(num_words=num_words, skip_top=skip_top, maxlen=maxlen,
                          start_char=start_char, oov_char=oov_char, index_from=index_from)  # fmt: skip
    random, share = random_state(seed), fraction(test_split)
    content, place = _published.read(path, _FILE)
    arrays = read_npz(content, place, ("x", "y"), lists=("x",))
    if any(array.shape != (_ROWS,) for array in arrays.values()):
        raise DatasetError(f"{place} must hold {_ROWS} texts and labels.")
    rows = order(_ROWS, random)
    (found,) = rules.apply(Sequences.of(arrays["x"][rows], arrays["y"][rows]))
    x, y = found.arrays()
    cut = num_train(len(x), share)
    return (x[:cut].copy(), y[:cut].copy()), (x[cut:].copy(), y[cut:].copy())


def get_word_index(path: str | os.PathLike[str] = "reuters_word_index.json") -> dict[str, int]:
    """The number of each word, from 1 for the most frequent; load_data adds its `index_from`.

    Args:
        path: A file or folder that exists, or a bare name to look up as `mnist.load_data` does.

    Raises:
        DatasetNotFoundError: A FileNotFoundError and ValueError, if the file is nowhere and cannot be downloaded.
        DatasetError: A ValueError and OSError, if it is cut off or otherwise wrong.

    Example:
        >>> from lamella.datasets import reuters
        >>> words = {number + 3: word for word, number in reuters.get_word_index().items()}  # doctest: +SKIP
    """
    return _published.word_index(path, _WORDS)


def get_label_names() -> tuple[str, ...]:
    """The 46 topics, in the order of the labels.

    Example:
        >>> get_label_names()[3:5]
        ('earn', 'acq')
    """
    return _TOPICS
