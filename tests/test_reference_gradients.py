"""Every gradient of the NumPy reference agrees with finite differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import reference
from golden import assert_close, cases, network, section
from reference import numeric_gradient

Case = dict[str, Any]


def assert_gradient(found: Any, f: Any, x: Any) -> None:
    assert_close(found, numeric_gradient(f, x), atol=1e-7, rtol=1e-6)


ACTIVATION_PARAMS = [(name, {}) for name in reference.ACTIVATIONS] + [
    ("relu", {"negative_slope": 0.1, "max_value": 1.1, "threshold": 0.2}),
    ("leaky_relu", {"negative_slope": 0.3}),
    ("elu", {"alpha": 0.5}),
    ("celu", {"alpha": 0.5}),
    ("gelu", {"approximate": True}),
    ("squareplus", {"b": 2}),
    ("softmax", {"axis": 0}),
]


def ids(specs: list[Any]) -> list[str]:
    return ["-".join([name, *map(str, params)]) for name, params in specs]


@pytest.mark.parametrize(("name", "params"), ACTIVATION_PARAMS, ids=ids(ACTIVATION_PARAMS))
def test_activation_gradient_is_the_finite_difference(name: str, params: Case) -> None:
    rng = np.random.default_rng(1)
    x, dy = rng.normal(0, 2, (6, 4)), rng.normal(size=reference.activation(name, np.zeros((6, 4)), **params).shape)
    found = reference.activation_gradient(name, x, dy, **params)
    assert_gradient(found, lambda v: (reference.activation(name, v, **params) * dy).sum(), x)


LOSS_PARAMS = [(name, {}) for name in reference.LOSSES] + [
    ("Huber", {"delta": 0.3}),
    ("BinaryCrossentropy", {"label_smoothing": 0.1}),
    ("BinaryCrossentropy", {"from_logits": True, "label_smoothing": 0.1}),
    ("BinaryFocalCrossentropy", {"apply_class_balancing": True, "gamma": 1.5}),
    ("BinaryFocalCrossentropy", {"from_logits": True, "label_smoothing": 0.1}),
    ("CategoricalCrossentropy", {"label_smoothing": 0.1}),
    ("CategoricalCrossentropy", {"from_logits": True, "label_smoothing": 0.1}),
    ("CategoricalFocalCrossentropy", {"from_logits": True, "gamma": 1.5}),
    ("SparseCategoricalCrossentropy", {"from_logits": True}),
    ("SparseCategoricalCrossentropy", {"ignore_class": 1}),
    ("Tversky", {"alpha": 0.3, "beta": 0.8}),
]


@pytest.mark.parametrize(("name", "params"), LOSS_PARAMS, ids=ids(LOSS_PARAMS))
def test_loss_gradient_is_the_finite_difference(name: str, params: Case) -> None:
    rng = np.random.default_rng(2)
    p, labels, w = rng.uniform(0.05, 0.95, (6, 3)), np.array([0, 1, 2, 2, 1, 0]), rng.uniform(0, 2, 6)
    t = labels if "Sparse" in name else np.eye(3)[labels]
    t = t + 0.5 if name == "MeanAbsolutePercentageError" else t
    loss = reference.LOSSES[name](**params)
    for weights in (None, w):
        found = reference.loss_gradient(name, t, p, weights, **params)
        assert_gradient(found, lambda v, weights=weights: reference.reduced_loss(loss, t, v, weights), p)


@pytest.mark.parametrize("name", reference.REGULARIZERS)
def test_regularizer_gradient_is_the_finite_difference(name: str) -> None:
    w = np.random.default_rng(3).normal(size=(4, 3))
    params = {"l1": 0.1, "l2": 0.2} if name == "L1L2" else {}
    assert_gradient(
        reference.regularizer_gradient(name, w, **params), lambda v: reference.regularizer(name, v, **params), w
    )


W = np.random.default_rng(4).normal(size=(3, 3))
ROW, POSITIVE = W[0], np.abs(W[1]) + 0.5
LAYER_CASES: dict[str, tuple[Case, list[Any]]] = {
    "Dense": ({"units": 3, "activation": "gelu"}, [W, ROW]),
    "Activation": ({"activation": "softmax"}, []),
    "PReLU": ({}, [ROW]),
    "BatchNormalization": ({}, [POSITIVE, ROW, ROW, POSITIVE]),
    "LayerNormalization": ({}, [POSITIVE, ROW]),
    "Normalization": ({}, [ROW, POSITIVE, 0]),
    "Rescaling": ({"scale": 0.5, "offset": 1.0}, []),
    "Dropout": ({"rate": 0.4, "mask": W > 0}, []),
    "AlphaDropout": ({"rate": 0.4, "mask": W > 0}, []),
    "GaussianNoise": ({"stddev": 0.4, "draws": W}, []),
    "GaussianDropout": ({"rate": 0.4, "draws": W}, []),
    "Reshape": ({"target_shape": (1, 3)}, []),
}


@pytest.mark.parametrize("training", [True, False], ids=["training", "inference"])
@pytest.mark.parametrize("name", reference.LAYERS)
def test_layer_gradients_are_finite_differences(name: str, training: bool) -> None:
    params, weights = LAYER_CASES.get(name, ({}, []))
    layer, rng = reference.layer(name, weights, **params), np.random.default_rng(5)
    x = rng.normal(size=(3, 3))
    y = layer.forward(x, training)
    dy = rng.normal(size=y.shape)
    state = layer.get_weights()

    def scored(v: Any = x, weight: str = "", value: Any = None) -> float:
        layer.set_weights(state)
        if weight:
            layer.weights[weight] = value
        return (layer.forward(v, training) * dy).sum()

    scored()
    dx, grads = layer.backward(dy), dict(layer.grads)
    assert_gradient(dx, scored, x)
    assert sorted(grads) == sorted(layer.weight_names)
    for weight, g in grads.items():
        assert_gradient(g, lambda v, weight=weight: scored(x, weight, v), layer.weights[weight])


@pytest.mark.parametrize("case", cases("training.cases"))
def test_network_gradients_are_finite_differences(case: Case) -> None:
    net, x, y = network(case), np.array(section("training.X"))[:7], np.array(case["y"])[:7]
    weights = np.linspace(0.2, 2, 7)
    _, grads, dx = net.gradients(x, y, weights)
    assert_gradient(dx, lambda v: net.gradients(v, y, weights)[0], x)
    places = [(layer, name) for layer in net.layers for name in layer.trainable_names]
    for (layer, name), g in zip(places, grads, strict=True):
        start = layer.weights[name]

        def loss_with(v: Any, layer: Any = layer, name: str = name) -> float:
            layer.weights[name] = v
            return net.gradients(x, y, weights)[0]

        assert_gradient(g, loss_with, start)
        layer.weights[name] = start


@pytest.mark.parametrize("head", [[], [("Activation", {"activation": "softmax"})], [("Softmax", {})]], ids=len)
def test_saturated_softmax_still_learns(head: list[Any]) -> None:
    dense = ("Dense", {"units": 2, "activation": None if head else "softmax"})
    net = reference.Network([dense, *head], "categorical_crossentropy")
    net.set_weights([np.eye(2), np.zeros(2)])
    loss, (kernel, bias), _ = net.gradients([[50.0, 0.0]], [[0.0, 1.0]])
    assert_close(loss, 50.0)
    assert_close(kernel, [[50.0, -50.0], [0.0, 0.0]])
    assert_close(bias, [1.0, -1.0])
