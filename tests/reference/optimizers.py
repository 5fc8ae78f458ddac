"""The family of optimizers."""

from __future__ import annotations

from typing import Any

from .family import Family
from .optimizer_base import Optimizer
from .update_rules import SGD, Adadelta, Adagrad, Adam, Adamax, AdamW, Ftrl, Lion, Nadam, RMSprop

OPTIMIZERS = Family.of(SGD, RMSprop, Adam, AdamW, Adagrad, Adadelta, Adamax, Nadam, Ftrl, Lion)


def optimizer(name: str, **params: Any) -> Optimizer:
    """An optimizer; `.step(weights, grads)` updates float64 arrays in place."""
    return OPTIMIZERS[name](**params)
