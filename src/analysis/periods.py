"""The only calendar: days, weeks, months, fiscal quarters and fiscal years as half-open spans of whole days.

A month is counted as one integer, `year * 12 + month - 1`, so that every grain is integer arithmetic;
quarters and fiscal years are runs of 3 and 12 months that start in the company's fiscal month. Days and weeks
(ISO weeks, from Monday) are counted the same way, by their first day since 1 January 1970.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TypeVar

import numpy as np
import pandas as pd

MONTHS_IN = {"month": 1, "quarter": 3, "year": 12}
DAYS_IN = {"day": 1, "week": 7}
ALL_GRAINS = (*DAYS_IN, *MONTHS_IN)
RECENT = 13  # how many days and weeks are shown, the running ones among them
ONE_DAY = timedelta(days=1)
DAY_ZERO = date(1970, 1, 1)  # a Thursday
Months = TypeVar("Months", int, np.ndarray, pd.Series)


def month_index(day: date) -> int:
    """The month of `day` as one integer."""
    return day.year * 12 + day.month - 1


def month_start(index: int) -> date:
    """First day of the month `index`."""
    return date(index // 12, index % 12 + 1, 1)


def day_index(day: date) -> int:
    """The day as one integer."""
    return (day - DAY_ZERO).days


def monday_of(index: int) -> int:
    """The Monday of the week that holds the day `index`."""
    return (index + 3) // 7 * 7 - 3


def period_month(month: Months, grain: str, fiscal_year_start: int = 1) -> Months:
    """First month of the period of `grain` that holds `month` (integers or arrays of them).

    >>> month_start(period_month(month_index(date(2026, 2, 3)), "year", 4))
    datetime.date(2025, 4, 1)
    """
    size = MONTHS_IN[grain]
    offset = (fiscal_year_start - 1) % size
    return (month - offset) // size * size + offset


@dataclass(frozen=True, order=True)
class Period:
    """Whole days [start, end) of one grain.

    `first_month` is the integer of its first month, of a day or week that of its first day.
    """

    grain: str
    first_month: int

    @property
    def months(self) -> int:
        """How many months the period has; a day or week has none."""
        return MONTHS_IN.get(self.grain, 0)

    @property
    def start(self) -> date:
        """First day."""
        if self.grain in DAYS_IN:
            return DAY_ZERO + ONE_DAY * self.first_month
        return month_start(self.first_month)

    @property
    def end(self) -> date:
        """First day after the period."""
        if self.grain in DAYS_IN:
            return self.start + ONE_DAY * DAYS_IN[self.grain]
        return month_start(self.first_month + self.months)

    @property
    def last_day(self) -> date:
        """Last day."""
        return self.end - ONE_DAY

    def closing_day(self, as_of: date) -> date:
        """Last day of the period, or `as_of` when that comes first."""
        return min(self.last_day, as_of)

    def is_complete(self, as_of: date) -> bool:
        """Whether the last day is over at the end of `as_of`."""
        return self.last_day <= as_of

    def days_since(self, as_of: date) -> int:
        """Days from the last day of the period to `as_of`; the least age of what began in the period."""
        return (as_of - self.last_day).days


@dataclass(frozen=True)
class Calendar:
    """The periods of one report: a spine of months up to `as_of`, and the fiscal periods they touch.

    `first_month` is the first month shown; `earliest_month` the first month computed, far enough back that
    the first shown year has a year before it to be compared with.
    """

    as_of: date
    first_event: date
    fiscal_year_start: int = 1
    history_months: int = 24

    @property
    def last_month(self) -> int:
        """The month of `as_of`."""
        return month_index(self.as_of)

    @property
    def first_month(self) -> int:
        """The month of the first event, but not more than `history_months` back (this month is one of
        them).
        """
        return min(
            max(month_index(self.first_event), self.last_month - self.history_months + 1), self.last_month
        )

    @property
    def earliest_month(self) -> int:
        """First month that any shown period, its predecessor or its year before can need."""
        return period_month(self.first_month, "year", self.fiscal_year_start) - 12

    def of(self, month: Months, grain: str) -> Months:
        """First month of the period of `grain` that holds `month`, in this fiscal calendar."""
        return period_month(month, grain, self.fiscal_year_start)

    def starts(self, grain: str) -> list[int]:
        """First months of the shown periods of `grain`, ascending; of days and weeks the first days.

        Days and weeks are the last RECENT ones, and none that is over before the first month begins.
        """
        if grain in DAYS_IN:
            size, last = DAYS_IN[grain], day_index(self.as_of)
            first = max(last - size * (RECENT - 1), day_index(month_start(self.first_month)))
            first, last = (first, last) if size == 1 else (monday_of(first), monday_of(last))
            return list(range(first, last + 1, size))
        return list(
            range(self.of(self.first_month, grain), self.of(self.last_month, grain) + 1, MONTHS_IN[grain])
        )

    def periods(self, grains: Sequence[str] = tuple(MONTHS_IN)) -> list[Period]:
        """The shown periods, by grain and start."""
        return [Period(grain, first) for grain in grains for first in self.starts(grain)]

    def table(self, grains: Sequence[str] = tuple(MONTHS_IN)) -> pd.DataFrame:
        """The shown periods as a frame: grain, first_month, period_start, period_end, closing_day, complete,
        age_days.

        `age_days` is the days from the last day of the period to `as_of` (negative while it runs).
        """
        spans = self.periods(grains)
        return pd.DataFrame(
            {
                "grain": [p.grain for p in spans],
                "first_month": [p.first_month for p in spans],
                "period_start": [p.start for p in spans],
                "period_end": [p.end for p in spans],
                "closing_day": [p.closing_day(self.as_of) for p in spans],
                "complete": [p.is_complete(self.as_of) for p in spans],
                "age_days": [p.days_since(self.as_of) for p in spans],
            }
        )
