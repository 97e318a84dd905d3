"""The widgets of the dashboard: slices of the KPI table as line, bar, pie, battery, calculation and table."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pandas as pd
from markupsafe import Markup

from analysis.dashboard_params import STOCKS, Widget
from analysis.display import Note, Table
from analysis.glossary import COUNT, KPIS, RATIO
from analysis.labels import Labels
from analysis.phrases import OTHERS, name_of
from analysis.report import svg
from analysis.report.batteries import Cell, goal_cells, kpi_cells
from analysis.report.plots import (
    Plot,
    marks_of,
    said_of,
    series_of,
    span_of,
    spoken_of,
    titles_of,
    words_along,
    words_up,
)
from analysis.report.svg import scale
from analysis.tables import breakdown, crosstab, numbers
from analysis.tables.goals import goals
from analysis.texts import mark, say, say_n
from analysis.views import finest, members, rows

MOST_LINES, MOST_BARS, MOST_PARTS = 5, 10, 6
CALCULATIONS: Mapping[str, tuple[str, Callable[[pd.Series], float]]] = {
    "sum": (mark("Sum"), lambda found: float(found.sum())),
    "average": (mark("Average"), lambda found: float(found.mean())),
    "median": (mark("Median"), lambda found: float(found.median())),
    "lowest": (mark("Lowest"), lambda found: float(found.min())),
    "highest": (mark("Highest"), lambda found: float(found.max())),
    "change": (mark("Change"), lambda found: float(found.iloc[-1] - found.iloc[0])),
}
Spans = tuple[tuple[pd.Timestamp, pd.Timestamp], ...]


@dataclass(frozen=True)
class Part:
    """A member of a breakdown: its bar or the colour of its part of a pie, its value, share or status."""

    name: str
    value: str
    look: str
    drawn: Markup = field(default=Markup(""))
    note: str = ""


@dataclass(frozen=True)
class Figure:
    """A calculated figure and what it is calculated of."""

    value: str
    of: str
    spark: Markup = field(default=Markup(""))


@dataclass(frozen=True)
class Card:
    """A widget as it is shown: title, period, one kind of body, the table behind it and its rows.

    `spans` are the first days of the periods whose records stand behind it, each with the first day after
    it, `spanned` their name where they are fewer than the periods shown; `period` is the name of all shown.
    """

    kind: str
    title: str
    period: str
    rows: pd.DataFrame
    table: Table | Note | None
    kpi: str = ""
    grain: str = ""
    spans: Spans = ()
    spanned: str = ""
    by: str = ""
    unit: str = ""
    note: str = ""
    plot: Plot | None = None
    bars: tuple[Part, ...] = ()
    ring: Markup = field(default=Markup(""))
    parts: tuple[Part, ...] = ()
    cells: tuple[Cell, ...] = ()
    figure: Figure | None = None


def card(kpis: pd.DataFrame, labels: Labels, widget: Widget, standings: pd.DataFrame) -> Card | Note:
    """The card of a widget, or in a sentence why there is none.

    `kpis` holds the rows of the widget's KPI at least; `standings` the goals (see `goals.standings`).
    """
    if widget.widget == "battery" and not widget.kpi:
        return goal_card(labels, widget, standings)
    kpi, by = widget.kpi or "", widget.by or ""
    grain = widget.grain or finest(kpis, kpi, by, KPIS[kpi].grains)
    if widget.widget == "calculation":
        return calculation(kpis, labels, widget, kpi, grain, by)
    numbers_of = _numbers(kpis, labels, widget, kpi, grain, by)
    if isinstance(numbers_of, Note):
        return numbers_of
    make = {"line": line, "bar": bar, "pie": pie, "battery": battery}
    if widget.widget == "table":
        found, period = _shown(kpis, labels, widget, kpi, grain, by)
        return Card(**_head(labels, widget, kpi, grain, by, found, period), table=numbers_of)
    return make[widget.widget](kpis, labels, widget, kpi, grain, by, numbers_of)


def _numbers(
    kpis: pd.DataFrame, labels: Labels, widget: Widget, kpi: str, grain: str, by: str
) -> Table | Note:
    """The numbers of a widget as a table, or why there are none."""
    if by and widget.widget == "line":
        return crosstab(kpis, labels, kpi, by, grain, widget.last)
    if by:
        return breakdown(kpis, labels, kpi, by=by, grain=grain, running=_runs(widget, kpi))
    return numbers(kpis, labels, kpi, grain=grain, last=widget.last)


def _runs(widget: Widget, kpi: str) -> bool:
    """Whether the members are shown in the period under way: of what stands at a day, and of batteries."""
    return kpi in STOCKS or widget.widget == "battery"


def _shown(
    kpis: pd.DataFrame, labels: Labels, widget: Widget, kpi: str, grain: str, by: str
) -> tuple[pd.DataFrame, str]:
    """The rows of a widget: the members in the latest period, or the last periods; and their name."""
    if by:
        return _members(kpis, labels, kpi, grain, by)
    found = rows(kpis, kpi, grain, "", widget.last)
    return found, span_of(labels, found, grain)


# --- over periods -----------------------------------------------------------------------------------------


def line(
    kpis: pd.DataFrame, labels: Labels, widget: Widget, kpi: str, grain: str, by: str, data: Table
) -> Card:
    """The last periods as a line, or one line for each of the largest members."""
    found = rows(kpis, kpi, grain, by, widget.last)
    starts = sorted(found["period_start"].unique())
    names, left = _largest(found, by, MOST_LINES)
    names = sorted(names, key=lambda member: labels.order(by, member))
    lines = [series_of(found[found["member"] == name], starts, labels, by) for name in names]
    values = [v for one in lines for v in (*one.values, *one.low, *one.high)]
    span = scale(values, whole=KPIS[kpi].unit == COUNT)
    titles = titles_of(labels, found, starts, names, by, grain)
    title = _title(labels, widget, kpi, by)
    drawn = svg.line(lines, span, spoken_of(labels, title, found, grain), titles)
    legend = tuple((svg.colour(n), one.name) for n, one in enumerate(lines)) if by else ()
    return Card(
        **_head(labels, widget, kpi, grain, by, found, span_of(labels, found, grain)),
        table=data,
        note=marks_of(found, left),
        plot=Plot(drawn, words_up(labels, span, found), words_along(labels, starts, grain), legend),
    )


def bar(
    kpis: pd.DataFrame, labels: Labels, widget: Widget, kpi: str, grain: str, by: str, data: Table
) -> Card:
    """Upright bars over the last periods, or a lying bar for each member in the latest one."""
    if by:
        return member_bars(kpis, labels, widget, kpi, grain, by, data)
    found = rows(kpis, kpi, grain, "", widget.last)
    starts = sorted(found["period_start"].unique())
    one = series_of(found, starts, labels, "")
    span = scale(one.values, whole=KPIS[kpi].unit == COUNT)
    spoken = spoken_of(labels, _title(labels, widget, kpi, by), found, grain)
    drawn = svg.columns(one, span, spoken, titles_of(labels, found, starts, [""], "", grain))
    return Card(
        **_head(labels, widget, kpi, grain, by, found, span_of(labels, found, grain)),
        table=data,
        note=marks_of(found, 0),
        plot=Plot(drawn, words_up(labels, span, found), words_along(labels, starts, grain)),
    )


# --- over members -----------------------------------------------------------------------------------------


def member_bars(
    kpis: pd.DataFrame, labels: Labels, widget: Widget, kpi: str, grain: str, by: str, data: Table
) -> Card:
    """A lying bar for each member, in the order of their names; of very many the largest."""
    every, period = _members(kpis, labels, kpi, grain, by)
    names, left = _largest(every, by, MOST_BARS)
    found = every[every["member"].isin(names)]
    intervals = found[["low", "high"]].to_numpy(dtype="float64").ravel().tolist()
    span = scale([*found["value"].tolist(), *intervals])
    return Card(
        **_head(labels, widget, kpi, grain, by, every, period),
        table=data,
        bars=tuple(_bar(labels, row, by, span) for _, row in found.iterrows()),
        note=marks_of(found, left),
    )


def pie(
    kpis: pd.DataFrame, labels: Labels, widget: Widget, kpi: str, grain: str, by: str, data: Table
) -> Card:
    """The parts of a whole as a ring, the largest first; bars where a part is below zero."""
    found, period = _members(kpis, labels, kpi, grain, by)
    if (found["value"] < 0).any() or found["value"].sum() <= 0:
        return member_bars(kpis, labels, widget, kpi, grain, by, data)
    sorted_by_size = found[found["value"] > 0].sort_values(["value", "member"], ascending=[False, True])
    shown = sorted_by_size.head(MOST_PARTS if len(sorted_by_size) <= MOST_PARTS else MOST_PARTS - 1)
    values = [float(value) for value in shown["value"]]
    names = [labels.member(by, member) for member in shown["member"]]
    if len(sorted_by_size) > len(shown):
        values.append(float(sorted_by_size["value"].sum() - shown["value"].sum()))
        names.append(say(OTHERS))
    whole, unit = sum(values), found["unit"].iloc[0]
    parts = tuple(
        Part(name, labels.value(value, unit, kpi), svg.colour(n), note=labels.value(value / whole, "ratio"))
        for n, (name, value) in enumerate(zip(names, values, strict=True))
    )
    titles = [f"{part.name}: {part.value} ({part.note})" for part in parts]
    spoken = say("{title}, {period}: {parts}", title=_title(labels, widget, kpi, by), period=period,
                 parts="; ".join(titles))  # fmt: skip
    return Card(
        **_head(labels, widget, kpi, grain, by, found, period),
        table=data,
        ring=svg.pie(values, spoken, titles),
        parts=parts,
    )


# --- batteries and calculations ---------------------------------------------------------------------------


def battery(
    kpis: pd.DataFrame, labels: Labels, widget: Widget, kpi: str, grain: str, by: str, data: Table
) -> Card:
    """How full a KPI is that ends at 100 %: of each member, or of the month, quarter and year under way."""
    grains = (widget.grain,) if widget.grain else KPIS[kpi].grains
    found, cells = kpi_cells(kpis, labels, kpi, grains, by, grain)
    period = span_of(labels, found, grain) if by or widget.grain else labels.day(labels.as_of)
    return Card(**_head(labels, widget, kpi, grain, by, found, period), table=data, cells=cells)


def goal_card(labels: Labels, widget: Widget, standings: pd.DataFrame) -> Card | Note:
    """The goals as batteries: one, those of a folder, or all."""
    chosen = standings
    if widget.goal:
        chosen = standings[standings["goal"] == widget.goal]
    elif widget.folder:
        chosen = standings[standings["folder"] == widget.folder]
    if chosen.empty:
        named = widget.goal or widget.folder
        return Note(
            say("There is no goal “{name}” on this day.", name=named) if named else say("There are no goals.")
        )
    return Card(
        kind="battery",
        title=widget.title or (widget.goal if widget.goal else widget.folder) or say("Goals"),
        period=labels.day(labels.as_of),
        rows=chosen,
        table=goals(chosen, labels),
        cells=goal_cells(labels, chosen),
    )


def calculation(
    kpis: pd.DataFrame, labels: Labels, widget: Widget, kpi: str, grain: str, by: str
) -> Card | Note:
    """A figure made of the last complete periods, or of the members in the latest, with those as its numbers.

    A change is made of the first and the last of the periods.
    """
    how = widget.calculation or "sum"
    found, used = _calculated(kpis, labels, widget, kpi, grain, by)
    if by:
        data = breakdown(used, labels, kpi, by=by, grain=grain, running=True)
    else:
        data = numbers(found if used.empty else used, labels, kpi, grain=grain, last=0)
    if isinstance(data, Note):
        return data
    period, n = span_of(labels, used, grain), len(used)
    if by:
        of = say_n("over {n} member, {period}", "over {n} members, {period}", n, period=period)
    elif how == "change":
        ends = [labels.span(row.period_start, row.period_end, grain) for row in used.itertuples()]
        of = say("{last} against {first}", last=ends[-1], first=ends[0])
    else:
        of = say_n("of {n} period, {period}", "of {n} periods, {period}", n, period=period)
    name, calculate = CALCULATIONS[how]
    value, unit = calculate(used["value"]), used["unit"].iloc[0]
    text = labels.change(used["value"].iloc[-1], used["value"].iloc[0], unit, kpi) if how == "change" else ""
    title = widget.title or say(
        "{name}: {calculation}", name=_title(labels, widget, kpi, by), calculation=say(name)
    )
    drawn = Markup("") if by else svg.sparkline(found["value"].tolist(), found["status"].tolist(), title)
    head = _head(labels, widget, kpi, grain, by, used, period)
    head |= {"title": title, "unit": "", "spans": _spans(used), "spanned": ""}
    return Card(**head, table=data, figure=Figure(text or labels.value(value, unit, kpi), of, drawn))


def _calculated(
    kpis: pd.DataFrame, labels: Labels, widget: Widget, kpi: str, grain: str, by: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows that a calculation goes over, and those with a value that its figure is made of."""
    if by:
        found, _ = _members(kpis, labels, kpi, grain, by)
        return found, found
    found = rows(kpis, kpi, grain)
    over = found["period_end"].map(labels.is_complete).astype(bool) & (found["status"] != "provisional")
    found = found[over].tail(widget.last)
    used = found[found["value"].notna()]
    return found, used.iloc[[0, -1]] if widget.calculation == "change" and len(used) > 2 else used


# --- parts ------------------------------------------------------------------------------------------------


def _head(
    labels: Labels, widget: Widget, kpi: str, grain: str, by: str, found: pd.DataFrame, period: str
) -> dict:
    """What every card of a KPI has."""
    valued = found[found["value"].notna()]
    last = valued if len(valued) else found
    unit = last["unit"].iloc[-1] if len(last) else ""
    latest = last[last["period_start"] == last["period_start"].max()].tail(1)
    several = found["period_start"].nunique() > 1
    return {
        "kind": widget.widget,
        "title": _title(labels, widget, kpi, by),
        "period": period,
        "rows": found,
        "kpi": kpi,
        "grain": grain,
        "spans": _spans(latest),
        "spanned": span_of(labels, latest, grain) if several else "",
        "by": by,
        "unit": "" if widget.widget == "battery" or unit in (COUNT, RATIO) else labels.unit(unit, kpi),
    }


def _spans(found: pd.DataFrame) -> Spans:
    """The periods of the rows, in their order."""
    return tuple(dict.fromkeys(zip(found["period_start"], found["period_end"], strict=True)))


def _title(labels: Labels, widget: Widget, kpi: str, by: str) -> str:
    return widget.title or (labels.by(name_of(kpi), by) if by else name_of(kpi))


def _members(kpis: pd.DataFrame, labels: Labels, kpi: str, grain: str, by: str) -> tuple[pd.DataFrame, str]:
    """The members in the latest period that is over (of what stands at a day, the latest), and its name."""
    found = members(kpis, labels, kpi, by, grain, running=kpi in STOCKS)
    found = found[found["value"].notna()]
    return found, span_of(labels, found.tail(1), grain)


def _largest(found: pd.DataFrame, by: str, most: int) -> tuple[list[str], int]:
    """The members of the largest values, in the order they come, and how many are left out."""
    if not by:
        return [""], 0
    sizes = found.assign(size=found["value"].abs()).groupby("member", sort=False)["size"].sum(min_count=1)
    sizes = sizes.dropna()
    chosen = set(sizes.sort_values(ascending=False, kind="stable").index[:most])
    return [member for member in sizes.index if member in chosen], max(len(sizes) - most, 0)


def _bar(labels: Labels, row: pd.Series, by: str, span: svg.Scale) -> Part:
    name, value = labels.member(by, row["member"]), labels.value(row["value"], row["unit"], row["kpi"])
    drawn = svg.bar(row["value"], row["status"], span, f"{name}: {value}", row["low"], row["high"])
    return Part(name, value, row["status"], drawn, said_of(row))
