"""fit, evaluate and the batch methods do what Keras does, step by step."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import reference
from golden import LOSSES, NETS, assert_close, assert_trajectory, cases, section

from lamella import Input, Sequential, layers, losses, optimizers
from lamella.callbacks import Callback, LambdaCallback
from lamella.utils import set_random_seed

Case = dict[str, Any]
Array = np.ndarray[Any, np.dtype[Any]]


# ---------------------------------------------------------------------- what the golden file has and the package too


def part(value: Any) -> Any:
    """A config where the golden cases write (class, arguments)."""
    return {"class_name": value[0], "config": value[1]} if isinstance(value, tuple) else value


def stack(net: str) -> list[tuple[Any, dict[str, Any]]]:
    return [(getattr(layers, name, None), {k: part(v) for k, v in options.items()}) for name, options in NETS[net]]


def loss_of(case: Case) -> tuple[Any, dict[str, Any]]:
    name, options = LOSSES.get(case["loss"], (case["loss"], {}))
    return getattr(losses, reference.LOSSES.name_of(name), None), options


def optimizer_of(case: Case) -> tuple[Any, dict[str, Any]]:
    name, options = case["optimizer"]
    return getattr(optimizers, name, None), options


def model_of(case: Case) -> Sequential:
    (loss, loss_options), (optimizer, optimizer_options) = loss_of(case), optimizer_of(case)
    model = Sequential([Input((6,)), *(cls(**options) for cls, options in stack(case["net"]))])
    weighted = ["accuracy"] if "weighted_accuracy" in case["steps"][0] else None
    weighted = case.get("weighted_metrics", weighted)
    model.compile(
        optimizer(**optimizer_options), loss(**loss_options), metrics=case["metrics"], weighted_metrics=weighted
    )
    model.set_weights(case["initial_weights"])
    return model


STEPS = cases("training.cases")
START = {case["name"]: case for case in section("training.cases")}


# What the golden file does not say of two cases.
WEIGHTED = {"class_weight_validation": ["accuracy"], "sample_weight_validation": ["mse"]}


def fit_start(case: Case) -> Case:
    """The case of `training.cases` that the fit starts from."""
    start: Case = START["batchnorm_rmsprop" if case["name"].startswith("batchnorm") else "rmsprop"]
    net = "l2 of fit" if case["name"].startswith("l2") else start["net"]
    weighted = WEIGHTED.get(case["name"])
    return {**start, "net": net, "optimizer": ["RMSprop", {}], "weighted_metrics": weighted}


FITS = cases("training.fit")


def class_weight_of(case: Case) -> dict[int, float] | None:
    return {int(k): w for k, w in case["class_weight"].items()} if "class_weight" in case else None


def assert_logs(found: dict[str, float], expected: dict[str, Any]) -> None:
    """The same keys, and all values agree."""
    assert set(found) == set(expected)
    for name, value in expected.items():
        assert_trajectory(found[name], value)


@pytest.mark.parametrize("case", STEPS)
def test_training_trajectory_equals_keras(case: Case) -> None:
    model, x, y = model_of(case), np.array(section("training.X")), np.array(case["y"])
    weights = None if "sample_weight" not in case else np.array(case["sample_weight"])
    for step, logs in enumerate(case["steps"]):
        rows = slice(4 * step, 4 * step + 4)
        given = None if weights is None else weights[rows]
        found = model.train_on_batch(x[rows], y[rows], given, class_weight_of(case), return_dict=True)
        assert_logs(found, logs)
    for w, expected in zip(model.get_weights(), case["final_weights"], strict=True):
        assert_trajectory(w, expected)
    assert_trajectory(model.predict(x[:4]), case["predict_first_4"])
    assert_logs(model.evaluate(x, y, batch_size=16, verbose=0, return_dict=True), case["evaluate_all_16"])


@pytest.mark.parametrize("case", [c for c in STEPS if "gradients_step_1_trainable" in c.values[0]])
def test_first_gradients_equal_keras(case: Case) -> None:
    model, x, y = model_of(case), np.array(section("training.X"))[:4], np.array(case["y"])[:4]
    weights = np.array(case["sample_weight"])[:4] if "sample_weight" in case else None
    if "class_weight" in case:
        weights = reference.class_weights(y, class_weight_of(case) or {})
    found = model.gradients(x, y, weights, training=True)[1]
    trained = [g for g, (_, spec) in zip(found, model._weight_specs(), strict=True) if spec.trainable]
    for g, expected in zip(trained, case["gradients_step_1_trainable"], strict=True):
        assert_close(g, expected, atol=1e-6, rtol=1e-5)


def fitted(case: Case) -> tuple[Sequential, Any, Array, Array]:
    model, n, options = model_of(fit_start(case)), case["n_samples"], dict(case["fit_kwargs"])
    x, y = np.array(section("training.X"))[:n], np.array(START["rmsprop"]["y"])[:n]
    if "class_weight" in options:
        options["class_weight"] = class_weight_of(options)
    return model, model.fit(x, y, shuffle=False, verbose=0, **options), x, y


@pytest.mark.parametrize("case", FITS)
def test_fit_equals_keras(case: Case) -> None:
    model, history, x, y = fitted(case)
    assert_logs(history.history, case["history"])
    assert history.epoch == case["epoch"]
    assert history.params == case["params"]
    for w, expected in zip(model.get_weights(), case["final_weights"], strict=True):
        assert_trajectory(w, expected)
    # Keras repeats the last weighted metric of a training with class weights.
    evaluated = model.evaluate(x, y, batch_size=5, verbose=0)
    assert_trajectory(evaluated, case["evaluate_bs5"][: len(evaluated)])
    assert_trajectory(model.predict(x)[:2], case["predict_bs5_first2"])


@pytest.mark.parametrize("case", FITS)
def test_history_has_the_key_order_of_keras(case: Case) -> None:
    assert list(fitted(case)[1].history) == list(case["history"])


# ---------------------------------------------------------------------- order of samples


def linear(outputs: int = 1, inputs: int = 3, rate: float = 0.05) -> Sequential:
    model = Sequential([Input((inputs,)), layers.Dense(outputs)])
    model.compile(optimizers.SGD(rate), "mse")
    return model


def seen_batches(rows: int, batch: int, epochs: int = 1, **options: Any) -> list[list[list[int]]]:
    """Which samples each step of each epoch trains on, found from the loss: sample i alone has loss 4**i."""
    assert rows <= 20
    model = Sequential([Input((1,)), layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
    model.compile(optimizers.SGD(0.0), "mse")
    totals: list[list[float]] = []
    last = [0.0, 0]

    def count(step: int, logs: dict[str, float]) -> None:
        done = min((step + 1) * batch, rows)
        total = logs["loss"] * done
        totals[-1].append(total - (last[0] if step else 0.0))
        last[0] = total

    watch = LambdaCallback(on_epoch_begin=lambda epoch, logs: totals.append([]), on_train_batch_end=count)
    y = 2.0 ** np.arange(rows)
    model.fit(np.ones((rows, 1)), y, batch_size=batch, epochs=epochs, verbose=0, callbacks=[watch], **options)
    return [[[i for i in range(rows) if round(total) >> (2 * i) & 3] for total in epoch] for epoch in totals]


@pytest.mark.parametrize(("rows", "batch"), [(12, 4), (14, 4), (5, 32), (7, 1)], ids=str)
@pytest.mark.parametrize("shuffle", [True, False, "batch"], ids="shuffle={}".format)
def test_every_sample_is_used_once_an_epoch(shuffle: Any, rows: int, batch: int) -> None:
    for epoch in seen_batches(rows, batch, epochs=3, shuffle=shuffle):
        assert [len(step) for step in epoch] == [min(batch, rows - at) for at in range(0, rows, batch)]
        assert sorted(i for step in epoch for i in step) == list(range(rows))


def test_without_shuffling_samples_come_in_order() -> None:
    expected = [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11], [12, 13]]
    assert seen_batches(14, 4, epochs=2, shuffle=False) == [expected, expected]


def test_batch_shuffling_keeps_samples_in_their_batches() -> None:
    assert seen_batches(14, 4, shuffle="batch") == [[[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11], [12, 13]]]


def test_shuffling_gives_another_order_each_epoch() -> None:
    first, second = seen_batches(14, 4, epochs=2, shuffle=True)
    assert first != second
    assert first != [sorted(range(14))[at : at + 4] for at in range(0, 14, 4)]


@pytest.mark.parametrize(
    "case", section("behaviour.validation_split_train_size"), ids=lambda c: f"{c['split']}of{c['n']}"
)
def test_validation_split_takes_the_last_samples(case: Case) -> None:
    n, kept = case["n"], case["n_train"]
    x, y = np.zeros((n, 1)), np.where(np.arange(n) < kept, 1.0, 3.0)
    model = Sequential([Input((1,)), layers.Dense(1, kernel_initializer="zeros")])
    model.compile(optimizers.SGD(0.0), "mse")
    history = model.fit(x, y, validation_split=case["split"], verbose=0, batch_size=1000).history
    assert history == {"loss": [1.0], "val_loss": [9.0]}


def test_validation_data_wins_over_validation_split(rng: np.random.Generator) -> None:
    x, y = rng.standard_normal((10, 3)), rng.standard_normal(10)
    model = linear()
    history = model.fit(x, y, validation_split=0.5, validation_data=(x[:4], y[:4]), verbose=0)
    assert history.params["steps"] == 1
    assert history.history["val_loss"] == [pytest.approx(model.evaluate(x[:4], y[:4], verbose=0))]
    other = linear()
    other.set_weights(model.get_weights())
    assert other.fit(x, y, verbose=0).history["loss"][0] == pytest.approx(model.evaluate(x, y, verbose=0), rel=1e-6)


@pytest.mark.parametrize(
    ("frequency", "expected"), [(1, [1, 2, 3, 4, 5]), (2, [2, 4]), (3, [3]), (9, []), ([1, 4], [1, 4])], ids=str
)
def test_validation_freq_chooses_the_epochs(frequency: Any, expected: list[int], rng: np.random.Generator) -> None:
    epochs: list[int] = []
    watch = LambdaCallback(on_epoch_end=lambda epoch, logs: epochs.append(epoch + 1) if "val_loss" in logs else None)
    x, y = rng.standard_normal((10, 3)), rng.standard_normal(10)
    linear().fit(x, y, epochs=5, validation_split=0.2, validation_freq=frequency, callbacks=[watch], verbose=0)
    assert epochs == expected


def test_validation_weights_count_in_the_validation_loss(rng: np.random.Generator) -> None:
    x, y, w = rng.standard_normal((10, 3)), rng.standard_normal(10), rng.random(10)
    model = linear()
    history = model.fit(x, y, validation_data=(x, y, w), verbose=0).history
    expected = ((model.predict(x)[:, 0] - y) ** 2 * w).mean()
    assert history["val_loss"] == [pytest.approx(expected, rel=1e-5)]


def test_validation_changes_no_weight(rng: np.random.Generator) -> None:
    x, y = rng.standard_normal((20, 3)), rng.standard_normal(20)
    plain, validated = linear(), linear()
    validated.set_weights(plain.get_weights())
    plain.fit(x[:15], y[:15], epochs=3, shuffle=False, verbose=0)
    validated.fit(x, y, epochs=3, shuffle=False, validation_split=0.25, verbose=0)
    for w, expected in zip(validated.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_array_equal(w, expected)


@pytest.mark.parametrize(
    "case", section("behaviour.class_weight_to_sample_weight"), ids=lambda c: str(np.shape(c["y"]))
)
def test_class_weights_become_sample_weights_as_in_keras(case: Case) -> None:
    y = np.array(case["y"])
    outputs = y.shape[1] if y.ndim == 2 and y.shape[1] > 1 else 4
    loss = "categorical_crossentropy" if y.shape[1:] == (outputs,) else "sparse_categorical_crossentropy"
    x = np.eye(4)
    by_class, by_sample = (Sequential([Input((4,)), layers.Dense(outputs, "softmax")]) for _ in range(2))
    by_sample.set_weights(by_class.get_weights())
    for model in (by_class, by_sample):
        model.compile(optimizers.SGD(0.5), loss)
    by_class.fit(x, y, class_weight=class_weight_of(case), shuffle=False, verbose=0)
    by_sample.fit(x, y, sample_weight=np.array(case["weights"]), shuffle=False, verbose=0)
    for w, expected in zip(by_class.get_weights(), by_sample.get_weights(), strict=True):
        np.testing.assert_array_equal(w, expected)


def test_duplicated_samples_equal_doubled_weights(rng: np.random.Generator) -> None:
    x, y = rng.standard_normal((6, 3)), rng.standard_normal(6)
    twice, weighted = linear(), linear()
    weighted.set_weights(twice.get_weights())
    twice.fit(np.repeat(x, 2, axis=0), np.repeat(y, 2), batch_size=12, epochs=4, shuffle=False, verbose=0)
    weighted.fit(x, y, batch_size=6, epochs=4, sample_weight=np.ones(6), shuffle=False, verbose=0)
    for w, expected in zip(weighted.get_weights(), twice.get_weights(), strict=True):
        np.testing.assert_allclose(w, expected, rtol=1e-5, atol=1e-7)


def test_initial_epoch_numbers_the_epochs(rng: np.random.Generator) -> None:
    history = linear().fit(rng.random((5, 3)), rng.random(5), epochs=5, initial_epoch=3, verbose=0)
    assert history.epoch == [3, 4] and len(history.history["loss"]) == 2


@pytest.mark.parametrize("epochs", [0, 2])
def test_no_epochs_leave_the_model_alone(epochs: int, rng: np.random.Generator) -> None:
    model = linear()
    start = model.get_weights()
    history = model.fit(rng.random((5, 3)), rng.random(5), epochs=epochs, initial_epoch=2, verbose=0)
    assert history.epoch == [] and history.history == {}
    for w, expected in zip(model.get_weights(), start, strict=True):
        np.testing.assert_array_equal(w, expected)


# ---------------------------------------------------------------------- callbacks


class Recorder(Callback):
    """Writes every hook down as the golden file does: name, epoch or batch, sorted keys of the logs."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[list[Any]] = []


def _recorded(name: str) -> Any:
    def hook(self: Recorder, *arguments: Any) -> None:
        logs = arguments[-1] if arguments and isinstance(arguments[-1], dict) else {}
        index = arguments[0] if arguments and isinstance(arguments[0], int) else None
        self.calls.append([name, index, sorted(logs)])

    return hook


for _kind in ("train", "test", "predict"):
    for _what in (_kind, f"{_kind}_batch"):
        for _when in ("begin", "end"):
            setattr(Recorder, f"on_{_what}_{_when}", _recorded(f"on_{_what}_{_when}"))
for _when in ("begin", "end"):
    setattr(Recorder, f"on_epoch_{_when}", _recorded(f"on_epoch_{_when}"))


def watched() -> tuple[Sequential, Recorder]:
    model = Sequential([Input((3,)), layers.Dense(1)])
    model.compile("sgd", "mse", metrics=["mae"])
    return model, Recorder()


def test_fit_calls_the_hooks_of_keras(rng: np.random.Generator) -> None:
    model, recorder = watched()
    x, y = rng.random((8, 3)), rng.random(8)
    model.fit(x, y, batch_size=4, epochs=2, validation_data=(x, y), callbacks=[recorder], verbose=0)
    assert recorder.calls == section("behaviour.callback_order_fit")


def test_evaluate_calls_the_hooks_of_keras(rng: np.random.Generator) -> None:
    model, recorder = watched()
    model.evaluate(rng.random((8, 3)), rng.random(8), batch_size=4, callbacks=[recorder], verbose=0)
    assert recorder.calls == section("behaviour.callback_order_evaluate")


def test_predict_calls_the_hooks_of_keras(rng: np.random.Generator) -> None:
    model, recorder = watched()
    model.predict(rng.random((8, 3)), batch_size=4, callbacks=[recorder], verbose=0)
    assert recorder.calls == section("behaviour.callback_order_predict")


def test_stop_training_ends_after_the_epoch_that_asked(rng: np.random.Generator) -> None:
    model = linear()

    def stop(epoch: int, logs: dict[str, float]) -> None:
        model.stop_training = epoch == 1

    x, y = rng.random((8, 3)), rng.random(8)
    assert model.fit(x, y, epochs=9, callbacks=[LambdaCallback(on_epoch_end=stop)], verbose=0).epoch == [0, 1]
    assert model.fit(x, y, epochs=2, verbose=0).epoch == [0, 1]


def test_stop_training_ends_within_an_epoch(rng: np.random.Generator) -> None:
    model, steps = linear(), []

    def stop(step: int, logs: dict[str, float]) -> None:
        steps.append(step)
        model.stop_training = step == 2

    x, y = rng.random((80, 3)), rng.random(80)
    model.fit(x, y, epochs=9, batch_size=4, callbacks=[LambdaCallback(on_train_batch_end=stop)], verbose=0)
    assert steps == [0, 1, 2]


def test_running_logs_are_means_over_the_samples_so_far(rng: np.random.Generator) -> None:
    model, seen = linear(rate=0.0), []
    x, y = rng.random((10, 3)), rng.random(10)
    watch = LambdaCallback(on_train_batch_end=lambda step, logs: seen.append(logs["loss"]))
    model.fit(x, y, batch_size=4, shuffle=False, callbacks=[watch], verbose=0)
    error = (model.predict(x)[:, 0] - y) ** 2
    np.testing.assert_allclose(seen, [error[:4].mean(), error[:8].mean(), error.mean()], rtol=1e-5)


def test_predictions_from_a_callback_see_the_weights_of_the_moment(rng: np.random.Generator) -> None:
    model, seen = linear(), []
    x, y = rng.random((8, 3)), rng.random(8)
    watch = LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(model.evaluate(x, y, verbose=0)))
    model.fit(x, y, epochs=3, callbacks=[watch], verbose=0)
    assert seen[0] > seen[1] > seen[2]
    assert seen[2] == pytest.approx(model.evaluate(x, y, verbose=0))


# ---------------------------------------------------------------------- single batches, evaluate, compile, summary


def test_train_on_batch_returns_the_loss_before_the_step(rng: np.random.Generator) -> None:
    model, x, y = linear(), rng.random((6, 3)), rng.random(6)
    before = model.evaluate(x, y, verbose=0)
    assert model.train_on_batch(x, y) == pytest.approx(before, rel=1e-6)
    assert model.evaluate(x, y, verbose=0) < before


def test_train_on_batch_equals_fit_of_one_step(rng: np.random.Generator) -> None:
    x, y, w = rng.random((6, 3)), rng.random(6), rng.random(6)
    one, other = linear(), linear()
    other.set_weights(one.get_weights())
    one.train_on_batch(x, y, w)
    other.fit(x, y, sample_weight=w, batch_size=6, shuffle=False, verbose=0)
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_test_on_batch_equals_evaluate(rng: np.random.Generator) -> None:
    model, _ = watched()
    x, y, w = rng.random((6, 3)), rng.random(6), rng.random(6)
    before = model.get_weights()
    assert model.test_on_batch(x, y, w) == model.evaluate(x, y, sample_weight=w, verbose=0)
    assert model.test_on_batch(x, y, return_dict=True) == model.evaluate(x, y, verbose=0, return_dict=True)
    for a, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)


def test_evaluate_lists_results_in_the_order_of_compile(rng: np.random.Generator) -> None:
    model = Sequential([Input((3,)), layers.Dense(1)])
    model.compile("sgd", "mse", metrics=["mse", "accuracy", "mae"])
    x, y = rng.random((6, 3)), rng.random(6)
    found = model.evaluate(x, y, verbose=0)
    assert model.metrics_names == ["loss", "mse", "accuracy", "mae"]
    error = model.predict(x)[:, 0] - y
    np.testing.assert_allclose(found, [(error**2).mean(), (error**2).mean(), 0, np.abs(error).mean()], rtol=1e-5)
    named = model.evaluate(x, y, verbose=0, return_dict=True)
    assert list(named) == sorted(named) and named == dict(zip(model.metrics_names, found, strict=True))


def test_evaluate_without_metrics_is_a_number(rng: np.random.Generator) -> None:
    model = linear()
    assert isinstance(model.evaluate(rng.random((6, 3)), rng.random(6), verbose=0), float)


def test_compile_takes_lists_of_one_for_a_model_with_one_output(rng: np.random.Generator) -> None:
    x, y = rng.normal(size=(8, 3)), rng.normal(size=8)
    found = []
    for loss, metrics in (("mse", ["mae"]), (["mse"], [["mae"]]), (("mse",), ["mae"])):
        set_random_seed(0)
        model = Sequential([layers.Dense(1)])
        model.compile("sgd", loss, metrics=metrics)
        found.append(model.fit(x, y, epochs=2, verbose=0).history)
    assert found[0] == found[1] == found[2]
    with pytest.raises(TypeError, match="`loss`"):
        model.compile("sgd", ["mse", "mae"])


def test_compile_again_changes_the_loss_and_keeps_the_weights(rng: np.random.Generator) -> None:
    model, x, y = linear(2), rng.random((6, 3)), rng.random((6, 2))
    before = model.get_weights()
    squares = model.evaluate(x, y, verbose=0)
    model.compile("rmsprop", losses.BinaryCrossentropy(from_logits=True), metrics=["mae"])
    found = model.evaluate(x, y, verbose=0)
    assert len(found) == 2 and found[0] != squares
    for a, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("call", ["fit", "evaluate", "train_on_batch", "test_on_batch", "gradients"])
def test_training_needs_compile(call: str, rng: np.random.Generator) -> None:
    model = Sequential([Input((3,)), layers.Dense(1)])
    with pytest.raises(ValueError, match="compile"):
        getattr(model, call)(rng.random((6, 3)), rng.random(6))


def test_model_without_input_shape_is_built_by_fit(rng: np.random.Generator) -> None:
    model = Sequential([layers.Dense(4, "relu"), layers.Dense(1)])
    model.compile("sgd", "mse", metrics=["accuracy"])
    assert not model.built
    model.fit(rng.random((6, 3)), rng.random(6), verbose=0)
    assert [w.shape for w in model.get_weights()] == [(3, 4), (4,), (4, 1), (1,)]


def summary_lines(model: Sequential) -> list[str]:
    printed: list[str] = []
    model.summary(line_length=80, print_fn=printed.append)
    return "".join(printed).splitlines()


def test_summary_has_the_lines_of_keras() -> None:
    golden = [line for line in section("behaviour.summary_line_length_80") if line]
    model = Sequential([Input((784,)), layers.Dense(512), layers.Dense(10)], name="sequential")
    found = summary_lines(model)
    both = [line for line in golden if "Dense" in line or line[0] in "┏┡├└┃M"]
    for line in both:
        assert line in found
    assert found[-3:] == [
        " Total params: 407,050 (1.55 MB)",
        " Trainable params: 407,050 (1.55 MB)",
        " Non-trainable params: 0 (0.00 B)",
    ]


def test_summary_counts_the_optimizer_once_the_model_has_trained() -> None:
    golden = section("behaviour.summary_compiled_tail")
    model = Sequential([Input((784,)), layers.Dense(512), layers.Dense(10)])
    model.compile(optimizers.SGD(momentum=0.9), "mse")
    assert summary_lines(model)[-3] == " Total params: 407,050 (1.55 MB)"
    model.train_on_batch(np.zeros((1, 784)), np.zeros((1, 10)))
    tail = summary_lines(model)[-4:]
    assert [line.split(":")[0] for line in tail] == [line.split(":")[0] for line in golden]
    assert tail[-1] == " Optimizer params: 407,052 (1.55 MB)"


def test_loss_falls_on_a_task_that_can_be_learnt(rng: np.random.Generator) -> None:
    x = rng.standard_normal((600, 2)).astype(np.float32)
    y = (np.hypot(x[:, 0], x[:, 1]) > 1).astype(int)
    model = Sequential([Input((2,)), layers.Dense(32, "relu"), layers.Dense(2, "softmax")])
    model.compile(optimizers.RMSprop(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, epochs=30, verbose=0)
    assert model.evaluate(x, y, verbose=0)[1] > 0.97


def test_loss_curve_equals_the_reference_for_25_steps(rng: np.random.Generator) -> None:
    stack = [("Dense", {"units": 64, "activation": "tanh"}), ("Dense", {"units": 10, "activation": "softmax"})]
    optimizer = ("SGD", {"learning_rate": 0.1, "momentum": 0.9})
    model = Sequential([Input((50,)), *(getattr(layers, name)(**options) for name, options in stack)])
    model.compile(optimizers.SGD(**optimizer[1]), "sparse_categorical_crossentropy")
    net = reference.Network(stack, "sparse_categorical_crossentropy", optimizer)
    net.set_weights(model.get_weights())
    x, y = rng.standard_normal((25 * 32, 50), dtype=np.float32), rng.integers(0, 10, 25 * 32)
    for first in range(0, len(x), 32):
        rows = slice(first, first + 32)
        assert model.train_on_batch(x[rows], y[rows]) == pytest.approx(net.train_on_batch(x[rows], y[rows]), rel=2e-6)
