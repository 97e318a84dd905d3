"""Goals: how far each has come, against the time that is gone, and the rows of it in the KPI table.

progress of a target = (current - start) / (end - start), so the way may go down
progress of a goal = mean, by the weights, of its targets' progress, each at least 0 and at most 1

A target without a value takes no part in its goal; a goal without any has no progress, never 0.
"""

from datetime import date, timedelta

import numpy as np
import pandas as pd

from analysis.company import Company
from analysis.facts import Facts
from analysis.glossary import KPIS, RATIO, REASONS
from analysis.goal_measures import Measure, measured, sources
from analysis.goal_params import GOAL_KPIS, Goal, Target
from analysis.rows import COLUMNS as ROW_COLUMNS
from analysis.rows import missing_rows
from analysis.stats import ratio

TOLERANCE = 0.05
"""How far progress may be from the share of the time that is gone and still be on track."""

SEPARATOR = " / "  # between a goal and its target, in the KPI table
COLUMNS = [
    "folder", "goal", "target", "owner", "type", "unit", "start", "current", "end", "started_on", "due_on",
    "weight", "progress", "expected", "pace", "reason", "with_data", "targets", "kpi", "grain", "dimension",
    "member", "period_start", "period_end", "status",
]  # fmt: skip
_DAYS = ("started_on", "due_on", "period_start", "period_end")
_NUMBERS = ("start", "current", "end", "weight", "progress", "expected")
_ALMOST = 1e-9  # what adding floats may leave


def standings(client: Company, kpis: pd.DataFrame) -> pd.DataFrame:
    """How every goal and target stands at the end of the company's `as_of`.

    Parameters
    ----------
    client : an opened company; its params hold the goals
    kpis : its KPI table, at least the rows of the KPIs that targets name

    Returns
    -------
    One row per goal (`target` is "", `type` goal) followed by one per target of it, in the params' order:

    - folder, goal, target, owner (a rep_id, or a text), type, unit (as in the KPI table)
    - start, current, end : of a target; of a KPI target `current` is its value in [period_start, period_end)
    - started_on, due_on : the goal's
    - weight : of a target in its goal
    - progress : of a target (current - start) / (end - start), raw; of a goal the mean by weight of its
      targets' progress, each from 0 to 1; NaN where there is none, and `reason` says why: one of the KPI
      table's reasons, or not_begun, no_value, no_data, no_member, not_modelled
    - expected : share of the whole days from started_on to due_on that are over
    - pace : done, ahead, on track, behind, or undefined
    - with_data, targets : how many of the targets have progress, of how many
    - kpi, grain, dimension, member, status : what a KPI target is measured by, and the status of its value
    """
    goals = client.params.goals
    known = sources(client, [target for goal in goals for target in goal.targets], kpis)
    found: list[dict] = []
    for goal in goals:
        measures = [measured(target, known, goal.due_on) for target in goal.targets]
        found += of_goal(goal, measures, client.as_of, known.person(goal.owner))
    frame = pd.DataFrame(found, columns=COLUMNS)
    kinds: dict[str, str] = dict.fromkeys(_NUMBERS, "float64") | dict.fromkeys(_DAYS, "datetime64[s]")
    counted = dict.fromkeys(("with_data", "targets"), "int64")
    texts = [column for column in COLUMNS if column not in (*kinds, *counted)]
    frame["member"] = frame["member"].where(frame["dimension"] != "rep", frame["member"].map(known.person))
    return frame.astype({**kinds, **counted, **dict.fromkeys(texts, "str")})


def of_goal(goal: Goal, measures: list[Measure], as_of: date, owner: str) -> list[dict]:
    """The row of a goal and those of its targets."""
    begun = goal.start_on is None or goal.start_on <= as_of
    expected = share_gone(goal.start_on, goal.due_on, as_of)
    overdue = goal.due_on is not None and goal.due_on < as_of
    common = {
        "folder": goal.folder or "", "goal": goal.name, "owner": owner, "started_on": goal.start_on,
        "due_on": goal.due_on, "expected": expected,
    }  # fmt: skip
    rows = []
    for target, measure in zip(goal.targets, measures, strict=True):
        row = of_target(target, measure, begun) | common
        row["pace"] = pace(row["progress"], expected, overdue)
        rows.append(row)
    progress, reason = roll_up(rows)
    has = [not np.isnan(row["progress"]) for row in rows]
    return [
        common
        | {
            "target": "", "type": "goal", "unit": RATIO, "progress": progress,
            "pace": pace(progress, expected, overdue, sum(has) == len(has)),
            "reason": reason if begun else "not_begun", "with_data": sum(has), "targets": len(has),
            "kpi": "", "grain": "", "dimension": "", "member": "", "status": "",
        },
        *rows,
    ]  # fmt: skip


def of_target(target: Target, measure: Measure, begun: bool) -> dict:
    """The row of a target but for what its goal says; without progress before the goal has begun."""
    progress = float(ratio(measure.current - measure.start, measure.end - measure.start))
    if not begun:
        progress = float("nan")
    reason = "" if not np.isnan(progress) else measure.reason or "no_denominator"
    return {
        "target": target.name, "type": target.type, "unit": measure.unit, "start": measure.start,
        "current": measure.current, "end": measure.end, "weight": target.weight, "progress": progress,
        "reason": reason if begun else "not_begun", "with_data": int(not np.isnan(progress)), "targets": 1,
        "kpi": target.kpi or "", "grain": target.grain or "", "dimension": target.dimension or "",
        "member": target.member or "", "period_start": measure.period_start,
        "period_end": measure.period_end, "status": measure.status,
    }  # fmt: skip


def roll_up(targets: list[dict]) -> tuple[float, str]:
    """Progress of a goal from the rows of its targets, and the reason where there is none."""
    known = [row for row in targets if not np.isnan(row["progress"])]
    if not known:
        reasons = {row["reason"] for row in targets}
        return float("nan"), "no_target" if not targets else reasons.pop() if len(reasons) == 1 else "no_data"
    capped, weights = reached(known)
    return float(np.average(capped, weights=weights)), ""


def reached(targets: list[dict]) -> tuple[np.ndarray, np.ndarray]:
    """The progress of targets, each at least 0 and at most 1, and their weights."""
    progress = np.array([row["progress"] for row in targets])
    return np.clip(progress, 0, 1), np.array([row["weight"] for row in targets])


def share_gone(start_on: date | None, due_on: date | None, as_of: date) -> float:
    """The share of the days from `start_on` to `due_on`, both included, that are over at the end of `as_of`.

    At least 0 and at most 1; NaN without both days.
    """
    if start_on is None or due_on is None:
        return float("nan")
    gone, days = as_of - start_on + timedelta(days=1), due_on - start_on + timedelta(days=1)
    return min(max(gone / days, 0.0), 1.0)


def pace(progress: float, expected: float, overdue: bool, whole: bool = True) -> str:
    """done, ahead, on track, behind or undefined.

    Done at full progress, when it is that of the `whole`; behind when overdue and not done; else by whether
    progress differs from what is expected by more than TOLERANCE.
    """
    if np.isnan(progress):
        return "undefined"
    if whole and progress >= 1 - _ALMOST:
        return "done"
    if overdue:
        return "behind"
    if np.isnan(expected):
        return "undefined"
    if abs(progress - expected) <= TOLERANCE + _ALMOST:
        return "on track"
    return "ahead" if progress > expected else "behind"


# --- in the KPI table -------------------------------------------------------------------------------------


def families(client: Company) -> list[str]:
    """The families of the KPIs that targets are measured by."""
    return list(dict.fromkeys(KPIS[kpi].family for kpi in kpis_of(client)))


def is_modelled(client: Company) -> bool:
    """Whether a target is measured by a KPI that only the models know."""
    return any(KPIS[kpi].modelled for kpi in kpis_of(client))


def kpis_of(client: Company) -> list[str]:
    """The KPIs that targets are measured by."""
    return [target.kpi for goal in client.params.goals for target in goal.targets if target.kpi]


def no_rows(facts: Facts) -> pd.DataFrame:
    """The rows of a company without goals: a total of every month, without a value."""
    return missing_rows(GOAL_KPIS, "no_target", facts.calendar)


def table(facts: Facts, kpis: pd.DataFrame) -> pd.DataFrame:
    """`goal_progress` and `target_progress` as rows of the month that holds the report's day.

    Member is the goal's name, of a target "goal / target"; a goal that has not begun has no row. Months
    before, and this one without goals, have a total row without a value: nothing is known of how far goals
    had come then.
    """
    empty = no_rows(facts)
    if not facts.company.params.goals:
        return empty
    found = standings(facts.company, kpis)
    found = found[found["reason"] != "not_begun"]
    if found.empty:
        return empty
    own = found["target"] != ""
    known = found[own & found["progress"].notna()]
    capped = known["progress"].clip(0, 1)
    sums = pd.DataFrame({"goal": known["goal"], "done": capped * known["weight"], "of": known["weight"]})
    sums = sums.groupby("goal")[["done", "of"]].sum().reindex(found["goal"])
    rows = pd.DataFrame(
        {
            "kpi": np.where(own, GOAL_KPIS[1], GOAL_KPIS[0]),
            "grain": "month",
            "first_month": facts.calendar.last_month,
            "dimension": "goal",
            "member": found["goal"].where(~own, found["goal"] + SEPARATOR + found["target"]),
            "value": found["progress"],
            "numerator": np.where(own, found["current"] - found["start"], sums["done"].to_numpy()),
            "denominator": np.where(own, found["end"] - found["start"], sums["of"].to_numpy()),
            "reason": found["reason"].where(found["reason"].isin(["", *REASONS]), "none_eligible"),
        }
    ).reindex(columns=ROW_COLUMNS)
    months = rows[["kpi", "first_month"]].drop_duplicates()
    empty = empty.merge(months, how="left", on=["kpi", "first_month"], indicator=True)
    return pd.concat([empty[empty["_merge"] == "left_only"][ROW_COLUMNS], rows], ignore_index=True)
