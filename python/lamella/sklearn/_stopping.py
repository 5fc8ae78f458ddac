"""When a fit is over: MLPClassifier's rule."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ..callbacks import Callback


class Stopping(Callback):
    """Ends training when nothing got better by `tol` for more than `patience` epochs, or numbers are lost.

    Args:
        tol: What counts as better.
        patience: So many epochs in a row may bring nothing.
        score: Score of the held-out samples, larger is better; without, the training loss decides.

    Attributes:
        scores: That score after each epoch.
        best: The best score, or the lowest loss.
        converged: Whether training ended because nothing got better.
        diverged: Whether the loss became NaN or infinite.
    """

    def __init__(self, tol: float, patience: float, score: Callable[[Any], float] | None = None) -> None:
        super().__init__()
        self.tol, self.patience, self.score = tol, patience, score
        self.scores: list[float] = []
        self.best = -math.inf  # of the score, or of the loss with its sign changed
        self.waited = 0
        self.converged = self.diverged = False
        self._best_weights: list[Any] | None = None

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Compares."""
        loss = float(logs["loss"])
        if not math.isfinite(loss):
            self.diverged = self.model.stop_training = True
            return
        value = -loss if self.score is None else self.score(self.model)
        if self.score is not None:
            self.scores.append(value)
            logs["val_score"] = value
        self.waited = self.waited + 1 if value < self.best + self.tol else 0
        if value > self.best:
            self.best = value
            if self.score is not None:
                self._best_weights = self.model.get_weights()
        if self.waited > self.patience:
            self.converged = self.model.stop_training = True

    def on_train_end(self, logs: Any = None) -> None:
        """Gives the model the weights of its best score back."""
        if self._best_weights is not None:
            self.model.set_weights(self._best_weights)
