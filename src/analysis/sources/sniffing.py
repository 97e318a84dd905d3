"""A look into a folder of files whose mapping is not known yet: format, header and some rows of each."""

import codecs
import csv
import gzip
import itertools
import re
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import duckdb
from python_calamine import CalamineError, CalamineWorkbook

from analysis.contract import TABLES
from analysis.errors import SourceError
from analysis.params import Format
from analysis.sources import xlsx_files
from analysis.sources.connecting import Connection
from analysis.sources.csv_files import BLANKS, WHITESPACE
from analysis.sources.folder import File, files_in
from analysis.sources.messages import first_line
from analysis.sources.quoting import ident, literal

ROWS = 20_000
"""How many rows of a file are looked at."""

_DELIMITERS = (",", ";", "\t", "|")
_POLISH = re.compile(rb"[A-Za-z][\xb9\xb3\x9c\xbf]|[\xb9\xb3\x9c\xbf][A-Za-z]")  # ą ł ś ż of cp1250
_VALUE = re.compile(r"[-+]?\d[\d .,:/T-]*")


@dataclass(frozen=True)
class Sample:
    """The beginning of a file (or of a sheet): column names, cells as text, and how the file is written.

    `format` holds what differs from the defaults only: delimiter, encoding, header.
    """

    file: File
    names: list[str]
    rows: list[list[str]] = field(repr=False)
    format: dict[str, str | bool]
    sheet: str = ""

    def column(self, name: str) -> list[str]:
        """The cells of a column that are not empty."""
        at = self.names.index(name)
        return [row[at] for row in self.rows if at < len(row) and row[at]]


def look(folder: Path, shown: str) -> tuple[list[Sample], list[str]]:
    """Samples of the readable files of a folder, by name, and a line for each that cannot be read."""
    samples, problems = [], []
    for file in files_in(Connection(folder, shown, False)):
        try:
            samples += list(_samples(file))
        except SourceError as error:
            problems.append(str(error).splitlines()[0])
    return samples, problems


def _samples(file: File) -> Iterator[Sample]:
    suffix = file.path.suffix.lower()
    if suffix == ".parquet":
        yield _parquet(file)
    elif suffix in (".csv", ".txt", ".tsv", ".gz"):
        yield _text(file)
    else:
        yield from _workbook(file)


def _workbook(file: File) -> Iterator[Sample]:
    """A sample of each sheet named after a canonical table, else of the first sheet."""
    try:
        sheets = [name.strip().lower() for name in CalamineWorkbook.from_path(file.path).sheet_names]
    except (CalamineError, OSError) as error:
        raise SourceError(f"{file.shown}: cannot be read as a workbook: {error}") from None
    for sheet in [s for s in sheets if s in TABLES] or [""]:
        names, table, _ = xlsx_files.read(file, sheet, Format())
        cells = zip(*(column.to_pylist() for column in table.slice(0, ROWS).columns), strict=True)
        yield Sample(file, names, [[c or "" for c in row] for row in cells], {}, sheet)


def _parquet(file: File) -> Sample:
    try:
        with duckdb.connect() as con:
            relation = f"read_parquet({literal(file.path)})"
            names = [name for name, *_ in con.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()]
            texts = ", ".join(f"CAST({ident(n)} AS VARCHAR)" for n in names)
            rows = con.execute(f"SELECT {texts} FROM {relation} LIMIT {ROWS}").fetchall()
    except duckdb.Error as error:
        problem = first_line(error).replace(str(file.path), file.shown)
        raise SourceError(f"{file.shown}: cannot be read as Parquet: {problem}") from None
    return Sample(file, names, [[c or "" for c in row] for row in rows], {})


# --- text -------------------------------------------------------------------------------------------------


def _opened(file: File) -> IO[bytes]:
    """The file's bytes; a type both kinds of files share."""
    return gzip.open(file.path, "rb") if file.path.suffix.lower() == ".gz" else open(file.path, "rb")  # type: ignore[return-value]


def _encoding(file: File) -> str:
    """UTF-8 when all of the file is, else an older encoding: Polish letters in words tell cp1250."""
    with _opened(file) as raw:
        if raw.read(2) in (b"\xff\xfe", b"\xfe\xff"):
            return "utf-16"
    decoder = codecs.getincrementaldecoder("utf-8")()
    is_utf8, is_polish = True, False
    with _opened(file) as raw:
        while chunk := raw.read(1 << 20):
            is_polish = is_polish or bool(_POLISH.search(chunk))
            try:
                decoder.decode(chunk, final=len(chunk) < 1 << 20)
            except UnicodeDecodeError:
                is_utf8 = False
    return "utf-8" if is_utf8 else "cp1250" if is_polish else "cp1252"


def _records(file: File, encoding: str, delimiter: str) -> Iterator[list[str]]:
    with codecs.getreader("utf-8-sig" if encoding == "utf-8" else encoding)(_opened(file)) as text:
        if delimiter == WHITESPACE:
            rows: Iterator[list[str]] = (line.split() for line in text)
        else:
            rows = csv.reader(text, delimiter=delimiter)
        for row in rows:
            if any(row):
                yield [cell.strip(BLANKS) for cell in row]


def _delimiter(file: File, encoding: str) -> str:
    """The delimiter that gives the most rows the same number of fields, more than one."""
    best, best_score = ",", (0.0, 1)
    for delimiter in (*_DELIMITERS, WHITESPACE):
        widths = [len(r) for r in itertools.islice(_records(file, encoding, delimiter), 200)]
        width, count = Counter(widths).most_common(1)[0] if widths else (1, 0)
        score = (round(count / max(len(widths), 1), 1), width)
        likelier = score > best_score if delimiter != WHITESPACE else best_score[1] == 1 and score[0] == 1
        if width > 1 and likelier:
            best, best_score = delimiter, score
    return best


def _text(file: File) -> Sample:
    try:
        encoding = _encoding(file)
        delimiter = _delimiter(file, encoding)
        rows = list(itertools.islice(_records(file, encoding, delimiter), ROWS + 1))
    except (OSError, EOFError, zlib.error, UnicodeError, csv.Error) as error:
        raise SourceError(f"{file.shown}: cannot be read: {error}") from None
    if not rows:
        raise SourceError(f"{file.shown}: the file is empty")
    has_header = not any(_VALUE.fullmatch(cell) for cell in rows[0])
    names = [(cell if has_header else "") or str(i + 1) for i, cell in enumerate(rows[0])]
    if twice := sorted({n for n in names if names.count(n) > 1}):
        raise SourceError(f"{file.shown}: the column {' and '.join(twice)} is there more than once")
    given: dict[str, str | bool] = {"delimiter": delimiter, "encoding": encoding, "header": has_header}
    differs = {k: v for k, v in given.items() if v != getattr(Format(), k)}
    return Sample(file, names, rows[1:] if has_header else rows, differs)
