"""Gradients: every layer × activation × loss against finite differences in float64, and float32 against float64."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import reference
from float64 import Double
from test_activations import NAMES
from test_optimizers import ALL_OPTIONS

from lamella import Input, Sequential, layers, losses, optimizers
from lamella._core import core

Array = np.ndarray[Any, np.dtype[Any]]

STEP = 1e-5
CROSSENTROPIES = [name for name in core.losses.names if name.endswith("Crossentropy")]
FUSED = [name for name in CROSSENTROPIES if "Focal" not in name]
POSITIVE = ("KLDivergence", "MeanSquaredLogarithmicError", "Poisson")  # of predictions above 0 only
PROBABILITIES = ("softmax", "sigmoid")
# What every layer and loss meets; all the others differ in formulas of their own, which test_activations.py checks.
BASIC = ("linear", "relu", "sigmoid", "tanh", "softmax")
EVERY = [name for name in NAMES if name != "glu"]  # which halves its width

# Inputs of shape (2, 2) or (4,), a hidden part that uses the activation, and 3 outputs.
STACKS: dict[str, Any] = {
    "Dense": lambda act: [Input((4,)), layers.Dense(5, act)],
    "Dense-without-bias": lambda act: [Input((4,)), layers.Dense(5, act, use_bias=False)],
    "Activation": lambda act: [Input((4,)), layers.Dense(5), layers.Activation(act)],
    "Activation-first": lambda act: [Input((4,)), layers.Activation(act)],
    "Rescaling-first": lambda act: [Input((4,)), layers.Rescaling(-0.5, 0.25), layers.Dense(5, act)],
    "Rescaling-between": lambda act: [Input((4,)), layers.Dense(5, act), layers.Rescaling(-2.0, 0.5)],
    "Flatten": lambda act: [Input((2, 2)), layers.Flatten(), layers.Dense(5, act)],
    "activation-layers": lambda act: [Input((4,)), layers.LeakyReLU(), layers.Dense(5, act), layers.ELU(0.5)],
    "Dense-twice": lambda act: [Input((4,)), layers.Dense(9, act), layers.Dense(17, act)],
}
ENDS: dict[str, Any] = {
    "Dense": lambda act: [layers.Dense(3, act, bias_initializer="random_normal")],
    "Activation": lambda act: [layers.Dense(3), layers.Activation(act)],
}


def loss_for(name: str, activation: str) -> losses.Loss:
    """The loss on probabilities where the last activation gives such, else on logits."""
    cls = getattr(losses, name)
    made: losses.Loss = cls(from_logits=True) if name in CROSSENTROPIES and activation not in PROBABILITIES else cls()
    return made


def targets_for(name: str, rows: int, outputs: int, rng: np.random.Generator) -> Array:
    if name == "SparseCategoricalCrossentropy":
        return rng.integers(0, outputs, rows)
    if name.startswith("Categorical"):
        return rng.dirichlet(np.ones(outputs), rows)
    return rng.random((rows, outputs))


def numeric(f: Any, at: Array) -> tuple[Array, Array]:
    """Central differences, and where they mean nothing because a kink lies between the two points."""
    gradient, kinks, middle = np.empty(at.size), np.zeros(at.size, bool), f(at)
    for i in range(at.size):
        up, down = at.copy(), at.copy()
        up.flat[i] += STEP
        down.flat[i] -= STEP
        above, below = f(up), f(down)
        gradient[i] = (above - below) / (2 * STEP)
        kinks[i] = abs(above - 2 * middle + below) > 1e-3 * STEP
    return gradient.reshape(at.shape), kinks.reshape(at.shape)


def assert_gradients_are_right(model: Sequential, x: Array, y: Array) -> None:
    double = Double(model)
    _, of_weights, of_inputs = double.gradients(x, y)
    rows = x.reshape(len(x), -1)
    for analytic, (expected, kinks) in (
        (of_weights, numeric(lambda w: double.loss(rows, y, w), double.get_weights())),
        (of_inputs, numeric(lambda v: double.loss(v, y), rows)),
    ):
        assert kinks.mean() <= 0.2
        error = np.abs(analytic - expected)[~kinks]
        assert (error <= 1e-6 * np.abs(expected[~kinks]) + 1e-8 * max(np.abs(expected).max(initial=0), 1e-3)).all()


@pytest.mark.parametrize("loss", [*FUSED, "MeanSquaredError"])
@pytest.mark.parametrize("end", BASIC, ids="end={}".format)
@pytest.mark.parametrize("activation", BASIC)
@pytest.mark.parametrize("stack", STACKS)
def test_gradients_equal_finite_differences(
    stack: str, activation: str, end: str, loss: str, rng: np.random.Generator
) -> None:
    model = Sequential([*STACKS[stack](activation), *ENDS["Dense"](end)])
    model.compile("sgd", loss_for(loss, end))
    x = rng.standard_normal((4, *model.input_shape[1:]))
    assert_gradients_are_right(model, x, targets_for(loss, 4, 3, rng))


LOSSES_AND_ENDS = [(loss, end) for loss in core.losses.names for end in (PROBABILITIES if loss in POSITIVE else BASIC)]


@pytest.mark.parametrize(("loss", "end"), LOSSES_AND_ENDS)
def test_gradients_through_a_last_activation_layer_equal_finite_differences(
    end: str, loss: str, rng: np.random.Generator
) -> None:
    model = Sequential([Input((4,)), *ENDS["Activation"](end)])
    model.compile("sgd", loss_for(loss, end))
    assert_gradients_are_right(model, rng.standard_normal((5, 4)), targets_for(loss, 5, 3, rng))


@pytest.mark.parametrize("activation", PROBABILITIES)
@pytest.mark.parametrize("loss", CROSSENTROPIES)
def test_gradients_of_logits_that_went_through_an_activation_equal_finite_differences(
    loss: str, activation: str, rng: np.random.Generator
) -> None:
    model = Sequential([Input((4,)), layers.Dense(3, activation)])
    model.compile("sgd", getattr(losses, loss)(from_logits=True))
    assert_gradients_are_right(model, rng.standard_normal((5, 4)), targets_for(loss, 5, 3, rng))


@pytest.mark.parametrize("activation", PROBABILITIES)
@pytest.mark.parametrize("smoothing", [0.1, 1.0], ids="label_smoothing={}".format)
@pytest.mark.parametrize("loss", [name for name in CROSSENTROPIES if not name.startswith("Sparse")])
def test_gradients_with_label_smoothing_equal_finite_differences(
    loss: str, smoothing: float, activation: str, rng: np.random.Generator
) -> None:
    model = Sequential([Input((4,)), layers.Dense(3, activation)])
    model.compile("sgd", getattr(losses, loss)(label_smoothing=smoothing))
    assert_gradients_are_right(model, rng.standard_normal((5, 4)), targets_for(loss, 5, 3, rng))


OPTIONS: list[tuple[str, dict[str, Any]]] = [
    ("Huber", {"delta": 0.2}),
    ("Dice", {"axis": -1}),
    ("Tversky", {"alpha": 0.2, "beta": 0.9}),
    ("Tversky", {"alpha": 0.2, "beta": 0.9, "axis": -1}),
    ("BinaryFocalCrossentropy", {"gamma": 0.0}),
    ("BinaryFocalCrossentropy", {"apply_class_balancing": True, "alpha": 0.3, "gamma": 1.5}),
    ("CategoricalFocalCrossentropy", {"alpha": 0.7, "gamma": 1.5}),
    ("SparseCategoricalCrossentropy", {"ignore_class": 1}),
    *[
        (name, {"reduction": reduction})
        for name in ("MeanSquaredError", "Dice", "Hinge")
        for reduction in ("sum", "none")
    ],
    ("MeanSquaredError", {"reduction": "mean_with_sample_weight"}),
]


@pytest.mark.parametrize(("loss", "options"), OPTIONS, ids=str)
def test_gradients_with_options_equal_finite_differences(
    loss: str, options: dict[str, Any], rng: np.random.Generator
) -> None:
    model = Sequential([Input((4,)), layers.Dense(3, "sigmoid")])
    model.compile("sgd", getattr(losses, loss)(**options))
    assert_gradients_are_right(model, rng.standard_normal((5, 4)), targets_for(loss, 5, 3, rng))


@pytest.mark.parametrize("loss", ["Hinge", "SquaredHinge"])
def test_gradients_with_targets_of_0_and_1_equal_finite_differences(loss: str, rng: np.random.Generator) -> None:
    model = Sequential([Input((4,)), layers.Dense(3)])
    model.compile("sgd", loss)
    assert_gradients_are_right(model, rng.standard_normal((5, 4)), rng.integers(0, 2, (5, 3)))


@pytest.mark.parametrize("activation", EVERY)
@pytest.mark.parametrize(
    ("rows", "widths"),
    [(1, (1, 1)), (2, (3, 17)), (3, (8, 9)), (5, (33, 7)), (13, (16, 64)), (70, (65, 130))],
    ids=lambda value: str(value).replace(" ", ""),
)
def test_double_core_equals_reference(
    rows: int, widths: tuple[int, int], activation: str, rng: np.random.Generator
) -> None:
    stack = [("Dense", {"units": widths[0], "activation": activation}), ("Dense", {"units": widths[1]})]
    model = Sequential([Input((6,)), *(getattr(layers, name)(**options) for name, options in stack)])
    model.compile("sgd", "mse")
    net = reference.Network(stack)
    net.set_weights(model.get_weights())
    x, y, w = rng.standard_normal((rows, 6)), rng.standard_normal((rows, widths[1])), rng.random(rows)
    loss, of_weights, of_inputs = Double(model).gradients(x, y, w)
    expected_loss, expected, expected_inputs = net.gradients(x, y, w)
    assert loss == pytest.approx(expected_loss, rel=1e-12)
    for found, wanted in ((of_weights, np.concatenate([g.ravel() for g in expected])), (of_inputs, expected_inputs)):
        np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-12 * np.abs(wanted).max())


@pytest.mark.parametrize(("name", "options"), ALL_OPTIONS)
def test_double_core_trains_like_the_reference(name: str, options: dict[str, Any], rng: np.random.Generator) -> None:
    model = Sequential([Input((5,)), layers.Dense(19, "tanh"), layers.Dense(3)])
    model.compile(getattr(optimizers, name)(**options), "mse")
    stack = [("Dense", {"units": 19, "activation": "tanh"}), ("Dense", {"units": 3})]
    net = reference.Network(stack, "mse", (name, options))
    net.set_weights(model.get_weights())
    x, y = rng.standard_normal((30, 5)), rng.standard_normal((30, 3))
    double = Double(model)
    double.fit(x, y, batch_size=4, epochs=3, learning_rate=options["learning_rate"])
    net.fit(x, y, batch_size=4, epochs=3)
    expected = np.concatenate([w.ravel() for w in net.get_weights()])
    # Python's 0.9 reaches the core as a double; its float32 neighbour would differ in the eighth digit.
    np.testing.assert_allclose(double.get_weights(), expected, rtol=1e-7, atol=1e-9)


WIDE = [("Dense", {"units": 512, "activation": "relu"}), ("Dense", {"units": 10, "activation": "softmax"})]


@pytest.mark.parametrize("share", [0.0, 0.8], ids=["full", "mostly-zero"])
@pytest.mark.parametrize("rows", [1, 3, 32, 128], ids="rows={}".format)
def test_float32_gradients_are_those_of_float64(rows: int, share: float, rng: np.random.Generator) -> None:
    model = Sequential([Input((784,)), *(getattr(layers, name)(**options) for name, options in WIDE)])
    model.compile("sgd", "sparse_categorical_crossentropy")
    net = reference.Network(WIDE, "sparse_categorical_crossentropy")
    net.set_weights(model.get_weights())
    x = (rng.random((rows, 784)) * (rng.random((rows, 784)) >= share)).astype(np.float32)
    y = rng.integers(0, 10, rows)
    loss, of_weights, of_inputs = model.gradients(x, y)
    expected_loss, expected, expected_inputs = net.gradients(x, y)
    assert loss == pytest.approx(expected_loss, rel=1e-6)
    for found, wanted in zip([*of_weights, of_inputs], [*expected, expected_inputs], strict=True):
        assert np.linalg.norm(found - wanted) <= 1e-6 * np.linalg.norm(wanted)


@pytest.mark.parametrize(("loss", "end"), list(itertools.product(core.losses.names, PROBABILITIES)))
def test_sample_weights_scale_gradients_as_in_the_reference(loss: str, end: str, rng: np.random.Generator) -> None:
    stack = [("Dense", {"units": 5, "activation": "tanh"}), ("Dense", {"units": 3, "activation": end})]
    model = Sequential([Input((4,)), *(getattr(layers, name)(**options) for name, options in stack)])
    model.compile("sgd", loss)
    net = reference.Network(stack, loss)
    net.set_weights(model.get_weights())
    x, y, w = rng.standard_normal((9, 4)), targets_for(loss, 9, 3, rng), rng.random(9)
    found, expected = model.gradients(x, y, w), net.gradients(x, y, w)
    assert found[0] == pytest.approx(expected[0], rel=1e-5)
    for ours, wanted in zip([*found[1], found[2]], [*expected[1], expected[2]], strict=True):
        np.testing.assert_allclose(ours, wanted, rtol=1e-4, atol=1e-6 * np.abs(wanted).max())
