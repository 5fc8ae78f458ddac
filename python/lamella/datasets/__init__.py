"""Data sets: `mnist` is found or downloaded, `digits` is drawn on the spot."""

from __future__ import annotations

from . import digits, mnist
from ._fetch import DatasetError, DatasetNotFoundError

__all__ = ["DatasetError", "DatasetNotFoundError", "digits", "mnist"]
