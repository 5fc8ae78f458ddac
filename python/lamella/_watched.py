"""The metrics of a compiled model: which the core adds up, and which Python does from the core's predictions."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from . import metrics
from ._checks import of_one_output
from ._core import core
from .metrics import Metric

Array = npt.NDArray[Any]


@dataclass
class Watched:
    """One metric: as it was given, and what it is for the model's output."""

    given: Any
    metric: Metric
    weighted: bool = False
    name: str = ""
    in_core: bool = False

    def resolve(self, width: int, labels: bool) -> Watched:
        """The same for outputs of `width` numbers, and targets that are class numbers or rows.

        Raises:
            ValueError: If the metric needs the other kind of targets.
        """
        by_shape = metrics.is_accuracy(self.given)
        metric = metrics.resolve_accuracy(self.given, width, labels) if by_shape else self.metric
        if metric.labels is not None and metric.labels != labels:
            kind = "class numbers" if labels else "rows of numbers"
            way = "" if by_shape else "; use 'accuracy', which fits itself"
            raise ValueError(
                f"Metric {metric.name!r} of {width} output{'s' * (width > 1)} does not fit the loss, whose targets are "
                f"{kind}{way}."
            )
        return Watched(self.given, metric, self.weighted, self.name, metric._spec(core) is not None)

    def update(self, y: Array, predictions: Array, weights: Array | None) -> None:
        """Adds the samples of one batch."""
        self.metric.update_state(y, predictions, sample_weight=weights if self.weighted else None)


def watched_from(plain: Any, weighted: Any) -> list[Watched]:
    """What compile()'s `metrics` and `weighted_metrics` stand for.

    Raises:
        ValueError: If one of them is not a list, or a name is unknown.
    """
    found: list[Watched] = []
    for name, given in (("metrics", plain), ("weighted_metrics", weighted)):
        if isinstance(given, str) or not (given is None or isinstance(given, (list, tuple))):
            raise ValueError(f"`{name}` must be a list such as ['accuracy'], got {given!r}.")
        if isinstance(of_one_output(given), (list, tuple)):
            given = of_one_output(given)
        for place, item in enumerate(given or []):
            found.append(Watched(item, _metric(item, f"{name}[{place}]"), name == "weighted_metrics"))
    return found


def _metric(identifier: Any, argument: str) -> Metric:
    if metrics.is_accuracy(identifier):
        return metrics.BinaryAccuracy(identifier)
    metric = metrics.get(identifier, argument)
    for method in ("update_state", "result"):
        if getattr(type(metric), method) is getattr(Metric, method):
            raise TypeError(f"`metrics`: {type(metric).__name__}, a metric in Python, must define {method}().")
    if type(metric).update_state in (metrics.Mean.update_state, metrics.Sum.update_state):
        raise TypeError(
            f"`metrics`: {type(metric).__name__} adds up values, not targets and predictions; derive from Metric, "
            "or give a function of both."
        )
    return metric


def named(watched: list[Watched]) -> None:
    """Gives each its key in logs: a name that is taken becomes ``weighted_...``, or gets _1, _2, ..."""
    taken: set[str] = set()
    for each in watched:
        base = each.metric.name
        if each.weighted and base in taken:
            base = f"weighted_{base}"
        name, count = base, 0
        while name in taken:
            count += 1
            name = f"{base}_{count}"
        taken.add(name)
        each.name = name


def saved_state(watched: list[Watched]) -> list[dict[str, Any]]:
    """What Python's metrics have added up so far."""
    return [copy.deepcopy(vars(each.metric)) for each in watched if not each.in_core]


def restore_state(watched: list[Watched], states: list[dict[str, Any]]) -> None:
    """Takes up again what saved_state() put aside."""
    for each, state in zip((each for each in watched if not each.in_core), states, strict=True):
        vars(each.metric).clear()
        vars(each.metric).update(state)


def results_of(name: str, metric: Metric) -> dict[str, Any]:
    """A metric's result as logs have it: a float or a list of them under its name, or what a dictionary says.

    Raises:
        TypeError: If result() returns anything else.
    """
    value = metric.result()
    if type(value) is float:
        return {name: value}
    if isinstance(value, dict) and value and all(isinstance(key, str) for key in value):
        return {key: _as_number(name, metric, part) for key, part in value.items()}
    return {name: _as_number(name, metric, value)}


def _as_number(name: str, metric: Metric, value: Any) -> Any:
    try:
        found = np.asarray(value)
    except ValueError:
        found = np.asarray(None)
    if found.dtype.kind not in "fiub":
        text = repr(value)
        raise TypeError(
            f"Metric {name!r}: result() of {type(metric).__name__} must return a number, an array of numbers, or a "
            f"dictionary from names to numbers; got {text[:40]} of type {type(value).__name__}."
        )
    return float(found) if found.ndim == 0 else found.astype(np.float64).tolist()
