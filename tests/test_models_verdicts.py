"""What a verdict rests on: the forecast in use and no other, and whether that tells customers apart."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis.models import buyers, contracts
from analysis.models.contract_backtest import MODEL, ContractBacktest
from analysis.models.evaluation import verdict
from analysis.models.forecast import forecast_purchases
from analysis.models.hazard import DiscreteTimeHazard
from analysis.models.orders import bought_after, customer_days

RISK = np.array([0.1, 0.2, 0.3])
BASELINES = {"": MODEL, "kaplan_meier": "Kaplan-Meier", "kaplan_meier_by_plan": "Kaplan-Meier by plan"}


def backtest(concordance: float = 0.7) -> ContractBacktest:
    """A hazard model that was right to the customer, and baselines that forecast twice as many leavers."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"month": rng.integers(1, 20, 400), "x": rng.random(400)})
    model = DiscreteTimeHazard(challenger=False).fit(table, (rng.random(400) < 0.3).astype(int))
    columns = {"group": [0, 1], "n": [100, 100], "observed": [0.2, 0.6], "low": 0.0, "high": 1.0}
    right = pd.DataFrame(columns | {"predicted": [0.2, 0.6], "horizon": 12})
    calibrations = {name: right.assign(predicted=[0.4, 1.0]) for name in BASELINES.values()} | {MODEL: right}
    scores = pd.DataFrame({"ibs": 0.1, "uno_c": concordance}, index=list(BASELINES.values()))
    return ContractBacktest(scores, calibrations, 200, 80, 12, model)


def fitted(past: ContractBacktest, fallback: str = "") -> contracts.Fitted:
    return contracts.Fitted([(np.arange(3), past.model)], fallback, BASELINES[fallback])


def test_the_model_that_was_right_is_usable():
    past = backtest()
    assert contracts.judged(past, fitted(past), RISK)[1].word == "usable"


@pytest.mark.parametrize("concordance", [0.5, 0.42, np.nan])
def test_a_forecast_of_contracts_that_ranks_no_better_than_chance_is_not_to_be_used(concordance):
    past = backtest(concordance)
    word = contracts.judged(past, fitted(past), RISK)[1]
    assert word.word == "do not use"
    assert "ranks" in word.reasons[0]


def several(last: dict[str, float], before: dict[str, float]) -> ContractBacktest:
    """Two holdouts of as many customers and ends, with these scores of Kaplan-Meier by plan."""
    past, other = backtest(), backtest()
    for one, scores in ((past, last), (other, before)):
        for name, score in scores.items():
            one.scores.loc["Kaplan-Meier by plan", name] = score
    return replace(past, earlier=(other,))


def alive_and_table() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Person-periods of the same market as `backtest`, and three customers alive."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"customer_id": range(400), "month": rng.integers(1, 20, 400), "x": rng.random(400)})
    table = table.assign(plan="a", churned=(rng.random(400) < 0.3).astype(int), weight=1.0)
    return table, table.head(3).drop(columns=["churned", "weight"])


def test_model_or_baseline_is_decided_by_all_holdouts_together():
    table, alive = alive_and_table()
    lucky = several({"ibs": 0.099}, {"ibs": 0.12})
    fitted_now, notes = contracts.best(table, alive, lucky)
    assert (fitted_now.fallback, fitted_now.tested) == ("", MODEL)
    better = several({"ibs": 0.101}, {"ibs": 0.08})
    fitted_now, notes = contracts.best(table, alive, better)
    assert fitted_now.fallback == "kaplan_meier_by_plan"
    said = "from 2 earlier days Kaplan-Meier by plan forecast better than the model on average"
    assert said in notes[0]
    assert any(said in reason for reason in contracts.judged(better, fitted_now, RISK)[1].reasons)
    alone = replace(several({"ibs": 0.099}, {}), earlier=())
    assert "forecast the last holdout better" in contracts.best(table, alive, alone)[1][0]


def test_whether_it_ranks_is_told_by_all_holdouts_together():
    past, other = backtest(0.45), backtest(0.7)
    assert "ranks" in contracts.judged(past, fitted(past), RISK)[1].reasons[0]
    both = replace(past, earlier=(other,))
    assert contracts.judged(both, fitted(both), RISK)[1].word == "usable"


def test_one_forecast_for_all_contracts_is_not_to_be_used():
    past = backtest()
    word = contracts.judged(past, fitted(past), np.full(3, 0.2))[1]
    assert (word.word, "everybody has the same forecast" in word.reasons[0]) == ("do not use", True)
    alone = contracts.judged(past, fitted(past, "kaplan_meier"), RISK)[1]
    assert (alone.word, "time as a customer" in alone.reasons[0]) == ("do not use", True)


def test_what_was_missed_is_what_the_baseline_in_use_missed():
    past = backtest()
    assert contracts.judged(past, fitted(past), RISK)[0] == pytest.approx(0)
    missed, word = contracts.judged(past, fitted(past, "kaplan_meier_by_plan"), RISK)
    assert missed == pytest.approx(140 / 80 - 1)
    assert word.word == "do not use"
    shown = contracts.shown_calibration(past, "Kaplan-Meier by plan")
    assert shown["predicted"].tolist() == [0.4, 1.0]


def test_a_model_of_another_kind_than_the_tested_one_is_at_most_indicative():
    past = backtest()
    simple = DiscreteTimeHazard().fit(pd.DataFrame({"month": [1] * 20}), [1] * 2 + [0] * 18)
    word = contracts.judged(replace(past, model=simple), fitted(past), RISK)[1]
    assert (word.word, "another kind" in word.reasons[0]) == ("indicative", True)


def test_forecasts_of_orders_that_rank_nobody_are_not_to_be_used():
    rng = np.random.default_rng(1)
    mean = rng.gamma(0.5, 4, 3_000)
    actual = rng.poisson(mean)
    flat = verdict(3_000, actual, np.full(3_000, actual.mean()), {}, 0.95)
    assert (flat.word, "everybody has the same forecast" in flat.reasons[0]) == ("do not use", True)
    shuffled = verdict(3_000, actual, mean.max() - mean, {}, 0.95)
    assert shuffled.word == "do not use"
    assert any("no better than chance" in reason for reason in shuffled.reasons)
    assert verdict(3_000, actual + 1, mean + 1, {}, 0.95).word == "usable", "all bought: Spearman's rank"


def shop() -> pd.DataFrame:
    """Customers who differ in how often they buy, over two years."""
    rng = np.random.default_rng(3)
    rate, first = rng.gamma(1.2, 0.03, 300), rng.integers(0, 250, 300)
    rows = []
    for i in range(300):
        later = rng.integers(first[i], 730, rng.poisson(rate[i] * (730 - first[i])))
        rows += [(i, int(day)) for day in {int(first[i]), *later}]
    return customer_days(pd.DataFrame(rows, columns=["customer_id", "day"]).assign(amount=10.0))


def test_the_rival_that_is_used_is_shown_with_its_own_deciles_error_and_verdict(monkeypatch):
    days = shop()
    found = forecast_purchases(days, 729, 26)
    assert found.backtest is not None
    scores = found.backtest.scores.copy()
    scores.loc["naive_rate", "deviance"], scores.loc["mean_rate", "deviance"] = -2.0, -1.0
    losing = replace(found, backtest=replace(found.backtest, scores=scores))
    used = buyers.in_use(days, 729, losing)
    past = used.forecast.backtest
    assert (used.fallback, past.chosen, used.forecast.method) == ("naive_rate",) * 3
    later = bought_after(days, past.cutoff, past.weeks, found.customers.index)["purchases"]
    table = past.deciles
    assert (table["customers"] * table["actual"]).sum() == pytest.approx(later.sum())
    total = (table["customers"] * table["forecast"]).sum()
    assert used.missed == pytest.approx(total / later.sum() - 1)
    assert used.missed == pytest.approx(scores.loc["naive_rate", "total_error"])
    assert used.errors[0] == used.missed
    assert "naive rate forecast the last holdout better" in used.verdict.reasons[0]
    assert buyers.deciles(used)["predicted"].tolist() == table["forecast"].tolist()
    # where the best rival cannot be made today, the next one is used, and judged as what it is
    made = buyers.forecast_by
    monkeypatch.setattr(
        buyers, "forecast_by", lambda name, *rest: None if name == "naive_rate" else made(name, *rest)
    )
    second = buyers.in_use(days, 729, losing)
    assert (second.fallback, second.verdict.word) == ("mean_rate", "do not use")
    assert any("everybody has the same forecast" in reason for reason in second.verdict.reasons)
    assert second.forecast.customers["forecast"].nunique() == 1


def test_a_forecast_that_was_never_tested_says_so_and_is_not_to_be_used():
    days = shop()
    found = replace(forecast_purchases(days, 729, 26), method="boosting")
    used = buyers.in_use(days, 729, found)
    assert used.verdict.word == "do not use"
    assert "never tested" in used.verdict.reasons[0]
    assert used.forecast.backtest is None and np.isnan(used.missed)
    assert buyers.deciles(used).empty


def test_a_tested_forecast_under_another_name_is_tested_again():
    days = shop()
    found = replace(forecast_purchases(days, 729, 26), method="nbd")
    used = buyers.in_use(days, 729, found)
    assert used.forecast.backtest.chosen in ("nbd", used.fallback)
    assert used.missed == used.forecast.backtest.missed


def test_a_rank_that_chance_may_explain_is_at_most_indicative():
    past = replace(backtest(0.55), ends=40)  # of 40 ends, .09 above .5 may be chance
    word = contracts.judged(past, fitted(past), RISK)[1]
    assert word.word == "indicative" and word.reasons == (contracts.BY_CHANCE,)
    assert contracts.judged(replace(past, ends=1_000), fitted(past), RISK)[1].word == "usable"


def test_a_baseline_in_use_also_says_when_the_purchases_come():
    rng = np.random.default_rng(11)
    first = rng.integers(0, 300, 90)
    end = np.minimum(first + rng.exponential(150, 90), 600)
    count = rng.poisson(rng.gamma(1, 20, 90) * (end - first) / 600)
    who = np.concatenate([np.arange(90), np.repeat(np.arange(90), count)])
    day = np.concatenate([first, np.floor(rng.uniform(np.repeat(first, count), np.repeat(end, count)))])
    days = customer_days(pd.DataFrame({"customer_id": who, "day": day.astype(int), "amount": 10.0}))
    found = forecast_purchases(days, 600, 26)
    assert found.model_name == "mean_rate" and found.backtest is not None
    used = buyers.in_use(days, 600, found).forecast
    assert used.method == used.model_name == "bg_nbd"
    assert used.customers["level"].to_numpy() == pytest.approx(1.0)
    ahead = used.model.expected(used.customers, 156.0).sum()
    assert ahead < 5 * used.total  # customers fall silent: three years are less than six half-years
