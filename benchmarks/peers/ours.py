"""This package's fits on generated customers; writes the customers and the figures for `theirs.py`.

    OMP_NUM_THREADS=1 python benchmarks/peers/ours.py FOLDER [--customers 100000]

Purchase models on customers who order; curves, the log-rank test and a model of who leaves on customers under
contract.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1]))
from hazard import subscriptions
from models import generated

from analysis.models.hazard import DiscreteTimeHazard
from analysis.models.pareto import ParetoNBD
from analysis.models.person_periods import person_periods
from analysis.models.purchases import BGNBD
from analysis.models.spells import contract_spells
from analysis.survival import kaplan_meier, log_rank, survival_at

AS_OF = date(2025, 12, 31)
YEAR = 365


def timed(work: Callable[[], object]) -> tuple[float, object]:
    """CPU seconds, and what came of it."""
    start = time.process_time()
    found = work()
    return time.process_time() - start, found


def months(data: pd.DataFrame) -> pd.DataFrame:
    """A row per customer and month of tenure."""
    return person_periods(contract_spells(data, AS_OF), data, AS_OF)


def fit_hazard(table: pd.DataFrame) -> DiscreteTimeHazard:
    """The model as it is used: C by held-out periods, challenger tried."""
    return DiscreteTimeHazard().fit(table.drop(columns="churned"), table["churned"], table["weight"])


def contracts(customers: int, folder: Path) -> dict[str, dict[str, float]]:
    """Figures on customers under contract, who are written for the other library."""
    data = subscriptions(customers)
    end = data["ended_on"].clip(upper=pd.Timestamp(AS_OF))
    days = (end - data["started_on"]).dt.days.to_numpy()
    left = (data["ended_on"] <= pd.Timestamp(AS_OF)).to_numpy()
    plan = data["plan"].cat.codes.to_numpy()
    np.save(folder / "contracts.npy", np.column_stack([days, left, plan, data["mrr"]]).astype("float64"))
    curve_seconds, curve = timed(lambda: kaplan_meier(days, left))
    test_seconds, test = timed(lambda: log_rank(days, left, plan))
    table = months(data)
    hazard_seconds, _ = timed(lambda: fit_hazard(table))
    columns = [
        table["customer_id"],
        table["month"],
        table["churned"],
        table["plan"].cat.codes,
        table["price"],
    ]
    np.save(folder / "months.npy", np.column_stack(columns).astype("float64"))
    after_a_year = float(survival_at(curve, [YEAR])[0])
    return {
        "Kaplan-Meier": {"seconds": curve_seconds, "figure": after_a_year},
        "log-rank": {"seconds": test_seconds, "figure": test.statistic},
        "who leaves": {"seconds": hazard_seconds, "rows": len(table)},
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--customers", type=int, default=100_000)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    data = generated(given.customers)
    figures = {}
    for name, model in (("BG/NBD", BGNBD()), ("Pareto/NBD", ParetoNBD())):
        seconds, _ = timed(lambda model=model: model.fit(data))
        figures[name] = {"seconds": seconds, "figure": model.log_likelihood_}
    figures |= contracts(given.customers, given.folder)
    np.save(given.folder / "customers.npy", data.to_numpy())
    (given.folder / "ours.json").write_text(json.dumps(figures), encoding="utf-8")


if __name__ == "__main__":
    main()
