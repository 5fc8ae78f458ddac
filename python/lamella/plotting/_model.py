"""A model as cards with arrows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..utils import diagram
from ._base import axes_for

if TYPE_CHECKING:
    from matplotlib.axes import Axes


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
        TypeError: If `model` is no model, or `ax` is not axes.
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
    drawn_on = axes_for(ax, "draw models", figsize=[length / 72 for length in sheet.size])
    return diagram.draw(sheet, drawn_on, backwards=rankdir in ("BT", "RL"))
