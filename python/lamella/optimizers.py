"""Optimizers. Update rules, names and defaults are those of Keras 3."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ._checks import flag, real
from ._registry import Registry, snake_case

__all__ = ["SGD", "Optimizer", "RMSprop", "get"]


class Optimizer:
    """Base class.

    Args:
        learning_rate: Size of a step, a number of at least 0.
        name: Shown in configs.
        lr: Older name of `learning_rate`, for old programs.
    """

    def __init__(self, learning_rate: float, name: str | None, lr: float | None) -> None:
        self.learning_rate = learning_rate if lr is None else lr
        self.name = name or snake_case(type(self).__name__)

    @property
    def learning_rate(self) -> float:
        """Size of a step; may be set at any time, from the next step on."""
        return self._learning_rate

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        self._learning_rate = real(type(self).__name__, "learning_rate", value, least=0)

    lr = learning_rate

    def rates(self, first: int, count: int) -> npt.NDArray[np.float32]:
        """The learning rates of the steps first ... first + count - 1."""
        return np.full(count, self._learning_rate, np.float32)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        own = {k: v for k, v in vars(self).items() if not k.startswith("_")}
        return {**own, "learning_rate": self.learning_rate}

    def _spec(self, core: Any) -> Any:
        spec = getattr(core.optimizers, type(self).__name__)()
        for key, value in self.get_config().items():
            if key not in ("name", "learning_rate"):
                setattr(spec, key, value)
        return spec


_FAMILY: Registry[Optimizer] = Registry("optimizer", Optimizer)


@_FAMILY.register()
class SGD(Optimizer):
    """Gradient descent, ``w -= η g``; with momentum ``m = μ m - η g; w += m``; Nesterov ``w += μ m - η g``.

    Args:
        learning_rate: η, at least 0.
        momentum: μ in [0, 1].
        nesterov: Whether to look ahead (Nesterov 1983; Sutskever et al. 2013).
        name: Shown in configs.
        lr: Older name of `learning_rate`.

    Example:
        >>> SGD(0.1, momentum=0.9).get_config()["momentum"]
        0.9
    """

    def __init__(
        self,
        learning_rate: float = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        name: str | None = None,
        *,
        lr: float | None = None,
    ) -> None:
        super().__init__(learning_rate, name, lr)
        self.momentum = real("SGD", "momentum", momentum, least=0, most=1)
        self.nesterov = flag("SGD", "nesterov", nesterov)


@_FAMILY.register("rmsprop")
class RMSprop(Optimizer):
    """``v = ρ v + (1-ρ) g²; w -= η g / sqrt(v + ε)``.

    Args:
        learning_rate: η, at least 0.
        rho: ρ in [0, 1], how slowly the mean square forgets.
        momentum: μ; with it ``m = μ m + η g / sqrt(...); w -= m``.
        epsilon: ε, inside the root as in Keras 3.
        centered: Whether to divide by the standard deviation: ``a = ρ a + (1-ρ) g; sqrt(v - a² + ε)``.
        name: Shown in configs.
        lr: Older name of `learning_rate`.

    Source:
        Tieleman & Hinton 2012, lecture 6.5.

    Example:
        >>> RMSprop(1e-3).rho
        0.9
    """

    def __init__(
        self,
        learning_rate: float = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        name: str | None = None,
        *,
        lr: float | None = None,
    ) -> None:
        super().__init__(learning_rate, name, lr)
        self.rho = real("RMSprop", "rho", rho, least=0, most=1)
        self.momentum = real("RMSprop", "momentum", momentum, least=0, most=1)
        self.epsilon = real("RMSprop", "epsilon", epsilon, least=0)
        self.centered = flag("RMSprop", "centered", centered)


def get(identifier: Any) -> Optimizer:
    """The optimizer that a name (in any case), an optimizer or its config stands for.

    Raises:
        ValueError: If no optimizer has that name.
        TypeError: If `identifier` is none of those.

    Example:
        >>> get("rmsprop").learning_rate
        0.001
    """
    return _FAMILY.get(identifier, ignore_case=True)
