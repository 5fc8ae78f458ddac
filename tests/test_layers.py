"""Layers agree with the reference at every width, batch size and lane."""

from __future__ import annotations

import re

import numpy as np
import pytest
import reference
from golden import assert_close, section
from test_activations import NAMES

from lamella import Input, Sequential, activations, layers

EVERY = [name for name in NAMES if name != "glu"]  # which halves its width
BATCHES = [1, 2, 3, 7, 8, 31, 32, 100, 257]
WIDTHS = [1, 3, 10, 16, 17, 64, 100, 130, 513]
U = 2.0**-24  # the unit roundoff of float32
NUMPYS_WORST = 5.3  # of U * |A||B|, over many shapes


def dense(inputs: int, units: int, activation: str | None = None, use_bias: bool = True) -> Sequential:
    return Sequential(
        [Input((inputs,)), layers.Dense(units, activation, use_bias, bias_initializer="random_normal", name="dense")]
    )


@pytest.mark.parametrize("inputs", WIDTHS, ids="inputs={}".format)
def test_dense_is_as_exact_as_numpy(inputs: int, rng: np.random.Generator) -> None:
    ours, numpys = [], []
    for units in WIDTHS:
        model = dense(inputs, units)
        kernel, bias = model.get_weights()
        for batch in BATCHES:
            x = rng.standard_normal((batch, inputs), dtype=np.float32)
            exact = reference.dense(x, kernel, bias)
            unit = U * (np.abs(x).astype(np.float64) @ np.abs(kernel).astype(np.float64) + np.abs(bias))
            ours.append((np.abs(model.predict(x) - exact) / unit).max())
            numpys.append((np.abs(x @ kernel + bias - exact) / unit).max())
            assert ours[-1] <= 16, (units, batch)
    assert max(ours) <= max(2 * max(numpys), NUMPYS_WORST)


def test_dense_stays_exact_in_long_sums(rng: np.random.Generator) -> None:
    x = rng.standard_normal((64, 4096), dtype=np.float32)
    model = dense(4096, 70)
    kernel, bias = model.get_weights()
    unit = U * (np.abs(x).astype(np.float64) @ np.abs(kernel).astype(np.float64) + np.abs(bias))
    assert (np.abs(model.predict(x) - reference.dense(x, kernel, bias)) / unit).max() <= 16


@pytest.mark.parametrize("batch", BATCHES, ids="batch={}".format)
@pytest.mark.parametrize("activation", EVERY)
def test_dense_applies_its_activation_to_the_sums(activation: str, batch: int, rng: np.random.Generator) -> None:
    x = rng.standard_normal((batch, 9), dtype=np.float32)
    for units in WIDTHS:
        model, linear = dense(9, units, activation), dense(9, units)
        linear.set_weights(model.get_weights())
        expected = activations.get(activation)(linear.predict(x))
        np.testing.assert_array_equal(model.predict(x), expected, strict=True)


@pytest.mark.parametrize("batch", BATCHES, ids="batch={}".format)
@pytest.mark.parametrize("activation", EVERY)
def test_stack_of_layers_matches_reference(activation: str, batch: int, rng: np.random.Generator) -> None:
    x = rng.standard_normal((batch, 7), dtype=np.float32)
    model = Sequential(
        [Input((7,)), layers.Dense(17, activation), layers.Dense(5, "relu", use_bias=False), layers.Dense(3)]
    )
    net = reference.Network(
        [
            ("Dense", {"units": 17, "activation": activation}),
            ("Dense", {"units": 5, "activation": "relu", "use_bias": False}),
            ("Dense", {"units": 3}),
        ]
    )
    net.set_weights(model.get_weights())
    np.testing.assert_allclose(model.predict(x), net.predict(x), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("activation", EVERY)
def test_activation_layer_equals_activation_of_dense(activation: str, rng: np.random.Generator) -> None:
    x = rng.standard_normal((33, 6), dtype=np.float32)
    inside = dense(6, 21, activation)
    after = Sequential([Input((6,)), layers.Dense(21), layers.Activation(activation)])
    after.set_weights(inside.get_weights())
    np.testing.assert_array_equal(after.predict(x), inside.predict(x))


@pytest.mark.parametrize("width", WIDTHS, ids="width={}".format)
def test_dense_keeps_nan_in_every_lane(width: int, rng: np.random.Generator) -> None:
    model = dense(width, 19)
    for lane in range(width):
        x = rng.standard_normal((5, width), dtype=np.float32)
        x[3, lane] = np.nan
        rows = np.isnan(model.predict(x))
        assert rows[3].all() and rows.sum() == 19, lane


@pytest.mark.parametrize("units", WIDTHS, ids="units={}".format)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf], ids=str)
def test_dense_keeps_bad_weights_in_every_lane_even_for_zeros(bad: float, units: int) -> None:
    model = dense(4, units)
    start = model.get_weights()
    for lane in range(units):
        kernel = start[0].copy()
        kernel[2, lane] = bad
        model.set_weights([kernel, start[1]])
        found = np.isnan(model.predict(np.zeros((3, 4), np.float32)))
        assert found[:, lane].all() and found.sum() == 3, lane


@pytest.mark.parametrize("activation", EVERY)
@pytest.mark.parametrize("share", [0.0, 0.9], ids=["full", "mostly-zero"])
def test_predict_of_nan_rows_gives_nan(activation: str, share: float, rng: np.random.Generator) -> None:
    x = rng.standard_normal((40, 60), dtype=np.float32) * (rng.random((40, 60)) >= share)
    x[7, 11] = np.nan
    y = dense(60, 10, activation).predict(x)
    assert np.isnan(y[7]).all()
    assert np.isfinite(np.delete(y, 7, axis=0)).all()


def test_infinite_inputs_stay_infinite_or_nan(rng: np.random.Generator) -> None:
    x = np.zeros((3, 20), np.float32)
    x[1, 4], x[2, 4] = np.inf, -np.inf
    model = dense(20, 6, use_bias=False)
    kernel = np.abs(model.get_weights()[0])
    model.set_weights([kernel])
    np.testing.assert_array_equal(model.predict(x), [[0.0] * 6, [np.inf] * 6, [-np.inf] * 6])


@pytest.mark.parametrize("case", ["first", "middle", "twice"])
def test_rescaling_matches_reference(case: str, rng: np.random.Generator) -> None:
    scaling = {"scale": 0.5, "offset": -1.0}
    stacks = {
        "first": [("Rescaling", scaling), ("Dense", {"units": 3})],
        "middle": [("Dense", {"units": 3}), ("Rescaling", scaling), ("Activation", {"activation": "tanh"})],
        "twice": [("Rescaling", scaling), ("Rescaling", {"scale": -3.0, "offset": 0.25}), ("Dense", {"units": 3})],
    }
    x = rng.standard_normal((35, 5), dtype=np.float32)
    model = Sequential([Input((5,)), *(getattr(layers, name)(**options) for name, options in stacks[case])])
    net = reference.Network(stacks[case])
    net.set_weights(model.get_weights())
    np.testing.assert_allclose(model.predict(x), net.predict(x), rtol=1e-5, atol=1e-6)


def test_rescaling_equals_keras() -> None:
    case = section("layers.rescaling")
    assert_close(Sequential([Input((3,)), layers.Rescaling(**case["kwargs"])]).predict(case["x"]), case["y"])


def test_flatten_equals_keras() -> None:
    case = section("layers.flatten")
    assert_close(Sequential([Input((2, 3)), layers.Flatten()]).predict(case["x"]), case["y"])


def test_dense_equals_keras() -> None:
    case = section("layers.dense_tanh")
    model = dense(3, 2, "tanh")
    model.set_weights([case["kernel"], case["bias"]])
    assert_close(model.predict(case["x"]), case["y"])


def test_layer_names_equal_those_of_keras_where_the_layers_exist() -> None:
    names = section("behaviour.layer_names_after_clear_session")
    dense_names = [name for name in names if name.startswith("dense")]
    assert [layers.Dense(1).name for _ in dense_names] == dense_names


@pytest.mark.parametrize("batch", [1, 2, 255, 256, 257, 1000], ids="rows={}".format)
def test_predict_of_parts_differs_by_rounding_only(batch: int, rng: np.random.Generator) -> None:
    model = Sequential([Input((30,)), layers.Dense(65, "tanh"), layers.Dense(4, "softmax")])
    x = rng.standard_normal((1000, 30), dtype=np.float32)
    parts = [model.predict(x[first : first + batch]) for first in range(0, 1000, batch)]
    np.testing.assert_allclose(np.concatenate(parts), model.predict(x), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("stack", ["Rescaling", "Flatten"])
def test_models_without_weights_predict(stack: str) -> None:
    layer = layers.Rescaling(2.0) if stack == "Rescaling" else layers.Flatten()
    x = np.array([[1.0, -2.0, 3.0]], np.float32)
    np.testing.assert_array_equal(Sequential([Input((3,)), layer]).predict(x), 2 * x if stack == "Rescaling" else x)


def test_dense_rejects_zero_units() -> None:
    with pytest.raises(ValueError, match=r"`units` must be a positive integer, got 0"):
        layers.Dense(0)


def test_activation_of_dense_is_the_member_of_its_family() -> None:
    assert layers.Dense(3, "relu").activation is activations.relu
    assert layers.Dense(3).activation is activations.linear


@pytest.mark.parametrize(
    ("cls", "given", "message"),
    [
        ("Dense", {"units": 3, "activaton": "relu"}, "Did you mean 'activation'?"),
        ("Dense", {"units": 3, "input_dimm": 3}, "Did you mean 'input_dim'?"),
        ("Dropout", {"rate": 0.1, "sed": 3}, "Did you mean 'seed'?"),
        ("ReLU", {"foo": 3}, "Known: max_value, negative_slope, threshold, name, trainable, activity_regularizer, inp"),
    ],
)
def test_unknown_arguments_name_the_layer_and_what_comes_near(cls: str, given: dict[str, object], message: str) -> None:
    wrong = [*given][-1]
    with pytest.raises(TypeError, match=rf"^{cls} got an unexpected keyword argument '{wrong}'\. {re.escape(message)}"):
        getattr(layers, cls)(**given)
