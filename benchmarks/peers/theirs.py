"""The libraries lifetimes and lifelines on the same customers, in their own environment: seconds and ratios.

    OMP_NUM_THREADS=1 python benchmarks/peers/theirs.py FOLDER

Figures are the log-likelihood reached (where lifetimes stops short of the greatest, ours is higher), S after
a year, and the test's statistic. Of who leaves, both begin with a row per customer and month of tenure, for
plan and price may change; ours holds out periods for its penalty and tries boosted trees too. Cox's
regression on a row per customer, plan and price as at the start, stands below it.
"""

import json
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from lifelines.statistics import multivariate_logrank_test
from lifetimes import BetaGeoFitter, ParetoNBDFitter

from lifelines import CoxPHFitter, CoxTimeVaryingFitter, KaplanMeierFitter

YEAR = 365


def timed(work: Callable[[], object]) -> tuple[float, object]:
    """CPU seconds, and what came of it."""
    start = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = work()
    return time.process_time() - start, found


def likelihood(fitter: object, customers: np.ndarray) -> float:
    """Its log-likelihood at the parameters it found, as a sum over customers."""
    x, t_x, age = customers.T
    parameters = fitter.params_.to_numpy()
    if isinstance(fitter, ParetoNBDFitter):
        return float(fitter._conditional_log_likelihood(parameters, x, t_x, age).sum())
    logs = np.log(parameters)
    return -float(fitter._negative_log_likelihood(logs, x, t_x, age, np.ones(len(x)), 0.0)) * len(x)


def features(plan: np.ndarray, price: np.ndarray) -> pd.DataFrame:
    """Price, and whether the plan is the second or the third."""
    return pd.DataFrame({"price": price, "one": plan == 1, "two": plan == 2}).astype("float64")


def contracts(table: np.ndarray, months: np.ndarray) -> dict[str, tuple[str, float, float | None]]:
    """By what is computed: the library, its CPU seconds, and the figure to compare."""
    days, left, plan, price = table.T
    curve_seconds, curve = timed(lambda: KaplanMeierFitter().fit(days, left))
    test_seconds, test = timed(lambda: multivariate_logrank_test(days, plan, left))
    customer, month, churned, plan_then, price_then = months.T
    long = features(plan_then, price_then).assign(
        id=customer, start=month - 1, stop=month, left=churned.astype("bool")
    )
    long_seconds, _ = timed(lambda: CoxTimeVaryingFitter().fit(long, event_col="left", id_col="id"))
    short = features(plan, price).assign(days=days, left=left)
    short_seconds, _ = timed(lambda: CoxPHFitter().fit(short, "days", "left"))
    return {
        "Kaplan-Meier": ("lifelines", curve_seconds, float(curve.predict(YEAR))),
        "log-rank": ("lifelines", test_seconds, float(test.test_statistic)),
        "who leaves": ("lifelines, Cox by month", long_seconds, None),
        "(a row per customer)": ("lifelines, Cox", short_seconds, None),
    }


def main() -> None:
    folder = Path(sys.argv[1])
    customers = np.load(folder / "customers.npy")
    ours = json.loads((folder / "ours.json").read_text(encoding="utf-8"))
    theirs: dict[str, tuple[str, float, float | None]] = {}
    for name, fitter in (("BG/NBD", BetaGeoFitter()), ("Pareto/NBD", ParetoNBDFitter())):
        seconds, _ = timed(lambda fitter=fitter: fitter.fit(*customers.T))
        theirs[name] = ("lifetimes", seconds, likelihood(fitter, customers))
    theirs |= contracts(np.load(folder / "contracts.npy"), np.load(folder / "months.npy"))
    print(f"{len(customers):,} customers, one thread, CPU seconds")
    print("| what | ours | theirs | of | ratio | figure: ours − theirs |\n|---|---|---|---|---|---|")
    for name, (library, seconds, figure) in theirs.items():
        mine = ours.get(name, ours["who leaves"])
        gap = "" if figure is None else f"{mine['figure'] - figure:+.1e}"
        ratio = seconds / mine["seconds"]
        print(f"| {name} | {mine['seconds']:.3f} | {seconds:.2f} | {library} | {ratio:.1f}x | {gap} |")


if __name__ == "__main__":
    main()
