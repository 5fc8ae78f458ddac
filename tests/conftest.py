"""What tests start from: the same seed, fresh names, OpenMP's own number of threads; empty caches and a server."""

from __future__ import annotations

import functools
import http.server
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stand_ins import publish_mnist, put

import lamella
from lamella import _fetch
from lamella.datasets import mnist

SEED = 20240607

# These are about fork, signals and limits of POSIX from their first line on.
collect_ignore = [] if os.name == "posix" else ["test_kills.py", "test_saving.py", "test_sparse.py"]

# A shell's background jobs ignore SIGINT, and so would all that they start: tests of Ctrl-C would wait for ever.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def rng() -> np.random.Generator:
    """The source of all random data of a test; the same numbers in every run."""
    return np.random.default_rng(SEED)


@pytest.fixture(autouse=True)
def clean_state() -> Iterator[None]:
    """No test sees seeds, names or threads of another."""
    lamella.utils.set_random_seed(SEED)
    lamella.backend.clear_session()
    yield
    lamella.set_num_threads(0)


@pytest.fixture
def places(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Empty places for data sets in a folder of their own, which is returned; no network."""
    for name, folder in {"LAMELLA_DATA": "data", "KERAS_HOME": "keras", "LAMELLA_HOME": "ours"}.items():
        monkeypatch.setenv(name, str(tmp_path / folder))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(_fetch.tempfile, "gettempdir", lambda: str(tmp_path / "temp"))
    monkeypatch.setattr(_fetch, "BASE_URL", "https://127.0.0.1:9/")
    return tmp_path


@pytest.fixture
def files(places: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Tiny files that count as MNIST."""
    monkeypatch.setattr(mnist, "_NPZ_URLS", ["https://127.0.0.1:9/mnist.npz"])
    monkeypatch.setattr(mnist, "_IDX_BASES", ["https://127.0.0.1:9/"])
    return publish_mnist(monkeypatch)


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves a folder; what is asked for under /moved/ or /insecure/ is said to be elsewhere, under /short/ cut off."""

    def do_GET(self) -> None:
        if self.path.startswith("/moved/"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/moved"))
            self.end_headers()
        elif self.path.startswith("/insecure/"):
            self.send_response(302)
            self.send_header("Location", "ftp://127.0.0.1/file")
            self.end_headers()
        elif self.path.startswith("/short/"):
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b"cut off")
        else:
            super().do_GET()

    def log_message(self, *_: Any) -> None:
        self.server.requested.append(self.path)  # type: ignore[attr-defined]


@pytest.fixture
def server(places: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A web server on this machine in place of Keras' one; its `folder` is what it serves."""
    pytest.importorskip("pooch")
    folder = put(places / "served", {})
    server: Any = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(folder)))
    server.folder, server.requested = folder, []
    server.handle_error = lambda *_: None  # clients that hang up are part of the tests
    server.url = f"http://127.0.0.1:{server.server_port}/"
    monkeypatch.setattr(_fetch, "_SCHEMES", ("http://",))
    monkeypatch.setattr(_fetch, "BASE_URL", server.url)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def mnist_server(server: Any, files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> Any:
    """The same for MNIST."""
    monkeypatch.setattr(mnist, "_NPZ_URLS", [server.url + "mnist.npz"])
    monkeypatch.setattr(mnist, "_IDX_BASES", [server.url + "broken/", server.url])
    return server
