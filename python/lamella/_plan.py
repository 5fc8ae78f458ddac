"""What the core gets of a model: one struct after the other."""

from __future__ import annotations

import math
from typing import Any

from ._weights import Weighted
from .layers import Layer
from .layers.base import Shape

Place = tuple[
    Any, Shape, int, int
]  # (layer or nested model, the shape of its input, its first struct, the one behind its last)


class Plan:
    """The core's structs for all layers, and where each layer's begin and end."""

    def __init__(self, core: Any) -> None:
        self._core = core
        self.specs: list[Any] = []
        self.owners: list[Layer | None] = []
        self.places: list[Place] = []
        self._groups = 1

    def append(self, stack: Any, shape: Shape) -> None:
        """Appends the layers of `stack` for samples of `shape`."""
        shapes = stack._shapes_from(shape)
        for layer, given in zip(stack._layers, shapes, strict=False):
            if isinstance(layer, Weighted):
                self._regroup(1)
                first = len(self.specs)
                self.append(layer, given)
            else:
                specs, groups = layer._specs(self._core, given), layer._groups(given)
                first = len(self.specs)
                if specs and groups is not None:
                    self._regroup(groups)
                self.specs += specs
                self.owners += [layer] * len(specs)
            self.places.append((layer, given, first, len(self.specs)))
        self._regroup(math.prod(shapes[-1][:-1]))

    def _regroup(self, groups: int) -> None:
        if groups != self._groups:
            spec = self._core.layers.Reshape()
            spec.groups = self._groups = groups
            self.specs.append(spec)
            self.owners.append(None)


def run_of(places: list[Place], layers: list[Any]) -> tuple[Shape, int, int]:
    """Input shape, first and last struct of a run of layers."""
    by_layer = {id(layer): (given, first, last) for layer, given, first, last in places}
    given, first, _ = by_layer[id(layers[0])]
    return given, first, by_layer[id(layers[-1])][2]
