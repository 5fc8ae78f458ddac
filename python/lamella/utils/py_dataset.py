"""Data that a program makes batch by batch."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any


class PyDataset:
    """Base class of data that come in batches: override `__getitem__` and `__len__`.

    Args:
        workers: Accepted for Keras' sake; batches are made one after the other.
        use_multiprocessing: Accepted for Keras' sake.
        max_queue_size: Accepted for Keras' sake.

    Example:
        >>> class Pairs(PyDataset):
        ...     def __len__(self):
        ...         return 2
        ...     def __getitem__(self, index):
        ...         return [2 * index, 2 * index + 1]
        >>> list(Pairs())
        [[0, 1], [2, 3]]
    """

    # Of the class, so that subclasses may forget super().__init__().
    workers: int = 1
    use_multiprocessing: bool = False
    max_queue_size: int = 10

    def __init__(self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10) -> None:
        self.workers = workers
        self.use_multiprocessing = use_multiprocessing
        self.max_queue_size = max_queue_size

    def __getitem__(self, index: int) -> Any:
        """The batch number `index`, from 0: ``(x, y)`` or ``(x, y, sample_weight)``."""
        raise NotImplementedError(f"{type(self).__name__} must define __getitem__(self, index), which makes a batch.")

    @property
    def num_batches(self) -> int | None:
        """What `__len__` says; override it to return None for data without end."""
        if hasattr(self, "__len__"):
            return len(self)
        raise NotImplementedError(
            f"{type(self).__name__} must define __len__(self), the number of batches, or the property num_batches."
        )

    def __iter__(self) -> Iterator[Any]:
        """The batches in order."""
        batches = self.num_batches
        return (self[index] for index in (count() if batches is None else range(batches)))

    def on_epoch_begin(self) -> None:
        """Called before each epoch."""

    def on_epoch_end(self) -> None:
        """Called after each epoch, to shuffle for instance."""
