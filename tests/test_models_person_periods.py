"""Contract spells and person-periods: small ones by hand, and laws over random ones."""

import io
from datetime import date

import numpy as np
import pandas as pd
import pytest

from analysis.models.person_periods import alive_now, expanded, person_periods
from analysis.models.spells import (
    add_months,
    contract_spells,
    day_of,
    month_of_day,
    months_at_risk,
    whole_months,
)
from analysis.periods import month_index
from analysis.survival import event_table


def subscriptions(text: str) -> pd.DataFrame:
    """Subscriptions of lines `customer start end mrr plan`; `-` for none."""
    names = ["customer_id", "started_on", "ended_on", "mrr", "plan"]
    frame = pd.read_csv(io.StringIO(text), sep=r"\s+", names=names, na_values="-")
    return frame.assign(**{name: pd.to_datetime(frame[name]) for name in ("started_on", "ended_on")})


def spells(text: str, as_of: date, **options: int) -> list[tuple]:
    frame = contract_spells(subscriptions(text), as_of, **options)
    frame["ended_on"] = frame["ended_on"].dt.strftime("%Y-%m-%d").fillna("")
    frame["started_on"] = frame["started_on"].dt.strftime("%Y-%m-%d")
    return list(frame.itertuples(index=False, name=None))


def test_a_plan_change_on_the_same_day_is_one_spell_and_a_gap_begins_another():
    text = """
    A 2024-01-10 2024-03-10 10 small
    A 2024-03-10 2024-06-01 20 large
    A 2024-06-02 -          20 large
    """
    assert spells(text, date(2024, 12, 31)) == [
        ("A", 1, "2024-01-10", "2024-06-01", True),
        ("A", 2, "2024-06-02", "", False),
    ]
    assert spells(text, date(2024, 12, 31), gap_days=1) == [("A", 1, "2024-01-10", "", False)]


def test_overlapping_rows_are_one_spell_and_rows_without_price_or_day_are_none():
    text = """
    B 2024-02-01 2024-03-01 5 x
    B 2024-01-01 2024-05-01 5 x
    B 2024-04-01 2024-06-01 5 x
    C 2024-01-01 -          0 x
    D 2024-01-01 2024-01-01 9 x
    E 2025-01-01 -          9 x
    """
    assert spells(text, date(2024, 12, 31)) == [("B", 1, "2024-01-01", "2024-06-01", True)]


def test_an_end_after_the_day_is_not_known_and_one_on_the_day_is():
    line = "A 2024-01-01 2024-06-15 5 x"
    assert spells(line, date(2024, 6, 14)) == [("A", 1, "2024-01-01", "", False)]
    assert spells(line, date(2024, 6, 15)) == [("A", 1, "2024-01-01", "2024-06-15", True)]


def at_risk(text: str, as_of: date, window_start: date | None = None) -> list[tuple]:
    frame = months_at_risk(contract_spells(subscriptions(text), as_of), as_of, window_start)
    return list(frame[["first_month", "last_month", "churned"]].itertuples(index=False, name=None))


def test_a_contract_of_one_year_ends_in_month_twelve():
    assert at_risk("A 2022-03-03 2023-03-03 5 x", date(2024, 1, 1)) == [(1, 12, True)]
    assert at_risk("A 2022-03-03 2023-03-04 5 x", date(2024, 1, 1)) == [(1, 13, True)]
    assert at_risk("A 2022-03-03 2022-03-04 5 x", date(2024, 1, 1)) == [(1, 1, True)]


def test_a_month_counts_when_it_is_over_whether_or_not_the_contract_ended_in_it():
    running, ended = "A 2024-01-10 - 5 x", "A 2024-01-10 2024-03-20 5 x"
    assert at_risk(running, date(2024, 4, 9)) == [(1, 2, False)]
    assert at_risk(running, date(2024, 4, 10)) == [(1, 3, False)]
    assert at_risk(ended, date(2024, 4, 9)) == [(1, 2, False)], (
        "the end in an unfinished month does not count"
    )
    assert at_risk(ended, date(2024, 4, 10)) == [(1, 3, True)]
    assert at_risk(running, date(2024, 2, 9)) == []


def test_who_began_before_the_window_comes_in_at_the_first_month_inside_it():
    line = "A 2024-01-10 - 5 x"
    assert at_risk(line, date(2024, 12, 31), date(2024, 3, 10)) == [(3, 11, False)]
    assert at_risk(line, date(2024, 12, 31), date(2024, 3, 11)) == [(4, 11, False)]
    assert at_risk(line, date(2024, 12, 31), date(2024, 1, 10)) == [(1, 11, False)]
    assert at_risk("A 2023-01-10 2024-01-05 5 x", date(2024, 12, 31), date(2024, 2, 1)) == []


def test_a_month_ends_on_the_last_day_where_its_day_is_missing():
    start = np.array([day_of(date(2024, 1, 31))])
    assert add_months(start, 1)[0] == day_of(date(2024, 2, 29))
    assert add_months(start, 13)[0] == day_of(date(2025, 2, 28))
    assert add_months(start, -2)[0] == day_of(date(2023, 11, 30))
    assert whole_months(start, day_of(date(2024, 2, 28)))[0] == 0
    assert whole_months(start, day_of(date(2024, 2, 29)))[0] == 1
    assert month_of_day(start)[0] == month_index(date(2024, 1, 31))


STORY = """
A 2023-01-10 2023-05-20 10 small
A 2023-05-20 2024-02-15 15 large
A 2023-08-01 2023-09-01 5  extra
B 2023-06-30 -          40 large
"""


def test_features_are_those_of_the_first_day_of_the_month():
    data, as_of = subscriptions(STORY), date(2024, 3, 31)
    customers = pd.DataFrame({"customer_id": ["A"], "segment": ["mid"], "rep_id": ["R1"], "cycle_days": [30]})
    usage = pd.DataFrame({"customer_id": ["A", "A"], "used_on": pd.to_datetime(["2023-02-09", "2023-02-10"])})
    table = person_periods(contract_spells(data, as_of), data, as_of, customers=customers, usage=usage)
    mine = table[table["customer_id"] == "A"].set_index("month")
    assert mine.index.tolist() == list(range(1, 15))
    assert mine["price"].tolist() == [10] * 5 + [15] * 2 + [20] + [15] * 6
    assert mine.loc[8, "plan"] == "extra"
    assert mine.loc[5, "plan"] == "small"
    np.testing.assert_allclose(mine.loc[[5, 8, 13, 14], "price_change"], [0, 1, 0.5, 0.5])
    assert mine["churned"].tolist() == [0] * 13 + [1]
    assert mine.loc[1, "period"] == month_index(date(2023, 1, 1))
    assert mine["owner"].unique().tolist() == ["R1"]
    assert mine["cycle_days"].unique().tolist() == [30]
    np.testing.assert_array_equal(mine.loc[[1, 2, 3], "days_unused"], [np.nan, 1, 28])
    other = table[table["customer_id"] == "B"]
    assert other["segment"].isna().all()
    assert other["churned"].sum() == 0


def test_customers_alive_stand_in_the_month_whose_outcome_is_open():
    data, as_of = subscriptions(STORY), date(2024, 3, 31)
    alive = alive_now(contract_spells(data, as_of), data, as_of)
    assert alive[["customer_id", "month", "price"]].to_numpy().tolist() == [["B", 10, 40]]
    assert alive["period"].tolist() == [month_index(as_of)]


def random_subscriptions(seed: int, customers: int = 120) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    n = customers * 2
    start = np.datetime64("2021-01-01") + rng.integers(0, 1400, n)
    end = pd.Series((start + rng.integers(1, 600, n)).astype("datetime64[s]"))
    return pd.DataFrame(
        {
            "customer_id": [f"C{i:04d}" for i in rng.integers(0, customers, n)],
            "started_on": start.astype("datetime64[s]"),
            "ended_on": end.where(rng.random(n) < 0.7),
            "mrr": rng.choice([0, 10.5, 20, 99.99], n),
            "plan": rng.choice(["a", "b"], n),
        }
    )


@pytest.mark.parametrize("seed", range(5))
def test_what_came_later_changes_nothing_that_was_known(seed):
    data, early, late = random_subscriptions(seed), date(2023, 6, 30), date(2024, 12, 31)
    then = data[data["started_on"] <= pd.Timestamp(early)].copy()
    then["ended_on"] = then["ended_on"].where(then["ended_on"] <= pd.Timestamp(early))
    before = person_periods(contract_spells(then, early), then, early)
    after = person_periods(contract_spells(data, late), data, late)
    keys = ["customer_id", "spell", "month"]
    both = before[keys].merge(after, on=keys, how="left", validate="1:1")
    pd.testing.assert_frame_equal(both[before.columns], before, check_dtype=False)


@pytest.mark.parametrize("seed", range(3))
def test_the_months_are_those_of_the_survival_functions_with_delayed_entry(seed):
    data, as_of, window = random_subscriptions(seed), date(2024, 6, 30), date(2022, 3, 1)
    found = contract_spells(data, as_of)
    risk = months_at_risk(found, as_of, window)
    table = person_periods(found, data, as_of, window)
    expected = event_table(risk["last_month"], risk["churned"], entry=risk["first_month"] - 1)
    by_month = table.groupby("month")["churned"].agg(["size", "sum"])
    got = by_month.loc[expected.index]
    np.testing.assert_array_equal(got["size"], expected["at_risk"])
    np.testing.assert_array_equal(got["sum"], expected["events"])


def test_row_order_is_irrelevant_and_the_input_stays():
    data, as_of = random_subscriptions(1), date(2024, 6, 30)
    copy = data.copy()
    table = person_periods(contract_spells(data, as_of), data, as_of)
    pd.testing.assert_frame_equal(data, copy)
    mixed = data.sample(frac=1, random_state=3)
    again = person_periods(contract_spells(mixed, as_of), mixed, as_of)
    columns = ["customer_id", "spell", "month", "churned", "price", "price_change"]
    pd.testing.assert_frame_equal(again[columns], table[columns])


def test_of_very_many_months_all_ends_and_a_weighted_sample_of_the_others_are_made():
    rng = np.random.default_rng(0)
    n = 20_000
    length, ends = rng.integers(1, 200, n), rng.random(n) < 0.3
    risk = pd.DataFrame({"row": np.arange(n), "first_month": 1, "last_month": length, "churned": ends})
    table = expanded(risk, most=100_000, seed=1)
    assert len(table) < 120_000
    assert table["churned"].sum() == ends.sum()
    assert table["weight"].sum() == pytest.approx(length.sum())
    assert (table.loc[table["churned"] == 1, "weight"] == 1).all()
    whole = expanded(risk)
    assert len(whole) == length.sum()
    assert (whole["weight"] == 1).all()
    pd.testing.assert_frame_equal(expanded(risk, most=100_000, seed=1), table)
    low, high = (np.average(t["month"], weights=t["weight"]) for t in (table, whole))
    assert low == pytest.approx(high, rel=0.01)


def test_nothing_at_all_gives_empty_tables():
    data, as_of = subscriptions(STORY).iloc[:0], date(2024, 3, 31)
    found = contract_spells(data, as_of)
    assert len(found) == len(person_periods(found, data, as_of)) == len(alive_now(found, data, as_of)) == 0
