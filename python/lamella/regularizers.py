"""Regularizers: a penalty on a weight, added to the loss. Formulas, names and defaults are those of Keras 3."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ._checks import Floats, floats, real
from ._registry import Configured, Registry

__all__ = ["L1", "L1L2", "L2", "OrthogonalRegularizer", "Regularizer", "deserialize", "get", "serialize"]

_EPSILON = 1e-7


class Regularizer(Configured):
    """Base class: ``regularizer(w)`` is the penalty on an array, ``regularizer.gradient(w)`` its gradient.

    One of your own defines both; get_config() too, if it keeps its arguments under other names.

    Example:
        >>> class Linear(Regularizer):
        ...     def __call__(self, w): return float(w.sum())
        ...     def gradient(self, w): return np.ones_like(w)
        >>> for_layer("Dense", "kernel_regularizer", Linear())(np.eye(2))
        2.0
    """

    def __call__(self, w: npt.ArrayLike) -> float:
        """The penalty on an array, summed in float64."""
        raise NotImplementedError(f"{type(self).__name__} must define __call__(w), the penalty on a weight.")

    def gradient(self, w: npt.ArrayLike) -> Floats:
        """Its derivative in every number of `w`."""
        raise NotImplementedError(f"{type(self).__name__} must define gradient(w), the derivative of its penalty.")

    def _check_shape(self, owner: str, name: str, shape: tuple[int, ...]) -> None:
        """Raises ValueError where weight `name` of layer `owner` cannot have this regularizer."""

    def _spec(self, core: Any) -> Any | None:
        """The core's struct; None for a class that is not the core's own, which has to be called from Python."""
        return _FAMILY.spec(self, core.regularizers)


class Function(Regularizer):
    """A callable ``f(w)`` as a regularizer; for training it needs a method ``gradient(w)``."""

    def __init__(self, function: Any) -> None:
        self._function = function

    def __call__(self, w: npt.ArrayLike) -> float:
        return float(self._function(w))

    def gradient(self, w: npt.ArrayLike) -> Floats:
        """What the callable's own gradient(w) gives."""
        return np.asarray(self._function.gradient(w))


_FAMILY: Registry[Regularizer] = Registry("regularizer", Regularizer, adapt=Function)


class _Elementwise(Regularizer):
    """``l1 * sum(abs(w)) + l2 * sum(w**2)``; a class has one of the factors, or both."""

    l1 = 0.0
    l2 = 0.0

    def _factor(self, name: str, value: float | None, default: float) -> float:
        return real(type(self).__name__, name, default if value is None else value, least=0)

    def __call__(self, w: npt.ArrayLike) -> float:
        values = floats(w).astype(np.float64)
        return float(self.l1 * np.abs(values).sum() + self.l2 * np.square(values).sum())

    def gradient(self, w: npt.ArrayLike) -> Floats:
        """``l1 * sign(w) + 2 * l2 * w``, with sign(0) = 0."""
        values = floats(w)
        return np.asarray(self.l1 * np.sign(values) + 2 * self.l2 * values, values.dtype)


@_FAMILY.register()
class L1(_Elementwise):
    """``l1 * sum(abs(w))``: many weights become zero.

    Args:
        l1: Factor, at least 0.

    Raises:
        ValueError: If `l1` is negative or not finite.

    Example:
        >>> L1(0.5)([1.0, -3.0])
        2.0
    """

    def __init__(self, l1: float = 0.01) -> None:
        self.l1 = self._factor("l1", l1, 0.01)


@_FAMILY.register()
class L2(_Elementwise):
    """``l2 * sum(w**2)``, without a half: weights stay small.

    Args:
        l2: Factor, at least 0.

    Raises:
        ValueError: If `l2` is negative or not finite.

    Example:
        >>> L2(0.5)([1.0, -3.0])
        5.0
    """

    def __init__(self, l2: float = 0.01) -> None:
        self.l2 = self._factor("l2", l2, 0.01)


@_FAMILY.register("l1l2")
class L1L2(_Elementwise):
    """``l1 * sum(abs(w)) + l2 * sum(w**2)``.

    Args:
        l1: Factor of the first sum, at least 0.
        l2: Factor of the second, at least 0.

    Raises:
        ValueError: If a factor is negative or not finite.

    Example:
        >>> L1L2(l1=0.5, l2=0.25)([1.0, -3.0])
        4.5
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0) -> None:
        self.l1 = self._factor("l1", l1, 0.0)
        self.l2 = self._factor("l2", l2, 0.0)


def _both(l1: float = 0.01, l2: float = 0.01) -> L1L2:
    """What the string "l1_l2" stands for in Keras 2, and in the documentation of Keras 3, which refuses it."""
    return L1L2(l1, l2)


_FAMILY.add(_both, "l1_l2")


@_FAMILY.register()
class OrthogonalRegularizer(Regularizer):
    """``factor`` times the mean of abs(cosine) over all pairs of rows: they become orthogonal.

    A row of zeros is orthogonal to all and has no gradient; a single row has no penalty. The price of a step
    grows with the square of the number of rows.

    Args:
        factor: At least 0.
        mode: ``"rows"`` or ``"columns"``.

    Raises:
        ValueError: If an argument is none of these; when called, if the weight is no matrix.

    Example:
        >>> round(OrthogonalRegularizer(0.1)([[3.0, 4.0], [1.0, 0.0]]), 6)
        0.06
    """

    def __init__(self, factor: float = 0.01, mode: str = "rows") -> None:
        self.factor = real("OrthogonalRegularizer", "factor", factor, least=0)
        if mode not in ("rows", "columns"):
            raise ValueError(f"OrthogonalRegularizer `mode` must be 'rows' or 'columns', got {mode!r}.")
        self.mode = mode

    def _check_shape(self, owner: str, name: str, shape: tuple[int, ...]) -> None:
        if len(shape) != 2:
            raise ValueError(
                f"OrthogonalRegularizer needs a matrix, `{name}` of {owner} has shape {shape}; use it for kernels."
            )

    def _parts(self, w: npt.ArrayLike) -> tuple[Floats, Floats, Floats, float]:
        """Rows of length 1, the factors that made them so, the cosines of different ones, and each pair's weight."""
        rows = floats(w).astype(np.float64)
        self._check_shape("the call", "w", rows.shape)
        rows = rows if self.mode == "rows" else rows.T
        inverse = 1 / np.maximum(np.sqrt(np.square(rows).sum(1, keepdims=True)), _EPSILON)
        units = rows * inverse
        cosines = units @ units.T
        np.fill_diagonal(cosines, 0)
        return units, inverse, cosines, self.factor / max(1, len(rows) * (len(rows) - 1))

    def __call__(self, w: npt.ArrayLike) -> float:
        _, _, cosines, scale = self._parts(w)
        return float(scale * np.abs(cosines).sum())

    def gradient(self, w: npt.ArrayLike) -> Floats:
        """The derivative, without the part along a row, which changes only its length."""
        units, inverse, cosines, scale = self._parts(w)
        pull = 2 * scale * np.sign(cosines) @ units
        found = (pull - units * (units * pull).sum(1, keepdims=True)) * inverse * (inverse < 1 / _EPSILON)
        return np.asarray(found if self.mode == "rows" else found.T, floats(w).dtype)


# Keras' other names of the classes.
l1, l2, l1_l2, orthogonal_regularizer = L1, L2, L1L2, OrthogonalRegularizer


def get(identifier: Any, argument: str = "") -> Regularizer | None:
    """The regularizer that a name, a regularizer, its config or a callable ``f(w)`` stands for; None for None.

    Args:
        argument: Whose value it is, for messages.

    Raises:
        ValueError: If no regularizer has that name.
        TypeError: If `identifier` is none of those.

    Example:
        >>> get("l2").l2, get(None)
        (0.01, None)
    """
    return None if identifier is None else _FAMILY.get(identifier, argument=argument)


def for_layer(owner: str, name: str, identifier: Any) -> Regularizer | None:
    """get() for the argument `name` of layer `owner`: what it gives can be trained with.

    Raises:
        TypeError: If it has no gradient, or `identifier` is of another kind.
        ValueError: If no regularizer has that name.

    Example:
        >>> for_layer("Dense", "kernel_regularizer", "l1").l1
        0.01
    """
    found = get(identifier)
    source = getattr(found, "_function", found)
    gradient = getattr(source, "gradient", None)
    if found is not None and (gradient is None or getattr(gradient, "__func__", None) is Regularizer.gradient):
        given = getattr(source, "__name__", type(source).__name__)
        raise TypeError(
            f"{owner} `{name}`: {given!r} has no gradient, and lamella does not differentiate Python code. Give it a "
            "method gradient(w) that returns an array like w, as in a subclass of lamella.regularizers.Regularizer; "
            "or use L1, L2, L1L2 or OrthogonalRegularizer."
        )
    return found


def serialize(regularizer: Regularizer | None) -> dict[str, Any] | None:
    """The dictionary that Keras writes for a regularizer; None for None.

    Example:
        >>> serialize(L2(0.1))
        {'module': 'keras.regularizers', 'class_name': 'L2', 'config': {'l2': 0.1}, 'registered_name': None}
    """
    return None if regularizer is None else _FAMILY.serialize(regularizer)


def deserialize(config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Regularizer:
    """The regularizer that serialize() described, with or without ``module`` and ``registered_name``.

    Args:
        config: ``{"class_name": ..., "config": {...}}``
        custom_objects: Classes or functions of your own by name.

    Raises:
        ValueError: If the class or one of its settings is unknown.

    Example:
        >>> deserialize({"class_name": "L1L2", "config": {"l1": 0.1, "l2": 0.2}}).l2
        0.2
    """
    return _FAMILY.deserialize(config, custom_objects)
