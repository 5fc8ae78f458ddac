"""What every loss is: values of samples, their gradients, and how they become one number."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .._checks import check_labels, laid_out, numbers_of
from .._core import core
from .._registry import Registry, arguments, snake_case, unknown

Array = npt.NDArray[Any]

REDUCTIONS = ("sum_over_batch_size", "mean", "sum", "mean_with_sample_weight", "none")


class Loss:
    """Base class: numbers of samples from targets and predictions, and one number from those.

    A subclass overrides ``call``, and to train with it ``gradient``; both are given NumPy arrays.

    Args:
        reduction: How values L of samples with weights w become one number. ``"sum_over_batch_size"``, also called
            ``"mean"``: ``sum(L * w) / count(L)``; ``"sum"``: ``sum(L * w)``; ``"mean_with_sample_weight"``:
            ``sum(L * w) / sum(w)``; ``"none"`` or None: ``L * w``, which training averages.
        name: Shown in configs.
        dtype: Only ``"float32"``.

    Raises:
        ValueError: If there is no such reduction, or another dtype is wanted.

    Example:
        >>> class Quartic(Loss):
        ...     def call(self, y_true, y_pred):
        ...         return np.mean((y_true - y_pred) ** 4, axis=-1)
        >>> Quartic()(np.zeros((2, 1)), np.array([[1.0], [2.0]]))
        8.5
    """

    labels = False  # whether targets are class numbers
    several = False  # whether it needs an output for every class
    ignore_class: int | None = None  # the class number whose samples are left out
    limits: tuple[float, float] = (-np.inf, np.inf)  # between which targets have to lie

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str | None = None, dtype: str | None = None
    ) -> None:
        kind = type(self).__name__
        for argument, value in (("reduction", reduction), ("name", name), ("dtype", dtype)):
            if not (value is None or isinstance(value, str)):
                raise TypeError(f"{kind} `{argument}` must be a str or None, got {value!r}.")
        if reduction is not None and reduction not in REDUCTIONS:
            raise unknown(f"{kind} `reduction`", reduction, list(REDUCTIONS))
        if dtype not in (None, "float32"):
            raise ValueError(f"{kind} `dtype` must be 'float32', the only one that lamella computes in; got {dtype!r}.")
        self.reduction = reduction or "none"
        self.name = name or snake_case(kind)

    @property
    def dtype(self) -> str:
        """Always ``"float32"``."""
        return "float32"

    @property
    def depends_on_batch(self) -> bool:
        """Whether the loss of many samples depends on how they are divided into batches."""
        return self.reduction in ("sum", "mean_with_sample_weight") or self.ignore_class is not None

    def call(self, y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Any:
        """A number for each sample."""
        raise NotImplementedError(f"Loss {self.name!r} needs a method call(y_true, y_pred) that returns its values.")

    def gradient(self, y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Array:
        """The gradient of each sample's number by its predictions, in their shape."""
        raise NotImplementedError(f"Loss {self.name!r} needs a method gradient(y_true, y_pred) to be trained with.")

    def __call__(self, y_true: npt.ArrayLike, y_pred: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> Any:
        """The loss of a batch: a float, or an array where nothing is reduced."""
        values = np.asarray(self.call(y_true, y_pred), np.float64)
        kept = self._kept(y_true, values)
        if sample_weight is not None:
            weights = _fitting(np.asarray(sample_weight, np.float64), values)
            values = values * weights
            kept, weights = np.broadcast_arrays(kept, kept * weights)
        else:
            weights = kept
        if self.reduction == "none":
            return values.astype(np.float32)
        if self.reduction == "sum":
            return float(values.sum())
        divisor = (weights if self.reduction == "mean_with_sample_weight" else kept).sum()
        return float(values.sum() / divisor) if divisor else 0.0

    def _kept(self, y_true: npt.ArrayLike, values: Array) -> Array:
        """1 for values that take part in a mean, 0 for others."""
        if self.ignore_class is None:
            return np.ones(values.shape)
        return np.asarray(np.asarray(y_true).reshape(values.shape) != self.ignore_class, np.float64)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {k: v for k, v in vars(self).items() if not k.startswith("_")}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Loss:
        """The loss that ``get_config()`` describes."""
        return cls(**arguments(cls, config)) if cls in FAMILY.makers.values() else cls(**config)


def _fitting(weights: Array, values: Array) -> Array:
    """Weights of samples with as many axes as their values."""
    if weights.ndim == values.ndim + 1 and weights.shape[-1] == 1:
        return weights[..., 0]
    return weights.reshape(weights.shape + (1,) * (values.ndim - weights.ndim))


class CoreLoss(Loss):
    """A loss that the compiled core computes."""

    def call(self, y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Any:
        """A float32 number for each sample, in the shape of `y_pred` without its last axis.

        Args:
            y_true: Targets, of the shape of `y_pred` but for a last axis of size 1 that only one of them has; class
                numbers for sparse losses.
            y_pred: Predictions, outputs in the last axis.

        Raises:
            ValueError: If the shapes do not fit.
        """
        targets, rows, shape = self._arrays(y_true, y_pred)
        values: Array = core.loss_values(self._spec(core), targets, rows)
        return values.reshape(shape[:-1])

    def gradient(self, y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Array:
        """The gradient of each number that ``call`` returns, in the shape of `y_pred`.

        Raises:
            ValueError: If the shapes do not fit.
        """
        targets, rows, _ = self._arrays(y_true, y_pred)
        gradients: Array = core.loss_gradients(self._spec(core), targets, rows)
        return gradients.reshape(np.shape(y_pred))

    def _arrays(self, y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> tuple[Array, Array, tuple[int, ...]]:
        """Targets and predictions as matrices (labels as a vector), and the shape of the predictions before that."""
        t, p = numbers_of(self.name, "y_true", y_true, None), numbers_of(self.name, "y_pred", y_pred)
        if t.dtype.kind not in "biuf":
            t = numbers_of(self.name, "y_true", y_true)
        shapes = t.shape, p.shape
        if self.labels:
            if t.ndim == p.ndim and t.shape[-1:] == (1,):
                t = t[..., 0]
            fits = p.ndim > 0 and t.shape == p.shape[:-1]
        else:
            t, p = same_rank(t, p)
            fits = p.ndim > 0 and t.shape == p.shape
        if not fits:
            wanted = "class numbers for the rows of `y_pred`" if self.labels else "the shape of `y_pred`"
            raise ValueError(f"{self.name}: `y_true` must have {wanted}, got shapes {shapes[0]} and {shapes[1]}.")
        rows = laid_out(p.reshape(-1, p.shape[-1]), p.dtype)
        if self.labels:
            check_labels(self.name, t, p.shape[-1], self.ignore_class)
            return laid_out(t.reshape(-1), np.int32), rows, p.shape
        return laid_out(t.reshape(rows.shape), np.float32), rows, p.shape

    def _spec(self, core: Any) -> Any:
        # A user's subclass computes with what it is made from.
        ours = next(cls for cls in type(self).__mro__ if f"{cls.__module__}.".startswith(f"{__package__}."))
        spec = getattr(core.losses, ours.__name__)()
        for key, value in self.get_config().items():
            if hasattr(spec, key):
                setattr(spec, key, value)
        return spec


def same_rank(t: Array, p: Array) -> tuple[Array, Array]:
    """Where ranks differ by one and the longer shape ends in 1: a vector gets that axis, else the longer loses it.

    Example:
        >>> [a.shape for a in same_rank(np.ones(3), np.ones((3, 1)))]
        [(3, 1), (3, 1)]
    """
    if t.ndim + 1 == p.ndim and p.shape[-1] == 1:
        return (t[:, None], p) if t.ndim == 1 else (t, p[..., 0])
    if p.ndim + 1 == t.ndim and t.shape[-1] == 1:
        return (t, p[:, None]) if p.ndim == 1 else (t[..., 0], p)
    return t, p


FAMILY: Registry[Loss] = Registry("loss", Loss)
