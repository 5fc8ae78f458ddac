"""What users pass to compile()."""

from __future__ import annotations

from typing import Any

from . import losses, optimizers
from ._checks import of_one_output, real
from ._compile import Compiled
from ._core import core
from ._watched import Watched, watched_from


def compiled_from(optimizer: Any, loss: Any, loss_weights: Any, metrics: Any, weighted_metrics: Any) -> Compiled:
    """Compiled parts from what users pass.

    Raises:
        ValueError: If a name is unknown, the loss is missing, or a metric does not fit the loss.
        TypeError: If a part is of another kind.
    """
    loss = of_one_output(loss)
    if loss is None:
        raise ValueError("compile() needs a `loss`, such as 'mse' or 'categorical_crossentropy'.")
    found = None if losses.is_crossentropy(loss) else losses.get(loss)
    rule = optimizers.get(optimizer)
    if not hasattr(core.optimizers, type(rule).__name__):
        raise TypeError(
            f"`optimizer` must be one that lamella has: {type(rule).__name__}, written in Python, cannot run in the "
            "compiled core."
        )
    watched = watched_from(metrics, weighted_metrics)
    if found is not None:
        for each in watched:
            if not _by_shape(each):
                each.resolve(2, found.labels)
    return Compiled(rule, found, _loss_weight(loss_weights), watched, given_loss=loss)


def _by_shape(each: Watched) -> bool:
    return isinstance(each.given, str) and each.given.lower() in ("acc", "accuracy", "ce", "crossentropy")


def _loss_weight(given: Any) -> float:
    given = of_one_output(given)
    return 1.0 if given is None else real("compile", "loss_weights", given)
