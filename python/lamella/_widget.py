"""The progress bar of a notebook, drawn by ipywidgets: ``pip install "lamella[progress]"``."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any


def in_notebook(stream: Any) -> bool:
    """Whether `stream` is the output of a notebook's cell.

    Example:
        >>> import io
        >>> in_notebook(io.StringIO())
        False
    """
    return type(stream).__module__.partition(".")[0] == "ipykernel"


def available() -> bool:
    """Whether ipywidgets is there to draw bars."""
    return importlib.util.find_spec("ipywidgets") is not None and importlib.util.find_spec("IPython") is not None


class Board:
    """A place in the cell that runs for a bar and a line of text; it is made by the first drawing.

    Attributes:
        title: What the line begins with.
        epochs_left: Bars that follow this one.
        epoch_seconds: How long each of them takes; None while that is not known.
    """

    def __init__(self) -> None:
        self.title = ""
        self.epochs_left = 0
        self.epoch_seconds: float | None = None
        self._box: Any = None

    def draw(self, current: int, target: int | None, text: str) -> None:
        """Shows `current` of `target` steps, an unknown number when None, and a line of text."""
        if self._box is None:
            widgets = importlib.import_module("ipywidgets")
            self._escape = importlib.import_module("html").escape
            self._display = importlib.import_module("IPython.display")
            self._bar = widgets.IntProgress(layout=widgets.Layout(width="16em", flex="0 0 auto"))
            self._text = widgets.HTML()
            self._box = widgets.HBox([self._bar, self._text])
            self._handle = self._display.display(self._box, display_id=True)
        self._bar.max = target or max(1, current)
        self._bar.value = current
        self._text.value = f"<code>{self._escape(text)}</code>"

    def close(self) -> None:
        """Takes the bar away; nothing of it stays in a saved notebook."""
        box, self._box = self._box, None
        if box is not None:
            box.close()
            self._handle.update(self._display.HTML(""))
