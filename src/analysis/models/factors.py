"""What tells those who leave from those who stay: mean risk of the next quarter, level by level."""

from itertools import pairwise

import numpy as np
import pandas as pd

from analysis.models.hazard import DiscreteTimeHazard
from analysis.models.reasons import LATE, Words
from analysis.texts import mark, say

COLUMNS = ["factor", "level", "n", "risk"]
SHOWN = 4  # factors
LEVELS = 8  # of a factor; the others are one
LEAST_SPREAD = 1e-9  # of the risks: below it all are the same, and nothing tells them apart
NAMES = {
    "owner": mark("salesperson"),
    "channel": mark("channel"),
    "segment": mark("segment"),
    "plan": mark("plan"),
    "cycle_days": mark("days the deal took"),
    "price": mark("monthly price"),
    "price_change": mark("price against a year ago"),
    "tenure": mark("months as a customer"),
}
BY_TIME = ("season", "renewal_due")


def contract_factors(
    model: DiscreteTimeHazard, alive: pd.DataFrame, risk: np.ndarray, words: Words
) -> pd.DataFrame:
    """The factors that move the risk most, each with the mean risk of its levels.

    Strength is the spread of what a factor adds to the log-odds of the customers alive. Numbers are cut into
    thirds. Levels of a factor are sorted by risk, the highest first. Nothing where all have the same risk.
    """
    if not len(alive) or np.ptp(risk) <= LEAST_SPREAD:
        return pd.DataFrame(columns=COLUMNS)
    asked = alive[[name for name in model.feature_names_in_ if name in alive]]
    strength = model.contributions(asked).std(ddof=0).sort_values(ascending=False, kind="stable")
    named = [name for name in strength.index if name not in BY_TIME and strength[name] > 1e-9]
    tables = []
    for name in named[:SHOWN] or ["tenure"]:
        values = alive["month"] if name == "tenure" else alive[name]
        is_number = pd.api.types.is_numeric_dtype(values.dtype)
        levels = cut(values, words) if is_number else texts(values, name, words)
        tables.append(by_level(say(NAMES[name]) if name in NAMES else name, levels, risk))
    return telling(tables)


def telling(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """The factors one below the other; one of a single level tells nobody apart and is left out, unless all
    are."""
    several = [table for table in tables if len(table) > 1]
    return pd.concat(several or tables[:1], ignore_index=True)


def cut(values: pd.Series, words: Words) -> pd.Series:
    """Numbers in thirds, named by their bounds; one level where they hardly differ."""
    x = values.to_numpy(dtype="float64", na_value=np.nan)
    bounds = (
        np.unique(np.nanquantile(x, [1 / 3, 2 / 3], method="lower")) if np.isfinite(x).any() else np.zeros(0)
    )
    whole = [words.number(bound) for bound in bounds]
    named = [say("all")]
    if whole:
        between = [say("over {low}, up to {high}", low=a, high=b) for a, b in pairwise(whole)]
        named = [say("up to {number}", number=whole[0]), *between, say("over {number}", number=whole[-1])]
    names = np.array(named, dtype=object)
    place = np.searchsorted(bounds, x, side="left")
    return pd.Series(np.where(np.isnan(x), say("not known"), names[np.minimum(place, len(names) - 1)]))


def texts(values: pd.Series, name: str, words: Words) -> pd.Series:
    """Levels of a text by the names their reader knows."""
    named = values.astype(object).where(values.notna(), say("not known")).astype(str).reset_index(drop=True)
    if name == "owner":
        named = named.map(lambda one: words.people.get(one, one))
    return named.str.replace("_", " ")


def by_level(factor: str, levels: pd.Series, risk: np.ndarray) -> pd.DataFrame:
    """Mean risk of each level; of very many those that differ most (customers x distance from the mean of
    all)."""
    grouped = pd.Series(risk).groupby(levels.to_numpy())
    if grouped.ngroups > LEVELS:
        apart = (grouped.size() * (grouped.mean() - risk.mean()).abs()).sort_values(
            ascending=False, kind="stable"
        )
        levels = levels.where(levels.isin(set(apart.index[:LEVELS])), say("others"))
        grouped = pd.Series(risk).groupby(levels.to_numpy())
    table = grouped.agg(n="size", risk="mean").rename_axis("level").reset_index()
    table = table.sort_values(["risk", "level"], ascending=[False, True], kind="stable")
    return table.assign(factor=factor)[COLUMNS].reset_index(drop=True)


def order_factors(customers: pd.DataFrame, risk: np.ndarray) -> pd.DataFrame:
    """Mean risk by how long the silence is in usual gaps, and by how many orders there were.

    `customers` is a `summary`. Nothing where all have the same risk.
    """
    if not len(customers) or np.ptp(risk) <= LEAST_SPREAD:
        return pd.DataFrame(columns=COLUMNS)
    repeats = customers["repeats"].to_numpy()
    gap = customers["t_x_weeks"].to_numpy() / np.maximum(repeats, 1)
    silent = customers["age_weeks"].to_numpy() - customers["t_x_weeks"].to_numpy()
    with np.errstate(divide="ignore", invalid="ignore"):
        overdue = np.where(gap > 0, silent / gap, np.inf)
    places = [repeats == 0, overdue <= 1, overdue <= LATE, overdue <= 3]
    names = [say("one order only"), say("not due yet"), say("due"), say("late")]
    late = pd.Series(np.select(places, names, say("very late")))
    places = [repeats == 0, repeats == 1, repeats <= 3, repeats <= 9]
    names = [say("one"), say("two"), say("three or four"), say("five to ten")]
    often = pd.Series(np.select(places, names, say("over ten")))
    months = np.select(
        [silent <= 13, silent <= 26, silent <= 52],
        [say("up to a quarter"), say("up to half a year"), say("up to a year")],
        say("over a year"),
    )
    tables = [by_level(say("next order"), late, risk), by_level(say("orders so far"), often, risk),
              by_level(say("time since the last order"), pd.Series(months), risk)]  # fmt: skip
    return telling(tables)
