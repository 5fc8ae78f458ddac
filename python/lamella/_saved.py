"""A model as configs, files, pickles and copies."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from . import layers, losses, optimizers, saving
from ._described import loss_config, metric_config, metrics_from, own_objects
from ._order import Orders
from ._stack import Stack
from .layers.base import Shape, sample_shape
from .layers.serialization import plain

if TYPE_CHECKING:
    from ._compile import Compiled

_POLICY = {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float32"}, "registered_name": None}


class Saved(Stack):
    """The part of Sequential that has to do with saving.

    Attributes:
        metadata: A dictionary of your own, of what JSON has; it travels in the model's file.
    """

    metadata: dict[str, Any] | None = None
    _compiled: Compiled | None
    _orders: Orders | None
    _resume_epoch: int | None
    _resume_batch: int

    if TYPE_CHECKING:

        def compile(self, *args: Any, **kwargs: Any) -> None: ...

    # ------------------------------------------------------------------ configs

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
        written += [each._dictionary() if isinstance(each, Saved) else layers.serialize(each) for each in self._layers]
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
        given = config.get("layers")
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

    # ------------------------------------------------------------------ files

    def save(self, filepath: str | os.PathLike[str], overwrite: bool = True) -> None:
        """Writes the model, its weights and where its training stands; see `lamella.saving.save_model`.

        Example:
            >>> import tempfile
            >>> model = lamella.Sequential([lamella.Input((2,)), lamella.layers.Dense(1)])
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     model.save(f"{folder}/m.safetensors")
        """
        saving.save_model(self, filepath, overwrite)

    def save_weights(self, filepath: str | os.PathLike[str], overwrite: bool = True) -> None:
        """Writes the weights and the optimizer's state; see `lamella.saving.save_weights`.

        Example:
            >>> import tempfile
            >>> model = lamella.Sequential([lamella.Input((2,)), lamella.layers.Dense(1)])
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     model.save_weights(f"{folder}/w.safetensors")
        """
        saving.save_weights(self, filepath, overwrite)

    def load_weights(
        self, filepath: str | os.PathLike[str], skip_mismatch: bool = False, by_name: bool | None = None
    ) -> None:
        """Replaces the weights by those of a file, or nothing; see `lamella.saving.load_weights`.

        Example:
            >>> import tempfile
            >>> model = lamella.Sequential([lamella.Input((2,)), lamella.layers.Dense(1)])
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     model.save_weights(f"{folder}/w.npz")
            ...     model.load_weights(f"{folder}/w.npz")
        """
        saving.load_weights(self, filepath, skip_mismatch, by_name)

    def export(
        self,
        filepath: str | os.PathLike[str],
        format: str | None = None,
        verbose: bool | None = None,
        input_signature: Any = None,
        *,
        opset_version: int | None = None,
    ) -> None:
        """Writes what predict() computes as an ONNX file: float32, batches of any size. Needs the extra `onnx`.

        Args:
            filepath: ``*.onnx``, or any name with ``format="onnx"``.
            format: Only ``"onnx"``.
            verbose: Whether to print where the file is.
            input_signature: An Input, or what has a `shape` ``(batch, ...)`` and a `name`; by default ``input``.
            opset_version: From 13 to 17, the default.

        Raises:
            ValueError: If the model is not built, or an argument is not among those.
            ImportError: If onnx is missing.
            OSError: If the file cannot be written; an old one is as it was.

        Example:
            >>> import tempfile
            >>> model = lamella.Sequential([lamella.Input((2,)), lamella.layers.Dense(1)])
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     model.export(f"{folder}/m.onnx", verbose=False)
        """
        from ._onnx import export  # on first use: `import lamella` stays quick

        export(self, filepath, format, verbose, input_signature, opset_version)

    def _write_backup(self, path: str, epoch: int, batch: int) -> None:
        saving.write_backup(self, path, epoch, batch)

    def _restore_backup(self, path: str) -> None:
        self._resume_epoch, self._resume_batch = saving.restore_backup(self, path)

    def _backup(self) -> bytes:
        return saving.backup(self, self._resume_epoch or 0, self._resume_batch)

    def _take_backup(self, content: bytes) -> None:
        self._resume_epoch, self._resume_batch = saving.restore(self, content)

    def __reduce__(self) -> tuple[Any, ...]:
        return _from_bytes, (type(self), saving.dumps(self), own_objects(self))

    @contextlib.contextmanager
    def _undisturbed(self) -> Iterator[None]:
        """Weights and optimizer's state stay as they are; other threads wait."""
        with self._guard.held():
            yield

    def _weight_names(self, prefix: str = "") -> list[str]:
        found: list[str] = []
        for layer in self._layers:
            path = f"{prefix}{layer.name}/"
            inner = layer._weight_names(path) if isinstance(layer, Saved) else None
            found += [path + spec.name for spec in layer._built_specs()] if inner is None else inner
        return found

    def _training_state(self) -> dict[str, Any]:
        """What makes training go on exactly, beside the optimizer's variables."""
        own = {} if self.metadata is None else {"metadata": self.metadata}
        return {
            **own,
            "keys": [getattr(layer, "_key", None) for layer in self._leaves()],
            "undecayed": [] if self._compiled is None else self._compiled.optimizer._excluded,
            "order": None if self._orders is None else self._orders.saved(),
        }

    def _set_keys(self, state: Mapping[str, Any]) -> None:
        """Layers draw the noise that they drew before; for a model that is not built yet."""
        leaves, keys = self._leaves(), state.get("keys")
        if isinstance(keys, list) and len(keys) == len(leaves):
            for layer, key in zip(leaves, keys, strict=True):
                if hasattr(layer, "_key") and type(key) is int and 0 <= key < 2**63:
                    layer._key = key

    def _rebuild_with_keys(self, state: Mapping[str, Any]) -> None:
        """The same for a model that is built, before the first step of a fit."""
        self._set_keys(state)
        fitting, self._guard.fitting = self._guard.fitting, False
        try:
            self._build()
        finally:
            self._guard.fitting = fitting

    def _set_training_state(self, state: Mapping[str, Any]) -> None:
        assert self._compiled is not None
        patterns = state.get("undecayed")
        if isinstance(patterns, list) and patterns and all(isinstance(p, str) for p in patterns):
            self._compiled.optimizer.exclude_from_weight_decay(var_names=patterns)
        self._orders = Orders.loaded(state.get("order")) or self._orders


def _from_bytes(cls: Any, content: bytes, own: Mapping[str, Any]) -> Any:
    """What unpickling calls."""
    return saving.loads(content, own, cls)


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


def clone_model(model: Saved) -> Any:
    """A model of the same layers, with fresh weights, not compiled.

    Example:
        >>> from lamella import Input, Sequential, layers
        >>> model = Sequential([Input((2,)), layers.Dense(3)])
        >>> clone_model(model).count_params() == model.count_params()
        True
    """
    return type(model).from_config(model.get_config())
