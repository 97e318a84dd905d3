"""The team's review as tables: what lies with whom, the oldest first, and how points came about.

People stand by name in each of them, in no order of merit.
"""

from collections.abc import Iterable

import pandas as pd

from analysis.behind import overdue_tasks, uncalled_leads, uncleared_notifications
from analysis.company import Company
from analysis.display import Note, Row, Table
from analysis.follow_up import follow_ups, untold
from analysis.glossary import UNASSIGNED
from analysis.labels import NOTHING, Labels
from analysis.phrases import name_of
from analysis.review import points_by_weight
from analysis.tables.words import explained
from analysis.texts import mark, say
from analysis.views import latest, missing, rows

TERMS = 8  # of how many kinds of tasks one person's points are told
KINDS = {  # what may lie: its KPI, its rows, the heads of its two columns
    "tasks": ("tasks_overdue", overdue_tasks, mark("Tasks overdue"), mark("The oldest, days")),
    "notifications": (
        "notifications_uncleared",
        uncleared_notifications,
        mark("Notifications not cleared"),
        mark("The oldest, days"),
    ),
    "leads": ("unworked_leads", uncalled_leads, mark("Leads nobody called"), mark("The oldest, days")),
}
SHOWN = ("Task name", "Due date", "Assignee name", "Priority", "Created on")
HEADS = {
    "Task name": mark("Task"),
    "Due date": mark("Due"),
    "Assignee name": mark("Salesperson"),
    "Priority": mark("Priority"),
    "Created on": mark("New since"),
}
PRIORITIES = {"High": mark("High"), "Low": mark("Low")}
UNKNOWN = {  # by what cannot be told: of leads, of accounts
    (True, False): mark("The data cannot show whether a new lead was touched, so none is listed."),
    (False, True): mark("The data cannot show whether a new customer was touched, so none is listed."),
    (True, True): mark("The data cannot show whether a new lead or customer was touched, so none is listed."),
}
TOUCHED = {
    (True, False): mark("Somebody has touched every new customer."),
    (False, True): mark("Somebody has touched every new lead."),
    (False, False): mark("Somebody has touched every new lead and customer."),
}


# --- who is behind ----------------------------------------------------------------------------------------


def behind(client: Company, kpis: pd.DataFrame, labels: Labels) -> Table | Note:
    """What lies with each person on the report's day: how much of each kind, and for how long the oldest.

    A kind that the company's data do not have is left out and named below. Whoever has nothing lying is not
    in it.
    """
    notes = {kind: missing(kpis, labels, [kpi]) for kind, (kpi, *_) in KINDS.items()}
    there = [kind for kind, note in notes.items() if note is None]
    if not there:
        return next(note for note in notes.values() if note)
    parts = {kind: KINDS[kind][1](client).groupby("rep")["days"].agg(["size", "max"]) for kind in there}
    people = _named({rep for part in parts.values() for rep in part.index}, labels)
    if not people:
        return Note(say("Nothing lies with anybody on {day}.", day=labels.day(labels.as_of)))
    body = []
    for rep in people:
        cells = [labels.member("rep", rep)]
        for part in parts.values():
            found = part.loc[rep] if rep in part.index else None
            cells += [NOTHING] * 2 if found is None else [labels.plain(found[c]) for c in ("size", "max")]
        body.append(Row(tuple(cells)))
    heads = [say(head) for kind in there for head in KINDS[kind][2:]]
    caption = say("What lies with whom on {day}", day=labels.day(labels.as_of))
    left_out = tuple(note.text for note in notes.values() if note)
    return Table(caption, (labels.dimension("rep").capitalize(), *heads), tuple(body), left_out, "behind")


def overdue(client: Company, kpis: pd.DataFrame, labels: Labels, first: int = 10) -> Table | Note:
    """The overdue tasks, the one due longest ago at the top; the `first` are shown, all with 0."""
    note = missing(kpis, labels, ["tasks_overdue"])
    if note:
        return note
    found = overdue_tasks(client)
    titles = found["title"].where(found["title"].notna(), found["task_id"])
    head = (say("Task"), say("Due"), say("Days overdue"), say("Salesperson"))
    shown = found.assign(name=titles)[["name", "due_on", "days", "rep"]]
    n, day = labels.plain(len(found)), labels.day(labels.as_of)
    return _list(
        shown, labels, first, head,
        say("No task is overdue on {day}.", day=day),
        say("All {n} overdue tasks on {day}, the oldest first", n=n, day=day),
        say("The oldest of {n} overdue tasks on {day}, the oldest first", n=n, day=day),
    )  # fmt: skip


def uncleared(client: Company, kpis: pd.DataFrame, labels: Labels, first: int = 10) -> Table | Note:
    """The notifications nobody has cleared, the oldest at the top; the `first` are shown, all with 0."""
    note = missing(kpis, labels, ["notifications_uncleared"])
    if note:
        return note
    found = uncleared_notifications(client)[["notification_id", "created_at", "days", "rep"]]
    head = (say("Notification"), say("Created"), say("Days"), say("Salesperson"))
    n, day = labels.plain(len(found)), labels.day(labels.as_of)
    return _list(
        found, labels, first, head,
        say("No notification waits to be cleared on {day}.", day=day),
        say("All {n} notifications not cleared on {day}, the oldest first", n=n, day=day),
        say("The oldest of {n} notifications not cleared on {day}, the oldest first", n=n, day=day),
    )  # fmt: skip


def uncalled(client: Company, kpis: pd.DataFrame, labels: Labels, first: int = 10) -> Table | Note:
    """The leads nobody has called, the oldest at the top; the `first` are shown, all with 0."""
    note = missing(kpis, labels, ["unworked_leads"])
    if note:
        return note
    found = uncalled_leads(client)[["lead_id", "created_at", "days", "rep"]]
    head = (say("Lead"), say("Created"), say("Days waiting"), say("Salesperson"))
    n, day = labels.plain(len(found)), labels.day(labels.as_of)
    return _list(
        found, labels, first, head,
        say("Every lead has been called by {day}.", day=day),
        say("All {n} leads nobody has called by {day}, the oldest first", n=n, day=day),
        say("The oldest of {n} leads nobody has called by {day}, the oldest first", n=n, day=day),
    )  # fmt: skip


def _list(
    found: pd.DataFrame, labels: Labels, first: int, head: tuple[str, ...], none: str, every: str, some: str
) -> Table | Note:
    """Rows of (what, since when, days, rep) as a list."""
    if found.empty:
        return Note(none)
    shown = found.head(first) if first else found
    body = tuple(
        Row((_short(what), labels.day(since), labels.plain(days), labels.member("rep", rep)))
        for what, since, days, rep in shown.itertuples(index=False)
    )
    return Table(every if len(shown) == len(found) else some, head, body, kind="list")


def _short(name: object, longest: int = 60) -> str:
    """A name as it is, a long one cut."""
    text = " ".join(str(name).split())
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _named(people: Iterable[str], labels: Labels) -> list[str]:
    """The reps by their shown names."""
    return sorted(people, key=lambda rep: labels.order("rep", rep))


# --- points -----------------------------------------------------------------------------------------------


def points(client: Company, kpis: pd.DataFrame, labels: Labels, grain: str = "month") -> Table | Note:
    """Each person's points in the latest period that is over, and what tasks of what weight they are made of.

    "4 × 1 + 2 × 3" are four tasks of one point and two of three. Someone with few tasks is greyed, as
    everywhere.
    """
    note = missing(kpis, labels, ["points"], grain)
    if note:
        return note
    start = latest(kpis, labels, "points", grain)
    whole = rows(kpis, "points", grain)
    whole = whole[whole["period_start"] == start].iloc[0]
    made = points_by_weight(client, start.date(), whole["period_end"].date())
    every = made.groupby("points", as_index=False)["tasks"].sum().assign(rep="")
    made = pd.concat([made, every], ignore_index=True)
    people = _named(set(made["rep"]) - {""}, labels)
    body = [_points_row(made[made["rep"] == rep], labels, rep, client.params.min_n) for rep in [*people, ""]]
    span = labels.span(start, whole["period_end"], grain)
    head = (
        labels.dimension("rep").capitalize(),
        name_of("tasks_completed"),
        name_of("points"),
        say("How they came about: tasks × points of a task"),
    )
    caption = say("Points and what they are made of, {period}", period=span)
    return Table(caption, head, tuple(body), explained(row.status for row in body), "points")


def _points_row(made: pd.DataFrame, labels: Labels, rep: str, min_n: int) -> Row:
    made = made.sort_values("points")
    tasks, total = made["tasks"].sum(), (made["tasks"] * made["points"]).sum()
    terms = [
        f"{labels.plain(n)} × {labels.plain(weight)}"
        for n, weight in made[["tasks", "points"]].iloc[:TERMS].itertuples(index=False)
    ]
    terms += ["…"] if len(made) > TERMS else []
    told = " + ".join(terms) or NOTHING
    cells = (labels.member("rep", rep), labels.plain(tasks), labels.plain(round(float(total), 9)), told)
    return Row(cells, "small_n" if tasks < min_n else "ok")


# --- follow-up --------------------------------------------------------------------------------------------


def follow_up(client: Company, labels: Labels, first: int = 10) -> Table | Note:
    """The follow-up tasks for new leads and customers nobody has touched; the `first`, all with 0."""
    found = follow_ups(client, labels)
    lacking = untold(client)
    if found.empty:
        return Note(say(TOUCHED.get(lacking) or UNKNOWN[lacking]))
    notes = (say(UNKNOWN[lacking]),) if lacking in UNKNOWN else ()
    shown = (found.head(first) if first else found)[list(SHOWN)]
    body = []
    for name, due, rep, priority, since in shown.itertuples(index=False):
        days = [labels.day(pd.Timestamp(day)) for day in (due, since)]
        person = labels.member("rep", UNASSIGNED) if not rep else _short(rep)
        body.append(Row((_short(name), days[0], person, say(PRIORITIES[priority]), days[1])))
    if len(shown) == len(found):
        caption = say("All {n} tasks to follow up, the soonest due first", n=labels.plain(len(found)))
    else:
        caption = say("The first of {n} tasks to follow up", n=labels.plain(len(found)))
    return Table(caption, tuple(say(HEADS[column]) for column in SHOWN), tuple(body), notes, "list")
