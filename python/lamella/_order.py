"""Which seed each fit shuffles with, so that a fit can be taken up again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from . import _random


@dataclass(frozen=True)
class Orders:
    """The seed of a model's last fit, how many there were, and the epoch at which it stands.

    The first fit takes a seed from the stream that set_random_seed() starts, later ones derive theirs from it. A fit
    whose `initial_epoch` is where the last one ended goes on in the same order. So a model in a file needs nothing of
    the stream, and ``fit(epochs=5)`` with ``fit(initial_epoch=5, epochs=10)`` equals ``fit(epochs=10)``.
    """

    first: int
    seed: int
    fits: int
    epoch: int
    seeded: int  # set_random_seed() since then starts anew

    @classmethod
    def for_fit(cls, last: Orders | None, epoch: int) -> Orders:
        """The state of a fit that begins with `epoch`."""
        seeded = _random.times_seeded()
        if last is None or last.seeded != seeded:
            seed = _random.next_seed()
            return cls(seed, seed, 1, epoch, seeded)
        if epoch > 0 and epoch == last.epoch:
            return last
        seed = int(_random.generator(last.first, last.fits).integers(2**63))
        return cls(last.first, seed, last.fits + 1, epoch, seeded)

    def at(self, epoch: int) -> Orders:
        """The same fit at the beginning of `epoch`."""
        return Orders(self.first, self.seed, self.fits, epoch, self.seeded)

    def saved(self) -> dict[str, int]:
        """What a file keeps."""
        return {"first": self.first, "seed": self.seed, "fits": self.fits, "epoch": self.epoch}

    @classmethod
    def loaded(cls, saved: Any) -> Orders | None:
        """What saved() gave; None for anything else."""
        keys = ("first", "seed", "fits", "epoch")
        if not isinstance(saved, dict) or not all(type(saved.get(k)) is int and 0 <= saved[k] < 2**63 for k in keys):
            return None
        return cls(saved["first"], saved["seed"], saved["fits"], saved["epoch"], _random.times_seeded())
