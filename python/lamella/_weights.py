"""The weights of a stack of layers, which live in the core: copies of them, and new values."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from . import _data
from ._lock import ModelLock, reads
from .layers import InputLayer, Layer, Weight

if TYPE_CHECKING:
    from ._stack import Stack

Array = npt.NDArray[np.float32]


class Weighted:
    """What has layers, and a network in the core once it is built."""

    name: str
    _layers: list[Any]
    _shape: tuple[int, ...] | None
    _network: Any
    _guard: ModelLock

    @property
    def built(self) -> bool:
        """Whether the input shape is known and the weights exist."""
        return self._network is not None

    def _leaves(self) -> list[Layer]:
        """The layers, with those of nested models in their place."""
        found: list[Layer] = []
        for layer in self._layers:
            found += layer._leaves() if isinstance(layer, Weighted) else [layer]
        return found

    def _weight_specs(self) -> list[tuple[Layer, Weight]]:
        return [(layer, spec) for layer in self._leaves() for spec in layer._built_specs()]

    @property
    def weights(self) -> list[Array]:
        """Copies of all weights, layer by layer: kernel, bias, kernel, ..."""
        return self.get_weights()

    @property
    def trainable_weights(self) -> list[Array]:
        """Copies of the weights that training changes."""
        return self._chosen(True)

    @property
    def non_trainable_weights(self) -> list[Array]:
        """Copies of the weights that training leaves alone: statistics, and those of frozen layers."""
        return self._chosen(False)

    def _chosen(self, trained: bool) -> list[Array]:
        pairs = zip(self.get_weights(), self._weight_specs(), strict=True)
        return [weight for weight, (layer, spec) in pairs if layer._trains(spec) == trained]

    @reads
    def get_weights(self) -> list[Array]:
        """Copies of all weights, layer by layer; empty before the model is built.

        Example:
            >>> from lamella import Input, Sequential, layers
            >>> [w.shape for w in Sequential([Input((4,)), layers.Dense(3)]).get_weights()]
            [(4, 3), (3,)]
        """
        return self._shaped(self._network.get_weights()) if self.built else []

    def _shaped(self, flat: Array) -> list[Array]:
        """Arrays of the weights' shapes, cut from numbers that lie in their order."""
        arrays, at = [], 0
        for _, spec in self._weight_specs():
            size = math.prod(spec.shape)
            arrays.append(np.array(flat[at : at + size].reshape(spec.shape)))
            at += size
        return arrays

    @reads
    def set_weights(self, weights: Sequence[npt.ArrayLike]) -> None:
        """Replaces all weights; takes what get_weights() returns.

        Raises:
            ValueError: If their number or a shape differs; then nothing is changed.

        Example:
            >>> model = lamella.Sequential([lamella.Input((2,)), lamella.layers.Dense(1)])
            >>> model.set_weights([np.ones((2, 1)), np.zeros(1)])
            >>> float(model.predict(np.eye(2))[0, 0])
            1.0
        """
        if not self.built:
            raise ValueError(f"Model {self.name!r} has no weights yet: build it with an input shape or by fit() first.")
        self._network.set_weights(flat_weights(self.name, [spec.shape for _, spec in self._weight_specs()], weights))

    def _layer_slice(self, layer: Layer) -> slice:
        first = 0
        for other in self._leaves():
            count = len(other._built_specs())
            if other is layer:
                return slice(first, first + count)
            first += count
        raise ValueError(f"Layer {layer.name!r} is not in model {self.name!r} any more.")

    def _layer_weights(self, layer: Layer) -> list[Array]:
        return self.get_weights()[self._layer_slice(layer)]

    def _set_layer_weights(self, layer: Layer, weights: Sequence[npt.ArrayLike]) -> None:
        everything: list[Any] = list(self.get_weights())
        place = self._layer_slice(layer)
        flat_weights(layer.name, [w.shape for w in everything[place]], weights)
        everything[place] = list(weights)
        self.set_weights(everything)

    def count_params(self) -> int:
        """The number of weights, in numbers.

        Raises:
            ValueError: If the model is not built.

        Example:
            >>> model = lamella.Sequential([lamella.Input((2,)), lamella.layers.Dense(1)])
            >>> model.count_params()
            3
        """
        if not self.built:
            raise ValueError(
                f"You tried to call `count_params` on {self.name!r}, but the model isn't built. "
                "Build it with model.build((None, ...)), an Input, or fit()."
            )
        return sum(math.prod(spec.shape) for _, spec in self._weight_specs())


def start_values(stack: Stack, shape: tuple[int, ...]) -> list[Array]:
    """Start values of all weights for samples of `shape`, flat; nested models that are built keep theirs."""
    values: list[Array] = []
    for layer, given in zip(stack._layers, stack._shapes_from(shape), strict=False):
        if isinstance(layer, Weighted):
            values += [layer._network.get_weights()] if layer.built else start_values(layer, given)  # type: ignore[arg-type]
        else:
            values += [_started(layer, spec) for spec in layer.weight_specs(given)]
    return values


def _started(layer: Layer, spec: Weight) -> Array:
    values = np.asarray(spec.initializer(spec.shape), np.float32)
    if values.shape != spec.shape:
        raise ValueError(
            f"{type(spec.initializer).__name__} must give values of shape {spec.shape} for `{spec.name}` of layer "
            f"{layer.name!r}, got shape {values.shape}."
        )
    return values.ravel()


def numbers_of(stack: Stack | Layer, shape: tuple[int, ...]) -> int:
    """How many numbers the weights will have."""
    return sum(math.prod(spec.shape) for spec in stack.weight_specs(shape))


def numbers_in(layers: Sequence[Any]) -> int:
    """The same for a model of these layers before it is made, as far as they fit and their shapes are known."""
    first, count = layers[0] if layers else None, 0
    shape = first._shape if isinstance(first, Weighted) else getattr(first, "declared_shape", None)
    with contextlib.suppress(Exception):  # add() says what does not fit
        for layer in layers:
            if isinstance(layer, InputLayer):
                shape = layer.shape
            elif shape is not None:
                count += numbers_of(layer, shape)
                shape = layer.compute_output_shape(shape)
    return count


def flat_weights(owner: str, shapes: list[tuple[int, ...]], weights: Sequence[npt.ArrayLike]) -> Array:
    """The weights in one flat array, checked against `shapes`."""
    if not isinstance(weights, (Sequence, np.ndarray)) or isinstance(weights, str):
        raise TypeError(
            f"`weights` must be a list of arrays, as get_weights() returns it, got {type(weights).__name__}."
        )
    if len(weights) != len(shapes):
        raise ValueError(
            f"You called `set_weights` on {owner!r} with {len(weights)} weights, but it has {len(shapes)}."
        )
    arrays = [_data.as_array(f"weights[{i}]", w) for i, w in enumerate(weights)]
    for i, (array, shape) in enumerate(zip(arrays, shapes, strict=True)):
        if array.shape != shape:
            raise ValueError(f"`weights[{i}]` of {owner!r} must have shape {shape}, got {array.shape}.")
    parts = [_data.float32(a, f"weights[{i}]").ravel() for i, a in enumerate(arrays)]
    return np.concatenate(parts or [np.empty(0, np.float32)])
