"""Adagrad and its relatives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._checks import real
from .base import FAMILY, Common, Optimizer

if TYPE_CHECKING:
    from typing_extensions import Unpack


@FAMILY.register()
class Adagrad(Optimizer):
    """``a += g²; w -= η g / sqrt(a + ε)``.

    Args:
        learning_rate: η; see `Optimizer`. The paper's form wants about 1.0.
        initial_accumulator_value: What a starts with, at least 0.
        epsilon: ε, inside the root.
        common: The arguments of every `Optimizer`.

    Source:
        Duchi et al. 2011, "Adaptive subgradient methods".

    Example:
        >>> Adagrad(0.1).initial_accumulator_value
        0.1
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        **common: Unpack[Common],
    ) -> None:
        super().__init__(learning_rate, **common)
        self.initial_accumulator_value = real(
            "Adagrad", "initial_accumulator_value", initial_accumulator_value, least=0
        )
        self.epsilon = real("Adagrad", "epsilon", epsilon, least=0)


@FAMILY.register()
class Adadelta(Optimizer):
    """``a = ρ a + (1-ρ) g²; Δ = -g sqrt(d + ε) / sqrt(a + ε); d = ρ d + (1-ρ) Δ²; w += η Δ``.

    Args:
        learning_rate: η; see `Optimizer`. The paper's form has 1.0.
        rho: ρ in [0, 1], how slowly the means forget.
        epsilon: ε, inside the roots.
        common: The arguments of every `Optimizer`.

    Source:
        Zeiler 2012, "ADADELTA: An adaptive learning rate method".

    Example:
        >>> Adadelta(1.0).rho
        0.95
    """

    def __init__(
        self, learning_rate: Any = 0.001, rho: float = 0.95, epsilon: float = 1e-7, **common: Unpack[Common]
    ) -> None:
        super().__init__(learning_rate, **common)
        self.rho = real("Adadelta", "rho", rho, least=0, most=1)
        self.epsilon = real("Adadelta", "epsilon", epsilon, least=0)


@FAMILY.register()
class Ftrl(Optimizer):
    """Follows the regularized leader; ``p = -learning_rate_power``, ``λ₂ = l2 + β / (2 η)``:
    ``n' = n + g²; z += g + 2 shrinkage w - (n'ᵖ - nᵖ) / η w; w = (clip(z, ±l1) - z) / (n'ᵖ / η + 2 λ₂)``.

    Args:
        learning_rate: η; see `Optimizer`. A rate of 0 changes nothing.
        learning_rate_power: At most 0.
        initial_accumulator_value: What n starts with, at least 0.
        l1_regularization_strength: l1, at least 0.
        l2_regularization_strength: l2, at least 0.
        l2_shrinkage_regularization_strength: At least 0; acts on the gradient only.
        beta: β, at least 0.
        common: The arguments of every `Optimizer`.

    Source:
        McMahan et al. 2013, "Ad click prediction: a view from the trenches".

    Example:
        >>> Ftrl().learning_rate_power
        -0.5
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float = 0.0,
        **common: Unpack[Common],
    ) -> None:
        super().__init__(learning_rate, **common)

        def checked(name: str, value: float) -> float:
            return real("Ftrl", name, value, least=0)

        self.learning_rate_power = real("Ftrl", "learning_rate_power", learning_rate_power, most=0)
        self.initial_accumulator_value = checked("initial_accumulator_value", initial_accumulator_value)
        self.l1_regularization_strength = checked("l1_regularization_strength", l1_regularization_strength)
        self.l2_regularization_strength = checked("l2_regularization_strength", l2_regularization_strength)
        self.l2_shrinkage_regularization_strength = checked(
            "l2_shrinkage_regularization_strength", l2_shrinkage_regularization_strength
        )
        self.beta = checked("beta", beta)
