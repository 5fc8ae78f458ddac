"""Pictures of models: a card for each layer, drawn with matplotlib; Graphviz is not needed."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .._checks import real
from .._optional import require
from ._picture import save_figure, target

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Points of 1/72 inch.
_TITLE, _TEXT = 12.0, 10.0
_PADDING, _GAP, _MARGIN = 9.0, 26.0, 14.0
_DARK, _EDGE, _GREEN, _RED, _PANEL = "#1d3557", "#5a6b80", "#2e8540", "#c8102e", "#eef2f7"
_DIRECTIONS, _ENDS = ("TB", "BT", "LR", "RL"), ("input", "output")


@dataclass
class Card:
    """One layer: its title, and rows of cells (text, background) below."""

    title: str
    rows: list[list[tuple[str, str]]]
    at: tuple[float, float] = (0.0, 0.0)  # centre

    @property
    def size(self) -> tuple[float, float]:
        """Width and height."""
        widths = [_width(self.title, _TITLE, bold=True), *(sum(_cell_widths(row)) for row in self.rows)]
        return max(widths), _height(_TITLE) + len(self.rows) * _height(_TEXT)


@dataclass
class Group:
    """Cards beside or below each other, in a frame with a title unless that is empty."""

    title: str
    members: list[Any]
    across: bool
    at: tuple[float, float] = (0.0, 0.0)

    @property
    def _head(self) -> float:
        return _height(_TEXT) if self.title else 0.0

    @property
    def size(self) -> tuple[float, float]:
        """Width and height, with the frame."""
        along, other = (0, 1) if self.across else (1, 0)
        sizes = [member.size for member in self.members]
        extent = [0.0, 0.0]
        extent[along] = sum(size[along] for size in sizes) + _GAP * (len(sizes) - 1)
        extent[other] = max(size[other] for size in sizes)
        head = self._head * (2 if self.across else 1)  # cards beside each other stay on one line
        return max(extent[0] + 2 * _MARGIN, _width(self.title, _TEXT)), extent[1] + 2 * _MARGIN + head

    def place(self, centre: tuple[float, float]) -> None:
        """Puts the group there, and its members where they belong."""
        self.at = centre
        along = 0 if self.across else 1
        middle = [centre[0], centre[1] + (0.0 if self.across else self._head / 2)]
        length = sum(member.size[along] for member in self.members) + _GAP * (len(self.members) - 1)
        start = middle[along] - length / 2
        for member in self.members:
            middle[along] = start + member.size[along] / 2
            start += member.size[along] + _GAP
            if isinstance(member, Group):
                member.place((middle[0], middle[1]))
            else:
                member.at = middle[0], middle[1]

    def leaves(self) -> Iterator[Card]:
        """All cards in order."""
        for member in self.members:
            yield from member.leaves() if isinstance(member, Group) else [member]

    def groups(self) -> Iterator[Group]:
        """The groups inside, the outer ones first."""
        for member in self.members:
            if isinstance(member, Group):
                yield member
                yield from member.groups()


def _width(text: str, size: float, bold: bool = False) -> float:
    """Points that a text needs, with room at both sides."""
    paths = require("matplotlib.textpath", extra="plot", purpose="draw models")
    fonts = require("matplotlib.font_manager", extra="plot", purpose="draw models")
    font = fonts.FontProperties(size=size, weight="bold" if bold else "normal")
    return float(paths.text_to_path.get_text_width_height_descent(text, font, ismath=False)[0]) + 2 * _PADDING


def _height(size: float) -> float:
    return size + 1.4 * _PADDING


def _cell_widths(row: Sequence[tuple[str, str]]) -> list[float]:
    return [_width(text, _TEXT) for text, _ in row]


def _shape_text(layer: Any, name: str) -> str:
    return str(tuple(getattr(layer, name))) if layer.built else "?"


def _card(layer: Any, dtype: bool, names: bool, shapes: bool, activations: bool, trainable: bool) -> Card:
    kind = type(layer).__name__
    rows = []
    activation = getattr(layer, "activation", None)
    if activations and activation is not None:
        rows.append([(f"Activation: {activation.name}", "white")])
    cells = []
    if shapes:
        cells += [(f"{end.capitalize()} shape: {_shape_text(layer, f'{end}_shape')}", "white") for end in _ENDS]
    if dtype:
        cells.append(("Output dtype: float32", "white"))
    if trainable and layer.built and layer.count_params():
        cells.append(("Trainable", _GREEN) if layer.trainable else ("Non-trainable", _RED))
    return Card(f"{layer.name} ({kind})" if names else kind, rows + ([cells] if cells else []))


def _grouped(model: Any, across: bool, backwards: bool, expand: bool, title: str, **shown: bool) -> Group:
    members = [
        _grouped(layer, across, backwards, expand, layer.name, **shown)
        if expand and getattr(layer, "layers", None)
        else _card(layer, **shown)
        for layer in model.layers
    ]
    return Group(title, members[::-1] if backwards else members, across)


def arranged(model: Any, rankdir: str, expand_nested: bool, **shown: bool) -> Group:
    """The cards of a model, in their places in a sheet that begins at (0, 0).

    Raises:
        TypeError: If `model` is no model.
        ValueError: If it has no layers, or `rankdir` is unknown.
    """
    if not hasattr(model, "layers"):
        raise TypeError(f"`model` must be a model such as Sequential, got {type(model).__name__}.")
    if rankdir not in _DIRECTIONS:
        raise ValueError(f'`rankdir` must be "TB", "BT", "LR" or "RL", got {rankdir!r}. Pass "TB" for top to bottom.')
    if not model.layers:
        raise ValueError(f"Model {model.name!r} has no layers to draw. Add some with model.add(layer).")
    sheet = _grouped(model, rankdir in ("LR", "RL"), rankdir in ("BT", "RL"), expand_nested, "", **shown)
    width, height = sheet.size
    sheet.place((width / 2, height / 2))
    return sheet


def draw(sheet: Group, ax: Axes, backwards: bool) -> Axes:
    """Draws the cards, frames and arrows; text is as large as fits, but not larger than it should be."""
    rectangle = require("matplotlib.patches", extra="plot", purpose="draw models").Rectangle
    width, height = sheet.size
    box, dpi = ax.get_window_extent(), ax.figure.dpi
    scale = min(1.0, box.width / dpi * 72 / width, box.height / dpi * 72 / height)
    ax.set(xlim=(0, width), ylim=(height, 0), aspect="equal")
    ax.set_axis_off()

    def panel(centre: tuple[float, float], size: tuple[float, float], color: str, layer: int) -> None:
        corner = centre[0] - size[0] / 2, centre[1] - size[1] / 2
        ax.add_patch(rectangle(corner, *size, facecolor=color, edgecolor=_EDGE, lw=scale, zorder=layer))

    def words(at: tuple[float, float], text: str, size: float, color: str, **more: Any) -> None:
        style: dict[str, Any] = {"ha": "center", "va": "center_baseline", "zorder": 4, **more}
        ax.text(*at, text, fontsize=size * scale, color=color, parse_math=False, **style)

    for group in sheet.groups():
        panel(group.at, group.size, _PANEL, 1)
        corner = group.at[0] - group.size[0] / 2 + _PADDING, group.at[1] - group.size[1] / 2 + _height(_TEXT) / 2
        words(corner, group.title, _TEXT, _DARK, ha="left")
    cards = list(sheet.leaves())
    for card in cards:
        (x, y), (wide, high) = card.at, card.size
        top = y - high / 2
        panel((x, top + _height(_TITLE) / 2), (wide, _height(_TITLE)), _DARK, 3)
        words((x, top + _height(_TITLE) / 2), card.title, _TITLE, "white", weight="bold")
        top += _height(_TITLE) + _height(_TEXT) / 2
        for row in card.rows:
            widths = _cell_widths(row)
            left, more = x - wide / 2, (wide - sum(widths)) / len(row)
            for (text, color), cell in zip(row, widths, strict=True):
                panel((left + (cell + more) / 2, top), (cell + more, _height(_TEXT)), color, 3)
                words((left + (cell + more) / 2, top), text, _TEXT, "black" if color == "white" else "white")
                left += cell + more
            top += _height(_TEXT)
    style = {"arrowstyle": "-|>", "color": _EDGE, "lw": 1.5 * scale, "mutation_scale": 12 * scale}
    for one, two in itertools.pairwise(cards):
        ends = _edge(one, two, sheet.across)
        start, end = ends[::-1] if backwards else ends
        ax.annotate("", end, start, arrowprops={**style, "shrinkA": 0, "shrinkB": 0}, zorder=2)
    return ax


def _edge(one: Card, two: Card, across: bool) -> tuple[tuple[float, float], tuple[float, float]]:
    """Where the facing sides of two cards have their middles."""
    if across:
        return (one.at[0] + one.size[0] / 2, one.at[1]), (two.at[0] - two.size[0] / 2, two.at[1])
    return (one.at[0], one.at[1] + one.size[1] / 2), (two.at[0], two.at[1] - two.size[1] / 2)


def plot_model(
    model: Any,
    to_file: str | os.PathLike[str] | None = "model.png",
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = False,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: float = 200,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
) -> Figure:
    """Draws the layers of a model into a file; needs matplotlib: ``pip install "lamella[plot]"``, not Graphviz.

    Args:
        model: A model; where it is not built its shapes are ``?``.
        to_file: Where to; the suffix says what: ``.png``, ``.svg``, ``.pdf``. None draws only.
        show_shapes: Whether to show the shapes of each layer's input and output.
        show_dtype: Whether to show the type of its output.
        show_layer_names: Whether to show its name beside its class.
        rankdir: ``"TB"`` from top to bottom, ``"BT"``, or ``"LR"`` from left to right, ``"RL"``.
        expand_nested: Whether to show the layers of models in the model, in a frame.
        dpi: Pixels per inch.
        show_layer_activations: Whether to show the activation, where a layer has one.
        show_trainable: Whether to show which layers with weights train.

    Returns:
        The figure, which pyplot knows nothing of; notebooks show it.

    Raises:
        ImportError: If matplotlib is not installed.
        TypeError: If `model` is no model, or `to_file` no path.
        ValueError: If it has no layers, or an argument is none of those above.
        OSError: If the file cannot be written; an old one is as it was.

    Example:
        >>> import lamella
        >>> model = lamella.Sequential([lamella.layers.Dense(8), lamella.layers.Dense(1)])
        >>> [text.get_text() for text in plot_model(model, to_file=None).axes[0].texts if text.get_text()]
        ['Dense', 'Dense']
    """
    shown = {
        "dtype": show_dtype,
        "names": show_layer_names,
        "shapes": show_shapes,
        "activations": show_layer_activations,
        "trainable": show_trainable,
    }
    sheet = arranged(model, rankdir, expand_nested, **shown)
    size = [length / 72 for length in sheet.size]
    dpi = real("plot_model", "dpi", dpi, least=1)
    figures = require("matplotlib.figure", extra="plot", purpose="draw models")
    figure: Figure = figures.Figure(figsize=size, dpi=dpi)
    if to_file is not None:
        target(figure, to_file)  # now, not after drawing
    draw(sheet, figure.add_axes((0, 0, 1, 1)), rankdir in ("BT", "RL"))
    if to_file is not None:
        save_figure(figure, to_file)
    return figure
