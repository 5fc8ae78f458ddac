"""Keras' habits as recorded in the golden file, where no other test runs them, and what is different on purpose."""

from __future__ import annotations

import io
import json
import sys
from typing import Any

import numpy as np
import pytest
from golden import section

import lamella
from lamella import Input, Sequential, layers, metrics, utils

ARGUMENTS: dict[str, tuple[Any, ...]] = {  # where a layer cannot be made without
    "Activation": ("relu",),
    "AlphaDropout": (0.1,),
    "Dense": (4,),
    "Dropout": (0.5,),
    "GaussianDropout": (0.1,),
    "GaussianNoise": (0.1,),
    "Rescaling": (2.0,),
    "Reshape": ((2, 3),),
}
LEFT_OUT = {  # what lamella does not have, with its value in Keras: switched off
    "BatchNormalization": {"synchronized": False, "renorm": False, "renorm_clipping": None, "renorm_momentum": 0.99},
    "Dense": {"quantization_config": None},
    "LayerNormalization": {"rms_scaling": False},
}
NOT_THERE = {"Embedding"}


@pytest.fixture
def recorded() -> Sequential:
    """The model whose summary, names and paths are in the golden file."""
    return Sequential(
        [
            Input((784,)),
            layers.Dense(512, activation="relu"),
            layers.Dropout(0.5),
            layers.BatchNormalization(),
            layers.Dense(10, activation="softmax"),
        ]
    )


def summary_of(model: Sequential) -> list[str]:
    printed: list[str] = []
    model.summary(line_length=80, print_fn=printed.append)
    assert len(printed) == 1
    return printed[0].split("\n")


def test_summary_is_that_of_keras_line_by_line(recorded: Sequential) -> None:
    assert [line.rstrip() for line in summary_of(recorded) if line] == [
        line.rstrip() for line in section("behaviour.summary_line_length_80") if line
    ]


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_summary_fits_the_encoding_of_standard_output(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = Sequential([layers.Dense(2, name="größe")], name="inner")
    model = Sequential([Input((3,)), inner, layers.Dense(1)], name="small")
    printed: list[str] = []
    model.summary(60, print_fn=printed.append, expand_nested=True, show_trainable=True)
    stream = io.TextIOWrapper(io.BytesIO(), encoding)
    monkeypatch.setattr(sys, "stdout", stream)
    model.summary(60, expand_nested=True, show_trainable=True)
    stream.flush()
    text = stream.buffer.getvalue().decode(encoding)  # type: ignore[attr-defined]
    lines, drawn = text.splitlines(), printed[0].splitlines()
    assert lines[0] == 'Model: "small"' and len(lines) == len(drawn) and lines[-3:] == drawn[-3:]
    assert lines[1][:2] == "+=" and lines[1][-2:] == "=+" and lines[2][:2] == "| " and lines[4][:2] == "| "
    assert ("gr\\xf6\\xdfe" if encoding == "ascii" else "größe") in text


def test_summary_counts_what_the_optimizer_keeps_after_the_first_step(recorded: Sequential) -> None:
    recorded.compile("rmsprop", "categorical_crossentropy")
    before = [line for line in summary_of(recorded) if "params" in line]
    assert before == [line for line in section("behaviour.summary_line_length_80") if "params" in line]
    recorded.train_on_batch(np.zeros((2, 784)), np.eye(10)[:2])
    after = [line for line in summary_of(recorded) if "params" in line]
    assert after == section("behaviour.summary_compiled_tail")


def test_layers_are_named_as_in_keras_after_clear_session(recorded: Sequential) -> None:
    lamella.backend.clear_session()
    again = [layers.Dense(1), layers.Dropout(0.5), layers.BatchNormalization(), layers.Dense(1)]
    names = section("behaviour.layer_names_after_clear_session")
    assert [layer.name for layer in again] == [layer.name for layer in recorded.layers] == names


def test_weights_have_the_paths_of_keras_below_the_name_of_the_model(recorded: Sequential) -> None:
    """lamella's weights are arrays; paths are what exclude_from_weight_decay() searches."""
    paths = [f"{recorded.name}/{path}" for path, _, _ in recorded._all_weights()]
    assert paths == section("behaviour.weight_paths")


@pytest.mark.parametrize("case", section("behaviour.to_categorical"), ids=lambda case: str(case["x"]))
def test_to_categorical_gives_what_keras_gives(case: dict[str, Any]) -> None:
    found = utils.to_categorical(case["x"], case["num_classes"])
    assert found.tolist() == case["y"]
    assert found.dtype == case.get("dtype", "float64")


def test_normalize_gives_what_keras_gives() -> None:
    case = section("behaviour.normalize")
    np.testing.assert_allclose(utils.normalize(case["x"]), case["axis_minus_1"], rtol=1e-7, atol=0)
    np.testing.assert_allclose(utils.normalize(case["x"], order=1), case["order_1"], rtol=1e-7, atol=0)


def refused_here(row: dict[str, Any]) -> bool:
    """Metrics of rows of numbers beside a loss on class numbers: Keras compares each class number with a whole row."""
    return "resolved" in row and row["loss"].startswith("sparse") and row["metrics"] != ["accuracy"]


REFUSED = [row for row in section("behaviour.metric_resolution") if refused_here(row)]


@pytest.mark.parametrize("row", REFUSED, ids=lambda row: "+".join(row["metrics"]) + f"-y{len(row['y_shape'])}")
def test_metrics_that_keras_broadcasts_against_class_numbers_are_refused(row: dict[str, Any]) -> None:
    model = Sequential([layers.Dense(row["units"], row["activation"])])
    given = [metrics.get(name) if name[0].isupper() else name for name in row["metrics"]]
    with pytest.raises(ValueError, match=r"does not fit the loss, whose targets are class numbers; use 'accuracy'"):
        model.compile("rmsprop", row["loss"], metrics=given)


def test_every_row_of_the_resolution_table_is_in_one_of_the_tests() -> None:
    from test_metrics import RESOLUTION

    rows = section("behaviour.metric_resolution")
    assert [row for row in rows if row not in RESOLUTION and row not in REFUSED] == []
    assert len(REFUSED) > 3


@pytest.mark.parametrize("name", sorted(section("configs.layer_default_configs").keys() - NOT_THERE))
def test_layers_write_the_config_of_keras(name: str) -> None:
    config = json.loads(json.dumps(getattr(layers, name)(*ARGUMENTS.get(name, ())).get_config()))
    expected = section("configs.layer_default_configs")[name]
    left_out = LEFT_OUT.get(name, {})
    assert left_out.items() <= expected.items()
    assert {key: config[key] for key in config if key not in ("name", "trainable")} == {
        key: value for key, value in expected.items() if key not in left_out
    }


@pytest.mark.parametrize("name", sorted(section("configs.layer_default_configs").keys() - NOT_THERE))
def test_layers_read_the_config_of_keras(name: str) -> None:
    written = {"name": "other", "trainable": True, **section("configs.layer_default_configs")[name]}
    read = getattr(layers, name).from_config(written)
    ours = getattr(layers, name)(*ARGUMENTS.get(name, ()), name="other")
    assert json.dumps(read.get_config()) == json.dumps(ours.get_config())


def test_layers_that_are_said_not_to_be_there_are_not() -> None:
    assert set(NOT_THERE) & set(dir(layers)) == set()


def test_a_model_is_not_called_in_training_mode_without_saying_so(rng: np.random.Generator) -> None:
    model = Sequential([Input((3,)), layers.Dropout(0.5)])
    x = rng.random((2, 3)).astype(np.float32)
    np.testing.assert_array_equal(model(x, training=False), x)
    with pytest.raises(ValueError, match="`training` must be False: outputs as in training exist inside of fit"):
        model(x, training=True)


def test_weights_by_name_exist_once_the_layer_is_built() -> None:
    layer = layers.Dense(2)
    for name in ("kernel", "bias"):
        with pytest.raises(AttributeError, match=f"Layer 'dense' has no `{name}` yet: build its model"):
            getattr(layer, name)
    assert layers.Dense(2, use_bias=False).bias is None
    model = Sequential([Input((3,)), layer])
    assert layer.kernel.shape == (3, 2) and layer.bias is not None and layer.bias.shape == (2,)
    np.testing.assert_array_equal(layer.kernel, model.get_weights()[0])


@pytest.mark.parametrize("kind", [metrics.MeanSquaredError, metrics.RootMeanSquaredError, metrics.AUC])
def test_metrics_of_a_model_say_what_its_logs_say(kind: type[metrics.Metric], rng: np.random.Generator) -> None:
    metric = kind()
    model = Sequential([Input((3,)), layers.Dense(1, "sigmoid")])
    model.compile("sgd", "mse", metrics=[metric], weighted_metrics=["mae"])
    x, y, w = rng.random((50, 3)), rng.integers(0, 2, (50, 1)), rng.random(50)
    history = model.fit(x, y, sample_weight=w, epochs=2, verbose=0).history
    assert [m.result() for m in model.metrics] == [history[m.name][-1] for m in model.metrics]
    assert metric is model.metrics[0] and metric.result() > 0
    _, mine, weighted = model.evaluate(x[:20], y[:20], sample_weight=w[:20], verbose=0)
    assert [m.result() for m in model.metrics] == [mine, weighted] and mine != history[metric.name][-1]
    model.reset_metrics()
    assert [m.result() for m in model.metrics] == [0, 0]
    assert model.evaluate(x[:20], y[:20], sample_weight=w[:20], verbose=0)[1] == mine
