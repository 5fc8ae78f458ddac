"""What ``lamella playground`` serves: a page on this machine where one draws digits, and their probabilities."""

from __future__ import annotations

import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

_SIDE = 140  # pixels of what the page sends, in both directions
_PIXELS = 28 * 28
_PAGES = Path(__file__).parent / "_pages"
_FILES = {
    "/": ("playground.html", "text/html; charset=utf-8"),
    "/playground.js": ("playground.js", "text/javascript; charset=utf-8"),
    "/playground.css": ("playground.css", "text/css; charset=utf-8"),
}
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def prepared(ink: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """A drawing as MNIST has its digits: its longer side 20 pixels, its centre of mass in the middle of 28 x 28.

    Args:
        ink: 0 where there is none, up to 255.

    Shapes:
        ink (height, width), result (28, 28)

    Source:
        Y. LeCun, C. Cortes, C. J. C. Burges, The MNIST database of handwritten digits, 1998.

    Example:
        >>> ink = np.zeros((140, 140), np.uint8)
        >>> ink[10:50, 100:104] = 255
        >>> rows, columns = np.nonzero(prepared(ink))
        >>> [int(each) for each in (rows.min(), rows.max(), columns.min(), columns.max())]
        [4, 23, 13, 14]
    """
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    result = np.zeros((28, 28), np.uint8)
    if not len(rows):
        return result
    box = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].astype(np.float64)
    scale = 20 / max(box.shape)
    height, width = (max(1, round(length * scale)) for length in box.shape)
    small = _averages(box.shape[0], height) @ box @ _averages(box.shape[1], width).T
    total = small.sum()
    middle = (small.sum(axis=1) @ np.arange(height) / total, small.sum(axis=0) @ np.arange(width) / total)
    top, left = (int(np.clip(round(13.5 - at), 0, 28 - length)) for at, length in zip(middle, small.shape, strict=True))
    result[top : top + height, left : left + width] = np.rint(small)
    return result


def _averages(length: int, count: int) -> npt.NDArray[np.float64]:
    """The matrix that replaces `length` pixels by `count` averages over equal parts of them."""
    edges = np.linspace(0, length, count + 1)
    starts = np.arange(length)
    shares = np.minimum(edges[1:, None], starts + 1) - np.maximum(edges[:-1, None], starts)
    found: npt.NDArray[np.float64] = np.maximum(shares, 0) / (length / count)
    return found


def _samples(shape: tuple[int | None, ...]) -> npt.NDArray[np.float32]:
    """Images to try a model with: white, black, and one that grows darker."""
    grey = np.linspace(0, 1, _PIXELS)
    return np.stack([0 * grey, 0 * grey + 1, grey]).astype(np.float32).reshape(3, *shape[1:])


class Playground(ThreadingHTTPServer):
    """Serves the page at `url`, to programs on this machine only.

    Args:
        model: Takes 784 numbers from 0 to 1 a sample, in whatever shape, and gives 10 probabilities.
        about: What the page says of it.
        port: 0 takes one that is free.

    Raises:
        ValueError: If the model takes or gives something else, such as outputs that are no probabilities.
        OSError: If the port is in use.

    Example:
        >>> import lamella
        >>> model = lamella.Sequential([lamella.Input((784,)), lamella.layers.Dense(10, "softmax")])
        >>> with Playground(model, "untrained") as server:
        ...     server.url.startswith("http://127.0.0.1:")
        True
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, model: Any, about: str, port: int = 0) -> None:
        given, gives = (model.input_shape, model.output_shape) if model.built else ((), ())
        if np.prod(given[1:]) != _PIXELS or gives != (None, 10):
            raise ValueError(
                "The playground needs a model from 28 x 28 numbers to 10 probabilities, "
                f"got one from {given} to {gives}."
            )
        outputs = model.predict(_samples(given), verbose=0)
        if not (np.all(outputs >= 0) and np.allclose(outputs.sum(axis=1), 1, atol=1e-3)):
            raise ValueError(
                "The playground needs a model that gives probabilities: not negative, together 1. For three images "
                f"this one gives numbers from {outputs.min():.3g} to {outputs.max():.3g} that add up to "
                f"{', '.join(f'{total:.3g}' for total in outputs.sum(axis=1))}. End it with softmax: "
                'model.add(lamella.layers.Activation("softmax")).'
            )
        self.model, self.about = model, about
        try:
            super().__init__(("127.0.0.1", port), _Handler)
        except OSError as error:
            raise OSError(f"Port {port} cannot be had ({error.strerror}); choose another, or 0 for any.") from error
        self.url = f"http://127.0.0.1:{self.server_address[1]}/"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says nothing of browsers that leave in the middle of a request; tells of all else."""
        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)

    def answer(self, ink: bytes) -> dict[str, Any]:
        """Probabilities of a drawing, what the network saw of it, and how long that took."""
        pixels = prepared(np.frombuffer(ink, np.uint8).reshape(_SIDE, _SIDE))
        x = (pixels / np.float32(255)).astype(np.float32).reshape(1, *self.model.input_shape[1:])
        begin = time.perf_counter()
        probabilities = self.model.predict(x, verbose=0)[0]
        seconds = time.perf_counter() - begin
        return {"probabilities": probabilities.tolist(), "seen": pixels.ravel().tolist(), "microseconds": 1e6 * seconds}


class _Handler(BaseHTTPRequestHandler):
    server: Playground
    protocol_version = "HTTP/1.1"
    timeout = 60  # seconds that a silent connection stays open
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        if not self._is_from_here():
            return
        if self.path == "/about":
            self._send(200, "application/json", json.dumps({"text": self.server.about}).encode())
        elif self.path in _FILES:
            name, kind = _FILES[self.path]
            self._send(200, kind, (_PAGES / name).read_bytes())
        else:
            self._send(404, "text/plain", b"there is nothing here")

    def do_POST(self) -> None:
        if not self._is_from_here():
            return
        if self.path != "/predict":
            self._refuse(404, "there is nothing here")
        elif self.headers.get("Content-Length") != str(_SIDE * _SIDE):
            self._refuse(400, f"a drawing has {_SIDE} x {_SIDE} bytes")
        else:
            ink = self.rfile.read(_SIDE * _SIDE)
            if len(ink) == _SIDE * _SIDE:
                self._send(200, "application/json", json.dumps(self.server.answer(ink)).encode())

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing: a line for each movement of the mouse helps nobody."""

    def _is_from_here(self) -> bool:
        """Whether the page itself asks. Other sites could, through the browser, by a name that leads here."""
        port = self.server.server_address[1]
        hosts = {f"{name}:{port}" for name in ("127.0.0.1", "localhost")}
        origin = self.headers.get("Origin")
        if self.headers.get("Host") in hosts and (origin is None or origin.removeprefix("http://") in hosts):
            return True
        self._refuse(403, "this page is for programs on this machine")
        return False

    def _refuse(self, code: int, message: str) -> None:
        self.close_connection = True  # what else was sent is not read
        self._send(code, "text/plain", message.encode())

    def _send(self, code: int, kind: str, content: bytes) -> None:
        self.send_response(code)
        for name, value in {**_HEADERS, "Content-Type": kind, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content)
