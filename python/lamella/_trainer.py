"""What the core's trainer gets to know of a model's loss, and of the weights that it trains."""

from __future__ import annotations

from typing import Any

from .layers import Layer, Weight
from .losses import CustomLoss


def core_loss(core: Any, loss: Any) -> Any:
    """The core's struct; for a loss written in Python one with targets of the same kind, whose place it takes."""
    if not isinstance(loss, CustomLoss):
        return loss._spec(core)
    if not loss.labels:
        return core.losses.MeanSquaredError()
    spec = core.losses.SparseCategoricalCrossentropy()
    spec.from_logits = True  # not fused with a softmax
    return spec


def regularize(core: Any, updater: Any, owners: set[int], weights: list[tuple[str, Layer, Weight]]) -> None:
    """Tells the core what is trained, and the regularizers and constraints of that."""
    trained = [id(layer) in owners and layer._trains(spec) for _, layer, spec in weights]
    updater.trainable = trained
    for index, (flag, (path, _, spec)) in enumerate(zip(trained, weights, strict=True)):
        if not flag:
            continue
        for part, made in (
            (spec.regularizer, None if spec.regularizer is None else spec.regularizer._spec(core)),
            (spec.constraint, None if spec.constraint is None else spec.constraint._spec(core, len(spec.shape))),
        ):
            if part is not None and made is None:
                raise TypeError(
                    f"{type(part).__name__} of {path!r} is written in Python and cannot run in the compiled core; "
                    "use those of lamella.regularizers and lamella.constraints."
                )
            if made is not None:
                (updater.regularize if part is spec.regularizer else updater.constrain)(index, made)
