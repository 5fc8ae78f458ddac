"""Callbacks that save: the right file at the right time, and fits that go on after an interruption."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lamella import Input, Sequential, callbacks, layers, models, saving, utils


def network(width: int = 5) -> Sequential:
    model = Sequential([Input((4,)), layers.Dense(width, "tanh"), layers.Dropout(0.4), layers.Dense(1)])
    model.compile("adam", "mse", metrics=["mae"])
    return model


@pytest.fixture
def data(rng: np.random.Generator) -> tuple[Any, Any]:
    return rng.normal(size=(90, 4)).astype("float32"), rng.normal(size=(90, 1)).astype("float32")


def same(a: Any, b: Any) -> bool:
    return all(np.array_equal(p, q) for p, q in zip(a.get_weights(), b.get_weights(), strict=True))


class Stop(callbacks.Callback):
    """Interrupts a fit."""

    def __init__(self, epoch: int, batch: int | None = None) -> None:
        self.epoch, self.batch, self.now = epoch, batch, 0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.now = epoch

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if (self.now, batch) == (self.epoch, self.batch):
            raise KeyboardInterrupt

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if epoch == self.epoch and self.batch is None:
            raise KeyboardInterrupt


@pytest.mark.parametrize("name", ["{epoch:02d}.safetensors", "{epoch:02d}.keras"])
def test_a_file_for_each_epoch(name: str, data: Any, tmp_path: Path) -> None:
    model = network()
    model.fit(*data, epochs=3, verbose=0, callbacks=[callbacks.ModelCheckpoint(tmp_path / "deep" / name)])
    files = sorted(os.listdir(tmp_path / "deep"))
    assert files == [name.format(epoch=i) for i in (1, 2, 3)]
    assert same(models.load_model(tmp_path / "deep" / files[-1]), model)
    resumed = models.load_model(tmp_path / "deep" / files[0])
    resumed.fit(*data, epochs=3, initial_epoch=1, verbose=0)
    assert same(resumed, model)


def test_only_the_best_is_kept(data: Any, tmp_path: Path, capsys: Any) -> None:
    model, path = network(), tmp_path / "best.weights.h5"
    saver = callbacks.ModelCheckpoint(path, "mae", verbose=1, save_best_only=True, save_weights_only=True)
    saver.set_model(model)
    saver.on_train_begin()
    best = None
    for epoch, value in enumerate([0.5, 0.7, 0.4, 0.6]):
        model.set_weights([np.full_like(w, value) for w in model.get_weights()])
        saver.on_epoch_begin(epoch)
        saver.on_epoch_end(epoch, {"mae": value})
        best = model.get_weights() if value == 0.4 else best
    model.load_weights(path)
    assert best is not None and all(np.array_equal(a, b) for a, b in zip(best, model.get_weights(), strict=True))
    assert saver.best == 0.4
    assert "Epoch 2: mae did not improve from 0.50000" in capsys.readouterr().out


def test_threshold_and_batches(data: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    saver = callbacks.ModelCheckpoint(path, "loss", save_best_only=True, initial_value_threshold=0.0)
    network().fit(*data, verbose=0, callbacks=[saver])
    assert not path.exists()
    each = callbacks.ModelCheckpoint(tmp_path / "{epoch}-{batch}.npz", save_weights_only=True, save_freq=2)
    network().fit(*data, epochs=2, batch_size=30, verbose=0, callbacks=[each])
    assert sorted(os.listdir(tmp_path)) == ["1-2.npz", "2-1.npz", "2-3.npz"]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("a.txt",), ValueError),
        (("a.npz",), ValueError),
        (("a.keras", "loss", 0, False, True), ValueError),
        (("a.keras", 3), TypeError),
    ],
)
def test_bad_arguments_of_checkpoints_are_refused(arguments: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        callbacks.ModelCheckpoint(*arguments)


def test_unknown_names_in_paths_are_listed(data: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"val_loss.*loss"):
        saver = callbacks.ModelCheckpoint(tmp_path / "{val_loss}.safetensors")
        network().fit(*data, verbose=0, callbacks=[saver])


@pytest.mark.parametrize("frequency", ["epoch", 1, 2, 3])
@pytest.mark.parametrize("stop", [Stop(2), Stop(2, 0), Stop(3, 1)], ids=["epoch end", "first batch", "second batch"])
@pytest.mark.parametrize(("steps", "shuffle"), [(None, True), (2, True), (2, False)])
def test_interrupted_fits_end_like_undisturbed_ones(
    frequency: Any, stop: Stop, steps: Any, shuffle: bool, data: Any, tmp_path: Path
) -> None:
    options = {"epochs": 5, "batch_size": 30, "steps_per_epoch": steps, "shuffle": shuffle, "verbose": 0}
    utils.set_random_seed(1)
    whole = network()
    whole.fit(*data, **options)
    utils.set_random_seed(1)
    backup = callbacks.BackupAndRestore(tmp_path / "backup", frequency, double_checkpoint=True)
    with pytest.raises(KeyboardInterrupt):
        network().fit(*data, **options, callbacks=[backup, stop])
    assert (tmp_path / "backup" / "latest.safetensors").exists()
    utils.set_random_seed(2)  # another program, which draws other seeds
    again = network()
    again.fit(*data, **options, callbacks=[backup])
    assert same(whole, again) and not (tmp_path / "backup").exists()


def test_backups_of_other_models_and_damaged_ones_are_refused(data: Any, tmp_path: Path) -> None:
    backup = callbacks.BackupAndRestore(tmp_path / "backup", delete_checkpoint=False)
    network().fit(*data, verbose=0, callbacks=[backup])
    with pytest.raises(saving.BadModelFile, match="latest"):
        network(6).fit(*data, verbose=0, callbacks=[backup])
    (tmp_path / "backup" / "latest.safetensors").write_bytes(b"")
    with pytest.raises(saving.BadModelFile, match=r"latest.*empty"):
        network().fit(*data, verbose=0, callbacks=[backup])
    with pytest.raises(ValueError, match="backup_dir"):
        callbacks.BackupAndRestore("")


def test_pattern_that_is_none_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match=r"`filepath` 'm\{epoch.safetensors' is no pattern such as '\{epoch\}.keras'"):
        callbacks.ModelCheckpoint("m{epoch.safetensors")
