"""What the tables say beside the figures: marks, reasons in a few words, what was left out and why."""

from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from analysis.glossary import REASONS
from analysis.labels import NOTHING, Labels
from analysis.phrases import inside, name_of, status_word
from analysis.texts import mark, say

MARKS = {"provisional": "*", "small_n": "°"}
EXPLAINED = {  # hatched and grey as in the charts
    "provisional": mark("{mark} (hatched): the period is not over yet, or its cohort is too young to judge"),
    "small_n": mark("{mark} (grey): fewer cases than this company ranks on"),
}
SHORT = {  # of REASONS, in a cell
    "no_denominator": mark("no cases"),
    "no_base": mark("nothing to compare with"),
    "no_target": mark("no target"),
    "no_churn": mark("nobody left"),
    "not_reached": mark("not reached yet"),
    "missing_table": mark("a table is missing"),
    "none_eligible": mark("too young"),
}
OWN = {  # where a KPI's reason can be said more exactly
    ("required_daily_revenue", "no_denominator"): mark("no selling day left"),
    ("sales_growth_mtd", "none_eligible"): mark("the month is over"),
}
NO_VALUE = mark("no value")
SIDE_BY_SIDE = 3  # names in a caption; the columns name them all


def left_out(labels: Labels, ids: Iterable[str]) -> list[str]:
    """A line for every table or column that is missing, with the KPIs that need it."""
    wanting: dict[str, list[str]] = {}
    for kpi in ids:
        for lack in labels.lacking(kpi)[:1]:
            wanting.setdefault(lack, []).append(inside(name_of(kpi)))
    return [
        say("Left out for want of the column {column}: {names}", column=lack, names=", ".join(names))
        if "." in lack
        else say("Left out for want of the table {table}: {names}", table=lack, names=", ".join(names))
        for lack, names in wanting.items()
    ]


def named(labels: Labels, ids: Sequence[str]) -> str:
    """The KPIs in a caption: all of a few; of many the first, as the columns name them."""
    shown = [kpi for kpi in ids if not labels.lacking(kpi)] or ids
    first, *rest = [name_of(kpi) for kpi in shown]
    if len(rest) >= SIDE_BY_SIDE:
        return say("{name} and what belongs to it,", name=first)
    return ", ".join([first, *map(inside, rest)])


def why(reason: str, kpi: str = "") -> str:
    """Why there is no value, in as few words as fit a cell."""
    return say(OWN.get((kpi, reason)) or SHORT.get(reason) or REASONS.get(reason, NO_VALUE))


def marked(labels: Labels, row: pd.Series | None, kpi: str) -> str:
    """A value with the mark of its status behind it; a dash for none."""
    if row is None:
        return NOTHING
    text = labels.value(row["value"], row["unit"], kpi)
    return text if pd.isna(row["value"]) else text + MARKS.get(row["status"], "")


def cell(found: pd.DataFrame, key: object) -> pd.Series | None:
    """The row of that key, where there is one."""
    return found.loc[key] if key in found.index else None


def explained(statuses: Iterable[str], marks: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """A line for every status that is in use, by its mark where there are marks, else by its words."""
    there = set(statuses)
    used = [status for status in EXPLAINED if status in there]
    return tuple(
        say(EXPLAINED[status], mark=marks[status] if marks else status_word(status)) for status in used
    )
