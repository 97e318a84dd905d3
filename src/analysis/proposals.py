"""Goals proposed from a company's own history: what it has reached before, and what it reaches at its best.

The 50th percentile of the KPI's complete periods is as usual; ambitious is the 75th where more is better, and
the 25th where less is. Between two values a percentile is interpolated linearly, as numpy's default does
(type 7 of Hyndman and Fan 1996).
"""

from collections.abc import Iterator
from datetime import date
from io import StringIO
from typing import Any

import ibis
import numpy as np
import pandas as pd
from ruamel.yaml import YAML

from analysis import param_values as check
from analysis.company import Company
from analysis.errors import GoalError
from analysis.glossary import KPIS, REASONS, Kpi
from analysis.goal_params import GOAL_KPIS
from analysis.identities import FLOWS, STOCKS
from analysis.labels import Labels
from analysis.periods import DAYS_IN, Period, day_index, month_index, period_month
from analysis.phrases import name_of
from analysis.texts import language, say

MISSING = frozenset({"missing_table", "missing_column"})
LEAST = 4  # periods: fewer say nothing of what is usual
SHARES = {"up": {"usual": 50, "ambitious": 75}, "down": {"usual": 50, "ambitious": 25},
          "none": {"usual": 50, "less": 25, "more": 75}}  # fmt: skip
DIGITS = {"ratio": 4}
SETTLED = ("ok", "small_n")


def spec_of(kpi: str, grain: str, by: str) -> Kpi:
    """The KPI that a goal is asked for.

    Raises
    ------
    GoalError
        There is no such KPI, or it has no such grain or breakdown; the text names the nearest.
    """
    known = [name for name in KPIS if name not in GOAL_KPIS]
    if kpi not in known:
        raise GoalError(f"no KPI `{kpi}`{check.near(kpi, known) or '; docs/kpis.md lists them'}")
    spec = KPIS[kpi]
    for what, value, choice in (("grain", grain, spec.grains), ("breakdown", by, spec.dims)):
        if value and value not in choice:
            hint = check.near(value, choice) or f"; it has {', '.join(choice) or 'none'}"
            raise GoalError(f"{kpi} has no {what} `{value}`{hint}")
    return spec


def history(kpis: pd.DataFrame, spec: Kpi, grain: str, by: str = "") -> dict[str, pd.Series]:
    """The KPI's values in its complete, settled periods by their first day, for each member ("": company).

    A member's sum or count is 0 in a period after its first in which it has no row.
    """
    rows = kpis[(kpis["kpi"] == spec.id) & (kpis["grain"] == grain)]
    settled = rows[rows["status"].isin(SETTLED)].set_index("period_start")
    whole = settled[settled["dimension"] == ""]["value"].sort_index()
    if not by:
        return {"": whole}
    found = {}
    for member, own in settled[settled["dimension"] == by].groupby("member"):
        values = own["value"].sort_index()
        if spec.id in (*FLOWS, *STOCKS):
            values = values.reindex(whole.index[whole.index >= values.index[0]]).fillna(0.0)
        found[str(member)] = values
    return found


def percentiles(values: pd.Series, direction: str) -> dict[str, float]:
    """usual and ambitious; of a KPI that is good neither way usual, less and more."""
    return {
        name: float(np.percentile(values.to_numpy(dtype="float64"), share))
        for name, share in SHARES[direction].items()
    }


def propose(client: Company, kpis: pd.DataFrame, kpi: str, grain: str = "month", by: str = "") -> str:
    """Goals for the coming period as YAML to paste into the params file, with comments on what they rest on.

    Parameters
    ----------
    client : an opened company
    kpis : rows of its KPI table, those of the KPI among them
    kpi, grain : what the goal is measured by
    by : a breakdown of the KPI, for a goal of each member; the company's without

    Raises
    ------
    GoalError
        No such KPI, grain or breakdown; or fewer than LEAST complete periods, of every member too.
    """
    spec = spec_of(kpi, grain, by)
    found = history(kpis, spec, grain, by)
    gone = _gone(client) if by == "rep" else set()
    members = [member for member in found if not member.startswith("(") and member not in gone]
    long = {member: found[member] for member in members if len(found[member]) >= LEAST}
    lacks = set(kpis.loc[(kpis["kpi"] == kpi) & (kpis["dimension"] == ""), "reason"]) & MISSING
    if not long and lacks:
        needs = f"; it needs {', '.join(spec.needs)}" if spec.needs else ""
        raise GoalError(f"{kpi} has no value, because {REASONS[lacks.pop()]}{needs}")
    if not long:
        most = max((len(found[member]) for member in members), default=0)
        raise GoalError(
            f"{kpi}{f' of any {by}' if by else ''} has a value in {most} complete periods by {grain}; a goal "
            f"from history needs {LEAST}: try a shorter grain, or a longer history_months in the params file"
        )
    with language(client.params.locale):
        labels = Labels.of(client)
        goals = [_goal(client, labels, spec, grain, by, member, long[member]) for member in sorted(long)]
    goals = [goal for goal in goals if goal["targets"]]
    if not goals:
        raise GoalError(f"{kpi} is the same in its complete periods by {grain}: there is no way to go")
    told = [*_told(spec, grain, long), *_left_out(by, [m for m in members if m not in long])]
    stream = StringIO()
    yaml = YAML()
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.width = 10_000
    yaml.allow_unicode = True
    yaml.dump({"goals": goals}, stream)
    return "".join(f"# {line}\n" for line in told) + stream.getvalue()


def _gone(client: Company) -> set[str]:
    """The salespeople who have left by the report's day: nothing is proposed to them."""
    reps = client.table("reps")
    left = reps.filter(reps.ended_on.notnull() & (reps.ended_on <= ibis.literal(client.as_of)))
    return set(left.select("rep_id").to_pandas()["rep_id"])


def _told(spec: Kpi, grain: str, long: dict[str, pd.Series]) -> Iterator[str]:
    """What the figures rest on, for who reads the YAML."""
    starts = [day for values in long.values() for day in (values.index[0], values.index[-1])]
    most = max(map(len, long.values()))
    yield f"{spec.name}: up to {most} complete periods by {grain}, from {min(starts):%Y-%m-%d} on"
    if spec.direction == "none":
        yield "neither more nor less of it is better: keep the target that is wanted, of the quarter lowest"
        yield "periods (25th percentile), of half of them (50th), or of the quarter highest (75th)"
    else:
        share = SHARES[spec.direction]["ambitious"]
        yield f"usual is the 50th percentile of those periods, ambitious the {share}th, between two values"
        yield "interpolated linearly; keep one or both"


def _left_out(by: str, short: list[str]) -> list[str]:
    if not short:
        return []
    return [
        f"left out for want of {LEAST} complete periods, by {by}: {', '.join(map(_plain, sorted(short)))}"
    ]


def _plain(text: str) -> str:
    """A name in one line, so that it stays a comment."""
    return " ".join(text.split())


def _goal(
    client: Company, labels: Labels, spec: Kpi, grain: str, by: str, member: str, values: pd.Series
) -> dict[str, Any]:
    """One goal: the KPI in the period that comes next."""
    coming = next_period(client, grain)
    period = labels.period(coming.start, grain)
    name = say("{kpi}, {period}", kpi=name_of(spec.id), period=period)
    if member:
        name = say("{goal}: {member}", goal=name, member=_plain(labels.member(by, member)))
    goal: dict[str, Any] = {"name": name}
    if by == "rep":
        goal["owner"] = member
    goal |= {"start_on": coming.start, "due_on": coming.last_day, "targets": []}
    words = {
        "usual": say("as usual"), "ambitious": say("ambitious"), "less": say("less"), "more": say("more"),
    }  # fmt: skip
    for step, end in percentiles(values, spec.direction).items():
        target: dict[str, Any] = {"name": words[step], "type": "kpi", "kpi": spec.id, "grain": grain}
        if by:
            target |= {"dimension": by, "member": member}
        reached = _rounded(end, spec)
        start = _start(values, spec.direction, step, reached)
        if start is not None:
            target["start"] = _rounded(start, spec)
        if target.get("start", 0) != reached:  # there is no way to go
            goal["targets"].append(target | {"end": reached})
    return goal


def _start(values: pd.Series, direction: str, step: str, end: float) -> float | None:
    """Where the way to `end` begins: nothing (0) where more is better; else the latest value, or the worst
    where the latest has reached the end already.
    """
    last, low, high = float(values.iloc[-1]), float(values.min()), float(values.max())
    if direction == "up":
        return None if end > 0 else low
    if step == "more":
        return last if last < end else low
    if direction == "none" and step == "usual":
        return last
    return last if last > end else high


def _rounded(number: float, spec: Kpi) -> float | int:
    """The number as a person would write it."""
    short = round(number, DIGITS.get(spec.unit, 2))
    return int(short) if short.is_integer() else short


def next_period(client: Company, grain: str) -> Period:
    """The period of this grain after the one that holds the report's day."""
    day: date = client.as_of
    if grain in DAYS_IN:
        first = day_index(day)
        first = first - day.weekday() if grain == "week" else first
        return Period(grain, first + DAYS_IN[grain])
    own = Period(grain, period_month(month_index(day), grain, client.params.fiscal_year_start))
    return Period(grain, own.first_month + own.months)
