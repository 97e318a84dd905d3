"""What is under way: deals open and leads unworked at the end of each month, and stages that deals entered.

What begins in month b and ends in month e stands open at the closings of b, b + 1, ... e - 1, and no earlier
day matters; so one query counts it by those two months, and each closing is a sum over the counts. The
closing of the last month is `as_of`, the closing of a longer period that of its last month.
"""

from collections.abc import Sequence
from datetime import datetime

import ibis
import numpy as np
import pandas as pd
from ibis import Table
from ibis.expr.types import Value

from analysis.facts import Facts, labelled, month_of, sorted_frame, total
from analysis.glossary import GRAINS, UNASSIGNED
from analysis.periods import MONTHS_IN, Calendar
from analysis.rows import roll_up

WORK = ("first_contact_at", "qualified_at")  # what makes a lead worked, see `lead_work`
EVER, NEVER = datetime(1, 1, 1), datetime(9999, 1, 1)  # before and after anything that happens


def at_closings(spans: pd.DataFrame) -> pd.DataFrame:
    """One row per span and month at whose closing it stands open: `month` instead of `begins` and `ends`.

    A span is open from the closing of month `begins` until that of the month before `ends`.
    """
    times = (spans["ends"] - spans["begins"]).to_numpy(dtype="int64")
    first = np.cumsum(times) - times
    rows = spans.loc[spans.index.repeat(times)].reset_index(drop=True)
    months = rows["begins"] + (np.arange(len(rows)) - np.repeat(first, times))
    return rows.drop(columns=["begins", "ends"]).assign(month=months)


def roll_up_closings(
    stocks: pd.DataFrame, measures: Sequence[str], dims: Sequence[str], calendar: Calendar
) -> pd.DataFrame:
    """As `rows.roll_up`, for what stands at the closing of each `month`: a longer period has its last's."""
    parts = []
    for grain in GRAINS:
        last = calendar.of(stocks["month"], grain) + MONTHS_IN[grain] - 1
        closing = stocks["month"] == np.minimum(last, calendar.last_month)
        parts.append(roll_up(stocks[closing], measures, dims, calendar, (grain,)))
    return pd.concat(parts, ignore_index=True)


def cut(facts: Facts, begins: Value, ends: Value) -> tuple[Value, Value]:
    """First month at whose closing a row stands open, and the first at which it no longer does.

    Both are cut to the months that are computed; `ends` is null where it stands open to this day.
    """
    first, after = facts.calendar.earliest_month, facts.calendar.last_month + 1
    return ibis.greatest(begins, first), ibis.least(ends.fill_null(after), after)


# --- deals ------------------------------------------------------------------------------------------------


def rank_of(stage: Value, stages: Sequence[str]) -> Value:
    """The place of a stage in the params' order, from 0; -1 for one that they do not name."""
    if not stages:
        return ibis.literal(-1, "int64")
    places = [(name, ibis.literal(at, "int64")) for at, name in enumerate(stages)]
    return stage.cases(*places, else_=ibis.literal(-1, "int64"))


def stage_spells(facts: Facts, deals: Table) -> Table:
    """The stage each deal stood in at the end of which months: opportunity_id, stage, entered, left.

    It stands in `stage` at the closings of the months from `entered` until before `left`; before its first
    entry in none (null). Of several entries in a month the last counts; of those of one moment the furthest
    in the params' order.

    `deals` has one row per deal: opportunity_id.
    """
    history, after = facts.company.table("stage_history"), facts.calendar.last_month + 1
    entries = deals.select(
        "opportunity_id",
        stage=ibis.null("string"),
        at=ibis.literal(EVER),
        entered=ibis.literal(-1, "int64"),
    ).union(
        history.select(
            "opportunity_id",
            "stage",
            at=history.entered_at.cast("timestamp"),
            entered=month_of(history.entered_at),
        )
    )
    place = rank_of(entries.stage, facts.company.params.stages)
    in_deal = ibis.window(group_by=entries.opportunity_id, order_by=[entries["at"], place, entries.stage])
    spells = entries.select(
        "opportunity_id", "stage", "entered", left=entries.entered.lead(1, after).over(in_deal)
    )
    return spells.filter(spells.left > spells.entered)


def in_stages(facts: Facts, deals: Table) -> Table:
    """The deals cut into the spells of their stages: `stage`, and `begins` and `ends` of each spell.

    `stage` is null while a deal has not entered any, and everywhere in a company without a history of them.
    """
    if not facts.company.has("stage_history"):
        return deals.mutate(stage=ibis.null("string"))
    spells = stage_spells(facts, deals.filter(deals.n == 1))
    meets = [
        deals.opportunity_id == spells.opportunity_id,
        spells.entered < deals.ends,
        spells.left > deals.begins,
    ]
    return deals.inner_join(spells, meets).select(
        "rep", "team", "n", "n_team", "n_rep", "own", "amount", "stage",
        begins=ibis.greatest(deals.begins, spells.entered), ends=ibis.least(deals.ends, spells.left),
    )  # fmt: skip


def open_deals(facts: Facts) -> pd.DataFrame:
    """Deals open at the closing of each month, by rep, team and stage: `amount` and the counts behind it.

    A deal is there from its creation, else its first contact, until it is closed; one without any start is
    left out. Its amount is in the company's currency at the rate of the day it was created. Its stage is the
    last one entered by then; one that never entered any shows the stage it names itself, but that is today's
    and so stands for today only.
    """
    credits = facts.credits
    started = ibis.coalesce(credits.created_at, credits.first_contact_at)
    begins, ends = cut(facts, month_of(started), month_of(credits.closed_at))
    deals = credits.filter(started.notnull(), begins < ends).select(
        "opportunity_id", "rep", "team", "n", "n_team", "n_rep",
        own=credits.stage, amount=credits.amount_created * credits.share, begins=begins, ends=ends,
    )  # fmt: skip
    deals = in_stages(facts, deals)
    sums = deals.group_by(
        "begins", "ends", "rep", "team", stage=deals.stage.fill_null(""), own=deals.own.fill_null("")
    ).agg(
        amount=total(deals.amount),
        n=deals.count(where=deals.n == 1),
        n_team=deals.count(where=deals.n_team == 1),
        n_rep=deals.count(),
    )
    keys = ["begins", "ends", "rep", "team", "stage", "own"]
    frame = at_closings(sums.to_pandas().sort_values(keys, ignore_index=True))
    today = frame["own"].where(frame["month"] == facts.calendar.last_month, "")
    stage = frame["stage"].where(frame["stage"] != "", today).replace("", UNASSIGNED)
    names = ["month", "rep", "team", "stage"]
    return frame.assign(stage=stage).groupby(names)[["amount", "n", "n_team", "n_rep"]].sum().reset_index()


def stage_entries(facts: Facts) -> pd.DataFrame:
    """Deals by month of their first entry into each stage of the params: `entered`, and of those `advanced`.

    Advanced are deals that ever entered a later stage of the params, or were won. One pass over the history
    makes a row of every deal, with the month of each stage beside how far it came.
    """
    history, stages = facts.company.table("stage_history"), facts.company.params.stages
    history = history.select(
        "opportunity_id", place=rank_of(history.stage, stages), month=month_of(history.entered_at)
    )
    history = history.filter(history.place >= 0)
    first = {f"month_{at}": history.month.min(where=history.place == at) for at in range(len(stages))}
    deals = history.group_by("opportunity_id").agg(furthest=history.place.max(), **first)
    every = facts.company.table("opportunities")
    won = every.filter(every.outcome == "won").select(won_id=every.opportunity_id)
    deals = deals.left_join(won, deals.opportunity_id == won.won_id)
    each = deals.mutate(place=ibis.array(list(range(len(stages)))).unnest())
    month = each.place.cases(*((at, each[name]) for at, name in enumerate(first)))
    went_on = each.won_id.notnull() | (each.furthest > each.place)
    counts = each.filter(month.notnull()).group_by(month=month, place=each.place)
    frame = sorted_frame(counts.agg(entered=ibis._.count(), advanced=went_on.sum()))
    return frame.assign(stage=np.array(stages, dtype=object)[frame["place"]]).drop(columns="place")


# --- leads ------------------------------------------------------------------------------------------------


def links(facts: Facts) -> Table:
    """lead_id and opportunity_id of the links between the two; one that both sides name is there twice."""
    leads, deals = facts.company.table("leads"), facts.company.table("opportunities")
    named = leads.filter(leads.opportunity_id.notnull()).select("lead_id", "opportunity_id")
    return named.union(deals.filter(deals.lead_id.notnull()).select("lead_id", "opportunity_id"))


def lead_work(facts: Facts) -> Table:
    """One row per lead: lead_id, created_at, channel, rep, and the first of each kind of work on it.

    `first_contact_at`, and the instant it was qualified: its `qualified_at`, else when the first of its
    existing opportunities was created; none where it has no opportunity and names none. Each is null where
    it has not happened by the report's day.
    """
    leads = facts.company.table("leads")
    about = {"channel": labelled(leads.channel), "rep": labelled(leads.rep_id)}
    columns = ("lead_id", "created_at", "first_contact_at")
    if not facts.company.has("opportunities"):
        named = leads.opportunity_id.notnull().ifelse(leads.qualified_at, ibis.null("timestamp"))
        return leads.select(*columns, **about, qualified_at=named)
    deals = facts.company.table("opportunities")
    found = links(facts).inner_join(deals.select("opportunity_id", at=deals.created_at), "opportunity_id")
    first = found.group_by(deal_of="lead_id").agg(deal_at=found["at"].min())
    joined = leads.left_join(first, leads.lead_id == first.deal_of)
    linked = joined.opportunity_id.notnull() | joined.deal_of.notnull()
    said = linked.ifelse(joined.qualified_at, ibis.null("timestamp"))
    return joined.select(*columns, **about, qualified_at=ibis.coalesce(said, joined.deal_at))


def unworked_leads(facts: Facts) -> pd.DataFrame:
    """Leads neither contacted nor qualified by the closing of each month, by rep: `leads`."""
    leads, never = lead_work(facts), ibis.literal(NEVER)
    worked = ibis.least(*(leads[column].fill_null(never) for column in WORK))
    begins, ends = cut(facts, month_of(leads.created_at), month_of(worked))
    idle = leads.filter(begins < ends).group_by("rep", begins=begins, ends=ends)
    frame = idle.agg(leads=ibis._.count()).to_pandas()
    frame = at_closings(frame.sort_values(["begins", "ends", "rep"], ignore_index=True))
    return frame.groupby(["month", "rep"])["leads"].sum().reset_index()
