"""Pictures of training and of what came out; needs matplotlib: ``pip install "lamella[plot]"``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ._optional import require
from .utils import diagram

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["plot_history", "plot_images", "plot_model", "training_figure"]

_BLUE, _ORANGE, _GREEN, _RED, _GREY = "#1f6fb4", "#e07b00", "#2e8540", "#c8102e", "#5a5a5a"


def require_matplotlib(purpose: str) -> None:
    """Raises an ImportError that says how to install matplotlib unless it is there."""
    require("matplotlib.figure", extra="plot", purpose=purpose)


def plot_history(history: Any, metric: str = "loss", *, ax: Axes | None = None) -> Axes:
    """Draws a metric over the epochs, that of the validation beside it if there is one.

    Args:
        history: What fit() returned, or its dictionary.
        metric: A key of it, such as ``"accuracy"``.
        ax: Where to draw; a new pyplot figure when None.

    Returns:
        `ax`, or the new one.

    Raises:
        ImportError: If matplotlib is not installed.
        TypeError: If `history` is something else.
        ValueError: If it has no such metric.

    Example:
        >>> from matplotlib.figure import Figure
        >>> ax = plot_history({"loss": [0.5, 0.2], "val_loss": [0.6, 0.4]}, ax=Figure().subplots())
        >>> [line.get_label() for line in ax.lines]
        ['training', 'validation']
    """
    record = getattr(history, "history", history)
    if not isinstance(record, Mapping):
        raise TypeError(f"`history` must be what fit() returned or its dictionary, got {type(history).__name__}.")
    if metric not in record:
        known = ", ".join(repr(key) for key in record if not key.startswith("val_")) or "none: nothing was trained"
        raise ValueError(f"`metric` must be one that was recorded ({known}), got {metric!r}.")
    ax = ax or _new_axes("draw curves")
    count = len(record[metric])
    epochs = np.asarray(getattr(history, "epoch", range(count))) + 1
    for key, label, color in ((metric, "training", _BLUE), (f"val_{metric}", "validation", _ORANGE)):
        if key in record:
            every = count // max(1, len(record[key]))  # validation_freq
            ax.plot(epochs[every - 1 :: every][: len(record[key])], record[key], "o-", color=color, label=label, ms=4)
    ticker = require("matplotlib.ticker", extra="plot", purpose="draw curves")
    ax.xaxis.set_major_locator(ticker.MaxNLocator(integer=True, min_n_ticks=1))
    ax.set(xlabel="epoch", ylabel=metric)
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(alpha=0.25)
    if len(ax.lines) > 1:
        ax.legend(frameon=False)
    return ax


def plot_images(
    images: npt.ArrayLike,
    labels: npt.ArrayLike | None = None,
    predictions: npt.ArrayLike | None = None,
    *,
    columns: int | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draws images in a grid, each under its class; where prediction and label differ, framed, with both.

    Args:
        images: One after another; rows of numbers are taken for squares.
        labels: What they are: class numbers or one-hot rows.
        predictions: What they are taken for: class numbers, or rows of probabilities as predict() returns them.
        columns: Images beside each other; by default as many as below each other.
        ax: Where to draw; a new pyplot figure when None.

    Shapes:
        images (n, height, width) or (n, side * side), labels and predictions (n,) or (n, classes).

    Returns:
        `ax`, or the new one.

    Raises:
        ImportError: If matplotlib is not installed.
        ValueError: If a shape does not fit.

    Example:
        >>> from matplotlib.figure import Figure
        >>> ax = plot_images(np.eye(4).reshape(1, 16), labels=[3], predictions=[1], ax=Figure().subplots())
        >>> ax.texts[0].get_text()
        '1 (is 3)'
    """
    tiles = _squares(np.asarray(images))
    count, height, width = tiles.shape
    true, guessed = _classes("labels", labels, count), _classes("predictions", predictions, count)
    if columns is None:
        columns = math.ceil(math.sqrt(count))
    if columns < 1:
        raise ValueError(f"`columns` must be at least 1, got {columns}.")
    ax = ax or _new_axes("draw images")

    captioned = true is not None or guessed is not None
    step_y, step_x = height + max(1, round(height * (0.5 if captioned else 0.12))), width + max(1, round(width * 0.22))
    sheet = np.full((math.ceil(count / columns) * step_y, columns * step_x), np.nan)
    size = _font_size(ax, columns)
    for i, tile in enumerate(tiles):
        y, x = (i // columns + 1) * step_y - height, i % columns * step_x + (step_x - width) // 2
        sheet[y : y + height, x : x + width] = tile
        wrong = true is not None and guessed is not None and true[i] != guessed[i]
        if captioned:
            text = f"{guessed[i]}" if guessed is not None else f"{true[i]}" if true is not None else ""
            if wrong and true is not None:
                text += f" (is {true[i]})"
            style: dict[str, Any] = {"color": _RED, "weight": "bold"} if wrong else {"color": _GREY}
            ax.text(x + width / 2 - 0.5, y - 0.08 * height, text, ha="center", va="bottom", fontsize=size, **style)
        if wrong:
            frame = require("matplotlib.patches", extra="plot", purpose="draw images").Rectangle
            ax.add_patch(frame((x - 0.5, y - 0.5), width, height, fill=False, color=_RED, lw=1.5, clip_on=False))
    ax.imshow(np.ma.masked_invalid(sheet), cmap="binary", interpolation="nearest")
    ax.set_axis_off()
    return ax


def plot_model(
    model: Any,
    *,
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = False,
    rankdir: str = "TB",
    expand_nested: bool = False,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    ax: Axes | None = None,
) -> Axes:
    """Draws a card for each layer of a model, with arrows; lamella.utils.plot_model() makes a file of it.

    Args:
        model: A model; where it is not built its shapes are ``?``.
        show_shapes, show_dtype, show_layer_names, show_layer_activations, show_trainable: What the cards say.
        rankdir: ``"TB"``, ``"BT"``, ``"LR"`` or ``"RL"``: where the layers go.
        expand_nested: Whether to show the layers of models in the model.
        ax: Where to draw; a new pyplot figure of fitting size when None.

    Returns:
        `ax`, or the new one.

    Raises:
        ImportError: If matplotlib is not installed.
        TypeError: If `model` is no model.
        ValueError: If it has no layers, or `rankdir` is unknown.

    Example:
        >>> import lamella
        >>> from matplotlib.figure import Figure
        >>> model = lamella.Sequential([lamella.layers.Dense(8, "relu")])
        >>> ax = plot_model(model, show_layer_activations=True, ax=Figure().subplots())
        >>> [text.get_text() for text in ax.texts]
        ['Dense', 'Activation: relu']
    """
    sheet = diagram.arranged(
        model,
        rankdir,
        expand_nested,
        dtype=show_dtype,
        names=show_layer_names,
        shapes=show_shapes,
        activations=show_layer_activations,
        trainable=show_trainable,
    )
    if ax is None:
        ax = _new_axes("draw models", figsize=[length / 72 for length in sheet.size])
    return diagram.draw(sheet, ax, backwards=rankdir in ("BT", "RL"))


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
    tiles = _squares(np.asarray(images))
    true, guessed = _classes("labels", labels, len(tiles)), _classes("predictions", predictions, len(tiles))
    if true is None or guessed is None:
        raise ValueError("training_figure() needs `labels` and `predictions`.")
    figure: Figure = require("matplotlib.figure", extra="plot", purpose="draw curves").Figure(
        figsize=(12, 6), dpi=120, layout="constrained"
    )
    figure.get_layout_engine().set(w_pad=0.1, h_pad=0.1)  # type: ignore[union-attr,call-arg]
    left, right = figure.subfigures(1, 2, squeeze=False, width_ratios=(1, 1.7))[0]
    for ax, metric in zip(left.subplots(2, 1, sharex=True), ("loss", "accuracy"), strict=True):
        plot_history(history, metric, ax=ax)
        if metric in (tested or {}):
            ax.plot(ax.lines[0].get_xdata()[-1], (tested or {})[metric], "D", color=_GREEN, label="test")
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


def _new_axes(purpose: str, **options: Any) -> Any:
    return require("matplotlib.pyplot", extra="plot", purpose=purpose).subplots(**options)[1]


def _font_size(ax: Axes, columns: int) -> float:
    """Points in which the longest caption is about as wide as its image."""
    points = ax.get_window_extent().width / ax.figure.dpi * 72
    return min(12.0, max(4.0, 0.21 * points / columns))


def _squares(images: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    side = math.isqrt(images.shape[1]) if images.ndim == 2 else 0
    if images.ndim == 2 and side * side == images.shape[1]:
        images = images.reshape(-1, side, side)
    if images.ndim != 3 or 0 in images.shape:
        raise ValueError(
            f"`images` must be (n, height, width) or (n, side * side) with n of at least 1, got shape {images.shape}. "
            "Pass a single image as image[None]."
        )
    return images.astype(np.float64)


def _classes(name: str, given: npt.ArrayLike | None, count: int) -> npt.NDArray[np.int64] | None:
    if given is None:
        return None
    array = np.asarray(given)
    if array.ndim not in (1, 2) or len(array) != count or array.size == 0:
        raise ValueError(f"`{name}` must be ({count},) or ({count}, classes), one for each image; got {array.shape}.")
    return (array.argmax(axis=1) if array.ndim == 2 else array).astype(np.int64)
