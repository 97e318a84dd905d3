"""What the tables say beside the figures: marks, reasons in a few words, what was left out and why."""

from collections.abc import Iterable, Sequence

import pandas as pd

from analysis.glossary import KPIS, REASONS
from analysis.labels import NOTHING, Labels, inside

WORDS = {"provisional": "provisional", "small_n": "few cases"}
LOOKS = {"provisional": "hatched", "small_n": "grey"}  # as in the charts
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
OWN = {  # where a KPI's reason can be said more exactly
    ("required_daily_revenue", "no_denominator"): "no selling day left",
    ("sales_growth_mtd", "none_eligible"): "the month is over",
}
SIDE_BY_SIDE = 3  # names in a caption; the columns name them all


def left_out(labels: Labels, ids: Iterable[str]) -> list[str]:
    """A line for every table or column that is missing, with the KPIs that need it."""
    wanting: dict[str, list[str]] = {}
    for kpi in ids:
        for lack in labels.lacking(kpi)[:1]:
            wanting.setdefault(lack, []).append(inside(KPIS[kpi].name))
    things = {lack: f"the {'column' if '.' in lack else 'table'} {lack}" for lack in wanting}
    return [f"Left out for want of {things[lack]}: {', '.join(names)}" for lack, names in wanting.items()]


def named(labels: Labels, ids: Sequence[str]) -> str:
    """The KPIs in a caption: all of a few; of many the first, as the columns name them."""
    shown = [kpi for kpi in ids if not labels.lacking(kpi)] or ids
    first, *rest = [KPIS[kpi].name for kpi in shown]
    if len(rest) >= SIDE_BY_SIDE:
        return f"{first} and what belongs to it,"
    return ", ".join([first, *map(inside, rest)])


def why(reason: str, kpi: str = "") -> str:
    """Why there is no value, in as few words as fit a cell."""
    return OWN.get((kpi, reason)) or SHORT.get(reason) or REASONS.get(reason, "no value")


def marked(labels: Labels, row: pd.Series | None, kpi: str) -> str:
    """A value with the mark of its status behind it; a dash for none."""
    if row is None:
        return NOTHING
    text = labels.value(row["value"], row["unit"], kpi)
    return text if pd.isna(row["value"]) else text + MARKS.get(row["status"], "")


def cell(found: pd.DataFrame, key: object) -> pd.Series | None:
    """The row of that key, where there is one."""
    return found.loc[key] if key in found.index else None


def explained(statuses: Iterable[str], marks: dict[str, str] = WORDS) -> tuple[str, ...]:
    """A line for every mark that is in use."""
    used = set(statuses)
    return tuple(
        f"{marks[status]} ({LOOKS[status]}): {text}" for status, text in EXPLAINED.items() if status in used
    )
