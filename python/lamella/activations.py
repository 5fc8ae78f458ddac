"""Activations: ``y = act(z)``, element by element or row by row.

Formulas and names are those of Keras 3. Each works as a layer's ``activation=`` and as a function
of an array.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ._core import core
from ._registry import Registry

__all__ = ["Activation", "get", "linear", "relu", "sigmoid", "softmax", "tanh"]


class Activation:
    """A named activation.

    Args:
        name: The Keras name.
        formula: What it computes, for people.

    Example:
        >>> relu(np.array([-1.0, 2.0], "float32"))
        array([0., 2.], dtype=float32)
    """

    def __init__(self, name: str, formula: str) -> None:
        self.name = self.__name__ = name
        self.__doc__ = f"{formula}. Takes an array (..., n) of numbers, returns float32 of that shape."

    def __call__(self, x: npt.ArrayLike) -> npt.NDArray[np.float32]:
        values = np.asarray(x, np.float32)
        matrix = np.ascontiguousarray(values.reshape(-1, values.shape[-1] if values.ndim else 1))
        return np.asarray(core.activate(self._spec(core), matrix), np.float32).reshape(values.shape)

    def width(self, n: int) -> int:
        """Numbers of the output for n numbers of a row."""
        return n

    def __repr__(self) -> str:
        return f"<activation {self.name}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return get, (self.name,)

    def _spec(self, core: Any) -> Any:
        return getattr(core.activations, self.name)()


_FAMILY: Registry[Activation] = Registry("activation", Activation)


def _activation(name: str, formula: str) -> Activation:
    member = Activation(name, formula)
    _FAMILY.add(lambda: member, name)
    return member


linear = _activation("linear", "``z``")
relu = _activation("relu", "``max(z, 0)``; NaN stays NaN, and the derivative at 0 is 0")
sigmoid = _activation("sigmoid", "``1 / (1 + exp(-z))``")
tanh = _activation("tanh", "``tanh(z)``")
softmax = _activation("softmax", "``exp(z - max z) / sum(exp(z - max z))`` over the last axis")


def get(identifier: Any) -> Activation:
    """The activation that a name, an activation or None (linear) stands for.

    Raises:
        ValueError: If no activation has that name.
        TypeError: If `identifier` is neither.

    Example:
        >>> get("relu"), get(None)
        (<activation relu>, <activation linear>)
    """
    if callable(identifier) and not isinstance(identifier, Activation):
        raise TypeError(
            f"`activation` must be a name or one of lamella.activations, got the function {identifier!r}: "
            f"Python functions cannot run in the compiled core. Known: {', '.join(sorted(_FAMILY.makers))}."
        )
    return linear if identifier is None else _FAMILY.get(identifier)


def serialize(a):
    return a.name
