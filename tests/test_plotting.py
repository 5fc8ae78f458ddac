"""Pictures: what is in them, and that they are drawn where the caller says."""

import io
import struct
import sys

import numpy as np
import pytest

import lamella
import lamella.plotting as plotting
from lamella.callbacks import History
from lamella.tables import TableModel

matplotlib = pytest.importorskip("matplotlib")
from matplotlib.figure import Figure  # noqa: E402


@pytest.fixture(autouse=True)
def _agg(monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "Agg")
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@pytest.fixture
def ax():
    return Figure().subplots()


def history(epochs=4, **values):
    record = History()
    record.epoch = list(range(epochs))
    record.history.update(values)
    return record


def images(count, side=6):
    return np.random.default_rng(0).random((count, side, side))


def test_history_is_drawn_from_epoch_1_on_the_axes_given(ax):
    assert plotting.plot_history(history(loss=[4.0, 3.0, 2.0, 1.0]), ax=ax) is ax
    assert np.array(ax.lines[0].get_xdata()).tolist() == [1, 2, 3, 4]
    assert list(ax.lines[0].get_ydata()) == [4, 3, 2, 1]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("epoch", "loss")


def test_history_draws_validation_where_it_took_place(ax):
    plotting.plot_history(history(loss=[4, 3, 2, 1], val_loss=[5, 4]), ax=ax)
    assert np.array(ax.lines[1].get_xdata()).tolist() == [2, 4]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["training", "validation"]


def test_history_goes_on_where_training_went_on(ax):
    record = history(loss=[2.0, 1.0])
    record.epoch = [5, 6]
    plotting.plot_history(record, ax=ax)
    assert np.array(ax.lines[0].get_xdata()).tolist() == [6, 7]


def test_history_takes_other_metrics_by_either_name_and_a_dictionary(ax):
    plotting.plot_history(history(2, accuracy=[0.5, 0.6]), "acc", ax=ax)
    plotting.plot_history({"mae": [0.5]}, "mae", ax=ax)
    assert len(ax.lines) == 2


def test_history_without_axes_makes_a_figure_of_its_own():
    first, second = (plotting.plot_history({"loss": [1.0]}) for _ in range(2))
    assert first.figure is not second.figure


@pytest.mark.parametrize(
    ("given", "metric", "error", "text"),
    [
        ([1, 2], "loss", TypeError, "what fit"),
        ({"loss": [1]}, "accuracy", ValueError, r"\('loss'\), got 'accuracy'"),
        ({}, "loss", ValueError, "nothing was trained"),
        ({"loss": []}, "loss", ValueError, "no numbers of 'loss': nothing was trained"),
        ({"loss": [1.0], "val_loss": [1.0, 2.0]}, "loss", ValueError, "2 numbers of 'val_loss', but only 1 epochs"),
        ({"loss": 1.0}, "loss", ValueError, r"`history\['loss'\]` must hold a number for each epoch"),
        ({"loss": ["a"]}, "loss", TypeError, r"`history\['loss'\]` must hold numbers, got 'a'"),
        ({"loss": [1.0]}, ["loss"], TypeError, r"`metric` must be the name of one, .* got \['loss'\]"),
        ({1: [1.0]}, "loss", ValueError, r"recorded \(1\), got 'loss'"),
    ],
)
def test_history_that_cannot_be_drawn_says_why(ax, given, metric, error, text):
    with pytest.raises(error, match=text):
        plotting.plot_history(given, metric, ax=ax)


def test_history_near_the_largest_numbers_has_gaps(ax):
    plotting.plot_history({"loss": [1.7e308, -1.7e308, 2.0, float("inf")]}, ax=ax)
    ax.figure.savefig(io.BytesIO())
    assert np.isfinite(ax.lines[0].get_ydata()).tolist() == [False, False, True, False]


@pytest.mark.parametrize("draw", [
    lambda ax: plotting.plot_history({"loss": [1.0]}, ax=ax),
    lambda ax: plotting.plot_images(images(2), ax=ax),
    lambda ax: plotting.plot_confusion([0, 1], [0, 1], ax=ax),
    lambda ax: plotting.plot_predictions([0, 1], [0, 1], ax=ax),
    lambda ax: plotting.plot_weights(small_network(), ax=ax),
    lambda ax: plotting.plot_model(small_network(), ax=ax),
], ids=["history", "images", "confusion", "predictions", "weights", "model"])  # fmt: skip
def test_what_is_not_axes_is_refused(draw):
    for given, what in (
        (Figure().subplots(2, 2), r"ndarray of shape \(2, 2\)"),
        (Figure(), "Figure"),
        ("x", "str"),
        (0, "int"),
    ):
        with pytest.raises(TypeError, match=f"`ax` must be axes of matplotlib, got {what}"):
            draw(given)


def small_network():
    return lamella.Sequential([lamella.Input((4,)), lamella.layers.Dense(3)])


def test_images_carry_their_predictions_and_wrong_ones_are_marked(ax):
    assert plotting.plot_images(images(5), [0, 1, 2, 3, 4], [0, 1, 7, 3, 4], ax=ax) is ax
    assert [text.get_text() for text in ax.texts] == ["0", "1", "7 (is 2)", "3", "4"]
    assert len(ax.patches) == 1
    assert ax.texts[2].get_color() != ax.texts[1].get_color()


def test_images_take_probabilities_one_hot_rows_and_flat_images(ax):
    plotting.plot_images(images(3).reshape(3, 36), np.eye(3), np.eye(3)[[0, 2, 2]] * 0.9, ax=ax)
    assert [text.get_text() for text in ax.texts] == ["0", "2 (is 1)", "2"]


def test_images_lie_row_by_row_each_once(ax):
    given = images(5)
    plotting.plot_images(given, columns=3, ax=ax)
    sheet = ax.images[0].get_array().filled(np.nan)
    assert np.allclose(np.sort(sheet[~np.isnan(sheet)]), np.sort(given.ravel()))
    rows, columns = np.nonzero(sheet == given[3, 0, 0])
    assert rows[0] > sheet.shape[0] // 2 and columns[0] < sheet.shape[1] // 3
    assert not ax.texts


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((np.ones((2, 7)),), r"got shape \(2, 7\)"),
        ((np.ones((0, 4, 4)),), "at least 1"),
        ((np.ones((3, 4, 4)), [1, 2]), r"`labels` must be \(3,\)"),
        ((np.ones((3, 4, 4)), None, np.ones((2, 2))), "`predictions`"),
        ((np.ones((2, 4, 4)), [0, 0.5]), "`labels` must be class numbers, got .*0.5"),
        ((np.ones((2, 4, 4)), [0, np.nan]), "`labels` must be finite, got nan in row 1"),
        ((np.ones((2, 4, 4)), None, [[0.5, np.nan], [0, 1]]), "`predictions` must be finite"),
    ],
)
def test_images_of_wrong_shape_are_refused(ax, arguments, text):
    with pytest.raises(ValueError, match=text):
        plotting.plot_images(*arguments, ax=ax)
    with pytest.raises(ValueError, match="columns"):
        plotting.plot_images(images(2), columns=0, ax=ax)


def test_images_take_a_column_of_a_sigmoid_for_probabilities(ax):
    plotting.plot_images(images(3), [0, 1, 1], np.array([[0.2], [0.4], [0.9]], np.float32), ax=ax)
    assert [text.get_text() for text in ax.texts] == ["0", "0 (is 1)", "1"]


def test_images_of_other_kinds_of_arguments_are_refused(ax):
    with pytest.raises(TypeError, match=r"`labels` must hold class numbers .* got 'cat'"):
        plotting.plot_images(images(2), ["cat", "dog"], ax=ax)
    with pytest.raises(TypeError, match="`images` must hold numbers, got an array of complex128"):
        plotting.plot_images(images(2) * 1j, ax=ax)
    for columns in (2.5, "3", True):
        with pytest.raises(TypeError, match="`columns` must be a positive integer"):
            plotting.plot_images(images(2), columns=columns, ax=ax)
    with pytest.raises(ValueError, match="`columns` must be at most 100 for 2 images, got 1000000000"):
        plotting.plot_images(images(2), columns=10**9, ax=ax)


def test_figures_of_commands_say_what_they_need():
    with pytest.raises(TypeError, match=r"`trained` must be a TableModel.* got NoneType"):
        plotting.table_figure(None)
    with pytest.raises(ValueError, match="`trained` must have scores"):
        plotting.table_figure(TableModel(small_network(), schema=None))
    with pytest.raises(TypeError, match="`tested` must be what evaluate"):
        plotting.training_figure(history(1, loss=[1], accuracy=[1]), images(2), [0, 1], [0, 1], tested=5)


@pytest.mark.parametrize("mistakes", [0, 1, 25, 40])
def test_training_figure_shows_curves_images_and_mistakes(tmp_path, mistakes):
    labels = np.arange(40) % 10
    predictions = np.where(np.arange(40) < mistakes, (labels + 1) % 10, labels)
    record = history(3, loss=[3.0, 2.0, 1.0], accuracy=[0.5, 0.6, 0.7])
    tested = {"loss": 1.5, "accuracy": 0.65}
    backend = matplotlib.rcParams._get_backend_or_none() if hasattr(matplotlib.rcParams, "_get_backend_or_none") else ""
    figure = plotting.training_figure(record, images(40), labels, predictions, tested=tested)
    figure.savefig(tmp_path / "figure.png")
    titles = [ax.get_title(loc="left") for part in figure.subfigs for ax in part.axes]
    expected = {0: [], 1: ["Mistakes: 1"], 25: ["The first 20 of 25 mistakes"], 40: ["The first 20 of 40 mistakes"]}
    assert titles == ["", "", "The first 30 test images", *expected[mistakes]]
    assert png_size(tmp_path / "figure.png") == (1440, 720)
    if hasattr(matplotlib.rcParams, "_get_backend_or_none"):
        assert matplotlib.rcParams._get_backend_or_none() == backend  # the program's own windows stay as they are


def png_size(path):
    content = path.read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", content[16:24])
