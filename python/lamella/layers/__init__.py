"""Layers. Each describes itself; the numbers live in the compiled core."""

from __future__ import annotations

from .base import Layer
from .dense import Dense
from .elementwise import Activation, Flatten, Rescaling
from .input import Input, InputLayer

__all__ = ["Activation", "Dense", "Flatten", "Input", "InputLayer", "Layer", "Rescaling"]
