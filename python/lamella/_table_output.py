"""What the commands for tables print: the table, scores, predictions, notes."""

from __future__ import annotations

import csv
import io
import itertools
import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from ._streams import plain, tell

if TYPE_CHECKING:
    from .tables import TableModel
    from .tables._model import Predicted

_TOGETHER = 1024  # rows of predictions that are written at once


def tell_table(trained: TableModel) -> None:
    """The table as it was understood, and the network for it."""
    facts, schema = trained.facts or {}, trained.schema
    print(f"{_rows(facts['rows'])}: {facts['training_rows']:,} train, {facts['validation_rows']:,} validate", end="")
    left = facts["rows"] - facts["training_rows"] - facts["validation_rows"]
    print(f", {left:,} dropped" if left else "", f" (seed {facts['seed']})", sep="")
    shown, classes = schema.features[:30], [plain(name) for name in schema.classes[:10]]
    width = max(len(plain(each.name)) for each in shown)
    for each in shown:
        what = f"mean {each.mean:.6g}, deviation {each.scale:.6g}"
        if each.kind == "categorical":
            what = ", ".join(map(plain, each.values[:6])) + (
                f" and {len(each.values) - 6} more" if len(each.values) > 6 else ""
            )
        print(f"  {plain(each.name):<{width}}  {each.kind:<11}  {what}{', some missing' if each.missing else ''}")
    if len(schema.features) > 30:
        print(f"  and {len(schema.features) - 30} more columns")
    outputs = f"mean {schema.mean:.6g}, deviation {schema.scale:.6g} (the unit of the losses)"
    if schema.classes:
        outputs = f"one of {', '.join(classes)}{', ...' if len(schema.classes) > 10 else ''}"
    print(f"{plain(schema.target)}: {schema.task}, {outputs}")
    for note in trained.notes:
        print(f"note: {note}")
    sizes = [schema.width, *(layer.units for layer in trained.model.layers if hasattr(layer, "units"))]
    print(f"network: {'-'.join(map(str, sizes))}, {facts['parameters']:,} weights\n", flush=True)


def _rows(count: int) -> str:
    return f"{count:,} row{'s' * (count != 1)}"


def tell_scores(trained: TableModel, result: dict[str, Any], of: str) -> None:
    if trained.schema.task == "regression":
        print(
            f"{of} ({_rows(result['rows'])}): mean absolute error {result['mae']:.6g}, rmse {result['rmse']:.6g}",
            end="",
        )
        print("" if result["r2"] is None else f", R² {result['r2']:.4f}")
        print(f"always the mean would give: mean absolute error {result['guess_mae']:.6g}")
        return
    print(f"{of} ({_rows(result['rows'])}): accuracy {result['accuracy']:.4f}, log loss {result['log_loss']:.4f}")
    print(f"always the most frequent class would give: accuracy {result['guess_accuracy']:.4f}")
    classes = [(plain(name), each) for name, each in [*result["classes"].items()][:50]]
    width = max(5, *(len(name) for name, _ in classes))
    print(f"  {'class':<{width}}  {'rows':>8}  precision  recall")
    for name, each in classes:
        shares = ["-" if each[key] is None else f"{each[key]:.4f}" for key in ("precision", "recall")]
        print(f"  {name:<{width}}  {each['rows']:>8,}  {shares[0]:>9}  {shares[1]:>6}")


class Text:
    """Text into a stream of bytes that somebody else closes."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        return int(self._stream.write(text.encode("utf-8")))


def records(rows: Iterable[Predicted], trained: TableModel, keep: list[str], classes: list[str]) -> Iterator[list[Any]]:
    """Kept cells, the prediction and the probabilities; None for rows without a prediction."""
    from .tables import TableError
    from .tables._scan import listed

    for part in rows:
        absent = [name for name in keep if name not in part.chunk.cells]
        if absent:
            raise TableError(f"The table has no column {listed(absent)} to keep; it has {listed(part.chunk.cells)}.")
        kept = [part.chunk.cells[name] for name in keep]
        found = iter(zip(trained.readable(part.values).tolist(), part.values.tolist(), strict=True))
        for i, whole_row in enumerate(part.whole.tolist()):
            value, chances = next(found) if whole_row else (None, [None] * len(classes))
            yield [*(cells[i] for cells in kept), value, *(chances if classes else [])]


def write(stream: Any, heads: list[str], records: Iterable[list[Any]], as_json: bool) -> int:
    """Writes all records; returns how many had no prediction."""
    dropped, rest = 0, iter(records)
    lines = io.StringIO()  # some at once: where the first of them cannot be written, the heads are not either
    writer = csv.writer(lines, lineterminator="\n")
    if not as_json:
        writer.writerow(heads)
    while True:
        some = [*itertools.islice(rest, _TOGETHER)]
        for record in some:
            dropped += None in record
            if as_json:
                lines.write(json.dumps(dict(zip(heads, record, strict=True))) + "\n")
            else:
                writer.writerow([_text(value) for value in record])
        stream.write(lines.getvalue())
        lines.seek(0)
        lines.truncate()
        if len(some) < _TOGETHER:
            return dropped


def _text(value: Any) -> str:
    return "" if value is None else f"{value:.9g}" if isinstance(value, float) else value


def print_json(found: dict[str, Any]) -> None:
    print(json.dumps(_representable(found), indent=2, allow_nan=False))


def _representable(found: Any) -> Any:
    """The same with null for numbers that JSON has not, such as the loss of an epoch that diverged."""
    if isinstance(found, dict):
        return {key: _representable(value) for key, value in found.items()}
    if isinstance(found, (list, tuple)):
        return [*map(_representable, found)]
    return None if isinstance(found, float) and not math.isfinite(found) else found


def warn_of(
    unseen: Counter[str], dropped: int, one: str = "has no prediction", many: str = "have no prediction"
) -> None:
    for name, count in unseen.items():
        cells = "1 cell" if count == 1 else f"{count:,} cells"
        text = f"{cells} of column {plain(name)!r} with a category that the training did not see"
        tell(f"note: {text}; for the network that is none of its categories.")
    if dropped:
        miss = f"misses a value and {one}" if dropped == 1 else f"miss a value and {many}"
        tell(f"note: {_rows(dropped)} {miss}.")
