"""Training shared by several processes, played by threads: the same numbers as one process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from threads_as_ranks import run_ranks

import lamella
from lamella import layers, optimizers
from lamella._core import core
from lamella.distribution import _group

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
        history = model.fit(x, y, batch_size=3, epochs=3, shuffle=False, verbose=0).history["loss"]
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
        batches = ((x[i : i + 30], y[i : i + 30]) for i in range(0, 200, 30))
        return first, model.fit(batches, verbose=0).history["loss"]

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


# ---------------------------------------------------------------------- fewer bytes


def fitted(ranks: int, rng: np.random.Generator, optimizer: Any, **options: Any) -> list[Any]:
    """(losses, weights, bytes of each sum) of each rank."""
    x, y = data(np.random.default_rng(3), 202)

    def work(rank: int) -> Any:
        model = network([layers.Dense(16, "tanh"), layers.BatchNormalization(), layers.Dense(3)], rank)
        model.compile(optimizer(), "mse", metrics=[lamella.metrics.R2Score()])
        losses = model.fit(x, y, batch_size=20, epochs=6, shuffle=False, verbose=0).history["loss"]
        group = _group.active()
        return losses, model.get_weights(), group.comm.sent if group else []

    results = run_ranks(ranks, work, **options)
    assert not any(isinstance(found, BaseException) for found in results), results
    return results


@pytest.mark.parametrize("optimizer", ["SGD", "Adam"])
@pytest.mark.parametrize("ranks", [2, 3])
def test_bfloat16_halves_the_bytes_and_learns_the_same(rng: np.random.Generator, ranks: int, optimizer: str) -> None:
    def make() -> Any:
        return getattr(optimizers, optimizer)(0.01)

    plain, half = fitted(ranks, rng, make), fitted(ranks, rng, make, bfloat16=True)
    for losses, weights, _ in half[1:]:
        assert losses == half[0][0]
        assert all(np.array_equal(a, b) for a, b in zip(weights, half[0][1], strict=True))
    np.testing.assert_allclose(half[0][0], plain[0][0], rtol=0.01)
    assert half[0][0] != plain[0][0]
    sent = plain[0][2]
    gradient = max(size for size in sent if sent.count(size) == 66)  # one a step
    piece = -(-gradient // 4 // ranks) * 2
    assert half[0][2].count(gradient) == 0
    assert half[0][2].count(piece * ranks) >= 66 and half[0][2].count(piece) >= 66


def test_bfloat16_is_rounded_to_nearest_even(rng: np.random.Generator) -> None:
    values = rng.normal(size=999).astype("float32") * 10.0 ** rng.integers(-30, 30, 999)
    values = np.concatenate([values, [0, -0.0, np.inf, -np.inf, 1 + 2**-8, 1 + 3 * 2**-8, 3.4e38]]).astype("float32")
    bits, back = np.empty(len(values), np.uint16), np.empty_like(values)
    core.to_bfloat16(values, bits)
    core.from_bfloat16(bits, back)
    mantissa, exponent = np.frexp(values.astype("float64"))
    expected = np.ldexp(np.round(mantissa * 256), exponent - 8)  # NumPy rounds half to even
    expected[np.abs(expected) >= 2.0**128] = np.inf * np.sign(expected[np.abs(expected) >= 2.0**128])
    normal = (np.abs(values) >= 2.0**-126) | (values == 0)
    np.testing.assert_array_equal(back[normal], expected[normal].astype("float32"))
    core.to_bfloat16(np.array([np.nan], "float32"), bits[:1])
    core.from_bfloat16(bits[:1], back[:1])
    assert np.isnan(back[0])


@pytest.mark.parametrize("options", [{}, {"use_ema": True}, {"gradient_accumulation_steps": 2}], ids=str)
def test_means_after_every_few_steps(rng: np.random.Generator, options: dict[str, Any]) -> None:
    def make() -> Any:
        return optimizers.Adam(0.01, **options)

    plain, apart = fitted(3, rng, make), fitted(3, rng, make, sync_every=4)
    for losses, weights, _ in apart[1:]:
        assert losses == apart[0][0]
        assert all(np.array_equal(a, b) for a, b in zip(weights, apart[0][1], strict=True))
    assert apart[0][0][-1] < 0.2 * apart[0][0][0] and apart[0][0] != plain[0][0]
    large = max(apart[0][2])
    assert (
        apart[0][2].count(large) == 20
    )  # at each fourth step, and before the last batch of an epoch, too short for three


def test_means_of_plain_descent_are_those_computed_by_hand(rng: np.random.Generator) -> None:
    x, y = data(rng, 40)

    def work(rank: int) -> Any:
        model = network([layers.Dense(3)])
        model.compile(optimizers.SGD(0.1), "mse")
        model.fit(x, y, batch_size=20, epochs=1, shuffle=False, verbose=0)
        return model.get_weights()

    starts = [np.array(w, np.float64) for w in network([layers.Dense(3)]).get_weights()]
    ends = []
    for rank in range(2):
        w, b = starts[0].copy(), starts[1].copy()
        for first in (0, 20):
            rows = slice(first + 10 * rank, first + 10 * rank + 10)
            slope = 2 * (x[rows] @ w + b - y[rows]) / 30
            w, b = w - 0.1 * x[rows].T @ slope, b - 0.1 * slope.sum(0)
        ends.append((w, b))
    for found in run_ranks(2, work, sync_every=2):
        np.testing.assert_allclose(found[0], (ends[0][0] + ends[1][0]) / 2, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(found[1], (ends[0][1] + ends[1][1]) / 2, rtol=1e-5, atol=1e-6)


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
