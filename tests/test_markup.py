"""What notebooks show of a model and of a training: well-formed, complete, and safe whatever layers are called."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from typing import Any

import numpy as np
import pytest

import lamella
from lamella import layers
from lamella._markup import curves, ticks
from lamella.callbacks import History


def parsed(html: str) -> ET.Element:
    """HTML that is XML, too: tags that are not closed fail."""
    return ET.fromstring(html)


def rows(html: str) -> list[list[str]]:
    return [["".join(cell.itertext()) for cell in row] for row in parsed(html).iter("tr")]


def history(**record: Any) -> History:
    found = History()
    found.on_train_begin()
    for epoch in range(len(next(iter(record.values())))):
        found.on_epoch_end(epoch, {name: values[epoch] for name, values in record.items() if epoch < len(values)})
    return found


def test_model_shows_its_layers_and_what_it_was_compiled_with() -> None:
    inner = lamella.Sequential([layers.Dense(3)], name="inside")
    model = lamella.Sequential([lamella.Input((4,)), layers.Dense(5, "relu"), inner, layers.BatchNormalization()])
    model.compile("adam", "mse", metrics=["mae"])
    html = model._repr_html_()
    assert rows(html)[0] == ["Layer (type)", "Output Shape", "Param #"]
    assert rows(html)[1:] == [
        ["dense_1 (Dense)", "(None, 5)", "25"],
        ["inside (Sequential)", "(None, 3)", "18"],
        ["└ dense (Dense)", "(None, 3)", "18"],
        ["batch_normalization (BatchNormalization)", "(None, 3)", "12"],
    ]
    shown = "".join(parsed(html).itertext())
    assert "55 weights (220.00 B), 6 of them not trained" in shown
    assert "optimizer Adam; loss mse; metrics mae" in shown


def test_model_that_is_not_built_says_so() -> None:
    html = lamella.Sequential([layers.Dense(2)])._repr_html_()
    assert "not built" in html and rows(html)[1][1:] == ["?", "0 (unbuilt)"]
    assert rows(lamella.Sequential()._repr_html_()) == [["Layer (type)", "Output Shape", "Param #"]]


@pytest.mark.parametrize("loss", [lamella.losses.MeanSquaredError(), lamella.losses.mean_squared_error, "mse"])
def test_model_names_losses_however_they_were_given(loss: Any) -> None:
    model = lamella.Sequential([lamella.Input((4,)), layers.Dense(5)])
    model.compile("sgd", loss)
    assert re.search(r"optimizer SGD; loss (mse|mean_squared_error)<", model._repr_html_())


def test_names_mean_nothing_to_html() -> None:
    model = lamella.Sequential([lamella.Input((1,)), layers.Dense(1, name="<script>a&b")], name="<b>")
    html = model._repr_html_() + history(**{"<i>": [1.0, 2.0]})._repr_html_()
    assert not re.search("<script|<b>”|<i>", html) and "&lt;script&gt;a&amp;b" in html


def test_history_shows_curves_and_a_table(rng: np.random.Generator) -> None:
    record = {"accuracy": [0.5, 0.7, 0.6], "loss": [3.0, 2.0, 1.0], "val_loss": [4.0, 2.5, 2.75]}
    html = history(**record)._repr_html_()
    assert rows(html) == [
        ["", "last", "lowest", "highest"],
        ["accuracy", "0.6000", "0.5000 (epoch 1)", "0.7000 (epoch 2)"],
        ["loss", "1.0000", "1.0000 (epoch 3)", "3.0000 (epoch 1)"],
        ["val_loss", "2.7500", "2.5000 (epoch 2)", "4.0000 (epoch 1)"],
    ]
    assert "3 epochs" in html and html.count("<polyline") == 3
    assert 'aria-label="loss over the epochs"' in html and 'aria-label="accuracy over the epochs"' in html


def test_history_of_a_fit_is_shown() -> None:
    model = lamella.Sequential([lamella.Input((2,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    x, y = np.ones((8, 2)), np.ones((8, 1))
    html = model.fit(x, y, epochs=4, validation_data=(x, y), validation_freq=2, verbose=0)._repr_html_()
    assert html.count("<polyline") == 2 and "4 epochs" in html
    assert re.search(r"\(epoch [24]\)", rows(html)[2][2])


@pytest.mark.parametrize("record", [{"loss": [float("nan")] * 2}, {"loss": [1.0]}, {"loss": [2.0, 2.0]}])
def test_history_of_odd_values_is_shown(record: dict[str, list[float]]) -> None:
    html = history(**record)._repr_html_()
    assert "nan," not in html and "inf" not in html and rows(html)[1][0] == "loss"
    assert History()._repr_html_() == "<i>History: nothing was trained</i>"


def test_curves_lie_where_the_numbers_are() -> None:
    svg = parsed(curves({"loss": [1.0, 0.0, 0.5]}, "loss", [0, 1, 2], width=300, height=200))
    (line,) = svg.iter("{http://www.w3.org/2000/svg}polyline")
    points = [tuple(map(float, each.split(","))) for each in line.attrib["points"].split()]
    assert [x for x, _ in points] == [52.0, 171.0, 290.0]
    heights = [y for _, y in points]
    assert heights[0] < heights[2] < heights[1] and heights[2] == pytest.approx((heights[0] + heights[1]) / 2, abs=0.1)
    assert {text.text for text in svg.iter("{http://www.w3.org/2000/svg}text")} >= {"0", "0.5", "1", "2", "3", "epoch"}


@pytest.mark.parametrize(("low", "high"), [(0, 1), (-3, 7), (1e-9, 3e-9), (2, 2e6), (0.99, 1.01), (5, 6)])
def test_ticks_are_round_few_and_inside(low: float, high: float) -> None:
    found = ticks(low, high)
    assert 2 <= len(found) <= 6
    assert all(low - 1e-9 * abs(high) <= each <= high + 1e-9 * abs(high) for each in found)
    step = found[1] - found[0]
    np.testing.assert_allclose(np.diff(found), step, rtol=1e-6)
    assert round(step / 10 ** np.floor(np.log10(step) + 1e-9), 6) in (1, 2, 5)


def test_numbers_that_no_axis_holds_are_gaps() -> None:
    drawn = curves({"loss": [1e308, 2.0, -1e308, 1.0]}, "loss", [0, 1, 2, 3])
    assert re.findall(r'points="([^"]*)"', drawn)[0].count(",") == 2
