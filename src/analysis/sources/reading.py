"""Files of any kind into one relation per table: text columns s0, s1, … and a row number."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb

from analysis.errors import SourceError
from analysis.params import Format
from analysis.sources import csv_files, xlsx_files
from analysis.sources.folder import File
from analysis.sources.messages import first_line
from analysis.sources.quoting import ident, literal, scratch

PARQUET_ROW = "row_number"
"""The row number of a relation over Parquet files."""


@dataclass(frozen=True)
class SourceColumn:
    """A column of a source: its name there, its name in the relation, and its DuckDB type."""

    name: str
    sql: str
    type: str = "VARCHAR"


@dataclass(frozen=True)
class Part:
    """A file of a relation: its first row there, from 0, and the row number of that row in the file."""

    file: File
    first: int
    offset: int = 1
    format: Format | None = None  # of a CSV file, whose line numbers have to be looked up


@dataclass(frozen=True)
class Raw:
    """A table as its source has it.

    Attributes
    ----------
    relation : table or view in the engine, to be read with `row` as the row number, from 1
    columns : in the source's order
    parts : the files it comes from, in order; empty for a table of a database or a `sql`
    rows : how many there are, where that is known without counting
    shown : what the ledger and messages call the source
    """

    relation: str
    row: str
    columns: tuple[SourceColumn, ...]
    shown: str
    parts: tuple[Part, ...] = field(default=())
    rows: int | None = None

    def column(self, name: str) -> SourceColumn | None:
        """The source's column of exactly that name."""
        return next((c for c in self.columns if c.name == name), None)

    @property
    def names(self) -> list[str]:
        """The source's column names."""
        return [c.name for c in self.columns]

    def place(self, row: int) -> tuple[Part | None, int]:
        """The file of a row of the relation (from 1), and the row's number in that file (from 1)."""
        if not self.parts:
            return None, row
        part = self.parts[bisect_right([p.first for p in self.parts], row - 1) - 1]
        return part, row - part.first


def _union(names_by_file: Sequence[Sequence[str]]) -> list[str]:
    return list(dict.fromkeys(name for names in names_by_file for name in names))


def _shown(files: Sequence[File]) -> str:
    return ", ".join(f.shown for f in files)


def _count(con: duckdb.DuckDBPyConnection, relation: str) -> int:
    row = con.execute(f"SELECT count(*) FROM {relation}").fetchone()
    return int(row[0]) if row else 0


def _append(
    con: duckdb.DuckDBPyConnection, into: str, source: str, names: list[str], union: list[str]
) -> None:
    taken = [f"s{names.index(n)}" if n in names else "NULL" for n in union]
    con.execute(f"INSERT INTO {into} SELECT {', '.join(taken)} FROM {source}")


def _read_text(
    con: duckdb.DuckDBPyConnection, table: str, files: Sequence[File], fmt: Format, folder: Path
) -> Raw:
    """CSV and workbooks, all columns text."""
    heads: list[csv_files.Header | tuple[list[str], object, int]] = []
    for file in files:
        is_book = file.path.suffix.lower() not in (".csv", ".txt", ".tsv", ".gz")
        heads.append(xlsx_files.read(file, table, fmt) if is_book else csv_files.header(file, fmt))
    names = [h.names if isinstance(h, csv_files.Header) else h[0] for h in heads]
    union = _union(names)
    target = scratch(f"raw_{table}")
    con.execute(f"CREATE TABLE {target} ({', '.join(f's{i} VARCHAR' for i in range(len(union)))})")
    parts: list[Part] = []
    rows = 0
    for file, head, own in zip(files, heads, names, strict=True):
        into = target if own == union else scratch("one_file")
        if into != target:
            con.execute(f"CREATE TABLE {into} ({', '.join(f's{i} VARCHAR' for i in range(len(own)))})")
        if isinstance(head, csv_files.Header):
            csv_files.read(con, file, fmt, head, folder, into)
            parts.append(Part(file, rows, 1, fmt))
        else:
            sheet = con.from_arrow(head[1])
            sheet.insert_into(into)
            parts.append(Part(file, rows, head[2]))
        if into != target:
            _append(con, target, into, own, union)
            con.execute(f"DROP TABLE {into}")
        if len(files) > 1:
            rows = _count(con, target)
    columns = tuple(SourceColumn(n, f"s{i}") for i, n in enumerate(union))
    return Raw(target, "rowid + 1", columns, _shown(files), tuple(parts))


def _read_parquet(con: duckdb.DuckDBPyConnection, table: str, files: Sequence[File]) -> Raw:
    """A view over the files; nothing is read but their footers."""
    described: list[dict[str, str]] = []
    parts: list[Part] = []
    rows = 0
    for file in files:
        try:
            found = con.execute(f"DESCRIBE SELECT * FROM read_parquet({literal(file.path)})").fetchall()
            row = con.execute(
                f"SELECT sum(num_rows) FROM parquet_file_metadata({literal(file.path)})"
            ).fetchone()
        except duckdb.Error as error:
            problem = first_line(error).replace(str(file.path), file.shown)
            raise SourceError(
                f"{file.shown}: cannot be read as Parquet: {problem}\n"
                "  it may be half-written; write it again"
            ) from None
        described.append({name: kind for name, kind, *_ in found})
        parts.append(Part(file, rows))
        rows += int(row[0] or 0) if row else 0
    union = _union([list(d) for d in described])
    selects = []
    for part, types in zip(parts, described, strict=True):
        columns = ", ".join(f"{ident(n) if n in types else 'NULL'} AS s{i}" for i, n in enumerate(union))
        selects.append(
            f"SELECT file_row_number + 1 + {part.first} AS {PARQUET_ROW}, {columns} "
            f"FROM read_parquet({literal(part.file.path)}, file_row_number=true)"
        )
    view = scratch(f"raw_{table}")
    con.execute(f"CREATE VIEW {view} AS {' UNION ALL '.join(selects)}")
    return replace(describe(con, view, PARQUET_ROW, union, _shown(files), tuple(parts)), rows=rows)


def describe(
    con: duckdb.DuckDBPyConnection,
    relation: str,
    row: str,
    names: Sequence[str],
    shown: str,
    parts: tuple[Part, ...] = (),
) -> Raw:
    """The Raw of a relation whose columns s0, s1, … have types of their own."""
    types = {name: kind for name, kind, *_ in con.execute(f"DESCRIBE {relation}").fetchall()}
    columns = tuple(SourceColumn(n, f"s{i}", types[f"s{i}"]) for i, n in enumerate(names))
    return Raw(relation, row, columns, shown, parts)


def read_files(
    con: duckdb.DuckDBPyConnection, table: str, files: Sequence[File], fmt: Format, folder: Path
) -> Raw:
    """Read a table's files; several are put one below the other, columns by name.

    `folder` takes temporary copies. Raises SourceError for a file that cannot be read.
    """
    parquet = [f.path.suffix.lower() == ".parquet" for f in files]
    if all(parquet):
        return _read_parquet(con, table, files)
    if any(parquet):
        raise SourceError(f"{_shown(files)}: Parquet and other files cannot be mixed in one table")
    return _read_text(con, table, files, fmt, folder)
