"""Backtests of contracts: what was known at the cut-off, and what the model must beat."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from analysis.models.contract_backtest import MANY_ENDS, MODEL, as_known, contract_backtest, rolling_backtest
from analysis.models.hazard import DiscreteTimeHazard

CUT_OFF, AS_OF = date(2024, 6, 30), date(2025, 12, 31)


def market(n: int, seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Customers whose monthly risk runs from 1 to 12 per cent with a known score."""
    rng = np.random.default_rng(seed)
    score = rng.random(n)
    start = np.datetime64("2022-01-01") + rng.integers(0, 900, n)
    days = (rng.exponential(1 / (0.01 + 0.11 * score**2)) * 30.4).astype("int64") + 1
    data = pd.DataFrame({"customer_id": np.arange(n), "started_on": start.astype("datetime64[s]")})
    data["ended_on"] = (start + days).astype("datetime64[s]")
    data["mrr"], data["plan"] = 10.0, rng.choice(["a", "b"], n)
    return data, pd.DataFrame({"customer_id": np.arange(n), "score": score})


def test_subscriptions_as_they_stood_on_a_day():
    dates = pd.to_datetime(["2024-01-01", "2024-06-30", "2024-07-01"])
    data = pd.DataFrame({"started_on": dates, "ended_on": pd.to_datetime(["2024-06-30", "2024-07-01", None])})
    known = as_known(data, CUT_OFF)
    assert known["started_on"].tolist() == dates[:2].tolist()
    assert known["ended_on"].tolist() == [pd.Timestamp("2024-06-30"), pd.NaT]


def test_a_model_that_knows_the_score_beats_every_baseline_and_is_calibrated():
    data, customers = market(3000)
    result = contract_backtest(
        data, CUT_OFF, AS_OF, customers=customers, model=DiscreteTimeHazard(term_months=0)
    )
    assert result.scores.index.tolist() == [MODEL, "Kaplan-Meier", "Kaplan-Meier by plan", "tenure only"]
    best = result.scores.loc[MODEL]
    others = result.scores.drop(index=MODEL)
    assert (best["ibs"] < 0.95 * others["ibs"]).all()
    assert (best["uno_c"] > others["uno_c"] + 0.1).all()
    assert best["ece_12"] < 0.05
    assert result.months == 17
    assert result.calibration["horizon"].unique().tolist() == [12]
    assert result.calibration["n"].sum() == result.customers


def test_what_happened_after_the_cut_off_does_not_reach_the_model():
    data, customers = market(400)
    result = contract_backtest(data, CUT_OFF, AS_OF, customers=customers)
    changed = data.copy()
    later = changed["ended_on"] > pd.Timestamp(CUT_OFF)
    changed.loc[later, "ended_on"] = pd.Timestamp("2024-12-01")
    again = contract_backtest(changed, CUT_OFF, AS_OF, customers=customers)
    np.testing.assert_array_equal(result.model.coef_, again.model.coef_)
    assert again.ends > result.ends


@pytest.mark.parametrize("n", [1, 3, 30])
def test_small_companies_get_finite_scores_or_none(n):
    data, customers = market(n, seed=n)
    result = contract_backtest(data, CUT_OFF, AS_OF, customers=customers)
    assert result is None or np.isfinite(result.scores["ibs"]).all()
    assert contract_backtest(data, date(2021, 1, 1), AS_OF) is None


HALF_YEAR = timedelta(weeks=26)


def test_few_ends_are_backtested_from_days_half_a_horizon_apart():
    data, customers = market(400)
    found = rolling_backtest(data, HALF_YEAR, AS_OF, customers)
    assert (found.days, len(found.earlier)) == (4, 3)
    for back, one in enumerate((found, *found.earlier)):
        end = AS_OF - timedelta(weeks=13 * back)
        alone = contract_backtest(data, end - HALF_YEAR, end, customers=customers)
        pd.testing.assert_frame_equal(one.scores, alone.scores)


def test_pooled_scores_weigh_customers_and_ends_and_leave_out_what_is_missing():
    data, customers = market(400)
    last = contract_backtest(data, CUT_OFF, AS_OF, customers=customers)

    def holdout(ibs: float, uno_c: float, customers: int, ends: int) -> object:
        scores = last.scores.assign(ibs=ibs, uno_c=uno_c)
        return replace(last, scores=scores, customers=customers, ends=ends)

    earlier = (holdout(0.2, 0.8, 100, 30), holdout(0.4, np.nan, 100, 0))
    pooled = replace(holdout(0.1, 0.6, 200, 10), earlier=earlier).pooled
    assert pooled.loc[MODEL, "ibs"] == pytest.approx((200 * 0.1 + 100 * 0.2 + 100 * 0.4) / 400)
    assert pooled.loc[MODEL, "uno_c"] == pytest.approx((10 * 0.6 + 30 * 0.8) / 40)
    assert pooled["ece_12"].equals(last.scores["ece_12"]), "the last holdout's"
    none = holdout(0.1, np.nan, 5, 0).pooled
    assert none["uno_c"].isna().all()
    pd.testing.assert_frame_equal(last.pooled, last.scores)


def test_no_earlier_day_where_too_few_had_left_or_one_holdout_says_enough():
    data, customers = market(40)
    found = rolling_backtest(data, HALF_YEAR, AS_OF, customers)
    assert all(one.model.kind_ != "kaplan_meier" for one in found.earlier)
    assert found.days < 4
    data, customers = market(20, seed=20)
    found = rolling_backtest(data, HALF_YEAR, AS_OF, customers)
    assert found is None or found.days == 1
    data, customers = market(20_000)
    found = rolling_backtest(data, HALF_YEAR, AS_OF, customers)
    assert (found.ends >= MANY_ENDS, found.days) == (True, 1)
