"""Purchase models: published figures, gradients, known truths found again, scikit-learn's rules."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils import estimator_checks

from analysis.models.likelihood import grouped
from analysis.models.orders import bought_after, customer_days, purchases, summary
from analysis.models.pareto import ParetoNBD
from analysis.models.purchases import BGNBD, MBGNBD, NBD, MeanRate, customer_columns
from analysis.models.value import GammaGamma
from real_orders import cdnow

MODELS = [NBD, BGNBD, MBGNBD, ParetoNBD]
CALIBRATED = "1997-09-30"  # of CDNOW: 39 weeks; the other 39 are held out

# Four CDNOW customers: repeats, days from first to last purchase, days from first purchase to cut-off.
KNOWN = np.array([[2, 213, 272], [1, 12, 272], [0, 0, 272], [26, 216, 217]]) / np.array([1, 7, 7])
BG = BGNBD().with_parameters(0.243, 4.414, 0.793, 2.426)  # Fader, Hardie and Lee 2005, table 2
PARETO = ParetoNBD().with_parameters(0.553, 10.578, 0.606, 11.669)  # the same customers; BTYD's manual


def exactly(values):
    return pytest.approx(values, rel=1e-9)


# --- published figures -------------------------------------------------------------------------------


def test_bg_nbd_at_the_published_parameters_forecasts_what_lifetimes_does():
    forecast = [1.2261158061493334, 0.20335104108680657, 0.19510966499308482, 20.748353694337997]
    assert BG.expected(KNOWN, 39) == exactly(forecast)
    assert BG.p_alive(KNOWN) == exactly([0.7265897218354948, 0.21226006255461333, 1.0, 0.968851562851896])


def test_pareto_nbd_at_the_published_parameters_forecasts_what_lifetimes_does():
    forecast = [1.4552261309493453, 0.17122855018688768, 0.10709283382064308, 20.116129598450662]
    alive = [0.8691861546511618, 0.16812715101766987, 0.29530337426579556, 0.9978742606099412]
    assert PARETO.expected(KNOWN, 39) == exactly(forecast)
    assert PARETO.p_alive(KNOWN) == exactly(alive)


def test_the_papers_customer_buys_1226_thousandths_times():
    assert BG.expected([[2, 30.43, 38.86]], 39) == exactly([1.226028174767135])


@pytest.mark.parametrize(
    ("data", "model", "parameters", "log_likelihood"),
    [
        ("sample", BGNBD, [0.2425945, 4.413602, 0.7929221, 2.425907], -9582.429207),
        ("sample", ParetoNBD, [0.5532773, 10.577685, 0.6062388, 11.668692], -9594.976179),
        ("master", BGNBD, [0.251624, 4.788943, 0.723434, 2.161088], -95368.44393),
        ("master", ParetoNBD, [0.597420, 11.585661, 0.522186, 8.827763], -95415.11862),
    ],
)
def test_the_greatest_likelihood_on_cdnow_is_the_published_one(data, model, parameters, log_likelihood):
    fitted = model().fit(calibrated(data))
    assert fitted.log_likelihood_ == pytest.approx(log_likelihood, abs=1e-4)
    assert fitted.values == pytest.approx(parameters, abs=1e-3)
    assert not fitted.degenerate_


def test_the_published_parameters_are_as_likely_as_published():
    customers = calibrated("sample")
    assert BG.score(customers) * len(customers) == pytest.approx(-9582.430478013674, rel=1e-12)


@pytest.mark.parametrize(
    ("data", "parameters", "log_likelihood"),
    [
        ("sample", [6.249572, 3.744225, 15.443521], -4055.917695),
        ("master", [6.275359, 3.624450, 14.983688], None),
    ],
)
def test_gamma_gamma_on_cdnow_is_the_published_one(data, parameters, log_likelihood):
    customers = calibrated(data)
    repeaters = customers[(customers["repeats"] > 0) & (customers["mean_repeat"] > 0)]
    fitted = GammaGamma().fit(repeaters[["repeats", "mean_repeat"]].to_numpy())
    assert [fitted.p_, fitted.q_, fitted.gamma_] == pytest.approx(parameters, abs=1e-3)
    if log_likelihood is not None:
        assert len(repeaters) == 946
        assert fitted.log_likelihood_ == pytest.approx(log_likelihood, abs=1e-4)


def test_gamma_gamma_at_the_published_parameters():
    customers = calibrated("sample").loc[["0001", "0002", "0003", "1516"], ["repeats", "mean_repeat"]]
    fitted = GammaGamma().with_parameters(6.25, 3.74, 15.44)
    amounts = [24.659612860892, 18.916852057842, 35.218978102190, 39.891218833212]
    assert fitted.predict(customers.fillna(0).to_numpy()) == exactly(amounts)


def calibrated(data: str) -> pd.DataFrame:
    return summary(purchases(customer_days(cdnow(data)), CALIBRATED), CALIBRATED)


# --- the mathematics ---------------------------------------------------------------------------------


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("factor", [0.5, 1.0, 3.0])
def test_the_gradient_is_that_of_the_likelihood(model, factor):
    rows = grouped(*customer_columns(KNOWN), [3, 5, 40, 1])
    at = np.array([0.6, 9.0, 0.7, 5.0])[: len(model.parameters)] * factor
    slope = model().log_likelihood(at, rows)[1]
    for number, step in enumerate(np.diag(at * 1e-5)):
        up, down = model().log_likelihood(at + step, rows)[0], model().log_likelihood(at - step, rows)[0]
        assert slope[number] == pytest.approx((up - down) / (2 * step[number]), rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("model", MODELS)
def test_repeated_customers_are_as_good_as_weights(model):
    weights = [30, 20, 60, 2]
    one = model().fit(np.repeat(KNOWN, weights, axis=0))
    other = model().fit(KNOWN, sample_weight=weights)
    assert one.log_likelihood_ == pytest.approx(other.log_likelihood_, abs=1e-8)


@pytest.mark.parametrize("x", [0, 1, 7, 60, 900])
@pytest.mark.parametrize(
    ("alpha", "beta"), [(10.0, 12.0), (12.0, 0.05), (0.05, 12.0), (6.0, 6.0), (400.0, 1.0)]
)
def test_pareto_nbds_integral_is_that_of_a_slow_quadrature(x, alpha, beta):
    r, s, t_x, T = 0.55, 0.61, (20 / 7 if x else 0.0), 40.0
    u = np.linspace(
        np.log(1e-9), np.log(T - t_x), 400_001
    )  # log(τ − t_x): dense where the integrand is steep
    tau = t_x + np.exp(u)
    log_f = -(r + x) * np.log((alpha + tau) / (alpha + t_x)) - (s + 1) * np.log((beta + tau) / (beta + t_x))
    odds = s / (beta + t_x) * np.trapezoid(np.exp(log_f + u), u)
    active = -(r + x) * np.log((alpha + T) / (alpha + t_x)) - s * np.log((beta + T) / (beta + t_x))
    alive = np.exp(active) / (np.exp(active) + odds)
    found = ParetoNBD().with_parameters(r, alpha, s, beta).p_alive([[x, t_x, T]])
    assert found == pytest.approx([alive], rel=1e-7, abs=1e-300)


@pytest.mark.parametrize("model", [BGNBD, MBGNBD])
def test_a_dropout_parameter_of_one_is_no_gap_in_the_forecast(model):
    near = [model().with_parameters(0.3, 5.0, a, 2.0).expected(KNOWN, 39) for a in (1 - 1e-4, 1.0, 1 + 1e-4)]
    assert near[1] == pytest.approx((near[0] + near[2]) / 2, rel=1e-6)


def test_a_lifetime_parameter_of_one_is_no_gap_in_the_forecast():
    near = [ParetoNBD().with_parameters(0.5, 9, s, 12).expected(KNOWN, 39) for s in (1 - 1e-5, 1, 1 + 1e-5)]
    assert near[1] == pytest.approx((near[0] + near[2]) / 2, rel=1e-8)


@pytest.mark.parametrize(
    "model", [BG, PARETO, MBGNBD().with_parameters(0.5, 6, 0.9, 1.6), NBD().with_parameters(1, 9)]
)
def test_forecasts_grow_with_the_weeks_and_no_time_brings_nothing(model):
    ahead = np.array([model.expected(KNOWN, weeks) for weeks in (0, 1, 10, 100, 1000)])
    assert (ahead[0] == 0).all()
    assert (np.diff(ahead, axis=0) > 0).all()
    assert model.discounted(KNOWN, 10.5) == pytest.approx(model.expected(KNOWN, 10.5))
    assert (model.discounted(KNOWN, 10, 0.99) < ahead[2]).all()


def drawn(customers: int, seed: int) -> pd.DataFrame:
    """Customers of a Pareto/NBD world with r .6, alpha 8, s .7, beta 10 and up to 60 weeks, in whole days."""
    rng = np.random.default_rng(seed)
    age = rng.integers(20 * 7, 60 * 7, customers)
    life, rate = rng.exponential(1 / rng.gamma(0.7, 1 / 10, customers)), rng.gamma(0.6, 1 / 8, customers)
    days = [
        np.unique(np.ceil(rng.uniform(0, min(alive * 7, a), rng.poisson(r * min(alive, a / 7)))))
        for alive, r, a in zip(life, rate, age, strict=True)
    ]
    last = np.array([d.max() if len(d) else 0 for d in days])
    columns = [np.array([float(len(d)) for d in days]), np.minimum(last, age) / 7, age / 7]
    return pd.DataFrame(dict(zip(["repeats", "t_x_weeks", "age_weeks"], columns, strict=True)))


def test_a_known_world_is_found_again():
    fitted = ParetoNBD().fit(drawn(20_000, seed=1))
    r, alpha, s, beta = fitted.values
    assert r / alpha == pytest.approx(
        0.6 / 8, rel=0.08
    )  # several purchases of one day count once: a little less
    assert s / beta == pytest.approx(0.7 / 10, rel=0.25)
    assert fitted.values == pytest.approx([0.6, 8, 0.7, 10], rel=0.3)


# --- orders ------------------------------------------------------------------------------------------


def test_orders_of_one_day_are_one_purchase_and_a_refund_lowers_the_purchase_before_it():
    orders = pd.DataFrame(
        [
            ("a", "2026-01-01", 10.0),
            ("a", "2026-01-01", 5.0),
            ("a", "2026-01-15", 8.0),
            ("a", "2026-01-20", -3.0),  # of the 15th
            ("b", "2026-01-08", -1.0),  # before any purchase: of nothing
            ("b", "2026-01-10", 0.0),  # a purchase of no value
            ("c", "2026-02-01", 9.0),  # after the cut-off
        ],
        columns=["customer_id", "day", "amount"],
    )
    days = customer_days(orders)
    found = summary(purchases(days, "2026-01-29"), "2026-01-29").drop(columns="first_day")
    expected = pd.DataFrame(
        {
            "repeats": [1.0, 0.0],
            "t_x_weeks": [2.0, 0.0],
            "age_weeks": [4.0, 19 / 7],
            "orders": [2.0, 1.0],
            "mean_amount": [10.0, 0.0],  # (15 + 5) / 2
            "mean_repeat": [5.0, np.nan],
        },
        index=pd.Index(["a", "b"], name="customer_id"),
    )
    pd.testing.assert_frame_equal(found, expected, check_index_type=False)
    before = summary(purchases(days, "2026-01-19"), "2026-01-19")  # the refund is not known yet
    assert before.loc["a", "mean_repeat"] == 8.0
    later = bought_after(days, "2026-01-14", 1, before.index)  # the 15th to the 21st
    assert later["purchases"].tolist() == [1.0, 0.0]
    assert later["spend"].tolist() == [5.0, 0.0]


def test_the_order_of_rows_and_rows_without_a_customer_do_not_matter():
    orders = pd.DataFrame(
        {"customer_id": ["b", "a", "a", None], "day": [3, 9, 2, 4], "amount": [1.0, 2, 3, 4]}
    )
    shuffled = orders.sample(frac=1, random_state=3)
    pd.testing.assert_frame_equal(customer_days(orders), customer_days(shuffled))
    assert customer_days(orders)["day"].tolist() == [2, 9, 3]


# --- scikit-learn's rules and what is refused ----------------------------------------------------------


@pytest.mark.parametrize("estimator", [*MODELS, MeanRate, GammaGamma])
@pytest.mark.parametrize(
    "check",
    [
        "check_no_attributes_set_in_init",
        "check_get_params_invariance",
        "check_set_params",
        "check_estimator_repr",
        "check_parameters_default_constructible",
        "check_estimator_cloneable",
    ],
)
def test_scikit_learns_checks_that_need_no_data_of_their_own(estimator, check):
    getattr(estimator_checks, check)(estimator.__name__, estimator())


@pytest.mark.parametrize("model", MODELS)
def test_a_fitted_model_forgets_when_cloned_and_an_unfitted_one_says_so(model):
    fitted = model(weeks=13).fit(KNOWN)
    copy = clone(fitted)
    assert copy.get_params() == {"weeks": 13}
    with pytest.raises(NotFittedError):
        copy.predict(KNOWN)
    assert (fitted.predict(KNOWN) == fitted.expected(KNOWN, 13)).all()


def test_a_frame_is_read_by_its_names():
    frame = pd.DataFrame(KNOWN, columns=["repeats", "t_x_weeks", "age_weeks"])
    assert (BG.expected(frame.iloc[:, ::-1].assign(more=1), 39) == BG.expected(KNOWN, 39)).all()


@pytest.mark.parametrize(
    ("X", "what"),
    [
        ([[1, 2]], "shape"),
        (np.zeros((0, 3)), "no customers"),
        ([[1, np.nan, 3]], "missing"),
        ([[1, 4, 3]], "impossible"),
        ([[-1, 0, 3]], "impossible"),
        ([[0.5, 1, 3]], "impossible"),
        ([[0, 1, 3]], "no repeat purchase"),
        (pd.DataFrame({"repeats": [1.0]}), "no column t_x_weeks, age_weeks"),
    ],
)
def test_customers_that_cannot_be_are_refused(X, what):
    with pytest.raises(ValueError, match=what):
        BGNBD().fit(X)


def test_identical_customers_are_degenerate_and_say_so():
    everyone = np.tile([3.0, 20.0, 21.0], (1_000_000, 1))
    for model in MODELS:
        assert "visible in this window" in model().fit(everyone).degenerate_
    assert MeanRate().fit(everyone).expected(everyone[:1], 7) == pytest.approx([1.0])
