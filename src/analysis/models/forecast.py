"""How often each customer without a contract will buy in the coming weeks, with intervals and a verdict.

How much is tried depends on how much there is to learn from. Under 100 customers, or 40 with a repeat
purchase: averages of all. From there on purchase models, from 500 customers a regression beside them, from
2,000 boosting too. Nothing here fails on odd data; it says which fallback it took, and why.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.models.backtest import Backtest, backtest
from analysis.models.candidates import GEOMETRIC, Candidates, candidates
from analysis.models.intervals import count_interval, p_any, total_interval
from analysis.models.orders import as_day
from analysis.models.purchases import PurchaseModel
from analysis.stats import ratio
from analysis.texts import say, say_n

LEAST_CUSTOMERS, LEAST_REPEATERS = 100, 40  # below: averages of all customers only
REGRESSION_FROM, BOOSTING_FROM = 500, 2_000  # customers


@dataclass(frozen=True)
class PurchaseForecast:
    """The forecast of `weeks` after the cut-off.

    `customers` is indexed by customer: the columns of a `summary`, and `forecast` (days of purchase), `low`
    and `high` (95 %, whole numbers), `p_buys` (at least once), `p_alive` (active at the cut-off, where
    `alive_known`; else 1), and `level`, the forecast in multiples of what `model` alone forecasts. `method`
    names the forecast used, `reason` says why that one, `notes` what could not be fit. `total` has the
    interval `total_low` to `total_high`, of errors at earlier cut-offs. `backtest` is None where there is no
    earlier time to learn from.
    """

    customers: pd.DataFrame
    weeks: float
    method: str
    reason: str
    notes: tuple[str, ...]
    model: PurchaseModel | None
    model_name: str
    alive_known: bool
    dispersion: float
    total: float
    total_low: float
    total_high: float
    backtest: Backtest | None

    @property
    def missed(self) -> str:
        """How the last holdout's totals were missed, in words."""
        if self.backtest is None or np.isnan(self.backtest.missed):
            return "no holdout to compare with"
        said = f"missed the last holdout by {self.backtest.missed:+.1%} in orders"
        spend = self.backtest.missed_spend
        return said if np.isnan(spend) else f"{said}, {spend:+.1%} in value"


def affordable(customers: int, repeaters: int) -> tuple[bool, tuple[str, ...]]:
    """Whether only averages of all customers are to be had, and which learners."""
    simple = customers < LEAST_CUSTOMERS or repeaters < LEAST_REPEATERS
    learners = [("regression", REGRESSION_FROM), ("boosting", BOOSTING_FROM)]
    return simple, tuple(name for name, least in learners if customers >= least and not simple)


def forecast_purchases(days: pd.DataFrame, cutoff: object, weeks: float) -> PurchaseForecast:
    """Days of purchase of every customer in the `weeks` after the cut-off.

    `days` comes from `orders.customer_days`; only days up to and including the cut-off are used. The forecast
    is the geometric mean of Pareto/NBD and the learners, unless another was better at an earlier cut-off.

    Raises
    ------
    ValueError
        `weeks` is not above 0.
    """
    if not (weeks > 0 and np.isfinite(weeks)):
        raise ValueError(f"weeks is {weeks}; expected a number above 0")
    at = as_day(cutoff)
    known = days[days["day"].to_numpy() <= at]
    buyers = known[known["bought"].to_numpy(dtype="bool")]["customer_id"].value_counts()
    if not len(buyers):
        return nobody(weeks)
    simple, learners = affordable(len(buyers), int((buyers > 1).sum()))
    found = candidates(known, at, weeks, learners, simple)
    past = backtest(known, at, weeks, learners, simple)
    method, reason = decided(found, past, simple, len(buyers), int((buyers > 1).sum()))
    spread = past.dispersion if past else 1.0
    forecast = found.forecasts[method]
    low, high = count_interval(forecast, spread)
    alone = found.model.expected(found.customers, weeks)
    customers = found.customers.assign(
        forecast=forecast,
        low=low,
        high=high,
        p_buys=p_any(forecast, spread),
        p_alive=found.model.p_alive(found.customers),
        level=np.nan_to_num(ratio(forecast, alone)),
    )
    total = float(forecast.sum())
    ends = total_interval(total, past.errors["error"] if past else [])
    return PurchaseForecast(
        customers=customers,
        weeks=weeks,
        method=method,
        reason=reason,
        notes=found.notes,
        model=found.model,
        model_name=found.model_name,
        alive_known=found.model_name in ("pareto_nbd", "bg_nbd"),
        dispersion=spread,
        total=total,
        total_low=ends[0],
        total_high=ends[1],
        backtest=past,
    )


def decided(
    found: Candidates, past: Backtest | None, simple: bool, customers: int, repeaters: int
) -> tuple[str, str]:
    """Which forecast is used, and why."""
    if simple:
        return found.default, say_n(
            "{n} customer, {repeaters} with a repeat purchase: averages only",
            "{n} customers, {repeaters} with a repeat purchase: averages only",
            customers,
            repeaters=repeaters,
        )
    if past is None:
        return found.default, say("no earlier time to compare forecasts at")
    if past.chosen in found.forecasts and past.chosen != GEOMETRIC:
        return past.chosen, past.why
    return found.default, past.why


def nobody(weeks: float) -> PurchaseForecast:
    """The forecast of no customers."""
    columns = ["repeats", "t_x_weeks", "age_weeks", "first_day", "orders", "mean_amount", "mean_repeat"]
    columns += ["forecast", "low", "high", "p_buys", "p_alive", "level"]
    empty = pd.DataFrame(columns=columns, dtype="float64", index=pd.Index([], name="customer_id"))
    return PurchaseForecast(
        empty, weeks, "none", say("nobody bought yet"), (), None, "none", False, 1.0, 0.0, 0.0, 0.0, None
    )
