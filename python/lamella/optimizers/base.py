"""The base class of optimizers: the options that all have, the learning rate, configs."""

from __future__ import annotations

import inspect
from typing import Any, ClassVar, TypedDict

import numpy as np
import numpy.typing as npt

from .._checks import flag, integer, real
from .._registry import Registry, arguments, parameters, snake_case, unexpected
from .rate import Rate, checked_rate, is_schedule
from .state import OptimizerState


class CommonButDecay(TypedDict, total=False):
    """Arguments of every optimizer, by keyword."""

    clipnorm: float | None
    clipvalue: float | None
    global_clipnorm: float | None
    use_ema: bool
    ema_momentum: float
    ema_overwrite_frequency: int | None
    loss_scale_factor: float | None
    gradient_accumulation_steps: int | None
    name: str | None
    lr: Any


class Common(CommonButDecay, total=False):
    """With the decay, which AdamW has among its own."""

    weight_decay: float | None


# In the order of Keras' configs.
_OPTIONS = (
    "weight_decay", "clipnorm", "global_clipnorm", "clipvalue", "use_ema", "ema_momentum", "ema_overwrite_frequency",
    "loss_scale_factor", "gradient_accumulation_steps",
)  # fmt: skip


class Optimizer(OptimizerState):
    """Base class. A step clips the gradients, decays the weights, applies the rule and averages the weights.

    Args:
        learning_rate: Size of a step: a number of at least 0, a schedule of `lamella.optimizers.schedules`, or a
            function without arguments that is called for every step.
        name: Shown in configs; by default the class name in snake case.
        weight_decay: ``w -= w * weight_decay * learning_rate`` before the rule; see `exclude_from_weight_decay`.
        clipnorm: The gradient of each weight is scaled down to at most this norm.
        clipvalue: Numbers of the gradient are clipped to ± this.
        global_clipnorm: All gradients together are scaled down to at most this norm. Only one of the three clips.
        use_ema: Whether to average the weights, ``a = ema_momentum * a + (1 - ema_momentum) * w``. At the end of fit
            they become their averages.
        ema_momentum: In [0, 1].
        ema_overwrite_frequency: Weights become their averages every so many steps, too.
        loss_scale_factor: Accepted for Keras programs; without effect in float32, since gradients are divided by it
            again.
        gradient_accumulation_steps: An update every so many steps, with the mean of their gradients.
        lr: Older name of `learning_rate`, for old programs.

    Raises:
        ValueError: If an argument is out of its range, or two clips are given.
        TypeError: If an argument is unknown or of another kind.

    Example:
        >>> from lamella.optimizers import Adam, Optimizer
        >>> adam = Adam(learning_rate=0.01, weight_decay=1e-4, global_clipnorm=1.0)
        >>> isinstance(adam, Optimizer), adam.learning_rate
        (True, 0.01)
    """

    _unused: ClassVar[dict[str, Any]] = {"is_legacy_optimizer": False, "jit_compile": False}

    def __init__(
        self,
        learning_rate: Any,
        name: str | None = None,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        *,
        lr: Any = None,
        decay: Any = None,
        **unknown: Any,
    ) -> None:
        super().__init__()
        owner = type(self).__name__
        if unknown:
            raise unexpected(type(self), unknown, [name for name in parameters(type(self)) if name != "decay"])
        if decay:  # 0.0 in files of Keras 2
            raise ValueError(
                f"{owner} has no `decay`, as in Keras 3: pass learning_rate=schedules.InverseTimeDecay(learning_rate, "
                "1, decay), which is the same."
            )
        if lr is not None and learning_rate is not _default_rate(type(self)):
            raise TypeError(f"{owner} takes `learning_rate` or its older name `lr`, not both.")
        self._learning_rate = checked_rate(owner, learning_rate if lr is None else lr)
        self.name = name or snake_case(owner)
        for key, value in (
            ("weight_decay", weight_decay),
            ("clipnorm", clipnorm),
            ("clipvalue", clipvalue),
            ("global_clipnorm", global_clipnorm),
            ("loss_scale_factor", loss_scale_factor),
        ):
            setattr(self, key, None if value is None else real(owner, key, value, least=0))
        clips = [key for key in ("clipnorm", "clipvalue", "global_clipnorm") if getattr(self, key) is not None]
        if len(clips) > 1:
            raise ValueError(
                "Only one of `clipnorm`, `clipvalue` and `global_clipnorm` can be set; "
                f"{owner} got {' and '.join(clips)}."
            )
        self.use_ema = flag(owner, "use_ema", use_ema)
        self.ema_momentum = real(owner, "ema_momentum", ema_momentum, least=0, most=1)
        self.ema_overwrite_frequency = (
            None
            if ema_overwrite_frequency is None
            else integer(owner, "ema_overwrite_frequency", ema_overwrite_frequency, least=1)
        )
        self.gradient_accumulation_steps = (
            None
            if gradient_accumulation_steps is None
            else integer(owner, "gradient_accumulation_steps", gradient_accumulation_steps, least=2)
        )

    def __init_subclass__(cls) -> None:
        # What help() and editors show: the class's own arguments, then those of all.
        if "__init__" in vars(cls):
            own = inspect.signature(cls.__init__).parameters
            shown = [p for p in own.values() if p.name != "self" and p.kind is not p.VAR_KEYWORD]
            for parameter in inspect.signature(Optimizer.__init__).parameters.values():
                if parameter.name not in (*own, "self", "decay", "learning_rate", "unknown"):
                    shown.append(parameter.replace(kind=parameter.KEYWORD_ONLY))
            cls.__signature__ = inspect.Signature(shown)  # type: ignore[attr-defined]

    @property
    def learning_rate(self) -> float:
        """Size of a step; may be set at any time, from the next step on.

        Raises:
            TypeError: If it is set to a number where the optimizer was made with a schedule.
        """
        rate = self._learning_rate
        return Rate(self.rates(self._steps, 1)[0] if callable(rate) or is_schedule(rate) else rate, self)

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        rate = checked_rate(type(self).__name__, value)
        if is_schedule(self._learning_rate) and isinstance(rate, float):
            raise TypeError(
                f"The learning rate of this {type(self).__name__} follows a schedule and cannot be set to {value!r}; "
                "set it to another schedule, or make the optimizer with a number."
            )
        self._learning_rate = rate

    lr = learning_rate

    def rates(self, first: int, count: int) -> npt.NDArray[np.float32]:
        """The learning rates of the steps first ... first + count - 1."""
        rate = self._learning_rate
        if is_schedule(rate):
            return np.ascontiguousarray(rate.rates(first, count), np.float32)
        if callable(rate):
            owner = type(self).__name__
            return np.array([real(owner, "learning_rate", rate(), least=0) for _ in range(count)], np.float32)
        return np.full(count, rate, np.float32)

    @property
    def _has_rate_variable(self) -> bool:
        return isinstance(self._learning_rate, float)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, with the keys of Keras.

        Example:
            >>> from lamella.optimizers import SGD
            >>> SGD(0.1, clipnorm=1.0).get_config()["clipnorm"]
            1.0
        """
        rate: Any = self._learning_rate
        if is_schedule(rate):
            module, name = "keras.optimizers.schedules", type(rate).__name__
            rate = {"module": module, "class_name": name, "config": rate.get_config(), "registered_name": None}
        elif callable(rate):
            rate = float(self.learning_rate)
        options = {key: getattr(self, key) for key in _OPTIONS}
        return {"name": self.name, "learning_rate": rate, **options, **self._own()}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Optimizer:
        """The optimizer that get_config() described, without its state.

        Raises:
            ValueError: If a setting is unknown and in use.
        """
        return cls(**arguments(cls, config))

    def _own(self) -> dict[str, Any]:
        """The arguments that only this class has."""
        return {k: v for k, v in vars(self).items() if not k.startswith("_") and k not in ("name", *_OPTIONS)}

    def _spec(self, core: Any) -> Any:
        spec = getattr(core.optimizers, type(self).__name__)()
        for key, value in self._own().items():
            setattr(spec, key, value)
        return spec

    def _options(self, core: Any) -> Any:
        options = core.Options()
        for key in _OPTIONS:
            if getattr(self, key) is not None and hasattr(options, key):
                setattr(options, key, getattr(self, key))
        return options


def _default_rate(cls: type[Optimizer]) -> Any:
    found = parameters(cls).get("learning_rate")
    return None if found is None else found.default


FAMILY: Registry[Optimizer] = Registry("optimizer", Optimizer)
