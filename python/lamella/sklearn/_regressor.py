"""DenseRegressor."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils import column_or_1d

from ._base import Array, DenseEstimator


class DenseRegressor(RegressorMixin, DenseEstimator):
    """A dense network for regression, of one number or several.

    Parameters are those of MLPRegressor where it has them, with the same meaning and default; docs/scikit-learn.md
    compares. Targets of several outputs are a matrix. Inputs and targets should be scaled.

    Args:
        hidden_layer_sizes, activation, dropout, alpha, kernel_regularizer: As in DenseClassifier, like all but `loss`.
        optimizer, learning_rate_init, batch_size, max_iter, shuffle, random_state: The same.
        tol, n_iter_no_change, early_stopping, validation_fraction, warm_start: The same.
        metrics, callbacks, model, verbose: The same.
        loss: ``"squared_error"``, ``"absolute_error"``, ``"poisson"`` (whose output is exponential), or another loss
            of lamella.

    Attributes:
        n_outputs_: Numbers of a prediction.
        validation_scores_: R² on the validation part after each epoch, as in DenseClassifier; others are as there.

    Raises:
        ValueError, TypeError: In fit, if a parameter or the data is wrong.

    Example:
        >>> x = np.linspace(-1, 1, 400, dtype="float32").reshape(200, 2)
        >>> network = DenseRegressor((32,), learning_rate_init=0.01, batch_size=32, random_state=0)
        >>> network.fit(x, x.sum(axis=1) ** 2).score(x, x.sum(axis=1) ** 2) > 0.9
        True
    """

    _numeric_targets = True

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        loss: Any = "squared_error",
        dropout: float = 0.0,
        alpha: float = 0.0001,
        kernel_regularizer: Any = None,
        optimizer: Any = "adam",
        learning_rate_init: Any = None,
        batch_size: int | str = "auto",
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        n_iter_no_change: float = 10,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        warm_start: bool = False,
        metrics: Any = None,
        callbacks: Any = None,
        model: Any = None,
        verbose: int | bool = False,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.loss = loss
        self.dropout = dropout
        self.alpha = alpha
        self.kernel_regularizer = kernel_regularizer
        self.optimizer = optimizer
        self.learning_rate_init = learning_rate_init
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.warm_start = warm_start
        self.metrics = metrics
        self.callbacks = callbacks
        self.model = model
        self.verbose = verbose

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> DenseRegressor:
        """Trains a new network, or goes on with the last one if `warm_start`.

        Args:
            X: ``(n, n_features)``: an array, a frame or a sparse matrix, which is never made dense.
            y: ``(n,)`` or ``(n, n_outputs)``.
            sample_weight: ``(n,)``, not negative; only their ratios matter to the loss.

        Raises:
            ValueError, TypeError: If something is wrong, or training diverges.
        """
        found: DenseRegressor = self._train(X, y, sample_weight, incremental=False)
        return found

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> DenseRegressor:
        """One epoch on these samples; the optimizer goes on from the last call.

        Args:
            X, y, sample_weight: As in fit.

        Raises:
            ValueError, TypeError: If something is wrong, or training diverges.
        """
        found: DenseRegressor = self._train(X, y, sample_weight, incremental=True)
        return found

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def _encode(self, y: Any, fresh: bool, incremental: bool, classes: Any) -> None:
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        outputs = 1 if y.ndim == 1 else y.shape[1]
        if not fresh and outputs != self.n_outputs_:
            raise ValueError(f"`y` has {outputs} outputs, but had {self.n_outputs_} in the first fit.")
        self.n_outputs_ = outputs

    def _output(self) -> tuple[int, str, Any]:
        poisson = isinstance(self.loss, str) and self.loss.lower() == "poisson"
        return self.n_outputs_, "exponential" if poisson else "linear", self.loss

    def _targets(self, y: Any, loss: Any) -> Array:
        return np.asarray(y).reshape(len(y), self.n_outputs_)

    def _decide(self, outputs: Array) -> Array:
        found = outputs.astype(np.float64)  # what scikit-learn's metrics and stacked estimators expect
        return found[:, 0] if self.n_outputs_ == 1 else found

    def _score_of(self, y: Any, predicted: Any, weights: Any) -> float:
        return float(r2_score(y, predicted, sample_weight=weights))
