"""Constraints: results of Keras and of the reference, in Python and in the core."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import reference
from golden import assert_close, cases, section

from lamella import constraints
from lamella._core import core

Case = dict[str, Any]
Array = np.ndarray[Any, np.dtype[Any]]

USED: dict[str, list[dict[str, Any]]] = {
    "NonNeg": [{}],
    "MaxNorm": [{"max_value": 1.5}, {"max_value": 1.5, "axis": 1}],
    "UnitNorm": [{}, {"axis": 1}],
    "MinMaxNorm": [{"min_value": 1.5, "max_value": 2.0, "rate": 0.7}, {"min_value": 0.5, "max_value": 1.5, "axis": 1}],
}
MEMBERS = [pytest.param(name, args, id=f"{name}-{args}") for name, listed in USED.items() for args in listed]
NORMS = [name for name in USED if name != "NonNeg"]
SHAPES = [(1, 5), (5, 1), (3, 4), (17, 16), (6, 33), (5, 300)]
GOLDEN_W = np.array(section("constraints.w"), np.float32)


def in_core(constraint: Any, w: Array) -> Array:
    return core.constrain(constraint._spec(core, w.ndim), w)  # type: ignore[no-any-return]


def both(constraint: Any, w: Array) -> list[Array]:
    """What Python and what the core makes of w."""
    before = w.copy()
    found = [constraint(w), in_core(constraint, w)]
    np.testing.assert_array_equal(w, before)
    assert [(values.dtype, values.shape) for values in found] == 2 * [(np.float32, w.shape)]
    return found


def test_every_class_is_tested() -> None:
    assert set(USED) == set(core.constraints.names) == set(reference.CONSTRAINTS)


@pytest.mark.parametrize("case", cases("constraints"))
def test_constraint_equals_keras(case: Case) -> None:
    constraint = getattr(constraints, case["constraint"])(**case["kwargs"])
    for found in both(constraint, GOLDEN_W):
        assert_close(found, case["value"], atol=2e-7, rtol=1e-6)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(("name", "args"), MEMBERS)
def test_constraint_matches_the_reference(
    name: str, args: dict[str, Any], shape: tuple[int, int], rng: np.random.Generator
) -> None:
    w = rng.standard_normal(shape).astype(np.float32)
    for found in both(getattr(constraints, name)(**args), w):
        assert_close(found, reference.constraint(name, w, **args), rtol=2e-6)


@pytest.mark.parametrize("name", NORMS)
def test_norm_of_a_bias_is_that_of_all_of_it(name: str, rng: np.random.Generator) -> None:
    bias = 3 * rng.standard_normal(21).astype(np.float32)
    for axis in (0, -1):
        for found in both(getattr(constraints, name)(axis=axis), bias):
            assert_close(found, reference.constraint(name, bias), rtol=2e-6)
            assert not np.allclose(found, bias)


@pytest.mark.parametrize("name", NORMS)
def test_axes_count_from_the_end_too(name: str, rng: np.random.Generator) -> None:
    w = 3 * rng.standard_normal((4, 5)).astype(np.float32)
    cls = getattr(constraints, name)
    for axis in (0, 1):
        for from_start, from_end in zip(both(cls(axis=axis), w), both(cls(axis=axis - 2), w), strict=True):
            np.testing.assert_array_equal(from_start, from_end)


@pytest.mark.parametrize(("name", "args"), MEMBERS)
def test_zeros_stay_zeros_and_nan_is_not_hidden(name: str, args: dict[str, Any], rng: np.random.Generator) -> None:
    constraint = getattr(constraints, name)(**args)
    for found in both(constraint, np.zeros((3, 5), np.float32)):
        np.testing.assert_array_equal(found, np.zeros((3, 5)))
    w = rng.standard_normal((3, 5)).astype(np.float32)
    w[1, 2] = np.nan
    for found in both(constraint, w):
        assert np.isnan(found[1, 2])
        assert np.isfinite(found[0, 0])


def test_padding_stays_zero_where_norms_are_raised() -> None:
    # The binding checks it. 1e32 / 1e-7 is more than a float holds.
    w = np.full((3, 5), 2, np.float32)
    assert_close(in_core(constraints.MinMaxNorm(1e32, 1e33), w), np.full((3, 5), 1e32 / np.sqrt(3)))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        *((text, "MaxNorm") for text in ("MaxNorm", "max_norm", "maxnorm")),
        *((text, "NonNeg") for text in ("NonNeg", "non_neg", "nonneg")),
        *((text, "UnitNorm") for text in ("UnitNorm", "unit_norm", "unitnorm")),
        *((text, "MinMaxNorm") for text in ("MinMaxNorm", "min_max_norm")),
    ],
)
def test_all_spellings_are_understood(text: str, name: str) -> None:
    assert type(constraints.get(text)).__name__ == name
    assert getattr(constraints, text) is getattr(constraints, name)


def test_nothing_is_no_constraint_and_a_callable_is_one() -> None:
    assert constraints.get(None) is None
    w = np.ones((2, 2), np.float32)
    halved = constraints.get(lambda w: w / 2)
    assert halved is not None and halved._spec(core) is None
    np.testing.assert_array_equal(halved(w), w / 2)
    broken = constraints.get(np.sum)
    assert broken is not None
    with pytest.raises(ValueError, match=r"must keep the shape \(2, 2\), it returned \(\)"):
        broken(w)


def test_a_class_of_ones_own_runs_in_python() -> None:
    class Rounded(constraints.Constraint):
        def __call__(self, w: Any) -> Any:
            return np.round(w)

    mine = constraints.get(Rounded)
    assert isinstance(mine, Rounded) and mine._spec(core) is None


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: constraints.MaxNorm(-1), "MaxNorm `max_value` must be a finite number, at least 0"),
        (lambda: constraints.MaxNorm(axis=2), "MaxNorm `axis` must be 0"),
        (lambda: constraints.UnitNorm(axis="rows"), "UnitNorm `axis` must be an integer"),
        (lambda: constraints.UnitNorm(axis=-3), "UnitNorm `axis` must be an integer of at least -2"),
        (lambda: constraints.MinMaxNorm(2.0, 1.0), "MinMaxNorm `max_value` must be a finite number, at least 2"),
        (lambda: constraints.MinMaxNorm(rate=1.5), "MinMaxNorm `rate`.*at most 1"),
        (lambda: constraints.MaxNorm(axis=1)._check_shape("dense", "bias", (3,)), r"`bias` of dense has shape \(3,\)"),
    ],
)
def test_mistakes_are_explained(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
