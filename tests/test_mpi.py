"""Real processes under mpiexec: the numbers of one, and no hang whatever befalls a rank. `nox -s mpi` runs these."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.mpi

JOB = Path(__file__).with_name("mpi_job.py")
KILLS = int(os.environ.get("LAMELLA_KILLS", "3"))  # 20 in `nox -s mpi`


def run(ranks: int, *arguments: Any, restarts: int = 0) -> subprocess.CompletedProcess[str]:
    as_root = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    command = [sys.executable, "-m", "lamella", "run", "-n", str(ranks), "--max-restarts", str(restarts), str(JOB)]
    return subprocess.run(
        [*command, *map(str, arguments)],
        capture_output=True,
        text=True,
        errors="replace",
        timeout=120,
        env={**os.environ, **as_root, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"},
    )


def result(ranks: int, *arguments: Any, restarts: int = 0) -> Any:
    done = run(ranks, *arguments, restarts=restarts)
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    assert done.returncode == 0 and len(lines) == 1, done.stdout + done.stderr
    found = json.loads(lines[0].removeprefix("RESULT "))
    assert found["size"] == ranks
    return found["found"]


@pytest.fixture(scope="module")
def curves_of_one(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return result(1, "curves", tmp_path_factory.mktemp("one"))


@pytest.mark.parametrize("ranks", [2, 3, 4])
def test_every_optimizer_has_the_losses_of_one_process(ranks: int, curves_of_one: Any, tmp_path: Path) -> None:
    for name, found in result(ranks, "curves", tmp_path).items():
        alone = curves_of_one[name]
        if name == "Lion":  # the sign of a gradient near zero may turn with the order of its sum
            assert found["losses"][0] == pytest.approx(alone["losses"][0], rel=2e-6)
            np.testing.assert_allclose(found["losses"], alone["losses"], rtol=5e-3)
            continue
        np.testing.assert_allclose(found["losses"], alone["losses"], rtol=2e-6, atol=2e-6, err_msg=name)
        np.testing.assert_allclose(found["tested"][0], alone["tested"][0], rtol=1e-5, err_msg=name)
        assert found["rows"] == 500


@pytest.mark.parametrize("ranks", [2, 3, 4])
def test_fifty_steps_of_a_tanh_network(ranks: int, tmp_path: Path) -> None:
    np.testing.assert_allclose(result(ranks, "tanh", tmp_path), result(1, "tanh", tmp_path), rtol=2e-6)


@pytest.mark.parametrize("ranks", [2, 3])
def test_fewer_bytes_learn_the_same(ranks: int, tmp_path: Path) -> None:
    found = result(ranks, "fewer_bytes", tmp_path)
    assert found["apart"] != found["plain"] != found["half"]
    np.testing.assert_allclose(found["half"], found["plain"], rtol=0.01)
    np.testing.assert_allclose(found["apart"], found["plain"], rtol=0.05)


def test_estimators_of_scikit_learn_are_shared(tmp_path: Path) -> None:
    assert result(2, "estimator", tmp_path) == pytest.approx(result(1, "estimator", tmp_path), abs=0.02)


@pytest.mark.parametrize("what", ["raise", "outside"])
def test_an_exception_on_one_rank_ends_all_with_its_message(what: str, tmp_path: Path) -> None:
    start = time.monotonic()
    done = run(3, what, tmp_path, 1, 5)
    assert done.returncode != 0 and "ZeroDivisionError: on purpose" in done.stderr
    assert time.monotonic() - start < 5 + 5  # five to start and to train
    assert "RESULT" not in done.stdout


def test_a_stopped_rank_ends_the_job_with_a_message(tmp_path: Path) -> None:
    start = time.monotonic()
    done = run(3, "stop", tmp_path, 1, 5)
    assert done.returncode != 0 and "has waited" in done.stderr and "for the other ranks" in done.stderr
    assert time.monotonic() - start < 2 + 5 + 5


def test_an_interrupted_rank_ends_all(tmp_path: Path) -> None:
    done = run(3, "interrupt", tmp_path, 1, 5)
    assert done.returncode != 0 and "KeyboardInterrupt" in done.stderr and "RESULT" not in done.stdout


def test_a_killed_job_is_started_again_and_ends_as_an_undisturbed_one(tmp_path: Path) -> None:
    (tmp_path / "undisturbed").mkdir()
    undisturbed = result(3, "kill", tmp_path / "undisturbed", -1, 0)
    rng = np.random.default_rng(os.getpid())
    for attempt in range(KILLS):
        folder = tmp_path / str(attempt)
        folder.mkdir()
        rank, step = attempt % 3, int(rng.integers(2, 39))
        assert result(3, "kill", folder, rank, step, restarts=3) == undisturbed, (rank, step)
        assert (folder / "harmed").exists()


def test_a_job_goes_on_with_another_number_of_ranks(tmp_path: Path) -> None:
    for name in ("undisturbed", "moved"):
        (tmp_path / name).mkdir()
    undisturbed = result(3, "kill", tmp_path / "undisturbed", -1, 0)
    assert run(3, "kill", tmp_path / "moved", 1, 25).returncode != 0
    moved = result(2, "kill", tmp_path / "moved", 1, 25)
    assert moved["loss"] == pytest.approx(undisturbed["loss"], rel=1e-5)
