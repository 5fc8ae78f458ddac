"""A graph under construction: every call adds a node and returns the name of what it computes."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


def utf8(name: str) -> str:
    """A name that a file can hold: lone surrogates become question marks."""
    return name.encode("utf-8", "replace").decode("utf-8")


class Graph:
    """Nodes and constants.

    Args:
        onnx: The package.
    """

    def __init__(self, onnx: Any) -> None:
        self._onnx = onnx
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.path = ""  # of the layer that is being written, in front of names
        self._taken: set[str] = set()
        self._known: dict[tuple[str, bytes], str] = {}

    def name(self, wished: str) -> str:
        """The name, numbered where it is taken."""
        wished = utf8(wished)
        found, number = wished, 0
        while found in self._taken:
            number += 1
            found = f"{wished}_{number}"
        self._taken.add(found)
        return found

    def op(self, kind: str, *inputs: str, outputs: int = 1, **attributes: Any) -> Any:
        """The output of a new node, or all of them where there are several."""
        base = self.name(f"{self.path}{kind}")
        names = [base] if outputs == 1 else [self.name(f"{base}:{i}") for i in range(outputs)]
        self.nodes.append(self._onnx.helper.make_node(kind, list(inputs), names, name=base, **attributes))
        return names[0] if outputs == 1 else names

    def array(self, values: npt.ArrayLike, dtype: Any = np.float32, name: str = "constant") -> str:
        """A constant; small ones are kept once."""
        array = np.array(values, dtype, order="C")
        key = (f"{array.dtype}{array.shape}", array.tobytes()) if array.size <= 64 and name == "constant" else None
        if key is not None and key in self._known:
            return self._known[key]
        made = self.name(name if key is not None else f"{self.path}{name}")
        self.constants.append(self._onnx.numpy_helper.from_array(array, made))
        if key is not None:
            self._known[key] = made
        return made

    def where_at_most(self, a: str, b: str, yes: str, no: str) -> str:
        """``yes`` where a <= b, else, also for NaN, ``no``."""
        found: str = self.op("Where", self.op("LessOrEqual", a, b), yes, no)
        return found

    def within(self, z: str, low: float, high: float) -> str:
        """z, kept between two numbers; NaN stays NaN."""
        least, most = self.array(low), self.array(high)
        return self.where_at_most(z, least, least, self.where_at_most(most, z, most, z))
