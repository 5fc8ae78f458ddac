"""Networks for tables in CSV files: what ``lamella train``, ``predict`` and ``evaluate`` do, from Python.

Example:
    >>> callable(train) and callable(load)
    True
"""

from __future__ import annotations

from .._public import publish
from ._cells import MARKERS as MARKERS
from ._model import TableModel, load
from ._reading import TableError
from ._train import train

__all__ = ["TableError", "TableModel", "load", "train"]

publish(globals())
