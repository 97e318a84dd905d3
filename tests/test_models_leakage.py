"""Features that know the future are found, each planted here; those that do not are left alone."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from analysis.models.leakage import LeakError, find_leaks, refuse_leaks, without_leaks
from conftest import real_data

CUT_OFF = date(2025, 12, 31)


def company(seed: int = 0, n: int = 400) -> tuple[pd.DataFrame, np.ndarray, np.ndarray, pd.Series]:
    """Features that were known at the start, durations in months, ends, and the days of the ends."""
    rng = np.random.default_rng(seed)
    price = rng.gamma(3, 30, n).round(2)
    features = pd.DataFrame(
        {
            "price": price,
            "list_price": (price * rng.normal(1.2, 0.01, n)).round(2),
            "seats": rng.integers(1, 40, n),
            "segment": rng.choice(["small", "mid", "large"], n),
            "plan": rng.choice(["a", "b"], n),
            "cycle_days": np.where(rng.random(n) < 0.3, np.nan, rng.integers(5, 200, n)),
            "signed_on": pd.Timestamp("2025-01-01") - pd.to_timedelta(rng.integers(0, 900, n), "D"),
            "constant": 1,
            "nothing": None,
        }
    )
    durations = rng.integers(1, 60, n)
    observed = rng.random(n) < 0.35
    days = pd.Timestamp("2025-06-01") + pd.to_timedelta(rng.integers(0, 200, n), "D")
    return features, durations, observed, pd.Series(days).where(observed)


@pytest.mark.parametrize("seed", range(5))
def test_features_known_at_the_start_are_left_alone(seed):
    features, durations, observed, ended_on = company(seed)
    assert find_leaks(features, durations, observed, CUT_OFF, ended_on) == []
    refuse_leaks(features, durations, observed, CUT_OFF, ended_on)


def planted() -> dict[str, tuple[str, pd.Series]]:
    """By name: the kind of leak, and a column of it for `company()`."""
    features, durations, observed, ended_on = company()
    rng = np.random.default_rng(1)
    n = len(features)
    total = (durations * features["price"] * rng.normal(1, 0.02, n)).round(2)
    reasons = pd.Series(rng.choice(["price", "moved"], n)).where(observed)
    some = reasons.where(rng.random(n) < 0.5)
    return {
        "months_active": ("duration", pd.Series(durations + rng.normal(0, 1, n))),
        "days_left": ("duration", pd.Series(-30.4 * durations)),
        "total_charges": ("product", total),
        "total_as_text": ("product", total.astype(str).where(rng.random(n) > 0.01, " ")),
        "log_charges": ("product", np.log(total)),
        "tenure_band": ("duration", pd.cut(pd.Series(durations), 5).astype(str)),
        "tenure_decile": ("duration", pd.Series(durations // 6)),
        "seat_months": ("product", features["seats"] * durations),
        "cancel_reason": ("filled_at_end", reasons),
        "cancel_reason_blank": ("filled_at_end", reasons.fillna("  ")),
        "exit_interview": ("filled_at_end", some),
        "next_invoice": ("filled_at_end", pd.Series(np.where(observed, np.nan, 7.0))),
        "updated_at": ("after_cut_off", pd.Series(pd.Timestamp("2026-01-01 00:00")).repeat(n)),
        "updated_text": ("after_cut_off", pd.Series(["2025-03-01T10:00"] * (n - 1) + ["2026-02-03T08:00"])),
        "deactivated_at": ("after_end", ended_on.fillna(pd.Timestamp("2025-12-30"))),
        "status": ("outcome", pd.Series(np.where(observed, "former", "current"))),
        "flag": ("outcome", pd.Series(observed.astype(int))),
    }  # fmt: skip


@pytest.mark.parametrize("column", list(planted()))
def test_a_planted_leak_is_refused_by_name_with_its_reason(column):
    features, durations, observed, ended_on = company()
    kind, values = planted()[column]
    features[column] = values.to_numpy()
    (leak,) = find_leaks(features, durations, observed, CUT_OFF, ended_on)
    assert (leak.column, leak.kind) == (column, kind)
    assert str(leak).startswith(f"{column}: ")
    clean, notices = without_leaks(features, durations, observed, CUT_OFF, ended_on)
    assert column not in clean
    assert notices == [leak]
    with pytest.raises(LeakError, match=column):
        refuse_leaks(features, durations, observed, CUT_OFF, ended_on)


def test_all_leaks_are_told_at_once():
    features, durations, observed, ended_on = company()
    for name, (_kind, values) in planted().items():
        features[name] = values.to_numpy()
    with pytest.raises(LeakError) as error:
        refuse_leaks(features, durations, observed, CUT_OFF, ended_on)
    assert all(f"\n{name}: " in str(error.value) for name in planted())


def test_the_last_day_itself_is_no_future_and_the_next_is():
    features, durations, observed, _ = company()
    features["seen_at"] = pd.Timestamp("2025-12-31 23:59")
    assert find_leaks(features, durations, observed, CUT_OFF) == []
    features["seen_at"] = pd.Timestamp("2026-01-01 00:00", tz="UTC")
    (leak,) = find_leaks(features, durations, observed, CUT_OFF)
    assert "2026-01-01" in leak.reason


@pytest.mark.parametrize("n", [0, 1, 2, 5])
def test_few_customers_prove_nothing_and_break_nothing(n):
    features, durations, observed, ended_on = company()
    parts = [part[:n] for part in (features, durations, observed)]
    assert find_leaks(*parts, CUT_OFF, ended_on[:n]) == []


def test_a_telephone_companys_total_charges_are_refused():
    data = pd.read_csv(next(real_data("telco_churn").glob("*.csv")))
    features = data.drop(columns=["customerID", "tenure", "Churn"])
    (leak,) = find_leaks(features, data["tenure"], data["Churn"] == "Yes")
    assert (leak.column, leak.kind) == ("TotalCharges", "product")
    assert "MonthlyCharges" in leak.reason


def leavers(seed: int, n: int = 400) -> tuple[np.random.Generator, np.ndarray, np.ndarray, np.ndarray]:
    """Months followed, months as a customer, who left: three in a hundred a month, whoever they are."""
    rng = np.random.default_rng(seed)
    followed, until = rng.uniform(0, 30, n), rng.exponential(1 / 0.03, n)
    return rng, np.floor(followed), np.floor(np.minimum(followed, until)), until < followed


@pytest.mark.parametrize("seed", range(3))
def test_a_level_that_is_given_to_those_who_leave_is_refused(seed):
    rng, followed, durations, left = leavers(seed)
    reps = rng.choice(["r1", "r2", "r3"], len(left))
    won_back = np.where(left & (rng.random(len(left)) < 0.97), "WINBACK", reps)
    features = pd.DataFrame({"owner": won_back, "honest": reps})
    found = find_leaks(features, durations, left, followed=followed)
    assert [(leak.column, leak.kind) for leak in found] == [("owner", "given_at_end")]
    assert "WINBACK" in found[0].reason
    assert find_leaks(features, durations, left) == []  # how long each was followed must be known for it


@pytest.mark.parametrize("seed", range(5))
def test_a_level_that_is_left_often_is_no_leak(seed):
    rng = np.random.default_rng(seed)
    owner = rng.integers(0, 6, 1_500)
    hazard = np.array([0.005, 0.02, 0.05, 0.1, 0.2, 0.4])[owner]
    followed, until = rng.uniform(0, 30, 1_500), rng.exponential(1 / hazard)
    term = rng.random(1_500) < 0.5  # all of these leave after a year
    left = np.where(term, followed >= 12, until < followed)
    durations = np.floor(np.where(term, np.minimum(followed, 12), np.minimum(followed, until)))
    features = pd.DataFrame({"owner": owner.astype(str), "plan": np.where(term, "year", "month")})
    features["launched"] = np.where(followed > 20, "legacy", "new")
    assert find_leaks(features, durations, left, followed=np.floor(followed)) == []
