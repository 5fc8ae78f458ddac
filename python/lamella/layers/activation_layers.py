"""Activations that Keras also has as layers with their own arguments."""

from __future__ import annotations

import warnings
from typing import Any

from .. import activations
from .base import Layer
from .elementwise import Activation


class _ActivationLayer(Activation):
    """An Activation whose arguments are those of its activation."""

    def __init__(self, activation: activations.Activation, **options: Any) -> None:
        super().__init__(activation, **options)
        vars(self).update(activation.arguments)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**Layer.get_config(self), **self.activation.arguments}


class ReLU(_ActivationLayer):
    """``min(x, max_value)`` where ``x > threshold``, else ``negative_slope * (x - threshold)``.

    Args:
        max_value: Largest output, or None for no limit.
        negative_slope: Slope below the threshold, at least 0.
        threshold: From where on x passes, at least 0.
        **options: As for every layer.

    Raises:
        ValueError: If an argument is negative or not a number.

    Example:
        >>> import numpy as np
        >>> from lamella import Input, Sequential
        >>> from lamella.layers import ReLU
        >>> Sequential([Input((3,)), ReLU(max_value=6)]).predict(np.array([[-1.0, 2.0, 9.0]]))
        array([[0., 2., 6.]], dtype=float32)
    """

    def __init__(
        self, max_value: float | None = None, negative_slope: float = 0.0, threshold: float = 0.0, **options: Any
    ) -> None:
        given = {"max_value": max_value, "negative_slope": negative_slope, "threshold": threshold}
        super().__init__(activations.relu.with_arguments(**given), **options)


class LeakyReLU(_ActivationLayer):
    """``x`` where ``x >= 0``, else ``negative_slope * x``.

    Args:
        negative_slope: Slope below 0, at least 0. `alpha` is its old name.
        **options: As for every layer.

    Raises:
        ValueError: If the slope is negative or not a number.

    Example:
        >>> import numpy as np
        >>> from lamella import Input, Sequential
        >>> from lamella.layers import LeakyReLU
        >>> Sequential([Input((2,)), LeakyReLU(0.5)]).predict(np.array([[-1.0, 2.0]]))
        array([[-0.5,  2. ]], dtype=float32)
    """

    def __init__(self, negative_slope: float = 0.3, **options: Any) -> None:
        if "alpha" in options:
            negative_slope = options.pop("alpha")
            warnings.warn("LeakyReLU `alpha` is deprecated: use `negative_slope` instead.", stacklevel=2)
        super().__init__(activations.leaky_relu.with_arguments(negative_slope=negative_slope), **options)


class ELU(_ActivationLayer):
    """``x`` where ``x > 0``, else ``alpha * (exp(x) - 1)``.

    Args:
        alpha: Minus the lower limit of the output, at least 0.
        **options: As for every layer.

    Raises:
        ValueError: If `alpha` is negative or not a number.

    Source:
        Clevert, Unterthiner and Hochreiter (2016), https://arxiv.org/abs/1511.07289

    Example:
        >>> import numpy as np
        >>> from lamella import Input, Sequential
        >>> from lamella.layers import ELU
        >>> Sequential([Input((2,)), ELU()]).predict(np.array([[-1.0, 2.0]])).round(4)
        array([[-0.6321,  2.    ]], dtype=float32)
    """

    def __init__(self, alpha: float = 1.0, **options: Any) -> None:
        super().__init__(activations.elu.with_arguments(alpha=alpha), **options)


class Softmax(_ActivationLayer):
    """``exp(x - max x) / sum(exp(x - max x))`` over each sample.

    Args:
        axis: The last axis; samples have one.
        **options: As for every layer.

    Raises:
        TypeError: If `axis` is not an integer.

    Example:
        >>> import numpy as np
        >>> from lamella import Input, Sequential
        >>> from lamella.layers import Softmax
        >>> Sequential([Input((2,)), Softmax()]).predict(np.array([[3.0, 3.0]]))
        array([[0.5, 0.5]], dtype=float32)
    """

    def __init__(self, axis: int = -1, **options: Any) -> None:
        super().__init__(activations.softmax.with_arguments(axis=axis), **options)
