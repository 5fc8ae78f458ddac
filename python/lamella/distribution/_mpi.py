"""MPI through mpi4py, and the traps around it."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import time
import traceback
import warnings
from collections.abc import Iterator
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt

from .._core import get_num_threads, set_num_threads
from ._group import PeerError, RanksLost

Array = npt.NDArray[Any]

# What launchers tell their processes: the variable with the number of processes, and the launcher.
_LAUNCHERS = {"PMI_SIZE": "mpiexec of MPICH", "OMPI_COMM_WORLD_SIZE": "mpiexec of Open MPI", "SLURM_NTASKS": "Slurm"}
_FAULT_TOLERANT = "OMPI_MCA_mpi_ft_enable"  # what mpiexec --with-ft ulfm sets
_INSTALL = (
    'lamella.distribution needs MPI: pip install "lamella[mpi-local]" brings mpi4py with an MPI of its own; '
    'pip install "lamella[mpi]" brings mpi4py for the MPI that this machine or cluster has. Then start it with: '
    "mpiexec -n 4 python train.py"
)


class MPICommunicator:
    """A communicator of mpi4py.

    Args:
        comm: An MPI communicator; by default a copy of MPI.COMM_WORLD, so that the script's messages do not mix in.
    """

    def __init__(self, comm: Any = None) -> None:
        self.mpi = load()
        self._comm = (self.mpi.COMM_WORLD if comm is None else comm).Dup()
        self.rank, self.size = int(self._comm.Get_rank()), int(self._comm.Get_size())

    @contextlib.contextmanager
    def _watched(self) -> Iterator[None]:
        """Tells the others where a process is lost; without fault tolerance MPI has ended the job by then."""
        try:
            yield
        except self.mpi.Exception as error:
            if error.Get_error_class() not in (self.mpi.ERR_PROC_FAILED, self.mpi.ERR_REVOKED):
                raise
            self._comm.Revoke()
            raise RanksLost("A rank is lost.") from error

    def shrink_(self) -> MPICommunicator:
        """Those that are left."""
        return MPICommunicator(self._comm.Shrink())

    def allreduce_(self, buf: Array) -> None:
        """Sums in place."""
        with self._watched():
            self._comm.Allreduce(self.mpi.IN_PLACE, buf)

    def bcast_(self, buf: Array, root: int) -> None:
        """Sends from one to all."""
        with self._watched():
            self._comm.Bcast(buf, root)

    def alltoall_(self, parts: Array, buf: Array) -> None:
        """Sends a row to each."""
        with self._watched():
            self._comm.Alltoall(parts, buf)

    def reduce_scatter_(self, buf: Array, counts: Array) -> None:
        """Sums a part."""
        first = int(counts[: self.rank].sum())
        mine = buf[first : first + int(counts[self.rank])]
        summed = np.empty_like(mine)
        with self._watched():
            self._comm.Reduce_scatter(buf, summed, counts)
        mine[...] = summed

    def allgather_(self, buf: Array, counts: Array) -> None:
        """Puts the parts of all together."""
        with self._watched():
            self._comm.Allgatherv(self.mpi.IN_PLACE, [buf, counts])

    def abort(self, code: int) -> None:
        """Ends the job."""
        self._comm.Abort(code)

    def ranks_here(self) -> int:
        """Processes on this host."""
        here = self._comm.Split_type(self.mpi.COMM_TYPE_SHARED)
        found = int(here.Get_size())
        here.Free()
        return found


def load() -> Any:
    """mpi4py.MPI, which starts MPI.

    Raises:
        ImportError: If mpi4py or an MPI library is missing, with what to install.
    """
    try:
        if _is_fault_tolerant():
            _leave_without_finalize(importlib.import_module("mpi4py").rc)
        return importlib.import_module("mpi4py.MPI")
    except (ImportError, RuntimeError) as error:
        raise ImportError(f"{_INSTALL} ({error})") from error


def _is_fault_tolerant() -> bool:
    return os.environ.get(_FAULT_TOLERANT, "0").lower() in ("1", "true")


def _leave_without_finalize(rc: Any) -> None:
    """Open MPI's MPI_Finalize may wait for lost processes for ever (open-mpi/ompi issue 11404): mpi4py, which reads
    this once, is not to call it. Where processes may be lost, the launcher takes such an end as any other."""
    if rc.finalize is None and "mpi4py.MPI" not in sys.modules:
        rc.finalize = False


def warn_of_finalize() -> None:
    """Says that after a loss the script may not end."""
    if importlib.import_module("mpi4py").rc.finalize not in (False, "no"):
        warnings.warn(
            "mpi4py will call MPI_Finalize at the end of this script, where Open MPI can wait for lost ranks for ever. "
            "Call lamella.distribution.initialize() before `from mpi4py import MPI`, or set mpi4py.rc.finalize = False "
            "before that import.",
            RuntimeWarning,
            stacklevel=3,
        )


def require_fault_tolerance(comm: MPICommunicator) -> None:
    """Refuses an MPI that ends the job when a process is lost.

    Raises:
        RuntimeError: If it is one, with the way out.
    """
    vendor, version = comm.mpi.get_vendor()
    able = vendor == "Open MPI" and version >= (5,)
    if not able or not _is_fault_tolerant():
        found = f"{vendor} {'.'.join(map(str, version))}"
        raise RuntimeError(
            "on_failure='shrink' needs Open MPI 5 or later started with: mpiexec --with-ft ulfm -n 4 python train.py. "
            f"Found {found}{', started without it' if able else ''}. With every MPI, lamella run --max-restarts starts "
            "a job again from its last backup."
        )


def is_launched() -> bool:
    """Whether a launcher started this process, as far as the environment tells."""
    return any(os.environ.get(name, "1") not in ("", "1") for name in _LAUNCHERS)


def check_launcher(size: int) -> None:
    """Compares the number of processes with what the launcher says.

    Raises:
        RuntimeError: If they differ: the launcher belongs to another MPI, and each process believes to be alone.
    """
    for name, launcher in _LAUNCHERS.items():
        told = os.environ.get(name, "")
        if name == "SLURM_NTASKS" and "SLURM_PROCID" not in os.environ:
            continue  # a shell of an allocation, not a task
        if told.isdigit() and int(told) != size:
            raise RuntimeError(
                f"{launcher} started {told} processes ({name}), but the MPI that mpi4py found sees {size}: they "
                f"belong to different MPIs. Use the mpiexec beside this Python ({os.path.dirname(sys.executable)}), or "
                "install mpi4py against the MPI of the launcher."
            )


def share_cores(ranks_here: int) -> None:
    """Threads of this process: its share of the cores that it may use, unless OMP_NUM_THREADS says how many."""
    mine = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    cores = os.cpu_count() or 1
    if "OMP_NUM_THREADS" not in os.environ:
        # A mask as large as the machine is shared with the other ranks here; a smaller one was made for this rank.
        set_num_threads(max(1, min(mine // ranks_here if mine == cores else mine, get_num_threads())))
        if ranks_here < cores and mine == 1 < cores // ranks_here:
            warnings.warn(
                f"This rank may use 1 of {cores} cores: the launcher bound it there. Start Open MPI with "
                "--bind-to none, or --map-by slot:PE=N for N threads a rank.",
                RuntimeWarning,
                stacklevel=4,
            )
    elif get_num_threads() > mine:
        warnings.warn(
            f"{get_num_threads()} threads share {mine} core{'s' * (mine > 1)} that the launcher bound this rank to. "
            "Start Open MPI with --bind-to none, or --map-by slot:PE=N for N threads a rank.",
            RuntimeWarning,
            stacklevel=4,
        )
    if ranks_here > cores:
        warnings.warn(
            f"{ranks_here} ranks share {cores} cores of this host: MPI waits by spinning, and exchanges become up to a "
            "hundred times slower. Start one rank per host, or at most one per core.",
            RuntimeWarning,
            stacklevel=4,
        )


def end_all_on_error(comm: MPICommunicator) -> None:
    """An exception that nobody catches ends the job; by default the other processes would wait for ever."""
    before = sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if before is sys.__excepthook__:
            traceback.print_exception(kind, error, trace)
        else:
            before(kind, error, trace)
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
        if isinstance(error, PeerError):
            time.sleep(1)  # the rank that failed first has more to say
        comm.abort(130 if issubclass(kind, KeyboardInterrupt) else 1)

    if comm.size > 1:
        sys.excepthook = hook
