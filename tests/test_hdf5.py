"""Files in HDF5: the layout of Keras 2, and hostile files of both layouts."""

from __future__ import annotations

import io
import json
import resource
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lamella import Input, Sequential, layers, models, saving

h5py = pytest.importorskip("h5py")


def network(names: tuple[str, str] = ("first", "second")) -> Sequential:
    model = Sequential(
        [Input((6,)), layers.Dense(4, "relu", name=names[0]), layers.Dense(3, name=names[1])], name="net"
    )
    model.compile("rmsprop", "mse", metrics=["mae"])
    return model


def foreign(path: Path) -> Path:
    """Takes away what only lamella writes: then there are no checksums that would refuse a file first."""
    with h5py.File(path, "a") as file:
        del file.attrs["lamella"], file["lamella"]
    return path


# ---------------------------------------------------------------------- the layout of Keras 2


def test_layout_is_that_of_keras(tmp_path: Path) -> None:
    model = network()
    model.train_on_batch(np.ones((2, 6)), np.ones((2, 3)))
    model.save(tmp_path / "m.h5")
    with h5py.File(tmp_path / "m.h5") as file:
        weights = file["model_weights"]
        assert [name.decode() for name in weights.attrs["layer_names"]] == ["first", "second"]
        assert [name.decode() for name in weights["first"].attrs["weight_names"]] == ["first/kernel", "first/bias"]
        np.testing.assert_array_equal(weights["first/first/kernel"], model.get_weights()[0])
        assert len(weights["top_level_model_weights"].attrs["weight_names"]) == 0
        config, training = (json.loads(file.attrs[f"{name}_config"]) for name in ("model", "training"))
        assert "optimizer_weights" not in file  # Keras 3 could not train the model
    first = config["config"]["layers"][0]
    assert first["config"]["batch_input_shape"] == [None, 6] and "module" not in first
    assert (
        training["optimizer_config"]["class_name"] == "RMSprop"
        and "use_ema" not in training["optimizer_config"]["config"]
    )
    assert training["loss"]["class_name"] == "MeanSquaredError"


def test_many_layers_and_long_names_fit(tmp_path: Path) -> None:
    names = [f"{'x' * 300}{i}" for i in range(300)]
    model = Sequential([Input((2,)), *(layers.Dense(2, name=name) for name in names)])
    model.save(tmp_path / "m.h5")
    with h5py.File(tmp_path / "m.h5") as file:
        assert "layer_names0" in file["model_weights"].attrs and "layer_names" not in file["model_weights"].attrs
    loaded = models.load_model(tmp_path / "m.h5")
    assert [layer.name for layer in loaded.layers] == names
    x = np.ones((3, 2))
    np.testing.assert_array_equal(model.predict(x, verbose=0), loaded.predict(x, verbose=0))


def test_weights_are_taken_by_order_or_by_name(tmp_path: Path) -> None:
    model = network()
    model.save(tmp_path / "m.h5")
    other = network(("second", "first"))
    other.load_weights(tmp_path / "m.h5")
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    swapped = Sequential([Input((4,)), layers.Dense(3, name="second"), layers.Dense(5, name="third")])
    swapped.load_weights(tmp_path / "m.h5", by_name=True)
    np.testing.assert_array_equal(swapped.get_weights()[0], model.get_weights()[2])
    with pytest.raises(saving.BadModelFile, match="shape"):
        Sequential([Input((7,)), layers.Dense(4, name="first")]).load_weights(tmp_path / "m.h5", by_name=True)
    with pytest.warns(UserWarning, match="not loaded"):
        smaller = Sequential([Input((6,)), layers.Dense(5, name="first"), layers.Dense(3, use_bias=False)])
        smaller.load_weights(tmp_path / "m.h5", skip_mismatch=True)
    model.save_weights(tmp_path / "w.weights.h5")
    with pytest.raises(ValueError, match="by_name"):
        model.load_weights(tmp_path / "w.weights.h5", by_name=True)
    with pytest.raises(saving.BadModelFile, match="weights only"):
        models.load_model(tmp_path / "w.weights.h5")


def test_either_layout_is_found_under_either_name(tmp_path: Path) -> None:
    model = network()
    model.save_weights(tmp_path / "w.weights.h5")
    (tmp_path / "w.weights.h5").rename(tmp_path / "new.h5")
    model.save(tmp_path / "m.h5")
    (tmp_path / "m.h5").rename(tmp_path / "old.weights.h5")
    for name in ("new.h5", "old.weights.h5"):
        other = network()
        other.load_weights(tmp_path / name)
        np.testing.assert_array_equal(other.get_weights()[0], model.get_weights()[0])


def test_numbers_are_read_wherever_and_however_they_lie(tmp_path: Path) -> None:
    model = network()
    model.save_weights(tmp_path / "a.weights.h5")
    kept = ("f8", ">f4", "f2"), ({}, {"chunks": True, "compression": "gzip", "shuffle": True})
    for dtype, options in [(dtype, options) for dtype in kept[0] for options in kept[1]]:
        target = h5py.File(tmp_path / "b.weights.h5", "w", userblock_size=512)
        with h5py.File(tmp_path / "a.weights.h5") as source, target:
            source.copy("layers", target)
            values = source["layers/dense/vars/0"][()].astype("f2").astype(dtype)
            del target["layers/dense/vars/0"]
            target["layers/dense/vars"].create_dataset("0", data=values, **options)
        other = network()
        other.load_weights(tmp_path / "b.weights.h5")
        np.testing.assert_array_equal(other.get_weights()[0], values)
        np.testing.assert_array_equal(other.get_weights()[2], model.get_weights()[2])


def test_an_old_hard_sigmoid_is_pointed_out(tmp_path: Path) -> None:
    Sequential([Input((2,)), layers.Dense(2, "hard_sigmoid")]).save(tmp_path / "m.h5")
    with h5py.File(foreign(tmp_path / "m.h5"), "a") as file:
        file.attrs["keras_version"] = "2.15.0"
    with pytest.warns(UserWarning, match="hard_sigmoid"):
        models.load_model(tmp_path / "m.h5")


# ---------------------------------------------------------------------- what is refused


def edited(change: Callable[[dict[str, Any]], Any], name: str = "model_config") -> Callable[[Any], None]:
    def edit(file: Any) -> None:
        config = json.loads(file.attrs[name])
        change(config)
        file.attrs[name] = json.dumps(config)

    return edit


def replaced(make: Callable[[Any], Any]) -> Any:
    """The first kernel is what `make` puts into its group."""

    def replace(file: Any) -> None:
        del file["model_weights/first/first/kernel"]
        make(file["model_weights/first/first"])

    return replace


def external(group: Any) -> None:
    secret = Path(group.file.filename).with_name("secret")
    secret.write_bytes(bytes(96))
    group.create_dataset("kernel", (6, 4), "f4", external=[(str(secret), 0, 96)])


def virtual(group: Any) -> None:
    layout = h5py.VirtualLayout((6, 4), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "x", (6, 4))
    group.create_virtual_dataset("kernel", layout)


def packed_too_large(group: Any) -> None:
    """A chunk of 96 bytes that unpacks to 64 MB."""
    import zlib

    made = group.create_dataset("kernel", (6, 4), "f4", chunks=(6, 4), compression="gzip")
    made.id.write_direct_chunk((0, 0), zlib.compress(bytes(64 << 20)))


def packed_too_small(group: Any) -> None:
    import zlib

    made = group.create_dataset("kernel", (6, 4), "f4", chunks=(6, 4), compression="gzip")
    made.id.write_direct_chunk((0, 0), zlib.compress(bytes(4)))


def dataset(shape: tuple[int, ...] = (6, 4), dtype: str = "f4", **options: Any) -> Any:
    """The first kernel is such an array instead."""
    return replaced(lambda group: group.create_dataset("kernel", shape, dtype, **options))


def link(target: Any) -> Any:
    return replaced(lambda group: group.__setitem__("kernel", target))


def linked_group(file: Any) -> None:
    del file["model_weights/first"]
    file["model_weights/first"] = h5py.ExternalLink("other.h5", "/")


def attribute(name: str, value: Any, group: str = "/") -> Callable[[Any], None]:
    return lambda file: file[group].attrs.__setitem__(name, value)


LAMBDA = {"class_name": "Lambda", "config": {"function": ["4wEAAAAAAAAA", None, None]}}


def layers_of(config: dict[str, Any]) -> list[Any]:
    found: list[Any] = config["config"]["layers"]
    return found


HOSTILE: dict[str, tuple[Callable[[Any], Any], str]] = {
    "lambda": (edited(lambda c: layers_of(c).append(LAMBDA)), "Lambda"),
    "unknown class": (edited(lambda c: layers_of(c)[1].update(class_name="Evil")), "Evil"),
    "module": (edited(lambda c: layers_of(c)[1].update(module="os", class_name="system")), "os|system"),
    "unknown setting": (edited(lambda c: layers_of(c)[1]["config"].update(run="x")), "`run`"),
    "functional": (edited(lambda c: c.update(class_name="Functional")), "Functional"),
    "giant": (edited(lambda c: layers_of(c)[1]["config"].update(units=10**9)), "need"),
    "no config": (edited(lambda c: c.clear()), "weights only"),
    "list": (attribute("model_config", "[]"), "no JSON object"),
    "number": (attribute("model_config", 3), "no text"),
    "deep": (attribute("model_config", '{"a":' * 1000 + "1" + "}" * 1000), "deep"),
    "no optimizer": (edited(lambda c: c.pop("optimizer_config"), "training_config"), "optimizer_config"),
    "optimizer": (edited(lambda c: c["optimizer_config"].update(class_name="Evil"), "training_config"), "Evil"),
    "unknown loss": (edited(lambda c: c.update(loss="evil"), "training_config"), "evil"),
    "soft link": (link(h5py.SoftLink("/model_weights/second/second/kernel")), "link"),
    "external link": (link(h5py.ExternalLink("other.h5", "/x")), "link"),
    "linked group": (linked_group, "link"),
    "external data": (replaced(external), "elsewhere"),
    "virtual data": (replaced(virtual), "elsewhere"),
    "filter": (dataset(compression="lzf"), "packed"),
    "strings": (dataset(dtype="S4"), "no numbers"),
    "shape": (dataset((10**9,), chunks=(1000,), compression="gzip"), "shape"),
    "large chunks": (dataset(chunks=(10**5, 10**3), maxshape=(None, None)), "chunks"),
    "chunk bomb": (replaced(packed_too_large), "instead of 96"),
    "chunk too small": (replaced(packed_too_small), "instead of 96"),
    "missing": (replaced(lambda group: None), "has no weights"),
    "a group": (replaced(lambda group: group.create_group("kernel")), "has no weights"),
    "names": (attribute("layer_names", [b"first", b"../x"], "model_weights"), "no group"),
    "names of numbers": (attribute("layer_names", [1, 2], "model_weights"), "no text"),
    "too few names": (attribute("layer_names", [b"first"], "model_weights"), "1 layers with weights"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_models_are_refused_by_name(name: str, tmp_path: Path) -> None:
    edit, reason = HOSTILE[name]
    path = tmp_path / "bad.h5"
    network().save(path)
    with h5py.File(foreign(path), "a") as file:
        edit(file)
    with pytest.raises(saving.BadModelFile, match=rf"bad\.h5.*({reason})"):
        models.load_model(path)


@pytest.mark.parametrize("ending", [".h5", ".weights.h5", ".keras"])
def test_shapes_that_a_small_file_claims_take_no_memory(ending: str, tmp_path: Path) -> None:
    """500 million numbers that were never written, wherever Keras reads them."""
    path, inner = tmp_path / f"bomb{ending}", tmp_path / f"bomb{ending.replace('.keras', '.weights.h5')}"
    model = Sequential([Input((1,)), layers.Dense(5, use_bias=False, name="first")])
    model.save(path) if ending != ".weights.h5" else model.save_weights(path)
    if ending == ".keras":
        with zipfile.ZipFile(path) as archive:
            members = {name: archive.read(name) for name in ("config.json", "model.weights.h5")}
        config = json.loads(members["config.json"])
        config["config"]["layers"][1]["config"]["units"] = 500_000_000
        inner.write_bytes(members["model.weights.h5"])
    else:
        foreign(path)
    with h5py.File(inner, "a") as file:
        place = "model_weights/first/first/kernel" if ending == ".h5" else "layers/dense/vars/0"
        del file[place]
        file.create_dataset(place, (1, 500_000_000), "f4", chunks=(1, 1 << 16), compression="gzip")
        if ending == ".h5":
            edited(lambda c: layers_of(c)[1]["config"].update(units=500_000_000))(file)
    if ending == ".keras":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("config.json", json.dumps(config))
            archive.writestr("model.weights.h5", inner.read_bytes())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(saving.BadModelFile, match="bomb"):
        model.load_weights(path) if ending == ".weights.h5" else models.load_model(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 << 10  # KiB


def test_texts_that_claim_too_much_take_no_memory(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        file.attrs["model_config"] = "{}" * 50
    content = bytearray(stream.getvalue())
    at = content.index(b"model_config\0")
    entry = content.index((100).to_bytes(4, "little"), at)
    content[entry : entry + 4] = (2**31 - 1).to_bytes(4, "little")
    (tmp_path / "bad.h5").write_bytes(content)
    with pytest.raises(saving.BadModelFile, match="no text of at most"):
        models.load_model(tmp_path / "bad.h5")
    heap = stream.getvalue().index(b"GCOL")
    for place, size in ((16 + 8, 2**64 - 16), (16 + 8, 2**40), (8, 2**40)):  # sizes of an object and of the heap
        content = bytearray(stream.getvalue())
        content[heap + place : heap + place + 8] = size.to_bytes(8, "little")
        (tmp_path / "bad.h5").write_bytes(content)
        with pytest.raises(saving.BadModelFile, match="damaged heap"):
            models.load_model(tmp_path / "bad.h5")


@pytest.mark.parametrize("name", ["m.h5", "m.weights.h5"])
def test_parts_of_our_files_cannot_be_taken_away_or_swapped(name: str, tmp_path: Path) -> None:
    model = Sequential([Input((4,)), layers.Dense(4, name="a"), layers.Dense(4, name="b")])
    model.compile("adam", "mse")
    model.train_on_batch(np.ones((2, 4)), np.ones((2, 4)))
    path = tmp_path / name
    weights = name.endswith(".weights.h5")
    parts = ("layers/dense/vars/0", "layers/dense_1/vars/0") if weights else (
        "model_weights/a/a/kernel", "model_weights/b/b/kernel")  # fmt: skip
    state = "optimizer/vars" if weights else "lamella_optimizer"

    def swap(file: Any) -> None:
        one, other = file[parts[0]][()], file[parts[1]][()]
        file[parts[0]][...], file[parts[1]][...] = other, one

    edits: list[Callable[[Any], Any]] = [
        swap,
        lambda file: file.__delitem__(state),
        lambda file: file.move(f"{state}/3", f"{state}/99"),
        lambda file: file.__delitem__("lamella"),
        lambda file: file.attrs.__delitem__("lamella"),
    ]
    if not weights:
        edits += [
            lambda file: file.attrs.__delitem__("training_config"),
            lambda file: file["model_weights"].attrs.__setitem__("layer_names", [b"b", b"a"]),
            edited(lambda config: layers_of(config)[1].update(name="c")),
        ]
    for edit in edits:
        model.save_weights(path) if weights else model.save(path)
        with h5py.File(path, "a") as file:
            edit(file)
        with pytest.raises(saving.BadModelFile, match=r"changed or damaged|has no weights"):
            model.load_weights(path) if weights else models.load_model(path)
