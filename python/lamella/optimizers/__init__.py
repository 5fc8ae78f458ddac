"""Optimizers. Update rules, names and defaults are those of Keras 3."""

from __future__ import annotations

import sys
from typing import Any

from .. import schedules
from .adagrad import Adadelta, Adagrad, Ftrl
from .adam import Adam, Adamax, AdamW, Lion, Nadam
from .base import FAMILY, Optimizer
from .sgd import SGD, RMSprop

__all__ = [
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Ftrl",
    "Lion",
    "Nadam",
    "Optimizer",
    "RMSprop",
    "get",
    "schedules",
]

# Keras has it here: `from keras.optimizers.schedules import ExponentialDecay`.
sys.modules[f"{__name__}.schedules"] = schedules

# Keras has them; their updates look at whole matrices.
_WITHOUT_CORE = ("adafactor", "muon")


def get(identifier: Any) -> Optimizer:
    """The optimizer that a name (in any case), an optimizer or its config stands for.

    Raises:
        ValueError: If no optimizer has that name.
        TypeError: If `identifier` is none of those.

    Example:
        >>> get("rmsprop").learning_rate
        0.001
    """
    if isinstance(identifier, str) and identifier.lower() in _WITHOUT_CORE:
        raise ValueError(f"Optimizer {identifier!r} of Keras is not in lamella; 'adamw' and 'lion' come near to it.")
    return FAMILY.get(identifier, ignore_case=True)
