"""Metrics by name, as functions, from configs, and written by users."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pytest
from golden import section

from lamella import losses, metrics

Array = np.ndarray[Any, np.dtype[Any]]


@pytest.mark.parametrize(
    ("name", "cls"),
    [
        ("mse", "MeanSquaredError"),
        ("MAE", "MeanAbsoluteError"),
        ("mape", "MeanAbsolutePercentageError"),
        ("MSLE", "MeanSquaredLogarithmicError"),
        ("bce", "BinaryCrossentropy"),
        ("BCE", "BinaryCrossentropy"),
        ("kld", "KLDivergence"),
        ("kullback_leibler_divergence", "KLDivergence"),
        ("logcosh", "LogCoshError"),
        ("log_cosh", "LogCoshError"),
        ("cosine_proximity", "CosineSimilarity"),
        ("rmse", "RootMeanSquaredError"),
        ("AUC", "AUC"),
        ("auc", "AUC"),
        ("f1_score", "F1Score"),
        ("fbeta_score", "FBetaScore"),
        ("r2_score", "R2Score"),
        ("top_k_categorical_accuracy", "TopKCategoricalAccuracy"),
        ("sparse_categorical_crossentropy", "SparseCategoricalCrossentropy"),
        ("huber", "MeanMetricWrapper"),
    ],
)
def test_names_find_metrics_and_are_their_keys(name: str, cls: str) -> None:
    found = metrics.get(name)
    assert type(found).__name__ == cls
    assert found.name == name


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("AUC", "auc"),
        ("F1Score", "f1_score"),
        ("FBetaScore", "fbeta_score"),
        ("KLDivergence", "kl_divergence"),
        ("LogCoshError", "logcosh"),
        ("R2Score", "r2_score"),
        ("SparseTopKCategoricalAccuracy", "sparse_top_k_categorical_accuracy"),
    ],
)
def test_names_of_their_own_are_those_of_keras(name: str, expected: str) -> None:
    assert getattr(metrics, name)().name == expected
    assert getattr(metrics, name)().name == expected  # never auc_1
    assert getattr(metrics, name)(name="other").name == "other"


def test_names_of_all_golden_cases_are_those_of_keras() -> None:
    named = [case for case in section("metrics")["cases"] if "name" in case]
    assert len(named) > 60
    for case in named:
        name = re.sub(r"_\d+$", "", case["name"])  # Keras numbers some of them over the whole process
        assert getattr(metrics, case["metric"])(**case["kwargs"]).name == name


@pytest.mark.parametrize("name", ["accuracy", "acc", "ACC", "Accuracy"])
@pytest.mark.parametrize(
    ("outputs", "sparse", "cls"),
    [
        (1, False, metrics.BinaryAccuracy),
        (1, True, metrics.BinaryAccuracy),
        (3, True, metrics.SparseCategoricalAccuracy),
        (3, False, metrics.CategoricalAccuracy),
    ],
)
def test_accuracy_is_chosen_by_shapes(name: str, outputs: int, sparse: bool, cls: Any) -> None:
    found = metrics.resolve_accuracy(name, outputs, sparse)
    assert metrics.is_accuracy(name)
    assert type(found) is cls
    assert found.name == name


@pytest.mark.parametrize("name", ["ce", "crossentropy", "CE"])
def test_crossentropy_is_chosen_by_shapes(name: str) -> None:
    assert metrics.is_accuracy(name)
    found = [metrics.resolve_accuracy(name, outputs, sparse) for outputs, sparse in ((1, False), (3, True), (3, False))]
    kinds = [metrics.BinaryCrossentropy, metrics.SparseCategoricalCrossentropy, metrics.CategoricalCrossentropy]
    assert [type(metric) for metric in found] == kinds
    with pytest.raises(ValueError, match=r"compile\(\) decides by shapes.*BinaryCrossentropy"):
        metrics.get(name)


def test_what_is_no_metric_is_refused() -> None:
    with pytest.raises(ValueError, match="Did you mean 'precision'"):
        metrics.get("precison")
    with pytest.raises(ValueError, match=r"'precision_at_recall' needs arguments: use metrics.PrecisionAtRecall"):
        metrics.get("precision_at_recall")
    with pytest.raises(TypeError, match="`metric`"):
        metrics.get(3)
    with pytest.raises(TypeError, match="`name` must be a string"):
        metrics.BinaryAccuracy(0.7)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="`fn`"):
        metrics.MeanMetricWrapper(3)  # type: ignore[arg-type]


FUNCTIONS = [n for n in metrics.__all__ if n == n.lower() and n not in ("get", "serialize", "deserialize")]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_give_the_values_that_their_metric_averages(name: str, rng: np.random.Generator) -> None:
    function = getattr(metrics, name)
    metric = metrics.get(function)
    p: Array = rng.dirichlet(np.ones(6), 30)
    t = rng.integers(0, 6, 30)
    targets: Array = t if name.startswith("sparse") else np.eye(6)[t]
    values = function(targets, p)
    assert values.shape == (30,)
    assert metric.name == name
    assert metric(targets, p) == pytest.approx(values.mean(), rel=1e-6)


def test_functions_of_ours_become_metrics_of_the_core() -> None:
    assert type(metrics.get(metrics.binary_accuracy)) is metrics.BinaryAccuracy
    assert type(metrics.get(metrics.mean_squared_error)) is metrics.MeanSquaredError
    assert metrics.get(metrics.huber).direction == "min"


def test_a_loss_is_averaged_over_samples_and_named_as_it_is() -> None:
    metric = metrics.get(losses.Huber(delta=0.5, reduction="sum"))
    assert metric.name == "huber_loss"
    assert metric.direction == "min"
    metric.update_state([[0.0], [0.0]], [[2.0], [0.0]])
    assert metric([[0.0]], [[2.0]]) == pytest.approx(2 / 3 * 0.875)


def test_a_loss_function_keeps_its_sign() -> None:
    assert metrics.get(losses.cosine_similarity)([[1.0, 0.0]], [[2.0, 0.0]]) == pytest.approx(-1)
    assert metrics.get("cosine_similarity")([[1.0, 0.0]], [[2.0, 0.0]]) == pytest.approx(1)


def test_a_function_is_averaged_over_samples(rng: np.random.Generator) -> None:
    def within_a_tenth(y_true: Array, y_pred: Array) -> Array:
        return abs(y_true - y_pred).max(axis=-1) < 0.1

    t = rng.random(50)
    p = t + rng.normal(0, 0.1, 50)
    metric = metrics.get(within_a_tenth)
    assert metric.name == "within_a_tenth"
    assert metric.direction is None
    expected = (abs(t - p) < 0.1).mean()
    assert metric(t, p[:, None]) == pytest.approx(expected)  # not a 50 x 50 comparison
    assert metrics.get(lambda t, p: p).name == "lambda"


def test_a_function_that_forgets_samples_is_refused() -> None:
    metric = metrics.get(lambda t, p: p[:2])
    with pytest.raises(ValueError, match=r"'lambda' must return one value for each of the 3 samples"):
        metric.update_state(np.zeros(3), np.zeros(3))


def test_options_of_a_function_are_passed_on() -> None:
    metric = metrics.MeanMetricWrapper(metrics.huber, name="h", delta=0.5)
    assert metric([[0.0]], [[2.0]]) == pytest.approx(0.5 * 2 - 0.125)


CONFIGS = [
    metrics.BinaryAccuracy("share", threshold=0.3),
    metrics.TopKCategoricalAccuracy(k=3),
    metrics.SparseTopKCategoricalAccuracy(k=2, from_sorted_ids=True),
    metrics.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1),
    metrics.SparseCategoricalCrossentropy(ignore_class=-1),
    metrics.CosineSimilarity(axis=0),
    metrics.TruePositives(thresholds=[0.2, 0.7]),
    metrics.Precision(thresholds=0.4, top_k=2, class_id=1),
    metrics.F1Score("macro", 0.5),
    metrics.FBetaScore("micro", 2.0),
    metrics.R2Score(None, 2),
    metrics.PrecisionAtRecall(0.6, 50, class_id=1),
    metrics.AUC(50, "PR", "minoring", multi_label=True, num_labels=2, label_weights=[1, 3], from_logits=True),
    metrics.AUC(thresholds=[0.5, 0.1]),
    metrics.MeanMetricWrapper(metrics.huber, delta=2.0),
]


@pytest.mark.parametrize("metric", CONFIGS, ids=lambda m: type(m).__name__)
def test_configs_make_the_same_metric_again(metric: metrics.Metric) -> None:
    config = json.loads(json.dumps(metrics.serialize(metric)))
    for made in (metrics.deserialize(config), metrics.get(config)):
        assert type(made) is type(metric)
        assert made.get_config() == metric.get_config()


def test_configs_have_the_keys_of_keras() -> None:
    assert metrics.serialize(metrics.AUC()) == {
        "module": "keras.metrics",
        "class_name": "AUC",
        "config": {
            "name": "auc",
            "dtype": "float32",
            "num_thresholds": 200,
            "curve": "ROC",
            "summation_method": "interpolation",
            "multi_label": False,
            "num_labels": None,
            "label_weights": None,
            "from_logits": False,
        },
        "registered_name": None,
    }
    assert metrics.RecallAtPrecision(0.5).get_config() == {
        "name": "recall_at_precision",
        "dtype": "float32",
        "class_id": None,
        "num_thresholds": 200,
        "precision": 0.5,
    }
    assert metrics.SparseTopKCategoricalAccuracy(3).get_config() == {
        "name": "sparse_top_k_categorical_accuracy",
        "dtype": "float32",
        "k": 3,
    }


def test_configs_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"'AUC' does not fit.*thresh"):
        metrics.deserialize({"class_name": "AUC", "config": {"thresh": 3}})
    with pytest.raises(TypeError, match="class_name"):
        metrics.deserialize({"config": {}})
    with pytest.raises(ValueError, match="Unknown metric function 'own'"):
        metrics.deserialize({"class_name": "function", "config": "own"})


class Extremes(metrics.Metric):
    """The largest prediction, and a mean of Keras' kind inside."""

    _direction = "up"

    def __init__(self, scale: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale = scale
        self.largest = self.add_weight(name="largest", initializer="zeros")
        self.inner = metrics.Mean()

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        self.largest.assign(np.maximum(self.largest, np.max(y_pred)))
        self.inner.update_state(y_pred, sample_weight)

    def result(self) -> float:
        return self.scale * float(self.largest - self.inner.result())

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "scale": self.scale}


def test_metrics_of_users_keep_state_and_configs() -> None:
    metric = Extremes(scale=2.0, name="spread")
    assert metric([0, 0], [1.0, 3.0]) == 2.0
    assert metric.direction == "max"
    assert len(metric.variables) == 3
    config = metrics.serialize(metric)
    assert config["registered_name"] == "Extremes"
    assert metrics.deserialize(config, {"Extremes": Extremes}).get_config() == metric.get_config()
    metric.reset_state()
    assert metric.result() == 0
    metric.largest.assign_add(2)
    metric.largest.assign_sub(0.5)
    assert metric.largest.numpy() == 1.5


def test_metrics_of_users_that_lack_a_method_say_so() -> None:
    class Empty(metrics.Metric):
        pass

    class Forgetful(metrics.Metric):
        def __init__(self) -> None:
            self.total = self.add_variable(())

    with pytest.raises(NotImplementedError, match="Empty must define update_state"):
        Empty()([1], [1])
    with pytest.raises(NotImplementedError, match=r"Empty must define result"):
        Empty().result()
    with pytest.raises(RuntimeError, match=r"super\(\).__init__"):
        Forgetful()


def test_directions_are_those_of_keras() -> None:
    expected = {"AUC": "max", "Recall": "max", "CosineSimilarity": "max", "MeanSquaredError": "min", "Mean": None}
    expected |= {"Poisson": "min", "TruePositives": None, "RootMeanSquaredError": "min", "F1Score": "max"}
    assert {name: getattr(metrics, name)().direction for name in expected} == expected
