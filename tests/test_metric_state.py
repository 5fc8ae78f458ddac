"""Metrics by themselves: update_state(), result() and reset_state() agree with Keras and with the reference."""

from __future__ import annotations

import copy
import inspect
import pickle
from typing import Any

import numpy as np
import pytest
import reference
from golden import assert_close, cases

from lamella import metrics

Case = dict[str, Any]
Array = np.ndarray[Any, np.dtype[Any]]

GOLDEN = cases("metrics")
WEIGHTED = [case for case in GOLDEN if "weighted_results" in case.values[0]]
CLASSES = sorted(n for n in metrics.__all__ if inspect.isclass(getattr(metrics, n)) and n != "Metric")
NEEDED: dict[str, dict[str, Any]] = {
    "MeanMetricWrapper": {"fn": metrics.binary_accuracy},
    "PrecisionAtRecall": {"recall": 0.5},
    "RecallAtPrecision": {"precision": 0.5},
    "SensitivityAtSpecificity": {"specificity": 0.5},
    "SpecificityAtSensitivity": {"sensitivity": 0.5},
}


def made(name: str) -> metrics.Metric:
    metric: metrics.Metric = getattr(metrics, name)(**NEEDED.get(name, {}))
    return metric


def samples(name: str, rng: np.random.Generator, n: int = 20) -> tuple[Array, ...]:
    """Arguments of update_state(): values, or one-hot targets or labels, and probabilities."""
    p = rng.dirichlet(np.ones(4), n)
    if name in ("Mean", "Sum"):
        return (p,)
    t = rng.integers(0, 4, n)
    return (t if getattr(metrics, name).labels else np.eye(4)[t]), p


def check_against_keras(case: Case, weighted: bool) -> None:
    metric = getattr(metrics, case["metric"])(**case["kwargs"])
    arguments = [np.array(case[key]) for key in ("values", "y_true", "y_pred") if key in case]
    first = case.get("first_update_samples", 3)
    expected = case["weighted_results" if weighted else "results"]
    for rows, result in zip((slice(first), slice(first, None)), expected, strict=True):
        weights = np.array(case["sample_weight"])[rows] if weighted else None
        metric.update_state(*(a[rows] for a in arguments), sample_weight=weights)
        assert_close(metric.result(), result, atol=2e-7, rtol=1e-6)


def test_golden_file_covers_every_metric() -> None:
    assert {case.values[0]["metric"] for case in GOLDEN} == set(CLASSES) - {"MeanMetricWrapper"}
    assert len(GOLDEN) == 70 and len(WEIGHTED) > 50


@pytest.mark.parametrize("case", GOLDEN)
def test_metric_equals_keras(case: Case) -> None:
    check_against_keras(case, weighted=False)


@pytest.mark.parametrize("case", WEIGHTED)
def test_weighted_metric_equals_keras(case: Case) -> None:
    check_against_keras(case, weighted=True)


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("name", sorted(set(CLASSES) - {"MeanMetricWrapper"}))
def test_metric_matches_reference(name: str, weighted: bool, rng: np.random.Generator) -> None:
    metric, expected = made(name), reference.metric(name, **NEEDED.get(name, {}))
    for n in (7, 50):
        arguments = [a.astype(np.float32) for a in samples(name, rng, n)]
        weights = rng.random(n) if weighted else None
        metric.update_state(*arguments, sample_weight=weights)
        expected.update_state(*arguments, sample_weight=weights)
    assert_close(metric.result(), expected.result(), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("name", CLASSES)
def test_nothing_seen_is_zero_and_reset_forgets(name: str, rng: np.random.Generator) -> None:
    metric, data = made(name), samples(name, rng)
    assert not np.any(metric.result())
    first = metric(*data)
    metric.update_state(*samples(name, rng))
    assert metric.variables
    metric.reset_state()
    assert not any(np.any(variable) for variable in metric.variables)
    assert not np.any(metric.result())
    np.testing.assert_array_equal(metric(*data), first)


@pytest.mark.parametrize("name", CLASSES)
def test_weights_of_one_change_nothing_and_of_zero_leave_out(name: str, rng: np.random.Generator) -> None:
    data, plain = samples(name, rng), made(name)
    expected = plain(*data)
    for weights in (1.0, np.ones(20), np.ones((20, 1))):
        assert_close(made(name)(*data, sample_weight=weights), expected, atol=1e-12, rtol=1e-12)
    some = rng.integers(0, 2, 20)
    kept = [a[some == 1] for a in data]
    assert_close(made(name)(*data, sample_weight=some), made(name)(*kept), atol=1e-12, rtol=1e-12)


@pytest.mark.parametrize("name", CLASSES)
def test_an_empty_batch_changes_nothing(name: str, rng: np.random.Generator) -> None:
    metric, data = made(name), samples(name, rng)
    expected = metric(*data)
    np.testing.assert_array_equal(metric(*(a[:0] for a in data)), expected)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))], ids=["deepcopy", "pickle"])
@pytest.mark.parametrize("name", CLASSES)
def test_copies_go_on_by_themselves(name: str, copied: Any, rng: np.random.Generator) -> None:
    metric = made(name)
    metric.update_state(*samples(name, rng))
    before = np.array(metric.result())
    other = copied(metric)
    np.testing.assert_array_equal(other.result(), before)
    other.reset_state()
    np.testing.assert_array_equal(metric.result(), before)
    assert not np.any(other.result())


@pytest.mark.parametrize("name", sorted(set(CLASSES) - {"Mean", "Sum"}))
def test_shapes_that_do_not_fit_are_named(name: str, rng: np.random.Generator) -> None:
    t, p = samples(name, rng)
    with pytest.raises(ValueError, match=r"\(19.*\(20, 4\)"):
        made(name).update_state(t[:19], p)
    with pytest.raises(ValueError, match=r"sample_weight.*\(19,\)"):
        made(name).update_state(t, p, rng.random(19))


@pytest.mark.parametrize("name", sorted(set(CLASSES) - {"Mean", "Sum"}))
def test_what_is_not_numbers_is_refused(name: str, rng: np.random.Generator) -> None:
    t, p = samples(name, rng)
    with pytest.raises(ValueError, match="y_pred"):
        made(name).update_state(t, p.astype(str))
    with pytest.raises(ValueError, match="y_true"):
        made(name).update_state(t.astype(str), p)


def test_targets_of_rank_1_fit_one_output(rng: np.random.Generator) -> None:
    t, p = rng.random(30), rng.random(30)
    for name in ("MeanSquaredError", "RootMeanSquaredError", "AUC", "BinaryAccuracy", "R2Score", "TruePositives"):
        expected = made(name)(t[:, None].round(), p[:, None])
        assert made(name)(t.round(), p[:, None]) == expected
        assert made(name)(t[:, None].round(), p) == expected


def test_a_batch_of_rank_1_is_one_sample_of_an_error() -> None:
    metric = metrics.MeanSquaredError()
    assert metric([0, 0], [2, 2]) == 4
    assert metric([0, 0, 0, 0], [0, 0, 0, 0]) == 2
    with pytest.raises(ValueError, match=r"one sample.*reshape"):
        metric.update_state([0, 0], [2, 2], sample_weight=[1, 2])


def test_broadcasting_targets_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(3, 1\).*\(3, 2\)"):
        metrics.MeanSquaredError().update_state(np.zeros((3, 1)), np.zeros((3, 2)))


@pytest.mark.parametrize(
    ("label", "match"), [(4, "found 4 at 1"), (-1, "found -1"), (0.5, "found 0.5"), (np.nan, "nan")]
)
def test_labels_must_be_class_numbers(label: float, match: str) -> None:
    for name in ("SparseCategoricalAccuracy", "SparseTopKCategoricalAccuracy", "SparseCategoricalCrossentropy"):
        with pytest.raises(ValueError, match=match):
            made(name).update_state([0, label], np.full((2, 4), 0.25))


def test_samples_of_an_ignored_class_leave_the_mean() -> None:
    p = [[0.5, 0.5], [0.9, 0.1], [0.2, 0.8]]
    metric = metrics.SparseCategoricalCrossentropy(ignore_class=-1)
    assert metric([0, -1, 1], p) == pytest.approx(-np.log([0.5, 0.8]).mean(), rel=1e-6)
    metric.reset_state()
    found = metric([0, -1, 1], p, sample_weight=[1, 5, 3])
    assert found == pytest.approx(-np.average(np.log([0.5, 0.8]), weights=[1, 3]), rel=1e-6)


def test_crossentropy_finds_its_classes_along_another_axis(rng: np.random.Generator) -> None:
    p = rng.dirichlet(np.ones(3), (5, 4))
    t = rng.integers(0, 3, (5, 4))
    moved = np.moveaxis(p, -1, 1)
    expected = metrics.SparseCategoricalCrossentropy()(t, p)
    assert metrics.SparseCategoricalCrossentropy(axis=1)(t, moved) == expected
    one_hot = np.moveaxis(np.eye(3)[t], -1, 1)
    assert metrics.CategoricalCrossentropy(axis=1)(one_hot, moved) == pytest.approx(expected, rel=1e-6)


def test_values_of_more_axes_are_averaged_by_sample(rng: np.random.Generator) -> None:
    t, p, w = rng.random((6, 3, 2)), rng.random((6, 3, 2)), rng.random(6)
    squares = ((t - p) ** 2).mean(axis=(1, 2))
    assert metrics.MeanSquaredError()(t, p, w) == pytest.approx(np.average(squares, weights=w), rel=1e-6)
    assert metrics.Mean()(t, w) == pytest.approx(np.average(t.mean(axis=(1, 2)), weights=w))
    each = rng.random((6, 3))
    by_place = np.average(((t - p) ** 2).mean(axis=-1), weights=each)
    assert metrics.MeanSquaredError()(t, p, each) == pytest.approx(by_place, rel=1e-6)


def test_sorted_classes_are_looked_up_among_the_first(rng: np.random.Generator) -> None:
    p = rng.permuted(np.tile(np.arange(6), (40, 1)), axis=1)  # scores without ties
    t = rng.integers(0, 6, 40)
    by_score = metrics.SparseTopKCategoricalAccuracy(k=2)(t, p)
    ordered = np.argsort(-p, axis=1)
    metric = metrics.SparseTopKCategoricalAccuracy(k=2, from_sorted_ids=True)
    assert metric(t, ordered) == by_score
    assert 0 < by_score < 1


def test_an_output_that_is_not_a_number_is_no_hit() -> None:
    p = [[np.nan, 0.2, 0.8], [0.1, np.nan, 0.9]]
    assert metrics.SparseTopKCategoricalAccuracy(k=1)([2, 2], p) == 0
    assert metrics.TruePositives()([[1, 1, 1]], [[np.nan, 0.2, 0.8]]) == 1
    assert np.isnan(metrics.MeanSquaredError()([[0.0]], [[np.nan]]))


def test_hinge_takes_zeros_and_ones_for_signs_where_the_whole_batch_is_so(rng: np.random.Generator) -> None:
    bits, p = rng.integers(0, 2, (9, 3)), rng.normal(size=(9, 3))
    for name in ("Hinge", "SquaredHinge"):
        assert made(name)(bits, p) == pytest.approx(made(name)(2 * bits - 1, p), rel=1e-6)
        mixed = np.where(np.arange(9)[:, None] < 8, bits, -1)
        assert made(name)(mixed, p) != pytest.approx(made(name)(2 * bits - 1, p), rel=1e-3)
