"""What every metric is: state that `update_state` adds to, `result` reads and `reset_state` clears."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from .. import initializers
from .._registry import Registry, snake_case


class Variable(np.ndarray[Any, np.dtype[np.float64]]):
    """An array that also has the methods of a Keras variable."""

    def assign(self, value: Any) -> Variable:
        self[...] = value
        return self

    def assign_add(self, value: Any) -> Variable:
        self[...] += value
        return self

    def assign_sub(self, value: Any) -> Variable:
        self[...] -= value
        return self

    def numpy(self) -> npt.NDArray[Any]:
        return np.array(self)


class Metric:
    """Base class: a number watched beside the loss, over all samples since it was last reset.

    A metric of your own defines `update_state` and `result`, and keeps its state in what `add_variable` returns.

    Args:
        name: The key in logs and history; the class name in snake case by default.
        dtype: Kept for configs. State is always float64.

    Raises:
        TypeError: If `name` is not a string.

    Example:
        >>> class Largest(Metric):
        ...     def __init__(self, name="largest"):
        ...         super().__init__(name)
        ...         self.value = self.add_variable((), name="value")
        ...     def update_state(self, y_true, y_pred, sample_weight=None):
        ...         self.value.assign(max(self.value, np.max(y_pred)))
        ...     def result(self):
        ...         return float(self.value)
        >>> largest = Largest()
        >>> largest([0, 1], [0.5, 2.0])
        2.0
    """

    labels: bool | None = None  # whether targets must be class numbers, or rows; None: it sees to that itself
    _default_name: ClassVar[str | None] = None
    _options: ClassVar[tuple[str, ...]] = ()  # attributes that are constructor arguments
    _direction: str | None = None  # "up" where more is better, or "down"

    def __init__(self, name: str | None = None, dtype: Any = None) -> None:
        if not isinstance(name, (str, type(None))):
            raise TypeError(f"{type(self).__name__} `name` must be a string, got {name!r}.")
        self.name = name or self._default_name or snake_case(type(self).__name__)
        self._dtype = "float32" if dtype is None else np.dtype(dtype).name
        self._variables: dict[str, Variable] = {}

    @property
    def dtype(self) -> str:
        """The name of the number type."""
        return self._dtype

    @property
    def direction(self) -> str | None:
        """Which way is better, ``"max"`` or ``"min"``, or None where that is not known."""
        return None if self._direction is None else {"up": "max", "down": "min"}.get(self._direction)

    def add_variable(
        self, shape: tuple[int, ...] = (), initializer: Any = "zeros", dtype: Any = None, name: str | None = None
    ) -> Variable:
        """State of that shape, which `variables` lists and `reset_state` sets to zero."""
        if "_variables" not in vars(self):
            raise RuntimeError(f"{type(self).__name__}.__init__() must call super().__init__() first.")
        value = initializers.get(initializer)(tuple(shape)).astype(np.float64).view(Variable)
        self._variables[name or f"variable_{len(self._variables)}"] = value
        return value

    add_weight = add_variable

    @property
    def variables(self) -> list[Variable]:
        """All state, that of metrics among the attributes included."""
        nested = [metric for metric in vars(self).values() if isinstance(metric, Metric)]
        return [*self._variables.values(), *(v for metric in nested for v in metric.variables)]

    def update_state(self, *args: Any, **kwargs: Any) -> None:
        """Adds samples: ``update_state(y_true, y_pred, sample_weight=None)``."""
        raise NotImplementedError(f"{type(self).__name__} must define update_state(y_true, y_pred, sample_weight).")

    def result(self) -> Any:
        """The value over all samples so far."""
        raise NotImplementedError(f"{type(self).__name__} must define result().")

    def reset_state(self) -> None:
        """Forgets all samples."""
        for variable in self.variables:
            variable.assign(0)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.update_state(*args, **kwargs)
        return self.result()

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"name": self.name, "dtype": self.dtype} | {name: getattr(self, name) for name in self._options}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Metric:
        """A metric with these arguments."""
        return cls(**config)

    def _spec(self, core: Any) -> Any:
        """The core's metric whose mean over samples this is; None for metrics that live in Python."""
        return None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"


FAMILY: Registry[Metric] = Registry("metric", Metric)
