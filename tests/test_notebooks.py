"""What happens in notebooks: cells are run by a real kernel, and their outputs read."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")

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


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a kernel that runs this Python."""
    folder = tmp_path / "kernels" / "here"
    folder.mkdir(parents=True)
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    text = json.dumps({"argv": argv, "display_name": "here", "language": "python"})
    (folder / "kernel.json").write_text(text, encoding="utf-8")
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    return "here"


def run(kernel: str, *cells: str) -> list[list[Any]]:
    """Runs cells; returns the outputs of each."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbclient.NotebookClient(notebook, timeout=120, kernel_name=kernel).execute()
    return [cell.outputs for cell in notebook.cells]


def printed(outputs: list[Any]) -> str:
    return "".join(each.text for each in outputs if each.output_type == "stream")


def test_training_in_a_notebook_moves_a_widget_and_leaves_plain_lines(kernel: str) -> None:
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
        kernel, MODEL, SLOW, watch, fit.format(1), "print(shown)", fit.format(0), fit.format(2)
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
    assert "accuracy: 0." in drawn[0][2] and "loss: 0." in drawn[0][2]
    (display,) = [each for each in trained if each.output_type == "display_data"]
    assert display.data["text/html"] == ""  # the bar is gone when it is full
    assert silent == []
    assert printed(two).count(" - loss: ") == 3 and "━" not in printed(two)
    assert [each for each in two if each.output_type == "display_data"] == []


def test_notebook_without_ipywidgets_redraws_a_line(kernel: str) -> None:
    hide = "import sys; sys.modules['ipywidgets'] = None"
    *_, trained = run(kernel, hide, MODEL, SLOW, "model.fit(x, y, epochs=2, callbacks=[Slow()]); None")
    assert "94/94" in printed(trained) and "\r" in printed(trained)
    assert [each for each in trained if each.output_type != "stream"] == []
