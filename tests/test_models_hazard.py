"""The discrete-time hazard: by hand, on data whose truth is known, and on data hardly worth the name."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.base import clone
from sklearn.model_selection import StratifiedKFold
from sklearn.utils.estimator_checks import estimator_checks_generator

from analysis.models import hazard as hazard_module
from analysis.models.contract_value import contract_values
from analysis.models.hazard import DiscreteTimeHazard
from analysis.models.hazard_choice import customer_folds, recalibration, thinned, time_folds
from analysis.models.person_periods import alive_now, person_periods
from analysis.models.spells import contract_spells
from analysis.models.survival_scores import calibration_error, calibration_table, survival_report
from conftest import real_data

CHECKS = [
    (estimator, check)
    for estimator, check in estimator_checks_generator(DiscreteTimeHazard())
    if "array_api" not in str(check)
]


@pytest.mark.parametrize(
    ("estimator", "check"), CHECKS, ids=[getattr(check, "func", check).__name__ for _, check in CHECKS]
)
@pytest.mark.filterwarnings("ignore")
def test_it_follows_the_rules_of_estimators(estimator, check):
    check(estimator)


# --- the fallback --------------------------------------------------------------------------------------


def test_with_few_ends_it_is_kaplan_meier():
    """Durations 1, 2, 2+, 3 give S = 3/4, 1/2, 0."""
    table = pd.DataFrame({"month": [1, 1, 1, 1, 2, 2, 2, 3], "x": range(8)})
    model = DiscreteTimeHazard().fit(table, [1, 0, 0, 0, 1, 0, 0, 1])
    assert model.kind_ == "kaplan_meier"
    assert model.notice_ == "3 events, at least 20 are needed: Kaplan-Meier alone"
    curve = model.predict_survival(pd.DataFrame({"month": [1, 2], "x": 0}), (1, 2, 3))
    np.testing.assert_allclose(curve, [[3 / 4, 1 / 2, 0], [2 / 3, 0, 0]])
    assert model.top_factors(table).empty


def test_from_twenty_ends_it_is_a_regression_and_up_to_130_one_of_at_most_five_features():
    table = market(1, customers=600)
    names = [f"noise{i}" for i in range(12)]
    table[names] = np.random.default_rng(0).normal(size=(len(table), 12))
    ends = np.flatnonzero(table["churned"])
    for count, kind in ((19, "kaplan_meier"), (20, "logistic"), (130, "logistic"), (131, "logistic")):
        y = np.zeros(len(table))
        y[ends[:count]] = 1
        model = DiscreteTimeHazard().fit(table.drop(columns="churned"), y)
        assert model.kind_ == kind
        if kind == "logistic":
            used = model.coefficients().query("coefficient != 0 and feature not in ('tenure', 'renewal_due')")
            assert (used["feature"].nunique() <= 5) == (count <= 130)
            assert bool(model.notice_) == (count <= 130)


# --- data whose truth is known ------------------------------------------------------------------------


def market(seed: int, customers: int = 2000, effect: float = 0.8, late: float = 0.0) -> pd.DataFrame:
    """Person-periods over 24 months: risk by x and plan, falling with tenure; `late` adds to the last."""
    rng = np.random.default_rng(seed)
    x, plan = rng.normal(size=customers), rng.choice(["a", "b"], customers)
    begun = rng.integers(0, 24, customers)
    parts = []
    there = np.ones(customers, dtype=bool)
    for month in range(1, 25):
        calendar = begun + month - 1
        risk = truth(x, plan, month) if effect == 0.8 else expit(-3 + effect * x)
        risk = expit(np.log(risk / (1 - risk)) + late * (calendar >= 18))
        left = rng.random(customers) < risk
        at = there & (calendar < 24)
        part = {"customer_id": np.flatnonzero(at), "month": month, "period": 24000 + calendar[at]}
        parts.append(pd.DataFrame(part | {"x": x[at], "plan": plan[at], "churned": left[at].astype(int)}))
        there &= ~left
    return pd.concat(parts, ignore_index=True)


def truth(x: np.ndarray, plan: np.ndarray, month: int | np.ndarray) -> np.ndarray:
    """The hazard of `market`: plan b falls more steeply with tenure."""
    return expit(-2.2 + 0.8 * x - np.where(plan == "b", 0.9, 0.3) * np.log(month))


def fitted(table: pd.DataFrame, **options: object) -> DiscreteTimeHazard:
    return DiscreteTimeHazard(term_months=0, **options).fit(table.drop(columns="churned"), table["churned"])


@pytest.fixture(scope="module")
def known() -> tuple[pd.DataFrame, DiscreteTimeHazard]:
    table = market(5, customers=6000)
    return table, fitted(table, challenger=False)


def test_the_true_hazard_is_found(known):
    _, model = known
    grid = pd.DataFrame([(x, p, m) for x in (-1.0, 0.0, 1.0) for p in "ab" for m in (1, 3, 6, 12)])
    grid = grid.set_axis(["x", "plan", "month"], axis=1).assign(period=24012)[
        ["month", "period", "x", "plan"]
    ]
    expected = truth(grid["x"].to_numpy(), grid["plan"].to_numpy(), grid["month"].to_numpy())
    found = model.predict_proba(grid)[:, 1]
    np.testing.assert_allclose(found, expected, rtol=0.15, atol=0.01)
    assert np.corrcoef(np.log(found), np.log(expected))[0, 1] > 0.99


def test_intervals_of_the_coefficient_hold_the_truth():
    """Sixty markets: the effect of x a unit is 0.8, its 95 % interval from the coefficient's error."""
    holds = []
    for seed in range(60):
        table = market(seed, customers=400)
        model = fitted(table, challenger=False)
        row = model.coefficients().set_index("feature").loc["x"]
        scale = model.design_.features[0].scale[0]
        holds.append(abs(row["coefficient"] / scale - 0.8) <= 1.96 * row["error"] / scale)
    assert 0.85 <= np.mean(holds) <= 1


def test_survival_is_the_product_of_the_months_and_conditional_on_those_lived(known):
    table, model = known
    rows = table.drop(columns="churned").iloc[[0, 700, 9000]]
    hazards = model.predict_hazards(rows, 12)
    survival = model.predict_survival(rows, (1, 6, 12))
    np.testing.assert_allclose(survival[12], np.prod(1 - hazards, axis=1))
    np.testing.assert_allclose(model.predict_churn(rows, 6), 1 - survival[6])
    later = rows.assign(month=rows["month"] + 3, period=rows["period"] + 3)
    np.testing.assert_allclose(model.predict_hazards(later, 9), hazards[:, 3:])
    np.testing.assert_allclose(model.predict_proba(rows)[:, 1], hazards[:, 0])


def test_a_sample_of_the_months_finds_what_all_of_them_find(known):
    table, model = known
    few = fitted(table, challenger=False, most_rows=8000)
    rows = table.drop(columns="churned").iloc[::97]
    whole, part = model.predict_survival(rows, (12,)), few.predict_survival(rows, (12,))
    assert np.abs(whole - part).to_numpy().mean() < 0.03
    assert few.covariance_[0, 0] > model.covariance_[0, 0]


def test_thinning_keeps_the_number_of_ends_and_of_months():
    y, weight = np.array([1.0] * 50 + [0] * 950), np.ones(1000)
    rows, weights = thinned(y, weight, 200, 0)
    assert len(rows) == 200
    assert weights[y[rows] == 1].sum() == pytest.approx(50)
    assert weights.sum() == pytest.approx(1000)
    rows, weights = thinned(1 - y, weight, 200, 0)
    assert weights[y[rows] == 0].sum() == pytest.approx(950)
    assert len(rows) == 150


def test_renewals_are_due_every_twelve_months():
    rng = np.random.default_rng(2)
    month = np.tile(np.arange(1, 25), 400)
    y = rng.random(len(month)) < np.where(month % 12 == 0, 0.3, 0.01)
    model = DiscreteTimeHazard(challenger=False).fit(pd.DataFrame({"month": month}), y.astype(int))
    hazard = model.predict_hazards(pd.DataFrame({"month": [1]}), 36)[0]
    assert hazard[[11, 23, 35]].min() > 0.2
    assert np.delete(hazard, [11, 23, 35]).max() < 0.03


def test_the_season_moves_on_with_the_months():
    rng = np.random.default_rng(3)
    period = np.tile(np.arange(24000, 24036), 300)
    y = rng.random(len(period)) < np.where(period % 12 // 3 == 3, 0.1, 0.02)
    table = pd.DataFrame({"month": 5, "period": period})
    hazard = DiscreteTimeHazard(term_months=0, challenger=False).fit(table, y.astype(int))
    year = hazard.predict_hazards(pd.DataFrame({"month": [5], "period": [24000]}), 12)[0]
    assert year[9:].min() > 2.5 * year[:9].max()


# --- choices -------------------------------------------------------------------------------------------


def test_held_out_periods_lie_after_those_trained_on():
    table = market(1)
    period = table["period"].to_numpy()
    folds = time_folds(period, table["churned"].to_numpy())
    assert len(folds) == 2
    for train, test in folds:
        assert period[train].max() < period[test].min()
    assert fitted(table).validated_ == "periods"


def test_data_of_one_moment_hold_out_whole_customers():
    table = market(1, customers=600)
    groups, y = table["customer_id"].to_numpy(), table["churned"].to_numpy()
    for train, test in customer_folds(groups, y, 0):
        assert not set(groups[train]) & set(groups[test])
    model = fitted(table.drop(columns="period"))
    assert (model.validated_, model.shift_, model.slope_) == ("customers", 0.0, 1.0)


def test_a_level_that_changed_in_the_last_periods_is_corrected():
    table = market(8, customers=4000, effect=0.5, late=0.8)
    before = fitted(table[table["period"] < 24018], challenger=False)
    after = fitted(table, challenger=False)
    last = table[table["period"] >= 24022].drop(columns="churned")
    observed = table.loc[last.index, "churned"].mean()
    stale, fresh = (model.predict_proba(last)[:, 1].mean() for model in (before, after))
    assert stale < 0.75 * observed
    assert abs(fresh - observed) < 0.5 * abs(stale - observed)


def test_recalibration_finds_level_and_slope_and_leaves_what_is_right():
    rng = np.random.default_rng(0)
    eta, one = rng.normal(-3, 1, 50_000), np.ones(50_000)
    right = (rng.random(50_000) < expit(eta)).astype(float)
    shift, slope, spread = recalibration(eta, eta, right, one)
    assert shift + slope * -3 == pytest.approx(-3, abs=0.05)
    assert slope == pytest.approx(1, abs=0.06)
    assert np.sqrt(spread[1, 1]) < 0.05
    wrong = (rng.random(50_000) < expit(-2.5 + 0.5 * (eta + 3))).astype(float)
    shift, slope, _ = recalibration(eta, eta, wrong, one)
    assert slope == pytest.approx(0.5, abs=0.06)
    assert shift + slope * -3 == pytest.approx(-2.5, abs=0.1)
    shift, slope, _ = recalibration(eta, -2.5 + 0.5 * (eta + 3), wrong, one)
    assert shift == pytest.approx((1 - slope) * -2.5, abs=0.1), "the refitted level was right already"
    assert recalibration(eta[:3], eta[:3], np.zeros(3), one[:3])[1] == pytest.approx(1, abs=0.05)


def puzzle(seed: int) -> pd.DataFrame:
    """Risk only where the signs of x and z agree, which no sum of effects can say."""
    rng = np.random.default_rng(seed)
    n = 30_000
    table = pd.DataFrame({"customer_id": np.arange(n) // 5, "month": np.arange(n) % 5 + 1})
    table["period"] = 24000 + rng.integers(0, 24, n)
    table["x"], table["z"] = rng.normal(size=n), rng.normal(size=n)
    return table.assign(
        churned=(rng.random(n) < np.where(table["x"] * table["z"] > 0, 0.12, 0.01)).astype(int)
    )


def test_the_challenger_stays_only_where_it_wins_on_the_last_periods():
    table = puzzle(0)
    model = fitted(table)
    assert model.kind_ == "boosted"
    assert model.challenger_gain_ > 2 * model.challenger_error_
    rows = pd.DataFrame({"month": 2, "period": 24020, "x": [1.5, -1.5], "z": [1.5, 1.5]})
    high, low = model.predict_hazards(rows, 3)[:, 0]
    assert high > 4 * low
    worth = contract_values(model, rows.assign(price=10.0), margin=1.0)
    assert np.isfinite(worth.customers.to_numpy()).all()
    assert worth.customers["value"].is_monotonic_increasing
    assert set(model.top_factors(rows)["feature"]) <= {"x", "z", "tenure", "season"}
    plain = market(3, customers=8000)
    assert plain["churned"].sum() > 1000
    assert fitted(plain).kind_ == "logistic"


def test_the_challenger_is_not_asked_below_a_thousand_events():
    table = puzzle(0).head(12_000)
    assert table["churned"].sum() < 1000
    assert not hasattr(fitted(table), "challenger_gain_")


# --- explaining, gaps, laws ---------------------------------------------------------------------------


def test_contributions_add_up_to_the_linear_predictor(known):
    table, model = known
    rows = table.drop(columns="churned").iloc[::501]
    eta = model.contributions(rows).sum(axis=1) + model.shift_ + model.slope_ * model.intercept_
    np.testing.assert_allclose(expit(eta), model.predict_proba(rows)[:, 1])


def test_the_top_factors_are_named_with_their_direction(known):
    _, model = known
    rows = pd.DataFrame(
        {"month": 2, "period": 24012, "x": [2.0, -2.0, 0.0], "plan": ["a", "a", "b"]}, index=[7, 8, 9]
    )
    factors = model.top_factors(rows, n=2)
    first = factors[factors["rank"] == 1].set_index("row")
    assert first.loc[7, ["feature", "value", "direction"]].tolist() == ["x", "2.0", "raises"]
    assert first.loc[8, ["feature", "value", "direction"]].tolist() == ["x", "-2.0", "lowers"]
    assert first.loc[7, "odds_ratio"] == pytest.approx(np.exp(first.loc[7, "contribution"]))
    assert factors.groupby("row").size().max() == 2
    assert "tenure" in set(factors["feature"])
    assert factors.loc[factors["feature"] == "tenure", "value"].eq("2").all()


def test_gaps_and_unknown_levels_count_as_average():
    table = market(4, customers=1500)
    table.loc[::3, "x"] = np.nan
    table["plan"] = table["plan"].where(table["month"] % 5 > 0)
    model = fitted(table)
    rows = pd.DataFrame(
        {"month": 2, "period": 24012, "x": [np.nan, 0.0, np.inf], "plan": ["never seen", None, "a"]}
    )
    hazard = model.predict_hazards(rows, 12)
    assert np.isfinite(hazard).all()
    assert ((hazard > 0) & (hazard < 1)).all()


def test_row_order_is_irrelevant_and_so_is_the_unit_of_a_price(known):
    table = market(6, customers=800)
    table["price"] = np.exp(table["x"])
    model = fitted(table)
    mixed = table.sample(frac=1, random_state=1)
    rows = table.drop(columns="churned").iloc[::50]
    np.testing.assert_allclose(
        fitted(mixed).predict_hazards(rows, 6), model.predict_hazards(rows, 6), rtol=1e-4
    )
    dearer = fitted(table.assign(price=table["price"] * 10))
    again = dearer.predict_hazards(rows.assign(price=rows["price"] * 10), 6)
    np.testing.assert_allclose(again, model.predict_hazards(rows, 6), rtol=0.02)


def test_the_same_fit_twice_is_the_same_and_the_input_stays():
    table = market(6, customers=800)
    copy = table.copy()
    model = fitted(table)
    again = clone(model).fit(table.drop(columns="churned"), table["churned"])
    pd.testing.assert_frame_equal(table, copy)
    np.testing.assert_array_equal(again.coef_, model.coef_)


def test_other_columns_than_fitted_are_refused(known):
    table, model = known
    with pytest.raises(ValueError, match="plan"):
        model.predict_hazards(table[["month", "period", "x"]])


# --- data hardly worth the name ------------------------------------------------------------------------


def oddity(seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A small company with something wrong with it: one day, one price, nobody or everybody gone, ties …"""
    rng = np.random.default_rng(seed)
    n = int(rng.choice([1, 2, 3, 10, 60]))
    start = np.datetime64("2023-01-01") + (
        np.zeros(n, dtype=int) if seed % 5 == 0 else rng.integers(0, 900, n)
    )
    end = pd.Series(
        (start + (np.full(n, 90) if seed % 7 == 0 else rng.integers(1, 700, n))).astype("datetime64[s]")
    )
    end = end.where(np.full(n, seed % 4 > 0)).where(
        (end <= "2025-12-30") | (seed % 4 != 1), pd.Timestamp("2025-12-30")
    )
    data = pd.DataFrame(
        {
            "customer_id": [f"C{i}" for i in (range(n) if seed % 3 else rng.integers(0, n, n))],
            "started_on": start.astype("datetime64[s]"),
            "ended_on": end,
            "mrr": np.full(n, 10.0) if seed % 6 == 0 else rng.choice([0, 1e-3, 5, 100, 1e9], n),
            "plan": rng.choice(["a", "b", None], n),
        }
    )
    customers = pd.DataFrame({"customer_id": data["customer_id"].unique(), "segment": None})
    return data, customers.assign(x=rng.choice([np.nan, np.inf, 0, 1e300], len(customers)))


@pytest.mark.parametrize("first", range(0, 200, 20))
def test_two_hundred_oddities_give_finite_numbers_and_a_named_model(first):
    as_of = date(2025, 12, 31)
    for seed in range(first, first + 20):
        data, customers = oddity(seed)
        spells = contract_spells(data, as_of)
        table = person_periods(spells, data, as_of, customers=customers, most=50 if seed % 2 else 10**7)
        now = alive_now(spells, data, as_of, customers=customers)
        model = DiscreteTimeHazard().fit(table.drop(columns="churned"), table["churned"], table["weight"])
        assert model.kind_ in ("kaplan_meier", "logistic")
        assert model.notice_ or model.events_ > 130
        survival = model.predict_survival(now, (1, 12, 60)).to_numpy()
        assert ((survival >= 0) & (survival <= 1)).all(), seed
        worth = contract_values(model, now, margin=0.7)
        rows = worth.customers
        assert np.isfinite(rows.select_dtypes("number").to_numpy()).all(), seed
        assert np.isfinite(worth.total.to_numpy()).all(), seed
        assert ((rows["low"] <= rows["value"]) & (rows["value"] <= rows["high"])).all(), seed
        assert (rows["high"] <= rows["value_if_stays"] * (1 + 1e-9)).all(), seed
        assert np.isfinite(model.top_factors(now)["contribution"]).all()


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_a_million_identical_rows(share):
    n = 1_000_000
    table = pd.DataFrame({"month": np.ones(n, dtype="int32"), "price": 10.0})
    y = (np.arange(n) < share * n).astype("int8")
    model = DiscreteTimeHazard().fit(table, y)
    assert model.predict_proba(table.head(1))[0, 1] == pytest.approx(share, abs=1e-3)


# --- a public snapshot ----------------------------------------------------------------------------------


def test_a_telephone_companys_customers_are_predicted_better_than_by_cox_regression():
    """Five folds; figures of Cox regression: IBS .08143, Uno's C .8579, calibration error .0166 and .0164."""
    data = pd.read_csv(next(real_data("telco_churn").glob("*.csv")))
    data = data[data["tenure"] > 0].reset_index(drop=True)
    tenure, left = data["tenure"].to_numpy(), (data["Churn"] == "Yes").to_numpy()
    features = data.drop(columns=["customerID", "tenure", "Churn", "TotalCharges"])
    features = features.rename(columns={"Contract": "contract"}).astype({"SeniorCitizen": str})
    texts = [name for name in features if name != "MonthlyCharges"]
    features[texts] = features[texts].astype("category")
    grid = list(range(1, 71))
    curves, scores = np.zeros((len(data), 70)), []
    for train, test in StratifiedKFold(5, shuffle=True, random_state=0).split(features, left):
        who = np.repeat(train, tenure[train])
        month = np.concatenate([np.arange(1, t + 1) for t in tenure[train]])
        table = features.iloc[who].assign(customer_id=who, month=month)
        model = DiscreteTimeHazard(term_months=0).fit(table, ((month == tenure[who]) & left[who]).astype(int))
        curves[test] = model.predict_survival(features.iloc[test].assign(month=1), grid).to_numpy()
        known = (tenure[train], left[train])
        scores.append(survival_report(curves[test], tenure[test], left[test], grid, known, ()))
    mean = pd.DataFrame(scores).mean()
    assert mean["ibs"] <= 0.0811
    assert mean["uno_c"] >= 0.858
    for horizon, most in ((12, 0.011), (48, 0.0165)):
        table = calibration_table(1 - curves[:, horizon - 1], tenure, left, horizon)
        assert calibration_error(table) <= most


def test_constants_are_those_documented():
    names = ("LEAST_EVENTS", "FEW_EVENTS", "FEW_FEATURES", "CHALLENGED_FROM")
    assert [getattr(hazard_module, name) for name in names] == [20, 130, 5, 1000]
