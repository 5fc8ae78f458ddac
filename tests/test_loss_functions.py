"""Losses called on arrays: the numbers of Keras, reductions and weights, names, shapes and losses written in Python."""

from __future__ import annotations

import inspect
import pickle
from typing import Any

import numpy as np
import pytest
import reference
from golden import assert_close, cases

import lamella
from lamella import Input, Sequential, layers, losses
from lamella._core import core

Case = dict[str, Any]
Array = np.ndarray[Any, np.dtype[Any]]

CLASSES = (
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "SparseCategoricalCrossentropy",
    "CategoricalHinge",
)
OF_A_BATCH = ("Dice", "Tversky")
FUNCTIONS = {
    "mean_squared_error": "MeanSquaredError",
    "mean_absolute_error": "MeanAbsoluteError",
    "mean_absolute_percentage_error": "MeanAbsolutePercentageError",
    "mean_squared_logarithmic_error": "MeanSquaredLogarithmicError",
    "log_cosh": "LogCosh",
    "huber": "Huber",
    "cosine_similarity": "CosineSimilarity",
    "poisson": "Poisson",
    "kl_divergence": "KLDivergence",
    "binary_crossentropy": "BinaryCrossentropy",
    "binary_focal_crossentropy": "BinaryFocalCrossentropy",
    "categorical_crossentropy": "CategoricalCrossentropy",
    "categorical_focal_crossentropy": "CategoricalFocalCrossentropy",
    "sparse_categorical_crossentropy": "SparseCategoricalCrossentropy",
    "hinge": "Hinge",
    "squared_hinge": "SquaredHinge",
    "categorical_hinge": "CategoricalHinge",
    "dice": "Dice",
    "tversky": "Tversky",
}
ALIASES = {
    **{alias: name for name, aliases in {
        "MeanSquaredError": "mse MSE",
        "MeanAbsoluteError": "mae MAE",
        "MeanAbsolutePercentageError": "mape MAPE",
        "MeanSquaredLogarithmicError": "msle MSLE",
        "BinaryCrossentropy": "bce BCE",
        "KLDivergence": "kld KLD kullback_leibler_divergence",
        "LogCosh": "logcosh",
        "Huber": "huber_loss",
        "CosineSimilarity": "cosine_proximity",
    }.items() for alias in aliases.split()},
    **FUNCTIONS,
}  # fmt: skip
# What the losses of the library are configured with in Keras, beside name and reduction.
SMOOTHED = {"from_logits": False, "label_smoothing": 0.0, "axis": -1}
CONFIGS: dict[str, Case] = {
    "Huber": {"delta": 1.0},
    "CosineSimilarity": {"axis": -1},
    "BinaryCrossentropy": SMOOTHED,
    "CategoricalCrossentropy": SMOOTHED,
    "SparseCategoricalCrossentropy": {"from_logits": False, "ignore_class": None, "axis": -1},
    "BinaryFocalCrossentropy": {**SMOOTHED, "apply_class_balancing": False, "alpha": 0.25, "gamma": 2.0},
    "CategoricalFocalCrossentropy": {**SMOOTHED, "alpha": 0.25, "gamma": 2.0},
    "Dice": {"axis": None},
    "Tversky": {"alpha": 0.5, "beta": 0.5, "axis": None},
}


def made(case: Case, **options: Any) -> losses.Loss:
    loss: losses.Loss = getattr(losses, case["loss"])(**case["kwargs"], **options)
    return loss


def assert_value(actual: Any, expected: Any) -> None:
    assert_close(actual, expected, atol=2e-7, rtol=1e-6)


def example(name: str, rows: int, outputs: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Targets and predictions that fit the loss."""
    t: Array = rng.random((rows, outputs)).astype(np.float32)
    p: Array = rng.uniform(0.02, 0.98, (rows, outputs)).astype(np.float32)
    if name == "SparseCategoricalCrossentropy":
        return rng.integers(0, outputs, rows), p
    if "Hinge" in name:
        t = np.eye(outputs, dtype=np.float32)[rng.integers(0, outputs, rows)]
    return t, p


@pytest.mark.parametrize("case", cases("losses"))
def test_values_and_reductions_equal_keras(case: Case) -> None:
    t, p = case["y_true"], case["y_pred"]
    assert_value(made(case).call(t, p), case["per_sample"])
    for reduction in ("sum_over_batch_size", "mean"):
        assert_value(made(case, reduction=reduction)(t, p), case["sum_over_batch_size"])
    assert_value(made(case, reduction="sum")(t, p), case["sum"])
    for reduction in ("none", None):
        assert_value(made(case, reduction=reduction)(t, p), case["per_sample"])


@pytest.mark.parametrize("case", [case for case in cases("losses") if "sample_weight" in case.values[0]])
def test_weighted_reductions_equal_keras(case: Case) -> None:
    t, p, w = case["y_true"], case["y_pred"], np.array(case["sample_weight"])
    for weights in (w, w[:, None]):
        for reduction in ("sum_over_batch_size", "sum", "mean_with_sample_weight"):
            assert_value(made(case, reduction=reduction)(t, p, weights), case[f"weighted_{reduction}"])
    assert_value(made(case, reduction="none")(t, p, w), np.array(case["per_sample"]) * w)


@pytest.mark.parametrize("case", cases("losses"))
def test_gradients_of_functions_equal_keras(case: Case) -> None:
    loss, p = made(case), np.array(case["y_pred"])
    counted = np.ones(len(p))
    if loss.ignore_class is not None:
        counted = np.array(case["y_true"]) != loss.ignore_class
    values = 1 if case["loss"] in OF_A_BATCH else counted.sum()
    found = loss.gradient(case["y_true"], p) / values
    assert_close(found, case["grad_y_pred_of_mean"], atol=1e-6, rtol=1e-5)


OPTIONS: list[tuple[str, Case]] = [
    *[(name, {}) for name in core.losses.names],
    ("Huber", {"delta": 0.3}),
    ("Tversky", {"alpha": 0.2, "beta": 0.9}),
    ("SparseCategoricalCrossentropy", {"ignore_class": 0}),
    ("SparseCategoricalCrossentropy", {"from_logits": True}),
    *[(name, options) for name in ("BinaryCrossentropy", "CategoricalCrossentropy") for options in (
        {"from_logits": True}, {"label_smoothing": 0.2}, {"from_logits": True, "label_smoothing": 0.2})],
    *[(name, options) for name in ("BinaryFocalCrossentropy", "CategoricalFocalCrossentropy") for options in (
        {"gamma": 0.0}, {"gamma": 1.5, "alpha": 0.6}, {"from_logits": True, "label_smoothing": 0.2})],
    ("BinaryFocalCrossentropy", {"apply_class_balancing": True, "alpha": 0.3}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "options"), OPTIONS, ids=str)
def test_values_and_gradients_match_reference_at_every_width(
    name: str, options: Case, rng: np.random.Generator
) -> None:
    loss, expected = getattr(losses, name)(**options), reference.LOSSES[name](**options)
    for outputs in range(2 if name in CLASSES else 1, 101):
        t, p = example(name, 5, outputs, rng)
        values, gradients = loss.call(t, p), loss.gradient(t, p)
        wanted, slope = expected.per_sample(t, p), expected.slope(t, p)
        np.testing.assert_allclose(values, wanted, rtol=1e-5, atol=1e-6 * np.abs(wanted).max(), err_msg=str(outputs))
        np.testing.assert_allclose(gradients, slope, rtol=2e-5, atol=2e-6 * np.abs(slope).max(), err_msg=str(outputs))


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "sample_weight"])
@pytest.mark.parametrize("reduction", [r for r in reference.REDUCTIONS if r != "none"])
@pytest.mark.parametrize("outputs", [1, 3, 20])
@pytest.mark.parametrize("name", core.losses.names)
def test_training_reduces_as_the_reference_does(
    name: str, outputs: int, reduction: str, weighted: bool, rng: np.random.Generator
) -> None:
    outputs = max(outputs, 2) if name in CLASSES else outputs
    t, p = example(name, 7, outputs, rng)
    w = rng.random(7).astype(np.float32) if weighted else None
    model = Sequential([Input((outputs,)), layers.Activation("linear")])
    model.compile("sgd", getattr(losses, name)(reduction=reduction))
    loss, _, dp = model.gradients(p, t, w)
    expected = reference.LOSSES[name]()
    value = reference.reduced_loss(expected, t, p, w, reduction)
    slope = reference.reduced_loss_gradient(expected, t, p, w, reduction)
    if name in OF_A_BATCH and reduction == "sum" and w is not None:  # one value, weighted by every sample
        value, slope = value * len(w), slope * len(w)
    assert loss == pytest.approx(value, rel=5e-6, abs=1e-7)
    assert model.evaluate(p, t, sample_weight=w, verbose=0) == pytest.approx(value, rel=5e-6, abs=1e-7)
    assert getattr(losses, name)(reduction=reduction)(t, p, w) == pytest.approx(value, rel=5e-6, abs=1e-7)
    np.testing.assert_allclose(dp, slope, rtol=5e-5, atol=2e-6 * np.abs(slope).max())


@pytest.mark.parametrize("reduction", ["none", None])
def test_training_without_reduction_averages(reduction: str | None, rng: np.random.Generator) -> None:
    t, p = example("MeanSquaredError", 6, 2, rng)
    model = Sequential([Input((2,)), layers.Activation("linear")])
    model.compile("sgd", losses.MeanSquaredError(reduction=reduction))
    assert model.evaluate(p, t, verbose=0) == pytest.approx(losses.MeanSquaredError()(t, p), rel=1e-6)


@pytest.mark.parametrize("name", [*OF_A_BATCH, "Hinge"])
def test_epoch_loss_is_the_mean_of_batch_losses_weighted_by_their_rows(name: str, rng: np.random.Generator) -> None:
    t, p = example(name, 300, 3, rng)
    t[:8] = -1  # batches differ in whether targets are 0 and 1
    model = Sequential([Input((3,)), layers.Activation("linear")])
    model.compile("sgd", name)
    loss = getattr(losses, name)()
    batches = [slice(first, first + 32) for first in range(0, 300, 32)]
    expected = np.average([loss(t[b], p[b]) for b in batches], weights=[len(t[b]) for b in batches])
    assert model.evaluate(p, t, verbose=0) == pytest.approx(expected, rel=1e-5)
    assert model.fit(p, t, shuffle=False, verbose=0).history["loss"][0] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("options", [{}, {"reduction": "mean_with_sample_weight"}], ids=str)
@pytest.mark.parametrize("name", core.losses.names)
def test_training_does_not_depend_on_threads(name: str, options: Case, rng: np.random.Generator) -> None:
    t, _ = example(name, 200, 20, rng)
    x, w = rng.standard_normal((200, 300)), rng.random(200)
    start: list[Array] = []
    found = []
    try:
        for threads in (1, 2, 3, 8):
            lamella.set_num_threads(threads)
            model = Sequential([Input((300,)), layers.Dense(200, "relu"), layers.Dense(20, "softmax")])
            start = start or model.get_weights()
            model.set_weights(start)
            model.compile("sgd", getattr(losses, name)(**options))
            history = model.fit(x, t, batch_size=200, epochs=2, sample_weight=w, shuffle=False, verbose=0)
            found.append((history.history["loss"], [weight.tobytes() for weight in model.get_weights()]))
    finally:
        lamella.set_num_threads(0)
    assert all(other == found[0] for other in found[1:])
    assert np.isfinite(found[0][0]).all()


@pytest.mark.parametrize("activation", ["linear", "softmax"])
def test_ignored_class_gets_no_gradient_and_leaves_the_mean(activation: str, rng: np.random.Generator) -> None:
    z, t = rng.standard_normal((6, 4)), np.array([0, -1, 3, -1, 2, 1])
    model = Sequential([Input((4,)), layers.Activation(activation)])
    loss = losses.SparseCategoricalCrossentropy(ignore_class=-1, from_logits=activation == "linear")
    model.compile("sgd", loss, metrics=["accuracy"])
    kept = t >= 0
    whole, part = model.evaluate(z, t, verbose=0), model.evaluate(z[kept], t[kept], verbose=0)
    assert whole[0] == pytest.approx(part[0], rel=1e-6)
    assert whole[1] == pytest.approx(part[1] * kept.mean(), rel=1e-6)  # never right
    _, _, dz = model.gradients(z, t)
    assert (dz[~kept] == 0).all()
    np.testing.assert_allclose(dz[kept], model.gradients(z[kept], t[kept])[2], rtol=1e-5)
    np.testing.assert_allclose(model.predict(z), reference.activation(activation, z), rtol=1e-5, atol=1e-7)


def test_batch_of_ignored_samples_has_the_loss_0_and_changes_nothing() -> None:
    model = Sequential([Input((4,)), layers.Dense(3, "softmax")])
    model.compile("sgd", losses.SparseCategoricalCrossentropy(ignore_class=7))
    before = model.get_weights()
    assert model.train_on_batch(np.ones((5, 4)), np.full(5, 7)) == 0
    assert all((a == b).all() for a, b in zip(before, model.get_weights(), strict=True))


@pytest.mark.parametrize("name", core.losses.names)
def test_nan_in_a_prediction_is_not_hidden(name: str, rng: np.random.Generator) -> None:
    for outputs in (3, 20) if name in CLASSES else (1, 3, 20):
        t, p = example(name, 4, outputs, rng)
        p[2, -1] = np.nan
        loss = getattr(losses, name)()
        assert np.isnan(loss(t, p))
        assert np.isnan(loss.gradient(t, p)[2]).any()


@pytest.mark.parametrize("name", core.losses.names)
def test_values_of_many_axes_are_those_of_rows(name: str, rng: np.random.Generator) -> None:
    t, p = example(name, 12, 5, rng)
    loss = getattr(losses, name)()
    shape = () if name in OF_A_BATCH else (3, 4)
    values, gradients = loss.call(t.reshape(3, 4, *t.shape[1:]), p.reshape(3, 4, 5)), loss.gradient(t, p)
    np.testing.assert_array_equal(values, np.reshape(loss.call(t, p), shape))
    np.testing.assert_array_equal(
        loss.gradient(t.reshape(3, 4, *t.shape[1:]), p.reshape(3, 4, 5)).reshape(12, 5), gradients
    )


def test_shapes_that_differ_by_a_last_axis_of_1_are_made_equal() -> None:
    t, p = np.array([0.0, 1.0, 2.0]), np.array([1.0, 1.0, 1.0])
    for left, right in ((t, p[:, None]), (t[:, None], p)):
        np.testing.assert_array_equal(losses.mean_absolute_error(left, right), [1, 0, 1])
    assert losses.mean_absolute_error(t, p) == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("name", "t", "p"),
    [
        ("mse", (3,), (3, 3)),
        ("mse", (2, 3), (3, 3)),
        ("mse", (), ()),
        ("sparse_categorical_crossentropy", (3, 3), (3, 3)),
    ],
)
def test_shapes_that_do_not_fit_are_refused_with_both(name: str, t: Any, p: Any) -> None:
    with pytest.raises(ValueError, match="`y_true`") as caught:
        losses.get(name)(np.zeros(t, int), np.ones(p))
    assert str(t) in str(caught.value) and str(p) in str(caught.value)


@pytest.mark.parametrize(("alias", "name"), ALIASES.items())
def test_aliases_are_found(alias: str, name: str) -> None:
    assert type(losses.get(alias)).__name__ == name


@pytest.mark.parametrize(("function", "name"), FUNCTIONS.items())
def test_functions_give_values_and_stand_for_their_loss(function: str, name: str, rng: np.random.Generator) -> None:
    t, p = example(name, 4, 3, rng)
    found, loss = getattr(losses, function), getattr(losses, name)()
    np.testing.assert_array_equal(found(t, p), loss.call(t, p))
    assert type(losses.get(found)) is type(loss)
    assert pickle.loads(pickle.dumps(found))(t, p).tobytes() == np.asarray(loss.call(t, p)).tobytes()
    assert found.__name__ == function
    options = [k for k in inspect.signature(type(loss)).parameters if k not in ("name", "reduction", "dtype")]
    assert list(inspect.signature(found).parameters) == ["y_true", "y_pred", *options]


def test_every_loss_has_a_function() -> None:
    assert set(FUNCTIONS.values()) == set(core.losses.names)


def test_functions_take_the_arguments_of_keras_by_place_and_by_name() -> None:
    assert losses.huber([[0.0]], [[3.0]], 2.0) == losses.huber([[0.0]], [[3.0]], delta=2.0) == [4.0]
    logits = losses.binary_crossentropy([[1.0]], [[0.0]], True)
    assert logits == pytest.approx(np.log(2))
    with pytest.raises(TypeError, match="sigma"):
        losses.huber([[0.0]], [[3.0]], sigma=2.0)


@pytest.mark.parametrize("name", core.losses.names)
def test_config_has_the_keys_of_keras_and_makes_the_same_loss(name: str) -> None:
    cls = getattr(losses, name)
    config = cls().get_config()
    common = {"name": "huber_loss" if name == "Huber" else losses.get(name).name, "reduction": "sum_over_batch_size"}
    assert config == common | CONFIGS.get(name, {})
    changed = config | {"name": "mine", "reduction": "sum"}
    assert cls.from_config(changed).get_config() == changed
    assert losses.get({"class_name": name, "config": changed}).get_config() == changed
    assert pickle.loads(pickle.dumps(cls.from_config(changed))).get_config() == changed


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: losses.MeanSquaredError(reduction="summ"), "Unknown MeanSquaredError `reduction` 'summ'.*'sum'"),
        (lambda: losses.MeanSquaredError(dtype="float64"), "`dtype` must be 'float32'.*'float64'"),
        (lambda: losses.Huber(delta=-1.0), "Huber `delta`"),
        (lambda: losses.BinaryCrossentropy(axis=1), "BinaryCrossentropy `axis` must be -1.*got 1"),
        (lambda: losses.Dice(axis=0), "Dice `axis` must be None .* or -1 .*got 0"),
        (lambda: losses.CategoricalFocalCrossentropy(gamma=-1.0), "`gamma`"),
        (lambda: losses.BinaryFocalCrossentropy(alpha=2.0), "`alpha`"),
    ],
)
def test_wrong_arguments_are_refused_by_name(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_targets_with_an_axis_of_1_at_the_end_train_as_without(rng: np.random.Generator) -> None:
    t, p = example("MeanSquaredError", 6, 3, rng)
    model = Sequential([Input((3,)), layers.Activation("linear")])
    model.compile("sgd", "mse")
    assert model.evaluate(p, t[..., None], verbose=0) == model.evaluate(p, t, verbose=0)


def test_crossentropy_is_chosen_by_shapes() -> None:
    assert losses.is_crossentropy("CE") and losses.is_crossentropy("crossentropy") and not losses.is_crossentropy("bce")
    for outputs, shape, name in (
        (1, (5,), "binary_crossentropy"),
        (1, (5, 1), "binary_crossentropy"),
        (3, (5,), "sparse_categorical_crossentropy"),
        (3, (5, 1), "sparse_categorical_crossentropy"),
        (3, (5, 3), "categorical_crossentropy"),
    ):
        assert losses.resolve_crossentropy(outputs, 2, shape).name == name


def quartic(y_true: Any, y_pred: Any) -> Any:
    return np.mean((y_true - y_pred) ** 4, axis=-1)


class Scaled(losses.MeanSquaredError):
    """Changes the values, but not their gradient."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return 2 * super().call(y_true, y_pred)


class Both(Scaled):
    def gradient(self, y_true: Any, y_pred: Any) -> Any:
        return 2 * super().gradient(y_true, y_pred)


@pytest.mark.parametrize("of", [quartic, Scaled(), Scaled], ids=["function", "loss", "class"])
def test_losses_in_python_give_values_and_miss_their_gradient_by_name(of: Any) -> None:
    loss = losses.get(of)
    t, p = np.zeros((2, 2)), np.array([[1.0, 1.0], [2.0, 2.0]])
    expected = [1, 16] if of is quartic else [2, 8]
    np.testing.assert_array_equal(loss.call(t, p), expected)
    assert loss(t, p, [1, 3]) == np.dot(expected, [1, 3]) / 2
    assert not loss.has_gradient
    with pytest.raises(TypeError, match=r"no `gradient\(y_true, y_pred\)`"):
        loss.require_gradient()
    with pytest.raises(TypeError, match=r"no `gradient\(y_true, y_pred\)`"):
        loss.gradient(t, p)


def test_losses_in_python_bring_their_gradient() -> None:
    def cubic(y_true: Any, y_pred: Any) -> Any:
        return np.sum(np.abs(y_true - y_pred) ** 3, axis=-1)

    cubic.gradient = lambda t, p: 3 * (p - t) * np.abs(p - t)  # type: ignore[attr-defined]
    t, p = np.zeros((1, 2)), np.array([[1.0, -2.0]])
    np.testing.assert_array_equal(losses.get(cubic).gradient(t, p), [[3, -12]])
    np.testing.assert_array_equal(losses.get(Both()).gradient(t, p), [[2, -4]])
    assert losses.get(cubic).name == "cubic" and losses.get(Both()).has_gradient
    assert losses.get(losses.get(Both())).gradient(t, p).shape == (1, 2)


def test_values_and_gradients_of_wrong_shape_are_refused() -> None:
    def wide(y_true: Any, y_pred: Any) -> Any:
        return np.ones(7)

    wide.gradient = lambda t, p: np.ones(3)  # type: ignore[attr-defined]
    loss = losses.get(wide)
    with pytest.raises(ValueError, match=r"each of the 2 samples, got shape \(7,\)"):
        loss.call(np.ones((2, 2)), np.ones((2, 2)))
    with pytest.raises(ValueError, match=r"shape of the predictions, \(2, 2\), got \(3,\)"):
        loss.gradient(np.ones((2, 2)), np.ones((2, 2)))


def test_losses_without_call_or_gradient_say_so() -> None:
    for method in ("call", "gradient"):
        with pytest.raises(NotImplementedError, match=method):
            getattr(losses.Loss(), method)([[1.0]], [[1.0]])


def test_config_of_a_function_is_refused() -> None:
    assert losses.get(Both(reduction="sum")).get_config()["reduction"] == "sum"
    with pytest.raises(TypeError, match="quartic"):
        losses.get(quartic).get_config()


@pytest.mark.parametrize(
    ("label", "shown"), [(5, "5"), (-1, "-1"), (1.7, "1.7"), (np.nan, "nan"), (2**40, "1099511627776")]
)
def test_labels_that_are_no_classes_are_refused(label: Any, shown: str) -> None:
    for loss in (losses.sparse_categorical_crossentropy, losses.SparseCategoricalCrossentropy(ignore_class=-7)):
        with pytest.raises(ValueError, match=rf"labels must be whole numbers in \[0, 2\), found {shown} at 1"):
            loss([0, label], [[0.1, 0.9], [0.5, 0.5]])
    assert losses.SparseCategoricalCrossentropy(ignore_class=-7)([-7, 1], [[0.1, 0.9], [0.5, 0.5]]) > 0
