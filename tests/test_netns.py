"""Two hosts played by network namespaces with a limited link: steps take as long as the model of the docs says.

Needs root, `ip` and `tc`, and MPICH. `nox -s netns` runs it, as nothing else must run beside it.
"""

from __future__ import annotations

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

ROOT = Path(__file__).resolve().parent.parent
PYTHON_PATH = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), str(ROOT / "benchmarks")]))
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


@pytest.fixture(params=[1, 10])
def gigabit(request: pytest.FixtureRequest) -> Iterator[int]:
    """Namespaces lamella1, lamella2 on a bridge, each of which sends so many Gbit/s at most."""
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
            limit = ("rate", f"{request.param}gbit", "burst", "256kb", "latency", "50ms")
            root("ip", "netns", "exec", name, "tc", "qdisc", "add", "dev", "eth0", "root", "tbf", *limit)
        yield request.param
    finally:
        remove()


def sent_bytes(host: int) -> int:
    path = "/sys/class/net/eth0/statistics/tx_bytes"
    done = subprocess.run(
        ["ip", "netns", "exec", f"lamella{host}", "cat", path], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


def test_steps_on_two_hosts_take_what_the_model_says(gigabit: int, tmp_path: Path) -> None:
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        import scaling
    finally:
        sys.path.pop(0)
    shell = tmp_path / "shell"
    shell.write_text(SHELL)
    shell.chmod(0o755)
    launcher = shutil.which("mpiexec", path=os.path.dirname(sys.executable)) or "mpiexec"
    settings = {
        "MPIR_CVAR_CH4_NETMOD": "ofi",  # else several hosts on one machine talk through its memory
        "FI_PROVIDER": "tcp",
        "OMP_NUM_THREADS": "1",
        "PYTHONWARNINGS": "ignore",
        "PYTHONPATH": PYTHON_PATH,
    }
    command = ["ip", "netns", "exec", "lamella1", launcher, "-launcher", "rsh", "-launcher-exec", str(shell)]
    command += ["-iface", "eth0", *(word for pair in settings.items() for word in ("-genv", *pair))]
    command += ["-hosts", "10.77.0.1:1,10.77.0.2:1", "-n", str(HOSTS), sys.executable]
    done = subprocess.run(
        [*command, str(ROOT / "benchmarks/scaling.py")], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    alone = {
        int(rows): float(ms) for rows, ms in re.findall(r"step of (\d+) rows on one process: ([\d.]+) ms", done.stdout)
    }
    both = {
        int(rows): float(ms) for rows, ms in re.findall(r"step of (\d+) rows on each of 2: ([\d.]+) ms", done.stdout)
    }
    numbers = int(re.findall(r"\((\d+) parameters\)", done.stdout)[0])
    assert alone.keys() == both.keys() == {128, 1024}
    assert sent_bytes(1) > 100 * numbers * 4  # over the link, not through memory
    for rows, step in alone.items():
        expected = step + 1e3 * scaling.exchange_time(HOSTS, numbers, gigabit * 1e9)
        assert both[rows] == pytest.approx(expected, rel=0.25), done.stdout
