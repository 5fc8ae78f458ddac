"""Training on several processes or hosts with MPI: the same script, the same loss curve, sooner.

Start it with ``mpiexec -n 4 python train.py``; run alone it trains as always.

Example:
    >>> import lamella
    >>> lamella.distribution.rank(), lamella.distribution.size()
    (0, 1)
"""

from __future__ import annotations

from typing import Any

from .._checks import flag, integer, real
from .._public import publish
from ._group import Communicator, Group, PeerError, RanksLost, activate, active
from ._mpi import (
    MPICommunicator,
    check_launcher,
    end_all_on_error,
    is_launched,
    require_fault_tolerance,
    share_cores,
    warn_of_finalize,
)

__all__ = [
    "Communicator",
    "DataParallel",
    "PeerError",
    "RanksLost",
    "distribution",
    "get_device_count",
    "initialize",
    "list_devices",
    "rank",
    "set_distribution",
    "size",
]

_world: list[MPICommunicator] = []
_set: list[DataParallel] = []


class DataParallel:
    """Every process holds the whole model and trains on its slice of each batch; gradients are summed over all.

    `batch_size` stays the size of the whole batch: any number of processes computes the same, up to the order of sums.

    Args:
        comm: A communicator of mpi4py, or an object with the methods of `Communicator`; by default all of MPI.
        auto_shard_dataset: True: all processes pass the same data, and take their rows of each batch. False: each
            passes rows of its own to fit() and evaluate(), as many as it has; predict() is for each process alone.
        sync_every: With k > 1 each process takes k steps on its own rows, then weights and the optimizer's state become
            their means. For slow networks; data must be shuffled, and saving between exchanges saves what rank 0 has.
        grad_dtype: ``"bfloat16"`` halves the bytes of an exchange; sums are taken in float32.
        shard_optimizer: During fit() each process keeps the optimizer's state for its part of the weights and updates
            them, then takes over the others': less memory, the same numbers to the bit. After it all have all again.
        on_failure: ``"abort"`` ends the job when a process is lost. With ``"shrink"`` fit() on arrays goes on with
            those that are left if they are more than half; it needs Open MPI 5 and ``mpiexec --with-ft ulfm``.
        timeout: Seconds that a process waits for the others before it ends the job with a message; 0 for ever.

    Raises:
        ImportError: If there is no MPI and `comm` is not given.
        RuntimeError: If `on_failure` asks for what this MPI cannot do.
        TypeError: If `comm` cannot do what is asked of it.
        ValueError: If another argument is out of range.

    Example:
        >>> class Alone:
        ...     rank, size = 0, 1
        ...     def allreduce_(self, buf): ...
        ...     def bcast_(self, buf, root): ...
        ...     def abort(self, code): ...
        >>> DataParallel(Alone()).size
        1
    """

    def __init__(
        self,
        comm: Any = None,
        auto_shard_dataset: bool = True,
        sync_every: int = 1,
        grad_dtype: str = "float32",
        shard_optimizer: bool = False,
        on_failure: str = "abort",
        timeout: float = 600,
    ) -> None:
        self.auto_shard_dataset = flag("DataParallel", "auto_shard_dataset", auto_shard_dataset)
        self.sync_every = integer("DataParallel", "sync_every", sync_every, least=1)
        self.shard_optimizer = flag("DataParallel", "shard_optimizer", shard_optimizer)
        if self.shard_optimizer and self.sync_every > 1:
            raise ValueError(
                "`shard_optimizer` needs sync_every=1: steps between exchanges need the whole state of the optimizer."
            )
        if grad_dtype not in ("float32", "bfloat16"):
            raise ValueError(f"`grad_dtype` must be 'float32' or 'bfloat16', got {grad_dtype!r}.")
        self.grad_dtype = grad_dtype
        if on_failure not in ("abort", "shrink"):
            raise ValueError(f"`on_failure` must be 'abort' or 'shrink', got {on_failure!r}.")
        self.on_failure = on_failure
        if on_failure == "shrink" and (self.shard_optimizer or not self.auto_shard_dataset):
            raise ValueError(
                "on_failure='shrink' cannot be combined with shard_optimizer=True or auto_shard_dataset=False: with a "
                "rank its part of the state or its rows are lost. Use lamella run --max-restarts with BackupAndRestore."
            )
        self.timeout = real("DataParallel", "timeout", timeout, least=0)
        if comm is None:
            comm = _join()
        elif not hasattr(comm, "allreduce_"):
            if not hasattr(comm, "Allreduce"):
                raise TypeError(
                    f"`comm` must be an mpi4py communicator or have allreduce_(), got {type(comm).__name__}."
                )
            comm = MPICommunicator(comm)
        if grad_dtype == "bfloat16" and not hasattr(comm, "alltoall_"):
            raise TypeError("`comm` needs alltoall_() and allgather_() for grad_dtype='bfloat16'; add them.")
        if self.shard_optimizer and not (hasattr(comm, "reduce_scatter_") and hasattr(comm, "allgather_")):
            raise TypeError("`comm` needs reduce_scatter_() and allgather_() for shard_optimizer=True; add them.")
        if on_failure == "shrink":
            if isinstance(comm, MPICommunicator):
                require_fault_tolerance(comm)
                warn_of_finalize()
            elif not hasattr(comm, "shrink_"):
                raise TypeError("`comm` needs shrink_() for on_failure='shrink'; add it.")
        self.comm: Communicator = comm
        self.rank, self.size = int(comm.rank), int(comm.size)


def _join() -> MPICommunicator:
    if not _world:
        comm = MPICommunicator()
        check_launcher(comm.size)
        end_all_on_error(comm)
        if comm.size > 1:
            share_cores(comm.ranks_here())
        _world.append(comm)
    return _world[0]


def initialize(
    job_addresses: str | None = None, num_processes: int | None = None, process_id: int | None = None
) -> None:
    """Joins the processes that a launcher such as mpiexec started. Started alone, a program goes on alone.

    Afterwards an exception that nobody catches ends all processes.

    Args:
        job_addresses: Must be None: addresses are the launcher's business.
        num_processes, process_id: None, or what the launcher must agree with.

    Raises:
        ImportError: If a launcher started several processes and there is no MPI, with what to install.
        RuntimeError: If the launcher belongs to another MPI library than mpi4py uses.
        ValueError: If an argument contradicts the launcher.

    Example:
        >>> initialize(num_processes=1)
    """
    if job_addresses is not None:
        raise ValueError(
            "`job_addresses` must be None: mpiexec knows the hosts (mpiexec -hosts a,b -n 2 python train.py)."
        )
    if is_launched():
        _join()
    found = (_world[0].size, _world[0].rank) if _world else (1, 0)
    for name, given, real_one in (("num_processes", num_processes, found[0]), ("process_id", process_id, found[1])):
        if given is not None and given != real_one:
            raise ValueError(
                f"`{name}` is {given}, but the launcher says {real_one}. Leave it out, or correct the launch."
            )


def set_distribution(value: DataParallel | None) -> None:
    """Shares training, evaluation and prediction of all models with the other processes from here on; None ends that.

    Raises:
        TypeError: If `value` is something else.

    Example:
        >>> set_distribution(None)
    """
    if not (value is None or isinstance(value, DataParallel)):
        raise TypeError(f"`value` must be a DataParallel or None, got {type(value).__name__}.")
    _set[:] = [] if value is None else [value]
    if value is None or value.size == 1:
        activate(None)
    else:
        half = value.grad_dtype == "bfloat16"
        shards, own_data = value.shard_optimizer, not value.auto_shard_dataset
        shrinks = value.on_failure == "shrink"
        activate(Group(value.comm, value.timeout, value.sync_every, half, shards, own_data, shrinks))


def distribution() -> DataParallel | None:
    """What set_distribution() has set.

    Example:
        >>> distribution() is None
        True
    """
    return _set[0] if _set else None


def rank() -> int:
    """The number of this process, from 0.

    Example:
        >>> rank()
        0
    """
    group = active()
    return group.rank if group else _world[0].rank if _world else 0


def size() -> int:
    """How many processes there are.

    Example:
        >>> size()
        1
    """
    group = active()
    return group.size if group else _world[0].size if _world else 1


def list_devices(device_type: str | None = None) -> list[str]:
    """A name for each process: this library's devices are the CPUs of its processes.

    Raises:
        ValueError: If `device_type` is neither None nor ``"cpu"``.

    Example:
        >>> list_devices()
        ['cpu:0']
    """
    if device_type is not None and str(device_type).lower() != "cpu":
        raise ValueError(f"`device_type` must be 'cpu' or None, got {device_type!r}: lamella runs on CPUs.")
    return [f"cpu:{number}" for number in range(size())]


def get_device_count(device_type: str | None = None) -> int:
    """The length of list_devices().

    Example:
        >>> get_device_count()
        1
    """
    return len(list_devices(device_type))


publish(globals())
