"""Training shared by several processes, played by threads: the same numbers as one process, and no one waits for ever."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from threads_as_ranks import run_ranks

import lamella
from lamella import distribution, layers, optimizers
from lamella.distribution import PeerError, _group, _mpi

OPTIMIZERS = ["SGD", "RMSprop", "Adam", "AdamW", "Adagrad", "Adadelta", "Adamax", "Nadam", "Ftrl", "Lion"]


def data(rng: np.random.Generator, rows: int = 203) -> tuple[np.ndarray, np.ndarray]:
    x = rng.normal(size=(rows, 12)).astype("float32")
    return x, np.tanh(x[:, :3] + 0.3 * rng.normal(size=(rows, 3))).astype("float32")


def network(parts: list[Any], rank: int = 0) -> lamella.Sequential:
    """With the same names in each thread, and other weights on each rank: those of rank 0 must win."""
    for number, part in enumerate(parts):
        part.name = f"part{number}"
    model = lamella.Sequential([lamella.Input((12,)), *parts], name="model")
    rng = np.random.default_rng(rank)
    model.set_weights([w if w.all() and (w == 1).all() else rng.normal(0, 0.3, w.shape) for w in model.get_weights()])
    return model


def trained(ranks: int, make: Any, rng: np.random.Generator, **options: Any) -> list[Any]:
    """(history, weights, evaluation, predictions) of each rank."""
    x, y = data(np.random.default_rng(3))
    fit = {"batch_size": 20, "epochs": 3, "shuffle": False, "verbose": 0, **options}

    def work(rank: int) -> Any:
        model = make(rank)
        history = model.fit(x, y, **fit).history
        return history, model.get_weights(), model.evaluate(x, y, verbose=0, return_dict=True), model.predict(x)

    results = run_ranks(ranks, work)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results


def check(make: Any, rng: np.random.Generator, ranks: int = 3, tolerance: float = 2e-6, **options: Any) -> None:
    [alone] = trained(1, make, rng, **options)
    together = trained(ranks, make, rng, **options)
    for other in together[1:]:
        assert other[0] == together[0][0]
        assert all(np.array_equal(a, b) for a, b in zip(other[1], together[0][1], strict=True))
        assert np.array_equal(other[3], together[0][3])
    for name, values in alone[0].items():
        np.testing.assert_allclose(together[0][0][name], values, rtol=tolerance)
    for name, value in alone[2].items():
        np.testing.assert_allclose(together[0][2][name], value, rtol=10 * tolerance)


@pytest.mark.parametrize("ranks", [2, 3, 4])
def test_any_number_of_ranks_has_the_loss_curve_of_one(rng: np.random.Generator, ranks: int) -> None:
    def make(rank: int) -> lamella.Sequential:
        model = network([layers.Dense(16, "tanh"), layers.Dense(3)], rank)
        model.compile(optimizers.SGD(0.05, momentum=0.9), "mse", metrics=["mae"], weighted_metrics=["mse"])
        return model

    check(make, rng, ranks, validation_split=0.2, sample_weight=np.linspace(0.5, 1.5, 203))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer(rng: np.random.Generator, name: str) -> None:
    def make(rank: int) -> lamella.Sequential:
        model = network([layers.Dense(8, "tanh"), layers.Dense(3)], rank)
        model.compile(getattr(optimizers, name)(0.01), "mse")
        return model

    # The sign of a gradient near zero may turn with the order of its sum.
    check(make, rng, tolerance=1e-3 if name == "Lion" else 2e-6, epochs=2)


@pytest.mark.parametrize(
    "options",
    [
        {"clipnorm": 0.05},
        {"global_clipnorm": 0.05},
        {"clipvalue": 0.01},
        {"gradient_accumulation_steps": 3},
        {"gradient_accumulation_steps": 4, "global_clipnorm": 0.05, "use_ema": True},
        {"use_ema": True, "ema_overwrite_frequency": 5, "weight_decay": 0.01},
    ],
    ids=str,
)
def test_options_of_optimizers(rng: np.random.Generator, options: dict[str, Any]) -> None:
    def make(rank: int) -> lamella.Sequential:
        model = network([layers.Dense(8, "tanh"), layers.Dense(3)], rank)
        model.compile(optimizers.Adam(0.01, **options), "mse")
        return model

    check(make, rng, epochs=2)


def test_batch_normalization_has_the_statistics_of_the_whole_batch(rng: np.random.Generator) -> None:
    def make(rank: int) -> lamella.Sequential:
        model = network([layers.Dense(16, "tanh"), layers.BatchNormalization(), layers.Dense(3)], rank)
        model.compile(optimizers.SGD(0.05), "mse")
        return model

    check(make, rng)


@pytest.mark.parametrize("ranks", [2, 3])
def test_noise_regularization_and_constraints(rng: np.random.Generator, ranks: int) -> None:
    def make(rank: int) -> lamella.Sequential:
        first = layers.Dense(
            16, "tanh", kernel_regularizer="l2", activity_regularizer="l1", kernel_constraint="max_norm"
        )
        parts = [first, layers.Dropout(0.3, seed=1), layers.GaussianNoise(0.1, seed=2), layers.Dense(3)]
        model = network(parts, rank)
        model.compile(optimizers.SGD(0.05), "mse")
        return model

    check(make, rng, ranks)


@pytest.mark.parametrize("loss", ["dice", "tversky", "hinge", "squared_hinge"])
def test_losses_of_the_whole_batch(rng: np.random.Generator, loss: str) -> None:
    def make(rank: int) -> lamella.Sequential:
        model = network([layers.Dense(8, "tanh"), layers.Dense(3, "sigmoid")], rank)
        model.compile(optimizers.SGD(0.05), loss)
        return model

    [alone] = trained(1, make, rng)
    together = trained(3, make, rng)
    np.testing.assert_allclose(together[0][0]["loss"], alone[0]["loss"], rtol=2e-6)


def test_metrics_in_python_see_all_rows(rng: np.random.Generator) -> None:
    def make(rank: int) -> lamella.Sequential:
        model = network([layers.Dense(8, "tanh"), layers.Dense(3)], rank)
        model.compile("sgd", "mse", metrics=[lamella.metrics.R2Score(), "mae"])
        return model

    check(make, rng, tolerance=1e-5)


def test_losses_in_python(rng: np.random.Generator) -> None:
    class Square(lamella.losses.Loss):
        def call(self, y_true: Any, y_pred: Any) -> Any:
            return ((y_pred - y_true) ** 2).mean(axis=-1)

        def gradient(self, y_true: Any, y_pred: Any) -> Any:
            return 2 * (y_pred - y_true) / y_pred.shape[-1]

    def make(rank: int) -> lamella.Sequential:
        model = network([layers.Dense(8, "tanh"), layers.Dense(3)], rank)
        model.compile("sgd", Square())
        return model

    check(make, rng)


@pytest.mark.parametrize("rows", [1, 2, 5])
def test_batches_and_data_smaller_than_the_number_of_ranks(rng: np.random.Generator, rows: int) -> None:
    x, y = data(rng, rows)

    def work(rank: int) -> Any:
        parts = [layers.Dense(8, "tanh"), layers.Reshape((2, 4)), layers.Dropout(0.2, seed=1), layers.Flatten()]
        model = network([*parts, layers.BatchNormalization(), layers.Dense(3)], rank)
        model.compile("sgd", "mse")
        history = model.fit(x, y, batch_size=3, epochs=3, verbose=0).history["loss"]
        return history, model.evaluate(x, y, verbose=0), model.predict(x)

    [alone] = run_ranks(1, work)
    for found in run_ranks(4, work):
        np.testing.assert_allclose(found[0], alone[0], rtol=1e-5)
        np.testing.assert_allclose(found[1], alone[1], rtol=1e-4)
        np.testing.assert_allclose(found[2], alone[2], rtol=1e-3, atol=1e-5)


def test_shuffled_epochs_use_the_order_of_rank_0(rng: np.random.Generator) -> None:
    x, y = data(rng)

    def work(rank: int) -> Any:
        model = network([layers.Dense(3)], rank)
        model.compile("sgd", "mse")
        return model.fit(x, y, batch_size=20, epochs=3, verbose=0).history["loss"], model._orders

    results = run_ranks(3, work)
    assert all(result == results[0] for result in results), results


def test_generators_and_train_on_batch_are_shared_too(rng: np.random.Generator) -> None:
    x, y = data(rng)

    def work(rank: int) -> Any:
        model = network([layers.Dense(3)], rank)
        model.compile("sgd", "mse")
        first = model.train_on_batch(x[:50], y[:50])
        batches = [(x[i : i + 30], y[i : i + 30]) for i in range(0, 200, 30)]
        return first, model.fit(batches, epochs=2, verbose=0, shuffle=False).history["loss"]

    [alone] = run_ranks(1, work)
    for found in run_ranks(2, work):
        np.testing.assert_allclose(found[0], alone[0], rtol=2e-6)
        np.testing.assert_allclose(found[1], alone[1], rtol=2e-6)


def test_predictions_are_those_of_one_process_to_the_bit(rng: np.random.Generator) -> None:
    x, _ = data(rng)
    model = network([layers.Dense(8, "relu"), layers.Dense(3, "linear")])
    alone = model.predict(x)
    for found in run_ranks(3, lambda rank: model.predict(x)):
        assert np.array_equal(found.view("int32"), alone.view("int32"))


# ---------------------------------------------------------------------- callbacks


def test_only_rank_0_prints_and_writes(rng: np.random.Generator, tmp_path: Path, capsys: Any) -> None:
    x, y = data(rng)

    def work(rank: int) -> Any:
        model = network([layers.Dense(3)], rank)
        model.compile("sgd", "mse")
        folder = tmp_path / str(rank)
        folder.mkdir()
        watch = [
            lamella.callbacks.ModelCheckpoint(str(folder / "model.safetensors")),
            lamella.callbacks.CSVLogger(str(folder / "log.csv")),
        ]
        model.fit(x, y, epochs=2, verbose=2, callbacks=watch)
        return sorted(path.name for path in folder.iterdir())

    assert run_ranks(3, work) == [["log.csv", "model.safetensors"], [], []]
    assert capsys.readouterr().out.count("Epoch 1/2") == 1


def test_a_stop_on_one_rank_stops_all_at_the_same_step(rng: np.random.Generator) -> None:
    x, y = data(rng)

    def work(rank: int) -> Any:
        class Stop(lamella.callbacks.Callback):
            def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
                self.model.stop_training = batch == 4

        model = network([layers.Dense(3)], rank)
        model.compile("sgd", "mse")
        model.fit(x, y, batch_size=20, epochs=9, verbose=0, callbacks=[Stop()] if rank == 1 else [])
        return model.optimizer.iterations

    assert run_ranks(3, work) == [5, 5, 5]


def test_early_stopping_and_plateaus_agree(rng: np.random.Generator) -> None:
    x, y = data(rng)

    def work(rank: int) -> Any:
        model = network([layers.Dense(3)], rank)
        model.compile(optimizers.SGD(0.5), "mse")
        watch = [lamella.callbacks.EarlyStopping(patience=2), lamella.callbacks.ReduceLROnPlateau(patience=1)]
        found = model.fit(x, y, epochs=40, verbose=0, validation_split=0.3, callbacks=watch).history
        return found["val_loss"], float(model.optimizer.learning_rate)

    results = run_ranks(3, work)
    assert results[1:] == results[:1] * 2 and len(results[0][0]) < 40


# ---------------------------------------------------------------------- failures


def failing(rng: np.random.Generator, spoil: Any, ranks: int = 3) -> list[Any]:
    x, y = data(rng)

    def work(rank: int) -> Any:
        model = network([layers.Dense(8), layers.BatchNormalization(), layers.Dense(3)], rank)
        model.compile("sgd", "mse")
        spoil(rank, model, x, y)

    return run_ranks(ranks, work)


def check_failed(results: list[Any], kind: type[BaseException], who: int, text: str) -> None:
    for rank, found in enumerate(results):
        assert isinstance(found, kind if rank == who else PeerError), found
        assert text in str(found)
        if rank != who:
            assert f"rank {who} failed" in str(found)


@pytest.mark.parametrize("hook", ["on_train_begin", "on_train_batch_begin", "on_train_batch_end", "on_epoch_end"])
def test_an_exception_in_a_callback_of_one_rank_ends_all(rng: np.random.Generator, hook: str) -> None:
    def spoil(rank: int, model: Any, x: Any, y: Any) -> None:
        class Bad(lamella.callbacks.Callback):
            pass

        def fail(self: Any, *_: Any) -> None:
            raise ZeroDivisionError("on purpose")

        if rank == 1:
            setattr(Bad, hook, fail)
        model.fit(x, y, epochs=3, verbose=0, callbacks=[Bad()])

    check_failed(failing(rng, spoil), ZeroDivisionError, 1, "on purpose")


def test_bad_data_on_one_rank_ends_all(rng: np.random.Generator) -> None:
    def spoil(rank: int, model: Any, x: Any, y: Any) -> None:
        if rank == 2:
            x = np.where(np.arange(12) == 3, np.nan, x)
        model.fit(x, y, verbose=0)

    check_failed(failing(rng, spoil), ValueError, 2, "NaN")


def test_a_loss_that_fails_in_the_middle_of_a_step_ends_all_at_that_step(rng: np.random.Generator) -> None:
    x, y = data(rng)

    def work(rank: int) -> Any:
        class Bad(lamella.losses.Loss):
            calls = 0

            def call(self, y_true: Any, y_pred: Any) -> Any:
                self.calls += 1
                if rank == 1 and self.calls == 4:
                    raise ZeroDivisionError("on purpose")
                return ((y_pred - y_true) ** 2).mean(axis=-1)

            def gradient(self, y_true: Any, y_pred: Any) -> Any:
                return 2 * (y_pred - y_true) / 3

        model = network([layers.Dense(8), layers.BatchNormalization(), layers.Dense(3)], rank)
        model.compile("sgd", Bad())
        with pytest.raises(ZeroDivisionError if rank == 1 else PeerError, match="on purpose"):
            model.fit(x, y, batch_size=20, verbose=0)
        return model.optimizer.iterations

    assert run_ranks(3, work) == [3, 3, 3]


def test_another_data_set_on_one_rank_is_noticed(rng: np.random.Generator) -> None:
    results = failing(rng, lambda rank, model, x, y: model.fit(x[: 200 - rank], y[: 200 - rank], verbose=0))
    assert all(isinstance(found, RuntimeError) and "rank 1, 2 differ" in str(found) for found in results), results


def test_weights_that_went_apart_are_noticed_at_the_end_of_the_epoch(rng: np.random.Generator) -> None:
    def spoil(rank: int, model: Any, x: Any, y: Any) -> None:
        class Drift(lamella.callbacks.Callback):
            def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
                if epoch == 1 and rank == 2:
                    model.set_weights([w + 1 for w in model.get_weights()])

        model.fit(x, y, epochs=3, verbose=0, callbacks=[Drift()])

    results = failing(rng, spoil)
    assert all("The weights of rank 2 differ" in str(found) for found in results), results


def test_an_interruption_of_one_rank_ends_all(rng: np.random.Generator) -> None:
    def spoil(rank: int, model: Any, x: Any, y: Any) -> None:
        class Interrupt(lamella.callbacks.Callback):
            def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
                if rank == 1:
                    group = _group.active()
                    assert group is not None
                    group.interrupted = True

        model.fit(x, y, epochs=3, verbose=0, callbacks=[Interrupt()])

    assert all(isinstance(found, KeyboardInterrupt) for found in failing(rng, spoil))


def test_who_waits_too_long_says_so_and_ends_the_job(capfd: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()

    class Stuck:
        rank, size = 0, 2

        def allreduce_(self, buf: Any) -> None:
            assert ended.wait(30)

        def abort(self, code: int) -> None:
            ended.set()

    monkeypatch.setattr(_group.os, "_exit", lambda code: (_ for _ in ()).throw(SystemExit))
    _group.Group(Stuck(), 0.2).sum_(np.zeros(1))  # type: ignore[arg-type]
    assert ended.is_set()
    assert "rank 0 has waited" in capfd.readouterr().err


# ---------------------------------------------------------------------- setting up


def test_a_wrong_launcher_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PMI_SIZE", "4")
    with pytest.raises(RuntimeError, match="started 4 processes.*sees 1"):
        _mpi.check_launcher(1)
    _mpi.check_launcher(4)


def test_more_ranks_than_cores_are_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_mpi.os, "cpu_count", lambda: 2)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    with pytest.warns(RuntimeWarning, match="3 ranks share 2 cores"):
        _mpi.share_cores(3)


def test_ranks_that_are_bound_to_one_core_are_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_mpi.os, "cpu_count", lambda: 8)
    monkeypatch.setattr(_mpi.os, "sched_getaffinity", lambda _: {0}, raising=False)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    with pytest.warns(RuntimeWarning, match="1 of 8 cores.*--bind-to none"):
        _mpi.share_cores(2)
    assert lamella.get_num_threads() == 1


def test_without_mpi_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr(_mpi.importlib, "import_module", missing)
    with pytest.raises(ImportError, match=r"lamella\[mpi-local\].*mpiexec -n 4"):
        distribution.DataParallel()


def test_a_program_that_is_started_alone_goes_on_alone() -> None:
    distribution.initialize(num_processes=1, process_id=0)
    assert distribution.size() == 1 and distribution.rank() == 0
    with pytest.raises(ValueError, match="`num_processes` is 4, but the launcher says 1"):
        distribution.initialize(num_processes=4)
    with pytest.raises(ValueError, match="`job_addresses` must be None"):
        distribution.initialize("a:1")


def test_wrong_arguments_say_what_was_expected() -> None:
    with pytest.raises(TypeError, match="must be a DataParallel or None, got str"):
        distribution.set_distribution("data")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="allreduce_"):
        distribution.DataParallel(comm=3)
    with pytest.raises(ValueError, match="`timeout`"):
        distribution.DataParallel(comm=3, timeout=-1)
    with pytest.raises(ValueError, match="`device_type`"):
        distribution.list_devices("gpu")
