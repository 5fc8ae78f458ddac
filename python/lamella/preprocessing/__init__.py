"""What prepares data for a network, under the names of Keras."""

from __future__ import annotations

from . import sequence

__all__ = ["sequence"]
