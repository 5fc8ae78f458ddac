"""Every callback, driven by the fake loop below in the order in which `fit` calls the hooks."""

from __future__ import annotations

import csv
import io
import json
import math
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import lamella
from lamella import callbacks as cb

GOLDEN = json.loads((Path(__file__).parent / "data" / "keras-golden.json").read_text(encoding="utf-8"))["behaviour"]
EPOCH_HOOKS = {"on_epoch_begin", "on_epoch_end"}


class Model:
    def __init__(self, learning_rate: float = 0.1) -> None:
        self.optimizer = SimpleNamespace(learning_rate=learning_rate)
        self.stop_training = False
        self.weights = [0]

    def get_weights(self) -> list[int]:
        return list(self.weights)

    def set_weights(self, weights: list[int]) -> None:
        self.weights = list(weights)

    def _metric_direction(self, name: str) -> str | None:
        return {"accuracy": "max", "mae": "min"}.get(name)


def evaluate(callbacks: cb.CallbackList, logs: dict[str, float], steps: int = 2) -> None:
    callbacks.on_test_begin()
    for step in range(steps):
        if callbacks.wants_test_batches:
            callbacks.on_test_batch_begin(step)
            callbacks.on_test_batch_end(step, dict(logs))
        if callbacks.wants_test_batches or step + 1 == steps:
            callbacks.on_test_chunk_end(step + 1, dict(logs))
    callbacks.on_test_end(dict(logs))


def fit(
    members: Any, epochs: list[dict[str, float]], *, model: Model | None = None, verbose: int = 0, steps: int = 2
) -> cb.History:
    """Runs an epoch per dict of metrics; the weights of epoch n are [n + 1]."""
    model = model or Model()
    callbacks = cb.CallbackList(
        members,
        add_history=True,
        add_progbar=verbose != 0,
        model=model,
        verbose=verbose,
        epochs=len(epochs),
        steps=steps,
    )
    model.stop_training = False
    logs: dict[str, float] = {}
    callbacks.on_train_begin()
    for epoch, metrics in enumerate(epochs):
        callbacks.on_epoch_begin(epoch)
        model.weights = [epoch + 1]
        train = {name: value for name, value in metrics.items() if not name.startswith("val_")}
        for step in range(steps):
            if callbacks.wants_train_batches:
                callbacks.on_train_batch_begin(step)
                callbacks.on_train_batch_end(step, dict(train))
            if callbacks.wants_train_batches or step + 1 == steps:
                callbacks.on_train_chunk_end(step + 1, dict(train))
        validation = {name: value for name, value in metrics.items() if name.startswith("val_")}
        if validation:
            evaluate(callbacks, {name.removeprefix("val_"): value for name, value in validation.items()})
        logs = {**train, **validation}
        callbacks.on_epoch_end(epoch, logs)
        if model.stop_training:
            break
    callbacks.on_train_end(logs)
    assert callbacks.history is not None
    return callbacks.history


def losses(*values: float) -> list[dict[str, float]]:
    return [{"loss": value} for value in values]


def recorder(log: list[Any], hooks: set[str] | None = None) -> cb.Callback:
    """A callback that writes down the hooks called, as the golden file does."""

    def note(name: str) -> Callable[..., None]:
        def hook(self: cb.Callback, *arguments: Any) -> None:
            *index, logs = arguments
            log.append([name, index[0] if index else None, sorted(logs)])

        return hook

    names = {name for name in dir(cb.Callback) if name.startswith("on_")} - {"on_batch_begin", "on_batch_end"}
    chosen = hooks or {name for name in names if not name.endswith("_chunk_end")}
    return type("Recorder", (cb.Callback,), {name: note(name) for name in chosen})()


# Order of the hooks


def test_hooks_of_fit_come_in_the_order_of_keras() -> None:
    log: list[Any] = []
    fit([recorder(log)], [{"loss": 1.0, "mae": 1.0, "val_loss": 1.0, "val_mae": 1.0}] * 2)
    assert log == GOLDEN["callback_order_fit"]


def test_hooks_of_evaluate_come_in_the_order_of_keras() -> None:
    log: list[Any] = []
    evaluate(cb.CallbackList([recorder(log)], model=Model()), {"loss": 1.0, "mae": 1.0})
    assert log == GOLDEN["callback_order_evaluate"]


def test_hooks_of_predict_come_in_the_order_of_keras() -> None:
    log: list[Any] = []
    callbacks = cb.CallbackList([recorder(log)], model=Model())
    callbacks.on_predict_begin()
    for step in range(2):
        callbacks.on_predict_batch_begin(step)
        callbacks.on_predict_batch_end(step, {"outputs": None})
        callbacks.on_predict_chunk_end(step + 1)
    callbacks.on_predict_end()
    assert log == GOLDEN["callback_order_predict"]


def test_own_callbacks_come_before_history_and_progress_bar() -> None:
    first, second = cb.Callback(), cb.Callback()
    members = list(cb.CallbackList([first, second], add_history=True, add_progbar=True))
    assert members[:2] == [first, second]
    assert [type(member) for member in members[2:]] == [cb.History, cb.ProgbarLogger]


def test_history_and_progress_bar_are_not_doubled() -> None:
    own = cb.History()
    callbacks = cb.CallbackList([own, cb.ProgbarLogger()], add_history=True, add_progbar=True)
    assert len(callbacks) == 2 and callbacks.history is own


def test_model_and_params_reach_every_callback() -> None:
    member, model = cb.Callback(), Model()
    callbacks = cb.CallbackList(member, add_history=True, model=model, verbose=0, epochs=3, steps=7)
    assert member.model is model
    assert member.params == {"verbose": 0, "epochs": 3, "steps": 7}
    assert model.history is callbacks.history  # type: ignore[attr-defined]


def test_callback_list_may_be_given_instead_of_a_list() -> None:
    member = cb.Callback()
    assert list(cb.CallbackList(cb.CallbackList([member]))) == [member]


def test_later_callbacks_see_keys_that_earlier_ones_add() -> None:
    seen: list[Any] = []
    adds = cb.LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(extra=1.0))
    looks = cb.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.extend(logs))
    history = fit([adds, looks], losses(1.0))
    assert seen == ["loss", "extra"] and history.history["extra"] == [1.0]


# What is no callback


@pytest.mark.parametrize("other", [None, 3, print, {}], ids=["None", "int", "function", "dict"])
def test_other_objects_among_callbacks_are_refused_with_their_index(other: object) -> None:
    with pytest.raises(TypeError, match=rf"`callbacks\[1\]` must be a callback, got {type(other).__name__}"):
        cb.CallbackList([cb.Callback(), other])


def test_class_instead_of_an_instance_is_refused() -> None:
    with pytest.raises(TypeError, match=r"got the class EarlyStopping. Pass an instance of it: EarlyStopping"):
        cb.CallbackList([cb.EarlyStopping])


def test_appended_callback_is_checked_and_called() -> None:
    log: list[Any] = []
    callbacks = cb.CallbackList()
    callbacks.append(recorder(log, {"on_train_begin"}))
    callbacks.on_train_begin()
    assert log == [["on_train_begin", None, []]]
    with pytest.raises(TypeError, match=r"callbacks\[1\]"):
        callbacks.append(object())


def test_look_alike_with_all_hooks_is_accepted() -> None:
    calls: list[str] = []

    class LookAlike:
        def __getattr__(self, name: str) -> Callable[..., None]:
            if name.endswith("_chunk_end") or not name.startswith(("on_", "set_")):
                raise AttributeError(name)
            return lambda *arguments: calls.append(name)

    fit([LookAlike()], losses(1.0), steps=1)
    assert "on_train_batch_end" in calls and "on_epoch_end" in calls


# Who watches batches


def wants(member: Any) -> tuple[bool, bool, bool]:
    callbacks = cb.CallbackList(member, add_history=True, add_progbar=True, verbose=1, epochs=1, steps=1)
    return callbacks.wants_train_batches, callbacks.wants_test_batches, callbacks.wants_predict_batches


@pytest.mark.parametrize(
    "member",
    [
        None,
        cb.Callback(),
        cb.EarlyStopping(),
        cb.ReduceLROnPlateau(),
        cb.LearningRateScheduler(lambda epoch: 0.1),
        cb.CSVLogger("log.csv"),
        cb.TerminateOnNaN(),
        cb.LambdaCallback(on_epoch_end=lambda epoch, logs: None),
    ],
    ids=lambda member: type(member).__name__,
)
def test_callbacks_of_the_package_do_not_watch_batches(member: Any) -> None:
    assert wants(member) == (False, False, False)


@pytest.mark.parametrize(
    ("hook", "expected"),
    [
        ("on_batch_begin", (True, False, False)),
        ("on_batch_end", (True, False, False)),
        ("on_train_batch_begin", (True, False, False)),
        ("on_train_batch_end", (True, False, False)),
        ("on_test_batch_begin", (False, True, False)),
        ("on_test_batch_end", (False, True, False)),
        ("on_predict_batch_begin", (False, False, True)),
        ("on_predict_batch_end", (False, False, True)),
        ("on_train_chunk_end", (False, False, False)),
    ],
)
def test_overridden_batch_hook_is_noticed(hook: str, expected: tuple[bool, bool, bool]) -> None:
    assert wants(recorder([], {hook})) == expected
    assert wants(cb.LambdaCallback(**{hook: lambda index, logs: None})) == expected  # type: ignore[arg-type]


def test_batch_hooks_call_the_older_hooks() -> None:
    log: list[Any] = []
    fit([recorder(log, {"on_batch_begin", "on_batch_end"})], losses(1.0), steps=1)
    assert log == [["on_batch_begin", 0, []], ["on_batch_end", 0, ["loss"]]]


def test_subclass_without_super_init_works() -> None:
    class Forgetful(cb.Callback):
        def __init__(self) -> None:
            pass

    assert Forgetful().model is None and Forgetful().params == {}
    fit([Forgetful()], losses(1.0))


# LambdaCallback


def test_lambda_callback_takes_any_hook_by_name() -> None:
    calls: list[Any] = []
    fit([cb.LambdaCallback(on_test_end=calls.append)], [{"loss": 1.0, "val_loss": 2.0}])
    assert calls == [{"loss": 2.0}]


def test_lambda_callback_refuses_what_is_no_hook() -> None:
    with pytest.raises(TypeError, match="`on_epoch_stop` is not a hook"):
        cb.LambdaCallback(on_epoch_stop=print)
    with pytest.raises(TypeError, match="`on_epoch_end` must be a function or None, got int"):
        cb.LambdaCallback(on_epoch_end=3)  # type: ignore[arg-type]


# History


def test_history_lists_keys_alphabetically_and_added_ones_last() -> None:
    metrics = {"val_loss": 1.0, "loss": 0.5, "accuracy": 0.9, "val_accuracy": 0.8}
    history = fit([cb.LearningRateScheduler(lambda epoch: 0.2)], [metrics, metrics])
    assert list(history.history) == ["accuracy", "loss", "val_accuracy", "val_loss", "learning_rate"]
    assert history.history["learning_rate"] == [0.2, 0.2]
    assert history.epoch == [0, 1]
    assert history.params == {"verbose": 0, "epochs": 2, "steps": 2}


def test_history_holds_python_floats() -> None:
    np = pytest.importorskip("numpy")
    history = fit([], [{"loss": np.float32(0.5)}])
    assert type(history.history["loss"][0]) is float


def test_history_starts_anew_with_each_run() -> None:
    history = cb.History()
    fit([history], losses(1.0, 2.0))
    before = history.history
    fit([history], losses(3.0))
    assert history.history == {"loss": [3.0]} and before == {"loss": [1.0, 2.0]} and history.epoch == [0]


@pytest.mark.parametrize(
    ("recorded", "asked"),
    [
        ("accuracy", "acc"),
        ("acc", "accuracy"),
        ("val_accuracy", "val_acc"),
        ("val_acc", "val_accuracy"),
        ("mae", "mean_absolute_error"),
        ("val_mean_absolute_error", "val_mae"),
        ("weighted_accuracy", "weighted_acc"),
        ("val_weighted_mae", "val_weighted_mean_absolute_error"),
        ("MSE", "mean_squared_error"),
        ("mse", "mean_squared_error"),
        ("learning_rate", "lr"),
    ],
)
def test_history_answers_to_the_other_name_of_a_metric(recorded: str, asked: str) -> None:
    record = fit([], [{recorded: 0.5}]).history
    assert record[asked] == record.get(asked) == [0.5] and asked in record
    assert list(record) == list(dict(record)) == [recorded]


def test_history_raises_for_a_metric_it_does_not_have() -> None:
    record = fit([], losses(1.0)).history
    assert "acc" not in record and record.get("acc", "none") == "none"
    with pytest.raises(KeyError, match="'acc'"):
        record["acc"]


def test_history_dict_survives_pickling() -> None:
    record = pickle.loads(pickle.dumps(fit([], [{"accuracy": 0.5}]).history))
    assert record["acc"] == [0.5]


# ProgbarLogger


def log_of(epochs: list[dict[str, float]], verbose: int, members: tuple[Any, ...] = ()) -> str:
    stream = io.StringIO()
    fit([*members, cb.ProgbarLogger(stream)], epochs, verbose=verbose)
    return stream.getvalue()


@pytest.mark.parametrize("watched", [False, True], ids=["chunks", "batches"])
def test_progress_outside_a_terminal_is_two_lines_an_epoch(watched: bool) -> None:
    members = (recorder([], {"on_train_batch_end"}),) if watched else ()
    text = log_of([{"loss": 0.5, "accuracy": 0.9, "val_loss": 0.6}] * 2, 1, members)
    lines = text.splitlines()
    assert lines[::2] == ["Epoch 1/2", "Epoch 2/2"]
    for line in lines[1::2]:
        assert line.startswith("2/2 ━━━━━━━━━━━━━━━━━━━━ 0s ")
        assert line.endswith("/step - accuracy: 0.9000 - loss: 0.5000 - val_loss: 0.6000")
    assert not any(code in text for code in "\x1b\r\b")


def test_single_epoch_has_no_headline() -> None:
    assert log_of(losses(0.5), 2).startswith("2/2 - 0s - ")


def test_verbose_0_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    fit([], losses(0.5, 0.4), verbose=0)
    assert capsys.readouterr().out == ""


def test_evaluate_prints_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    callbacks = cb.CallbackList(add_progbar=True, model=Model(), verbose=1, steps=2)
    evaluate(callbacks, {"loss": 0.5})
    out = capsys.readouterr().out
    assert out.startswith("2/2 ━") and out.endswith(" - loss: 0.5000\n") and out.count("\n") == 1


def test_predict_prints_no_metrics(capsys: pytest.CaptureFixture[str]) -> None:
    callbacks = cb.CallbackList(add_progbar=True, model=Model(), verbose=1, steps=2)
    callbacks.on_predict_begin()
    callbacks.on_predict_chunk_end(2, {"outputs": None})
    callbacks.on_predict_end({"outputs": None})
    out = capsys.readouterr().out
    assert out.startswith("2/2 ━") and out.endswith("/step\n")


def test_length_unknown_at_first_is_known_in_the_second_epoch() -> None:
    stream = io.StringIO()
    callbacks = cb.CallbackList([cb.ProgbarLogger(stream)], verbose=2, epochs=2, steps=None)
    callbacks.on_train_begin()
    for epoch in range(2):
        callbacks.on_epoch_begin(epoch)
        callbacks.on_train_chunk_end(12, {"loss": 1.0})
        callbacks.on_epoch_end(epoch, {"loss": 1.0})
    assert [line.split(" - ")[0] for line in stream.getvalue().splitlines()[1::2]] == ["12/12", "12/12"]


@pytest.mark.parametrize("verbose", [0, 1, 2, "auto"])
def test_training_of_several_epochs_ends_with_samples_a_second(
    verbose: int | str, capsys: pytest.CaptureFixture[str]
) -> None:
    model = lamella.Sequential([lamella.Input((2,)), lamella.layers.Dense(1)])
    model.compile("sgd", "mse")
    x, y = np.ones((50, 2)), np.ones((50, 1))
    seen = []
    note = cb.ProgbarLogger.note_samples
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cb.ProgbarLogger, "note_samples", lambda bar, count: (seen.append(count), note(bar, count))[1])
        model.fit(x, y, epochs=3, batch_size=16, validation_data=(x, y), verbose=verbose)
    lines = capsys.readouterr().out.splitlines()
    if verbose == 0:
        assert lines == []
        return
    assert sum(seen) == 150
    assert len(lines) == 7
    told = re.fullmatch(r"3 epochs - (\S+)s - ([\d,]+) samples/s", lines[-1])
    assert told
    assert float(told[1]) == pytest.approx(150 / int(told[2].replace(",", "")), rel=0.06)


def test_training_of_one_epoch_ends_with_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    model = lamella.Sequential([lamella.Input((2,)), lamella.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(np.ones((50, 2)), np.ones((50, 1)))
    assert capsys.readouterr().out.count("\n") == 1


# EarlyStopping


def stopping(*values: float, **arguments: Any) -> tuple[cb.EarlyStopping, Model, int]:
    """The callback, the model and the number of epochs that ran, for a loss of these values."""
    callback, model = cb.EarlyStopping(**{"monitor": "loss", **arguments}), Model()
    history = fit([callback], losses(*values), model=model)
    return callback, model, len(history.epoch)


@pytest.mark.parametrize(
    ("values", "arguments", "epochs"),
    [
        ((3, 2, 1, 0), {}, 4),
        ((3, 3, 1, 0), {}, 2),
        ((3, 4, 5, 6, 7), {"patience": 3}, 4),
        ((3, 4, 2, 4, 4, 4), {"patience": 2}, 5),
        ((3, 2.9, 2.8, 2.7), {"min_delta": 0.5}, 2),
        ((3, 2.9, 2.8, 2.7), {"min_delta": -0.5}, 2),
        ((1, 2, 3, 3), {"mode": "max"}, 4),
        ((3, 4, 5, 6, 7), {"start_from_epoch": 2}, 4),
        ((5, 4, 4.5, 4.5), {"baseline": 3, "patience": 2}, 3),
        ((5, 2, 2.5, 2.5), {"baseline": 3, "patience": 2}, 4),
        ((math.nan, 2, 1, 0), {}, 4),
        ((2, math.nan, 1), {}, 2),
    ],
)
def test_early_stopping_stops_after_the_right_epoch(
    values: tuple[float, ...], arguments: dict[str, Any], epochs: int
) -> None:
    assert stopping(*values, **arguments)[2] == epochs


def test_early_stopping_asks_the_metric_for_its_direction() -> None:
    epochs = [{"loss": 1.0, "val_accuracy": value} for value in (0.1, 0.2, 0.3, 0.2)]
    for monitor in ("val_accuracy", "val_acc"):
        assert len(fit([cb.EarlyStopping(monitor)], epochs).epoch) == 4
    with pytest.raises(ValueError, match='`mode` of EarlyStopping must be "min" or "max" for `monitor` \'val_auc\''):
        fit([cb.EarlyStopping("val_auc")], epochs)


def test_best_weights_come_back_when_stopped_early() -> None:
    callback, model, epochs = stopping(3, 1, 2, 2, patience=1, restore_best_weights=True)
    assert epochs == 3 and model.weights == [2]
    assert callback.best == 1 and callback.best_epoch == 1 and callback.stopped_epoch == 2


def test_best_weights_come_back_without_an_early_stop() -> None:
    callback, model, epochs = stopping(3, 1, 2, patience=9, restore_best_weights=True)
    assert epochs == 3 and model.weights == [2] and callback.stopped_epoch == 0


def test_last_weights_stay_unless_asked_otherwise() -> None:
    assert stopping(3, 1, 2)[1].weights == [3]


def test_early_stopping_forgets_an_earlier_run() -> None:
    callback = cb.EarlyStopping("loss", patience=1)
    fit([callback], losses(1, 2))
    assert len(fit([callback], losses(9, 8, 7)).epoch) == 3


def test_early_stopping_tells_what_it_does(capsys: pytest.CaptureFixture[str]) -> None:
    stopping(1, 2, verbose=1, restore_best_weights=True)
    assert capsys.readouterr().out == (
        "Epoch 2: early stopping\nRestoring model weights from the end of the best epoch: 1.\n"
    )


def test_missing_monitor_warns_and_goes_on() -> None:
    with pytest.warns(UserWarning, match=r"`monitor` 'val_loss' is not among .* Available are: accuracy, loss\."):
        history = fit([cb.EarlyStopping()], [{"loss": 1.0, "accuracy": 0.5}] * 3)
    assert len(history.epoch) == 3


@pytest.mark.parametrize(
    ("arguments", "error", "name"),
    [
        ({"monitor": 3}, TypeError, "monitor"),
        ({"mode": "up"}, ValueError, "mode"),
        ({"patience": -1}, ValueError, "patience"),
        ({"patience": 1.5}, TypeError, "patience"),
        ({"min_delta": "x"}, TypeError, "min_delta"),
        ({"min_delta": math.nan}, ValueError, "min_delta"),
        ({"baseline": "x"}, TypeError, "baseline"),
        ({"start_from_epoch": -1}, ValueError, "start_from_epoch"),
    ],
)
def test_early_stopping_refuses_bad_arguments(arguments: dict[str, Any], error: type[Exception], name: str) -> None:
    with pytest.raises(error, match=f"`{name}` must be"):
        cb.EarlyStopping(**arguments)


# ReduceLROnPlateau


def rates(*values: float, start: float = 1.0, **arguments: Any) -> list[float]:
    """The rate of each epoch, for a loss of these values."""
    callback = cb.ReduceLROnPlateau(**{"monitor": "loss", "factor": 0.5, "patience": 1, **arguments})
    return fit([callback], losses(*values), model=Model(start)).history["learning_rate"]


@pytest.mark.parametrize(
    ("values", "arguments", "expected"),
    [
        ((3, 2, 1), {}, [1, 1, 1]),
        ((3, 3, 3, 3), {}, [1, 1, 0.5, 0.25]),
        ((3, 3, 3, 3, 3), {"patience": 2}, [1, 1, 1, 0.5, 0.5]),
        ((3, 3, 3, 3, 3, 3), {"cooldown": 2}, [1, 1, 0.5, 0.5, 0.25, 0.25]),
        ((3, 3, 3, 3), {"min_lr": 0.4}, [1, 1, 0.5, 0.4]),
        ((3, 2.9, 2.8), {"min_delta": 1}, [1, 1, 0.5]),
        ((3, 3, 2, 2), {"mode": "max"}, [1, 1, 0.5, 0.25]),
    ],
)
def test_plateau_lowers_the_rate(values: tuple[float, ...], arguments: dict[str, Any], expected: list[float]) -> None:
    assert rates(*values, **arguments) == expected


def test_plateau_tells_what_it_does_and_stops_at_the_floor(capsys: pytest.CaptureFixture[str]) -> None:
    rates(3, 3, 3, 3, min_lr=0.5, verbose=1)
    assert capsys.readouterr().out == "\nEpoch 2: ReduceLROnPlateau reducing learning rate to 0.5.\n"


def test_plateau_records_the_rate_when_its_metric_is_missing() -> None:
    with pytest.warns(UserWarning, match=r"Available are: loss\. Give fit\(\) `validation_data`"):
        history = fit([cb.ReduceLROnPlateau()], losses(1.0))
    assert history.history["learning_rate"] == [0.1]


@pytest.mark.parametrize("arguments", [{"factor": 1.0}, {"factor": -0.1}, {"cooldown": -1}, {"min_lr": -1}])
def test_plateau_refuses_bad_arguments(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"`{next(iter(arguments))}` must be"):
        cb.ReduceLROnPlateau(**arguments)


# LearningRateScheduler


@pytest.mark.parametrize("schedule", [lambda epoch, rate: rate / 2, lambda epoch: 0.5 ** (epoch + 1)], ids=["2", "1"])
def test_scheduler_sets_the_rate_of_each_epoch(schedule: Callable[..., float]) -> None:
    model = Model(1.0)
    history = fit([cb.LearningRateScheduler(schedule)], losses(1, 1), model=model)
    assert history.history["learning_rate"] == [0.5, 0.25] and model.optimizer.learning_rate == 0.25


def test_scheduler_takes_numpy_numbers_and_integers() -> None:
    np = pytest.importorskip("numpy")
    results = iter([np.float32(0.5), np.array(0.25), 1])
    history = fit([cb.LearningRateScheduler(lambda epoch: next(results))], losses(1, 1, 1))
    assert history.history["learning_rate"] == [0.5, 0.25, 1.0]


def test_scheduler_tells_what_it_does(capsys: pytest.CaptureFixture[str]) -> None:
    fit([cb.LearningRateScheduler(lambda epoch: 0.5, verbose=1)], losses(1))
    assert capsys.readouterr().out == "\nEpoch 1: LearningRateScheduler setting learning rate to 0.5.\n"


@pytest.mark.parametrize(
    ("result", "error"), [(None, TypeError), ("x", TypeError), (-1.0, ValueError), (math.inf, ValueError)]
)
def test_scheduler_refuses_what_is_no_rate(result: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="`schedule"):
        fit([cb.LearningRateScheduler(lambda epoch: result)], losses(1))


@pytest.mark.parametrize("schedule", [0.1, lambda: 0.1, lambda a, b, c: 0.1], ids=["float", "0", "3"])
def test_scheduler_refuses_what_is_no_schedule(schedule: Any) -> None:
    with pytest.raises(TypeError, match="`schedule` must"):
        cb.LearningRateScheduler(schedule)


def test_type_error_inside_a_schedule_is_not_hidden() -> None:
    def broken(epoch: int, rate: float) -> float:
        raise TypeError("mine")

    with pytest.raises(TypeError, match="mine"):
        fit([cb.LearningRateScheduler(broken)], losses(1))


# TerminateOnNaN


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_training_ends_when_the_loss_is_not_finite(value: float, capsys: pytest.CaptureFixture[str]) -> None:
    assert fit([cb.TerminateOnNaN()], losses(1, value, 1)).epoch == [0, 1]
    assert capsys.readouterr().out == "Batch 1: Invalid loss, terminating training\n"


def test_infinite_loss_may_raise() -> None:
    with pytest.raises(RuntimeError, match="The loss is nan at batch 1"):
        fit([cb.TerminateOnNaN(raise_error=True)], losses(math.nan))


# CSVLogger


def rows(path: Path, separator: str = ",") -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file, delimiter=separator))


def test_csv_logger_writes_a_line_an_epoch(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    fit([cb.CSVLogger(path, separator=";")], [{"loss": 0.5, "accuracy": 0.25}, {"loss": 0.1, "accuracy": 0.75}])
    assert rows(path, ";") == [["epoch", "accuracy", "loss"], ["0", "0.25", "0.5"], ["1", "0.75", "0.1"]]


def test_csv_logger_overwrites_unless_told_to_append(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    for append in (False, False, True):
        fit([cb.CSVLogger(str(path), append=append)], losses(0.5))
    assert rows(path) == [["epoch", "loss"], ["0", "0.5"], ["0", "0.5"]]


def test_csv_logger_marks_missing_values(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    fit([cb.CSVLogger(path)], [{"loss": 3.0}, {"loss": 2.0, "val_loss": 2.5}, {"loss": 1.0}])
    assert rows(path) == [["epoch", "loss", "val_loss"], ["0", "3.0", "NA"], ["1", "2.0", "2.5"], ["2", "1.0", "NA"]]
    assert list(tmp_path.iterdir()) == [path]


def test_csv_logger_keeps_the_columns_of_the_file_it_continues(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("epoch,val_loss,loss\n0,2.0,1.0", encoding="utf-8")  # the last line was left open
    fit([cb.CSVLogger(path, append=True)], [{"loss": 0.5, "accuracy": 0.9}])
    assert [row for row in rows(path) if row] == [
        ["epoch", "val_loss", "loss", "accuracy"],
        ["0", "2.0", "1.0", "NA"],
        ["0", "NA", "0.5", "0.9"],
    ]


def test_csv_logger_appends_to_an_empty_or_missing_file(tmp_path: Path) -> None:
    for name in ("empty.csv", "missing.csv"):
        path = tmp_path / name
        if name == "empty.csv":
            path.touch()
        fit([cb.CSVLogger(path, append=True)], losses(0.5))
        assert rows(path)[0] == ["epoch", "loss"]


def test_csv_logger_does_not_append_to_another_kind_of_file(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("a,b\n", encoding="utf-8")
    with pytest.raises(ValueError, match="`filename` must be a log of CSVLogger"):
        fit([cb.CSVLogger(path, append=True)], losses(0.5))
    assert path.read_text(encoding="utf-8") == "a,b\n"


def test_csv_logger_refuses_bad_arguments() -> None:
    with pytest.raises(TypeError, match="`filename` must be a path"):
        cb.CSVLogger(3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="`separator` must be one character"):
        cb.CSVLogger("log.csv", separator="")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_csv_logger_names_the_file_that_cannot_be_written() -> None:
    with pytest.raises(OSError, match="No space left on device: '/dev/full'"):
        fit([cb.CSVLogger("/dev/full")], losses(0.5))


@pytest.mark.parametrize("hook", ["on_train_begin", "on_epoch_begin"])
@pytest.mark.parametrize("loss", ["mse", "crossentropy"])
def test_a_callback_may_evaluate_before_anything_was_trained(hook: str, loss: str) -> None:
    x, y = np.ones((20, 3), np.float32), np.ones((20, 1), np.float32)
    found: list[Any] = []

    class Baseline(cb.Callback):
        def on_train_begin(self, logs: Any = None) -> None:
            self.look("on_train_begin")

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.look("on_epoch_begin")

        def look(self, where: str) -> None:
            if where == hook:
                self.model.gradients(x, y)
                self.model.test_on_batch(x, y)
                found.append(self.model.evaluate(x, y, verbose=0))

    def history(*callbacks: cb.Callback) -> Any:
        lamella.utils.set_random_seed(1)
        model = lamella.Sequential([lamella.Input((3,)), lamella.layers.Dense(1, "sigmoid")])
        model.compile("sgd", loss, metrics=["mae"])
        return model.fit(x, y, epochs=2, verbose=0, callbacks=list(callbacks)).history

    assert history(Baseline()) == history()
    assert len(found) == (1 if hook == "on_train_begin" else 2) and all(np.isfinite(f).all() for f in found)
