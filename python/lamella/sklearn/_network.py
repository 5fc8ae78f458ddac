"""The model and the loss that an estimator's parameters stand for."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Iterable
from typing import Any

from .. import layers, losses, optimizers, regularizers, schedules
from .._checks import KindError, real, units
from ..models import Sequential

# What scikit-learn calls them.
_ACTIVATIONS = {"identity": "linear", "logistic": "sigmoid"}
_LOSSES = {"squared_error": "mean_squared_error", "absolute_error": "mean_absolute_error"}


def hidden_sizes(owner: str, value: Any) -> list[int]:
    """`hidden_layer_sizes` as a list; one number is one layer.

    Example:
        >>> hidden_sizes("DenseClassifier", 8), hidden_sizes("DenseClassifier", ())
        ([8], [])
    """
    if isinstance(value, str):
        raise KindError(
            f"{owner} `hidden_layer_sizes` must be a tuple of positive integers, got {value!r} of type str."
        )
    sizes = list(value) if isinstance(value, Iterable) else [value]
    return [units(owner, "hidden_layer_sizes", size) for size in sizes]


def optimizer(owner: str, given: Any, rate: Any) -> optimizers.Optimizer:
    """A fresh optimizer: a copy of `given`, with the learning rate `rate` unless that is None."""
    found = optimizers.get(copy.deepcopy(given))
    if rate is not None:
        rate = (
            rate
            if callable(rate) or isinstance(rate, schedules.LearningRateSchedule)
            else real(owner, "learning_rate_init", rate, least=0)
        )
        found = type(found).from_config({**found.get_config(), "learning_rate": rate})
    return found


def loss(given: Any) -> losses.Loss:
    """The loss of a name of Keras or scikit-learn, or a copy of one that is a loss."""
    found: losses.Loss = losses.get(_LOSSES.get(given, given) if isinstance(given, str) else copy.deepcopy(given))
    return found


def build(estimator: Any, outputs: int, activation: str, penalty: float) -> Sequential:
    """The network for an estimator, not compiled unless the user's function compiled it.

    Args:
        estimator: With its parameters and `n_features_in_`.
        outputs: Numbers that the last layer must give.
        activation: That of the last layer.
        penalty: Factor of the sum of squared weights in the loss.
    """
    owner, features = type(estimator).__name__, estimator.n_features_in_
    if estimator.model is not None:
        return _built_by_user(owner, estimator.model, features, outputs)
    given = estimator.activation
    hidden = _ACTIVATIONS.get(given, given) if isinstance(given, str) else given
    rate = real(owner, "dropout", estimator.dropout, least=0, below=1)

    def penalized() -> Any:
        if estimator.kernel_regularizer is not None:
            return copy.deepcopy(estimator.kernel_regularizer)
        return regularizers.L2(penalty) if penalty else None

    model = Sequential([layers.Input((features,))], name="network")
    for number, size in enumerate(hidden_sizes(owner, estimator.hidden_layer_sizes)):
        dense = layers.Dense(size, copy.deepcopy(hidden), kernel_regularizer=penalized(), name=f"hidden_{number}")
        model.add(dense)
        if rate:
            model.add(layers.Dropout(rate, name=f"dropout_{number}"))
    model.add(layers.Dense(outputs, activation, kernel_regularizer=penalized(), name="output"))
    return model


def _check_call(owner: str, function: Any) -> None:
    """That two numbers can be given; what goes wrong inside of the function is told by Python."""
    try:
        taken = inspect.signature(function)
    except (TypeError, ValueError):  # some of C's have none
        return
    try:
        taken.bind(1, 1)
    except TypeError:
        raise TypeError(
            f"{owner} `model` must be a function of (n_features, n_outputs), got one of {taken}: "
            "lambda n_features, n_outputs: Sequential([...])."
        ) from None


def _built_by_user(owner: str, function: Any, features: int, outputs: int) -> Sequential:
    if not callable(function) or isinstance(function, Sequential):
        raise TypeError(
            f"{owner} `model` must be None or a function (n_features, n_outputs) that returns a new Sequential, got "
            f"{type(function).__name__}."
        )
    _check_call(owner, function)
    model = function(features, outputs)
    if not isinstance(model, Sequential):
        raise TypeError(f"{owner} `model` must return a Sequential, returned {type(model).__name__}.")
    if not model.built:
        model.build((None, features))
    if model.input_shape[1:] != (features,) or model.output_shape[1:] != (outputs,):
        raise ValueError(
            f"{owner} `model` must return a Sequential with input (None, {features}) and output (None, {outputs}) for "
            f"model({features}, {outputs}); it has {model.input_shape} and {model.output_shape}."
        )
    return model
