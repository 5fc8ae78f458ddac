"""What happens in notebooks: cells are run by a real kernel, and their outputs read."""

from __future__ import annotations

import re
from typing import Any

import pytest

pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")
import nbformat
from notebooks import EXAMPLE, execute

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Jupyter about itself

MODEL = """\
import numpy as np
import lamella
from lamella import layers
rng = np.random.default_rng(0)
x, y = rng.normal(size=(3000, 8)), rng.integers(0, 2, 3000)
model = lamella.Sequential([layers.Input((8,)), layers.Dense(16, "relu"), layers.Dense(1, "sigmoid")])
model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
"""
SLOW = """\
import time
class Slow(lamella.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        time.sleep(0.01)
"""


def run(*cells: str) -> list[list[Any]]:
    """Runs cells; returns the outputs of each."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    execute(notebook)
    return [cell.outputs for cell in notebook.cells]


def printed(outputs: list[Any]) -> str:
    return "".join(each.text for each in outputs if each.output_type == "stream")


def test_training_in_a_notebook_moves_a_widget_and_leaves_plain_lines() -> None:
    pytest.importorskip("ipywidgets")
    watch = """\
from lamella import _widget
shown, draw = [], _widget.Board.draw
def noting(board, current, target, text):
    draw(board, current, target, text)
    shown.append((current, target, text, board._bar.value, board._bar.max, board._text.value))
_widget.Board.draw = noting
"""
    fit = "history = model.fit(x, y, epochs=3, verbose={}, callbacks=[Slow()])"
    *_, trained, seen, silent, two = run(
        MODEL, SLOW, watch, fit.format(1), "print(shown)", fit.format(0), fit.format(2)
    )
    text = printed(trained)
    assert text.count("94/94 ━━━━━━━━━━━━━━━━━━━━") == 3 and "3 epochs - " in text and "samples/s" in text
    assert not any(code in text for code in "\x1b\r\b")
    drawn = eval(printed(seen))
    assert len(drawn) > 9
    for current, target, label, value, most, html in drawn:
        assert 0 < current <= target == 94 and (value, most) == (current, target) and label in html
    assert drawn[0][2].startswith("Epoch 1/3 - ") and drawn[-1][2].startswith("Epoch 3/3 - ")
    assert "left, " in drawn[0][2] and " in all - " in drawn[0][2] and " in all" not in drawn[-1][2]
    assert "accuracy: 0." in drawn[0][2] and " - loss: " in drawn[0][2]
    (display,) = [each for each in trained if each.output_type == "display_data"]
    assert display.data["text/html"] == ""  # the bar is gone when it is full
    assert silent == []
    assert printed(two).count(" - loss: ") == 3 and "━" not in printed(two)
    assert [each for each in two if each.output_type == "display_data"] == []


def test_notebook_without_ipywidgets_redraws_a_line() -> None:
    hide = "import sys; sys.modules['ipywidgets'] = None"
    *_, trained = run(hide, MODEL, SLOW, "model.fit(x, y, epochs=2, callbacks=[Slow()]); None")
    assert "94/94" in printed(trained) and "\r" in printed(trained)
    assert [each for each in trained if each.output_type != "stream"] == []


# ------------------------------------------------------------------ examples/first_network.ipynb

FEW = """\
from lamella.datasets import digits, mnist
mnist.load_data = lambda: digits.load_data(num_train=4000, num_test=500)
"""


def outputs(notebook: Any, mime: str) -> list[str]:
    return [
        each["data"][mime]
        for cell in notebook.cells
        for each in cell.get("outputs", ())
        if mime in each.get("data", {})
    ]


def accuracy(notebook: Any) -> float:
    text = "".join(printed(cell.outputs) for cell in notebook.cells if cell.cell_type == "code")
    (found,) = re.findall(r"^test accuracy: (0\.\d+)$", text, re.M)
    return float(found)


def test_the_notebook_of_the_book_runs() -> None:
    for module in ("matplotlib", "ipywidgets"):
        pytest.importorskip(module)
    notebook = nbformat.read(EXAMPLE, as_version=4)
    execute(notebook, FEW)
    assert accuracy(notebook) > 0.8
    assert len(outputs(notebook, "image/png")) == 4
    shown = [html for html in outputs(notebook, "text/html") if html]
    assert len(shown) == 2 and "Sequential" in shown[0] and "<polyline" in shown[1]
    assert outputs(notebook, "text/plain")[-1] == "True"


def test_the_notebook_is_committed_as_it_ran() -> None:
    notebook = nbformat.read(EXAMPLE, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == [*range(1, len(code) + 1)]
    assert 0.97 < accuracy(notebook) < 0.99  # of MNIST itself
    assert len(outputs(notebook, "image/png")) == 4 and "<polyline" in "".join(outputs(notebook, "text/html"))
    text = EXAMPLE.read_text(encoding="utf-8")
    assert not re.search(r"/home/|/tmp/|/root|[A-Z]:\\\\|Traceback|Warning|\\u001b", text)
    assert len(text) < 400_000
