"""Selling days: weekdays less the public holidays of the country."""

from datetime import date, timedelta

import numpy as np
import pytest
from holidays.registry import COUNTRIES
from hypothesis import given
from hypothesis import strategies as st

from analysis.periods import Calendar
from analysis.selling_days import by_period, selling_days

ONE_DAY = timedelta(days=1)


def days(country="PL", as_of=date(2026, 6, 30)):
    return selling_days(country, Calendar(as_of, date(2024, 1, 1)))


def test_june_2026_has_22_weekdays_and_in_poland_21_because_of_corpus_christi():
    june = (date(2026, 6, 1), date(2026, 7, 1))
    assert days(None).within(*june) == 22
    assert days("PL").within(*june) == 21
    assert days("PL").within(date(2026, 6, 4), date(2026, 6, 5)) == 0


def test_a_holiday_on_a_weekend_takes_nothing_away_and_one_moved_to_a_weekday_does():
    november = (date(2026, 11, 1), date(2026, 12, 1))  # All Saints on a Sunday, 11 November a Wednesday
    assert days("PL").within(*november) == days(None).within(*november) - 1
    july = (date(2026, 7, 3), date(2026, 7, 4))  # the Friday before Saturday the Fourth
    assert days("US").within(*july) == 0


def test_a_new_year_observed_in_the_old_year_is_none_even_at_the_end_of_the_span():
    new_year = days("US", as_of=date(2021, 12, 31))  # 1 January 2022 is a Saturday
    assert new_year.within(date(2021, 12, 31), date(2022, 1, 1)) == 0


def test_elapsed_holds_the_report_s_day_and_left_does_not():
    found, june = days("PL"), (date(2026, 6, 1), date(2026, 7, 1))
    assert found.elapsed(*june, date(2026, 6, 3)) == 3
    assert found.left(*june, date(2026, 6, 3)) == 18
    assert found.elapsed(*june, date(2026, 6, 4)) == 3, "the holiday itself"
    assert found.elapsed(*june, date(2026, 5, 31)) == 0
    assert found.left(*june, date(2026, 5, 31)) == 21
    assert found.elapsed(*june, date(2026, 6, 30)) == 21
    assert found.left(*june, date(2026, 6, 30)) == 0
    assert found.left(*june, date(2026, 8, 1)) == 0
    assert found.elapsed(*june, date(2025, 8, 1)) == 0


def test_the_nth_selling_day_skips_weekends_and_holidays_and_may_not_be_there():
    found, june = days("PL"), (date(2026, 6, 1), date(2026, 7, 1))
    assert found.nth(*june, 1) == date(2026, 6, 1)
    assert found.nth(*june, 4) == date(2026, 6, 5), "the fourth is a holiday"
    assert found.nth(*june, 5) == date(2026, 6, 8)
    assert found.nth(*june, 21) == date(2026, 6, 30)
    assert found.nth(*june, 22) is None
    assert found.nth(*june, 0) is None
    assert found.nth(date(2026, 8, 1), date(2026, 9, 1), 1) == date(2026, 8, 3), "August begins on a Saturday"


def test_the_months_of_a_report_sum_to_its_quarters_and_fiscal_years():
    table = by_period("PL", Calendar(date(2026, 5, 20), date(2024, 2, 3), fiscal_year_start=4))
    counts = {(row.grain, row.first_month): row for row in table.itertuples()}
    for name in ("selling_days", "elapsed", "left"):
        whole = getattr(counts["quarter", 2026 * 12], name)
        assert whole == sum(getattr(counts["month", 2026 * 12 + m], name) for m in range(3)), name
        assert (table["selling_days"] == table["elapsed"] + table["left"]).all()
    may = counts["month", 2026 * 12 + 4]
    assert (may.selling_days, may.elapsed, may.left) == (20, 13, 7)  # 1 May is a Friday, 3 May a Sunday


def test_a_fiscal_year_that_runs_on_has_the_holidays_of_the_next_year_too():
    table = by_period("PL", Calendar(date(2026, 12, 31), date(2026, 1, 1), fiscal_year_start=7))
    year = table[(table["grain"] == "year") & (table["first_month"] == 2026 * 12 + 6)].iloc[0]
    whole = days("PL", as_of=date(2027, 6, 30)).within(date(2026, 7, 1), date(2027, 7, 1))
    assert year["selling_days"] == whole
    assert year["left"] == days("PL", as_of=date(2027, 6, 30)).within(date(2027, 1, 1), date(2027, 7, 1))


@given(
    start=st.dates(date(2024, 1, 1), date(2026, 12, 31)),
    length=st.integers(0, 100),
    country=st.sampled_from([None, "PL", "US", "DE"]),
    seen=st.integers(-10, 110),
)
def test_every_day_of_a_span_is_counted_once(start, length, country, seen):
    found, end = days(country), start + length * ONE_DAY
    each = [int(found.within(start + i * ONE_DAY, start + (i + 1) * ONE_DAY)) for i in range(length)]
    assert found.within(start, end) == sum(each)
    as_of = start + seen * ONE_DAY
    assert found.elapsed(start, end, as_of) == sum(each[: max(seen + 1, 0)])
    assert found.left(start, end, as_of) == sum(each[max(seen + 1, 0) :])
    count = sum(each)
    for k in {1, count // 2, count} & set(range(1, count + 1)):
        nth = found.nth(start, end, k)
        assert (found.within(start, nth + ONE_DAY), found.within(nth, nth + ONE_DAY)) == (k, 1)
    assert found.nth(start, end, count + 1) is None


def test_spans_may_be_arrays():
    starts = np.array(["2026-05-01", "2026-06-01"], dtype="datetime64[D]")
    ends = np.array(["2026-06-01", "2026-07-01"], dtype="datetime64[D]")
    assert days("PL").within(starts, ends).tolist() == [20, 21]
    assert days("PL").left(starts, ends, date(2026, 6, 29)).tolist() == [0, 1]


@pytest.mark.parametrize("country", sorted(codes[1] for codes in COUNTRIES.values()))
def test_every_country_that_params_allow_has_selling_days(country):
    year = days(country).within(date(2025, 1, 1), date(2026, 1, 1))
    assert 220 < year <= 261
