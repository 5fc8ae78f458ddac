"""`.h5` of Keras 2, legacy in Keras 3: groups named after layers, configs in attributes of the root."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from . import _json, _keras2
from ._errors import BadModelFile
from ._opened import Opened, library, opened, seal
from ._state import Group, State, groups_of

_MODEL, _TRAINING, _OPTIMIZER, _TOP = "model_config", "training_config", "optimizer_weights", "top_level_model_weights"
_VERSION = "keras_version"
_OWN = "lamella_optimizer"  # Keras 3 builds optimizers for no weights when it finds their state, and cannot train then
_LARGEST = 64000  # bytes of an attribute that HDF5 keeps in a group's header


def dumps(state: State) -> bytes:
    """The bytes of a file: the configs without modules, which Keras 2.15 and all of Keras 3 read."""
    stream = io.BytesIO()
    stamp = {_VERSION: b"3.0.0", "backend": b"lamella"}
    parts: dict[str, Any] = {**stamp, _MODEL: _json.write(_keras2.older_model(state.config or {}))}
    if state.compile_config:
        parts[_TRAINING] = _json.write(_keras2.training_config(state.compile_config))
    with library().File(stream, "w") as file:
        weights = file.create_group("model_weights")
        for group, attributes in ((file, dict(parts)), (weights, stamp)):
            for name, text in attributes.items():
                group.attrs[name] = np.bytes_(text) if len(text) <= _LARGEST else text
        parts |= _written(weights, "layer_names", [group.name for group in state.groups])
        _written(weights.create_group(_TOP), "weight_names", [])
        for group in state.groups:
            if group.name == ".":  # for HDF5 the group itself
                raise ValueError(
                    "A layer named '.' cannot be written to .h5; rename it, or save to .safetensors or .keras."
                )
            names = [state.names[place] for place in group.places]
            found = weights.create_group(group.name)
            parts |= _written(found, "weight_names", names)
            parts |= {f"{found.name[1:]}/{state.names[i]}": state.weights[i] for i in group.places}
        if state.optimizer:
            parts |= {f"{_OWN}/{index}": np.asarray(value) for index, value in enumerate(state.optimizer)}
        for path, value in parts.items():
            if not isinstance(value, bytes):
                file[path] = value
        seal(file, state.training, parts)
    return stream.getvalue()


def _written(group: Any, name: str, names: list[str]) -> dict[str, bytes]:
    """Writes a list of names; one that is too long for an attribute goes into several, numbered from 0.

    Returns the list as a part that has a checksum.
    """
    encoded = [each.encode("utf-8") for each in names]
    each = max(1, _LARGEST // max(map(len, encoded), default=1))
    pieces = [encoded[i : i + each] for i in range(0, len(encoded), each)] or [[]]
    for index, piece in enumerate(pieces):
        group.attrs[name if len(pieces) == 1 else f"{name}{index}"] = np.array(piece) if piece else np.empty(0)
    return {f"{group.name[1:]}@{name}": b"\0".join(encoded)}


def is_legacy(content: bytes) -> bool:
    """Whether a file has this layout, whatever its name says."""
    if b"layer_names" not in content and _MODEL.encode() not in content:
        return False
    with opened(content) as file:
        return any(name in file.root.attrs for name in ("layer_names", "layer_names0", _MODEL))


def loads(content: bytes) -> State:
    """What a file holds; its weights have still to be read, when the model is known."""
    with opened(content) as file:
        config, training_config = file.text(_MODEL), file.text(_TRAINING)
        if config is None:
            raise BadModelFile("it holds weights only; build the model and call its load_weights()")
        if (file.text(_VERSION) or "").startswith(("1.", "2.")) and '"hard_sigmoid"' in config:
            warnings.warn(
                "The model has Keras 2's hard_sigmoid, 0.2 z + 0.5; here it is Keras 3's, z / 6 + 0.5: outputs differ.",
                stacklevel=6,
            )
        state = State([], [], config=_keras2.model_config(_json.read(config.encode(), _MODEL)), training=file.training)
    if training_config is not None:
        state.compile_config = _keras2.compile_config(_json.read(training_config.encode(), _TRAINING))

    def later(model: Any, shape: Any, shapes: list[Any]) -> State:
        with opened(content) as file:
            file.expect(shapes)
            weights = _weights(file, groups_of(model, shape), shapes, False)
            names, values = _optimizer(file)
            file.finish(_MODEL, _TRAINING, _VERSION, "backend")
        return State([str(i) for i in range(len(shapes))], weights, values, optimizer_names=names)

    state.later, state.settle = later, _keras2.settled
    return state


def loads_for(content: bytes, model: Any, skip_mismatch: bool = False, by_name: bool = False) -> State:
    """The weights for a built model: by the order of layers, or those of layers of the same names."""
    shapes = [spec.shape for _, spec in model._weight_specs()]
    with opened(content) as file:
        file.expect(shapes)
        groups = groups_of(model, model._shape)
        if not by_name:
            return State(model._weight_names(), _weights(file, groups, shapes, skip_mismatch))
        weights: list[Any] = model.get_weights()
        for group, path, names in _matching(file, groups):
            for place, value in _group(file, group, path, names, shapes, skip_mismatch):
                weights[place] = value
        return State(model._weight_names(), weights)


def _saved(file: Opened) -> Iterator[tuple[str, list[str]]]:
    """The layers of a file: their groups, and the names of their weights."""
    at = "model_weights" if file.group("model_weights") is not None else ""
    for name in file.names(at, "layer_names"):
        path = f"{at}/{name}" if at else name
        yield path, file.names(path, "weight_names")


def _matching(file: Opened, groups: list[Group]) -> Iterator[tuple[Group, str, list[str]]]:
    own = {group.name: group for group in groups}
    for path, names in _saved(file):
        group = own.get(path.removeprefix("model_weights/"))
        if group is not None:
            yield group, path, names


def _weights(file: Opened, groups: list[Group], shapes: list[Any], loose: bool) -> list[Any]:
    """The weights in the model's order; those layers of the file that have any stand for those of the model."""
    saved = [each for each in _saved(file) if each[1]]
    groups = [group for group in groups if group.places]
    if len(saved) != len(groups):
        raise BadModelFile(f"it has {len(saved)} layers with weights, the model has {len(groups)}")
    weights: list[Any] = [None] * len(shapes)
    for group, (path, names) in zip(groups, saved, strict=True):
        for place, value in _group(file, group, path, names, shapes, loose):
            weights[place] = value
    return weights


def _group(
    file: Opened, group: Group, path: str, names: list[str], shapes: list[Any], loose: bool
) -> Iterator[tuple[int, Any]]:
    """The weights of one layer, with their places in the model's list."""
    if len(names) != len(group.places) and not loose:
        raise BadModelFile(
            f"its layer {path[:64]!r} has {len(names)} weights, layer {group.name!r} of the model {len(group.places)}"
        )
    fits = len(names) == len(group.places)
    for index, place in enumerate(group.places):
        array = file.array(f"{path}/{names[index]}", shapes[place], loose) if fits else np.empty((0, 0, 0), np.float32)
        yield place, array


def _optimizer(file: Opened) -> tuple[list[str], list[Any]]:
    own, group = file.group(_OWN), file.group(_OPTIMIZER)
    if own is not None:
        return [], [file.array(f"{_OWN}/{index}", None) for index in range(len(own))]
    names = [] if group is None else file.names(_OPTIMIZER, "weight_names")
    return names, [file.array(f"{_OPTIMIZER}/{name}", None) for name in names]
