"""Charts of movements and of cohorts: from level to level, and what remains of each month's customers."""

from collections.abc import Iterable, Sequence
from textwrap import fill
from typing import Any

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.patches import Patch, Rectangle

from analysis.charts.style import (
    BEHIND,
    GREY,
    HATCH,
    INK,
    LOSS,
    MAIN,
    PALE,
    bar_style,
    canvas,
    finish,
    legend,
    status_legend,
    value_axis,
)
from analysis.display import Note
from analysis.labels import Labels
from analysis.phrases import NO_EARLIER, name_of, status_word
from analysis.texts import mark, say
from analysis.views import MOVEMENTS, latest, members, missing, movements, rows

LIGHT = "#6BAED6"  # out of the map's blues
LINE = 12  # characters of a line under a bar
STEPS = {
    "opening": mark("opening"),
    "new": mark("new"),
    "reactivated": mark("won back"),
    "expansion": mark("expansion"),
    "contraction": mark("contraction"),
    "churned": mark("lost"),
    "closing": mark("closing"),
}
FLOWS = {
    "customers": mark("Customers from opening to closing, {period}"),
    "mrr": mark("MRR from opening to closing, {period}"),
}


def waterfall(
    kpis: pd.DataFrame, labels: Labels, what: str, grain: str = "month", ax: Axes | None = None
) -> Axes | Note:
    """From opening to closing of the latest settled period: `what` is "customers" or "mrr".

    Opening and closing are drawn as levels and the movements as bars between them; so the axis need not start
    at 0.
    """
    ids = movements(what)
    note = missing(kpis, labels, ids, grain)
    if note:
        return note
    start = latest(kpis, labels, ids[-1], grain)
    found = kpis[kpis["kpi"].isin(ids) & (kpis["grain"] == grain) & (kpis["dimension"] == "")]
    found = found[found["period_start"] == start].set_index("kpi")
    values, unit = found["value"].reindex(ids), found["unit"].iloc[0]
    signs = [1, *MOVEMENTS[what].values(), 1]
    names = [say(STEPS[step]) for step in ("opening", *MOVEMENTS[what], "closing")]
    ax = canvas(ax)
    steps = [sign * value for sign, value in zip(signs, values, strict=True)]
    _flow(ax, labels, unit, steps, values.iloc[-1], found["status"])
    ax.set_xticks(range(len(ids)), names)
    value_axis(ax, labels, unit, ids[0])
    title = say(FLOWS[what], period=labels.period(start, grain))
    return finish(ax, title, _alt(title, names, [labels.value(value, unit) for value in values]))


def effects(
    kpis: pd.DataFrame,
    labels: Labels,
    kpi: str = "growth_effect",
    of: str = "revenue",
    grain: str = "month",
    ax: Axes | None = None,
) -> Axes | Note:
    """From the value of `of` in the period before to that of the latest settled period, cause by cause.

    `kpi` has the causes (dimension `driver`), which sum to the difference; what names no cause is left out
    where it is nothing.
    """
    note = missing(kpis, labels, [kpi], grain, "driver") or missing(kpis, labels, [of], grain)
    if note:
        return note
    found = members(kpis, labels, kpi, "driver", grain).dropna(subset="value")
    start = latest(kpis, labels, kpi, grain)
    ends = rows(kpis, of, grain).set_index("period_start")["value"]
    ends = ends[ends.index <= start].tail(2)
    if len(ends) < 2 or ends.isna().any() or found.empty:
        return Note(say(NO_EARLIER[grain], name=name_of(kpi)))
    found = found[~found["member"].str.startswith("(") | (found["value"] != 0)]
    unit = found["unit"].iloc[0]
    names = [labels.member("driver", member) for member in found["member"]]
    names = [labels.period(ends.index[0], grain), *names, labels.period(start, grain)]
    ax = canvas(ax)
    _flow(ax, labels, unit, [ends.iloc[0], *found["value"], ends.iloc[1]], ends.iloc[1], found["status"])
    ax.set_xticks(range(len(names)), [fill(name, LINE) for name in names])
    value_axis(ax, labels, unit, of)
    title = say("{name} from {first} to {last}, by cause", name=name_of(of), first=names[0], last=names[-1])
    values = [ends.iloc[0], *found["value"], ends.iloc[1]]
    return finish(ax, title, _alt(title, names, [labels.value(value, unit) for value in values]))


def _alt(title: str, names: Sequence[str], values: Sequence[str]) -> str:
    """What a chart of steps says: each step with its value."""
    told = ", ".join(f"{name} {value}" for name, value in zip(names, values, strict=True))
    return say("Waterfall chart: {title}. {values}.", title=title, values=told)


def cohorts(
    kpis: pd.DataFrame, labels: Labels, last: int = 13, ages: int = 12, ax: Axes | None = None
) -> Axes | Note:
    """Cohort retention as a map: a row per month of acquisition, a column per age in months.

    Provisional cells are hatched, those of few cases grey; what is not known yet is blank. Shows the `last`
    cohorts up to `ages` months of age.
    """
    note = missing(kpis, labels, ["cohort_retention"], by="age_months")
    if note:
        return note
    found = rows(kpis, "cohort_retention", by="age_months")
    found = found[found["value"].notna()]
    found = found.assign(age=found["member"].astype(int)).query("age <= @ages")
    found = found[found["period_start"].isin(sorted(found["period_start"].unique())[-last:])]
    grid = found.pivot(index="period_start", columns="age", values="value")
    texts = grid.map(lambda v: "" if pd.isna(v) else labels.tick(round(v, 2), "ratio"))
    odd = found[found["status"].isin(["provisional", "small_n"])]
    firm = found[~found.index.isin(odd.index)].pivot(index="period_start", columns="age", values="value")
    ax = canvas(ax, 1.5 + 0.28 * len(grid))
    sns.heatmap(
        firm.reindex_like(grid),
        vmin=0,
        vmax=1,
        cmap="Blues",
        annot=texts,
        fmt="",
        annot_kws={"fontsize": 8},
        cbar=False,
        ax=ax,
        linewidths=1,
        linecolor="white",
        yticklabels=[labels.period(s, "month") for s in grid.index],
    )
    handles = _odd_cells(ax, odd, grid, texts)
    ax.set(xlabel=say("months since acquisition"), ylabel=say("acquired in"))
    ax.tick_params(length=0)
    ax.tick_params(axis="y", rotation=0)
    legend(ax, handles)
    title = say("Share of each month's new customers still active")
    oldest = labels.period(grid.index[0], "month")
    alt = say(
        "Heat map: {title}, for those acquired from {month} on, by months since.", title=title, month=oldest
    )
    return finish(ax, title, alt)


def _odd_cells(ax: Axes, odd: pd.DataFrame, grid: pd.DataFrame, texts: pd.DataFrame) -> list[Patch]:
    """Draw the cells of a map that are provisional (hatched) or of few cases (grey); returns their keys."""
    for row in odd.itertuples():
        corner = (grid.columns.get_loc(row.age), grid.index.get_loc(row.period_start))
        look: dict[str, Any] = {"facecolor": PALE, "edgecolor": "white"}
        if row.status == "provisional":
            look = {"facecolor": "white", "edgecolor": LIGHT, "hatch": HATCH}
        ax.add_patch(Rectangle(corner, 1, 1, linewidth=0, **look))
        middle, text = (corner[0] + 0.5, corner[1] + 0.5), texts.at[row.period_start, row.age]
        box = BEHIND if row.status == "provisional" else None
        ax.text(*middle, text, ha="center", va="center", fontsize=8, bbox=box)
    keys = {
        "provisional": Patch(
            facecolor="white", edgecolor=LIGHT, hatch=HATCH, label=status_word("provisional")
        ),
        "small_n": Patch(facecolor=PALE, label=status_word("small_n")),
    }
    return [key for status, key in keys.items() if (odd["status"] == status).any()]


def _flow(
    ax: Axes, labels: Labels, unit: str, steps: Sequence[float], end: float, statuses: Iterable[str]
) -> None:
    """The first of the steps as a level, the others as bars from there on, and `end` as the last level.

    Bars of a provisional period are hatched.
    """
    moving = "provisional" in set(statuses)
    level, edges = steps[0], [steps[0], end]
    for place, step in enumerate(steps[1:-1], start=1):
        _step(ax, place, level, step, labels, unit, moving)
        level += step
        edges.append(level)
    for place, value in ((0, steps[0]), (len(steps) - 1, end)):
        ax.hlines(value, place - 0.4, place + 0.4, color=INK, linewidth=4)
        text = labels.short(value, unit)
        ax.annotate(text, (place, value), (0, 6), textcoords="offset points", ha="center")
    room = max(max(edges) - min(edges), abs(max(edges)) * 0.02, 1) * 0.25
    ax.set_ylim(min(edges) - room, max(edges) + room)
    status_legend(ax, ["provisional"] if moving else [])


def _step(
    ax: Axes, place: int, level: float, step: float, labels: Labels, unit: str, moving: bool = False
) -> None:
    """One movement as a bar from `level` on, its amount with a sign above it, a thin line to the next."""
    up = step >= 0
    look: dict[str, Any] = {"color": MAIN if up else LOSS, "hatch": "" if up else "..", "edgecolor": "white"}
    if moving:
        look = bar_style("provisional", MAIN if up else LOSS)
    ax.bar(place, step, bottom=level, width=0.62, **look)
    sign = "" if step == 0 else "+" if up else "−"
    text = sign + labels.short(abs(step), unit)
    ax.annotate(text, (place, max(level, level + step)), (0, 4), textcoords="offset points", ha="center")
    for at, height in ((place - 1, level), (place, level + step)):
        ax.hlines(height, at + 0.3, at + 0.7, color=GREY, linewidth=1)
