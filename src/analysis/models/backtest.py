"""Forecasts made at earlier cut-offs, held against what came after: which to trust, and how far off they
were."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from analysis.models.candidates import Candidates, baselines, candidates, forecast_by
from analysis.models.evaluation import (
    Verdict,
    called,
    coverage,
    decile_table,
    paired_interval,
    poisson_deviances,
    scores,
    spend_error,
    total_error,
    valued,
    verdict,
    worse,
)
from analysis.models.intervals import count_interval, dispersion
from analysis.models.orders import DAYS_OF_WEEK, bought_after, purchases
from analysis.models.value import value_forecast
from analysis.texts import mark, say

BETTER = mark("{deviance} deviance a customer against {name}, beyond chance")
STEPS_BACK = (0.5, 1.0, 1.5)  # further cut-offs before the main one, in lengths of its holdout
STEPS_ON = (0.25, 0.5)  # and, where the history has no room for those, after it
LEAST_HISTORY = 0.3  # of the time, before any cut-off
LEAST_ERRORS = 3


@dataclass(frozen=True)
class Origin:
    """A day to forecast from, and the weeks that are held out after it."""

    cutoff: int
    weeks: float


def origins(first: int, cutoff: int, weeks: float) -> list[Origin]:
    """Earlier cut-offs, the main one first; empty where the history is shorter than four days.

    The main one holds out the length of the forecast, or half of the history where that is less. The others
    lie before it, half a holdout apart; where there are not two of them, after it too, with less held out.
    """
    span = cutoff - first
    held = int(min(round(weeks * DAYS_OF_WEEK), span // 2))
    if span < 4 or held < 1:
        return []
    main = cutoff - held
    before = [main - round(step * held) for step in STEPS_BACK]
    days = [day for day in before if day - first >= LEAST_HISTORY * span]
    found = [Origin(day, held / DAYS_OF_WEEK) for day in [main, *days]]
    if len(found) < LEAST_ERRORS:
        later = [main + round(step * held) for step in STEPS_ON]
        found += [Origin(day, (cutoff - day) / DAYS_OF_WEEK) for day in later if main < day < cutoff]
    return found


@dataclass(frozen=True)
class Held:
    """What came after an earlier cut-off, and what was known of amounts at it; arrays by customer.

    `purchases` and `spend` are of the `weeks` held out; `amount` is what a coming purchase was expected to
    bring (`value.value_forecast`), `flat` the mean amount of all purchases so far.
    """

    cutoff: int
    weeks: float
    purchases: np.ndarray
    spend: np.ndarray
    amount: np.ndarray
    flat: float

    def worth(self, forecast: np.ndarray, flat: bool = False) -> np.ndarray:
        """The spend that goes with a forecast of purchases; `flat`: at one amount for all."""
        return forecast * (self.flat if flat else self.amount)

    def flat_better(self) -> bool:
        """Whether one amount for all goes better with the purchases that came than each customer's own does,
        beyond chance; so that errors of how many came have no say."""
        own, all_alike = (np.abs(self.spend - self.worth(self.purchases, flat)) for flat in (False, True))
        return worse(own, all_alike)


def held_out(days: pd.DataFrame, cutoff: int, weeks: float, customers: pd.Index) -> Held:
    """The time after a cut-off, for the customers known at it."""
    later, bought = bought_after(days, cutoff, weeks, customers), purchases(days, cutoff)
    amount = value_forecast(bought).mean_amount.reindex(customers).to_numpy(dtype="float64")
    days_bought, spend = (later[name].to_numpy(dtype="float64") for name in ("purchases", "spend"))
    return Held(cutoff, weeks, days_bought, spend, amount, float(bought["net"].mean()))


@dataclass(frozen=True)
class Backtest:
    """How the forecasts did at earlier cut-offs.

    `chosen` is the forecast to use and `why`; `scores` has a row per forecast and baseline, `deciles` those
    of the chosen one, both of the main cut-off (`cutoff`, a day; `weeks` held out); `coverage` is of the 95 %
    intervals of customers with a forecast above 1 there (NaN: there is none), with the dispersion of the
    cut-off before it; `dispersion` is of the main cut-off; `missed` the chosen forecast's error of the main
    total; `errors` has a row per cut-off: `cutoff`, `weeks`, of the days of purchase `actual`, `forecast`,
    `error`, and of what they brought `spend_actual`, `spend_forecast`, `spend_error` (NaN: nothing was
    earned). `flat` says that one amount for all forecast the spend better than each customer's own did, and
    is what the spend is forecast with; `held` is what came after each cut-off.
    """

    cutoff: int
    weeks: float
    chosen: str
    why: str
    scores: pd.DataFrame
    deciles: pd.DataFrame
    coverage: float
    dispersion: float
    missed: float
    errors: pd.DataFrame
    verdict: Verdict
    flat: bool
    held: tuple[Held, ...]

    @property
    def missed_spend(self) -> float:
        """The error of the main total of spend; NaN where nothing was earned."""
        return float(self.errors["spend_error"].iloc[0])


def choose(forecasts: dict[str, np.ndarray], default: str, actual: np.ndarray) -> tuple[str, str]:
    """The default forecast, unless another had less deviance by more than chance explains; and why.

    Customers are compared in pairs: the 95 % interval of the mean difference must lie below 0. Of several
    such forecasts the one with the least deviance.
    """
    mine = poisson_deviances(actual, forecasts[default])
    better = {}
    for name, forecast in forecasts.items():
        mean, _, high = paired_interval(poisson_deviances(actual, forecast), mine)
        if name != default and high < 0:
            better[name] = mean
    if not better:
        return default, say("no other forecast was better beyond chance")
    name = min(better, key=lambda one: better[one])
    return name, say(BETTER, deviance=f"{better[name]:+.3f}", name=called(default))


def backtest(
    days: pd.DataFrame, cutoff: int, weeks: float, learners: tuple[str, ...], simple: bool = False
) -> Backtest | None:
    """Every forecast at earlier cut-offs; None where no customer can be held against a later time.

    `days` comes from `customer_days` and is cut at the cut-off here: nothing later is looked at. `learners`
    and `simple` are as in `candidates`.
    """
    known = days[days["day"].to_numpy() <= cutoff]
    bought = known.loc[known["bought"].to_numpy(dtype="bool"), "day"]
    if not len(bought):
        return None
    runs: list[tuple[Held, Candidates]] = []
    for origin in origins(int(bought.min()), cutoff, weeks):
        found = candidates(known, origin.cutoff, origin.weeks, learners, simple)
        runs.append((held_out(known, origin.cutoff, origin.weeks, found.customers.index), found))
    if not runs:
        return None
    held, main = runs[0]
    chosen, why = choose(main.forecasts, main.default, held.purchases)
    against = baselines(main.customers, main.weeks)
    table = scored(held, {**main.forecasts, **against})
    tested = [(past, picked(found, chosen)) for past, found in runs]
    return judged(tested, chosen, why, table, others(against, chosen))


def judged(
    tested: list[tuple[Held, np.ndarray]],
    chosen: str,
    why: str,
    table: pd.DataFrame,
    against: dict[str, np.ndarray],
) -> Backtest:
    """What the forecasts of one name, the main cut-off's first, say of it."""
    held, forecast = tested[0]
    actual, often, covered = held.purchases, forecast > 1, np.nan
    if len(tested) > 1:
        other, before = tested[1]
        low, high = count_interval(forecast, dispersion(other.purchases, before))
        covered = coverage(actual[often], low[often], high[often])
    flat = held.flat_better()
    errors = past_errors(tested, flat)
    word = verdict(len(actual), actual, forecast, against, covered)
    return Backtest(
        cutoff=held.cutoff,
        weeks=held.weeks,
        chosen=chosen,
        why=why,
        scores=table,
        deciles=decile_table(actual, forecast),
        coverage=covered,
        dispersion=dispersion(actual, forecast),
        missed=total_error(actual, forecast),
        errors=errors,
        verdict=valued(word, held.spend, held.worth(forecast, flat), errors["spend_error"][1:]),
        flat=flat,
        held=tuple(one for one, _ in tested),
    )


def scored(held: Held, forecasts: dict[str, np.ndarray]) -> pd.DataFrame:
    """`evaluation.scores` of each forecast, and the mean absolute error of the spend that goes with it.

    `spend_mae` is at the amount expected of each customer, `spend_mae_flat` at one amount for all.
    """
    table = scores(held.purchases, forecasts)
    for name, flat in (("spend_mae", False), ("spend_mae_flat", True)):
        missed = [np.abs(held.spend - held.worth(forecast, flat)) for forecast in forecasts.values()]
        table[name] = [float(each.mean()) for each in missed]
    return table


def others(against: dict[str, np.ndarray], name: str) -> dict[str, np.ndarray]:
    """The baselines that are not the forecast itself."""
    return {other: forecast for other, forecast in against.items() if other != name}


def retested(past: Backtest, days: pd.DataFrame, name: str, learners: tuple[str, ...]) -> Backtest | None:
    """The same backtest of another forecast; None where that could not be made at the main cut-off."""
    made = [(held, forecast_by(name, days, held.cutoff, held.weeks, learners)) for held in past.held]
    runs = [(held, *found) for held, found in made if found is not None]
    if not runs or runs[0][0].cutoff != past.cutoff:
        return None
    held, customers, forecast = runs[0]
    table = past.scores
    if name not in table.index:
        table = pd.concat([scored(held, {name: forecast}), table]).rename_axis(table.index.name)
    against = others(baselines(customers, held.weeks), name)
    tested = [(one, forecast) for one, _, forecast in runs]
    return replace(judged(tested, name, past.why, table, against), held=past.held)


def picked(found: Candidates, name: str) -> np.ndarray:
    """The forecast of this name, or the default where it could not be made."""
    return found.forecasts.get(name, found.forecasts[found.default])


def past_errors(tested: list[tuple[Held, np.ndarray]], flat: bool) -> pd.DataFrame:
    """One row per earlier cut-off: `cutoff`, `weeks`, and of days of purchase and of spend the totals that
    were and that were forecast, and the error of the total."""
    rows = []
    for held, forecast in tested:
        worth = held.worth(forecast, flat)
        counts = (held.purchases.sum(), forecast.sum(), total_error(held.purchases, forecast))
        spend = (held.spend.sum(), worth.sum(), spend_error(held.spend, worth))
        rows.append((held.cutoff, held.weeks, *counts, *spend))
    names = ("actual", "forecast", "error")
    return pd.DataFrame(rows, columns=["cutoff", "weeks", *names, *(f"spend_{name}" for name in names)])
