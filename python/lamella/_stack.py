"""Stack: layers that follow one another, their shapes and their weights in the core."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _data
from ._checks import flag, memory_for
from ._core import core
from ._registry import unknown
from ._summary import summary
from .layers import InputLayer, Layer
from .layers.base import automatic_name, known_sizes, sample_shape

Array = npt.NDArray[np.float32]


class Stack:
    """What Sequential is apart from training: structure, shapes and weights.

    Args:
        layers: Layers in order; the first may be an `Input`.
        trainable: Whether training changes the weights.
        name: By default the class name in snake case, numbered.
    """

    def __init__(self, layers: Iterable[Layer] | None = None, trainable: bool = True, name: str | None = None) -> None:
        self.name = name or automatic_name(type(self))
        self.trainable = flag("Sequential", "trainable", trainable)
        self._layers: list[Layer] = []
        self._shape: tuple[int, ...] | None = None
        self._network: Any = None
        self._strides: tuple[int, ...] | None = None  # of float32 rows side by side, where samples have one axis
        if layers is not None and not isinstance(layers, Iterable):
            raise TypeError(f"Sequential `layers` must be a list of layers, got {layers!r}.")
        for layer in layers or []:
            self.add(layer)

    def _before_change(self) -> None:
        """Called before layers change; may refuse."""

    def _network_made(self, network: Any, weights: list[tuple[str, tuple[int, ...]]]) -> None:
        """Called with the network that will replace the old one, and paths and shapes of its weights; may refuse."""

    def _optimizer_numbers(self) -> int:
        """Numbers that the optimizer keeps, for summary()."""
        return 0

    @property
    def layers(self) -> list[Layer]:
        """The layers in order, without the Input."""
        return list(self._layers)

    @property
    def built(self) -> bool:
        """Whether the input shape is known and the weights exist."""
        return self._network is not None

    def add(self, layer: Layer) -> None:
        """Appends a layer.

        Raises:
            ValueError: If it is not a layer, its name is taken, it belongs to another model, or its shape does not fit.
        """
        if not isinstance(layer, Layer):
            raise ValueError(
                "Only instances of lamella layers can be added to a Sequential, "
                f"got {layer!r} of type {type(layer).__name__}."
            )
        if isinstance(layer, InputLayer):
            if self._layers or self._shape:
                raise ValueError("An Input must come first, and only once; the model has one or has layers already.")
            self._shape = layer.shape
            return
        layer._spec(core)  # can it run?
        if any(other.name == layer.name for other in self._layers):
            raise ValueError(f"All layers must have different names; {layer.name!r} is taken. Pass another `name`.")
        if layer._model not in (None, self):
            raise ValueError(
                f"Layer {layer.name!r} belongs to the model {layer._model.name!r} already; make a new layer and "
                "copy the weights with set_weights()."
            )
        shape = self._shape
        if not self._layers and layer.declared_shape is not None:
            shape = layer.declared_shape
        if shape is not None:
            for other in self._layers:
                shape = other.compute_output_shape(shape)
            layer.compute_output_shape(shape)  # does it fit? Before anything changes.
        before = self._shape
        if not self._layers and layer.declared_shape is not None:
            self._shape = layer.declared_shape
        self._layers.append(layer)
        try:
            if self._shape is not None:
                self._build_keeping_weights()
        except BaseException:
            self._layers.pop()
            self._shape = before
            raise

    def pop(self) -> Layer:
        """Removes and returns the last layer.

        Raises:
            ValueError: If there is none.
        """
        if not self._layers:
            raise ValueError("There is no layer to remove: the model is empty.")
        self._before_change()
        kept = self._layers[:-1]
        last = self._layers[-1]
        weights = self.get_weights()
        self._layers = kept
        if self.built:
            last._model, last.input_shape, last.output_shape = None, None, None
            count = sum(len(layer.weight_shapes(known_sizes(layer.input_shape or ()))) for layer in kept)
            self._build()
            self.set_weights(weights[:count])
        return last

    def build(self, input_shape: Any = None) -> None:
        """Makes the weights.

        Args:
            input_shape: ``(None, 784)``: the batch axis, then the shape of one sample.

        Raises:
            ValueError: If there are no layers, no shape, or another shape than before.
        """
        if not self._layers and self._shape is None and input_shape is None:
            raise ValueError(f"Model {self.name!r} cannot be built because it has no layers. Call model.add(layer).")
        if input_shape is not None:
            shape = sample_shape("build", "input_shape", input_shape)
            if self._shape not in (None, shape):
                raise ValueError(
                    f"The model was built for samples of shape {self._shape}, got input_shape={input_shape}."
                )
            self._build_with(shape)
        elif self._shape is None:
            raise ValueError(
                "build() needs `input_shape`, such as (None, 784), or a model that starts with Input((784,))."
            )
        elif not self.built:
            self._build()

    def _build_with(self, shape: tuple[int, ...]) -> None:
        """Builds for samples of `shape`; the model is as before if that fails."""
        if self.built and shape == self._shape:
            return
        before, self._shape = self._shape, shape
        try:
            self._build()
        except BaseException:
            self._shape = before
            raise

    def _build(self) -> None:
        assert self._shape is not None
        self._before_change()
        shapes = self._shapes_from(self._shape)
        wanted = [
            (layer, *weight)
            for layer, given in zip(self._layers, shapes, strict=False)
            for weight in layer.weight_shapes(given)
        ]
        numbers = sum(math.prod(weight_shape) for _, _, weight_shape, _ in wanted)
        memory_for(f"Model {self.name!r}", numbers)
        specs = [spec for layer in self._layers if (spec := layer._spec(core)) is not None]
        try:
            network = core.Network(specs, math.prod(self._shape))
            start = [_started(*weight) for weight in wanted]
            if start:
                network.set_weights(np.concatenate(start))
            self._network_made(network, [(f"{layer.name}/{name}", size) for layer, name, size, _ in wanted])
        except MemoryError:
            raise MemoryError(
                f"Model {self.name!r} needs {4 * numbers:,} bytes for its {numbers:,} weights, more than there are."
            ) from None
        for layer, given, result in zip(self._layers, shapes, shapes[1:], strict=False):
            layer.input_shape, layer.output_shape, layer._model = (None, *given), (None, *result), self
        self._network = network
        self._strides = (4 * self._shape[0], 4) if len(self._shape) == 1 else None

    def _shapes_from(self, shape: tuple[int, ...]) -> list[tuple[int, ...]]:
        """Shapes of one sample before the first layer and after each."""
        shapes = [shape]
        for layer in self._layers:
            shapes.append(layer.compute_output_shape(shapes[-1]))
        return shapes

    def _build_keeping_weights(self) -> None:
        weights = self.get_weights()
        self._build()
        if weights:
            self.set_weights([*weights, *self.get_weights()[len(weights) :]])

    @property
    def input_shape(self) -> tuple[int | None, ...]:
        """``(None, ...)``, the shape of the input.

        Raises:
            AttributeError: If the model is not built.
        """
        if self._shape is None:
            raise AttributeError(f"Model {self.name!r} has no input_shape yet: it has not been built.")
        return (None, *self._shape)

    @property
    def output_shape(self) -> tuple[int | None, ...]:
        """``(None, ...)``, the shape of the output.

        Raises:
            AttributeError: If the model is not built.
        """
        if not self.built:
            raise AttributeError(f"Model {self.name!r} has no output_shape yet: it has not been built.")
        return self._layers[-1].output_shape or self.input_shape if self._layers else self.input_shape

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """The layer with a name or at an index.

        Raises:
            ValueError: If not exactly one of both is given, or there is no such layer.
        """
        if (name is None) == (index is None):
            raise ValueError("get_layer() needs either `name` or `index`.")
        if index is not None:
            if not -len(self._layers) <= index < len(self._layers):
                raise ValueError(f"There is no layer {index}: the model has {len(self._layers)} layers.")
            return self._layers[index]
        for layer in self._layers:
            if layer.name == name:
                return layer
        raise unknown("layer", name, [layer.name for layer in self._layers])

    def _weight_shapes(self) -> list[tuple[int, ...]]:
        return [shape for _, shape in self._paths_and_shapes()]

    def _paths_and_shapes(self) -> list[tuple[str, tuple[int, ...]]]:
        """``("dense/kernel", (784, 10))`` and so on for all weights."""
        return [
            (f"{layer.name}/{name}", shape)
            for layer in self._layers
            if layer.input_shape is not None
            for name, shape, _ in layer.weight_shapes(known_sizes(layer.input_shape))
        ]

    @property
    def weights(self) -> list[Array]:
        """Copies of all weights, layer by layer: kernel, bias, kernel, ..."""
        return self.get_weights()

    def get_weights(self) -> list[Array]:
        """Copies of all weights, layer by layer; empty before the model is built.

        Example:
            >>> from lamella import Input, Sequential, layers
            >>> [w.shape for w in Sequential([Input((4,)), layers.Dense(3)]).get_weights()]
            [(4, 3), (3,)]
        """
        if not self.built:
            return []
        flat, arrays, at = self._network.get_weights(), [], 0
        for shape in self._weight_shapes():
            size = math.prod(shape)
            arrays.append(np.array(flat[at : at + size].reshape(shape)))
            at += size
        return arrays

    def set_weights(self, weights: Sequence[npt.ArrayLike]) -> None:
        """Replaces all weights; takes what get_weights() returns.

        Raises:
            ValueError: If their number or a shape differs; then nothing is changed.
        """
        shapes = self._weight_shapes()
        if not self.built:
            raise ValueError(f"Model {self.name!r} has no weights yet: build it with an input shape or by fit() first.")
        self._network.set_weights(_flat(self.name, shapes, weights))

    def _layer_slice(self, layer: Layer) -> slice:
        first = 0
        for other in self._layers:
            count = len(other.weight_shapes(known_sizes(other.input_shape or ())))
            if other is layer:
                return slice(first, first + count)
            first += count
        raise ValueError(f"Layer {layer.name!r} is not in model {self.name!r} any more.")

    def _layer_weights(self, layer: Layer) -> list[Array]:
        return self.get_weights()[self._layer_slice(layer)]

    def _set_layer_weights(self, layer: Layer, weights: Sequence[npt.ArrayLike]) -> None:
        everything: list[Any] = list(self.get_weights())
        place = self._layer_slice(layer)
        _flat(layer.name, [w.shape for w in everything[place]], weights)
        everything[place] = list(weights)
        self.set_weights(everything)

    def count_params(self) -> int:
        """The number of weights, in numbers.

        Raises:
            ValueError: If the model is not built.
        """
        if not self.built:
            raise ValueError(
                f"You tried to call `count_params` on {self.name!r}, but the model isn't built. "
                "Build it with model.build((None, ...)), an Input, or fit()."
            )
        return sum(map(math.prod, self._weight_shapes()))

    def summary(
        self,
        line_length: int | None = None,
        positions: Sequence[float] | None = None,
        print_fn: Callable[[str], Any] | None = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
        layer_range: Any = None,
    ) -> None:
        """Prints the layers, their output shapes and their numbers of weights.

        Args:
            line_length: Width of the table; by default that of the terminal, at most 88.
            positions: Where columns end, as shares or columns.
            print_fn: Called once with the whole text instead of print.
            expand_nested: Accepted for Keras programs; there are no nested models.
            show_trainable: Whether to add a column that says what is trained.
            layer_range: Not supported.

        Raises:
            ValueError: If `layer_range` is given.
        """
        if layer_range is not None:
            raise ValueError("summary() does not support `layer_range`; use model.layers to look at single layers.")
        (print_fn or _print_text)(summary(self, line_length, positions, show_trainable))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name!r}, layers={len(self._layers)}, built={self.built}>"


def _print_text(text: str) -> None:
    print(text, end="")


def _started(layer: Layer, name: str, shape: tuple[int, ...], initializer: Any) -> Array:
    """Start values of one weight, flat."""
    values = np.asarray(initializer(shape), np.float32)
    if values.shape != shape:
        raise ValueError(
            f"{type(initializer).__name__} must give values of shape {shape} for `{name}` of layer {layer.name!r}, "
            f"got shape {values.shape}."
        )
    return values.ravel()


def _flat(owner: str, shapes: list[tuple[int, ...]], weights: Sequence[npt.ArrayLike]) -> Array:
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
