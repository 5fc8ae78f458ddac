"""What both estimators do: check, build, train, stop."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import issparse
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from .._checks import flag, integer, real
from .._random import seeds_of
from ..models import Sequential
from ._network import build, loss, optimizer
from ._stopping import Stopping

Array = npt.NDArray[Any]
_SPARSE = ("csr", "csc", "coo")


class DenseEstimator(BaseEstimator, ABC):
    """The base of DenseClassifier and DenseRegressor, which say what targets and outputs mean."""

    # What a subclass has: its parameters, and these.
    _numeric_targets: bool
    model_: Sequential
    history_: dict[str, list[float]]
    n_outputs_: int

    @abstractmethod
    def _encode(self, y: Any, fresh: bool, incremental: bool, classes: Any) -> None:
        """Takes up what the targets tell about classes or outputs."""

    @abstractmethod
    def _output(self) -> tuple[int, str, Any]:
        """Width and activation of the last layer, and the loss."""

    @abstractmethod
    def _targets(self, y: Any, loss: Any) -> Array:
        """`y` as the loss needs it."""

    def _class_factors(self, y: Any, incremental: bool) -> Array | None:
        """Factors of the sample weights."""
        return None

    @abstractmethod
    def _decide(self, outputs: Array) -> Any:
        """Predictions from the outputs of the network."""

    @abstractmethod
    def _score_of(self, y: Any, predicted: Any, weights: Any) -> float:
        """What early stopping watches."""

    def _stratify(self, y: Any) -> Any:
        """Along what the held-out samples are stratified."""
        return None

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    # ------------------------------------------------------------------ training

    def _train(self, X: Any, y: Any, sample_weight: Any, incremental: bool, classes: Any = None) -> Any:
        owner = type(self).__name__
        options = self._options(owner)
        if incremental and self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True: there is nothing to hold out.")
        fresh = not hasattr(self, "model_") or not (incremental or self.warm_start)
        X, y = validate_data(
            self, X, y, accept_sparse=_SPARSE, dtype="numeric", multi_output=True, y_numeric=self._numeric_targets,
            reset=fresh,
        )  # fmt: skip
        _check_range(X)
        self._encode(y, fresh, incremental, classes)
        weights = self._weights(X, y, sample_weight, incremental)
        random = check_random_state(self.random_state)
        held: Any = None
        if self.early_stopping:
            X, y, weights, held = self._hold_out(X, y, weights, options["validation_fraction"], random)
        mean = 1.0
        if weights is not None:
            mean = float(weights.mean())
            if not mean > 0:
                raise ValueError(
                    f"{owner} needs a `sample_weight` or `class_weight` above 0: all samples to train on weigh nothing."
                )
            weights = weights / mean
        batch = min(200, X.shape[0]) if options["batch_size"] is None else options["batch_size"]
        batch = min(batch, X.shape[0])
        with seeds_of(int(random.randint(2**31 - 1)) if fresh or not incremental else 0):
            model = self._model(fresh, incremental, self.alpha / 2 / (batch * mean))
            targets = self._targets(y, model.loss)
            stopping = Stopping(options["tol"], options["n_iter_no_change"], held and self._scorer(held))
            history = model.fit(
                X,
                targets,
                batch_size=batch,
                epochs=1 if incremental else options["max_iter"],
                verbose=self.verbose,
                callbacks=[*(self.callbacks or ()), stopping],
                shuffle=self.shuffle,
                sample_weight=weights,
            ).history
        if stopping.diverged or not all(np.isfinite(each).all() for each in model.get_weights()):
            raise ValueError(
                f"{owner} diverged: the loss or a weight is not finite any more. Scale the data, such as with "
                "StandardScaler, or take a smaller `learning_rate_init`."
            )
        self._keep(model, dict(history), stopping, fresh)
        if self.n_iter_ == options["max_iter"] and not (incremental or stopping.converged or model.stop_training):
            warnings.warn(
                f"{owner}: {self.n_iter_} epochs (`max_iter`) were over before the training converged.",
                ConvergenceWarning,
                stacklevel=3,
            )
        return self

    def _options(self, owner: str) -> dict[str, Any]:
        """Checks the parameters that nothing else checks."""
        for name in ("shuffle", "warm_start", "early_stopping"):
            flag(owner, name, getattr(self, name))
        if self.callbacks is not None and not isinstance(self.callbacks, Iterable):
            raise TypeError(f"{owner} `callbacks` must be a list of callbacks or None, got {self.callbacks!r}.")
        patience, batch = self.n_iter_no_change, self.batch_size
        real(owner, "alpha", self.alpha, least=0)
        return {
            "tol": real(owner, "tol", self.tol, least=0),
            "max_iter": integer(owner, "max_iter", self.max_iter, least=1),
            "batch_size": None if batch in ("auto", None) else integer(owner, "batch_size", batch, least=1),
            "validation_fraction": real(owner, "validation_fraction", self.validation_fraction, least=0, below=1),
            "n_iter_no_change": patience
            if patience == np.inf
            else integer(owner, "n_iter_no_change", patience, least=1),
        }

    def _weights(self, X: Any, y: Any, sample_weight: Any, incremental: bool) -> Array | None:
        factors = self._class_factors(y, incremental)
        if sample_weight is None:
            return factors
        weights: Array = _check_sample_weight(sample_weight, X, dtype=np.float64)
        if (weights < 0).any():
            raise ValueError(f"`sample_weight` must not be negative, found {weights.min():g}.")
        return weights if factors is None else weights * factors

    def _hold_out(self, X: Any, y: Any, weights: Array | None, share: float, random: Any) -> tuple[Any, ...]:
        options = {"test_size": share, "random_state": random, "stratify": self._stratify(y)}
        arrays = [X, y, *([] if weights is None else [weights])]
        parts = train_test_split(*arrays, **options) if share else [*arrays, *arrays]
        if not share or parts[1].shape[0] < 2:
            raise ValueError(
                "The validation set is too small. Increase `validation_fraction` or the number of samples."
            )
        held = (parts[1], parts[3], None if weights is None else parts[5])
        return parts[0], parts[2], None if weights is None else parts[4], held

    def _scorer(self, held: tuple[Any, ...]) -> Any:
        x, y, weights = held
        return lambda model: self._score_of(y, self._decide(model.predict(x, verbose=0)), weights)

    def _model(self, fresh: bool, incremental: bool, penalty: float) -> Sequential:
        """The model to train, compiled; a warm start begins with a new optimizer, a partial fit goes on with it."""
        if not fresh and (incremental or self.model is not None):
            kept: Sequential = self.model_
            return kept
        outputs, activation, wanted = self._output()
        model: Sequential = build(self, outputs, activation, penalty) if fresh else self.model_
        if model._compiled is None or not fresh:
            rule = optimizer(type(self).__name__, self.optimizer, self.learning_rate_init)
            model.compile(rule, loss(wanted), metrics=self.metrics)
        return model

    def _keep(self, model: Sequential, history: dict[str, list[float]], stopping: Stopping, fresh: bool) -> None:
        before = {} if fresh else self.history_
        self.model_ = model
        self.n_iter_ = len(history["loss"])
        self.history_ = {key: before.get(key, []) + values for key, values in history.items()}
        self.loss_curve_ = list(self.history_["loss"])
        self.loss_ = self.loss_curve_[-1]
        scores = stopping.scores
        self.validation_scores_ = scores if self.early_stopping else None
        self.best_validation_score_ = stopping.best if scores else None
        self.best_loss_ = None if scores else min(self.loss_curve_)

    # ------------------------------------------------------------------ predictions

    def _outputs(self, X: Any) -> Array:
        """model_.predict(X), after scikit-learn's checks."""
        check_is_fitted(self, "model_")
        X = validate_data(self, X, accept_sparse=_SPARSE, dtype="numeric", reset=False)
        _check_range(X)
        outputs: Array = self.model_.predict(X, verbose=0)
        if not np.isfinite(outputs).all():
            row = int(np.argwhere(~np.isfinite(outputs))[0, 0])
            raise ValueError(f"X is too large for float32 in row {row}: the network's output is not finite. Scale X.")
        return outputs

    def predict(self, X: Any) -> Any:
        """Predictions for the rows of `X`.

        Args:
            X: ``(n, n_features)``: an array, a frame or a sparse matrix, which is never made dense.

        Returns:
            Classes ``(n,)`` or labels ``(n, n_labels)``; numbers ``(n,)`` or ``(n, n_outputs)``.

        Raises:
            NotFittedError: Before fit.
            ValueError: If X does not fit.
        """
        return self._decide(self._outputs(X))


def _check_range(X: Any) -> None:
    """Refuses numbers that float32 has not."""
    numbers = X.data if issparse(X) else X
    if numbers.dtype.kind not in "fiub":
        raise ValueError(
            f"X must hold real numbers, got dtype {numbers.dtype}; encode categories first, such as with OneHotEncoder."
        )
    if numbers.size:
        furthest = max(numbers.min(), numbers.max(), key=abs)
        if abs(furthest) > np.finfo(np.float32).max:
            raise ValueError(
                f"X holds {furthest:g}, which is too large for float32. Scale X, such as with StandardScaler."
            )
