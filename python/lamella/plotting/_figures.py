"""Pictures of several parts, for the command line."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .._optional import require
from ._base import GREEN, classes_of, short, squares
from ._confusion import draw_confusion
from ._history import plot_history
from ._images import plot_images
from ._predictions import plot_predictions

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def training_figure(
    history: Any,
    images: npt.ArrayLike,
    labels: npt.ArrayLike,
    predictions: npt.ArrayLike,
    *,
    tested: Mapping[str, float] | None = None,
) -> Figure:
    """Curves of the training beside test images with their predictions, and beside mistakes.

    Args:
        history: What fit() returned, with loss and accuracy.
        images, labels, predictions: As for `plot_images`, all of the test set.
        tested: What evaluate() returned with ``return_dict=True``.

    Returns:
        A figure that pyplot knows nothing of; save it with its savefig().

    Raises:
        ImportError: If matplotlib is not installed.
        TypeError: If an argument is of another kind.
        ValueError: If a shape does not fit, or loss or accuracy is missing.

    Example:
        >>> import lamella
        >>> (x, y), (x_test, y_test) = lamella.datasets.digits.load_data(num_train=200, num_test=20)
        >>> model = lamella.Sequential([lamella.layers.Flatten(), lamella.layers.Dense(10, "softmax")])
        >>> model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        >>> history = model.fit(x / 255, y, epochs=2, verbose=0)
        >>> figure = training_figure(history, x_test, y_test, model.predict(x_test / 255))
        >>> len(figure.axes) >= 2
        True
    """
    if tested is not None and not isinstance(tested, Mapping):
        raise TypeError(
            f"`tested` must be what evaluate() returns with return_dict=True, or None; got {type(tested).__name__}."
        )
    tiles = squares(images)
    true, guessed = classes_of("labels", labels, len(tiles)), classes_of("predictions", predictions, len(tiles))
    figure: Figure = require("matplotlib.figure", extra="plot", purpose="draw curves").Figure(
        figsize=(12, 6), dpi=120, layout="constrained"
    )
    figure.get_layout_engine().set(w_pad=0.1, h_pad=0.1)  # type: ignore[union-attr,call-arg]
    left, right = figure.subfigures(1, 2, squeeze=False, width_ratios=(1, 1.7))[0]
    for ax, metric in zip(left.subplots(2, 1, sharex=True), ("loss", "accuracy"), strict=True):
        plot_history(history, metric, ax=ax)
        if metric in (tested or {}):
            ax.plot(ax.lines[0].get_xdata()[-1], (tested or {})[metric], "D", color=GREEN, label="test")
            ax.legend(frameon=False)
        ax.label_outer()
    left.align_ylabels()
    wrong = np.flatnonzero(true != guessed)
    first, mistakes = np.arange(min(len(tiles), 30)), wrong[:20]
    titles = [(first, f"The first {len(first)} test images"), (mistakes, _mistakes(len(mistakes), len(wrong)))]
    shown = [(chosen, title) for chosen, title in titles if len(chosen)]
    rows = [math.ceil(len(chosen) / 10) for chosen, _ in shown]
    grids = right.subplots(len(shown), 1, height_ratios=rows, squeeze=False)[:, 0]
    for ax, (chosen, title) in zip(grids, shown, strict=True):
        plot_images(tiles[chosen], true[chosen], guessed[chosen], columns=10, ax=ax)
        ax.set_title(title, fontsize="medium", loc="left")
    return figure


def _mistakes(shown: int, count: int) -> str:
    return f"The first {shown} of {count} mistakes" if shown < count else f"Mistakes: {count}"


def table_figure(trained: Any) -> Figure:
    """Curves of the training beside what came out of it: predictions against truth, or the confusion matrix.

    Args:
        trained: A `lamella.tables.TableModel` with scores; without a history there are no curves.

    Returns:
        A figure that pyplot knows nothing of; save it with its savefig().

    Raises:
        ImportError: If matplotlib is not installed.
        TypeError: If `trained` is something else.
        ValueError: If it has no scores.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from lamella import tables
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "doubles.csv"
        ...     _ = path.write_text("x,y\\n" + "".join(f"{i / 7},{2 * i / 7}\\n" for i in range(60)))
        ...     trained = tables.train(path, "y", epochs=2, seed=1, verbose=0)
        >>> [ax.get_xlabel() for ax in table_figure(trained).axes]
        ['epoch', 'true']
    """
    if not all(hasattr(trained, name) for name in ("history", "schema", "scores")):
        raise TypeError(f"`trained` must be a TableModel, as tables.train() returns it; got {type(trained).__name__}.")
    if trained.scores is None:
        raise ValueError("`trained` must have scores, but is from a file. Set trained.scores = trained.scored(path).")
    curves = trained.history is not None
    schema, scores = trained.schema, trained.scores
    figure: Figure = require("matplotlib.figure", extra="plot", purpose="draw curves").Figure(
        figsize=(11, 5) if curves else (6, 5.4), dpi=120, layout="constrained"
    )
    *left, right = figure.subplots(1, 1 + curves, squeeze=False)[0]
    for ax in left:
        plot_history(trained.history, ax=ax)
        best = trained.facts["best_epoch"]
        if best is not None and "val_loss" in trained.history.history:
            ax.axvline(trained.history.epoch[best - 1] + 1, color=GREEN, lw=1, ls=":", label="kept")
            ax.legend(frameon=False)
        losses = [each for key in ("loss", "val_loss") for each in trained.history.history.get(key, ())]
        if 0 < 20 * min(losses) < max(losses):  # else all but the first epochs look alike
            ax.set_yscale("log")
        ax.set_title("loss" + (" of the standardised target" if schema.task == "regression" else ""), fontsize="medium")
    result, target = scores.result(), short(schema.target)
    if schema.task == "regression":
        plot_predictions(*np.concatenate(scores.points, axis=1), ax=right)
        r2 = "" if result["r2"] is None else f", R² {result['r2']:.3f}"
        right.set_title(f"{target}: mean absolute error {result['mae']:.4g}{r2}", fontsize="medium", parse_math=False)
    else:
        draw_confusion(scores.confusion, schema.classes, None, right)
        right.set_title(f"{target}: accuracy {result['accuracy']:.4f}", fontsize="medium", parse_math=False)
    return figure
