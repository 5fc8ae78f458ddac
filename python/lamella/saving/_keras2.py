"""Configs and optimizers as Keras 2 wrote them, turned into those of Keras 3, and into what both read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .. import losses, metrics
from ..metrics.base import FAMILY
from ._errors import BadModelFile

_COMPILED = ("loss", "loss_weights", "metrics", "weighted_metrics")
_NAMES = ("accuracy", "acc", "crossentropy", "ce")  # mean what the loss and the outputs make of them
_DEFAULTS = {  # of settings that not all optimizers of Keras 2 have
    "clipnorm": None,
    "clipvalue": None,
    "ema_momentum": 0.99,
    "ema_overwrite_frequency": None,
    "global_clipnorm": None,
    "gradient_accumulation_steps": None,
    "loss_scale_factor": None,
    "use_ema": False,
    "weight_decay": None,
}


# ---------------------------------------------------------------------------- writing


def older_model(config: Mapping[str, Any]) -> dict[str, Any]:
    """The config of a model or layer, and of those in it, without modules; the first layer says `batch_input_shape`."""
    settings = {key: value for key, value in config["config"].items() if key != "dtype"}
    if "layers" in settings:
        settings["layers"] = [older_model(each) for each in settings["layers"]]
    if config["class_name"] == "InputLayer":
        settings["batch_input_shape"] = settings.pop("batch_shape")
        settings["dtype"] = "float32"
    if not isinstance(settings.get("axis", -1), int) and config["module"] == "keras.layers":
        return {**config, "config": settings}  # without its module Keras 3 would pass over several axes, and over None
    if config["class_name"] == "LeakyReLU":
        settings["alpha"] = settings.pop("negative_slope")
    return {"class_name": config.get("registered_name") or config["class_name"], "config": settings}


def training_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """What compile() got, with the optimizer under its older key."""
    optimizer = _older(config["optimizer"])
    settings = {k: v for k, v in optimizer["config"].items() if k not in _DEFAULTS or v != _DEFAULTS[k]}
    if "use_ema" not in settings:
        settings = {k: v for k, v in settings.items() if not k.startswith("ema_")}
    found = {key: value for key, value in config.items() if key not in ("optimizer", "build_config")}
    for key in _COMPILED:
        family = losses if key == "loss" else metrics
        found[key] = _each(config.get(key), lambda part, family=family: _older(_as_class(part, family)))
    return {**found, "optimizer_config": {**optimizer, "config": settings}}


def _as_class(part: Any, family: Any) -> Any:
    """The config of what a name stands for: Keras 3.15 does not find some names in such a file."""
    if not isinstance(part, str) or part in _NAMES or part not in family.base.FAMILY.makers:
        return part
    return family.serialize(family.get(part))


def _older(config: Any) -> Any:
    """One loss, metric or optimizer without its module; functions by name."""
    if not isinstance(config, Mapping):
        return config
    if config["class_name"] == "function":
        return config["config"]
    settings = {key: value for key, value in config["config"].items() if (key, value) != ("axis", -1)}
    return {"class_name": config.get("registered_name") or config["class_name"], "config": settings}


def _each(value: Any, change: Any) -> Any:
    return [_each(part, change) for part in value] if isinstance(value, list) else change(value)


# ---------------------------------------------------------------------------- reading


def model_config(config: Any) -> Any:
    """A model's or layer's config; before Keras 2.3 that of a Sequential was a list of layers."""
    if not isinstance(config, Mapping):
        return config
    settings = config.get("config")
    if isinstance(settings, list):
        settings = {"name": "sequential", "layers": settings}
    if isinstance(settings, Mapping) and isinstance(settings.get("layers"), list):
        settings = {**settings, "layers": [model_config(each) for each in settings["layers"]]}
    if config.get("class_name") == "LeakyReLU" and isinstance(settings, Mapping) and "alpha" in settings:
        settings = {"negative_slope" if key == "alpha" else key: value for key, value in settings.items()}
    return {**config, "config": settings}


def compile_config(config: dict[str, Any]) -> dict[str, Any]:
    """What Keras 3 would have written for compile()."""
    found = {key: _each(config.get(key), _newer) for key in _COMPILED}
    return {**found, "optimizer": _newer_optimizer(config.get("optimizer_config"))}


def _newer(config: Any) -> Any:
    """One loss or metric."""
    if not isinstance(config, Mapping) or not isinstance(config.get("config"), Mapping):
        return config
    settings = dict(config["config"])
    function = settings.pop("fn", None)
    function = function.get("config") if isinstance(function, Mapping) else function
    if config.get("class_name") == "MeanMetricWrapper":  # a function, under the name that compile() got
        name = settings.get("name")
        return name if name in FAMILY.makers or name in ("accuracy", "acc") else function
    if settings.get("reduction") == "auto":
        settings["reduction"] = "sum_over_batch_size"
    return {**config, "config": settings}


def _newer_optimizer(config: Any) -> Any:
    if not isinstance(config, Mapping) or not isinstance(config.get("config"), Mapping):
        raise BadModelFile("its training_config has no `optimizer_config`")
    settings = {k: v for k, v in config["config"].items() if k not in ("jit_compile", "is_legacy_optimizer", "decay")}
    if config["config"].get("decay"):  # Keras 2 divided the learning rate by 1 + decay * iterations
        settings["learning_rate"] = {
            "class_name": "InverseTimeDecay",
            "config": {
                "initial_learning_rate": settings.get("learning_rate", settings.pop("lr", 0.001)),
                "decay_steps": 1,
                "decay_rate": config["config"]["decay"],
            },
        }
    return {"class_name": str(config.get("class_name")).removeprefix("Custom>"), "config": settings}


def settled(optimizer: Any, names: list[str], values: list[Any]) -> list[Any]:
    """An optimizer's variables in the order of Keras 3. Keras 2 kept no learning rate, and had orders of its own:

    ``iteration:0, RMSprop/velocity/dense/kernel:0``, and before 2.11 ``RMSprop/iter:0, RMSprop/dense/kernel/rms:0``.
    """
    if not names or not all(name.endswith(":0") for name in names):
        return values
    old = names[0].endswith("/iter:0")
    slots: dict[str, list[Any]] = {}
    for name, value in zip(names[1:], values[1:], strict=True):
        if np.ndim(value) == 0:
            continue  # a product that Nadam computes from the iterations
        parts = name.removesuffix(":0").split("/")
        slots.setdefault(parts[-1] if old else parts[min(1, len(parts) - 1)], []).append(value)
    lists, count = list(slots.values()), len(optimizer._trainable())
    order = optimizer._order(range(count))
    states = list(dict.fromkeys(state for state, _ in order))
    if not states:
        lists = lists[: optimizer._leading]  # SGD kept momenta of zero
    leading = len(lists) - len(states)
    if leading != optimizer._leading or any(len(each) != count for each in lists):
        return values
    found = [values[0], *optimizer.variables[1 : 1 + optimizer._has_rate_variable]]
    found += [value for each in lists[:leading] for value in each]
    found += [lists[leading + states.index(state)][weight] for state, weight in order]
    return [*found, *optimizer._scalars()]
