"""Models as ONNX files, for onnxruntime and whatever else reads them."""

from __future__ import annotations

import importlib
import math
from typing import Any

from .._atomic import write_atomic
from .._checks import file_path, integer
from .._optional import require
from . import layers
from .graph import Graph, utf8

OPSET, IR_VERSION = 17, 8  # of 2022: older runtimes read it too
_LARGEST = 2**31 - 2**20  # bytes of weights in one file: protobuf's limit, less some room for the nodes


def dumps(model: Any, input_name: str = "input", batch: int | None = None, opset: int = OPSET) -> bytes:
    """The bytes of a file: float32 in and out, any number of samples unless `batch` says how many.

    Raises:
        ValueError: If the model is not built, empty, or too large for one file.
        ImportError: If onnx is missing.
    """
    if not model.built or not model._layers:
        raise ValueError(
            f"Model {model.name!r} cannot be exported before it is built: give it an Input, or call build() or fit()."
        )
    onnx = require("onnx", extra="onnx", purpose="export models to ONNX")
    shape = model.input_shape[1:]
    size = 4 * sum(math.prod(spec.shape) for spec in model.weight_specs(shape))
    if size > _LARGEST:
        raise ValueError(
            f"Model {model.name!r} has {size:,} bytes of weights; an ONNX file holds 2 GB. Use model.save() instead."
        )
    graph = Graph(onnx)
    source, result = graph.name(input_name), graph.name("output" if input_name != "output" else "output_0")
    with model._undisturbed():
        last = layers.write(graph, source, model, shape)
    graph.nodes.append(onnx.helper.make_node("Identity", [last], [result], name=graph.name("result")))
    helper, kind, axis = onnx.helper, onnx.TensorProto.FLOAT, "batch" if batch is None else batch
    made = helper.make_graph(
        graph.nodes,
        utf8(model.name),
        [helper.make_tensor_value_info(source, kind, [axis, *shape])],
        [helper.make_tensor_value_info(result, kind, [axis, *model.output_shape[1:]])],
        graph.constants,
    )
    found = helper.make_model(made, opset_imports=[helper.make_opsetid("", opset)], ir_version=IR_VERSION)
    found.producer_name = "lamella"
    found.producer_version = importlib.import_module(__package__.partition(".")[0]).__version__
    onnx.checker.check_model(found, full_check=True)
    content: bytes = found.SerializeToString(deterministic=True)
    return content


def export(
    model: Any, filepath: Any, format: str | None, verbose: Any, input_signature: Any, opset_version: Any
) -> None:
    """What Sequential.export does."""
    path = file_path("filepath", filepath)
    if format is None and path.suffix != ".onnx":
        raise ValueError(f"export `filepath` must end in .onnx, or say format='onnx'; got {str(path)!r}.")
    if format not in (None, "onnx"):
        raise ValueError(
            f"export `format` must be 'onnx', got {format!r}. For other formats save a .keras file, load it in Keras "
            "and export it there."
        )
    opset = OPSET if opset_version is None else integer("export", "opset_version", opset_version, least=13)
    if opset > OPSET:
        raise ValueError(f"export `opset_version` must be from 13 to {OPSET}, got {opset}; later runtimes read these.")
    if not model.built:
        dumps(model)  # says so
    write_atomic(path, dumps(model, *_signature(model, input_signature), opset))
    if verbose:
        print(f"Saved artifact at '{path}'.")


def _signature(model: Any, given: Any) -> tuple[str, int | None]:
    """Name and batch size of the input."""
    if isinstance(given, (list, tuple)) and len(given) == 1:
        given = given[0]
    if given is None:
        return "input", None
    sizes = tuple(getattr(given, "shape", None) or ())
    sizes = (None, *sizes) if type(given).__name__ == "InputLayer" else sizes
    if sizes[1:] != model.input_shape[1:]:
        raise ValueError(
            f"export `input_signature` must be one Input, InputSpec or the like of shape {model.input_shape}, got "
            f"{given!r}."
        )
    return str(getattr(given, "name", None) or "input"), None if sizes[0] is None else int(sizes[0])
