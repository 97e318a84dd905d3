"""Charts over the members of a breakdown: attainment bars, rates with their intervals, groups side by side.

Members stand in the order of their names. None of these is a ranking, and none is meant as one.
"""

from math import isfinite
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from analysis.charts.style import (
    BAND,
    BEHIND,
    GREY,
    INK,
    MAIN,
    PALETTE,
    bar_style,
    canvas,
    colours,
    dot_keys,
    finish,
    from_zero,
    legend,
    period_axis,
    status_legend,
    value_axis,
)
from analysis.display import Note
from analysis.labels import POINTS, Labels
from analysis.phrases import each, name_of
from analysis.texts import mark, say
from analysis.views import latest, member_key, members, missing, rows

AT_MOST = 16
MARKS = {"target": mark("target"), "on pace": mark("on pace")}
BARS, INTERVALS, GROUPS = (
    mark("Bar chart: {title}. {values}."),
    mark("Interval plot: {title}. {values}."),
    mark("Grouped bar chart: {title}. In {period}: {values}."),
)
NO_MEMBER = {
    "day": mark("“{name}” has no value by {dimension} in the latest day."),
    "week": mark("“{name}” has no value by {dimension} in the latest week."),
    "month": mark("“{name}” has no value by {dimension} in the latest month."),
    "quarter": mark("“{name}” has no value by {dimension} in the latest quarter."),
    "year": mark("“{name}” has no value by {dimension} in the latest year."),
}


def attainment(
    kpis: pd.DataFrame,
    labels: Labels,
    kpi: str,
    by: str = "rep",
    grain: str = "month",
    running: bool = False,
    mark: str = "target",
    ax: Axes | None = None,
) -> Axes | Note:
    """A KPI against its target as a bar per member and for the whole company, with the `mark` at 100 %.

    The period is the latest settled one, or with `running` the one that the report's day lies in.
    """
    note = missing(kpis, labels, [kpi], grain, by)
    if note:
        return note
    found = _with_whole(kpis, labels, kpi, by, grain, running)
    names = [labels.member(by, member) for member in found["member"]]
    ax = canvas(ax, _height(len(names)))
    for place, (value, unit, status) in enumerate(found[["value", "unit", "status"]].itertuples(index=False)):
        ax.barh(
            place, value, height=0.66, **bar_style(status, PALETTE[0] if found["member"].iloc[place] else INK)
        )
        text = labels.value(value, unit, kpi)
        ax.annotate(
            text, (value, place), (5, 0), textcoords="offset points", va="center", fontsize=9, bbox=BEHIND
        )
    ax.axvline(1, color=INK, linewidth=1.2, linestyle="--", zorder=2)
    _member_axis(ax, names)
    value_axis(ax, labels, "ratio", kpi, horizontal=True)
    from_zero(ax, horizontal=True, top=max(1.1, found["value"].max() * 1.12))
    key = Line2D(
        [], [], color=INK, linewidth=1.2, linestyle="--", label=say(MARKS[mark]) if mark in MARKS else mark
    )
    status_legend(ax, found["status"], [key])
    return _finish(ax, BARS, kpis, labels, kpi, by, grain, found)


def intervals(
    kpis: pd.DataFrame,
    labels: Labels,
    kpi: str,
    by: str,
    grain: str = "month",
    running: bool = False,
    plain: str = "",
    ax: Axes | None = None,
) -> Axes | Note:
    """A rate or median as a point with its interval per member; the whole company as a line behind them.

    The company's own interval, where it has one, is the shaded band: a member whose bar reaches into it
    cannot be told apart from the company. `plain` is another KPI of the members, drawn as a cross: the figure
    as it is simply counted. Of many members those with most cases are shown; the table of numbers has all.
    """
    note = missing(kpis, labels, [kpi], grain, by)
    if note:
        return note
    found = _most_cases(members(kpis, labels, kpi, by, grain, running), by)
    if found.empty:
        return Note(say(NO_MEMBER[grain], name=name_of(kpi), dimension=labels.dimension(by)))
    start, unit = found["period_start"].iloc[0], found["unit"].iloc[0]
    counted = rows(kpis, plain, grain, by)
    counted = counted[counted["period_start"] == start].set_index("member")["value"].reindex(found["member"])
    ax = canvas(ax, _height(len(found)))
    for place, row in enumerate(found.itertuples()):
        _interval(ax, place, row)
    ax.plot(counted, range(len(found)), linestyle="none", marker="x", color=INK, zorder=2, clip_on=False)
    if kpi in POINTS:
        ax.axvline(0, color=INK, linewidth=0.8, zorder=1)
    handles = _whole_line(ax, kpis, kpi, grain, start)
    _member_axis(ax, [labels.member(by, member) for member in found["member"]])
    value_axis(ax, labels, unit, kpi, horizontal=True)
    ends = pd.concat([found["high"], found["value"], counted]).max() * 1.05
    from_zero(ax, horizontal=True, top=min(ends, 1.0) if unit == "ratio" and ends <= 1.05 else ends)
    if found["low"].notna().any():
        handles.append(
            Line2D([], [], color=MAIN, linewidth=2.2, marker="o", label=say("value with interval"))
        )
    if counted.notna().any():
        handles.append(Line2D([], [], linestyle="none", marker="x", color=INK, label=name_of(plain)))
    legend(ax, [*handles, *dot_keys(found["status"])])
    return _finish(ax, INTERVALS, kpis, labels, kpi, by, grain, found)


def _most_cases(found: pd.DataFrame, by: str) -> pd.DataFrame:
    """The members with a value, of many those with most cases; among salespeople nobody who is not named."""
    found = found[found["value"].notna()]
    if by == "rep":
        found = found[~found["member"].str.startswith("(")]
    return found[found.index.isin(found["n"].nlargest(AT_MOST).index)] if len(found) > AT_MOST else found


def _interval(ax: Axes, place: int, row: Any) -> None:
    """One member's point on its bar: grey for few cases, hollow while provisional."""
    colour = GREY if row.status == "small_n" else MAIN
    if isfinite(row.low) and isfinite(row.high):
        ax.hlines(place, row.low, row.high, color=colour, linewidth=2.2)
    face = "white" if row.status == "provisional" else colour
    ax.plot(row.value, place, marker="o", markersize=7, color=colour, mfc=face, zorder=3, clip_on=False)


def grouped(
    kpis: pd.DataFrame,
    labels: Labels,
    kpi: str,
    by: str,
    grain: str = "quarter",
    last: int = 8,
    ax: Axes | None = None,
) -> Axes | Note:
    """One KPI as a group of bars per period, a bar per member, as many as there are colours."""
    note = missing(kpis, labels, [kpi], grain, by)
    if note:
        return note
    found = rows(kpis, kpi, grain, by, last).dropna(subset="value")
    starts = sorted(found["period_start"].unique())
    names = sorted(found["member"].unique(), key=member_key)[: len(PALETTE)]
    palette, width = colours(kpis.loc[kpis["dimension"] == by, "member"]), 0.8 / len(names)
    ax = canvas(ax)
    for row in found[found["member"].isin(names)].itertuples():
        place = starts.index(row.period_start) + (names.index(row.member) + 0.5) * width - 0.4
        ax.bar(place, row.value, width=width * 0.92, **bar_style(row.status, palette[row.member]))
    value_axis(ax, labels, found["unit"].iloc[0], kpi)
    period_axis(ax, labels, starts, grain)
    from_zero(ax)
    handles = [Patch(label=labels.member(by, name), facecolor=palette[name]) for name in names]
    status_legend(ax, found["status"], handles, GREY)
    return _finish(ax, GROUPS, kpis, labels, kpi, by, grain, found)


def _with_whole(
    kpis: pd.DataFrame, labels: Labels, kpi: str, by: str, grain: str, running: bool
) -> pd.DataFrame:
    """The members with a value in the latest period, the whole company first."""
    found = members(kpis, labels, kpi, by, grain, running)
    whole = rows(kpis, kpi, grain)
    whole = whole[whole["period_start"] == latest(kpis, labels, kpi, grain, running)]
    both = pd.concat([whole, found], ignore_index=True)
    return both[both["value"].notna()].reset_index(drop=True)


def _whole_line(
    ax: Axes, kpis: pd.DataFrame, kpi: str, grain: str, start: pd.Timestamp
) -> list[Line2D | Patch]:
    """A line at the whole company's value and a band over its interval; returns their keys for the legend."""
    whole = rows(kpis, kpi, grain)
    whole = whole[(whole["period_start"] == start) & whole["value"].notna()]
    if whole.empty:
        return []
    value, low, high = whole[["value", "low", "high"]].iloc[0]
    ax.axvline(value, color=INK, linewidth=1.2, linestyle="--", zorder=1)
    keys: list[Line2D | Patch] = [
        Line2D([], [], color=INK, linewidth=1.2, linestyle="--", label=say("whole company"))
    ]
    if isfinite(low) and isfinite(high):
        ax.axvspan(low, high, facecolor=BAND, linewidth=0, zorder=0)
        keys.append(Patch(facecolor=BAND, label=say("its interval")))
    return keys


def _height(count: int) -> float:
    return 1.3 + 0.34 * max(count, 2)


def _member_axis(ax: Axes, names: list[str]) -> None:
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 0.4, -0.6)


def _finish(
    ax: Axes,
    alt: str,
    kpis: pd.DataFrame,
    labels: Labels,
    kpi: str,
    by: str,
    grain: str,
    found: pd.DataFrame,
) -> Axes:
    """Title, and an alternative text that names the members and their values."""
    start = found["period_start"].max()
    title, period = labels.by(name_of(kpi), by), labels.period(start, grain)
    span = labels.span(start, found["period_end"].max(), grain)
    title = each(title, grain) if alt == GROUPS else f"{title}, {span}"
    shown = found[found["period_start"] == start]
    values = [
        f"{labels.member(by, row.member)} {labels.value(row.value, row.unit, kpi)}"
        for row in shown.itertuples()
    ]
    return finish(ax, title, say(alt, title=title, period=period, values=", ".join(values)))
