"""The record of a training run."""

from __future__ import annotations

from typing import Any

from .._progress import format_value
from ._aliases import find_key
from .base import Callback, Logs


class HistoryDict(dict[str, Any]):
    """Lists of values by metric, which also answers to the other name of a metric.

    Example:
        >>> record = HistoryDict(accuracy=[0.9])
        >>> record["acc"], list(record)
        ([0.9], ['accuracy'])
    """

    def __missing__(self, key: str) -> Any:
        found = find_key(key, self.keys()) if isinstance(key, str) else None
        if found is None:
            raise KeyError(key)
        return self[found]

    def __contains__(self, key: object) -> bool:
        return super().__contains__(key) or (isinstance(key, str) and find_key(key, self.keys()) is not None)

    def get(self, key: str, default: Any = None) -> Any:
        """The list of `key` or of its other name, else `default`."""
        found = find_key(key, self.keys()) if isinstance(key, str) else None
        return default if found is None else self[found]


class History(Callback):
    """Keeps the metrics of every epoch; `fit` adds one and returns it.

    Attributes:
        history: Name -> list of one float per epoch. Keys in alphabetical order, those that callbacks add last. It
            also answers to `acc` for `accuracy`, `mean_absolute_error` for `mae` and so on, and back.
        epoch: The epochs that ran, from 0.
        params: `verbose`, `epochs` and `steps` of the run.
        model: The model that was trained.

    Example:
        >>> history = History()
        >>> history.on_train_begin()
        >>> history.on_epoch_end(0, {"accuracy": 0.9, "loss": 0.3})
        >>> history.history, history.history["acc"]
        ({'accuracy': [0.9], 'loss': [0.3]}, [0.9])
    """

    def __init__(self) -> None:
        super().__init__()
        self.history = HistoryDict()
        self.epoch: list[int] = []

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Starts an empty record."""
        self.history = HistoryDict()
        self.epoch = []

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Appends the metrics of the epoch."""
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(_plain(value))

    def _repr_html_(self) -> str:
        """What a notebook shows: curves of the loss and of the first metric, and a table of all."""
        from .._markup import curves, table  # not before somebody looks

        record = {name: values for name, values in self.history.items() if values and _numbers(values)}
        if not self.epoch or not record:
            return "<i>History: nothing was trained</i>"
        plain = [name for name in record if not name.startswith("val_")]
        first = sorted(plain, key=lambda name: name != "loss")[:2]
        drawn = "".join(curves(record, name, self.epoch) for name in first)
        rows = []
        for name, values in record.items():
            every = max(1, len(self.epoch) // len(values))  # validation_freq
            ends = [
                (pick(values), self.epoch[every - 1 :: every][values.index(pick(values))] + 1) for pick in (min, max)
            ]
            shown = [f"{format_value(value)} (epoch {epoch})" for value, epoch in ends]
            rows.append([name, format_value(values[-1]), *shown])
        count = f"{len(self.epoch)} epochs" if len(self.epoch) > 1 else "1 epoch"
        return f"<div><b>History</b>: {count}<div>{drawn}</div>{table(['', 'last', 'lowest', 'highest'], rows)}</div>"


def _numbers(values: Any) -> bool:
    return all(isinstance(value, float) for value in values)


def _plain(value: Any) -> Any:
    """A Python float where `value` is a number; anything else unchanged."""
    if isinstance(value, str):
        return value
    try:
        return float(value)
    except (TypeError, ValueError):
        return value
