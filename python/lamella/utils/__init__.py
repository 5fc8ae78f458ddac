"""Small helpers around data, files and randomness."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from .._public import publish
from .._random import set_random_seed
from ..backend import clear_session
from . import np_utils
from .numerical import normalize, to_categorical
from .progbar import Progbar
from .py_dataset import PyDataset
from .sequences import pad_sequences
from .splitting import split_dataset

if TYPE_CHECKING:
    from .diagram import plot_model
    from .files import get_file

Sequence = PyDataset  # its name in Keras 2

__all__ = [
    "Progbar",
    "PyDataset",
    "Sequence",
    "clear_session",
    "get_file",
    "normalize",
    "np_utils",
    "pad_sequences",
    "plot_model",
    "set_random_seed",
    "split_dataset",
    "to_categorical",
]

publish(globals())


_LAZY = {"get_file": ".files", "plot_model": ".diagram"}  # what they need takes a while to import


if not TYPE_CHECKING:  # else misspelt names pass type checkers

    def __getattr__(name: str) -> Any:
        if name in _LAZY:
            globals()[name] = getattr(importlib.import_module(_LAZY[name], __name__), name)
            publish(globals())
            return globals()[name]
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})
