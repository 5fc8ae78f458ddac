"""Optional packages: imported where they are used, with the install line when they are missing."""

from __future__ import annotations

import importlib
from types import ModuleType


def require(module: str, *, extra: str, purpose: str) -> ModuleType:
    """Imports `module`, or raises an ImportError that says which extra brings it.

    Args:
        module: Import name, such as ``"matplotlib.pyplot"``.
        extra: The extra of this package that installs it.
        purpose: What the caller wants it for, as it would follow "to": ``"draw curves"``.

    Raises:
        ImportError: If the package is not installed.

    Example:
        >>> require("math", extra="none", purpose="count").sqrt(4.0)
        2.0
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise ImportError(
            f'{package} is needed to {purpose} and is not installed; install it with: pip install "lamella[{extra}]"'
        ) from error
