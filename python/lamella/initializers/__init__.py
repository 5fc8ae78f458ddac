"""Start values of weights. Formulas, names and defaults are those of Keras 3."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .._public import publish
from .base import FAMILY, Initializer
from .constant import Constant, Identity, Ones, Zeros, _Given
from .distributions import Orthogonal, RandomNormal, RandomUniform, TruncatedNormal
from .named import GlorotNormal, GlorotUniform, HeNormal, HeUniform, LecunNormal, LecunUniform
from .scaling import VarianceScaling
from .scaling import fans as fans

__all__ = [
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Identity",
    "Initializer",
    "LecunNormal",
    "LecunUniform",
    "Ones",
    "Orthogonal",
    "RandomNormal",
    "RandomUniform",
    "TruncatedNormal",
    "VarianceScaling",
    "Zeros",
    "deserialize",
    "get",
    "serialize",
]

publish(globals())

# Keras' other names of the classes.
IdentityInitializer = identity = Identity
OrthogonalInitializer = orthogonal = Orthogonal
constant, ones, zeros = Constant, Ones, Zeros
random_normal, random_uniform, truncated_normal = RandomNormal, RandomUniform, TruncatedNormal
variance_scaling = VarianceScaling
glorot_normal, glorot_uniform = GlorotNormal, GlorotUniform
he_normal, he_uniform = HeNormal, HeUniform
lecun_normal, lecun_uniform = LecunNormal, LecunUniform


def get(identifier: Any, argument: str = "") -> Initializer:
    """The initializer that a name, an initializer, its config, an array or a function ``f(shape)`` stands for.

    An array must have the weight's shape. A function gets the shape and, if it has an argument ``dtype``, "float32".

    Args:
        argument: Whose value it is, for messages.

    Raises:
        ValueError: If no initializer has that name.
        TypeError: If `identifier` is none of those.

    Example:
        >>> type(get("glorot_uniform")).__name__
        'GlorotUniform'
        >>> get(lambda shape: np.full(shape, 2.0))((1, 2))
        array([[2., 2.]], dtype=float32)
    """
    return _Given(identifier) if isinstance(identifier, np.ndarray) else FAMILY.get(identifier, argument=argument)


def serialize(initializer: Initializer) -> dict[str, Any]:
    """The dictionary that Keras writes for an initializer.

    Example:
        >>> serialize(RandomUniform(seed=1))["config"]
        {'seed': 1, 'minval': -0.05, 'maxval': 0.05}
    """
    return FAMILY.serialize(initializer)


def deserialize(config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Initializer:
    """The initializer that serialize() described, with or without ``module`` and ``registered_name``.

    Args:
        config: ``{"class_name": ..., "config": {...}}``
        custom_objects: Classes or functions of your own by name.

    Raises:
        ValueError: If the class or one of its settings is unknown.

    Example:
        >>> deserialize({"class_name": "HeNormal", "config": {"seed": 2}}).seed
        2
    """
    return FAMILY.deserialize(config, custom_objects)
