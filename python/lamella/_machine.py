"""What was built and what runs here."""

from __future__ import annotations

import platform

import numpy as np

from . import __version__, _cpu
from ._core import core, get_num_threads, isa


def facts() -> dict[str, str]:
    """Versions, threads and instruction sets; nothing that names the machine or its user.

    Example:
        >>> list(facts())[:3]
        ['lamella', 'Eigen', 'OpenMP']
    """
    return {
        "lamella": __version__,
        "Eigen": str(core.eigen_version),
        "OpenMP": str(core.openmp_version),
        "threads": str(get_num_threads()),
        "instruction set": isa(),
        "  built": " ".join(_cpu.built()),
        "  usable": " ".join(_cpu.usable()),
        "Python": f"{platform.python_version()} ({platform.python_implementation()})",
        "NumPy": np.__version__,
        "platform": platform.platform(),
    }
