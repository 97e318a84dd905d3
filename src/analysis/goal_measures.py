"""How far one target of a goal has come: where it began, where it stands, where it should end.

Each type of target is measured from what it has: what the params say was reached by which day, the rows of
the table `tasks`, or a row of the KPI table.
"""

from collections.abc import Callable
from datetime import date, timedelta
from typing import NamedTuple

import ibis
import pandas as pd
from ibis import Table
from ibis.expr.types import BooleanValue

from analysis.company import Company
from analysis.glossary import COUNT, KPIS, Kpi, unit_of
from analysis.goal_params import Target, TaskFilter
from analysis.identities import FLOWS, STOCKS
from analysis.sources.pseudonyms import pseudonyms

NOTHING = float("nan")
WHOLE_PERIODS = frozenset({"sales_growth_mom", "sales_growth_yoy", "cmgr_6m", "growth_effect"})
"""KPIs that hold a period against an earlier one: a part of a period against a whole one says nothing."""

SLOW_DAYS = 28  # a KPI that settles later than this after its period is read from a settled one


class Measure(NamedTuple):
    """What is known of a target; `current` is NaN with a `reason` where nothing is."""

    start: float
    current: float
    end: float
    unit: str
    reason: str = ""
    status: str = "ok"
    period_start: pd.Timestamp = pd.NaT
    period_end: pd.Timestamp = pd.NaT


def people(client: Company) -> Callable[[str | None], str]:
    """Turns a rep_id written in the params into the one in the tables: its pseudonym, where these are used.

    Anything that is nobody's id stays as it is.
    """
    if client.params.people == "names" or not client.has("reps"):
        return lambda name: name or ""
    known = set(client.table("reps").select("rep_id").to_pandas()["rep_id"])

    def hidden(name: str | None) -> str:
        pseudonym = pseudonyms([name], client.params.company)[name] if name else ""
        return pseudonym if pseudonym in known else name or ""

    return hidden


class Sources(NamedTuple):
    """What targets are measured from, read once for all of them.

    `kpis` are rows of the KPI table by KPI and grain, `counts` those of `task_counts`, and `person` is the
    function of `people`.
    """

    client: Company
    kpis: dict[tuple[str, str], pd.DataFrame]
    counts: dict[int, Measure]
    person: Callable[[str | None], str]


def sources(client: Company, targets: list[Target], kpis: pd.DataFrame) -> Sources:
    """What these targets are measured from."""
    person = people(client)
    asked = kpis[kpis["kpi"].isin([target.kpi for target in targets if target.kpi])]
    rows = {(str(kpi), str(grain)): own for (kpi, grain), own in asked.groupby(["kpi", "grain"])}
    return Sources(client, rows, task_counts(client, targets, person), person)


def measured(target: Target, known: Sources, due_on: date | None = None) -> Measure:
    """The measure of one of the targets of a goal that is due on the day."""
    client = known.client
    if target.type == "kpi":
        return of_kpi(target, known, due_on)
    if target.type == "tasks":
        if target.filter is not None:
            return known.counts[id(target)]
        return of_tasks(float(target.done or 0), float((target.all or 0) - (target.cancelled or 0)))  # type: ignore[arg-type]
    if target.type == "true_false":
        return of_flag(target, client.as_of)
    unit = (target.currency or client.params.currency) if target.type == "currency" else COUNT
    current = latest(target.current, client.as_of)
    reason = "no_value" if pd.isna(current) else ""
    return Measure(start_of(target), current, end_of(target), unit, reason)


def start_of(target: Target) -> float:
    """Where a target began; 0 unless it says so."""
    return 0.0 if target.start is None else target.start


def end_of(target: Target) -> float:
    """What a target is to reach."""
    return NOTHING if target.end is None else target.end


def latest(current: float | dict[date, float] | None, as_of: date) -> float:
    """How a number stands: as it is, or of values by day the last one on or before `as_of`."""
    if isinstance(current, dict):
        known = [day for day in current if day <= as_of]
        return current[max(known)] if known else NOTHING
    return NOTHING if current is None else float(current)


def of_flag(target: Target, as_of: date) -> Measure:
    """0 or 1: whether it is done, or the day it was done has come."""
    done = target.current if target.done is None else target.done
    if done is None:
        return Measure(0.0, NOTHING, 1.0, COUNT, "no_value")
    return Measure(0.0, float(done <= as_of if isinstance(done, date) else bool(done)), 1.0, COUNT)


def of_tasks(done: float, counted: float) -> Measure:
    """Tasks done of those not cancelled; without any there is nothing to divide by."""
    return Measure(0.0, done, counted, COUNT, "" if counted else "no_denominator")


# --- tasks of the table -----------------------------------------------------------------------------------


def task_counts(
    client: Company, targets: list[Target], person: Callable[[str | None], str]
) -> dict[int, Measure]:
    """The measure of each target that filters the table `tasks`, by its identity; one query for all."""
    filtered = [target for target in targets if target.type == "tasks" and target.filter is not None]
    lacks = {id(target): lack_of(client, target.filter) for target in filtered if target.filter}
    found = {key: Measure(0.0, NOTHING, NOTHING, COUNT, lack) for key, lack in lacks.items() if lack}
    asked = [target for target in filtered if id(target) not in found]
    if not asked:
        return found
    tasks, counts = client.table("tasks"), {}
    for at, target in enumerate(asked):
        fits = condition(tasks, target.filter or TaskFilter(), person)
        done = tasks.completed_at.notnull()
        counts[f"done_{at}"] = tasks.count(where=fits & done)
        counts[f"all_{at}"] = tasks.count(where=fits & (done | tasks.cancelled_at.isnull()))
    row = tasks.aggregate(**counts).to_pandas().iloc[0]
    for at, target in enumerate(asked):
        found[id(target)] = of_tasks(float(row[f"done_{at}"]), float(row[f"all_{at}"]))
    return found


def lack_of(client: Company, wanted: TaskFilter) -> str:
    """Why the tasks cannot be counted: the table, or a column that the filter needs, is not there."""
    columns = {
        "completed_at": True,
        "rep_id": wanted.rep_id,
        "title": wanted.title,
        f"{wanted.linked_to}_id": wanted.linked_to,
        "due_on": wanted.due_from or wanted.due_to,
    }
    if not client.has("tasks"):
        return "missing_table"
    needed = [column for column, used in columns.items() if used]
    return "" if all(client.has_column("tasks", column) for column in needed) else "missing_column"


def condition(tasks: Table, wanted: TaskFilter, person: Callable[[str | None], str]) -> BooleanValue:
    """Whether a task fits all that the filter says; what it does not know of itself it does not fit."""
    created, due, no = tasks.created_at.date(), tasks.due_on, ibis.literal(False)
    parts = [ibis.literal(True)]
    if wanted.rep_id is not None:
        parts.append((tasks.rep_id == person(wanted.rep_id)).fill_null(no))
    if wanted.title is not None:
        parts.append(tasks.title.lower().contains(wanted.title.lower()).fill_null(no))
    if wanted.linked_to is not None:
        parts.append(tasks[f"{wanted.linked_to}_id"].notnull())
    for day, first, last in (
        (created, wanted.created_from, wanted.created_to),
        (due, wanted.due_from, wanted.due_to),
    ):
        if first is not None:
            parts.append((day >= ibis.literal(first)).fill_null(no))
        if last is not None:
            parts.append((day <= ibis.literal(last)).fill_null(no))
    fits = parts[0]
    for part in parts[1:]:
        fits = fits & part
    return fits


# --- rows of the KPI table --------------------------------------------------------------------------------


def of_kpi(target: Target, known: Sources, due_on: date | None = None) -> Measure:
    """The KPI's value in the target's period (see `period_rows`), of the company or of one member.

    A member without a row has 0 of what is summed, and no ratio. One that the KPI has never had a row of is
    not known (`no_member`).
    """
    spec, client = KPIS[str(target.kpi)], known.client
    unit = unit_of(spec, client.params.currency)
    nothing = Measure(start_of(target), NOTHING, end_of(target), unit)
    every = known.kpis.get((spec.id, str(target.grain)))
    if every is None:
        return nothing._replace(reason="not_modelled" if spec.modelled else "none_eligible")
    found = period_rows(every, spec, target.period, client, due_on)
    if found.empty:
        return nothing._replace(reason="none_eligible")
    first = found.iloc[0]
    nothing = nothing._replace(period_start=first["period_start"], period_end=first["period_end"])
    dimension, member = target.dimension or "", target.member or ""
    if dimension == "rep":
        member = known.person(member)
    own = found[(found["dimension"] == dimension) & (found["member"] == member)]
    if own.empty:
        whole = found[found["dimension"] == ""]
        reason = whole["reason"].iloc[0] if len(whole) else ""
        if reason in ("missing_table", "missing_column"):
            return nothing._replace(reason=reason)
        if not ((every["dimension"] == dimension) & (every["member"] == member)).any():
            return nothing._replace(reason="no_member" if dimension else "none_eligible")
        if spec.id not in (*FLOWS, *STOCKS):
            return nothing._replace(reason="no_denominator")
        return nothing._replace(current=0.0, status=whole["status"].iloc[0] if len(whole) else "ok")
    row = own.iloc[0]
    return nothing._replace(current=float(row["value"]), reason=row["reason"], status=row["status"])


def period_rows(
    every: pd.DataFrame, spec: Kpi, wanted: str | None, client: Company, due_on: date | None = None
) -> pd.DataFrame:
    """The rows of one KPI and grain in the period that counts.

    `running`: the one that holds the report's day, so far. `complete`: the last one that is over, and settled
    where the KPI takes time to settle. Without a word `running`, but `complete` for cohorts and KPIs that
    settle slowly, and where a part of a period would be held against a whole one. No period counts that
    begins after `due_on`: a goal of May is measured by May in June too.
    """
    settle = client.params.maturity_days if spec.cohort else spec.settle_days
    slow = spec.cohort or spec.settle_days > SLOW_DAYS or spec.id in WHOLE_PERIODS
    today = pd.Timestamp(client.as_of)
    due = pd.Timestamp(due_on) if due_on else today
    if (wanted or ("complete" if slow else "running")) == "running":
        day = min(today, due)
        chosen = every[(every["period_start"] <= day) & (day < every["period_end"])]
    else:
        over = every[
            (every["period_end"] + timedelta(days=settle - 1) <= today) & (every["period_start"] <= due)
        ]
        chosen = over[over["period_start"] == over["period_start"].max()]
    return chosen.sort_values(["dimension", "member"], kind="stable")
