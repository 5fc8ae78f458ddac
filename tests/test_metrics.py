"""Metrics in fit() and evaluate() agree with Keras and with the reference; "accuracy" means what it means in Keras."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import reference
from golden import assert_close, cases, section

from lamella import Input, Sequential, layers, losses, metrics
from lamella._core import core
from lamella.metrics.means import MeanOfRows

Case = dict[str, Any]
Array = np.ndarray[Any, np.dtype[Any]]


def in_the_core(case: Case) -> bool:
    # Without a second axis Keras takes the mean over the batch and then over batches.
    rows = np.ndim(case.get("y_pred")) == 2 or case["metric"].endswith("Accuracy")
    return rows and getattr(metrics, case["metric"])(**case["kwargs"])._spec(core) is not None


IN_THE_CORE = sorted(
    name
    for name, cls in vars(metrics).items()
    if isinstance(cls, type) and issubclass(cls, MeanOfRows) and cls()._spec(core) is not None
)
GOLDEN = [case for case in cases("metrics") if in_the_core(case.values[0])]


def watcher(metric: Any, outputs: int, labels: bool) -> Sequential:
    """A model without weights that predicts what goes in, and watches the metric."""
    model = Sequential([Input((outputs,)), layers.Activation("linear")])
    model.compile("sgd", losses.SparseCategoricalCrossentropy(from_logits=True) if labels else "mse", metrics=[metric])
    return model


def test_golden_file_covers_every_metric() -> None:
    assert {case.values[0]["metric"] for case in GOLDEN} == set(IN_THE_CORE)
    assert len(IN_THE_CORE) == len(core.metrics.names)


@pytest.mark.parametrize("case", GOLDEN)
def test_metric_equals_keras(case: Case) -> None:
    metric = getattr(metrics, case["metric"])(**case["kwargs"])
    p, t = np.array(case["y_pred"]), np.array(case["y_true"])
    model = watcher(metric, p.shape[1] if p.ndim == 2 else 1, metric.labels)
    p = p.reshape(len(p), -1)
    for rows, expected in zip((case["first_update_samples"], len(p)), case["results"], strict=True):
        assert_close(model.evaluate(p[:rows], t[:rows], verbose=0)[1], expected)


@pytest.mark.parametrize("outputs", [2, 3, 16, 17], ids="outputs={}".format)
@pytest.mark.parametrize("name", IN_THE_CORE)
def test_metric_matches_reference(name: str, outputs: int, rng: np.random.Generator) -> None:
    cls = getattr(metrics, name)
    p = rng.dirichlet(np.ones(outputs), 101).astype(np.float32)
    t = rng.integers(0, outputs, 101)
    targets: Array = t if cls.labels else np.eye(outputs, dtype=np.float32)[t]
    watched = reference.metric(name)
    watched.update_state(targets, p)
    found = watcher(cls(), outputs, cls.labels).evaluate(p, targets, verbose=0, batch_size=7)[1]
    assert found == pytest.approx(watched.result(), rel=1e-5)


def test_metrics_leave_sample_weights_out(rng: np.random.Generator) -> None:
    p, t = rng.standard_normal((2, 20, 3)).astype(np.float32)
    model = watcher("mae", 3, False)
    weighted = model.evaluate(p, t, sample_weight=rng.random(20), verbose=0)
    plain = model.evaluate(p, t, verbose=0)
    assert weighted[1] == plain[1]
    assert weighted[0] != plain[0]


@pytest.mark.parametrize("labels", [False, True], ids=["one-hot", "labels"])
def test_ties_count_for_the_first_of_the_largest(labels: bool) -> None:
    model = watcher("accuracy", 3, labels)
    p = np.array([[0.4, 0.4, 0.2], [0.2, 0.4, 0.4]])
    first, second = ([0, 1], [1, 2]) if labels else (np.eye(3)[[0, 1]], np.eye(3)[[1, 2]])
    assert model.evaluate(p, first, verbose=0)[1] == 1
    assert model.evaluate(p, second, verbose=0)[1] == 0


def can_resolve(row: Case) -> bool:
    """A metric on rows of numbers is refused beside a loss on class numbers, where Keras would broadcast."""
    plain = {"accuracy", "acc", "SparseCategoricalAccuracy"}
    return "error" in row or not row["loss"].startswith("sparse") or set(row["metrics"]) <= plain


RESOLUTION = [row for row in section("behaviour.metric_resolution") if can_resolve(row)]


def row_id(row: Case) -> str:
    return f"{row['loss']}-{row['units']}-{'+'.join(row['metrics'])}-y{len(row['y_shape'])}"


def compiled_for(row: Case, rng: np.random.Generator) -> tuple[Sequential, Array, Array]:
    model = Sequential([Input((4,)), layers.Dense(row["units"], row["activation"])])
    named = {
        "MeanAbsoluteError": metrics.MeanAbsoluteError("foo"),
        "CategoricalAccuracy": metrics.CategoricalAccuracy(),
    }
    model.compile("rmsprop", row["loss"], metrics=[named.get(name, name) for name in row["metrics"]])
    classes = row["units"] if row["loss"].startswith("sparse") else 2
    return model, rng.random((6, 4)), rng.integers(0, classes, row["y_shape"])


def test_some_rows_of_the_resolution_table_are_checked() -> None:
    assert len(RESOLUTION) >= 20
    assert {row["loss"] for row in RESOLUTION} == {row["loss"] for row in section("behaviour.metric_resolution")}


@pytest.mark.parametrize("row", [row for row in RESOLUTION if "resolved" in row], ids=row_id)
def test_metric_names_resolve_as_in_keras(row: Case, rng: np.random.Generator) -> None:
    model, x, y = compiled_for(row, rng)
    history = model.fit(x, y, verbose=0)
    assert model._compiled is not None
    assert [type(metric).__name__ for metric in model._compiled.metrics] == row["resolved"]
    assert list(history.history) == row["history_keys"]


@pytest.mark.parametrize("row", [row for row in RESOLUTION if "error" in row], ids=row_id)
def test_metrics_that_keras_refuses_are_refused(row: Case, rng: np.random.Generator) -> None:
    with pytest.raises(ValueError, match="fit"):
        model, x, y = compiled_for(row, rng)
        model.fit(x, y, verbose=0)


def test_equal_names_are_numbered(rng: np.random.Generator) -> None:
    model = Sequential([Input((2,)), layers.Dense(1)])
    model.compile("sgd", "mse", metrics=["mae", "mae", "mse"])
    assert model.metrics_names == ["loss", "mae", "mae_1", "mse"]
    found = model.evaluate(rng.random((5, 2)), rng.random(5), verbose=0)
    assert found[1] == found[2] and found[0] == found[3]


@pytest.mark.parametrize("threshold", [0.0, 0.25, 0.5, 0.9])
def test_binary_accuracy_counts_outputs_above_the_threshold(threshold: float) -> None:
    p = np.array([[0.0], [0.25], [0.5], [0.9], [1.0]], np.float32)
    model = watcher(metrics.BinaryAccuracy(threshold=threshold), 1, False)
    assert model.evaluate(p, np.ones(5), verbose=0)[1] == pytest.approx((p > np.float32(threshold)).mean())
