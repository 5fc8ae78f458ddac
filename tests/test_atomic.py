"""Writes never replace what is no regular file."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from lamella import _arguments
from lamella._atomic import write_atomic


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fifos in folders")
def test_pipes_are_refused_and_kept(tmp_path: Path) -> None:
    pipe, link = tmp_path / "pipe.csv", tmp_path / "link.csv"
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    for path in (pipe, link):
        with pytest.raises(OSError, match=f"{path.name} is a device, a pipe"):
            write_atomic(path, b"x")
        with pytest.raises(Exception, match="must be a regular file"):
            _arguments.target(".csv")(str(path))
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["link.csv", "pipe.csv"]
