"""An optimizer's state divided among processes: the bits of one that is whole, and files that do not show it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_distribution import OPTIMIZERS, data, network
from threads_as_ranks import run_ranks

import lamella
from lamella import layers, optimizers
from lamella.distribution import DataParallel, PeerError, _exchange, _group

OPTIONS: list[dict[str, Any]] = [
    {},
    {"clipnorm": 0.05},
    {"global_clipnorm": 0.05},
    {"clipvalue": 0.01, "weight_decay": 0.01},
    {"gradient_accumulation_steps": 3},
    {"gradient_accumulation_steps": 4, "global_clipnorm": 0.05, "use_ema": True, "ema_overwrite_frequency": 1},
    {"use_ema": True, "ema_overwrite_frequency": 5},
    {"use_ema": True},
]


@pytest.fixture(params=["in parts", "whole"], autouse=True)
def sums(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks of tests are small, and their gradients would always be summed in one piece."""
    if request.param == "in parts":
        monkeypatch.setattr(_exchange, "_SMALL", 0)


def make(optimizer: Any, rank: int, units: int = 40) -> lamella.Sequential:
    first = layers.Dense(300, "tanh", kernel_regularizer="l2", kernel_constraint="max_norm")
    model = network([first, layers.BatchNormalization(), layers.Dense(units, "relu"), layers.Dense(3)], rank)
    model.compile(optimizer(), "mse")
    return model


def trained(ranks: int, optimizer: Any, units: int = 40, **options: Any) -> list[Any]:
    """(losses, weights, the optimizer's variables, numbers of its state in the last epoch) of each rank."""
    x, y = data(np.random.default_rng(3))

    def work(rank: int) -> Any:
        sizes: list[int] = []

        class Look(lamella.callbacks.Callback):
            def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
                sizes.append(self.model.optimizer._updater.state_size)

        model = make(optimizer, rank, units)
        found = model.fit(x, y, batch_size=20, epochs=2, shuffle=False, verbose=0, callbacks=[Look()])
        return found.history["loss"], model.get_weights(), model.optimizer.variables, sizes[-1]

    results = run_ranks(ranks, work, **options)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results


def check_same_bits(ranks: int, optimizer: Any, units: int = 40, **options: Any) -> None:
    plain = trained(ranks, optimizer, units, **options)
    sharded = trained(ranks, optimizer, units, shards=True, **options)
    for losses, weights, variables, _ in sharded:
        assert losses == plain[0][0]
        assert all(np.array_equal(a, b) for a, b in zip(weights, plain[0][1], strict=True))
        assert all(np.array_equal(a, b) for a, b in zip(variables, plain[0][2], strict=True))
    whole = plain[0][3]
    parts = [size for *_, size in sharded]
    assert max(parts) <= whole / ranks + 2 * 4096 * max(len(plain[0][2]) // 6, 1)
    assert whole == 0 or sum(parts) < 1.5 * whole


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("ranks", [2, 3])
def test_every_optimizer_has_the_bits_of_one_that_is_whole(name: str, ranks: int) -> None:
    check_same_bits(ranks, lambda: getattr(optimizers, name)(0.01))


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_options_of_optimizers(options: dict[str, Any]) -> None:
    check_same_bits(3, lambda: optimizers.Adam(0.01, **options))


def test_norms_do_not_take_what_lies_between_rows() -> None:
    check_same_bits(3, lambda: optimizers.Adam(0.01, clipnorm=0.05), units=128)  # rows with padding behind them


def test_with_gradients_in_bfloat16() -> None:
    check_same_bits(3, lambda: optimizers.Adam(0.01, global_clipnorm=0.05), bfloat16=True)


def test_processes_without_a_part_do_no_harm() -> None:
    x, y = data(np.random.default_rng(3))

    def work(rank: int) -> Any:
        model = network([layers.Dense(3)], rank)
        model.compile("adam", "mse")
        model.fit(x, y, batch_size=20, epochs=2, shuffle=False, verbose=0)
        return model.get_weights()

    plain, sharded = run_ranks(4, work), run_ranks(4, work, shards=True)
    assert all(np.array_equal(a, b) for found in sharded for a, b in zip(found, plain[0], strict=True))


def test_weights_that_became_nan_are_known_everywhere() -> None:
    """A process that thinks all weights finite passes over the zeros of sparse batches, and 0 · NaN would be lost."""
    x, y = data(np.random.default_rng(3))
    x[:, 1:] = 0

    def work(rank: int) -> Any:
        model = network([layers.Dense(64, "relu"), layers.Dense(3)], rank)
        model.compile(optimizers.SGD(1e30), "mse")
        with np.errstate(all="ignore"):
            model.fit(x, y, batch_size=20, epochs=2, shuffle=False, verbose=0)
        return model.get_weights()

    with pytest.warns(RuntimeWarning, match="The loss became"):
        plain, sharded = run_ranks(3, work), run_ranks(3, work, shards=True)
    assert not np.isfinite(plain[0][0]).all()
    assert all(np.array_equal(a, b, equal_nan=True) for found in sharded for a, b in zip(found, plain[0], strict=True))


# ---------------------------------------------------------------------- files


def saved(ranks: int, folder: Path, **options: Any) -> list[Any]:
    x, y = data(np.random.default_rng(3))
    folder.mkdir()

    def work(rank: int) -> Any:
        lamella.utils.set_random_seed(5)
        model = make(lambda: optimizers.Adam(0.01, use_ema=True), rank)
        watch = lamella.callbacks.ModelCheckpoint(str(folder / "{epoch}.safetensors"), save_freq=7)
        model.fit(x, y, batch_size=20, epochs=2, shuffle=False, verbose=0, callbacks=[watch])
        return model.get_weights()

    results = run_ranks(ranks, work, **options)
    assert not any(isinstance(found, BaseException) for found in results), results
    return sorted(folder.iterdir())


def test_checkpoints_in_the_middle_of_training_are_those_of_a_whole_state(tmp_path: Path) -> None:
    plain, sharded = saved(3, tmp_path / "plain"), saved(3, tmp_path / "sharded", shards=True)
    assert [p.name for p in plain] == [p.name for p in sharded] == ["1.safetensors", "2.safetensors"]
    for a, b in zip(plain, sharded, strict=True):
        assert a.read_bytes() == b.read_bytes()


def test_training_goes_on_from_a_backup_with_another_number_of_ranks(tmp_path: Path) -> None:
    x, y = data(np.random.default_rng(3))

    class Stop(lamella.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            if self.model.optimizer.iterations == 13:
                raise ZeroDivisionError("on purpose")

    def work(folder: Path, *more: Any) -> Any:
        def run(rank: int) -> Any:
            model = make(lambda: optimizers.Adam(0.01, gradient_accumulation_steps=2), rank)
            backup = lamella.callbacks.BackupAndRestore(str(folder), save_freq=3)
            fit = {"batch_size": 20, "epochs": 3, "verbose": 0, "callbacks": [backup, *(kind() for kind in more)]}
            model.fit(x, y, shuffle=False, **fit)
            return model.evaluate(x, y, verbose=0), model.optimizer.variables

        return run

    undisturbed = run_ranks(3, work(tmp_path / "plain"))
    broken = run_ranks(3, work(tmp_path / "sharded", Stop), shards=True)
    assert all(isinstance(found, ZeroDivisionError) for found in broken), broken
    again = run_ranks(2, work(tmp_path / "sharded"), shards=True)
    np.testing.assert_allclose(again[0][0], undisturbed[0][0], rtol=1e-5)
    for a, b in zip(again[1][1], undisturbed[0][1], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-6)


def test_a_callback_of_one_rank_or_of_all_may_read_the_state() -> None:
    x, y = data(np.random.default_rng(3))

    def work(rank: int) -> Any:
        seen: list[Any] = []

        class Read(lamella.callbacks.Callback):
            def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
                for _ in range((batch + rank) % 3):
                    seen.append((self.model.optimizer.iterations, self.model.optimizer.variables))

        model = make(lambda: optimizers.Adam(0.01), rank)
        model.fit(x, y, batch_size=50, epochs=2, shuffle=False, verbose=0, callbacks=[Read()])
        return seen

    plain, sharded = run_ranks(3, work), run_ranks(3, work, shards=True)
    known = {step: variables for seen in plain for step, variables in seen}
    assert len(known) > 5 and all(len(seen) > 3 for seen in sharded)
    for step, variables in (pair for seen in sharded for pair in seen):
        assert all(np.array_equal(a, b) for a, b in zip(variables, known[step], strict=True))


def test_after_an_error_that_all_know_of_the_state_is_whole() -> None:
    x, y = data(np.random.default_rng(3))

    def work(rank: int) -> Any:
        class Bad(lamella.callbacks.Callback):
            def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
                if batch == 5 and rank == 1:
                    raise ZeroDivisionError("on purpose")

        model = make(lambda: optimizers.Adam(0.01), rank)
        with pytest.raises((ZeroDivisionError, PeerError)):
            model.fit(x, y, batch_size=20, verbose=0, shuffle=False, callbacks=[Bad()])
        steps = model.optimizer.iterations
        model.train_on_batch(x[:20], y[:20])
        return steps, model.optimizer.variables

    plain, sharded = run_ranks(3, work), run_ranks(3, work, shards=True)
    assert [found[0] for found in sharded] == [6, 6, 6]
    for a, b in zip(plain[0][1], sharded[2][1], strict=True):
        assert np.array_equal(a, b)


def test_after_an_error_that_the_others_do_not_know_of_the_state_is_not_offered() -> None:
    x, y = data(np.random.default_rng(3))

    def work(rank: int) -> Any:
        class Down(lamella.callbacks.Callback):
            def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
                found = _group.active()
                assert found is not None

                def fail(*_: Any) -> None:
                    raise OSError("the link is down")

                found.comm.allreduce_ = fail  # type: ignore[method-assign]

        model = make(lambda: optimizers.Adam(0.01), rank)
        with pytest.raises(OSError, match="the link is down"):
            model.fit(x, y, batch_size=20, verbose=0, shuffle=False, callbacks=[Down()])
        with pytest.raises(RuntimeError, match="Start again from a backup"):
            model.optimizer.variables  # noqa: B018
        return len(model.get_weights())

    assert run_ranks(2, work, shards=True) == [10, 10]


def test_arguments_that_contradict_one_another_are_refused() -> None:
    class Few:
        rank, size = 0, 2

        def allreduce_(self, buf: Any) -> None: ...

    with pytest.raises(ValueError, match="`shard_optimizer` needs sync_every=1"):
        DataParallel(Few(), sync_every=2, shard_optimizer=True)
    with pytest.raises(TypeError, match="needs reduce_scatter_"):
        DataParallel(Few(), shard_optimizer=True)
