"""Losses. Formulas, names and defaults are those of Keras 3."""

from __future__ import annotations

from typing import Any

from ._checks import flag, real
from ._registry import Registry, snake_case

__all__ = [
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "Loss",
    "MeanSquaredError",
    "SparseCategoricalCrossentropy",
    "get",
]


class Loss:
    """Base class: one number per sample from a prediction and a target.

    The loss of a batch is the sum over samples of value times sample weight, divided by the number of samples.

    Args:
        name: Shown in configs.
    """

    labels = False  # whether targets are class numbers

    def __init__(self, name: str | None = None) -> None:
        self.name = name or snake_case(type(self).__name__)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {k: v for k, v in vars(self).items() if not k.startswith("_")}

    def _spec(self, core: Any) -> Any:
        spec = getattr(core.losses, type(self).__name__)()
        for key, value in self.get_config().items():
            if key != "name":
                setattr(spec, key, value)
        return spec


_FAMILY: Registry[Loss] = Registry("loss", Loss)


@_FAMILY.register("mse", "MSE")
class MeanSquaredError(Loss):
    """``mean((t - p)**2)`` over the outputs of a sample.

    Example:
        >>> MeanSquaredError().name
        'mean_squared_error'
    """


@_FAMILY.register()
class CategoricalCrossentropy(Loss):
    """``-sum(t * ln p)`` for targets that are rows of class shares (one-hot).

    After a softmax it works on the logits: its gradient is ``p - t``, also where p is rounded to 0 or 1.

    Args:
        from_logits: Whether predictions are logits, not probabilities.
        label_smoothing: Share of each target that is spread evenly over all classes.
        name: Shown in configs.

    Example:
        >>> CategoricalCrossentropy(label_smoothing=0.1).label_smoothing
        0.1
    """

    def __init__(self, from_logits: bool = False, label_smoothing: float = 0.0, name: str | None = None) -> None:
        super().__init__(name)
        self.from_logits = flag(type(self).__name__, "from_logits", from_logits)
        self.label_smoothing = real(type(self).__name__, "label_smoothing", label_smoothing, least=0, most=1)


@_FAMILY.register()
class SparseCategoricalCrossentropy(Loss):
    """``-ln p[class]`` for targets that are class numbers, ``(n,)`` or ``(n, 1)``.

    Args:
        from_logits: Whether predictions are logits, not probabilities.
        name: Shown in configs.

    Example:
        >>> SparseCategoricalCrossentropy().labels
        True
    """

    labels = True

    def __init__(self, from_logits: bool = False, name: str | None = None) -> None:
        super().__init__(name)
        self.from_logits = flag(type(self).__name__, "from_logits", from_logits)


@_FAMILY.register("bce", "BCE")
class BinaryCrossentropy(CategoricalCrossentropy):
    """``-mean(t * ln p + (1 - t) * ln(1 - p))`` for targets in [0, 1]; fused with a sigmoid.

    Args:
        from_logits: Whether predictions are logits, not probabilities.
        label_smoothing: Moves targets towards 1/2: ``t * (1 - s) + s / 2``.
        name: Shown in configs.

    Example:
        >>> BinaryCrossentropy(from_logits=True).from_logits
        True
    """


def get(identifier: Any) -> Loss:
    """The loss that a name, a loss or its config stands for.

    Raises:
        ValueError: If no loss has that name.
        TypeError: If `identifier` is none of those.

    Example:
        >>> get("mse").name
        'mean_squared_error'
    """
    return _FAMILY.get(identifier)
