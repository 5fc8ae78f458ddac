"""One contestant, one workload, one process: `python measure.py REQUEST` prints one line of JSON.

`spawn` is the caller's side: it starts that process and reads the line.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import itertools
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from contestants import Contestant
    from workloads import Data, Workload

Numbers = dict[str, Any]
SPELLINGS = {"tensorflow": ("tensorflow", "tensorflow-cpu", "tensorflow-intel")}


def spawn(python: str, contestant: str, workload: str, threads: int, epochs: int | None, limit: float) -> Numbers:
    """Runs one measurement in a process of its own; what goes wrong there comes back under "error"."""
    from contestants import CONTESTANTS

    request = {"contestant": contestant, "workload": workload, "threads": threads, "epochs": epochs}
    limits = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), str(threads))
    # Ours has to need no help from the environment.
    environment = os.environ | ({} if contestant in ("lamella", "eigen") else limits) | CONTESTANTS[contestant][2]
    command = [python, str(Path(__file__).resolve()), json.dumps(request)]
    before, start = others(), time.perf_counter()
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=limit)
    except subprocess.TimeoutExpired:
        return {"error": f"took longer than {limit:g} s"}
    lines = done.stdout.strip().splitlines()
    if done.returncode or not lines:
        tail = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        return {"error": tail[-1]}
    result: Numbers = json.loads(lines[-1])
    return result | {"others": (others() - before) / (time.perf_counter() - start)}


def others() -> float:
    """Seconds of processor time that programs beside this one and its finished children have used so far (on Linux)."""
    with contextlib.suppress(OSError):
        ticks = [int(tick) for tick in Path("/proc/stat").read_text().split("\n")[0].split()[1:]]
        own = os.times()
        user, nice, system, _idle, _wait, irq, soft, steal = ticks[:8]
        busy_seconds = (user + nice + system + irq + soft + steal) / os.sysconf("SC_CLK_TCK")
        return busy_seconds - own.user - own.system - own.children_user - own.children_system
    return 0.0


def answer(request: dict[str, Any]) -> Numbers:
    """What the child process does."""
    threads = request["threads"]
    if hasattr(os, "sched_setaffinity"):  # before any library looks: some ask the machine, not the environment
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    from contestants import NotApplicable, create
    from workloads import WORKLOADS

    workload = WORKLOADS[request["workload"]]
    start = time.perf_counter()
    try:
        contestant = create(request["contestant"])
    except ImportError as error:
        return {"error": "not installed", "why": str(error)}
    imported = time.perf_counter() - start
    data = workload.load()
    try:
        numbers = MEASURES[workload.measure](contestant, workload, data, threads, request["epochs"] or workload.epochs)
    except NotApplicable as error:
        return {"error": f"does not apply: {error}"}
    numbers |= {"import": imported, "peak_mb": peak_mb()}
    return numbers | {"same_steps": contestant.same_steps, "versions": versions(contestant.packages)}


def measure_fit(contestant: Contestant, workload: Workload, data: Data, threads: int, epochs: int) -> Numbers:
    """Seconds of the first epoch, and the median of the others."""
    contestant.prepare(workload, data, threads)
    epochs = max(epochs, 2)
    seconds, loss = contestant.fit(epochs)
    return {"seconds": statistics.median(seconds[1:]), "first": seconds[0], "epochs": seconds, "loss": loss}


def measure_predict_one(contestant: Contestant, workload: Workload, data: Data, threads: int, _: int) -> Numbers:
    """Seconds a call with one row, the median of many calls with different rows."""
    contestant.prepare(workload, data, threads)
    return {"seconds": statistics.median(calls(contestant, one_row(data), 3.0))}


def measure_predict_many(contestant: Contestant, workload: Workload, data: Data, threads: int, _: int) -> Numbers:
    """Seconds a call with 10,000 rows, the median of several."""
    contestant.prepare(workload, data, threads)
    return {"seconds": statistics.median(calls(contestant, [data.x[:10_000]], 3.0))}


def measure_crowded(contestant: Contestant, workload: Workload, data: Data, threads: int, epochs: int) -> Numbers:
    """How many times slower two busy processes make `fit` and `predict`: means over seconds, idle and then crowded."""
    contestant.prepare(workload, data, threads)
    epochs = max(epochs, 3)
    contestant.fit(2)
    works: dict[str, Callable[[], float]] = {
        "fit": lambda: statistics.fmean(contestant.fit(epochs)[0][1:]),
        "predict_one": lambda: statistics.fmean(calls(contestant, one_row(data), 2.0)),
        "predict_many": lambda: statistics.fmean(calls(contestant, [data.x[:10_000]], 2.0)),
    }
    idle = {name: work() for name, work in works.items()}
    with busy(2):
        crowded = {name: work() for name, work in works.items()}
    numbers: Numbers = {name: crowded[name] / idle[name] for name in works}
    return numbers | {"seconds": crowded["fit"], "idle": idle, "crowded": crowded}


def measure_memory(contestant: Contestant, workload: Workload, data: Data, threads: int, epochs: int) -> Numbers:
    """By how much `prepare` and `fit` raise the peak of this process above what it held with the data loaded."""
    before = reset_peak_mb()
    contestant.prepare(workload, data, threads)
    seconds, loss = contestant.fit(max(epochs, 2))
    data_mb = (data.x.nbytes + data.y.nbytes) / 1e6
    return {"seconds": statistics.median(seconds), "loss": loss, "added_mb": peak_mb() - before, "data_mb": data_mb}


MEASURES: dict[str, Callable[..., Numbers]] = {
    "fit": measure_fit,
    "threads": measure_fit,
    "predict_one": measure_predict_one,
    "predict_many": measure_predict_many,
    "crowded": measure_crowded,
    "memory": measure_memory,
}


def one_row(data: Data) -> list[Any]:
    """Arguments of one row each."""
    return [data.x[i : i + 1] for i in range(0, 10_000, 10)]


def calls(contestant: Contestant, arguments: list[Any], seconds: float) -> list[float]:
    """Times `predict` on the arguments in turn for about `seconds`, at least five calls after two to warm up."""
    for x in itertools.islice(itertools.cycle(arguments), 2):
        contestant.predict(x)
    times: list[float] = []
    end = time.perf_counter() + seconds
    for x in itertools.cycle(arguments):
        start = time.perf_counter()
        contestant.predict(x)
        now = time.perf_counter()
        times.append(now - start)
        if now > end and len(times) >= 5:
            return times
    raise AssertionError("there are no arguments")


@contextlib.contextmanager
def busy(count: int) -> Iterator[None]:
    """So many other processes that never sleep, on the same cores."""
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        time.sleep(0.3)
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


def peak_mb() -> float:
    """The most memory this process has held, in MB; since `reset_peak_mb` where the system can forget."""
    with contextlib.suppress(OSError, StopIteration):
        return linux_status("VmHWM")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


def reset_peak_mb() -> float:
    """Forgets earlier peaks (on Linux) and returns what is held now, in MB."""
    with contextlib.suppress(OSError, StopIteration):
        Path("/proc/self/clear_refs").write_text("5")
        return linux_status("VmRSS")
    return peak_mb()


def linux_status(key: str) -> float:
    """A line of /proc/self/status, in MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(key)).split()[1]) * 1024 / 1e6


def versions(packages: tuple[str, ...]) -> dict[str, str]:
    """Of the installed distributions."""
    found = {}
    for package in packages:
        for name in SPELLINGS.get(package, (package,)):
            with contextlib.suppress(importlib.metadata.PackageNotFoundError):
                found[package] = importlib.metadata.version(name)
                break
    return found


if __name__ == "__main__":
    print(json.dumps(answer(json.loads(sys.argv[1]))))
