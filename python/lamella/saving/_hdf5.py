"""`.weights.h5` of Keras 3: groups named after the classes of layers, numbered."""

from __future__ import annotations

import io
from typing import Any

from ._opened import library, opened, seal
from ._state import State, layout_of


def dumps(state: State, sealed: bool = True) -> bytes:
    """The bytes of a file; the layout comes with the state. `sealed`: with checksums."""
    stream = io.BytesIO()
    weights = iter(state.weights)
    parts: dict[str, Any] = {}
    with library().File(stream, "w") as file:
        for path, name, count in state.layout:
            variables = file.create_group(f"{path}/vars" if path else "vars")
            variables.attrs["name"] = name
            parts |= {f"{variables.name[1:]}/{index}": next(weights) for index in range(count)}
        parts |= {f"optimizer/vars/{index}": value for index, value in enumerate(state.optimizer)}
        for path, value in parts.items():
            file[path] = value
        if sealed:
            seal(file, state.training, parts)
    return stream.getvalue()


def loads_for(content: bytes, model: Any, skip_mismatch: bool = False) -> State:
    """The weights for a built model, and the optimizer's state if it is there."""
    shapes = [spec.shape for _, spec in model._weight_specs()]
    return read(content, layout_of(model, model._shape), shapes, model._weight_names(), skip_mismatch)


def read(
    content: bytes, layout: list[tuple[str, str, int]], shapes: list[Any], names: list[str], loose: bool = False
) -> State:
    """What `layout` asks for; every shape is compared before a number is read."""
    with opened(content) as file:
        file.expect(shapes)
        wanted = iter(shapes)
        paths = [f"{path}/vars/{i}".lstrip("/") for path, _, count in layout for i in range(count)]
        weights = [file.array(path, next(wanted), loose) for path in paths]
        group = file.group("optimizer/vars")
        optimizer = [file.array(f"optimizer/vars/{i}", None) for i in range(0 if group is None else len(group))]
        if not loose:
            file.finish()
        return State(names, weights, optimizer, training=file.training)
