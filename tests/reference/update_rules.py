"""The ten update rules; w is the weight, g its gradient, t the number of the update from 1."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .optimizer_base import Array, Optimizer, ema


@dataclass(kw_only=True)
class SGD(Optimizer):
    learning_rate: float = 0.01
    momentum: float = 0.0
    nesterov: bool = False

    def slot_groups(self):
        return (("momentum",),) if self.momentum else ()

    def update(self, w: Array, g: Array, rate: float, t: int, slots: dict[str, Array]) -> None:
        if not self.momentum:
            w -= rate * g
            return
        m = slots["momentum"]
        m[...] = self.momentum * m - rate * g
        w += self.momentum * m - rate * g if self.nesterov else m


@dataclass(kw_only=True)
class RMSprop(Optimizer):
    """The epsilon stands inside the root."""

    rho: float = 0.9
    momentum: float = 0.0
    epsilon: float = 1e-7
    centered: bool = False

    def slot_groups(self):
        wanted = (("velocity", True), ("momentum", self.momentum), ("average_gradient", self.centered))
        return tuple((name,) for name, used in wanted if used)

    def update(self, w: Array, g: Array, rate: float, t: int, slots: dict[str, Array]) -> None:
        v = slots["velocity"]
        ema(v, g**2, self.rho)
        variance = v
        if self.centered:
            ema(slots["average_gradient"], g, self.rho)
            variance = v - slots["average_gradient"] ** 2
        u = rate * g / np.sqrt(variance + self.epsilon)
        if self.momentum:
            m = slots["momentum"]
            m[...] = self.momentum * m + u
            u = m
        w -= u


@dataclass(kw_only=True)
class Adam(Optimizer):
    """The epsilon stands outside the root and is not corrected for bias."""

    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-7
    amsgrad: bool = False

    def slot_groups(self):
        return (("momentum", "velocity"), ("velocity_hat",)) if self.amsgrad else (("momentum", "velocity"),)

    def update(self, w: Array, g: Array, rate: float, t: int, slots: dict[str, Array]) -> None:
        m, v = slots["momentum"], slots["velocity"]
        ema(m, g, self.beta_1)
        ema(v, g**2, self.beta_2)
        if self.amsgrad:
            v = np.maximum(slots["velocity_hat"], v, out=slots["velocity_hat"])
        alpha = rate * np.sqrt(1 - self.beta_2**t) / (1 - self.beta_1**t)
        w -= alpha * m / (np.sqrt(v) + self.epsilon)


@dataclass(kw_only=True)
class AdamW(Adam):
    """Adam after a decay of the weights."""

    weight_decay: float | None = 0.004


@dataclass(kw_only=True)
class Adagrad(Optimizer):
    initial_accumulator_value: float = 0.1
    epsilon: float = 1e-7
    slots = (("accumulator",),)

    def start(self, slot: str) -> float:
        return self.initial_accumulator_value

    def update(self, w: Array, g: Array, rate: float, t: int, slots: dict[str, Array]) -> None:
        a = slots["accumulator"]
        a += g**2
        w -= rate * g / np.sqrt(a + self.epsilon)


@dataclass(kw_only=True)
class Adadelta(Optimizer):
    rho: float = 0.95
    epsilon: float = 1e-7
    slots = (("accumulated_grad", "accumulated_delta_var"),)

    def update(self, w: Array, g: Array, rate: float, t: int, slots: dict[str, Array]) -> None:
        a, d = slots["accumulated_grad"], slots["accumulated_delta_var"]
        ema(a, g**2, self.rho)
        delta = -g * np.sqrt(d + self.epsilon) / np.sqrt(a + self.epsilon)
        ema(d, delta**2, self.rho)
        w += rate * delta


@dataclass(kw_only=True)
class Adamax(Optimizer):
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-7
    slots = (("momentum", "norm"),)

    def update(self, w: Array, g: Array, rate: float, t: int, slots: dict[str, Array]) -> None:
        m, u = slots["momentum"], slots["norm"]
        ema(m, g, self.beta_1)
        u[...] = np.maximum(self.beta_2 * u, np.abs(g))
        w -= rate * m / ((1 - self.beta_1**t) * (u + self.epsilon))


@dataclass(kw_only=True)
class Nadam(Optimizer):
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-7
    slots = (("momentum", "velocity"),)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.product = 1.0  # of all momentum factors so far

    def factor(self, t: int) -> float:
        return self.beta_1 * (1 - 0.5 * 0.96**t)

    def begin_step(self, t: int) -> None:
        self.product *= self.factor(t)

    def update(self, w: Array, g: Array, rate: float, t: int, slots: dict[str, Array]) -> None:
        m, v = slots["momentum"], slots["velocity"]
        ema(m, g, self.beta_1)
        ema(v, g**2, self.beta_2)
        now, after = self.factor(t), self.factor(t + 1)
        m_hat = after * m / (1 - self.product * after) + (1 - now) * g / (1 - self.product)
        v_hat = v / (1 - self.beta_2**t)
        w -= rate * m_hat / (np.sqrt(v_hat) + self.epsilon)

    def variables(self) -> list:
        return [*super().variables(), self.product]


@dataclass(kw_only=True)
class Ftrl(Optimizer):
    learning_rate_power: float = -0.5
    initial_accumulator_value: float = 0.1
    l1_regularization_strength: float = 0.0
    l2_regularization_strength: float = 0.0
    l2_shrinkage_regularization_strength: float = 0.0
    beta: float = 0.0
    slots = (("accumulator", "linear"),)

    def start(self, slot: str) -> float:
        return self.initial_accumulator_value if slot == "accumulator" else 0.0

    def update(self, w: Array, g: Array, rate: float, t: int, slots: dict[str, Array]) -> None:
        n, z = slots["accumulator"], slots["linear"]
        l1, power = self.l1_regularization_strength, -self.learning_rate_power
        l2 = self.l2_regularization_strength + self.beta / (2 * rate)
        new_n = n + g**2
        z += g + 2 * self.l2_shrinkage_regularization_strength * w - (new_n**power - n**power) / rate * w
        w[...] = (np.clip(z, -l1, l1) - z) / (new_n**power / rate + 2 * l2)
        n[...] = new_n


@dataclass(kw_only=True)
class Lion(Optimizer):
    beta_1: float = 0.9
    beta_2: float = 0.99
    slots = (("momentum",),)

    def update(self, w: Array, g: Array, rate: float, t: int, slots: dict[str, Array]) -> None:
        m = slots["momentum"]
        w -= rate * np.sign(self.beta_1 * m + (1 - self.beta_1) * g)
        ema(m, g, self.beta_2)
