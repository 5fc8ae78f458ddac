"""Optimizers. Update rules, names and defaults are those of Keras 3."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .. import schedules
from .._elsewhere import elsewhere
from .._public import publish
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
    "deserialize",
    "get",
    "schedules",
    "serialize",
]

publish(globals())

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


def serialize(optimizer: Optimizer) -> dict[str, Any]:
    """The dictionary that Keras writes for an optimizer, without its state.

    Example:
        >>> serialize(SGD(0.5))["config"]["learning_rate"]
        0.5
    """
    return FAMILY.serialize(optimizer)


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Optimizer:
    """The optimizer that serialize(), or any version of Keras, described, without its state; a name will do.

    Args:
        config: ``{"class_name": ..., "config": {...}}``.
        custom_objects: Classes of your own by name.

    Raises:
        ValueError: If the class or one of its settings is unknown.

    Example:
        >>> deserialize({"class_name": "RMSprop", "config": {"rho": 0.8}}).rho
        0.8
    """
    if isinstance(config, str) and config not in (custom_objects or {}):
        return get(config)
    return FAMILY.deserialize(config, custom_objects)


if not TYPE_CHECKING:  # else misspelt names pass type checkers
    __getattr__ = elsewhere(__name__)
