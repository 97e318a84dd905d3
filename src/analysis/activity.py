"""Which customers are active when, and what they pay: snapshots at the end of each month, movements between
two.

Active on day d: a subscription with started_on <= d < ended_on and mrr > 0, or an order with amount > 0 in
(d - inactive_days, d]. A snapshot of month m is taken on its last day, or on `as_of` when that comes first,
so the opening of a period is the snapshot of the month before it and its closing that of its last month.
"""

from dataclasses import dataclass

import ibis
import pandas as pd
from ibis import Table

from analysis.buying import Buying, buying, cohorts, moves
from analysis.facts import Facts, labelled, month_of, sorted_frame, total
from analysis.periods import Period
from analysis.rows import MONEY_DIGITS

COUNTS = ["opening", "new", "reactivated", "churned", "closing", "flash"]
AMOUNTS = [
    f"mrr_{name}"
    for name in ("opening", "new", "reactivated", "expansion", "contraction", "churned", "closing")
]
MOVES = [*COUNTS, *AMOUNTS, "mrr_kept_or_less", "mrr_kept"]


@dataclass(frozen=True)
class Activity:
    """Snapshots of subscriptions: `active` (month, customer_id, mrr) and `first` (customer_id, first_on)
    tables.
    """

    active: Table
    first: Table


def snapshot_days(facts: Facts) -> pd.DataFrame:
    """The day of every snapshot needed: `snapshot` (its month) and `on` (the last day of it, or as_of)."""
    calendar = facts.calendar
    months = [Period("month", m) for m in range(calendar.earliest_month - 1, calendar.last_month + 1)]
    on = [p.closing_day(facts.company.as_of) for p in months]
    return pd.DataFrame({"snapshot": [p.first_month for p in months], "on": on})


def paid_spans(facts: Facts) -> Table:
    """The subscriptions that are paid for on at least a day."""
    paid = facts.company.table("subscriptions")
    return paid.filter(paid.mrr > 0, paid.ended_on.isnull() | (paid.ended_on > paid.started_on))


def buying_days(facts: Facts) -> Table:
    """customer_id and `day` of every order of a known customer for more than 0."""
    orders = facts.company.table("orders")
    orders = orders.filter(orders.amount > 0, orders.customer_id.notnull())
    return orders.select("customer_id", day=orders.ordered_at.date())


def active_on(facts: Facts, basis: str, days: Table) -> Table:
    """The customer_ids of `days` (one `day` a customer) who are active on their day."""
    if basis == "subscriptions":
        paid = paid_spans(facts).select(buyer="customer_id", since="started_on", until="ended_on")
        on = (paid.since <= days.day) & (paid.until.isnull() | (days.day < paid.until))
    else:
        bought = buying_days(facts).select(buyer="customer_id", bought_on="day")
        age = days.day.delta(bought.bought_on, unit="day")
        paid, on = bought, age.between(0, facts.company.params.churn.inactive_days - 1)
    return days.inner_join(paid, [days.customer_id == paid.buyer, on]).select("customer_id").distinct()


def activity(facts: Facts, basis: str) -> Activity | Buying:
    """Snapshots from `subscriptions`, kept as a table of the engine, or from `orders`, one row per kind of
    customer.
    """
    snapshots = snapshot_days(facts)
    if basis == "orders":
        return buying(facts, list(snapshots["snapshot"]))
    days = ibis.memtable(snapshots, schema={"snapshot": "int64", "on": "date"})
    paid = paid_spans(facts)
    first = paid.group_by("customer_id").agg(first_on=paid.started_on.min())
    here = paid.join(
        days, (paid.started_on <= days.on) & (paid.ended_on.isnull() | (days.on < paid.ended_on))
    )
    active = here.group_by("snapshot", "customer_id").agg(mrr=here.mrr.sum())
    return Activity(
        facts.company.keep(f"fact_active_{basis}", active),
        facts.company.keep(f"fact_first_{basis}", first),
    )


def spans(facts: Facts) -> pd.DataFrame:
    """Every period whose movements are wanted: grain, first_month, opening and closing snapshot, first and
    last day.
    """
    calendar, as_of = facts.calendar, facts.company.as_of
    periods = [Period("month", m) for m in range(calendar.earliest_month, calendar.last_month + 1)]
    periods += [p for p in calendar.periods() if p.grain != "month"]
    return pd.DataFrame(
        {
            "grain": [p.grain for p in periods],
            "first_month": [p.first_month for p in periods],
            "opens": [p.first_month - 1 for p in periods],
            "closes": [min(p.first_month + p.months - 1, calendar.last_month) for p in periods],
            "starts_on": [p.start for p in periods],
            "ends_on": [p.closing_day(as_of) for p in periods],
        }
    )


def movements(facts: Facts, basis: Activity | Buying) -> pd.DataFrame:
    """Movements of customers and MRR in every period, by segment, channel and rep of the customer: MOVES.

    One row per grain, first_month and breakdown. Each customer of a period is one row before it is counted:
    what it paid at opening (m0), at closing (m1), and whether it first became active inside the period.
    """
    if isinstance(basis, Buying):
        return moves(basis, spans(facts)).assign(**dict.fromkeys(MOVES[len(COUNTS) :], 0.0))
    numbered = spans(facts).reset_index(names="span")
    columns = ["span", "opens", "closes", "starts_on", "ends_on"]
    schema = {**dict.fromkeys(columns, "int64"), "starts_on": "date", "ends_on": "date"}
    wanted = ibis.memtable(numbered[columns], schema=schema)
    active, first = basis.active, basis.first
    zero = ibis.literal(0, "decimal(38, 6)")
    at_opening = active.join(wanted, active.snapshot == wanted.opens)
    at_closing = active.join(wanted, active.snapshot == wanted.closes)
    began = first.join(wanted, first.first_on.between(wanted.starts_on, wanted.ends_on))
    paid = active.mrr.cast("decimal(38, 6)")
    parts = [
        at_opening.select("span", "customer_id", m0=paid, m1=zero),
        at_closing.select("span", "customer_id", m0=zero, m1=paid),
        began.select("span", "customer_id", m0=zero, m1=zero),
    ]
    each = ibis.union(*parts).group_by("span", "customer_id").agg(m0=ibis._.m0.sum(), m1=ibis._.m1.sum())
    each = each.left_join(first, "customer_id").drop("customer_id_right")
    each = each.inner_join(wanted.select("span", "starts_on"), "span")
    moved = sorted_frame(count_moves(facts, each))
    return moved.merge(numbered[["span", "grain", "first_month"]], on="span", validate="m:1")


def count_moves(facts: Facts, each: Table) -> Table:
    """Counts and sums of MOVES over customers of a period, by the customer's segment, channel and rep."""
    about = facts.customers()
    each = each.left_join(about, "customer_id").drop("customer_id_right")
    opening, closing = each.m0 > 0, each.m1 > 0
    arrived, left, stayed = ~opening & closing, opening & ~closing, opening & closing
    is_first = each.first_on >= each.starts_on
    is_new, is_back = arrived & is_first, arrived & ~is_first
    more, less = stayed & (each.m1 > each.m0), stayed & (each.m1 < each.m0)
    keys = {
        name: labelled(each[column])
        for name, column in {"segment": "segment", "channel": "channel", "rep": "rep_id"}.items()
    }
    return each.group_by("span", **keys).agg(
        opening=each.count(where=opening),
        new=each.count(where=is_new),
        reactivated=each.count(where=is_back),
        churned=each.count(where=left),
        closing=each.count(where=closing),
        flash=each.count(where=~opening & ~closing),
        mrr_opening=total(each.m0),
        mrr_new=total(each.m1, is_new),
        mrr_reactivated=total(each.m1, is_back),
        mrr_expansion=total(each.m1 - each.m0, more),
        mrr_contraction=total(each.m0 - each.m1, less),
        mrr_churned=total(each.m0, left),
        mrr_closing=total(each.m1),
        mrr_kept=total(each.m1, opening),
        mrr_kept_or_less=total(ibis.least(each.m0, each.m1), opening),
    )


def rolled_movements(facts: Facts, basis: Activity | Buying) -> pd.DataFrame:
    """Movements as a rolled frame: the company total in every period (0 where nothing moved), and each
    breakdown.
    """
    moved = movements(facts, basis)
    grid = spans(facts)[["grain", "first_month"]]
    whole = moved.groupby(["grain", "first_month"])[MOVES].sum()
    parts = [grid.join(whole, on=["grain", "first_month"]).fillna(0).assign(dimension="", member="")]
    for dim in ("segment", "channel", "rep"):
        part = moved.groupby(["grain", "first_month", moved[dim].rename("member")])[MOVES].sum()
        parts.append(part.reset_index().assign(dimension=dim))
    return pd.concat(parts, ignore_index=True).round({name: MONEY_DIGITS for name in MOVES})


def cohort_activity(facts: Facts, basis: str, snapshots: Activity | Buying) -> pd.DataFrame:
    """Active customers by month acquired (`month`) and month of activity (`at`): `active`.

    Active in a month: on its last day (subscriptions), or with an order above 0 in it (orders).
    """
    if isinstance(snapshots, Buying):
        return cohorts(snapshots)
    customers = facts.company.table("customers")
    acquired = customers.filter(customers.acquired_on.notnull()).select(
        "customer_id", month=month_of(customers.acquired_on)
    )
    seen = snapshots.active.select("customer_id", at=snapshots.active.snapshot)
    joined = acquired.inner_join(seen, "customer_id")
    return sorted_frame(joined.group_by("month", "at").agg(active=joined.count()))
