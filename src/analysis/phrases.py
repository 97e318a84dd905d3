"""Words that many sentences are made of, each in the reader's language: KPIs, periods, breakdowns, statuses.

What another language would inflect is a phrase of its own for each period and breakdown, never put together.
"""

from analysis.glossary import KPIS, Kpi
from analysis.texts import mark, say

HEADS = {
    "day": mark("Day"),
    "week": mark("Week"),
    "month": mark("Month"),
    "quarter": mark("Quarter"),
    "year": mark("Year"),
}
PER = {
    "day": mark("{name} per day"),
    "week": mark("{name} per week"),
    "month": mark("{name} per month"),
    "quarter": mark("{name} per quarter"),
    "year": mark("{name} per year"),
}
EACH = {
    "day": mark("{title}, per day"),
    "week": mark("{title}, per week"),
    "month": mark("{title}, per month"),
    "quarter": mark("{title}, per quarter"),
    "year": mark("{title}, per year"),
}
STARTED = {
    "day": mark("{name}, by day of the start"),
    "week": mark("{name}, by week of the start"),
    "month": mark("{name}, by month of the start"),
    "quarter": mark("{name}, by quarter of the start"),
    "year": mark("{name}, by year of the start"),
}
IN_NONE = {
    "day": mark("“{name}” has no value in any day: {reason}."),
    "week": mark("“{name}” has no value in any week: {reason}."),
    "month": mark("“{name}” has no value in any month: {reason}."),
    "quarter": mark("“{name}” has no value in any quarter: {reason}."),
    "year": mark("“{name}” has no value in any year: {reason}."),
}
NO_EARLIER = {
    "day": mark("“{name}” cannot be drawn: there is no earlier day to start from."),
    "week": mark("“{name}” cannot be drawn: there is no earlier week to start from."),
    "month": mark("“{name}” cannot be drawn: there is no earlier month to start from."),
    "quarter": mark("“{name}” cannot be drawn: there is no earlier quarter to start from."),
    "year": mark("“{name}” cannot be drawn: there is no earlier year to start from."),
}
COMPLETE = {
    "day": mark("Each KPI in its latest complete day, as known on {day}"),
    "week": mark("Each KPI in its latest complete week, as known on {day}"),
    "month": mark("Each KPI in its latest complete month, as known on {day}"),
    "quarter": mark("Each KPI in its latest complete quarter, as known on {day}"),
    "year": mark("Each KPI in its latest complete year, as known on {day}"),
}
STILL_WAITING = {
    "day": mark("{name} per day, with and without those who still wait"),
    "week": mark("{name} per week, with and without those who still wait"),
    "month": mark("{name} per month, with and without those who still wait"),
    "quarter": mark("{name} per quarter, with and without those who still wait"),
    "year": mark("{name} per year, with and without those who still wait"),
}
DIMENSIONS = {
    "rep": mark("salesperson"),
    "team": mark("team"),
    "channel": mark("channel"),
    "segment": mark("segment"),
    "campaign": mark("campaign"),
    "variant": mark("variant"),
    "motion": mark("direction"),
    "stage": mark("stage"),
    "category": mark("category"),
    "driver": mark("cause"),
    "day": mark("day"),
    "age_months": mark("age in months"),
}
BY = {
    "rep": mark("{name} by salesperson"),
    "team": mark("{name} by team"),
    "channel": mark("{name} by channel"),
    "segment": mark("{name} by segment"),
    "campaign": mark("{name} by campaign"),
    "variant": mark("{name} by variant"),
    "motion": mark("{name} by direction"),
    "stage": mark("{name} by stage"),
    "category": mark("{name} by category"),
    "driver": mark("{name} by cause"),
    "age_months": mark("{name} by age in months"),
}
BY_ANY = mark("{name} by {dimension}")
MEMBERS = {
    ("driver", "new"): mark("new customers"),
    ("driver", "lost"): mark("lost customers"),
    ("driver", "volume"): mark("how often they buy"),
    ("driver", "price"): mark("how much they pay"),
    ("driver", "(unassigned)"): mark("no customer named"),
    ("motion", "inbound"): mark("inbound"),
    ("motion", "outbound"): mark("outbound"),
    ("category", "marketing"): mark("marketing"),
    ("category", "advertising"): mark("advertising"),
    ("category", "salaries"): mark("salaries"),
    ("category", "other"): mark("other"),
}
OTHERS = mark("(others)")
STATUS_WORDS = {"provisional": mark("provisional"), "small_n": mark("few cases")}

TRENDS = {
    "better": mark("better"),
    "worse": mark("worse"),
    "unclear": mark("no clear change"),
    "same": mark("unchanged"),
    "higher": mark("higher"),
    "lower": mark("lower"),
    "growing": mark("growing"),
    "shrinking": mark("shrinking"),
}
"""The words of a `views.trend`."""


def name_of(kpi: str) -> str:
    """A KPI's name. Raises KeyError for an unknown id."""
    return say(KPIS[kpi].name)


def formula_of(kpi: Kpi) -> str:
    """A KPI's formula in words, beginning small and without a full stop."""
    return say(kpi.formula)


def source_of(kpi: Kpi) -> str:
    """Where a KPI's formula comes from, or nothing."""
    return say(kpi.source)


def inside(name: str) -> str:
    """A KPI's name inside a sentence: small first letter, but for an abbreviation."""
    return name if name[:3].isupper() else name[0].lower() + name[1:]


def head_of(grain: str) -> str:
    """A period as the head of a column: Month."""
    return say(HEADS[grain])


def per(name: str, grain: str) -> str:
    """What is shown of every period: "Revenue per month"."""
    return say(PER[grain], name=name)


def each(title: str, grain: str) -> str:
    """A title whose figures are shown of every period: "Revenue by channel, per month"."""
    return say(EACH[grain], title=title)


def dimension_of(dimension: str) -> str:
    """A breakdown in words."""
    return say(DIMENSIONS[dimension]) if dimension in DIMENSIONS else dimension


def by(name: str, dimension: str) -> str:
    """What is broken down: "Revenue by channel", but what is by day as it is."""
    word = dimension_of(dimension)
    shown = say(BY[dimension], name=name) if dimension in BY else say(BY_ANY, name=name, dimension=word)
    said = word in name.split() or shown.split()[-1] in name.split()
    return name if dimension == "day" or said else shown


def status_word(status: str) -> str:
    """A status that a reader should mind, in a word or two; nothing for the others."""
    return say(STATUS_WORDS[status]) if status in STATUS_WORDS else ""
