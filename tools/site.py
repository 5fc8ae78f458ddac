"""Whether the site describes every public name and loads nothing from elsewhere: python tools/site.py build/docs"""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path
from types import ModuleType

import lamella


def undescribed(pages: Path) -> list[str]:
    """Public names that have no entry in the API reference."""
    anchors: set[str] = set()
    for page in pages.glob("api/*.html"):
        anchors |= set(re.findall(r'id="([\w.]+)"', page.read_text(encoding="utf-8")))
    modules = sorted({page.stem for page in pages.glob("api/*.html")} - {"index", "lamella"})
    names = []
    for module in (lamella, *(importlib.import_module(f"lamella.{name}") for name in modules)):
        members = {name: getattr(module, name) for name in module.__all__}
        names += [f"{module.__name__}.{name}" for name, member in members.items() if not isinstance(member, ModuleType)]
    assert len(names) > 250
    return sorted(set(names) - anchors)


def loaded_from_elsewhere(pages: Path) -> list[str]:
    """Addresses of scripts, styles and images that are not part of the site."""
    found = []
    for page in pages.rglob("*.html"):
        for tag in re.findall(r"<(?:script|link|img|iframe|source)\b[^>]*>", page.read_text(encoding="utf-8")):
            found += [f"{page.name}: {address}" for address in re.findall(r'(?:src|href)="((?:https?:)?//[^"]+)', tag)]
    for style in pages.rglob("*.css"):
        found += re.findall(r"url\([\"']?((?:https?:)?//[^)]+)", style.read_text(encoding="utf-8"))
    return found


if __name__ == "__main__":
    site = Path(sys.argv[1])
    faults = [f"not described: {name}" for name in undescribed(site)]
    faults += [f"loaded from elsewhere: {address}" for address in loaded_from_elsewhere(site)]
    sys.exit("\n".join(faults) or None)
