"""Data sets: Keras' are found or downloaded, `digits` is drawn on the spot."""

from __future__ import annotations

from .._fetch import DatasetError, DatasetNotFoundError
from .._public import publish
from . import boston_housing, california_housing, digits, fashion_mnist, imdb, mnist, reuters

__all__ = [
    "DatasetError",
    "DatasetNotFoundError",
    "boston_housing",
    "california_housing",
    "digits",
    "fashion_mnist",
    "imdb",
    "mnist",
    "reuters",
]

publish(globals())
