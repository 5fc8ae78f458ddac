"""What compile() sets, and what of it a model shows."""

from __future__ import annotations

from typing import Any

from . import losses, optimizers
from ._compile import Compiled
from ._compiled_from import compiled_from
from ._lock import alone, changes
from ._saved import Saved
from .layers import Layer
from .metrics import Metric


class Compilable(Saved):
    """A model that compile() gives an optimizer, a loss and metrics."""

    _compiled: Compiled | None = None

    def _before_change(self) -> None:
        super()._before_change()
        if self._guard.fitting:
            raise ValueError("The model cannot get other layers while its fit() runs.")

    def _network_made(self, network: Any, owners: list[Layer | None]) -> None:
        if self._compiled is not None:
            self._compiled.attach(network, owners, self._all_weights(), self._output())

    def _optimizer_numbers(self) -> int:
        if self._compiled is None or self._compiled.trainer is None or not self._compiled.optimizer.iterations:
            return 0  # as in Keras, whose optimizers keep nothing before the first step
        return self._compiled.optimizer._numbers()

    @changes
    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: Any = "auto",
        auto_scale_loss: bool = True,
    ) -> None:
        """Sets what training does. Weights stay, the optimizer starts anew.

        Args:
            optimizer: A name such as ``"rmsprop"`` or an optimizer.
            loss: A name such as ``"categorical_crossentropy"`` or a loss.
            loss_weights: A number that multiplies the loss.
            metrics: A list of names such as ``"accuracy"`` and metrics.
            weighted_metrics: The same for metrics that count samples by their weights.
            run_eagerly, steps_per_execution, jit_compile, auto_scale_loss: Accepted for Keras programs; the core is
                always compiled and runs many steps at once.

        Raises:
            ValueError: If a name is unknown.
            TypeError: If an argument is of another kind.

        Example:
            >>> model = lamella.Sequential([lamella.layers.Dense(1)])
            >>> model.compile(lamella.optimizers.Adam(0.01), "mse", metrics=["mae"])
        """
        if self._guard.fitting:
            raise ValueError("The model cannot be compiled while its fit() runs.")
        compiled = compiled_from(optimizer, loss, loss_weights, metrics, weighted_metrics)
        compiled.guard = self._guard
        if self._network is not None:
            compiled.attach(self._network, self._owners, self._all_weights(), self._output())
        self._compiled = compiled

    @property
    def optimizer(self) -> optimizers.Optimizer:
        """The optimizer that compile() set."""
        return self._compiled_or_raise().optimizer

    @property
    def loss(self) -> losses.Loss:
        """The loss that compile() set."""
        loss: losses.Loss = self._compiled_or_raise().loss
        return loss

    @property
    def metrics(self) -> list[Metric]:
        """The metrics that compile() set, plain ones first."""
        return self._compiled_or_raise().metrics

    @alone
    def reset_metrics(self) -> None:
        """Forgets what loss and metrics have added up; fit() and evaluate() do so by themselves.

        Example:
            >>> model = lamella.Sequential([lamella.Input((2,)), lamella.layers.Dense(1)])
            >>> model.compile("sgd", "mse")
            >>> model.reset_metrics()
        """
        compiled = self._compiled_or_raise()
        if compiled.trainer is not None:
            with compiled.alone():
                compiled.reset()

    @property
    def metrics_names(self) -> list[str]:
        """``["loss", ...]``, in the order of evaluate()'s results."""
        return ["loss", *self._compiled_or_raise().names]

    def _compiled_or_raise(self) -> Compiled:
        if self._compiled is None:
            raise ValueError("You must call `compile()` before using the model.")
        return self._compiled

    def _metric_direction(self, name: str) -> str | None:
        """Which way a metric gets better: "min", "max" or None if it is not known."""
        return self._compiled_or_raise().metric_direction(name)
