"""Whether all files name a tag's version; prints its part of the changelog: python tools/release.py v0.1.0"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def notes(tag: str) -> str:
    """What the changelog says of the version.

    Raises:
        ValueError: If a file names another version, or the changelog has no finished part for it.
    """
    version = tag.removeprefix("v")
    said = {
        "python/lamella/__init__.py": r'^__version__ = "(.+)"$',
        "CITATION.cff": r"^version: (.+)$",
    }
    for file, pattern in said.items():
        found = re.findall(pattern, (ROOT / file).read_text(encoding="utf-8"), re.M)
        if found != [version]:
            raise ValueError(f"{file} says version {', '.join(found)}, the tag {tag}")
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    for heading, text in re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", changes, re.M | re.S):
        if heading.split()[0] == version:
            if not re.fullmatch(r"\S+ \(\d{4}-\d\d-\d\d\)", heading):
                raise ValueError(f"CHANGELOG.md must say the day of {version}, as in (2026-12-31); it has ## {heading}")
            return str(text.strip())
    raise ValueError(f"CHANGELOG.md has no part for {version}")


if __name__ == "__main__":
    try:
        print(notes(sys.argv[1]))
    except ValueError as error:
        sys.exit(str(error))
