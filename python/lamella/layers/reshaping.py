"""Layers that change the shape of samples and nothing else."""

from __future__ import annotations

import math
from typing import Any

from .._checks import integer, several
from .base import Layer, Shape


class _Reshaping(Layer):
    """Numbers stay in their order, so the core needs to do nothing."""

    def _spec(self, core: Any) -> None:
        return None

    def _specs(self, core: Any, shape: Shape) -> list[Any]:
        return []

    def _groups(self, shape: Shape) -> None:
        return None


class Flatten(_Reshaping):
    """Makes one axis of all axes of a sample: ``(28, 28)`` becomes ``(784,)``.

    Args:
        data_format: Only None or ``"channels_last"``.
        **options: As for every layer.

    Example:
        >>> from lamella import Input, Sequential
        >>> from lamella.layers import Flatten
        >>> Sequential([Input((28, 28)), Flatten()]).output_shape
        (None, 784)
    """

    def __init__(self, data_format: str | None = None, **options: Any) -> None:
        super().__init__(**options)
        if data_format not in (None, "channels_last"):
            raise ValueError(f"Flatten `data_format` must be None or 'channels_last', got {data_format!r}.")

    def compute_output_shape(self, shape: Shape) -> Shape:
        """The product of the sizes."""
        return (math.prod(shape),)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, as Keras writes them."""
        return {**super().get_config(), "data_format": "channels_last"}


class Reshape(_Reshaping):
    """Gives samples another shape of as many numbers.

    Args:
        target_shape: The shape of one sample; one size may be -1, which stands for what is left.
        **options: As for every layer.

    Raises:
        ValueError: If a size is not positive, more than one is -1, or the numbers do not fit.

    Example:
        >>> from lamella import Input, Sequential
        >>> from lamella.layers import Reshape
        >>> Sequential([Input((12,)), Reshape((3, -1))]).output_shape
        (None, 3, 4)
    """

    def __init__(self, target_shape: Any, **options: Any) -> None:
        super().__init__(**options)
        one = hasattr(target_shape, "__index__")
        sizes = [target_shape] if one else several("Reshape", "target_shape", target_shape, "sizes")
        self.target_shape = tuple(integer("Reshape", "target_shape", size, least=-1) for size in sizes)
        if not self.target_shape or 0 in self.target_shape or self.target_shape.count(-1) > 1:
            raise ValueError(
                f"Reshape `target_shape` must hold positive sizes, at most one of them -1; got {target_shape!r}."
            )

    def compute_output_shape(self, shape: Shape) -> Shape:
        """The target shape, with its -1 filled in."""
        numbers, given = math.prod(shape), math.prod(size for size in self.target_shape if size > 0)
        rest, left = divmod(numbers, given)
        if left or (rest != 1 and -1 not in self.target_shape):
            raise ValueError(
                f"Reshape layer {self.name!r} cannot make {self.target_shape} of samples of shape {shape}: "
                f"they have {numbers} numbers."
            )
        return tuple(rest if size < 0 else size for size in self.target_shape)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, as Keras writes them."""
        return {**super().get_config(), "target_shape": list(self.target_shape)}
