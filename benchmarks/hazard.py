"""The hazard of contracts ending: how well on a public snapshot, how fast on a million customers.

    python benchmarks/hazard.py [--customers 1000000] [--data FOLDER]

The Telco figures need the public snapshot (7,032 customers with tenure above 0) in FOLDER/telco_churn, which
lies beside the project by default; where it is not there they are left out. Five folds, stratified, seed 0;
nothing is chosen on the held-out fold. Seconds are CPU seconds after imports, megabytes the growth of the
process's peak.
"""

import argparse
import resource
import time
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedKFold

from analysis.models.contract_value import contract_values
from analysis.models.hazard import DiscreteTimeHazard
from analysis.models.person_periods import alive_now, person_periods
from analysis.models.spells import contract_spells
from analysis.models.survival_scores import (
    calibration_error,
    calibration_table,
    curve_baseline,
    survival_report,
)

BESIDE = Path(__file__).parents[2] / "shared" / "data"
GRID = list(range(1, 71))
HORIZONS = (12, 24, 48)
GOALS = {"ibs": 0.0811, "uno_c": 0.858, "ece_12": 0.011, "ece_48": 0.0165}
PEER = {"ibs": 0.08143, "uno_c": 0.8579, "ece_12": 0.0166, "ece_48": 0.0164}  # Cox regression


def telco(folder: Path) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Features, months of tenure, and whether the customer left; without what was billed in total."""
    data = pd.read_csv(next((folder / "telco_churn").glob("*.csv")))
    data = data[data["tenure"] > 0].reset_index(drop=True)
    features = data.drop(columns=["customerID", "tenure", "Churn", "TotalCharges"])
    features["SeniorCitizen"] = features["SeniorCitizen"].astype(str)
    features = features.rename(columns={"Contract": "contract", "MonthlyCharges": "price"})
    return features, data["tenure"].to_numpy(), (data["Churn"] == "Yes").to_numpy()


def periods_of(
    features: pd.DataFrame, tenure: np.ndarray, left: np.ndarray, rows: np.ndarray
) -> pd.DataFrame:
    """The person-periods of a snapshot's customers: every month of their tenure."""
    who = np.repeat(rows, tenure[rows])
    month = np.concatenate([np.arange(1, t + 1) for t in tenure[rows]])
    churned = (month == tenure[who]) & left[who]
    return features.iloc[who].assign(customer_id=who, month=month, churned=churned.astype(int))


def hazard_curves(train: pd.DataFrame, test: pd.DataFrame) -> np.ndarray:
    """S at the months of the grid, from the first month on, of a model fitted to `train`."""
    model = DiscreteTimeHazard(term_months=0).fit(train.drop(columns="churned"), train["churned"])
    return model.predict_survival(test.assign(month=1), GRID).to_numpy()


def telco_scores(folder: Path) -> pd.DataFrame:
    """A row per model: IBS and Uno's C as means over the folds, calibration over all held-out customers."""
    features, tenure, left = telco(folder)
    curves: dict[str, np.ndarray] = {}
    scores: dict[str, list[pd.Series]] = {}
    for a, b in StratifiedKFold(5, shuffle=True, random_state=0).split(features, left):
        train, contract = periods_of(features, tenure, left, a), features["contract"].to_numpy()
        months = ["customer_id", "month", "churned"]
        found = {
            "discrete-time hazard": hazard_curves(train, features.iloc[b]),
            "tenure only": hazard_curves(train[months], features.iloc[b][[]]),
            "Kaplan-Meier": np.repeat(curve_baseline(tenure[a], left[a], GRID), len(b), axis=0),
            "Kaplan-Meier by contract": curve_baseline(tenure[a], left[a], GRID, contract[a], contract[b]),
        }
        for name, survival in found.items():
            curves.setdefault(name, np.empty((len(features), len(GRID))))[b] = survival
            report = survival_report(survival, tenure[b], left[b], GRID, (tenure[a], left[a]), ())
            scores.setdefault(name, []).append(report)
    rows = {}
    for name, survival in curves.items():
        tables = {h: calibration_table(1 - survival[:, h - 1], tenure, left, h) for h in HORIZONS}
        errors = {f"ece_{h}": calibration_error(table) for h, table in tables.items()}
        rows[name] = pd.DataFrame(scores[name]).mean().to_dict() | errors
    return pd.DataFrame(rows).T


def subscriptions(customers: int, seed: int = 3) -> pd.DataFrame:
    """Customers who began over four years, by plan and price, with ends from a known hazard."""
    rng = np.random.default_rng(seed)
    begun = np.datetime64("2022-01-01") + rng.integers(0, 4 * 365, customers).astype("timedelta64[D]")
    plan = rng.choice(["basic", "plus", "pro"], customers, p=[0.5, 0.3, 0.2])
    price = np.round(rng.gamma(3, 20, customers) + 5, 2)
    rate = np.where(plan == "basic", 0.03, np.where(plan == "plus", 0.015, 0.008)) * np.exp(price / 200)
    lasted = (rng.exponential(1 / rate) * 30.44 + 1).astype("int64").astype("timedelta64[D]")
    return pd.DataFrame(
        {
            "customer_id": np.arange(customers),
            "started_on": pd.Series(begun.astype("datetime64[s]")),
            "ended_on": pd.Series((begun + lasted).astype("datetime64[s]")),
            "mrr": price,
            "plan": pd.Categorical(plan),
        }
    )


def peak() -> float:
    """The most memory the process has had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def million(customers: int) -> None:
    """From subscriptions to a fitted model, and then to values of everybody still there."""
    as_of = date(2025, 12, 31)
    data = subscriptions(customers)
    attributes = pd.DataFrame({"customer_id": np.arange(customers)})
    attributes["segment"] = pd.Categorical.from_codes(np.arange(customers) % 4, ["a", "b", "c", "d"])
    before, start = peak(), time.process_time()
    spells = contract_spells(data, as_of)
    table = person_periods(spells, data, as_of, customers=attributes)
    made = time.process_time()
    model = DiscreteTimeHazard().fit(table.drop(columns="churned"), table["churned"], table["weight"])
    fitted = time.process_time()
    grown = peak() - before
    print(f"{customers:,} customers, {table['weight'].sum():,.0f} person-periods ({len(table):,} rows kept),")
    print(
        f"{model.events_:,.0f} ends: {made - start:.1f} s to the table, {fitted - made:.1f} s to the model,"
    )
    print(f"together {fitted - start:.1f} s (goal 5), {grown:.0f} MB (goal 500); kind: {model.kind_}")
    alive = alive_now(spells, data, as_of, customers=attributes)
    worth = contract_values(model, alive, margin=0.7)
    done = time.process_time()
    print(f"values of {len(alive):,} customers alive with intervals: {done - fitted:.1f} s more, ", end="")
    print(f"total {worth.total['value']:,.0f} [{worth.total['low']:,.0f}, {worth.total['high']:,.0f}]")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--data", type=Path, default=BESIDE)
    options = parser.parse_args()
    million(options.customers)
    if (options.data / "telco_churn").is_dir():
        table = telco_scores(options.data)
        table.loc["goal"], table.loc["Cox regression"] = pd.Series(GOALS), pd.Series(PEER)
        print(table.round(5).to_string())
    else:
        print("Telco: no folder telco_churn, left out")


if __name__ == "__main__":
    main()
