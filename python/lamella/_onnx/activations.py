"""Each activation as ONNX nodes, arranged as in the core, so that float32 neither cancels nor overflows."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .graph import Graph

_HALF_OF_LARGEST = float(np.finfo(np.float32).max) / 2


def _relu(g: Graph, z: str, negative_slope: float, max_value: float | None, threshold: float) -> str:
    if (negative_slope, max_value, threshold) == (0, None, 0):
        return str(g.op("Relu", z))
    most, edge = g.array(math.inf if max_value is None else max_value), g.array(threshold)
    above = g.where_at_most(most, z, most, z)
    below = g.array(0) if negative_slope == 0 else g.op("Mul", g.op("Sub", z, edge), g.array(negative_slope))
    return g.where_at_most(z, edge, below, above)


def _celu(g: Graph, z: str, alpha: float) -> str:
    below = g.op("Mul", g.op("Elu", g.op("Div", z, g.array(alpha))), g.array(alpha))
    return g.where_at_most(z, g.array(0), below, z)


def _selu(g: Graph, z: str) -> str:
    return str(g.op("Mul", g.op("Elu", z, alpha=1.6732632423543772), g.array(1.0507009873554805)))


def _hard_sigmoid(g: Graph, z: str) -> str:
    return g.within(g.op("Div", g.op("Add", z, g.array(3)), g.array(6)), 0, 1)


def _softplus(g: Graph, z: str) -> str:
    rest = g.op("Log", g.op("Add", g.array(1), g.op("Exp", g.op("Neg", g.op("Abs", z)))))
    return str(g.op("Add", g.op("Relu", z), rest))


def _sparse_sigmoid(g: Graph, z: str) -> str:
    return str(g.op("Mul", g.op("Add", g.within(z, -1, 1), g.array(1)), g.array(0.5)))


def _hard_shrink(g: Graph, z: str, threshold: float) -> str:
    return g.where_at_most(g.op("Abs", z), g.array(threshold), g.array(0), z)


def _softsign(g: Graph, z: str) -> str:
    x = g.within(z, -_HALF_OF_LARGEST, _HALF_OF_LARGEST)  # infinity has a limit
    return str(g.op("Div", x, g.op("Add", g.array(1), g.op("Abs", x))))


def _sparse_plus(g: Graph, z: str) -> str:
    root = g.op("Mul", g.op("Relu", g.op("Add", z, g.array(1))), g.array(0.5))
    return g.where_at_most(g.array(1), z, z, g.op("Mul", root, root))


def _squareplus(g: Graph, z: str, b: float) -> str:
    size, bound, zero = g.op("Abs", z), g.array(1e18), g.array(0)
    inside = g.where_at_most(bound, size, bound, size)
    root = g.op("Sqrt", g.op("Add", g.op("Mul", inside, inside), g.array(b)))
    mean = g.op("Mul", g.op("Add", inside, root), g.array(0.5))
    larger = g.where_at_most(size, inside, mean, size)
    return str(g.op("Where", g.op("Less", z, zero), g.op("Div", g.array(b / 4), larger), larger))


def _over_one_plus(g: Graph, z: str, rest: str) -> str:
    return str(g.op("Div", z, g.op("Add", g.array(1), rest)))


def _silu(g: Graph, z: str) -> str:
    return _over_one_plus(g, z, g.op("Exp", g.op("Neg", z)))  # Sigmoid of runtimes may stop before 0


def _gelu(g: Graph, z: str, approximate: bool) -> str:
    if approximate:
        cubic = g.op("Add", g.op("Mul", g.op("Mul", z, z), g.array(0.044715)), g.array(1))
        twice = g.op("Mul", g.op("Mul", z, g.array(2 * math.sqrt(2 / math.pi))), cubic)
        return _over_one_plus(g, z, g.op("Exp", g.op("Neg", twice)))
    share = g.op("Add", g.op("Erf", g.op("Mul", z, g.array(math.sqrt(0.5)))), g.array(1))
    share = g.where_at_most(z, g.array(-14), g.array(0), g.op("Mul", share, g.array(0.5)))  # whatever Erf rounds to
    return str(g.op("Mul", z, share))


def _mish(g: Graph, z: str) -> str:
    m = g.op("Exp", g.op("Neg", z))
    return _over_one_plus(g, z, _over_one_plus(g, m, g.op("Div", g.array(0.5), m)))


def _shifted(g: Graph, z: str) -> str:
    return str(g.op("Sub", z, g.op("ReduceMax", z, axes=[-1], keepdims=1)))


def _sum(g: Graph, z: str) -> str:
    return str(g.op("ReduceSum", z, g.array([-1], np.int64), keepdims=1))


def _log_softmax(g: Graph, z: str) -> str:
    shifted = _shifted(g, z)
    return str(g.op("Sub", shifted, g.op("Log", _sum(g, g.op("Exp", shifted)))))


def _sorted(g: Graph, z: str, width: int) -> str:
    """The numbers of each row, the largest first. onnxruntime before 1.24 dies of TopK without rows: one is added."""
    rows = g.op("Concat", g.op("Reshape", z, g.array([-1, width], np.int64)), g.array(np.zeros((1, width))), axis=0)
    descending, _ = g.op("TopK", rows, g.array([width], np.int64), outputs=2, axis=-1)
    kept = g.op("Slice", descending, g.array([0], np.int64), g.array([-1], np.int64), g.array([0], np.int64))
    return str(g.op("Reshape", kept, g.op("Shape", z)))


def _sparsemax(g: Graph, z: str, width: int) -> str:
    shifted = _shifted(g, z)
    zero = g.array(0)
    finite = _sum(g, g.where_at_most(shifted, zero, zero, shifted))  # 0, or NaN where the row holds one or infinity
    descending = _sorted(g, shifted, width)
    total = g.op("CumSum", descending, g.array(-1, np.int64))
    taus = g.op("Div", g.op("Sub", total, g.array(1)), g.array(np.arange(1, width + 1)))
    above = g.op("Greater", descending, taus)
    size = _sum(g, g.op("Where", above, g.array(1), g.array(0)))
    chosen = _sum(g, g.op("Where", above, descending, g.array(0)))
    tau = g.op("Add", g.op("Div", g.op("Sub", chosen, g.array(1)), size), finite)
    return str(g.op("Relu", g.op("Sub", shifted, tau)))


def _glu(g: Graph, z: str, width: int) -> str:
    a, b = g.op("Split", z, g.array([width // 2] * 2, np.int64), outputs=2, axis=-1)
    return str(g.op("Mul", a, g.op("Sigmoid", b)))


_NEED_WIDTH = {"glu": _glu, "sparsemax": _sparsemax}

WRITERS: dict[str, Callable[..., str]] = {
    "linear": lambda g, z: z,
    "relu": _relu,
    "relu6": lambda g, z: g.within(z, 0, 6),
    "leaky_relu": lambda g, z, negative_slope: g.op("LeakyRelu", z, alpha=float(negative_slope)),
    "elu": lambda g, z, alpha: g.op("Elu", z, alpha=float(alpha)),
    "selu": _selu,
    "celu": _celu,
    "sigmoid": lambda g, z: g.op("Sigmoid", z),
    "hard_sigmoid": _hard_sigmoid,
    "log_sigmoid": lambda g, z: g.op("Neg", _softplus(g, g.op("Neg", z))),
    "sparse_sigmoid": _sparse_sigmoid,
    "tanh": lambda g, z: g.op("Tanh", z),
    "hard_tanh": lambda g, z: g.within(z, -1, 1),
    "tanh_shrink": lambda g, z: g.op("Sub", z, g.op("Tanh", z)),
    "hard_shrink": _hard_shrink,
    "soft_shrink": lambda g, z, threshold: g.op("Sub", z, g.within(z, -threshold, threshold)),
    "softplus": _softplus,
    "softsign": _softsign,
    "sparse_plus": _sparse_plus,
    "squareplus": _squareplus,
    "silu": _silu,
    "hard_silu": lambda g, z: g.op("Mul", z, _hard_sigmoid(g, z)),
    "gelu": _gelu,
    "mish": _mish,
    "exponential": lambda g, z: g.op("Exp", z),
    "softmax": lambda g, z: g.op("Softmax", z, axis=-1),
    "log_softmax": _log_softmax,
    **_NEED_WIDTH,
}


def write(g: Graph, z: str, activation: Any, width: int) -> str:
    """The output of an activation along the last axis, of size `width`."""
    arguments = {key: value for key, value in activation.arguments.items() if key != "axis"}
    if activation.name in _NEED_WIDTH:
        arguments["width"] = width
    return WRITERS[activation.name](g, z, **arguments)
