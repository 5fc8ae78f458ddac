"""Confusion matrices, weights and predictions: what is in the pictures, and what cannot be drawn."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest

import lamella
from lamella import layers, plotting

pytest.importorskip("matplotlib")
from matplotlib.figure import Figure


@pytest.fixture
def ax() -> Any:
    return Figure().subplots()


def texts(ax: Any) -> list[str]:
    return [text.get_text() for text in ax.texts]


def network(inputs: int = 64) -> lamella.Sequential:
    return lamella.Sequential(
        [lamella.Input((inputs,)), layers.Dense(9, "relu", name="hidden"), layers.Dropout(0.5), layers.Dense(5)]
    )


def test_confusion_counts_what_sklearn_counts(ax: Any, rng: np.random.Generator) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    true, guessed = rng.integers(0, 4, 5000), rng.integers(0, 4, 5000)
    assert plotting.plot_confusion(true, guessed, ax=ax) is ax
    assert texts(ax) == [f"{count:,}" for count in metrics.confusion_matrix(true, guessed).ravel()]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("predicted", "true")


@pytest.mark.parametrize("way", ["true", "pred", "all"])
def test_confusion_is_normalized_as_sklearn_does(ax: Any, rng: np.random.Generator, way: str) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    true, guessed = rng.integers(0, 3, 100), rng.integers(0, 3, 100)
    plotting.plot_confusion(true, guessed, normalize=way, ax=ax)
    expected = metrics.confusion_matrix(true, guessed, normalize=way).ravel()
    assert texts(ax) == [f"{share:.2f}" for share in expected]


def test_confusion_takes_what_predict_returns(ax: Any) -> None:
    plotting.plot_confusion(np.eye(3)[[0, 1, 2]], [[0.5, 0.3, 0.2], [0.1, 0.2, 0.7], [0.1, 0.2, 0.7]], ax=ax)
    assert texts(ax) == ["1", "0", "0", "0", "0", "1", "0", "0", "1"]
    sigmoid = Figure().subplots()
    plotting.plot_confusion([0, 1, 1], np.array([[0.2], [0.4], [0.9]]), classes=["cat", "dog"], ax=sigmoid)
    assert texts(sigmoid) == ["1", "0", "1", "1"]
    assert [label.get_text() for label in sigmoid.get_xticklabels()] == ["cat", "dog"]


@pytest.mark.parametrize("given", [["cat", "dog"], [0, None], [0, 1j]])
def test_confusion_of_what_is_no_number_is_refused(ax: Any, given: Any) -> None:
    with pytest.raises(TypeError, match="`labels` must hold class numbers or rows of probabilities"):
        plotting.plot_confusion(given, [0, 1], ax=ax)
    with pytest.raises(TypeError, match="`predictions` must hold class numbers or rows of probabilities"):
        plotting.plot_confusion([0, 1], given, ax=ax)


@pytest.mark.parametrize("classes", ["ab", 3, b"ab"])
def test_confusion_names_are_a_list(ax: Any, classes: Any) -> None:
    with pytest.raises(TypeError, match="`classes` must be a list of names"):
        plotting.plot_confusion([0, 1], [0, 1], classes=classes, ax=ax)


def test_confusion_takes_columns_of_numbers_for_what_they_are(ax: Any) -> None:
    plotting.plot_confusion(np.array([[0.0], [2.0]]), np.array([[0], [1]]), ax=ax)
    assert texts(ax) == ["1", "0", "0", "0", "0", "0", "0", "1", "0"]


def test_names_are_no_formulas_and_leave_room(ax: Any) -> None:
    plotting.plot_confusion([0, 1], [0, 1], classes=["$x_{$", "very " * 60], ax=ax)
    names = [label.get_text() for label in ax.get_xticklabels()]
    assert names[0] == "$x_{$" and names[1].startswith("very") and len(names[1]) <= 24
    curve = plotting.plot_history({"$loss_{$": [1.0, 2.0]}, "$loss_{$", ax=Figure().subplots())
    layer = layers.Dense(3, name="$d_{$")
    kernel = plotting.plot_weights(lamella.Sequential([lamella.Input((4,)), layer]), ax=Figure().subplots())
    for each in (ax, curve, kernel):
        each.figure.savefig(io.BytesIO())  # where formulas are read


@pytest.mark.parametrize(
    ("labels", "predictions", "options", "message"),
    [
        ([0, 1], [0], {}, "of one length, got 2 and 1"),
        ([], [], {}, "of one length, got 0 and 0"),
        ([0, 1], [[0.2, 0.8], [np.nan, 0.1]], {}, r"`predictions` must be finite, got \[nan, 0.1\] in row 1"),
        ([0, np.inf], [0, 1], {}, "`labels` must be finite, got inf in row 1"),
        ([0, 10**6], [0, 1], {}, "at most 2,000 classes, got class 1,000,000"),
        ([0, 1], [0, 1], {"classes": []}, "`classes` must name at least one class"),
        ([0, 1], [[-3.5], [4.5]], {}, "`predictions` must be class numbers, got .*-3.5"),
        ([0, 1], [0.2, 0.7], {}, "`predictions` must be class numbers, got .*0.2"),
        ([0, -1], [0, 1], {}, "Classes must be from 0 to 1, got -1"),
        ([0, 2], [0, 1], {"classes": ["a", "b"]}, "Classes must be from 0 to 1, got 2"),
        ([0, 1], [0, 1], {"normalize": "rows"}, "`normalize` must be"),
        (np.zeros((2, 2, 2)), [0, 1], {}, r"`labels` must be \(n,\)"),
    ],
)
def test_confusion_that_cannot_be_drawn_says_why(
    ax: Any, labels: Any, predictions: Any, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        plotting.plot_confusion(labels, predictions, **options, ax=ax)


def test_weights_of_images_are_images(ax: Any) -> None:
    model = network()
    assert plotting.plot_weights(model, ax=ax) is ax
    sheet, kernel = ax.images[0].get_array().filled(np.nan), model.layers[0].get_weights()[0]
    np.testing.assert_allclose(sheet[:8, :8], kernel[:, 0].reshape(8, 8), rtol=1e-6)
    np.testing.assert_allclose(sheet[-8:, -8:], kernel[:, 8].reshape(8, 8), rtol=1e-6)
    assert ax.images[0].get_clim()[0] == -ax.images[0].get_clim()[1]
    assert ax.get_title() == "hidden: 64 inputs, 9 units"


def test_weights_of_later_layers_and_of_tables_are_a_matrix(ax: Any) -> None:
    model = network()
    plotting.plot_weights(model, 2, colorbar=False, ax=ax)
    np.testing.assert_array_equal(ax.images[0].get_array(), model.layers[2].get_weights()[0].astype(float))
    by_layer, by_name = Figure().subplots(), Figure().subplots()
    plotting.plot_weights(model.layers[2], ax=by_layer)
    plotting.plot_weights(model, model.layers[2].name, ax=by_name)
    for other in (by_layer, by_name):
        np.testing.assert_array_equal(other.images[0].get_array(), ax.images[0].get_array())
    table = Figure().subplots()
    plotting.plot_weights(network(inputs=4), ax=table)
    assert table.get_xlabel() == "unit" and table.images[0].get_array().shape == (4, 9)


def test_weights_of_flattened_images_and_of_given_shapes(ax: Any) -> None:
    model = lamella.Sequential([lamella.Input((4, 6)), layers.Flatten(), layers.Dense(2)])
    plotting.plot_weights(model, ax=ax)
    assert ax.images[0].get_array().shape == (4, 6 + 1 + 6)
    wide = Figure().subplots()
    plotting.plot_weights(network(), shape=(4, 16), units=1, ax=wide)
    assert wide.images[0].get_array().shape == (4, 16)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((), {"shape": (3, 3)}, "`shape` must hold the 64 inputs of layer 'hidden', got"),
        ((1,), {}, "has no kernel"),
        (("nope",), {}, "nope"),
        ((7,), {}, "There is no layer 7"),
        ((), {"units": 0}, "`units` must be a positive integer"),
    ],
)
def test_weights_that_cannot_be_drawn_say_why(ax: Any, arguments: Any, options: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plotting.plot_weights(network(), *arguments, **options, ax=ax)
    with pytest.raises(ValueError, match="a built model with a layer that has a kernel"):
        plotting.plot_weights(lamella.Sequential([layers.Dense(3)]), ax=ax)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shape": 64}, r"`shape` must be \(height, width\) or None, got 64"),
        ({"shape": (4, 4, 4)}, r"`shape` must be \(height, width\)"),
        ({"shape": "ab"}, r"`shape` must be \(height, width\)"),
        ({"shape": (8.0, 8)}, "`shape` must be a positive integer"),
        ({"units": 2.5}, "`units` must be a positive integer, got 2.5"),
        ({"units": None}, "`units` must be a positive integer, got None"),
        ({"layer": 1.5}, "`layer` must be the index or name of a layer, or None; got 1.5"),
        ({"layer": True}, "`layer` must be the index or name of a layer, or None; got True"),
    ],
)
def test_weights_of_other_kinds_of_arguments_say_why(ax: Any, options: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        plotting.plot_weights(network(), **options, ax=ax)
    with pytest.raises(TypeError, match="`model` must be a model or a layer, got int"):
        plotting.plot_weights(5, ax=ax)
    with pytest.raises(ValueError, match="`shape` must be a positive integer, got -8"):
        plotting.plot_weights(network(), shape=(-8, -8), ax=ax)


def test_weights_of_a_model_in_a_model_are_found(ax: Any) -> None:
    inner = network()
    model = lamella.Sequential([lamella.Input((64,)), inner, layers.Dense(2)])
    plotting.plot_weights(model, ax=ax)
    assert ax.get_title() == "hidden: 64 inputs, 9 units" and ax.images[0].get_array().shape[0] > 9
    by_name = plotting.plot_weights(model, inner.name, ax=Figure().subplots())
    np.testing.assert_array_equal(by_name.images[0].get_array(), ax.images[0].get_array())


def test_weights_that_are_not_finite_are_no_white(ax: Any) -> None:
    model = network()
    weights = model.get_weights()
    weights[0][3, 4] = np.nan
    model.set_weights(weights)
    with pytest.raises(ValueError, match="kernel of layer 'hidden' must be finite, but has nan"):
        plotting.plot_weights(model, ax=ax)


def test_predictions_that_cannot_be_drawn_say_why(ax: Any) -> None:
    for given, error, text in (
        ([["a"], ["b"]], TypeError, "`y_pred` must hold numbers, got 'a'"),
        ([1.0, None], TypeError, "`y_pred` must hold numbers, got None"),
        ([1j, 2], TypeError, "`y_pred` must hold numbers, got an array of complex128"),
        ([1.0, np.nan], ValueError, "`y_pred` must be finite .* got nan"),
        ([1.0, 1e308], ValueError, r"at most 1e\+300 in size, got 1e\+308"),
        (np.ones((1, 2)), ValueError, r"`y_pred` must be \(n,\) or \(n, 1\), got shape \(1, 2\)"),
        ([[1.0, 2.0], [3.0]], ValueError, "`y_pred` must hold rows of one length"),
    ):
        with pytest.raises(error, match=text):
            plotting.plot_predictions([1, 2], given, ax=ax)
    with pytest.raises(ValueError, match=r"`y_true` must be \(n,\) or \(n, 1\), got shape \(3, 2\)"):
        plotting.plot_predictions(np.ones((3, 2)), np.ones((2, 3)), ax=ax)


def test_predictions_are_points_about_a_line(ax: Any) -> None:
    assert plotting.plot_predictions([1.0, 2.0, 3.0], [[1.5], [2.0], [2.5]], ax=ax) is ax
    np.testing.assert_array_equal(ax.collections[0].get_offsets(), [[1, 1.5], [2, 2], [3, 2.5]])
    np.testing.assert_array_equal(ax.lines[0].get_data(), [[1, 3], [1, 3]])
    with pytest.raises(ValueError, match="of one length, got 2 and 1"):
        plotting.plot_predictions([1, 2], [1], ax=ax)
