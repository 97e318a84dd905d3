"""The tables as they were at the end of a day: later rows gone, later facts unknown, money converted then."""

from collections.abc import Collection, Iterable, Mapping
from datetime import date

import duckdb

from analysis.contract import TABLES, Interval, Table
from analysis.sources.quoting import ident, literal, scratch

NO_RATE = "no_exchange_rate"
NOTHING_KNOWN: Mapping[str, date] = {}

_CLOSED = "outcome IN ('won', 'lost')"


def _event(column: str) -> str:
    """The time of an event; an open deal's closing date is a plan, no event."""
    return f"CASE WHEN {_CLOSED} THEN {ident(column)} END" if column == "closed_at" else ident(column)


def event_days(tables: Iterable[str], relation: str, condition: str, pick: str) -> str:
    """SQL of the `pick` ('min' or 'max') day of any event; `relation` names a table's rows by `{}`."""
    parts = []
    for name in tables:
        table = TABLES[name]
        if not table.events or (pick == "max" and name == "customers"):
            continue
        words = "greatest" if pick == "max" else "least"
        found = ", ".join(f"CAST({pick}({_event(c)}) AS DATE)" for c in table.events)
        parts.append(f"SELECT {words}({found}, NULL) AS day FROM {relation.format(name)} WHERE {condition}")
    return f"SELECT {pick}(day) FROM ({' UNION ALL '.join(parts)})" if parts else "SELECT CAST(NULL AS DATE)"


def latest(con: duckdb.DuckDBPyConnection, tables: Collection[str]) -> date | None:
    """The last day on which anything happened, over the readable rows of the parsed tables."""
    row = con.execute(event_days(tables, 'loading."parsed_{}"', "_reason = ''", "max")).fetchone()
    return row[0] if row else None


def before(end: str, start: str, end_utc: str, start_utc: str) -> str:
    """SQL: `end` lies before `start`, by the instants when both are known to the second, else by the days."""
    return (
        f"CASE WHEN {end_utc} IS NOT NULL AND {start_utc} IS NOT NULL THEN {end_utc} < {start_utc} "
        f"ELSE CAST({end} AS DATE) < CAST({start} AS DATE) END"
    )


def broken(table: Table, interval: Interval) -> str:
    """SQL that is true where the interval ends before it starts."""

    def utc(name: str) -> str:
        return ident(f"{name}_utc") if table.column(name).type == "instant" else "NULL::TIMESTAMP"

    first = interval.start[0]
    start, start_utc = ident(first), utc(first)
    for other in interval.start[1:]:
        start_utc = f"CASE WHEN {start} IS NULL THEN {utc(other)} ELSE {start_utc} END"
        start = f"coalesce({start}, {ident(other)})"
    test = before(ident(interval.end), start, utc(interval.end), start_utc)
    return f"coalesce({test}, false)"


def _masked(table: Table, tables: Collection[str], as_of: date, past: Collection[str] = ()) -> dict[str, str]:
    """SQL of the columns that are not as the source has them, because it knows what came later.

    `past`: columns of which it is known that none of their values lies after the day.
    """
    day = literal(as_of)
    masks = {}
    for name in table.later:
        known = "true" if name in past else f"CAST({ident(name)} AS DATE) <= {day}"
        if name == "closed_at":
            known = f"{_CLOSED} AND {known}"
        elif name in past:
            continue
        for physical in table.column(name).physical:
            masks[physical] = f"CASE WHEN {known} THEN {ident(physical)} END"
    if table.name == "opportunities":
        masks["amount_created"] = "amount"
        if "closed_at" not in past:
            masks["outcome"] = (
                f"CASE WHEN {_CLOSED} AND CAST(closed_at AS DATE) > {day} THEN 'open' ELSE outcome END"
            )
        if "closed_at" not in past or "stage_history" in tables:
            masks["stage"] = f"CASE WHEN NOT ({_moved_since(tables, day)}) THEN stage END"
    if table.name == "emails" and "opened_at" not in past:
        masks["machine_open"] = f"machine_open AND (opened_at IS NULL OR CAST(opened_at AS DATE) <= {day})"
    return masks


def _moved_since(tables: Collection[str], day: str) -> str:
    """SQL: the deal has been closed or has changed its stage since, and names a stage it had yet to reach."""
    closed = f"coalesce({_CLOSED} AND CAST(closed_at AS DATE) > {day}, false)"
    if "stage_history" not in tables:
        return closed
    history = scratch("parsed_stage_history")
    moved = f"opportunity_id IN (SELECT opportunity_id FROM {history} WHERE CAST(entered_at AS DATE) > {day})"
    return f"{closed} OR coalesce({moved}, false)"


def _born(table: Table, tables: Collection[str]) -> str:
    """SQL of the day from which the row exists; a deal that does not know it has its first lead's."""
    days = [f"CAST({ident(c)} AS DATE)" for c in table.born]
    if table.name == "opportunities" and "leads" in tables:
        lead = f"SELECT any_value(day) FROM {scratch('lead_days')} d WHERE d.id = _o.opportunity_id"
        days.insert(1, f"CAST(({lead}) AS DATE)")
    return f"coalesce({', '.join(days)}, NULL)" if days else "CAST(NULL AS DATE)"


def _existing(table: Table, tables: Collection[str], as_of: date, past: Collection[str] = ()) -> str:
    """SQL condition: the row was there at the end of the day.

    A deal that was closed by then was there, unless its own creation is later.
    """
    day = literal(as_of)
    of_leads = table.name == "opportunities" and "leads" in tables
    if not of_leads and set(table.born) <= set(past):
        return "true"
    there = f"coalesce({_born(table, tables)} <= {day}, true)" if table.born else "true"
    if table.name == "opportunities":
        there += f" OR (created_at IS NULL AND {_CLOSED} AND CAST(closed_at AS DATE) <= {day})"
    return there


def are_all_there(
    con: duckdb.DuckDBPyConnection,
    table: Table,
    tables: Collection[str],
    as_of: date,
    latest: Mapping[str, date],
) -> bool:
    """Whether every row of the table is known to have been there at the end of the day."""
    past = [name for name, last in latest.items() if last <= as_of]
    return _existing(table, _births(con, table, tables), as_of, past) == "true"


def _births(con: duckdb.DuckDBPyConnection, table: Table, tables: Collection[str]) -> list[str]:
    """The tables that the row's first day may come from: not the leads when every deal knows its own."""
    if table.name != "opportunities" or "leads" not in tables:
        return list(tables)
    needed = con.execute(f"SELECT 1 FROM {scratch('lead_days')} LIMIT 1").fetchone()
    return [t for t in tables if needed or t != "leads"]


def has_foreign(con: duckdb.DuckDBPyConnection, table: str, currency: str) -> bool:
    """Whether any parsed row is in another currency than the company's."""
    parsed = scratch("parsed_" + table)
    found = con.execute(f"SELECT 1 FROM {parsed} WHERE upper(currency) <> {literal(currency)} LIMIT 1")
    return found.fetchone() is not None


def lead_days(con: duckdb.DuckDBPyConnection) -> None:
    """The first lead's day of every deal that does not know when it was created, from the parsed tables."""
    leads, deals = scratch("parsed_leads"), scratch("parsed_opportunities")
    con.execute(
        f"CREATE TABLE {scratch('lead_days')} AS SELECT id, min(created_at) AS day FROM ("
        f"SELECT o.opportunity_id AS id, l.created_at FROM {deals} o JOIN {leads} l USING (lead_id) "
        f"WHERE o.created_at IS NULL UNION ALL "
        f"SELECT o.opportunity_id, l.created_at FROM {deals} o JOIN {leads} l USING (opportunity_id) "
        f"WHERE o.created_at IS NULL) GROUP BY id"
    )


def _converted(
    table: Table, has_rates: bool, inner: str, currency: str, as_of: date
) -> tuple[str, dict[str, str]]:
    """The source of the rows with `_rate` beside them, and SQL of the columns in the company's currency."""
    money = [c.name for c in table if c.type == "money"]
    own = literal(currency)
    day = ", ".join(f"CAST({ident(c)} AS DATE)" if c != "_born" else c for c in table.money_at)
    foreign = f"CASE WHEN upper(currency) <> {own} THEN upper(currency) END"
    rows = f"SELECT *, {foreign} AS _foreign, coalesce({day}, {literal(as_of)}) AS _day FROM ({inner})"
    if has_rates:
        rates = f"(SELECT upper(currency) AS _code, date AS _date, rate AS _rate FROM {ident('rates')})"
        rows = f"SELECT * FROM ({rows}) ASOF LEFT JOIN {rates} ON _foreign = _code AND _day >= _date"
    else:
        rows = f"SELECT *, CAST(NULL AS DECIMAL(18, 9)) AS _rate FROM ({rows})"
    changes = {}
    for name in money:
        c = ident(name)
        product = f"TRY_CAST(CAST({c} AS DECIMAL(29, 6)) * _rate AS DECIMAL(20, 6))"
        changes[name] = f"CASE WHEN _foreign IS NULL THEN {c} ELSE {product} END"
    if table.added:
        changes["amount_created"] = _at_creation(has_rates)
    changes["currency"] = own
    some = " OR ".join(f"{ident(c)} IS NOT NULL" for c in money)
    fault = f"_foreign IS NOT NULL AND _rate IS NULL AND ({some})"
    changes["_reason"] = f"concat_ws('; ', nullif(_reason, ''), CASE WHEN {fault} THEN '{NO_RATE}' END)"
    changes["_value"] = f"concat_ws('; ', nullif(_value, ''), CASE WHEN {fault} THEN currency END)"
    return rows, changes


def _at_creation(has_rates: bool) -> str:
    """SQL of a deal's amount in the company's currency at the rate of the day it was created."""
    if not has_rates:
        return "CASE WHEN _foreign IS NULL THEN amount END"
    known = f"SELECT max_by(r.rate, r.date) FROM {ident('rates')} r WHERE upper(r.currency) = _foreign"
    rate = f"({known} AND r.date <= coalesce(_born, _day))"
    product = f"TRY_CAST(CAST(amount AS DECIMAL(29, 6)) * {rate} AS DECIMAL(20, 6))"
    return f"CASE WHEN _foreign IS NULL THEN amount ELSE {product} END"


def view(
    con: duckdb.DuckDBPyConnection,
    table: Table,
    tables: Collection[str],
    currency: str,
    converts: bool,
    as_of: date,
    latest: Mapping[str, date] = NOTHING_KNOWN,
) -> None:
    """Make `viewed_<table>` of `parsed_<table>`: what was known at the end of `as_of`, and its faults.

    `converts`: the source has a currency per row. Rates must have been viewed and accepted before. `latest`:
    days after which a column is known to have no value.
    """
    past = [name for name, last in latest.items() if last <= as_of]
    masks = _masked(table, tables, as_of, past)
    born = _births(con, table, tables)
    columns = ", ".join(f"{masks.get(n, ident(n))} AS {ident(n)}" for n in table.loaded)
    rows = (
        f"SELECT _row, {columns}, _reason, _value, {_born(table, born)} AS _born "
        f"FROM {scratch('parsed_' + table.name)} AS _o WHERE {_existing(table, born, as_of, past)}"
    )
    order = ""
    changes: dict[str, str] = {}
    if converts:
        rows, changes = _converted(table, "rates" in tables, rows, currency, as_of)
        order = " ORDER BY _row"
    elif table.money_at:
        changes["currency"] = literal(currency)
    gone = [i for i in table.intervals if i.removed]
    for interval in gone:
        fault = broken(table, interval)
        changes["_reason"] = _also(changes.get("_reason", "_reason"), fault, literal(interval.reason))
        ends = f"CAST({ident(interval.end)} AS VARCHAR)"
        changes["_value"] = _also(changes.get("_value", "_value"), fault, ends)
    out = ", ".join(f"{changes.get(n, ident(n))} AS {ident(n)}" for n in (*table.loaded, "_reason", "_value"))
    # What only hides later facts is cheap to look at again, and a copy of every row is not.
    joins = converts or (table.name == "opportunities" and "leads" in born)
    kind = "TABLE" if joins else "VIEW"
    con.execute(f"CREATE {kind} {scratch('viewed_' + table.name)} AS SELECT _row, {out} FROM ({rows}){order}")


def _also(text: str, fault: str, more: str) -> str:
    return f"concat_ws('; ', nullif({text}, ''), CASE WHEN {fault} THEN {more} END)"
