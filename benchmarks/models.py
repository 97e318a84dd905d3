"""Forecasts of purchases beside their goals: quality on public data, time and memory on a million customers.

    OMP_NUM_THREADS=1 python benchmarks/models.py [--data ../shared/data] [--customers 1000000]

CDNOW: calibration to 1997-09-30, holdout 39 weeks. Online Retail: sales with a customer, calibration to
2011-06-10, holdout 26 weeks. The holdout is looked at here only: no setting of a model was chosen on it. The
generated customers are of a BG/NBD world (r .243, alpha 4.414, a .793, b 2.426), 27 to 39 weeks old, in whole
days. Data sets that are not in the folder are left out.
"""

import argparse
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.models.evaluation import coverage, scores
from analysis.models.forecast import PurchaseForecast, forecast_purchases
from analysis.models.orders import bought_after, customer_days, purchases
from analysis.models.pareto import ParetoNBD
from analysis.models.purchases import BGNBD
from analysis.models.value import value_forecast

Row = tuple[str, str, float, str]  # data, measure, figure, goal


def cdnow(path: Path) -> pd.DataFrame:
    """customer_id, day, amount of CDNOW's sample or master file."""
    columns = ["customer_id", "day", "units", "amount"]
    names, skip = (["master_id", *columns], 0) if "sample" in path.name else (columns, 1)
    orders = pd.read_csv(
        path, sep=r"\s+", header=None, names=names, skiprows=skip, dtype={"customer_id": str}
    )
    return orders.assign(day=pd.to_datetime(orders["day"].astype(str), format="%Y%m%d"))


def online_retail(path: Path) -> pd.DataFrame:
    """customer_id, day, amount of the valid sale lines with a customer."""
    lines = pd.read_csv(path, dtype={"InvoiceNo": str, "CustomerID": str, "StockCode": str})
    valid = ~lines["InvoiceNo"].str.startswith("C") & (lines["Quantity"] > 0) & (lines["UnitPrice"] > 0)
    lines = lines[valid & lines["CustomerID"].notna()]
    amount = lines["Quantity"] * lines["UnitPrice"]
    return pd.DataFrame(
        {"customer_id": lines["CustomerID"], "day": pd.to_datetime(lines["InvoiceDate"]), "amount": amount}
    )


def forecast_rows(name: str, orders: pd.DataFrame, cutoff: str, weeks: float) -> Iterator[Row]:
    """What the default forecast scores on the holdout."""
    goals = GOALS[name]
    days = customer_days(orders)
    start = time.process_time()
    found = forecast_purchases(days, cutoff, weeks)
    seconds = time.process_time() - start
    actual = bought_after(days, cutoff, weeks, found.customers.index)
    got = measured(found, actual)
    amounts = value_forecast(purchases(days, cutoff)).mean_amount.reindex(found.customers.index)
    spend = found.customers["forecast"] * amounts
    got["spend MAE"] = float((actual["spend"] - spend).abs().mean())
    got["spend total"] = float(spend.sum() / actual["spend"].sum() - 1)
    got["CPU seconds, backtests and all"] = seconds
    print(f"{name}: {len(found.customers):,} customers, {found.method}; {found.missed}")
    yield from ((name, measure, figure, goals.get(measure, "")) for measure, figure in got.items())


def measured(found: PurchaseForecast, actual: pd.DataFrame) -> dict[str, float]:
    """Scores of the purchases, and coverage of the intervals of customers with a forecast above 1."""
    happened, forecast = actual["purchases"].to_numpy(), found.customers["forecast"].to_numpy()
    got = {str(k): float(v) for k, v in scores(happened, {"mine": forecast}).loc["mine"].items()}
    often = found.customers[forecast > 1]
    return {**got, "coverage": coverage(happened[forecast > 1], often["low"], often["high"])}


GOALS = {
    "CDNOW sample": {"deviance": "≤ 1.53", "spearman": "≥ .468", "auc": "≥ .783", "coverage": ".93-.97"},
    "CDNOW master": {"deviance": "≤ 1.585", "coverage": ".93-.97"},
    "Online Retail": {
        "mae": "≤ 1.44",
        "deviance": "≤ 1.86",
        "total_error": "±.10",
        "spend MAE": "≤ 935",
        "coverage": ".93-.97",
    },
}


def generated(customers: int, seed: int = 0) -> pd.DataFrame:
    """Customers of a BG/NBD world: repeats, t_x_weeks, age_weeks."""
    rng = np.random.default_rng(seed)
    age = rng.integers(27 * 7, 39 * 7 + 1, customers) / 7
    rate, chance = rng.gamma(0.243, 1 / 4.414, customers), rng.beta(0.793, 2.426, customers)
    x, t, t_x = np.zeros(customers), np.zeros(customers), np.zeros(customers)
    active = np.arange(customers)
    while len(active):
        t[active] += rng.exponential(1, len(active)) / np.maximum(rate[active], 1e-12)
        active = active[t[active] <= age[active]]
        x[active] += 1
        t_x[active] = t[active]
        active = active[rng.random(len(active)) >= chance[active]]
    whole = np.where(x > 0, np.minimum(np.maximum(np.ceil(t_x * 7), 1) / 7, age), 0)
    return pd.DataFrame({"repeats": x, "t_x_weeks": whole, "age_weeks": age})


def speed_rows(customers: int) -> Iterator[Row]:
    """CPU seconds and peak memory of a fit."""
    data = generated(customers)
    for model, most, room in ((BGNBD, "≤ 1.5", "≤ 50"), (ParetoNBD, "≤ 12", "")):
        start = time.process_time()
        model().fit(data)
        seconds = time.process_time() - start
        tracemalloc.start()
        model().fit(data)
        peak = tracemalloc.get_traced_memory()[1] / 2**20
        tracemalloc.stop()
        yield f"{customers:,} generated", f"{model.__name__} fit, CPU seconds", seconds, most
        yield f"{customers:,} generated", f"{model.__name__} fit, peak MB", peak, room


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    root = Path(__file__).parents[1]
    parser.add_argument("--data", type=Path, default=root.parent / "shared" / "data")
    parser.add_argument("--customers", type=int, default=1_000_000)
    given = parser.parse_args()
    sources = [
        ("CDNOW sample", given.data / "cdnow" / "CDNOW_sample.txt", cdnow, "1997-09-30", 39),
        ("CDNOW master", given.data / "cdnow" / "CDNOW_master.txt", cdnow, "1997-09-30", 39),
        (
            "Online Retail",
            given.data / "online_retail" / "online_retail.csv.gz",
            online_retail,
            "2011-06-10",
            26,
        ),
    ]
    rows: list[Row] = []
    for name, path, read, cutoff, weeks in sources:
        if path.exists():
            rows += forecast_rows(name, read(path), cutoff, weeks)
        else:
            print(f"{name}: not in {given.data}")
    rows += speed_rows(given.customers)
    print("\n| data | measure | result | goal |\n|---|---|---|---|")
    for name, measure, figure, goal in rows:
        print(f"| {name} | {measure} | {figure:.4g} | {goal} |")


if __name__ == "__main__":
    main()
