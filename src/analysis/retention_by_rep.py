"""Whether the customers that a salesperson won are still there a year later."""

import ibis
import numpy as np
import pandas as pd
from ibis import Table

from analysis.activity import active_on
from analysis.facts import Facts, month_of, sorted_frame
from analysis.rows import missing_rows, ratio_rows, roll_up

MEASURES = ["won", "old", "active"]


def retention_12m_by_rep(facts: Facts) -> pd.DataFrame:
    """`retention_12m_by_rep`: of the customers first won in the period, the share active 12 months later.

    Counted are those for whom that day has come. A customer counts once for the company and once for every
    salesperson credited with the deal.
    """
    lack = facts.lack("retention_12m_by_rep") or facts.lack("churn_rate", facts.company.params.churn.basis)
    if lack:
        return missing_rows(["retention_12m_by_rep"], lack, facts.calendar)
    rolled = roll_up(won_customers(facts), MEASURES, ("rep",), facts.calendar)
    found = ratio_rows("retention_12m_by_rep", rolled, "active", "old", interval=True)
    young = (rolled["old"] == 0) & (rolled["won"] > 0)
    return found.assign(reason=np.where(young.loc[found.index], "none_eligible", found["reason"]))


def first_wins(facts: Facts) -> Table:
    """One row per customer ever won: customer_id, opportunity_id of the first deal, its `month`, `day` a year
    later.

    The first deal is the one closed first, of several the one with the smallest id. The year is 12 calendar
    months, from 29 February to 28 February.
    """
    deals = facts.company.table("opportunities")
    deals = deals.filter(deals.outcome == "won", deals.closed_at.notnull(), deals.customer_id.notnull())
    of_customer = ibis.window(group_by=deals.customer_id, order_by=[deals.closed_at, deals.opportunity_id])
    deals = deals.select("customer_id", "opportunity_id", "closed_at", at=ibis.row_number().over(of_customer))
    first = deals.filter(deals["at"] == 0)
    closed = first.closed_at
    leap = (closed.month() == 2) & (closed.day() == 29)
    return first.select(
        "customer_id",
        "opportunity_id",
        month=month_of(closed),
        day=ibis.date(closed.year() + 1, closed.month(), leap.ifelse(28, closed.day())),
    )


def won_customers(facts: Facts) -> pd.DataFrame:
    """Customers by month first won and rep: how many were `won`, are `old` enough, and of those `active`.

    `won`, `old` and `active` count a customer once, `won_rep` and so on once for each credited rep.
    """
    first = first_wins(facts)
    old = first.filter(first.day <= ibis.literal(facts.company.as_of))
    still = active_on(facts, facts.company.params.churn.basis, old.select("customer_id", "day"))
    still = still.select(active_id="customer_id")
    first = first.left_join(still, first.customer_id == still.active_id)
    credits = facts.credits.select(credited="opportunity_id", rep="rep", n="n")
    each = first.inner_join(credits, first.opportunity_id == credits.credited)
    is_old, active = each.day <= ibis.literal(facts.company.as_of), each.active_id.notnull()
    once = each.n == 1
    counts = {"won": each.n.notnull(), "old": is_old, "active": active}
    sums = each.group_by("month", "rep").agg(
        **{name: (once & flag).sum() for name, flag in counts.items()},
        **{f"{name}_rep": flag.sum() for name, flag in counts.items()},
    )
    return sorted_frame(sums)
