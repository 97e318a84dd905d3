"""The team's review a second time, in plain loops: completed, worked on, points, overdue, not cleared."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reference import Reference

NONE = "(unassigned)"
DAY = timedelta(days=1)


def on(value) -> date | None:
    return value.date() if isinstance(value, datetime) else value


def by(value, day: date) -> bool:
    """Whether something has happened by the end of the day."""
    return value is not None and on(value) <= day


def periods(ref: Reference) -> Iterator[tuple[str, date, date]]:
    """The last thirteen days and ISO weeks that the shown months reach, and the months."""
    months = list(ref.periods(("month",)))
    first = months[0][1]
    for back in range(13):
        day = ref.as_of - back * DAY
        if day >= first:
            yield "day", day, day + DAY
        monday = ref.as_of - (ref.as_of.isoweekday() - 1) * DAY - back * 7 * DAY
        if monday + 6 * DAY >= first:
            yield "week", monday, monday + 7 * DAY
    yield from months


def review(ref: Reference) -> None:
    """Every figure of the review that the tables allow."""
    for grain, start, end in periods(ref):
        closing = min(end - DAY, ref.as_of)
        if "tasks" in ref.t:
            tasks(ref, grain, start, end, closing)
        if "activities" in ref.t:
            acts = [a for a in ref.t["activities"] if a["task_id"] and start <= on(a["at"]) < end]
            acts = [{"rep": a["rep_id"] or NONE, "task": a["task_id"]} for a in acts]
            ref.over("tasks_worked_on", acts, grain, start, ("rep",), lambda r: len({a["task"] for a in r}))
        if "notifications" in ref.t:
            left = [
                {"rep": n["rep_id"] or NONE}
                for n in ref.t["notifications"]
                if by(n["created_at"], closing) and not by(n["cleared_at"], closing)
            ]
            ref.over("notifications_uncleared", left, grain, start, ("rep",), len)


def tasks(ref: Reference, grain: str, start: date, end: date, closing: date) -> None:
    rows = [{**task, "rep": task["rep_id"] or NONE} for task in ref.t["tasks"]]
    done = [t for t in rows if t["completed_at"] and start <= on(t["completed_at"]) < end]
    ref.over("tasks_completed", done, grain, start, ("rep",), len)
    ref.over("points", done, grain, start, ("rep",), lambda r: sum(t["points"] or 0 for t in r))
    late = [
        t
        for t in rows
        if by(t["created_at"], closing)
        and t["due_on"]
        and t["due_on"] < closing
        and not by(t["completed_at"], closing)
        and not by(t["cancelled_at"], closing)
    ]
    ref.over("tasks_overdue", late, grain, start, ("rep",), len)
