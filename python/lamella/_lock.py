"""A model's lock: who trains, evaluates, saves or changes it does so alone, and who only reads notices changes."""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable
from typing import Any, TypeVar

Method = TypeVar("Method", bound=Callable[..., Any])


class ModelLock:
    """A reentrant lock that is made anew where a fork left its holder behind, and what is known of who holds it."""

    def __init__(self) -> None:
        self.fitting = False
        self.changes = 0  # odd while layers or what compile() sets are being changed
        self.changed_by = 0
        self._lock, self._process = threading.RLock(), os.getpid()

    def held(self) -> Any:
        """The lock itself, for a `with`."""
        if self._process != os.getpid():
            self._process = os.getpid()
            if self._lock.acquire(blocking=False):
                self._lock.release()
            else:
                self._lock, self.fitting = threading.RLock(), False
                self.changes += self.changes % 2
        return self._lock


def alone(method: Method) -> Method:
    """Other threads that want this model alone wait until the method is done."""

    @functools.wraps(method)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        with self._guard.held():
            return method(self, *args, **kwargs)

    return call  # type: ignore[return-value]


def changes(method: Method) -> Method:
    """The same for a method that changes layers or what compile() sets."""

    @functools.wraps(method)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        guard = self._guard
        with guard.held():
            outermost = guard.changes % 2 == 0
            guard.changes += outermost
            guard.changed_by = threading.get_ident()
            try:
                return method(self, *args, **kwargs)
            finally:
                guard.changes += outermost

    return call  # type: ignore[return-value]


def reads(method: Method) -> Method:
    """Waits for nobody; an error that comes of another thread's changes meanwhile says so.

    Raises:
        RuntimeError: If another thread changed the model during the call and so broke it.
    """

    @functools.wraps(method)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        before = self._guard.changes
        try:
            return method(self, *args, **kwargs)
        except Exception as error:
            guard = self._guard
            if (guard.changes == before and before % 2 == 0) or guard.changed_by == threading.get_ident():
                raise
            raise RuntimeError(
                f"Model {self.name!r} was changed by another thread during {method.__name__.strip('_')}(); call it "
                "again when add(), pop(), build() or compile() there is done."
            ) from error

    return call  # type: ignore[return-value]
