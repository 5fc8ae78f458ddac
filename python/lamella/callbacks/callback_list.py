"""Calls every callback of a run in the right order, and knows who watches batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ..distribution._group import is_first
from .base import HOOKS, Callback, Logs
from .history import History
from .progbar import ProgbarLogger

_OURS = ("on_batch_begin", "on_batch_end")  # reached through on_train_batch_*, so a look-alike may lack them
_REQUIRED = (
    "set_model",
    "set_params",
    *(hook for hook in HOOKS if hook not in _OURS and not hook.endswith("_chunk_end")),
)
_WATCHING = {
    "on_train_batch_begin": ("on_train_batch_begin", "on_batch_begin"),
    "on_train_batch_end": ("on_train_batch_end", "on_batch_end"),
}


class CallbackList:
    """The callbacks of one run: the user's in their order, then History, then the progress bar.

    A training loop talks to this object only. Where `wants_train_batches` is false nobody looks at single batches,
    and the loop may run many steps between two calls of `on_train_chunk_end`; the same holds for test and predict.

    Args:
        callbacks: A callback, an iterable of them, another CallbackList or None.
        add_history: Whether to add a History unless there is one.
        add_progbar: Whether to add a ProgbarLogger unless there is one.
        model: The model, handed to every callback.
        **params: Facts about the run for `Callback.params`: `verbose`, `epochs`, `steps`.

    Raises:
        TypeError: If a member is not a callback.

    Example:
        >>> callbacks = CallbackList([Callback()], add_history=True, verbose=0, epochs=1, steps=10)
        >>> [type(callback).__name__ for callback in callbacks], callbacks.wants_train_batches
        (['Callback', 'History'], False)
    """

    def __init__(
        self,
        callbacks: Any = None,
        add_history: bool = False,
        add_progbar: bool = False,
        model: Any = None,
        **params: Any,
    ) -> None:
        self.callbacks: list[Any] = _checked(callbacks)
        if add_history and self._first(History) is None:
            self.callbacks.append(History())
        if add_progbar and self._first(ProgbarLogger) is None:
            self.callbacks.append(ProgbarLogger())
        self.model: Any = None
        self.params: dict[str, Any] = {}
        self._bind()
        self.set_params(params)
        if model is not None:
            self.set_model(model)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.callbacks)

    def __len__(self) -> int:
        return len(self.callbacks)

    @property
    def history(self) -> History | None:
        """The History among the callbacks, if there is one."""
        found: History | None = self._first(History)
        return found

    def append(self, callback: Any) -> None:
        """Adds a callback after the others."""
        self.callbacks = _checked([*self.callbacks, callback])
        self._bind()

    def set_params(self, params: dict[str, Any]) -> None:
        """Hands the facts about the run to every callback."""
        self.params = params
        for callback in self.callbacks:
            callback.set_params(params)

    def set_model(self, model: Any) -> None:
        """Hands the model to every callback, and its History to the model."""
        self.model = model
        if self.history is not None:
            model.history = self.history
        for callback in self.callbacks:
            callback.set_model(model)

    @property
    def wants_train_batches(self) -> bool:
        """Whether some callback overrides a hook of training batches."""
        return self._watched("train")

    @property
    def wants_test_batches(self) -> bool:
        """Whether some callback overrides a hook of evaluation batches."""
        return self._watched("test")

    @property
    def wants_predict_batches(self) -> bool:
        """Whether some callback overrides a hook of prediction batches."""
        return self._watched("predict")

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Calls `on_train_begin` of every callback."""
        self._call("on_train_begin", logs)

    def on_first_rank(self) -> None:
        """Calls `on_train_begin` of those that only the first process calls, which this one has become."""
        for listener in self._listeners["on_train_begin"]:
            if listener not in self._elsewhere["on_train_begin"]:
                listener({})

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Calls `on_train_end` of every callback."""
        self._call("on_train_end", logs)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Calls `on_epoch_begin` of every callback."""
        self._call("on_epoch_begin", logs, epoch)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Puts the keys of `logs` in alphabetical order, in place, and calls the hook."""
        if logs:
            items = sorted(logs.items())
            logs.clear()
            logs.update(items)
        self._call("on_epoch_end", logs, epoch)

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Calls `on_train_batch_begin` of every callback."""
        self._call("on_train_batch_begin", logs, batch)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Calls `on_train_batch_end` of every callback."""
        self._call("on_train_batch_end", logs, batch)

    def on_train_chunk_end(self, steps: int, logs: Logs | None = None) -> None:
        """Calls `on_train_chunk_end` of every callback."""
        self._call("on_train_chunk_end", logs, steps)

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Calls `on_test_begin` of every callback."""
        self._call("on_test_begin", logs)

    def on_test_end(self, logs: Logs | None = None) -> None:
        """Calls `on_test_end` of every callback."""
        self._call("on_test_end", logs)

    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Calls `on_test_batch_begin` of every callback."""
        self._call("on_test_batch_begin", logs, batch)

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Calls `on_test_batch_end` of every callback."""
        self._call("on_test_batch_end", logs, batch)

    def on_test_chunk_end(self, steps: int, logs: Logs | None = None) -> None:
        """Calls `on_test_chunk_end` of every callback."""
        self._call("on_test_chunk_end", logs, steps)

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """Calls `on_predict_begin` of every callback."""
        self._call("on_predict_begin", logs)

    def on_predict_end(self, logs: Logs | None = None) -> None:
        """Calls `on_predict_end` of every callback."""
        self._call("on_predict_end", logs)

    def on_predict_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Calls `on_predict_batch_begin` of every callback."""
        self._call("on_predict_batch_begin", logs, batch)

    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Calls `on_predict_batch_end` of every callback."""
        self._call("on_predict_batch_end", logs, batch)

    def on_predict_chunk_end(self, steps: int, logs: Logs | None = None) -> None:
        """Calls `on_predict_chunk_end` of every callback."""
        self._call("on_predict_chunk_end", logs, steps)

    def note_samples(self, count: int) -> None:
        """Tells the progress bar, if there is one, how many samples training has seen."""
        if (bar := self._first(ProgbarLogger)) is not None:
            bar.note_samples(count)

    def _bind(self) -> None:
        """Notes for each hook which callbacks do something in it, so that a batch costs nothing for the rest."""
        self._listeners: dict[str, list[Callable[..., Any]]] = {
            hook: [getattr(callback, hook) for callback in self.callbacks if _listens(callback, hook)] for hook in HOOKS
        }
        self._elsewhere: dict[str, list[Callable[..., Any]]] = {  # on ranks other than 0
            hook: [
                getattr(callback, hook)
                for callback in self.callbacks
                if _listens(callback, hook) and not getattr(callback, "first_rank_only", False)
            ]
            for hook in HOOKS
        }

    def _call(self, hook: str, logs: Logs | None, *index: int) -> None:
        logs = {} if logs is None else logs
        for listener in self._listeners[hook] if is_first() else self._elsewhere[hook]:
            listener(*index, logs)

    def _watched(self, what: str) -> bool:
        return any(self._listeners[f"on_{what}_batch_{moment}"] for moment in ("begin", "end"))

    def _first(self, kind: type[Any]) -> Any:
        return next((callback for callback in self.callbacks if isinstance(callback, kind)), None)


def _listens(callback: Any, hook: str) -> bool:
    """Whether the hook of this callback is anything else than the empty one of Callback."""
    for name in _WATCHING.get(hook, (hook,)):
        method = getattr(callback, name, None)
        if method is not None and getattr(method, "__func__", method) is not getattr(Callback, name):
            return True
    return False


def _checked(callbacks: Any) -> list[Any]:
    """The callbacks as a list, each of them known to have every hook."""
    if callbacks is None:
        return []
    if isinstance(callbacks, CallbackList):
        return list(callbacks.callbacks)
    if isinstance(callbacks, type) or not isinstance(callbacks, Iterable):
        callbacks = [callbacks]
    members = list(callbacks)
    for index, member in enumerate(members):
        if isinstance(member, type):
            raise TypeError(
                f"`callbacks[{index}]` must be a callback, got the class {member.__name__}. "
                f"Pass an instance of it: {member.__name__}(...)."
            )
        missing = [name for name in _REQUIRED if not callable(getattr(member, name, None))]
        if missing:
            raise TypeError(
                f"`callbacks[{index}]` must be a callback, got {type(member).__name__}, which lacks "
                f"{missing[0]}(). Pass an instance of a subclass of lamella.callbacks.Callback."
            )
    return members
