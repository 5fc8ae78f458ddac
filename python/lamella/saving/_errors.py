"""What is wrong with a file."""

from __future__ import annotations


class BadModelFile(ValueError, OSError):
    """A model file is there and is not what it should be."""


class ModelNotFoundError(FileNotFoundError, ValueError):
    """There is no such model file."""
