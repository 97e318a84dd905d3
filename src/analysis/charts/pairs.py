"""Two KPIs of each member against each other, as points with both intervals: no order, no ranking."""

from math import isfinite
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from analysis.charts.names import write_names
from analysis.charts.style import GREY, INK, MAIN, canvas, dot_keys, finish, legend, value_axis
from analysis.display import Note
from analysis.labels import Labels
from analysis.phrases import inside, name_of
from analysis.texts import say
from analysis.views import latest, members, missing, rows

PARTS = ["name", "value_x", "unit_x", "value_y", "unit_y"]
RANK = {"ok": 0, "small_n": 1, "provisional": 2}


def pairs(
    kpis: pd.DataFrame,
    labels: Labels,
    across: str,
    up: str,
    by: str = "rep",
    grain: str = "year",
    ax: Axes | None = None,
) -> Axes | Note:
    """Each member's `across` (to the right) against its `up` (upward), in the latest settled period of `up`.

    Thin bars are the intervals and the dashed lines the whole company. Members of few cases are grey and not
    named; the table of numbers has them all.
    """
    note = missing(kpis, labels, [up], grain, by) or missing(kpis, labels, [across], grain, by)
    if note:
        return note
    start = latest(kpis, labels, up, grain)
    found = _both(kpis, labels, across, up, by, grain, start)
    if found.empty:
        period = labels.period(start, grain)
        text = say(
            "No {dimension} has both “{one}” and “{other}” in {period}.",
            dimension=labels.dimension(by), one=name_of(across), other=name_of(up), period=period,
        )  # fmt: skip
        return Note(text)
    ax = canvas(ax, 4.8)
    for row in found.itertuples():
        _point(ax, row)
    handles = _cross_hair(ax, kpis, across, up, grain, start)
    value_axis(ax, labels, found["unit_x"].iloc[0], across, horizontal=True)
    value_axis(ax, labels, found["unit_y"].iloc[0], up)
    ax.grid(False, axis="both")
    ax.set_xlabel(f"{name_of(across)}, {labels.unit(found['unit_x'].iloc[0], across)}")
    ax.set_ylabel(f"{name_of(up)}, {labels.unit(found['unit_y'].iloc[0], up)}")
    ax.set_xlim(0, found[["value_x", "high_x"]].max().max() * 1.08)
    ax.set_ylim(0, max(1.03, found["value_y"].max() * 1.03))
    handles.append(
        Line2D([], [], color=MAIN, linewidth=1, marker="o", label=say("value and both its intervals"))
    )
    legend(ax, [*handles, *dot_keys(found["status"])])
    title = say(
        "{one} against {other}, {period}",
        one=name_of(up), other=inside(name_of(across)), period=labels.period(start, grain),
    )  # fmt: skip
    named = found[found["status"] != "small_n"]
    values = [
        f"{name} {labels.value(x, unit_x, across)}, {labels.value(y, unit_y, up)}"
        for name, x, unit_x, y, unit_y in named[PARTS].itertuples(index=False)
    ]
    drawn = finish(ax, title, say("Scatter chart: {title}. {values}.", title=title, values=", ".join(values)))
    write_names(ax, named[["value_x", "value_y"]].to_numpy(), named["name"].tolist(), _bars(found))
    return drawn


def _both(
    kpis: pd.DataFrame, labels: Labels, across: str, up: str, by: str, grain: str, start: pd.Timestamp
) -> pd.DataFrame:
    """Members that have both values in the period, by name: columns of each with _x and _y, the worse
    status.
    """
    one = members(kpis[kpis["period_start"] == start], labels, up, by, grain, running=True)
    other = rows(kpis, across, grain, by)
    other = other[other["period_start"] == start]
    found = other.merge(one, on="member", validate="1:1").dropna(subset=["value_x", "value_y"])
    found = found[~found["member"].str.startswith("(")]
    ranks = found[["status_x", "status_y"]].map(lambda status: RANK.get(status, 0)).max(axis=1)
    status = ranks.map({rank: status for status, rank in RANK.items()})
    name = found["member"].map(lambda member: labels.member(by, member))
    return found.assign(status=status, name=name).sort_values("name", kind="stable")


def _point(ax: Axes, row: Any) -> None:
    """One member: a point, and its two intervals as thin bars through it."""
    colour = GREY if row.status == "small_n" else MAIN
    if isfinite(row.low_x) and isfinite(row.high_x):
        ax.hlines(row.value_y, row.low_x, row.high_x, color=colour, linewidth=1, alpha=0.45)
    if isfinite(row.low_y) and isfinite(row.high_y):
        ax.vlines(row.value_x, row.low_y, row.high_y, color=colour, linewidth=1, alpha=0.45)
    face = "white" if row.status == "provisional" else colour
    ax.plot(row.value_x, row.value_y, marker="o", markersize=7, color=colour, mfc=face, zorder=3)


def _bars(found: pd.DataFrame) -> list[tuple[float, float, float, float]]:
    """The intervals of all members as (x from, y from, x to, y to), which a name had better not stand on."""
    across = found[["low_x", "value_y", "high_x", "value_y"]].to_numpy()
    upward = found[["value_x", "low_y", "value_x", "high_y"]].to_numpy()
    return [tuple(bar) for bars in (across, upward) for bar in bars if all(map(isfinite, bar))]


def _cross_hair(
    ax: Axes, kpis: pd.DataFrame, across: str, up: str, grain: str, start: pd.Timestamp
) -> list[Line2D]:
    """Dashed lines at the whole company's two values; returns their key for the legend."""
    drawn = False
    for kpi, line in ((across, ax.axvline), (up, ax.axhline)):
        whole = rows(kpis, kpi, grain)
        for value in whole.loc[whole["period_start"] == start, "value"].dropna():
            line(value, color=INK, linewidth=1.2, linestyle="--", zorder=1)
            drawn = True
    key = Line2D([], [], color=INK, linewidth=1.2, linestyle="--", label=say("whole company"))
    return [key] if drawn else []
