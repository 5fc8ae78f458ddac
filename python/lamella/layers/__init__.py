"""Layers. Each describes itself; the numbers live in the compiled core."""

from __future__ import annotations

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

for _name in __all__:
    if isinstance(globals()[_name], type) and issubclass(globals()[_name], Layer):
        FAMILY.add(globals()[_name], _name)

# What Keras has and lamella has not, and the way out.
_ELSEWHERE = {
    "Lambda": "Python functions cannot run in the compiled core; transform the data before fit()",
    "Masking": "dense networks see whole samples; drop or fill masked values before fit()",
    "Embedding": "use multi-hot or one-hot rows (a SciPy sparse matrix is never made dense) and a Dense layer",
    "Conv2D": "lamella has fully connected networks only; use Keras",
    "LSTM": "lamella has fully connected networks only; use Keras",
    "GRU": "lamella has fully connected networks only; use Keras",
}


def __getattr__(name: str) -> object:
    if name in _ELSEWHERE:
        raise AttributeError(f"lamella.layers has no {name}: {_ELSEWHERE[name]}.")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
