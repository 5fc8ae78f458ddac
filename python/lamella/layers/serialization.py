"""Layers as the dictionaries that Keras writes, and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .. import constraints, initializers, regularizers
from .._registry import Registry
from .base import Layer

FAMILY: Registry[Any] = Registry("layer", Layer)  # models, which can be layers, add themselves

_PARTS: dict[str, Callable[..., Any]] = {
    "initializer": initializers.deserialize,
    "regularizer": regularizers.deserialize,
    "constraint": constraints.deserialize,
}


def serialize(layer: Any) -> dict[str, Any]:
    """The dictionary that Keras writes for a layer, without what some versions of Keras do not know.

    Raises:
        TypeError: If `layer` is none.

    Example:
        >>> from lamella.layers import Rescaling
        >>> serialize(Rescaling(0.5, name="half"))["config"]
        {'name': 'half', 'trainable': True, 'scale': 0.5, 'offset': 0.0}
    """
    if not hasattr(layer, "get_config") or not hasattr(layer, "compute_output_shape"):
        raise TypeError(f"`layer` must be a layer, got {layer!r} of type {type(layer).__name__}.")
    written = FAMILY.serialize(layer)
    written["config"] = plain(written["config"])
    if isinstance(layer, Layer) and layer.input_shape is not None and layer._built_specs():
        written["build_config"] = {"input_shape": list(layer.input_shape)}
    return written


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The layer that serialize(), or any version of Keras, described, with fresh weights.

    Args:
        config: ``{"class_name": ..., "config": {...}}``; ``module`` and ``registered_name`` may be there.
        custom_objects: Classes and functions of your own by name, also those of initializers and the like.

    Raises:
        ValueError: If the class or one of its settings is unknown.
        TypeError: If `config` is no such dictionary.

    Example:
        >>> deserialize({"class_name": "Dense", "config": {"units": 3}}).units
        3
    """
    if custom_objects and isinstance(config, Mapping) and isinstance(config.get("config"), Mapping):
        settings = dict(config["config"])
        for key, value in settings.items():
            part = _PARTS.get(key.rpartition("_")[2])
            if part is not None and value is not None:
                settings[key] = part(value, custom_objects)
        config = {**config, "config": settings}
    return FAMILY.deserialize(config, custom_objects)


def plain(config: Any) -> Any:
    """A config as JSON has it, without the settings of initializers that Keras has since 3.15 only, where unset.

    Example:
        >>> plain({"shape": (2, 3), "initializer": {"seed": None, "input_axes": None, "output_axes": None}})
        {'shape': [2, 3], 'initializer': {'seed': None}}
    """
    if isinstance(config, Mapping):
        late = ("input_axes", "output_axes")
        return {key: plain(value) for key, value in config.items() if not (key in late and value is None)}
    if isinstance(config, (list, tuple)):
        return [plain(value) for value in config]
    return config.tolist() if hasattr(config, "tolist") else config
