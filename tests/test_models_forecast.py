"""Forecasts of purchases: what they know, what they fall back on, how they are judged."""

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_limits

from analysis.models import evaluation, intervals
from analysis.models.backtest import choose, origins
from analysis.models.buyers import counts_scaled
from analysis.models.candidates import candidates, lessons
from analysis.models.evaluation import Verdict
from analysis.models.features import FEATURES, features
from analysis.models.forecast import forecast_purchases
from analysis.models.orders import bought_after, customer_days, purchases
from analysis.models.value import lifetime_value, value_forecast
from real_orders import cdnow, online_retail


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Threads that wait for one another take longer than one, where tests run beside each other."""
    with threadpool_limits(1):
        yield


# --- real data ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sample(one_thread):
    days = customer_days(cdnow("sample"))
    found = forecast_purchases(days, "1997-09-30", 39)
    return found, bought_after(days, "1997-09-30", 39, found.customers.index)["purchases"].to_numpy()


def test_cdnow_is_forecast_better_than_by_bg_nbd(sample):
    found, actual = sample
    scores = evaluation.scores(actual, {"mine": found.customers["forecast"].to_numpy()}).loc["mine"]
    assert found.method == "geometric_mean"
    assert scores["deviance"] <= 1.53  # BG/NBD 1.599, Pareto/NBD 1.594
    assert scores["spearman"] >= 0.468  # .449, .460
    assert scores["auc"] >= 0.783  # .773, .779


def test_cdnows_intervals_hold_what_they_promise(sample):
    found, actual = sample
    often = found.customers["forecast"] > 1
    customers = found.customers[often]
    assert 0.93 <= evaluation.coverage(actual[often], customers["low"], customers["high"]) <= 0.97
    assert found.total_low < actual.sum() < found.total_high
    assert found.missed.startswith("missed the last holdout by ")


def test_a_wholesaler_is_forecast_better_than_by_bg_nbd():
    days = customer_days(online_retail())
    found = forecast_purchases(days, "2011-06-10", 26)
    actual = bought_after(days, "2011-06-10", 26, found.customers.index)["purchases"].to_numpy()
    forecast = found.customers["forecast"].to_numpy()
    scores = evaluation.scores(actual, {"mine": forecast}).loc["mine"]
    assert len(actual) == 2_811 and found.method == "geometric_mean"
    assert scores["mae"] <= 1.44  # BG/NBD 1.498
    assert scores["deviance"] <= 1.86  # 1.929
    assert abs(scores["total_error"]) <= 0.10
    often = found.customers[forecast > 1]
    assert 0.93 <= evaluation.coverage(actual[forecast > 1], often["low"], often["high"]) <= 0.97


def test_nothing_after_the_cutoff_is_looked_at(sample):
    orders = cdnow("sample")
    known = forecast_purchases(customer_days(orders[orders["day"] <= "1997-09-30"]), "1997-09-30", 39)
    pd.testing.assert_frame_equal(known.customers, sample[0].customers)


# --- features ----------------------------------------------------------------------------------------


def test_features_worked_by_hand():
    orders = pd.DataFrame(
        {"customer_id": ["a", "a", "a", "b"], "day": [0, 10, 40, 70], "amount": [9.0, 1.0, 2.0, 0.0]}
    )
    found = features(purchases(customer_days(orders)), 80, 4)
    a = [2, np.log(3), 0.5, 0.5, 0.25, 0.125, 0.375, 2.0, 0, 0, 0.35, np.log(5), np.log(10), 0, 1]
    b = [0, 0, 0, 1, 1, 0, 1, 1, 0, 0, 2.8, 0, 0, 1, 0.125]
    expected = pd.DataFrame([a, b], columns=list(FEATURES), index=pd.Index(["a", "b"], name="customer_id"))
    pd.testing.assert_frame_equal(found, expected.astype("float64"), check_index_type=False)


def test_features_do_not_know_the_unit_of_time():
    orders = pd.DataFrame(
        {"customer_id": [1, 1, 1, 2], "day": [0, 20, 50, 7], "amount": [9.0, 1.0, 2.0, 4.0]}
    )
    slow = orders.assign(day=orders["day"] * 10)
    pd.testing.assert_frame_equal(
        features(purchases(customer_days(orders)), 80, 4), features(purchases(customer_days(slow)), 800, 40)
    )


def test_learners_learn_from_earlier_cutoffs_and_never_from_the_time_ahead():
    days = customer_days(company(600, 400, seed=5))
    learnt = lessons(days, 300, 20)
    later = lessons(days[days["day"] <= 300], 300, 20)
    assert learnt is not None and later is not None
    assert learnt.table["horizon_share"].min() > 0
    pd.testing.assert_frame_equal(learnt.table, later.table)
    assert (learnt.purchases == later.purchases).all()


# --- fallbacks ---------------------------------------------------------------------------------------


def company(customers: int, span: int, seed: int, amount: str = "varied") -> pd.DataFrame:
    """Orders of customers who come in the first half of the span and fall silent by and by."""
    rng = np.random.default_rng(seed)
    first = rng.integers(0, max(span // 2, 1), customers)
    end = np.minimum(first + rng.exponential(span / 2, customers), span)
    count = rng.poisson(rng.gamma(0.7, 6.0, customers) * (end - first) / span)
    who = np.concatenate([np.arange(customers), np.repeat(np.arange(customers), count)])
    day = np.concatenate([first, np.floor(rng.uniform(np.repeat(first, count), np.repeat(end, count)))])
    money = np.full(len(who), 10.0) if amount == "one price" else rng.gamma(2, 20, len(who)).round(2)
    if amount == "odd":
        money = np.where(rng.random(len(who)) < 0.3, 0.0, np.where(rng.random(len(who)) < 0.3, -money, money))
    return pd.DataFrame({"customer_id": who, "day": day.astype("int64"), "amount": money})


@pytest.mark.parametrize(
    ("customers", "method"),
    [
        (60, {"mean_rate"}),
        (300, {"pareto_nbd", "bg_nbd", "nbd"}),
        (900, {"geometric_mean", "regression", "pareto_nbd", "bg_nbd"}),
    ],
)
def test_how_much_is_tried_depends_on_how_much_there_is(customers, method):
    found = forecast_purchases(customer_days(company(customers, 700, seed=2)), 700, 26)
    assert found.method in method
    assert found.backtest is not None
    assert ("boosting" in found.backtest.scores.index) is False
    assert ("regression" in found.backtest.scores.index) == (customers >= 500)


def test_boosting_joins_at_two_thousand_customers():
    found = candidates(customer_days(company(2_000, 500, seed=4)), 500, 20, ("regression", "boosting"))
    assert set(found.forecasts) >= {"regression", "boosting", "geometric_mean"}
    parts = [f for name, f in found.forecasts.items() if name != "geometric_mean"]
    assert found.forecasts["geometric_mean"] == pytest.approx(np.prod(parts, axis=0) ** (1 / len(parts)))


def test_where_everybody_buys_like_clockwork_the_mean_of_all_has_no_part_in_the_forecast():
    rng = np.random.default_rng(3)
    who, turn = np.repeat(np.arange(600), 12), np.tile(np.arange(12), 600)
    day = np.repeat(rng.integers(0, 200, 600), 12) + 30 * turn + rng.integers(-3, 4, len(who)) + 3
    days = customer_days(pd.DataFrame({"customer_id": who, "day": day, "amount": 10.0}))
    found = candidates(days, 300, 20, ("regression",))
    assert (found.model_name, found.default) == ("mean_rate", "regression")
    assert set(found.forecasts) == {"mean_rate", "regression"}


def sensible(found) -> bool:
    """No number missing or infinite, none below 0, every interval around its forecast's side of things."""
    numbers = found.customers.drop(columns="mean_repeat").to_numpy(dtype="float64")
    ends = [found.total, found.total_low, found.total_high, found.dispersion]
    whole = np.isfinite(numbers).all() and np.isfinite(ends).all() and (numbers[:, 6:] >= 0).all()
    return bool(whole and (found.customers["low"] <= found.customers["high"]).all() and found.method)


def odd_company(seed: int) -> pd.DataFrame:
    """One of the shapes that break models: few customers, one date, ties, refunds, one price, no repeats."""
    rng = np.random.default_rng(seed)
    shape, n = seed % 10, int(rng.integers(1, 90))
    orders = company(n, int(rng.integers(2, 900)), seed, ["varied", "one price", "odd"][seed % 3])
    if shape == 0:
        return orders.assign(day=5)
    if shape == 1:
        return orders[orders["customer_id"] == 0]
    if shape == 2:
        return orders.drop_duplicates("customer_id")
    if shape == 3:
        return pd.concat([orders.assign(customer_id=k) for k in range(120)]).assign(amount=1.0)
    if shape == 4:
        return orders.assign(amount=-orders["amount"].abs())
    if shape == 5:
        return orders.assign(amount=0.0)
    if shape == 6:
        return company(int(rng.integers(100, 500)), int(rng.integers(5, 300)), seed)
    if shape == 7:  # everybody every week, to the day
        weeks = np.arange(int(rng.integers(2, 40))) * 7
        return pd.DataFrame(
            {"customer_id": np.repeat(range(130), len(weeks)), "day": np.tile(weeks, 130), "amount": 3.0}
        )
    if shape == 8:
        return orders.assign(amount=orders["amount"] * 10.0 ** rng.integers(-9, 9, len(orders)))
    return orders


@pytest.mark.parametrize("block", range(10))
def test_odd_companies_get_a_forecast_and_its_name(block):
    for seed in range(block * 20, block * 20 + 20):
        orders = odd_company(seed)
        days, last = customer_days(orders), int(orders["day"].max())
        found = forecast_purchases(days, last, 26)
        assert sensible(found), seed
        worth = value_forecast(purchases(days, last))
        assert np.isfinite(worth.mean_amount).all() and (worth.mean_amount >= 0).all(), seed
        assert worth.method == "gamma_gamma" or worth.reason
        if found.model is not None:
            clv = lifetime_value(
                found.model, found.customers, worth.mean_amount, 0.3, 0.1, 36, found.customers["level"]
            )
            assert np.isfinite(clv.clv).all() and (clv.clv >= 0).all(), seed


def test_nobody_is_a_company_too():
    found = forecast_purchases(customer_days(company(5, 100, seed=1)), -1, 26)
    assert (len(found.customers), found.total, found.method) == (0, 0.0, "none")


def test_a_time_of_no_length_is_refused():
    with pytest.raises(ValueError, match="weeks is 0"):
        forecast_purchases(customer_days(company(5, 100, seed=1)), 100, 0)


def test_a_forecast_is_the_same_twice_and_money_does_not_change_who_buys():
    orders = company(700, 500, seed=9)
    one = forecast_purchases(customer_days(orders), 500, 20)
    other = forecast_purchases(customer_days(orders.sample(frac=1, random_state=1)), 500, 20)
    pd.testing.assert_frame_equal(one.customers, other.customers)


# --- choosing and judging ----------------------------------------------------------------------------


def test_another_forecast_is_chosen_only_when_it_is_better_beyond_chance():
    rng = np.random.default_rng(0)
    mean = rng.gamma(1, 2, 2_000)
    actual = rng.poisson(mean)
    found = {"default": mean * 1.5, "right": mean, "nearly": mean * 1.1}
    assert choose(found, "default", actual)[0] == "right"
    assert choose(found, "right", actual)[0] == "right"
    assert choose({name: f[:1] for name, f in found.items()}, "default", actual[:1])[0] == "default"


def test_the_main_holdout_is_as_long_as_the_forecast_or_half_the_history():
    long = origins(0, 1000, 26)
    assert (long[0].cutoff, long[0].weeks) == (1000 - 182, 26)
    assert [origin.cutoff for origin in long] == [818, 727, 636, 545]
    short = origins(0, 272, 39)
    assert (short[0].cutoff, short[0].weeks) == (136, 136 / 7)
    assert [origin.cutoff for origin in short] == [136, 170, 204]
    assert all(origin.cutoff + origin.weeks * 7 <= 272 for origin in short)
    assert origins(0, 3, 39) == []


def test_deviance_spearman_auc_and_total_worked_by_hand():
    actual, forecast = [0, 2, 1, 0], [0.5, 2.0, 0.5, 0.2]
    each = [1.0, 0.0, 2 * (np.log(2) - 0.5), 0.4]
    assert evaluation.poisson_deviances(actual, forecast) == pytest.approx(each)
    assert evaluation.auc([0, 1, 1, 0], forecast) == pytest.approx(3.5 / 4)
    assert evaluation.total_error(actual, forecast) == pytest.approx(3.2 / 3 - 1)
    assert evaluation.spearman(actual, forecast) == pytest.approx(5 / 6)  # ranks 1.5 4 3 1.5 and 2.5 4 2.5 1
    assert np.isnan(evaluation.auc([1, 1], [1, 2])) and np.isnan(evaluation.total_error([0], [1]))


def test_deciles_add_up_and_come_highest_first():
    actual, forecast = np.arange(25) % 3, np.arange(25) / 10
    table = evaluation.decile_table(actual, forecast)
    assert table["customers"].sum() == 25
    assert table["share"].sum() == pytest.approx(1)
    assert table["forecast"].is_monotonic_decreasing
    assert evaluation.decile_table([1], [1.0])["customers"].tolist() == [1]


def test_verdicts():
    rng = np.random.default_rng(1)
    mean = rng.gamma(0.5, 4, 3_000)
    actual, flat = rng.poisson(mean), np.full(3_000, mean.mean())
    judge = evaluation.verdict
    assert judge(3_000, actual, mean, {"mean_rate": flat}, 0.95) == Verdict("usable", ())
    assert judge(200, actual, mean, {"mean_rate": flat}, np.nan).word == "indicative"
    assert judge(3_000, actual, mean * 1.25, {"mean_rate": flat}, 0.95).word == "indicative"
    assert judge(3_000, actual, mean, {"mean_rate": flat}, 0.8).word == "indicative"
    assert judge(3_000, actual, mean * 1.5, {"mean_rate": flat}, 0.95).word == "do not use"
    assert judge(3_000, actual, flat, {"mean_rate": mean}, 0.95).word == "do not use"
    assert judge(3_000, actual * 0, mean, {"mean_rate": flat}, 0.95).word == "do not use"


def test_the_dispersion_of_negative_binomial_counts_is_found_again():
    rng = np.random.default_rng(2)
    mean = rng.gamma(2, 2, 20_000)
    counts = rng.negative_binomial(mean / 1.5, 1 / 2.5)
    assert intervals.dispersion(counts, mean) == pytest.approx(2.5, rel=0.05)
    assert intervals.dispersion(rng.poisson(mean), mean) == pytest.approx(1, abs=0.05)
    low, high = intervals.count_interval(mean, 2.5)
    assert (
        0.95 <= evaluation.coverage(counts, low, high) <= 0.99
    )  # counts are whole: a little more than asked
    assert intervals.p_any(mean, 2.5).mean() == pytest.approx((counts > 0).mean(), abs=0.01)
    assert intervals.p_any([0.0, 1.0], 1.0) == pytest.approx([0, 1 - np.exp(-1)])


@pytest.mark.parametrize("spread", [1.0, 1.7, 40.0])
def test_the_interval_of_a_count_is_whole_and_holds_its_own_forecast(spread):
    mean = np.array([0.0, 1e-9, 0.001, 0.02, 0.4, 0.9, 1.0, 1.5, 7.3, 250.0])
    low, high = intervals.count_interval(mean, spread)
    assert (low <= mean).all() and (mean <= high).all()
    assert (low == np.floor(low)).all() and (high == np.floor(high)).all()
    assert (low[:2].tolist(), high[:3].tolist()) == ([0, 0], [0, 1, 1])


@pytest.mark.parametrize("margin", [0.3, -0.3])
def test_the_interval_of_a_value_holds_the_value_whatever_the_margin(margin):
    ahead = np.array([0.0, 0.001, 0.3, 1.0, 6.6])
    worth = margin * 37 * ahead * 0.93
    low, high = counts_scaled(worth, ahead, 1.7)
    assert (low <= worth).all() and (worth <= high).all()
    assert (low[1:] < high[1:]).all()


def test_a_totals_interval_comes_from_earlier_errors():
    assert intervals.total_interval(100, []) == (0.0, 200.0)
    low, high = intervals.total_interval(100, [0.1, -0.1, 0.05])
    assert 60 < low < 100 < high < 160
    wider = intervals.total_interval(100, [0.2, -0.2, 0.1])
    assert wider[0] < low and high < wider[1]
