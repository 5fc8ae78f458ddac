"""What training on several processes costs: `mpiexec -n 2 python benchmarks/scaling.py [DRAWING.png]`, or run alone.

Measures a bare Allreduce, the same with the flags and checks that lamella adds, updates from a gradient that was
summed, and training steps, and prints what the model of a step's time says for other numbers of hosts and other links
(docs/distributed.md). Rank 0 draws it.
"""

from __future__ import annotations

import math
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial

import numpy as np

import lamella
from lamella import distribution, layers, optimizers
from lamella.distribution._exchange import exchange_of
from lamella.distribution._group import active

COPY = 2.1e9  # bytes per second that a host moves through TCP
LATENCY = 30e-6  # seconds, of 10 Gbit/s Ethernet


def exchange_time(hosts: int, numbers: int, link: float, latency: float = LATENCY, copy: float = COPY) -> float:
    """Seconds of a sum over all hosts: each byte is copied, and then it is on the wire.

    Args:
        numbers: In the gradient.
        link: Bits per second.
    """
    sent = 2 * (hosts - 1) / hosts * numbers * 4
    return 2 * math.log2(hosts) * latency + sent * (8 / link + 1 / copy)


def speed_up(hosts: int, step: float, numbers: int, link: float, sync_every: int = 1) -> float:
    """Rows per second of so many hosts, each with the batch whose step takes `step` seconds, beside those of one."""
    return hosts * step / (step + exchange_time(hosts, numbers, link) / sync_every)


def best(work: Callable[[], object], repeats: int) -> float:
    """The median of the seconds."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def problem(rows: int, optimizer: object) -> tuple[np.ndarray, np.ndarray, lamella.Sequential]:
    """A batch, and the book's network."""
    rng = np.random.default_rng(0)
    x, y = rng.random((rows, 784), dtype=np.float32), rng.integers(0, 10, rows)
    model = lamella.Sequential([lamella.Input((784,)), layers.Dense(512, "relu"), layers.Dense(10, "softmax")])
    model.compile(optimizer, "sparse_categorical_crossentropy")
    return x, y, model


def updates(rows: int = 128, steps: int = 20) -> None:
    """Steps that collect the gradient, for clipping, on this process alone, and the same as one of a group: in turn."""
    for name in ("SGD", "Adam"):
        x, y, model = problem(rows, getattr(optimizers, name)(1e-6, global_clipnorm=1e9))
        trainer, network = model._compiled.trainer, model._network
        order = np.tile(np.arange(rows), steps)
        shares = np.array([[s * rows, rows, 0, rows] for s in range(steps)])
        given = (network, x, y.astype(np.int32), None, order, rows, np.full(steps, 1e-6, np.float32))
        together = {"exchange": lambda numbers, what: True, "shares": shares}
        ways = partial(trainer.train, *given), partial(trainer.train, *given, **together)
        alone, shared = [], []
        for _ in range(20):
            alone.append(best(ways[0], 1))
            shared.append(best(ways[1], 1))
        a, b = (1e3 * statistics.median(times) / steps for times in (alone, shared))
        if distribution.rank() == 0:
            print(f"{name}: step that collects {a:.2f} ms, with an exchange of no time {b:.2f} ms: {b / a:.2f}")


def measure(rows: int, repeats: int = 200) -> tuple[float, int]:
    """(seconds of a step on this process alone with so many rows, numbers of its gradient)"""
    x, y, model = problem(rows, "sgd")
    model.fit(np.tile(x, (20, 1)), np.tile(y, 20), batch_size=rows, epochs=1, shuffle=False, verbose=0)
    seconds = best(
        lambda: model.fit(np.tile(x, (20, 1)), np.tile(y, 20), batch_size=rows, shuffle=False, verbose=0), repeats // 20
    )
    return seconds / 20, model.count_params()


def exchanges() -> None:
    """The bare sum and lamella's, of the same bytes, in turn."""
    group, chosen = active(), distribution.distribution()
    if group is None or chosen is None:
        return
    _, _, model = problem(1, "sgd")
    exchange = exchange_of(group, model.optimizer)
    buffer = np.zeros(exchange.cuts[-1] + 16, np.float32)  # rows of weights are padded, and flags follow

    def divided() -> None:
        exchange.is_divided = True
        exchange(buffer, "gradients")
        exchange(buffer[:-16], "weights")
        exchange.is_divided = False

    times: list[list[float]] = [[], [], [], []]
    few = np.zeros(2, np.float32)
    for _ in range(20):
        ways = (
            lambda: chosen.comm.allreduce_(buffer),
            lambda: exchange(buffer, "gradients"),
            divided,
            lambda: chosen.comm.allreduce_(few),
        )
        for found, way in zip(times, ways, strict=True):
            found.append(best(way, 20))
    if group.rank == 0:
        bare, ours, parts, least = (1e3 * statistics.median(found) for found in times)
        print(f"exchange of {buffer.nbytes / 1e6:.2f} MB: bare {bare:.3f} ms, ours {ours:.3f} ms: {ours / bare:.2f}")
        print(f"gradients and weights with shard_optimizer: {parts:.3f} ms: {parts / bare:.2f}")
        latency = least / (2 * math.log2(group.size))
        sent = 2 * (group.size - 1) / group.size * buffer.nbytes
        print(f"fit of the model: latency {1e3 * latency:.1f} µs, {sent / (bare - least) / 1e6:.3f} GB/s")


def table(steps: dict[int, float], numbers: int) -> None:
    """Predicted speed-up."""
    hosts = [2, 4, 8, 16, 32, 64]
    print("model: speed-up by hosts" + "".join(f"{n:>7}" for n in hosts))
    for rows, step in steps.items():
        for gigabit in (1, 10, 25):
            for every in (1, 8):
                found = "".join(f"{speed_up(n, step, numbers, gigabit * 1e9, every):7.1f}" for n in hosts)
                print(f"{rows:5} rows {gigabit:3} Gbit/s every {every}{found}")


def draw(path: str, steps: dict[int, float], numbers: int) -> None:
    """The same as a drawing; all of it is the model."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    hosts = [2**i for i in range(1, 7)]
    figure, axes = pyplot.subplots()
    for rows, step in steps.items():
        for gigabit in (1, 10):
            found = [speed_up(n, step, numbers, gigabit * 1e9) for n in hosts]
            axes.plot(hosts, found, "--", label=f"model: {rows} rows, {gigabit} Gbit/s")
    axes.set(xscale="log", yscale="log", xlabel="hosts", ylabel="speed-up")
    axes.legend()
    figure.savefig(path)


def main() -> None:
    """Measures on this machine, predicts for others."""
    distribution.initialize()
    steps: dict[int, float] = {}
    numbers = 0
    updates()
    for rows in (128, 1024):
        steps[rows], numbers = measure(rows)
    if distribution.rank() == 0:
        for rows, seconds in steps.items():
            print(f"step of {rows} rows on one process: {1e3 * seconds:.2f} ms ({numbers} parameters)")
    if distribution.size() > 1:
        distribution.set_distribution(distribution.DataParallel())
        exchanges()
        for rows in steps:
            seconds, _ = measure(rows * distribution.size())
            if distribution.rank() == 0:
                print(f"step of {rows} rows on each of {distribution.size()}: {1e3 * seconds:.2f} ms")
    if distribution.rank() == 0:
        table(steps, numbers)
        if sys.argv[1:]:
            draw(sys.argv[1], steps, numbers)


if __name__ == "__main__":
    main()
