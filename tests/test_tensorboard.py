"""TensorBoard: what is in the event files, read back record by record."""

from __future__ import annotations

import struct
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lamella
from lamella import layers
from lamella.callbacks import TensorBoard

pytest.importorskip("tensorboardX")
from tensorboardX.proto import event_pb2


@pytest.fixture
def model() -> lamella.Sequential:
    model = lamella.Sequential([lamella.Input((3,)), layers.Dense(4, "relu"), layers.Dense(2)], name="net")
    model.compile("sgd", "mse", metrics=["mae"])
    return model


@pytest.fixture
def data(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    return rng.normal(size=(40, 3)).astype("float32"), rng.normal(size=(40, 2)).astype("float32")


def values(folder: Path) -> dict[str, dict[int, Any]]:
    """Tag -> step -> value of all event files in a folder."""
    found: dict[str, dict[int, Any]] = defaultdict(dict)
    for path in folder.glob("events.out.tfevents.*"):
        content, at = path.read_bytes(), 0
        while at < len(content):  # length, its checksum, an event, its checksum
            (length,) = struct.unpack_from("<Q", content, at)
            event = event_pb2.Event.FromString(content[at + 12 : at + 12 + length])
            at += length + 16
            for value in event.summary.value:
                found[value.tag][event.step] = value.histo if value.HasField("histo") else value.simple_value
    return dict(found)


def test_epochs_are_written_with_the_tags_of_keras(model: lamella.Sequential, data: Any, tmp_path: Path) -> None:
    board = TensorBoard(tmp_path)
    history = model.fit(*data, epochs=3, batch_size=10, validation_split=0.25, verbose=0, callbacks=[board]).history
    train, validation = values(tmp_path / "train"), values(tmp_path / "validation")
    assert set(train) == {"epoch_loss", "epoch_mae", "epoch_learning_rate"}
    assert set(validation) == {
        "epoch_loss",
        "epoch_mae",
        "evaluation_loss_vs_iterations",
        "evaluation_mae_vs_iterations",
    }
    for key in ("loss", "mae"):
        assert train[f"epoch_{key}"] == pytest.approx(dict(enumerate(history[key])))
        tested = history[f"val_{key}"]
        assert validation[f"epoch_{key}"] == pytest.approx(dict(enumerate(tested)))
        by_steps = dict(zip((3, 6, 9), tested, strict=True))
        assert validation[f"evaluation_{key}_vs_iterations"] == pytest.approx(by_steps)
    assert train["epoch_learning_rate"] == pytest.approx(dict.fromkeys(range(3), 0.01))


def test_without_validation_there_is_one_folder(model: lamella.Sequential, data: Any, tmp_path: Path) -> None:
    model.fit(*data, verbose=0, callbacks=TensorBoard(str(tmp_path)))
    assert [path.name for path in tmp_path.iterdir()] == ["train"]


@pytest.mark.parametrize(("update_freq", "steps"), [("batch", [1, 2, 3, 4, 5, 6, 7, 8]), (3, [3, 6])])
def test_batches_are_written_every_so_many_steps(
    model: lamella.Sequential, data: Any, tmp_path: Path, update_freq: Any, steps: list[int]
) -> None:
    board = TensorBoard(tmp_path, update_freq=update_freq, write_steps_per_second=True)
    history = model.fit(*data, epochs=2, batch_size=10, verbose=0, callbacks=[board]).history
    train = values(tmp_path / "train")
    assert list(train["batch_loss"]) == list(train["batch_mae"]) == list(train["batch_steps_per_second"]) == steps
    assert all(rate > 0 for rate in train["batch_steps_per_second"].values())
    if update_freq == "batch":  # the running mean at the last batch is that of the epoch
        assert train["batch_loss"][4] == pytest.approx(history["loss"][0])
    assert list(train["epoch_steps_per_second"]) == [0, 1]


def test_without_batches_training_runs_in_chunks() -> None:
    assert not lamella.callbacks.CallbackList([TensorBoard()]).wants_train_batches
    assert lamella.callbacks.CallbackList([TensorBoard(update_freq=5)]).wants_train_batches


def test_histograms_hold_all_weights(model: lamella.Sequential, data: Any, tmp_path: Path) -> None:
    model.fit(*data, epochs=3, verbose=0, callbacks=[TensorBoard(tmp_path, histogram_freq=2)])
    train = values(tmp_path / "train")
    tags = [f"net/{layer}/{weight}/histogram" for layer in ("dense", "dense_1") for weight in ("kernel", "bias")]
    assert [tag for tag in train if tag.endswith("/histogram")] == tags
    for tag, weight in zip(tags, model.get_weights(), strict=True):
        assert list(train[tag]) == [0, 2]
        last = train[tag][2]
        assert last.num == weight.size
        assert (last.min, last.max) == pytest.approx((weight.min(), weight.max()))
        assert last.sum == pytest.approx(weight.sum(dtype=float), abs=1e-6)


def test_weights_that_are_not_finite_do_not_stop_the_histograms(
    model: lamella.Sequential, data: Any, tmp_path: Path
) -> None:
    kernel, *rest = model.get_weights()
    kernel[:] = np.nan
    model.set_weights([kernel, *rest])
    board = TensorBoard(tmp_path, histogram_freq=1)
    with pytest.warns(RuntimeWarning, match="loss became nan"):
        model.fit(*data, verbose=0, callbacks=[board])
    train = values(tmp_path / "train")
    assert np.isnan(train["epoch_loss"][0]) and "net/dense/kernel/histogram" not in train


def test_evaluate_writes_by_steps(model: lamella.Sequential, data: Any, tmp_path: Path) -> None:
    model.fit(*data, batch_size=10, epochs=2, verbose=0)
    loss, mae = model.evaluate(*data, verbose=0, callbacks=[TensorBoard(tmp_path)])
    assert values(tmp_path / "validation") == {
        "evaluation_loss_vs_iterations": pytest.approx({8: loss}),
        "evaluation_mae_vs_iterations": pytest.approx({8: mae}),
    }


def test_a_second_fit_counts_on_and_leaves_the_first_in_place(
    model: lamella.Sequential, data: Any, tmp_path: Path
) -> None:
    board = TensorBoard(tmp_path)
    model.fit(*data, epochs=2, verbose=0, callbacks=[board])
    model.fit(*data, epochs=4, initial_epoch=2, verbose=0, callbacks=[board])
    assert sorted(values(tmp_path / "train")["epoch_loss"]) == [0, 1, 2, 3]


def test_a_metric_of_several_numbers_has_several_tags(data: Any, tmp_path: Path) -> None:
    x, y = data
    model = lamella.Sequential([layers.Dense(2, "softmax")])
    model.compile("sgd", "categorical_crossentropy", metrics=[lamella.metrics.F1Score()])
    scores = model.fit(x, np.eye(2)[y.argmax(1)], verbose=0, callbacks=[TensorBoard(tmp_path)]).history["f1_score"][0]
    train = values(tmp_path / "train")
    assert [train[f"epoch_f1_score_{i}"][0] for i in (0, 1)] == pytest.approx(scores)


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"write_images": True}, ValueError, r"`write_images` must be False, got True.*histogram_freq"),
        ({"profile_batch": (2, 5)}, ValueError, r"`profile_batch` must be 0, got \(2, 5\)"),
        ({"embeddings_freq": 1}, ValueError, "no Embedding layers"),
        ({"embeddings_metadata": "words.tsv"}, ValueError, "`embeddings_metadata` must be None"),
        ({"update_freq": "epochs"}, ValueError, '"epoch", "batch" or a number of batches'),
        ({"update_freq": 0}, ValueError, "`update_freq` must be at least 1"),
        ({"histogram_freq": 0.5}, TypeError, "`histogram_freq` must be an integer"),
        ({"log_dir": 3}, TypeError, "`log_dir` must be a path"),
    ],
)
def test_what_cannot_be_written_is_refused(arguments: dict[str, Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        TensorBoard(**arguments)


def test_missing_package_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(ImportError, match=r'tensorboardX is needed to .* pip install "lamella\[tensorboard\]"'):
        TensorBoard()
