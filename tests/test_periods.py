from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.periods import Calendar, Period, month_index, month_start, period_month

DAYS = st.dates(date(1990, 1, 1), date(2090, 12, 31))
STARTS = st.integers(1, 12)
GRAIN = st.sampled_from(["month", "quarter", "year"])


@given(DAYS)
def test_a_month_survives_the_way_to_its_integer_and_back(day):
    assert month_start(month_index(day)) == day.replace(day=1)


@given(DAYS, GRAIN, STARTS)
def test_every_day_lies_in_exactly_one_period_of_a_grain(day, grain, start):
    period = Period(grain, period_month(month_index(day), grain, start))
    assert period.start <= day < period.end
    after = Period(grain, period_month(month_index(period.end), grain, start))
    assert after.start == period.end, "periods follow each other without gap or overlap"


@given(DAYS, STARTS)
def test_quarters_tile_the_fiscal_year_and_months_tile_quarters(day, start):
    year = Period("year", period_month(month_index(day), "year", start))
    assert year.start.month == start
    quarters = {period_month(m, "quarter", start) for m in range(year.first_month, year.first_month + 12)}
    assert quarters == {year.first_month + 3 * k for k in range(4)}


@pytest.mark.parametrize(
    ("day", "grain", "start", "first", "last"),
    [
        (date(2026, 3, 31), "year", 4, date(2025, 4, 1), date(2026, 3, 31)),
        (date(2026, 4, 1), "year", 4, date(2026, 4, 1), date(2027, 3, 31)),
        (date(2026, 1, 31), "quarter", 2, date(2025, 11, 1), date(2026, 1, 31)),
        (date(2024, 2, 29), "month", 1, date(2024, 2, 1), date(2024, 2, 29)),
        (date(2025, 12, 31), "quarter", 12, date(2025, 12, 1), date(2026, 2, 28)),
    ],
)
def test_periods_on_boundary_days(day, grain, start, first, last):
    period = Period(grain, period_month(month_index(day), grain, start))
    assert (period.start, period.last_day) == (first, last)


def test_a_period_is_complete_on_its_last_day_and_not_the_day_before():
    june = Period("month", month_index(date(2026, 6, 1)))
    assert june.is_complete(date(2026, 6, 30))
    assert not june.is_complete(date(2026, 6, 29))
    assert june.closing_day(date(2026, 6, 29)) == date(2026, 6, 29)
    assert june.closing_day(date(2026, 7, 5)) == date(2026, 6, 30)
    assert june.days_since(date(2026, 6, 29)) == -1


def test_the_spine_begins_with_the_first_event_or_the_history_whichever_is_later():
    short = Calendar(date(2026, 6, 15), date(2026, 2, 27), history_months=24)
    assert [p.start for p in short.periods(["month"])] == [date(2026, m, 1) for m in range(2, 7)]
    assert [p.start for p in short.periods(["quarter"])] == [date(2026, 1, 1), date(2026, 4, 1)]
    long = Calendar(date(2026, 6, 15), date(2001, 1, 1), history_months=24)
    assert len(long.periods(["month"])) == 24
    assert long.periods(["month"])[0].start == date(2024, 7, 1)


@given(DAYS, st.integers(0, 4000), STARTS, st.integers(1, 60))
def test_the_spine_is_contiguous_and_ends_with_the_month_of_as_of(first, length, start, history):
    as_of = min(first + timedelta(days=length), date(2090, 12, 31))
    calendar = Calendar(as_of, first, start, history)
    months = calendar.periods(["month"])
    assert len(months) <= history
    assert months[-1].start <= as_of < months[-1].end
    assert all(a.end == b.start for a, b in pairwise(months))
    for period in calendar.periods():
        assert calendar.earliest_month <= period.first_month - 12
