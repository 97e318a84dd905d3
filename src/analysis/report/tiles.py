"""The headline of the dashboard: a KPI as one figure, its trend, change and target, and how sure it is."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
from markupsafe import Markup

from analysis.dashboard_params import Widget
from analysis.display import Row, Table
from analysis.glossary import COUNT, KPIS
from analysis.labels import NOTHING, Labels
from analysis.phrases import TRENDS, name_of, status_word
from analysis.report.drill import can_drill
from analysis.report.summary import compared
from analysis.report.svg import sparkline
from analysis.tables.words import left_out as named_lacks
from analysis.tables.words import why
from analysis.texts import say
from analysis.views import EMPTY, finest, latest, rows

TARGETED = ("revenue", "units", "new_accounts")
MTD = "sales_growth_mtd"  # of revenue: the running month against as many selling days of the month before
LOOKS = {"better": "good", "growing": "good", "worse": "bad", "shrinking": "bad"}
UP, DOWN = "▲", "▼"


@dataclass(frozen=True)
class Change:
    """The step from the comparable period before: the figure, a sign, a word, and what it is held against."""

    text: str
    word: str
    against: str
    look: str = ""
    sign: str = ""


@dataclass(frozen=True)
class Tile:
    """One KPI of the headline; texts are as they are shown. `start` is the first day of its period."""

    kpi: str
    grain: str
    start: pd.Timestamp
    end: pd.Timestamp
    name: str
    value: str
    period: str
    status: str
    note: str
    spark: Markup
    change: Change | None = None
    target: str = ""
    behind: bool = False
    interval: str = ""
    cases: str = ""
    last: int = 13
    title: str = ""


@dataclass(frozen=True)
class Missing:
    """KPIs of the headline that have no figure at all, each with the reason in words."""

    count: int
    lines: tuple[str, ...]


def tile(kpis: pd.DataFrame, labels: Labels, widget: Widget) -> Tile | None:
    """The tile of a widget, of the rows of its KPI and of those it is compared by; None without a value.

    The period is the latest that is over and settled. Revenue is that of the running month where it can be
    held against the same number of selling days of the month before.
    """
    kpi = widget.kpi or ""
    grain = widget.grain or finest(kpis, kpi, grains=KPIS[kpi].grains)
    found = rows(kpis, kpi, grain)
    if labels.lacking(kpi) or found["value"].isna().all():
        return None
    mtd = running_growth(kpis, labels, kpi, grain)
    start = found["period_start"].max() if mtd is not None else latest(kpis, labels, kpi, grain)
    until = found[found["period_start"] <= start]
    now, past = until.iloc[-1], until[:-1][~until[:-1]["reason"].isin(EMPTY)]
    before = None if past.empty else past.iloc[-1]
    target, behind = against_target(kpis, labels, now)
    return Tile(
        kpi=kpi,
        grain=grain,
        start=start,
        end=now["period_end"],
        name=name_of(kpi),
        value=labels.value(now["value"], now["unit"], kpi),
        period=labels.span(start, now["period_end"], grain),
        status=now["status"],
        note=why(now["reason"], kpi) if pd.isna(now["value"]) else status_word(now["status"]),
        spark=spark(labels, found.tail(widget.last), grain),
        change=to_date(labels, mtd) if mtd is not None else change(labels, now, before, grain),
        target=target,
        behind=behind,
        interval=interval(labels, now),
        cases=cases(labels, now),
        last=widget.last,
        title=widget.title or "",
    )


def running_growth(kpis: pd.DataFrame, labels: Labels, kpi: str, grain: str) -> pd.Series | None:
    """The growth of the running month so far, where the KPI table can tell it fairly."""
    if kpi != "revenue" or grain != "month":
        return None
    found = rows(kpis, MTD, "month", last=1)
    known = found[found["value"].notna() & ~found["period_end"].map(labels.is_complete).astype(bool)]
    return None if known.empty else known.iloc[0]


def to_date(labels: Labels, growth: pd.Series) -> Change:
    """The running month against the same number of selling days of the month before."""
    value = float(growth["value"])
    word = "same" if value == 0 else "growing" if value > 0 else "shrinking"
    text = labels.change(1 + value, 1, labels.currency)
    against = say("against as many selling days before")
    return Change(text, say(TRENDS[word]), against, LOOKS.get(word, ""), _sign(value))


def change(labels: Labels, now: pd.Series, before: pd.Series | None, grain: str) -> Change | None:
    """A whole period against the one before it; None where nothing can be compared fairly."""
    found = compared(now, before, labels)
    if not found or before is None:
        return None
    trend = found["trend"]
    against = say("against {period}", period=labels.period(before["period_start"], grain))
    step = float(now["value"]) - float(before["value"])
    text = found.get("change", "") if step else ""
    text = "" if text == NOTHING else text
    return Change(text, say(TRENDS[trend]), against, LOOKS.get(trend, ""), _sign(step))


def against_target(kpis: pd.DataFrame, labels: Labels, now: pd.Series) -> tuple[str, bool]:
    """The target of the period in words, and whether less is done than was due by now."""
    kpi = now["kpi"]
    if kpi not in TARGETED:
        return "", False
    same = kpis[(kpis["grain"] == now["grain"]) & (kpis["period_start"] == now["period_start"])]
    same = same[same["dimension"] == ""].set_index("kpi")
    found = {kind: same["value"].get(f"{kind}_{kpi}") for kind in ("target", "attainment", "pace")}
    if found["target"] is None or pd.isna(found["target"]) or pd.isna(found["attainment"]):
        return "", False
    share = labels.value(float(found["attainment"]), "ratio")
    aim = labels.value(float(found["target"]), now["unit"], kpi)
    if labels.is_complete(now["period_end"]) or pd.isna(found["pace"]):
        return say("{share} of the target of {target}", share=share, target=aim), found["attainment"] < 1
    due = labels.value(float(found["pace"]), "ratio")
    text = say(
        "{share} of the target of {target}, {due} of what is due by now", share=share, target=aim, due=due
    )
    return text, found["pace"] < 1


def interval(labels: Labels, row: pd.Series) -> str:
    """The interval of a value, where there is one."""
    if pd.isna(row["low"]) or pd.isna(row["high"]) or pd.isna(row["value"]):
        return ""
    return labels.interval(row["low"], row["high"], row["unit"], row["kpi"])


def cases(labels: Labels, row: pd.Series) -> str:
    """The cases behind a rate or a mean; a count is one itself, and a sum has its number of records."""
    if pd.isna(row["n"]) or row["unit"] == COUNT or can_drill(row["kpi"]):
        return ""
    return say("n = {n}", n=labels.plain(row["n"]))


def spark(labels: Labels, found: pd.DataFrame, grain: str) -> Markup:
    """The values as a trend the size of a word."""
    known = found[found["value"].notna()]
    if known.empty:
        return Markup("")
    ends = [
        say(
            "{value} in {period}",
            value=labels.value(row["value"], row["unit"], row["kpi"]),
            period=labels.span(row["period_start"], row["period_end"], grain),
        )
        for _, row in known.iloc[[0, -1]].iterrows()
    ]
    label = say(
        "{name}: from {first} to {last}", name=name_of(known["kpi"].iloc[0]), first=ends[0], last=ends[1]
    )
    return sparkline(found["value"].tolist(), found["status"].tolist(), label)


def missing(kpis: pd.DataFrame, labels: Labels, ids: Sequence[str]) -> Missing | None:
    """Why these KPIs have no tile, a line for each cause; None when there are none."""
    if not ids:
        return None
    lines = named_lacks(labels, ids)
    for kpi in ids:
        if not labels.lacking(kpi):
            reasons = kpis.loc[(kpis["kpi"] == kpi) & (kpis["reason"] != ""), "reason"]
            cause = why(reasons.mode()[0], kpi) if len(reasons) else say("no value yet")
            lines.append(say("{name}: {cause}", name=name_of(kpi), cause=cause))
    return Missing(len(ids), tuple(lines))


def summary_table(tiles: Sequence[Tile]) -> Table:
    """All tiles as one table, for those who would rather read it."""
    head = (say("KPI"), say("Period"), say("Value"), say("Change"), say("Reading"), say("Target"))
    body = []
    for one in tiles:
        text, word = (one.change.text, one.change.word) if one.change else ("", one.note)
        body.append(Row((one.title or one.name, one.period, one.value, text, word, one.target), one.status))
    return Table(say("The headline as a table"), head, tuple(body), kind="headline")


def _sign(step: float) -> str:
    return UP if step > 0 else DOWN if step < 0 else ""
