"""Slices of the KPI table as tables: over the periods, over the members, and both."""

from collections.abc import Iterable, Sequence

import pandas as pd

from analysis.display import Definitions, Folded, Note, Row, Table
from analysis.glossary import KPIS
from analysis.labels import NOTHING, Labels
from analysis.phrases import each, head_of, name_of, per, status_word
from analysis.tables.words import MARKS, cell, explained, left_out, marked, named, why
from analysis.texts import say
from analysis.views import latest, missing, rows


def definition(*ids: str) -> Definitions:
    """The definition cards of these KPIs, as the glossary has them. Raises KeyError for an unknown id."""
    return Definitions(tuple(KPIS[kpi] for kpi in ids))


def numbers(
    kpis: pd.DataFrame, labels: Labels, *ids: str, grain: str = "month", last: int = 13
) -> Table | Note:
    """KPIs of the whole company over the last periods, oldest first.

    One KPI is shown with its numerator, denominator, cases and interval; several are shown side by side.
    """
    note = missing(kpis, labels, ids, grain)
    if note:
        return note
    caption = per(named(labels, ids), grain)
    slices = {kpi: rows(kpis, kpi, grain, last=last).set_index("period_start") for kpi in ids}
    heads = {start: labels.period(start, grain) for start in _keys(slices.values())}
    return _table(labels, caption, head_of(grain), heads, slices)


def breakdown(
    kpis: pd.DataFrame, labels: Labels, *ids: str, by: str, grain: str = "month", running: bool = False
) -> Table | Note:
    """KPIs of every member of a breakdown, in the latest period; the whole company last.

    Members stand in the order of their names: this is not a ranking. The period is the latest settled one, or
    with `running` the one that the report's day lies in.
    """
    note = missing(kpis, labels, ids, grain, by)
    if note:
        return note
    lead = next(kpi for kpi in ids if rows(kpis, kpi, grain, by)["value"].notna().any())
    start = latest(kpis, labels, lead, grain, running)
    slices = {}
    for kpi in ids:
        both = pd.concat([rows(kpis, kpi, grain, by), rows(kpis, kpi, grain)])
        slices[kpi] = both[both["period_start"] == start].set_index("member")
    found = sorted(_keys(slices.values()), key=lambda member: (not member, labels.order(by, member)))
    heads = {member: labels.member(by, member) for member in found}
    end = next(part["period_end"].iloc[0] for part in slices.values() if not part.empty)
    caption = f"{labels.by(named(labels, ids), by)}, {labels.span(start, end, grain)}"
    return _table(labels, caption, labels.dimension(by).capitalize(), heads, slices)


def crosstab(
    kpis: pd.DataFrame, labels: Labels, kpi: str, by: str, grain: str = "month", last: int = 13
) -> Table | Note:
    """One KPI by period (rows) and member of a breakdown (columns), the whole company in the last column."""
    note = missing(kpis, labels, [kpi], grain, by)
    if note:
        return note
    part, whole = rows(kpis, kpi, grain, by), rows(kpis, kpi, grain)
    shown = sorted({*part["period_start"], *whole.loc[whole["value"].notna(), "period_start"]})[-last:]
    part, whole = (found[found["period_start"].isin(shown)] for found in (part, whole))
    both = pd.concat([part, whole])
    columns = sorted(part.dropna(subset="value")["member"].unique(), key=lambda m: labels.order(by, m))
    names = [*columns, *([] if whole.empty else [""])]
    cells = both.set_index(["period_start", "member"])
    body = []
    for start in shown:
        parts = [cell(cells, (start, name)) for name in names]
        looks = ("ok" if part is None else part["status"] for part in parts)
        texts = (marked(labels, part, kpi) for part in parts)
        body.append(Row((labels.period(start, grain), *texts), looks=("ok", *looks)))
    head = (head_of(grain), *(labels.member(by, name) for name in names))
    caption = each(labels.by(name_of(kpi), by), grain)
    return Table(caption, head, tuple(body), explained(both["status"], MARKS))


def fold(table: Table | Note | None) -> Folded | Note | None:
    """A table behind its caption, which opens it: for what is looked up rather than read; a note as it is."""
    return Folded(table.caption, table) if isinstance(table, Table) else table


def _table(
    labels: Labels, caption: str, corner: str, heads: dict, slices: dict[str, pd.DataFrame]
) -> Table | Note:
    """Rows `heads` (key → shown name) by KPI; a single KPI is shown with what it is made of."""
    notes = left_out(labels, slices)
    slices = {kpi: found for kpi, found in slices.items() if not labels.lacking(kpi)}
    used = pd.concat([found["status"] for found in slices.values()])
    if len(slices) == 1:
        return _one(labels, caption, corner, heads, *slices.popitem(), notes)
    body = []
    for key, text in heads.items():
        cells = {kpi: cell(found, key) for kpi, found in slices.items()}
        looks = ("ok" if part is None else part["status"] for part in cells.values())
        texts = (marked(labels, part, kpi) for kpi, part in cells.items())
        body.append(Row((text, *texts), looks=("ok", *looks)))
    return Table(
        caption,
        (corner, *(name_of(kpi) for kpi in slices)),
        tuple(body),
        (*explained(used, MARKS), *notes),
    )


def _one(
    labels: Labels, caption: str, corner: str, heads: dict, kpi: str, found: pd.DataFrame, notes: list[str]
) -> Table:
    """One KPI: value, numerator, denominator, cases, interval, status; empty columns are left out."""
    body = []
    for key, text in heads.items():
        row = cell(found, key)
        body.append(Row((text, *_parts(labels, row, kpi)), "undefined" if row is None else row["status"]))
    parts = (say("Numerator"), say("Denominator"), say("Cases"), say("95 % interval"), say("Status"))
    head = (corner, name_of(kpi), *parts)
    filled = [i < 2 or any(row.cells[i] not in ("", NOTHING) for row in body) for i in range(len(head))]
    if filled[3]:
        filled[4] = False  # the denominator is the cases
    body = [Row(_kept(row.cells, filled), row.status) for row in body]
    return Table(caption, _kept(head, filled), tuple(body), (*explained(row.status for row in body), *notes))


def _parts(labels: Labels, row: pd.Series | None, kpi: str) -> tuple[str, ...]:
    if row is None:
        return (NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, "")
    interval = labels.interval(row["low"], row["high"], row["unit"], kpi)
    status = why(row["reason"]) if pd.isna(row["value"]) else status_word(row["status"])
    value = labels.value(row["value"], row["unit"], kpi)
    return (value, *(labels.plain(row[part]) for part in ("numerator", "denominator", "n")), interval, status)


def _keys(slices: Iterable[pd.DataFrame]) -> list:
    """All keys of the slices; those of the first in their order, then what only later ones have."""
    return list(dict.fromkeys(key for found in slices for key in found.index))


def _kept(cells: Sequence[str], filled: Sequence[bool]) -> tuple[str, ...]:
    return tuple(cell for cell, keep in zip(cells, filled, strict=True) if keep)
