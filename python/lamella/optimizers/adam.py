"""Adam and its relatives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._checks import flag, real
from .base import FAMILY, Common, CommonButDecay, Optimizer
from .state import Array

if TYPE_CHECKING:
    from typing_extensions import Unpack


class _WithBetas(Optimizer):
    """The betas of all optimizers of this file."""

    def __init__(self, learning_rate: Any, beta_1: float, beta_2: float, **common: Unpack[Common]) -> None:
        super().__init__(learning_rate, **common)
        owner = type(self).__name__
        self.beta_1 = real(owner, "beta_1", beta_1, least=0, below=1)
        self.beta_2 = real(owner, "beta_2", beta_2, least=0, below=1)


@FAMILY.register()
class Adam(_WithBetas):
    """``m += (g - m)(1-β₁); v += (g² - v)(1-β₂); w -= η sqrt(1-β₂ᵗ) / (1-β₁ᵗ) m / (sqrt(v) + ε)``.

    Args:
        learning_rate: η; see `Optimizer`.
        beta_1: β₁ in [0, 1), how slowly the mean gradient forgets.
        beta_2: β₂ in [0, 1), how slowly the mean square forgets.
        epsilon: ε, outside of the root and not corrected for the start.
        amsgrad: Whether to divide by the largest v so far (Reddi et al. 2018).
        common: The arguments of every `Optimizer`.

    Source:
        Kingma & Ba 2015, "Adam: A method for stochastic optimization".

    Example:
        >>> Adam(beta_1=0.8).beta_2
        0.999
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **common: Unpack[Common],
    ) -> None:
        super().__init__(learning_rate, beta_1, beta_2, **common)
        owner = type(self).__name__
        self.epsilon = real(owner, "epsilon", epsilon, least=0)
        self.amsgrad = flag(owner, "amsgrad", amsgrad)


@FAMILY.register("adamw")
class AdamW(Adam):
    """Adam with decay: ``w -= w * weight_decay * η`` before each update.

    Args:
        learning_rate: η; see `Optimizer`.
        weight_decay: At least 0.
        beta_1, beta_2, epsilon, amsgrad: As for `Adam`.
        common: The arguments of every `Optimizer`.

    Source:
        Loshchilov & Hutter 2019, "Decoupled weight decay regularization".

    Example:
        >>> AdamW().weight_decay
        0.004
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **common: Unpack[CommonButDecay],
    ) -> None:
        decay = real("AdamW", "weight_decay", weight_decay, least=0)
        super().__init__(learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay=decay, **common)


@FAMILY.register()
class Adamax(_WithBetas):
    """``m += (g - m)(1-β₁); u = max(β₂ u, |g|); w -= η m / ((1-β₁ᵗ)(u + ε))``.

    Args:
        learning_rate: η; see `Optimizer`.
        beta_1: β₁ in [0, 1), how slowly the mean gradient forgets.
        beta_2: β₂ in [0, 1), how slowly the largest gradient forgets.
        epsilon: ε.
        common: The arguments of every `Optimizer`.

    Source:
        Kingma & Ba 2015, section 7.

    Example:
        >>> Adamax().epsilon
        1e-07
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **common: Unpack[Common],
    ) -> None:
        super().__init__(learning_rate, beta_1, beta_2, **common)
        self.epsilon = real("Adamax", "epsilon", epsilon, least=0)


@FAMILY.register()
class Nadam(_WithBetas):
    """Adam with Nesterov's look ahead, by momentum factors ``uₜ = β₁ (1 - 0.96ᵗ / 2)``.

    Args:
        learning_rate: η; see `Optimizer`.
        beta_1: β₁ in [0, 1), how slowly the mean gradient forgets.
        beta_2: β₂ in [0, 1), how slowly the mean square forgets.
        epsilon: ε, outside of the root.
        common: The arguments of every `Optimizer`.

    Source:
        Dozat 2015, "Incorporating Nesterov momentum into Adam".

    Example:
        >>> Nadam().beta_1
        0.9
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **common: Unpack[Common],
    ) -> None:
        super().__init__(learning_rate, beta_1, beta_2, **common)
        self.epsilon = real("Nadam", "epsilon", epsilon, least=0)

    def _scalars(self) -> list[Array]:
        # The product of all factors follows from the number of updates; later factors are β₁ itself.
        factors = 1 - 0.5 * 0.96 ** np.arange(1, min(self.iterations, 1000) + 1)
        return [np.array(self.beta_1**self.iterations * factors.prod(), np.float32)]


@FAMILY.register()
class Lion(_WithBetas):
    """``w -= η sign(β₁ m + (1-β₁) g); m = β₂ m + (1-β₂) g``.

    Args:
        learning_rate: η; see `Optimizer`. Take a third to a tenth of Adam's.
        beta_1: β₁ in [0, 1), the share of the mean gradient in a step.
        beta_2: β₂ in [0, 1), how slowly the mean gradient forgets.
        common: The arguments of every `Optimizer`.

    Source:
        Chen et al. 2023, "Symbolic discovery of optimization algorithms".

    Example:
        >>> Lion().beta_2
        0.99
    """

    def __init__(
        self, learning_rate: Any = 0.001, beta_1: float = 0.9, beta_2: float = 0.99, **common: Unpack[Common]
    ) -> None:
        super().__init__(learning_rate, beta_1, beta_2, **common)
