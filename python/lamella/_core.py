"""Chooses the compiled core for this processor, and everything about its threads."""

from __future__ import annotations

import importlib
import math
import os
from types import ModuleType
from typing import TYPE_CHECKING

from ._cpu import usable as usable_isas

_MOST_THREADS = 1024


def _choose() -> ModuleType:
    usable = usable_isas()
    isa = os.environ.get("LAMELLA_ISA") or next(iter(usable), "none")
    if isa not in usable:
        raise ImportError(
            f"LAMELLA_ISA={isa!r} cannot run here; this build and machine allow: {', '.join(usable) or 'none'}."
        )
    return importlib.import_module(f"{__package__}._core_{isa}")


if TYPE_CHECKING:
    from . import _native

    core = _native  # the stubs of all instruction sets
else:
    core = _choose()


def isa() -> str:
    """The instruction set of the core in use, such as ``"x86_64_v3"``; the variable LAMELLA_ISA overrides it.

    Example:
        >>> isa() in ("x86_64_v4", "x86_64_v3", "x86_64_v2", "aarch64", "baseline")
        True
    """
    return str(core.isa)


def get_num_threads() -> int:
    """The number of threads that training and prediction may use; small steps stay on one.

    Example:
        >>> get_num_threads() >= 1
        True
    """
    return int(core.max_threads())


def set_num_threads(threads: int) -> None:
    """Limits the threads of later calls. Results do not depend on it, to the bit.

    Args:
        threads: How many, at most 1024 or as many as there are processors; 0 for OpenMP's own choice (OMP_NUM_THREADS,
            the processors that this process may use, limits set through threadpoolctl).

    Raises:
        TypeError: If `threads` is not an integer.
        ValueError: If it is negative or too large.

    Example:
        >>> set_num_threads(1)
        >>> get_num_threads()
        1
        >>> set_num_threads(0)
    """
    if isinstance(threads, bool) or not hasattr(threads, "__index__"):
        raise TypeError(f"`threads` must be an integer, got {threads!r}.")
    if threads < 0:
        raise ValueError(f"`threads` must be 0 (let OpenMP decide) or more, got {threads}.")
    most = max(_MOST_THREADS, os.cpu_count() or 1)
    if threads > most:
        raise ValueError(
            f"`threads` must be at most {most}, got {threads}; more than there are processors make nothing faster, "
            "and 0 lets OpenMP decide."
        )
    core.set_num_threads(int(threads))


def _read(path: str) -> str:
    with open(path, encoding="ascii") as file:
        return file.read()


def _container_cpus(cgroup: str = "/sys/fs/cgroup") -> int | None:
    """Whole processors of a container's CPU quota, which OpenMP does not see; None without a quota."""
    try:
        quota, period = _read(f"{cgroup}/cpu.max").split()
    except (OSError, ValueError):
        try:
            quota = _read(f"{cgroup}/cpu/cpu.cfs_quota_us")
            period = _read(f"{cgroup}/cpu/cpu.cfs_period_us")
        except OSError:
            return None
    try:
        return max(1, math.ceil(int(quota) / int(period))) if int(quota) > 0 else None
    except ValueError:  # "max"
        return None


def _start_threads() -> None:
    limit = _container_cpus()
    if limit is not None and "OMP_NUM_THREADS" not in os.environ and limit < core.max_threads():
        core.set_num_threads(limit)
    if hasattr(os, "register_at_fork"):
        # libgomp's threads do not survive a fork and the child would wait for them for ever; it makes its own instead.
        os.register_at_fork(before=core.release_threads, after_in_child=core.forked)


_start_threads()
