"""Losses that users write in Python."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .._registry import snake_case
from .base import Array, CoreLoss, Loss


class CustomLoss(Loss):
    """A loss written in Python: a function of (y_true, y_pred) or a subclass of `Loss`.

    To be trained with, it needs a ``gradient(y_true, y_pred)``: a method, or an attribute of the function, that returns
    the gradient of each sample's value by its predictions, in their shape.

    Args:
        of: The function, or the loss.

    Raises:
        TypeError: If it cannot be called.
    """

    def __init__(self, of: Any) -> None:
        if not callable(of):
            raise TypeError(f"A loss written in Python must be a function or a Loss, got {of!r}.")
        if isinstance(of, Loss) and type(of).call is Loss.call:
            raise TypeError(f"`loss`: {type(of).__name__} must define call(y_true, y_pred), a number for each sample.")
        function_name = getattr(of, "__name__", type(of).__name__).strip("<>")
        super().__init__(
            getattr(of, "reduction", "sum_over_batch_size"), getattr(of, "name", snake_case(function_name))
        )
        self.labels = bool(getattr(of, "labels", False))
        self._of = of

    @property
    def depends_on_batch(self) -> bool:
        """True: nobody knows."""
        return True

    @property
    def origin(self) -> str:
        """What it was made from, for messages."""
        return type(self._of).__name__ if isinstance(self._of, Loss) else f"the function {self.name}"

    @property
    def has_gradient(self) -> bool:
        """Whether there is a gradient that belongs to the values."""
        if not isinstance(self._of, Loss):
            return callable(getattr(self._of, "gradient", None))
        # A class that changes the values has to say what their gradient is.
        ancestors = [cls for cls in type(self._of).__mro__ if cls is not Loss]
        values, gradient = (
            next((i for i, cls in enumerate(ancestors) if method in vars(cls)), len(ancestors))
            for method in ("call", "gradient")
        )
        return gradient <= values and gradient < len(ancestors)

    def require_gradient(self) -> None:
        """Says what is missing.

        Raises:
            TypeError: If there is no gradient to train with.
        """
        if not self.has_gradient:
            where = f"a method of {type(self._of).__name__}" if isinstance(self._of, Loss) else "an attribute of it"
            raise TypeError(
                f"The loss {self.name!r}, written in Python, has no `gradient(y_true, y_pred)` to train with: write "
                f"it as {where} that returns the gradient of each sample's value by its predictions, in their shape. "
                "Without one, the loss can be used in evaluate()."
            )

    def call(self, y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Any:
        """The values that the user's code gives, as float32.

        Raises:
            TypeError: If they are not real numbers.
            ValueError: If they are neither one number nor one for each sample.
        """
        p = np.asarray(y_pred)
        given = self._of.call(y_true, y_pred) if isinstance(self._of, Loss) else self._of(y_true, y_pred)
        values = self._real(given, "The loss")
        if values.ndim and values.ndim == p.ndim and values.shape[-1] == 1:
            values = values[..., 0]  # an output of one unit: its value is the sample's
        if values.ndim and (values.ndim == p.ndim or values.shape != p.shape[: values.ndim]):
            way = "; take the mean over the last axis" if values.ndim and values.shape == p.shape else ""
            raise ValueError(
                f"The loss {self.name!r} must return a number for each of the {len(p)} samples, "
                f"got shape {values.shape}{way}."
            )
        return values

    def _real(self, given: Any, what: str) -> Array:
        array = np.asarray(given)
        if array.dtype.kind not in "fiub":
            raise TypeError(f"{what} {self.name!r} must return real numbers, got {type(given).__name__}.")
        return np.asarray(array, np.float32)

    def gradient(self, y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Array:
        """The gradient that the user's code gives, as float32.

        Raises:
            TypeError: If there is none, or it does not hold real numbers.
            ValueError: If it has not the shape of the predictions.
        """
        self.require_gradient()
        gradients = self._real(self._of.gradient(y_true, y_pred), "The gradient of the loss")
        if gradients.shape != np.shape(y_pred):
            raise ValueError(
                f"The gradient of the loss {self.name!r} must have the shape of the predictions, {np.shape(y_pred)}, "
                f"got {gradients.shape}."
            )
        return gradients

    def get_config(self) -> dict[str, Any]:
        """The config of the user's loss, if it has one.

        Raises:
            TypeError: If it is a function, which no config can describe.
        """
        if isinstance(self._of, Loss):
            return self._of.get_config()
        raise TypeError(f"The loss {self.name!r} is a function written in Python, which no config can describe.")


def is_custom(loss: Loss, family: set[Any]) -> bool:
    """Whether a loss is not one of `family`, or changes one of them."""
    return not isinstance(loss, CoreLoss) or type(loss) not in family
