"""Charts of movements and of cohorts: from opening to closing, and what remains of each month's customers."""

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.patches import Patch, Rectangle

from analysis.charts.style import BEHIND, GREY, HATCH, INK, LOSS, MAIN, canvas, finish, legend, value_axis
from analysis.display import Note
from analysis.labels import Labels
from analysis.views import MOVEMENTS, latest, missing, movements, rows

LIGHT = "#6BAED6"  # out of the map's blues
WORDS = {"reactivated": "won back", "churned": "lost"}


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
    ax = canvas(ax)
    level, edges = values.iloc[0], [values.iloc[0]]
    for place, (move, sign) in enumerate(MOVEMENTS[what].items(), start=1):
        step = sign * values[f"{what}_{move}"]
        _step(ax, place, level, step, labels, unit)
        level += step
        edges.append(level)
    for place, value in ((0, values.iloc[0]), (len(ids) - 1, values.iloc[-1])):
        ax.hlines(value, place - 0.4, place + 0.4, color=INK, linewidth=4)
        ax.annotate(
            labels.short(value, unit), (place, value), (0, 6), textcoords="offset points", ha="center"
        )
    names = ["opening", *(WORDS.get(move, move) for move in MOVEMENTS[what]), "closing"]
    ax.set_xticks(range(len(ids)), names)
    room = max(max(edges) - min(edges), abs(max(edges)) * 0.02, 1) * 0.25
    ax.set_ylim(min(edges) - room, max(edges) + room)
    value_axis(ax, labels, unit, ids[0])
    noun = "MRR" if what == "mrr" else what.capitalize()
    title = f"{noun} from opening to closing, {labels.period(start, grain)}"
    told = (f"{name} {labels.value(v, unit)}" for name, v in zip(names, values, strict=True))
    return finish(ax, title, f"Waterfall chart: {title}. {', '.join(told)}.")


def cohorts(
    kpis: pd.DataFrame, labels: Labels, last: int = 13, ages: int = 12, ax: Axes | None = None
) -> Axes | Note:
    """Cohort retention as a map: a row per month of acquisition, a column per age in months.

    Provisional cells are hatched; what is not known yet is blank. Shows the `last` cohorts
    up to `ages` months of age.
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
    moving = found[found["status"] == "provisional"]
    firm = found[found["status"] != "provisional"].pivot(index="period_start", columns="age", values="value")
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
    for row in moving.itertuples():
        corner = (grid.columns.get_loc(row.age), grid.index.get_loc(row.period_start))
        ax.add_patch(Rectangle(corner, 1, 1, facecolor="white", edgecolor=LIGHT, hatch=HATCH, linewidth=0))
        middle, text = (corner[0] + 0.5, corner[1] + 0.5), texts.at[row.period_start, row.age]
        ax.text(*middle, text, ha="center", va="center", fontsize=8, bbox=BEHIND)
    ax.set(xlabel="months since acquisition", ylabel="acquired in")
    ax.tick_params(length=0)
    ax.tick_params(axis="y", rotation=0)
    if not moving.empty:
        key = Patch(facecolor="white", edgecolor=LIGHT, hatch=HATCH, label="provisional")
        legend(ax, [key])
    title = "Share of each month's new customers still active"
    oldest = labels.period(grid.index[0], "month")
    return finish(ax, title, f"Heat map: {title}, for those acquired from {oldest} on, by months since.")


def _step(ax: Axes, place: int, level: float, step: float, labels: Labels, unit: str) -> None:
    """One movement as a bar from `level` on, its amount with a sign above it, a thin line to the next."""
    up = step >= 0
    ax.bar(
        place,
        step,
        bottom=level,
        width=0.62,
        color=MAIN if up else LOSS,
        hatch="" if up else "..",
        edgecolor="white",
    )
    sign = "" if step == 0 else "+" if up else "−"
    text = sign + labels.short(abs(step), unit)
    ax.annotate(text, (place, max(level, level + step)), (0, 4), textcoords="offset points", ha="center")
    for at, height in ((place - 1, level), (place, level + step)):
        ax.hlines(height, at + 0.3, at + 0.7, color=GREY, linewidth=1)
