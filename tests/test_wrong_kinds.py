"""Values of a wrong kind: the error names the argument, what it must be, and what came."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lamella
from lamella import (
    activations,
    backend,
    constraints,
    initializers,
    layers,
    losses,
    models,
    optimizers,
    regularizers,
    saving,
    schedules,
)


def model() -> lamella.Sequential:
    made = lamella.Sequential([lamella.Input((3,)), layers.Dense(2, "relu", name="first"), layers.Dense(1)])
    made.compile("sgd", "mse")
    return made


X, Y, TWO = np.ones((4, 3)), np.ones((4, 1)), np.ones(2)

CASES: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: model().gradients(X, Y, training="yes"), TypeError, "`training` must be True or False, got 'yes'"),
    (lambda: model().summary(line_length="a"), TypeError, "`line_length` must be a positive integer, got 'a'"),
    (lambda: model().summary(line_length=10**25), ValueError, "`line_length` must be"),
    (lambda: model().summary(positions=-1), TypeError, "`positions` must be a list of numbers, got -1"),
    (lambda: model().summary(layer_range=-1), TypeError, "`layer_range` must be a list of two names, got -1"),
    (lambda: model().summary(layer_range=["first"]), ValueError, "`layer_range` must name the first and the last"),
    (lambda: model().summary(print_fn=3), TypeError, "`print_fn` must be a function of a text, got 3"),
    (lambda: model().get_layer(index="a"), TypeError, "`index` must be an integer"),
    (lambda: model().compile_from_config(None), TypeError, "`config` must be what get_compile_config()"),
    (lambda: lamella.Sequential.from_config(None), ValueError, "must have `layers`"),
    (lambda: models.clone_model(None), TypeError, "`model` must be a Sequential, got None"),
    (lambda: saving.save_model(None, "never.safetensors"), TypeError, "`model` must be a Sequential, got None"),
    (lambda: schedules.PiecewiseConstantDecay(None, [1]), TypeError, "`boundaries` must be a list of numbers"),
    (lambda: schedules.PiecewiseConstantDecay([1], 2), TypeError, "`values` must be a list of numbers, got 2"),
    (lambda: layers.Reshape(None), TypeError, "`target_shape` must be a list of sizes, got None"),
    (lambda: layers.PReLU(shared_axes=1.5), TypeError, "`shared_axes` must be a list of axes, got 1.5"),
    (lambda: backend.get_uid([]), TypeError, "`prefix` must be a str, got []"),
    (lambda: losses.mse(Y, "foo"), TypeError, "`y_pred` must hold numbers, got 'foo'"),
    (lambda: losses.mse(["a"], [1.0]), TypeError, "`y_true` must hold numbers, got ['a']"),
    (lambda: losses.mse([1.0, 2.0], [[1.0], [1.0, 2.0]]), ValueError, "its lists have different lengths"),
    (lambda: losses.mse([[1.0], [1.0, 2.0]], [1.0, 2.0]), ValueError, "`y_true` must be an array; its lists have"),
    (lambda: activations.relu("a"), TypeError, "relu: `x` must hold numbers, got 'a'"),
    (lambda: losses.MeanSquaredError(name=TWO), TypeError, "`name` must be a str or None"),
    (lambda: losses.MeanSquaredError(reduction=TWO), TypeError, "`reduction` must be a str or None"),
    (lambda: losses.MeanSquaredError(dtype=TWO), TypeError, "`dtype` must be a str or None"),
    (lambda: losses.CosineSimilarity(axis=TWO), ValueError, "`axis` must be -1"),
    (lambda: model().fit(X, Y, verbose=TWO), ValueError, "`verbose` must be"),
    (lambda: initializers.get(lambda: 1), TypeError, "must be a function of (shape) or (shape, dtype), got one of ()"),
    (lambda: initializers.get(lambda shape: "a")((2,)), TypeError, "`values` must hold numbers, got 'a'"),
    (lambda: layers.Dense(1, kernel_regularizer=0.1), TypeError, "`kernel_regularizer` must be a name or a Reg"),
    (lambda: layers.Dense(1, bias_constraint=0.1), TypeError, "`bias_constraint` must be a name or a Constraint"),
    (lambda: layers.Dense(1, kernel_initializer=5), TypeError, "`kernel_initializer` must be a name or an Init"),
    (lambda: layers.BatchNormalization(gamma_initializer=5), TypeError, "`gamma_initializer` must be"),
    (lambda: model().compile("sgd", "mse", metrics=["mae", 5]), TypeError, "`metrics[1]` must be a name or a Metric"),
]


@pytest.mark.parametrize(("call", "error", "words"), CASES, ids=[words for _, _, words in CASES])
def test_the_argument_is_named(call: Callable[[], Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=re.escape(words)):
        call()


@pytest.mark.parametrize("family", [optimizers, schedules, activations, initializers, regularizers, constraints])
def test_only_members_of_a_family_are_serialized(family: Any) -> None:
    with pytest.raises(TypeError, match=r"must be an? .*, got -1"):
        family.serialize(-1)


def test_a_layer_stands_in_one_place() -> None:
    layer = layers.Dense(3)
    with pytest.raises(ValueError, match="is in the model already, and cannot stand in two places; make another"):
        lamella.Sequential([layer, layer])


def test_files_are_no_folders(tmp_path: Path) -> None:
    (tmp_path / "m.safetensors").write_text("")
    with pytest.raises(NotADirectoryError, match="This is a file, not a folder to write into"):
        model().save(tmp_path / "m.safetensors" / "x.keras")


def test_a_layer_of_a_name_that_hdf5_has_for_itself(tmp_path: Path) -> None:
    named = lamella.Sequential([lamella.Input((2,)), layers.Dense(3, name="."), layers.Dense(1)])
    with pytest.raises(ValueError, match=r"A layer named '\.' cannot be written to \.h5; rename it, or save to \.safe"):
        named.save(tmp_path / "m.h5")
    assert list(tmp_path.iterdir()) == []
    named.save(tmp_path / "m.safetensors")
    assert saving.load_model(tmp_path / "m.safetensors").layers[0].name == "."
