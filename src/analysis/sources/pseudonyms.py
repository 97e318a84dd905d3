"""Salespeople under pseudonyms: no id, name or e-mail of one stays in the accepted tables or the quarantine.

A pseudonym is made of the company's name and the rep's id alone, so it stays the same from run to run. It
keeps names out of what is handed on; who knows the ids and this program can still work out who is who.
"""

from collections.abc import Collection, Iterable
from hashlib import sha256

import duckdb
import pandas as pd

from analysis.contract import REP_IDS, TABLES
from analysis.sources.quoting import ident

LETTERS = "BCDFGHJKLMNPQRSTVWXZ"  # no vowels: a pseudonym is never a word
LENGTH = 6  # 64 million of them: in one of a hundred companies with a thousand reps would two be the same

_IDS = {"reps": ("rep_id", "manager_id"), **{t: ("rep_id",) for t in REP_IDS}, "targets": ("scope_id",)}
_KEYED = [t for t, columns in _IDS.items() if set(columns) & set(TABLES[t].key)]
_NAMES = ident("pseudonyms")


def pseudonyms(ids: Iterable[str], company: str) -> dict[str, str]:
    """The pseudonym of each id, such as "Rep KTRMBL"; where two would be the same, the later gets another."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for rep in sorted(set(ids)):
        attempt = 0
        while (name := _pseudonym(company, rep, attempt)) in taken:
            attempt += 1
        found[rep] = name
        taken.add(name)
    return found


def _pseudonym(company: str, rep: str, attempt: int) -> str:
    number = int.from_bytes(sha256(f"{company}\0{rep}\0{attempt}".encode()).digest(), "big")
    letters = (LETTERS[number // len(LETTERS) ** place % len(LETTERS)] for place in range(LENGTH))
    return f"Rep {''.join(letters)}"


def without_people(bad: pd.DataFrame) -> pd.DataFrame:
    """The quarantined rows without their values, and without the keys of tables whose key names a rep.

    A value that could not be read may be anything, also a name that stands in the wrong column.
    """
    return bad.assign(key=bad["key"].mask(bad["name"].isin(_KEYED), ""), value="")


def hide(
    con: duckdb.DuckDBPyConnection, tables: Collection[str], large: Collection[str], company: str
) -> None:
    """Put pseudonyms into every column of the accepted tables that names a rep; `large` tables are views."""
    of_reps = [t for t in tables if t in _IDS]
    if not of_reps:
        return
    ids = " UNION ALL ".join(
        f"SELECT {ident(column)} AS id FROM {ident(t)} AS t WHERE {_is_rep(t, column)}"
        for t in of_reps
        for column in _IDS[t]
    )
    known = [row[0] for row in con.execute(f"SELECT DISTINCT id FROM ({ids})").fetchall()]
    names = pd.DataFrame(pseudonyms(known, company).items(), columns=["id", "pseudonym"], dtype="str")
    con.register("names", names)
    con.execute(f"CREATE TABLE {_NAMES} AS SELECT * FROM names")
    con.unregister("names")
    for t in of_reps:
        changes = _changes(t)
        if t in large:
            real = ident(f"named_{t}")
            con.execute(f"ALTER VIEW {ident(t)} RENAME TO {real}")
            replaced = ", ".join(f"{sql} AS {ident(column)}" for column, sql in changes.items())
            con.execute(f"CREATE VIEW {ident(t)} AS SELECT t.* REPLACE ({replaced}) FROM {real} AS t")
        else:
            replaced = ", ".join(f"{ident(column)} = {sql}" for column, sql in changes.items())
            con.execute(f"UPDATE {ident(t)} AS t SET {replaced}")
    if not set(of_reps) & set(large):
        con.execute(f"DROP TABLE {_NAMES}")


def _is_rep(table: str, column: str) -> str:
    """SQL condition: the column of the row `t` holds a rep's id."""
    return f"t.{ident(column)} IS NOT NULL" + (" AND t.scope = 'rep'" if table == "targets" else "")


def _changes(table: str) -> dict[str, str]:
    """SQL of what stands in each column of the row `t` that would tell a rep."""

    def pseudonym(column: str) -> str:
        return f"(SELECT p.pseudonym FROM {_NAMES} AS p WHERE p.id = t.{ident(column)})"

    changes = {
        column: f"CASE WHEN {_is_rep(table, column)} THEN {pseudonym(column)} ELSE t.{ident(column)} END"
        for column in _IDS[table]
    }
    if table == "reps":
        changes |= {"name": pseudonym("rep_id"), "email": "CAST(NULL AS VARCHAR)"}
    return changes
