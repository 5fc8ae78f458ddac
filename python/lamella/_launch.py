"""Several processes on the command line: ``lamella run -n 4 train.py``, and commands that mpiexec has started."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from . import distribution
from ._streams import tell
from .distribution._group import active, agreed_on
from .distribution._mpi import is_launched

_WAIT = 1.0  # seconds before a restart
_INTERRUPTED = (130, -2)


def run(processes: int, max_restarts: int, script: Sequence[str], mpiexec: str | None = None) -> int:
    """Runs a script under mpiexec until it ends well.

    Args:
        processes: How many.
        max_restarts: How often it is started again after it failed; not after Ctrl-C.
        script: The script and its arguments.
        mpiexec: The launcher with options of its own; by default the one beside this Python, or of the path.

    Returns:
        The launcher's last exit code.

    Raises:
        ImportError: If mpi4py is missing, with what to install.
        FileNotFoundError: If there is no mpiexec.
    """
    command = [*_launcher(mpiexec, processes), "-n", str(processes), sys.executable, "-m", "mpi4py", *script]
    for attempt in range(max_restarts + 1):
        try:
            code = subprocess.run(command, check=False).returncode
        except KeyboardInterrupt:
            return 130
        if code == 0 or code in _INTERRUPTED or attempt == max_restarts:
            break
        tell(f"run ended with code {code}; restart {attempt + 1} of {max_restarts}")
        time.sleep(_WAIT)
    return code if code >= 0 else 128 - code


@contextlib.contextmanager
def joined(options: Any) -> Iterator[None]:
    """A command that trains: its processes share the work if mpiexec has started several; the first prints and writes.

    Args:
        options: The command's. All processes take the seed of the first, and others write into a folder that goes.
    """
    if not is_launched():
        yield
        return
    distribution.initialize()
    distribution.set_distribution(distribution.DataParallel())
    group = active()
    try:
        with contextlib.ExitStack() as stack:
            if group is not None:
                if options.seed is None:
                    options.seed = int(group.of_first(float(np.random.default_rng().integers(2**32))))
                if group.rank > 0:
                    stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
                    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
                    for name in ("plot", "report", "save"):
                        if getattr(options, name, None) is not None:
                            setattr(options, name, folder / Path(getattr(options, name)).name)
            yield
    except BaseException as error:
        if group is not None and not agreed_on(error):  # the others wait, and would for ever
            if not isinstance(error, SystemExit):
                tell(f"error: {error or type(error).__name__}")
            group.comm.abort(1)
        raise
    finally:
        distribution.set_distribution(None)


def _launcher(given: str | None, processes: int) -> list[str]:
    if importlib.util.find_spec("mpi4py") is None:
        raise ImportError(
            'lamella run needs MPI: pip install "lamella[mpi-local]" brings mpi4py with an MPI of its own, '
            '"lamella[mpi]" mpi4py for the MPI that is here.'
        )
    if given is not None:
        words = shlex.split(given)
        if not words or shutil.which(words[0]) is None:
            raise FileNotFoundError(f"There is no launcher {given!r} here; name another (--mpiexec), or leave it out.")
        return words
    beside = os.path.dirname(sys.executable)
    found = shutil.which("mpiexec", path=beside) or shutil.which("mpiexec")
    if found is None:
        raise FileNotFoundError(
            'There is no mpiexec on the path; pip install "lamella[mpi-local]" brings one, clusters have a module.'
        )
    version = subprocess.run([found, "--version"], capture_output=True, text=True, check=False)
    if not any(name in version.stdout + version.stderr for name in ("Open MPI", "OpenRTE", "PRRTE")):
        return [found]
    _check_root()
    crowded = processes > (os.cpu_count() or 1)
    return [found, "--bind-to", "none", *(["--map-by", ":OVERSUBSCRIBE"] if crowded else [])]


def _check_root() -> None:
    allowed = all(os.environ.get(f"OMPI_ALLOW_RUN_AS_ROOT{end}") == "1" for end in ("", "_CONFIRM"))
    if hasattr(os, "geteuid") and os.geteuid() == 0 and not allowed:
        raise PermissionError(
            "Open MPI does not start as root. Run as another user, or set OMPI_ALLOW_RUN_AS_ROOT=1 and "
            "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1."
        )
