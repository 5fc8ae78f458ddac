"""Constraints: what a weight becomes after every update. Formulas, names and defaults are those of Keras 3."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ._checks import Floats, floats, integer, real
from ._registry import Configured, Registry

__all__ = ["Constraint", "MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm", "deserialize", "get", "serialize"]

_EPSILON = 1e-7


class Constraint(Configured):
    """Base class: ``constraint(w)`` is an array of the same shape that takes the weight's place.

    One of your own defines ``__call__(w)``; get_config() too, if it keeps its arguments under other names.

    Example:
        >>> class Rounded(Constraint):
        ...     def __call__(self, w):
        ...         return np.round(w)
        >>> Rounded()([0.4, 1.6])
        array([0., 2.])
    """

    def __call__(self, w: npt.ArrayLike) -> Floats:
        """The array that takes the place of `w`; `w` stays as it is."""
        raise NotImplementedError(f"{type(self).__name__} must define __call__(w).")

    def _check_shape(self, owner: str, name: str, shape: tuple[int, ...]) -> None:
        """Raises ValueError where weight `name` of layer `owner` cannot have this constraint."""

    def _spec(self, core: Any, ndim: int = 2) -> Any | None:
        """The core's struct for weights of `ndim` axes; None for a class that is not the core's own."""
        return _FAMILY.spec(self, core.constraints)


class Function(Constraint):
    """A callable ``f(w)`` as a constraint."""

    def __init__(self, function: Any) -> None:
        self._function = function

    def __call__(self, w: npt.ArrayLike) -> Floats:
        found: Floats = np.asarray(self._function(w))
        if found.shape != np.shape(w):
            raise ValueError(
                f"The constraint {self._function!r} must keep the shape {np.shape(w)}, it returned {found.shape}."
            )
        return found


_FAMILY: Registry[Constraint] = Registry("constraint", Constraint, adapt=Function)


@_FAMILY.register("nonneg")
class NonNeg(Constraint):
    """``max(w, 0)``.

    Example:
        >>> NonNeg()([-1.0, 2.0])
        array([0., 2.], dtype=float32)
    """

    def __call__(self, w: npt.ArrayLike) -> Floats:
        return np.maximum(floats(w), 0)


class _Norm(Constraint, ABC):
    """``w * wanted(norm) / (1e-7 + norm)``, with the norm along an axis."""

    axis: int

    def __call__(self, w: npt.ArrayLike) -> Floats:
        values = floats(w)
        self._check_shape("the call", "w", values.shape)
        norm = np.sqrt(np.square(values).sum(self.axis, keepdims=True))
        return np.asarray(values * (self._wanted(norm) / (_EPSILON + norm)), values.dtype)

    @abstractmethod
    def _wanted(self, norm: Floats) -> Floats: ...

    def _check_shape(self, owner: str, name: str, shape: tuple[int, ...]) -> None:
        if not -len(shape) <= self.axis < len(shape):
            raise ValueError(
                f"{type(self).__name__} `axis` is {self.axis}, `{name}` of {owner} has shape {shape}: choose an axis "
                f"from {-len(shape)} to {len(shape) - 1}."
            )

    def _spec(self, core: Any, ndim: int = 2) -> Any | None:
        spec = super()._spec(core, ndim)
        if spec is not None:  # the core sees vectors as matrices of one row
            spec.axis = 1 if ndim == 1 else self.axis % ndim
        return spec


@_FAMILY.register("maxnorm")
class MaxNorm(_Norm):
    """Shortens columns longer than `max_value`: ``w * clip(norm, 0, max_value) / (1e-7 + norm)``.

    Args:
        max_value: The greatest norm, at least 0.
        axis: Along which norms are taken. Of a kernel ``(inputs, units)``, 0 gives one for every unit; of a bias,
            0 gives one for all of it.

    Raises:
        ValueError: If `max_value` is negative or `axis` no integer; when called, if `w` has no such axis.

    Source:
        Srivastava et al. 2014, https://jmlr.org/papers/v15/srivastava14a.html

    Example:
        >>> MaxNorm(1.0)([[3.0, 0.0], [4.0, 0.5]]).round(3)
        array([[0.6, 0. ],
               [0.8, 0.5]], dtype=float32)
    """

    def __init__(self, max_value: float = 2, axis: int = 0) -> None:
        self.max_value = real("MaxNorm", "max_value", max_value, least=0)
        self.axis = _axis("MaxNorm", axis)

    def _wanted(self, norm: Floats) -> Floats:
        return np.minimum(norm, self.max_value)


@_FAMILY.register("unitnorm")
class UnitNorm(_Norm):
    """Gives columns the norm 1: ``w / (1e-7 + norm)``.

    Args:
        axis: As for MaxNorm.

    Raises:
        ValueError: If `axis` is no integer; when called, if `w` has no such axis.

    Example:
        >>> UnitNorm()([[3.0], [4.0]]).round(3)
        array([[0.6],
               [0.8]], dtype=float32)
    """

    def __init__(self, axis: int = 0) -> None:
        self.axis = _axis("UnitNorm", axis)

    def _wanted(self, norm: Floats) -> Floats:
        return np.ones_like(norm)


@_FAMILY.register()
class MinMaxNorm(_Norm):
    """Moves norms into a range: ``w * (rate * clip(norm, min, max) + (1 - rate) * norm) / (1e-7 + norm)``.

    Args:
        min_value: The smallest norm, at least 0. Columns of zeros stay.
        max_value: The greatest norm, at least `min_value`.
        rate: Share of the way to the range that every update goes, from 0 to 1.
        axis: As for MaxNorm.

    Raises:
        ValueError: If an argument is none of these; when called, if `w` has no such axis.

    Example:
        >>> MinMaxNorm(max_value=1.0, rate=0.5)([[3.0], [4.0]]).round(3)
        array([[1.8],
               [2.4]], dtype=float32)
    """

    def __init__(self, min_value: float = 0.0, max_value: float = 1.0, rate: float = 1.0, axis: int = 0) -> None:
        self.min_value = real("MinMaxNorm", "min_value", min_value, least=0)
        self.max_value = real("MinMaxNorm", "max_value", max_value, least=self.min_value)
        self.rate = real("MinMaxNorm", "rate", rate, least=0, most=1)
        self.axis = _axis("MinMaxNorm", axis)

    def _wanted(self, norm: Floats) -> Floats:
        return self.rate * np.clip(norm, self.min_value, self.max_value) + (1 - self.rate) * norm


# Keras' other names of the classes; those in one word are Keras 2's.
max_norm, non_neg, unit_norm, min_max_norm = MaxNorm, NonNeg, UnitNorm, MinMaxNorm
maxnorm, nonneg, unitnorm = MaxNorm, NonNeg, UnitNorm


def _axis(owner: str, value: Any) -> int:
    """0 for columns, 1 for rows, or from the end."""
    try:
        found = integer(owner, "axis", value, least=-2)
    except TypeError as error:
        raise ValueError(str(error)) from None
    if found > 1:
        raise ValueError(f"{owner} `axis` must be 0 (norms of columns) or 1 (of rows), or -2 or -1; got {value!r}.")
    return found


def get(identifier: Any, argument: str = "") -> Constraint | None:
    """The constraint that a name, a constraint, its config or a callable ``f(w)`` stands for; None for None.

    Args:
        argument: Whose value it is, for messages.

    Raises:
        ValueError: If no constraint has that name.
        TypeError: If `identifier` is none of those.

    Example:
        >>> get("max_norm").max_value, get(None)
        (2.0, None)
    """
    return None if identifier is None else _FAMILY.get(identifier, argument=argument)


def serialize(constraint: Constraint | None) -> dict[str, Any] | None:
    """The dictionary that Keras writes for a constraint; None for None.

    Example:
        >>> serialize(UnitNorm())["config"]
        {'axis': 0}
    """
    return None if constraint is None else _FAMILY.serialize(constraint)


def deserialize(config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Constraint:
    """The constraint that serialize() described, with or without ``module`` and ``registered_name``.

    Args:
        config: ``{"class_name": ..., "config": {...}}``
        custom_objects: Classes or functions of your own by name.

    Raises:
        ValueError: If the class or one of its settings is unknown.

    Example:
        >>> deserialize({"class_name": "MaxNorm", "config": {"max_value": 3}}).max_value
        3.0
    """
    return _FAMILY.deserialize(config, custom_objects)
