"""PyTorch, the usual eager loop. Its RMSprop adds epsilon outside the root: the nearest it has to Keras's rule."""

from __future__ import annotations

import time

import numpy as np
import torch
from torch.nn import functional

from contestants import Contestant
from workloads import Array, Data, Workload

OUTPUTS = {"softmax": torch.nn.Softmax, "sigmoid": torch.nn.Sigmoid, "relu": torch.nn.ReLU}


class TorchEager(Contestant):
    packages = ("torch",)
    same_steps = False

    def prepare(self, workload: Workload, data: Data, threads: int) -> None:
        torch.set_num_threads(threads)
        self.workload = workload
        self.x, self.y = torch.from_numpy(data.x), torch.from_numpy(data.y)
        layers: list[torch.nn.Module] = []
        for inputs, units, name in zip(workload.sizes, workload.sizes[1:], workload.activations, strict=False):
            layers.append(torch.nn.Linear(inputs, units))
            if name in OUTPUTS:
                layers.append(OUTPUTS[name](**({"dim": 1} if name == "softmax" else {})))
        self.model = torch.nn.Sequential(*layers)
        with torch.no_grad():
            for parameter, start in zip(self.model.parameters(), workload.start_weights(), strict=True):
                parameter.copy_(torch.from_numpy(start.T))
        # The crossentropies of PyTorch take logits, so training leaves their last activation out.
        logits = workload.loss != "mse"
        self.trained = self.model[:-1] if logits else self.model
        self.loss = {
            "categorical_crossentropy": functional.cross_entropy,
            "binary_crossentropy": functional.binary_cross_entropy_with_logits,
        }.get(workload.loss, functional.mse_loss)
        if workload.loss == "categorical_crossentropy":
            self.y = self.y.argmax(1)  # faster than one-hot rows

    def fit(self, epochs: int) -> tuple[list[float], float | None]:
        work, orders, seconds, mean = self.workload, self.workload.orders(), [], None
        rule = torch.optim.RMSprop(self.model.parameters(), work.learning_rate, alpha=work.rho, eps=work.epsilon)
        for _ in range(epochs):
            start, total = time.perf_counter(), torch.zeros(())
            for rows in torch.from_numpy(orders.permutation(work.samples)).split(work.batch):
                loss = self.loss(self.trained(self.x[rows]), self.y[rows])
                rule.zero_grad()
                loss.backward()
                rule.step()
                total += loss.detach() * len(rows)
            mean = total.item() / work.samples
            seconds.append(time.perf_counter() - start)
        return seconds, mean

    def predict(self, x: Array) -> Array:
        with torch.inference_mode():
            return np.asarray(self.model(torch.from_numpy(x)))
