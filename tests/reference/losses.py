"""The family of losses; the value of a batch and its gradient, with weights and reductions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from . import crossentropies as ce
from . import regression_losses as rl
from .family import Family
from .loss_base import Array, Loss

LOSSES = Family.of(
    rl.MeanSquaredError,
    rl.MeanAbsoluteError,
    rl.MeanAbsolutePercentageError,
    rl.MeanSquaredLogarithmicError,
    rl.LogCosh,
    rl.Huber,
    rl.CosineSimilarity,
    rl.Poisson,
    rl.KLDivergence,
    rl.Hinge,
    rl.SquaredHinge,
    rl.CategoricalHinge,
    ce.BinaryCrossentropy,
    ce.BinaryFocalCrossentropy,
    ce.CategoricalCrossentropy,
    ce.CategoricalFocalCrossentropy,
    ce.SparseCategoricalCrossentropy,
    ce.Dice,
    ce.Tversky,
    mse="MeanSquaredError",
    mae="MeanAbsoluteError",
    mape="MeanAbsolutePercentageError",
    msle="MeanSquaredLogarithmicError",
    huber_loss="Huber",
    kld="KLDivergence",
    kullback_leibler_divergence="KLDivergence",
    bce="BinaryCrossentropy",
)

REDUCTIONS = ("sum_over_batch_size", "mean", "sum", "mean_with_sample_weight", "none")


def shaped(loss: Loss, y_true: ArrayLike, y_pred: ArrayLike) -> tuple[Array, Array]:
    return loss.align(np.asarray(y_true, np.float64), np.asarray(y_pred, np.float64))


def effective_weights(loss: Loss, t: Array, values: Array, sample_weight: ArrayLike | None) -> Array:
    """One weight per value, of shape (n,) or (n, 1) at first; 0 where the loss leaves a value out."""
    w = np.ones(len(t)) if sample_weight is None else np.asarray(sample_weight, np.float64).reshape(len(t))
    if values.ndim == 0:  # one value for the whole batch
        return w.mean()
    return loss.kept(t, values) * w.reshape(-1, *[1] * (values.ndim - 1))


def divisor(loss: Loss, t: Array, values: Array, weights: Array, reduction: str) -> float:
    if reduction == "sum":
        return 1.0
    return weights.sum() if reduction == "mean_with_sample_weight" else loss.kept(t, values).sum()


def reduced(
    loss: Loss,
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    reduction: str | None = "sum_over_batch_size",
) -> Any:
    """The number that the batch reports; the weighted values themselves with reduction "none"."""
    t, p = shaped(loss, y_true, y_pred)
    values = np.asarray(loss.per_sample(t, p))
    weights = effective_weights(loss, t, values, sample_weight)
    if reduction in (None, "none"):
        return values * weights
    return float((values * weights).sum() / divisor(loss, t, values, weights, reduction))


def gradient(
    loss: Loss,
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None = None,
    reduction: str = "sum_over_batch_size",
) -> Array:
    """The gradient of `reduced` with respect to the predictions, in their shape."""
    t, p = shaped(loss, y_true, y_pred)
    values = np.asarray(loss.per_sample(t, p))
    weights = effective_weights(loss, t, values, sample_weight)
    scale = np.asarray(weights / divisor(loss, t, values, weights, reduction))
    return (loss.slope(t, p) * scale[..., None]).reshape(np.shape(y_pred))


def loss(name: str, y_true: ArrayLike, y_pred: ArrayLike, **params: Any) -> Array:
    """One value per sample; one for the whole batch with Dice and Tversky."""
    made = LOSSES[name](**params)
    return made.per_sample(*shaped(made, y_true, y_pred))


def loss_gradient(
    name: str, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None, **params: Any
) -> Array:
    """Gradient of the mean (sum_over_batch_size) loss with respect to the predictions."""
    return gradient(LOSSES[name](**params), y_true, y_pred, sample_weight)
