"""From what a table holds to the schema: kinds of columns, task, classes."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from ._cells import fault, is_large, shown, undressed
from ._reading import Source, TableError
from ._scan import Column, Scan, listed
from ._schema import Feature, Schema, cell_name, missing_columns

_FEW = 20  # different whole numbers that are taken for classes
_MANY = 20  # rows with a text each that may be their names
_DATE = re.compile(r"\d{4}-\d\d-\d\d(\D|$)|\d\d?[./]\d\d?[./]\d{4}$")


def schema_of(
    source: Source,
    found: Scan,
    target: str,
    task: str,
    missing: str,
    markers: Collection[str],
    numeric: Collection[str],
    categorical: Collection[str],
) -> tuple[Schema, list[str]]:
    """The schema of a table, and notes on what was decided.

    Raises:
        TableError: If the table cannot be used as it is.
    """
    if not found.columns[target].good and not found.columns[target].bad:
        raise TableError(f"{source.name}, column {shown(target)}: the target is missing in all rows, nothing to learn.")
    if missing == "error" and any(column.missing for column in found.columns.values()):
        raise TableError(_what_to_do(source, found, target))
    for name in (*numeric, *categorical):
        if name not in found.columns:
            raise TableError(f"{source.name} has no column {shown(name)} to use; it has {listed(found.columns)}.")
    usable = found.training + found.validation
    if usable < 2:
        left = ' whose target is there and, with "drop", all else, too' if usable < found.rows else ""
        raise TableError(
            f"{source.name} has {usable or 'no'} row{'s' * (usable != 1)}{left}; training needs two or more."
        )
    notes: list[str] = []
    if source.nameless:
        several, which = len(source.nameless) > 1, ", ".join(map(str, sorted(source.nameless)))
        what = f"columns {which} have no name and are" if several else f"column {which} has no name and is"
        notes.append(f"{what} not used; name {'them' if several else 'it'} in the first line")
    schema = Schema("regression", target, [], missing, sorted(markers))
    if task == "auto" and target in (*categorical, *numeric):
        task = "classification" if target in categorical else "regression"
    _decide_task(source, schema, found.columns[target], task, notes)
    for name, column in found.columns.items():
        if name == target:
            continue
        feature = _feature(source, name, column, name in numeric, name in categorical)
        if feature is None:
            notes.append(f"column {shown(name)} is empty and is not used")
            continue
        feature.missing = missing == "fill" and column.missing > 0
        if feature.kind == "numeric" and column.is_constant:
            notes.append(f"column {shown(name)} is the same in all rows of the training")
        if name not in (*numeric, *categorical):
            notes += _doubts(name, feature, column)
        schema.features.append(feature)
    if not schema.features:
        raise TableError(f"{source.name} has no column beside {shown(target)} that a prediction could follow from.")
    return schema, notes


def _doubts(name: str, feature: Feature, column: Column) -> list[str]:
    """What a column may be besides what it was taken for."""
    texts: Mapping[str, int] = column.values or {}
    if feature.kind == "numeric":
        zeros = next((text for text in texts if text[:1] == "0" and text[1:].isdigit()), None)
        if zeros is None:
            return []
        way = "if they name something, say `categorical` (--categorical)"
        return [f"column {shown(name)} is taken for numbers, such as {shown(zeros)}; {way}"]
    if twins := _twins(texts):
        return [f"column {shown(name)} has the categories {twins}"]
    if column.is_dressed:
        way = undressed(column.example)
        return [f"column {shown(name)} is taken for categories, such as {shown(column.example)}; else {way}"]
    if texts and all(map(_DATE.match, texts)):
        way = "pandas.to_datetime(frame[column]).dt.dayofyear, .dt.year and so on make numbers of them"
        return [f"column {shown(name)} is taken for categories, such as {shown(column.first_bad[1])}; {way}"]
    if _MANY <= len(texts) == sum(texts.values()):
        way = "if it names the rows, leave it out: `drop` (--drop)"
        return [f"column {shown(name)} has another text in each row, such as {shown(column.first_bad[1])}; {way}"]
    return []


def _twins(texts: Mapping[str, int]) -> str:
    """Two of the texts that are the same but for capital letters, with what makes one of them; "" if there are none."""
    seen: dict[str, str] = {}
    for text in texts:
        if (other := seen.setdefault(text.casefold(), text)) != text:
            return f"{shown(other)} and {shown(text)}, two for lamella; frame[column].str.lower() makes one of them"
    return ""


def _what_to_do(source: Source, found: Scan, target: str) -> str:
    """Which cells are missing, and the ways with them."""
    gone = [column for name, column in found.columns.items() if column.missing and name != target]
    fill = '`missing="fill"` (--missing fill) takes the mean, or a category of its own, "drop" leaves these rows out.'
    drop = '`missing="drop"` (--missing drop) leaves these rows out.'
    text = f"{source.name} misses values in the columns {missing_columns(found.columns)}. Say what to do: "
    text += fill if gone else drop
    if gone and found.columns[target].missing:
        text += f" Rows without the target {shown(target)} are left out either way."
    marker = found.columns[target].marker or next((column.marker for column in gone if column.marker), "")
    if marker:
        text += (
            f' If {shown(marker)} is a value, say `markers=[""]` (--only-empty): then empty cells alone are missing.'
        )
    return text


def _decide_task(source: Source, schema: Schema, column: Column, task: str, notes: list[str]) -> None:
    name = schema.target
    alike = column.values is None or len(column.values) == 1
    same = column.count > 0 and not column.bad and column.is_constant and alike
    if task == "auto" and same:
        raise TableError(
            f"{source.name}, column {shown(name)}: the target is {column.mean:.9g} in all rows, nothing to learn."
        )
    few = column.values is not None and len(column.values) <= _FEW
    if task == "auto":
        if column.bad:
            _refuse_typo(source, name, column)
            if column.is_dressed:
                raise TableError(
                    f"{_texts(source, name, column)}; {undressed(column.example)}. If they are classes, say "
                    'so: task="classification" (--task classification).'
                )
            task = "classification"
        elif column.whole and few and column.values is not None:
            task = "classification"
            notes.append(
                f"{shown(name)} has {len(column.values)} different whole numbers, taken for classes; "
                'task="regression" (--task regression) predicts a number'
            )
        else:
            task = "regression"
    schema.task = task
    if task == "regression":
        if column.bad:
            way = f"; {undressed(column.example)}" if column.is_dressed else ""
            raise TableError(f"{_where(source, name, column)}; it is the target of a regression{way}.")
        schema.mean, schema.scale = column.mean, column.deviation
        if same:
            notes.append(f"the target {shown(name)} is the same in all rows, nothing to learn")
        return
    if column.values is None:
        raise TableError(
            f"{source.name}, column {shown(name)}: more than {column.most} different classes; "
            'for a number, choose task="regression" (--task regression).'
        )
    if len(column.values) < 2:
        raise TableError(
            f"{source.name}, column {shown(name)}: all rows are {listed(column.values)}, nothing to tell apart."
        )
    schema.classes = _sorted(column)
    if twins := _twins(column.values):
        notes.append(f"{shown(name)} has the classes {twins}")
    rows = sum(column.values.values())
    if _MANY <= rows < 2 * len(schema.classes):
        notes.append(
            f"{shown(name)} has {len(schema.classes)} classes in {rows} rows; a class needs several to be learned"
        )


def _feature(source: Source, name: str, column: Column, numeric: bool, categorical: bool) -> Feature | None:
    if not column.good and not column.bad:
        return None
    if numeric or (not column.bad and not categorical):
        if column.bad:
            way = f"; {undressed(column.example)}" if column.is_dressed else ""
            raise TableError(f"{_where(source, name, column)}{way}.")
        return Feature(name, "numeric", column.mean, column.deviation)
    if not categorical:
        _refuse_typo(source, name, column)
    if column.values is None and column.is_dressed:
        raise TableError(f"{_texts(source, name, column)}; {undressed(column.example)}.")
    if column.values is None:
        raise TableError(
            f"{source.name}, column {shown(name)}: more than {column.most} different values"
            + (f", such as {shown(column.first_bad[1])}" if column.bad else "")
            + ". If it names the rows, leave it out: `drop` (--drop); or allow more: `max_categories` "
            "(--max-categories)."
        )
    return Feature(name, "categorical", values=_sorted(column))


def _refuse_typo(source: Source, name: str, column: Column) -> None:
    """Numbers with a few texts among them are a slip, not categories."""
    if column.bad and (column.good >= 9 * column.bad or is_large(column.first_bad[1])):
        raise TableError(
            f"{_where(source, name, column)}, most others there are. "
            "Correct it; name it as a marker of missing values: `markers` (--missing-marker); or, if the column holds "
            "categories, name it in `categorical` (--categorical)."
        )


def _where(source: Source, name: str, column: Column) -> str:
    """Where the first cell is that is no number, and why."""
    line, text = column.first_bad
    return f"{cell_name(source, name, line)}: {fault(text)}"


def _texts(source: Source, name: str, column: Column) -> str:
    return f"{source.name}, column {shown(name)}: most of its texts are numbers such as {shown(column.example)}"


def _sorted(column: Column) -> list[str]:
    values = list(column.values or ())
    return sorted(values, key=float) if not column.bad else sorted(values)
