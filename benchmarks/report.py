"""Turns the results of run.py into Markdown tables and charts."""

from __future__ import annotations

import os
import platform
import statistics
from pathlib import Path
from typing import Any

from workloads import WORKLOADS, Workload

Numbers = dict[str, Any]
Results = dict[str, dict[str, list[Numbers]]]  # workload: contestant: one entry a round
OURS = "lamella"
BUSY = 0.15  # cores that other programs used meanwhile: beyond it a row says so


def machine(threads: int) -> dict[str, Any]:
    """What the figures depend on."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line.partition(":")[2].strip() for line in info.read_text().splitlines() if "model name" in line]
        cpu = next(iter(names), cpu)
    load = round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None
    system = f"{platform.system()} {platform.machine()}"
    facts = {"cpu": cpu, "cores": os.cpu_count(), "threads": threads, "system": system}
    return facts | {"python": platform.python_version(), "load_average_at_start": load}


def merge(rounds: list[Numbers]) -> Numbers:
    """The median of every number over the rounds; the rest from the first round that worked."""
    good = [numbers for numbers in rounds if "error" not in numbers]
    if not good:
        return rounds[0]
    keys = [key for key, value in good[0].items() if type(value) in (int, float)]
    return good[0] | {key: statistics.median(numbers[key] for numbers in good) for key in keys}


def loss_check(workload: Workload, merged: dict[str, Numbers]) -> dict[str, bool]:
    """Whether each final loss is near the median of those that take the same steps; few epochs leave losses apart."""
    losses = {name: n["loss"] for name, n in merged.items() if n.get("same_steps") and n.get("loss") is not None}
    if len(losses) < 2:
        return {}
    middle = statistics.median(losses.values())
    # Other orders of batches spread small losses by more than large ones.
    return {name: abs(loss - middle) <= workload.tolerance * middle + 0.005 for name, loss in losses.items()}


def table(workload: Workload, rounds: dict[str, list[Numbers]]) -> list[str]:
    """One workload as a Markdown table."""
    merged = {name: merge(numbers) for name, numbers in rounds.items()}
    checks = loss_check(workload, merged)
    ours = merged.get(OURS, {}).get("seconds")
    columns = COLUMNS[workload.measure]
    lines = [f"### {workload.name}: {workload.title}", ""]
    lines.append(f"| | {' | '.join(columns)} |" + (" lamella is faster by | goal |" if workload.goals else ""))
    lines.append("| --- |" + " ---: |" * (len(columns) + (2 if workload.goals else 0)))
    for name, numbers in merged.items():
        if "error" in numbers:
            lines.append(f"| {name} | {numbers['error']} |")
            continue
        cells = [show(column, numbers) for column in columns]
        if workload.measure != "crowded" and numbers.get("others", 0) > BUSY:
            cells[0] += f" (others used {numbers['others']:.1f} cores)"
        if name in checks and "loss" in columns:
            cells[columns.index("loss")] += "" if checks[name] else " **differs**"
        if workload.goals:
            cells += compare(ours, numbers["seconds"], workload.goals.get(name)) if name != OURS else ["", ""]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return [*lines, *limits(workload, merged), ""]


EXPLANATION = """\
`seconds` are medians, of an epoch after the first inside one `fit` or of a call of `predict`; `first` is the first
epoch, with its checks and compilation. `loss` is the mean over the last epoch, marked if it differs from the others'.
Two losses are not compared: scikit-learn has Adam and its own start, and PyTorch's RMSprop adds epsilon outside
the root, which matters where gradients are small."""

COLUMNS = {
    "fit": ["seconds", "first", "loss"],
    "threads": ["seconds", "first", "loss"],
    "predict_one": ["seconds"],
    "predict_many": ["seconds"],
    "crowded": ["seconds", "fit", "predict_one", "predict_many"],
    "memory": ["seconds", "added_mb", "data_mb"],
}


def show(column: str, numbers: Numbers) -> str:
    """A cell with its unit."""
    value = numbers.get(column)
    if value is None:
        return ""
    if column.endswith("_mb"):
        return f"{value:.0f} MB"
    if column == "loss":
        return f"{value:.4g}"
    return duration(value) if column in ("seconds", "first") else f"{value:.2f}x slower"


def duration(seconds: float) -> str:
    """Three digits and a unit."""
    scale, unit = next(((s, u) for s, u in ((1, "s"), (1e-3, "ms")) if seconds >= s), (1e-6, "us"))
    value = seconds / scale
    return f"{value:.{max(0, 2 - (value >= 10) - (value >= 100))}f} {unit}"


def compare(ours: float | None, peer: float, goal: float | None) -> list[str]:
    """The ratio, and whether it reaches the goal."""
    ratio = peer / ours if ours else None
    wanted = f"{goal:g}x" if goal else ""
    if ratio is None:
        return ["", wanted]
    return [f"{ratio:.2f}x", f"{wanted} {verdict(ratio >= goal)}" if goal else ""]


def verdict(reached: bool) -> str:
    """Of a goal."""
    return "reached" if reached else "**missed**"


def limits(workload: Workload, merged: dict[str, Numbers]) -> list[str]:
    """Bounds on ours alone, one line each."""
    if workload.measure == "threads":
        one, more = merged.get(f"{OURS} 1"), [n for name, n in merged.items() if name.startswith(OURS)][-1:]
        if not one or "seconds" not in one or not more or "seconds" not in more[0]:
            return []
        gain, least = one["seconds"] / more[0]["seconds"], workload.limits["gain_at_least"]
        return ["", f"More threads are {gain:.2f}x faster, goal at least {least:g}x: {verdict(gain >= least)}."]
    lines: list[str] = []
    for key, most in workload.limits.items():
        for name, value in merged.get(OURS, {}).items():
            if name.startswith(key) and isinstance(value, float):
                lines += ["", f"{name}: {value:.2f}, goal at most {most:g}: {verdict(value <= most)}."]
    return lines


def markdown(results: Results, about: dict[str, Any], command: str) -> str:
    """The whole report."""
    versions: dict[str, str] = {}
    for rounds in results.values():
        for numbers in rounds.values():
            versions |= numbers[0].get("versions", {})
    facts = [f"{key.replace('_', ' ')} {value}" for key, value in about.items()]
    lines = [f"`{command}`", "", ", ".join(facts) + ".", ""]
    lines += [", ".join(f"{name} {version}" for name, version in sorted(versions.items())) + ".", ""]
    lines += [f"{EXPLANATION}\n"]
    for name, rounds in results.items():
        lines += table(WORKLOADS[name], rounds)
    return "\n".join(lines)


def chart(results: Results, folder: Path) -> None:
    """One panel a workload with peers, a bar a contestant: benchmarks.png and benchmarks.svg in `folder`."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "lamella"  # the same figures give the same file
    mpl.rcParams["svg.fonttype"] = "none"  # a small one
    from matplotlib import pyplot as plt

    merged = {name: {c: merge(r) for c, r in rounds.items()} for name, rounds in results.items()}
    panels = {w: {c: n["seconds"] for c, n in m.items() if "seconds" in n} for w, m in merged.items()}
    panels = {workload: bars for workload, bars in panels.items() if any(not c.startswith(OURS) for c in bars)}
    if not panels:
        return
    columns = min(2, len(panels))
    rows = -(-len(panels) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(6 * columns, 2.4 * rows), squeeze=False, layout="constrained")
    for axis in axes.flat[len(panels) :]:
        axis.set_visible(False)
    for axis, (name, bars) in zip(axes.flat, panels.items(), strict=False):
        names = sorted(bars, key=lambda c: -bars[c])
        colors = ["#d1495b" if c.startswith(OURS) else "#8d99ae" for c in names]
        drawn = axis.barh(names, [bars[c] for c in names], color=colors)
        axis.bar_label(drawn, [duration(bars[c]) for c in names], padding=3, fontsize=8)
        axis.set_title(WORKLOADS[name].title, fontsize=10, loc="left")
        axis.margins(x=0.18)
        axis.set_xticks([])
        axis.tick_params(left=False, labelsize=9)
        axis.spines[:].set_visible(False)
    folder.mkdir(parents=True, exist_ok=True)
    figure.savefig(folder / "benchmarks.png", dpi=150)
    figure.savefig(folder / "benchmarks.svg", metadata={"Date": None})
