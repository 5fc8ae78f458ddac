"""A trained network together with what its table looks like."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..models import Sequential, load_model
from ._cells import Floats, Mask
from ._reading import Chunk, Source, TableError
from ._schema import Schema
from ._scores import Scores, scores_for

_KEY = "table"  # in the model's metadata


@dataclass
class Predicted:
    """Predictions for some rows.

    Attributes:
        chunk: The rows.
        whole: Those that have a prediction: all, unless rows with missing cells are dropped.
        values: Numbers ``(rows,)`` or probabilities ``(rows, classes)`` of these.
    """

    chunk: Chunk
    whole: Mask
    values: Floats


@dataclass
class TableModel:
    """A network that predicts a column of a table from its other columns.

    Attributes:
        model: The `lamella.Sequential`; it sees the columns as the schema encodes them.
        schema: Columns, categories, means and classes; it is a part of the model's file.
        history: What its training recorded; None for a model from a file.
        scores: Of the validation rows, or of the training rows where none were held out; None for a model from a file.
        facts: Numbers of rows, the seed, and the like; None for a model from a file.
        notes: What was decided on the way that one may want to know.
        unseen: Column -> how many cells of the last predictions held a category that the training never saw.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from lamella import tables
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "flowers.csv"
        ...     _ = path.write_text("length,kind\\n" + "1.5,lily\\n7.5,rose\\n" * 100)
        ...     trained = tables.train(path, "kind", seed=1, verbose=0)
        ...     trained.predict(path)[:2].tolist(), trained.schema.classes
        (['lily', 'rose'], ['lily', 'rose'])
    """

    model: Any
    schema: Schema
    history: Any = None
    scores: Scores | None = None
    facts: dict[str, Any] | None = None
    notes: list[str] = field(default_factory=list)
    unseen: Counter[str] = field(default_factory=Counter)
    left_out: int = 0

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes network and schema to one file, ``*.safetensors`` or ``*.keras``."""
        self.model.metadata = {**(self.model.metadata or {}), _KEY: self.schema.to_dict()}
        self.model.save(path)

    def predict(
        self,
        path: str | os.PathLike[str],
        missing: str | None = None,
        probabilities: bool = False,
        separator: str | None = None,
        encoding: str = "utf-8",
    ) -> Any:
        """Predictions for a CSV file with the columns of the training, in any order.

        Args:
            path: The file; ``"-"`` is standard input.
            missing: Another way with missing cells than in the training.
            probabilities: Whether to give those of the classes, in the order of ``schema.classes``.
            separator, encoding: As in `train`.

        Returns:
            An array of numbers, of class names, or of probabilities (rows x classes), without dropped rows.

        Raises:
            TableError: If a column is not there, or a cell is not what it must be.
            ValueError: If `missing` is no way that this model has, or it predicts a number, which has no probabilities.
        """
        if probabilities and not self.schema.classes:
            raise ValueError("`probabilities`: the model predicts a number, which has none.")
        read = np.asarray if probabilities else self.readable
        parts = [read(each.values) for each in self.predictions(Source(path, separator, encoding), missing)]
        return np.concatenate(parts) if parts else np.empty(0)

    def evaluate(
        self,
        path: str | os.PathLike[str],
        missing: str | None = None,
        separator: str | None = None,
        encoding: str = "utf-8",
    ) -> dict[str, Any]:
        """Scores on a CSV file that has the target, too.

        Args:
            path, missing, separator, encoding: As for predict().

        Returns:
            ``mae``, ``rmse`` and ``r2``, or ``accuracy``, ``log_loss``, ``classes`` and ``confusion``; both with
            ``rows`` and what a constant guess would reach.

        Raises:
            TableError: If a column is not there, or a cell is not what it must be.
        """
        return self.scored(Source(path, separator, encoding), missing).result()

    def predictions(self, source: Source, missing: str | None = None) -> Iterator[Predicted]:
        """Predictions chunk by chunk; what training never saw is counted in `unseen`."""
        if missing not in (None, "error", "drop", self.schema.missing):
            ways = "'error' or 'drop', or 'fill' for a model that was trained with it"
            raise ValueError(f"`missing` must be {ways}; got {missing!r}.")
        self.unseen.clear()
        for chunk in source.chunks():
            encoded = self.schema.encode(source, chunk, missing)
            self.unseen.update(encoded.unseen)
            output = self.model.predict(encoded.x[encoded.whole], verbose=0)
            bad = ~np.isfinite(output).all(axis=1)
            if bad.any():
                line = np.asarray(chunk.lines)[encoded.whole][int(bad.argmax())]
                raise TableError(
                    f"{source.name}, line {line}: the network's output is no finite number; its training diverged, or "
                    f"the row is far from all that it learned from."
                )
            yield Predicted(chunk, encoded.whole, self.schema.decode(output))

    def scored(self, source: Source, missing: str | None = None) -> Scores:
        """Scores on a table that has the target; rows without it are dropped if others may be."""
        from ._cells import missing_cells
        from ._schema import cell_name

        policy = missing or self.schema.missing
        scores, markers = scores_for(self.schema), frozenset(self.schema.markers)
        rows = used = 0
        target = self.schema.target
        for each in self.predictions(source, missing):
            rows += len(each.chunk)
            use = each.whole
            if target in each.chunk.cells:
                gone = missing_cells(each.chunk.cells[target], markers)
                if policy == "error" and gone.any():
                    where = cell_name(source, target, each.chunk.lines[int(gone.argmax())])
                    raise TableError(
                        f'{where}: the target is missing. `missing="drop"` (--missing drop) leaves it out.'
                    )
                use = use & ~gone
            true = self.schema.targets(source, each.chunk, use)
            scores.add(true, each.values[use[each.whole]])
            used += int(use.sum())
        self.left_out = rows - used
        if not rows:
            raise TableError(f"{source.name} has no rows below the names of its columns.")
        return scores

    def readable(self, values: Floats) -> Any:
        """Predictions as one reads them: numbers, or names of classes."""
        if self.schema.task == "regression":
            return values
        return np.array(self.schema.classes, dtype=object)[values.argmax(axis=1)]


def load(path: str | os.PathLike[str]) -> TableModel:
    """The table model that `TableModel.save` or ``lamella train --save`` wrote.

    Args:
        path: ``*.safetensors`` or ``*.keras``.

    Raises:
        ModelNotFoundError, BadModelFile: As of `lamella.saving.load_model`.
        TableError: If it is a model, but none of a table.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from lamella import tables
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "flowers.csv"
        ...     _ = path.write_text("length,kind\\n" + "1.5,lily\\n7.5,rose\\n" * 100)
        ...     trained = tables.train(path, "kind", seed=1, verbose=0)
        ...     trained.save(Path(folder) / "flowers.safetensors")
        ...     tables.load(Path(folder) / "flowers.safetensors").evaluate(path)["accuracy"]
        1.0
    """
    model: Sequential = load_model(path)
    metadata = model.metadata or {}
    if _KEY not in metadata:
        raise TableError(f"{os.fspath(path)} is a model, but none that `lamella train` wrote: it knows no columns.")
    schema = Schema.from_dict(metadata[_KEY])
    outputs = 1 if len(schema.classes) <= 2 else len(schema.classes)
    if model.input_shape != (None, schema.width) or model.output_shape != (None, outputs):
        raise TableError(f"{os.fspath(path)} describes another table than its network was made for.")
    return TableModel(model, schema)
