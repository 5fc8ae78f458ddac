"""Real processes under mpiexec: the numbers of one, and no hang whatever befalls a rank. `nox -s mpi` runs these."""

from __future__ import annotations

import json
import os
import re
import shutil
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


def is_open_mpi() -> bool:
    found = shutil.which("mpiexec", path=os.path.dirname(sys.executable)) or "mpiexec"
    return "Open MPI" in subprocess.run([found, "--version"], capture_output=True, text=True, check=True).stdout


def run(ranks: int, *arguments: Any, restarts: int = 0, launcher: str = "") -> subprocess.CompletedProcess[str]:
    as_root = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    command = [sys.executable, "-m", "lamella", "run", "-n", str(ranks), "--max-restarts", str(restarts)]
    command += [*(["--mpiexec", launcher] if launcher else []), str(JOB)]
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
        np.testing.assert_allclose(found["losses"], alone["losses"], rtol=2e-6, err_msg=name)
        np.testing.assert_allclose(found["tested"][0], alone["tested"][0], rtol=1e-5, err_msg=name)
        assert found["rows"] == 500


@pytest.mark.parametrize("ranks", [2, 3, 4])
def test_fifty_steps_of_a_tanh_network(ranks: int, tmp_path: Path) -> None:
    np.testing.assert_allclose(result(ranks, "tanh", tmp_path), result(1, "tanh", tmp_path), rtol=2e-6)


@pytest.mark.parametrize("ranks", [2, 3, 4])
def test_a_divided_optimizer_writes_the_file_of_a_whole_one(ranks: int, tmp_path: Path) -> None:
    found = result(ranks, "sharded", tmp_path)
    assert len(found) == 11 and all(len(crcs) == 2 and crcs[0] == crcs[1] for crcs in found.values()), found


@pytest.mark.parametrize("ranks", [2, 3])
def test_ranks_with_rows_of_their_own_have_the_losses_of_one_process(ranks: int, tmp_path: Path) -> None:
    np.testing.assert_allclose(result(ranks, "own_data", tmp_path), result(1, "own_data", tmp_path), rtol=2e-6)


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


# ---------------------------------------------------------------------- going on with those that are left


def shrunk(
    tmp_path: Path, ranks: int, victims: str, step: int = 25, what: str = "lost"
) -> subprocess.CompletedProcess[str]:
    beside = os.path.dirname(sys.executable)
    launcher = f"{beside}/mpiexec --with-ft ulfm --bind-to none --map-by :OVERSUBSCRIBE"
    return run(ranks, what, tmp_path, victims, step, launcher=launcher)


@pytest.mark.parametrize("victim", [0, 1, 2])
def test_those_that_are_left_go_on(victim: int, tmp_path: Path) -> None:
    if not is_open_mpi():
        done = run(3, "lost", tmp_path, victim, 25)
        assert done.returncode != 0 and "on_failure='shrink' needs Open MPI 5" in done.stderr
        return
    for name in ("undisturbed", "shrunk"):
        (tmp_path / name).mkdir()
    undisturbed = shrunk(tmp_path / "undisturbed", 3, "")
    done = shrunk(tmp_path / "shrunk", 3, str(victim))
    lines = [next(x for x in each.stdout.splitlines() if x.startswith("RESULT ")) for each in (done, undisturbed)]
    assert undisturbed.returncode == done.returncode == 0, undisturbed.stderr + done.stderr
    found, expected = [json.loads(line.removeprefix("RESULT "))["found"] for line in lines]
    assert found["size"] == 2 and expected["size"] == 3
    assert found["loss"] == pytest.approx(expected["loss"], rel=1e-5)
    assert len(found["history"]) == 4
    assert (tmp_path / "shrunk" / "log.csv").read_text().splitlines()[-1].startswith("3,")


@pytest.mark.parametrize("victims", ["0", "1", ""])
def test_they_end_where_finalize_never_returns(victims: str, tmp_path: Path) -> None:
    if not is_open_mpi():
        return
    done = shrunk(tmp_path, 3, victims, what="stuck")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("RESULT") == 1 and done.stdout.count("LAST") == 3 - len(victims)


def test_those_that_are_no_majority_stop(tmp_path: Path) -> None:
    if not is_open_mpi():
        return
    done = shrunk(tmp_path, 2, "1")
    assert "RESULT" not in done.stdout and "no majority" in done.stderr


# ---------------------------------------------------------------------- the command line


def commanded(ranks: int, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """A command of lamella itself under mpiexec."""
    launcher = shutil.which("mpiexec", path=os.path.dirname(sys.executable)) or "mpiexec"
    options = ["--bind-to", "none", "--map-by", ":OVERSUBSCRIBE"] if is_open_mpi() else []
    as_root = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    return subprocess.run(
        [launcher, *options, "-n", str(ranks), sys.executable, "-m", "lamella", *words],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=folder,
        env={**os.environ, **as_root, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"},
    )


def test_commands_that_train_are_shared(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = [f"{a:.4f},{b:.4f},{2 * a - b:.4f}" for a, b in rng.normal(size=(400, 2))]
    (tmp_path / "table.csv").write_text("a,b,c\n" + "\n".join(rows) + "\n")
    words = ("train", "table.csv", "--target", "c", "--seed", "3", "--save")
    one, two = commanded(1, tmp_path, *words, "one.safetensors"), commanded(2, tmp_path, *words, "two.safetensors")
    assert one.returncode == two.returncode == 0, one.stderr + two.stderr
    assert two.stdout.count("wrote two.safetensors") == 1
    score = r"mean absolute error ([\d.e-]+)"
    found, expected = (float(re.findall(score, each.stdout)[0]) for each in (two, one))
    assert found == pytest.approx(expected, rel=0.05)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.safetensors", "table.csv", "two.safetensors"]


def test_a_command_that_fails_on_its_ranks_ends_with_one_line(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("a,b\n1,2\n3,4\n")
    start = time.monotonic()
    done = commanded(2, tmp_path, "train", "table.csv", "--target", "missing")
    assert done.returncode != 0 and "missing" in done.stderr and "Traceback" not in done.stderr
    assert time.monotonic() - start < 10
