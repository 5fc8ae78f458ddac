"""The playground without a browser: how drawings are prepared, what the server answers, and whom."""

from __future__ import annotations

import http.client
import json
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import lamella
from lamella import _demo, _playground, cli, layers
from lamella._playground import Playground, prepared
from lamella.datasets import digits, mnist


@pytest.fixture(scope="module")
def model() -> lamella.Sequential:
    lamella.utils.set_random_seed(1)
    (x, y), _ = digits.load_data(num_train=6000, num_test=1)
    model = _demo.network()
    model.fit(_demo.pixels(x), lamella.utils.to_categorical(y, 10), epochs=3, batch_size=128, verbose=0)
    return model


@pytest.fixture
def server(model: lamella.Sequential) -> Iterator[Playground]:
    with Playground(model, "a network for tests") as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def asked(server: Playground, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[Any, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=30)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer, answer.read()
    finally:
        connection.close()


def drawn(image: Any, rows: slice, columns: slice) -> Any:
    """A digit of 28 x 28 drawn larger, somewhere on the paper."""
    ink = np.zeros((140, 140), np.uint8)
    height, width = rows.stop - rows.start, columns.stop - columns.start
    ink[rows, columns] = np.asarray(image)[np.ix_(np.arange(height) * 28 // height, np.arange(width) * 28 // width)]
    return ink


def test_drawings_are_prepared_as_mnist_prepared_its_digits(rng: np.random.Generator) -> None:
    (x, _), _ = digits.load_data(num_train=50, num_test=1)
    for image in x:
        small = prepared(drawn(image, slice(20, 104), slice(30, 114)))
        rows, columns = np.nonzero(small)
        sides = [int(np.ptp(each)) + 1 for each in (rows, columns)]
        assert max(sides) == 20 and min(sides) >= 1
        mass = small.astype(float)
        middle = [(mass.sum(axis=1 - axis) @ np.arange(28)) / mass.sum() for axis in (0, 1)]
        np.testing.assert_allclose(middle, 13.5, atol=1.01)


def test_where_and_how_large_a_drawing_is_does_not_matter() -> None:
    (x, _), _ = digits.load_data(num_train=1, num_test=1)
    first = prepared(drawn(x[0], slice(0, 84), slice(0, 84)))
    np.testing.assert_array_equal(prepared(drawn(x[0], slice(50, 134), slice(56, 140))), first)
    larger = prepared(drawn(x[0], slice(0, 140), slice(0, 140)))
    assert np.abs(larger.astype(float) - first).mean() < 6


@pytest.mark.parametrize("shape", [(140, 1), (1, 140), (1, 1), (140, 140), (3, 90)])
def test_odd_drawings_fit(shape: tuple[int, int]) -> None:
    ink = np.zeros((140, 140), np.uint8)
    ink[: shape[0], : shape[1]] = 200
    small = prepared(ink)
    assert small.shape == (28, 28) and small.max() == 200
    assert prepared(np.zeros((140, 140), np.uint8)).max() == 0


def test_server_predicts_what_the_model_predicts(server: Playground, model: lamella.Sequential) -> None:
    (x, y), _ = digits.load_data(num_train=120, num_test=1)
    right = 0
    for image, label in zip(x[100:], y[100:], strict=True):
        ink = drawn(image, slice(10, 122), slice(10, 122))
        answer, content = asked(server, "POST", "/predict", ink.tobytes())
        assert answer.status == 200
        told = json.loads(content)
        assert told["seen"] == prepared(ink).ravel().tolist()
        expected = model.predict(np.array(told["seen"], np.float32)[None] / 255, verbose=0)[0]
        np.testing.assert_allclose(told["probabilities"], expected, rtol=1e-6)
        assert told["microseconds"] > 0
        right += int(np.argmax(expected) == label)
    assert right >= 15


def test_page_and_its_parts_are_served_and_load_nothing_else(server: Playground) -> None:
    for path, kind in (("/", "text/html"), ("/playground.js", "text/javascript"), ("/playground.css", "text/css")):
        answer, content = asked(server, "GET", path)
        assert answer.status == 200 and answer.getheader("Content-Type").startswith(kind)
        assert "default-src 'none'" in answer.getheader("Content-Security-Policy")
        assert not re.search(rb"https?://|url\(|@import", content)
        for used in re.findall(rb'(?:src|href)="(/[^"]+)"|fetch\("(/\w+)"', content):
            name = next(filter(None, used)).decode()
            assert asked(server, "POST" if name == "/predict" else "GET", name)[0].status in (200, 400)
    assert json.loads(asked(server, "GET", "/about")[1]) == {"text": "a network for tests"}


def test_only_this_machine_is_served(server: Playground) -> None:
    assert server.server_address[0] == "127.0.0.1"
    port = server.server_address[1]
    for host in ("evil.example", f"evil.example:{port}", f"127.0.0.1:{port + 1}", ""):
        assert asked(server, "GET", "/", Host=host)[0].status == 403
    ink = bytes(140 * 140)
    assert asked(server, "POST", "/predict", ink, Origin="https://evil.example")[0].status == 403
    assert asked(server, "POST", "/predict", ink, Origin="null")[0].status == 403
    assert asked(server, "POST", "/predict", ink, Origin=f"http://127.0.0.1:{port}")[0].status == 200
    assert asked(server, "GET", "/", Host=f"localhost:{port}")[0].status == 200


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/etc/passwd", None, 404),
        ("GET", "/../cli.py", None, 404),
        ("GET", "/playground.html", None, 404),
        ("POST", "/", bytes(140 * 140), 404),
        ("POST", "/predict", b"", 400),
        ("POST", "/predict", bytes(140 * 140 + 1), 400),
        ("POST", "/predict", bytes(10_000_000), 400),
        ("PUT", "/predict", bytes(140 * 140), 501),
    ],
)
def test_what_is_no_drawing_is_refused(
    server: Playground, method: str, path: str, body: bytes | None, status: int
) -> None:
    try:
        assert asked(server, method, path, body)[0].status == status
    except (BrokenPipeError, ConnectionResetError):
        assert body is not None and len(body) > 1_000_000  # refused before it was all sent
    assert asked(server, "GET", "/")[0].status == 200


def test_many_ask_at_once(server: Playground) -> None:
    (x, _), _ = digits.load_data(num_train=8, num_test=1)
    inks = [drawn(image, slice(10, 122), slice(10, 122)).tobytes() for image in x]
    expected = [server.answer(ink)["probabilities"] for ink in inks]
    found: dict[int, list[Any]] = {}

    def ask(i: int) -> None:
        found[i] = [json.loads(asked(server, "POST", "/predict", inks[i])[1])["probabilities"] for _ in range(10)]

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(found[i] == [expected[i]] * 10 for i in range(8))


def test_models_of_other_shapes_are_refused_and_images_accepted() -> None:
    for wrong in (
        lamella.Sequential([lamella.Input((783,)), layers.Dense(10)]),
        lamella.Sequential([lamella.Input((784,)), layers.Dense(9)]),
        lamella.Sequential([layers.Dense(10)]),
    ):
        with pytest.raises(ValueError, match="28 x 28 numbers to 10 probabilities"):
            Playground(wrong, "")
    square = lamella.Sequential([lamella.Input((28, 28)), layers.Flatten(), layers.Dense(10, "softmax")])
    with Playground(square, "") as server:
        assert len(server.answer(bytes(140 * 140))["probabilities"]) == 10


LINGER = ("hh" if sys.platform == "win32" else "ii", 1, 0)


def with_outputs(activation: str | None) -> lamella.Sequential:
    model = lamella.Sequential([lamella.Input((784,)), layers.Dense(10, activation)])
    model.set_weights([np.ones((784, 10)) * np.linspace(-1, 1, 10), np.zeros(10)])
    return model


@pytest.mark.parametrize("activation", [None, "relu", "sigmoid", "tanh", "log_softmax"])
def test_outputs_that_are_no_probabilities_are_refused(activation: str | None) -> None:
    with pytest.raises(ValueError, match="a model that gives probabilities: not negative, together 1"):
        Playground(with_outputs(activation), "")


def test_command_refuses_a_model_without_softmax_in_one_line(
    tmp_path: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Playground, "serve_forever", lambda self: None)  # a model that is served fails, not hangs
    with_outputs(None).save(tmp_path / "m.safetensors")
    assert cli.main(["playground", "--model", str(tmp_path / "m.safetensors")]) == 1
    line = capsys.readouterr().err
    assert line.startswith("lamella: error: ") and line.count("\n") == 1 and "numbers from -784 to 784" in line


def test_browsers_that_leave_are_not_worth_a_word(server: Playground, capfd: pytest.CaptureFixture[str]) -> None:
    head = f"POST /predict HTTP/1.1\r\nHost: 127.0.0.1:{server.server_address[1]}\r\nContent-Length: 19600\r\n\r\n"
    handled = threading.Event()
    finish = server.shutdown_request

    def note(request: Any) -> None:
        finish(request)
        handled.set()

    server.shutdown_request = note  # type: ignore[method-assign]
    with socket.create_connection(server.server_address) as browser:
        browser.sendall(head.encode() + bytes(100))
        browser.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack(*LINGER))  # closes with a reset
    assert handled.wait(30)
    assert capfd.readouterr().err == ""
    assert asked(server, "GET", "/about")[0].status == 200


def test_mistakes_of_the_server_are_told(server: Playground, capfd: pytest.CaptureFixture[str]) -> None:
    server.about = object()  # type: ignore[assignment]
    with pytest.raises(http.client.HTTPException):
        asked(server, "GET", "/about")
    assert "TypeError" in capfd.readouterr().err


def test_port_in_use_is_said_in_one_line(
    server: Playground, tmp_path: Any, model: lamella.Sequential, capsys: pytest.CaptureFixture[str]
) -> None:
    model.save(tmp_path / "m.safetensors")
    port = str(server.server_address[1])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Playground, "allow_reuse_address", False)
        assert cli.main(["playground", "--model", str(tmp_path / "m.safetensors"), "--port", port]) == 1
    line = capsys.readouterr().err
    assert line.startswith("lamella: error: ") and line.count("\n") == 1 and port in line


def test_command_trains_serves_and_ends_quietly(tmp_path: Any) -> None:
    model = lamella.Sequential([lamella.Input((784,)), layers.Dense(10, "softmax")])
    model.save(tmp_path / "m.safetensors")
    line = [sys.executable, "-m", "lamella", "playground", "--model", "m.safetensors"]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path) as child:
        try:
            assert child.stdout is not None
            told = re.search(r"http://127\.0\.0\.1:(\d+)/ \(Ctrl-C ends it\)", child.stdout.readline())
            assert told
            connection = http.client.HTTPConnection("127.0.0.1", int(told[1]), timeout=30)
            connection.request("GET", "/about")
            assert json.loads(connection.getresponse().read())["text"] == "The model is m.safetensors."
            connection.close()
            child.send_signal(signal.SIGINT)
            assert child.communicate(timeout=60) == ("", "")
        finally:
            child.kill()
    assert child.returncode == 0


def test_command_trains_on_digits(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    sets = digits.load_data(num_train=2000, num_test=200)
    monkeypatch.setattr(mnist, "load_data", lambda *path: sets)

    def stop(server: Playground) -> None:
        assert server.about.startswith("A network of 784-512-10 units, trained on 2,000 images of MNIST; ")
        raise KeyboardInterrupt

    monkeypatch.setattr(_playground.Playground, "serve_forever", stop)
    assert cli.main(["playground", "--epochs", "2", "--seed", "1"]) == 0
    printed = capsys.readouterr()
    assert "draw digits at http://127.0.0.1:" in printed.out and printed.err == ""
