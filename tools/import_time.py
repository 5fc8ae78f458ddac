"""Milliseconds that `import lamella` takes above `import numpy`: the median of 15 pairs of processes in turns.

python tools/import_time.py      # prints it
python tools/import_time.py 60   # and fails above 60 ms
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys

PAIRS = 15
# By the clock: time of the processor would count the threads of NumPy's BLAS, which spin meanwhile.
PROGRAM = "import time; begun = time.perf_counter(); import {}; print(time.perf_counter() - begun)"


def milliseconds(module: str) -> float:
    """One import in a process of its own."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-c", PROGRAM.format(module)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return 1000 * float(done.stdout)


def main(arguments: list[str]) -> int:
    milliseconds("lamella")  # compiles bytecode, fills the system's file cache
    pairs = [(milliseconds("numpy"), milliseconds("lamella")) for _ in range(PAIRS)]
    numpy, above = (statistics.median(column) for column in zip(*((a, b - a) for a, b in pairs), strict=True))
    print(f"import numpy {numpy:.0f} ms, import lamella {above:.0f} ms more")
    return bool(arguments and above > float(arguments[0]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
