"""The records behind a number: the rows of the clean tables that a KPI of a period counts, as CSV.

`counted` is what each record adds: its sum over the records is the KPI's value. A deal that several people
share is a record for each of them, so that the records of one salesperson sum to that person's figure. Names
are those of the tables, so pseudonyms where the params want them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import partial
from typing import Any

import ibis
import pandas as pd
from ibis import Table

from analysis.activity import buying_days, paid_spans
from analysis.facts import Facts
from analysis.periods import ONE_DAY
from analysis.pipeline import WORK, lead_work

MOST = 10_000
"""Records of a file; the first by their day and key."""
COUNTED = "counted"
CUSTOMER_MOVES = ("opening", "new", "reactivated", "churned", "closing", "flash")
MRR_MOVES = ("opening", "new", "reactivated", "expansion", "contraction", "churned", "closing")
DEAL = (
    "opportunity_id", "rep", "team", "channel", "segment", "outcome", "stage", "created_at", "closed_at",
    "share",
)  # fmt: skip


@dataclass(frozen=True)
class Span:
    """The days of a period that are known: from `first` to `last`, the report's day at the latest."""

    first: date
    last: date

    @property
    def instants(self) -> tuple[datetime, datetime]:
        """From the beginning of the first day to the end of the last."""
        return datetime.combine(self.first, time()), datetime.combine(self.last, time.max)


@dataclass(frozen=True)
class Records:
    """The records behind a figure: `frame` has at most MOST, `count` and `total` are of all of them."""

    frame: pd.DataFrame
    count: int
    total: float

    @property
    def is_cut(self) -> bool:
        """Whether there are more than the frame holds."""
        return self.count > len(self.frame)


def can_drill(kpi: str) -> bool:
    """Whether the KPI counts records that can be shown."""
    return kpi in RECORDS


def records(facts: Facts, kpi: str, *spans: tuple[pd.Timestamp, pd.Timestamp]) -> Records:
    """The records that the KPI counts in the periods [start, end), for the whole company.

    The records sum to the sum of the periods' figures: what stands at the end of two months, or moves in
    both, is a record of both, and `period` is the first day of the one it is meant in.

    Raises
    ------
    KeyError
        The KPI counts no records.
    MissingTable
        The company lacks the table.
    """
    parts = _parts(facts, kpi, spans if kpi in MEASURED_AT_ENDS else _joined(spans))
    found = ibis.union(*parts, distinct=False) if len(parts) > 1 else parts[0]
    frame = found.order_by(found.columns[:2]).limit(MOST + 1).to_pandas()
    if len(frame) <= MOST:
        return Records(frame, len(frame), float(frame[COUNTED].astype("float64").sum()))
    sums = found.agg(count=found.count(), total=found[COUNTED].sum().cast("float64")).to_pandas()
    return Records(frame.head(MOST), int(sums["count"][0]), float(sums["total"][0]))


def _parts(facts: Facts, kpi: str, spans: Sequence[tuple[pd.Timestamp, pd.Timestamp]]) -> list[Table]:
    """The records of each period."""
    parts = []
    for start, end in spans:
        last = min((end - pd.Timedelta(days=1)).date(), facts.company.as_of)
        found = RECORDS[kpi](facts, Span(start.date(), last))
        if len(spans) > 1:
            found = found.mutate(period=ibis.literal(start.date())).relocate("period")
        parts.append(found)
    return parts


def _joined(spans: Sequence[tuple[pd.Timestamp, pd.Timestamp]]) -> list[tuple[pd.Timestamp, pd.Timestamp]]:
    """The periods, those that follow each other as one."""
    joined: list[tuple[pd.Timestamp, pd.Timestamp]] = []
    for start, end in spans:
        follows = joined and joined[-1][1] == start
        joined.append((joined.pop()[0] if follows else start, end))
    return joined


# --- deals, leads and what stands at a day ----------------------------------------------------------------


def _deals(facts: Facts, span: Span, outcome: str, adds: Callable[[Table], Any]) -> Table:
    """Deals closed in the period, a row for each person credited."""
    deals = facts.credits
    deals = deals.filter(deals.outcome == outcome, deals.closed_at.between(*span.instants))
    return deals.select(*DEAL, "amount", "units", counted=adds(deals))


def _created(facts: Facts, span: Span, adds: Callable[[Table], Any]) -> Table:
    """Deals created in the period, a row for each person credited."""
    deals = facts.credits
    deals = deals.filter(deals.created_at.between(*span.instants))
    return deals.select(*DEAL, "amount_created", counted=adds(deals))


def _revenue(facts: Facts, span: Span) -> Table:
    if facts.revenue_table == "opportunities":
        return _deals(facts, span, "won", _amount)
    orders = facts.company.table("orders")
    orders = orders.filter(orders.ordered_at.between(*span.instants))
    columns = ("order_id", "ordered_at", "customer_id", "rep_id", "channel", "amount", "cost")
    return orders.select(*columns, counted=orders.amount)


def _amount(deals: Table) -> Any:
    return deals.amount.fill_null(ibis.literal(0, "decimal(20, 6)")) * deals.share


def _open_pipeline(facts: Facts, span: Span) -> Table:
    """Deals that have begun by the closing day and were not closed by its end."""
    deals, (_, end) = facts.credits, span.instants
    started = ibis.coalesce(deals.created_at, deals.first_contact_at)
    here = deals.filter(started <= end, deals.closed_at.isnull() | (deals.closed_at > end))
    amount = here.amount_created.fill_null(ibis.literal(0, "decimal(20, 6)"))
    return here.select(*DEAL, "amount_created", counted=amount * here.share)


def _new_leads(facts: Facts, span: Span) -> Table:
    leads = facts.company.table("leads")
    leads = leads.filter(leads.created_at.between(*span.instants))
    columns = ("lead_id", "created_at", "channel", "rep_id", "first_contact_at", "qualified_at")
    return leads.select(*columns, counted=_one())


def _unworked_leads(facts: Facts, span: Span) -> Table:
    """Leads that are there at the end of the closing day and had not been worked by then."""
    leads, (_, end) = lead_work(facts), span.instants
    idle = [leads[column].isnull() | (leads[column] > end) for column in WORK]
    leads = leads.filter(leads.created_at <= end, *idle)
    return leads.select("lead_id", "created_at", "channel", "rep", counted=_one())


def _new_accounts(facts: Facts, span: Span) -> Table:
    customers = facts.company.table("customers")
    customers = customers.filter(customers.acquired_on.between(span.first, span.last))
    columns = ("customer_id", "acquired_on", "name", "segment", "channel", "rep_id")
    return customers.select(*columns, counted=_one())


def _emails(facts: Facts, span: Span) -> Table:
    mails = facts.company.table("emails")
    mails = mails.filter(mails.sent_at.between(*span.instants), ~mails.bounced.fill_null(False))
    columns = ("email_id", "sent_at", "campaign_id", "variant", "rep_id", "opened_at", "clicked_at")
    return mails.select(*columns, counted=_one())


def _costs(facts: Facts, span: Span) -> Table:
    costs = facts.company.table("costs")
    costs = costs.filter(costs.month.between(span.first, span.last))
    return costs.select("month", "category", "channel", "amount", counted=costs.amount)


# --- customers and tasks ----------------------------------------------------------------------------------


def _customers(facts: Facts, span: Span, move: str) -> Table:
    """Customers of a movement in the period: one row a customer, `paid_before` and `paid_after` its MRR."""
    each = _at_both_ends(facts, span)
    about = facts.customers()
    each = each.left_join(about, each.buyer == about.customer_id)
    opening, closing = each.paid_before > 0, each.paid_after > 0
    known = each.first_on < span.first
    moved = {
        "opening": opening,
        "closing": closing,
        "new": ~opening & closing & ~known,
        "reactivated": ~opening & closing & known,
        "churned": opening & ~closing,
        "flash": ~opening & ~closing & ~known,
    }[move]
    return each.filter(moved).select(
        "first_on", "segment", "channel", "rep_id", "paid_before", "paid_after", customer_id=each.buyer,
        counted=_one(),
    ).relocate("customer_id")  # fmt: skip


def _at_both_ends(facts: Facts, span: Span) -> Table:
    """Each customer of the period: buyer, first_on, and what was paid (orders: 1 where active) at both ends.

    The ends are the day before the period and its last known day.
    """
    before = span.first - ONE_DAY
    if facts.company.params.churn.basis == "subscriptions":
        return _paying(facts, span, before)
    days, lasting = buying_days(facts), facts.company.params.churn.inactive_days - 1
    days = days.filter(days.day <= span.last)
    after = ibis.literal(before) - ibis.interval(days=lasting)
    since = ibis.literal(span.last) - ibis.interval(days=lasting)
    return days.group_by(buyer=days.customer_id).agg(
        first_on=days.day.min(),
        paid_before=days.day.between(after, before).any().cast("int64"),
        paid_after=(days.day >= since).any().cast("int64"),
    )


def _paying(facts: Facts, span: Span, before: date) -> Table:
    paid = paid_spans(facts)
    zero = ibis.literal(0, "decimal(38, 6)")

    def at(day: date) -> Any:
        runs = (paid.started_on <= day) & (paid.ended_on.isnull() | (paid.ended_on > day))
        return paid.mrr.sum(where=runs).fill_null(zero)

    each = paid.filter(paid.started_on <= span.last).group_by(buyer=paid.customer_id)
    return each.agg(first_on=paid.started_on.min(), paid_before=at(before), paid_after=at(span.last))


def _mrr(facts: Facts, span: Span, move: str) -> Table:
    """Customers whose monthly payment moved, or stands, and by how much."""
    each = _paying(facts, span, span.first - ONE_DAY)
    before, after = each.paid_before, each.paid_after
    known = each.first_on < span.first
    step, moved = {
        "opening": (before, before > 0),
        "closing": (after, after > 0),
        "new": (after, (before <= 0) & (after > 0) & ~known),
        "reactivated": (after, (before <= 0) & (after > 0) & known),
        "expansion": (after - before, (before > 0) & (after > before)),
        "contraction": (before - after, (after > 0) & (after < before)),
        "churned": (before, (before > 0) & (after <= 0)),
    }[move]
    return each.filter(moved).select(
        customer_id=each.buyer, first_on=each.first_on, paid_before=before, paid_after=after, counted=step
    )


def _tasks(facts: Facts, span: Span, at: str, adds: Callable[[Table], Any]) -> Table:
    tasks = facts.company.table("tasks")
    tasks = tasks.filter(tasks[at].between(*span.instants))
    columns = ("task_id", "completed_at", "title", "rep_id", "created_at", "due_on", "points")
    return tasks.select(*columns, counted=adds(tasks))


def _overdue(facts: Facts, span: Span) -> Table:
    """Tasks that were due before the closing day and were neither done nor cancelled by its end."""
    tasks, (_, end) = facts.company.table("tasks"), span.instants
    left = [tasks[at].isnull() | (tasks[at] > end) for at in ("completed_at", "cancelled_at")]
    tasks = tasks.filter(tasks.due_on < span.last, tasks.created_at <= end, *left)
    return tasks.select("task_id", "due_on", "title", "rep_id", "created_at", counted=_one())


def _uncleared(facts: Facts, span: Span) -> Table:
    notes, (_, end) = facts.company.table("notifications"), span.instants
    notes = notes.filter(notes.created_at <= end, notes.cleared_at.isnull() | (notes.cleared_at > end))
    return notes.select("notification_id", "created_at", "rep_id", counted=_one())


def _one() -> Any:
    return ibis.literal(1, "int64")


RECORDS: dict[str, Callable[[Facts, Span], Table]] = {
    "revenue": _revenue,
    "units": lambda f, s: _deals(f, s, "won", lambda deals: deals.units.fill_null(0) * deals.share),
    "won_deals": lambda f, s: _deals(f, s, "won", lambda deals: deals.share),
    "lost_deals": lambda f, s: _deals(f, s, "lost", lambda deals: deals.share),
    "new_opportunities": lambda f, s: _created(f, s, lambda deals: deals.share),
    "pipeline_created": lambda f, s: _created(f, s, lambda deals: deals.amount_created * deals.share),
    "open_pipeline": _open_pipeline,
    "new_leads": _new_leads,
    "unworked_leads": _unworked_leads,
    "new_accounts": _new_accounts,
    "emails_delivered": _emails,
    "acquisition_cost": _costs,
    "tasks_completed": lambda f, s: _tasks(f, s, "completed_at", lambda tasks: _one()),
    "points": lambda f, s: _tasks(f, s, "completed_at", lambda tasks: tasks.points),
    "tasks_overdue": _overdue,
    "notifications_uncleared": _uncleared,
    **{f"customers_{move}": partial(_customers, move=move) for move in CUSTOMER_MOVES},
    **{f"mrr_{move}": partial(_mrr, move=move) for move in MRR_MOVES},
}

MEASURED_AT_ENDS = frozenset(
    {"open_pipeline", "unworked_leads", "tasks_overdue", "notifications_uncleared"}
    | {f"customers_{move}" for move in CUSTOMER_MOVES}
    | {f"mrr_{move}" for move in MRR_MOVES}
)
"""The KPIs whose figure of a year is not the sum of its months: they look at the ends of a period."""
