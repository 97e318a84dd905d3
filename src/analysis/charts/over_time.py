"""Charts over the periods: bars, lines with their interval, stacked bars."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from analysis.charts.style import (
    DASHES,
    GREY,
    INK,
    MARKERS,
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
from analysis.labels import Labels
from analysis.phrases import OTHERS, each, inside, name_of, per
from analysis.texts import mark, say
from analysis.views import latest, missing, rows

EVERY_MONTH = frozenset({"sales_growth_mom"})  # its name says so
LONG_TITLE = 60  # characters; the legend names them all
BARS, LINES, STACKS = (
    mark("Bar chart: {title}, {first} to {last}. {values}."),
    mark("Line chart: {title}, {first} to {last}. {values}."),
    mark("Stacked bar chart: {title}, {first} to {last}. {values}."),
)


def bars(
    kpis: pd.DataFrame,
    labels: Labels,
    kpi: str,
    target: str = "",
    grain: str = "month",
    last: int = 24,
    ax: Axes | None = None,
) -> Axes | Note:
    """One KPI of the whole company as a bar per period, with a line across each bar at its target.

    `target` names the KPI of the targets. Bars of provisional periods are hatched, of few cases grey; all
    start at 0, some may go below it.
    """
    note = missing(kpis, labels, [kpi], grain)
    if note:
        return note
    ax = canvas(ax)
    found = rows(kpis, kpi, grain, last=last)
    for place, (value, status) in enumerate(zip(found["value"], found["status"], strict=True)):
        ax.bar(place, value, width=0.72, **bar_style(status))
    unit, starts = found["unit"].iloc[0], found["period_start"].tolist()
    handles = _target_line(ax, kpis, target, grain, starts)
    value_axis(ax, labels, unit, kpi)
    period_axis(ax, labels, starts, grain)
    from_zero(ax)
    if (found["value"] < 0).any():
        ax.axhline(0, color=INK, linewidth=0.8)
    status_legend(ax, found["status"], handles)
    title = _title(name_of(kpi), kpi, grain)
    return finish(ax, title, _alt(BARS, title, labels, kpis, [kpi], grain, starts))


def line(
    kpis: pd.DataFrame,
    labels: Labels,
    *ids: str,
    grain: str = "month",
    last: int = 24,
    ax: Axes | None = None,
) -> Axes | Note:
    """KPIs of the whole company as lines over the periods, each with its interval as a band where it has one.

    Provisional periods are hollow and off the line; few cases are grey; a period without a value is a gap.
    """
    note = missing(kpis, labels, ids, grain)
    if note:
        return note
    ax = canvas(ax)
    slices = {kpi: rows(kpis, kpi, grain, last=last) for kpi in ids}
    slices = {kpi: found for kpi, found in slices.items() if found["value"].notna().any()}
    first = next(iter(slices))
    starts = slices[first]["period_start"].tolist()
    for i, (kpi, found) in enumerate(slices.items()):
        _one_line(ax, found, starts, i, name_of(kpi))
    handles = [_line_key(i, name_of(kpi)) for i, kpi in enumerate(slices)] if len(slices) > 1 else []
    value_axis(ax, labels, slices[first]["unit"].iloc[0], first)
    period_axis(ax, labels, starts, grain)
    from_zero(ax)
    statuses = set(pd.concat([found["status"] for found in slices.values()]))
    legend(ax, [*handles, *dot_keys(statuses)])
    title = _title(_names(list(slices)), first, grain)
    return finish(ax, title, _alt(LINES, title, labels, kpis, list(slices), grain, starts))


def stacked(
    kpis: pd.DataFrame,
    labels: Labels,
    kpi: str,
    by: str,
    grain: str = "month",
    last: int = 24,
    at_most: int = 7,
    ax: Axes | None = None,
) -> Axes | Note:
    """A sum or count as a stack of its members per period; beyond `at_most` the smallest are (others).

    Members stand in the labels' order: stages of a deal in theirs, all others by name. Provisional periods
    are hatched.
    """
    note = missing(kpis, labels, [kpi], grain, by)
    if note:
        return note
    ax = canvas(ax)
    whole = rows(kpis, kpi, grain, last=last).set_index("period_start")
    starts = whole.index.tolist()
    heights = _heights(rows(kpis, kpi, grain, by, last), starts, at_most)
    heights = heights[sorted(heights.columns, key=lambda m: (m == OTHERS, labels.order(by, m)))]
    palette, base = colours(kpis.loc[kpis["dimension"] == by, "member"]), np.zeros(len(starts))
    moving = (whole["status"] == "provisional").to_numpy()
    for member in heights.columns:
        for there, status in ((~moving, "ok"), (moving, "provisional")):
            places = np.flatnonzero(there)
            sizes = heights[member].to_numpy()[there]
            ax.bar(
                places, sizes, bottom=base[there], width=0.72, **_between(bar_style(status, palette[member]))
            )
        base = base + heights[member].to_numpy()
    value_axis(ax, labels, whole["unit"].iloc[0], kpi)
    period_axis(ax, labels, starts, grain)
    from_zero(ax)
    handles = [Patch(label=labels.member(by, m), facecolor=palette[m]) for m in heights.columns]
    status_legend(ax, set(whole["status"]) & {"provisional"}, handles, GREY)
    title = each(labels.by(name_of(kpi), by), grain)
    return finish(ax, title, _alt(STACKS, title, labels, kpis, [kpi], grain, starts))


def _heights(found: pd.DataFrame, starts: list, at_most: int) -> pd.DataFrame:
    """Periods × members, 0 where there is nothing; beyond `at_most` the smallest become (others)."""
    sizes = found.groupby("member")["value"].sum().sort_values(ascending=False, kind="stable")
    at_most += len(sizes) == at_most + 1  # no (others) for a single one
    named = found.assign(member=found["member"].where(found["member"].isin(sizes.index[:at_most]), OTHERS))
    heights = named.pivot_table(index="period_start", columns="member", values="value", aggfunc="sum")
    return heights.reindex(index=starts).fillna(0)


def _target_line(ax: Axes, kpis: pd.DataFrame, target: str, grain: str, starts: list) -> list[Line2D]:
    """A short line across each bar at its target; returns its key for the legend, none without targets."""
    goals = rows(kpis, target, grain).set_index("period_start")["value"].reindex(starts) if target else None
    if goals is None or goals.isna().all():
        return []
    places = np.arange(len(starts))
    ax.hlines(goals, places - 0.46, places + 0.46, color=INK, linewidth=2)
    return [Line2D([], [], color=INK, linewidth=2, label=say("target"))]


def _one_line(ax: Axes, found: pd.DataFrame, starts: list, i: int, name: str) -> None:
    own = found.set_index("period_start").reindex(starts)
    places, colour, marker = np.arange(len(starts)), PALETTE[i % len(PALETTE)], MARKERS[i % len(MARKERS)]
    moving, few = own["status"] == "provisional", own["status"] == "small_n"
    settled = own["value"].mask(moving)
    ax.plot(places, settled, color=colour, linestyle=DASHES[i % len(DASHES)], linewidth=1.8, label=name)
    ax.fill_between(
        places, own["low"].mask(moving), own["high"].mask(moving), color=colour, alpha=0.15, linewidth=0
    )
    alone = settled.shift(1).isna() & settled.shift(-1).isna()
    lone = own["low"].mask(moving | ~alone), own["high"].mask(moving | ~alone)
    ax.vlines(places, *lone, color=colour, alpha=0.4, linewidth=2.5)
    firm = own["value"].mask(moving | few)
    ax.plot(places, firm, linestyle="none", marker=marker, markersize=5, color=colour)
    ax.plot(places, own["value"].where(few), linestyle="none", marker=marker, markersize=5, color=GREY)
    ax.plot(
        places,
        own["value"].where(moving),
        linestyle="none",
        marker=marker,
        markersize=6,
        color=colour,
        mfc="white",
    )


def _line_key(i: int, name: str) -> Line2D:
    return Line2D(
        [],
        [],
        color=PALETTE[i % len(PALETTE)],
        marker=MARKERS[i % len(MARKERS)],
        linestyle=DASHES[i % len(DASHES)],
        label=name,
    )


def _between(style: dict) -> dict:
    """A bar's style in a stack: a white line to its neighbour, which tells them apart without colour."""
    return style if "hatch" in style else style | {"edgecolor": "white", "linewidth": 0.6}


def _names(ids: list[str]) -> str:
    """The names of a few KPIs; of those whose names are long the first."""
    names = name_of(ids[0])
    for kpi in ids[1:]:
        names = say("{names} and {name}", names=names, name=inside(name_of(kpi)))
    return names if len(names) <= LONG_TITLE else say("{name} and what goes with it", name=name_of(ids[0]))


def _title(name: str, kpi: str, grain: str) -> str:
    return name if kpi in EVERY_MONTH else per(name, grain)


def _alt(
    alt: str, title: str, labels: Labels, kpis: pd.DataFrame, ids: list[str], grain: str, starts: list
) -> str:
    """One sentence that says what the chart says: the span, and each KPI's latest settled value."""
    first, last = labels.period(starts[0], grain), labels.period(starts[-1], grain)
    ends = []
    for kpi in ids:
        found = rows(kpis, kpi, grain).set_index("period_start")
        start = latest(kpis, labels, kpi, grain)
        if start in found.index:
            value = labels.value(found.at[start, "value"], found.at[start, "unit"], kpi)
            period = labels.period(start, grain)
            ends.append(say("{name} in {period}: {value}", name=name_of(kpi), period=period, value=value))
    told = say(alt, title=title, first=first, last=last, values="; ".join(ends))
    return told.replace(". .", ".")
