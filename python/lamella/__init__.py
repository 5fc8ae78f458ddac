"""Dense neural networks on CPUs: the Keras Sequential interface on a compiled core.

Example:
    >>> import numpy as np, lamella
    >>> model = lamella.Sequential([lamella.layers.Dense(8, "relu"), lamella.layers.Dense(1)])
    >>> model.compile("rmsprop", "mse")
    >>> history = model.fit(np.eye(4), [1.0, 2.0, 3.0, 4.0], epochs=2, verbose=0)
    >>> model.predict(np.eye(4)).shape
    (4, 1)
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import TYPE_CHECKING

from . import (
    _command as _command,  # first: it tells what ends the import of the others
)
from . import (
    activations,
    backend,
    callbacks,
    config,
    constraints,
    distribution,
    initializers,
    layers,
    losses,
    metrics,
    models,
    optimizers,
    regularizers,
    saving,
    utils,
)
from ._core import get_num_threads, isa, set_num_threads
from ._elsewhere import elsewhere
from ._public import publish
from .layers import Input
from .models import Sequential

if TYPE_CHECKING:
    from . import datasets, plotting, preprocessing, tables

__version__ = "0.1.0"

__all__ = [
    "Input",
    "Sequential",
    "activations",
    "backend",
    "callbacks",
    "config",
    "constraints",
    "datasets",
    "distribution",
    "get_num_threads",
    "initializers",
    "isa",
    "layers",
    "losses",
    "metrics",
    "models",
    "optimizers",
    "plotting",
    "preprocessing",
    "regularizers",
    "saving",
    "set_num_threads",
    "tables",
    "utils",
]

publish(globals())

_LAZY = ("datasets", "plotting", "preprocessing", "tables")  # what most programs do without: importing stays quick


if not TYPE_CHECKING:  # else misspelt names pass type checkers

    def __getattr__(name: str) -> ModuleType | type:
        if name in _LAZY or name == "sklearn":  # which is not listed: it needs scikit-learn
            return importlib.import_module(f"{__name__}.{name}")
        return elsewhere(__name__)(name)


def __dir__() -> list[str]:
    return sorted({*__all__, *_LAZY, *(name for name in globals() if name.startswith("_"))})
