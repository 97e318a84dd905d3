"""The running month against as much of the month before: never a part against a whole."""

from datetime import date, datetime, time, timedelta

import numpy as np
import pandas as pd

from analysis.facts import Facts, total
from analysis.periods import Period
from analysis.rows import MONEY_DIGITS, missing_rows, rows
from analysis.selling_days import selling_days
from analysis.stats import growth


def sales_growth_mtd(facts: Facts) -> pd.DataFrame:
    """`sales_growth_mtd`: revenue of the running month so far against the same selling days before.

    (revenue so far - base) / base, where base is the revenue of the month before up to and including its k-th
    selling day and k the selling days of the running month that are over at the end of the report's day. All
    revenue of those calendar days counts, that of weekends and holidays too; a month before of fewer than k
    selling days counts whole. A month that is over is undefined (`none_eligible`), and so is one whose base
    is not above 0 (`no_base`).
    """
    kpi = "sales_growth_mtd"
    lack = facts.lack("revenue", facts.revenue_table, f"{facts.revenue_table}.amount")
    if lack:
        return missing_rows([kpi], lack, facts.calendar)
    months = facts.calendar.table(("month",))
    running = ~months["complete"].to_numpy(dtype="bool")
    so_far = facts.revenue[facts.revenue["month"] == facts.calendar.last_month]
    now = round(float(so_far["amount"].sum()), MONEY_DIGITS)
    base = revenue_before(facts) if running.any() else np.nan
    return rows(
        kpi,
        months.assign(dimension="", member=""),
        np.where(running, growth(now, base), np.nan),
        numerator=np.where(running, round(now - base, MONEY_DIGITS), np.nan),
        denominator=np.where(running, base, np.nan),
        n=np.where(running, so_far["n"].sum(), np.nan),
        reason=np.where(running, "no_base", "none_eligible"),
    )


def revenue_before(facts: Facts) -> float:
    """Revenue of the month before the running one, up to the day that has seen as many selling days."""
    running = Period("month", facts.calendar.last_month)
    before = Period("month", running.first_month - 1)
    days = selling_days(facts.company.params.country, facts.calendar)
    k = int(days.elapsed(running.start, running.end, facts.company.as_of))
    last = (
        (days.nth(before.start, before.end, k) or before.last_day) if k else before.start - timedelta(days=1)
    )
    return revenue_between(facts, before.start, last)


def revenue_between(facts: Facts, first: date, last: date) -> float:
    """The company's revenue of the days from `first` to `last`, both included."""
    if last < first:
        return 0.0
    table = facts.company.table(facts.revenue_table)
    if facts.revenue_table == "opportunities":
        table = table.filter(table.outcome == "won")
    at = table["ordered_at" if facts.revenue_table == "orders" else "closed_at"]
    start, end = (datetime.combine(day, time()) for day in (first, last + timedelta(days=1)))
    found = table.filter(at >= start, at < end).agg(amount=total(table.amount)).to_pandas()
    return round(float(found["amount"].iloc[0]), MONEY_DIGITS)
