"""Customers without a contract: how often each will order, what each is worth, and how far to trust it.

Nobody here is ever called lost: what is given is the probability that a customer orders again within the
horizon. Where a baseline forecast the last holdout better, the baseline's forecast is used.
"""

from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np
import pandas as pd

from analysis.models.backtest import Backtest, retested
from analysis.models.candidates import GEOMETRIC, PURCHASE_MODELS, forecast_by
from analysis.models.contracts import DIMS, ordered
from analysis.models.evaluation import REPLACED, Verdict, called
from analysis.models.factors import order_factors
from analysis.models.features import features
from analysis.models.forecast import PurchaseForecast, affordable, forecast_purchases
from analysis.models.inputs import Inputs
from analysis.models.intervals import count_interval, p_any, total_interval
from analysis.models.orders import DAYS_OF_WEEK, as_day, purchases
from analysis.models.outcome import NON_CONTRACTUAL, QUARTER_WEEKS, Estimate, Outcome
from analysis.models.reasons import order_reasons
from analysis.models.value import ValueForecast, lifetime_value, value_forecast
from analysis.stats import ratio
from analysis.texts import mark, say

NEVER_TESTED = mark("this forecast could not be made at the earlier day: it was never tested")
FLAT_BETTER = mark("one amount for all forecast the value of the last holdout's orders better")
RIVALS = ("naive_rate", "mean_rate", "bg_nbd", "nbd")
MORE = mark(
    "who orders more often also spends more an order (correlation {correlation}): values of the extremes "
    "are less certain"
)
LESS = mark(
    "who orders more often also spends less an order (correlation {correlation}): values of the extremes "
    "are less certain"
)


@dataclass(frozen=True)
class Used:
    """The forecast in use, and what it is known by.

    `missed` and `errors` are of the days of purchase at earlier cut-offs, `missed_spend` and `spend_errors`
    of what those brought.
    """

    forecast: PurchaseForecast
    fallback: str
    verdict: Verdict
    missed: float
    errors: np.ndarray
    missed_spend: float
    spend_errors: np.ndarray


def buyers(inputs: Inputs, horizon_weeks: int, months: int, rate: float, inactive: int) -> Outcome:
    """The non-contractual model of a company with orders.

    Per customer who ever bought: `p_active` = P(at least one day of purchase within the horizon),
    `expected_orders` = days of purchase within it, `expected_value` = margin expected within it (not
    discounted), `clv` = discounted margin within `months`. `watched` are the customers active as the params
    define it: an order within `inactive` days.
    """
    assert inputs.days is not None
    cutoff = as_day(inputs.as_of)
    chosen = in_use(inputs.days, cutoff, forecast_purchases(inputs.days, cutoff, horizon_weeks))
    found, table = chosen.forecast, chosen.forecast.customers
    bought = purchases(inputs.days, cutoff)
    value = amounts(bought, found.backtest)
    amount = value.mean_amount.reindex(table.index).to_numpy(dtype="float64")
    level = table["level"].to_numpy(dtype="float64")
    worth, ahead, note = lifetime(found, table, amount, inputs.margin, rate, months, level)
    chance = quarter_chance(found, table, level)
    customers = per_customer(found, amount, inputs.margin, (worth, ahead), 1 - chance, inactive)
    seen = features(bought, cutoff, horizon_weeks).reindex(table.index) if len(table) else pd.DataFrame()
    if len(table):
        customers = customers.join(order_reasons(table, seen))
    active = customers["watched"].to_numpy(dtype="bool")
    past = found.backtest
    return Outcome(
        model=NON_CONTRACTUAL,
        customers=customers,
        leaving=silent(chance[active], chosen.errors),
        leaving_value=float((1 - chance[active]) @ worth[active]),
        total=total_value(float(worth.sum()), chosen.spend_errors),
        today=total_value(float(worth[active].sum()), chosen.spend_errors),
        method=found.method,
        fallback=", ".join(name for name in (chosen.fallback, odd(value, len(table))) if name),
        verdict=chosen.verdict,
        missed=chosen.missed,
        tested_from=inputs.as_of - timedelta(days=cutoff - past.cutoff) if past else None,
        tested_days=round(past.weeks * 7) if past else 0,
        scores=past.scores if past else pd.DataFrame(),
        calibration=deciles(chosen),
        coverage=past.coverage if past else np.nan,
        factors=order_factors(table[active], 1 - chance[active]),
        notes=notes(chosen, value, note),
        groups=by_member(inputs, customers, chosen.spend_errors),
        missed_spend=chosen.missed_spend,
    )


def per_customer(
    found: PurchaseForecast,
    amount: np.ndarray,
    margin: float,
    lifetime: tuple[np.ndarray, np.ndarray],
    risk: np.ndarray,
    inactive: int,
) -> pd.DataFrame:
    """The numbers of each customer; `lifetime` is value and days of purchase, `risk` that of the quarter."""
    table, (worth, ahead) = found.customers, lifetime
    low, high = counts_scaled(worth, ahead, found.dispersion)
    numbers = {name: table[name].to_numpy(dtype="float64") for name in ("p_buys", "forecast", "low", "high")}
    silent_weeks = (table["age_weeks"] - table["t_x_weeks"]).to_numpy(dtype="float64")
    return pd.DataFrame(
        {
            "p_active": numbers["p_buys"],
            "churn_risk": 1 - numbers["p_buys"],
            "expected_orders": numbers["forecast"],
            "expected_orders_low": numbers["low"],
            "expected_orders_high": numbers["high"],
            "expected_value": margin * amount * numbers["forecast"],
            "clv": worth,
            "clv_low": low,
            "clv_high": high,
            "quarter_risk": risk,
            "watched": np.round(silent_weeks * DAYS_OF_WEEK) < inactive,
        },
        index=table.index.rename("customer_id"),
    )


def in_use(days: pd.DataFrame, cutoff: int, found: PurchaseForecast) -> Used:
    """The forecast, or the baseline with less deviance at the last holdout, each with its own backtest.

    Of several such baselines the best that can be made today.
    """
    past = found.backtest
    if past is None:
        why = say("no earlier time to forecast from: there is nothing to compare with")
        return untested(found, found.method, why)
    repeaters = int((found.customers["repeats"] > 0).sum())
    learners = affordable(len(found.customers), repeaters)[1]
    degenerate = found.model_name if found.model_name != "pareto_nbd" else ""
    fallback = found.method if found.method != GEOMETRIC and found.method != "pareto_nbd" else degenerate
    own = past if found.method == past.chosen else retested(past, days, found.method, learners)
    if own is None:
        return untested(found, fallback, say(NEVER_TESTED))
    deviances = past.scores.loc[past.scores.index.isin(RIVALS), "deviance"]
    better = deviances[deviances < own.scores.loc[own.chosen, "deviance"]].drop(own.chosen, errors="ignore")
    for name in better.sort_values(kind="stable").index.astype(str):
        now = forecast_by(name, days, cutoff, found.weeks, learners)
        theirs = retested(past, days, name, learners) if now is not None else None
        if now is not None and theirs is not None:
            told = say(REPLACED, name=called(name))
            word = "indicative" if theirs.verdict.word == "usable" else theirs.verdict.word
            judged = replace(theirs, verdict=Verdict(word, (told, *theirs.verdict.reasons)))
            return used(with_forecast(found, now[1], judged, told), name)
    return used(replace(found, backtest=own), fallback)


def used(found: PurchaseForecast, fallback: str) -> Used:
    """A forecast with what its own backtest says of it."""
    assert found.backtest is not None
    past = found.backtest
    errors, spend = (past.errors[name].to_numpy(dtype="float64") for name in ("error", "spend_error"))
    return Used(found, fallback, past.verdict, past.missed, errors, past.missed_spend, spend)


def untested(found: PurchaseForecast, fallback: str, why: str) -> Used:
    """A forecast that could not be held against anything."""
    none, word = np.zeros(0), Verdict("do not use", (why,))
    return Used(replace(found, backtest=None), fallback, word, np.nan, none, np.nan, none)


def amounts(bought: pd.DataFrame, past: Backtest | None) -> ValueForecast:
    """What a coming purchase of each customer is worth: one amount for all where that was better before."""
    value = value_forecast(bought)
    if past is None or not past.flat or value.method == "mean_amount":
        return value
    flat = pd.Series(float(bought["net"].mean()), index=value.mean_amount.index)
    return replace(value, mean_amount=flat, method="mean_amount", reason=say(FLAT_BETTER))


def with_forecast(found: PurchaseForecast, now: np.ndarray, past: Backtest, reason: str) -> PurchaseForecast:
    """The same with another forecast in its place, with the backtest of that and, of a purchase model, its
    course over time."""
    assert found.model is not None
    spread, name, model = past.dispersion, found.model_name, found.model
    if past.chosen in PURCHASE_MODELS:  # it also says when purchases come, and who is active
        name, model = past.chosen, PURCHASE_MODELS[past.chosen]().fit(found.customers)
    low, high = count_interval(now, spread)
    alone = model.expected(found.customers, found.weeks)
    customers = found.customers.assign(
        forecast=now,
        low=low,
        high=high,
        p_buys=p_any(now, spread),
        p_alive=model.p_alive(found.customers),
        level=np.nan_to_num(ratio(now, alone)),
    )
    total = float(now.sum())
    ends = total_interval(total, past.errors["error"])
    return replace(
        found,
        customers=customers,
        method=past.chosen,
        reason=reason,
        model=model,
        model_name=name,
        alive_known=name in ("pareto_nbd", "bg_nbd"),
        backtest=past,
        dispersion=spread,
        total=total,
        total_low=ends[0],
        total_high=ends[1],
    )


def lifetime(
    found: PurchaseForecast,
    table: pd.DataFrame,
    amount: np.ndarray,
    margin: float,
    rate: float,
    months: int,
    level: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, str]:
    """Lifetime value and days of purchase within the months, and a word where that is beyond experience."""
    if found.model is None:
        return np.zeros(0), np.zeros(0), ""
    value = lifetime_value(found.model, table, amount, margin, rate, months, level)
    return value.clv.to_numpy(dtype="float64"), value.purchases.to_numpy(dtype="float64"), value.note


def quarter_chance(found: PurchaseForecast, table: pd.DataFrame, level: np.ndarray) -> np.ndarray:
    """P(at least one day of purchase in the next quarter)."""
    if found.model is None:
        return np.zeros(0)
    return p_any(level * found.model.expected(table, float(QUARTER_WEEKS)), found.dispersion)


def counts_scaled(worth: np.ndarray, ahead: np.ndarray, spread: float) -> tuple[np.ndarray, np.ndarray]:
    """Interval of each customer's value: that of the number of purchases, at the same value each."""
    low, high = count_interval(ahead, spread)
    each = np.nan_to_num(ratio(worth, ahead))
    ends = ordered(each * low, each * high)
    return np.minimum(ends[0], worth), np.maximum(ends[1], worth)


def silent(chance: np.ndarray, errors: np.ndarray) -> Estimate:
    """How many of the active will not order in the next quarter, as far off as earlier totals were."""
    buying, everyone = float(chance.sum()), float(len(chance))
    low, high = total_interval(buying, errors) if np.isfinite(errors).any() else (0.0, everyone)
    return Estimate(everyone - buying, max(everyone - high, 0.0), everyone - min(low, everyone))


def total_value(value: float, errors: np.ndarray) -> Estimate:
    """Lifetime value of all, as far off as earlier totals of what orders brought were."""
    ends = total_interval(value, errors)
    return Estimate(value, min(ends), max(ends))


def odd(value: ValueForecast, customers: int) -> str:
    """The fallback taken for the amounts, or nothing."""
    return value.method if customers and value.method != "gamma_gamma" else ""


def notes(used: Used, value: ValueForecast, beyond: str) -> tuple[str, ...]:
    """What could not be fit, and warnings, in words."""
    found = used.forecast
    said = [
        *found.notes,
        say("forecast by {method}: {reason}", method=called(found.method), reason=found.reason),
    ]
    if value.reason:
        said.append(
            say(
                "amounts: {method} instead of gamma_gamma: {reason}",
                method=called(value.method),
                reason=value.reason,
            )
        )
    if value.related:
        related = MORE if value.correlation > 0 else LESS
        said.append(say(related, correlation=f"{value.correlation:+.2f}"))
    return (*said, beyond) if beyond else tuple(said)


def deciles(used: Used) -> pd.DataFrame:
    """Forecast and actual days of purchase by tenth of the customers, of the last holdout."""
    past = used.forecast.backtest
    if past is None:
        return pd.DataFrame(columns=["group", "n", "predicted", "observed"], dtype="float64")
    table = past.deciles.reset_index().rename(
        columns={"decile": "group", "customers": "n", "forecast": "predicted", "actual": "observed"}
    )
    return table[["group", "n", "predicted", "observed"]]


def by_member(inputs: Inputs, customers: pd.DataFrame, errors: np.ndarray) -> pd.DataFrame:
    """Lifetime value of the customers of each segment and channel; intervals as of the total."""
    about = inputs.customers.set_index("customer_id").reindex(customers.index)
    tables = []
    for dim in DIMS:
        member = about[dim].astype(object).where(about[dim].notna(), None)
        grouped = customers["clv"].groupby(member, dropna=False, sort=True)
        table = grouped.agg(customers="size", value="sum").rename_axis("member").reset_index()
        ends = [total_value(value, errors) for value in table["value"]]
        table = table.assign(dimension=dim, low=[e.low for e in ends], high=[e.high for e in ends])
        tables.append(table)
    result = pd.concat(tables, ignore_index=True)
    return result[["dimension", "member", "customers", "value", "low", "high"]]
