"""A company's source into checked tables as of a day: one way through, every row accounted for."""

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import duckdb
import pandas as pd

from analysis.contract import TABLES
from analysis.errors import AnalysisError, SourceError
from analysis.params import Params
from analysis.sources import checking, deriving, folder, mapping, parsing, pseudonyms, surveying, viewing
from analysis.sources.connecting import attach, connect
from analysis.sources.folder import File
from analysis.sources.mapping import Spec
from analysis.sources.messages import first_line
from analysis.sources.querying import Queries
from analysis.sources.quoting import SCRATCH, ident, literal, scratch
from analysis.sources.reading import PARQUET_ROW, Raw, read_files
from analysis.texts import say

LEDGER = [
    "table", "source", "rows_read", "filtered", "after_as_of", "duplicates", "quarantined", "flagged",
    "accepted", "note",
]  # fmt: skip
"""Columns of the ledger; rows_read = filtered + after_as_of + duplicates + quarantined + accepted."""

SMALL = 50_000_000
"""Bytes of sources under which one thread is quicker than handing small tables about, for the KPIs too."""


LARGE = 10_000_000
"""Bytes of a table's Parquet files from which on it is not copied into the engine."""


@dataclass(frozen=True)
class Loaded:
    """What loading leaves beside the tables; `supplied` are the columns that the source gives, by table.

    `is_large`: some tables are views on their files.
    """

    as_of: date
    first_event: date
    tables: tuple[str, ...]
    supplied: dict[str, frozenset[str]]
    ledger: pd.DataFrame
    quarantine: pd.DataFrame
    inputs: list[dict[str, str | int]]
    is_large: bool


@dataclass
class _State:
    con: duckdb.DuckDBPyConnection
    params: Params
    specs: dict[str, Spec] = field(default_factory=dict)
    raws: dict[str, Raw] = field(default_factory=dict)
    inputs: dict[str, dict[str, parsing.Input]] = field(default_factory=dict)
    wheres: dict[str, str] = field(default_factory=dict)
    files: dict[str, File] = field(default_factory=dict)
    twice: list[str] = field(default_factory=list)
    whole: dict[str, list[str]] = field(default_factory=dict)  # steps at which a table has all its rows

    @property
    def tables(self) -> list[str]:
        return [t for t in TABLES if t in self.raws]

    def is_large(self, table: str) -> bool:
        """Whether the table is read from its Parquet files in every query, and not copied."""
        raw = self.raws[table]
        size = sum(part.file.path.stat().st_size for part in raw.parts)
        return raw.row == PARQUET_ROW and size >= LARGE


@contextmanager
def _session(con: duckdb.DuckDBPyConnection, timezone: str) -> Iterator[Path]:
    """A schema for the loading's tables and a folder for copies, both gone afterwards."""
    con.execute(f"CREATE SCHEMA {SCRATCH}")
    con.execute(f"SET TimeZone = {literal(timezone)}")
    try:
        with tempfile.TemporaryDirectory() as name:
            yield Path(name)
    finally:
        con.execute("SET TimeZone = 'UTC'")


# --- reading ----------------------------------------------------------------------------------------------


def _read(state: _State, temporary: Path) -> None:
    """Find and read every table's source; all problems at once."""
    params, con = state.params, state.con
    connection = connect(params)
    if connection.is_database:
        attach(con, connection, params.where("source", "connect"))
        state.files[connection.shown] = File(connection.path, connection.shown)
    queries = Queries(con, connection, params, temporary)
    if connection.is_database:
        here = [t for t in TABLES if t in {name for _, name in queries.tables()}]
    else:
        here = folder.tables_in(connection)
    named = mapping.specs(params) or {t: Spec(TABLES[t]) for t in here}
    if not named:
        raise SourceError(
            f"{params.where('source', 'connect')}: {connection.shown} has nothing named after a table "
            f"({', '.join(TABLES)}), and source.tables names none\n"
            "  name the files so, or write under source.tables which file fills which table"
        )
    problems = []
    for name in [t for t in TABLES if t in named]:
        spec = named[name]
        try:
            raw = _raw(state, spec, queries, temporary)
            inputs = mapping.inputs(spec, raw, params)
            state.wheres[name] = mapping.where(spec, raw, params)
            state.specs[name], state.raws[name] = spec, raw
            state.inputs[name] = _surveyed(state, name, inputs)
        except SourceError as error:
            problems.append(str(error))
    state.files.update(queries.used)
    if problems:
        raise SourceError("\n".join(dict.fromkeys(problems)))
    if sum(f.path.stat().st_size for f in state.files.values()) < SMALL:
        con.execute("SET threads = 1")


def _raw(state: _State, spec: Spec, queries: Queries, temporary: Path) -> Raw:
    name, params, connection = spec.table.name, state.params, queries.connection
    where = params.where("source", "tables", name)
    _check_formats(state, spec)
    if spec.sql is not None:
        return queries.sql(name, spec.sql, spec.format)
    if connection.is_database:
        if spec.file is not None:
            raise SourceError(f"{where}: {name}: a database has no files; write `table:` or `sql:`")
        return queries.table(name, spec.database_table or name)
    if spec.database_table is not None:
        raise SourceError(f"{where}: {name}: a folder has no tables; write `file:` or `sql:`")
    files = folder.find(name, spec.file, connection, params)
    state.files.update({f.shown: f for f in files})
    try:
        return read_files(state.con, name, files, spec.format, temporary)
    except SourceError as error:
        hint = f"\n  (format: under source.tables.{name}, {where})" if "format:" in str(error) else ""
        raise SourceError(f"{error}{hint}") from None


def _surveyed(state: _State, name: str, inputs: dict[str, parsing.Input]) -> dict[str, parsing.Input]:
    raw = state.raws[name]
    with _readable(raw):
        return surveying.survey(
            state.con, TABLES[name], raw, inputs, state.params.timezone, state.is_large(name)
        )


@contextmanager
def _readable(raw: Raw) -> Iterator[None]:
    """SourceError for a file that turns out to be damaged."""
    try:
        yield
    except (duckdb.IOException, duckdb.InvalidInputException) as error:
        problem = first_line(error)
        for part in raw.parts:
            problem = problem.replace(str(part.file.path), part.file.shown)
        raise SourceError(f"{raw.shown}: cannot be read: {problem}") from None


def _parse(state: _State) -> None:
    con = state.con
    for name in state.tables:
        raw, spec, parsed = state.raws[name], state.specs[name], scratch("parsed_" + name)
        rows = parsing.Parsing(
            spec.table, state.inputs[name], raw.relation, raw.row, state.wheres[name], spec.format,
            state.params.timezone,
        )  # fmt: skip
        with _readable(raw):
            if not state.is_large(name):
                con.execute(f"CREATE TABLE {parsed} AS {rows.every()}")
                continue
            faults = scratch("faults_" + name)
            con.execute(f"CREATE TABLE {faults} AS {rows.faulty()}")
            found = con.execute(f"SELECT 1 FROM {faults} LIMIT 1").fetchone()
            con.execute(f"CREATE VIEW {parsed} AS {rows.readable(faults if found else None)}")
            state.whole[name] = ["raw", "parsed"] if state.wheres[name] == "true" else ["raw"]


def _check_formats(state: _State, spec: Spec) -> None:
    given = [spec.format.dates] if isinstance(spec.format.dates, str) else spec.format.dates or []
    for text in given:
        try:
            state.con.execute(f"SELECT try_strptime('', {literal(text)}) IS NULL")
        except duckdb.Error:
            where = state.params.where("source", "tables", spec.table.name, "format", "dates")
            raise SourceError(f"{where}: {text!r} is no date format; write one such as %d.%m.%Y") from None


# --- checking ---------------------------------------------------------------------------------------------


def _view(state: _State, as_of: date) -> None:
    """The tables as they were, rates first because amounts are converted by them."""
    con, tables = state.con, state.tables
    if {"leads", "opportunities"} <= set(tables):
        viewing.lead_days(con)
    for name in sorted(tables, key=lambda t: t != "rates"):
        table = TABLES[name]
        large = state.is_large(name)
        converts = bool(table.money_at) and "currency" in state.inputs[name]
        if converts and large:
            converts = viewing.has_foreign(con, name, state.params.currency)
        latest = {c: i.latest for c, i in state.inputs[name].items() if i.latest is not None}
        viewing.view(con, table, tables, state.params.currency, converts, as_of, latest)
        if "parsed" in state.whole.get(name, ()) and viewing.are_all_there(con, table, tables, as_of, latest):
            state.whole[name].append("viewed")
        if name == "rates":
            _sound(state, ["rates"])
            deriving.accept(con, table)
    _sound(state, [t for t in tables if t != "rates"])


def _sound(state: _State, names: list[str]) -> None:
    large = [name for name in names if state.is_large(name)]
    twice = checking.duplicated(state.con, [name for name in names if name not in large])
    twice += [t for t in large if checking.suspects(state.con, TABLES[t], state.raws[t].rows or 0)]
    for name in names:
        if name in twice:
            checking.mark_duplicates(state.con, TABLES[name], name in large)
        checking.make_sound(state.con, name, name in twice)
    state.twice += twice


def _accept(state: _State) -> dict[str, list[str]]:
    """Make the accepted tables; returns the tables that derived ones were made of."""
    con, tables = state.con, state.tables
    large = [t for t in tables if state.is_large(t)]
    linked = {"leads", "opportunities"} <= set(tables)
    if linked:
        deriving.accept_linked(con, large)
    for name in tables:
        if name == "opportunity_splits":
            checking.mark_splits(con)
            deriving.accept_splits(con)
        elif name not in ("rates", "customers") and not (linked and name in ("leads", "opportunities")):
            deriving.accept(con, TABLES[name], is_large=name in large)
    derived = {}
    if "customers" in tables:
        deriving.accept_customers(con, tables, "customers" in large)
    elif used := deriving.derive_customers(con, state.inputs):
        derived["customers"] = used
    if "reps" not in tables and (used := deriving.derive_reps(con, state.inputs)):
        derived["reps"] = used
    return derived


# --- ledger -----------------------------------------------------------------------------------------------


def _counts(state: _State, derived: dict[str, list[str]]) -> dict[tuple[str, str], int]:
    """Rows by table and step: raw, parsed, viewed, accepted; those that are known are not counted."""
    parts, known = [], {}
    for name in state.tables:
        steps = {
            "raw": state.raws[name].relation,
            "parsed": scratch("parsed_" + name),
            "viewed": scratch("viewed_" + name),
            "accepted": ident(name),
        }
        for step in state.whole.get(name, ()):
            known[name, step] = state.raws[name].rows or 0
            del steps[step]
        parts += [f"SELECT '{name}', '{step}', count(*) FROM {relation}" for step, relation in steps.items()]
    for name in state.twice:
        parts.append(
            f"SELECT '{name}', 'duplicates', count(*) FROM {scratch('twice_' + name)} "
            "WHERE _fate = 'duplicate'"
        )
    parts += [f"SELECT '{name}', 'accepted', count(*) FROM {ident(name)}" for name in derived]
    rows = state.con.execute(" UNION ALL ".join(parts)).fetchall()
    return {**known, **{(name, step): int(n) for name, step, n in rows}}


def _ledger(
    state: _State, bad: pd.DataFrame, derived: dict[str, list[str]], n: dict[tuple[str, str], int]
) -> pd.DataFrame:
    tables = [t for t in TABLES if t in state.raws or t in derived]
    notes = checking.notes(state.con, tables, state.inputs)
    rows = []
    for name in tables:
        accepted = n[name, "accepted"]
        if name in derived:
            note = say("derived from the ids in {tables}", tables=", ".join(derived[name]))
            rows.append([name, "derived", accepted, 0, 0, 0, 0, 0, accepted, note])
            continue
        own = bad.loc[bad["name"] == name, "removed"].astype(bool)
        raw, parsed, viewed = n[name, "raw"], n[name, "parsed"], n[name, "viewed"]
        rows.append(
            [name, state.raws[name].shown, raw, raw - parsed, parsed - viewed, n.get((name, "duplicates"), 0),
             int(own.sum()), int((~own).sum()), accepted, notes.get(name, "")]
        )  # fmt: skip
    return pd.DataFrame(rows, columns=LEDGER)


def _hashed(file: File) -> dict[str, str | int]:
    with file.path.open("rb") as handle:
        digest = hashlib.file_digest(handle, "sha256").hexdigest()
    return {"file": file.shown, "sha256": digest, "size": file.path.stat().st_size}


# --- all of it --------------------------------------------------------------------------------------------


def _supplied(state: _State, derived: dict[str, list[str]]) -> dict[str, frozenset[str]]:
    """The columns of each table that the source gives, those filled in from other tables included."""
    found = {name: set(inputs) for name, inputs in state.inputs.items()}
    links = "opportunity_id" in found.get("leads", ()) or "lead_id" in found.get("opportunities", ())
    if links and {"leads", "opportunities"} <= set(found):
        found["leads"].add("opportunity_id")
        found["opportunities"] |= {"lead_id", "created_at"}
    if "customers" in derived:
        found["customers"] = {"customer_id"}
    if "customers" in found:
        found["customers"].add("acquired_on")
    if "reps" in derived:
        found["reps"] = {"rep_id", "name"}
    return {name: frozenset(columns) for name, columns in found.items()}


def load(con: duckdb.DuckDBPyConnection, params: Params, as_of: date | str) -> Loaded:
    """Read, check and keep a company's tables in `con`, as they were at the end of the day `as_of`.

    Leaves one table per canonical table that the company has, under its canonical name.

    Raises
    ------
    AnalysisError
        SourceError, ParamsError or QuarantineError as docs/data.md says; nothing happened
        before the day, or ever.
    """
    state = _State(con, params)
    with _session(con, params.timezone) as temporary:
        _read(state, temporary)
        _parse(state)
        day = viewing.latest(con, state.tables) if isinstance(as_of, str) else as_of
        if day is None:
            raise AnalysisError(
                f"{params.where('as_of')}: as_of: latest needs a table in which something happened; "
                "write a date as YYYY-MM-DD"
            )
        _view(state, day)
        derived = _accept(state)
        bad = checking.collect(con, state.tables, state.twice)
        hidden = params.people == "pseudonyms"
        if hidden:
            bad = pseudonyms.without_people(bad)
        n = _counts(state, derived)
        checking.refuse_too_many(bad, {t: n[t, "viewed"] for t in state.tables}, state.raws, params)
        ledger = _ledger(state, bad, derived, n)
        quarantine = checking.quarantine(con, bad, state.raws)
        large = [t for t in state.tables if state.is_large(t)]
        deriving.drop_row_numbers(con, state.tables, large)
        tables = tuple(ledger["table"])
        if hidden:
            quarantine = quarantine.assign(row="")
            pseudonyms.hide(con, tables, large, params.company)
        found = con.execute(viewing.event_days(tables, '"{}"', "true", "min")).fetchone()
        deriving.drop_scratch(con, large)
        inputs = [_hashed(state.files[shown]) for shown in sorted(state.files)]
    return Loaded(
        day, (found and found[0]) or day, tables, _supplied(state, derived), ledger, quarantine, inputs,
        bool(large),
    )  # fmt: skip
