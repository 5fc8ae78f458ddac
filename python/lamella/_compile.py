"""What compile() sets: optimizer, loss and metrics, and the core's trainer with its state once the model is built."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from . import losses, metrics, optimizers
from ._core import core
from .metrics import Metric
from .optimizers import Optimizer

Logs = dict[str, float]


@dataclass
class Compiled:
    """What compile() set, and the core's trainer with its state once the model is built."""

    optimizer: Optimizer
    loss: Any
    metrics: list[Metric]
    wanted: list[Any] = field(default_factory=list)  # the metrics as they were given
    trainer: Any = None
    names: list[str] = field(default_factory=list)
    fitting: bool = False
    _carried: list[float] = field(default_factory=list)
    _lock: Any = field(default_factory=threading.RLock)

    def clear_totals(self) -> None:
        """Loss and metrics are counted from here on."""
        self.trainer.clear_totals()
        self._carried = [0.0] * (2 + 2 * len(self.metrics))

    def _totals(self) -> list[float]:
        samples, loss, sums, counts = self.trainer.totals()
        return [before + now for before, now in zip(self._carried, (samples, loss, *sums, *counts), strict=True)]

    def logs(self) -> Logs:
        """Loss and metrics over the rows since the totals were cleared."""
        samples, loss, *rest = self._totals()
        sums, counts = rest[: len(self.metrics)], rest[len(self.metrics) :]
        found = zip(("loss", *self.names), (loss, *sums), (samples, *counts), strict=True)
        return {name: total / count if count else 0.0 for name, total, count in found}

    @contextmanager
    def alone(self, *, fitting: bool = False) -> Iterator[None]:
        """Other threads wait. Inside a fit of the same thread, the running loss is put aside and taken up again.

        Raises:
            ValueError: If a callback of a fit asks for another fit of the same model.
        """
        with self._lock:
            if fitting and self.fitting:
                raise ValueError("fit() cannot be called from a callback of a running fit() of the same model.")
            nested, carried = self.fitting, self._totals() if self.fitting else []
            self.fitting = nested or fitting
            try:
                yield
            finally:
                self.fitting = nested
                if nested:
                    self.trainer.clear_totals()
                    self._carried = carried

    def attach(self, network: Any) -> None:
        """Makes a trainer of `network`; where that fails, everything is as before."""
        resolved = [
            metrics.resolve_accuracy(given, network.outputs, self.loss.labels) if metrics.is_accuracy(given) else metric
            for given, metric in zip(self.wanted, self.metrics, strict=True)
        ]
        specs = [metric._spec(core) for metric in resolved]
        try:
            self.trainer = core.Trainer(
                network, self.optimizer._spec(core), self.loss._spec(core), specs, reduction=self.loss.reduction
            )
        except MemoryError:
            raise MemoryError(
                f"Optimizer {self.optimizer.name!r} needs more memory for its state than there is."
            ) from None
        self.metrics, self.names = resolved, _unique([metric.name for metric in resolved])


def compiled_from(optimizer: Any, loss: Any, wanted: Any) -> Compiled:
    """Compiled parts from what users pass.

    Raises:
        ValueError: If a name is unknown, the loss is missing, or a metric does not fit the loss.
        TypeError: If a part is of another kind.
    """
    if loss is None:
        raise ValueError("compile() needs a `loss`, such as 'mse' or 'categorical_crossentropy'.")
    if isinstance(wanted, str) or not (wanted is None or isinstance(wanted, (list, tuple))):
        raise ValueError(f"`metrics` must be a list such as ['accuracy'], got {wanted!r}.")
    given = list(wanted or [])
    compiled = Compiled(optimizers.get(optimizer), losses.get(loss), [_metric(m) for m in given], given)
    _check_fit(compiled)
    return compiled


def _metric(identifier: Any) -> metrics.Metric:
    return metrics.BinaryAccuracy(identifier) if metrics.is_accuracy(identifier) else metrics.get(identifier)


def _check_fit(compiled: Compiled) -> None:
    """Refuses parts that the core does not have, and metrics whose targets are not those of the loss."""
    loss = compiled.loss
    for kind, part in (("optimizer", compiled.optimizer), ("loss", loss), *(("metric", m) for m in compiled.metrics)):
        family = {"optimizer": core.optimizers, "loss": core.losses, "metric": core.metrics}[kind]
        if not hasattr(family, type(part).__name__):
            name = part.origin if isinstance(part, losses.CustomLoss) else type(part).__name__
            raise TypeError(
                f"`{kind}` must be one that lamella has: {name}, written in Python, cannot run in the compiled core."
            )
    for given, metric in zip(compiled.wanted, compiled.metrics, strict=True):
        if metric.labels != loss.labels and not metrics.is_accuracy(given):
            kind = "class numbers" if loss.labels else "rows of numbers"
            raise ValueError(
                f"Metric {metric.name!r} does not fit the loss {loss.name!r}, whose targets are {kind}; "
                "use 'accuracy', which fits itself."
            )


def _unique(names: list[str]) -> list[str]:
    """A second metric of one name gets _1, a third _2."""
    seen: dict[str, int] = {}
    result = []
    for name in names:
        count = seen.get(name, 0)
        seen[name] = count + 1
        result.append(f"{name}_{count}" if count else name)
    return result
