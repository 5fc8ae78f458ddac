"""Initializers: the range and spread of Keras, the same numbers for the same seed, other numbers elsewhere."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import reference
from golden import cases, section

import lamella
from lamella import Input, Sequential, initializers, layers

Case = dict[str, Any]

GOLDEN = cases("initializers")
RANDOM = sorted({case.values[0]["initializer"] for case in GOLDEN} | {"VarianceScaling"})
SEEDED = [*RANDOM, "Orthogonal"]
CLASSES = [name for name in initializers.__all__ if name[0].isupper() and name != "Initializer"]
SHAPES = [(300, 200), (1, 6000), (6000, 1), (4, 5, 600), (9000,)]


def assert_draws_from(values: Any, expected: reference.Distribution) -> None:
    """The moments to five standard errors, the range exactly and nearly filled."""
    count = values.size
    assert values.dtype == np.float32
    assert abs(values.mean(dtype=np.float64) - expected.mean) < 5 * expected.stddev / np.sqrt(count)
    assert values.std(dtype=np.float64) == pytest.approx(expected.stddev, rel=5 / np.sqrt(count))
    slack = 1e-6 * expected.stddev
    assert values.min() >= expected.low - slack and values.max() <= expected.high + slack
    if np.isfinite(expected.high):
        assert values.max() > expected.mean + 0.97 * (expected.high - expected.mean)
        assert values.min() < expected.mean - 0.97 * (expected.mean - expected.low)


def test_golden_file_has_all_random_initializers() -> None:
    assert len(GOLDEN) == 9


@pytest.mark.parametrize("case", GOLDEN)
def test_initializer_has_the_range_and_spread_of_keras(case: Case) -> None:
    values = getattr(initializers, case["initializer"])(**case["kwargs"])(tuple(case["shape"]))
    assert values.mean() == pytest.approx(case["sample_mean"], abs=0.03 * case["sample_std"])
    assert values.std() == pytest.approx(case["sample_std"], rel=0.02)
    if "Uniform" in case["initializer"] or ("Normal" in case["initializer"] and case["initializer"] != "RandomNormal"):
        assert values.max() == pytest.approx(case["sample_max"], rel=0.01)
        assert values.min() == pytest.approx(case["sample_min"], rel=0.01)


def test_initializers_without_chance_give_the_numbers_of_keras() -> None:
    np.testing.assert_array_equal(initializers.Constant(0.25)((2, 3)), section("initializers.constant"))
    np.testing.assert_array_equal(initializers.Identity(gain=2.0)((2, 3)), section("initializers.identity"))


def test_rows_of_the_orthogonal_initializer_are_as_orthogonal_and_long_as_in_keras() -> None:
    gram = np.asarray(section("initializers.orthogonal_gain_1_5_rows_gram"))
    rows = initializers.Orthogonal(gain=1.5, seed=0)((len(gram), 6)).astype(np.float64)
    np.testing.assert_allclose(rows @ rows.T, gram, rtol=1e-6, atol=2e-6)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", RANDOM)
def test_initializer_matches_the_reference_distribution(name: str, shape: tuple[int, ...]) -> None:
    assert_draws_from(getattr(initializers, name)(seed=3)(shape), reference.distribution(name, shape))


@pytest.mark.parametrize("distribution", ["truncated_normal", "untruncated_normal", "uniform"])
@pytest.mark.parametrize("mode", ["fan_in", "fan_out", "fan_avg"])
def test_variance_scaling_matches_reference(mode: str, distribution: str) -> None:
    options = {"scale": 1.7, "mode": mode, "distribution": distribution}
    values = initializers.VarianceScaling(**options, seed=5)((400, 50))
    assert_draws_from(values, reference.distribution("VarianceScaling", (400, 50), **options))


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("RandomNormal", {"mean": 2.0, "stddev": 0.5}),
        ("RandomUniform", {"minval": -1.0, "maxval": 3.0}),
        ("TruncatedNormal", {"mean": -1.0, "stddev": 2.0}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_arguments_move_and_widen_the_distribution(name: str, options: dict[str, float]) -> None:
    values = getattr(initializers, name)(**options, seed=7)((200, 200))
    assert_draws_from(values, reference.distribution(name, (200, 200), **options))


@pytest.mark.parametrize("name", SEEDED)
def test_seed_decides_the_numbers(name: str) -> None:
    cls = getattr(initializers, name)
    first = cls(seed=1)
    np.testing.assert_array_equal(first((20, 30)), cls(seed=1)((20, 30)))
    np.testing.assert_array_equal(first((20, 30)), first((20, 30)))
    assert (first((20, 30)) != cls(seed=2)((20, 30))).mean() > 0.99


@pytest.mark.parametrize("name", SEEDED)
def test_numbers_without_a_seed_follow_the_global_seed(name: str) -> None:
    cls = getattr(initializers, name)

    def draw(seed: int) -> Any:
        lamella.utils.set_random_seed(seed)
        return cls()((20, 30))

    np.testing.assert_array_equal(draw(1), draw(1))
    assert (draw(1) != draw(2)).mean() > 0.99
    lamella.utils.set_random_seed(1)
    assert (cls()((20, 30)) != cls()((20, 30))).mean() > 0.99


def test_layers_of_one_model_start_differently() -> None:
    model = Sequential([Input((9,)), layers.Dense(9), layers.Dense(9)])
    first, _, second, _ = model.get_weights()
    assert (first != second).mean() > 0.99


def test_kernels_start_glorot_uniform_and_biases_zero() -> None:
    kernel, bias = Sequential([Input((300,)), layers.Dense(200)]).get_weights()
    assert_draws_from(kernel, reference.distribution("GlorotUniform", (300, 200)))
    np.testing.assert_array_equal(bias, np.zeros(200))


def test_constants_are_constant() -> None:
    np.testing.assert_array_equal(initializers.Zeros()((2, 3)), np.zeros((2, 3)))
    np.testing.assert_array_equal(initializers.Ones()((2, 3)), np.ones((2, 3)))
    np.testing.assert_array_equal(initializers.Constant(0.25)((2, 3)), np.full((2, 3), 0.25))


def test_an_array_is_an_initializer(rng: np.random.Generator) -> None:
    start = rng.standard_normal((4, 3)).astype(np.float32)
    model = Sequential([Input((4,)), layers.Dense(3, kernel_initializer=start, bias_initializer="ones")])
    np.testing.assert_array_equal(model.get_weights()[0], start)
    np.testing.assert_array_equal(model.get_weights()[1], np.ones(3))


def test_an_array_must_have_the_shape_of_its_weight() -> None:
    with pytest.raises(ValueError, match=r"given as initializer must have the weight's shape \(3,\), got shape \(1,\)"):
        initializers.get(np.zeros(1))((3,))


def test_a_function_is_an_initializer() -> None:
    def shape_only(shape: Any) -> Any:
        return np.full(shape, 2.0)

    def as_in_keras(shape: Any, dtype: Any) -> Any:
        assert shape == (4, 3) and dtype == "float32"
        return np.full(shape, 3, dtype)

    for function, value in ((shape_only, 2), (as_in_keras, 3)):
        model = Sequential([Input((4,)), layers.Dense(3, kernel_initializer=function)])
        np.testing.assert_array_equal(model.get_weights()[0], np.full((4, 3), value))
    with pytest.raises(ValueError, match=r"lambda.* must give values of shape \(3,\), got shape \(2,\)"):
        initializers.get(lambda shape: np.zeros(2))((3,))


def test_a_class_of_ones_own_is_an_initializer() -> None:
    class Fives(initializers.Initializer):
        def __call__(self, shape: Any, dtype: Any = None) -> Any:
            return np.full(shape, 5, np.float32)

    for given in (Fives, Fives()):
        model = Sequential([Input((4,)), layers.Dense(3, kernel_initializer=given)])
        np.testing.assert_array_equal(model.get_weights()[0], np.full((4, 3), 5))


@pytest.mark.parametrize("shape", [(4, 4), (7, 3), (3, 7), (2, 3, 5)], ids=str)
def test_orthogonal_columns_or_rows_are_orthogonal(shape: tuple[int, ...]) -> None:
    q = initializers.Orthogonal(gain=2.0, seed=1)(shape)
    assert q.shape == shape and q.dtype == np.float32
    matrix = q.reshape(-1, shape[-1]).astype(np.float64)
    tall = matrix if matrix.shape[0] >= matrix.shape[1] else matrix.T
    np.testing.assert_allclose(tall.T @ tall, 4 * np.eye(tall.shape[1]), atol=1e-5)


def test_orthogonal_matrices_favour_no_direction() -> None:
    # Plain QR would give the diagonal one sign; made uniform, the mean of any number is 0 and its variance 1 / n.
    drawn = np.array([initializers.Orthogonal()((3, 3)) for _ in range(4000)])
    assert np.abs(drawn.mean(0)).max() < 5 * np.sqrt(1 / 3 / 4000)
    np.testing.assert_allclose(drawn.var(0), np.full((3, 3), 1 / 3), rtol=0.1)


def test_identity_is_scaled_and_for_matrices_only() -> None:
    np.testing.assert_array_equal(initializers.Identity(2.0)((3, 2)), [[2, 0], [0, 2], [0, 0]])
    with pytest.raises(ValueError, match=r"Identity makes matrices only, got shape \(3,\)"):
        initializers.Identity()((3,))
    with pytest.raises(ValueError, match=r"Orthogonal needs a weight of two axes or more, got shape \(3,\)"):
        initializers.Orthogonal()((3,))


def test_given_axes_make_the_fans() -> None:
    values = initializers.VarianceScaling(distribution="uniform", seed=1, input_axes=(0, 2), output_axes=(1,))(
        (20, 30, 40)
    )
    assert_draws_from(values, reference.distribution("VarianceScaling", (800, 30), distribution="uniform"))
    values = initializers.HeUniform(seed=1, input_axes=[1], output_axes=[0])((300, 200))
    assert_draws_from(values, reference.distribution("HeUniform", (200, 300)))


@pytest.mark.parametrize("name", CLASSES)
def test_types_other_than_float32_may_be_asked_for(name: str) -> None:
    initializer = getattr(initializers, name)()
    values = initializer([4, 3], dtype="float64")
    assert values.dtype == np.float64
    np.testing.assert_array_equal(values, initializer((4, 3)))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("zero", "Zeros"),
        ("one", "Ones"),
        ("normal", "RandomNormal"),
        ("uniform", "RandomUniform"),
        ("IdentityInitializer", "Identity"),
        ("OrthogonalInitializer", "Orthogonal"),
    ],
)
def test_other_names_of_keras_are_understood(text: str, name: str) -> None:
    assert type(initializers.get(text)).__name__ == name


@pytest.mark.parametrize("bad", [1.5, "1", True], ids=str)
def test_seeds_are_integers(bad: Any) -> None:
    with pytest.raises(TypeError, match="HeNormal `seed` must be an integer"):
        initializers.HeNormal(seed=bad)


@pytest.mark.parametrize("shape", [(5,), (3, 4), (2, 3, 4)], ids=str)
def test_fans_match_reference(shape: tuple[int, ...]) -> None:
    assert initializers.fans(shape) == reference.fans(shape)


@pytest.mark.parametrize("name", CLASSES)
def test_initializers_are_found_in_both_spellings(name: str) -> None:
    cls = getattr(initializers, name)
    snake = "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")
    assert type(initializers.get(name)) is type(initializers.get(snake)) is getattr(initializers, snake) is cls
