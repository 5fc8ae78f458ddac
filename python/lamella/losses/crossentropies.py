"""Crossentropies of probabilities or logits, plain and focal."""

from __future__ import annotations

from typing import Any

from .._checks import flag, integer, real
from .base import FAMILY, CoreLoss, Loss
from .regression import last_axis


class _Smoothed(CoreLoss):
    """What crossentropies have in common, except the sparse one."""

    limits = (0.0, 1.0)

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        kind = type(self).__name__
        self.from_logits = flag(kind, "from_logits", from_logits)
        self.label_smoothing = real(kind, "label_smoothing", label_smoothing, least=0, most=1)
        self.axis = last_axis(kind, axis)


@FAMILY.register()
class CategoricalCrossentropy(_Smoothed):
    """``-sum(t * ln p)`` for targets that are rows of class shares (one-hot).

    After a softmax it works on the logits: its gradient is ``p - t``, also where p is rounded to 0 or 1. Called with
    probabilities, it divides them by their sum and clips them to [1e-7, 1 - 1e-7].

    Args:
        from_logits: Whether predictions are logits, not probabilities.
        label_smoothing: Share of each target that is spread evenly over all classes.
        axis: The axis of the classes; only -1, the last.
        reduction, name, dtype: As for every loss.

    Raises:
        TypeError: If `from_logits` is not a bool.
        ValueError: If `label_smoothing` is not in [0, 1], or `axis` is not -1.

    Example:
        >>> round(CategoricalCrossentropy()([[0.0, 1.0]], [[0.5, 0.5]]), 4)
        0.6931
    """

    several = True


@FAMILY.register()
class SparseCategoricalCrossentropy(CoreLoss):
    """``-ln p[class]`` for targets that are class numbers, ``(n,)`` or ``(n, 1)``.

    Args:
        from_logits: Whether predictions are logits, not probabilities.
        ignore_class: A class number, such as -1, whose samples count for nothing and leave the mean.
        reduction: As for every loss.
        axis: The axis of the classes; only -1, the last.
        name, dtype: As for every loss.

    Raises:
        TypeError: If `from_logits` is not a bool, or `ignore_class` not an integer.
        ValueError: If `axis` is not -1.

    Example:
        >>> loss = SparseCategoricalCrossentropy(ignore_class=-1)
        >>> round(loss([1, -1], [[0.5, 0.5], [0.9, 0.1]]), 4)
        0.6931
    """

    labels = several = True

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: int | None = None,
        reduction: str | None = "sum_over_batch_size",
        axis: int = -1,
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        kind = type(self).__name__
        self.from_logits = flag(kind, "from_logits", from_logits)
        self.ignore_class = None
        if ignore_class is not None:
            self.ignore_class = integer(kind, "ignore_class", ignore_class, least=-(2**31))
        self.axis = last_axis(kind, axis)


@FAMILY.register("bce", "BCE")
class BinaryCrossentropy(_Smoothed):
    """``-mean(t * ln p + (1 - t) * ln(1 - p))`` for targets in [0, 1]; fused with a sigmoid.

    Args:
        from_logits: Whether predictions are logits, not probabilities.
        label_smoothing: Moves targets towards 1/2: ``t * (1 - s) + s / 2``.
        axis: The axis of the outputs; only -1, the last.
        reduction, name, dtype: As for every loss.

    Raises:
        TypeError: If `from_logits` is not a bool.
        ValueError: If `label_smoothing` is not in [0, 1], or `axis` is not -1.

    Example:
        >>> round(BinaryCrossentropy(from_logits=True)([[1.0]], [[0.0]]), 4)
        0.6931
    """


@FAMILY.register()
class BinaryFocalCrossentropy(_Smoothed):
    """The binary crossentropy times ``(1 - q)**gamma``, where q is the probability of the right answer.

    Args:
        apply_class_balancing: Whether outputs count ``alpha * t + (1 - alpha) * (1 - t)``.
        alpha: The weight of class 1 then.
        gamma: How much less those count that are right already.
        from_logits: Whether predictions are logits, not probabilities.
        label_smoothing: Moves targets towards 1/2.
        axis: The axis of the outputs; only -1, the last.
        reduction, name, dtype: As for every loss.

    Raises:
        TypeError: If a flag is not a bool.
        ValueError: If a number is out of its range, or `axis` is not -1.

    Source:
        Lin et al., Focal loss for dense object detection, 2017, https://arxiv.org/abs/1708.02002.

    Example:
        >>> round(BinaryFocalCrossentropy()([[1.0]], [[0.5]]), 4)
        0.1733
    """

    def __init__(
        self,
        apply_class_balancing: bool = False,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        super().__init__(from_logits, label_smoothing, axis, reduction, name, dtype)
        kind = type(self).__name__
        self.apply_class_balancing = flag(kind, "apply_class_balancing", apply_class_balancing)
        self.alpha = real(kind, "alpha", alpha, least=0, most=1)
        self.gamma = real(kind, "gamma", gamma, least=0)


@FAMILY.register()
class CategoricalFocalCrossentropy(_Smoothed):
    """``sum(alpha * (1 - p)**gamma * -t * ln p)`` for targets that are rows of class shares.

    Args:
        alpha: The weight of the loss.
        gamma: How much less those count that are right already.
        from_logits: Whether predictions are logits, not probabilities.
        label_smoothing: Share of each target that is spread evenly over all classes.
        axis: The axis of the classes; only -1, the last.
        reduction, name, dtype: As for every loss.

    Raises:
        TypeError: If `from_logits` is not a bool.
        ValueError: If a number is out of its range, or `axis` is not -1.

    Source:
        Lin et al., Focal loss for dense object detection, 2017, https://arxiv.org/abs/1708.02002.

    Example:
        >>> round(CategoricalFocalCrossentropy()([[0.0, 1.0]], [[0.5, 0.5]]), 4)
        0.0433
    """

    several = True

    def __init__(
        self,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        super().__init__(from_logits, label_smoothing, axis, reduction, name, dtype)
        kind = type(self).__name__
        self.alpha = real(kind, "alpha", alpha, least=0)
        self.gamma = real(kind, "gamma", gamma, least=0)


def is_crossentropy(identifier: Any) -> bool:
    """Whether this is ``"crossentropy"`` or ``"ce"``, which become one of three losses by the shapes of the data."""
    return isinstance(identifier, str) and identifier.lower() in ("crossentropy", "ce")


def resolve_crossentropy(outputs: int, output_rank: int, target_shape: tuple[int, ...]) -> Loss:
    """The loss that ``"crossentropy"`` stands for.

    Args:
        outputs: The size of the output's last axis.
        output_rank: Axes of the output, with the batch axis.
        target_shape: The shape of the targets, with the batch axis.

    Example:
        >>> resolve_crossentropy(10, 2, (60000,)).name
        'sparse_categorical_crossentropy'
    """
    if outputs == 1:
        return BinaryCrossentropy()
    if len(target_shape) < output_rank or target_shape[-1] == 1:
        return SparseCategoricalCrossentropy()
    return CategoricalCrossentropy()
