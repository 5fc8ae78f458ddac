"""Stopping when the loss is no number any more."""

from __future__ import annotations

import math

from .._progress import write
from .base import Callback, Logs


class TerminateOnNaN(Callback):
    """Stops training when the loss is NaN or infinite.

    It looks several times a second rather than at each batch, so it costs nothing; once not finite, the running loss
    of an epoch stays so.

    Args:
        raise_error: Whether to raise an error instead of stopping in an orderly way.

    Raises:
        RuntimeError: During training, if `raise_error` and the loss is not finite.

    Example:
        >>> from types import SimpleNamespace
        >>> guard = TerminateOnNaN()
        >>> guard.set_model(SimpleNamespace(stop_training=False))
        >>> guard.on_train_chunk_end(8, {"loss": float("nan")})
        Batch 7: Invalid loss, terminating training
        >>> guard.model.stop_training
        True
    """

    def __init__(self, raise_error: bool = False) -> None:
        super().__init__()
        self.raise_error = bool(raise_error)

    def on_train_chunk_end(self, steps: int, logs: Logs | None = None) -> None:
        """Looks at the running loss."""
        loss = (logs or {}).get("loss")
        if loss is None or math.isfinite(loss):
            return
        if self.raise_error:
            raise RuntimeError(
                f"The loss is {float(loss)} at batch {steps - 1}, training ends here. "
                "Try a smaller learning rate, and check the data for NaN."
            )
        write(f"Batch {steps - 1}: Invalid loss, terminating training\n")
        self.model.stop_training = True
