"""The NumPy reference agrees with the numbers of Keras."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import reference
from golden import NETS, assert_close, assert_trajectory, cases, items, network, section

Case = dict[str, Any]


@pytest.mark.parametrize("case", cases("activations"))
def test_activation_equals_keras(case: Case) -> None:
    y = reference.activation(case["name"], case["x"], **case["kwargs"])
    dx = reference.activation_gradient(case["name"], case["x"], case["upstream"], **case["kwargs"])
    rows = slice(None)
    if case["name"] == "sparsemax":
        # Keras adds up cumulative sums, so only a support of one class comes out right: elsewhere its rows do not
        # sum to 1. The reference is the projection on the simplex.
        rows = np.isclose(np.sum(case["y"], -1), 1)
        assert rows.any()
        assert_close(y.sum(-1), np.ones(len(y)))
    assert_close(y[rows], np.array(case["y"])[rows])
    assert_close(dx[rows], np.array(case["grad"])[rows])


@pytest.mark.parametrize("case", cases("losses"))
def test_loss_equals_keras(case: Case) -> None:
    name, t, p, params = case["loss"], case["y_true"], case["y_pred"], case["kwargs"]
    assert_close(reference.loss(name, t, p, **params), case["per_sample"])
    assert_close(reference.loss_gradient(name, t, p, **params), case["grad_y_pred_of_mean"])
    made = reference.LOSSES[name](**params)
    for reduction in ("sum_over_batch_size", "sum", "mean_with_sample_weight"):
        if reduction in case:
            assert_close(reference.reduced_loss(made, t, p, None, reduction), case[reduction])
        if "weighted_" + reduction in case:
            weighted = reference.reduced_loss(made, t, p, case["sample_weight"], reduction)
            assert_close(weighted, case["weighted_" + reduction])


@pytest.mark.parametrize("case", cases("metrics"))
def test_metric_equals_keras(case: Case) -> None:
    data = [case["values"]] if "values" in case else [case["y_true"], case["y_pred"]]
    runs = {"results": data}
    if "weighted_results" in case:
        runs["weighted_results"] = [*data, case["sample_weight"]]
    n = case["first_update_samples"]
    for key, arrays in runs.items():
        metric = reference.metric(case["metric"], **case["kwargs"])
        for rows, expected in zip((slice(n), slice(n, None)), case[key], strict=True):
            metric.update_state(*[np.asarray(a)[rows] for a in arrays])
            assert_close(metric.result(), expected)


@pytest.mark.parametrize("case", cases("optimizers"))
def test_optimizer_equals_keras(case: Case) -> None:
    start, grads = section("optimizers.initial_params"), section("optimizers.gradients_per_step")
    weights = [np.array(w) for w in start]
    optimizer = reference.optimizer(case["optimizer"], **case["kwargs"])
    for step in range(case["steps"]):
        assert_close(optimizer.rate(), case["learning_rates"][step])
        optimizer.step(weights, grads[step % len(grads)])
        for w, expected in zip(weights, case["params"][step], strict=True):
            assert_close(w, expected)
    for found, expected in zip(optimizer.variables(), case["final_variables"], strict=True):
        assert_close(found, expected)
    optimizer.finalize(weights)
    for w, expected in zip(weights, case.get("params_after_finalize", case["params"][-1]), strict=True):
        assert_close(w, expected)


@pytest.mark.parametrize("case", cases("schedules"))
def test_schedule_equals_keras(case: Case) -> None:
    schedule = reference.SCHEDULES[case["schedule"]](**case["kwargs"])
    assert_close([schedule(step) for step in section("schedules.steps")], case["values"])


@pytest.mark.parametrize("case", cases("initializers"))
def test_initializer_has_the_range_and_spread_of_keras(case: Case) -> None:
    d = reference.distribution(case["initializer"], case["shape"])
    draws = np.prod(case["shape"])
    assert abs(case["sample_mean"] - d.mean) < 5 * d.stddev / np.sqrt(draws) + 1e-4
    assert case["sample_std"] == pytest.approx(d.stddev, rel=0.02)
    assert d.low - 1e-4 <= case["sample_min"] and case["sample_max"] <= d.high + 1e-4
    if np.isfinite(d.high):
        assert case["sample_max"] > d.mean + 0.98 * (d.high - d.mean)


@pytest.mark.parametrize("case", cases("regularizers"))
def test_regularizer_equals_keras(case: Case) -> None:
    assert_close(reference.regularizer(case["regularizer"], section("regularizers.w"), **case["kwargs"]), case["value"])


@pytest.mark.parametrize("case", cases("constraints"))
def test_constraint_equals_keras(case: Case) -> None:
    assert_close(reference.constraint(case["constraint"], section("constraints.w"), **case["kwargs"]), case["value"])


def forward(case: Case, name: str, weights: list[Any] | None = None, **params: Any) -> None:
    y = reference.layer(name, weights, **params).forward(np.array(case["x"]))
    assert_close(y, case["y"])


def batch_normalization(case: Case, layer: Any) -> None:
    x = np.array(case["x"])
    if "inference_before" in case:
        assert_close(layer.forward(x), case["inference_before"])
    assert_close(layer.forward(x, training=True), case["training"])
    assert_close(layer.get_weights()[-2:], case["moving_mean_variance_after"])
    if "inference_after" in case:
        assert_close(layer.forward(x), case["inference_after"])


def check_dense_rank3(case: Case) -> None:
    dense = section("layers.dense_tanh")
    forward(case, "Dense", [dense["kernel"], dense["bias"]], units=2, activation="tanh")


def check_dense(case: Case) -> None:
    forward(case, "Dense", [case["kernel"], case["bias"]], units=2, activation="tanh")
    assert_close(reference.dense(case["x"], case["kernel"], case["bias"], "tanh"), case["y"])


def check_batch_normalization(case: Case) -> None:
    weights = [case["gamma"], case["beta"], np.zeros(3), np.ones(3)]
    batch_normalization(case, reference.layer("BatchNormalization", weights))


def check_batch_normalization_without_affine(case: Case) -> None:
    params = {"momentum": 0.5, "epsilon": 1e-5, "center": False, "scale": False}
    batch_normalization(case, reference.layer("BatchNormalization", [np.zeros(3), np.ones(3)], **params))


def check_normalization_adapt(case: Case) -> None:
    layer = reference.layer("Normalization")
    layer.adapt(case["x"])
    for w, expected in zip(layer.get_weights(), case["weights"], strict=True):
        assert_close(w, expected)
    assert_close(layer.forward(np.array(case["x"])), case["y"])


def check_dropout(case: Case) -> None:
    layer = reference.layer("Dropout", rate=0.25, mask=[[0, 1, 1, 1]])
    y = layer.forward(np.ones((1, 4)), training=True)
    assert_close(np.unique(y), case["distinct_values"])
    assert case["inference_is_identity"] and (layer.forward(np.ones((1, 4))) == 1).all()


LAYER_CHECKS = {
    "dense_tanh": check_dense,
    "dense_on_rank3": check_dense_rank3,
    "batch_normalization": check_batch_normalization,
    "batch_normalization_m05_noaffine": check_batch_normalization_without_affine,
    "layer_normalization": lambda case: forward(case, "LayerNormalization", [case["gamma"], case["beta"]]),
    "prelu": lambda case: forward(case, "PReLU", [case["alpha"]]),
    "leaky_relu_layer_default": lambda case: forward(case, "LeakyReLU"),
    "elu_layer_default": lambda case: forward(case, "ELU"),
    "relu_layer": lambda case: forward(case, "ReLU", **case["kwargs"]),
    "softmax_layer": lambda case: forward(case, "Softmax"),
    "rescaling": lambda case: forward(case, "Rescaling", **case["kwargs"]),
    "normalization_adapt": check_normalization_adapt,
    "normalization_given": lambda case: forward(case, "Normalization", mean=case["mean"], variance=case["variance"]),
    "unit_normalization": lambda case: forward(case, "UnitNormalization"),
    "flatten": lambda case: forward(case, "Flatten"),
    "dropout_0_25_on_ones": check_dropout,
}


@pytest.mark.parametrize(("name", "case"), items("layers"))
def test_layer_equals_keras(name: str, case: Case) -> None:
    LAYER_CHECKS[name](case)


def training_weights(case: Case) -> np.ndarray | None:
    if "class_weight" in case:
        return reference.class_weights(case["y"], {int(k): w for k, w in case["class_weight"].items()})
    return np.array(case["sample_weight"]) if "sample_weight" in case else None


def assert_logs(found: dict[str, float], expected: dict[str, float]) -> None:
    assert sorted(found) == sorted(expected)
    for name, value in expected.items():
        assert_trajectory(found[name], value)


@pytest.mark.parametrize("case", cases("training.cases"))
def test_training_trajectory_equals_keras(case: Case) -> None:
    x, y, weights = np.array(section("training.X")), np.array(case["y"]), training_weights(case)
    net = network(case)
    if "gradients_step_1_trainable" in case:
        first = None if weights is None else weights[:4]
        for g, expected in zip(net.gradients(x[:4], y[:4], first)[1], case["gradients_step_1_trainable"], strict=True):
            assert_close(g, expected)
    for step, logs in enumerate(case["steps"]):
        rows = slice(4 * step, 4 * step + 4)
        loss = net.train_on_batch(x[rows], y[rows], None if weights is None else weights[rows])
        assert_logs(net.logs, logs)
        assert loss == pytest.approx(net.logs["loss"])
    for w, expected in zip(net.get_weights(), case["final_weights"], strict=True):
        assert_trajectory(w, expected)
    assert_trajectory(net.predict(x[:4]), case["predict_first_4"])
    assert_logs(net.evaluate(x, y, batch_size=16), case["evaluate_all_16"])


@pytest.mark.parametrize("case", cases("training.fit"))
def test_fit_equals_keras(case: Case) -> None:
    options, n = dict(case["fit_kwargs"]), case["n_samples"]
    kind = "batchnorm_rmsprop" if case["name"].startswith("batchnorm") else "rmsprop"
    start = next(c for c in section("training.cases") if c["name"] == kind)
    layers = NETS["l2 of fit" if case["name"].startswith("l2") else start["net"]]
    weighted = {"class_weight_validation": ["accuracy"], "sample_weight_validation": ["mse"]}.get(case["name"], [])
    net = reference.Network(layers, "categorical_crossentropy", "rmsprop", ["accuracy"], weighted)
    net.set_weights(start["initial_weights"])
    x, y = np.array(section("training.X"))[:n], np.array(start["y"])[:n]
    weights = training_weights({"y": y, **options})
    cut = reference.split_rows(n, options.pop("validation_split", 0.0))
    if cut < n:
        weights_too = (weights[cut:],) if "sample_weight" in options else ()  # class weights do not validate
        options["validation_data"] = (x[cut:], y[cut:], *weights_too)
    options.pop("class_weight", None)
    options["sample_weight"] = None if weights is None else weights[:cut]
    last = net.fit(x[:cut], y[:cut], **options)
    assert last == net.history["loss"][-1]
    assert_logs(net.history, case["history"])
    for w, expected in zip(net.get_weights(), case["final_weights"], strict=True):
        assert_trajectory(w, expected)
    evaluated = list(net.evaluate(x, y, batch_size=5).values())
    if weighted == ["accuracy"]:
        evaluated.insert(2, evaluated[1])  # Keras lists the plain accuracy twice
    assert_trajectory(evaluated, case["evaluate_bs5"])
    assert_trajectory(net.predict(x)[:2], case["predict_bs5_first2"])
