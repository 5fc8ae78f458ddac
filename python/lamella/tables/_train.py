"""Training on a CSV file: read once to learn what is in it, once more to encode it."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np

from .. import callbacks, layers
from ..models import Sequential
from ..utils import set_random_seed
from . import _plan
from ._cells import MARKERS
from ._model import TableModel
from ._options import Options
from ._reading import Source, TableError
from ._scan import Scan, Split, scan, usable_rows
from ._schema import Schema
from ._scores import scores_for

_ROWS = 1 << 16  # predicted at once
_IN_MEMORY = 1 << 30  # bytes; larger encoded tables lie in a temporary file


def train(
    path: str | os.PathLike[str],
    target: str,
    *,
    task: str = "auto",
    hidden: Sequence[int] = (64, 64),
    activation: str = "relu",
    dropout: float = 0.0,
    optimizer: str = "adam",
    learning_rate: float | None = None,
    epochs: int = 100,
    batch_size: int = 32,
    validation_split: float = 0.2,
    patience: int = 10,
    missing: str = "error",
    markers: Collection[str] = MARKERS,
    numeric: Collection[str] = (),
    categorical: Collection[str] = (),
    drop: Collection[str] = (),
    max_categories: int = 100,
    separator: str | None = None,
    encoding: str = "utf-8-sig",
    seed: int | None = None,
    verbose: int | str = "auto",
    before_fit: Callable[[TableModel], None] | None = None,
) -> TableModel:
    """Trains a network that predicts one column of a CSV file from the others.

    Numbers are standardised, texts become a column of 0 and 1 for each category, and so is a number that must be one.
    What that takes is learned from the rows that train, except for the target's mean, deviation and classes, which
    are those of all rows, and is kept in the model. The file is read twice, in chunks; what is in memory is 4 bytes for
    each number that the network sees, and for more than a gigabyte a temporary file.

    Args:
        path: The file, with names of columns in its first line; also compressed by gzip.
        target: Name of the column to predict.
        task: ``"regression"``, ``"classification"``, or ``"auto"``: texts and few whole numbers are classes.
        hidden: Units of the hidden layers; none gives a linear model.
        activation: Of the hidden layers.
        dropout: Share of their outputs that is left out in training.
        optimizer: A name such as ``"adam"``.
        learning_rate: By default the optimizer's own.
        epochs: How often each row is seen at most.
        batch_size: Rows a step.
        validation_split: Share of the rows, chosen by chance, that validate. 0: none, and no early stopping.
        patience: Epochs without a better validation loss after which training stops with the best weights; 0: never.
        missing: What to do about missing cells: ``"error"``, ``"drop"`` their rows, or ``"fill"`` with the mean (and
            a column that says so) or a category of its own. Rows without a target are then left out, too.
        markers: What a missing cell holds.
        numeric: Columns that must be numbers.
        categorical: Columns that are categories although they hold numbers.
        drop: Columns that are not used.
        max_categories: Different texts that a column may have.
        separator: Between cells; None takes that of ``, ; tab |`` which the first line has most of.
        encoding: Of the text.
        seed: Makes training repeatable; None draws one, which `TableModel.facts` tells.
        verbose: As of fit().
        before_fit: Called with what is known when the table is read and training begins.

    Returns:
        A `TableModel`.

    Raises:
        TableError: If the table cannot be used as it is, then it names column and line, or if training diverged.
        ValueError, TypeError: If an argument is wrong.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> rows = [f"{i},{'ab'[i % 2]},{3 * i + 5 * (i % 2)}" for i in range(100)]
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "prices.csv"
        ...     _ = path.write_text("\\n".join(["size,kind,price", *rows]))
        ...     trained = train(path, "price", hidden=(16,), learning_rate=0.01, seed=1, verbose=0)
        ...     trained.save(Path(folder) / "model.safetensors")
        ...     trained.predict(path).shape, trained.evaluate(path)["r2"] > 0.95
        ((100,), True)
    """
    return _trained(Options(**locals()))


def _trained(options: Options) -> TableModel:
    source, share, target, seed = options.source, options.validation_split, options.target, options.seed or 0
    signs, split, started = frozenset(options.markers), Split(seed, share), time.perf_counter()
    settings = options.drop, options.missing == "drop", signs
    found = scan(source, target, *settings, split, options.max_categories)
    if share and found.one_sided:  # some rows and bad luck
        split = Split(seed, share, found.last)
        found = scan(source, target, *settings, split, options.max_categories)
    schema, notes = _plan.schema_of(
        source, found, target, options.task, options.missing, signs, options.numeric, options.categorical
    )
    x, y, held_x, held_y = _encoded(source, schema, found, [*found.columns], split)

    set_random_seed(seed % 2**32)
    model = network(schema, options.hidden, options.activation, options.dropout)
    _compile(model, schema, options.optimizer)
    facts: dict[str, Any] = {
        "rows": found.rows,
        "training_rows": found.training,
        "validation_rows": found.validation,
        "seed": seed,
        "parameters": model.count_params(),
        "seconds_reading": time.perf_counter() - started,
    }
    trained = TableModel(model, schema, None, None, facts, notes)
    if options.before_fit is not None:
        options.before_fit(trained)
    started = time.perf_counter()
    watchers: list[Any] = []
    if share and options.patience:
        watchers = [callbacks.EarlyStopping(patience=options.patience, restore_best_weights=True)]
    held = (held_x, held_y) if share else None
    history = model.fit(x, y, options.batch_size, options.epochs, options.verbose, watchers, validation_data=held)
    facts["seconds_training"] = time.perf_counter() - started
    facts["epochs"], facts["best_epoch"] = len(history.epoch), _best(history)
    record = history.history["val_loss" if share else "loss"]
    kept = record[facts["best_epoch"] - 1] if watchers and facts["best_epoch"] else record[-1]
    if not (np.isfinite(kept) and all(np.isfinite(weight).all() for weight in model.get_weights())):
        raise TableError(
            "Training diverged: its loss or weights became NaN or infinite, and nothing is kept. Use a smaller "
            f"learning_rate (--learning-rate) than {model.optimizer.learning_rate:g}."
        )
    trained.history, trained.scores = history, scores_for(schema)
    shown_x, shown_y = (held_x, held_y) if share else (x, y)
    for first in range(0, len(shown_x), _ROWS):
        part = slice(first, first + _ROWS)
        true = shown_y[part, 0].astype(np.float64) * schema.scale + schema.mean
        trained.scores.add(true, schema.decode(model.predict(shown_x[part], verbose=0)))
    return trained


def network(schema: Schema, hidden: Sequence[int], activation: str, dropout: float) -> Sequential:
    """The network for a table: dense layers, and an output that fits the task."""
    stack: list[layers.Layer] = [layers.Input((schema.width,))]
    for width in hidden:
        stack.append(layers.Dense(width, activation))
        if dropout:
            stack.append(layers.Dropout(dropout))
    if schema.task == "regression":
        stack.append(layers.Dense(1))
    elif len(schema.classes) == 2:
        stack.append(layers.Dense(1, "sigmoid"))
    else:
        stack.append(layers.Dense(len(schema.classes), "softmax"))
    return Sequential(stack)


def _compile(model: Sequential, schema: Schema, rule: Any) -> None:
    if schema.task == "regression":
        model.compile(rule, "mse", metrics=["mae"])
    elif len(schema.classes) == 2:
        model.compile(rule, "binary_crossentropy", metrics=["accuracy"])
    else:
        model.compile(rule, "sparse_categorical_crossentropy", metrics=["accuracy"])


def _encoded(source: Source, schema: Schema, found: Scan, names: list[str], split: Split) -> tuple[Any, Any, Any, Any]:
    """Inputs and targets of the training, and of the validation."""
    x, held_x = (_matrix(rows, schema.width) for rows in (found.training, found.validation))
    y, held_y = (np.empty((rows, 1), np.float32) for rows in (found.training, found.validation))
    masks, markers, drop = split.masks(), frozenset(schema.markers), schema.missing == "drop"
    next(masks)
    at = [0, 0]
    for chunk in source.chunks():
        usable, held = usable_rows(chunk, names, schema.target, drop, markers), masks.send(len(chunk))
        encoded = schema.encode(source, chunk)
        targets = (schema.targets(source, chunk, usable) - schema.mean) / schema.scale
        for i, (rows, into_x, into_y) in enumerate(((usable & ~held, x, y), (usable & held, held_x, held_y))):
            last = at[i] + int(rows.sum())
            if last > len(into_x):
                raise TableError(f"{source.name} has grown while it was read.")
            into_x[at[i] : last], into_y[at[i] : last, 0] = encoded.x[rows], targets[rows[usable]]
            at[i] = last
    if at != [found.training, found.validation]:
        raise TableError(f"{source.name} has changed while it was read.")
    return x, y, held_x, held_y


def _matrix(rows: int, width: int) -> Any:
    """Room for inputs: in memory, or in a file that vanishes with it."""
    if 4 * rows * width <= _IN_MEMORY:
        return np.empty((rows, width), np.float32)
    with tempfile.TemporaryFile() as file:  # the map keeps it
        return np.memmap(file, np.float32, "w+", shape=(rows, width))


def _best(history: Any) -> int | None:
    record = history.history.get("val_loss") or history.history.get("loss")
    return int(np.nanargmin(record)) + 1 if record and np.isfinite(record).any() else None
