"""Tables for tests, and quick trainings on them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from lamella import tables
from lamella.tables._reading import Source


def write(path: Path, columns: dict[str, Any], separator: str = ",") -> Path:
    rows = zip(*([str(value) for value in values] for values in columns.values()), strict=True)
    path.write_text("\n".join(separator.join(row) for row in [columns, *rows]) + "\n", encoding="utf-8")
    return path


def flats(rng: np.random.Generator, rows: int = 600) -> dict[str, Any]:
    """Prices that follow from size and city, sorted by price as files often are."""
    size, city = rng.uniform(20, 200, rows).round(1), rng.choice(["Bern", "Oslo", "Rome"], rows)
    price = 1000 * size + 50_000.0 * (city == "Oslo") - 30_000.0 * (city == "Rome") + rng.normal(0, 2000, rows)
    order = np.argsort(price)
    return {"size": size[order], "city": city[order], "price": price[order].round(2)}


def flowers(rng: np.random.Generator, rows: int = 600, classes: int = 3) -> dict[str, Any]:
    """Kinds that a ring in the plane tells apart, which no line does."""
    x = rng.normal(size=(rows, 2))
    kind = np.digitize(np.hypot(*x.T), [0.9, 1.5][: classes - 1])
    return {"a": x[:, 0] * 100 + 7, "b": x[:, 1] / 50, "kind": np.array(["rose", "lily", "iris"])[kind]}


def quick(path: Path, target: str, **options: Any) -> tables.TableModel:
    return tables.train(path, target, **{"seed": 3, "verbose": 0, "epochs": 30, **options})


def encoded(trained: tables.TableModel, path: Path) -> np.ndarray:
    source = Source(path)
    return np.concatenate([trained.schema.encode(source, chunk).x for chunk in source.chunks()])
