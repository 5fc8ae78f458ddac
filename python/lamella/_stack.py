"""Stack: layers that follow one another, their shapes, and the network in the core that they become."""

from __future__ import annotations

import math
import weakref
from collections.abc import Iterable
from typing import Any

import numpy as np

from ._checks import flag
from ._core import core
from ._lock import ModelLock, alone, changes
from ._plan import Place, Plan, run_of
from ._summary import Shown
from ._weights import Array, Weighted, numbers_in, numbers_of, start_values
from .layers import InputLayer, Layer, Weight
from .layers.base import Shape, automatic_name, sample_shape


class Stack(Shown, Weighted):
    """What Sequential is apart from training: structure, shapes and weights.

    Args:
        layers: Layers in order; the first may be an `Input`. Models can be layers, too.
        trainable: Whether training changes the weights.
        name: By default the class name in snake case, numbered.
    """

    def __init__(self, layers: Iterable[Any] | None = None, trainable: bool = True, name: str | None = None) -> None:
        if name is not None and not isinstance(name, str):
            raise TypeError(f"{type(self).__name__} `name` must be a string, got {name!r}.")
        self.name = name or automatic_name(type(self))
        self._layers: list[Any] = []
        self._guard = ModelLock()
        self._shape: Shape | None = None
        self._network: Any = None
        self._strides: tuple[int, ...] | None = None  # of float32 rows side by side, where samples have one axis
        self._places: list[Place] = []
        self._owners: list[Layer | None] = []
        self._model: Stack | None = None  # that this one is a part of
        self._views: weakref.WeakSet[Stack] = weakref.WeakSet()
        if layers is not None and not isinstance(layers, Iterable):
            raise TypeError(f"Sequential `layers` must be a list of layers, got {layers!r}.")
        given = list(layers or [])
        if not self._became_view(given):
            self._claim(numbers_in(given))
            for layer in given:
                self.add(layer)
        self._trainable = True
        if not flag("Sequential", "trainable", trainable):
            self.trainable = False

    def _before_change(self) -> None:
        """Called before layers change; may refuse."""
        if self._model is not None:
            raise ValueError(
                f"Model {self.name!r} is a part of {self._model.name!r}: its layers cannot change any more. "
                "Finish it before you add it, or make a new model."
            )

    def _network_made(self, network: Any, owners: list[Layer | None]) -> None:
        """Called with the network that will replace the old one; may refuse."""

    def _all_weights(self) -> list[tuple[str, Layer, Weight]]:
        """Path, layer and description of each weight of the network, or of the one that this one is a part of."""
        if self._model is not None:
            return self._model._all_weights()
        assert self._shape is not None
        return [(f"{layer.name}/{spec.name}", layer, spec) for layer, spec in self._weights_for(self._shape)]

    def _output(self) -> Shape:
        """The shape of a sample's output."""
        assert self._shape is not None
        return self._shapes_from(self._shape)[-1]

    def _optimizer_numbers(self) -> int:
        """Numbers that the optimizer keeps, for summary()."""
        return 0

    @property
    def layers(self) -> list[Any]:
        """The layers in order, without the Input."""
        return list(self._layers)

    @property
    def trainable(self) -> bool:
        """Whether training changes the weights; setting it sets all layers. What it is at compile() counts."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = flag("Sequential", "trainable", value)
        for layer in self._layers:
            layer.trainable = self._trainable

    @changes
    def add(self, layer: Any) -> None:
        """Appends a layer, or a model, whose weights both then share.

        Raises:
            ValueError: If it is not a layer, its name is taken, it belongs to another model, or its shape does not fit.

        Example:
            >>> model = lamella.Sequential([lamella.Input((2,))])
            >>> model.add(lamella.layers.Dense(3))
            >>> model.output_shape
            (None, 3)
        """
        if not isinstance(layer, (Layer, Stack)):
            raise ValueError(
                "Only instances of lamella layers can be added to a Sequential, "
                f"got {layer!r} of type {type(layer).__name__}."
            )
        if isinstance(layer, InputLayer):
            if self._layers or self._shape:
                raise ValueError("An Input must come first, and only once; the model has one or has layers already.")
            self._shape = layer.shape
            return
        self._check_new(layer)
        shape = self._shape
        declared = layer._shape if isinstance(layer, Stack) else layer.declared_shape
        if not self._layers and declared is not None:
            if shape is not None and tuple(shape) != tuple(declared):
                raise ValueError(
                    f"Layer {layer.name!r} takes samples of shape {tuple(declared)}, but the Input of model "
                    f"{self.name!r} has shape {tuple(shape)}."
                )
            shape = declared
        if shape is not None:
            for other in self._layers:
                shape = other.compute_output_shape(shape)
            layer.compute_output_shape(shape)  # does it fit? Before anything changes.
        before = self._shape
        if not self._layers and declared is not None:
            self._shape = declared
        weights = self.get_weights()
        self._layers.append(layer)
        try:
            if self._shape is not None:
                self._build()
                self.set_weights([*weights, *self.get_weights()[len(weights) :]])
        except BaseException:
            self._layers.pop()
            self._shape = before
            raise

    def _check_new(self, layer: Any) -> None:
        self._before_change()
        if isinstance(layer, Layer):
            layer._spec(core)  # can it run?
        elif layer is self or self in layer._nested():
            raise ValueError(f"Model {layer.name!r} cannot contain itself.")
        if any(other is layer for other in self._layers):
            raise ValueError(
                f"Layer {layer.name!r} is in the model already, and cannot stand in two places; make another."
            )
        if any(other.name == layer.name for other in self._layers):
            raise ValueError(f"All layers must have different names; {layer.name!r} is taken. Pass another `name`.")
        if layer._model not in (None, self):
            raise ValueError(
                f"Layer {layer.name!r} belongs to the model {layer._model.name!r} already, and layers stay in one; "
                "put a new layer here, and copy the weights with set_weights() when the model is built. Only a run of "
                "layers of one model, such as Sequential(model.layers[:-1]), shares its weights."
            )

    def _nested(self) -> list[Stack]:
        inner = [layer for layer in self._layers if isinstance(layer, Stack)]
        return inner + [deeper for layer in inner for deeper in layer._nested()]

    def _became_view(self, layers: list[Any]) -> bool:
        """Whether `layers` are a run of layers of one built model; then this becomes a view of them."""
        inputs = [layer for layer in layers if isinstance(layer, InputLayer)]
        layers = [layer for layer in layers if not isinstance(layer, InputLayer)]
        owner = getattr(layers[0], "_model", None) if layers else None
        if owner is None or not owner.built or any(getattr(layer, "_model", None) is not owner for layer in layers):
            return False
        at = next((i for i, layer in enumerate(owner._layers) if layer is layers[0]), len(owner._layers))
        run = owner._layers[at : at + len(layers)]
        if len(run) != len(layers) or any(a is not b for a, b in zip(run, layers, strict=True)):
            return False
        if at > 0 and len(run_of(owner._places, layers)[0]) > 1:
            return False  # the core takes samples as rows of numbers only in front of a network
        place = run_of(owner._places, layers)
        if any(tuple(given.shape) != tuple(place[0]) for given in inputs):
            raise ValueError(
                f"Layer {layers[0].name!r} takes samples of shape {tuple(place[0])}, but the Input of model "
                f"{self.name!r} has shape {tuple(inputs[0].shape)}."
            )
        self._layers = layers
        self._adopt(owner, *place)
        owner._views.add(self)
        return True

    def _adopt(self, owner: Stack, shape: Shape, first: int, last: int) -> None:
        """Takes a part of the owner's network as its own."""
        self._model, self._shape = owner, shape
        self._install(owner._network.part(first, last), owner._owners[first:last])

    def _install(self, network: Any, owners: list[Layer | None]) -> None:
        assert self._shape is not None
        self._network_made(network, owners)
        self._network, self._owners = network, owners
        self._strides = (4 * self._shape[0], 4) if len(self._shape) == 1 else None

    @changes
    def pop(self) -> Any:
        """Removes and returns the last layer.

        Raises:
            ValueError: If there is none.

        Example:
            >>> model = lamella.Sequential([lamella.Input((2,)), lamella.layers.Dense(1)])
            >>> model.pop().units
            1
        """
        if not self._layers:
            raise ValueError("There is no layer to remove: the model is empty.")
        self._before_change()
        last = self._layers[-1]
        weights = self.get_weights()
        self._layers = self._layers[:-1]
        if self.built:
            last._model = None
            if isinstance(last, Layer):
                last.input_shape = last.output_shape = None
            self._build()
            self.set_weights(weights[: len(self._weight_specs())])
        return last

    @alone
    def build(self, input_shape: Any = None) -> None:
        """Makes the weights.

        Args:
            input_shape: ``(None, 784)``: the batch axis, then the shape of one sample.

        Raises:
            ValueError: If there are no layers, no shape, or another shape than before.

        Example:
            >>> model = lamella.Sequential([lamella.layers.Dense(3)])
            >>> model.build((None, 2))
            >>> model.count_params()
            9
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
        else:
            self._build_with(self._shape)

    def _build_with(self, shape: Shape, start: list[Any] | None = None) -> None:
        """Builds for samples of `shape`, with new weights or those given; the model is as before if that fails."""
        if not (self.built and shape == self._shape):
            self._build_anew(shape, start)

    @changes
    def _build_anew(self, shape: Shape, start: list[Any] | None) -> None:
        if self.built and shape == self._shape:
            return  # another thread was first
        before, self._shape = self._shape, shape
        try:
            self._build(start)
        except BaseException:
            self._shape = before
            raise

    def _build(self, start: list[Any] | None = None) -> None:
        assert self._shape is not None
        self._before_change()
        shapes = self._shapes_from(self._shape)
        numbers = numbers_of(self, self._shape)
        plan = Plan(core)
        plan.append(self, self._shape)
        self._claim(numbers)
        try:
            network = core.Network(plan.specs, math.prod(self._shape))
            values = start_values(self, self._shape) if start is None else [np.ravel(each) for each in start]
            if values:
                network.set_weights(np.concatenate(values, dtype=np.float32))
            self._install(network, plan.owners)
        except MemoryError:
            raise self._too_large(numbers) from None
        self._places = plan.places
        self._note_shapes(shapes)
        for layer, given, first, last in plan.places:  # the innermost come first
            if isinstance(layer, Stack):
                layer._adopt(self, given, first, last)
                layer._note_shapes(layer._shapes_from(given))
        for view in list(self._views):
            view._follow(self)

    def _claim(self, numbers: int) -> None:
        """Asks for the memory that so many weights take, before any is made."""
        try:
            core.claim(min(3 * 4 * numbers, 2**63))  # with the start values, twice
        except MemoryError:
            raise self._too_large(numbers) from None

    def _too_large(self, numbers: int) -> MemoryError:
        return MemoryError(
            f"Model {self.name!r} needs {4 * numbers:,} bytes for its {numbers:,} weights, and three times as many "
            "while it is built, more than there are."
        )

    def _follow(self, owner: Stack) -> None:
        """The owner of this view was built anew."""
        kept = {id(layer) for layer in owner._layers}
        if all(id(layer) in kept for layer in self._layers):
            self._adopt(owner, *run_of(owner._places, self._layers))
        else:  # a layer of it was removed there: it keeps the weights that it has
            owner._views.discard(self)

    def _note_shapes(self, shapes: list[Shape]) -> None:
        for layer, given, result in zip(self._layers, shapes, shapes[1:], strict=False):
            layer._model = self
            if isinstance(layer, Layer):
                layer.input_shape, layer.output_shape = (None, *given), (None, *result)

    def _shapes_from(self, shape: Shape) -> list[Shape]:
        """Shapes of one sample before the first layer and after each."""
        shapes = [shape]
        for layer in self._layers:
            shapes.append(layer.compute_output_shape(shapes[-1]))
        return shapes

    def compute_output_shape(self, shape: Shape) -> Shape:
        """Shape of one sample behind the model, from its shape before it.

        Example:
            >>> model = lamella.Sequential([lamella.Input((2,)), lamella.layers.Dense(1)])
            >>> model.compute_output_shape((2,))
            (1,)
        """
        if self._shape not in (None, shape):
            raise ValueError(f"Model {self.name!r} takes samples of shape {self._shape}, got {shape}.")
        return self._shapes_from(shape)[-1]

    def weight_specs(self, shape: Shape) -> list[Weight]:
        """The weights of all layers for samples of `shape`.

        Example:
            >>> model = lamella.Sequential([lamella.Input((2,)), lamella.layers.Dense(1)])
            >>> [weight.shape for weight in model.weight_specs((2,))]
            [(2, 1), (1,)]
        """
        return [spec for _, spec in self._weights_for(shape)]

    def _weights_for(self, shape: Shape) -> list[tuple[Layer, Weight]]:
        found: list[tuple[Layer, Weight]] = []
        for layer, given in zip(self._layers, self._shapes_from(shape), strict=False):
            if isinstance(layer, Stack):
                found += layer._weights_for(given)
            else:
                found += [(layer, spec) for spec in layer.weight_specs(given)]
        return found

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
        if not self.built or self._shape is None:
            raise AttributeError(f"Model {self.name!r} has no output_shape yet: it has not been built.")
        return (None, *self._shapes_from(self._shape)[-1])


__all__ = ["Array", "Stack"]
