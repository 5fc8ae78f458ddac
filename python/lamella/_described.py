"""What compile() got, as configs name it, and what of a model is not lamella's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from . import losses, metrics
from ._registry import snake_case
from .losses import CustomLoss

if TYPE_CHECKING:
    from ._compile import Compiled


def loss_config(compiled: Compiled) -> Any:
    """The loss as Keras writes it: by the name it was given by, or as a config."""
    if compiled.loss is None:
        return compiled.given_loss
    if isinstance(compiled.given_loss, str) and not losses.is_crossentropy(compiled.given_loss):
        return snake_case(type(compiled.loss).__name__)
    found = losses.serialize(compiled.loss)
    if isinstance(compiled.loss, losses.SparseCategoricalCrossentropy) and found["config"].get("axis") == -1:
        del found["config"]["axis"]  # the default, of which Keras 3.0 does not know
    return found


def metric_config(each: Any) -> Any:
    """The same for a metric."""
    if isinstance(each.given, str) and each.given.lower() not in ("ce", "crossentropy"):
        return each.given
    return each.given if each.metric is None else metrics.serialize(each.metric)


def metrics_from(given: Any, own: Mapping[str, Any]) -> Any:
    """Metrics of a compile config; Keras writes nested lists for models of several outputs."""
    if not isinstance(given, list):
        return None if given is None else [given]
    flat = given[0] if len(given) == 1 and isinstance(given[0], list) else given
    return [metrics.deserialize(m, dict(own)) if isinstance(m, Mapping) or m in own else m for m in flat]


def own_objects(model: Any) -> dict[str, Any]:
    """Classes and functions that are not lamella's, which pickles refer to by their own means."""
    found: dict[str, Any] = {}

    def note(part: Any) -> None:
        function = getattr(part, "_function", None) or getattr(part, "_fn", None)
        if function is not None:
            found[getattr(function, "__name__", type(function).__name__)] = function
        elif not type(part).__module__.startswith("lamella."):
            found[type(part).__name__] = type(part)

    for layer in model._leaves():
        note(layer)
        for key, part in vars(layer).items():
            if key.endswith(("_initializer", "_regularizer", "_constraint")) and part is not None:
                note(part)
    if model._compiled is not None:
        loss = model._compiled.loss
        if isinstance(loss, CustomLoss):
            of = loss._of
            is_loss = isinstance(of, losses.Loss)
            found[type(of).__name__ if is_loss else getattr(of, "__name__", type(of).__name__)] = (
                type(of) if is_loss else of
            )
        for each in model._compiled.watched:
            note(each.metric)
    return found
