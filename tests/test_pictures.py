"""Pictures compared with tests/baselines, which somebody looked at; `python tests/pictures.py` draws these anew."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("matplotlib")
import matplotlib
from pictures import BASELINES, PICTURES, draw
from PIL import Image, ImageFilter


def loaded(path: Path, blur: float) -> Any:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB").filter(ImageFilter.GaussianBlur(blur)), float)


def differing(name: str, path: Path) -> float:
    """The difference from a baseline as a share of what is drawn there: blurred, for releases set texts differently."""
    baseline, other = (loaded(each, blur=3) for each in (BASELINES / f"{name}.png", path))
    assert baseline.shape == other.shape
    return float(np.sqrt(((baseline - other) ** 2).mean() / ((baseline - 255) ** 2).mean()))


def tolerance(name: str) -> float:
    """0.05 for the release that drew the baseline; 3.8 is up to 0.21 away from 3.11."""
    with Image.open(BASELINES / f"{name}.png") as image:
        drawn = image.info["Software"]
    return 0.05 if f"version{'.'.join(matplotlib.__version__.split('.')[:2])}." in drawn else 0.3


@pytest.mark.parametrize("name", PICTURES)
def test_picture_is_as_it_was_when_somebody_looked_at_it(name: str, tmp_path: Path) -> None:
    draw(name, tmp_path / "now.png")
    assert differing(name, tmp_path / "now.png") < tolerance(name)


def test_every_baseline_is_compared() -> None:
    assert {path.stem for path in BASELINES.glob("*.png")} == set(PICTURES)


@pytest.mark.parametrize("name", PICTURES)
def test_comparison_sees_what_is_gone_or_elsewhere_or_of_another_colour(name: str, tmp_path: Path) -> None:
    pixels = loaded(BASELINES / f"{name}.png", blur=0).astype(np.uint8)
    ink = np.flatnonzero((pixels != 255).any(axis=(0, 2)))
    half, moved = pixels.copy(), np.roll(pixels, 12, axis=1)
    half[:, math.floor(ink.mean()) :] = 255
    for changed in (half, moved):
        Image.fromarray(changed).save(tmp_path / "other.png")
        assert differing(name, tmp_path / "other.png") > 0.3
    Image.fromarray(pixels[:, :, [2, 0, 1]]).save(tmp_path / "other.png")
    assert differing(name, tmp_path / "other.png") > 0.05
