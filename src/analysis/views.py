"""Slices of the KPI table, as charts and tables show them: select and order, compute nothing.

Every function takes the KPI table (the columns of `kpi_table.COLUMNS`) and returns rows of it, unchanged.
"""

from collections.abc import Iterable, Sequence

import pandas as pd

from analysis.display import Note
from analysis.glossary import GRAINS, KPIS, REASONS
from analysis.labels import Labels
from analysis.phrases import IN_NONE, name_of
from analysis.texts import say

# What leads from opening to closing, and whether it adds or takes away.
MOVEMENTS = {
    "customers": {"new": 1, "reactivated": 1, "churned": -1},
    "mrr": {"new": 1, "reactivated": 1, "expansion": 1, "contraction": -1, "churned": -1},
}
GROWTH = frozenset({"sales_growth_mom", "sales_growth_yoy", "cmgr_6m"})  # read by their own sign
EMPTY = ("none_eligible", "no_denominator")  # reasons that say nothing happened, or not yet


def rows(kpis: pd.DataFrame, kpi: str, grain: str = "month", by: str = "", last: int = 0) -> pd.DataFrame:
    """The rows of one KPI at one grain and breakdown ("" is the company total), by period and member.

    `last` keeps that many of the latest periods; 0 keeps all. Members that are whole numbers sort as numbers.
    """
    chosen = kpis[(kpis["kpi"] == kpi) & (kpis["grain"] == grain) & (kpis["dimension"] == by)]
    if last:
        chosen = chosen[chosen["period_start"].isin(sorted(chosen["period_start"].unique())[-last:])]
    if not by:
        return chosen.sort_values("period_start", kind="stable")
    order = chosen["member"].map(member_key)
    return chosen.assign(_order=order).sort_values(["period_start", "_order"]).drop(columns="_order")


def member_key(member: str) -> tuple[bool, int, str]:
    """Sorts members by name, whole numbers by size, and those in brackets, as (unassigned), last."""
    return (member.startswith("("), int(member) if member.isdecimal() else 0, member)


def movements(what: str) -> list[str]:
    """The KPIs that lead from opening to closing, in order; `what` is "customers" or "mrr"."""
    return [f"{what}_{step}" for step in ("opening", *MOVEMENTS[what], "closing")]


def finest(kpis: pd.DataFrame, kpi: str, by: str = "", grains: Sequence[str] = GRAINS) -> str:
    """The first of the grains in which the KPI has a value at this breakdown; the first when in none."""
    valued = kpis[(kpis["kpi"] == kpi) & (kpis["dimension"] == by) & kpis["value"].notna()]
    return next((grain for grain in grains if (valued["grain"] == grain).any()), grains[0])


def latest(
    kpis: pd.DataFrame, labels: Labels, kpi: str, grain: str = "month", running: bool = False
) -> pd.Timestamp:
    """Start of the KPI's latest period that is over and no longer moving; NaT when the KPI has no rows.

    A cohort too young to judge is passed over, so that a young one is never compared with a grown one; so is
    a period in which there was nothing to count. Without any settled period it is the latest with a value;
    with `running` it is that in any case. The members decide where the whole company has no value.
    """
    every = kpis[(kpis["kpi"] == kpi) & (kpis["grain"] == grain)]
    whole = every[every["dimension"] == ""]
    whole = every if whole["value"].isna().all() else whole
    over = whole["period_end"].map(labels.is_complete).astype(bool)
    settled = over & (whole["status"] != "provisional") & ~whole["reason"].isin(EMPTY)
    choices = (whole[settled], every[every["value"].notna()], every)
    for choice in choices[1:] if running else choices:
        if not choice.empty:
            return choice["period_start"].max()
    return pd.NaT


def present(
    kpis: pd.DataFrame, labels: Labels, ids: Sequence[str], grains: Sequence[str] = GRAINS
) -> pd.DataFrame:
    """The company's rows of these KPIs in the month, quarter and year that the report's day lies in."""
    found = kpis[kpis["kpi"].isin(ids) & kpis["grain"].isin(grains) & (kpis["dimension"] == "")]
    day = pd.Timestamp(labels.as_of)
    return found[(found["period_start"] <= day) & (day < found["period_end"])]


def still_running(
    kpis: pd.DataFrame, labels: Labels, kpi: str, by: str = "", grains: Sequence[str] = GRAINS
) -> str:
    """The finest grain whose period is not over and has a value of the KPI at this breakdown.

    Without one it is the grain that `finest` finds.
    """
    valued = kpis[(kpis["kpi"] == kpi) & (kpis["dimension"] == by) & kpis["value"].notna()]
    runs = valued[~valued["period_end"].map(labels.is_complete).astype(bool)]
    return next((g for g in grains if (runs["grain"] == g).any()), finest(kpis, kpi, by, grains))


def settled(
    kpis: pd.DataFrame, kpi: str, by: str, grain: str = "quarter", last: int = 3
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows with a value of the last few settled periods, and those of the provisional ones after them."""
    found = rows(kpis, kpi, grain, by)
    found = found[found["value"].notna()]
    moving = found["status"] == "provisional"
    firm = found[~moving]
    starts = sorted(firm["period_start"].unique())[-last:]
    later = found[moving & (found["period_start"] > starts[-1])] if starts else found[moving]
    return firm[firm["period_start"].isin(starts)], later


def members(
    kpis: pd.DataFrame, labels: Labels, kpi: str, by: str, grain: str = "month", running: bool = False
) -> pd.DataFrame:
    """The KPI's members in its latest period (see `latest`), by their shown names, those in brackets last."""
    chosen = rows(kpis, kpi, grain, by)
    chosen = chosen[chosen["period_start"] == latest(kpis, labels, kpi, grain, running)]
    return chosen.loc[sorted(chosen.index, key=lambda at: labels.order(by, chosen.at[at, "member"]))]


def missing(
    kpis: pd.DataFrame, labels: Labels, ids: Iterable[str], grain: str = "month", by: str = ""
) -> Note | None:
    """Why none of these KPIs has a value at this grain and breakdown, in one sentence; None when one has."""
    ids = list(ids)
    slices = {kpi: rows(kpis, kpi, grain, by) for kpi in ids}
    first = ids[0]
    name = name_of(first)
    valued = pd.concat([found[found["value"].notna()] for found in slices.values()])
    if not valued.empty and not (by and valued["member"].str.startswith("(").all()):
        return None
    lacking = labels.lacking(first)
    if lacking and "." in lacking[0]:
        table, column = lacking[0].split(".")
        text = say(
            "This company's table `{table}` has no column `{column}`, so “{name}” cannot be computed; "
            "map the column under source.tables.{table}.columns in the params file.",
            table=table, column=column, name=name,
        )  # fmt: skip
        return Note(text, cause=lacking[0])
    if lacking:
        text = say(
            "This company has no table `{table}`, so “{name}” cannot be computed; "
            "add it under source.tables in the params file.",
            table=lacking[0], name=name,
        )  # fmt: skip
        return Note(text, cause=lacking[0])
    if not valued.empty:
        text = say(
            "“{name}” cannot be told by {dimension}: the data name none.",
            name=name, dimension=labels.dimension(by),
        )  # fmt: skip
        return Note(text, cause=f"by {by}")
    reasons = pd.concat([slices[first], rows(kpis, first, grain)])["reason"]
    reasons = reasons[reasons.isin(list(REASONS))]
    if not reasons.empty:
        return Note(say(IN_NONE[grain], name=name, reason=say(REASONS[reasons.mode()[0]])))
    if by:
        return Note(say("“{name}” has no value by {dimension}.", name=name, dimension=labels.dimension(by)))
    return Note(say("“{name}” has no value yet.", name=name))


def trend(now: pd.Series, before: pd.Series | None) -> str:
    """The step from a KPI's row to a later one: better, worse, higher, lower (where neither way is the good
    one), same, or unclear where the intervals overlap, so that it may be chance; growing or shrinking for a
    KPI that is a change itself; "" where there is nothing to compare with.
    """
    if now["kpi"] in GROWTH:
        return "growing" if now["value"] > 0 else "shrinking" if now["value"] < 0 else "same"
    if before is None or pd.isna(before["value"]):
        return ""
    if now["value"] == before["value"]:
        return "same"
    if now["low"] <= before["high"] and before["low"] <= now["high"]:
        return "unclear"
    up = now["value"] > before["value"]
    direction = KPIS[now["kpi"]].direction
    if direction == "none":
        return "higher" if up else "lower"
    return "better" if up == (direction == "up") else "worse"
