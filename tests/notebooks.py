"""Cells run by a real kernel. `python tests/notebooks.py` writes the outputs of examples/first_network.ipynb anew."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

import nbclient
import nbformat

EXAMPLE = Path(__file__).parents[1] / "examples" / "first_network.ipynb"
_SMALL = "import matplotlib\nmatplotlib.rcParams['figure.dpi'] = 72"  # and so is the file


def execute(notebook: nbformat.NotebookNode, setup: str = "") -> None:
    """Runs a notebook with this Python, whatever kernels are installed.

    Args:
        notebook: It gets the outputs.
        setup: A program that runs first and leaves no trace.

    Raises:
        nbclient.exceptions.CellExecutionError: If a cell fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        spec = Path(folder) / "kernels" / "this-python" / "kernel.json"
        spec.parent.mkdir(parents=True)
        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        spec.write_text(json.dumps({"argv": argv, "display_name": "", "language": "python"}), encoding="utf-8")
        before = dict(os.environ)
        os.environ.update(JUPYTER_PATH=folder, IPYTHONDIR=folder, JUPYTER_PLATFORM_DIRS="1")
        os.environ.pop("MPLBACKEND", None)  # the kernel chooses
        notebook.cells.insert(0, nbformat.v4.new_code_cell(setup))
        try:
            nbclient.NotebookClient(notebook, timeout=300, kernel_name="this-python", record_timing=False).execute()
        finally:
            del notebook.cells[0]
            os.environ.clear()
            os.environ.update(before)
    for count, cell in enumerate((cell for cell in notebook.cells if cell.cell_type == "code"), start=1):
        cell.execution_count = count
        for output in cell.outputs:
            if "execution_count" in output:
                output["execution_count"] = count


def main() -> None:
    """Runs the example and writes it."""
    notebook = nbformat.read(EXAMPLE, as_version=4)
    execute(notebook, _SMALL)
    notebook.metadata.pop("widgets", None)  # closed by then
    nbformat.write(notebook, EXAMPLE)


if __name__ == "__main__":
    main()
