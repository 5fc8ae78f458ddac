"""The page that ``lamella mnist --report`` writes: one file, which loads nothing."""

from __future__ import annotations

import base64
import struct
import time
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ._atomic import write_atomic
from ._machine import facts
from ._markup import curves, table, text

if TYPE_CHECKING:
    from ._demo import Digits

_WORST = 48  # images
_STYLE = """
:root { color-scheme: light dark }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1.2rem }
h1 { font-size: 1.7rem; margin-bottom: 0 } h2 { font-size: 1.15rem; margin: 2.2rem 0 .4rem }
.figures { display: flex; gap: 2.5rem; flex-wrap: wrap; margin: 1rem 0 }
.figures b { display: block; font-size: 2rem; line-height: 1.2 }
.row { display: flex; gap: 2rem; flex-wrap: wrap }
td, th { border-bottom: 1px solid #8883; font-variant-numeric: tabular-nums }
.confusion td { min-width: 2.2em; text-align: center; border: 1px solid #8882; padding: .25em }
.confusion th { padding: .25em .5em; border: 0 }
.worst { display: flex; flex-wrap: wrap; gap: .9rem }
.worst figure { margin: 0; text-align: center } .worst figcaption { font-size: .85em; line-height: 1.3 }
.worst img { width: 56px; image-rendering: pixelated; background: #fff; border: 2px solid #d6304a }
footer { margin-top: 3rem; color: #888 }
"""


def png(image: npt.NDArray[np.uint8]) -> bytes:
    """A grey image as a PNG file.

    Shapes:
        image (height, width)

    Example:
        >>> png(np.zeros((2, 3), np.uint8))[1:4]
        b'PNG'
    """

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    height, width = image.shape
    lines = b"".join(b"\0" + row.tobytes() for row in image)
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")


def confusion(labels: npt.NDArray[np.integer[Any]], guesses: npt.NDArray[np.integer[Any]]) -> str:
    """Counts by true class (rows) and predicted class (columns); mistakes are the redder the more frequent they are.

    Example:
        >>> confusion(np.array([0, 1]), np.array([0, 0])).count("<td")
        4
    """
    count = int(max(labels.max(), guesses.max())) + 1
    matrix = np.zeros((count, count), np.int64)
    np.add.at(matrix, (labels, guesses), 1)
    worst = max(1, int((matrix - np.diag(np.diag(matrix))).max()))
    lines = [f"<tr><th></th>{''.join(f'<th>{i}</th>' for i in range(count))}</tr>"]
    for i, row in enumerate(matrix.tolist()):
        cells = []
        for j, value in enumerate(row):
            colour = "46,145,80,.35" if i == j else f"214,48,74,{0.75 * value / worst:.3f}"
            shown = f"{value:,}" if value else ""
            cells.append(f'<td style="background:rgba({colour})" title="{i} taken for {j}">{shown}</td>')
        lines.append(f"<tr><th>{i}</th>{''.join(cells)}</tr>")
    return f'<table class="confusion"><caption>row: what it is, column: taken for</caption>{"".join(lines)}</table>'


def worst(data: Digits, probabilities: npt.NDArray[np.float32]) -> str:
    """The mistakes that the network was surest of, as images."""
    guesses = probabilities.argmax(axis=1)
    sure = probabilities.max(axis=1)
    wrong = np.flatnonzero(guesses != data.y_test)
    chosen = wrong[np.argsort(-sure[wrong], kind="stable")][:_WORST]
    figures = []
    for i in chosen:
        source = base64.b64encode(png(255 - data.x_test[i])).decode("ascii")
        label = f"{guesses[i]}, but is {data.y_test[i]}"
        caption = f"<b>{label}</b><br>{sure[i]:.1%} sure"
        figures.append(
            f'<figure><img alt="taken for {label}" src="data:image/png;base64,{source}">'
            f"<figcaption>{caption}</figcaption></figure>"
        )
    return f'<div class="worst">{"".join(figures)}</div>' if figures else "<p>There are none.</p>"


def page(
    data: Digits, model: Any, history: Any, tested: dict[str, float], probabilities: Any, speed: dict[str, str]
) -> str:
    """The report as HTML.

    Args:
        data: Images and labels.
        model: What was trained.
        history: What fit() returned.
        tested: What evaluate() returned with ``return_dict=True``.
        probabilities: What the model predicts for the test images.
        speed: What was measured, by name.
    """
    wrong = int((probabilities.argmax(axis=1) != data.y_test).sum())
    figures = {
        "test accuracy": f"{tested['accuracy']:.4f}",
        "test loss": f"{tested['loss']:.4f}",
        f"of {len(data.y_test):,} test images are wrong": f"{wrong:,}",
        "training images": f"{len(data.y_train):,}",
    }
    drawn = "".join(curves(history.history, metric, history.epoch) for metric in ("loss", "accuracy"))
    parts = {
        "Training": f'<div class="row">{drawn}</div>',
        "Confusion": confusion(data.y_test.astype(np.int64), probabilities.argmax(axis=1)),
        "Worst mistakes": worst(data, probabilities),
        "Model": model._repr_html_(),
        "Speed": table(["", ""], speed.items()),
        "Machine": table(["", ""], facts().items()),
    }
    title = f"lamella: {data.name}"
    body = "".join(f"<section><h2>{name}</h2>{content}</section>" for name, content in parts.items())
    shown = "".join(f"<div><b>{value}</b>{text(name)}</div>" for name, value in figures.items())
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:; '
        "style-src 'unsafe-inline'\">"
        f'<meta name="viewport" content="width=device-width"><title>{text(title)}</title><style>{_STYLE}</style></head>'
        f'<body><h1>{text(title)}</h1><div class="figures">{shown}</div>{body}'
        f"<footer>Written by lamella mnist --report on {time.strftime('%Y-%m-%d')}.</footer></body></html>\n"
    )


def measured(model: Any, x: npt.NDArray[np.float32], rows: int, epochs: int, seconds: float) -> dict[str, str]:
    """Speed of the training that took `seconds`, and of predictions.

    Args:
        model: What was trained.
        x: Test inputs.
        rows, epochs: Of the training.
        seconds: How long it took.
    """
    begin = time.perf_counter()
    model.predict(x, verbose=0)
    whole, single = time.perf_counter() - begin, []
    for _ in range(201):
        begin = time.perf_counter()
        model.predict(x[:1], verbose=0)
        single.append(time.perf_counter() - begin)
    return {
        "training": f"{epochs} epochs in {seconds:.2f} s",
        "an epoch": f"{seconds / epochs:.3f} s",
        "training, images a second": f"{rows * epochs / seconds:,.0f}",
        "prediction, images a second": f"{len(x) / whole:,.0f}",
        "prediction of one image": f"{1e6 * float(np.median(single)):.1f} µs",
    }


def write(path: Path, html: str) -> None:
    """Writes the page: all of it, or the old file stays."""
    write_atomic(path, html.encode("utf-8"))
