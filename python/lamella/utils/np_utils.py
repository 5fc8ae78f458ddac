"""Where Keras 1 and 2 had to_categorical: ``from keras.utils.np_utils import to_categorical``."""

from __future__ import annotations

from .numerical import to_categorical

__all__ = ["to_categorical"]
