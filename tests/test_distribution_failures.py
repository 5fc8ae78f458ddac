"""Failures of one process of several, the guards before the start, and what to install."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_distribution import data, network
from threads_as_ranks import run_ranks

import lamella
from lamella import _launch, distribution, layers
from lamella.distribution import PeerError, _group, _mpi


def failing(rng: np.random.Generator, spoil: Any, ranks: int = 3) -> list[Any]:
    x, y = data(rng)

    def work(rank: int) -> Any:
        model = network([layers.Dense(8), layers.BatchNormalization(), layers.Dense(3)], rank)
        model.compile("sgd", "mse")
        spoil(rank, model, x, y)

    return run_ranks(ranks, work)


def check_failed(results: list[Any], kind: type[BaseException], who: int, text: str) -> None:
    for rank, found in enumerate(results):
        assert isinstance(found, kind if rank == who else PeerError), found
        assert text in str(found)
        if rank != who:
            assert f"rank {who} failed" in str(found)


@pytest.mark.parametrize("hook", ["on_train_begin", "on_train_batch_begin", "on_train_batch_end", "on_epoch_end"])
def test_an_exception_in_a_callback_of_one_rank_ends_all(rng: np.random.Generator, hook: str) -> None:
    def spoil(rank: int, model: Any, x: Any, y: Any) -> None:
        class Bad(lamella.callbacks.Callback):
            pass

        def fail(self: Any, *_: Any) -> None:
            raise ZeroDivisionError("on purpose")

        if rank == 1:
            setattr(Bad, hook, fail)
        model.fit(x, y, epochs=3, verbose=0, callbacks=[Bad()])

    check_failed(failing(rng, spoil), ZeroDivisionError, 1, "on purpose")


def test_bad_data_on_one_rank_ends_all(rng: np.random.Generator) -> None:
    def spoil(rank: int, model: Any, x: Any, y: Any) -> None:
        if rank == 2:
            x = np.where(np.arange(12) == 3, np.nan, x)
        model.fit(x, y, verbose=0)

    check_failed(failing(rng, spoil), ValueError, 2, "NaN")


def test_a_loss_that_fails_in_the_middle_of_a_step_ends_all_at_that_step(rng: np.random.Generator) -> None:
    x, y = data(rng)

    def work(rank: int) -> Any:
        class Bad(lamella.losses.Loss):
            calls = 0

            def call(self, y_true: Any, y_pred: Any) -> Any:
                self.calls += 1
                if rank == 1 and self.calls == 4:
                    raise ZeroDivisionError("on purpose")
                return ((y_pred - y_true) ** 2).mean(axis=-1)

            def gradient(self, y_true: Any, y_pred: Any) -> Any:
                return 2 * (y_pred - y_true) / 3

        model = network([layers.Dense(8), layers.BatchNormalization(), layers.Dense(3)], rank)
        model.compile("sgd", Bad())
        with pytest.raises(ZeroDivisionError if rank == 1 else PeerError, match="on purpose"):
            model.fit(x, y, batch_size=20, verbose=0)
        return model.optimizer.iterations

    assert run_ranks(3, work) == [3, 3, 3]


def test_another_data_set_on_one_rank_is_noticed(rng: np.random.Generator) -> None:
    results = failing(rng, lambda rank, model, x, y: model.fit(x[: 200 - rank], y[: 200 - rank], verbose=0))
    assert all(isinstance(found, RuntimeError) and "rank 1, 2 differ" in str(found) for found in results), results


def test_weights_that_went_apart_are_noticed_at_the_end_of_the_epoch(rng: np.random.Generator) -> None:
    def spoil(rank: int, model: Any, x: Any, y: Any) -> None:
        class Drift(lamella.callbacks.Callback):
            def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
                if epoch == 1 and rank == 2:
                    model.set_weights([w + 1 for w in model.get_weights()])

        model.fit(x, y, epochs=3, verbose=0, callbacks=[Drift()])

    results = failing(rng, spoil)
    assert all("The weights of rank 2 differ" in str(found) for found in results), results


def test_an_interruption_of_one_rank_ends_all(rng: np.random.Generator) -> None:
    def spoil(rank: int, model: Any, x: Any, y: Any) -> None:
        class Interrupt(lamella.callbacks.Callback):
            def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
                if rank == 1:
                    group = _group.active()
                    assert group is not None
                    group.interrupted = True

        model.fit(x, y, epochs=3, verbose=0, callbacks=[Interrupt()])

    assert all(isinstance(found, KeyboardInterrupt) for found in failing(rng, spoil))


def test_who_waits_too_long_says_so_and_ends_the_job(capfd: Any) -> None:
    ended = threading.Event()

    class Stuck:
        rank, size = 0, 2

        def allreduce_(self, buf: Any) -> None:
            assert ended.wait(30)

    class Mortal(_group.Group):
        def _end(self) -> None:
            ended.set()

    Mortal(Stuck(), 0.2).sum_(np.zeros(1))  # type: ignore[arg-type]
    assert "rank 0 has waited" in capfd.readouterr().err


# ---------------------------------------------------------------------- setting up


def test_the_watch_ends_with_an_error_of_the_transport() -> None:
    class Broken(_group.Communicator):
        rank, size = 0, 2

        def allreduce_(self, buf: Any) -> None:
            raise OSError("the link is down")

    ended = threading.Event()
    group = _group.Group(Broken(), timeout=0.1)
    group._end = ended.set  # type: ignore[method-assign]
    with pytest.raises(OSError, match="the link is down"):
        group.sum_(np.zeros(1))
    assert not ended.wait(1)


def test_a_wrong_launcher_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PMI_SIZE", "4")
    with pytest.raises(RuntimeError, match=r"started 4 processes.*sees 1"):
        _mpi.check_launcher(1)
    _mpi.check_launcher(4)


def test_more_ranks_than_cores_are_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_mpi.os, "cpu_count", lambda: 2)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    with pytest.warns(RuntimeWarning, match="3 ranks share 2 cores"):
        _mpi.share_cores(3)


def test_ranks_that_are_bound_to_one_core_are_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_mpi.os, "cpu_count", lambda: 8)
    monkeypatch.setattr(_mpi.os, "sched_getaffinity", lambda _: {0}, raising=False)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    with pytest.warns(RuntimeWarning, match="1 of 8 cores.*--bind-to none"):
        _mpi.share_cores(2)
    assert lamella.get_num_threads() == 1


def test_without_mpi_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr(_mpi.importlib, "import_module", missing)
    with pytest.raises(ImportError, match=r"lamella\[mpi-local\].*mpiexec -n 4"):
        distribution.DataParallel()


def test_a_program_that_is_started_alone_goes_on_alone() -> None:
    distribution.initialize(num_processes=1, process_id=0)
    assert distribution.size() == 1 and distribution.rank() == 0
    with pytest.raises(ValueError, match="`num_processes` is 4, but the launcher says 1"):
        distribution.initialize(num_processes=4)
    with pytest.raises(ValueError, match="`job_addresses` must be None"):
        distribution.initialize("a:1")


def test_wrong_arguments_say_what_was_expected() -> None:
    with pytest.raises(TypeError, match="must be a DataParallel or None, got str"):
        distribution.set_distribution("data")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="allreduce_"):
        distribution.DataParallel(comm=3)
    with pytest.raises(ValueError, match="`timeout`"):
        distribution.DataParallel(comm=3, timeout=-1)
    with pytest.raises(ValueError, match="`device_type`"):
        distribution.list_devices("gpu")


# ---------------------------------------------------------------------- lamella run


def launched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, codes: list[int], restarts: int) -> tuple[int, list[str]]:
    """The exit code of run(), and what a stand-in for mpiexec was called with; it ends with one code after another."""
    log, launcher = tmp_path / "log", tmp_path / "mpiexec"
    answers = " ".join(map(str, codes))
    lines = [
        "#!/bin/sh",
        f'printf "%s\\n" "$*" >> {log}',
        f"set -- {answers} last",
        f"while read -r call; do code=$1; shift; done < {log}",  # wheels are tested where there is no wc
        "exit $code",
    ]
    launcher.write_text("\n".join(lines))
    launcher.chmod(0o755)
    monkeypatch.setattr(_launch.importlib.util, "find_spec", lambda name: name)
    monkeypatch.setattr(_launch, "_WAIT", 0)
    code = _launch.run(3, restarts, ["train.py", "--fast"], str(launcher))
    return code, log.read_text().splitlines()


def test_a_failed_job_is_started_again_so_many_times(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, calls = launched(tmp_path, monkeypatch, [9, 137, 0, 0], 3)
    assert code == 0 and calls == [f"-n 3 {sys.executable} -m mpi4py train.py --fast"] * 3


def test_a_job_that_always_fails_ends_with_its_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, calls = launched(tmp_path, monkeypatch, [9, 9, 7], 2)
    assert code == 7 and len(calls) == 3


def test_an_interrupted_job_is_not_started_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, calls = launched(tmp_path, monkeypatch, [130, 0], 2)
    assert code == 130 and len(calls) == 1


def test_lamella_run_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_launch.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"lamella\[mpi-local\]"):
        _launch.run(2, 0, ["train.py"])
    monkeypatch.setattr(_launch.importlib.util, "find_spec", lambda name: name)
    monkeypatch.setattr(_launch.shutil, "which", lambda *_, **__: None)
    with pytest.raises(FileNotFoundError, match=r"no mpiexec.*lamella\[mpi-local\]"):
        _launch.run(2, 0, ["train.py"])


def test_open_mpi_as_root_is_refused_before_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(_launch.os, "geteuid", lambda: 0, raising=False)
    with pytest.raises(PermissionError, match="OMPI_ALLOW_RUN_AS_ROOT=1"):
        _launch._check_root()
    monkeypatch.setattr(_launch.os, "geteuid", lambda: 1000, raising=False)
    _launch._check_root()
