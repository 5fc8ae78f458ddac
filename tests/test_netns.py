"""Two hosts played by network namespaces with a limited link: steps take as long as the model of the docs says.

Needs root, `ip` and `tc`, and MPICH. `nox -s netns` runs it, as nothing else must run beside it.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.netns

BENCHMARK = Path(__file__).resolve().parent.parent / "benchmarks/scaling.py"
HOSTS = 2
SHELL = """#!/bin/bash
# Stands in for ssh: the last number of the address is the namespace.
while [[ $1 == -* ]]; do shift; done
number=${1##*.}; shift
exec ip netns exec lamella$number bash -c "$*"
"""


def root(*words: object) -> None:
    subprocess.run([str(word) for word in words], check=True)


def remove() -> None:
    for host in range(1, HOSTS + 1):
        subprocess.run(["ip", "netns", "del", f"lamella{host}"], check=False, stderr=subprocess.DEVNULL)
    subprocess.run(["ip", "link", "del", "lamella"], check=False, stderr=subprocess.DEVNULL)
    time.sleep(1)  # names are free a moment later


@contextlib.contextmanager
def hosts(gigabit: int | None) -> Iterator[None]:
    """Namespaces lamella1, lamella2 on a bridge; each sends so many Gbit/s at most, or as much as it can."""
    remove()
    try:
        root("ip", "link", "add", "lamella", "type", "bridge")
        root("ip", "link", "set", "lamella", "up")
        for host in range(1, HOSTS + 1):
            name, link = f"lamella{host}", f"lamella-{host}"
            root("ip", "netns", "add", name)
            root("ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", name)
            root("ip", "link", "set", link, "master", "lamella", "up")
            root("ip", "-n", name, "addr", "add", f"10.77.0.{host}/24", "dev", "eth0")
            for device in ("eth0", "lo"):
                root("ip", "-n", name, "link", "set", device, "up")
            if gigabit is not None:
                limit = ("rate", f"{gigabit}gbit", "burst", "256kb", "latency", "50ms")
                root("ip", "netns", "exec", name, "tc", "qdisc", "add", "dev", "eth0", "root", "tbf", *limit)
        yield
    finally:
        remove()


def sent_bytes(host: int) -> int:
    path = "/sys/class/net/eth0/statistics/tx_bytes"
    inside = ["ip", "netns", "exec", f"lamella{host}", "cat", path]
    return int(subprocess.run(inside, capture_output=True, text=True, check=True).stdout)


def measured(gigabit: int | None, folder: Path) -> str:
    """What benchmarks/scaling.py prints on these hosts."""
    shell = folder / "shell"
    shell.write_text(SHELL)
    shell.chmod(0o755)
    launcher = shutil.which("mpiexec", path=os.path.dirname(sys.executable)) or "mpiexec"
    settings = {
        "MPIR_CVAR_CH4_NETMOD": "ofi",  # else several hosts on one machine talk through its memory
        "FI_PROVIDER": "tcp",
        "OMP_NUM_THREADS": "1",
        "PYTHONWARNINGS": "ignore",
        "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
    }
    command = ["ip", "netns", "exec", "lamella1", launcher, "-launcher", "rsh", "-launcher-exec", str(shell)]
    command += ["-iface", "eth0", *(word for pair in settings.items() for word in ("-genv", *pair))]
    command += ["-hosts", "10.77.0.1:1,10.77.0.2:1", "-n", str(HOSTS), sys.executable, str(BENCHMARK)]
    with hosts(gigabit):
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert sent_bytes(1) > 100 * 1.6e6  # over the link, not through memory
    return done.stdout


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, float]:
    """What the hosts can do where the link sets no limit."""
    text = measured(None, tmp_path_factory.mktemp("hosts"))
    latency, rate = re.findall(r"fit of the model: latency ([\d.]+) µs, ([\d.]+) GB/s", text)[0]
    return {"latency": 1e-6 * float(latency), "copy": 1e9 * float(rate)}


@pytest.mark.parametrize("gigabit", [1, 10])
def test_steps_on_two_hosts_take_what_the_model_says(gigabit: int, fitted: dict[str, float], tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("scaling", BENCHMARK)
    assert spec is not None and spec.loader is not None
    scaling = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(scaling)
    text = measured(gigabit, tmp_path)
    alone, both = (
        {int(rows): float(ms) for rows, ms in re.findall(rf"step of (\d+) rows on {where}: ([\d.]+) ms", text)}
        for where in ("one process", "each of 2")
    )
    numbers = int(re.findall(r"\((\d+) parameters\)", text)[0])
    assert alone.keys() == both.keys() == {128, 1024}
    for rows, step in alone.items():
        expected = step + 1e3 * scaling.exchange_time(HOSTS, numbers, gigabit * 1e9, **fitted)
        print(f"{gigabit} Gbit/s, {rows} rows: {both[rows]:.2f} ms, model {expected:.2f} ms, {fitted}")
        assert both[rows] == pytest.approx(expected, rel=0.25), (fitted, text)
