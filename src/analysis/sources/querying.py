"""Tables that come from a database's table or from a `sql` over the source's own tables."""

from pathlib import Path

import duckdb

from analysis.errors import SourceError
from analysis.params import Format, Params
from analysis.sources.connecting import DATABASE, Connection
from analysis.sources.folder import File, files_in
from analysis.sources.messages import did_you_mean, first_line, listing
from analysis.sources.parsing import date_formats, number, present
from analysis.sources.quoting import ident, literal, literals, scratch
from analysis.sources.reading import PARQUET_ROW, Raw, describe, read_files

SOURCE = "source_files"
"""Schema of the files' tables while a `sql` runs."""

_SAMPLE = 2000
_NATIVE = (
    "VARCHAR", "BOOLEAN", "DATE", "DOUBLE", "FLOAT", "TIMESTAMP", "DECIMAL", "TINYINT", "SMALLINT", "INTEGER",
    "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT",
)  # fmt: skip


def _statement(con: duckdb.DuckDBPyConnection, sql: str, where: str) -> str:
    """The text of the one SELECT that `sql` is; SourceError when it is anything else."""
    try:
        found = con.extract_statements(sql)
    except duckdb.Error as error:
        raise SourceError(f"{where}: sql: cannot be understood: {first_line(error)}") from None
    text = found[0].query.strip().rstrip(";").strip() if len(found) == 1 else ""
    if len(found) != 1 or found[0].type != duckdb.StatementType.SELECT:
        raise SourceError(
            f"{where}: sql: must be one SELECT statement; it only reads, and there is no second one"
        )
    return text


# --- types of text columns --------------------------------------------------------------------------------


def _candidates(text: str, fmt: Format) -> list[tuple[str, str]]:
    """DuckDB types a text column may have, the strictest first, and SQL of its value in that type."""
    leading_zero = f"regexp_matches({text}, '^[-+]?0[0-9]')"
    guard = f"CASE WHEN NOT {leading_zero} THEN {{}} END"
    day = (
        f"CASE WHEN regexp_full_match({text}, '\\d{{4}}-\\d{{2}}-\\d{{2}}') THEN TRY_CAST({text} AS DATE) END"
    )
    has_offset = f"regexp_matches({text}, '[zZ]$|[-+]\\d\\d(:?\\d\\d)?$')"
    wall = f"CASE WHEN NOT {has_offset} THEN TRY_CAST({text} AS TIMESTAMP) END"
    whole = f"CASE WHEN regexp_full_match({text}, '[-+]?\\d{{1,18}}') THEN TRY_CAST({text} AS BIGINT) END"
    instant = f"CASE WHEN contains({text}, ':') THEN TRY_CAST({text} AS TIMESTAMPTZ) END"
    days, timed, _ = date_formats(fmt)
    given = [("DATE", f"CAST(try_strptime({text}, [{literals(days)}]) AS DATE)")] if days else []
    if days + timed:
        given.append(("TIMESTAMP", f"try_strptime({text}, [{literals(days + timed)}])"))
    return [
        *given,
        ("BIGINT", guard.format(whole)),
        ("DECIMAL", guard.format(number(text, "VARCHAR", fmt, "DECIMAL(18, 6)"))),
        ("DOUBLE", guard.format(number(text, "VARCHAR", fmt, "DOUBLE"))),
        ("DATE", day),
        ("TIMESTAMP", f"CASE WHEN contains({text}, ':') THEN {wall} END"),
        ("TIMESTAMPTZ", instant),
        ("BOOLEAN", f"CASE WHEN lower({text}) IN ('true', 'false') THEN lower({text}) = 'true' END"),
    ]


def _sniffed(con: duckdb.DuckDBPyConnection, raw: Raw, fmt: Format) -> list[str]:
    """SQL of each column in the type that all its values have; text where a value has leading zeros."""
    texts = [present(c.sql, "VARCHAR") for c in raw.columns]
    options = [_candidates(t, fmt) for t in texts]

    def hold(relation: str, live: list[list[tuple[str, str]]]) -> list[list[bool]]:
        tests = [
            f"count({t}) > 0 AND count({t}) = count({sql})"
            for t, some in zip(texts, live, strict=True)
            for _, sql in some
        ]
        answers = (
            list(con.execute(f"SELECT {', '.join(tests)} FROM {relation}").fetchone() or ()) if tests else []
        )
        return [[bool(answers.pop(0)) for _ in some] for some in live]

    live = options
    for relation in (f"(SELECT * FROM {raw.relation} LIMIT {_SAMPLE})", raw.relation):
        kept = hold(relation, live)
        live = [
            [o for o, ok in zip(some, oks, strict=True) if ok] for some, oks in zip(live, kept, strict=True)
        ]
    return [_typed(con, raw, text, some) for text, some in zip(texts, live, strict=True)]


def _typed(con: duckdb.DuckDBPyConnection, raw: Raw, text: str, options: list[tuple[str, str]]) -> str:
    """The column in its type; decimals with the places it needs, so that sums and products stay exact."""
    if not options:
        return text
    kind, sql = options[0]
    if kind != "DECIMAL":
        return sql
    places = f"length(regexp_extract({text}, '[.,](\\d*)$', 1))"
    exponent = f"bool_or(regexp_matches({text}, '[eE]'))"
    row = con.execute(f"SELECT max({places}), {exponent} FROM {raw.relation}").fetchone()
    if not row or row[1] or row[0] is None or row[0] > 6:
        return f"CAST({text} AS DOUBLE)" if row and row[1] else sql
    return f"CAST({sql} AS DECIMAL(18, {row[0]}))"


# --- sql --------------------------------------------------------------------------------------------------


def _provide(
    con: duckdb.DuckDBPyConnection, file: File, stem: str, fmt: Format, folder: Path, done: set[str]
) -> None:
    """Make the file's table in the files' schema, once."""
    if stem in done:
        return
    raw = read_files(con, f"of {stem}", [file], fmt, folder)
    if all(c.type == "VARCHAR" for c in raw.columns):
        columns = _sniffed(con, raw, fmt)
    else:
        columns = [c.sql for c in raw.columns]
    named = ", ".join(f"{sql} AS {ident(c.name)}" for sql, c in zip(columns, raw.columns, strict=True))
    kind = "VIEW" if raw.row == PARQUET_ROW else "TABLE"
    con.execute(f"CREATE {kind} {SOURCE}.{ident(stem)} AS SELECT {named} FROM {raw.relation}")
    if kind == "TABLE":
        con.execute(f"DROP TABLE {raw.relation}")
    done.add(stem)


class Queries:
    """Runs the `sql` and `table` entries of one source; `used` are the files that were read for it."""

    def __init__(self, con: duckdb.DuckDBPyConnection, connection: Connection, params: Params, folder: Path):
        self.con, self.connection, self.params, self.folder = con, connection, params, folder
        self.used: dict[str, File] = {}
        self._done: dict[tuple[str, ...], set[str]] = {}
        if not connection.is_database:
            con.execute(f"CREATE SCHEMA IF NOT EXISTS {SOURCE}")

    def tables(self) -> list[tuple[str, str]]:
        """Schema and name of a database's tables."""
        return self.con.execute(
            "SELECT table_schema, table_name FROM information_schema.tables "
            f"WHERE table_catalog = '{DATABASE}' ORDER BY table_schema <> 'main', table_schema, table_name"
        ).fetchall()

    def table(self, canonical: str, name: str) -> Raw:
        """A table or view of the database, as it is.

        Raises
        ------
        SourceError
            It is not there; the text names the near matches.
        """
        tables = self.tables()
        wanted = tuple(name.split("."))
        hits = [t for t in tables if t == wanted or t[1:] == wanted]
        if not hits:
            where = self.params.where("source", "tables", canonical, "table")
            names = [n if s == "main" else f"{s}.{n}" for s, n in tables]
            raise SourceError(
                f"{where}: {canonical}: there is no table {name} in {self.connection.shown}"
                f"{did_you_mean(name, names)}\n  it has {listing(names)}; write `table:` with one of them"
            )
        schema, table = hits[0]
        source = f"{DATABASE}.{ident(schema)}.{ident(table)}"
        return self._kept(canonical, f"SELECT * FROM {source}", f"{self.connection.shown} {name}")

    def sql(self, canonical: str, sql: str, fmt: Format) -> Raw:
        """The rows of a SELECT over the source's own tables; a file's table is its stem.

        Raises
        ------
        SourceError
            It is no single SELECT, names a table that is not there, or fails.
        """
        where = self.params.where("source", "tables", canonical, "sql")
        text = _statement(self.con, sql, where)
        shown = "sql"
        if not self.connection.is_database:
            files = self._provide_all(canonical, text, fmt, where)
            shown = f"sql over {', '.join(files)}" if files else "sql"
            home = SOURCE
        else:
            home = f"{DATABASE}.main"
        self.con.execute(f"SET search_path = {literal(home)}")
        try:
            return self._kept(canonical, text, shown)
        except duckdb.Error as error:
            problem = self.connection.redact(first_line(error))
            raise SourceError(f"{where}: {canonical}: sql: {problem}") from None
        finally:
            self.con.execute("SET search_path = 'memory.main'")

    def _provide_all(self, canonical: str, text: str, fmt: Format, where: str) -> list[str]:
        by_stem = {f.stem.lower(): f for f in files_in(self.connection)}
        try:
            named = sorted(self.con.get_table_names(text))
        except duckdb.Error:
            named = [s for s in by_stem if s in text.lower()]
        missing = [n for n in named if n.lower() not in by_stem]
        if missing:
            stems = [f.stem for f in by_stem.values()]
            raise SourceError(
                f"{where}: {canonical}: sql: there is no file for the table {missing[0]}"
                f"{did_you_mean(missing[0], stems)}\n  a file's table is its name without the ending; "
                f"{self.connection.shown} has {listing(stems)}"
            )
        done = self._done.setdefault((repr(fmt),), set())
        if not done:
            self.con.execute(f"DROP SCHEMA {SOURCE} CASCADE")
            self.con.execute(f"CREATE SCHEMA {SOURCE}")
            self._done = {(repr(fmt),): done}
        files = [by_stem[n.lower()] for n in named]
        for file in files:
            self.used[file.shown] = file
            _provide(self.con, file, file.stem, fmt, self.folder, done)
        return [f.shown for f in files]

    def _kept(self, canonical: str, select: str, shown: str) -> Raw:
        """The rows of a SELECT, kept in a table of their own with columns s0, s1, …"""
        described = self.con.execute(f"DESCRIBE {select}").fetchall()
        names = [str(row[0]).strip() for row in described]
        columns = []
        for i, (_, kind, *_) in enumerate(described):
            native = str(kind).startswith(_NATIVE) and "[" not in str(kind)
            columns.append(f"c{i} AS s{i}" if native else f"CAST(c{i} AS VARCHAR) AS s{i}")
        inner = ", ".join(f"c{i}" for i in range(len(names)))
        target = f"memory.{scratch(f'raw_{canonical}')}"
        self.con.execute(
            f"CREATE TABLE {target} AS SELECT {', '.join(columns)} FROM ({select}) AS q({inner})"
        )
        return describe(self.con, target, "rowid + 1", names, shown)
