"""A model as plain data, the same for every file format: configs, arrays, and what makes training go on exactly."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .. import _random
from .._registry import snake_case
from ..layers import FAMILY
from ._errors import BadModelFile

Array = npt.NDArray[Any]

VERSION = 1  # of what lamella adds to files


class Group(NamedTuple):
    """A layer of a model, and the places of its weights among all."""

    name: str
    places: list[int]


@dataclass
class State:
    """What a file holds; configs are None in files of weights."""

    names: list[str]  # of the weights
    weights: list[Array]
    optimizer: list[Array] = field(default_factory=list)
    config: dict[str, Any] | None = None
    compile_config: dict[str, Any] | None = None
    training: dict[str, Any] = field(default_factory=dict)  # what only lamella writes
    layout: list[tuple[str, str, int]] = field(default_factory=list)  # of groups in HDF5
    groups: list[Group] = field(default_factory=list)  # in HDF5 of Keras 2
    optimizer_names: list[str] = field(default_factory=list)  # in files of Keras 2
    later: Any = None  # reads the weights for a model that is not built, a sample's shape, and their shapes
    settle: Any = None  # puts an optimizer's variables, with their names in the file, into our order


def state_of(model: Any, *, whole: bool) -> State:
    """The state of a model, all of one moment.

    Raises:
        ValueError: If only the weights are wanted and the model is not built.
    """
    if not hasattr(model, "_training_state"):
        raise TypeError(f"`model` must be a Sequential, got {model!r:.80} of type {type(model).__name__}.")
    if not whole and not model.built:
        raise ValueError(
            f"Model {model.name!r} has no weights to save: build it with model.build((None, ...)), an Input, or fit()."
        )
    with model._undisturbed():
        state = State(model._weight_names(), model.get_weights(), training=model._training_state())
        state.layout, state.groups = layout_of(model, model._shape), groups_of(model, model._shape)
        if model._compiled is not None and model._compiled.trainer is not None:
            state.optimizer = model.optimizer.variables
        if whole:
            written = model._dictionary()
            state.config, state.compile_config = written, written.pop("compile_config", None)
    return state


def layout_of(model: Any, shape: Any, prefix: str = "") -> list[tuple[str, str, int]]:
    """Keras' group, the name and the number of variables of each layer, and of the model itself."""
    found: list[tuple[str, str, int]] = []
    counts: dict[str, int] = {}
    shapes = model._shapes_from(shape) if shape is not None else [None] * len(model._layers)
    for layer, given in zip(model._layers, shapes, strict=False):
        kind, inner = snake_case(type(layer).__name__), hasattr(layer, "_layers")
        number = counts.get(kind, 0)
        counts[kind] = number + 1
        path = f"{prefix}layers/{kind}" + (f"_{number}" if number else "")
        count = 0 if given is None or inner else len(layer.weight_specs(given))
        found += layout_of(layer, given, f"{path}/") if inner else [(path, layer.name, count)]
    return [*found, (prefix.removesuffix("/"), model.name, 0)]


def groups_of(model: Any, shape: Any) -> list[Group]:
    """Each layer with the places of its weights, those that are trained first: the order of Keras 2."""
    found: list[Group] = []
    first = 0
    shapes = model._shapes_from(shape) if shape is not None else [None] * len(model._layers)
    for layer, given in zip(model._layers, shapes, strict=False):
        trained = [] if given is None else _trained(layer, given)
        places = [i for wanted in (True, False) for i, flag in enumerate(trained) if flag == wanted]
        found.append(Group(layer.name, [first + i for i in places]))
        first += len(trained)
    return found


def _trained(layer: Any, shape: Any) -> list[bool]:
    """Whether training changes each weight of a layer or model; none of a frozen model's."""
    if not hasattr(layer, "_layers"):
        return [layer._trains(spec) for spec in layer.weight_specs(shape)]
    pairs = zip(layer._layers, layer._shapes_from(shape), strict=False)
    return [flag and layer.trainable for inner, given in pairs for flag in _trained(inner, given)]


def model_of(state: State, custom_objects: Mapping[str, Any] | None, compiled: bool, cls: Any = None) -> Any:
    """The model that a file describes; the seeds that the program draws later are as without it."""
    config = state.config
    if not isinstance(config, dict) or not isinstance(config.get("config"), dict):
        raise BadModelFile("it holds weights only; build the model and call its load_weights()")
    cls = cls or (custom_objects or {}).get(str(config.get("class_name"))) or FAMILY.find("Sequential")
    if config.get("class_name") not in ("Sequential", cls.__name__):
        raise BadModelFile(f"its model is of the unknown class {config.get('class_name')!r}; lamella has Sequential")
    with _random.undisturbed():
        model, shape = cls._unbuilt(config["config"], custom_objects, config.get("build_config"))
        shapes = [] if shape is None else [spec.shape for spec in model.weight_specs(shape)]
        if state.later is not None:
            read = state.later(model, shape, shapes)
            state.weights, state.optimizer, state.optimizer_names = read.weights, read.optimizer, read.optimizer_names
        if [w.shape for w in state.weights] != shapes:  # before memory is taken for what a config merely claims
            raise BadModelFile(
                f"its weights have the shapes {_short([w.shape for w in state.weights])}, its config needs "
                f"{_short(shapes)}"
            )
        model._set_keys(state.training)
        metadata = state.training.get("metadata")
        model.metadata = metadata if isinstance(metadata, dict) else None
        if shape is not None:
            model._build_with(shape, _checked(state.weights))
        if compiled and state.compile_config is not None:
            model.compile_from_config(state.compile_config, custom_objects)
            restore_training(model, state)
    return model


def restore_training(model: Any, state: State) -> None:
    """Optimizer and order of samples go on where they were."""
    if model._compiled is None:
        return
    model._set_training_state(state.training)
    if not state.optimizer or model._compiled.trainer is None:
        return
    rate = model.optimizer._learning_rate
    try:
        found = state.optimizer
        if state.settle is not None:
            found = state.settle(model.optimizer, state.optimizer_names, found)
        model.optimizer.set_variables(found)
    except ValueError:
        warnings.warn(
            f"The state of the optimizer does not fit: {len(state.optimizer)} variables were saved, "
            f"{model.optimizer.name!r} has {len(model.optimizer.variables)}. It starts anew. (Compile after setting "
            "`trainable`, before saving.)",
            stacklevel=4,
        )
        return
    if isinstance(rate, float) and np.float32(rate) == np.float32(model.optimizer.learning_rate):
        model.optimizer.learning_rate = rate  # all digits


def require_built(model: Any) -> None:
    """Refuses a model without weights.

    Raises:
        ValueError: If it is not built.
    """
    if not model.built:
        raise ValueError(
            f"Model {model.name!r} has no weights yet: build it with model.build((None, ...)) or an Input before "
            "load_weights()."
        )


def load_into(model: Any, state: State, skip_mismatch: bool) -> None:
    """Weights, and the optimizer's state where it fits, into a built model: all or nothing."""
    wanted = [spec.shape for _, spec in model._weight_specs()]
    found = _by_name(model, state) if not state.training.get("ordered", True) else list(state.weights)
    shapes = [w.shape for w in found]
    if shapes != wanted:
        if not skip_mismatch:
            raise BadModelFile(f"its weights have the shapes {_short(shapes)}, the model needs {_short(wanted)}")
        now = model.get_weights()
        found = [found[i] if i < len(found) and shapes[i] == shape else now[i] for i, shape in enumerate(wanted)]
        kept = [name for i, name in enumerate(model._weight_names()) if shapes[i : i + 1] != [wanted[i]]]
        warnings.warn(f"Weights of other shapes were not loaded: {', '.join(kept)}.", stacklevel=4)
    with model._undisturbed():
        model.set_weights(_checked(found))
        if shapes == wanted:
            restore_training(model, state)


def _by_name(model: Any, state: State) -> list[Array]:
    given = dict(zip(state.names, state.weights, strict=True))
    names = model._weight_names()
    if set(names) != set(given):
        raise BadModelFile(f"its arrays are called {_short(sorted(given))}, the model's weights {_short(names)}")
    return [given[name] for name in names]


def _checked(weights: list[Array]) -> list[Array]:
    if not all(np.isfinite(w).all() for w in weights):
        warnings.warn("The file holds weights that are NaN or infinite.", RuntimeWarning, stacklevel=5)
    return weights


def _short(items: list[Any]) -> str:
    return ", ".join(map(str, items[:8])) + (f" and {len(items) - 8} more" if len(items) > 8 else "") or "none"
