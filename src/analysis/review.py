"""The team's review from data: tasks completed and worked on, points, and what is left lying.

By day, week and month. A task or notification that begins to lie on one day and is settled on another lies at
the closings between the two, so one query a table counts it by those days, and each period's figure is a sum
over the counts. Further back than the days and weeks go only months are told apart: there a day stands for
its month.
"""

from collections.abc import Sequence
from datetime import date

import ibis
import numpy as np
import pandas as pd
from ibis.expr.types import Value

from analysis.company import Company
from analysis.facts import Facts, labelled, sorted_frame, total
from analysis.glossary import REVIEW_GRAINS
from analysis.periods import DAY_ZERO, DAYS_IN, Calendar, day_index
from analysis.rows import KEYS, MONEY_DIGITS, missing_rows, sum_rows

NEVER = 10**7  # a day later than any
COMPLETED = {"tasks_completed": "tasks", "points": "points"}


def table(facts: Facts) -> pd.DataFrame:
    """All rows of the review."""
    parts = [*of_tasks(facts), worked_on(facts), notifications(facts)]
    return pd.concat(parts, ignore_index=True)


# --- tasks ------------------------------------------------------------------------------------------------


def of_tasks(facts: Facts) -> list[pd.DataFrame]:
    """`tasks_completed` and `points` by the day of completion, `tasks_overdue` at the closing day."""
    lacks = {kpi: facts.lack(kpi) for kpi in (*COMPLETED, "tasks_overdue")}
    parts = [missing_rows([kpi], lack, facts.calendar) for kpi, lack in lacks.items() if lack]
    if all(lacks.values()):
        return parts
    found = task_facts(facts)
    done = rolled(found, *within(found["done"], facts.calendar), ["tasks", "points"], facts.calendar)
    parts += [sum_rows(kpi, done, name, n="tasks") for kpi, name in COMPLETED.items() if not lacks[kpi]]
    if not lacks["tasks_overdue"]:
        parts.append(sum_rows("tasks_overdue", lying(found, "tasks", facts.calendar), "tasks", n="tasks"))
    return parts


def task_facts(facts: Facts) -> pd.DataFrame:
    """Tasks by rep and the days they were completed (`done`), became overdue (`begins`) and no longer are
    (`ends`): `tasks` and their `points`.

    A task is overdue from the day after the one it was due on, or from its creation when that is later, until
    it is completed or cancelled.
    """
    tasks = facts.company.table("tasks")
    completed, cancelled = (day_of(facts, tasks[at]) for at in ("completed_at", "cancelled_at"))
    due = tasks.due_on.cast("timestamp") + ibis.interval(days=1)
    counts = tasks.group_by(
        rep=labelled(tasks.rep_id),
        done=completed,
        begins=ibis.greatest(day_of(facts, due), day_of(facts, tasks.created_at)),
        ends=ibis.least(completed, cancelled),
    )
    return sorted_frame(counts.agg(tasks=ibis._.count(), points=total(tasks.points)))


def points_by_weight(company: Company, start: date, end: date) -> pd.DataFrame:
    """Tasks completed in [start, end) by rep and the points of a task: `rep`, `points`, `tasks`.

    A task without points has 0.
    """
    tasks = company.table("tasks")
    done = tasks.completed_at.date()
    tasks = tasks.filter(done >= ibis.date(start), done < ibis.date(end))
    weight = tasks.points.fill_null(ibis.literal(0, "decimal(20, 6)")).cast("float64")
    counts = tasks.group_by(rep=labelled(tasks.rep_id), points=weight).agg(tasks=ibis._.count())
    return counts.to_pandas().sort_values(["rep", "points"], ignore_index=True)


# --- activities -------------------------------------------------------------------------------------------


def worked_on(facts: Facts) -> pd.DataFrame:
    """`tasks_worked_on`: distinct tasks with an activity in the period, of a rep and of anybody.

    A task that two reps worked on is one task of each and one of the company, so reps may sum to more.
    """
    lack = facts.lack("tasks_worked_on")
    if lack:
        return missing_rows(["tasks_worked_on"], lack, facts.calendar)
    spans = facts.calendar.table(REVIEW_GRAINS)[["grain", "first_month", "period_start", "period_end"]]
    schema = {"grain": "string", "first_month": "int64", "period_start": "date", "period_end": "date"}
    periods = ibis.memtable(spans, schema=schema)
    acts = facts.company.table("activities")
    acts = acts.filter(acts.task_id.notnull()).select(
        "task_id", rep=labelled(acts.rep_id), day=acts["at"].date()
    )
    here = acts.inner_join(periods, [acts.day >= periods.period_start, acts.day < periods.period_end])
    here = here.mutate(whole=ibis.array([True, False]).unnest())
    counts = here.group_by("grain", "first_month", "whole", member=here.whole.ifelse("", here.rep))
    found = counts.agg(tasks=here.task_id.nunique()).to_pandas()
    found["dimension"] = np.where(found["whole"], "", "rep")
    grid = spans[["grain", "first_month"]].assign(dimension="", member="")
    found = grid.merge(found[[*KEYS, "tasks"]], how="outer", on=KEYS, validate="1:1").fillna({"tasks": 0})
    return sum_rows("tasks_worked_on", found, "tasks", n="tasks")


# --- notifications ----------------------------------------------------------------------------------------


def notifications(facts: Facts) -> pd.DataFrame:
    """`notifications_uncleared`: created by the closing day and not cleared by it."""
    lack = facts.lack("notifications_uncleared")
    if lack:
        return missing_rows(["notifications_uncleared"], lack, facts.calendar)
    notes = facts.company.table("notifications")
    counts = notes.group_by(
        rep=labelled(notes.rep_id),
        begins=day_of(facts, notes.created_at),
        ends=day_of(facts, notes.cleared_at),
    )
    found = sorted_frame(counts.agg(notes=ibis._.count()))
    return sum_rows("notifications_uncleared", lying(found, "notes", facts.calendar), "notes", n="notes")


# --- days and periods -------------------------------------------------------------------------------------


def day_of(facts: Facts, moment: Value) -> Value:
    """The day of a moment as one integer, NEVER where it is null.

    Before the first day that the days and weeks tell apart it is the first day of its month: of those days
    only the closings of months count, and all days of a month lie on the same side of each.
    """
    told_apart = min(facts.calendar.starts(grain)[0] for grain in DAYS_IN)
    number, of_month = (
        day.cast("date").delta(ibis.date(DAY_ZERO), unit="day").cast("int64")
        for day in (moment, moment.truncate("M"))
    )
    return (number < told_apart).ifelse(of_month, number).fill_null(NEVER)


def ends_of(calendar: Calendar, grain: str) -> tuple[np.ndarray, np.ndarray]:
    """First day of each shown period of the grain with the day after the last, and each closing day."""
    spans = calendar.periods([grain])
    edges = [*(day_index(span.start) for span in spans), day_index(spans[-1].end)]
    return np.array(edges), np.array([day_index(span.closing_day(calendar.as_of)) for span in spans])


def within(days: pd.Series, calendar: Calendar) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """For each of REVIEW_GRAINS, the place of the period that holds each day, and the place after it.

    The two are the same for a day in no period.
    """
    first, after = [], []
    for grain in REVIEW_GRAINS:
        edges, _ = ends_of(calendar, grain)
        place = np.searchsorted(edges, days, side="right") - 1
        inside = (place >= 0) & (place < len(edges) - 1)
        first.append(np.where(inside, place, 0))
        after.append(np.where(inside, place + 1, 0))
    return first, after


def lying(found: pd.DataFrame, measure: str, calendar: Calendar) -> pd.DataFrame:
    """What has begun by the closing day of each period and not ended by it, as a rolled frame."""
    first, after = [], []
    for grain in REVIEW_GRAINS:
        _, closings = ends_of(calendar, grain)
        begins, ends = (np.searchsorted(closings, found[day], side="left") for day in ("begins", "ends"))
        first.append(begins)
        after.append(np.maximum(begins, ends))
    return rolled(found, first, after, [measure], calendar)


def rolled(
    found: pd.DataFrame,
    first: Sequence[np.ndarray],
    after: Sequence[np.ndarray],
    measures: Sequence[str],
    calendar: Calendar,
) -> pd.DataFrame:
    """Sums of the measures for the company and each rep, each row counted in the periods [first, after).

    The places of the periods are given for each of REVIEW_GRAINS. The company has every period, a rep those
    in which the first measure, a count, is not 0.
    """
    codes, reps = pd.factorize(found["rep"])
    parts = []
    for grain, begins, ends in zip(REVIEW_GRAINS, first, after, strict=True):
        starts = np.array(calendar.starts(grain))
        sums = []
        for measure in measures:
            amount = found[measure].to_numpy(dtype="float64")
            steps = np.zeros((len(reps) + 1, len(starts) + 1))  # the company in the last line
            np.add.at(steps, (codes, begins), amount)
            np.add.at(steps, (codes, ends), -amount)
            steps[-1] = steps[:-1].sum(axis=0)
            sums.append(steps.cumsum(axis=1)[:, :-1].round(MONEY_DIGITS))
        shown = sums[0] != 0
        shown[-1] = True
        member, period = np.nonzero(shown)
        part = {"grain": grain, "first_month": starts[period]}
        part["dimension"] = np.where(member == len(reps), "", "rep")
        part["member"] = pd.Index([*reps, ""], dtype="str").take(member)
        part |= {name: total[shown] for name, total in zip(measures, sums, strict=True)}
        parts.append(pd.DataFrame(part))
    return pd.concat(parts, ignore_index=True)
