"""Lists of numbers: ``from keras.preprocessing.sequence import pad_sequences``."""

from __future__ import annotations

from ..utils.sequences import pad_sequences

__all__ = ["pad_sequences"]
