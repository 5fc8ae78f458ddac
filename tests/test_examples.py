"""The programs in examples/ run on small made data, and learn from it."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from lamella.datasets import digits

FOLDER = Path(__file__).parents[1] / "examples"
WORDS, TOPICS = 200, 6
Program = Callable[..., Any]


def example(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"example_{name}", FOLDER / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def texts(rng: np.random.Generator, labels: np.ndarray, classes: int) -> np.ndarray:
    """Lists of word numbers; about a third of the words tell the class: those that leave it as rest."""
    found = np.empty(len(labels), dtype=object)
    for i, label in enumerate(labels):
        telling = rng.integers(0, WORDS // classes, 10) * classes + label
        found[i] = [*telling.tolist(), *rng.integers(0, WORDS, 20).tolist()]
    return found


def corpus(rng: np.random.Generator, classes: int, rows: int = 1800) -> tuple[Any, Any]:
    """Two parts of texts with labels, as the loaders give them."""
    parts = []
    for count in (rows, rows // 3):
        labels = rng.integers(0, classes, count)
        parts.append((texts(rng, labels, classes), labels))
    return parts[0], parts[1]


def houses(rng: np.random.Generator) -> tuple[Any, Any]:
    """Prices that follow from the columns, which are of different sizes."""
    x = rng.normal(size=(260, 13)) * np.arange(1, 14) ** 2 + 50
    scaled = (x - 50) / np.arange(1, 14) ** 2
    y = 22 + 6 * scaled[:, 0] + 4 * np.abs(scaled[:, 1])
    return (x[:200], y[:200]), (x[200:], y[200:])


def test_mnist_digits_learns_and_tells_what_it_sees(capsys: pytest.CaptureFixture[str]) -> None:
    data = digits.load_data(num_train=3000, num_test=500)
    history, test_acc = example("mnist_digits").main(data, epochs=5)
    assert history["loss"] == sorted(history["loss"], reverse=True) and len(history["loss"]) == 5
    assert test_acc > 0.8
    printed = capsys.readouterr().out
    assert "Epoch 5/5" in printed and "Total params: 407,050" in printed
    assert f"it is a {data[1][1][0]}." in printed


def test_movie_reviews_are_told_apart(rng: np.random.Generator, capsys: pytest.CaptureFixture[str]) -> None:
    history, (loss, accuracy) = example("movie_reviews").main(corpus(rng, 2), epochs=12, words=WORDS)
    assert {*history} == {"loss", "binary_accuracy", "val_loss", "val_binary_accuracy"}
    assert len(history["val_loss"]) == 12
    assert accuracy > 0.75 and loss < np.log(2)
    assert "The first three are good" in capsys.readouterr().out


def test_newswires_find_their_topics_however_they_are_spelt(
    rng: np.random.Generator, capsys: pytest.CaptureFixture[str]
) -> None:
    results = example("newswires").main(corpus(rng, TOPICS), epochs=15, words=WORDS)
    assert results["test"] > 0.6 and results["val_acc"][-1] > 0.6
    assert results["top_3"][-1] > results["val_acc"][-1]
    assert [len(results[key]) for key in ("val_acc", "top_3", "narrow")] == [15, 15, 15]
    assert "guessing gives 0.1" in capsys.readouterr().out


def test_house_prices_are_met_better_than_by_their_mean(
    rng: np.random.Generator, capsys: pytest.CaptureFixture[str]
) -> None:
    data = houses(rng)
    by_epoch, error = example("house_prices").main(data, epochs=60)
    of_mean = np.abs(data[1][1] - data[0][1].mean()).mean()
    assert len(by_epoch) == 60 and by_epoch[-1] < by_epoch[0]
    assert error < 0.7 * of_mean
    assert "Fold 4 of 4" in capsys.readouterr().out


def test_smaller_and_penalized_networks_overfit_less(
    rng: np.random.Generator, capsys: pytest.CaptureFixture[str]
) -> None:
    histories = example("overfitting").main(corpus(rng, 2), epochs=20, words=WORDS)
    ends = {name: (history["loss"][-1], history["val_loss"][-1]) for name, history in histories.items()}
    assert len(ends) == 7
    gaps = {name: validation - training for name, (training, validation) in ends.items()}
    assert gaps["512 units"] == max(gaps.values())
    assert all(min(history["val_loss"]) < np.log(2) for name, history in histories.items() if "l1" not in name)
    assert capsys.readouterr().out.count("best in epoch") == 7


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.py")))
def test_programs_import_nothing_but_lamella_and_numpy(name: str) -> None:
    lines = (FOLDER / f"{name}.py").read_text(encoding="utf-8").splitlines()
    imports = [line.split()[1] for line in lines if line.startswith(("import ", "from "))]
    assert imports and {module.split(".")[0] for module in imports} <= {"lamella", "numpy"}
    assert f"`{name}.py`" in (FOLDER / "README.md").read_text(encoding="utf-8")
