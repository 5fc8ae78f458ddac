"""The pages: their programs run, their links lead somewhere, and they load nothing from elsewhere."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lamella
from lamella import cli
from lamella.datasets import digits, imdb, mnist

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/*.md")])
NEEDS = {
    "plotting.md": ["matplotlib"],
    "saving.md": ["onnxruntime", "h5py"],
    "scikit-learn.md": ["sklearn"],
    "tables.md": ["pandas", "sklearn"],
    "text.md": ["sklearn", "scipy"],
}
PROGRAMS = re.compile(r"^```python\n(.*?)^```$", re.M | re.S)


def page_id(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def reviews(rng: np.random.Generator, count: int) -> tuple[Any, Any]:
    """Lists of word numbers; small numbers are good words."""
    labels = rng.integers(0, 2, count)
    texts = np.empty(count, object)
    for i, label in enumerate(labels):
        texts[i] = rng.integers(1, 5000, 40).tolist() + rng.integers(1 + 100 * label, 100 + 100 * label, 10).tolist()
    return texts, labels


def with_programs() -> list[Any]:
    pages = [p for p in PAGES if PROGRAMS.search(p.read_text(encoding="utf-8"))]
    return [pytest.param(p, marks=[pytest.mark.mpi] * (p.name == "distributed.md"), id=page_id(p)) for p in pages]


@pytest.mark.parametrize("page", with_programs())
def test_programs_of_a_page_run(
    page: Path, rng: np.random.Generator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in NEEDS.get(page.name, []):
        pytest.importorskip(module)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    monkeypatch.setattr(mnist, "load_data", lambda: digits.load_data(num_train=2000, num_test=200))
    monkeypatch.setattr(imdb, "load_data", lambda num_words: (reviews(rng, 600), reviews(rng, 200)))
    names: dict[str, Any] = {"__name__": "page"}
    text = page.read_text(encoding="utf-8")
    for found in PROGRAMS.finditer(text):
        line = text.count("\n", 0, found.start(1))
        exec(compile("\n" * line + found[1], str(page), "exec"), names)  # errors then name the page's line
    lamella.distribution.set_distribution(None)
    assert len(names) > 1
    for command in re.findall(r"^lamella ((?:train|evaluate|predict) .+)$", text, re.M):
        for module in ["matplotlib"] if "--plot" in command else []:
            pytest.importorskip(module)
        assert cli.main(shlex.split(command)) == 0, command


def test_there_are_programs_on_the_pages_for_users() -> None:
    pages = {page_id(p) for p in PAGES if PROGRAMS.search(p.read_text(encoding="utf-8"))}
    names = ("first-network", "tables", "text", "scikit-learn", "saving", "plotting", "index")
    assert {"README.md", *(f"docs/{name}.md" for name in names)} <= pages


def anchors(page: Path) -> set[str]:
    """Headings as GitHub and Sphinx name them."""
    heads = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_links_lead_to_what_is_there(page: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith(("https://", "http://", "mailto:")):
            continue
        path, _, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), target
        assert not anchor or anchor in anchors(found), target


def test_every_page_is_in_the_sites_contents() -> None:
    text = "".join(p.read_text(encoding="utf-8") for p in (ROOT / "docs").glob("**/index.md"))
    listed = set(re.findall(r"^([\w-]+(?:/\w+)?)$", text, re.M))
    for page in (ROOT / "docs").glob("**/*.md"):
        name = page.stem if page.parent.name == "api" and page.stem != "index" else None
        assert page == ROOT / "docs" / "index.md" or (name or page_id(page)[5:-3]) in listed, page


def test_the_reference_has_a_page_for_every_public_module() -> None:
    text = "".join(p.read_text(encoding="utf-8") for p in (ROOT / "docs" / "api").glob("*.md"))
    described = set(re.findall(r"automodule:: ([\w.]+)$", text, re.M))
    public = {f"lamella.{name}" for name in lamella.__all__ if (ROOT / "python/lamella" / name).is_dir()}
    public |= {f"lamella.{p.stem}" for p in (ROOT / "python/lamella").glob("[a-z]*.py")} - {"lamella.cli"}
    assert len(public) > 15
    assert public - described == set()
