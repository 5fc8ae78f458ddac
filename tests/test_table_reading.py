"""Files that are no CSV file say what they are, where, and the way out; pipes and packed files are read."""

from __future__ import annotations

import codecs
import gzip
import io
import os
import sys
import threading
from pathlib import Path

import pytest
from small_tables import quick

from lamella import tables
from lamella.tables import TableError
from lamella.tables._reading import Source

GOOD = "a,y\n" + "".join(f"{i}.5,{2 * i}.5\n" for i in range(60))


@pytest.fixture
def trained(tmp_path: Path) -> tables.TableModel:
    (tmp_path / "good.csv").write_text(GOOD, encoding="utf-8")
    return quick(tmp_path / "good.csv", "y", epochs=1)


@pytest.mark.parametrize(
    ("content", "encoding", "message"),
    [
        (GOOD.encode(), "utf-16", "no text in utf-16 .*BOM.*name its `encoding`"),
        (b"a,y\n-\xff,2\n", "punycode", "no text in punycode"),
        (codecs.BOM_UTF16_LE + GOOD.encode("utf-16-le"), "utf-8-sig", "first bytes are those of utf-16"),
        (GOOD.encode("utf-16-le"), "utf-8-sig", "holds zeros, .* exported as CSV first"),
        (b"PK\x03\x04\x00\x00\xff\xfe" + bytes(2000), "utf-8-sig", "holds zeros, .* exported as CSV first"),
        (b"PK\x03\x04\x00\x00\xff\xfe" + bytes(2000), "latin-1", "holds zeros, .* exported as CSV first"),
        ("straße,y\n".encode("latin-1"), "utf-8-sig", "name its `encoding` .--encoding., such as utf-8 or latin-1"),
        (b'a,y\n1,2\n\n"3,4\n5,6\n', "utf-8-sig", "is no CSV file: the quote that line 4 opens is never closed"),
        (b"a,y\n1,2\n3," + b"x" * 140_000 + b"\n", "utf-8-sig", "line 3 has a cell of more than 131,072 characters"),
        (b'a,y\n1,"2"3\n', "utf-8-sig", "is no CSV file: line 2: "),
        (gzip.compress(GOOD.encode())[:40] + b"\xff" * 90, "utf-8-sig", "is damaged, it cannot be unpacked"),
        (b"# of May, all\na,y,z\n1,2,3\n", "utf-8-sig", "line 2: 3 cells, .* remove comments above the names"),
    ],
    ids=range(12),
)
def test_files_that_are_no_tables_say_what_they_are(
    tmp_path: Path, content: bytes, encoding: str, message: str
) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(TableError, match=message) as error:
        quick(tmp_path / "a.csv", "y", encoding=encoding)
    assert "a.csv" in str(error.value) and "\n" not in str(error.value) and len(str(error.value)) < 400


def test_the_separator_that_excel_writes_above_the_names_is_taken(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("sep=;\na,b;y\n1,5;2\n", encoding="utf-8")
    (chunk,) = Source(tmp_path / "a.csv").chunks()
    assert chunk.cells == {"a,b": ["1,5"], "y": ["2"]} and chunk.lines == [3]
    (tmp_path / "a.csv").write_text("sep=;\n", encoding="utf-8")
    with pytest.raises(TableError, match="no names of columns"):
        next(Source(tmp_path / "a.csv").chunks())


def test_long_texts_and_control_codes_are_quoted_in_short(tmp_path: Path) -> None:
    long, code = "x" * 9000, "\x1b[31m"
    (tmp_path / "a.csv").write_text(f"{long},{code},y\n1,2,3.5\n1,{long},4\n", encoding="utf-8")
    for options in ({"target": "nope"}, {"target": "y", "numeric": [code]}, {"target": code, "task": "regression"}):
        with pytest.raises(TableError) as error:
            quick(tmp_path / "a.csv", validation_split=0, **options)
        assert len(str(error.value)) < 500 and "\x1b" not in str(error.value) and "x..." in str(error.value)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no named pipes")
@pytest.mark.parametrize("packed", [False, True])
def test_named_pipes_are_read_for_predictions_and_refused_for_training(
    trained: tables.TableModel, tmp_path: Path, packed: bool
) -> None:
    os.mkfifo(tmp_path / "pipe")
    content = gzip.compress(GOOD.encode()) if packed else GOOD.encode()
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(content,))
    writer.start()
    assert len(trained.predict(tmp_path / "pipe")) == 60
    writer.join()
    with pytest.raises(ValueError, match=r"`path` must be a file, training reads it twice; got .*write that to a file"):
        quick(tmp_path / "pipe", "y")


@pytest.mark.parametrize("packed", [False, True])
def test_standard_input_may_be_packed(
    trained: tables.TableModel, monkeypatch: pytest.MonkeyPatch, packed: bool
) -> None:
    content = gzip.compress(GOOD.encode()) if packed else GOOD.encode()
    stream = io.TextIOWrapper(io.BufferedReader(io.BytesIO(content)))  # type: ignore[arg-type]
    monkeypatch.setattr(sys, "stdin", stream)
    assert len(trained.predict("-")) == 60 and not stream.closed
    monkeypatch.setattr(sys, "stdin", io.StringIO(GOOD))
    assert len(trained.predict("-")) == 60
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(TableError, match="Standard input is closed"):
        trained.predict("-")
