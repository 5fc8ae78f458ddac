"""Gradient descent and RMSprop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._checks import flag, real
from .base import FAMILY, Common, Optimizer

if TYPE_CHECKING:
    from typing_extensions import Unpack


@FAMILY.register()
class SGD(Optimizer):
    """Gradient descent, ``w -= η g``; with momentum ``m = μ m - η g; w += m``; Nesterov ``w += μ m - η g``.

    Args:
        learning_rate: η; see `Optimizer`.
        momentum: μ in [0, 1].
        nesterov: Whether to look ahead (Nesterov 1983; Sutskever et al. 2013).
        common: The arguments of every `Optimizer`.

    Example:
        >>> SGD(0.1, momentum=0.9).get_config()["momentum"]
        0.9
    """

    def __init__(
        self, learning_rate: Any = 0.01, momentum: float = 0.0, nesterov: bool = False, **common: Unpack[Common]
    ) -> None:
        super().__init__(learning_rate, **common)
        self.momentum = real("SGD", "momentum", momentum, least=0, most=1)
        self.nesterov = flag("SGD", "nesterov", nesterov)


@FAMILY.register("rmsprop")
class RMSprop(Optimizer):
    """``v = ρ v + (1-ρ) g²; w -= η g / sqrt(v + ε)``.

    Args:
        learning_rate: η; see `Optimizer`.
        rho: ρ in [0, 1], how slowly the mean square forgets.
        momentum: μ; with it ``m = μ m + η g / sqrt(...); w -= m``.
        epsilon: ε, inside the root as in Keras 3.
        centered: Whether to divide by the standard deviation: ``a = ρ a + (1-ρ) g; sqrt(v - a² + ε)``.
        common: The arguments of every `Optimizer`.

    Source:
        Tieleman & Hinton 2012, lecture 6.5.

    Example:
        >>> RMSprop(1e-3).rho
        0.9
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        **common: Unpack[Common],
    ) -> None:
        super().__init__(learning_rate, **common)
        self.rho = real("RMSprop", "rho", rho, least=0, most=1)
        self.momentum = real("RMSprop", "momentum", momentum, least=0, most=1)
        self.epsilon = real("RMSprop", "epsilon", epsilon, least=0)
        self.centered = flag("RMSprop", "centered", centered)
