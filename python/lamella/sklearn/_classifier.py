"""DenseClassifier."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, issparse
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.preprocessing import LabelEncoder
from sklearn.utils import column_or_1d, compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets, type_of_target, unique_labels

from .._checks import real
from ._base import Array, DenseEstimator


class DenseClassifier(ClassifierMixin, DenseEstimator):
    """A dense network for classification: two classes, several, or several labels a sample.

    Parameters are those of MLPClassifier where it has them, with the same meaning and default; docs/scikit-learn.md
    compares. Two classes have one sigmoid output, several a softmax, labels a sigmoid each. Inputs should be scaled.

    Args:
        hidden_layer_sizes: Widths of the hidden layers.
        activation: Of the hidden layers: a name of lamella (or ``"logistic"``, ``"identity"``), or an activation.
        loss: ``"log_loss"``, or another loss of lamella.
        dropout: Share of numbers that are dropped after each hidden layer in training.
        alpha: ``alpha / 2 / batch_size * sum(kernel**2)`` is added to the loss, as in MLPClassifier. A warm start
            and partial_fit keep the penalty of the first call.
        kernel_regularizer: A regularizer of lamella for all kernels, in place of `alpha`.
        optimizer: A name such as ``"adam"`` or ``"rmsprop"``, or an optimizer, of which each fit uses a copy.
        learning_rate_init: The optimizer's learning rate, a number or a schedule; None leaves its own.
        batch_size: Samples a step; ``"auto"`` is ``min(200, n)``.
        max_iter: Epochs at most.
        shuffle: Whether each epoch has a new order of samples.
        random_state: Seed of start weights, orders, dropout and the held-out samples. Nothing else moves them.
        tol, n_iter_no_change: Training ends when the loss (or score) was not better by `tol` for more than
            `n_iter_no_change` epochs.
        early_stopping: Whether to watch the score of held-out samples, and to keep the weights of the best epoch.
        validation_fraction: Share of samples held out for that.
        warm_start: Whether fit goes on from the weights of the last one.
        class_weight: Weights ``{class: weight}``, or ``"balanced"``; with labels, a list of such dictionaries.
        metrics: Metrics of lamella to record in `history_`.
        callbacks: Callbacks of lamella. fit uses these very objects; clones have copies.
        model: A function ``(n_features, n_outputs)`` that returns a new Sequential with such a width of input and
            output, in place of hidden layers; if it is compiled, in place of optimizer and loss too.
        verbose: 0 silent, 1 a bar, 2 a line an epoch.

    Attributes:
        classes_: The classes, or the numbers of the labels.
        model_: The Sequential; predictions are its.
        n_iter_: Epochs of the last call.
        history_: Loss and metrics of each epoch since the model was made.
        loss_curve_, loss_, best_loss_: The losses among them, the last and the lowest (None if scores decide).
        validation_scores_, best_validation_score_: Accuracies on the held-out samples, or None.
        n_features_in_, feature_names_in_: What X was.

    Raises:
        ValueError, TypeError: In fit, if a parameter or the data is wrong.

    Example:
        >>> x = np.linspace(-1, 1, 400, dtype="float32").reshape(200, 2)
        >>> y = np.where(x[:, 0] > 0, "right", "left")
        >>> network = DenseClassifier((16,), learning_rate_init=0.1, tol=0.01, random_state=0).fit(x, y)
        >>> network.predict([[0.5, 0.5], [-0.5, -0.5]]).tolist()
        ['right', 'left']
    """

    _numeric_targets = False

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        loss: Any = "log_loss",
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
        class_weight: Any = None,
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
        self.class_weight = class_weight
        self.metrics = metrics
        self.callbacks = callbacks
        self.model = model
        self.verbose = verbose

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> DenseClassifier:
        """Trains a new network, or goes on with the last one if `warm_start`.

        Args:
            X: ``(n, n_features)``: an array, a frame or a sparse matrix, which is never made dense.
            y: Classes ``(n,)`` of any kind, or labels ``(n, n_labels)`` of 0 and 1.
            sample_weight: ``(n,)``, not negative; only their ratios matter to the loss.

        Raises:
            ValueError, TypeError: If something is wrong, or training diverges.
        """
        found: DenseClassifier = self._train(X, y, sample_weight, incremental=False)
        return found

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> DenseClassifier:
        """One epoch on these samples; the optimizer goes on from the last call.

        Args:
            X, y, sample_weight: As in fit.
            classes: All classes that will come; the first call needs them unless y holds labels.

        Raises:
            ValueError, TypeError: If something is wrong, or training diverges.
        """
        found: DenseClassifier = self._train(X, y, sample_weight, incremental=True, classes=classes)
        return found

    def predict_proba(self, X: Any) -> Array:
        """Probabilities ``(n, n_classes)``, in the order of `classes_`; of labels, each by itself."""
        return self._probabilities(self._outputs(X))

    def predict_log_proba(self, X: Any) -> Array:
        """Logarithms of predict_proba; minus infinity where float32 has no smaller probability."""
        with np.errstate(divide="ignore"):
            found: Array = np.log(self.predict_proba(X))
        return found

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    def _encode(self, y: Any, fresh: bool, incremental: bool, classes: Any) -> None:
        kinds = {type(each) for each in y.ravel()} if y.dtype.kind == "O" else set()
        if not all(issubclass(kind, str) for kind in kinds):
            names = ", ".join(sorted(kind.__name__ for kind in kinds))
            raise TypeError(
                f"Unknown label type: `y` must hold classes of one kind, all texts or all numbers; got objects of the "
                f"types {names}. Convert them, such as with y.astype(str)."
            )
        check_classification_targets(y)
        if y.ndim == 2 and y.shape[1] == 1 and not issparse(y):
            y = column_or_1d(y, warn=True)
        kind = type_of_target(y, input_name="y")
        if kind == "multiclass-multioutput":
            raise ValueError("`y` must hold one class a sample, or labels of 0 and 1; got several columns of classes.")
        multilabel = kind == "multilabel-indicator"
        found = np.arange(y.shape[1]) if multilabel else unique_labels(y)
        if fresh:
            if incremental and not multilabel:
                if classes is None:
                    raise ValueError("classes must be passed on the first call to partial_fit.")
                found, seen = unique_labels(classes), found
                self._check_known(seen, found)
            self.classes_, self._multilabel, self._sparse_labels = found, multilabel, issparse(y)
            return
        if classes is not None and not np.array_equal(self.classes_, unique_labels(classes)):
            raise ValueError(f"`classes`={classes} is not the same as on the last call, {self.classes_}.")
        if multilabel != self._multilabel:
            raise ValueError("`y` must hold labels of 0 and 1 in all calls, or classes in all.")
        if incremental and not multilabel:
            self._check_known(found, self.classes_)
        elif not np.array_equal(found, self.classes_):
            raise ValueError(
                f"`y` must have the classes of the fit that this one goes on from: {self.classes_}, got {found}."
            )

    @staticmethod
    def _check_known(found: Array, known: Array) -> None:
        unknown = np.setdiff1d(found, known)
        if len(unknown):
            raise ValueError(f"`y` has classes that are not in `classes`: {unknown}. Known: {known}.")

    def _output(self) -> tuple[int, str, Any]:
        count = len(self.classes_)
        width = 1 if count == 2 and not self._multilabel else count
        sigmoid = self._multilabel or count == 2
        usual = "binary_crossentropy" if sigmoid else "sparse_categorical_crossentropy"
        if count == 1 and not sigmoid:
            usual = "categorical_crossentropy"  # whose softmax of one output is 1
        given = usual if isinstance(self.loss, str) and self.loss == "log_loss" else self.loss
        return width, "sigmoid" if sigmoid else "softmax", given

    def _numbers(self, y: Any) -> Array:
        """Places of the classes in `classes_`."""
        encoder = LabelEncoder()
        encoder.classes_ = self.classes_
        found: Array = encoder.transform(np.asarray(y).reshape(-1))
        return found

    def _targets(self, y: Any, loss: Any) -> Array:
        if self._multilabel:
            return np.asarray(y.toarray() if issparse(y) else y, np.float32)
        numbers, count = self._numbers(y), len(self.classes_)
        if count == 2:
            return numbers.astype(np.float32)[:, None]
        found: Array = numbers if loss.labels else np.eye(count, dtype=np.float32)[numbers]
        return found

    def _class_factors(self, y: Any, incremental: bool) -> Array | None:
        if self.class_weight is None:
            return None
        if incremental and self.class_weight == "balanced":
            raise ValueError(
                "class_weight 'balanced' is not supported for partial_fit: it needs all samples. Use "
                "compute_class_weight('balanced', classes=classes, y=all_y), and pass the dictionary."
            )
        for given in self.class_weight if isinstance(self.class_weight, list) else [self.class_weight]:
            for key, value in given.items() if isinstance(given, Mapping) else ():
                real(type(self).__name__, f"class_weight[{key!r}]", value, least=0)
        found: Array = compute_sample_weight(self.class_weight, y.toarray() if issparse(y) else y)
        return found

    def _probabilities(self, outputs: Array) -> Array:
        if len(self.classes_) == 2 and not self._multilabel:
            return np.concatenate([1 - outputs, outputs], axis=1)
        return outputs

    def _decide(self, outputs: Array) -> Any:
        if self._multilabel:
            labels = (outputs > 0.5).astype(np.int64)
            return csr_matrix(labels) if self._sparse_labels else labels
        count = len(self.classes_)
        numbers = (outputs[:, 0] > 0.5).astype(np.intp) if count == 2 else outputs.argmax(axis=1)
        return self.classes_[numbers]

    def _score_of(self, y: Any, predicted: Any, weights: Any) -> float:
        return float(accuracy_score(y, predicted, sample_weight=weights))

    def _stratify(self, y: Any) -> Any:
        return None if self._multilabel else y
