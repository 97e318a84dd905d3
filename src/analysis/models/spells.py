"""Contracts as time: a customer's unbroken spells of service, and the months of tenure that could be watched.

Month k of a spell is [start + (k − 1) months, start + k months): a contract of exactly one year ends in month
12. A day that a month lacks is its last one (31 January + 1 month = 28 February).
"""

from datetime import date

import numpy as np
import pandas as pd

FOREVER = np.iinfo("int32").max  # a day that never comes


def days_of(dates: pd.Series) -> np.ndarray:
    """Dates as whole days since 1970 (int64); FOREVER where there is none."""
    stamps = pd.to_datetime(dates)
    return np.where(stamps.isna(), FOREVER, stamps.to_numpy().astype("datetime64[D]").astype("int64"))


def day_of(day: date) -> int:
    """A date as whole days since 1970."""
    return int(np.datetime64(day, "D").astype("int64"))


def dates_of(days: np.ndarray) -> pd.Series:
    """Whole days since 1970 as dates; missing where FOREVER."""
    known = np.asarray(days) < FOREVER
    stamps = np.where(known, days, 0).astype("datetime64[D]").astype("datetime64[s]")
    return pd.Series(stamps).where(pd.Series(known))


def month_of_day(days: np.ndarray) -> np.ndarray:
    """The calendar month of each day as one integer, year * 12 + month - 1 (as in `periods`)."""
    return np.asarray(days).astype("datetime64[D]").astype("datetime64[M]").astype("int64") + 1970 * 12


def add_months(days: np.ndarray, months: np.ndarray | int) -> np.ndarray:
    """Each day so many months later, or the last day of that month."""
    start = np.asarray(days).astype("datetime64[D]")
    first = start.astype("datetime64[M]")
    in_month = (start - first.astype("datetime64[D]")).astype("int64")
    target = first + np.asarray(months).astype("timedelta64[M]")
    begin = target.astype("datetime64[D]").astype("int64")
    length = (target + np.timedelta64(1, "M")).astype("datetime64[D]").astype("int64") - begin
    return begin + np.minimum(in_month, length - 1)


def whole_months(start: np.ndarray, end: np.ndarray | int) -> np.ndarray:
    """How many whole months lie between two days: the greatest k with start + k months ≤ end."""
    last = np.broadcast_to(np.asarray(end), np.shape(start))
    months = month_of_day(last) - month_of_day(start)
    return months - (add_months(start, months) > last)


def contract_spells(subscriptions: pd.DataFrame, as_of: date, gap_days: int = 0) -> pd.DataFrame:
    """The spells of unbroken service of every customer.

    Rows of `subscriptions` that overlap or follow each other within `gap_days` days (0: a plan change on the
    same day) are one spell; rows without price (mrr ≤ 0), without a day of service, or that start after
    `as_of` are none. A customer who comes back begins another spell.

    Parameters
    ----------
    subscriptions : columns `customer_id`, `started_on`, `ended_on` (first day without service; null =
        running), `mrr`

    Returns
    -------
    By customer and time: `customer_id`, `spell` (1, 2 …), `started_on`, `ended_on` (null = running at the end
    of `as_of`), `churned` (ended by `as_of`).
    """
    today = day_of(as_of)
    code, names = pd.factorize(subscriptions["customer_id"], sort=True)
    start, end = days_of(subscriptions["started_on"]), days_of(subscriptions["ended_on"])
    end = np.where(end > today, FOREVER, end)
    paid = subscriptions["mrr"].to_numpy(dtype="float64") > 0
    use = np.flatnonzero(paid & (start <= today) & (end > start) & (code >= 0))
    order = use[np.argsort((code[use].astype("int64") << 32) + start[use], kind="stable")]
    code, start, end = code[order].astype("int64"), start[order], end[order]
    span = 1 << 33  # running greatest end so far, begun again with each customer
    latest = np.maximum.accumulate(end + gap_days + code * span) if len(code) else end
    begins = np.ones(len(code), dtype=bool)
    begins[1:] = start[1:] + code[1:] * span > latest[:-1]
    first = np.flatnonzero(begins)
    ends = np.maximum.reduceat(end, first) if len(first) else end
    who, begin = code[first], start[first]
    number = np.arange(len(first)) - np.searchsorted(who, who) + 1
    return pd.DataFrame(
        {
            "customer_id": names.to_numpy()[who] if len(first) else names[:0],
            "spell": number,
            "started_on": dates_of(begin),
            "ended_on": dates_of(ends),
            "churned": ends < FOREVER,
        }
    )


def months_at_risk(spells: pd.DataFrame, as_of: date, window_start: date | None = None) -> pd.DataFrame:
    """The months of tenure of each spell that the observed window holds in full.

    A spell that began before `window_start` comes in late: at its first month that begins inside the window.
    A month counts when it was over by `as_of`, whether the contract ended in it or not, so that neither ends
    nor months without one are favoured. Durations for `survival` are `last_month`, entries `first_month` - 1.

    Returns
    -------
    The rows of `spells` with such a month: `row` (position in `spells`), `first_month`, `last_month` and
    `churned` (the contract ended in `last_month`).
    """
    start, end = days_of(spells["started_on"]), days_of(spells["ended_on"])
    complete = whole_months(start, day_of(as_of))
    ended_in = np.where(end < FOREVER, whole_months(start, np.minimum(end, day_of(as_of)) - 1) + 1, FOREVER)
    first = np.ones(len(spells), dtype="int64")
    if window_start is not None:
        first = np.maximum(whole_months(start, day_of(window_start) - 1), -1) + 2
    last = np.minimum(complete, ended_in)
    table = pd.DataFrame(
        {
            "row": np.arange(len(spells)),
            "first_month": first,
            "last_month": last,
            "churned": ended_in <= complete,
        }
    )
    return table[last >= first].reset_index(drop=True)
