"""CSV files a chunk at a time: only the text of one chunk is in memory."""

from __future__ import annotations

import contextlib
import csv
import gzip
import io
import itertools
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

_SEPARATORS = ",;\t|"
_ROWS = 8192  # a chunk


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

    Raises:
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
        self.path = Path(path)
        self.separator = separator
        self.encoding = encoding
        self.rows = rows

    @property
    def name(self) -> str:
        """What messages call it."""
        return "standard input" if str(self.path) == "-" else str(self.path)

    def chunks(self) -> Iterator[Chunk]:
        """All rows, in order. Lines that are empty are passed over."""
        with self._opened() as stream:
            try:
                yield from self._chunks(stream)
            except csv.Error as error:
                raise TableError(f"{self.name} is no CSV file: {error}.") from None
            except UnicodeDecodeError as error:
                raise TableError(
                    f"{self.name} is no text in {self.encoding} ({error.reason}); name its encoding, such as latin-1."
                ) from None
            except (gzip.BadGzipFile, EOFError) as error:
                raise TableError(f"{self.name} is damaged: {error}.") from None

    def _chunks(self, stream: TextIO) -> Iterator[Chunk]:
        first = stream.readline()
        if not first.strip():
            raise TableError(f"{self.name} has no names of columns in its first line.")
        separator = self.separator or max(_SEPARATORS, key=re.sub(r'"[^"]*"', "", first).count)
        reader = csv.reader(itertools.chain([first], stream), delimiter=separator, strict=True)
        names = self._names(next(reader))
        while True:
            lines, rows = [], []
            for row in reader:
                if not row:
                    continue
                if len(row) != len(names):
                    raise TableError(
                        f"{self.name}, line {reader.line_num}: {len(row)} cells, but the first line names "
                        f"{len(names)} columns (the separator is {separator!r})."
                    )
                lines.append(reader.line_num)
                rows.append(row)
                if len(rows) == self.rows:
                    break
            if not rows:
                return
            columns = zip(*rows, strict=True)
            yield Chunk(lines, {name: [*map(str.strip, cells)] for name, cells in zip(names, columns, strict=True)})

    def _names(self, cells: list[str]) -> list[str]:
        names = [cell.strip() for cell in cells]
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise TableError(f"{self.name} names several columns {doubled[0]!r} in its first line; rename all but one.")
        if names != [*map(str, range(len(names)))] and all(map(_is_number, names)):  # 0,1,2: pandas' names for no names
            raise TableError(f"{self.name} has numbers in its first line; put the names of the columns there.")
        return names

    @contextlib.contextmanager
    def _opened(self) -> Iterator[TextIO]:
        if str(self.path) == "-":
            binary = getattr(sys.stdin, "buffer", None)
            if binary is None:
                yield sys.stdin
                return
            text = io.TextIOWrapper(binary, self.encoding, newline="")
            try:
                yield text
            finally:
                text.detach()  # or standard input is closed with it
            return
        with self.path.open("rb") as stream:
            packed = stream.read(2) == b"\x1f\x8b"
            stream.seek(0)
            plain = gzip.GzipFile(fileobj=stream) if packed else stream
            with io.TextIOWrapper(plain, self.encoding, newline="") as lines:
                yield lines


def _is_number(text: str) -> bool:
    with contextlib.suppress(ValueError):
        float(text)
        return True
    return False
