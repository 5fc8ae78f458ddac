"""Exported models compute under onnxruntime what predict() and the float64 reference compute."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import reference

import lamella
from lamella import Input, Sequential, _onnx, activations, layers
from lamella._onnx import activations as written_activations
from lamella._onnx import layers as written_layers
from lamella.activations import Activation

NAMES = sorted({member.name for member in vars(activations).values() if isinstance(member, Activation)})
VARIANTS = [(name, {}) for name in NAMES] + [
    ("relu", {"negative_slope": 0.1, "max_value": 2.5, "threshold": 0.4}),
    ("leaky_relu", {"negative_slope": 2.0}),
    ("elu", {"alpha": 0.0}),
    ("celu", {"alpha": 0.25}),
    ("hard_shrink", {"threshold": 0.0}),
    ("soft_shrink", {"threshold": 1.5}),
    ("squareplus", {"b": 0.0}),
    ("gelu", {"approximate": True}),
]
EXTREMES = [0.0, -0.0, 1e-30, -1e-30, 20.0, -20.0, -5.0, 88.0, -104.0, 1e4, -1e4, 1e30, -1e30, np.nan, np.inf, -np.inf]


def exported(model: Any, path: Path, x: Any, **options: Any) -> Any:
    """The output of onnxruntime for a model that the checker accepts."""
    model.export(path, **options)
    onnx.checker.check_model(onnx.load(path), full_check=True)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: x})[0]


def assert_same(model: Any, path: Path, x: Any) -> None:
    for rows in (0, 1, len(x)):
        found = exported(model, path, x[:rows])
        assert found.shape == (rows, *model.output_shape[1:])
        if rows:
            np.testing.assert_allclose(found, model.predict(x[:rows], verbose=0), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("name", "arguments"), VARIANTS)
def test_every_activation_is_the_same(name: str, arguments: Any, tmp_path: Path, rng: np.random.Generator) -> None:
    activation = activations.get(name).with_arguments(**arguments)
    x = (rng.normal(size=(7, 6)) * 3).astype("float32")
    for parts in ([layers.Activation(activation)], [layers.Dense(6, activation)]):
        model = Sequential([Input((6,)), *parts])
        assert_same(model, tmp_path / "m.onnx", x)
    alone = Sequential([Input((6,)), layers.Activation(activation)])
    exact = reference.activation(name, x, **arguments)
    np.testing.assert_allclose(exported(alone, tmp_path / "m.onnx", x), exact, rtol=1e-5, atol=1e-5)
    assert_same(
        Sequential([Input((2, 3, 6)), layers.Activation(activation)]),
        tmp_path / "m.onnx",
        x[:6].reshape(1, 2, 3, 6).repeat(7, 0),
    )


@pytest.mark.parametrize(("name", "arguments"), VARIANTS)
def test_extreme_numbers_become_the_same(name: str, arguments: Any, tmp_path: Path) -> None:
    activation = activations.get(name).with_arguments(**arguments)
    model = Sequential([Input((2,)), layers.Activation(activation)])
    x = np.array([[a, b] for a in EXTREMES for b in (0.5, a)], "float32")
    with np.errstate(all="ignore"):
        expected = activation(x)
        found = exported(model, tmp_path / "m.onnx", x)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


LAYERS = [
    layers.Dense(3, "relu", use_bias=False), layers.Activation("gelu"), layers.ActivityRegularization(0.1),
    layers.AlphaDropout(0.1), layers.BatchNormalization(), layers.BatchNormalization(scale=False),
    layers.BatchNormalization(center=False), layers.Dropout(0.2), layers.ELU(0.5), layers.Flatten(),
    layers.GaussianDropout(0.1), layers.GaussianNoise(0.1), layers.Identity(), layers.LayerNormalization(),
    layers.LayerNormalization(axis=(-2, -1)), layers.LeakyReLU(0.1), layers.Normalization(),
    layers.Normalization(mean=[1.0, 2, 3, 4], variance=[1.0, 0, 3, 4]), layers.Normalization(axis=None),
    layers.Normalization(mean=2.0, variance=4.0, invert=True), layers.PReLU(), layers.PReLU(shared_axes=[1, 2]),
    layers.ReLU(6.0), layers.Rescaling(0.5, 1.0), layers.Reshape((4, -1)), layers.Softmax(),
    layers.UnitNormalization(), layers.UnitNormalization(axis=(-2, -1)),
]  # fmt: skip


@pytest.mark.parametrize("config", [layers.serialize(layer) for layer in LAYERS], ids=lambda c: c["class_name"])
def test_every_layer_is_the_same(config: Any, tmp_path: Path, rng: np.random.Generator) -> None:
    model = Sequential([Input((2, 3, 4)), layers.deserialize(config)])
    model.set_weights([np.abs(rng.normal(size=w.shape)) for w in model.get_weights()])
    x = rng.normal(size=(7, 2, 3, 4)).astype("float32")
    x[0] = 0
    assert_same(model, tmp_path / "m.onnx", x)


def test_every_layer_and_activation_is_written_and_tested() -> None:
    assert set(written_activations.WRITERS) == set(NAMES)
    tested = {type(layer) for layer in LAYERS}
    public = [getattr(layers, name) for name in layers.__all__]
    every = {cls for cls in public if isinstance(cls, type) and issubclass(cls, layers.Layer)}
    assert every - tested == {layers.Layer, layers.InputLayer}
    for layer in LAYERS:
        assert callable(written_layers.writer(layer))


def test_nested_models_and_names_of_any_kind(tmp_path: Path, rng: np.random.Generator) -> None:
    inner = Sequential([layers.Dense(3, "relu", name="b"), layers.Dense(4, name="output")], name="a")
    model = Sequential(
        [Input((5,)), inner, layers.Dense(4, name="a/b"), layers.Dense(2, name="input")], name="ü \n\ud800/"
    )
    assert_same(model, tmp_path / "naïve name.onnx", rng.normal(size=(7, 5)).astype("float32"))


def test_what_changes_nothing_is_a_graph(tmp_path: Path) -> None:
    x = np.ones((7, 5), "float32")
    np.testing.assert_array_equal(exported(Sequential([Input((5,)), layers.Dropout(0.1)]), tmp_path / "m.onnx", x), x)


def test_file_says_who_made_it_and_what_goes_in(tmp_path: Path) -> None:
    model = Sequential([Input((4,)), layers.Rescaling(1 / 255), layers.Dense(2)], name="net")
    model.export(tmp_path / "m.onnx")
    made = onnx.load(tmp_path / "m.onnx")
    assert (made.producer_name, made.producer_version, made.graph.name) == ("lamella", lamella.__version__, "net")
    assert (made.ir_version, made.opset_import[0].version) == (8, 17)
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx")
    ends = [session.get_inputs()[0], session.get_outputs()[0]]
    assert [(e.name, e.shape, e.type) for e in ends] == [
        ("input", ["batch", 4], "tensor(float)"),
        ("output", ["batch", 2], "tensor(float)"),
    ]
    pixels = np.arange(28, dtype="uint8").reshape(7, 4)
    found = session.run(None, {"input": pixels.astype("float32")})[0]
    np.testing.assert_allclose(found, model.predict(pixels, verbose=0), rtol=1e-5, atol=1e-6)
    inferred = onnx.shape_inference.infer_shapes(made, strict_mode=True, data_prop=True)
    assert len(inferred.graph.value_info) == len(made.graph.node) - 1


def test_arguments_are_those_of_keras(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = Sequential([Input((4,)), layers.Dense(2, "log_softmax")])
    signature = [Input(batch_shape=(None, 4), name="pixels")]
    model.export(tmp_path / "m", format="onnx", verbose=True, input_signature=signature, opset_version=13)
    made = onnx.load(tmp_path / "m")
    assert made.graph.input[0].name == "pixels" and made.opset_import[0].version == 13
    assert "m'" in capsys.readouterr().out
    for options, text in (
        ({"format": "tf_saved_model"}, "load it in Keras"),
        ({"input_signature": [Input((5,))]}, "input_signature"),
        ({"opset_version": 30}, "from 13 to 17"),
    ):
        with pytest.raises(ValueError, match=text):
            model.export(tmp_path / "n.onnx", **options)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"end in \.onnx"):
        model.export(tmp_path / "n")
    with pytest.raises(TypeError, match="filepath"):
        model.export(3)  # type: ignore[arg-type]
    (tmp_path / "folder.onnx").mkdir()
    with pytest.raises(IsADirectoryError):
        model.export(tmp_path / "folder.onnx")
    with pytest.raises(ValueError, match="before it is built"):
        Sequential([layers.Dense(2)]).export(tmp_path / "n.onnx")
    assert not (tmp_path / "n.onnx").exists()


def test_classes_of_the_user_are_refused(tmp_path: Path) -> None:
    class Doubled(layers.Dense):
        def get_config(self) -> dict[str, Any]:
            return super().get_config()

    class Dropout(layers.Dropout):  # the name of lamella's own changes nothing
        pass

    for mine in (lambda: Doubled(3, name="mine"), lambda: Dropout(0.5, name="mine")):
        for model in (Sequential([Input((4,)), mine()]), Sequential([Input((4,)), Sequential([mine()])])):
            with pytest.raises(ValueError, match=r"'mine' is of your own class (Doubled|Dropout)"):
                model.export(tmp_path / "m.onnx")
    assert not (tmp_path / "m.onnx").exists()


def test_models_that_no_file_holds_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = Sequential([Input((4,)), layers.Dense(2)], name="large")
    assert _onnx._LARGEST > 2_000_000_000
    monkeypatch.setattr(_onnx, "_LARGEST", 39)
    with pytest.raises(ValueError, match=r"'large' has 40 bytes of weights.*2 GB.*model\.save"):
        model.export(tmp_path / "m.onnx")
    assert not (tmp_path / "m.onnx").exists()
    monkeypatch.setattr(_onnx, "_LARGEST", 40)
    model.export(tmp_path / "m.onnx")


def test_missing_package_is_named_with_its_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r'onnx is needed .* pip install "lamella\[onnx\]"'):
        Sequential([Input((4,)), layers.Dense(2)]).export(tmp_path / "m.onnx")


def test_example_of_the_docs_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator) -> None:
    monkeypatch.chdir(tmp_path)
    text = (Path(__file__).parents[1] / "docs" / "saving.md").read_text(encoding="utf-8")
    (code,) = [block.split("```")[0] for block in text.split("```python\n") if block.startswith("import onnxruntime")]
    model = Sequential([Input((4,)), layers.Dense(2, "softmax")])
    names: dict[str, Any] = {"model": model, "x": rng.normal(size=(7, 4))}
    exec(code, names)
    np.testing.assert_allclose(names["y"], model.predict(names["x"], verbose=0), rtol=1e-5, atol=1e-6)
