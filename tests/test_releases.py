"""Files of every earlier release (`release_files.py`): they load, predict the same, and train on as they would have."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import release_files
from release_files import FOLDER, WEIGHTS, WHOLE

from lamella import Sequential, callbacks, models

pytest.importorskip("h5py")
RELEASES = sorted(FOLDER.iterdir())
# Other processors and instruction sets round otherwise.
NEAR = {"rtol": 1e-4, "atol": 1e-5}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def assert_goes_on(model: Sequential, expected: Any, with_state: bool = True) -> None:
    x, y = expected["x"], expected["y"]
    np.testing.assert_allclose(model.predict(x, verbose=0), expected["before"], rtol=1e-6, atol=1e-6)
    if with_state:
        model.fit(x, y, epochs=4, initial_epoch=2, batch_size=8, verbose=0)
        np.testing.assert_allclose(model.predict(x, verbose=0), expected["after"], **NEAR)


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("folder", RELEASES, ids=lambda folder: folder.name)
def test_models_of_a_release_go_on(folder: Path, name: str) -> None:
    with np.load(folder / "expected.npz") as expected:
        assert_goes_on(models.load_model(folder / name), expected)


@pytest.mark.parametrize("name", WEIGHTS)
@pytest.mark.parametrize("folder", RELEASES, ids=lambda folder: folder.name)
def test_weights_of_a_release_are_loaded(folder: Path, name: str) -> None:
    model = release_files.network()
    model.load_weights(folder / name)
    with np.load(folder / "expected.npz") as expected:
        assert_goes_on(model, expected, with_state=False)
    assert model.optimizer.iterations == (0 if name.endswith(".npz") else 8)


@pytest.mark.parametrize("folder", RELEASES, ids=lambda folder: folder.name)
def test_backups_of_a_release_are_taken_up(folder: Path, tmp_path: Path) -> None:
    shutil.copy(folder / "latest.safetensors", tmp_path)
    model = release_files.network()
    with np.load(folder / "expected.npz") as expected:
        backup = callbacks.BackupAndRestore(tmp_path)
        history = model.fit(expected["x"], expected["y"], epochs=4, batch_size=8, verbose=0, callbacks=[backup])
        assert history.epoch == [2, 3]
        np.testing.assert_allclose(model.predict(expected["x"], verbose=0), expected["after"], **NEAR)


def test_each_release_left_every_format_and_this_version_writes_them_all(tmp_path: Path) -> None:
    release_files.main(tmp_path / "now")
    assert RELEASES
    for folder in RELEASES:
        assert names(folder) == names(tmp_path / "now")
