"""`model.metadata` holds what a file gives back as it was, and says at once what it cannot hold."""

from __future__ import annotations

import copy
import math
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lamella
from lamella import layers

RING: list[Any] = []
RING.append(RING)


def deep(levels: int) -> dict[str, Any]:
    return {"a": deep(levels - 1)} if levels else {}


@pytest.fixture
def model() -> Any:
    return lamella.Sequential([lamella.Input((2,)), layers.Dense(1)])


@pytest.mark.parametrize(
    ("given", "kind", "message"),
    [
        ([1], TypeError, r"`metadata` must be a dictionary or None, got \[1\] of type list"),
        ("x", TypeError, "`metadata` must be a dictionary or None, got 'x' of type str"),
        (5, TypeError, "`metadata` must be a dictionary or None, got 5 of type int"),
        ({"a": object()}, TypeError, r"`metadata\['a'\]` must be .*got <object.*of type object"),
        ({"a": [0, {1, 2}]}, TypeError, r"`metadata\['a'\]\[1\]` must be .*of type set"),
        ({"a": np.float32(1)}, TypeError, r"`metadata\['a'\]` must be .*of type float32; take its tolist\(\)"),
        ({"a": np.zeros(3)}, TypeError, r"`metadata\['a'\]` must be .*of type ndarray; take its tolist\(\)"),
        ({"a": b"x"}, TypeError, r"`metadata\['a'\]` must be .*of type bytes"),
        ({"a": {5: 1}}, TypeError, r"`metadata\['a'\]` must have texts as keys, got 5 of type int"),
        ({"a": math.nan}, ValueError, r"`metadata\['a'\]` must be a finite number, got nan"),
        ({"a": [-math.inf]}, ValueError, r"`metadata\['a'\]\[0\]` must be a finite number, got -inf"),
        ({"a": 10**5000}, ValueError, r"`metadata\['a'\]` must be a number between -1e300 and 1e300"),
        ({"a": RING}, ValueError, "`metadata` must be nested at most 50 deep"),
        (deep(51), ValueError, "`metadata` must be nested at most 50 deep"),
    ],
    ids=range(14),
)
def test_what_files_cannot_hold_is_refused_where_it_is_set_and_where_it_is_saved(
    model: Any, tmp_path: Path, given: Any, kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        model.metadata = given
    assert model.metadata is None
    if isinstance(given, dict):
        model.metadata = {}
        model.metadata.update(given)
        for use in (lambda: model.save(tmp_path / "m.safetensors"), lambda: pickle.dumps(model)):
            with pytest.raises(kind, match=message):
                use()
        assert not [*tmp_path.iterdir()]


def test_all_that_files_can_hold_comes_back(model: Any, tmp_path: Path) -> None:
    given = {"": None, "ü\0\n": [True, 1, -1.5, 1e300, 10**200, "\ud800"], "a": {"b": [[], {}]}, "deep": deep(49)}
    model.metadata = given
    assert model.metadata is given
    model.save(tmp_path / "m.safetensors")
    for other in (lamella.models.load_model(tmp_path / "m.safetensors"), pickle.loads(pickle.dumps(model))):
        assert other.metadata == given
    model.metadata = None
    assert copy.deepcopy(model).metadata is None


@pytest.mark.parametrize("use", ["save", "save_weights"])
def test_whether_files_are_replaced_is_true_or_false(model: Any, tmp_path: Path, use: str) -> None:
    path = tmp_path / "m.safetensors"
    path.write_bytes(b"old")
    for given in ("no", None, 1, []):
        with pytest.raises(TypeError, match=f"{use} `overwrite` must be True or False, got "):
            getattr(model, use)(path, overwrite=given)
    with pytest.raises(FileExistsError, match="pass overwrite=True"):
        getattr(model, use)(path, overwrite=np.False_)
    assert path.read_bytes() == b"old"


def test_names_with_zeros_are_refused_by_name(model: Any) -> None:
    name = "a\0b.safetensors"
    for use in (model.save, model.save_weights, model.load_weights, lamella.models.load_model):
        with pytest.raises(ValueError, match=r"`filepath` must .*got 'a\\x00b"):
            use(name)
    pytest.importorskip("onnx")
    with pytest.raises(ValueError, match=r"`filepath` must .*got 'a\\x00b"):
        model.export("a\0b.onnx")
