"""Layers. Each describes itself; the numbers live in the compiled core."""

from __future__ import annotations

from .activation_layers import ELU, LeakyReLU, ReLU, Softmax
from .base import Layer
from .dense import Dense
from .elementwise import Activation, Flatten, Rescaling
from .input import Input, InputLayer

__all__ = [
    "ELU",
    "Activation",
    "Dense",
    "Flatten",
    "Input",
    "InputLayer",
    "Layer",
    "LeakyReLU",
    "ReLU",
    "Rescaling",
    "Softmax",
]
