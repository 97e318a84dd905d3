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
    total_error,
    verdict,
)
from analysis.models.intervals import count_interval, dispersion
from analysis.models.orders import DAYS_OF_WEEK, bought_after
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
class Backtest:
    """How the forecasts did at earlier cut-offs.

    `chosen` is the forecast to use and `why`; `scores` has a row per forecast and baseline, `deciles` those
    of the chosen one, both of the main cut-off (`cutoff`, a day; `weeks` held out); `coverage` is of the 95 %
    intervals of customers with a forecast above 1 there (NaN: there is none), with the dispersion of the
    cut-off before it; `dispersion` is of the main cut-off; `missed` the chosen forecast's error of the main
    total; `errors` has a row per cut-off: `cutoff`, `weeks`, `actual`, `forecast`, `error`.
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
    runs: list[tuple[Origin, Candidates, np.ndarray]] = []
    for origin in origins(int(bought.min()), cutoff, weeks):
        found = candidates(known, origin.cutoff, origin.weeks, learners, simple)
        later = bought_after(known, origin.cutoff, origin.weeks, found.customers.index)
        runs.append((origin, found, later["purchases"].to_numpy()))
    if not runs:
        return None
    origin, main, actual = runs[0]
    chosen, why = choose(main.forecasts, main.default, actual)
    forecast = main.forecasts[chosen]
    against = baselines(main.customers, main.weeks)
    covered = np.nan
    if len(runs) > 1:
        _, other, happened = runs[1]
        low, high = count_interval(forecast, dispersion(happened, picked(other, chosen)))
        covered = coverage(actual[forecast > 1], low[forecast > 1], high[forecast > 1])
    return Backtest(
        cutoff=origin.cutoff,
        weeks=origin.weeks,
        chosen=chosen,
        why=why,
        scores=scores(actual, {**main.forecasts, **against}),
        deciles=decile_table(actual, forecast),
        coverage=covered,
        dispersion=dispersion(actual, forecast),
        missed=total_error(actual, forecast),
        errors=past_errors(runs, chosen),
        verdict=verdict(len(actual), actual, forecast, others(against, chosen), covered),
    )


def others(against: dict[str, np.ndarray], name: str) -> dict[str, np.ndarray]:
    """The baselines that are not the forecast itself."""
    return {other: forecast for other, forecast in against.items() if other != name}


def retested(past: Backtest, days: pd.DataFrame, name: str, learners: tuple[str, ...]) -> Backtest | None:
    """The same backtest of another forecast; None where that could not be made at the main cut-off."""
    runs = []
    for cutoff, weeks in past.errors[["cutoff", "weeks"]].itertuples(index=False):
        made = forecast_by(name, days, int(cutoff), weeks, learners)
        if made is not None:
            later = bought_after(days, int(cutoff), weeks, made[0].index)["purchases"].to_numpy()
            runs.append((int(cutoff), weeks, later, made[1], made[0]))
    if not runs or runs[0][0] != past.cutoff:
        return None
    _, weeks, actual, forecast, customers = runs[0]
    covered, often = np.nan, forecast > 1
    if len(runs) > 1:
        low, high = count_interval(forecast, dispersion(*runs[1][2:4]))
        covered = coverage(actual[often], low[often], high[often])
    totals = [(day, span, y.sum(), f.sum(), total_error(y, f)) for day, span, y, f, _ in runs]
    table = past.scores
    if name not in table.index:
        table = pd.concat([scores(actual, {name: forecast}), table]).rename_axis(table.index.name)
    against = others(baselines(customers, weeks), name)
    return replace(
        past,
        chosen=name,
        scores=table,
        deciles=decile_table(actual, forecast),
        coverage=covered,
        dispersion=dispersion(actual, forecast),
        missed=total_error(actual, forecast),
        errors=pd.DataFrame(totals, columns=past.errors.columns),
        verdict=verdict(len(actual), actual, forecast, against, covered),
    )


def picked(found: Candidates, name: str) -> np.ndarray:
    """The forecast of this name, or the default where it could not be made."""
    return found.forecasts.get(name, found.forecasts[found.default])


def past_errors(runs: list[tuple[Origin, Candidates, np.ndarray]], chosen: str) -> pd.DataFrame:
    """One row per earlier cut-off: `cutoff`, `weeks`, totals `actual` and `forecast`, `error` of the
    total."""
    rows = [
        (
            origin.cutoff,
            origin.weeks,
            actual.sum(),
            picked(found, chosen).sum(),
            total_error(actual, picked(found, chosen)),
        )
        for origin, found, actual in runs
    ]
    return pd.DataFrame(rows, columns=["cutoff", "weeks", "actual", "forecast", "error"])
