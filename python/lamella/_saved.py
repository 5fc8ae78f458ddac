"""A model in files, pickles and copies."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from typing import Any

from . import saving
from ._described import own_objects
from ._order import Orders
from ._with_config import WithConfig
from .saving._metadata import checked


class Saved(WithConfig):
    """The part of Sequential that has to do with saving."""

    _metadata: dict[str, Any] | None = None
    _orders: Orders | None
    _resume_epoch: int | None
    _resume_batch: int

    @property
    def metadata(self) -> dict[str, Any] | None:
        """A dictionary of your own that travels in the model's file: texts, numbers, True, False, None, lists of these.

        Raises:
            TypeError, ValueError: When it is set, or the model is saved, if it holds what a file cannot.

        Example:
            >>> model = lamella.Sequential([lamella.Input((2,)), lamella.layers.Dense(2, "softmax")])
            >>> model.metadata = {"classes": ["cat", "dog"]}
        """
        return self._metadata

    @metadata.setter
    def metadata(self, value: dict[str, Any] | None) -> None:
        self._metadata = checked(value)

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
        own = {} if self.metadata is None else {"metadata": checked(self.metadata)}  # it may have changed since
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
