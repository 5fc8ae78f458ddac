"""Stand-ins for what `lamella.losses` will bring."""

from __future__ import annotations

from typing import Any

import numpy as np

E1 = 1e-7


def _signs(t: Any) -> Any:
    return 2 * t - 1 if np.isin(t, (0, 1)).all() else t


def _bce(t: Any, p: Any, from_logits: bool, label_smoothing: float) -> tuple[Any, Any, Any]:
    t = t * (1 - label_smoothing) + label_smoothing / 2
    if from_logits:
        z, p = p, 1 / (1 + np.exp(-p))
        return t, p, np.maximum(z, 0) - z * t + np.log1p(np.exp(-abs(z)))
    q = np.clip(p, E1, 1 - E1)
    return t, p, -(t * np.log(q) + (1 - t) * np.log(1 - q))


def _bfc(
    t: Any,
    p: Any,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
) -> Any:
    t, p, loss = _bce(t, p, from_logits, label_smoothing)
    loss = loss * (1 - (t * p + (1 - t) * (1 - p))) ** gamma
    return (loss * (alpha * t + (1 - alpha) * (1 - t)) if apply_class_balancing else loss).mean(-1)


def _cfc(
    t: Any, p: Any, alpha: float = 0.25, gamma: float = 2.0, from_logits: bool = False, label_smoothing: float = 0.0
) -> Any:
    t = t * (1 - label_smoothing) + label_smoothing / t.shape[-1]
    if from_logits:
        p = np.exp(p - p.max(-1, keepdims=True))
    p = np.clip(p / p.sum(-1, keepdims=True), E1, 1 - E1)
    return (alpha * (1 - p) ** gamma * -t * np.log(p)).sum(-1)


FORMULAS: dict[str, Any] = {
    "MeanAbsoluteError": lambda t, p: abs(t - p).mean(-1),
    "MeanAbsolutePercentageError": lambda t, p: 100 * (abs(t - p) / np.maximum(abs(t), E1)).mean(-1),
    "MeanSquaredLogarithmicError": lambda t, p: ((np.log1p(np.maximum(p, E1)) - np.log1p(np.maximum(t, E1))) ** 2).mean(
        -1
    ),
    "LogCosh": lambda t, p: (p - t + np.logaddexp(0, -2 * (p - t)) - np.log(2)).mean(-1),
    "Huber": lambda t, p, delta=1.0: np.where(
        abs(p - t) <= delta, (p - t) ** 2 / 2, delta * abs(p - t) - delta**2 / 2
    ).mean(-1),
    "CosineSimilarity": lambda t, p: (
        -(
            (t / np.maximum(np.linalg.norm(t, axis=-1, keepdims=True), E1))
            * (p / np.maximum(np.linalg.norm(p, axis=-1, keepdims=True), E1))
        ).sum(-1)
    ),
    "Poisson": lambda t, p: (p - t * np.log(p + E1)).mean(-1),
    "KLDivergence": lambda t, p: (np.clip(t, E1, 1) * np.log(np.clip(t, E1, 1) / np.clip(p, E1, 1))).sum(-1),
    "Hinge": lambda t, p: np.maximum(1 - _signs(t) * p, 0).mean(-1),
    "SquaredHinge": lambda t, p: (np.maximum(1 - _signs(t) * p, 0) ** 2).mean(-1),
    "CategoricalHinge": lambda t, p: np.maximum(((1 - t) * p).max(-1) - (t * p).sum(-1) + 1, 0),
    "BinaryFocalCrossentropy": _bfc,
    "CategoricalFocalCrossentropy": _cfc,
}
