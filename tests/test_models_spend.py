"""What orders brought at earlier days, held against what was forecast then: amounts are tested, not only
counts."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from analysis import tables
from analysis.labels import Labels
from analysis.models import buyers
from analysis.models.backtest import Held, past_errors, retested, scored
from analysis.models.customers import customer_models
from analysis.models.evaluation import Verdict, spend_error, valued
from analysis.models.forecast import forecast_purchases
from analysis.models.intervals import total_interval
from analysis.models.orders import bought_after, customer_days, purchases
from analysis.models.value import value_forecast
from analysis.texts import language
from companies import make_company

CUTOFF = 729
ORDERS = {"churn": {"basis": "orders"}, "revenue_from": "orders", "model": {"horizon_weeks": 26}}
RIGHT = Verdict("usable", ())


def orders(late: float = 1.0) -> pd.DataFrame:
    """Two years of customers who differ in how often they buy; in the last half-year prices are `late` times
    the earlier ones."""
    rng = np.random.default_rng(3)
    rate, first = rng.gamma(1.2, 0.03, 300), rng.integers(0, 250, 300)
    rows = []
    for i in range(300):
        later = rng.integers(first[i], CUTOFF + 1, rng.poisson(rate[i] * (CUTOFF - first[i])))
        rows += [(i, int(day)) for day in {int(first[i]), *later}]
    table = pd.DataFrame(rows, columns=["customer_id", "day"])
    price = rng.gamma(4, 10, 300)[table["customer_id"]] * rng.gamma(9, 1 / 9, len(table))
    return table.assign(amount=(price * np.where(table["day"] > CUTOFF - 182, late, 1.0)).round(2))


@pytest.fixture(scope="module")
def cheaper():
    """The days of orders whose prices have fallen to a third, and their forecast."""
    days = customer_days(orders(late=1 / 3))
    return days, forecast_purchases(days, CUTOFF, 26)


@pytest.fixture(scope="module")
def company(tmp_path_factory):
    """The same as a company."""
    table, start = orders(late=1 / 3), date(2026, 3, 31) - timedelta(days=CUTOFF)
    rows = ["order_id,customer_id,ordered_at,amount"]
    rows += [f"{k},{r.customer_id},{start + timedelta(days=r.day)},{r.amount}" for k, r in
             enumerate(table.itertuples())]  # fmt: skip
    extra = ORDERS | {"gross_margin": 0.5}
    made = make_company(tmp_path_factory.mktemp("cheaper"), {"orders": "\n".join(rows)}, **extra)
    return customer_models(made), Labels.of(made)


def held(spend: list[float], amount: list[float], flat: float) -> Held:
    """A time after which everybody bought once."""
    return Held(0, 1.0, np.ones(len(spend)), np.array(spend), np.array(amount), flat)


def test_spend_is_forecast_at_every_earlier_day_with_what_was_known_then(cheaper):
    days, found = cheaper
    past = found.backtest
    assert len(past.errors) == len(past.held) >= 3
    for row, then in zip(past.errors.itertuples(), past.held, strict=True):
        bought = purchases(days, row.cutoff)
        ids = bought["customer_id"].drop_duplicates()
        later = bought_after(days, row.cutoff, row.weeks, pd.Index(ids))
        assert row.spend_actual == pytest.approx(later["spend"].sum())
        assert then.amount == pytest.approx(value_forecast(bought).mean_amount.loc[ids].to_numpy())
        assert row.spend_error == pytest.approx(row.spend_forecast / row.spend_actual - 1)
    for name in (past.chosen, "naive_rate", "mean_rate"):
        tested = past if name == past.chosen else retested(past, days, name, ())
        main = past.held[0]
        forecast = tested.errors.iloc[0]
        assert tested.chosen == name
        assert forecast["spend_forecast"] / forecast["forecast"] == pytest.approx(main.amount.mean(), rel=0.2)
        each = tested.scores.loc[name, "spend_mae"]
        assert each < abs(main.spend).mean() + forecast["spend_forecast"] / len(main.spend)


def test_the_totals_of_orders_and_of_value_are_missed_each_by_its_own_share():
    then = Held(0, 1.0, np.array([1.0, 3.0]), np.array([10.0, 30.0]), np.array([20.0, 10.0]), 12.0)
    row = past_errors([(then, np.array([1.0, 2.0]))], flat=False).iloc[0]
    assert row[["actual", "forecast", "error"]].tolist() == [4.0, 3.0, -0.25]
    assert row[["spend_actual", "spend_forecast", "spend_error"]].tolist() == [40.0, 40.0, 0.0]
    alike = past_errors([(then, np.array([1.0, 2.0]))], flat=True).iloc[0]
    assert alike["spend_forecast"] == 36.0
    table = scored(then, {"mine": np.array([1.0, 2.0])}).loc["mine"]
    assert table["spend_mae"] == (10 + 10) / 2
    assert table["spend_mae_flat"] == (2 + 6) / 2


def test_value_missed_by_more_than_30_percent_is_indicative_at_best():
    actual = np.array([100.0, 100.0])
    assert valued(RIGHT, actual, actual * 1.29) == RIGHT
    word = valued(RIGHT, actual, actual * 0.69)
    assert word.word == "indicative"
    assert word.reasons == ("missed the value of the last holdout's orders by -31%, more than 30%",)
    before = valued(RIGHT, actual, actual * 1.2, [0.29, np.nan, -0.41])
    assert before.word == "indicative"
    assert before.reasons == ("missed the value of orders by -41% at another earlier day, more than 30%",)
    assert valued(RIGHT, actual, actual * 1.2, [0.29, -0.3]) == RIGHT
    bad = valued(Verdict("do not use", ("worse",)), actual, actual * 2)
    assert (bad.word, bad.reasons[0], len(bad.reasons)) == ("do not use", "worse", 2)


def test_a_holdout_that_earned_nothing_tests_no_value():
    refunds = np.array([50.0, -80.0])
    assert np.isnan(spend_error(refunds, [10.0, 10.0]))
    word = valued(RIGHT, refunds, np.array([10.0, 10.0]))
    assert (word.word, "nothing was earned" in word.reasons[0]) == ("indicative", True)
    assert valued(RIGHT, np.zeros(2), np.zeros(2)) == RIGHT, "what is free was forecast as free"


def test_the_worth_is_as_uncertain_as_earlier_forecasts_of_spend_were(cheaper, company):
    models, labels = company
    outcome = models.outcomes["non_contractual"]
    used = buyers.in_use(cheaper[0], CUTOFF, cheaper[1])
    assert abs(used.missed) < 0.30 < used.missed_spend == used.spend_errors[0]
    assert outcome.missed_spend == pytest.approx(used.missed_spend, rel=0.05)
    for estimate in (outcome.total, outcome.today):
        ends = total_interval(estimate.value, used.spend_errors)
        assert (estimate.low, estimate.high) == pytest.approx(ends, rel=0.1)
        narrow = total_interval(estimate.value, used.errors)
        assert estimate.high - estimate.low > 1.5 * (narrow[1] - narrow[0])
    group = outcome.groups.iloc[0]
    assert group["low"] == pytest.approx(outcome.total.low * group["value"] / outcome.total.value)
    watched = float(outcome.customers["watched"].sum())
    buying = watched - outcome.leaving.value
    low, _ = total_interval(buying, used.errors)
    assert outcome.leaving.high == pytest.approx(watched - low, rel=0.05)
    assert outcome.verdict.word != "usable"
    share = labels.value(outcome.missed_spend, "ratio")
    lines = {row.cells[0]: row.cells[1] for row in tables.outlook(models, labels).body}
    assert lines["How wrong the last such forecast was"].endswith(f"{share} too much value, in 182 days")
    with language("pl_PL"):
        told = [cell for row in tables.outlook(models, labels).body for cell in row.cells]
    assert any(cell.endswith(f"wartości o {share} za dużo, w ciągu 182 dni") for cell in told)
    head = tables.scores(models, labels, "non_contractual").head
    assert head[-2:] == ("mae of value", "mae of value, one amount for all")


def test_the_words_of_a_forecast_name_both_errors(cheaper):
    found = cheaper[1]
    past = found.backtest
    assert found.missed == (
        f"missed the last holdout by {past.missed:+.1%} in orders, {past.missed_spend:+.1%} in value"
    )


def test_one_amount_for_all_is_used_where_it_forecast_spend_better(cheaper):
    many = 200
    swapped = held([10.0, 30.0] * many, [30.0, 10.0] * many, 20.0)
    assert swapped.flat_better()
    assert not held([10.0, 30.0] * many, [11.0, 29.0] * many, 20.0).flat_better()
    assert not held([10.0, 30.0], [10.0, 30.0], 20.0).flat_better()
    days, found = cheaper
    bought = purchases(days, CUTOFF)
    assert not found.backtest.flat
    assert buyers.amounts(bought, found.backtest).method == "gamma_gamma"
    alike = buyers.amounts(bought, retold(found.backtest))
    assert (alike.method, alike.mean_amount.nunique()) == ("mean_amount", 1)
    assert alike.mean_amount.iloc[0] == pytest.approx(bought["net"].mean())
    assert "one amount for all" in alike.reason
    assert buyers.amounts(bought, None).method == "gamma_gamma"


def retold(past):
    """The same backtest, had one amount for all been better."""
    return type(past)(**{**vars(past), "flat": True})
