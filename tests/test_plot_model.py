"""Pictures of models: what stands on the cards, where they lie, and the files."""

from __future__ import annotations

import os
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import lamella
from lamella import layers, plotting, utils

pytest.importorskip("matplotlib")
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle


@pytest.fixture(autouse=True)
def _no_windows(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("MPLBACKEND", "Agg")
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@pytest.fixture
def model() -> lamella.Sequential:
    inner = lamella.Sequential([layers.Dense(3, "relu"), layers.BatchNormalization(trainable=False)], name="inside")
    return lamella.Sequential([lamella.Input((2, 2)), layers.Flatten(), inner, layers.Dense(1, "sigmoid", name="last")])


def words(ax: Any) -> list[str]:
    """The texts in the order in which they were drawn, without those of arrows."""
    return [text.get_text() for text in ax.texts if text.get_text()]


def position(ax: Any, word: str) -> tuple[float, float]:
    """Pixels from the left and from the top."""
    text = next(text for text in ax.texts if text.get_text() == word)
    x, y = ax.transData.transform(text.get_position())
    return float(x), -float(y)


def everything() -> dict[str, bool]:
    names = ("shapes", "dtype", "layer_names", "layer_activations", "trainable")
    return {f"show_{name}": True for name in names}


def test_cards_say_what_they_are_asked_for(model: lamella.Sequential) -> None:
    def shown(**options: bool) -> list[str]:
        return words(plotting.plot_model(model, ax=Figure().subplots(), **options))

    assert shown() == ["Flatten", "Sequential", "Dense"]
    assert shown(show_layer_names=True) == ["flatten (Flatten)", "inside (Sequential)", "last (Dense)"]
    assert shown(show_layer_activations=True)[-2:] == ["Dense", "Activation: sigmoid"]
    assert shown(show_dtype=True).count("Output dtype: float32") == 3
    assert shown(show_trainable=True) == ["Flatten", "Sequential", "Trainable", "Dense", "Trainable"]
    assert shown(show_shapes=True)[:3] == ["Flatten", "Input shape: (None, 2, 2)", "Output shape: (None, 4)"]


def test_nested_models_are_opened_in_a_frame(model: lamella.Sequential) -> None:
    ax = plotting.plot_model(model, expand_nested=True, show_trainable=True, ax=Figure().subplots())
    inside = ["Dense", "Trainable", "BatchNormalization", "Non-trainable"]
    assert words(ax) == ["inside", "Flatten", *inside, "Dense", "Trainable"]


def test_a_model_that_is_not_built_has_unknown_shapes() -> None:
    model = lamella.Sequential([layers.Dense(3)])
    ax = plotting.plot_model(model, show_shapes=True, show_trainable=True, ax=Figure().subplots())
    assert words(ax) == ["Dense", "Input shape: ?", "Output shape: ?"]


def test_signs_of_formulas_in_names_are_drawn_as_they_are() -> None:
    model = lamella.Sequential([layers.Dense(3, name="$x^2")])
    assert words(utils.plot_model(model, None, show_layer_names=True).axes[0]) == ["$x^2 (Dense)"]


@pytest.mark.parametrize("rankdir", ["TB", "BT", "LR", "RL"])
def test_layers_follow_one_another_in_the_direction_asked_for(model: lamella.Sequential, rankdir: str) -> None:
    ax = utils.plot_model(model, None, show_layer_names=True, rankdir=rankdir, expand_nested=True).axes[0]
    titles = ["flatten (Flatten)", "dense (Dense)", "batch_normalization (BatchNormalization)", "last (Dense)"]
    places = [position(ax, title) for title in titles]
    along, across = ([place[axis] for place in places] for axis in ((0, 1) if rankdir in ("LR", "RL") else (1, 0)))
    assert along == sorted(along, reverse=rankdir in ("BT", "RL")) and len(set(along)) == 4
    assert max(across) == pytest.approx(min(across))


def arrows(ax: Any) -> list[tuple[float, float]]:
    """How far each arrow goes to the right and up, in data; y counts downwards."""
    return [(text.xy[0] - text.xyann[0], text.xyann[1] - text.xy[1]) for text in ax.texts if not text.get_text()]


@pytest.mark.parametrize(("rankdir", "sign"), [("TB", (0, -1)), ("BT", (0, 1)), ("LR", (1, 0)), ("RL", (-1, 0))])
def test_arrows_point_from_layer_to_layer(model: lamella.Sequential, rankdir: str, sign: tuple[int, int]) -> None:
    found = arrows(utils.plot_model(model, None, rankdir=rankdir, expand_nested=True).axes[0])
    assert len(found) == 3
    for right, up in found:
        assert (round(right) > 0) - (round(right) < 0) == sign[0]
        assert (round(up) > 0) - (round(up) < 0) == sign[1]


@pytest.mark.parametrize("expand_nested", [False, True])
@pytest.mark.parametrize("rankdir", ["TB", "LR"])
def test_texts_lie_inside_of_their_cards_and_the_sheet(
    model: lamella.Sequential, rankdir: str, expand_nested: bool
) -> None:
    figure = utils.plot_model(model, None, rankdir=rankdir, expand_nested=expand_nested, **everything())
    (ax,) = figure.axes
    boxes = [patch.get_window_extent() for patch in ax.patches if isinstance(patch, Rectangle)]
    assert len(boxes) > 10
    for text in (text for text in ax.texts if text.get_text()):
        place = text.get_window_extent()
        assert any(box.contains(*place.min) and box.contains(*place.max) for box in boxes), text.get_text()
    for box in boxes:
        assert figure.bbox.contains(*box.min) and figure.bbox.contains(*box.max)


def test_text_shrinks_with_small_axes_and_never_grows(model: lamella.Sequential) -> None:
    def size(inches: float) -> float:
        ax = Figure(figsize=(inches, inches)).add_axes((0, 0, 1, 1))
        return float(plotting.plot_model(model, ax=ax).texts[0].get_fontsize())

    assert size(1) < size(2) < 12 == size(20)


def test_without_axes_a_figure_of_fitting_size_is_made(model: lamella.Sequential) -> None:
    tall, wide = plotting.plot_model(model), plotting.plot_model(model, rankdir="LR")
    assert tall.figure.get_figheight() > tall.figure.get_figwidth()
    assert wide.figure.get_figwidth() > wide.figure.get_figheight()


@pytest.mark.parametrize(("suffix", "start"), [("png", b"\x89PNG\r\n"), ("svg", b"<?xml"), ("pdf", b"%PDF-")])
def test_files_are_of_the_kind_that_their_names_say(
    model: lamella.Sequential, tmp_path: Path, suffix: str, start: bytes
) -> None:
    path = tmp_path / f"model.{suffix}"
    utils.plot_model(model, path, **everything())
    assert path.read_bytes().startswith(start)


def test_resolution_is_that_asked_for(
    model: lamella.Sequential, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    figure = utils.plot_model(model, dpi=50)
    utils.plot_model(model, to_file="fine.png")
    sizes = [struct.unpack(">II", Path(name).read_bytes()[16:24]) for name in ("model.png", "fine.png")]
    for size, dpi in zip(sizes, (50, 200), strict=True):
        assert size == pytest.approx([figure.get_figwidth() * dpi, figure.get_figheight() * dpi], abs=1)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"rankdir": "up"}, '`rankdir` must be "TB", "BT", "LR" or "RL", got \'up\''),
        ({"to_file": "model.keras"}, r"`to_file` must end in .png, .svg or .pdf"),
        ({"to_file": "model"}, r"`to_file` must end in .png, .svg or .pdf"),
        ({"dpi": 0}, "`dpi` must be a finite number, at least 1"),
        ({"dpi": 10**7}, "`dpi` must leave fewer than 65,536 pixels a side"),
        ({"to_file": "a\0.png"}, "`to_file` must end in"),
    ],
)
def test_arguments_that_cannot_be_are_refused(
    model: lamella.Sequential, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: dict[str, Any], text: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=text):
        utils.plot_model(model, **arguments)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("to_file", [5, b"model.png", True])
def test_what_is_no_path_is_refused(model: lamella.Sequential, to_file: Any) -> None:
    with pytest.raises(TypeError, match="`to_file` must be the path of a picture"):
        utils.plot_model(model, to_file)


def test_folders_are_said_to_be_there_or_not(model: lamella.Sequential, tmp_path: Path) -> None:
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(IsADirectoryError, match="is a folder; give the name of a file"):
        utils.plot_model(model, tmp_path / "folder.png")
    with pytest.raises(FileNotFoundError, match="create it first"):
        utils.plot_model(model, tmp_path / "nowhere" / "model.png")


def test_a_picture_that_cannot_be_written_leaves_the_old_one(
    model: lamella.Sequential, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.png"
    utils.plot_model(model, path, dpi=30)
    old = path.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        utils.plot_model(model, path, dpi=60)
    assert path.read_bytes() == old and [each.name for each in tmp_path.iterdir()] == ["model.png"]


def test_what_is_no_model_or_empty_is_refused() -> None:
    with pytest.raises(TypeError, match="`model` must be a model such as Sequential, got Dense"):
        utils.plot_model(layers.Dense(3))
    with pytest.raises(ValueError, match="no layers to draw"):
        utils.plot_model(lamella.Sequential())


def test_missing_matplotlib_is_named_with_its_extra(model: lamella.Sequential, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.textpath", None)
    with pytest.raises(ImportError, match=r'matplotlib is needed to draw models .* pip install "lamella\[plot\]"'):
        utils.plot_model(model)
