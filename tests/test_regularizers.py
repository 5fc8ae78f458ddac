"""Regularizers: values and gradients of Keras and of the reference, in Python and in the core."""

from __future__ import annotations

from typing import Any

import float64
import numpy as np
import pytest
import reference
from golden import assert_close, cases, section

from lamella import regularizers
from lamella._core import core

Case = dict[str, Any]
Array = np.ndarray[Any, np.dtype[Any]]

# Every class with arguments that are not its defaults.
USED: dict[str, list[dict[str, Any]]] = {
    "L1": [{"l1": 0.3}],
    "L2": [{"l2": 0.2}],
    "L1L2": [{"l1": 0.3, "l2": 0.2}, {"l2": 0.1}],
    "OrthogonalRegularizer": [{"factor": 0.7}, {"factor": 0.7, "mode": "columns"}],
}
MEMBERS = [pytest.param(name, args, id=f"{name}-{args}") for name, listed in USED.items() for args in listed]
SHAPES = [(1, 5), (5, 1), (3, 4), (17, 16), (6, 33), (5, 300)]
GOLDEN_W = np.array(section("regularizers.w"), np.float32)


def in_core(regularizer: Any, w: Array, of: Any = core) -> tuple[float, Array]:
    return of.regularize(regularizer._spec(of), w)  # type: ignore[no-any-return]


def test_every_class_is_tested() -> None:
    assert set(USED) == set(core.regularizers.names) == set(reference.REGULARIZERS)


@pytest.mark.parametrize("case", cases("regularizers"))
def test_penalty_equals_keras(case: Case) -> None:
    regularizer = getattr(regularizers, case["regularizer"])(**case["kwargs"])
    assert_close(regularizer(GOLDEN_W), case["value"], atol=2e-7, rtol=1e-6)
    assert_close(in_core(regularizer, GOLDEN_W)[0], case["value"], atol=2e-7, rtol=1e-6)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(("name", "args"), MEMBERS)
def test_penalty_and_gradient_match_the_reference(
    name: str, args: dict[str, Any], shape: tuple[int, int], rng: np.random.Generator
) -> None:
    w = rng.standard_normal(shape).astype(np.float32)
    regularizer = getattr(regularizers, name)(**args)
    value, gradient = in_core(regularizer, w)
    assert type(regularizer(w)) is float and regularizer.gradient(w).dtype == gradient.dtype == np.float32
    if name == "OrthogonalRegularizer" and 1 in w.shape[:: 1 if args.get("mode") != "columns" else -1][:1]:
        expected, expected_gradient = 0.0, np.zeros(shape)  # a single row has nobody to be orthogonal to
    else:
        expected = reference.regularizer(name, w, **args)
        expected_gradient = reference.regularizer_gradient(name, w, **args)
    for found, found_gradient in ((value, gradient), (regularizer(w), regularizer.gradient(w))):
        assert_close(found, expected, rtol=2e-6)
        assert_close(found_gradient, expected_gradient, rtol=1e-5)


@pytest.mark.parametrize(("name", "args"), MEMBERS)
def test_gradient_is_the_finite_difference(name: str, args: dict[str, Any], rng: np.random.Generator) -> None:
    w = rng.standard_normal((4, 5))
    regularizer, double = getattr(regularizers, name)(**args), float64.core()
    expected = reference.numeric_gradient(regularizer, w)
    np.testing.assert_allclose(regularizer.gradient(w), expected, rtol=1e-7, atol=1e-8)
    in_double = reference.numeric_gradient(lambda v: in_core(regularizer, v, double)[0], w)
    np.testing.assert_allclose(in_core(regularizer, w, double)[1], in_double, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize(("name", "args"), [m for m in MEMBERS if "Orthogonal" not in str(m.values[0])])
def test_vectors_are_regularized_like_matrices(name: str, args: dict[str, Any], rng: np.random.Generator) -> None:
    w = rng.standard_normal(21).astype(np.float32)
    regularizer = getattr(regularizers, name)(**args)
    value, gradient = in_core(regularizer, w)
    assert_close(value, reference.regularizer(name, w, **args), rtol=2e-6)
    assert_close(gradient, regularizer.gradient(w))


def test_slope_of_l1_at_zero_is_zero() -> None:
    w = np.array([[0.0, -0.0, 1.0, -1.0]], np.float32)
    for gradient in (regularizers.L1(0.5).gradient(w), in_core(regularizers.L1(0.5), w)[1]):
        np.testing.assert_array_equal(gradient, [[0, 0, 0.5, -0.5]])


@pytest.mark.parametrize(("name", "args"), MEMBERS)
def test_nan_is_not_hidden(name: str, args: dict[str, Any], rng: np.random.Generator) -> None:
    w = rng.standard_normal((3, 3)).astype(np.float32)
    w[1, 1] = np.nan
    regularizer = getattr(regularizers, name)(**args)
    value, gradient = in_core(regularizer, w)
    assert np.isnan([regularizer(w), value, regularizer.gradient(w)[1, 1], gradient[1, 1]]).all()


@pytest.mark.parametrize("mode", ["rows", "columns"])
def test_zeros_are_orthogonal_to_everything(mode: str, rng: np.random.Generator) -> None:
    w = rng.standard_normal((3, 3)).astype(np.float32)
    index = (1, slice(None)) if mode == "rows" else (slice(None), 1)
    w[index] = 0
    regularizer = regularizers.OrthogonalRegularizer(0.5, mode)
    value, gradient = in_core(regularizer, w)
    assert 0 < value == pytest.approx(regularizer(w), rel=1e-5)
    assert_close(gradient, regularizer.gradient(w))
    assert not gradient[index].any() and gradient.any()


def test_sum_is_made_in_double(rng: np.random.Generator) -> None:
    w = rng.random((700, 300)).astype(np.float32)
    expected = reference.regularizer("L1L2", w, l1=1.0, l2=1.0)
    assert in_core(regularizers.L1L2(1.0, 1.0), w)[0] == pytest.approx(expected, rel=1e-12)
    assert regularizers.L1L2(1.0, 1.0)(w) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("name", ["L1", "L2", "L1L2"])
def test_penalties_of_rows_add_up_to_the_bit(name: str, rng: np.random.Generator) -> None:
    w = rng.standard_normal((40, 50)).astype(np.float32)
    regularizer = getattr(regularizers, name)(0.3)
    total = 0.0
    for row in w:
        total += in_core(regularizer, row)[0]
    assert in_core(regularizer, w)[0] == total


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("l1", ("L1", {"l1": 0.01})),
        ("L1", ("L1", {"l1": 0.01})),
        ("l2", ("L2", {"l2": 0.01})),
        ("L2", ("L2", {"l2": 0.01})),
        ("l1l2", ("L1L2", {"l1": 0.0, "l2": 0.0})),
        ("L1L2", ("L1L2", {"l1": 0.0, "l2": 0.0})),
        ("l1_l2", ("L1L2", {"l1": 0.01, "l2": 0.01})),
        ("orthogonal_regularizer", ("OrthogonalRegularizer", {"factor": 0.01, "mode": "rows"})),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_strings_of_keras_are_understood(text: str, expected: tuple[str, dict[str, Any]]) -> None:
    found = regularizers.get(text)
    assert found is not None
    assert (type(found).__name__, found.get_config()) == expected


def test_functions_of_keras_are_the_classes() -> None:
    assert regularizers.l1_l2(l1=0.1, l2=0.2).get_config() == {"l1": 0.1, "l2": 0.2}
    assert isinstance(regularizers.l1(0.1), regularizers.L1) and isinstance(regularizers.l2(0.1), regularizers.L2)
    assert regularizers.orthogonal_regularizer(mode="columns").mode == "columns"
    assert regularizers.get(None) is None


@pytest.mark.parametrize("bad", [-0.1, float("nan"), float("inf"), "much", True], ids=str)
@pytest.mark.parametrize(("name", "argument"), [("L1", "l1"), ("L2", "l2"), ("OrthogonalRegularizer", "factor")])
def test_bad_factors_are_refused_by_name(name: str, argument: str, bad: Any) -> None:
    with pytest.raises(ValueError, match=f"{name} `{argument}` must be a finite number, at least 0"):
        getattr(regularizers, name)(bad)


def test_other_mistakes_are_explained() -> None:
    with pytest.raises(ValueError, match="`mode` must be 'rows' or 'columns', got 'row'"):
        regularizers.OrthogonalRegularizer(mode="row")
    with pytest.raises(ValueError, match=r"needs a matrix, `bias` of dense has shape \(3,\)"):
        regularizers.OrthogonalRegularizer()._check_shape("dense", "bias", (3,))
    with pytest.raises(TypeError, match="`regularizer` must be"):
        regularizers.get(0.01)


class Cubic(regularizers.Regularizer):
    def __call__(self, w: Any) -> float:
        return float((np.abs(w) ** 3).sum())


class CubicWithGradient(Cubic):
    def gradient(self, w: Any) -> Any:
        return 3 * w * np.abs(w)


def penalty(w: Any) -> Any:
    return 2 * w.sum()


class Penalty:
    """Not a Regularizer, but all that one needs."""

    def __call__(self, w: Any) -> Any:
        return w.sum()

    def gradient(self, w: Any) -> Any:
        return np.ones_like(w)


def test_regularizers_of_ones_own_need_a_gradient() -> None:
    for given, name in ((Cubic(), "Cubic"), (penalty, "penalty")):
        assert regularizers.get(given) is not None
        with pytest.raises(TypeError, match=f"dense `kernel_regularizer`: '{name}' has no gradient.*method gradient"):
            regularizers.for_layer("dense", "kernel_regularizer", given)
    w = np.array([[1.0, -2.0]])
    mine = regularizers.for_layer("dense", "kernel_regularizer", CubicWithGradient())
    assert mine is not None and mine(w) == 9 and mine._spec(core) is None
    np.testing.assert_array_equal(mine.gradient(w), [[3, -12]])
    foreign = regularizers.for_layer("dense", "kernel_regularizer", Penalty())
    assert foreign is not None and foreign(w) == -1 and foreign._spec(core) is None
    np.testing.assert_array_equal(foreign.gradient(w), [[1, 1]])


def test_layers_get_what_get_gives() -> None:
    assert regularizers.for_layer("dense", "kernel_regularizer", None) is None
    assert isinstance(regularizers.for_layer("dense", "kernel_regularizer", "l2"), regularizers.L2)
