"""The hooks that a training loop calls, and the callback made of functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Logs = dict[str, Any]


class Callback:
    """Base of all callbacks: every hook does nothing until a subclass overrides it.

    Epochs and batches count from 0. `logs` maps names to running averages of the epoch. The dict that
    `on_epoch_end` receives is handed from callback to callback: a key added to it is seen by the later ones, and
    History records it.

    As long as no callback overrides a batch hook, many steps run in one call of the compiled core. A callback that
    is content with a look every now and then overrides `on_train_chunk_end` instead, and costs nothing.

    Attributes:
        model: The model that is trained.
        params: Facts about the run: `verbose`, `epochs`, `steps`.

    Example:
        >>> class Loud(Callback):
        ...     def on_epoch_end(self, epoch, logs=None):
        ...         print(f"epoch {epoch}: {logs['loss']}")
        >>> Loud().on_epoch_end(0, {"loss": 0.5})
        epoch 0: 0.5
    """

    first_rank_only = False  # on several processes: whether the hooks are called on rank 0 alone, as those that write

    model: Any = None
    params: dict[str, Any] = {}  # noqa: RUF012  replaced by set_params, never changed in place

    def set_params(self, params: dict[str, Any]) -> None:
        """Receives the facts about the run."""
        self.params = params

    def set_model(self, model: Any) -> None:
        """Receives the model."""
        self.model = model

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Called once, before the first epoch."""

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Called once, after the last epoch, with the logs of that epoch."""

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Called before each epoch."""

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Called after each epoch and its validation, with the metrics of both."""

    def on_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Older name of `on_train_batch_begin`."""

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Older name of `on_train_batch_end`."""

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Called before each training batch; calls `on_batch_begin`."""
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Called after each training batch; calls `on_batch_end`."""
        self.on_batch_end(batch, logs)

    def on_train_chunk_end(self, steps: int, logs: Logs | None = None) -> None:
        """Called several times a second during an epoch and at its end, with the number of steps done in it."""

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Called before an evaluation, alone or inside `fit`."""

    def on_test_end(self, logs: Logs | None = None) -> None:
        """Called after an evaluation, with its metrics."""

    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Called before each batch of an evaluation."""

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Called after each batch of an evaluation."""

    def on_test_chunk_end(self, steps: int, logs: Logs | None = None) -> None:
        """Called several times a second during an evaluation, with the number of steps done in it."""

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """Called before a prediction."""

    def on_predict_end(self, logs: Logs | None = None) -> None:
        """Called after a prediction."""

    def on_predict_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Called before each batch of a prediction."""

    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Called after each batch of a prediction; `logs["outputs"]` holds the batch's predictions."""

    def on_predict_chunk_end(self, steps: int, logs: Logs | None = None) -> None:
        """Called several times a second during a prediction, with the number of steps done in it."""


HOOKS = tuple(name for name in vars(Callback) if name.startswith("on_"))


class LambdaCallback(Callback):
    """A callback made of functions.

    Args:
        on_epoch_begin: Called as ``f(epoch, logs)``.
        on_epoch_end: Called as ``f(epoch, logs)``.
        on_train_begin: Called as ``f(logs)``.
        on_train_end: Called as ``f(logs)``.
        on_train_batch_begin: Called as ``f(batch, logs)``.
        on_train_batch_end: Called as ``f(batch, logs)``.
        **kwargs: Any other hook by its name.

    Raises:
        TypeError: If an argument is not the name of a hook, or its value is not a function.

    Example:
        >>> printer = LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch, logs["loss"]))
        >>> printer.on_epoch_end(3, {"loss": 0.5})
        3 0.5
    """

    def __init__(
        self,
        on_epoch_begin: Callable[[int, Logs], Any] | None = None,
        on_epoch_end: Callable[[int, Logs], Any] | None = None,
        on_train_begin: Callable[[Logs], Any] | None = None,
        on_train_end: Callable[[Logs], Any] | None = None,
        on_train_batch_begin: Callable[[int, Logs], Any] | None = None,
        on_train_batch_end: Callable[[int, Logs], Any] | None = None,
        **kwargs: Callable[..., Any] | None,
    ) -> None:
        super().__init__()
        functions: dict[str, Any] = {
            "on_epoch_begin": on_epoch_begin,
            "on_epoch_end": on_epoch_end,
            "on_train_begin": on_train_begin,
            "on_train_end": on_train_end,
            "on_train_batch_begin": on_train_batch_begin,
            "on_train_batch_end": on_train_batch_end,
            **kwargs,
        }
        for name, function in functions.items():
            if name not in HOOKS:
                raise TypeError(f"`{name}` is not a hook of a callback. The hooks are: {', '.join(HOOKS)}.")
            if function is None:
                continue
            if not callable(function):
                raise TypeError(f"`{name}` must be a function or None, got {type(function).__name__}. Pass a function.")
            setattr(self, name, function)
