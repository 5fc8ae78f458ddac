"""Compares training and prediction across programs: `python benchmarks/run.py --help`."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import report
from contestants import CONTESTANTS
from measure import Numbers, spawn
from workloads import WORKLOADS, Workload

OURS_ALONE = ("threads", "crowded", "memory")  # compared with itself unless contestants are named


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Workloads x contestants: one process each, in interleaved rounds.")
    add, names = parser.add_argument, ", ".join(CONTESTANTS)
    add("workloads", nargs="*", metavar="WORKLOAD", help=f"of: {', '.join(WORKLOADS)} (default: all)")
    add("-c", "--contestants", nargs="+", choices=CONTESTANTS, metavar="NAME", help=f"of: {names} (default: all)")
    add("-r", "--rounds", type=int, default=3, help="every contestant runs once a round (default 3)")
    add("-e", "--epochs", type=int, help="instead of each workload's own number, at least 2")
    add("-t", "--threads", type=int, default=os.cpu_count(), help="cores each process may use (default all)")
    add("--peers", default=sys.executable, metavar="PYTHON", help="interpreter that has the peers installed")
    add("--limit", type=float, default=900, help="seconds that one process may take (default 900)")
    add("--json", type=Path, help="write every figure to this file")
    add("--replay", type=Path, help="measure nothing: report on a file that --json wrote")
    add("--chart", type=Path, metavar="FOLDER", help="draw benchmarks.png and benchmarks.svg there")
    options = parser.parse_args()
    if unknown := set(options.workloads) - set(WORKLOADS):
        parser.error(f"unknown workload {', '.join(sorted(unknown))}; choose from {', '.join(WORKLOADS)}")
    return options


def plan(workload: Workload, options: argparse.Namespace) -> Iterator[tuple[str, str, int]]:
    """(label, contestant, threads) of every process that one round of a workload needs."""
    alone = workload.name in OURS_ALONE
    for name in options.contestants or (["lamella"] if alone else CONTESTANTS):
        if name == "eigen" and name not in workload.goals:
            continue
        if workload.name == "threads":
            for threads in sorted({1, options.threads}):
                yield f"{name} {threads}", name, threads
        else:
            yield name, name, options.threads


def measure_all(options: argparse.Namespace) -> report.Results:
    """Interleaved rounds, so that a slow minute of the machine meets everyone."""
    results: report.Results = {}
    for name in options.workloads or WORKLOADS:
        results[name] = {}
        for turn in range(options.rounds):
            for label, contestant, threads in plan(WORKLOADS[name], options):
                rounds = results[name].setdefault(label, [])
                if rounds and "error" in rounds[-1]:
                    continue
                python = sys.executable if contestant in ("lamella", "eigen") else options.peers
                start = time.perf_counter()
                numbers = spawn(python, contestant, name, threads, options.epochs, options.limit)
                rounds.append(numbers)
                log(f"{name}, round {turn + 1}, {label}", numbers, time.perf_counter() - start)
    return results


def log(what: str, numbers: Numbers, took: float) -> None:
    found = numbers.get("error") or report.duration(numbers["seconds"])
    print(f"{what}: {found} (process {took:.1f} s)", file=sys.stderr, flush=True)


def main() -> None:
    options = arguments()
    if options.replay:
        saved = json.loads(options.replay.read_text())
        about, command, results = saved["machine"], saved["command"], saved["results"]
    else:
        command = shlex.join(["python", "benchmarks/run.py", *sys.argv[1:]])
        about = report.machine(options.threads)
        about["mnist"] = "from LAMELLA_DATA" if os.environ.get("LAMELLA_DATA") else "replaced by digits"
        results = measure_all(options)
    if options.json:
        options.json.write_text(json.dumps({"command": command, "machine": about, "results": results}, indent=1))
    if options.chart:
        report.chart(results, options.chart)
    print(report.markdown(results, about, command))


if __name__ == "__main__":
    main()
