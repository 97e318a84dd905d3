"""Which rows are taken: duplicates, splits of deals, the quarantine and the share of it that is too much."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import duckdb
import numpy as np
import pandas as pd

from analysis.contract import TABLES, Column, Table
from analysis.errors import QuarantineError
from analysis.params import Format, Params
from analysis.sources import csv_files
from analysis.sources.messages import did_you_mean
from analysis.sources.quoting import ident, literal, scratch
from analysis.sources.reading import Part, Raw
from analysis.sources.viewing import broken
from analysis.texts import mark, say

CONFLICT = "conflicting_duplicate"
SPLITS = "splits do not sum to 1"
NO_START = mark("{n} without any date of their start")
NO_REP, NO_CUSTOMER = mark("{n} of an unknown rep"), mark("{n} of an unknown customer")
KEYS_AT_A_TIME = 60_000_000
"""Keys of a large table that are compared at a time, at 8 bytes of memory each."""
QUARANTINE = ["table", "file", "line", "key", "reason", "value", "row"]
"""Columns of the quarantine."""


def duplicated(con: duckdb.DuckDBPyConnection, tables: Collection[str]) -> list[str]:
    """The tables with a key that more than one row without faults has."""
    keyed = [TABLES[t] for t in tables if TABLES[t].key]
    if not keyed:
        return []
    parts = [
        f"SELECT {literal(t.name)} AS name WHERE EXISTS (SELECT 1 FROM {scratch('viewed_' + t.name)} "
        f"WHERE _reason = '' GROUP BY {', '.join(map(ident, t.key))} HAVING count(*) > 1)"
        for t in keyed
    ]
    return [row[0] for row in con.execute(" UNION ALL ".join(parts)).fetchall()]


def suspects(con: duckdb.DuckDBPyConnection, table: Table, most: int) -> bool:
    """Whether any key of a large table may be there more than once; then `suspects_<table>` has their hashes.

    `most`: how many rows there are at most.
    Sorted numbers instead of a table of all the keys: a tenth of the time, and 8 bytes a key.
    """
    if not table.key:
        return False
    viewed, hashed = scratch("viewed_" + table.name), _hashed(table)
    parts = most // KEYS_AT_A_TIME + 1
    found = []
    for part in range(parts):
        chosen = f" AND {hashed} % {parts} = {part}" if parts > 1 else ""
        batches = con.execute(f"SELECT {hashed} FROM {viewed} WHERE _reason = ''{chosen}")
        hashes, n = np.empty(most, "uint64"), 0
        for batch in batches.to_arrow_reader(1_000_000):
            hashes[n : n + batch.num_rows] = batch.column(0).to_numpy()
            n += batch.num_rows
        hashes = hashes[:n]
        hashes.sort()
        found.append(np.unique(hashes[1:][hashes[1:] == hashes[:-1]]))
    twice = pd.DataFrame({"h": np.concatenate(found)})
    con.execute(f"CREATE TABLE {scratch('suspects_' + table.name)} (h UBIGINT)")
    con.from_df(twice).insert_into(scratch("suspects_" + table.name))
    return len(twice) > 0


def _hashed(table: Table) -> str:
    return f"hash({', '.join(map(ident, table.key))})"


def mark_duplicates(con: duckdb.DuckDBPyConnection, table: Table, among_suspects: bool = False) -> None:
    """Make `twice_<table>`: `_row` and `_fate` (duplicate, conflicting_duplicate) of the rows not to take."""
    among = f"(SELECT h FROM {scratch('suspects_' + table.name)})"
    where = f"_reason = '' AND {_hashed(table)} IN {among}" if among_suspects else "_reason = ''"
    keys = ", ".join(map(ident, table.key))
    content = ", ".join(map(ident, table.physical))
    same = " AND ".join(f"v.{ident(k)} IS NOT DISTINCT FROM k.{ident(k)}" for k in table.key)
    viewed = scratch("viewed_" + table.name)
    con.execute(
        f"CREATE TABLE {scratch('twice_' + table.name)} AS "
        f"WITH k AS (SELECT {keys} FROM {viewed} WHERE {where} GROUP BY {keys} HAVING count(*) > 1), "
        f"rows AS (SELECT v.* FROM {viewed} v SEMI JOIN k ON {same} WHERE _reason = ''), "
        f"firsts AS (SELECT _row, {keys}, min(_row) OVER (PARTITION BY {content}) AS twin, "
        f"min(_row) OVER (PARTITION BY {keys}) AS first FROM rows), "
        f"fates AS (SELECT _row, first, max(twin) OVER (PARTITION BY {keys}) > first AS differs FROM firsts) "
        f"SELECT _row, CASE WHEN differs THEN '{CONFLICT}' ELSE 'duplicate' END AS _fate "
        f"FROM fates WHERE differs OR _row > first"
    )


def mark_splits(con: duckdb.DuckDBPyConnection) -> None:
    """Make `unbalanced`: the deals whose shares do not sum to 1, rounding to six places aside."""
    con.execute(
        f"CREATE TABLE {scratch('unbalanced')} AS SELECT opportunity_id FROM {sound('opportunity_splits')} "
        f"GROUP BY opportunity_id HAVING abs(sum(share) - 1) > 0.000001 * count(*)"
    )


def sound(table: str) -> str:
    """The rows of a viewed table that have no fault of their own and are no duplicates."""
    return scratch("sound_" + table)


def make_sound(con: duckdb.DuckDBPyConnection, table: str, has_twice: bool) -> None:
    """Make the view `sound_<table>`."""
    twice = f" AND _row NOT IN (SELECT _row FROM {scratch('twice_' + table)})" if has_twice else ""
    con.execute(
        f"CREATE VIEW {sound(table)} AS SELECT * FROM {scratch('viewed_' + table)} WHERE _reason = ''{twice}"
    )


# --- quarantine -------------------------------------------------------------------------------------------


def _key(table: Table) -> str:
    parts = [f"CAST({ident(k)} AS VARCHAR)" for k in table.key]
    return f"concat_ws(' ', {', '.join(parts)})" if parts else "''"


def _kept(table: Table) -> str:
    """Reason and value of rows that stay with a broken interval."""
    kept = [i for i in table.intervals if not i.removed]
    tests = [(broken(table, i), i) for i in kept]
    reasons = ", ".join(f"CASE WHEN {test} THEN {literal(i.reason)} END" for test, i in tests)
    values = ", ".join(f"CASE WHEN {test} THEN CAST({ident(i.end)} AS VARCHAR) END" for test, i in tests)
    return f"concat_ws('; ', {reasons}) AS reason, concat_ws('; ', {values}) AS value"


def _bad(table: Table, has_twice: bool) -> list[str]:
    name, key = literal(table.name), _key(table)
    viewed = scratch("viewed_" + table.name)
    parts = [
        f"SELECT {name} AS name, _row, {key} AS key, _reason AS reason, _value AS value, true AS removed "
        f"FROM {viewed} WHERE _reason <> ''"
    ]
    if has_twice:
        parts.append(
            f"SELECT {name}, _row, {key}, _fate, {key}, true FROM {viewed} "
            f"JOIN {scratch('twice_' + table.name)} USING (_row) WHERE _fate = '{CONFLICT}'"
        )
    if table.keeps_interval_faults:
        parts.append(
            f"SELECT {name}, _row, {key}, {_kept(table)}, false FROM {ident(table.name)} "
            "WHERE NOT interval_ok"
        )
    if table.name == "opportunity_splits":
        parts.append(
            f"SELECT {name}, _row, {key}, '{SPLITS}', CAST(CAST(share AS DOUBLE) AS VARCHAR), true "
            f"FROM {sound(table.name)} SEMI JOIN {scratch('unbalanced')} USING (opportunity_id)"
        )
    return parts


def collect(con: duckdb.DuckDBPyConnection, tables: Collection[str], twice: Collection[str]) -> pd.DataFrame:
    """The quarantined rows of all tables: name, _row, key, reason, value, removed (false: the row stays)."""
    parts = [part for t in tables for part in _bad(TABLES[t], t in twice)]
    if not parts:
        parts = [
            "SELECT '' AS name, 0 AS _row, '' AS key, '' AS reason, '' AS value, true AS removed WHERE false"
        ]
    con.execute(f"CREATE TABLE {scratch('bad')} AS {' UNION ALL '.join(parts)}")
    return con.execute(f"SELECT * FROM {scratch('bad')}").df()


def _originals(con: duckdb.DuckDBPyConnection, table: str, raw: Raw) -> pd.DataFrame:
    """`_row` and all the source's values, as JSON, of a table's quarantined rows."""
    pairs = ", ".join(f"{literal(c.name)}, {c.sql}" for c in raw.columns)
    return con.execute(
        f"SELECT {raw.row} AS _row, CAST(json_object({pairs}) AS VARCHAR) AS row FROM {raw.relation} "
        f"WHERE {raw.row} IN (SELECT _row FROM {scratch('bad')} WHERE name = {literal(table)})"
    ).df()


def _places(raw: Raw, rows: list[int]) -> list[tuple[str, int]]:
    """File and line of rows of a source."""
    places = [raw.place(row) for row in rows]
    by_part: dict[int, tuple[Part, Format, list[int]]] = {}
    for part, row in places:
        if part is not None and part.format is not None:
            by_part.setdefault(part.first, (part, part.format, []))[2].append(row)
    lines = {
        first: csv_files.line_numbers(part.file, fmt, wanted)
        for first, (part, fmt, wanted) in by_part.items()
    }
    found = []
    for part, row in places:
        if part is None:
            found.append((raw.shown, row))
        elif part.format is not None:
            found.append((part.file.shown, lines[part.first].get(row, row)))
        else:
            found.append((part.file.shown, row + part.offset - 1))
    return found


def quarantine(con: duckdb.DuckDBPyConnection, bad: pd.DataFrame, raws: Mapping[str, Raw]) -> pd.DataFrame:
    """The quarantine: a row per quarantined row with its file, line, key, reasons, values and all it held."""
    frames = []
    for table in [t for t in TABLES if t in set(bad["name"])]:
        rows = bad.loc[bad["name"] == table].sort_values("_row")
        places = _places(raws[table], [int(r) for r in rows["_row"]])
        rows = rows.assign(file=[p[0] for p in places], line=[p[1] for p in places], table=table)
        frames.append(rows.merge(_originals(con, table, raws[table]), on="_row", how="left", validate="1:1"))
    if not frames:
        return pd.DataFrame({c: pd.Series(dtype="int64" if c == "line" else "str") for c in QUARANTINE})
    return pd.concat(frames, ignore_index=True)[QUARANTINE]


def notes(
    con: duckdb.DuckDBPyConnection, tables: Collection[str], supplied: Mapping[str, Collection[str]]
) -> dict[str, str]:
    """What else is worth knowing of a table; `supplied`: the columns of each that has a source."""
    tests = []
    if "opportunities" in tables:
        start = "created_at IS NULL AND first_contact_at IS NULL"
        tests.append(
            (
                "opportunities",
                NO_START,
                "count(*)",
                f"FROM opportunities WHERE {start}",
            )
        )
    for column, home in (("rep_id", "reps"), ("customer_id", "customers")):
        if home not in supplied:
            continue
        for name in [t for t in TABLES if t in supplied]:
            if column in supplied[name] and name != home:
                ids = f"(SELECT {column} FROM {home})"
                word = NO_REP if home == "reps" else NO_CUSTOMER
                once = (
                    f"(SELECT {column}, count(*) AS n FROM {name} GROUP BY {column})"  # quicker than by row
                )
                unknown = f"FROM {once} WHERE {column} NOT IN {ids}"
                tests.append((name, word, "coalesce(sum(n), 0)", unknown))
    if not tests:
        return {}
    sql = " UNION ALL ".join(f"SELECT {i}, {test[2]} {test[3]}" for i, test in enumerate(tests))
    said: dict[str, list[str]] = {}
    for i, n in sorted(con.execute(sql).fetchall()):
        if n:
            said.setdefault(tests[i][0], []).append(say(tests[i][1], n=f"{n:,}"))
    return {name: "; ".join(found) for name, found in said.items()}


# --- too much of it ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Fault:
    """A reason of a table's quarantine: how many rows, and their most frequent raw values."""

    reason: str
    count: int
    values: pd.Series


def _faults(bad: pd.DataFrame) -> list[_Fault]:
    found = []
    for reason, rows in bad.groupby("reason", sort=True):
        found.append(_Fault(str(reason), len(rows), rows["value"].value_counts()))
    return sorted(found, key=lambda f: (-f.count, f.reason))


def _looks_decimal_comma(values: pd.Series) -> bool:
    texts = pd.Series(values.index.astype(str))
    return bool(len(texts)) and bool(texts.str.fullmatch(r"[-+]?[\d .\u00a0\u202f]*\d,\d{1,2}").mean() > 0.5)


def _remedy(table: Table, fault: _Fault, params: Params) -> str:
    under = f"source.tables.{table.name}"
    there = f"in {params.where()} under {under}"
    word, _, name = fault.reason.partition(" ")
    column: Column | None = table.column(name) if name in table.names else None
    if fault.reason == "no_exchange_rate":
        return "give the table rates a row for the currency on or before the date of the amount"
    if fault.reason == CONFLICT:
        return (
            "rows of one key differ; export each once, or map another column to the key ($row numbers them)"
        )
    if column is None or ";" in fault.reason:
        return "correct the rows in the source"
    if word == "unknown":
        words = ", ".join(column.values[:-1]) + f" or {column.values[-1]}"
        guess = did_you_mean(str(fault.values.index[0]), column.values) if len(fault.values) else ""
        return f"expected {words}{guess or '.'} Map them {there}.values.{name}"
    if word == "unreadable" and column.type in ("date", "instant", "month"):
        return f'expected a date as YYYY-MM-DD. Write `format: {{dates: "%d.%m.%Y"}}` or the like {there}'
    if word == "unreadable" and column.type != "flag":
        if _looks_decimal_comma(fault.values):
            return f'expected a number. For a decimal comma write `format: {{decimal: ","}}` {there}'
        return f"expected a number. See `format: {{decimal, thousands}}` {there}, or values.{name}"
    if word == "unreadable":
        return f"expected true or false. Map them {there}.values.{name}"
    return f"correct the rows in the source, or the mapping of {name} {there}.columns"


def _quoted(fault: _Fault) -> str:
    values = [f"{str(v)!r} ({n:,})" for v, n in fault.values.items() if v]
    if not values:
        return ""
    more = f" and {len(values) - 5} more" if len(values) > 5 else ""
    return f": {', '.join(values[:5])}{more}"


def refuse_too_many(
    bad: pd.DataFrame, seen: Mapping[str, int], raws: Mapping[str, Raw], params: Params
) -> None:
    """QuarantineError when a table loses more than `max_quarantined` of the rows it has as of the day."""
    problems = []
    removed = bad.loc[bad["removed"].astype(bool)]
    for name in [t for t in TABLES if t in set(removed["name"])]:
        rows = removed.loc[removed["name"] == name]
        if len(rows) <= params.max_quarantined * seen[name]:
            continue
        share = 100 * len(rows) / seen[name]
        lines = [
            f"{raws[name].shown}: {name}: {len(rows):,} of {seen[name]:,} rows quarantined ({share:.1f} %), "
            f"more than max_quarantined: {params.max_quarantined:g} allows"
        ]
        for fault in _faults(rows):
            lines.append(f"  {fault.reason} ({fault.count:,} rows){_quoted(fault)}")
            lines.append(f"    {_remedy(TABLES[name], fault, params)}")
        problems.append("\n".join(lines))
    if problems:
        raise QuarantineError("\n".join(problems))
