"""The progress bar for loops of one's own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .. import _progress


class Progbar(_progress.Progbar):
    """Shows how far a loop has come, and averages of its numbers over the steps so far.

    Args:
        target: Number of steps expected; None when unknown.
        width: Characters of the bar.
        verbose: 0 silent, 1 or ``"auto"`` a bar, 2 one line at the end.
        interval: Seconds that pass at least between two redraws.
        stateful_metrics: Names that are shown as they come, because they are averages already. All others are averaged.
        stateless_metrics: Names that are averaged. All others are shown as they come.
        unit_name: What one step is called, as in ``3ms/step``.

    Raises:
        ValueError: If `verbose` is none of the four, or both kinds of metrics are given.

    Example:
        >>> bar = Progbar(2, verbose=0)
        >>> for step in range(2):
        ...     bar.add(1, [("loss", 0.5)])
    """

    def __init__(
        self,
        target: int | None,
        width: int = 20,
        verbose: int | str = 1,
        interval: float = 0.05,
        stateful_metrics: Iterable[str] | None = None,
        stateless_metrics: Iterable[str] | None = None,
        unit_name: str = "step",
    ) -> None:
        super().__init__(target, width, verbose, interval, unit_name)
        if stateful_metrics is not None and stateless_metrics is not None:
            raise ValueError("Progbar takes `stateful_metrics` or `stateless_metrics`, got both. Leave one out.")
        self.stateful_metrics = None if stateless_metrics is not None else set(stateful_metrics or ())
        self.stateless_metrics = None if stateless_metrics is None else set(stateless_metrics)
        self._sums: dict[str, tuple[float, int]] = {}

    def update(
        self, current: int, values: Iterable[tuple[str, Any]] | None = None, finalize: bool | None = None
    ) -> None:
        """Notes that `current` steps are done, and redraws when it is time to.

        Args:
            current: Steps done so far, from 1.
            values: Pairs of name and value for the steps since the last update. Those of the last update of all are
                shown as they are.
            finalize: Whether this is the last update; None means "when the target is reached".
        """
        if finalize is None:
            finalize = self.target is not None and current >= self.target
        steps = max(current - self.seen, 1)
        shown = [(name, self._average(name, value, steps, finalize)) for name, value in values or ()]
        super().update(current, shown, finalize)
        self.seen = current

    def add(self, n: int, values: Iterable[tuple[str, Any]] | None = None) -> None:
        """Notes that `n` more steps are done."""
        self.update(self.seen + n, values)

    def _average(self, name: str, value: Any, steps: int, finalize: bool) -> Any:
        averaged = name in self.stateless_metrics if self.stateless_metrics is not None else True
        if finalize or not averaged or name in (self.stateful_metrics or ()):
            return value
        total, count = self._sums.get(name, (0.0, 0))
        self._sums[name] = total, count = total + value * steps, count + steps
        return total / count
