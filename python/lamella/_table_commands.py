"""The commands for tables: ``lamella train``, ``predict`` and ``evaluate``."""

from __future__ import annotations

import argparse
import contextlib
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ._arguments import model, names, positive, share, source, target, whole, widths
from ._optional import require
from ._streams import exact
from ._table_output import Text, print_json, records, tell_scores, tell_table, warn_of, write

if TYPE_CHECKING:
    from pathlib import Path

    from .tables import TableModel

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
    group.add_argument(
        "--only-empty", action="store_true", help="empty cells alone mean missing, and no NA, None, ?, ..."
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
    predict.add_argument("--output", type=_output, metavar="FILE", help="where to write; by default standard output")
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
    parser.add_argument("model", type=model(*_ENDINGS), metavar="MODEL", help="what `lamella train --save` wrote")
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


def _output(text: str) -> Path | None:
    return None if text == "-" else target()(text)


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
    if str(options.data) == "-" or not options.data.is_file():
        parser.error("argument DATA.csv: must be a file, training reads it twice; write the table to one first")
    _require_plot(options)
    if options.save and options.save.suffix.lower() == ".keras":
        require("h5py", extra="keras", purpose="write --save *.keras")
    with _words_named(parser, options):
        trained = _trained(options)
    if options.save:
        trained.save(options.save)
    assert trained.facts is not None and trained.scores is not None
    result = trained.scores.result()
    if options.json:
        held = "validation" if trained.facts["validation_rows"] else "training"
        schema = {"task": trained.schema.task, "target": trained.schema.target, "notes": trained.notes}
        print_json({**schema, **trained.facts, "history": dict(trained.history.history), held: result})
        _draw(trained, options.plot, True)
        return
    facts = trained.facts
    kept = f", the weights of epoch {facts['best_epoch']} kept" if options.patience and options.validation_split else ""
    epochs = "1 epoch" if facts["epochs"] == 1 else f"{facts['epochs']} epochs"
    print(f"\n{epochs} in {facts['seconds_training']:.2g} s{kept}")
    tell_scores(trained, result, "validation" if facts["validation_rows"] else "training")
    if options.save:
        print(f"wrote {options.save}", flush=True)
    _draw(trained, options.plot, False)


def _trained(options: argparse.Namespace) -> TableModel:
    from . import tables

    return tables.train(
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
        markers=[*([""] if options.only_empty else tables.MARKERS), *options.missing_marker],
        numeric=options.numeric,
        categorical=options.categorical,
        drop=options.drop,
        max_categories=options.max_categories,
        separator=options.separator,
        encoding=options.encoding,
        seed=options.seed,
        verbose=0 if options.json else "auto",
        before_fit=None if options.json else tell_table,
    )


@contextlib.contextmanager
def _words_named(parser: argparse.ArgumentParser, options: argparse.Namespace) -> Iterator[None]:
    """What is wrong with an argument of a function is told of the word that it came from."""
    try:
        yield
    except (TypeError, ValueError) as error:
        found = re.match(r"(?:train )?`(\w+)`(?: and `(\w+)`)? (.*)", str(error), re.S)
        if found is None or found[1] not in vars(options):
            raise
        words = ", ".join(f"--{name.replace('_', '-')}" for name in found.groups()[:2] if name)
        parser.error(f"argument {words}: {found[3]}")


def _predict(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    from . import tables
    from ._atomic import replacing
    from .tables._reading import Source

    for path, what in ((options.data, "table"), (options.model, "model")):
        if options.output is not None and str(path) != "-" and _same(options.output, path):
            parser.error(
                f"argument --output: {str(options.output)!r} is the {what} that is read, which would be lost; "
                "name another file"
            )
    trained = tables.load(options.model)
    table = Source(options.data, options.separator, options.encoding)
    schema, rows = trained.schema, trained.predictions(table, options.missing)
    if schema.target in options.keep:
        parser.error(f"argument --keep: {schema.target!r} is the column that is predicted")
    classes = schema.classes if options.probabilities else []
    if options.probabilities and not schema.classes:
        parser.error("argument --probabilities: the model predicts a number, which has none")
    found = records(rows, trained, options.keep, classes)
    chances = [f"{schema.target}={name}" for name in classes]
    for name in {*options.keep} & {*chances}:
        parser.error(f"argument --keep: {name!r} is also what the column of a probability is called; rename yours")
    heads = [*options.keep, schema.target, *chances]
    if options.output is None:
        with exact() as stream:
            dropped = write(stream, heads, found, options.json)
    else:
        with replacing(options.output) as binary:
            dropped = write(Text(binary), heads, found, options.json)
    warn_of(trained.unseen, dropped)


def _same(path: Path, other: Path) -> bool:
    return path.exists() and path.samefile(other)


def _evaluate(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    from . import tables
    from .tables._reading import Source

    _require_plot(options)
    trained = tables.load(options.model)
    table = Source(options.data, options.separator, options.encoding)
    trained.scores = trained.scored(table, options.missing)
    result = trained.scores.result()
    if not result["rows"]:
        raise tables.TableError(f"{table.name} has no row that can be scored: all miss a value.")
    if options.json:
        print_json({"task": trained.schema.task, "target": trained.schema.target, **result})
    else:
        tell_scores(trained, result, table.name)
    _draw(trained, options.plot, options.json)
    warn_of(trained.unseen, trained.left_out, "is not scored", "are not scored")


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
