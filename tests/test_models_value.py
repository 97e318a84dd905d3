"""What a purchase and a customer are worth."""

import numpy as np
import pandas as pd
import pytest

from analysis.models.orders import customer_days, purchases, summary
from analysis.models.purchases import NBD, MeanRate
from analysis.models.value import (
    LEAST_PAIRS,
    GammaGamma,
    faded,
    lifetime_value,
    log_likelihood,
    pull,
    slope,
    value_forecast,
)


def shop(customers: int, seed: int, related: bool = False) -> pd.DataFrame:
    """Orders whose amounts are of Gamma-Gamma's world: p 5, q 4, gamma 30 (mean 50)."""
    rng = np.random.default_rng(seed)
    n = 1 + rng.poisson(rng.gamma(1, 4, customers))
    scale = 1 / rng.gamma(4, 1 / 30, customers)
    if related:
        scale = 2.0 + n
    who = np.repeat(np.arange(customers), n)
    day = np.concatenate([np.arange(k) * 5 for k in n])
    return pd.DataFrame({"customer_id": who, "day": day, "amount": rng.gamma(5, scale[who])})


def test_the_gradient_of_gamma_gamma_is_that_of_the_likelihood():
    x, m, weight = np.array([1.0, 2, 7]), np.array([3.0, 0.4, 1.1]), np.array([1.0, 5, 2])
    objective, at = log_likelihood(x, m, weight), np.array([5.0, 3.0, 1.5])
    for number, step in enumerate(np.diag(at * 1e-6)):
        numeric = (objective(at + step)[0] - objective(at - step)[0]) / (2 * step[number])
        assert objective(at)[1][number] == pytest.approx(numeric, rel=1e-6)


def test_a_known_world_of_amounts_is_found_again():
    bought = purchases(customer_days(shop(20_000, seed=1)))
    customers = summary(bought, 100_000)
    fitted = GammaGamma().fit(customers[["orders", "mean_amount"]])
    assert [fitted.p_, fitted.q_, fitted.gamma_] == pytest.approx([5, 4, 30], rel=0.08)
    assert fitted.mean_ == pytest.approx(50, rel=0.03)
    assert fitted.predict([[0, 0], [1_000_000, 20]]) == pytest.approx([fitted.mean_, 20], rel=1e-3)


def test_gamma_gamma_knows_no_currency():
    customers = summary(purchases(customer_days(shop(400, seed=2))), 100_000)[["orders", "mean_amount"]]
    one, ten = GammaGamma().fit(customers), GammaGamma().fit(customers * [1, 10])
    assert [ten.p_, ten.q_, ten.gamma_] == pytest.approx([one.p_, one.q_, 10 * one.gamma_], rel=1e-4)
    assert ten.predict(customers * [1, 10]) == pytest.approx(10 * one.predict(customers), rel=1e-4)


@pytest.mark.parametrize("X", [[[1, 2, 3]], np.zeros((0, 2)), [[1, np.nan]], [[1, -1]]])
def test_values_that_cannot_be_are_refused(X):
    with pytest.raises(ValueError, match=r"shape|no customers|missing"):
        GammaGamma().fit(X)


def test_one_price_is_worth_its_price():
    orders = pd.DataFrame({"customer_id": [1, 1, 2, 2, 3], "day": [1, 2, 1, 5, 9], "amount": 10.0})
    found = value_forecast(purchases(customer_days(orders)))
    assert found.method == "mean_amount"
    assert "no difference of amounts" in found.reason
    assert found.mean_amount.tolist() == [10.0, 10.0, 10.0]
    assert not found.related


def test_nothing_but_free_orders_are_worth_nothing():
    orders = pd.DataFrame({"customer_id": [1, 2], "day": [1, 2], "amount": 0.0})
    found = value_forecast(purchases(customer_days(orders)))
    assert (found.method, found.reason, found.mean_amount.tolist()) == (
        "mean_amount",
        "no purchase above 0",
        [0, 0],
    )


def test_an_outlier_counts_as_the_quantile_but_not_a_large_customers_usual_order():
    orders = pd.concat([shop(1_000, seed=3), pd.DataFrame({"customer_id": 0, "day": 4_001, "amount": [1e6]})])
    usual = pd.DataFrame({"customer_id": 5_000, "day": [1, 2, 3, 4], "amount": 5_000.0})
    found = value_forecast(purchases(customer_days(pd.concat([orders, usual]))))
    assert found.method == "gamma_gamma"
    assert found.mean_amount.loc[0] < 1_000
    assert found.mean_amount.loc[5_000] > 3_000


def test_a_warning_where_those_who_buy_more_often_buy_for_more():
    assert value_forecast(purchases(customer_days(shop(500, seed=4, related=True)))).related
    assert not value_forecast(purchases(customer_days(shop(500, seed=4)))).related


def grouped(orders: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Customer, amount of each purchase; number and mean amount of each customer's."""
    bought = purchases(customer_days(orders))
    customer, net = pd.factorize(bought["customer_id"])[0], bought["net"].to_numpy()
    n = np.bincount(customer).astype("float64")
    return customer, net, n, np.bincount(customer, weights=net) / n


def test_how_amounts_go_with_frequency_is_found_again():
    orders = shop(5_000, seed=5)
    assert slope(*grouped(orders)[2:]) == pytest.approx(0, abs=0.03)
    often = orders.groupby("customer_id")["amount"].transform("size")
    assert slope(*grouped(orders.assign(amount=orders["amount"] * often**0.3))[2:]) == pytest.approx(
        0.3, abs=0.03
    )
    assert slope(np.array([2.0, 2.0]), np.array([1.0, 9.0])) == 0, "all bought as often"
    assert 0 < slope(np.array([1.0, 2.0]), np.array([10.0, 20.0])) < 0.2, "two customers say little"


def test_a_customers_own_mean_counts_as_much_as_it_has_told_before():
    customer, net, n, _ = grouped(shop(20_000, seed=6))
    everyone = np.full(len(n), 50.0)
    assert pull(customer, net, n, everyone, 9.0) == pytest.approx(3 / 5, rel=0.15), "(q - 1) / p"
    rng = np.random.default_rng(7)
    assert pull(customer, rng.permutation(net), n, everyone, 9.0) > 50, "amounts of anybody tell nothing"
    own = np.repeat(rng.gamma(2, 25, len(n)), n.astype(int))
    assert pull(customer, own, n, everyone, 9.0) < 0.05, "always the same amount"
    few = np.flatnonzero(np.arange(len(customer)) - (np.cumsum(n) - n)[customer] > 0)[LEAST_PAIRS - 1]
    part = np.bincount(customer[:few]).astype("float64")
    assert pull(customer[:few], net[:few], part, everyone[: len(part)], 9.0) == 9.0
    assert pull(10 * customer[:0], net[:0], n[:0], everyone[:0], 9.0) == 9.0


def test_later_purchases_count_more():
    mean, worth = faded(np.array([0, 0, 1]), np.array([100.0, 200.0, 7.0]), np.array([2.0, 1.0]))
    assert mean == pytest.approx([(0.95 * 100 + 200) / 1.95, 7])
    assert worth == pytest.approx([1.95**2 / (0.95**2 + 1), 1])


def test_customers_of_one_purchase_that_tells_nothing_are_expected_to_spend_as_others():
    rng = np.random.default_rng(8)
    orders = shop(2_000, seed=8)
    noise = orders.assign(amount=rng.permutation(orders["amount"].to_numpy()))
    found = value_forecast(purchases(customer_days(noise)))
    assert found.mean_amount.std() < 0.1 * found.mean_amount.mean()
    assert found.mean_amount.mean() == pytest.approx(orders["amount"].mean(), rel=0.05)


def test_lifetime_value_worked_by_hand():
    customers = pd.DataFrame({"repeats": [4.0], "t_x_weeks": [8.0], "age_weeks": [10.0]}, index=["a"])
    model = MeanRate().fit(customers)  # 0.4 purchases a week
    found = lifetime_value(model, customers, [50.0], margin=0.2, annual_discount=0.1, horizon_months=1)
    weeks = 365.25 / 7 / 12  # 4.348: four weeks and a part
    ends, begins = np.array([1, 2, 3, 4, weeks]), np.array([0, 1, 2, 3, 4])
    factor = 1.1 ** -((ends + begins) / 2 / (365.25 / 7))
    by_hand = 0.2 * 50 * 0.4 * ((ends - begins) * factor).sum()
    assert found.clv.to_dict() == pytest.approx({"a": by_hand})
    assert found.purchases.to_dict() == pytest.approx({"a": 0.4 * weeks})
    assert (found.beyond, found.note) == (False, "")


def test_a_lifetime_value_says_when_it_goes_beyond_experience():
    customers = pd.DataFrame({"repeats": [4.0], "t_x_weeks": [8.0], "age_weeks": [10.0]})
    found = lifetime_value(MeanRate().fit(customers), customers, [1.0], 1.0, 0.1, horizon_months=12)
    assert found.beyond
    assert found.note.startswith("the horizon of 52 weeks is longer than the 10 weeks observed")


def test_lifetime_value_grows_with_margin_level_and_horizon_and_falls_with_the_discount():
    customers = pd.DataFrame({"repeats": [4.0, 0], "t_x_weeks": [8.0, 0], "age_weeks": [10.0, 9]})
    model = NBD().with_parameters(0.5, 9.0)

    def worth(margin=0.5, discount=0.1, months=12.0, level=1.0):
        return lifetime_value(model, customers, [30.0, 20.0], margin, discount, months, level).clv.to_numpy()

    assert worth(margin=1.0) == pytest.approx(2 * worth())
    assert worth(level=3.0) == pytest.approx(3 * worth())
    assert (worth(months=24) > worth()).all()
    assert (worth(discount=0.2) < worth()).all()
    assert (worth(months=0) == 0).all()
