"""Counts at thresholds and what is made of them, compared with the reference on random data and at the edges."""

from __future__ import annotations

import itertools
import tracemalloc
from typing import Any

import numpy as np
import pytest
import reference
from golden import assert_close

from lamella import metrics

Array = np.ndarray[Any, np.dtype[Any]]

CURVES = [
    {"curve": curve, "summation_method": method}
    for curve, method in itertools.product(("ROC", "PR"), ("interpolation", "minoring", "majoring"))
]


def scores(rng: np.random.Generator, n: int = 300, columns: int = 3) -> tuple[Array, Array]:
    """Targets and overlapping scores, none of them on a threshold of these tests."""
    t = rng.integers(0, 2, (n, columns))
    p = (np.floor(np.clip(rng.normal(0.35 + 0.3 * t, 0.25), 0, 0.999) * 1000) + 0.37) / 1000
    return t.astype(np.float32), p.astype(np.float32)


def compare(name: str, options: dict[str, Any], rng: np.random.Generator) -> None:
    metric, expected = getattr(metrics, name)(**options), reference.metric(name, **options)
    for weighted in (False, True):
        t, p = scores(rng)
        weights = rng.random(len(t)) if weighted else None
        metric.update_state(t, p, weights)
        expected.update_state(t, p, weights)
        assert_close(metric.result(), expected.result(), rtol=1e-6)


@pytest.mark.parametrize("options", CURVES, ids=lambda o: f"{o['curve']}-{o['summation_method']}")
@pytest.mark.parametrize(
    "more", [{}, {"num_thresholds": 4}, {"thresholds": [0.1, 0.7, 0.3]}, {"multi_label": True}], ids=str
)
def test_area_matches_reference(options: dict[str, Any], more: dict[str, Any], rng: np.random.Generator) -> None:
    compare("AUC", options | more, rng)


@pytest.mark.parametrize("name", ["Precision", "Recall"])
@pytest.mark.parametrize(
    "options", [{}, {"thresholds": 0.25}, {"thresholds": [0.9, 0.2]}, {"top_k": 2}, {"class_id": 1}], ids=str
)
def test_precision_and_recall_match_reference(name: str, options: dict[str, Any], rng: np.random.Generator) -> None:
    compare(name, options, rng)


@pytest.mark.parametrize(
    ("name", "bound"),
    [
        ("SensitivityAtSpecificity", "specificity"),
        ("SpecificityAtSensitivity", "sensitivity"),
        ("PrecisionAtRecall", "recall"),
        ("RecallAtPrecision", "precision"),
    ],
)
@pytest.mark.parametrize("value", [0.0, 0.3, 0.8, 1.0])
def test_best_rates_match_reference(name: str, bound: str, value: float, rng: np.random.Generator) -> None:
    compare(name, {bound: value}, rng)
    compare(name, {bound: value, "num_thresholds": 1}, rng)


@pytest.mark.parametrize("average", [None, "micro", "macro", "weighted"])
@pytest.mark.parametrize("threshold", [None, 0.4])
def test_f_scores_match_reference(average: str | None, threshold: float | None, rng: np.random.Generator) -> None:
    options = {"average": average, "threshold": threshold}
    compare("F1Score", options, rng)
    compare("FBetaScore", options | {"beta": 0.5}, rng)


@pytest.mark.parametrize("aggregation", [None, "uniform_average", "variance_weighted_average"])
@pytest.mark.parametrize("regressors", [0, 5])
def test_r2_matches_reference(aggregation: str | None, regressors: int, rng: np.random.Generator) -> None:
    compare("R2Score", {"class_aggregation": aggregation, "num_regressors": regressors}, rng)


def test_area_is_the_share_of_pairs_in_the_right_order_where_scores_are_far_apart(rng: np.random.Generator) -> None:
    p = rng.permutation(100) / 100 + 0.004  # no two between the same thresholds
    t = rng.integers(0, 2, 100)
    pairs = p[t == 1][:, None] > p[t == 0]
    assert metrics.AUC()(t, p) == pytest.approx(pairs.mean(), abs=1e-9)


def test_a_score_on_the_threshold_is_negative() -> None:
    assert metrics.TruePositives(thresholds=0.3)([1, 1], np.array([0.3, 0.30001], np.float32)) == 1
    np.testing.assert_array_equal(metrics.TruePositives([0.5, 0.25])([1, 1, 1], [0.25, 0.5, 1.0]), [1, 2])


def test_logits_give_the_area_of_their_probabilities(rng: np.random.Generator) -> None:
    t, z = rng.integers(0, 2, 50), rng.normal(size=50) * 3
    assert metrics.AUC(from_logits=True)(t, z) == metrics.AUC()(t, 1 / (1 + np.exp(-z)))
    assert metrics.AUC(from_logits=True)([0, 1], [-1e30, 1e30]) == 1


def test_label_weights_weigh_areas_or_predictions(rng: np.random.Generator) -> None:
    t, p = scores(rng)
    weights = np.array([1.0, 0.0, 3.0])
    areas = [metrics.AUC()(t[:, i], p[:, i]) for i in range(3)]
    by_label = metrics.AUC(multi_label=True, num_labels=3, label_weights=weights)(t, p)
    assert by_label == pytest.approx(np.average(areas, weights=weights))
    together = metrics.AUC(label_weights=weights)(t, p)
    assert together == pytest.approx(metrics.AUC()(t, p, np.broadcast_to(weights, t.shape)))
    with pytest.raises(ValueError, match=r"3 `label_weights`.*\(300, 2\)"):
        metrics.AUC(label_weights=weights).update_state(t[:, :2], p[:, :2])


def test_gain_curve_of_a_perfect_order_has_area_one(rng: np.random.Generator) -> None:
    t = np.repeat([0, 1], 50)
    assert metrics.AUC(curve="PRGAIN")(t, np.linspace(0, 1, 100)) == pytest.approx(1)
    assert metrics.AUC(curve="prgain")(t, rng.random(100)) < 0.6


def test_only_the_first_of_equal_scores_are_among_the_top() -> None:
    t, p = np.array([[0.0, 1.0, 0.0]]), np.array([[0.4, 0.4, 0.2]])
    assert metrics.Recall(top_k=1)(t, p) == 0
    assert metrics.Recall(top_k=2)(t, p) == 1
    assert metrics.Precision(top_k=2)(t, p) == 0.5
    assert metrics.Precision(top_k=9)(t, p) == pytest.approx(1 / 3)


def test_counts_of_a_large_batch_take_little_memory(rng: np.random.Generator) -> None:
    p = rng.random(100_000, np.float32)
    t = (rng.random(100_000, np.float32) < p).astype(np.float32)
    metric = metrics.AUC(num_thresholds=1000)
    tracemalloc.start()
    metric.update_state(t, p)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60 * p.size  # one for every threshold and score would be 4000 bytes a score
    assert metric.result() == pytest.approx(5 / 6, abs=0.01)  # P(p > q) where p has density 2p and q 2(1 - p)


def test_other_widths_than_before_are_refused(rng: np.random.Generator) -> None:
    t, p = scores(rng)
    for metric in (metrics.AUC(multi_label=True), metrics.F1Score(), metrics.R2Score()):
        metric.update_state(t, p)
        with pytest.raises(ValueError, match=r"\(300, 2\)"):
            metric.update_state(t[:, :2], p[:, :2])


def test_a_class_that_is_not_there_is_refused(rng: np.random.Generator) -> None:
    t, p = scores(rng)
    for metric in (metrics.Precision(class_id=3), metrics.PrecisionAtRecall(0.5, class_id=3)):
        with pytest.raises(ValueError, match=r"class_id.*3.*\(300, 3\)"):
            metric.update_state(t, p)


def test_adjusted_r2_needs_samples() -> None:
    metric = metrics.R2Score(num_regressors=5)
    with pytest.warns(UserWarning, match="more than 6 samples, got 3"):
        assert metric([[1.0], [4.0], [3.0]], [[2.0], [4.0], [4.0]]) == pytest.approx(0.5714286)


@pytest.mark.parametrize(
    ("name", "options", "match"),
    [
        ("AUC", {"curve": "roc curve"}, "curve.*ROC"),
        ("AUC", {"summation_method": "left"}, "summation_method.*minoring"),
        ("AUC", {"num_thresholds": 1}, "num_thresholds"),
        ("AUC", {"thresholds": [0.5, 1.5]}, "thresholds.*1.5"),
        ("AUC", {"num_labels": 3}, "num_labels.*multi_label"),
        ("Precision", {"thresholds": -0.1}, "thresholds"),
        ("Recall", {"thresholds": []}, "empty"),
        ("Precision", {"top_k": 0}, "top_k"),
        ("F1Score", {"average": "mean"}, "average.*macro"),
        ("F1Score", {"threshold": 0.0}, "threshold"),
        ("FBetaScore", {"beta": 0.0}, "beta"),
        ("R2Score", {"class_aggregation": "mean"}, "class_aggregation.*uniform_average"),
        ("R2Score", {"num_regressors": -1}, "num_regressors"),
        ("PrecisionAtRecall", {"recall": 1.1}, "recall"),
        ("SensitivityAtSpecificity", {"specificity": -0.1}, "specificity"),
        ("TopKCategoricalAccuracy", {"k": 0}, "k"),
        ("BinaryCrossentropy", {"label_smoothing": 1.5}, "label_smoothing"),
        ("BinaryAccuracy", {"threshold": "half"}, "threshold"),
    ],
)
def test_wrong_options_are_named(name: str, options: dict[str, Any], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        getattr(metrics, name)(**options)
