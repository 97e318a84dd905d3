"""The accepted tables: links filled in, splits exact, customers and reps made where absent."""

from collections.abc import Collection, Mapping

import duckdb

from analysis.contract import CUSTOMER_IDS, REP_IDS, SQL_TYPES, TABLES, Table
from analysis.sources.checking import sound
from analysis.sources.quoting import SCRATCH, ident, scratch
from analysis.sources.viewing import broken


def _interval_ok(table: Table) -> str:
    tests = " OR ".join(broken(table, i) for i in table.intervals if not i.removed)
    return f", NOT ({tests}) AS interval_ok" if tests else ""


def accept(
    con: duckdb.DuckDBPyConnection, table: Table, source: str | None = None, is_large: bool = False
) -> None:
    """Make the accepted table of its sound rows, or of the SQL `source`, which gives the same columns.

    That of a large source is a view on its files.
    """
    columns = ", ".join(map(ident, table.loaded))
    kept = table.keeps_interval_faults
    row = ", _row" if kept else ""  # the quarantine tells the source of rows that stay, too
    con.execute(
        f"CREATE {'VIEW' if is_large else 'TABLE'} {ident(table.name)} AS "
        f"SELECT {columns}{_interval_ok(table)}{row} FROM {source or sound(table.name)}"
    )


def drop_row_numbers(con: duckdb.DuckDBPyConnection, tables: Collection[str], large: Collection[str]) -> None:
    """Take the row numbers out of the accepted tables that still have them."""
    for name in tables:
        if not TABLES[name].keeps_interval_faults:
            continue
        if name in large:
            con.execute(f"ALTER VIEW {ident(name)} RENAME TO {ident('numbered_' + name)}")
            con.execute(
                f"CREATE VIEW {ident(name)} AS SELECT * EXCLUDE (_row) FROM {ident('numbered_' + name)}"
            )
        else:
            con.execute(f"ALTER TABLE {ident(name)} DROP COLUMN _row")


def drop_scratch(con: duckdb.DuckDBPyConnection, large: Collection[str]) -> None:
    """Take away what loading has made on the way, apart from what the views on large sources are made of."""
    if not large:
        con.execute(f"DROP SCHEMA {SCRATCH} CASCADE")
        return
    steps = ("raw", "parsed", "faults", "viewed", "twice", "sound")
    kept = {f"{step}_{name}" for step in steps for name in large} | {
        "lead_days",
        "first_leads",
        "first_deals",
    }
    if "opportunities" in large:  # whose stage is known by later moves
        kept |= {"parsed_stage_history", "raw_stage_history", "faults_stage_history"}
    found = con.execute(
        "SELECT table_name, table_type FROM information_schema.tables "
        f"WHERE table_schema = '{SCRATCH}' AND table_catalog = current_database()"
    ).fetchall()
    for name, kind in found:
        if name not in kept:
            con.execute(f"DROP {'VIEW' if kind == 'VIEW' else 'TABLE'} {scratch(name)}")


def accept_splits(con: duckdb.DuckDBPyConnection) -> None:
    """Shares with six places, the remainder on the largest, so that those of a deal sum to exactly 1."""
    rounded = "CAST(share AS DECIMAL(9, 6))"
    con.execute(
        f"CREATE TABLE opportunity_splits AS SELECT opportunity_id, rep_id, CAST({rounded} + CASE WHEN "
        f"row_number() OVER (PARTITION BY opportunity_id ORDER BY share DESC, rep_id) = 1 "
        f"THEN 1 - sum({rounded}) OVER (PARTITION BY opportunity_id) ELSE 0 END AS DECIMAL(9, 6)) AS share "
        f"FROM {sound('opportunity_splits')} ANTI JOIN {scratch('unbalanced')} USING (opportunity_id) "
        f"ORDER BY _row"
    )


def accept_linked(con: duckdb.DuckDBPyConnection, large: Collection[str]) -> None:
    """Leads and opportunities, each side of their link filled in from the other.

    A deal without `created_at` gets its earliest lead's. A deal that several leads name keeps the earliest as
    its `lead_id`; a lead that several deals name, the earliest deal.
    """
    leads, deals = TABLES["leads"], TABLES["opportunities"]
    links = scratch("links")
    con.execute(
        f"CREATE TABLE {links} AS SELECT DISTINCT opportunity_id, lead_id FROM ("
        f"SELECT opportunity_id, lead_id FROM {sound('opportunities')} WHERE lead_id IS NOT NULL UNION ALL "
        f"SELECT opportunity_id, lead_id FROM {sound('leads')} WHERE opportunity_id IS NOT NULL)"
    )
    con.execute(
        f"CREATE TABLE {scratch('first_leads')} AS "
        f"SELECT k.opportunity_id, arg_min({{'id': lead_id, 'at': created_at, 'utc': created_at_utc}}, "
        f"{{'at': created_at, 'id': lead_id}}) AS l FROM {links} k JOIN {sound('leads')} USING (lead_id) "
        f"GROUP BY k.opportunity_id"
    )
    changes = "coalesce(o.lead_id, f.l.id) AS lead_id"
    if con.execute(f"SELECT 1 FROM {scratch('lead_days')} LIMIT 1").fetchone():
        changes += (
            ", coalesce(o.created_at, f.l.at) AS created_at, "
            "CASE WHEN o.created_at IS NULL THEN f.l.utc ELSE o.created_at_utc END AS created_at_utc"
        )
    filled = (
        f"SELECT o.* REPLACE ({changes}) FROM {sound('opportunities')} o "
        f"LEFT JOIN {_once('first_leads', 'opportunity_id', 'l')} f USING (opportunity_id)"
    )
    con.execute(
        f"CREATE TABLE {scratch('first_deals')} AS "
        f"SELECT k.lead_id, arg_min(opportunity_id, {{'none': created_at IS NULL, 'at': created_at, "
        f"'id': opportunity_id}}) AS deal FROM {links} k "
        f"JOIN {sound('opportunities')} USING (opportunity_id) GROUP BY k.lead_id"
    )
    linked = (
        f"SELECT l.* REPLACE (coalesce(l.opportunity_id, f.deal) AS opportunity_id) FROM {sound('leads')} l "
        f"LEFT JOIN {_once('first_deals', 'lead_id', 'deal')} f USING (lead_id)"
    )
    for table, rows in ((deals, filled), (leads, linked)):
        is_large = table.name in large
        accept(con, table, f"({rows})" if is_large else f"({rows} ORDER BY _row)", is_large)


def _once(table: str, key: str, value: str) -> str:
    """SQL of a scratch table grouped by its key: a join of which nothing is needed is then left out."""
    return f"(SELECT {key}, any_value({value}) AS {value} FROM {scratch(table)} GROUP BY {key})"


# --- customers and reps -----------------------------------------------------------------------------------


def _acquisitions(tables: Collection[str]) -> str:
    """SQL of `id` and `day`: when each customer may have been won."""
    parts = {
        "opportunities": (
            "SELECT customer_id AS id, CAST(closed_at AS DATE) AS day FROM opportunities "
            "WHERE outcome = 'won'"
        ),
        "orders": "SELECT customer_id, CAST(ordered_at AS DATE) FROM orders WHERE amount > 0",
        "subscriptions": "SELECT customer_id, started_on FROM subscriptions",
    }
    found = [sql for name, sql in parts.items() if name in tables]
    if "customers" in tables:  # only of those that do not know it
        waiting = f"SELECT customer_id FROM {sound('customers')} WHERE acquired_on IS NULL"
        found = [f"SELECT * FROM ({sql}) AS a(id, day) WHERE id IN ({waiting})" for sql in found]
    rows = (
        " UNION ALL ".join(found)
        if found
        else "SELECT CAST(NULL AS VARCHAR) AS id, CAST(NULL AS DATE) AS day"
    )
    return f"SELECT id, min(day) AS day FROM ({rows}) AS a(id, day) WHERE id IS NOT NULL GROUP BY id"


def accept_customers(con: duckdb.DuckDBPyConnection, tables: Collection[str], is_large: bool = False) -> None:
    """The customers; where `acquired_on` is null, the first of their win, order above 0 and subscription."""
    columns = ", ".join(
        "coalesce(c.acquired_on, a.day) AS acquired_on" if n == "acquired_on" else f"c.{ident(n)}"
        for n in TABLES["customers"].physical
    )
    order = "" if is_large else " ORDER BY c._row"
    con.execute(
        f"CREATE TABLE customers AS SELECT {columns} FROM {sound('customers')} c "
        f"LEFT JOIN ({_acquisitions(tables)}) a ON a.id = c.customer_id{order}"
    )


def _empty(table: Table, given: Mapping[str, str]) -> str:
    kinds = {n: SQL_TYPES[c.type] for c in table for n in c.physical}
    return ", ".join(
        f"{given[n]} AS {ident(n)}" if n in given else f"CAST(NULL AS {kind}) AS {ident(n)}"
        for n, kind in kinds.items()
    )


def derive_customers(con: duckdb.DuckDBPyConnection, supplied: Mapping[str, Collection[str]]) -> list[str]:
    """Make the customers of the ids in deals, orders and subscriptions; returns the tables used, maybe none.

    `supplied`: the columns that the source gives, by table.
    """
    tables = list(supplied)
    used = [t for t in CUSTOMER_IDS if "customer_id" in supplied.get(t, ())]
    if used:
        ids = _distinct([f"SELECT customer_id AS id FROM {t}" for t in used])
        columns = _empty(TABLES["customers"], {"customer_id": "i.id", "name": "i.id", "acquired_on": "a.day"})
        con.execute(
            f"CREATE TABLE customers AS SELECT {columns} FROM ({ids}) i "
            f"LEFT JOIN ({_acquisitions(tables)}) a USING (id) ORDER BY i.id"
        )
    return used


def _distinct(selects: list[str]) -> str:
    return f"SELECT DISTINCT id FROM ({' UNION ALL '.join(selects)}) WHERE id IS NOT NULL"


def derive_reps(con: duckdb.DuckDBPyConnection, supplied: Mapping[str, Collection[str]]) -> list[str]:
    """Make the reps of the ids seen anywhere; returns the tables used; no table when there is no id at all.

    `supplied`: the columns that the source gives, by table.
    """
    used = [t for t in REP_IDS if "rep_id" in supplied.get(t, ())]
    parts = [f"SELECT rep_id AS id FROM {t}" for t in used]
    if "scope_id" in supplied.get("targets", ()):
        parts.append("SELECT scope_id AS id FROM targets WHERE scope = 'rep'")
        used.append("targets")
    if not parts:
        return []
    columns = _empty(TABLES["reps"], {"rep_id": "id", "name": "id"})
    con.execute(
        f"CREATE TABLE reps AS SELECT {columns}, true AS interval_ok FROM ({_distinct(parts)}) ORDER BY id"
    )
    row = con.execute("SELECT count(*) FROM reps").fetchone()
    if not row or not row[0]:
        con.execute("DROP TABLE reps")
        return []
    return used
