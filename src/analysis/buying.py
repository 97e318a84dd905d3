"""When customers ordered, as one number a customer: bit k says whether something held in the k-th month.

So a single pass over the orders, one row a customer, is enough for every snapshot, period and cohort.
"""

from dataclasses import dataclass
from datetime import timedelta

import ibis
import numpy as np
import pandas as pd
from ibis.expr.types import Table

from analysis.facts import Facts, labelled, month_of
from analysis.periods import Period

BITS = 62
"""Months in one number, which stays positive and exact on every engine."""

STATES = {
    "opening": [1, 3, 5, 7], "new": [6], "reactivated": [2], "churned": [1, 5], "closing": [2, 3, 6, 7],
    "flash": [4],
}  # fmt: skip
"""What a customer counts as in a period: 1 active at its opening, 2 at its closing, 4 first bought in it."""

BREAKDOWNS = {"segment": "segment", "channel": "channel", "rep": "rep_id"}


@dataclass(frozen=True)
class Buying:
    """Customers who ordered for more than 0, counted by all that the figures need.

    Attributes
    ----------
    frame : `n` customers of a segment, channel and rep, acquired in the month `cohort` (-1: unknown), who
        first bought in the month `first`; `active_0`, … and `bought_0`, … hold their bits, BITS a column
    months : the month of bit 0, 1, …
    """

    frame: pd.DataFrame
    months: list[int]

    def bit(self, name: str, month: int) -> np.ndarray:
        """1 for the rows whose customers were `active` at the end of the month, or `bought` in it."""
        at = month - self.months[0]
        return self.frame[f"{name}_{at // BITS}"].to_numpy() >> (at % BITS) & 1


def order_days(facts: Facts, months: list[int]) -> pd.DataFrame:
    """Every day that a snapshot can see: `on`, and the bits of the snapshots and the month it counts for.

    An order of the day makes active at each snapshot of less than `inactive_days` later.
    """
    as_of, window = facts.company.as_of, facts.company.params.churn.inactive_days
    closings = [Period("month", m).closing_day(as_of) for m in months]
    first = min(Period("month", months[0]).start, closings[0] - timedelta(days=window - 1))
    days = [first + timedelta(days=n) for n in range((as_of - first).days + 1)]
    ages = np.subtract.outer(np.array(closings, "datetime64[D]"), np.array(days, "datetime64[D]")).astype(int)
    own = np.array([day.year * 12 + day.month - 1 for day in days])
    holds = {"active": (ages >= 0) & (ages < window), "bought": np.array(months)[:, None] == own}
    frame = pd.DataFrame({"on": days})
    for name, flags in holds.items():
        for word, at in enumerate(range(0, len(months), BITS)):
            part = flags[at : at + BITS]
            frame[f"{name}_{word}"] = (part.T @ (1 << np.arange(len(part), dtype="int64"))).astype("int64")
    return frame


def buying(facts: Facts, months: list[int]) -> Buying:
    """One pass over the orders, and one row for all customers who are alike."""
    days = order_days(facts, months)
    words = [c for c in days.columns if c != "on"]
    seen = ibis.memtable(days, schema={"on": "date", **dict.fromkeys(words, "int64")})
    orders = facts.company.table("orders")
    orders = orders.filter(orders.amount > 0, orders.customer_id.notnull())
    orders = orders.select("customer_id", day=orders.ordered_at.date())
    dated = orders.left_join(seen, orders.day == seen.on)
    each = dated.group_by(buyer="customer_id").agg(
        first_on=dated.day.min(), **{word: dated[word].bit_or().fill_null(0) for word in words}
    )
    about = customers(facts)
    each = each.left_join(about, each.buyer == about.customer_id)
    alike = each.group_by(
        first=month_of(each.first_on),
        cohort=each.cohort.fill_null(-1),
        **{name: labelled(each[column]) for name, column in BREAKDOWNS.items()},
        **{word: each[word] for word in words},
    ).agg(n=each.count())
    return Buying(alike.to_pandas(), months)


def customers(facts: Facts) -> Table:
    """customer_id, its breakdowns and `cohort`, the month it was acquired; one row a customer."""
    about = facts.customers()
    if not facts.company.has("customers"):
        return about.mutate(cohort=ibis.null("int64"))
    known = facts.company.table("customers")
    return known.select(*about.columns, cohort=month_of(known.acquired_on))


def cells(bought: Buying) -> tuple[np.ndarray, pd.DataFrame]:
    """The number of each row's combination of breakdowns, and the combinations."""
    frame = bought.frame
    code = np.zeros(len(frame), dtype="int64")
    for name in BREAKDOWNS:
        codes, members = pd.factorize(frame[name])
        code = code * len(members) + codes
    _, first, number = np.unique(code, return_index=True, return_inverse=True)
    return number, frame.iloc[first][list(BREAKDOWNS)].reset_index(drop=True)


def moves(bought: Buying, spans: pd.DataFrame) -> pd.DataFrame:
    """Customers by span and breakdown: opening, new, reactivated, churned, closing, flash.

    A span has grain, first_month and the months of the snapshots at which it `opens` and `closes`.
    """
    number, members = cells(bought)
    n = bought.frame["n"].to_numpy(dtype="float64")
    first = bought.frame["first"].to_numpy()
    parts = []
    for span in spans.itertuples():
        began = (first >= span.first_month) & (first <= span.closes)
        state = bought.bit("active", span.opens) + 2 * bought.bit("active", span.closes) + 4 * began
        counted = np.bincount(number * 8 + state, n, minlength=8 * len(members)).reshape(-1, 8)
        part = members.assign(grain=span.grain, first_month=span.first_month)
        for name, states in STATES.items():
            part[name] = counted[:, states].sum(axis=1)
        parts.append(part[counted[:, 1:].any(axis=1)])
    return pd.concat(parts, ignore_index=True)


def cohorts(bought: Buying) -> pd.DataFrame:
    """Customers who bought, by month acquired (`month`) and month of an order (`at`): `active`."""
    cohort, number = np.unique(bought.frame["cohort"].to_numpy(), return_inverse=True)
    n = bought.frame["n"].to_numpy(dtype="float64")
    parts = []
    for at in bought.months:
        active = np.bincount(number, n * bought.bit("bought", at), minlength=len(cohort))
        part = pd.DataFrame({"month": cohort, "at": at, "active": active})
        parts.append(part[(active > 0) & (cohort >= 0)])
    return pd.concat(parts, ignore_index=True)
