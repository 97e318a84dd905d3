"""Companies of few ends whose hazards are known: what is there is found, and noise is not taken for it."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit

from analysis.models.contract_value import contract_values
from analysis.models.design import Feature
from analysis.models.evaluation import auc
from analysis.models.feature_spread import LEAST, likeliest, spreads
from analysis.models.hazard import DiscreteTimeHazard
from analysis.models.life_table import LifeTable

MONTHS = 6
SEEDS = range(12)


def company(seed: int, effects: dict[str, float], customers: int = 310) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Person-periods of 30 months, and the customers still there with `risk`, their true monthly hazard.

    `effects`: deviation of the log-odds by feature: `owner` (14), `segment` (4), `channel` (7), `cycle_days`.
    """
    rng = np.random.default_rng([seed, *map(ord, "".join(effects))])
    who = pd.DataFrame(
        {
            "owner": rng.integers(0, 14, customers),
            "segment": rng.integers(0, 4, customers),
            "channel": rng.integers(0, 7, customers),
        }
    )
    eta = np.full(customers, logit(0.02))
    for name in who:
        eta += (
            effects.get(name, 0.0) * rng.permutation(np.linspace(-1.6, 1.6, who[name].max() + 1))[who[name]]
        )
    log_cycle = rng.normal(size=customers)
    eta -= effects.get("cycle_days", 0.0) * log_cycle
    who = who.astype(str).assign(
        cycle_days=45 * np.exp(0.7 * log_cycle), price=100 * rng.gamma(4, 1, customers)
    )
    who = who.assign(customer_id=range(customers), risk=expit(eta))
    begun, there, parts = rng.integers(0, 28, customers), np.ones(customers, dtype=bool), []
    for month in range(1, 31):
        at = there & (begun + month <= 30)
        left = rng.random(customers) < who["risk"]
        part = who[at].assign(
            month=month, period=24_000 + begun[at] + month - 1, churned=left[at].astype(int)
        )
        parts.append(part)
        there &= ~(at & left)
    alive = who[there].assign(month=31 - begun[there], period=24_030)
    return pd.concat(parts, ignore_index=True), alive


def fitted(table: pd.DataFrame) -> DiscreteTimeHazard:
    return DiscreteTimeHazard(term_months=0).fit(table.drop(columns=["churned", "risk"]), table["churned"])


def order(alive: pd.DataFrame, hazards: np.ndarray) -> float:
    """AUC of a forecast in expectation: drawn a hundred times from the true risk."""
    rng = np.random.default_rng(0)
    gone = 1 - (1 - alive["risk"].to_numpy()) ** MONTHS
    forecast = 1 - np.prod(1 - hazards, axis=1)
    return float(np.mean([auc(rng.random(len(gone)) < gone, forecast) for _ in range(100)]))


def loss(alive: pd.DataFrame, hazards: np.ndarray) -> float:
    """Mean squared error of P(still there) over the months, against the true one."""
    true = np.cumprod(1 - np.repeat(alive[["risk"]].to_numpy(), MONTHS, axis=1), axis=1)
    return float(np.mean((np.cumprod(1 - hazards, axis=1) - true) ** 2))


def compared(effects: dict[str, float]) -> pd.DataFrame:
    """Over all seeds: events, AUC and error of the model, AUC of the truth, error of Kaplan-Meier."""
    rows = []
    for seed in SEEDS:
        table, alive = company(seed, effects)
        found = fitted(table).predict_hazards(alive.drop(columns="risk"), MONTHS)
        one = np.ones(len(table))
        life = LifeTable().fit(table["month"].to_numpy(), table["churned"].to_numpy(dtype="float64"), one)
        known = np.repeat(alive[["risk"]].to_numpy(), MONTHS, axis=1)
        flat = np.full_like(known, table["churned"].mean())
        rows.append(
            {
                "events": table["churned"].sum(),
                "auc": order(alive, found),
                "best": order(alive, known),
                "loss": loss(alive, found),
                "kaplan_meier": loss(alive, life.ahead(alive["month"].to_numpy(), MONTHS)),
                "one_rate": loss(alive, flat),
            }
        )
    return pd.DataFrame(rows).mean()


@pytest.mark.parametrize("effects", [{"owner": 1.0}, {"cycle_days": 0.8}, {"owner": 0.8, "segment": 0.4}])
def test_a_strong_effect_is_found_with_a_hundred_ends(effects):
    mean = compared(effects)
    assert 70 <= mean["events"] <= 130
    assert mean["auc"] - 0.5 >= 0.88 * (mean["best"] - 0.5)
    assert mean["loss"] <= 0.35 * mean["one_rate"]


def test_where_nothing_tells_customers_apart_nothing_is_found():
    mean = compared({})
    assert mean["loss"] <= 0.5 * mean["kaplan_meier"]
    assert mean["loss"] <= mean["one_rate"] + 0.0003


@pytest.mark.parametrize("effects", [{"owner": 1.0}, {"owner": 0.8, "segment": 0.4}, {}])
def test_intervals_of_values_hold_the_truth(effects):
    holds = []
    for seed in SEEDS:
        table, alive = company(seed, effects)
        worth = contract_values(fitted(table), alive, margin=1.0, discount_rate=0.0, months=MONTHS).customers
        stays = 1 - alive[["risk"]].to_numpy()
        true = alive["price"] * (stays ** np.arange(1, MONTHS + 1)).sum(axis=1)
        holds.append(((worth["low"] <= true) & (true <= worth["high"])).mean())
    assert np.mean(holds) >= 0.92


def test_the_spread_of_a_feature_is_found_and_that_of_noise_is_next_to_none():
    rng = np.random.default_rng(1)
    level, noise = rng.integers(0, 30, 60_000), rng.integers(0, 30, 60_000)
    effect = rng.normal(0, 0.6, 30)
    y = (rng.random(60_000) < expit(-3 + effect[level])).astype(float)
    Z = np.hstack([np.eye(30)[level], np.eye(30)[noise]])
    feature = np.repeat([0, 1], 30)
    spread, coef = spreads(Z, y, np.ones(len(y)), np.ones(60), feature)
    assert spread[0] == pytest.approx(effect.std(), abs=0.08)
    assert spread[1] < 0.1
    centred = effect - effect.mean()
    assert np.corrcoef(coef[:30], centred)[0, 1] > 0.95


def test_the_likeliest_spread_solves_its_equation_and_stays_within_bounds():
    s = likeliest(np.array([0.0, 0.5, 40.0]), np.array([1.0, 3.0, 14.0]))
    np.testing.assert_allclose(s**3 / 0.25 + np.array([1, 3, 14]) * s**2, [0, 0.5, 40], atol=1e-9)
    spread, _ = spreads(np.zeros((50, 1)), np.arange(50) % 2 * 1.0, np.ones(50), np.ones(1), np.zeros(1, int))
    assert LEAST <= spread[0] <= 0.3


def test_a_level_is_drawn_to_the_mean_whatever_its_share():
    """Two owners as rare as each other's opposite: the same evidence for customers gives the same effect."""
    values = pd.Series(["a"] * 900 + ["b"] * 100)
    feature = Feature.fitted("owner", values, np.ones(1000))
    np.testing.assert_allclose(feature.units(), [0.3, 0.3])
    indicator = feature.columns(values) * feature.units()
    np.testing.assert_allclose(indicator.max(axis=0) - indicator.min(axis=0), 1)


@pytest.mark.parametrize("unit", [1e-3, 1.0, 1e6])
def test_a_skewed_number_goes_in_as_its_logarithm_in_any_unit(unit):
    days = pd.Series(unit * np.exp(np.random.default_rng(0).normal(3, 0.7, 2000)))
    feature = Feature.fitted("cycle_days", days, np.ones(2000))
    assert feature.logarithm and feature.above_zero
    assert abs(pd.Series(feature.columns(days)[:, 0]).skew()) < 0.1
    even = Feature.fitted("x", pd.Series(np.random.default_rng(0).normal(10, 1, 2000)), np.ones(2000))
    assert not even.logarithm
    same = Feature.fitted("x", pd.Series(np.full(50, 7.0)), np.ones(50))
    assert np.isfinite(same.columns(pd.Series([7.0, 0.0, np.nan]))).all()


def ageing(seed: int, customers: int = 300) -> tuple[pd.DataFrame, pd.DataFrame]:
    """42 months in which ends grow rarer with tenure and come at renewals, and the customers still there."""
    rng = np.random.default_rng(seed)
    plan, owner = rng.integers(0, 3, customers), rng.integers(0, 8, customers)
    eta = -3.3 + np.array([0.5, 0.0, -0.7])[plan] + rng.normal(0, 0.5, 8)[owner]
    begun, there, parts = rng.integers(0, 42, customers), np.ones(customers, dtype=bool), []
    who = pd.DataFrame(
        {"customer_id": range(customers), "plan": plan.astype(str), "owner": owner.astype(str)}
    )
    for month in range(1, 43):
        at = there & (begun + month <= 42)
        left = rng.random(customers) < true_hazard(eta, month)
        rows = who[at].assign(
            month=month, period=24_000 + begun[at] + month - 1, churned=left[at].astype(int)
        )
        parts.append(rows)
        there &= ~(at & left)
    alive = who[there].assign(month=43 - begun[there], period=24_042)
    months = alive["month"].to_numpy()[:, None] + np.arange(MONTHS)
    return pd.concat(parts, ignore_index=True), alive.assign(
        risk=1 - np.prod(1 - true_hazard(eta[there][:, None], months), axis=1)
    )


def true_hazard(eta: np.ndarray, month: int | np.ndarray) -> np.ndarray:
    return expit(eta - 0.25 * np.log(np.asarray(month) / 6) + 1.2 * (np.asarray(month) % 12 == 0))


def test_where_tenure_and_renewals_matter_as_many_ends_are_forecast_as_there_are():
    events, errors = [], []
    for seed in range(24):
        table, alive = ageing(seed)
        model = DiscreteTimeHazard().fit(table.drop(columns="churned"), table["churned"])
        found = 1 - np.prod(1 - model.predict_hazards(alive.drop(columns="risk"), MONTHS), axis=1)
        events.append(table["churned"].sum())
        errors.append(found.sum() / alive["risk"].sum() - 1)
    assert 100 <= np.mean(events) <= 160
    assert abs(np.mean(errors)) <= 0.08, np.mean(errors)
