"""Delimited text: header, encoding, faults with their line, and the line numbers of rows."""

import codecs
import csv
import gzip
import itertools
import sys
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import duckdb

from analysis.errors import SourceError
from analysis.params import Format
from analysis.sources.folder import File
from analysis.sources.messages import first_line
from analysis.sources.quoting import literal

WHITESPACE = "whitespace"
BLANKS = " \t\r\n\ufeff\u00a0"
"""What is stripped from the ends of names and values."""

csv.field_size_limit(sys.maxsize)


def _is_utf8(fmt: Format) -> bool:
    return codecs.lookup(fmt.encoding).name in ("utf-8", "utf-8-sig", "ascii")


def _encoding(fmt: Format) -> str:
    return "utf-8-sig" if _is_utf8(fmt) else fmt.encoding


@contextmanager
def _opened(file: File, fmt: Format) -> Iterator[IO[str]]:
    """The file as text, its line ends untouched; what cannot be decoded becomes a SourceError."""
    opener = gzip.open if file.path.name.lower().endswith(".gz") else open
    try:
        with opener(file.path, "rt", encoding=_encoding(fmt), newline="") as text:
            yield text
    except UnicodeDecodeError:
        raise SourceError(_undecodable(file, fmt)) from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise SourceError(f"{file.shown}: the gzip file is damaged or half-written: {error}") from None
    except OSError as error:
        raise SourceError(f"{file.shown}: cannot be read: {error.strerror or error}") from None


def _undecodable(file: File, fmt: Format) -> str:
    opener = gzip.open if file.path.name.lower().endswith(".gz") else open
    with opener(file.path, "rb") as raw:
        data = raw.read()
    try:
        data.decode(_encoding(fmt))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        byte = f"byte 0x{data[error.start]:02x}" if error.start < len(data) else "an unfinished character"
        guess = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "cp1250"
        if not _is_utf8(fmt):
            guess = "utf-8"
        return (
            f"{file.shown}:{line}: {byte} is not {fmt.encoding}\n"
            f"  write the file's encoding, for example `format: {{encoding: {guess}}}`"
        )
    return f"{file.shown}: is not {fmt.encoding}"


def _records(file: File, fmt: Format) -> Iterator[tuple[int, list[str]]]:
    """Line of its first line, and fields, of every record that is not blank."""
    with _opened(file, fmt) as text:
        if fmt.delimiter == WHITESPACE:
            for number, line in enumerate(text, 1):
                if words := line.split():
                    yield number, words
            return
        reader = csv.reader(text, delimiter=fmt.delimiter, strict=True)
        start = 1
        try:
            for fields in reader:
                if fields:
                    yield start, fields
                start = reader.line_num + 1
        except csv.Error:
            raise SourceError(
                f"{file.shown}:{start}: a quote that is not closed, or text right after a closed one; "
                'a quote inside a quoted value is written ""'
            ) from None


@dataclass(frozen=True)
class Header:
    """Names of the columns, stripped; "1", "2", … where the file has none.

    `plain`: it is the file's first line, and no more than that.
    """

    names: list[str]
    plain: bool


def header(file: File, fmt: Format) -> Header:
    """The first line of a file.

    Raises
    ------
    SourceError
        The file is empty, undecodable, names a column twice, or is separated by something else.
    """
    found = next(iter(_records(file, fmt)), None)
    if found is None:
        raise SourceError(f"{file.shown}: the file is empty; it should have a line of column names at least")
    line, fields = found
    names = [name.strip(BLANKS) for name in fields]
    if len(names) == 1:
        _check_delimiter(file, fmt, names[0])
    if not fmt.header:
        return Header([str(i + 1) for i in range(len(names))], line == 1)
    twice = sorted({n for n in names if n and names.count(n) > 1})
    if twice:
        raise SourceError(
            f"{file.shown}:{line}: the column {' and '.join(twice)} is there more than once; "
            "name every column once"
        )
    plain = line == 1 and not any("\n" in f or "\r" in f for f in fields)
    return Header([name or str(i + 1) for i, name in enumerate(names)], plain)


def _check_delimiter(file: File, fmt: Format, text: str) -> None:
    for delimiter, shown in ((";", ";"), ("\t", "tab"), ("|", "|"), (",", ",")):
        if delimiter in text and delimiter != fmt.delimiter:
            raise SourceError(
                f"{file.shown}:1: one column only, {text[:60]!r}; the columns seem to be separated by "
                f'{shown!r}\n  write `format: {{delimiter: "{shown}"}}`'
            )


def _check(file: File, fmt: Format, width: int) -> None:
    """SourceError for the first record that has not `width` fields."""
    for line, fields in _records(file, fmt):
        extra = fields[width:]
        if len(fields) < width or any(extra):
            what = "a quote that is not closed, or " if any("\n" in f for f in fields) else ""
            found = " | ".join(fields)[:80]
            raise SourceError(
                f"{file.shown}:{line}: {len(fields)} fields where the header has {width}: {found!r}; {what}a "
                "row that is cut or holds the delimiter inside a value without quotes\n"
                "  mend or remove the row, put such values in quotes, or say the file's "
                "`format: {delimiter: …}` if it is another one"
            )


def _rewritten(file: File, fmt: Format, width: int, folder: Path) -> Path:
    """A plain UTF-8, comma-separated copy, without the header."""
    handle, name = tempfile.mkstemp(".csv", dir=folder)
    with open(handle, "w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        records = (fields[:width] for _, fields in _records(file, fmt))
        writer.writerows(itertools.islice(records, 1 if fmt.header else 0, None))
    return Path(name)


def _read_csv(path: Path, delimiter: str, width: int, skip: int) -> str:
    columns = ", ".join(f"'s{i}': 'VARCHAR'" for i in range(width))
    return (
        f"read_csv({literal(path)}, auto_detect=false, header=false, skip={skip}, "
        f"delim={literal(delimiter)}, quote='\"', escape='\"', columns={{{columns}}})"
    )


def read(
    con: duckdb.DuckDBPyConnection, file: File, fmt: Format, head: Header, folder: Path, target: str
) -> None:
    """Append the file's rows to the table `target`, whose text columns are s0, s1, …

    A file that the engine cannot take as it is (encoding, white space as delimiter, mixed line ends) goes
    through a copy in `folder`.

    Raises
    ------
    SourceError
        A row that is cut, a quote that is not closed, bytes that are no text: with file and line.
    """
    insert = f"INSERT INTO {target} SELECT * FROM "
    width = len(head.names)
    if head.plain and fmt.delimiter != WHITESPACE and _is_utf8(fmt):
        try:
            con.execute(insert + _read_csv(file.path, fmt.delimiter, width, 1 if fmt.header else 0))
            return
        except duckdb.Error:
            pass  # told in the file's own terms below, or cured by the copy
    _check(file, fmt, width)
    copy = _rewritten(file, fmt, width, folder)
    try:
        con.execute(insert + _read_csv(copy, ",", width, 0))
    except duckdb.Error as error:
        problem = first_line(error).replace(str(copy), file.shown)
        raise SourceError(f"{file.shown}: cannot be read: {problem}") from None


def line_numbers(file: File, fmt: Format, rows: Iterable[int]) -> dict[int, int]:
    """Line in the file of rows 1, 2, … of its data (a value may span lines)."""
    wanted = set(rows)
    first = 0 if fmt.header else 1
    found = {}
    last = max(wanted, default=0)
    for row, (line, _) in enumerate(_records(file, fmt), first):
        if row in wanted:
            found[row] = line
        if row >= last:
            break
    return found
