"""What ends a command while its modules are still being imported is one line, as later on: see `cli`."""

from __future__ import annotations

import os
import sys
from types import TracebackType


def _is_command() -> bool:
    """Whether this process is ``lamella ...`` or ``python -m lamella ...``."""
    if sys.argv[:1] == ["-m"]:  # as Python has it while it looks for the module
        words = sys.orig_argv
        return "-m" in words and words[words.index("-m") + 1 :][:1] == ["lamella"]
    name = os.path.basename(sys.argv[0]) if sys.argv else ""
    return name.removesuffix(".exe").removesuffix("-script.py") == "lamella"


def _end(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, (KeyboardInterrupt, ImportError)) and sys.stderr is not None:
        what = "interrupted" if issubclass(kind, KeyboardInterrupt) else f"error: {' '.join(str(error).split())}"
        print(f"lamella: {what}", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, trace)


if _is_command():
    sys.excepthook = _end
