"""The KPI table's slices as tables to read: captions, figures in the company's locale, every mark explained.

Each function returns a `Table` or, where there is nothing to show, a `Note` of one sentence that says why.
"""

from collections.abc import Iterable, Sequence
from importlib.metadata import version
from platform import python_version

import pandas as pd

from analysis.company import Company
from analysis.display import Definitions, Folded, Note, Row, Table
from analysis.glossary import GRAINS, KPIS, REASONS
from analysis.labels import NOTHING, Labels, inside
from analysis.views import EMPTY, finest, latest, missing, rows

WORDS = {"provisional": "provisional", "small_n": "few cases"}
MARKS = {"provisional": "*", "small_n": "°"}
EXPLAINED = {
    "provisional": "the period is not over yet, or its cohort is too young to judge",
    "small_n": "fewer cases than this company ranks on",
}
SHORT = {  # of REASONS, in a cell
    "no_denominator": "no cases",
    "no_base": "nothing to compare with",
    "no_target": "no target",
    "no_churn": "nobody left",
    "not_reached": "not reached yet",
    "missing_table": "a table is missing",
    "none_eligible": "too young",
}
UNCLEAR = "no clear change"
OVERLAP = f"{UNCLEAR}: the 95 % intervals of the two periods overlap, so it may be chance"
UNTESTED = "better, worse: by the two figures alone where a KPI has no interval"
GROWTH = frozenset({"sales_growth_mom", "sales_growth_yoy", "cmgr_6m"})  # read by their own sign
SIDE_BY_SIDE = 3  # names in a caption; the columns name them all
PACKAGES = ("pandas", "ibis-framework", "duckdb", "matplotlib")


def definition(*ids: str) -> Definitions:
    """The definition cards of these KPIs, as the glossary has them. Raises KeyError for an unknown id."""
    return Definitions(tuple(KPIS[kpi] for kpi in ids))


def headline(kpis: pd.DataFrame, labels: Labels, *ids: str, grain: str = "month") -> Table | Note:
    """The KPIs of the latest period that is over and settled, against the period before it.

    Columns: the KPI, its period, its value, the value before, the change, and how to take it in words. A KPI
    that has values at a coarser grain only is shown at that; one whose data are missing is named below.
    """
    given = [kpi for kpi in ids if not labels.lacking(kpi)]
    if not given:
        lacks = dict.fromkeys(f"`{labels.lacking(kpi)[0]}`" for kpi in ids)
        return Note(f"None of these KPIs can be computed: this company lacks {', '.join(lacks)}.")
    body = [_headline_row(kpis, labels, kpi, grain) for kpi in given]
    head = ("KPI", "Period", "Value", "Before", "Change", "Reading")
    caption = f"Each KPI in its latest complete {grain}, as known on {labels.day(labels.as_of)}"
    readings = {row.cells[-1] for row in body}
    notes = [OVERLAP] if UNCLEAR in readings else []
    notes += [UNTESTED] if readings & {"better", "worse"} else []
    notes += [*_explained(row.status for row in body), *_left_out(labels, ids)]
    return Table(caption, head, tuple(body), tuple(notes), "headline")


def numbers(
    kpis: pd.DataFrame, labels: Labels, *ids: str, grain: str = "month", last: int = 13
) -> Table | Note:
    """KPIs of the whole company over the last periods, oldest first.

    One KPI is shown with its numerator, denominator, cases and interval; several are shown side by side.
    """
    note = missing(kpis, labels, ids, grain)
    if note:
        return note
    caption = f"{_named(labels, ids)} per {grain}"
    slices = {kpi: rows(kpis, kpi, grain, last=last).set_index("period_start") for kpi in ids}
    heads = {start: labels.period(start, grain) for start in _keys(slices.values())}
    return _table(labels, caption, grain.capitalize(), heads, slices)


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
    caption = f"{_named(labels, ids)} by {labels.dimension(by)}, {labels.span(start, end, grain)}"
    return _table(labels, caption, labels.dimension(by).capitalize(), heads, slices)


def crosstab(
    kpis: pd.DataFrame, labels: Labels, kpi: str, by: str, grain: str = "month", last: int = 13
) -> Table | Note:
    """One KPI by period (rows) and member of a breakdown (columns), the whole company in the last column."""
    note = missing(kpis, labels, [kpi], grain, by)
    if note:
        return note
    part, whole = rows(kpis, kpi, grain, by, last), rows(kpis, kpi, grain, "", last)
    both = pd.concat([part, whole])
    columns = sorted(part.dropna(subset="value")["member"].unique(), key=lambda m: labels.order(by, m))
    names = [*columns, *([] if whole.empty else [""])]
    cells = both.set_index(["period_start", "member"])
    body = []
    for start in sorted(part["period_start"].unique()):
        texts = [_marked(labels, _cell(cells, (start, name)), kpi) for name in names]
        body.append(Row((labels.period(start, grain), *texts)))
    head = (grain.capitalize(), *(labels.member(by, name) for name in names))
    caption = f"{KPIS[kpi].name} by {labels.dimension(by)}, per {grain}"
    return Table(caption, head, tuple(body), _explained(both["status"], MARKS))


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


def _headline_row(kpis: pd.DataFrame, labels: Labels, kpi: str, grain: str) -> Row:
    grain = max(grain, finest(kpis, kpi), key=GRAINS.index)
    name, found = KPIS[kpi].name, rows(kpis, kpi, grain)
    start = latest(kpis, labels, kpi, grain)
    if start not in set(found["period_start"]):
        return Row((name, *[NOTHING] * 4, "no value"), "undefined")
    now = found[found["period_start"] == start].iloc[0]
    past = found[(found["period_start"] < start) & ~found["reason"].isin(EMPTY)]
    before = None if past.empty else past.iloc[-1]
    old = float("nan") if before is None else before["value"]
    cells = (
        name,
        labels.period(start, grain),
        labels.value(now["value"], now["unit"], kpi),
        labels.value(old, now["unit"], kpi),
        labels.change(now["value"], old, now["unit"], kpi),
        _reading(now, before),
    )
    return Row(cells, now["status"])


def _reading(now: pd.Series, before: pd.Series | None) -> str:
    """The step from one period to the next in words, or why there is none."""
    if pd.isna(now["value"]):
        return _why(now["reason"])
    if now["status"] in WORDS:
        return WORDS[now["status"]]
    if now["kpi"] in GROWTH:
        return "growing" if now["value"] > 0 else "shrinking" if now["value"] < 0 else "unchanged"
    if before is None or pd.isna(before["value"]):
        return SHORT["no_base"]
    if now["value"] == before["value"]:
        return "unchanged"
    if now["low"] <= before["high"] and before["low"] <= now["high"]:
        return UNCLEAR
    up = now["value"] > before["value"]
    direction = KPIS[now["kpi"]].direction
    if direction == "none":
        return "higher" if up else "lower"
    return "better" if up == (direction == "up") else "worse"


def _left_out(labels: Labels, ids: Iterable[str]) -> list[str]:
    """A line for every table or column that is missing, with the KPIs that need it."""
    wanting: dict[str, list[str]] = {}
    for kpi in ids:
        for lack in labels.lacking(kpi)[:1]:
            wanting.setdefault(lack, []).append(inside(KPIS[kpi].name))
    return [f"Left out for want of {_thing(lack)}: {', '.join(names)}" for lack, names in wanting.items()]


def _thing(lack: str) -> str:
    return f"the {'column' if '.' in lack else 'table'} {lack}"


def _named(labels: Labels, ids: Sequence[str]) -> str:
    """The KPIs in a caption: all of a few; of many the first, as the columns name them."""
    shown = [kpi for kpi in ids if not labels.lacking(kpi)] or ids
    first, *rest = [KPIS[kpi].name for kpi in shown]
    if len(rest) >= SIDE_BY_SIDE:
        return f"{first} and what belongs to it,"
    return ", ".join([first, *map(inside, rest)])


def _why(reason: str) -> str:
    """Why there is no value, in as few words as fit a cell."""
    return SHORT.get(reason) or REASONS.get(reason, "no value")


def _table(
    labels: Labels, caption: str, corner: str, heads: dict, slices: dict[str, pd.DataFrame]
) -> Table | Note:
    """Rows `heads` (key → shown name) by KPI; a single KPI is shown with what it is made of."""
    notes = _left_out(labels, slices)
    slices = {kpi: found for kpi, found in slices.items() if not labels.lacking(kpi)}
    used = pd.concat([found["status"] for found in slices.values()])
    if len(slices) == 1:
        return _one(labels, caption, corner, heads, *slices.popitem(), notes)
    body = [
        Row((text, *(_marked(labels, _cell(found, key), kpi) for kpi, found in slices.items())))
        for key, text in heads.items()
    ]
    return Table(
        caption,
        (corner, *(KPIS[kpi].name for kpi in slices)),
        tuple(body),
        (*_explained(used, MARKS), *notes),
    )


def _one(
    labels: Labels, caption: str, corner: str, heads: dict, kpi: str, found: pd.DataFrame, notes: list[str]
) -> Table:
    """One KPI: value, numerator, denominator, cases, interval, status; empty columns are left out."""
    body = []
    for key, text in heads.items():
        row = _cell(found, key)
        body.append(Row((text, *_parts(labels, row, kpi)), "undefined" if row is None else row["status"]))
    head = (corner, KPIS[kpi].name, "Numerator", "Denominator", "Cases", "95 % interval", "Status")
    filled = [i < 2 or any(row.cells[i] not in ("", NOTHING) for row in body) for i in range(len(head))]
    if filled[3]:
        filled[4] = False  # the denominator is the cases
    body = [Row(_kept(row.cells, filled), row.status) for row in body]
    return Table(caption, _kept(head, filled), tuple(body), (*_explained(row.status for row in body), *notes))


def _parts(labels: Labels, row: pd.Series | None, kpi: str) -> tuple[str, ...]:
    if row is None:
        return (NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, "")
    interval = labels.interval(row["low"], row["high"], row["unit"], kpi)
    status = _why(row["reason"]) if pd.isna(row["value"]) else WORDS.get(row["status"], "")
    value = labels.value(row["value"], row["unit"], kpi)
    return (value, *(labels.plain(row[part]) for part in ("numerator", "denominator", "n")), interval, status)


def _marked(labels: Labels, row: pd.Series | None, kpi: str) -> str:
    if row is None:
        return NOTHING
    text = labels.value(row["value"], row["unit"], kpi)
    return text if pd.isna(row["value"]) else text + MARKS.get(row["status"], "")


def _cell(found: pd.DataFrame, key: object) -> pd.Series | None:
    return found.loc[key] if key in found.index else None


def _keys(slices: Iterable[pd.DataFrame]) -> list:
    """All keys of the slices; those of the first in their order, then what only later ones have."""
    return list(dict.fromkeys(key for found in slices for key in found.index))


def _kept(cells: Sequence[str], filled: Sequence[bool]) -> tuple[str, ...]:
    return tuple(cell for cell, keep in zip(cells, filled, strict=True) if keep)


def _explained(statuses: Iterable[str], marks: dict[str, str] = WORDS) -> tuple[str, ...]:
    """A line for every mark that is in use."""
    used = set(statuses)
    return tuple(f"{marks[status]}: {text}" for status, text in EXPLAINED.items() if status in used)


def _plain(cell: object) -> str:
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, float):
        return f"{cell:g}"
    return NOTHING if cell is None or pd.isna(cell) else str(cell)
