"""A model as configs: dictionaries and JSON, as Keras writes them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from . import layers, losses, optimizers
from ._described import loss_config, metric_config, metrics_from
from ._stack import Stack
from .layers.base import Shape, sample_shape
from .layers.serialization import plain

if TYPE_CHECKING:
    from ._compile import Compiled

_POLICY = {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float32"}, "registered_name": None}


class WithConfig(Stack):
    """The part of Sequential that has to do with configs."""

    _compiled: Compiled | None

    if TYPE_CHECKING:

        def compile(self, *args: Any, **kwargs: Any) -> None: ...

    def get_config(self) -> dict[str, Any]:
        """The layers with their settings, as Keras writes them; no weights.

        Example:
            >>> model = lamella.Sequential([lamella.Input((2,)), lamella.layers.Dense(1)])
            >>> [layer["class_name"] for layer in model.get_config()["layers"]]
            ['InputLayer', 'Dense']
        """
        written: list[dict[str, Any]] = []
        if self._shape is not None:
            taken = {layer.name for layer in self._layers}
            name = next(n for i in range(len(taken) + 1) if (n := f"input_layer{f'_{i}' * (i > 0)}") not in taken)
            written.append(layers.serialize(layers.InputLayer(batch_shape=(None, *self._shape), name=name)))
        written += [
            each._dictionary() if isinstance(each, WithConfig) else layers.serialize(each) for each in self._layers
        ]
        config = {"name": self.name, "trainable": self.trainable, "dtype": _POLICY, "layers": written}
        return config if self._shape is None else {**config, "build_input_shape": [None, *self._shape]}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Any:
        """The model that get_config(), or any version of Keras, described, with fresh weights.

        Args:
            config: ``{"name": ..., "layers": [...]}``.
            custom_objects: Classes and functions of your own by name.

        Raises:
            ValueError: If a layer or a setting is unknown.

        Example:
            >>> from lamella import Input, Sequential, layers
            >>> model = Sequential([Input((4,)), layers.Dense(3)])
            >>> Sequential.from_config(model.get_config()).count_params()
            15
        """
        model, shape = cls._unbuilt(config, custom_objects)
        if shape is not None and model._layers:
            model.build((None, *shape))
        return model

    @classmethod
    def _unbuilt(
        cls, config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None, build: Any = None
    ) -> tuple[Any, Shape | None]:
        """The model before memory is taken for it, and the shape of its samples if that is known."""
        given = config.get("layers") if isinstance(config, Mapping) else None
        if not isinstance(given, list) or not all(isinstance(each, Mapping) for each in given):
            raise ValueError("The config of a Sequential must have `layers`, a list of the layers' configs.")
        model = cls(name=config.get("name"))
        known = build.get("input_shape") if isinstance(build, Mapping) else None
        known = config.get("build_input_shape") or known
        for index, each in enumerate(given):
            settings = each.get("config")
            if each.get("class_name") == "Sequential" and isinstance(settings, Mapping):
                layer, inner = cls._unbuilt(settings, custom_objects, each.get("build_config"))
                layer._shape = inner
                known = known or (index == 0 and inner and (None, *inner)) or None
            else:
                layer = layers.deserialize(each, custom_objects)
                if index == 0 and isinstance(layer, layers.InputLayer):
                    model._shape = layer.shape
                    continue
                if index == 0 and layer.declared_shape is not None:
                    model._shape = layer.declared_shape
            if isinstance(layer, layers.InputLayer):
                raise ValueError("An InputLayer must come first, and only once.")
            model._check_new(layer)
            model._layers.append(layer)
        shape, model._shape = model._shape, None
        if shape is None and known is not None:
            shape = sample_shape("Sequential", "build_input_shape", known)
        if config.get("trainable") is False:
            model._trainable = False
        return model, shape

    def get_build_config(self) -> dict[str, Any] | None:
        """``{"input_shape": [None, ...]}``, or None before the shape is known.

        Example:
            >>> model = lamella.Sequential([lamella.Input((2,)), lamella.layers.Dense(1)])
            >>> model.get_build_config()
            {'input_shape': [None, 2]}
        """
        return None if self._shape is None else {"input_shape": [None, *self._shape]}

    def get_compile_config(self) -> dict[str, Any] | None:
        """What compile() got, as Keras writes it; None before compile().

        Example:
            >>> model = lamella.Sequential([lamella.Input((2,)), lamella.layers.Dense(1)])
            >>> model.compile("sgd", "mse")
            >>> model.get_compile_config()["loss"]
            'mean_squared_error'
        """
        compiled = self._compiled
        if compiled is None:
            return None
        plain_metrics = [metric_config(each) for each in compiled.watched if not each.weighted]
        weighted = [metric_config(each) for each in compiled.watched if each.weighted]
        config = {
            "optimizer": optimizers.serialize(compiled.optimizer),
            "loss": loss_config(compiled),
            "loss_weights": None if compiled.loss_weight == 1 else compiled.loss_weight,
            "metrics": plain_metrics or None,
            "weighted_metrics": weighted or None,
            "run_eagerly": False,
            "steps_per_execution": 1,
        }
        found: dict[str, Any] = plain(config)
        return found

    def compile_from_config(self, config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> None:
        """Compiles as get_compile_config(), or any version of Keras, described.

        Args:
            config: Its result.
            custom_objects: Classes and functions of your own by name.

        Raises:
            ValueError: If something in it is unknown.

        Example:
            >>> model = lamella.Sequential([lamella.Input((2,)), lamella.layers.Dense(1)])
            >>> model.compile("sgd", "mse")
            >>> other = lamella.models.clone_model(model)
            >>> other.compile_from_config(model.get_compile_config())
            >>> other.get_compile_config() == model.get_compile_config()
            True
        """
        if not isinstance(config, Mapping):
            raise TypeError(f"`config` must be what get_compile_config() of a Sequential returns, got {config!r:.80}.")
        own = custom_objects or {}
        loss, weights = config.get("loss"), config.get("loss_weights")
        loss = loss[0] if isinstance(loss, list) and len(loss) == 1 else loss
        if isinstance(loss, Mapping) or loss in own:
            loss = losses.deserialize(loss, own)
        self.compile(
            optimizers.deserialize(config.get("optimizer"), own),
            loss,
            weights,
            metrics_from(config.get("metrics"), own),
            metrics_from(config.get("weighted_metrics"), own),
        )

    def _dictionary(self) -> dict[str, Any]:
        """All configs together, as Keras writes them into files."""
        found: dict[str, Any] = {
            "module": "keras",
            "class_name": "Sequential",
            "config": self.get_config(),
            "registered_name": None,
        }
        for key, config in (("build_config", self.get_build_config()), ("compile_config", self.get_compile_config())):
            if config is not None and (key == "build_config" or self._model is None):
                found[key] = config
        return found

    def to_json(self, **kwargs: Any) -> str:
        """The configs as JSON; `lamella.models.model_from_json` reads them.

        Args:
            **kwargs: For json.dumps.

        Example:
            >>> model = lamella.Sequential([lamella.Input((2,)), lamella.layers.Dense(1)])
            >>> "Dense" in model.to_json(indent=2)
            True
        """
        return json.dumps(self._dictionary(), **kwargs)


def model_from_json(json_string: str, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The model that `Sequential.to_json` described, with fresh weights, compiled if it was.

    Args:
        json_string: The result of to_json(), of lamella or Keras.
        custom_objects: Classes and functions of your own by name.

    Raises:
        ValueError: If it is not that, or something in it is unknown.

    Example:
        >>> from lamella import Input, Sequential, layers
        >>> text = Sequential([Input((2,)), layers.Dense(3)]).to_json()
        >>> model_from_json(text).count_params()
        9
    """
    try:
        found = json.loads(json_string)
    except (TypeError, ValueError):
        found = None
    if (
        not isinstance(found, dict)
        or found.get("class_name") != "Sequential"
        or not isinstance(found.get("config"), dict)
    ):
        raise ValueError("`json_string` must be what the to_json() of a Sequential returns.")
    sequential: Any = layers.FAMILY.find("Sequential")
    model = sequential.from_config(found["config"], custom_objects)
    if found.get("compile_config"):
        model.compile_from_config(found["compile_config"], custom_objects)
    return model


def clone_model(model: WithConfig) -> Any:
    """A model of the same layers, with fresh weights, not compiled.

    Example:
        >>> from lamella import Input, Sequential, layers
        >>> model = Sequential([Input((2,)), layers.Dense(3)])
        >>> clone_model(model).count_params() == model.count_params()
        True
    """
    if not isinstance(model, WithConfig):
        raise TypeError(f"`model` must be a Sequential, got {model!r:.80} of type {type(model).__name__}.")
    return type(model).from_config(model.get_config())
