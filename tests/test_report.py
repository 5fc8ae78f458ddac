"""The page of `lamella mnist --report`: what stands on it, that it is whole, and that it loads nothing."""

from __future__ import annotations

import base64
import html.parser
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lamella
from lamella import _demo, _report, cli
from lamella.datasets import digits, mnist

_OPEN_ENDED = {"meta", "img", "br"}


class Page(html.parser.HTMLParser):
    """Tags in order, texts by tag; complains about tags that are not closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.texts: dict[str, list[str]] = {}
        self._open: list[str] = []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in _OPEN_ENDED:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open:
            self.texts.setdefault(self._open[-1], []).append(data)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Any:
    drawn = digits.load_data(num_train=1000, num_test=200)
    monkeypatch.setattr(mnist, "load_data", lambda *path: drawn)
    return drawn


def report(folder: Path, *words: str) -> str:
    assert cli.main(["mnist", "--epochs", "2", "--seed", "1", "--report", str(folder / "r.html"), *words]) == 0
    return (folder / "r.html").read_text(encoding="utf-8")


def test_report_is_one_page_that_loads_nothing(small: Any, tmp_path: Path) -> None:
    text = report(tmp_path)
    page = Page(text)
    assert [path.name for path in tmp_path.iterdir()] == ["r.html"]
    assert page.texts["h2"] == ["Training", "Confusion", "Worst mistakes", "Model", "Speed", "Machine"]
    for tag, attributes in page.tags:
        assert tag not in ("script", "link", "iframe", "object")
        for name in ("src", "href", "action", "srcset", "data"):
            assert attributes.get(name, "data:").startswith("data:")
    assert "url(" not in text and "@import" not in text
    assert "default-src 'none'" in next(a["content"] for t, a in page.tags if t == "meta" and "http-equiv" in a)


def test_report_says_what_the_command_prints(small: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = Page(report(tmp_path))
    printed = capsys.readouterr().out
    accuracy = re.search(r"test accuracy (\S+)", printed)
    assert accuracy and accuracy[1] == page.texts["b"][0]
    assert f"wrote {tmp_path / 'r.html'}\n" in printed
    wrong = int(page.texts["b"][2])
    assert wrong == 200 - round(200 * float(accuracy[1]))
    counts = [int(each.replace(",", "")) for each in page.texts["td"][: page.texts["td"].index("dense (Dense)")]]
    assert sum(counts) == 200
    assert len([tag for tag, _ in page.tags if tag == "figure"]) == min(48, wrong) > 0
    assert lamella.__version__ in page.texts["td"] and "dense_1 (Dense)" in page.texts["td"]
    assert len([tag for tag, _ in page.tags if tag == "polyline"]) == 2


def test_worst_mistakes_are_those_it_was_surest_of() -> None:
    images = np.arange(5 * 4, dtype=np.uint8).reshape(5, 2, 2) * 10
    data = _demo.Digits("digits", images, np.zeros(5), images, np.array([0, 1, 0, 1, 0]))
    chances = np.array([[0.1, 0.9], [0.6, 0.4], [0.7, 0.3], [0.2, 0.8], [0.2, 0.8]], np.float32)
    html_text = _report.worst(data, chances)
    assert re.findall(r"<b>(.+?)</b><br>(.+?) sure", html_text) == [
        ("1, but is 0", "90.0%"),
        ("1, but is 0", "80.0%"),
        ("0, but is 1", "60.0%"),
    ]
    assert _report.worst(data._replace(y_test=chances.argmax(axis=1)), chances) == "<p>There are none.</p>"
    image_module = pytest.importorskip("PIL.Image")
    import io

    sources = re.findall(r"base64,([^\"]+)", html_text)
    for source, i in zip(sources, (0, 4, 1), strict=True):
        with image_module.open(io.BytesIO(base64.b64decode(source))) as image:
            np.testing.assert_array_equal(255 - np.asarray(image), images[i])


def test_confusion_has_a_cell_for_each_pair() -> None:
    labels, guesses = np.array([0, 0, 1, 2, 2, 2]), np.array([0, 1, 1, 2, 2, 0])
    found = _report.confusion(labels, guesses)
    cells = re.findall(r'title="(\d) taken for (\d)">(\d*)</td>', found)
    expected = np.zeros((3, 3), int)
    np.add.at(expected, (labels, guesses), 1)
    assert {(int(i), int(j)): int(n or 0) for i, j, n in cells} == dict(np.ndenumerate(expected))


def test_report_that_cannot_be_written_leaves_the_old_one_and_the_result(
    small: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = report(tmp_path)
    capsys.readouterr()

    def full(*_: Any) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr("os.fsync", full)
    assert cli.main(["mnist", "--epochs", "1", "--report", str(tmp_path / "r.html")]) == 1
    printed = capsys.readouterr()
    assert "test accuracy" in printed.out and printed.err == "lamella: error: no space left on device\n"
    assert (tmp_path / "r.html").read_text(encoding="utf-8") == before
    for name, message in (("r.txt", "must end with .html"), ("no/r.html", "make the folder first")):
        with pytest.raises(SystemExit):
            cli.main(["mnist", "--report", str(tmp_path / name)])
        assert message in capsys.readouterr().err
