"""California housing: prices of 20,640 districts in 1990, with 8 facts about each."""

from __future__ import annotations

import os

from .._fetch import File
from . import _table

_FILE = File("california_housing.npz", "1a2e3a52e0398de6463aebe6f4a8da34fb21fbb6b934cf88c3425e766f2a1a6f", 743_530)
_SHAPE = (20_640, 8)
_SMALL = 600


def load_data(
    version: str = "large",
    path: str | os.PathLike[str] = "california_housing.npz",
    test_split: float = 0.2,
    seed: int | None = 113,
) -> tuple[_table.Split, _table.Split]:
    """Loads the California housing data from disk, or downloads them once; shuffled, then split.

    The columns: median income, median age of houses, mean rooms, mean bedrooms, population, mean people in a
    household, latitude, longitude.

    Args:
        version: ``"large"``, or ``"small"`` for the first 600 rows only.
        path: A file or folder that exists, or a bare name to look up as `mnist.load_data` does.
        test_split: Share of the rows that becomes the test set, from 0 to below 1.
        seed: Seed of the order of rows; None for another order each time.

    Returns:
        ``(x_train, y_train), (x_test, y_test)``, all floating; y in dollars.

    Shapes:
        x_train (16512, 8), x_test (4128, 8); small: (480, 8) and (120, 8). y has no second axis.

    Raises:
        DatasetNotFoundError: A FileNotFoundError and ValueError, if the data are nowhere and cannot be downloaded.
        DatasetError: A ValueError and OSError, if the file is cut off or otherwise wrong.
        TypeError: If `path` or `seed` is of the wrong kind.
        ValueError: If `version`, `test_split` or `seed` is none of those above.

    Source:
        Pace and Barry, Sparse spatial autoregressions, 1997.

    Example:
        >>> from lamella.datasets import california_housing
        >>> (x_train, y_train), _ = california_housing.load_data(version="small")  # doctest: +SKIP
        >>> x_train.shape  # doctest: +SKIP
        (480, 8)
    """
    if version not in ("small", "large"):
        raise ValueError(f'load_data `version` must be "small" or "large", got {version!r}.')
    return _table.load(path, _FILE, _SHAPE, test_split, seed, first=_SMALL if version == "small" else None)
