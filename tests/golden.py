"""The numbers of Keras in `data/keras-golden.json`, as parametrised cases with readable ids."""

from __future__ import annotations

import json
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import reference
from numpy.typing import ArrayLike

PATH = Path(__file__).parent / "data" / "keras-golden.json"
SPECIAL = {"nan": float("nan"), "inf": float("inf"), "-inf": float("-inf")}
NAME_KEYS = ("metric", "name", "loss", "optimizer", "schedule", "initializer", "regularizer", "constraint")

# What the texts of the training cases stand for: layers as (class, arguments), losses as (class, arguments).
L2 = ("L2", {"l2": 0.01})
REGULARIZED = {
    "kernel_regularizer": ("L1L2", {"l1": 0.01, "l2": 0.02}),
    "bias_regularizer": ("L2", {"l2": 0.03}),
    "activity_regularizer": ("L2", {"l2": 0.04}),
}


def _net(hidden: str, units: int, activation: str | None, *between: Any, **common: Any) -> list[Any]:
    first = ("Dense", {"units": 5, "activation": hidden, **common})
    return [first, *between, ("Dense", {"units": units, "activation": activation, **common})]


NETS = {
    "Dense(5,relu) Dense(3,softmax)": _net("relu", 3, "softmax"),
    "Dense(5,relu) BatchNormalization() Dense(3,softmax)": _net("relu", 3, "softmax", ("BatchNormalization", {})),
    "both Dense with kernel_regularizer=L2(0.01)": _net("relu", 3, "softmax", kernel_regularizer=L2),
    "both Dense with kernel L1L2(0.01,0.02), bias L2(0.03), activity L2(0.04) (divided by batch size)": _net(
        "relu", 3, "softmax", **REGULARIZED
    ),
    "both Dense with kernel_constraint=MaxNorm(0.7)": _net(
        "relu", 3, "softmax", kernel_constraint=("MaxNorm", {"max_value": 0.7})
    ),
    "Dense(5,relu) Dense(3)": _net("relu", 3, None),
    "Dense(5,tanh) Dense(1,sigmoid)": _net("tanh", 1, "sigmoid"),
    "Dense(5,tanh) Dense(1,sigmoid); y has shape (n,)": _net("tanh", 1, "sigmoid"),
    "Dense(5,relu) Dense(1)": _net("relu", 1, None),
    "l2 of fit": _net("relu", 3, "softmax", kernel_regularizer=("L2", {"l2": 0.05})),
}
LOSSES = {
    "SparseCategoricalCrossentropy(from_logits=True)": ("SparseCategoricalCrossentropy", {"from_logits": True}),
}


def _numbers(value: Any) -> Any:
    """The same tree with the strings "nan", "inf" and "-inf" as floats."""
    if isinstance(value, dict):
        return {key: _numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_numbers(item) for item in value]
    return SPECIAL.get(value, value) if isinstance(value, str) else value


@cache
def load() -> dict[str, Any]:
    """The whole file."""
    return _numbers(json.loads(PATH.read_text(encoding="utf-8")))


def section(path: str) -> Any:
    """A part of the file: `"losses"`, `"training.fit"`."""
    part = load()
    for key in path.split("."):
        part = part[key]
    return part


def title(case: dict[str, Any]) -> str:
    """`RMSprop-learning_rate=0.01-rho=0.8`: the name of a case and its arguments."""
    name = next(case[key] for key in NAME_KEYS if isinstance(case.get(key), str))
    return "-".join([name, *(f"{key}={_short(value)}" for key, value in case.get("kwargs", {}).items())])


def _short(value: Any) -> str:
    if isinstance(value, dict):
        return str(value.get("class_name", "dict"))
    return str(value).replace(" ", "")


def cases(path: str) -> list[Any]:
    """One pytest parameter per case of a section; equal titles are numbered."""
    found = section(path)
    listed = found if isinstance(found, list) else found["cases"]
    seen: Counter[str] = Counter()
    params = []
    for case in listed:
        name = title(case)
        seen[name] += 1
        params.append(pytest.param(case, id=name if seen[name] == 1 else f"{name}-{seen[name]}"))
    return params


def items(path: str) -> list[Any]:
    """One pytest parameter (name, case) per entry of a section that is a dict of cases."""
    return [pytest.param(name, case, id=name) for name, case in section(path).items()]


def assert_close(actual: ArrayLike, expected: ArrayLike, atol: float = 1e-6, rtol: float = 2e-5) -> None:
    """abs(actual - expected) <= atol + rtol * abs(expected), and equal shapes."""
    actual, expected = np.asarray(actual, np.float64), np.asarray(expected, np.float64)
    assert actual.shape == expected.shape
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)


def assert_trajectory(actual: ArrayLike, expected: ArrayLike) -> None:
    """Like `assert_close`, with room for the float32 rounding of several training steps."""
    assert_close(actual, expected, atol=1e-5, rtol=1e-4)


def network(case: dict[str, Any]) -> reference.Network:
    """The reference network of a case of `training.cases`, with its initial weights."""
    weighted = ["accuracy"] if "weighted_accuracy" in case["steps"][0] else []
    loss = LOSSES.get(case["loss"], case["loss"])
    net = reference.Network(NETS[case["net"]], loss, tuple(case["optimizer"]), case["metrics"], weighted)
    net.set_weights(case["initial_weights"])
    return net
