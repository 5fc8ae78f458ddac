"""Activations agree with the reference to a few units in the last place, and let NaN and infinity through."""

from __future__ import annotations

import inspect
import pickle
from typing import Any

import float64
import numpy as np
import pytest
import reference
from golden import assert_close, cases, section

import lamella
from lamella import Input, Sequential, activations, layers
from lamella._core import core
from lamella.activations import Activation

Array = np.ndarray[Any, np.dtype[Any]]

NAMES = sorted({member.name for member in vars(activations).values() if isinstance(member, Activation)})
ROWWISE = ["glu", "log_softmax", "softmax", "sparsemax"]
ELEMENTWISE = [name for name in NAMES if name not in ROWWISE]
# Every activation, and those that have arguments also with other values of them.
VARIANTS = [(name, {}) for name in NAMES] + [
    ("relu", {"negative_slope": 0.1, "max_value": 2.5, "threshold": 0.4}),
    ("relu", {"max_value": 6.0}),
    ("relu", {"threshold": 1.0}),
    ("leaky_relu", {"negative_slope": 0.0}),
    ("leaky_relu", {"negative_slope": 2.0}),
    ("elu", {"alpha": 0.0}),
    ("elu", {"alpha": 0.5}),
    ("celu", {"alpha": 0.25}),
    ("hard_shrink", {"threshold": 0.0}),
    ("soft_shrink", {"threshold": 1.5}),
    ("squareplus", {"b": 0.0}),
    ("squareplus", {"b": 0.01}),
    ("gelu", {"approximate": True}),
]
# Measured over the whole range: tanh 4.3 (near 0.03), sigmoid 5.1 (below -80; 2.9 above), softmax 6.4 (below e**-40),
# gelu 5.3 in [-5, 0) and 17 at -13, where the formula with 1 + erf has no digit left; the others pass 4 below -80 only.
ULPS = {"linear": 0.0, "relu": 0.0, "tanh": 5.0, "sigmoid": 6.0, "softmax": 8.0, "gelu": 18.0}
ULPS |= {"squareplus": 5.0}  # a root and a division, which round differently at each level
ULPS |= {"silu": 6.0, "mish": 6.0, "softplus": 6.0, "log_sigmoid": 6.0}
# What may be lost besides: differences of nearly equal numbers, as in any float32, and where exp(-z) overflows.
FLOOR = {"tanh_shrink": 5e-7, "log_softmax": 2e-6, "sparsemax": 1e-6, "silu": 1e-36, "mish": 1e-36}
if lamella.isa() == "x86_64_v2":  # without fused multiply-add every term of a polynomial is rounded twice
    ULPS |= {"tanh": 7.0, "softmax": 10.0, "gelu": 100.0}
TINY = np.finfo(np.float32).tiny
LANES = [1, 3, 10, 16, 17, 33]


def titled(variants: Any) -> list[Any]:
    return [pytest.param(n, k, id="-".join([n, *(f"{a}={v}" for a, v in k.items())])) for n, k in variants]


def exact_result(name: str, x: Array) -> Array:
    """In float64; for softmax of x minus its maximum in float32, which every float32 softmax starts from."""
    shifted = x - x.max(axis=-1, keepdims=True) if name == "softmax" else x
    return reference.activation(name, shifted)


def ulps(actual: Array, exact: Array) -> Array:
    """The distance in units of the last place; below the normal numbers, of the smallest normal one."""
    spacing = np.spacing(np.abs(exact).astype(np.float32)).astype(np.float64)
    return np.abs(actual.astype(np.float64) - exact) / np.where(np.abs(exact) < TINY, TINY, spacing)


def assert_exact(name: str, actual: Array, exact: Array) -> None:
    distance = np.abs(actual.astype(np.float64) - exact)
    assert ((ulps(actual, exact) <= ULPS.get(name, 4.0)) | (distance <= FLOOR.get(name, 0.0))).all(), name


def assert_near(found: Any, expected: Any, absolute: float, relative: float) -> None:
    assert_close(found, expected, atol=absolute, rtol=relative)


def trusted_rows(case: dict[str, Any]) -> Any:
    """All, but of sparsemax those that Keras gets right: the others do not sum to 1 there."""
    return np.isclose(np.sum(case["y"], -1), 1) if case["name"] == "sparsemax" else slice(None)


def test_golden_file_covers_every_activation() -> None:
    found = {activations.get(case.values[0]["name"]).name for case in cases("activations")}
    assert found == set(NAMES)
    assert len(cases("activations")) == 36


@pytest.mark.parametrize("case", cases("activations"))
def test_activation_equals_keras(case: dict[str, Any]) -> None:
    rows = trusted_rows(case)
    act = activations.get(case["name"]).with_arguments(**case["kwargs"])
    assert_near(act(case["x"])[rows], np.array(case["y"])[rows], 2e-7, 1e-6)
    if case["name"] == "sparsemax":  # Keras' rows add up to 0, or lie at a threshold, without a derivative
        assert_near(act(case["x"]), reference.activation("sparsemax", np.array(case["x"])), 2e-7, 1e-6)
    else:
        assert_near(act.gradient(case["x"], case["upstream"]), np.array(case["grad"]), 1e-6, 1e-5)


@pytest.mark.parametrize("width", [1, 8, 15, 16, 17, 100, 1001], ids="width={}".format)
@pytest.mark.parametrize("name", [name for name in NAMES if name != "glu"])
def test_activation_is_exact_to_a_few_ulp(name: str, width: int, rng: np.random.Generator) -> None:
    for scale in (1e-3, 1.0, 10.0, 20.0 if name == "exponential" else 80.0):
        x = (rng.standard_normal((50, width)) * scale).astype(np.float32)
        assert_exact(name, activations.get(name)(x), exact_result(name, x))


@pytest.mark.parametrize("width", [2, 4, 14, 16, 30, 32, 34, 66, 1002], ids="width={}".format)
def test_glu_is_exact_to_a_few_ulp(width: int, rng: np.random.Generator) -> None:
    x = (rng.standard_normal((50, width)) * 4).astype(np.float32)
    assert_exact("glu", activations.glu(x), reference.activation("glu", x))


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_activation_is_exact_on_a_fine_grid(name: str) -> None:
    x = np.linspace(-40, 40, 400_001, dtype=np.float32)
    assert_exact(name, activations.get(name)(x), reference.activation(name, x))


@pytest.mark.parametrize("name", [name for name in ELEMENTWISE if "tanh" not in name or name == "hard_tanh"])
def test_activation_is_exact_to_four_ulp_where_plain_float32_is(name: str) -> None:
    x = np.linspace(-20, 20, 400_001, dtype=np.float32)
    exact = reference.activation(name, x)
    plain = reference.ACTIVATIONS[name].forward(x)
    assert plain.dtype == np.float32 or name == "gelu"
    good = ulps(plain, exact) <= 4 if name != "gelu" else x > 0
    assert good.mean() >= 0.4
    assert ulps(activations.get(name)(x), exact)[good].max() <= min(ULPS.get(name, 4), 5 if name == "squareplus" else 4)


def test_approximate_gelu_is_exact_to_four_ulp_above_zero_and_to_seven_digits_below() -> None:
    x = np.linspace(-20, 20, 400_001, dtype=np.float32)
    exact = reference.activation("gelu", x, approximate=True)
    y = activations.gelu(x, approximate=True)
    assert ulps(y, exact)[x >= 0].max() <= 4
    assert np.abs(y - exact)[x < 0].max() <= 1e-7


@pytest.mark.parametrize("name", ["sigmoid", "softmax"])
def test_activation_is_exact_to_four_ulp_where_it_is_not_tiny(name: str, rng: np.random.Generator) -> None:
    x = (rng.standard_normal((2000, 10)) * 3).astype(np.float32)
    y, exact = activations.get(name)(x), exact_result(name, x)
    assert ulps(y, exact)[exact > 1e-6].max() <= 4


@pytest.mark.parametrize(
    "name", ["elu", "selu", "celu", "softplus", "log_sigmoid", "gelu", "silu", "mish", "squareplus"]
)
def test_activation_keeps_its_digits_near_zero_and_far_below(name: str) -> None:
    x = -np.logspace(-30, np.log10(4.0), 10_001, dtype=np.float32)
    exact = reference.activation(name, x)
    assert ulps(activations.get(name)(x), exact).max() <= 6


@pytest.mark.parametrize(("name", "arguments"), titled(v for v in VARIANTS if v[0] in ELEMENTWISE))
def test_every_lane_gives_the_same_number(name: str, arguments: dict[str, Any], rng: np.random.Generator) -> None:
    act = activations.get(name).with_arguments(**arguments)
    x, dy = (rng.standard_normal(33) * 3).astype(np.float32), rng.standard_normal(33, dtype=np.float32)
    alone = act(x[:, None])[:, 0]
    gradient = act.gradient(x[:, None], dy[:, None])[:, 0]
    for width in LANES:
        np.testing.assert_array_equal(act(x[:width]), alone[:width], strict=True)
        np.testing.assert_array_equal(act.gradient(x[:width], dy[:width]), gradient[:width], strict=True)


@pytest.mark.parametrize("width", LANES, ids="width={}".format)
@pytest.mark.parametrize(("name", "arguments"), titled(v for v in VARIANTS if v[0] in ELEMENTWISE))
def test_nan_stays_in_its_lane(name: str, arguments: dict[str, Any], width: int) -> None:
    act = activations.get(name).with_arguments(**arguments)
    clean = np.linspace(-1, 1, width, dtype=np.float32)[None]
    for lane in range(width):
        x = clean.copy()
        x[0, lane] = np.nan
        y = act(x)
        assert np.isnan(y[0]).nonzero()[0].tolist() == [lane]
        kept = np.arange(width) != lane
        np.testing.assert_array_equal(y[0, kept], act(clean)[0, kept])


@pytest.mark.parametrize("width", LANES, ids="width={}".format)
@pytest.mark.parametrize("bad", [np.nan, np.inf], ids=str)
@pytest.mark.parametrize("name", ["softmax", "log_softmax", "sparsemax"])
def test_row_with_nan_or_infinity_is_nan(name: str, bad: float, width: int) -> None:
    for lane in range(width):
        x = np.ones((2, width), np.float32)
        x[1, lane] = bad
        y = activations.get(name)(x)
        assert np.isnan(y[1]).all(), lane
        assert np.isfinite(y[0]).all(), lane


def test_glu_keeps_nan_in_its_lane() -> None:
    for half in LANES:
        for lane in range(2 * half):
            x = np.ones((1, 2 * half), np.float32)
            x[0, lane] = np.nan
            assert np.isnan(activations.glu(x)[0]).nonzero()[0].tolist() == [lane % half]


@pytest.mark.parametrize("width", [3, 10, 16, 17, 33], ids="width={}".format)
def test_minus_infinity_is_impossible(width: int) -> None:
    for lane in range(width):
        x = np.ones((1, width), np.float32)
        x[0, lane] = -np.inf
        for act, rest in ((activations.softmax, 1 / (width - 1)), (activations.sparsemax, 1 / (width - 1))):
            y = act(x)
            assert y[0, lane] <= TINY
            np.testing.assert_allclose(np.delete(y, lane, axis=1), rest, rtol=1e-6)
        y = activations.log_softmax(x)
        assert y[0, lane] == -np.inf
        np.testing.assert_allclose(np.delete(y, lane, axis=1), -np.log(width - 1), rtol=1e-6)


# At minus infinity, at infinity. Where NumPy and Keras find 0 * infinity, so do we.
LIMITS = {
    "linear": (-np.inf, np.inf),
    "relu": (0, np.inf),
    "relu6": (0, 6),
    "leaky_relu": (-np.inf, np.inf),
    "elu": (-1, np.inf),
    "selu": (-1.7580993408473766, np.inf),
    "celu": (-1, np.inf),
    "sigmoid": (0, 1),
    "hard_sigmoid": (0, 1),
    "log_sigmoid": (-np.inf, 0),
    "sparse_sigmoid": (0, 1),
    "tanh": (-1, 1),
    "hard_tanh": (-1, 1),
    "tanh_shrink": (-np.inf, np.inf),
    "hard_shrink": (-np.inf, np.inf),
    "soft_shrink": (-np.inf, np.inf),
    "softplus": (0, np.inf),
    "softsign": (-1, 1),
    "sparse_plus": (0, np.inf),
    "squareplus": (0, np.inf),
    "silu": (np.nan, np.inf),
    "hard_silu": (np.nan, np.inf),
    "gelu": (np.nan, np.inf),
    "mish": (np.nan, np.inf),
    "exponential": (0, np.inf),
}


@pytest.mark.parametrize("width", LANES, ids="width={}".format)
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_infinity_reaches_the_limit_in_every_lane(name: str, width: int) -> None:
    for value, limit in zip((-np.inf, np.inf), LIMITS[name], strict=True):
        for lane in range(width):
            x = np.zeros(width, np.float32)
            x[lane] = value
            np.testing.assert_allclose(activations.get(name)(x)[lane], limit, rtol=1e-6, atol=TINY)


@pytest.mark.parametrize(
    ("name", "z", "y"),
    [
        ("softplus", 1000, 1000),
        ("softplus", -1000, 0),
        ("sigmoid", -1000, 0),
        ("log_sigmoid", -1000, -1000),
        ("silu", -1000, 0),
        ("mish", 1e30, 1e30),
        ("gelu", -1e30, 0),
        ("squareplus", 1e30, 1e30),
        ("squareplus", -1e30, 1e-30),
        ("softsign", -3e38, -1),
        ("elu", -1e30, -1),
        ("exponential", 1000, np.inf),
    ],
)
def test_large_numbers_neither_overflow_nor_become_nan(name: str, z: float, y: float) -> None:
    np.testing.assert_allclose(activations.get(name)(np.array([z])), [y], rtol=1e-6, atol=TINY)


@pytest.mark.parametrize(("name", "arguments"), titled(v for v in VARIANTS if v[0] not in ("exponential", *ROWWISE)))
def test_derivatives_of_large_numbers_are_finite(name: str, arguments: dict[str, Any]) -> None:
    z = np.array([1e2, 1e4, 1e10, 1e19, 1e25, 3e38], np.float32)
    z = np.concatenate([z, -z])
    act = activations.get(name).with_arguments(**arguments)
    expected = reference.activation_gradient(name, np.clip(z, -1e4, 1e4), np.ones_like(z), **arguments)
    np.testing.assert_allclose(act.gradient(z, np.ones_like(z)), expected, rtol=1e-5, atol=1e-7)


def test_approximate_gelu_of_large_numbers_is_finite() -> None:
    np.testing.assert_array_equal(activations.gelu([1e30, -1e30], approximate=True), np.array([1e30, 0], np.float32))


@pytest.mark.parametrize("offset", [0.0, 1e3, -1e3, 1e30, -1e30], ids="offset={}".format)
def test_softmax_of_large_logits_does_not_overflow(offset: float) -> None:
    x = np.full((1, 5), offset, np.float32)
    np.testing.assert_allclose(activations.softmax(x), 0.2, rtol=1e-6)
    np.testing.assert_allclose(activations.sparsemax(x), 0.2, rtol=1e-6)
    np.testing.assert_allclose(activations.log_softmax(x), np.log(0.2), rtol=1e-6)


@pytest.mark.parametrize("width", [1, 16, 17, 1000], ids="width={}".format)
@pytest.mark.parametrize("name", ["softmax", "sparsemax"])
def test_probabilities_sum_to_one(name: str, width: int, rng: np.random.Generator) -> None:
    y = activations.get(name)((rng.standard_normal((20, width)) * 20).astype(np.float32))
    np.testing.assert_allclose(y.sum(axis=1, dtype=np.float64), 1, rtol=1e-6)


def numeric(f: Any, at: Array, step: float = 1e-6) -> Array:
    """Central differences of a function that maps rows to numbers, one column at a time."""
    gradient = np.empty_like(at)
    for column in range(at.shape[1]):
        shift = np.zeros(at.shape[1])
        shift[column] = step
        gradient[:, column] = (f(at + shift) - f(at - shift)) / (2 * step)
    return gradient


@pytest.mark.parametrize("width", [2, 4, 6, 10, 18, 34], ids="width={}".format)
@pytest.mark.parametrize(("name", "arguments"), titled(VARIANTS))
def test_gradient_in_float64_is_the_finite_difference_and_the_reference(
    name: str, arguments: dict[str, Any], width: int, rng: np.random.Generator
) -> None:
    double = float64.core()
    spec = activations.get(name).with_arguments(**arguments)._spec(double)
    z = rng.standard_normal((8, width)) * 2
    y = double.activate(spec, z)
    dy = rng.standard_normal(y.shape)
    found = double.activation_gradient(spec, z, dy)
    np.testing.assert_allclose(y, reference.activation(name, z, **arguments), rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(
        found, reference.activation_gradient(name, z, dy, **arguments), rtol=1e-8, atol=1e-13 * np.abs(dy).max()
    )
    differences = numeric(lambda at: (double.activate(spec, at) * dy).sum(axis=1), z)
    np.testing.assert_allclose(found, differences, rtol=1e-6, atol=1e-9 * np.abs(found).max() + 1e-8)


@pytest.mark.parametrize(("name", "arguments"), titled(VARIANTS))
def test_gradient_in_float32_is_that_of_float64(name: str, arguments: dict[str, Any], rng: np.random.Generator) -> None:
    act = activations.get(name).with_arguments(**arguments)
    z = (rng.standard_normal((50, 66)) * 3).astype(np.float32)
    dy = rng.standard_normal(act(z).shape, dtype=np.float32)
    expected = reference.activation_gradient(name, z, dy, **arguments)
    scale = np.abs(expected).max(axis=1, keepdims=True)
    assert (np.abs(act.gradient(z, dy) - expected) <= 2e-6 * scale).all()


@pytest.mark.parametrize(
    ("name", "at", "slope"),
    [
        ("relu", 0, 0),
        ("leaky_relu", 0, 1),
        ("elu", 0, 1),
        ("relu6", 6, 0),
        ("hard_sigmoid", 3, 0),
        ("hard_tanh", -1, 1),
        ("sparse_sigmoid", 1, 0.25),
        ("hard_shrink", 0.5, 0),
        ("soft_shrink", -0.5, 0),
    ],
)
def test_slope_at_the_kink_is_that_of_keras(name: str, at: float, slope: float) -> None:
    assert activations.get(name).gradient([float(at)], [1.0])[0] == slope


def test_relu_has_slope_one_right_above_zero() -> None:
    assert activations.relu.gradient([1e-30], [1.0])[0] == 1


def test_core_says_which_activations_need_their_input() -> None:
    of_output = {
        "linear",
        "relu",
        "relu6",
        "leaky_relu",
        "elu",
        "selu",
        "celu",
        "sigmoid",
        "hard_sigmoid",
        "log_sigmoid",
    }
    of_output |= {"tanh", "softplus", "sparse_plus", "squareplus", "exponential", "hard_shrink", "soft_shrink"}
    of_output |= {"softmax", "log_softmax", "sparsemax"}
    assert {name for name in NAMES if not core.needs_input(activations.get(name)._spec(core))} == of_output
    assert core.needs_input(activations.relu.with_arguments(threshold=1)._spec(core))


def test_activations_keep_any_shape() -> None:
    for name in NAMES:
        for shape in [(), (4,), (2, 4), (2, 3, 6), (3, 0), (0, 4)]:
            if name == "glu" and shape == ():
                continue
            y = activations.get(name)(np.zeros(shape))
            assert y.shape == ((*shape[:-1], shape[-1] // 2) if name == "glu" else shape) and y.dtype == np.float32


@pytest.mark.parametrize("name", ROWWISE)
def test_rowwise_activations_work_along_any_axis(name: str, rng: np.random.Generator) -> None:
    act = activations.get(name)
    x = rng.standard_normal((4, 6, 2), dtype=np.float32)
    for axis in (0, 1, 2, -1, -2, -3):
        expected = np.moveaxis(act(np.moveaxis(x, axis, -1)), -1, axis)
        np.testing.assert_array_equal(act(x, axis=axis), expected, strict=True)
        gradient = act.with_arguments(axis=axis).gradient(x, np.ones_like(expected))
        last = np.moveaxis(x, axis, -1)
        wanted = reference.activation_gradient(name, last, np.ones(act(last).shape))
        np.testing.assert_allclose(np.moveaxis(gradient, axis, -1), wanted, atol=1e-6)


def test_arguments_may_be_given_by_position_as_in_keras() -> None:
    x = np.array([-2.0, 0.5, 9.0], np.float32)
    np.testing.assert_array_equal(
        activations.relu(x, 0.1, 6.0, 0.4), activations.relu(x, max_value=6, threshold=0.4, negative_slope=0.1)
    )
    assert str(inspect.signature(activations.relu)) == "(x, negative_slope=0.0, max_value=None, threshold=0.0)"
    assert str(inspect.signature(activations.leaky_relu)) == "(x, negative_slope=0.2)"
    assert str(inspect.signature(activations.gelu)) == "(x, approximate=False)"


def test_unusual_arguments_are_refused() -> None:
    x = np.ones(3)
    with pytest.raises(TypeError, match="tanh has no argument `alpha`; it has none"):
        activations.tanh.with_arguments(alpha=1)
    with pytest.raises(TypeError, match="alpha"):
        activations.tanh(x, alpha=1)
    with pytest.raises(TypeError, match="gelu `approximate` must be True or False"):
        activations.gelu(x, approximate=1)
    with pytest.raises(ValueError, match="elu `alpha` must be a finite number, at least 0; got -1"):
        activations.elu(x, alpha=-1)
    with pytest.raises(ValueError, match="celu `alpha` must be a finite number"):
        activations.celu(x, alpha=0)
    with pytest.raises(ValueError, match=r"relu `negative_slope` must be .*got None"):
        activations.relu(x, negative_slope=None)
    with pytest.raises(ValueError, match="axis"):
        activations.softmax(x, axis=1)
    with pytest.raises(ValueError, match="glu splits its axis into halves, so its size must be even, got 3"):
        activations.glu(x)
    with pytest.raises(ValueError, match=r"tanh\.gradient: `dy` must have the shape of y, got \(2,\) for z of \(3,\)"):
        activations.tanh.gradient(x, x[:2])


@pytest.mark.parametrize(("name", "arguments"), titled(VARIANTS))
def test_activation_comes_back_from_its_config_and_from_pickle(name: str, arguments: dict[str, Any]) -> None:
    act = activations.get(name).with_arguments(**arguments)
    for copy in (activations.deserialize(activations.serialize(act)), pickle.loads(pickle.dumps(act))):
        assert (copy.name, copy.arguments) == (act.name, act.arguments)
    assert arguments or activations.serialize(act) == name


def test_keras_configs_and_aliases_are_understood() -> None:
    assert activations.get("swish") is activations.swish is activations.silu
    assert activations.get("hard_swish") is activations.hard_swish is activations.hard_silu
    config = {"module": "builtins", "class_name": "function", "config": "relu6", "registered_name": "function"}
    assert activations.deserialize(config) is activations.relu6
    assert activations.deserialize(None) is activations.linear
    assert repr(activations.relu.with_arguments(max_value=6)) == "<activation relu max_value=6.0>"


LAYERS: dict[str, tuple[Any, dict[str, Any]]] = {
    "leaky_relu_layer_default": (layers.LeakyReLU, {}),
    "elu_layer_default": (layers.ELU, {}),
    "relu_layer": (layers.ReLU, section("layers.relu_layer")["kwargs"]),
    "softmax_layer": (layers.Softmax, {}),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layer_equals_keras(name: str) -> None:
    case = section(f"layers.{name}")
    cls, arguments = LAYERS[name]
    model = Sequential([Input((3,)), cls(**arguments)])
    assert_near(model.predict(case["x"]), case["y"], 2e-7, 1e-6)


@pytest.mark.parametrize("cls", [layers.ReLU, layers.LeakyReLU, layers.ELU, layers.Softmax])
def test_layer_has_the_config_of_keras(cls: Any) -> None:
    config = cls().get_config()
    expected = section("configs.layer_default_configs")[cls.__name__]
    assert {key: config[key] for key in expected} == expected
    assert set(config) == {"name", "trainable", *expected}
    assert cls.from_config(config).get_config() == config
    assert all(getattr(cls(), key) == value for key, value in expected.items())


def test_layers_refuse_what_keras_refuses() -> None:
    for arguments in ({"max_value": -1.0}, {"negative_slope": -0.1}, {"negative_slope": None}, {"threshold": -1.0}):
        with pytest.raises(ValueError, match=f"relu `{next(iter(arguments))}` must be"):
            layers.ReLU(**arguments)
    with pytest.raises(ValueError, match="leaky_relu `negative_slope` must be"):
        layers.LeakyReLU(None)
    with pytest.raises(ValueError, match="elu `alpha` must be"):
        layers.ELU(-1)


def test_leaky_relu_takes_its_old_argument_with_a_warning() -> None:
    with pytest.warns(UserWarning, match="LeakyReLU `alpha` is deprecated: use `negative_slope`"):
        layer = layers.LeakyReLU(alpha=0.5)
    assert layer.get_config()["negative_slope"] == 0.5


def test_layers_with_rows_work_along_the_last_axis() -> None:
    assert Sequential([Input((6,)), layers.Activation("glu")]).output_shape == (None, 3)
    x = np.linspace(-1, 1, 12, dtype=np.float32).reshape(2, 6)
    model = Sequential([Input((6,)), layers.Activation("glu")])
    np.testing.assert_array_equal(model.predict(x), activations.glu(x))
    deep = x.reshape(2, 2, 3)
    np.testing.assert_array_equal(
        Sequential([Input((2, 3)), layers.Softmax()]).predict(deep), activations.softmax(deep)
    )
    with pytest.raises(ValueError, match=r"<activation softmax axis=1> to samples of shape \(2, 3\).*Reshape"):
        Sequential([Input((2, 3)), layers.Softmax(axis=1)])
    with pytest.raises(ValueError, match=r"Softmax `axis` must be an axis of samples of shape \(3,\)"):
        Sequential([Input((3,)), layers.Softmax(axis=2)])
