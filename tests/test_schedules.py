"""Schedules: values of Keras and of the reference, one at a time and many at once."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import reference
from golden import assert_close, cases, section

from lamella import schedules

Case = dict[str, Any]

# Every class with arguments that are not its defaults.
USED: dict[str, list[dict[str, Any]]] = {
    "ExponentialDecay": [{"decay_rate": 0.9}, {"decay_rate": 0.9, "staircase": True}],
    "InverseTimeDecay": [{"decay_rate": 0.9}, {"decay_rate": 0.9, "staircase": True}],
    "PiecewiseConstantDecay": [{"boundaries": [3, 4, 90], "values": [0.4, 0.3, 0.2, 0.1]}],
    "PolynomialDecay": [{"power": 0.5}, {"end_learning_rate": 0.02, "power": 3.0, "cycle": True}],
    "CosineDecay": [{"alpha": 0.1}, {"warmup_target": 0.7, "warmup_steps": 9}, {"warmup_target": 0.7}],
    "CosineDecayRestarts": [{"alpha": 0.1}, {"t_mul": 1.0, "m_mul": 0.8}, {"t_mul": 1.5, "m_mul": 0.5}],
}
CLASSES = list(USED)


def arguments(name: str, **more: Any) -> dict[str, Any]:
    """What a class needs, and more."""
    if name == "PiecewiseConstantDecay":
        return {"boundaries": [2], "values": [0.3, 0.2], **more}
    needed: dict[str, Any] = {"initial_learning_rate": 0.3, "decay_steps": 7}
    if name == "CosineDecayRestarts":
        needed["first_decay_steps"] = needed.pop("decay_steps")
    if name in ("ExponentialDecay", "InverseTimeDecay"):
        needed["decay_rate"] = 0.5
    return {**needed, **more}


MEMBERS = [pytest.param(name, args, id=f"{name}-{args}") for name, listed in USED.items() for args in listed]


def test_every_class_is_tested() -> None:
    assert set(USED) == set(reference.SCHEDULES) == {n for n in schedules.__all__ if "Decay" in n}


@pytest.mark.parametrize("case", cases("schedules"))
def test_schedule_equals_keras(case: Case) -> None:
    schedule = getattr(schedules, case["schedule"])(**case["kwargs"])
    steps = section("schedules.steps")
    assert_close([schedule(step) for step in steps], case["values"], atol=2e-7, rtol=1e-6)


@pytest.mark.parametrize(("name", "args"), MEMBERS)
def test_schedule_matches_the_reference(name: str, args: dict[str, Any]) -> None:
    args = arguments(name, **args)
    schedule, expected = getattr(schedules, name)(**args), reference.SCHEDULES[name](**args)
    values = [expected(step) for step in range(100)]
    found = [schedule(step) for step in range(100)]
    assert {type(value) for value in found} == {float}
    np.testing.assert_allclose(found, values, rtol=1e-9, atol=1e-12)
    assert len(set(values)) > 2


@pytest.mark.parametrize(("name", "args"), MEMBERS)
def test_many_rates_at_once_are_those_of_the_single_steps(name: str, args: dict[str, Any]) -> None:
    schedule = getattr(schedules, name)(**arguments(name, **args))
    rates = schedule.rates(5, 60)
    assert rates.dtype == np.float32
    np.testing.assert_array_equal(rates, np.array([schedule(step) for step in range(5, 65)], np.float32))
    assert schedule.rates(3, 0).shape == (0,)


@pytest.mark.parametrize("t_mul", [1.0, 1.1, 1.3, 2.0, 3.0])
def test_every_period_starts_at_the_top(t_mul: float) -> None:
    schedule = schedules.CosineDecayRestarts(0.1, 1000, t_mul=t_mul)
    start = 0.0
    for period in range(12):
        assert schedule(start) == pytest.approx(0.1, rel=1e-9), period
        if period:
            assert schedule(start - 1) < 1e-6, period
        start += 1000 * t_mul**period


def test_a_schedule_of_ones_own_needs_only_a_call() -> None:
    class Inverse(schedules.LearningRateSchedule):
        def __init__(self, top: float) -> None:
            self.top = top

        def __call__(self, step: int) -> float:
            return self.top / (step + 1)

    np.testing.assert_allclose(Inverse(0.5).rates(1, 3), [0.25, 0.5 / 3, 0.125])
    assert Inverse.from_config(Inverse(0.5).get_config()).top == 0.5
    with pytest.raises(ValueError, match="Inverse `learning rate of step 4` must be a finite number, at least 0"):
        Inverse(-1.0).rates(4, 2)


@pytest.mark.parametrize("name", [name for name in CLASSES if name != "PiecewiseConstantDecay"])
@pytest.mark.parametrize("bad", [0, -1, float("nan"), float("inf"), "many"], ids=str)
def test_bad_numbers_of_steps_are_refused_by_name(name: str, bad: Any) -> None:
    key = next(key for key in arguments(name) if "decay_steps" in key)
    with pytest.raises(ValueError, match=f"{name} `{key}` must be"):
        getattr(schedules, name)(**arguments(name, **{key: bad}))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: schedules.PiecewiseConstantDecay([1, 2], [0.1, 0.2]), "got 2 values for 2 boundaries"),
        (lambda: schedules.PiecewiseConstantDecay([2, 2], [3, 2, 1]), "`boundaries` must increase, got [2, 2]"),
        (lambda: schedules.PiecewiseConstantDecay([2], [3, -2]), "`values` must be a finite number, at least 0"),
        (lambda: schedules.CosineDecayRestarts(0.1, 5, t_mul=0.5), "`t_mul` must be a finite number, at least 1"),
        (lambda: schedules.ExponentialDecay(-0.1, 5, 0.5), "`initial_learning_rate` must be a finite number"),
    ],
)
def test_other_mistakes_are_explained(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        make()
