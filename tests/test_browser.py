"""The pages in a real browser: Chromium without a window, a mouse that draws. `nox -s browser` runs these."""

from __future__ import annotations

import math
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import lamella
from lamella import _demo, cli
from lamella._playground import Playground
from lamella.datasets import DatasetNotFoundError, digits, mnist

pytestmark = pytest.mark.browser
Points = list[tuple[float, float]]


def curve(x: float, y: float, width: float, height: float, first: float, last: float) -> Points:
    """A part of an ellipse, in degrees from the right and downwards."""
    angles = [math.radians(first + (last - first) * i / 30) for i in range(31)]
    return [(x + width * math.cos(a), y + height * math.sin(a)) for a in angles]


# What a person does with a mouse on a paper of 280 x 280.
DRAWN: dict[int, list[Points]] = {
    0: [curve(140, 140, 60, 90, -90, 270)],
    1: [[(140, 40), (140, 240)]],
    2: [[*curve(140, 100, 60, 55, -170, 40), (80, 230), (210, 230)]],
    3: [[*curve(130, 95, 55, 48, -150, 90), *curve(130, 190, 62, 48, -90, 150)]],
    4: [[(110, 45), (80, 150), (200, 150)], [(175, 50), (170, 245)]],
    7: [[(75, 60), (205, 60), (125, 240)]],
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """The system's Chromium, else that of `playwright install chromium`."""
    sync_api = pytest.importorskip("playwright.sync_api")
    own = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    root = hasattr(os, "geteuid") and os.geteuid() == 0  # Chromium's sandbox refuses to run for root
    with sync_api.sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=own, args=["--no-sandbox"] if root else [])
        yield found
        found.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A page that fails the test if a script fails, something is missing or anything else is loaded."""
    troubles: list[str] = []
    with browser.new_context(viewport={"width": 900, "height": 700}) as context:
        page = context.new_page()
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("console", lambda message: troubles.append(message.text) if message.type != "log" else None)
        page.on("requestfailed", lambda request: troubles.append(request.url))
        page.on("request", lambda request: None if _local(request.url) else troubles.append(request.url))
        yield page
    assert troubles == []


def _local(url: str) -> bool:
    return url.startswith(("http://127.0.0.1:", "file:", "data:"))


@pytest.fixture(scope="module")
def server() -> Iterator[Playground]:
    lamella.utils.set_random_seed(1)
    try:
        (x, y), (x_test, y_test) = mnist.load_data()
    except DatasetNotFoundError:
        (x, y), (x_test, y_test) = digits.load_data(num_train=20_000, num_test=500)
    model, about = _demo.trained(_demo.Digits("digits", x, y, x_test, y_test), epochs=5, seed=1)
    with Playground(model, about) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def draw(page: Any, strokes: list[Points]) -> None:
    box = page.locator("#paper").bounding_box()
    for stroke in strokes:
        for i, (x, y) in enumerate(stroke):
            page.mouse.move(box["x"] + x, box["y"] + y, steps=6 if i else 1)
            if not i:
                page.mouse.down()
        page.mouse.up()
    answered(page)


def answered(page: Any) -> None:
    """Waits until the probabilities are those of all ink."""
    page.locator("#bars[aria-busy=false]").wait_for(state="attached")


def probabilities(page: Any) -> list[float]:
    found: list[float] = page.locator("meter").evaluate_all("all => all.map(each => each.value)")
    assert len(found) == 10
    return found


@pytest.mark.parametrize("digit", DRAWN)
def test_a_drawn_digit_is_recognised(page: Any, server: Playground, digit: int) -> None:
    page.goto(server.url)
    draw(page, DRAWN[digit])
    found = probabilities(page)
    assert sum(found) == pytest.approx(1, abs=1e-3)
    assert found.index(max(found)) == digit, found
    assert page.locator("#best").inner_text() == str(digit)
    assert page.locator("tr.best th").inner_text() == str(digit)
    assert "µs" in page.locator("#time").inner_text()
    if folder := os.environ.get("LAMELLA_SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"playground-{digit}.png")


def test_probabilities_change_while_one_draws(page: Any, server: Playground) -> None:
    page.goto(server.url)
    box, seen = page.locator("#paper").bounding_box(), []
    (stroke,) = DRAWN[0]
    page.mouse.move(box["x"] + stroke[0][0], box["y"] + stroke[0][1])
    page.mouse.down()
    for x, y in stroke[1:]:
        page.mouse.move(box["x"] + x, box["y"] + y, steps=2)
        answered(page)
        seen.append(tuple(probabilities(page)))  # the button is still down
    page.mouse.up()
    assert len(set(seen)) > 15
    assert max(each[0] for each in seen[:5]) < 0.5 < seen[-1][0]


def test_clear_and_undo_take_ink_away(page: Any, server: Playground) -> None:
    page.goto(server.url)
    draw(page, DRAWN[4][:1])
    half = probabilities(page)
    draw(page, DRAWN[4][1:])
    assert probabilities(page) != half
    page.keyboard.press("Control+z")
    answered(page)
    assert probabilities(page) == half
    page.locator("#clear").click()
    answered(page)
    assert probabilities(page) == [0] * 10 and page.locator("#best").inner_text() == "?"
    draw(page, DRAWN[1])
    assert page.locator("#best").inner_text() == "1"
    page.keyboard.press("Escape")
    assert page.locator("#best").inner_text() == "?"


def test_page_says_what_the_network_is_and_sees(page: Any, server: Playground) -> None:
    page.goto(server.url)
    page.locator("#about:not(:empty)").wait_for()
    assert "784-512-10" in page.locator("#about").inner_text()
    draw(page, DRAWN[1])
    ink = page.evaluate("[...seen.getImageData(0, 0, 28, 28).data].filter((_, i) => i % 4 === 0)")
    columns = {i % 28 for i, value in enumerate(ink) if value > 100}
    rows = {i // 28 for i, value in enumerate(ink) if value > 100}
    assert len(rows) == 20 and len(columns) <= 4


def test_report_is_shown_without_loading_anything(page: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = digits.load_data(num_train=1000, num_test=200)
    monkeypatch.setattr(mnist, "load_data", lambda *path: drawn)
    assert cli.main(["mnist", "--epochs", "2", "--report", str(tmp_path / "r.html")]) == 0
    page.goto((tmp_path / "r.html").as_uri())
    assert page.locator("h2").all_inner_texts() == [
        "Training",
        "Confusion",
        "Worst mistakes",
        "Model",
        "Speed",
        "Machine",
    ]
    sizes = page.locator(".worst img").evaluate_all("all => all.map(each => [each.naturalWidth, each.naturalHeight])")
    assert sizes and all(size == [28, 28] for size in sizes)
    assert page.locator("polyline").count() == 2
