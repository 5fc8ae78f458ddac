"""Every kind of layer: the numbers of Keras, the reference in float64, and finite differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import reference
from float64 import Double
from golden import assert_close as assert_near
from golden import section
from test_activations import NAMES as ACTIVATIONS
from test_gradients import numeric

from lamella import Input, Sequential, layers, losses
from lamella._core import core

Array = np.ndarray[Any, np.dtype[Any]]
L2 = {"class_name": "L2", "config": {"l2": 0.1}}


def assert_close(found: Any, expected: Any) -> None:
    assert_near(found, expected, atol=2e-7, rtol=1e-6)


# (class, arguments) after an Input of shape (6,): every layer that the reference has, apart from noise.
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "Dense": ("Dense", {"units": 4, "activation": "tanh"}),
    "Dense-activity": ("Dense", {"units": 4, "activity_regularizer": L2}),
    "BatchNormalization": ("BatchNormalization", {"momentum": 0.7, "epsilon": 1e-2}),
    "BatchNormalization-plain": ("BatchNormalization", {"center": False, "scale": False}),
    "BatchNormalization-center": ("BatchNormalization", {"scale": False}),
    "LayerNormalization": ("LayerNormalization", {"epsilon": 1e-2}),
    "LayerNormalization-scale": ("LayerNormalization", {"center": False}),
    "UnitNormalization": ("UnitNormalization", {}),
    "Normalization": ("Normalization", {"mean": [0, 1, 2, 3, 4, 5], "variance": [1, 2, 3, 4, 5, 6]}),
    "Normalization-invert": ("Normalization", {"mean": 1.0, "variance": 4.0, "invert": True}),
    "PReLU": ("PReLU", {"alpha_initializer": "random_normal"}),
    "LeakyReLU": ("LeakyReLU", {"negative_slope": 0.2}),
    "ELU": ("ELU", {"alpha": 0.7}),
    "ReLU": ("ReLU", {"max_value": 1.5, "negative_slope": 0.1, "threshold": 0.2}),
    "Softmax": ("Softmax", {}),
    "Rescaling": ("Rescaling", {"scale": -0.5, "offset": 0.25}),
    "ActivityRegularization": ("ActivityRegularization", {"l1": 0.03, "l2": 0.04}),
    "Flatten": ("Flatten", {}),
    "Reshape": ("Reshape", {"target_shape": (6,)}),
    "Identity": ("Identity", {}),
}


def described(options: dict[str, Any]) -> dict[str, Any]:
    """The same arguments as the reference wants them."""
    known = {k: v for k, v in options.items() if not k.endswith("_initializer")}
    return {k: (v["class_name"], v["config"]) if isinstance(v, dict) else v for k, v in known.items()}


def model_with(kind: str, *, first: int = 6) -> Sequential:
    """The layer between two dense ones."""
    name, options = KINDS[kind]
    model = Sequential(
        [Input((5,)), layers.Dense(first, "tanh"), getattr(layers, name)(**options), layers.Dense(3, "sigmoid")]
    )
    model.compile("sgd", "mse")
    return model


def twin(model: Sequential, kind: str) -> reference.Network:
    name, options = KINDS[kind]
    net = reference.Network(
        [
            ("Dense", {"units": 6, "activation": "tanh"}),
            (name, described(options)),
            ("Dense", {"units": 3, "activation": "sigmoid"}),
        ],
        "mse",
        "sgd",
    )
    net.set_weights(model.get_weights())
    return net


def random_weights(model: Sequential, rng: np.random.Generator) -> None:
    """Weights away from their start values; variances positive."""
    model.set_weights([np.abs(w) + rng.uniform(0.5, 1.5, w.shape) if w.ndim == 1 else w for w in model.get_weights()])


@pytest.mark.parametrize("kind", KINDS)
def test_predictions_match_reference(kind: str, rng: np.random.Generator) -> None:
    model = model_with(kind)
    random_weights(model, rng)
    x = rng.standard_normal((40, 5), dtype=np.float32)
    np.testing.assert_allclose(model.predict(x), twin(model, kind).predict(x), rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("training", [False, True], ids=["inference", "training"])
@pytest.mark.parametrize("rows", [1, 2, 9], ids="rows={}".format)
@pytest.mark.parametrize("kind", KINDS)
def test_gradients_match_finite_differences(kind: str, rows: int, training: bool, rng: np.random.Generator) -> None:
    model = model_with(kind)
    random_weights(model, rng)
    double = Double(model)
    x, y = rng.standard_normal((rows, 5)), rng.random((rows, 3))
    loss, of_weights, of_inputs = double.gradients(x, y, training=training)
    found = ((of_weights, numeric(lambda w: double.loss(x, y, w, training), double.get_weights())),
             (of_inputs, numeric(lambda v: double.loss(v, y, training=training), x)))  # fmt: skip
    moving = np.zeros(len(of_weights), bool)
    at = 0
    for _, spec in model._weight_specs():
        size = int(np.prod(spec.shape))
        moving[at : at + size] = not spec.trainable
        at += size
    assert np.isfinite(loss) and not of_weights[moving].any()
    for analytic, (expected, kinks) in found:
        trusted = ~kinks & (~moving if analytic is of_weights else True)
        error = np.abs(analytic - expected)[trusted]
        assert kinks.mean() <= 0.2
        assert (error <= 2e-6 * np.abs(expected[trusted]) + 1e-8 * max(np.abs(expected).max(initial=0), 1e-3)).all()


@pytest.mark.parametrize("kind", KINDS)
def test_training_matches_reference(kind: str, rng: np.random.Generator) -> None:
    model = model_with(kind)
    net = twin(model, kind)
    x, y = rng.standard_normal((30, 5), dtype=np.float32), rng.random((30, 3), dtype=np.float32)
    model.fit(x, y, batch_size=8, epochs=3, shuffle=False, verbose=0)
    net.fit(x, y, batch_size=8, epochs=3)
    for w, expected in zip(model.get_weights(), net.get_weights(), strict=True):
        np.testing.assert_allclose(w, expected, rtol=1e-4, atol=1e-5)


def forward(layer: Any, x: Any, weights: Any = None) -> Array:
    x = np.asarray(x, np.float32)
    model = Sequential([Input(x.shape[1:]), layer])
    if weights is not None:
        model.set_weights(weights)
    return model.predict(x)


def test_dense_layers_of_keras() -> None:
    case = section("layers.dense_tanh")
    dense = layers.Dense(2, "tanh")
    assert_close(forward(dense, case["x"], [case["kernel"], case["bias"]]), case["y"])
    deep = section("layers.dense_on_rank3")
    kernel, bias = case["kernel"], case["bias"]
    assert_close(forward(layers.Dense(2, "tanh"), deep["x"], [kernel, bias]), deep["y"])


def test_batch_normalization_of_keras() -> None:
    case = section("layers.batch_normalization")
    x = np.array(case["x"], np.float32)
    model = Sequential([Input((3,)), layers.BatchNormalization()])
    model.compile("sgd", "mse")
    model.set_weights([case["gamma"], case["beta"], np.zeros(3), np.ones(3)])
    assert_close(model.predict(x), case["inference_before"])
    model.optimizer.learning_rate = 0.0
    # The loss against zeros tells the outputs of training: mean(y²), and its gradient 2 y / 12.
    trained = np.array(case["training"])
    loss = model.train_on_batch(x, np.zeros_like(x))
    assert_close(loss, np.square(trained).mean())
    _, _, moving_mean, moving_variance = model.get_weights()
    assert_close([moving_mean, moving_variance], case["moving_mean_variance_after"])
    assert_close(model.predict(x), case["inference_after"])


def test_batch_normalization_without_weights_of_keras() -> None:
    case = section("layers.batch_normalization_m05_noaffine")
    x = np.array(case["x"], np.float32)
    model = Sequential([Input((3,)), layers.BatchNormalization(momentum=0.5, epsilon=1e-5, center=False, scale=False)])
    model.compile("sgd", "mse")
    assert_close(model.train_on_batch(x, np.zeros_like(x)), np.square(case["training"]).mean())
    assert_close(model.get_weights(), case["moving_mean_variance_after"])


def test_layer_normalization_of_keras() -> None:
    case = section("layers.layer_normalization")
    assert_close(forward(layers.LayerNormalization(), case["x"], [case["gamma"], case["beta"]]), case["y"])


def test_prelu_of_keras() -> None:
    case = section("layers.prelu")
    assert_close(forward(layers.PReLU(), case["x"], [case["alpha"]]), case["y"])


def test_rescaling_of_keras() -> None:
    case = section("layers.rescaling")
    assert_close(forward(layers.Rescaling(**case["kwargs"]), case["x"]), case["y"])


def test_normalization_of_keras() -> None:
    case = section("layers.normalization_adapt")
    layer = layers.Normalization()
    layer.adapt(np.array(case["x"]))
    assert_close(forward(layer, case["x"]), case["y"])
    for found, expected in zip(layer.get_weights(), [*case["weights"][:2], 0], strict=True):
        assert_close(found, np.reshape(expected, found.shape))
    assert_close(layer.mean, case["mean"][0])
    assert_close(layer.variance, case["variance"][0])
    given = section("layers.normalization_given")
    made = layers.Normalization(mean=given["mean"], variance=given["variance"])
    assert_close(forward(made, given["x"]), given["y"])
    assert made.get_weights() == []


def test_unit_normalization_and_flatten_of_keras() -> None:
    case = section("layers.unit_normalization")
    assert_close(forward(layers.UnitNormalization(), case["x"]), case["y"])
    flat = section("layers.flatten")
    assert_close(forward(layers.Flatten(), flat["x"]), flat["y"])


def test_adapt_after_building_sets_the_weights(rng: np.random.Generator) -> None:
    layer = layers.Normalization()
    model = Sequential([Input((4,)), layer])
    data = rng.normal(3, 2, (500, 4))
    layer.adapt(data)
    out = model.predict(data)
    np.testing.assert_allclose(out.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(out.std(0), 1, atol=1e-5)


def test_normalization_of_all_numbers_has_one_mean(rng: np.random.Generator) -> None:
    layer = layers.Normalization(axis=None)
    data = rng.normal(3, 2, (50, 2, 3))
    layer.adapt(data)
    assert layer.mean.shape == ()
    np.testing.assert_allclose(forward(layer, data), (data - data.mean()) / data.std(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("axis", [-1, (1, 2), [-2, -1]], ids=str)
def test_layer_normalization_over_several_axes(axis: Any, rng: np.random.Generator) -> None:
    x = rng.standard_normal((5, 3, 4))
    axes = (2,) if axis == -1 else (1, 2)
    expected = (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + 1e-3)
    np.testing.assert_allclose(forward(layers.LayerNormalization(axis=axis), x), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "layer",
    [
        lambda: layers.BatchNormalization(axis=1),
        lambda: layers.LayerNormalization(axis=1),
        lambda: layers.UnitNormalization(axis=1),
        lambda: layers.Normalization(axis=1),
        lambda: layers.PReLU(shared_axes=[2]),
    ],
    ids=["batch", "layer", "unit", "data", "prelu"],
)
def test_other_axes_than_the_last_are_refused(layer: Any) -> None:
    with pytest.raises(ValueError, match="last"):
        Sequential([Input((3, 4)), layer()])


POSITIVE = ("KLDivergence", "Poisson", "MeanSquaredLogarithmicError", "Dice", "Tversky")
NOT_TRAINED = ("Rescaling", "Flatten", "Reshape", "Identity", "Normalization", "Normalization-invert")


def ending(loss: str) -> str:
    """An activation of the output that suits the loss, and is not fused with it where there is a choice."""
    if "Categorical" in loss and "Hinge" not in loss:
        return "softmax"
    return "sigmoid" if "Binary" in loss or loss in POSITIVE else "linear"


@pytest.mark.parametrize("loss", core.losses.names)
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in NOT_TRAINED])
def test_every_layer_activation_and_loss_has_the_gradient_of_finite_differences(
    kind: str, loss: str, rng: np.random.Generator
) -> None:
    name, options = KINDS[kind]
    checked = skipped = 0
    for activation in (a for a in ACTIVATIONS if a != "glu"):
        model = Sequential(
            [
                Input((3,)),
                layers.Dense(6, activation, kernel_initializer="random_normal", bias_initializer="random_normal"),
                getattr(layers, name)(**options),
                layers.Dense(2, ending(loss)),
            ]
        )
        model.compile("sgd", getattr(losses, loss)())
        x = rng.standard_normal((3, 3))
        y: Array = rng.integers(0, 2, 3) if loss == "SparseCategoricalCrossentropy" else rng.dirichlet((1, 1), 3)
        double = Double(model)
        _, of_weights, of_inputs = double.gradients(x, y, training=True)
        # Along random directions: a wrong gradient of any weight or input shows with probability 1.
        for at, found, value in (
            (double.get_weights(), of_weights, lambda w, d=double, x=x, y=y: d.loss(x, y, w, True)),
            (x, of_inputs.reshape(x.shape), lambda v, d=double, y=y: d.loss(v, y, training=True)),
        ):
            direction = rng.standard_normal(at.shape)
            slopes = [(value(at + h * direction) - value(at - h * direction)) / (2 * h) for h in (1e-6, 2e-6)]
            if abs(slopes[0] - slopes[1]) > 1e-6 * max(abs(slopes[0]), 1e-3):
                skipped += 1  # a kink lies between
                continue
            checked += 1
            expected = float(np.sum(found * direction))
            assert slopes[0] == pytest.approx(expected, rel=2e-6, abs=2e-8), activation
    assert skipped <= 0.2 * checked
