"""What lies undone at the end of the report's day, the oldest first: tasks, notifications, leads.

Each list is what the KPI of the same day counts, row by row; a lead that somebody has recorded an activity
with is called, so the leads nobody called are at most the unworked ones.
"""

from collections.abc import Sequence

import ibis
import pandas as pd
from ibis import Table

from analysis.company import Company
from analysis.facts import Facts, labelled
from analysis.pipeline import WORK, lead_work


def overdue_tasks(company: Company) -> pd.DataFrame:
    """The tasks of `tasks_overdue` on the report's day, the longest overdue first.

    Returns
    -------
    One row per task: `task_id`, `title` (null where it has none), `due_on`, `days` (whole days from then to
    the report's day), `rep` (its id, or (unassigned)).

    Raises
    ------
    MissingTable
        There are no tasks.
    """
    tasks = company.table("tasks")
    late = tasks.filter(
        tasks.due_on < ibis.date(company.as_of), tasks.completed_at.isnull(), tasks.cancelled_at.isnull()
    )
    frame = late.select("task_id", "title", "due_on", rep=labelled(late.rep_id)).to_pandas()
    return oldest_first(frame, "due_on", "task_id", company)


def uncleared_notifications(company: Company) -> pd.DataFrame:
    """The notifications of `notifications_uncleared` on the report's day, the oldest first.

    Returns
    -------
    One row each: `notification_id`, `created_at` (the company's time), `days` since, `rep`.

    Raises
    ------
    MissingTable
        There are no notifications.
    """
    notes = company.table("notifications")
    left = notes.filter(notes.cleared_at.isnull())
    frame = left.select("notification_id", "created_at", rep=labelled(left.rep_id)).to_pandas()
    return oldest_first(frame, "created_at", "notification_id", company)


def uncalled_leads(company: Company) -> pd.DataFrame:
    """The leads that nobody has called by the end of the report's day, the oldest first.

    Nobody has called a lead that has no first contact, is not qualified and has no activity.

    Returns
    -------
    One row per lead: `lead_id`, `created_at` (the company's time), `days` since, `channel`, `rep`.

    Raises
    ------
    MissingTable
        There are no leads.
    """
    leads = lead_work(Facts(company))
    idle = without(leads.filter(*(leads[column].isnull() for column in WORK)), "lead_id", acted_on(company))
    frame = idle.select("lead_id", "created_at", "channel", "rep").to_pandas()
    return oldest_first(frame, "created_at", "lead_id", company)


def acted_on(company: Company, column: str = "lead_id") -> list[Table]:
    """The ids of a column of `activities` that somebody recorded an activity with: one table, or none."""
    if not company.has("activities") or not company.has_column("activities", column):
        return []
    acts = company.table("activities")
    return [acts.filter(acts[column].notnull()).select(touched=acts[column])]


def without(rows: Table, column: str, touched: Sequence[Table]) -> Table:
    """The rows whose id is in none of the tables (column `touched`)."""
    for ids in touched:
        rows = rows.anti_join(ids, rows[column] == ids.touched)
    return rows


def oldest_first(frame: pd.DataFrame, since: str, key: str, company: Company) -> pd.DataFrame:
    """Rows by the day since when they lie, and `days`, how many whole days that is on the report's day."""
    frame[since] = pd.to_datetime(frame[since])
    frame = frame.sort_values([since, key], ignore_index=True)
    days = (pd.Timestamp(company.as_of) - frame[since].dt.normalize()).dt.days
    frame.insert(list(frame.columns).index(since) + 1, "days", days)
    return frame
