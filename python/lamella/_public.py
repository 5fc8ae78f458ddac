"""What a package says is public goes by the package's name, wherever inside of it it is written."""

from __future__ import annotations

import functools
from typing import Any


def publish(namespace: dict[str, Any]) -> None:
    """Gives the classes and functions of a package's ``__all__`` that package as their module: help(), messages and
    pickles then say ``lamella.layers.Dense``.

    Args:
        namespace: The package's ``globals()``.
    """
    package = namespace["__name__"]
    for name in namespace["__all__"]:
        member = namespace.get(name)  # not there yet where it is loaded on first use
        if callable(member):
            home = member.__module__
            if home.startswith("lamella.") and (home.startswith(f"{package}.") or "._" in home):
                member.__module__ = package
    namespace.setdefault("__dir__", functools.partial(_listed, namespace))


def _listed(namespace: dict[str, Any]) -> list[str]:
    """What dir() lists, and so what completion offers: no helpers that the package uses itself."""
    return sorted({*namespace["__all__"], *(name for name in namespace if name.startswith("_"))})
