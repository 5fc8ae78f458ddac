"""lamella, as its users write it. It shuffles by itself."""

from __future__ import annotations

import time

import lamella
from contestants import Contestant
from workloads import Array, Data, Workload


class Clock(lamella.callbacks.Callback):
    """Stamps each epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []

    def on_epoch_begin(self, epoch: int, logs: object = None) -> None:
        self.start = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: object = None) -> None:
        self.seconds.append(time.perf_counter() - self.start)


class Ours(Contestant):
    packages = ("lamella", "numpy")

    def prepare(self, workload: Workload, data: Data, threads: int) -> None:
        lamella.set_num_threads(threads)
        self.workload, self.data = workload, data
        layers = [
            lamella.layers.Dense(units, name)
            for units, name in zip(workload.sizes[1:], workload.activations, strict=True)
        ]
        self.model = lamella.Sequential([lamella.Input((workload.inputs,)), *layers])
        rule = lamella.optimizers.RMSprop(workload.learning_rate, rho=workload.rho, epsilon=workload.epsilon)
        self.model.compile(optimizer=rule, loss=workload.loss)
        self.model.set_weights(workload.start_weights())

    def fit(self, epochs: int) -> tuple[list[float], float | None]:
        clock = Clock()
        history = self.model.fit(
            self.data.x,
            self.data.y,
            batch_size=self.workload.batch,
            epochs=epochs,
            verbose=0,
            callbacks=[clock],
            shuffle=True,
        )
        return clock.seconds, float(history.history["loss"][-1])

    def predict(self, x: Array) -> Array:
        result: Array = self.model.predict(x, verbose=0)
        return result
