"""What the core's trainer reports: weights of the loss, metrics with and without sample weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lamella import losses, metrics, optimizers
from lamella._core import core

Array = np.ndarray[Any, np.dtype[Any]]


def trained(loss: losses.Loss, plain: list[Any], weighted: list[Any], **options: Any) -> tuple[Any, Any]:
    """A network that predicts its three inputs, and its trainer."""
    activation = core.layers.Activation()
    network = core.Network([activation], 3)
    specs = [[metric._spec(core) for metric in group] for group in (plain, weighted)]
    spec = optimizers.get("sgd")._spec(core)
    return network, core.Trainer(
        network, spec, core.Options(), loss._spec(core), specs[0], weighted_metrics=specs[1], **options
    )


def data(rng: np.random.Generator) -> tuple[Array, Array, Array]:
    p, t, w = rng.random((11, 3)), rng.random((11, 3)), rng.random(11)
    return p.astype(np.float32), t.astype(np.float32), w.astype(np.float32)


@pytest.mark.parametrize("batch", [1, 4, 11])
def test_weighted_metrics_divide_by_the_sum_of_weights_and_plain_ones_by_rows(
    batch: int, rng: np.random.Generator
) -> None:
    p, t, w = data(rng)
    mae, binary = metrics.MeanAbsoluteError(), metrics.BinaryAccuracy(threshold=0.4)
    network, trainer = trained(losses.get("mse"), [mae], [mae, binary])
    trainer.evaluate(network, p, t, w, batch)
    samples, loss, sums, counts = trainer.totals()
    errors, hits = np.abs(p - t).mean(1), ((p > 0.4) == t).mean(1)
    assert samples == 11 and counts == pytest.approx([11, w.sum(), w.sum()], rel=1e-6)
    assert loss == pytest.approx((((p - t) ** 2).mean(1) * w).sum(), rel=1e-6)
    assert sums == pytest.approx([errors.sum(), (errors * w).sum(), (hits * w).sum()], rel=1e-6)
    trainer.clear_totals()
    assert trainer.totals() == (0, 0, [0, 0, 0], [0, 0, 0])


def test_weighted_metrics_without_weights_are_means(rng: np.random.Generator) -> None:
    p, t, _ = data(rng)
    network, trainer = trained(losses.get("mse"), [], [metrics.MeanAbsoluteError()])
    trainer.evaluate(network, p, t, None, 4)
    _, _, sums, counts = trainer.totals()
    assert sums[0] / counts[0] == pytest.approx(np.abs(p - t).mean(), rel=1e-6)


@pytest.mark.parametrize("name", ["MeanSquaredError", "Dice", "Hinge"])
def test_loss_weight_multiplies_loss_and_gradient(name: str, rng: np.random.Generator) -> None:
    p, t, w = data(rng)
    network, plain = trained(losses.get(name), [], [])
    heavy_network, heavy = trained(losses.get(name), [], [], loss_weight=2.5)
    loss, _, gradient = plain.gradients(network, p, t, w)
    heavy_loss, _, heavy_gradient = heavy.gradients(heavy_network, p, t, w)
    assert heavy_loss == pytest.approx(2.5 * loss, rel=1e-6)
    np.testing.assert_allclose(heavy_gradient, 2.5 * gradient, rtol=1e-6, atol=1e-6 * np.abs(gradient).max())
    plain.evaluate(network, p, t, w, 4)
    heavy.evaluate(heavy_network, p, t, w, 4)
    assert heavy.totals()[1] == pytest.approx(2.5 * plain.totals()[1], rel=1e-6)


def test_reduction_by_sum_adds_up_and_the_epoch_averages_batches_by_rows(rng: np.random.Generator) -> None:
    p, t, w = data(rng)
    network, trainer = trained(losses.get("mse"), [], [], reduction="sum")
    trainer.evaluate(network, p, t, w, 4)
    values = ((p - t) ** 2).mean(1) * w
    batches = [values[:4], values[4:8], values[8:]]
    assert trainer.totals()[1] == pytest.approx(sum(b.sum() * len(b) for b in batches), rel=1e-6)


@pytest.mark.parametrize("label", [-1, 3, 255])
def test_labels_that_no_output_has_are_harmless_in_the_core(label: int) -> None:
    # Python refuses them; the core must not read beyond a row.
    network, trainer = trained(
        losses.get("sparse_categorical_crossentropy"), [metrics.get("SparseCategoricalAccuracy")], []
    )
    p, t = np.full((2, 3), 1 / 3, np.float32), np.full(2, label, np.int32)
    trainer.evaluate(network, p, t, None, 2)
    assert trainer.totals() == (2, 0, [0], [2])


def test_arrays_that_do_not_belong_to_the_loss_are_refused() -> None:
    rows, labels = np.ones((2, 3), np.float32), np.zeros(2, np.int32)
    for name, targets in (("mse", labels), ("sparse_categorical_crossentropy", rows), ("mse", rows[:1])):
        for function in (core.loss_values, core.loss_gradients):
            with pytest.raises(ValueError, match="y_true"):
                function(losses.get(name)._spec(core), targets, rows)
    with pytest.raises(ValueError, match="reduction"):
        trained(losses.get("mse"), [], [], reduction="median")
