"""CSV files a chunk at a time: only the text of one chunk is in memory."""

from __future__ import annotations

import codecs
import contextlib
import csv
import gzip
import io
import itertools
import os
import re
import sys
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from ._cells import shown

_SEPARATORS = ",;\t|"
_ROWS = 8192  # a chunk
_COMMENT = "; it begins with #: remove comments above the names"


class TableError(ValueError):
    """A table that cannot be used as it is; the message names file, column and line, and the way out.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from lamella import tables
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "a.csv"
        ...     _ = path.write_text("size,price\\n3,4\\n")
        ...     try:
        ...         tables.train(path, "cost")
        ...     except tables.TableError as error:
        ...         print(str(error).removeprefix(str(path)))
         has no column 'cost'; it has 'size', 'price'.
    """


@dataclass
class Chunk:
    """Some rows of a table.

    Attributes:
        lines: The line of the file on which each row ends.
        cells: Column name -> the text of each row, without spaces around it.
    """

    lines: list[int]
    cells: dict[str, list[str]]

    def __len__(self) -> int:
        return len(self.lines)


class Source:
    """A CSV file with a line of names at its top, read as often as one likes.

    Args:
        path: The file, also one that gzip compressed; ``"-"`` is standard input, which can be read only once.
        separator: Between cells; None takes that of ``, ; tab |`` which the first line has most of.
        encoding: Of the text.
        rows: Of a chunk.

    Attributes:
        nameless: Places, from 1, of columns that have cells and no name, as far as it was read.

    Raises:
        TypeError, ValueError: If an argument is wrong.
        TableError: While it is read: if it is empty, has no names, or a row has more or fewer cells than names.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "a.csv"
        ...     _ = path.write_text("size;price\\n3; 4\\n")
        ...     [chunk.cells for chunk in Source(path).chunks()]
        [{'size': ['3'], 'price': ['4']}]
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        separator: str | None = None,
        encoding: str = "utf-8-sig",
        rows: int = _ROWS,
    ) -> None:
        self.path = _path(path)
        if separator is not None:
            check_separator(separator)
        check_encoding(encoding)
        self.separator = separator
        self.encoding = encoding
        self.rows = rows
        self.nameless: set[int] = set()

    @property
    def name(self) -> str:
        """What messages call it."""
        return "standard input" if str(self.path) == "-" else str(self.path)

    @property
    def _no_text(self) -> str:
        return f"{self.name} is no text in {self.encoding.removesuffix('-sig')}"

    def chunks(self) -> Iterator[Chunk]:
        """All rows, in order. Lines that are empty are passed over, and so are columns without a name."""
        with self._opened() as binary:
            start = binary.peek(2)
            packed = start[:2] == b"\x1f\x8b"
            plain = gzip.GzipFile(fileobj=binary) if packed else binary
            try:
                start = plain.peek(2)
                text = io.TextIOWrapper(plain, self.encoding, newline="")
                try:
                    yield from self._chunks(text)
                finally:
                    text.detach()  # standard input is not ours to close
            except UnicodeError as error:
                why = error.reason if isinstance(error, UnicodeDecodeError) else error
                raise TableError(f"{self._no_text} ({why}); {_hint(start)}.") from None
            except (gzip.BadGzipFile, EOFError, zlib.error) as error:
                raise TableError(f"{self.name} is damaged, it cannot be unpacked: {error}.") from None

    def _chunks(self, stream: TextIO) -> Iterator[Chunk]:
        first = stream.readline()
        if not first.strip(" ,;\t|\r\n"):
            raise TableError(f"{self.name} has no names of columns in its first line.")
        if "\0" in first:
            raise TableError(f"{self._no_text}; {_hint(first.encode('utf-8', 'replace'))}.")
        said = re.fullmatch(r"sep=(.)\s*", first)  # Excel's
        separator = self.separator or (said and said[1]) or max(_SEPARATORS, key=re.sub(r'"[^"]*"', "", first).count)
        reader = csv.reader(itertools.chain([first], stream), delimiter=separator, strict=True)
        last = 0
        try:
            cells = next(reader)
            last = reader.line_num
            names = self._names(next(reader, []) if said else cells)
            last = reader.line_num
            while True:
                lines, rows = [], []
                for row in reader:
                    last = reader.line_num
                    if not row:
                        continue
                    if len(row) != len(names):
                        hint = _COMMENT if names[0].startswith("#") else ""
                        raise TableError(
                            f"{self.name}, line {last}: {len(row)} cells, but the first line names {len(names)} "
                            f"columns (the separator is {separator!r}{hint})."
                        )
                    lines.append(last)
                    rows.append(row)
                    if len(rows) == self.rows:
                        break
                if not rows:
                    return
                yield self._chunk(lines, names, zip(*rows, strict=True))
        except csv.Error as error:
            raise self._no_csv(error, last + 1, reader.line_num) from None

    def _chunk(self, lines: list[int], names: list[str], columns: Iterable[tuple[str, ...]]) -> Chunk:
        chunk = Chunk(lines, {})
        for place, (name, column) in enumerate(zip(names, columns, strict=True), 1):
            cells = [*map(str.strip, column)]
            if "\0" in "".join(cells):
                line = next(line for line, cell in zip(lines, cells, strict=True) if "\0" in cell)
                raise TableError(
                    f"{self.name}, line {line}: {shown(name)} holds a byte that is zero, which no text has."
                )
            if name:
                chunk.cells[name] = cells
            elif any(cells):
                self.nameless.add(place)
        return chunk

    def _no_csv(self, error: csv.Error, first: int, line: int) -> TableError:
        """The error for a row that begins on line `first`, of which the reader says no more than its own words."""
        limit = csv.field_size_limit()
        why = {
            "unexpected end of data": f"the quote that line {first} opens is never closed",
            f"field larger than field limit ({limit})": (
                f"the row that begins on line {first} has a cell of more than {limit:,} characters; close its quote, "
                "or leave the column out of the file"
            ),
        }
        return TableError(f"{self.name} is no CSV file: {why.get(str(error), f'line {line}: {error}')}.")

    def _names(self, cells: list[str]) -> list[str]:
        names = [cell.strip() for cell in cells]
        doubled = sorted({name for name in names if name and names.count(name) > 1})
        if not any(names):
            raise TableError(f"{self.name} has no names of columns in its first line.")
        if doubled:
            raise TableError(
                f"{self.name} names several columns {shown(doubled[0])} in its first line; rename all but one."
            )
        if names != [*map(str, range(len(names)))] and all(map(_is_number, names)):  # 0,1,2: pandas' names for no names
            raise TableError(f"{self.name} has numbers in its first line; put the names of the columns there.")
        return names

    @contextlib.contextmanager
    def _opened(self) -> Iterator[Any]:
        """The bytes, with peek(): of a file, a pipe or standard input."""
        if str(self.path) != "-":
            with self.path.open("rb") as stream:
                yield stream
            return
        if sys.stdin is None:
            raise TableError("Standard input is closed; name a file, or send the table through a pipe.")
        binary = getattr(sys.stdin, "buffer", None)
        if not hasattr(binary, "peek"):  # something that stands for standard input, such as io.StringIO
            whole = sys.stdin.read().encode(self.encoding) if binary is None else binary.read()
            binary = io.BufferedReader(io.BytesIO(whole))
        yield binary


def _path(path: Any) -> Path:
    if not isinstance(path, (str, os.PathLike)) or isinstance(os.fspath(path), bytes):
        what = type(path).__name__
        way = "; write it to one first: to_csv(path, index=False)" if hasattr(path, "to_csv") else ""
        got = f"a {what}" if way else f"{shown(path)} of type {what}"
        raise TypeError(f"`path` must be the name of a CSV file, got {got}{way}.")
    if not os.fspath(path) or "\0" in os.fspath(path):
        raise ValueError(f"`path` must be the name of a CSV file, got {path!r}.")
    return Path(path)


def check_separator(text: Any) -> None:
    """Refuses what cannot stand between cells.

    Raises:
        TypeError, ValueError: If it is no text, or not one sign that is no letter, digit, quote or end of a line.
    """
    if not isinstance(text, str):
        raise TypeError(f"`separator` must be one sign such as ';', got {text!r} of type {type(text).__name__}.")
    if len(text) != 1 or not (text.isprintable() or text == "\t") or text.isalnum() or text == '"':
        raise ValueError(f"`separator` must be one sign such as ';' (no letter, digit or quote), got {text!r}.")


def check_encoding(text: Any) -> None:
    """Refuses what is no encoding of texts.

    Raises:
        TypeError, ValueError: If it is no text, or Python does not know it.
    """
    if not isinstance(text, str):
        raise TypeError(f"`encoding` must be a name such as 'utf-8', got {text!r} of type {type(text).__name__}.")
    try:
        "a".encode(text or "?")  # an empty text would pass by any name
    except (LookupError, ValueError):
        raise ValueError(f"`encoding` must be a known one such as 'utf-8' or 'latin-1', got {text!r}.") from None


def _hint(start: bytes) -> str:
    if start[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return "its first bytes are those of utf-16, name that as its encoding"
    if b"\0" in start:
        return "it holds zeros, which texts do not: a spreadsheet must be exported as CSV first"
    return "name its `encoding` (--encoding), such as utf-8 or latin-1"


def _is_number(text: str) -> bool:
    with contextlib.suppress(ValueError):
        float(text)
        return True
    return False
