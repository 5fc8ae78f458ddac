"""Boston housing: prices of 506 neighbourhoods around 1978, with 13 facts about each."""

from __future__ import annotations

import os

from .._fetch import File
from . import _table

_FILE = File("boston_housing.npz", "f553886a1f8d56431e820c5b82552d9d95cfcb96d1e678153f8839538947dff5", 57_026)
_SHAPE = (506, 13)


def load_data(
    path: str | os.PathLike[str] = "boston_housing.npz", test_split: float = 0.2, seed: int | None = 113
) -> tuple[_table.Split, _table.Split]:
    """Loads the Boston housing data from disk, or downloads them once; shuffled, then split.

    One of its columns was built on the assumption that segregation by race raises prices. Use it to rerun old books;
    `california_housing` is the better example.

    Args:
        path: A file or folder that exists, or a bare name to look up as `mnist.load_data` does.
        test_split: Share of the rows that becomes the test set, from 0 to below 1.
        seed: Seed of the order of rows; None for another order each time.

    Returns:
        ``(x_train, y_train), (x_test, y_test)``, all float64; y in thousands of dollars.

    Shapes:
        x_train (404, 13), y_train (404,), x_test (102, 13), y_test (102,).

    Raises:
        DatasetNotFoundError: A FileNotFoundError and ValueError, if the data are nowhere and cannot be downloaded.
        DatasetError: A ValueError and OSError, if the file is cut off or otherwise wrong.
        TypeError: If `path` or `seed` is of the wrong kind.
        ValueError: If `test_split` or `seed` is out of range.

    Source:
        Harrison and Rubinfeld, Hedonic housing prices and the demand for clean air, 1978.

    Example:
        >>> from lamella.datasets import boston_housing
        >>> (x_train, y_train), (x_test, y_test) = boston_housing.load_data()  # doctest: +SKIP
        >>> x_train.shape  # doctest: +SKIP
        (404, 13)
    """
    return _table.load(path, _FILE, _SHAPE, test_split, seed)
