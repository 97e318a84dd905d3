"""Tables of the run itself: what was read, what adds up, what the figures rest on."""

from importlib.metadata import version
from platform import python_version

import pandas as pd

from analysis.company import Company
from analysis.display import Folded, Row, Table
from analysis.labels import NOTHING, Labels

PACKAGES = ("pandas", "ibis-framework", "duckdb", "matplotlib")


def checks(found: pd.DataFrame) -> Table:
    """What `kpi_table.identities` returns, as it is."""
    return plain(found, "Checks: do the parts add up to the whole?", "checks")


def ledger(client: Company, labels: Labels) -> Folded:
    """The rows of every table: read, kept, and left out for which reason; one sentence, the table in it."""
    found = client.ledger
    head = {name: name.replace("_", " ").capitalize() for name in found.columns if name != "source"}
    body = [
        Row(tuple(str(cell) if isinstance(cell, str) else labels.plain(cell) for cell in line))
        for line in found[list(head)].itertuples(index=False)
    ]
    read, kept, bad = (labels.plain(found[name].sum()) for name in ("rows_read", "accepted", "quarantined"))
    text = f"{read} rows read from {len(found)} tables, {kept} of them used; {bad} were faulty and set aside."
    return Folded(text, Table("Rows of each table", tuple(head.values()), tuple(body), kind="ledger"))


def provenance(client: Company) -> Table:
    """What the figures rest on: the day, the source files by their hash, the versions that computed them."""
    found = [Row(("company", client.params.company)), Row(("as of", client.as_of.isoformat()))]
    for name in ("sales-kpi-notebooks", *PACKAGES):
        found.append(Row((name, version(name))))
    found.append(Row(("python", python_version())))
    found += [Row((str(i["file"]), f"sha256 {i['sha256']}")) for i in client.inputs]
    return Table("Where this comes from", ("what", "which"), tuple(found), kind="provenance")


def plain(frame: pd.DataFrame, caption: str, kind: str = "plain") -> Table:
    """A small frame as a table, its first column as the row headers; true and false as yes and no."""
    shown = [tuple(_plain(cell) for cell in line) for line in frame.itertuples(index=False)]
    return Table(
        caption,
        tuple(str(c).replace("_", " ").capitalize() for c in frame.columns),
        tuple(map(Row, shown)),
        kind=kind,
    )


def _plain(cell: object) -> str:
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, float):
        return f"{cell:g}"
    return NOTHING if cell is None or pd.isna(cell) else str(cell)
