"""The pictures that tests compare; `python tests/pictures.py` draws tests/baselines anew, to be looked at."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure

import lamella
from lamella import plotting
from lamella.tables._scores import ClassificationScores, RegressionScores

BASELINES = Path(__file__).parent / "baselines"


def _figure(width: float = 4, height: float = 3) -> Figure:
    return Figure(figsize=(width, height), dpi=60)  # axes lie where they do, however large texts are


def _history() -> Any:
    """Like what fit() returns: 12 epochs, validated every third."""
    record = {"loss": [1 / (i + 1) for i in range(12)], "val_loss": [0.6, 0.45, 0.5, 0.55]}
    record["accuracy"] = [1 - 0.4 * each for each in record["loss"]]
    return SimpleNamespace(history=record, epoch=list(range(12)))


def _digits(count: int) -> tuple[Any, Any, Any]:
    """Bars at the height of their class, and predictions of which every fourth is wrong."""
    labels = np.arange(count) % 7
    images = np.zeros((count, 8, 8))
    images[np.arange(count), labels, 1:7] = 1
    return images, labels, np.where(np.arange(count) % 4 == 3, (labels + 1) % 7, labels)


def _network() -> lamella.Sequential:
    """64 inputs, which are 8 x 8 images: waves of growing number."""
    model = lamella.Sequential([lamella.Input((64,), name="image"), lamella.layers.Dense(9, "relu", name="hidden")])
    model.add(lamella.layers.Dropout(0.5, name="drop"))
    model.add(lamella.layers.Dense(5, "softmax", name="classes"))
    y, x = np.mgrid[:8, :8]
    kernel = np.stack([np.sin(0.3 * i * x + 0.2 * i * y) for i in range(9)], axis=-1).reshape(64, 9)
    last = np.cos(np.arange(45)).reshape(9, 5)
    model.set_weights([kernel, np.zeros(9), last, np.zeros(5)])
    return model


def history() -> Figure:
    figure = _figure()
    plotting.plot_history(_history(), ax=figure.subplots())
    return figure


def images() -> Figure:
    figure = _figure(4, 4)
    plotting.plot_images(*_digits(12), ax=figure.subplots())
    return figure


def confusion() -> Figure:
    figure = _figure(4, 4)
    _, labels, predictions = _digits(200)
    plotting.plot_confusion(labels, predictions, ax=figure.subplots())
    return figure


def confusion_shares() -> Figure:
    figure = _figure(4, 4)
    names = ["cat", "dog", "elephant"]
    given = [0] * 7 + [1] * 3 + [2] * 10, [0] * 6 + [1] + [1] * 2 + [2] + [2] * 10
    plotting.plot_confusion(*given, classes=names, normalize="true", ax=figure.subplots())
    return figure


def weights_of_images() -> Figure:
    figure = _figure()
    plotting.plot_weights(_network(), ax=figure.subplots())
    return figure


def weights_as_matrix() -> Figure:
    figure = _figure()
    plotting.plot_weights(_network(), "classes", ax=figure.subplots())
    return figure


def model() -> Figure:
    figure = _figure(4, 5)
    options: dict[str, bool] = {f"show_{each}": True for each in ("shapes", "layer_names", "layer_activations")}
    plotting.plot_model(_network(), **options, ax=figure.subplots())
    return figure


def predictions() -> Figure:
    figure = _figure()
    true = np.linspace(1000, 40_000, 60)
    plotting.plot_predictions(true, true + 3000 * np.sin(np.arange(60)), ax=figure.subplots())
    return figure


def training() -> Figure:
    figure = plotting.training_figure(_history(), *_digits(40), tested={"loss": 0.4, "accuracy": 0.8})
    figure.set(dpi=60)
    return figure


def table_of_numbers() -> Figure:
    scores, true = RegressionScores(guess=2.0), np.linspace(0, 4, 50)
    scores.add(true, true + 0.3 * np.cos(np.arange(50)))
    return _table("regression", scores, [])


def table_of_classes() -> Figure:
    classes = ["no", "yes"]
    scores, chance = ClassificationScores(classes), np.linspace(0, 1, 50)
    scores.add((np.sin(np.arange(50)) / 3 + chance > 0.5).astype(float), np.stack([1 - chance, chance], axis=1))
    return _table("classification", scores, classes)


def _table(task: str, scores: Any, classes: list[str]) -> Figure:
    schema = SimpleNamespace(task=task, target="price", classes=classes)
    trained = SimpleNamespace(history=_history(), schema=schema, scores=scores, facts={"best_epoch": 5})
    figure = plotting.table_figure(trained)
    figure.set(dpi=60)
    return figure


PICTURES: dict[str, Callable[[], Figure]] = {
    each.__name__: each
    for each in (
        history, images, confusion, confusion_shares, weights_of_images, weights_as_matrix, model, predictions,
        training, table_of_numbers, table_of_classes,
    )
}  # fmt: skip


def draw(name: str, path: Path) -> None:
    """Draws a picture into a file, whatever the settings of who runs the tests."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        PICTURES[name]().savefig(path, dpi=60)


if __name__ == "__main__":
    for each in PICTURES:
        draw(each, BASELINES / f"{each}.png")
