"""Tables of the run itself: what was read, what adds up, what the figures rest on."""

from importlib.metadata import version
from platform import python_version

import pandas as pd

from analysis.company import Company
from analysis.display import Folded, Row, Table
from analysis.labels import NOTHING, Labels
from analysis.texts import mark, say, say_n

PACKAGES = ("pandas", "ibis-framework", "duckdb", "matplotlib")
HEADS = {  # of columns that frames hand over
    "identity": mark("Identity"),
    "checked": mark("Checked"),
    "broken": mark("Broken"),
    "worst": mark("Worst"),
    "status": mark("Status"),
    "table": mark("Table"),
    "rows_read": mark("Rows read"),
    "filtered": mark("Filtered"),
    "after_as_of": mark("After as of"),
    "duplicates": mark("Duplicates"),
    "quarantined": mark("Quarantined"),
    "flagged": mark("Flagged"),
    "accepted": mark("Accepted"),
    "note": mark("Note"),
}
DERIVED = "derived"  # the source of a table that was made of the ids in others
HOW = {"holds": mark("holds"), "broken": mark("broken")}


def checks(found: pd.DataFrame) -> Table:
    """What `kpi_table.identities` returns, as it is."""
    shown = found.assign(status=[say(HOW[status]) for status in found["status"]])
    return plain(shown, say("Checks: do the parts add up to the whole?"), "checks")


def of_source(ledger: pd.DataFrame) -> pd.DataFrame:
    """The lines of the ledger whose rows were read: without the tables made of the ids in others."""
    return ledger[ledger["source"] != DERIVED]


def ledger(client: Company, labels: Labels) -> Folded:
    """The rows of every table: read, kept, and left out for which reason; one sentence, the table in it.

    The sentence counts rows of the source.
    """
    found, source = client.ledger, of_source(client.ledger)
    head = {name: _head(name) for name in found.columns if name != "source"}
    body = [
        Row(tuple(str(cell) if isinstance(cell, str) else labels.plain(cell) for cell in line))
        for line in found[list(head)].itertuples(index=False)
    ]
    read, kept, bad = (labels.plain(source[name].sum()) for name in ("rows_read", "accepted", "quarantined"))
    text = say_n(
        "{read} rows read from {n} table, {kept} of them used; {bad} were faulty and set aside.",
        "{read} rows read from {n} tables, {kept} of them used; {bad} were faulty and set aside.",
        len(source), read=read, kept=kept, bad=bad,
    )  # fmt: skip
    return Folded(text, Table(say("Rows of each table"), tuple(head.values()), tuple(body), kind="ledger"))


def provenance(client: Company) -> Table:
    """What the figures rest on: the day, the source files by their hash, the versions that computed them."""
    found = [Row((say("company"), client.params.company)), Row((say("as of"), client.as_of.isoformat()))]
    for name in ("sales-kpi-notebooks", *PACKAGES):
        found.append(Row((name, version(name))))
    found.append(Row(("python", python_version())))
    found += [Row((str(i["file"]), f"sha256 {i['sha256']}")) for i in client.inputs]
    head = (say("what"), say("which"))
    return Table(say("Where this comes from"), head, tuple(found), kind="provenance")


def plain(frame: pd.DataFrame, caption: str, kind: str = "plain") -> Table:
    """A small frame as a table, its first column as the row headers; true and false as yes and no."""
    shown = [tuple(_plain(cell) for cell in line) for line in frame.itertuples(index=False)]
    return Table(
        caption,
        tuple(map(_head, frame.columns)),
        tuple(map(Row, shown)),
        kind=kind,
    )


def _head(column: str) -> str:
    """A column's name as the head of a table."""
    return say(HEADS[column]) if column in HEADS else str(column).replace("_", " ").capitalize()


def _plain(cell: object) -> str:
    if isinstance(cell, bool):
        return say("yes") if cell else say("no")
    if isinstance(cell, float):
        return f"{cell:g}"
    return NOTHING if cell is None or pd.isna(cell) else str(cell)
