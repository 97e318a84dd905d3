"""The value of customers under contract: by hand, laws, and coverage where the truth is known."""

import numpy as np
import pandas as pd
import pytest

from analysis.models.contract_value import contract_values, discount_factors
from analysis.models.hazard import DiscreteTimeHazard


def tenth() -> DiscreteTimeHazard:
    """Ten per cent leave every month: the life table of twenty customers watched for a month, two left."""
    return DiscreteTimeHazard().fit(pd.DataFrame({"month": [1] * 20}), [1] * 2 + [0] * 18)


def alive(prices: list[float], month: int = 1) -> pd.DataFrame:
    names = [f"C{i}" for i in range(len(prices))]
    return pd.DataFrame({"customer_id": names, "month": month, "price": prices})


def test_a_value_worked_by_hand():
    worth = contract_values(tenth(), alive([100.0, 10.0]), margin=0.5, discount_rate=0.0, months=2)
    np.testing.assert_allclose(worth.customers["value"], [50 * (0.9 + 0.81), 5 * (0.9 + 0.81)])
    np.testing.assert_allclose(worth.customers["value_if_stays"], [100, 10])
    np.testing.assert_allclose(worth.customers["churn_12"], 1 - 0.9**12)
    assert worth.total["value"] == pytest.approx(55 * 1.71)
    assert worth.customers["customer_id"].tolist() == ["C0", "C1"]


def test_what_comes_later_is_worth_less():
    worth = contract_values(tenth(), alive([100.0]), margin=1.0, discount_rate=0.21, months=24)
    by_hand = sum(100 * 0.9**k * 1.21 ** (-k / 12) for k in range(1, 25))
    assert worth.customers["value"].item() == pytest.approx(by_hand)
    np.testing.assert_allclose(discount_factors(0.21, 24)[[11, 23]], [1 / 1.21, 1 / 1.21**2])


def test_survival_is_conditional_on_the_months_already_lived():
    months = [1] * 8 + [2] * 4
    model = DiscreteTimeHazard().fit(pd.DataFrame({"month": months}), [1, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0])
    worth = contract_values(model, alive([100.0], month=2), margin=1.0, discount_rate=0.0, months=1)
    assert worth.customers["value"].item() == pytest.approx(75), "the first month's risk is behind them"


def test_nobody_left_is_worth_the_whole_horizon_and_never_more():
    model = DiscreteTimeHazard().fit(pd.DataFrame({"month": [1, 2, 3]}), [0, 0, 0])
    worth = contract_values(model, alive([10.0]), margin=1.0, discount_rate=0.0)
    row = worth.customers.iloc[0]
    assert row["value"] == row["high"] == row["value_if_stays"] == 360
    everybody = DiscreteTimeHazard().fit(pd.DataFrame({"month": [1, 1]}), [1, 1])
    assert contract_values(everybody, alive([10.0]), margin=1.0).total["value"] == 0


def test_the_interval_of_a_loss_is_that_of_the_profit_turned_round():
    gain, loss = (contract_values(tenth(), alive([100.0, 10.0]), margin=m) for m in (0.4, -0.4))
    found = loss.customers
    assert (found["low"] < found["value"]).all() and (found["value"] < found["high"]).all()
    np.testing.assert_allclose(found[["low", "high"]], -gain.customers[["high", "low"]])
    assert loss.total["low"] == pytest.approx(-gain.total["high"])


def market(seed: int, n: int = 500) -> tuple[pd.DataFrame, pd.DataFrame, np.ndarray]:
    """Person-periods of a known hazard, the customers alive after 24 months, and their true hazard."""
    rng = np.random.default_rng(seed)
    x, price = rng.normal(size=n), rng.gamma(4, 25, n)
    hazard = 1 / (1 + np.exp(3.2 - 0.7 * x))
    life = np.ceil(np.log(rng.random(n)) / np.log1p(-hazard)).astype("int64")
    watched = rng.integers(6, 25, n)  # months since they began
    last = np.minimum(life, watched)
    row = np.repeat(np.arange(n), last)
    month = np.concatenate([np.arange(1, k + 1) for k in last])
    table = pd.DataFrame({"customer_id": row, "month": month, "period": 24000 + 24 - watched[row] + month})
    table["x"], table["price"] = x[row], price[row]
    table["churned"] = ((month == last[row]) & (life <= watched)[row]).astype(int)
    there = life > watched
    now = pd.DataFrame(
        {"customer_id": np.arange(n), "month": watched + 1, "period": 24025, "x": x, "price": price}
    )
    return table, now[there].reset_index(drop=True), hazard[there]


def test_intervals_hold_the_truth_as_often_as_they_say():
    """Forty known markets: the expected values (95 %) and what is then really paid."""
    of_total, of_customers, of_realised = [], [], []
    paid = discount_factors(0.1, 24)
    for seed in range(40):
        table, now, hazard = market(seed)
        model = DiscreteTimeHazard(term_months=0, random_state=seed)
        model.fit(table.drop(columns="churned"), table["churned"])
        worth = contract_values(model, now, margin=1.0, months=24)
        truth = now["price"] * ((1 - hazard)[:, None] ** np.arange(1, 25) @ paid)
        lasts = np.random.default_rng(1000 + seed).geometric(hazard) - 1
        realised = (now["price"] * np.append(0, np.cumsum(paid))[np.minimum(lasts, 24)]).sum()
        total, rows = worth.total, worth.customers
        of_total.append(total["low"] <= truth.sum() <= total["high"])
        of_customers.append(((rows["low"] <= truth) & (truth <= rows["high"])).mean())
        of_realised.append(total["realised_low"] <= realised <= total["realised_high"])
    assert np.mean(of_total) >= 0.85
    assert np.mean(of_customers) >= 0.88
    assert np.mean(of_realised) >= 0.85
    assert np.mean(of_customers) < 1


@pytest.fixture(scope="module")
def fitted() -> tuple[DiscreteTimeHazard, pd.DataFrame]:
    table, now, _ = market(7)
    return DiscreteTimeHazard(term_months=0).fit(table.drop(columns="churned"), table["churned"]), now


def test_parts_sum_to_the_whole_and_the_order_is_irrelevant(fitted):
    model, now = fitted
    worth = contract_values(model, now, margin=0.6)
    assert worth.customers["value"].sum() == pytest.approx(worth.total["value"])
    assert worth.total["customers"] == len(now)
    mixed = contract_values(model, now.sample(frac=1, random_state=1), margin=0.6)
    pd.testing.assert_frame_equal(mixed.customers.sort_index(), worth.customers)
    pd.testing.assert_series_equal(mixed.total, worth.total)


def test_intervals_enclose_the_value_and_stay_below_what_a_customer_can_pay(fitted):
    worth = contract_values(*fitted, margin=0.6)
    rows, total = worth.customers, worth.total
    assert ((rows["low"] > 0) & (rows["low"] < rows["value"]) & (rows["value"] < rows["high"])).all()
    assert (rows["high"] < rows["value_if_stays"]).all()
    assert total["realised_low"] < total["low"] < total["value"] < total["high"] < total["realised_high"]


def test_more_margin_more_months_and_less_discount_are_worth_more(fitted):
    model, now = fitted
    base = contract_values(model, now, margin=0.5, discount_rate=0.1, months=12)
    double = contract_values(model, now, margin=1.0, discount_rate=0.1, months=12)
    np.testing.assert_allclose(double.total.iloc[1:], 2 * base.total.iloc[1:])
    longer = contract_values(model, now, margin=0.5, discount_rate=0.1, months=36)
    dearer = contract_values(model, now, margin=0.5, discount_rate=0.0, months=12)
    assert (longer.customers["value"] > base.customers["value"]).all()
    assert (dearer.customers["value"] > base.customers["value"]).all()
    np.testing.assert_allclose(base.customers["churn_12"], model.predict_churn(now, 12))


def test_the_gradient_is_that_of_small_steps(fitted):
    model, now = fitted
    few = now.head(5)
    months, step = 18, 1e-6
    paid = discount_factors(0.1, months)
    hazard = model.predict_hazards(few, months)
    rest = np.cumsum((np.cumprod(1 - hazard, axis=1) * paid)[:, ::-1], axis=1)[:, ::-1]
    gradient = model.gradient(few, -hazard * rest)
    for place in range(len(model.coef_)):
        kept, values = model.coef_.copy(), []
        for sign in (1, -1):
            model.coef_ = kept + sign * step * np.eye(len(kept))[place]
            values.append(np.cumprod(1 - model.predict_hazards(few, months), axis=1) @ paid)
        model.coef_ = kept
        np.testing.assert_allclose(gradient[:, place], (values[0] - values[1]) / (2 * step), atol=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"months": 0}, "horizon"),
        ({"discount_rate": -1.0}, "discount_rate"),
        ({"alive": alive([np.nan])}, "price"),
        ({"alive": alive([-1.0])}, "price"),
    ],
)
def test_what_cannot_be_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        contract_values(tenth(), **({"alive": alive([1.0]), "margin": 0.5} | options))


def test_no_customers_are_worth_nothing():
    worth = contract_values(tenth(), alive([]), margin=0.5)
    assert len(worth.customers) == 0
    assert worth.total.tolist() == [0] * 6
