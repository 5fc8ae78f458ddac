"""Processes that have rows of their own: the numbers of one process that has them all."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from test_distribution import data, network
from threads_as_ranks import run_ranks

import lamella
from lamella import layers, optimizers
from lamella.distribution import PeerError


def cut(rows: int, ranks: int, batch: int) -> list[np.ndarray]:
    """The rows of each rank, so that together they take the batches of all rows in order."""
    parts: list[list[int]] = [[] for _ in range(ranks)]
    for first in range(0, rows, batch):
        size = min(batch, rows - first)
        for rank in range(ranks):
            # The last batch may be short: then rank 0 fills its share first, as it does with rows of its own.
            full = batch * (rank + 1) // ranks - batch * rank // ranks
            before = batch * rank // ranks
            parts[rank] += range(first + min(before, size), first + min(before + full, size))
    return [np.array(part, np.int64) for part in parts]


def make(rank: int, optimizer: Any = None) -> lamella.Sequential:
    model = network([layers.Dense(16, "tanh"), layers.Dropout(0.2, seed=1), layers.Dense(3)], rank)
    model.compile(optimizer or optimizers.Adam(0.01), "mse", metrics=["mae", lamella.metrics.R2Score()])
    return model


def compare(ranks: int, rows: int, batch: int, use: Any, **options: Any) -> None:
    """use(model, x, y, sample_weight, batch, rows of the rank) on one process with all rows, and on several."""
    x, y = data(np.random.default_rng(3), rows)
    w = np.linspace(0.5, 1.5, rows).astype("float32")

    def work(mine: Any) -> Any:
        def run(rank: int) -> Any:
            chosen = mine(rank)
            return use(make(rank), x[chosen], y[chosen], w[chosen], batch)

        return run

    [alone] = run_ranks(1, work(lambda rank: np.arange(rows)))
    parts = cut(rows, ranks, batch)
    assert sorted(np.concatenate(parts)) == list(range(rows))
    found = run_ranks(ranks, work(lambda rank: parts[rank]), own_data=True, **options)
    for result in found:
        assert not isinstance(result, BaseException), result
        for name, values in alone.items():
            np.testing.assert_allclose(result[name], values, rtol=1e-5, atol=1e-7, err_msg=name)


@pytest.mark.parametrize(("ranks", "rows", "batch"), [(2, 200, 20), (3, 203, 20), (4, 61, 30), (3, 10, 4), (4, 41, 8)])
def test_fit_and_evaluate_are_those_of_all_rows(ranks: int, rows: int, batch: int) -> None:
    def use(model: Any, x: Any, y: Any, w: Any, batch: int) -> Any:
        fit = {"batch_size": batch, "epochs": 3, "shuffle": False, "verbose": 0}
        found = dict(model.fit(x, y, sample_weight=w, **fit).history)
        tested = model.evaluate(x, y, sample_weight=w, batch_size=batch, verbose=0, return_dict=True)
        return {**found, **{f"tested {name}": value for name, value in tested.items()}}

    compare(ranks, rows, batch, use)


def test_with_a_divided_optimizer() -> None:
    def use(model: Any, x: Any, y: Any, w: Any, batch: int) -> Any:
        return model.fit(x, y, batch_size=batch, epochs=2, shuffle=False, verbose=0).history

    compare(3, 203, 20, use, shards=True)


def test_validation_data_of_each_rank_counts() -> None:
    def use(model: Any, x: Any, y: Any, w: Any, batch: int) -> Any:
        fit = {"batch_size": batch, "epochs": 2, "shuffle": False, "verbose": 0}
        return model.fit(x, y, validation_data=(x, y, w), **fit).history

    compare(3, 120, 20, use)


def test_generators_give_each_rank_its_batches() -> None:
    def use(model: Any, x: Any, y: Any, w: Any, batch: int) -> Any:
        size = batch if len(x) == 120 else batch // 2

        def batches() -> Iterator[Any]:
            for first in range(0, len(x), size):
                yield x[first : first + size], y[first : first + size]

        return model.fit(batches(), verbose=0).history

    compare(2, 120, 20, use)


def test_batches_of_other_numbers_and_sizes_are_all_used() -> None:
    x, y = data(np.random.default_rng(3), 100)

    def work(rank: int) -> Any:
        model = make(rank, optimizers.SGD(0.0))
        sizes = [[30, 10], [5, 5, 5, 5], [40]][rank]
        ends = [0, 40, 60][rank] + np.cumsum([0, *sizes])
        batches = [(x[a:b], y[a:b]) for a, b in itertools.pairwise(ends)]
        history = model.fit(iter(batches), verbose=0).history
        return (
            history["loss"],
            history["r2_score"],
            model.optimizer.iterations,
            model.evaluate(iter(batches), verbose=0),
        )

    found = run_ranks(3, work, own_data=True)
    assert all(result == found[0] for result in found), found
    assert found[0][2] == 4
    [alone] = run_ranks(1, lambda rank: make(0, optimizers.SGD(0.0)).evaluate(x, y, verbose=0))
    np.testing.assert_allclose(found[0][3], alone, rtol=1e-5)


def test_train_on_batch_takes_a_batch_of_each_rank() -> None:
    def use(model: Any, x: Any, y: Any, w: Any, batch: int) -> Any:
        return {"first": model.train_on_batch(x, y, w), "second": model.test_on_batch(x, y)}

    compare(3, 30, 30, use)


def test_an_epoch_of_so_many_steps_begins_anew_where_rows_end() -> None:
    x, y = data(np.random.default_rng(3), 90)

    def work(rank: int) -> Any:
        mine = slice([0, 50, 80][rank], [50, 80, 90][rank])
        model = make(rank)
        history = model.fit(x[mine], y[mine], batch_size=12, steps_per_epoch=7, epochs=3, verbose=0).history
        return history["loss"], model.optimizer.iterations

    found = run_ranks(3, work, own_data=True)
    assert found[0][1] == 21 and all(result == found[0] for result in found), found


def test_means_every_few_steps() -> None:
    x, y = data(np.random.default_rng(3), 203)

    def work(rank: int) -> Any:
        mine = slice([0, 70, 140][rank], [70, 140, 203][rank])
        model = make(rank)
        losses = model.fit(x[mine], y[mine], batch_size=21, epochs=8, verbose=0).history["loss"]
        return losses, model.get_weights()

    found = run_ranks(3, work, own_data=True, sync_every=4)
    assert found[0][0][-1] < 0.7 * found[0][0][0]
    for losses, weights in found:
        assert losses == found[0][0]
        assert all(np.array_equal(a, b) for a, b in zip(weights, found[0][1], strict=True))


def test_predictions_are_each_ranks_own() -> None:
    x, _ = data(np.random.default_rng(3), 100)
    model = network([layers.Dense(3)])
    alone = model.predict(x)

    def work(rank: int) -> Any:
        return None if rank == 1 else model.predict(x[: 50 + rank], verbose=0)

    found = run_ranks(3, work, own_data=True)
    assert found[1] is None
    assert np.array_equal(found[0], alone[:50]) and np.array_equal(found[2], alone[:52])


def test_the_same_rows_on_all_ranks_are_warned_of() -> None:
    x, y = data(np.random.default_rng(3), 60)
    with pytest.warns(RuntimeWarning, match="All 3 ranks pass the same targets"):
        results = run_ranks(3, lambda rank: make(rank).fit(x, y, verbose=0), own_data=True)
    assert not any(isinstance(found, BaseException) for found in results), results


def test_what_cannot_be_is_refused_on_all_ranks() -> None:
    x, y = data(np.random.default_rng(3), 60)
    small = run_ranks(3, lambda rank: make(rank).fit(x[rank:], y[rank:], batch_size=2, verbose=0), own_data=True)
    assert all("`batch_size` is that of all ranks together" in str(found) for found in small), small
    none = run_ranks(3, lambda rank: make(rank).fit(x[: 9 * rank], y[: 9 * rank], verbose=0), own_data=True)
    assert isinstance(none[0], ValueError) and "0 rows" in str(none[0])
    assert all(isinstance(found, PeerError) for found in none[1:])
    empty = run_ranks(2, lambda rank: make(rank).fit(iter([(x, y)] * rank), verbose=0), own_data=True)
    assert isinstance(empty[0], ValueError) and isinstance(empty[1], PeerError), empty
    epochs = run_ranks(2, lambda rank: make(rank).fit(x[rank:], y[rank:], epochs=1 + rank, verbose=0), own_data=True)
    assert all("arguments of fit() of rank 1 differ" in str(found) for found in epochs), epochs
