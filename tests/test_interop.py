"""Files that the real Keras writes and reads, every layer, activation, optimizer, loss and metric, both ways.

Any Keras from 2.15 on, on any backend: `nox -s interop` and `nox -s interop_old`. Each version has its cases.
"""

from __future__ import annotations

import importlib.metadata
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lamella
from lamella import Input, Sequential, models

pytestmark = [pytest.mark.interop, pytest.mark.filterwarnings("ignore")]


def _version() -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in importlib.metadata.version("keras").split(".")[:2])
    except importlib.metadata.PackageNotFoundError:
        return (3, 15)  # the tests fail when they run: they were asked for


VERSION = _version()
ENDINGS = [".keras", ".h5"] if VERSION >= (3,) else [".h5"]


@pytest.fixture(scope="module")
def keras() -> Any:
    os.environ.setdefault("KERAS_BACKEND", "jax")
    import keras

    return keras


@pytest.fixture
def data(rng: np.random.Generator) -> tuple[Any, Any]:
    return rng.normal(size=(64, 6)).astype("float32"), rng.integers(0, 3, 64)


def numbers(output: Any) -> Any:
    """An array of NumPy from any backend's."""
    return np.asarray(output.detach() if hasattr(output, "detach") else output)


def assert_same(theirs: Any, ours: Any, x: Any, tolerance: float = 1e-6) -> None:
    np.testing.assert_allclose(numbers(theirs(x)), ours.predict(x, verbose=0), rtol=tolerance, atol=tolerance)


def there_and_back(keras: Any, theirs: Any, x: Any, ending: str, folder: Path) -> tuple[Any, Any]:
    """A model of Keras, read here, written here, read there; outputs are compared on each step."""
    theirs.save(folder / f"theirs{ending}")
    ours = models.load_model(folder / f"theirs{ending}")
    assert_same(theirs, ours, x)
    ours.save(folder / f"ours{ending}")
    again = keras.models.load_model(folder / f"ours{ending}")
    assert_same(again, ours, x)
    for a, b in zip(theirs.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    return ours, again


# ---------------------------------------------------------------------- layers

SINCE = {  # versions of Keras that save and load a thing; all others are older
    "leaky_relu": (3, 0), "log_softmax": (3, 0), "relu6": (3, 0), "silu": (3, 0), "hard_sigmoid": (3, 0),
    "hard_silu": (3, 1), "hard_swish": (3, 1), "celu": (3, 5), "glu": (3, 6), "log_sigmoid": (3, 5),
    "hard_tanh": (3, 6), "tanh_shrink": (3, 6), "hard_shrink": (3, 6), "soft_shrink": (3, 6), "squareplus": (3, 6),
    "sparse_plus": (3, 8), "sparse_sigmoid": (3, 8), "sparsemax": (3, 8), "threshold": (3, 6), "rms": (3, 9),
    "AdamW": (3, 0), "Lion": (3, 0), "Nadam": (3, 0), "Dice": (3, 4), "Tversky": (3, 4),
}  # fmt: skip
BROKEN = {  # in Keras 3.0, which does not save, load or compute these itself, or has another order of variables
    "PrecisionAtRecall", "Identity", "Orthogonal", "Nadam", "Adagrad.h5", "Ftrl.h5", "BinaryFocalCrossentropy.h5",
    "CategoricalFocalCrossentropy.h5",
}  # fmt: skip


def known(name: str) -> bool:
    """Whether the Keras that is here can be asked about a thing."""
    return SINCE.get(name, (0,)) <= VERSION and not (VERSION == (3, 0) and name in BROKEN)


def cases(names: list[str]) -> list[tuple[str, str]]:
    """Each name with each ending, as far as this Keras knows both."""
    return [(name, ending) for name in names for ending in ENDINGS if known(name) and known(name + ending)]


LAYERS: list[tuple[str, dict[str, Any]]] = [
    ("Dense", {"units": 3}),
    ("Dense", {"units": 3, "activation": "relu", "use_bias": False}),
    (
        "Dense",
        {
            "units": 3,
            "kernel_regularizer": "l2",
            "bias_regularizer": "l1",
            "activity_regularizer": {"class_name": "L1L2", "config": {"l1": 0.1, "l2": 0.2}},
        },
    ),
    ("Dense", {"units": 3, "kernel_constraint": "max_norm", "bias_constraint": "non_neg"}),
    ("Activation", {"activation": "tanh"}),
    ("ActivityRegularization", {"l1": 0.1, "l2": 0.2}),
    ("AlphaDropout", {"rate": 0.1}),
    ("BatchNormalization", {"momentum": 0.5, "scale": False}),
    ("BatchNormalization", {"center": False, "epsilon": 0.01}),
    ("Dropout", {"rate": 0.2, "seed": 3}),
    ("ELU", {"alpha": 0.5}),
    ("Flatten", {}),
    ("GaussianDropout", {"rate": 0.1}),
    ("GaussianNoise", {"stddev": 0.1}),
    ("Identity", {}),
    ("LayerNormalization", {"epsilon": 0.01}),
    ("LayerNormalization", {"axis": [-2, -1], "center": False}),
    ("LeakyReLU", {}),
    ("Normalization", {"mean": [1.0, 2.0, 3.0, 4.0], "variance": [1.0, 2.0, 3.0, 4.0]}),
    ("Normalization", {"axis": None, "mean": 2.0, "variance": 4.0, "invert": True}),
    ("PReLU", {"alpha_initializer": "ones"}),
    ("PReLU", {"shared_axes": [1, 2]}),
    ("ReLU", {"max_value": 1.5, "negative_slope": 0.25, "threshold": 0.5}),
    ("Rescaling", {"scale": 0.5, "offset": 1.0}),
    ("Reshape", {"target_shape": [4, -1]}),
    ("Softmax", {}),
    ("UnitNormalization", {"axis": [-2, -1]}),
]


def test_every_layer_is_a_case() -> None:
    every = {name for name in vars(lamella.layers) if name in lamella.layers.FAMILY.makers}
    assert every - {"Input", "InputLayer", "Layer", "Sequential"} == {name for name, _ in LAYERS}


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize(("name", "arguments"), LAYERS, ids=lambda v: v if isinstance(v, str) else ",".join(v))
def test_layers(keras: Any, name: str, arguments: Any, ending: str, tmp_path: Path, rng: np.random.Generator) -> None:
    theirs = keras.Sequential([keras.Input((2, 3, 4)), getattr(keras.layers, name)(**arguments)])
    theirs.set_weights([np.abs(rng.normal(size=w.shape)).astype(w.dtype) for w in theirs.get_weights()])
    ours, again = there_and_back(keras, theirs, rng.normal(size=(7, 2, 3, 4)).astype("float32"), ending, tmp_path)
    assert type(ours.layers[0]).__name__ == type(again.layers[0]).__name__ == name


ACTIVATIONS = sorted(
    {each.name for each in vars(lamella.activations).values() if isinstance(each, lamella.activations.Activation)}
)


@pytest.mark.parametrize(("name", "ending"), cases(ACTIVATIONS))
def test_activations(keras: Any, name: str, ending: str, tmp_path: Path, rng: np.random.Generator) -> None:
    layers = keras.layers
    parts = [layers.Dense(8, activation=None if name == "glu" else name), layers.Activation(name)]
    theirs = keras.Sequential([keras.Input((5,)), *parts])
    x = rng.normal(size=(7, 5)).astype("float32") / 3
    if name == "sparsemax":  # Keras 3.15 adds up too much; its outputs are right where one number is far above the rest
        theirs.layers[0].set_weights([np.eye(5, 8, dtype="float32"), np.zeros(8, "float32")])
        x = np.eye(5, dtype="float32")[rng.integers(0, 5, 7)] * 3
    there_and_back(keras, theirs, x, ending, tmp_path)


PARTS = {
    "kernel_initializer": sorted(
        name for name in lamella.initializers.__all__ if isinstance(getattr(lamella.initializers, name), type)
    ),
    "kernel_regularizer": ["L1", "L2", "L1L2", "OrthogonalRegularizer"],
    "kernel_constraint": ["MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm"],
}
BASES = {"Initializer"}


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize(
    ("key", "name"), [(k, n) for k, names in PARTS.items() for n in names if n not in BASES and known(n)]
)
def test_initializers_regularizers_constraints(
    keras: Any, key: str, name: str, ending: str, tmp_path: Path, rng: np.random.Generator
) -> None:
    part = getattr(getattr(keras, key.removeprefix("kernel_") + "s"), name)()
    theirs = keras.Sequential([keras.Input((5,)), keras.layers.Dense(5, **{key: part})])
    ours, _ = there_and_back(keras, theirs, rng.normal(size=(7, 5)).astype("float32"), ending, tmp_path)
    settings = ours.layers[0].get_config()[key]
    assert settings["class_name"] == name
    wanted = part.get_config()
    assert {k: v for k, v in settings["config"].items() if k in wanted} == {
        k: v for k, v in wanted.items() if k in settings["config"]
    }


# ---------------------------------------------------------------------- what is compiled


def network(keras: Any, outputs: str = "softmax") -> Any:
    layers = keras.layers
    inner = keras.Sequential([keras.Input((8,)), layers.Dense(5, activation="elu"), layers.LayerNormalization()])
    return keras.Sequential(
        [
            keras.Input((6,)),
            layers.Dense(8, activation="relu"),
            layers.BatchNormalization(),
            inner,
            layers.PReLU(),
            layers.Dense(3, activation=outputs),
        ],
        name="net",
    )


OPTIMIZERS = [
    name
    for name in sorted(lamella.optimizers.__all__)
    if isinstance(getattr(lamella.optimizers, name), type) and name not in ("Optimizer", "LossScaleOptimizer")
]


@pytest.mark.parametrize("schedule", [False, True])
@pytest.mark.parametrize(("name", "ending"), cases(OPTIMIZERS))
def test_optimizers_go_on(keras: Any, name: str, schedule: bool, ending: str, data: Any, tmp_path: Path) -> None:
    schedule = schedule and (name != "Adagrad" or VERSION >= (3,))
    rate = keras.optimizers.schedules.ExponentialDecay(0.01, 5, 0.9) if schedule else 0.01
    theirs = network(keras)
    theirs.compile(getattr(keras.optimizers, name)(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    for _ in range(3):
        theirs.train_on_batch(*data)
    ours, again = there_and_back(keras, theirs, data[0], ending, tmp_path)
    assert ours.optimizer.iterations == 3
    if VERSION >= (3,):
        for a, b in zip(theirs.optimizer.variables, ours.optimizer.variables, strict=True):
            np.testing.assert_allclose(numbers(a), b, rtol=2e-7 * (name == "Nadam"))  # its product is computed here
    if ending == ".keras":  # Keras takes up no optimizer from its own .h5 files
        for a, b in zip(again.optimizer.variables, ours.optimizer.variables, strict=True):
            np.testing.assert_array_equal(numbers(a), b)
        again.train_on_batch(*data)
    theirs.train_on_batch(*data)
    ours.train_on_batch(*data)
    assert_same(theirs, ours, data[0], 2e-5)
    if ending == ".keras":
        assert_same(again, ours, data[0], 2e-5)
    else:
        again.fit(*data, verbose=0)  # trains at all


LOSSES = sorted(cls.__name__ for cls in lamella.losses._CLASSES)
METRICS: dict[str, dict[str, Any]] = {
    "AUC": {"num_thresholds": 20},
    "BinaryAccuracy": {"threshold": 0.3},
    "CategoricalAccuracy": {},
    "CosineSimilarity": {},
    "KLDivergence": {},
    "LogCoshError": {},
    "MeanAbsoluteError": {},
    "Precision": {"thresholds": 0.4, "class_id": 1},
    "PrecisionAtRecall": {"recall": 0.5},
    "Recall": {"top_k": 2},
    "RootMeanSquaredError": {"name": "rmse"},
    "TopKCategoricalAccuracy": {"k": 2},
    "TruePositives": {},
}


@pytest.mark.parametrize(("name", "ending"), cases(LOSSES))
def test_losses(keras: Any, name: str, ending: str, data: Any, tmp_path: Path) -> None:
    x, labels = data
    y = labels if name.startswith("Sparse") else np.eye(3, dtype="float32")[labels]
    # TensorFlow's backend, and Keras 2, guess logits behind a softmax.
    theirs = network(keras, "sigmoid" if name.startswith("Binary") else "softmax")
    theirs.compile("sgd", getattr(keras.losses, name)())
    ours, again = there_and_back(keras, theirs, x, ending, tmp_path)
    expected = theirs.evaluate(x, y, verbose=0)
    np.testing.assert_allclose(ours.evaluate(x, y, verbose=0), expected, rtol=1e-5)
    np.testing.assert_allclose(again.evaluate(x, y, verbose=0), expected, rtol=1e-5)


@pytest.mark.parametrize("ending", ENDINGS)
def test_metrics(keras: Any, ending: str, data: Any, tmp_path: Path) -> None:
    x, y = data[0], np.eye(3, dtype="float32")[data[1]]
    theirs = network(keras)
    watched = [getattr(keras.metrics, name)(**arguments) for name, arguments in METRICS.items() if known(name)]
    theirs.compile("sgd", keras.losses.CategoricalCrossentropy(), metrics=["accuracy", *watched])
    theirs.train_on_batch(x, y)
    ours, again = there_and_back(keras, theirs, x, ending, tmp_path)
    expected = theirs.evaluate(x, y, verbose=0)
    np.testing.assert_allclose(ours.evaluate(x, y, verbose=0), expected, rtol=1e-4, atol=1e-6)
    again.evaluate(x, y, verbose=0)  # some of Keras' metrics are not ready before
    np.testing.assert_allclose(again.evaluate(x, y, verbose=0), expected, rtol=1e-4, atol=1e-6)


# ---------------------------------------------------------------------- weights


@pytest.mark.parametrize("ending", [".weights.h5"] if VERSION >= (3,) else [".h5"])
def test_weights(keras: Any, ending: str, data: Any, tmp_path: Path) -> None:
    theirs, ours = network(keras), network(lamella)
    for model in (theirs, ours):
        model.compile("adam", "sparse_categorical_crossentropy")
        model.train_on_batch(*data)
    theirs.save_weights(tmp_path / f"a{ending}")
    ours.load_weights(tmp_path / f"a{ending}")
    assert_same(theirs, ours, data[0])
    ours.train_on_batch(*data)
    ours.save_weights(tmp_path / "b.weights.h5") if VERSION >= (3,) else ours.save(tmp_path / "b.h5")
    theirs.load_weights(tmp_path / ("b.weights.h5" if VERSION >= (3,) else "b.h5"))
    assert_same(theirs, ours, data[0])


def test_the_whole_model_of_ours_as_weights(keras: Any, data: Any, tmp_path: Path) -> None:
    """Keras loads the weights of an .h5 by the order of layers, or by their names."""
    theirs, ours = network(keras), network(lamella)
    ours.save(tmp_path / "a.h5")
    theirs.load_weights(tmp_path / "a.h5")
    assert_same(theirs, ours, data[0])


@pytest.mark.parametrize("ending", ENDINGS)
def test_models_written_here_first(keras: Any, ending: str, data: Any, tmp_path: Path) -> None:
    """What never was a file of Keras: names, noise, nested models, adapted and untrained layers."""
    parts = lamella.layers
    model = Sequential(
        [
            Input((6,)),
            parts.Rescaling(0.5),
            parts.Dense(8, "relu", kernel_regularizer="l2", name="first"),
            parts.Dropout(0.3),
            Sequential([parts.Dense(5, "elu"), parts.GaussianNoise(0.1), parts.BatchNormalization()], name="inner"),
            parts.LeakyReLU(0.1),
            parts.Dense(3, "softmax"),
        ],
        name="mine",
    )
    model.layers[1].trainable = False
    model.compile("rmsprop", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(*data, verbose=0)
    model.save(tmp_path / f"a{ending}")
    theirs = keras.models.load_model(tmp_path / f"a{ending}")
    assert_same(theirs, model, data[0])
    assert [layer.name for layer in theirs.layers] == [layer.name for layer in model.layers]
    assert not theirs.layers[1].trainable
    theirs.fit(*data, verbose=0)
