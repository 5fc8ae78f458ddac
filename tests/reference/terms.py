"""How large the terms are that a gradient is a sum of: what rounding errors are measured by where sums cancel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_OUTPUTS = {"linear": lambda z: z, "tanh": np.tanh, "sigmoid": lambda z: 1 / (1 + np.exp(-z))}
# Of the derivatives 1, 1 - y² and y (1 - y) by the output y the sums of absolute terms, and the largest slope in z.
_SLOPES = {"linear": lambda y: np.ones_like(y), "tanh": lambda y: 1 + y * y, "sigmoid": lambda y: y * (1 + y)}
_BENDS = {"linear": 0.0, "tanh": 0.77, "sigmoid": 0.1}
_STEEPEST = {"linear": 1.0, "tanh": 1.0, "sigmoid": 0.25}


def absolute_terms(kinds: Sequence[str], weights: Sequence[NDArray], x: NDArray, y: NDArray) -> list[Array]:
    """For each number of each weight's gradient, and last of the inputs', the sum of its terms' absolute values.

    Dense layers of activations `kinds`, loss mse. Errors that the values of layers before bring in count as terms.

    Source: Higham, Accuracy and Stability of Numerical Algorithms, 2nd edition, section 3.1: an inner product differs
    from the exact one by at most a few roundings of the sum of its terms' absolute values.
    """
    pairs = [(np.asarray(weights[i], np.float64), np.asarray(weights[i + 1])) for i in range(0, len(weights), 2)]
    outputs, sizes, sums = [np.asarray(x, np.float64)], [np.abs(x, dtype=np.float64)], []
    for kind, (w, b) in zip(kinds, pairs, strict=True):
        sums.append(sizes[-1] @ np.abs(w) + np.abs(b))
        outputs.append(_OUTPUTS[kind](outputs[-1] @ w + b))
        sizes.append(np.abs(outputs[-1]) * (kind == "sigmoid") + _STEEPEST[kind] * sums[-1])
    found: list[Array] = []
    slopes = 2 * (sizes[-1] + np.abs(y)) / y.size
    for i in reversed(range(len(kinds))):
        slopes = slopes * (_SLOPES[kinds[i]](np.abs(outputs[i + 1])) + _BENDS[kinds[i]] * sums[i])
        found = [sizes[i].T @ slopes, slopes.sum(axis=0), *found]
        slopes = slopes @ np.abs(pairs[i][0]).T
    return [*found, slopes]
