"""Each layer as ONNX nodes: what it does in prediction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import layers
from ..layers.base import Shape
from . import activations
from .graph import Graph


def _same(g: Graph, x: str, layer: Any, shape: Shape) -> str:
    return x


def _dense(g: Graph, x: str, layer: Any, shape: Shape) -> str:
    kernel, *bias = layer.get_weights()
    z = g.op("MatMul", x, g.array(kernel, name="kernel"))
    if bias:
        z = g.op("Add", z, g.array(bias[0], name="bias"))
    return activations.write(g, z, layer.activation, layer.units)


def _activation(g: Graph, x: str, layer: Any, shape: Shape) -> str:
    return activations.write(g, x, layer.activation, shape[-1])


def _prelu(g: Graph, x: str, layer: Any, shape: Shape) -> str:
    return str(g.op("PRelu", x, g.array(layer.get_weights()[0], name="alpha")))


def _rescaling(g: Graph, x: str, layer: Any, shape: Shape) -> str:
    return str(g.op("Add", g.op("Mul", x, g.array(layer.scale)), g.array(layer.offset)))


def _affine(g: Graph, x: str, layer: Any, weights: list[Any]) -> str:
    """γ x + β, for what there is of both."""
    for present, kind, name in ((layer.scale, "Mul", "gamma"), (layer.center, "Add", "beta")):
        if present:
            x = g.op(kind, x, g.array(weights.pop(0), name=name))
    return x


def _batch_normalization(g: Graph, x: str, layer: Any, shape: Shape) -> str:
    *affine, mean, variance = layer.get_weights()
    inverse = 1 / np.sqrt(variance + np.float32(layer.epsilon))
    centred = g.op("Sub", x, g.array(mean, name="moving_mean"))
    return _affine(g, g.op("Mul", centred, g.array(inverse, name="inverse_deviation")), layer, affine)


def _layer_normalization(g: Graph, x: str, layer: Any, shape: Shape) -> str:
    axes = list(range(layer._first(shape) + 1, len(shape) + 1))
    centred = g.op("Sub", x, g.op("ReduceMean", x, axes=axes, keepdims=1))
    variance = g.op("ReduceMean", g.op("Mul", centred, centred), axes=axes, keepdims=1)
    deviation = g.op("Sqrt", g.op("Add", variance, g.array(layer.epsilon)))
    return _affine(g, g.op("Mul", centred, g.op("Div", g.array(1), deviation)), layer, layer.get_weights())


def _unit_normalization(g: Graph, x: str, layer: Any, shape: Shape) -> str:
    axes = g.array(range(layer._first(shape) + 1, len(shape) + 1), np.int64)
    norm = g.op("Sqrt", g.op("ReduceSum", g.op("Mul", x, x), axes, keepdims=1))
    least = g.array(1e-12)
    return str(g.op("Div", x, g.where_at_most(norm, least, least, norm)))


def _normalization(g: Graph, x: str, layer: Any, shape: Shape) -> str:
    kept = layer._shape(shape)
    mean, variance = (np.broadcast_to(v.ravel(), int(np.prod(kept))).reshape(kept) for v in layer._statistics())
    deviation = g.array(np.maximum(np.sqrt(variance), np.float32(1e-7)), name="deviation")
    shift = g.array(mean, name="mean")
    if layer.invert:
        return str(g.op("Add", g.op("Mul", x, deviation), shift))
    return str(g.op("Div", g.op("Sub", x, shift), deviation))


def _reshape(g: Graph, x: str, layer: Any, shape: Shape) -> str:
    return str(g.op("Reshape", x, g.array([0, *layer.compute_output_shape(shape)], np.int64)))  # 0: as it is


WRITERS: dict[type, Callable[[Graph, str, Any, Shape], str]] = {
    layers.Dense: _dense,
    layers.Activation: _activation,  # and ReLU, ELU, LeakyReLU, Softmax, Identity, which are such
    layers.PReLU: _prelu,
    layers.Rescaling: _rescaling,
    layers.BatchNormalization: _batch_normalization,
    layers.LayerNormalization: _layer_normalization,
    layers.UnitNormalization: _unit_normalization,
    layers.Normalization: _normalization,
    layers.Flatten: _reshape,
    layers.Reshape: _reshape,
    layers.Dropout: _same,
    layers.AlphaDropout: _same,
    layers.GaussianDropout: _same,
    layers.GaussianNoise: _same,
    layers.ActivityRegularization: _same,
}


def writer(layer: Any) -> Callable[[Graph, str, Any, Shape], str]:
    """What writes a layer: the entry of the nearest class, for lamella's own classes only.

    Raises:
        ValueError: If there is none, or the layer is of a class of the user's, which may compute something else.
    """
    kind = type(layer)
    if getattr(layers, kind.__name__, None) is not kind:
        raise ValueError(
            f"Layer {layer.name!r} is of your own class {kind.__name__}, which cannot be exported to ONNX: what it "
            f"changes about lamella's layers would be lost. Put a layer of lamella.layers in its place."
        )
    found = next((WRITERS[cls] for cls in kind.__mro__ if cls in WRITERS), None)
    if found is None:
        raise ValueError(f"Layer {layer.name!r} of type {kind.__name__} cannot be exported to ONNX.")
    return found


def write(g: Graph, x: str, model: Any, shape: Shape, prefix: str = "") -> str:
    """The output of all layers of a model, those of models in it included."""
    for layer, given in zip(model._layers, model._shapes_from(shape), strict=False):
        path = f"{prefix}{layer.name}/"
        if hasattr(layer, "_layers"):
            x = write(g, x, layer, given, path)
        else:
            g.path = path
            x = writer(layer)(g, x, layer, given)
    return x
