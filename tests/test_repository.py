"""Files for people and machines around the code: releases, workflows, hooks."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import lamella

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def tool(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """tools/release.py over a tree of its own, version 1.2.3."""
    files = {
        "python/lamella/__init__.py": '__version__ = "1.2.3"\n',
        "CITATION.cff": "cff-version: 1.2.0\nversion: 1.2.3\n",
        "CHANGELOG.md": "# Changelog\n\n## 1.2.3 (2026-12-31)\n\n- New\n\n## 1.2.2 (2026-11-01)\n\n- Old\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    module = tool("release")
    monkeypatch.setattr(module, "ROOT", tmp_path)
    return module


def test_a_releases_notes_are_its_part_of_the_changelog(release: ModuleType) -> None:
    assert release.notes("v1.2.3") == "- New"


def test_a_tag_that_is_not_the_version_releases_nothing(release: ModuleType) -> None:
    with pytest.raises(ValueError, match=r"__init__\.py says version 1\.2\.3, the tag v1\.2\.2"):
        release.notes("v1.2.2")


def test_an_unfinished_changelog_releases_nothing(release: ModuleType) -> None:
    changes = release.ROOT / "CHANGELOG.md"
    changes.write_text("# Changelog\n\n## 1.2.3 (unreleased)\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"must say the day of 1\.2\.3"):
        release.notes("v1.2.3")
    changes.write_text("# Changelog\n\n## 1.2.2 (2026-11-01)\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"has no part for 1\.2\.3"):
        release.notes("v1.2.3")


def test_the_import_time_tool_prints_two_numbers() -> None:
    module = tool("import_time")
    assert 0 < module.milliseconds("math") < 60_000
    assert callable(module.main)


def sessions() -> set[str]:
    text = (ROOT / "noxfile.py").read_text(encoding="utf-8")
    return set(re.findall(r"^@nox\.session.*\n(?:@nox.*\n)*def (\w+)", text, re.M))


def test_workflows_run_sessions_that_exist() -> None:
    assert {path.stem for path in WORKFLOWS} == {"benchmarks", "docs", "release", "sanitizers", "tests", "wheels"}
    text = "\n".join(path.read_text(encoding="utf-8") for path in WORKFLOWS)
    named = {name for line in re.findall(r"nox -s ([a-z ]+)$", text, re.M) for name in line.split()}
    for listed in re.findall(r"session: \[(.+)\]", text):
        named |= {each.strip(' "').split()[0] for each in listed.split(",")}
    assert len(named) > 8
    assert named - sessions() == set()


def test_there_are_sessions_for_the_night() -> None:
    assert "--tags nightly" in (ROOT / ".github/workflows/sanitizers.yml").read_text(encoding="utf-8")
    assert (ROOT / "noxfile.py").read_text(encoding="utf-8").count('tags=["nightly"]') >= 2


def test_workflows_have_no_rights_that_they_do_not_need() -> None:
    for path in WORKFLOWS:
        text = path.read_text(encoding="utf-8")
        assert re.search(r"^permissions:\n  contents: read$", text, re.M), path
        assert text.count("persist-credentials: false") == text.count("actions/checkout@"), path
        assert "secrets." not in text, "releases are published by who runs them, not by a password"


def test_public_classifiers_and_wheels_name_the_same_pythons() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    classified = re.findall(r'"Programming Language :: Python :: (3\.\d+)"', text)
    wheels = re.findall(r"cp3(\d+)-\*", re.findall(r'^build = "(.+)"', text, re.M)[0])
    assert classified == [f"3.{minor}" for minor in wheels] and len(classified) == 5


def test_the_version_command_names_the_version() -> None:
    done = subprocess.run([sys.executable, "-m", "lamella", "--version"], capture_output=True, text=True, check=True)
    assert lamella.__version__ in done.stdout and done.stderr == ""
