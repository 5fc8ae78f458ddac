"""The commands for tables: ``lamella train``, ``predict`` and ``evaluate``."""

from __future__ import annotations

import argparse
import contextlib
import csv
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, TextIO

from ._arguments import names, positive, share, source, target, whole, widths

if TYPE_CHECKING:
    from pathlib import Path

    from .tables import TableModel
    from .tables._model import Predicted

_ENDINGS = (".safetensors", ".keras")


def add(commands: Any) -> None:
    """Adds the commands to those of the program."""
    train = commands.add_parser("train", help="train a network on a CSV file", allow_abbrev=False)
    train.description = (
        "Trains a network that predicts one column of a CSV file from the others. Texts become categories, numbers are "
        "standardised; the model's file keeps what that takes, so `lamella predict` needs nothing else."
    )
    train.epilog = "example: lamella train houses.csv --target price --save houses.safetensors"
    train.add_argument("data", type=source, metavar="DATA.csv", help="the table; its first line names the columns")
    train.add_argument("--target", required=True, metavar="COLUMN", help="the column to predict")
    train.add_argument("--save", type=target(*_ENDINGS), metavar="FILE", help="where to write the model, *.safetensors")
    group = train.add_argument_group("the table")
    tasks = ("auto", "regression", "classification")
    group.add_argument("--task", choices=tasks, default="auto", help="auto: texts and few whole numbers are classes")
    policies = ("error", "drop", "fill")
    group.add_argument(
        "--missing",
        choices=policies,
        default="error",
        help="missing cells: stop (the default), drop their rows, or fill in the mean or a category of its own",
    )
    group.add_argument(
        "--missing-marker",
        action="append",
        default=[],
        metavar="TEXT",
        help="a cell that means missing, beside NA, ?, ...",
    )
    group.add_argument("--drop", type=names, default=[], metavar="A,B", help="columns not to use, such as an id")
    group.add_argument("--categorical", type=names, default=[], metavar="A,B", help="numbers that are categories")
    group.add_argument("--numeric", type=names, default=[], metavar="A,B", help="columns that must be numbers")
    group.add_argument("--max-categories", type=whole(1), default=100, metavar="N", help="texts in a column (100)")
    _add_reading(group)
    group = train.add_argument_group("the training")
    group.add_argument(
        "--hidden", type=widths, default=[64, 64], metavar="64,64", help="hidden layers, or none (64,64)"
    )
    group.add_argument("--activation", default="relu", metavar="NAME", help="of the hidden layers (relu)")
    group.add_argument("--dropout", type=share, default=0.0, metavar="P", help="share of outputs left out (0)")
    group.add_argument("--optimizer", default="adam", metavar="NAME", help="such as adam, sgd or rmsprop (adam)")
    group.add_argument("--learning-rate", type=positive, metavar="R", help="by default the optimizer's own")
    group.add_argument(
        "--epochs", type=whole(1), default=100, metavar="N", help="how often to see each row, at most (100)"
    )
    group.add_argument("--batch-size", type=whole(1, 2**31 - 1), default=32, metavar="N", help="rows a step (32)")
    group.add_argument("--validation-split", type=share, default=0.2, metavar="P", help="rows that validate (0.2)")
    group.add_argument(
        "--patience",
        type=whole(0),
        default=10,
        metavar="N",
        help="epochs without progress before it stops, 0: never (10)",
    )
    group.add_argument("--seed", type=whole(0, 2**32 - 1), metavar="N", help="makes the run repeatable")
    _add_output(train, "loss and predictions")
    train.set_defaults(run=_train, shares=True)

    predict = commands.add_parser("predict", help="predict a column of a new CSV file", allow_abbrev=False)
    predict.description = "Writes predictions for a CSV file as CSV, a row for each row, to standard output or a file."
    predict.epilog = "example: lamella predict houses.safetensors new.csv --keep id --output prices.csv"
    _add_model(predict)
    predict.add_argument("--output", type=target(), metavar="FILE", help="where to write; by default standard output")
    predict.add_argument(
        "--keep", type=names, default=[], metavar="A,B", help="columns to copy in front of the prediction"
    )
    predict.add_argument("--probabilities", action="store_true", help="add the probability of each class")
    predict.add_argument("--json", action="store_true", help="write an object of JSON a row instead of CSV")
    predict.set_defaults(run=_predict)

    evaluate = commands.add_parser("evaluate", help="score a model on a CSV file with known values", allow_abbrev=False)
    evaluate.description = "Compares predictions with the target in a CSV file that the training did not see."
    evaluate.epilog = "example: lamella evaluate houses.safetensors test.csv --plot test.png"
    _add_model(evaluate)
    _add_output(evaluate, "predictions")
    evaluate.set_defaults(run=_evaluate)


def _add_reading(group: Any) -> None:
    group.add_argument("--separator", type=_separator, metavar="C", help="between cells; found out among , ; | and tab")
    group.add_argument("--encoding", type=_encoding, default="utf-8-sig", metavar="NAME", help="of the text (utf-8)")


def _add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", type=source, metavar="MODEL", help="what `lamella train --save` wrote")
    parser.add_argument("data", type=source, metavar="DATA.csv", help="the table, - for standard input")
    text = "missing cells: stop, or drop their rows; by default as in the training"
    parser.add_argument("--missing", choices=("error", "drop"), help=text)
    _add_reading(parser)


def _add_output(parser: argparse.ArgumentParser, what: str) -> None:
    group = parser.add_argument_group("output")
    group.add_argument(
        "--plot", type=target(".png"), metavar="FILE.png", help=f"where to draw {what}; needs matplotlib"
    )
    group.add_argument("--json", action="store_true", help="print one object of JSON and nothing else")


def _separator(text: str) -> str:
    text = {"tab": "\t", "\\t": "\t"}.get(text, text)
    if len(text) == 1 and text.isprintable() | (text == "\t") and not text.isalnum() and text != '"':
        return text
    raise argparse.ArgumentTypeError(f"must be one sign such as ; or the word tab, got {text!r}")


def _encoding(text: str) -> str:
    with contextlib.suppress(LookupError, ValueError):
        "a".encode(text)  # an empty text would pass by any name
        return text
    raise argparse.ArgumentTypeError(f"must be an encoding such as utf-8 or latin-1, got {text!r}")


def _train(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    from . import tables

    if str(options.data) == "-":
        parser.error("argument DATA.csv: must be a file, training reads it twice")
    _require_plot(options)
    trained = tables.train(
        options.data,
        options.target,
        task=options.task,
        hidden=options.hidden,
        activation=options.activation,
        dropout=options.dropout,
        optimizer=options.optimizer,
        learning_rate=options.learning_rate,
        epochs=options.epochs,
        batch_size=options.batch_size,
        validation_split=options.validation_split,
        patience=options.patience,
        missing=options.missing,
        markers=[*tables.MARKERS, *options.missing_marker],
        numeric=options.numeric,
        categorical=options.categorical,
        drop=options.drop,
        max_categories=options.max_categories,
        separator=options.separator,
        encoding=options.encoding,
        seed=options.seed,
        verbose=0 if options.json else "auto",
        before_fit=None if options.json else _tell_table,
    )
    if options.save:
        trained.save(options.save)
    assert trained.facts is not None and trained.scores is not None
    result = trained.scores.result()
    if options.json:
        held = "validation" if trained.facts["validation_rows"] else "training"
        schema = {"task": trained.schema.task, "target": trained.schema.target, "notes": trained.notes}
        _print_json({**schema, **trained.facts, "history": dict(trained.history.history), held: result})
        _draw(trained, options.plot, True)
        return
    facts = trained.facts
    kept = f", the weights of epoch {facts['best_epoch']} kept" if options.patience and options.validation_split else ""
    speed = facts["training_rows"] * facts["epochs"] / max(facts["seconds_training"], 1e-9)
    print(f"\n{facts['epochs']} epochs in {facts['seconds_training']:.2g} s, {speed:,.0f} rows a second{kept}")
    _tell_scores(trained, result, "validation" if facts["validation_rows"] else "training")
    if options.save:
        print(f"wrote {options.save}", flush=True)
    _draw(trained, options.plot, False)


def _tell_table(trained: TableModel) -> None:
    """The table as it was understood, and the network for it."""
    facts, schema = trained.facts or {}, trained.schema
    print(f"{facts['rows']:,} rows: {facts['training_rows']:,} train, {facts['validation_rows']:,} validate", end="")
    left = facts["rows"] - facts["training_rows"] - facts["validation_rows"]
    print(f", {left:,} dropped" if left else "", f" (seed {facts['seed']})", sep="")
    width = max(len(each.name) for each in schema.features)
    for each in schema.features[:30]:
        what = f"mean {each.mean:.6g}, deviation {each.scale:.6g}"
        if each.kind == "categorical":
            what = ", ".join(each.values[:6]) + (f" and {len(each.values) - 6} more" if len(each.values) > 6 else "")
        print(f"  {each.name:<{width}}  {each.kind:<11}  {what}{', some missing' if each.missing else ''}")
    if len(schema.features) > 30:
        print(f"  and {len(schema.features) - 30} more columns")
    outputs = f"mean {schema.mean:.6g}, deviation {schema.scale:.6g} (the unit of the losses)"
    if schema.classes:
        outputs = f"one of {', '.join(schema.classes[:10])}{', ...' if len(schema.classes) > 10 else ''}"
    print(f"{schema.target}: {schema.task}, {outputs}")
    for note in trained.notes:
        print(f"note: {note}")
    sizes = [schema.width, *(layer.units for layer in trained.model.layers if hasattr(layer, "units"))]
    print(f"network: {'-'.join(map(str, sizes))}, {facts['parameters']:,} weights\n", flush=True)


def _tell_scores(trained: TableModel, result: dict[str, Any], of: str) -> None:
    if trained.schema.task == "regression":
        print(
            f"{of} ({result['rows']:,} rows): mean absolute error {result['mae']:.6g}, rmse {result['rmse']:.6g}",
            end="",
        )
        print("" if result["r2"] is None else f", R² {result['r2']:.4f}")
        print(f"always the mean would give: mean absolute error {result['guess_mae']:.6g}")
        return
    print(f"{of} ({result['rows']:,} rows): accuracy {result['accuracy']:.4f}, log loss {result['log_loss']:.4f}")
    print(f"always the most frequent class would give: accuracy {result['guess_accuracy']:.4f}")
    width = max(5, *map(len, result["classes"]))
    print(f"  {'class':<{width}}  {'rows':>8}  precision  recall")
    for name, each in [*result["classes"].items()][:50]:
        shares = ["-" if each[key] is None else f"{each[key]:.4f}" for key in ("precision", "recall")]
        print(f"  {name:<{width}}  {each['rows']:>8,}  {shares[0]:>9}  {shares[1]:>6}")


def _predict(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    from . import tables
    from ._atomic import replacing
    from .tables._reading import Source

    trained = tables.load(options.model)
    table = Source(options.data, options.separator, options.encoding)
    schema, rows = trained.schema, trained.predictions(table, options.missing)
    if schema.target in options.keep:
        parser.error(f"argument --keep: {schema.target!r} is the column that is predicted")
    classes = schema.classes if options.probabilities else []
    if options.probabilities and not schema.classes:
        parser.error("argument --probabilities: the model predicts a number, which has none")
    records = _records(rows, trained, options.keep, classes)
    heads = [*options.keep, schema.target, *(f"{schema.target}={name}" for name in classes)]
    if options.output is None:
        dropped = _write(sys.stdout, heads, records, options.json)
    else:
        with replacing(options.output) as stream:
            text = _Text(stream)
            dropped = _write(text, heads, records, options.json)  # type: ignore[arg-type]
    _warn_of(trained.unseen, dropped)


class _Text:
    """Text into a stream of bytes that somebody else closes."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        return int(self._stream.write(text.encode("utf-8")))


def _records(
    rows: Iterable[Predicted], trained: TableModel, keep: list[str], classes: list[str]
) -> Iterator[list[Any]]:
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


def _write(stream: TextIO, heads: list[str], records: Iterable[list[Any]], as_json: bool) -> int:
    """Writes all records; returns how many had no prediction."""
    dropped = 0
    writer = csv.writer(stream, lineterminator="\n")
    if not as_json:
        writer.writerow(heads)
    for record in records:
        dropped += None in record
        if as_json:
            stream.write(json.dumps(dict(zip(heads, record, strict=True))) + "\n")
        else:
            writer.writerow([_text(value) for value in record])
    return dropped


def _text(value: Any) -> str:
    return "" if value is None else f"{value:.9g}" if isinstance(value, float) else value


def _evaluate(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    from . import tables
    from .tables._reading import Source

    _require_plot(options)
    trained = tables.load(options.model)
    trained.scores = trained.scored(Source(options.data, options.separator, options.encoding), options.missing)
    result = trained.scores.result()
    if not result["rows"]:
        raise tables.TableError(f"{options.data} has no row that can be scored: all miss a value.")
    if options.json:
        _print_json({"task": trained.schema.task, "target": trained.schema.target, **result})
    else:
        _tell_scores(trained, result, str(options.data))
    _draw(trained, options.plot, options.json)
    _warn_of(trained.unseen, 0)


def _require_plot(options: argparse.Namespace) -> None:
    if options.plot:
        from .plotting import require_matplotlib

        require_matplotlib("draw --plot")  # now, not after minutes of training


def _draw(trained: TableModel, path: Path | None, told_as_json: bool) -> None:
    """After the scores, which are told whatever becomes of the picture."""
    if path is None:
        return
    from .plotting import table_figure
    from .utils._picture import save_for_command

    save_for_command(table_figure(trained), path)
    if not told_as_json:
        print(f"wrote {path}")


def _print_json(found: dict[str, Any]) -> None:
    print(json.dumps(found, indent=2))


def _warn_of(unseen: Counter[str], dropped: int) -> None:
    for name, count in unseen.items():
        text = f"{count:,} cells of column {name!r} hold a category that the training did not see"
        print(f"lamella: note: {text}; for the network they are none of its categories.", file=sys.stderr)
    if dropped:
        print(f"lamella: note: {dropped:,} rows miss a value and have no prediction.", file=sys.stderr)
