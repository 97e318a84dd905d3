"""Selling days: Monday to Friday less the public holidays of the company's country, where one is given.

A holiday on a weekend takes nothing away; where the law moves it to a weekday, that day is one less. Holidays
of a region, and those that the calendar of a country does not know yet, are not in it.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from holidays import countries

from analysis.periods import ONE_DAY, Calendar

Days = date | np.ndarray


@dataclass(frozen=True, eq=False)
class SellingDays:
    """The selling days of one company; `days` holds which weekdays and dates are some.

    Spans of days are half-open, [start, end), and may be arrays.
    """

    days: np.busdaycalendar

    def within(self, start: Days, end: Days) -> np.ndarray:
        """How many selling days lie in [start, end); 0 where the span ends before it starts.

        June 2026 in Poland has 21: 22 weekdays less Corpus Christi.
        """
        first, after = np.asarray(start, dtype="datetime64[D]"), np.asarray(end, dtype="datetime64[D]")
        return np.busday_count(first, np.maximum(first, after), busdaycal=self.days)

    def elapsed(self, start: Days, end: Days, as_of: date) -> np.ndarray:
        """How many of the selling days of [start, end) are over at the end of `as_of`, that day included."""
        return self.within(start, np.minimum(np.asarray(end, dtype="datetime64[D]"), _after(as_of)))

    def left(self, start: Days, end: Days, as_of: date) -> np.ndarray:
        """How many of the selling days of [start, end) come after `as_of`."""
        return self.within(np.maximum(np.asarray(start, dtype="datetime64[D]"), _after(as_of)), end)

    def nth(self, start: date, end: date, k: int) -> date | None:
        """The k-th selling day of [start, end), counted from 1; None where there are fewer, or k is 0."""
        if k < 1:
            return None
        found = np.busday_offset(np.datetime64(start, "D"), k - 1, roll="forward", busdaycal=self.days)
        day = pd.Timestamp(found).date()
        return day if day < end else None


def _after(day: date) -> np.datetime64:
    return np.datetime64(day + ONE_DAY, "D")


def selling_days(country: str | None, calendar: Calendar) -> SellingDays:
    """The selling days of every period that a report shows or compares with.

    `country` is a two-letter code as the package `holidays` has it; None: every Monday to Friday is one.
    """
    years = range(calendar.earliest_month // 12, calendar.last_month // 12 + 2)  # a fiscal year may run on
    off = sorted(getattr(countries, country)(years=years)) if country else []
    return SellingDays(np.busdaycalendar(weekmask="1111100", holidays=np.array(off, dtype="datetime64[D]")))


def by_period(country: str | None, calendar: Calendar) -> pd.DataFrame:
    """Selling days of every shown period: grain, first_month, `selling_days`, `elapsed`, `left`."""
    days, spans = selling_days(country, calendar), calendar.table()
    start, end = (spans[name].to_numpy(dtype="datetime64[D]") for name in ("period_start", "period_end"))
    return spans[["grain", "first_month"]].assign(
        selling_days=days.within(start, end),
        elapsed=days.elapsed(start, end, calendar.as_of),
        left=days.left(start, end, calendar.as_of),
    )
