"""Tables about single members: each held against the whole team in words, and what waits for somebody."""

import pandas as pd

from analysis.company import Company
from analysis.display import Note, Row, Table
from analysis.glossary import HOURS, UNASSIGNED
from analysis.labels import NOTHING, Labels
from analysis.leads import waiting_leads
from analysis.naive import answered_hours
from analysis.phrases import STILL_WAITING, head_of, name_of
from analysis.tables.words import MARKS, explained, marked, why
from analysis.texts import mark, say
from analysis.views import latest, members, missing, rows

FEW, MOVING = mark("few cases, not compared"), mark("provisional, not compared")
ALIKE = mark("cannot be told apart from the team")
RESPONSE = ("first_response_hours", "contacted_24h_rate")
OVERLAPPING = mark("cannot be told apart: the 95 % intervals of the person and of the team overlap")


def comparison(
    kpis: pd.DataFrame,
    labels: Labels,
    kpi: str,
    plain: str,
    by: str = "rep",
    grain: str = "month",
    running: bool = False,
) -> Table | Note:
    """Each member's KPI with its interval, and in words whether it is above or below the whole team's.

    `plain` is the KPI as it is simply counted, shown beside it. A member whose interval overlaps the team's
    is not told apart from it, and one of few cases is not compared at all. Members stand by name, the team
    last.
    """
    note = missing(kpis, labels, [kpi], grain, by)
    if note:
        return note
    start = latest(kpis, labels, kpi, grain, running)
    found = members(kpis, labels, kpi, by, grain, running)
    found = found[~found["member"].str.startswith("(")]
    whole = rows(kpis, kpi, grain)
    whole = whole[whole["period_start"] == start]
    counted = pd.concat([rows(kpis, plain, grain, by), rows(kpis, plain, grain)])
    counted = counted[counted["period_start"] == start].set_index("member")["value"]
    team = whole.iloc[0] if len(whole) else None
    body = [
        Row(
            (
                labels.member(by, row["member"]),
                labels.value(counted.get(row["member"]), row["unit"], plain),
                labels.value(row["value"], row["unit"], kpi),
                labels.interval(row["low"], row["high"], row["unit"], kpi),
                labels.plain(row["n"]),
                "" if not row["member"] else against(row, team),
            ),
            row["status"],
        )
        for _, row in pd.concat([found, whole]).iterrows()
    ]
    head = (
        labels.dimension(by).capitalize(),
        name_of(plain),
        name_of(kpi),
        say("95 % interval"),
        say("Cases"),
        say("Reading"),
    )
    span = labels.span(start, found["period_end"].max(), grain)
    caption = f"{labels.by(name_of(kpi), by)}, {span}"
    notes = [say(OVERLAPPING)] if any(row.cells[-1] == say(ALIKE) for row in body) else []
    notes += explained(row.status for row in body)
    return Table(caption, head, tuple(body), tuple(notes), "comparison")


def against(row: pd.Series, team: pd.Series | None) -> str:
    """Where a member stands to the team, in words; decided by whether the two intervals overlap."""
    if pd.isna(row["value"]):
        return why(row["reason"])
    if row["status"] in ("small_n", "provisional"):
        return say(FEW) if row["status"] == "small_n" else say(MOVING)
    if team is None or pd.isna([row["low"], row["high"], team["low"], team["high"]]).any():
        return NOTHING
    if row["low"] <= team["high"] and team["low"] <= row["high"]:
        return say(ALIKE)
    return say("above the team") if row["value"] > team["value"] else say("below the team")


def waiting(client: Company, kpis: pd.DataFrame, labels: Labels, first: int = 10) -> Table | Note:
    """The leads that nobody has worked yet, as a list, the one that waits longest at the top.

    The `first` are shown, all with 0.
    """
    note = missing(kpis, labels, ["unworked_leads"])
    return note if note else waiting_list(waiting_leads(client), labels, first)


def waiting_list(leads: pd.DataFrame, labels: Labels, first: int = 10) -> Table | Note:
    """The frame of `leads.waiting_leads` as a list of the `first` rows, of all with 0."""
    day = labels.day(labels.as_of)
    if leads.empty:
        return Note(say("No lead waits to be worked on {day}.", day=day))
    shown = (leads.head(first) if first else leads).fillna({"channel": UNASSIGNED, "rep": UNASSIGNED})
    body = [
        Row(
            (
                str(row.lead_id),
                labels.day(row.created_at),
                labels.plain(row.days_waiting),
                labels.member("channel", row.channel),
                labels.member("rep", row.rep),
            )
        )
        for row in shown.itertuples()
    ]
    count = labels.plain(len(leads))
    caption = (
        say("All {count} unworked leads on {day}, the oldest first", count=count, day=day)
        if len(shown) == len(leads)
        else say("The oldest of {count} unworked leads on {day}, the oldest first", count=count, day=day)
    )
    head = (say("Lead"), say("Created"), say("Days waiting"), say("Channel"), say("Salesperson"))
    return Table(caption, head, tuple(body), kind="list")


def response(
    client: Company, kpis: pd.DataFrame, labels: Labels, grain: str = "quarter", last: int = 8
) -> Table | Note:
    """Hours to the first contact per period: of all leads, and beside it of those contacted alone."""
    note = missing(kpis, labels, ["contacted_24h_rate", "first_response_hours"], grain)
    if note:
        return note
    plain = answered_hours(client)
    plain = plain[plain["grain"] == grain].set_index("period_start")
    slices = {kpi: rows(kpis, kpi, grain, last=last).set_index("period_start") for kpi in RESPONSE}
    hours, rate = (slices[kpi] for kpi in RESPONSE)
    body = []
    for start in rate.index:
        row, soon, contacted = hours.loc[start], rate.loc[start], plain.loc[start]
        value = marked(labels, row, RESPONSE[0]) if pd.notna(row["value"]) else why(row["reason"])
        cells = (
            labels.period(start, grain),
            labels.plain(row["n"]),
            labels.plain(contacted["contacted"]),
            value,
            labels.value(contacted["hours"], HOURS),
            marked(labels, soon, RESPONSE[1]),
        )
        body.append(Row(cells, looks=("ok", "ok", "ok", row["status"], "ok", soon["status"])))
    names = [name_of(kpi) for kpi in RESPONSE]
    head = (head_of(grain), say("Leads"), say("Contacted"), names[0], say("Of those contacted"), names[1])
    notes = explained((look for line in body for look in line.looks), MARKS)
    return Table(say(STILL_WAITING[grain], name=names[0]), head, tuple(body), notes)
