"""JAX: a whole epoch in one jitted `lax.scan`, with donated buffers. Few write this by hand; it is the peer to beat."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from contestants import Contestant
from workloads import Array, Data, Workload


def forward(params: list[Any], x: Any, output: str) -> Any:
    """The last layer's z for softmax and sigmoid (the loss takes logits), its output otherwise."""
    for w, b in params[:-1]:
        x = jax.nn.relu(x @ w + b)
    z = x @ params[-1][0] + params[-1][1]
    return jax.nn.relu(z) if output == "relu" else z


def mean_loss(params: list[Any], x: Any, y: Any, output: str, loss: str) -> Any:
    """Crossentropies in their stable forms on logits."""
    z = forward(params, x, output)
    if loss == "categorical_crossentropy":
        return -(y * jax.nn.log_softmax(z)).sum() / len(y)
    if loss == "binary_crossentropy":
        return (jax.nn.softplus(z) - y * z).mean()
    return jnp.square((jax.nn.sigmoid(z) if output == "sigmoid" else z) - y).mean()


@partial(jax.jit, static_argnums=0, donate_argnums=(1, 2))
def run_epoch(workload: Workload, params: list[Any], state: list[Any], x: Any, y: Any, order: Any) -> Any:
    """All steps of one epoch; the last, smaller batch follows the scan."""
    steps, rest = divmod(workload.samples, workload.batch)

    def step(carry: Any, rows: Any) -> Any:
        params, state = carry
        xb, yb = (a.at[rows].get(mode="promise_in_bounds") for a in (x, y))  # a third faster than x[rows]
        loss, grads = jax.value_and_grad(mean_loss)(params, xb, yb, workload.output, workload.loss)
        state = jax.tree.map(lambda v, g: workload.rho * v + (1 - workload.rho) * g * g, state, grads)
        params = jax.tree.map(
            lambda w, g, v: w - workload.learning_rate * g * jax.lax.rsqrt(v + workload.epsilon), params, grads, state
        )
        return (params, state), loss * len(rows)

    whole = order[: steps * workload.batch].reshape(steps, workload.batch)
    carry, losses = jax.lax.scan(step, (params, state), whole)
    total = losses.sum()
    if rest:
        carry, loss = step(carry, order[-rest:])
        total += loss
    return *carry, total / workload.samples


class JaxScan(Contestant):
    packages = ("jax", "jaxlib")

    def prepare(self, workload: Workload, data: Data, threads: int) -> None:
        self.workload = workload
        start = [jnp.asarray(w) for w in workload.start_weights()]
        self.params = list(zip(start[::2], start[1::2], strict=True))
        self.state = jax.tree.map(jnp.zeros_like, self.params)
        self.x, self.y = jax.block_until_ready((jnp.asarray(data.x), jnp.asarray(data.y)))
        final = {"softmax": jax.nn.softmax, "sigmoid": jax.nn.sigmoid}.get(workload.output, lambda z: z)
        self.forward = jax.jit(lambda params, x: final(forward(params, x, workload.output)))

    def fit(self, epochs: int) -> tuple[list[float], float | None]:
        orders, seconds, loss = self.workload.orders(), [], None
        for _ in range(epochs):
            start = time.perf_counter()
            order = orders.permutation(self.workload.samples).astype(np.int32)
            self.params, self.state, loss = run_epoch(self.workload, self.params, self.state, self.x, self.y, order)
            loss = float(loss)
            seconds.append(time.perf_counter() - start)
        return seconds, loss

    def predict(self, x: Array) -> Array:
        return np.asarray(self.forward(self.params, x))
