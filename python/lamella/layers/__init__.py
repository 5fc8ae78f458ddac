"""Layers. Each describes itself; the numbers live in the compiled core."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._elsewhere import elsewhere
from .._public import publish
from .activation_layers import ELU, LeakyReLU, ReLU, Softmax
from .base import Layer, Weight
from .data_normalization import Normalization
from .dense import Dense
from .elementwise import Activation, ActivityRegularization, Identity, PReLU, Rescaling
from .input import Input, InputLayer
from .noise import AlphaDropout, Dropout, GaussianDropout, GaussianNoise
from .normalization import BatchNormalization, LayerNormalization, UnitNormalization
from .reshaping import Flatten, Reshape
from .serialization import FAMILY as FAMILY
from .serialization import deserialize, serialize

__all__ = [
    "ELU",
    "Activation",
    "ActivityRegularization",
    "AlphaDropout",
    "BatchNormalization",
    "Dense",
    "Dropout",
    "Flatten",
    "GaussianDropout",
    "GaussianNoise",
    "Identity",
    "Input",
    "InputLayer",
    "Layer",
    "LayerNormalization",
    "LeakyReLU",
    "Normalization",
    "PReLU",
    "ReLU",
    "Rescaling",
    "Reshape",
    "Softmax",
    "UnitNormalization",
    "Weight",
    "deserialize",
    "serialize",
]

publish(globals())

for _name in __all__:
    if isinstance(globals()[_name], type) and issubclass(globals()[_name], Layer):
        FAMILY.add(globals()[_name], _name)

if not TYPE_CHECKING:  # else misspelt names pass type checkers
    __getattr__ = elsewhere(__name__)
