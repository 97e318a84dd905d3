"""Charts of shares by day: how many of those who began together have got there by day 30, 60, 90, 180."""

from typing import Literal

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from analysis.charts.style import (
    GREY,
    MARKERS,
    PALETTE,
    canvas,
    dot_keys,
    finish,
    from_zero,
    legend,
    value_axis,
)
from analysis.display import Note
from analysis.labels import Labels
from analysis.phrases import STARTED, name_of
from analysis.texts import say
from analysis.views import missing, settled

APART = 1.6  # days between the marks of two cohorts, so that their intervals stand side by side


def curve(
    kpis: pd.DataFrame,
    labels: Labels,
    kpi: str,
    grain: str = "quarter",
    last: int = 3,
    ax: Axes | None = None,
) -> Axes | Note:
    """A share by day since the start: a line per cohort, each point with its interval.

    The `last` settled cohorts are full lines; provisional ones after them are dashed with hollow points. A
    day that a cohort has not reached is left out, and points of few cases are grey.
    """
    note = missing(kpis, labels, [kpi], grain, "day")
    if note:
        return note
    both = pd.concat(settled(kpis, kpi, "day", grain, last))
    both = both.assign(day=both["member"].astype(int)).sort_values(["period_start", "day"])
    cohorts = list(both.groupby("period_start"))
    ax = canvas(ax, 3.8)
    handles = []
    for i, (start, found) in enumerate(cohorts):
        aside = (i - (len(cohorts) - 1) / 2) * APART
        handles.append(_one_cohort(ax, found, aside, i, labels.period(start, grain)))
    value_axis(ax, labels, both["unit"].iloc[0], kpi)
    days = sorted(both["day"].unique())
    ax.set_xticks(days, [str(day) for day in days])
    ax.set_xlim(0, max(days) * 1.06)
    ax.set_xlabel(say("days since the start"))
    from_zero(ax)
    legend(ax, [*handles, *dot_keys(both["status"])])
    title = say(STARTED[grain], name=name_of(kpi))
    told = [
        say(
            "{period} {value} by day {day}",
            period=labels.period(start, grain), value=labels.value(row.value, row.unit, kpi), day=row.day,
        )
        for start, found in cohorts
        for row in found.tail(1).itertuples()
    ]  # fmt: skip
    return finish(ax, title, say("Line chart: {title}. {values}.", title=title, values=", ".join(told)))


def _one_cohort(ax: Axes, found: pd.DataFrame, aside: float, i: int, name: str) -> Line2D:
    """A cohort's points, each with its interval, joined by a line; returns its key for the legend."""
    colour, marker = PALETTE[i % len(PALETTE)], MARKERS[i % len(MARKERS)]
    moving = (found["status"] == "provisional").any()
    places = found["day"] + aside
    dash: Literal["--", "-"] = "--" if moving else "-"
    ax.plot(places, found["value"], color=colour, linestyle=dash, linewidth=1.8)
    ax.vlines(places, found["low"], found["high"], color=colour, alpha=0.45, linewidth=2)
    for place, row in zip(places, found.itertuples(), strict=True):
        edge = GREY if row.status == "small_n" else colour
        face = "white" if row.status == "provisional" else edge
        ax.plot(place, row.value, marker=marker, markersize=6, color=edge, mfc=face, zorder=3)
    return Line2D(
        [], [], color=colour, marker=marker, linestyle=dash, mfc="white" if moving else colour, label=name
    )
