"""Damaged files of every kind that lamella reads: none loads with other content where a checksum guards it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mutants import CORPUS, FORMATS, campaign, outcome

pytest.importorskip("h5py")
KEPT = sorted(path for path in CORPUS.rglob("*") if path.is_file())


@pytest.mark.parametrize("name", FORMATS)
def test_mutants_are_the_same_or_refused_with_a_documented_error(
    name: str, tmp_path: Path, rng: np.random.Generator
) -> None:
    found = campaign(name, 150, rng, tmp_path)
    assert found.faults == []
    assert sum(found.counts.values()) == 150 and found.counts["refused"] > 50


@pytest.mark.parametrize("path", KEPT, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_the_kept_files_end_as_they_should(path: Path, tmp_path: Path) -> None:
    form = FORMATS[path.parent.name]
    copy, good = tmp_path / f"copy{form.ending}", path.parent / f"good{form.ending}"
    copy.write_bytes(good.read_bytes())
    expected = form.read(copy)
    copy.write_bytes(path.read_bytes())
    found = outcome(form, copy, expected)
    assert found == "same" if path == good else found in ("same", "other")[: 2 - form.ours] or "refused" in found


def test_every_format_has_kept_files() -> None:
    assert {path.parent.name for path in KEPT} == {*FORMATS}
