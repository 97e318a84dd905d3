"""What customers have been worth so far: the margin earned on each of them up to a closing day.

What a customer brings counts from the later of two months: the one it happened in and the one the customer
was acquired in. Counted by that month in one query, each closing is a running sum.
"""

import ibis
import numpy as np
import pandas as pd

from analysis.facts import Facts, labelled, month_of, sorted_frame, total
from analysis.glossary import GRAINS
from analysis.periods import MONTHS_IN, Calendar
from analysis.rows import KEYS, MONEY_DIGITS, missing_rows, ratio_rows
from analysis.stats import ratio

DIMS = ("segment", "channel")


def clv_historic(facts: Facts) -> pd.DataFrame:
    """`clv_historic`: margin so far of the customers acquired by the closing day / those customers.

    A customer without revenue counts with 0, a row whose customer is not known or has no day of acquisition
    not at all.
    """
    source = facts.revenue_table
    lack = facts.lack("clv_historic", "customers", source, f"{source}.amount", f"{source}.customer_id")
    earned = pd.DataFrame() if lack else earnings(facts)
    margin = np.nan if lack else margin_without_cost(facts)
    if not lack and np.isnan(margin) and (earned["uncosted_n"].any() or not earned["costed_n"].any()):
        lack = "missing_column"
    if lack:
        return missing_rows(["clv_historic"], lack, facts.calendar)
    calendar = facts.calendar
    known = earned["uncosted_n"] > 0
    earned["margin"] = earned["profit"] + np.where(known, earned["uncosted"] * margin, 0.0)
    acquired = facts.acquired.assign(month=facts.acquired["month"].clip(lower=calendar.earliest_month))
    both = pd.concat([earned, acquired.rename(columns={"acquired": "customers"})], ignore_index=True)
    return ratio_rows(
        "clv_historic", accumulated(both, ["margin", "customers"], calendar), "margin", "customers"
    )


def margin_without_cost(facts: Facts) -> float:
    """The margin of rows that carry no cost: the one stated, else that of all orders with a cost; NaN without
    either.
    """
    stated = facts.company.params.gross_margin
    if stated is not None or facts.revenue_table != "orders":
        return np.nan if stated is None else stated
    amount, cost = facts.orders["costed_amount"].sum(), facts.orders["cost"].sum()
    return float(ratio(amount - cost, amount))


def earnings(facts: Facts) -> pd.DataFrame:
    """Sales of acquired customers by `month` (the later of sale and acquisition), segment and channel.

    `profit` of the rows with a cost, `uncosted` amount of those without, and how many there are of each. What
    lies before the calendar's earliest month is counted in that.
    """
    customers = facts.company.table("customers")
    customers = customers.filter(customers.acquired_on.notnull())
    found = facts.sales().inner_join(
        customers.select("customer_id", "segment", "channel", acquired=month_of(customers.acquired_on)),
        "customer_id",
    )
    costed = found.cost.notnull()
    sums = found.group_by(
        month=ibis.greatest(found.month, found.acquired, facts.calendar.earliest_month),
        **{dim: labelled(found[dim]) for dim in DIMS},
    ).agg(
        profit=total(found.amount - found.cost, costed),
        uncosted=total(found.amount, ~costed),
        costed_n=costed.sum(),
        uncosted_n=(~costed).sum(),
    )
    return sorted_frame(sums)


def accumulated(frame: pd.DataFrame, measures: list[str], calendar: Calendar) -> pd.DataFrame:
    """A rolled frame of everything up to the closing of each period, from the calendar's earliest month on.

    The company total has every period, a breakdown its members from their first `customers` on.
    """
    months = pd.RangeIndex(calendar.earliest_month, calendar.last_month + 1, name="month")
    whole = frame.groupby("month")[measures].sum().reindex(months).fillna(0).cumsum()
    parts = [whole.reset_index().assign(dimension="", member="")]
    for dim in DIMS:
        sums = frame.groupby(["month", frame[dim].rename("member")])[measures].sum().unstack("member")
        so_far = sums.reindex(months).fillna(0).cumsum().stack("member", future_stack=True)
        parts.append(so_far.reset_index().assign(dimension=dim))
    by_month = pd.concat(parts, ignore_index=True)
    by_month = by_month[(by_month["dimension"] == "") | (by_month["customers"] > 0)]
    found = []
    for grain in GRAINS:
        first = calendar.of(by_month["month"], grain)
        closes = by_month["month"] == np.minimum(first + MONTHS_IN[grain] - 1, calendar.last_month)
        found.append(by_month[closes].assign(grain=grain, first_month=first[closes]))
    rolled = pd.concat(found, ignore_index=True)
    return rolled[[*KEYS, *measures]].round({m: MONEY_DIGITS for m in measures})
