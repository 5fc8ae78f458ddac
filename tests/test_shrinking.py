"""Training that goes on with the processes that are left."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_distribution import data, network
from threads_as_ranks import Killed, run_ranks

import lamella
from lamella import layers, optimizers
from lamella.distribution import DataParallel, RanksLost, _group, _mpi

ROWS, BATCH, EPOCHS = 200, 20, 3


class Kill(lamella.callbacks.Callback):
    """Ends a rank so many calls of the transport after a step."""

    def __init__(self, ranks: tuple[int, ...], step: int, calls: int) -> None:
        super().__init__()
        self.ranks, self.step, self.calls = ranks, step, calls

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        group = _group.active()
        if group is None or group.size < 3 or group.rank not in self.ranks:
            return
        if self.model.optimizer._steps == self.step:
            group.comm.calls_left = self.calls  # type: ignore[attr-defined]


def trained(
    killed: tuple[int, ...], step: int, calls: int, ranks: int = 3, more: Any = None, **options: Any
) -> list[Any]:
    x, y = data(np.random.default_rng(3), ROWS)

    def work(rank: int) -> Any:
        parts = [layers.Dense(16, "tanh"), layers.Dropout(0.2, seed=1), layers.BatchNormalization(), layers.Dense(3)]
        model = network(parts, rank)
        model.compile(optimizers.Adam(0.01, **options), "mse", metrics=["mae"])
        watch = [*([] if more is None else more(rank)), Kill(killed, step, calls)]
        fit = {"batch_size": BATCH, "epochs": EPOCHS, "verbose": 0, "validation_split": 0.2, "shuffle": False}
        history = model.fit(x, y, callbacks=watch, **fit)
        return model.get_weights(), history, model.optimizer.iterations, model.evaluate(x, y, verbose=0)

    return run_ranks(ranks, work, shrinks=True)


@pytest.mark.filterwarnings("ignore:Of 3 ranks 1 are lost:RuntimeWarning")
@pytest.mark.parametrize("victim", [0, 1, 2])
@pytest.mark.parametrize(("step", "calls"), [(3, 0), (3, 4), (8, 6), (15, 3), (16, 8), (24, 5)])
def test_the_weights_are_those_of_an_undisturbed_run(victim: int, step: int, calls: int) -> None:
    [alone] = trained((), 0, 0, ranks=1)
    found = trained((victim,), step, calls)
    assert isinstance(found.pop(victim), Killed)
    for result in found:
        assert not isinstance(result, BaseException), result
        assert result[2] == alone[2] == EPOCHS * 8
        for a, b in zip(result[0], alone[0], strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5)
        np.testing.assert_allclose(result[3], alone[3], rtol=1e-4)
        losses = result[1].history["val_loss"]
        np.testing.assert_allclose(losses, alone[1].history["val_loss"][-len(losses) :], rtol=1e-4)
        assert len(result[1].history["loss"]) == len(losses) == EPOCHS
    assert all(np.array_equal(a, b) for a, b in zip(found[0][0], found[1][0], strict=True))


@pytest.mark.filterwarnings("ignore:Of 3 ranks 1 are lost:RuntimeWarning")
def test_accumulated_gradients_are_kept() -> None:
    options = {"gradient_accumulation_steps": 3, "use_ema": True}
    [alone] = trained((), 0, 0, ranks=1, **options)
    found = trained((1,), 10, 2, **options)
    for a, b in zip(found[2][0], alone[0], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5)


def test_who_becomes_the_first_writes_from_then_on(tmp_path: Path) -> None:
    def more(rank: int) -> list[Any]:
        folder = tmp_path / str(rank)
        folder.mkdir(exist_ok=True)
        backup = lamella.callbacks.BackupAndRestore(str(tmp_path / "backup"), delete_checkpoint=False)
        return [backup, lamella.callbacks.CSVLogger(str(folder / "log.csv"))]

    with pytest.warns(RuntimeWarning, match="Of 3 ranks 1 are lost; 2 go on"):
        found = trained((0,), 18, 3, more=more)
    assert isinstance(found[0], Killed) and found[1][2] == found[2][2] == EPOCHS * 8
    assert [line.split(",")[0] for line in (tmp_path / "1" / "log.csv").read_text().splitlines()] == ["epoch", "2"]
    assert not (tmp_path / "2" / "log.csv").exists()


def test_half_of_the_ranks_are_no_majority() -> None:
    found = trained((0, 1), 10, 2)
    assert isinstance(found[2], RuntimeError) and "no majority" in str(found[2]), found
    assert all(isinstance(result, Killed) for result in found[:2])


def test_a_rank_that_is_lost_where_that_is_not_asked_for_ends_all() -> None:
    x, y = data(np.random.default_rng(3), ROWS)

    def work(rank: int) -> Any:
        model = network([layers.Dense(3)], rank)
        model.compile("sgd", "mse")
        model.fit(x, y, batch_size=20, epochs=3, verbose=0, callbacks=[Kill((1,), 5, 1)])

    found = run_ranks(3, work)
    assert isinstance(found[1], Killed) and all(isinstance(found[i], RanksLost) for i in (0, 2)), found


def test_sources_of_batches_are_refused() -> None:
    x, y = data(np.random.default_rng(3), ROWS)

    def work(rank: int) -> Any:
        model = network([layers.Dense(3)], rank)
        model.compile("sgd", "mse")
        model.fit(iter([(x, y)]), verbose=0)

    found = run_ranks(2, work, shrinks=True)
    assert all(isinstance(each, ValueError) and "needs arrays" in str(each) for each in found), found


def test_an_mpi_that_cannot_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Library:
        vendor: Any = ("MPICH", (5, 0, 2))

        def get_vendor(self) -> Any:
            return self.vendor

    class Comm:
        mpi = Library()

    monkeypatch.delenv(_mpi._FAULT_TOLERANT, raising=False)
    for vendor, found in (
        (("MPICH", (5, 0, 2)), "Found MPICH 5.0.2."),
        (("Open MPI", (5, 0, 1)), "started without it"),
    ):
        Library.vendor = vendor
        with pytest.raises(RuntimeError, match=f"mpiexec --with-ft ulfm.*{found}.*--max-restarts"):
            _mpi.require_fault_tolerance(Comm())  # type: ignore[arg-type]
    monkeypatch.setenv(_mpi._FAULT_TOLERANT, "1")
    _mpi.require_fault_tolerance(Comm())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("tolerant", "chosen", "imported", "expected"),
    [
        ("1", None, False, False),
        ("true", None, False, False),
        ("1", True, False, True),  # the script's own choice
        ("1", None, True, None),  # too late: it has been read
        ("0", None, False, None),
    ],
)
def test_mpi_is_not_finalized_where_ranks_may_be_lost(
    monkeypatch: pytest.MonkeyPatch, tolerant: str, chosen: Any, imported: bool, expected: Any
) -> None:
    package = types.ModuleType("mpi4py")
    package.rc = types.SimpleNamespace(finalize=chosen)  # type: ignore[attr-defined]
    started: list[Any] = []  # what MPI reads as it starts

    def import_module(name: str) -> Any:
        if name == "mpi4py.MPI":
            started.append(package.rc.finalize)  # type: ignore[attr-defined]
        return package

    monkeypatch.delitem(sys.modules, "mpi4py.MPI", raising=False)
    if imported:
        monkeypatch.setitem(sys.modules, "mpi4py.MPI", package)
    monkeypatch.setenv(_mpi._FAULT_TOLERANT, tolerant)
    monkeypatch.setattr(_mpi.importlib, "import_module", import_module)
    _mpi.load()
    assert started == [expected]
    if expected is False:
        _mpi.warn_of_finalize()  # says nothing
    else:
        with pytest.warns(RuntimeWarning, match=r"wait for lost ranks for ever.*initialize\(\) before"):
            _mpi.warn_of_finalize()


def test_arguments_that_contradict_one_another_are_refused() -> None:
    class Few:
        rank, size = 0, 2

        def allreduce_(self, buf: Any) -> None: ...

    with pytest.raises(ValueError, match="`on_failure` must be 'abort' or 'shrink', got 'ignore'"):
        DataParallel(Few(), on_failure="ignore")
    for options in ({"shard_optimizer": True}, {"auto_shard_dataset": False}):
        with pytest.raises(ValueError, match="cannot be combined"):
            DataParallel(Few(), on_failure="shrink", **options)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="needs shrink_"):
        DataParallel(Few(), on_failure="shrink")
