"""Losses: values, gradients and their fusion with the last activation agree with Keras and with the reference."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import reference
from golden import assert_close, cases

from lamella import Input, Sequential, layers, losses
from lamella._core import core

CLASSES = (
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "SparseCategoricalCrossentropy",
    "CategoricalHinge",
)
OF_A_BATCH = ("Dice", "Tversky")  # one value for all samples
BY_SAMPLES = [name for name in core.losses.names if name not in OF_A_BATCH]

Case = dict[str, Any]
Array = np.ndarray[Any, np.dtype[Any]]


GOLDEN = cases("losses")


def scorer(loss: Any, outputs: int, activation: str = "linear", metrics: Any = None) -> Sequential:
    """A model without weights: what goes in (through the activation) is the prediction."""
    model = Sequential([Input((outputs,)), layers.Activation(activation)])
    model.compile("sgd", loss, metrics=metrics)
    return model


def example(name: str, rows: int, outputs: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Predictions that are probabilities, and targets that fit the loss."""
    p = rng.dirichlet(np.ones(outputs), rows) if outputs > 1 else rng.random((rows, 1))
    t: Array = rng.dirichlet(np.ones(outputs), rows) if outputs > 1 else rng.random((rows, 1))
    if name == "SparseCategoricalCrossentropy":
        t = rng.integers(0, outputs, rows)
    return p.astype(np.float32), t if t.dtype == np.int64 else t.astype(np.float32)


def test_golden_file_covers_every_loss() -> None:
    assert {case.values[0]["loss"] for case in GOLDEN} == set(core.losses.names)


@pytest.mark.parametrize("case", GOLDEN)
def test_loss_equals_keras(case: Case) -> None:
    x, y = np.array(case["y_pred"]), np.array(case["y_true"])
    model = scorer(getattr(losses, case["loss"])(**case["kwargs"]), x.shape[1])
    assert_close(model.evaluate(x, y, verbose=0), case["sum_over_batch_size"])
    for row, expected in enumerate(np.atleast_1d(case["per_sample"]) if case["loss"] not in OF_A_BATCH else ()):
        assert_close(model.evaluate(x[row : row + 1], y[row : row + 1], verbose=0), expected)
    if "sample_weight" in case:
        weighted = model.evaluate(x, y, sample_weight=case["sample_weight"], verbose=0)
        assert_close(weighted, case["weighted_sum_over_batch_size"])


@pytest.mark.parametrize("case", GOLDEN)
def test_loss_gradient_equals_keras(case: Case) -> None:
    x = np.array(case["y_pred"])
    model = scorer(getattr(losses, case["loss"])(**case["kwargs"]), x.shape[1])
    loss, of_weights, of_inputs = model.gradients(x, case["y_true"])
    assert_close(loss, case["sum_over_batch_size"])
    assert of_weights == []
    assert_close(of_inputs, case["grad_y_pred_of_mean"])


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "sample_weight"])
@pytest.mark.parametrize("outputs", [1, 2, 3, 16, 17, 100], ids="outputs={}".format)
@pytest.mark.parametrize("name", core.losses.names)
def test_loss_and_gradient_match_reference(name: str, outputs: int, weighted: bool, rng: np.random.Generator) -> None:
    outputs = max(outputs, 2) if name in CLASSES else outputs
    p, t = example(name, 33, outputs, rng)
    w = rng.random(33).astype(np.float32) if weighted else None
    loss, _, of_inputs = scorer(name, outputs).gradients(p, t, w)
    made = reference.LOSSES[name]()
    expected = reference.reduced_loss_gradient(made, t, p, w)
    np.testing.assert_allclose(loss, reference.reduced_loss(made, t, p, w), rtol=2e-6)
    np.testing.assert_allclose(of_inputs, expected, rtol=2e-5, atol=1e-6 * np.abs(expected).max())


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 1.0], ids="label_smoothing={}".format)
@pytest.mark.parametrize("from_logits", [False, True], ids=["probabilities", "logits"])
@pytest.mark.parametrize("name", ["CategoricalCrossentropy", "BinaryCrossentropy"])
def test_label_smoothing_matches_reference(
    name: str, from_logits: bool, smoothing: float, rng: np.random.Generator
) -> None:
    p, t = example(name, 20, 5, rng)
    p = np.log(p) if from_logits else p
    options = {"from_logits": from_logits, "label_smoothing": smoothing}
    loss, _, of_inputs = scorer(getattr(losses, name)(**options), 5).gradients(p, t)
    made = reference.LOSSES[name](**options)
    np.testing.assert_allclose(loss, reference.reduced_loss(made, t, p), rtol=2e-6)
    np.testing.assert_allclose(of_inputs, reference.reduced_loss_gradient(made, t, p), rtol=2e-5, atol=1e-8)


def test_loss_of_an_epoch_counts_every_sample_once(rng: np.random.Generator) -> None:
    p, t = example("MeanSquaredError", 37, 4, rng)
    model = scorer("mse", 4)
    expected = ((p - t).astype(np.float64) ** 2).mean()
    for batch in (1, 5, 36, 37, 1000):
        assert model.evaluate(p, t, batch_size=batch, verbose=0) == pytest.approx(expected, rel=1e-6)


FUSED = [
    pytest.param("CategoricalCrossentropy", "softmax", id="categorical-softmax"),
    pytest.param("SparseCategoricalCrossentropy", "softmax", id="sparse-softmax"),
    pytest.param("BinaryCrossentropy", "sigmoid", id="binary-sigmoid"),
]


def saturated(name: str, size: float) -> tuple[Array, Array]:
    """Logits that are wrong by `size`, and targets."""
    z = np.array([[size, 0, 0], [0, -size, size]], np.float32)
    if name == "SparseCategoricalCrossentropy":
        return z, np.array([1, 1])
    return z, np.array([[0, 1, 0], [0, 1, 0]], np.float32)


@pytest.mark.parametrize("size", [1.0, 20.0, 80.0, 200.0, 1e4], ids="logits={}".format)
@pytest.mark.parametrize(("name", "activation"), FUSED)
def test_saturated_wrong_outputs_keep_loss_and_gradient(name: str, activation: str, size: float) -> None:
    z, t = saturated(name, size)
    made = reference.LOSSES[name](from_logits=True)
    loss, _, of_inputs = scorer(name, 3, activation).gradients(z, t)
    assert loss == pytest.approx(reference.reduced_loss(made, t, z), rel=1e-6)
    np.testing.assert_allclose(of_inputs, reference.reduced_loss_gradient(made, t, z), rtol=1e-5, atol=1e-12)
    assert scorer(name, 3, activation).evaluate(z, t, verbose=0) == pytest.approx(loss, rel=1e-6)


@pytest.mark.parametrize(("name", "activation"), FUSED)
def test_fused_loss_equals_loss_from_logits(name: str, activation: str, rng: np.random.Generator) -> None:
    z = (rng.standard_normal((40, 6)) * 5).astype(np.float32)
    _, t = example(name, 40, 6, rng)
    fused, _, fused_dz = scorer(name, 6, activation).gradients(z, t)
    logits, _, logits_dz = scorer(getattr(losses, name)(from_logits=True), 6).gradients(z, t)
    assert fused == pytest.approx(logits, rel=1e-6)
    np.testing.assert_allclose(fused_dz, logits_dz, rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("offset", [0.0, 100.0, 1000.0, 10_000.0], ids="offset={}".format)
@pytest.mark.parametrize("form", ["fused", "from_logits"])
def test_small_crossentropy_survives_a_common_offset_of_the_logits(form: str, offset: float) -> None:
    # ln Σ exp(z) - z rounds away what is far smaller than z; ln Σ exp(z - max) - (z - max), as in Keras, does not.
    loss = losses.SparseCategoricalCrossentropy(from_logits=form == "from_logits")
    model = scorer(loss, 2, "softmax" if form == "fused" else "linear")
    found = model.evaluate(np.array([[offset, offset - 4]], np.float32), [0], verbose=0)
    assert found == pytest.approx(np.log1p(np.exp(-4.0)), rel=1e-4)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_crossentropy_of_exact_probabilities_is_clipped_as_in_keras(value: float) -> None:
    model = scorer("binary_crossentropy", 1)
    made = reference.LOSSES["BinaryCrossentropy"]()
    for target in (0.0, 1.0):
        loss, _, dp = model.gradients([[value]], [[target]])
        assert_close(loss, reference.reduced_loss(made, [[target]], [[value]]))
        assert dp == 0


@pytest.mark.parametrize("name", BY_SAMPLES)
def test_zero_sample_weights_switch_samples_off(name: str, rng: np.random.Generator) -> None:
    p, t = example(name, 8, 3, rng)
    w = np.array([1, 0, 1, 0, 0, 1, 1, 0], np.float32)
    loss, _, dp = scorer(name, 3).gradients(p, t, w)
    kept, _, kept_dp = scorer(name, 3).gradients(p[w > 0], t[w > 0])
    assert loss == pytest.approx(kept / 2, rel=1e-6)
    assert (dp[w == 0] == 0).all()
    np.testing.assert_allclose(dp[w > 0], kept_dp / 2, rtol=1e-6)


@pytest.mark.parametrize("layer", ["Rescaling(2.0)", "Flatten()"])
def test_model_without_weights_is_scored_or_refused(layer: str) -> None:
    # In a process of its own: this has crashed.
    code = f"""
import numpy as np
from lamella import Input, Sequential, layers
model = Sequential([Input((3,)), layers.{layer}])
model.compile("sgd", "mse")
try:
    print(model.evaluate(np.ones((4, 3)), np.zeros((4, 3)), verbose=0))
except ValueError as error:
    print("refused:", error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    expected = 4.0 if layer.startswith("Rescaling") else 1.0
    assert done.stdout.startswith("refused: ") or float(done.stdout) == expected
