"""NumPy, written out by hand: float32 throughout, preallocated buffers, everything in place."""

from __future__ import annotations

import time

import numpy as np

from contestants import Contestant
from workloads import Array, Data, Workload


def activate(name: str, z: Array) -> Array:
    """In place; returns `z`."""
    if name == "relu":
        return np.maximum(z, 0, out=z)
    if name == "sigmoid":
        np.negative(z, out=z)
        np.exp(z, out=z)
        z += 1
        return np.reciprocal(z, out=z)
    if name == "softmax":
        z -= z.max(1, keepdims=True)
        np.exp(z, out=z)
        z /= z.sum(1, keepdims=True)
    return z


class NumpyMlp(Contestant):
    packages = ("numpy",)

    def prepare(self, workload: Workload, data: Data, threads: int) -> None:
        self.workload, self.data = workload, data
        self.weights = workload.start_weights()
        self.means = [np.zeros_like(w) for w in self.weights]  # v, of the squared gradients
        self.grads = [np.empty_like(w) for w in self.weights]
        self.scratch = [np.empty_like(w) for w in self.weights]
        self.outs = [np.empty((workload.batch, width), np.float32) for width in workload.sizes]  # [0] is the input
        self.deltas = [np.empty_like(out) for out in self.outs]
        self.target = np.empty((workload.batch, workload.outputs), np.float32)

    def fit(self, epochs: int) -> tuple[list[float], float | None]:
        orders, batch, samples = self.workload.orders(), self.workload.batch, self.workload.samples
        seconds, total = [], 0.0
        for _ in range(epochs):
            start, total = time.perf_counter(), 0.0
            order = orders.permutation(samples)
            for first in range(0, samples, batch):
                total += self.step(order[first : first + batch])
            seconds.append(time.perf_counter() - start)
        return seconds, total / samples

    def step(self, rows: Array) -> float:
        """One batch; returns the sum of its losses."""
        n, work = len(rows), self.workload
        outs, deltas, t = [a[:n] for a in self.outs], [a[:n] for a in self.deltas], self.target[:n]
        np.take(self.data.x, rows, axis=0, out=outs[0], mode="clip")  # "raise" would buffer
        np.take(self.data.y, rows, axis=0, out=t, mode="clip")
        for i, name in enumerate(work.activations):
            np.dot(outs[i], self.weights[2 * i], out=outs[i + 1])
            outs[i + 1] += self.weights[2 * i + 1]
            activate(name, outs[i + 1])
        y, dz = outs[-1], deltas[-1]
        np.subtract(y, t, out=dz)
        if work.loss == "mse":
            total = float(np.vdot(dz, dz)) / work.outputs
            dz *= np.float32(2 / dz.size)
            if work.output == "sigmoid":
                dz *= y * (1 - y)
            elif work.output == "relu":
                dz *= y > 0
        else:  # the canonical links: dz = (y - t) / n
            dz *= np.float32(1 / n)
            p = y[t > 0] if work.output == "softmax" else np.abs(y + t - 1)
            total = -float(np.log(np.maximum(p, 1e-7)).sum())
        for i in reversed(range(len(work.activations))):
            if i:
                np.dot(deltas[i + 1], self.weights[2 * i].T, out=deltas[i])
                deltas[i] *= outs[i] > 0
            np.dot(outs[i].T, deltas[i + 1], out=self.grads[2 * i])
            np.sum(deltas[i + 1], axis=0, out=self.grads[2 * i + 1])
        self.update()
        return total

    def update(self) -> None:
        """RMSprop as Keras has it, epsilon inside the root: v = rho v + (1 - rho) g², w -= lr g / sqrt(v + eps)."""
        rho, rate = np.float32(self.workload.rho), np.float32(self.workload.learning_rate)
        for w, g, v, s in zip(self.weights, self.grads, self.means, self.scratch, strict=True):
            np.multiply(g, g, out=s)
            s *= 1 - rho
            v *= rho
            v += s
            np.add(v, np.float32(self.workload.epsilon), out=s)
            np.sqrt(s, out=s)
            np.divide(g, s, out=s)
            s *= rate
            w -= s

    def predict(self, x: Array) -> Array:
        for i, name in enumerate(self.workload.activations):
            x = x @ self.weights[2 * i]
            x += self.weights[2 * i + 1]
            x = activate(name, x)
        return x
