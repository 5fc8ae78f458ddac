"""The text of the progress bar, against strings that Keras 3 printed with a clock that adds half a second a look."""

from __future__ import annotations

import io
import itertools
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from lamella import _progress
from lamella._progress import Progbar

GOLDEN = json.loads((Path(__file__).parent / "data" / "keras-golden.json").read_text(encoding="utf-8"))["behaviour"]
CONTROL = ("\x1b", "\r", "\b")


@pytest.fixture(autouse=True)
def _ordinary_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")


def half_seconds() -> Callable[[], float]:
    return itertools.count(0.5, 0.5).__next__


def three_steps(bar: Progbar) -> None:
    for step in (1, 2, 3):
        bar.update(step, [("accuracy", 0.5 + step / 10), ("loss", 0.0005 * step)], finalize=False)
    bar.update(3, [("accuracy", 0.8), ("loss", 0.0015), ("val_accuracy", 0.75), ("val_loss", 1.25)], finalize=True)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Latin(io.TextIOWrapper):
    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding="latin-1", newline="")

    def text(self) -> str:
        return self.buffer.getvalue().decode("latin-1")  # type: ignore[attr-defined]


@pytest.mark.parametrize("verbose", [1, 2])
def test_bar_in_a_terminal_prints_what_keras_prints(verbose: int) -> None:
    stream = Terminal()
    three_steps(Progbar(3, verbose=verbose, stream=stream, clock=half_seconds()))
    assert stream.getvalue().split("\r") == GOLDEN[f"progbar_verbose_{verbose}"]


def test_bar_outside_a_terminal_prints_one_plain_line() -> None:
    stream = io.StringIO()
    three_steps(Progbar(3, stream=stream, clock=half_seconds()))
    assert stream.getvalue() == (
        "3/3 ━━━━━━━━━━━━━━━━━━━━ 2s 750ms/step - accuracy: 0.8000 - loss: 0.0015 - val_accuracy: 0.7500"
        " - val_loss: 1.2500\n"
    )


def test_verbose_2_is_the_same_text_everywhere() -> None:
    stream = io.StringIO()
    three_steps(Progbar(3, verbose=2, stream=stream, clock=half_seconds()))
    assert [stream.getvalue()] == GOLDEN["progbar_verbose_2"]


@pytest.mark.parametrize("verbose", [0, 1, 2, "auto"])
def test_no_control_codes_outside_a_terminal(verbose: int | str) -> None:
    stream = io.StringIO()
    three_steps(Progbar(3, verbose=verbose, stream=stream, clock=half_seconds()))
    assert not any(code in stream.getvalue() for code in CONTROL)


def test_verbose_0_is_silent() -> None:
    stream = Terminal()
    three_steps(Progbar(3, verbose=0, stream=stream, clock=half_seconds()))
    assert stream.getvalue() == ""


def test_dumb_terminal_gets_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    stream = Terminal()
    three_steps(Progbar(3, stream=stream, clock=half_seconds()))
    assert stream.getvalue().count("\n") == 1 and not any(code in stream.getvalue() for code in CONTROL)


def test_notebook_cell_is_redrawn() -> None:
    cell = type("OutStream", (io.StringIO,), {"__module__": "ipykernel.iostream"})()
    assert _progress.is_terminal(cell)


def test_closed_stream_is_no_terminal() -> None:
    stream = io.StringIO()
    stream.close()
    assert not _progress.is_terminal(stream)


@pytest.mark.parametrize("terminal", [True, False])
def test_bar_falls_back_to_ascii(terminal: bool) -> None:
    stream = Latin()
    three_steps(Progbar(3, stream=stream, clock=half_seconds(), terminal=terminal))
    assert "=" * 20 in stream.text() and "━" not in stream.text()


def test_metric_name_that_cannot_be_encoded_is_escaped() -> None:
    stream = Latin()
    Progbar(1, stream=stream, terminal=False).update(1, [("κ", 1.0)])
    assert "\\u03ba: 1.0000" in stream.text()


def test_bar_is_redrawn_at_most_every_interval() -> None:
    stream = Terminal()
    times = iter([0.0, *(step / 1000 for step in range(1, 1001)), 2.0])
    bar = Progbar(1000, stream=stream, clock=lambda: next(times))
    for step in range(1, 1001):
        bar.update(step, finalize=False)
    bar.update(1000, finalize=True)
    assert 18 <= stream.getvalue().count("\r") <= 22
    assert stream.getvalue().endswith("2s\x1b[0m 2ms/step\n")


def test_first_step_counts_when_steps_come_in_chunks() -> None:
    stream = io.StringIO()
    bar = Progbar(100, stream=stream, clock=half_seconds())
    bar.update(50)
    bar.update(100)
    assert "1s 10ms/step" in stream.getvalue()


def test_bar_of_unknown_length_counts() -> None:
    stream = Terminal()
    bar = Progbar(None, stream=stream, clock=half_seconds())
    bar.update(1, [("loss", 1.0)])
    bar.update(2, [("loss", 0.5)], finalize=True)
    assert stream.getvalue().split("\r")[1:] == [
        "      1/Unknown \x1b[1m0s\x1b[0m 500ms/step - loss: 1.0000",
        "      2/Unknown \x1b[1m1s\x1b[0m 500ms/step - loss: 0.5000\n",
    ]


def test_bar_of_a_run_cut_short_tells_how_far_it_came() -> None:
    stream = io.StringIO()
    Progbar(100, stream=stream, clock=half_seconds()).update(50, finalize=True)
    assert stream.getvalue() == " 50/100 ━━━━━━━━━━ 0s 10ms/step\n"


def test_bar_without_steps_does_not_divide_by_zero() -> None:
    stream = io.StringIO()
    Progbar(0, stream=stream, clock=half_seconds()).update(0, finalize=True)
    assert "0/Unknown 0s 0s/step" in stream.getvalue()


def test_add_moves_on_from_the_last_step() -> None:
    stream = io.StringIO()
    bar = Progbar(4, stream=stream, clock=half_seconds())
    bar.add(3)
    bar.add(1)
    assert stream.getvalue().startswith("4/4 ")


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.5, "0.5000"), (-0.5, "-0.5000"), (0.001, "1.0000e-03"), (0.0, "0.0000e+00"), (float("nan"), "nan"), ("x", "x")],
)
def test_values_have_four_decimals_or_an_exponent(value: object, text: str) -> None:
    assert _progress.format_value(value) == text


@pytest.mark.parametrize("verbose", ["loud", 3, None, -1])
def test_unknown_verbose_is_refused(verbose: object) -> None:
    with pytest.raises(ValueError, match="`verbose` must be 0"):
        _progress.resolve_verbose(verbose)


@pytest.mark.parametrize(
    ("samples", "seconds", "text"),
    [
        (300_000, 1.4, "1.4s - 214,286 samples/s"),
        (100, 12.6, "13s - 8 samples/s"),
        (7200, 3600.0, "60:00 - 2 samples/s"),
    ],
)
def test_speed_is_readable(samples: int, seconds: float, text: str) -> None:
    assert _progress.format_speed(samples, seconds) == text


def test_program_without_standard_output_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", None)
    Progbar(1).update(1)
