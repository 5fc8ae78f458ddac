"""utils.Progbar: the bar of the training loop with Keras' arguments and averages."""

import inspect

import pytest

from lamella.utils import Progbar


def last_line(capsys):
    return capsys.readouterr().out.splitlines()[-1]


def test_numbers_are_averaged_over_the_steps_they_stand_for(capsys):
    bar = Progbar(None)
    bar.update(1, [("loss", 1.0)])
    bar.update(4, [("loss", 3.0)])
    bar.update(4, finalize=True)
    assert " - loss: 2.5000" in last_line(capsys)  # (1 + 3 * 3) / 4


def test_numbers_of_the_last_update_are_shown_as_they_are(capsys):
    bar = Progbar(2)
    bar.add(1, [("loss", 1.0)])
    bar.add(1, [("loss", 3.0)])
    assert last_line(capsys).endswith(" - loss: 3.0000")


@pytest.mark.parametrize("kind", ["stateful_metrics", "stateless_metrics"])
def test_metrics_are_averaged_or_not_by_name(capsys, kind):
    bar = Progbar(9, **{kind: ["a"]})
    for step, value in ((1, 1.0), (2, 3.0)):
        bar.update(step, [("a", value), ("b", value)])
    bar.update(3, finalize=True)
    as_it_is, averaged = ("a", "b") if kind == "stateful_metrics" else ("b", "a")
    line = last_line(capsys)
    assert f" - {as_it_is}: 3.0000" in line and f" - {averaged}: 2.0000" in line


def test_both_kinds_of_metrics_are_refused():
    with pytest.raises(ValueError, match="Progbar takes `stateful_metrics` or `stateless_metrics`"):
        Progbar(1, stateful_metrics=[], stateless_metrics=[])


def test_silent_bar_prints_nothing_and_counts(capsys):
    bar = Progbar(3, verbose=0)
    bar.add(2, [("loss", 1.0)])
    bar.add(1)
    assert bar.seen == 3 and capsys.readouterr().out == ""


def test_line_at_the_end_has_the_name_of_a_step(capsys):
    bar = Progbar(3, 10, 2, unit_name="sample")
    bar.update(3, [("loss", 0.25)])
    line = last_line(capsys)
    assert line.startswith("3/3 - 0s - ") and "/sample - loss: 0.2500" in line


def test_arguments_are_those_of_keras():
    assert list(inspect.signature(Progbar).parameters) == [
        "target",
        "width",
        "verbose",
        "interval",
        "stateful_metrics",
        "stateless_metrics",
        "unit_name",
    ]
    with pytest.raises(ValueError, match="`verbose` must be"):
        Progbar(1, verbose=3)
