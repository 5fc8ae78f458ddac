"""Models in files: what comes back is what was saved, and training goes on as if nothing had happened."""

from __future__ import annotations

import copy
import json
import os
import pickle
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from golden import section

from lamella import (
    Input,
    Sequential,
    constraints,
    layers,
    losses,
    metrics,
    models,
    optimizers,
    saving,
    schedules,
    utils,
)

WHOLE = ["model.safetensors", "model.keras", "model.h5"]
WEIGHTS = ["model.safetensors", "model.weights.h5", "model.npz"]


def network(**options: Any) -> Sequential:
    model = Sequential(
        [
            Input((6,)),
            layers.Dense(8, "relu", kernel_regularizer="l2", kernel_constraint="max_norm", **options),
            layers.Dropout(0.3),
            layers.BatchNormalization(),
            Sequential([layers.Dense(5, "elu"), layers.GaussianNoise(0.1)]),
            layers.PReLU(),
            layers.Dense(3, "softmax"),
        ]
    )
    model.compile(optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


@pytest.fixture
def data(rng: np.random.Generator) -> tuple[Any, Any]:
    return rng.normal(size=(100, 6)).astype("float32"), rng.integers(0, 3, 100)


def same(a: Any, b: Any) -> bool:
    pairs = list(zip(a.get_weights(), b.get_weights(), strict=True))
    return len(pairs) > 0 and all(np.array_equal(p, q) for p, q in pairs)


@pytest.mark.parametrize("name", WHOLE)
def test_training_goes_on_to_the_bit(name: str, tmp_path: Path, data: Any) -> None:
    model = network()
    model.fit(*data, epochs=2, verbose=0)
    model.save(tmp_path / name)
    loaded = models.load_model(tmp_path / name)
    assert same(model, loaded) and loaded.metrics_names == model.metrics_names
    for each in (model, loaded):
        each.fit(*data, epochs=4, initial_epoch=2, verbose=0)
        each.fit(*data, epochs=2, verbose=0)
    assert same(model, loaded)


@pytest.mark.parametrize("name", ["w.safetensors", "w.weights.h5"])
def test_training_goes_on_to_the_bit_from_weights(name: str, tmp_path: Path, data: Any) -> None:
    found = []
    for stops in (False, True):
        utils.set_random_seed(3)
        model = network()
        model.fit(*data, epochs=2, verbose=0)
        if stops:
            model.save_weights(tmp_path / name)
            utils.set_random_seed(3)  # a program that is started again
            model = network()
            model.load_weights(tmp_path / name)
        model.fit(*data, epochs=4, initial_epoch=2, verbose=0)
        found.append(model)
    assert same(*found)
    for a, b in zip(*(each.optimizer.variables for each in found), strict=True):
        np.testing.assert_array_equal(a, b)


def test_two_fits_in_a_row_are_one(data: Any) -> None:
    found = []
    for cuts in ([(0, 4)], [(0, 2), (2, 4)]):
        utils.set_random_seed(3)
        model = network()
        for first, last in cuts:
            model.fit(*data, epochs=last, initial_epoch=first, steps_per_epoch=3, batch_size=8, verbose=0)
        found.append(model)
    assert same(*found)


@pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))], ids=["copy", "pickle"]
)
def test_copies_train_alike_and_apart(copied: Any, data: Any) -> None:
    model = network()
    model.fit(*data, epochs=1, verbose=0)
    other = copied(model)
    model.fit(*data, epochs=2, verbose=0)
    assert not same(model, other)
    other.fit(*data, epochs=2, verbose=0)
    assert same(model, other)


def test_loading_leaves_the_stream_of_seeds_alone(tmp_path: Path) -> None:
    network().save(tmp_path / "a.safetensors")
    first = [utils.set_random_seed(5), network().get_weights()[0]][1]
    utils.set_random_seed(5)
    models.load_model(tmp_path / "a.safetensors")
    np.testing.assert_array_equal(first, network().get_weights()[0])


@pytest.mark.parametrize("name", WEIGHTS)
def test_weights_come_back(name: str, tmp_path: Path, data: Any) -> None:
    model, other = network(), network()
    model.fit(*data, epochs=1, verbose=0)
    model.save_weights(tmp_path / name)
    other.load_weights(tmp_path / name)
    assert same(model, other)
    wrong = Sequential([Input((6,)), layers.Dense(7)])
    before = wrong.get_weights()
    with pytest.raises(saving.BadModelFile, match=name):
        wrong.load_weights(tmp_path / name)
    assert all(np.array_equal(a, b) for a, b in zip(before, wrong.get_weights(), strict=True))


def test_mismatches_are_skipped_if_asked(tmp_path: Path) -> None:
    a = Sequential([Input((4,)), layers.Dense(3), layers.Dense(2)])
    b = Sequential([Input((4,)), layers.Dense(3), layers.Dense(5)])
    a.save_weights(tmp_path / "a.safetensors")
    with pytest.warns(UserWarning, match="not loaded"):
        b.load_weights(tmp_path / "a.safetensors", skip_mismatch=True)
    np.testing.assert_array_equal(a.get_weights()[0], b.get_weights()[0])


LAYERS = [
    layers.Dense(3, activation={"class_name": "elu", "config": {"alpha": 0.5}}),
    layers.Activation("gelu"),
    layers.ActivityRegularization(0.1, 0.2),
    layers.AlphaDropout(0.1),
    layers.BatchNormalization(momentum=0.5, scale=False),
    layers.Dropout(0.2, noise_shape=(None, 1), seed=3),
    layers.ELU(0.5),
    layers.Flatten(),
    layers.GaussianDropout(0.1),
    layers.GaussianNoise(0.1),
    layers.Identity(),
    layers.LayerNormalization(),
    layers.LeakyReLU(0.1),
    layers.Normalization(mean=[1.0, 2.0, 3.0, 4.0], variance=[1.0, 2.0, 3.0, 4.0]),
    layers.Normalization(),
    layers.PReLU(alpha_initializer="ones"),
    layers.ReLU(6.0),
    layers.Rescaling(0.5, 1.0),
    layers.Reshape((2, 2)),
    layers.Softmax(),
    layers.UnitNormalization(),
]


def test_every_layer_is_among_those_tested() -> None:
    known = {type(layer).__name__ for layer in LAYERS} | {"Input", "InputLayer", "Layer", "Sequential"}
    assert set(layers.FAMILY.makers) == known - {"Input"}


@pytest.mark.parametrize("config", [layers.serialize(layer) for layer in LAYERS], ids=lambda c: c["class_name"])
@pytest.mark.parametrize("name", WHOLE)
def test_every_layer_comes_back(config: dict[str, Any], name: str, tmp_path: Path, rng: np.random.Generator) -> None:
    model = Sequential([Input((4,)), layers.deserialize(json.loads(json.dumps(config))), layers.Flatten(name="last")])
    model.save(tmp_path / name)
    loaded = models.load_model(tmp_path / name)
    x = rng.normal(size=(5, 4))
    np.testing.assert_array_equal(model.predict(x), loaded.predict(x))
    assert layers.serialize(loaded.layers[0])["config"] == config["config"]


OPTIMIZERS = [optimizers.FAMILY.makers[name] for name in sorted(optimizers.FAMILY.makers) if name[0].isupper()]


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("cls", OPTIMIZERS, ids=lambda cls: cls.__name__)
def test_every_optimizer_goes_on(cls: Any, name: str, tmp_path: Path, data: Any) -> None:
    options = {"use_ema": True, "gradient_accumulation_steps": 2, "clipnorm": 1.0}
    model = network()
    model.compile(cls(schedules.InverseTimeDecay(0.01, 3, 0.5), **options), "sparse_categorical_crossentropy")
    model.optimizer.exclude_from_weight_decay(var_names=["bias"])
    model.fit(*data, verbose=0)
    model.train_on_batch(*data)  # an odd number of steps
    model.save(tmp_path / name)
    loaded = models.load_model(tmp_path / name)
    for each in (model, loaded):
        each.fit(*data, verbose=0)
    assert same(model, loaded) and loaded.optimizer.get_config() == model.optimizer.get_config()


@pytest.mark.parametrize("cls", sorted(losses._CLASSES, key=lambda cls: cls.__name__), ids=lambda cls: cls.__name__)
def test_every_loss_comes_back(cls: Any) -> None:
    model = network()
    model.compile("sgd", cls(reduction="sum"), metrics=["accuracy"] if cls.labels else [metrics.MeanAbsoluteError()])
    loaded = models.model_from_json(model.to_json())
    assert type(loaded.loss) is cls and loaded.loss.get_config() == model.loss.get_config()
    assert loaded.get_compile_config() == model.get_compile_config()


def test_objects_of_the_user_come_back_if_given(tmp_path: Path, data: Any) -> None:
    class Positive(constraints.NonNeg):
        pass

    def worst(y_true: Any, y_pred: Any) -> Any:
        return np.abs(y_pred).max(axis=1)

    model = network(bias_constraint=constraints.NonNeg())
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=[worst])
    model.save(tmp_path / "a.safetensors")
    assert models.load_model(tmp_path / "a.safetensors", {"worst": worst}).metrics_names == ["loss", "worst"]
    with pytest.raises(ValueError, match="worst"):
        models.load_model(tmp_path / "a.safetensors")
    assert models.load_model(tmp_path / "a.safetensors", compile=False)._compiled is None


def test_models_of_keras_are_read() -> None:
    golden = section("configs")["sequential_to_json"]
    model = models.model_from_json(json.dumps(golden))
    assert model.name == "net" and model.count_params() == 73 and model.optimizer.momentum == 0.5
    written = json.dumps(model.to_json())
    assert "input_axes" not in written and "quantization_config" not in written
    old = {
        "name": "old",
        "layers": [
            {"class_name": "Dense", "config": {"units": 3, "batch_input_shape": [None, 4], "dtype": "float32"}},
            {"class_name": "BatchNormalization", "config": {"axis": [1], "renorm": False, "virtual": None}},
        ],
    }
    assert Sequential.from_config(old).output_shape == (None, 3)
    with pytest.raises(ValueError, match="Lambda"):
        Sequential.from_config({"name": "bad", "layers": [{"class_name": "Lambda", "config": {}}]})


def test_clones_have_weights_of_their_own() -> None:
    model = network()
    clone = models.clone_model(model)
    assert clone.get_config()["layers"][1:] == model.get_config()["layers"][1:] and not same(model, clone)


# --- files and folders ---


def test_files_are_found_or_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="none"):
        models.load_model(tmp_path / "none.keras")
    with pytest.raises(saving.ModelNotFoundError):
        models.load_model(tmp_path / "none.safetensors")
    with pytest.raises(ValueError, match=r"\.keras"):
        network().save(tmp_path / "model.txt")
    network().save(tmp_path / "a.safetensors")
    with pytest.raises(FileExistsError):
        network().save(tmp_path / "a.safetensors", overwrite=False)
    with pytest.raises(ValueError, match="safe_mode"):
        models.load_model(tmp_path / "a.safetensors", safe_mode=False)
    with pytest.raises(FileNotFoundError, match=r"No such folder; create it first: '[^']*no'"):
        network().save(tmp_path / "no" / "a.safetensors")
    network().save_weights(tmp_path / f"{'x' * 249}.npz")  # though no temporary file beside it has room for that name
    with pytest.raises(OSError, match=r"[^.]x{300}\.npz'$"):
        network().save_weights(tmp_path / f"{'x' * 300}.npz")
    (tmp_path / "folder.safetensors").mkdir()
    with pytest.raises(IsADirectoryError):
        network().save(tmp_path / "folder.safetensors")


def test_links_keep_pointing(tmp_path: Path) -> None:
    (tmp_path / "link.safetensors").symlink_to(tmp_path / "target.safetensors")
    model = network()
    model.save(tmp_path / "link.safetensors")
    assert (tmp_path / "link.safetensors").is_symlink()
    assert same(model, models.load_model(tmp_path / "target.safetensors"))


@pytest.mark.parametrize("name", WHOLE)
def test_full_disk_leaves_the_old_file(name: str, tmp_path: Path) -> None:
    model = network()
    model.save(tmp_path / name)
    before = (tmp_path / name).read_bytes()
    limits, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            model.save(tmp_path / name)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert (tmp_path / name).read_bytes() == before and os.listdir(tmp_path) == [name]


def test_killed_saves_leave_a_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    code = """
        import sys, lamella
        model = lamella.Sequential([lamella.Input((300,)), lamella.layers.Dense(300)])
        while True:
            model.save(sys.argv[1])
    """
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    for i in range(10):
        child = subprocess.Popen(
            [sys.executable, "-c", "\n".join(x[8:] for x in code.split("\n"))[1:], str(path)], env=environment
        )
        begin = time.monotonic()
        while not path.exists() and time.monotonic() - begin < 30:
            time.sleep(0.01)
        time.sleep(0.007 * i)
        child.kill()
        child.wait()
        assert models.load_model(path).count_params() == 90300
        path.unlink()


@pytest.mark.parametrize("name", [".", "..", "model", "folder/model.txt"])
def test_name_without_a_known_ending_is_told_as_it_came(name: str) -> None:
    with pytest.raises(ValueError, match=rf"`filepath` must end in .safetensors, .*; got '{name}'"):
        network().save(name)


def test_custom_objects_of_another_kind_and_unknown_losses_are_named(tmp_path: Path) -> None:
    model = Sequential([Input((2,)), layers.Dense(1)])

    def distance(y_true: Any, y_pred: Any) -> Any:
        return np.abs(y_true - y_pred).mean(axis=-1)

    model.compile("sgd", distance)
    model.save(tmp_path / "m.safetensors")
    with pytest.raises(TypeError, match=r"`custom_objects` must be a dictionary .* got 3 of type int"):
        models.load_model(tmp_path / "m.safetensors", custom_objects=3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"'distance'.*belongs into `custom_objects`"):
        models.load_model(tmp_path / "m.safetensors")
    assert models.load_model(tmp_path / "m.safetensors", custom_objects={"distance": distance}).built
