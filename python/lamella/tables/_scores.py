"""How good predictions are, added up chunk by chunk."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._cells import Floats
from ._schema import Schema

_POINTS = 5000  # kept to be drawn


class RegressionScores:
    """Of predicted numbers.

    Example:
        >>> scores = RegressionScores(guess=2.0)
        >>> scores.add(np.array([1.0, 3.0]), np.array([1.0, 2.0]))
        >>> scores.result()
        {'rows': 2, 'mae': 0.5, 'rmse': 0.7071067811865476, 'r2': 0.5, 'guess_mae': 1.0}
    """

    def __init__(self, guess: float) -> None:
        self.guess = guess  # the mean of the training, what a constant would predict
        self.rows = 0
        self.points: list[Floats] = []
        self._sums = np.zeros(5)
        self._least, self._largest = np.inf, -np.inf

    def add(self, true: Floats, predicted: Floats) -> None:
        """Takes in some rows."""
        error, apart = predicted - true, true - self.guess
        self._sums += np.abs(error).sum(), (error**2).sum(), apart.sum(), (apart**2).sum(), np.abs(apart).sum()
        self._least = float(true.min(initial=self._least))
        self._largest = float(true.max(initial=self._largest))
        if self.rows < _POINTS:
            self.points.append(np.stack([true, predicted])[:, : _POINTS - self.rows])
        self.rows += len(true)

    def result(self) -> dict[str, Any]:
        """Mean absolute error, root of the mean squared one, share of the variance, error of a constant guess."""
        absolute, squared, apart, squares, guess = (self._sums / max(1, self.rows)).tolist()
        variance = squares - apart**2
        return {
            "rows": self.rows,
            "mae": absolute,
            "rmse": float(np.sqrt(squared)),
            "r2": 1 - squared / variance if variance > 0 and self._least < self._largest else None,
            "guess_mae": guess,
        }


class ClassificationScores:
    """Of predicted probabilities.

    Attributes:
        confusion: Rows by what they are and what they are taken for.

    Example:
        >>> scores = ClassificationScores(["no", "yes"])
        >>> scores.add(np.array([0.0, 1.0]), np.array([[0.75, 0.25], [0.5, 0.5]]))
        >>> scores.result()["accuracy"], scores.confusion.tolist()
        (0.5, [[1, 0], [1, 0]])
    """

    def __init__(self, classes: list[str]) -> None:
        self.classes = classes
        self.confusion = np.zeros((len(classes), len(classes)), np.int64)
        self._loss = 0.0

    def add(self, true: Floats, predicted: Floats) -> None:
        """Takes in some rows."""
        places = true.astype(np.int64)
        np.add.at(self.confusion, (places, predicted.argmax(axis=1)), 1)
        chances = predicted[np.arange(len(places)), places]
        self._loss -= float(np.log(np.maximum(chances, 1e-7)).sum())

    def result(self) -> dict[str, Any]:
        """Accuracy, log loss, accuracy of the commonest class; precision and recall of each class."""
        rows, right = int(self.confusion.sum()), np.diag(self.confusion)
        are, taken = self.confusion.sum(axis=1), self.confusion.sum(axis=0)
        return {
            "rows": rows,
            "accuracy": float(right.sum() / max(1, rows)),
            "log_loss": self._loss / max(1, rows),
            "guess_accuracy": float(are.max() / max(1, rows)),
            "classes": {
                name: {
                    "rows": int(are[i]),
                    "precision": float(right[i] / taken[i]) if taken[i] else None,
                    "recall": float(right[i] / are[i]) if are[i] else None,
                }
                for i, name in enumerate(self.classes)
            },
            "confusion": self.confusion.tolist(),
        }


Scores = RegressionScores | ClassificationScores


def scores_for(schema: Schema) -> Scores:
    """Empty scores of the schema's task."""
    return RegressionScores(schema.mean) if schema.task == "regression" else ClassificationScores(schema.classes)
