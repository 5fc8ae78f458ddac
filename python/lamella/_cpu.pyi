from __future__ import annotations
def built() -> list[str]:
    """
    Instruction sets of this build, best first.
    """
def usable() -> list[str]:
    """
    Those of them that this processor runs, best first.
    """
