"""Pictures of training and of what came out; needs matplotlib: ``pip install "lamella[plot]"``.

Example:
    >>> from matplotlib.figure import Figure
    >>> plot_confusion([0, 1, 1], [0, 1, 0], ax=Figure().subplots()).get_xlabel()
    'predicted'
"""

from __future__ import annotations

from .._public import publish
from ._base import require_matplotlib as require_matplotlib
from ._confusion import plot_confusion
from ._figures import table_figure, training_figure
from ._history import plot_history
from ._images import plot_images
from ._model import plot_model
from ._predictions import plot_predictions
from ._weights import plot_weights

__all__ = [
    "plot_confusion",
    "plot_history",
    "plot_images",
    "plot_model",
    "plot_predictions",
    "plot_weights",
    "table_figure",
    "training_figure",
]

publish(globals())
