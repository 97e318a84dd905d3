"""Goals in words: their pace, why there is no progress, what a target's figures look like to its reader."""

from typing import Any

import pandas as pd

from analysis.glossary import RATIO, REASONS
from analysis.labels import LONGEST, NOTHING, Labels
from analysis.phrases import name_of
from analysis.texts import mark, say

PACES = {
    "done": mark("done"),
    "ahead": mark("ahead"),
    "on track": mark("on track"),
    "behind": mark("behind"),
    "undefined": mark("no pace"),
}
TYPES = {
    "goal": mark("goal"),
    "number": mark("number"),
    "currency": mark("amount"),
    "true_false": mark("yes or no"),
    "tasks": mark("tasks"),
    "kpi": mark("KPI"),
}
WHY = {  # beside the reasons of the KPI table
    "not_begun": mark("it has not begun yet"),
    "no_value": mark("nobody has said how it stands"),
    "no_data": mark("none of its targets has a value"),
    "no_member": mark("the data know no such member"),
    "not_modelled": mark("it is known only where the models were asked"),
}
GOOD = frozenset({"done", "ahead", "on track", "better", "unchanged"})
BAD = frozenset({"behind", "worse"})
TRACKS = PACES | {
    "better": mark("better"),
    "worse": mark("worse"),
    "unchanged": mark("unchanged"),
    "higher": mark("higher"),
    "lower": mark("lower"),
    "unclear": mark("no clear change"),
    "undefined": mark("not judged"),
}
JUDGED = {
    "": mark("nothing to judge it by"),
    "goal": mark("by its goal"),
    "target": mark("by the target set for the period"),
    "before": mark("by the period before"),
}
YES, NO = mark("yes"), mark("no")


def pace_word(pace: str) -> str:
    """The pace in a word or two."""
    return say(PACES[pace])


def track_word(track: str) -> str:
    """Whether a node of the goal map is on track, in a word or two."""
    return say(TRACKS[track])


def judged_by(by: str) -> str:
    """What a node of the goal map is judged by."""
    return say(JUDGED[by])


def node_name(row: Any) -> str:
    """A node of the goal map by name: a goal's or target's own, or the KPI's."""
    return str(row.name) if row.name else name_of(row.kpi)


def node_figure(labels: Labels, row: Any) -> str:
    """What a node of the goal map stands at: a value, or why there is none."""
    if pd.isna(row.value):
        return say(WHY.get(row.reason) or REASONS[row.reason]) if row.reason else NOTHING
    return labels.short(row.value, row.unit, row.kpi)


def node_period(labels: Labels, row: Any) -> str:
    """The period of a node's value; nothing for what has none."""
    return labels.period(row.period_start, row.grain) if pd.notna(row.period_start) else ""


def type_word(kind: str) -> str:
    """The type of a target in a word."""
    return say(TYPES[kind])


def why_none(row: Any) -> str:
    """Why a row of the standings has no progress: "Win rate: there is nothing to divide by"; else nothing."""
    if not row.reason:
        return ""
    reason = say(WHY.get(row.reason) or REASONS[row.reason])
    return say("{kpi}: {reason}", kpi=name_of(row.kpi), reason=reason) if row.kpi else reason


def figure(labels: Labels, row: Any, number: float) -> str:
    """A start, current or end of a row as its reader writes it."""
    if row.type == "true_false" and pd.notna(number):
        return say(YES if number else NO)
    return labels.value(number, row.unit, row.kpi)


def share(labels: Labels, number: float) -> str:
    """A progress, or an expected one, in per cent."""
    return labels.value(number, RATIO)


def without_data(row: Any) -> str:
    """How many of a goal's targets have no value, where any has none: "1 of 3 without data"."""
    lacking = row.targets - row.with_data
    return say("{k} of {m} without data", k=lacking, m=row.targets) if lacking else ""


def owner_name(labels: Labels, owner: str) -> str:
    """Whose goal it is, by name; a dash where nobody is named."""
    return cut(labels.people.get(owner, owner)) if owner else NOTHING


def cut(name: str, letters: int = LONGEST) -> str:
    """A name that fits: one line, not longer than this."""
    name = " ".join(name.split())
    return name if len(name) <= letters else f"{name[: letters - 1]}…"
