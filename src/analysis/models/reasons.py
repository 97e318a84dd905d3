"""Why a customer is at risk, in plain words: three reasons, the strongest first."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from analysis.models.hazard import DiscreteTimeHazard
from analysis.models.outcome import DAYS_OF_MONTH, REASONS

LATE = 1.5  # silent for so many of the usual gaps: late
CHEAPER, DEARER = -0.02, 0.02  # smaller changes of price are none
SLOWER = 1.5  # the last gap in mean gaps, from which on they have slowed down
ORDINARY = 0.05  # log-odds below which a feature says nothing of a customer


@dataclass(frozen=True)
class Words:
    """How the company's own things are called: amounts, people."""

    money: Callable[[float], str] = str
    share: Callable[[float], str] = "{:.0%}".format
    people: Mapping[str, str] = field(default_factory=dict)


def span(days: float) -> str:
    """A time in the largest unit that leaves two of it or more."""
    for unit, length in (("month", DAYS_OF_MONTH), ("week", 7.0), ("day", 1.0)):
        count = round(days / length)
        if count >= 2 or unit == "day":
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return ""


def contract_reasons(model: DiscreteTimeHazard, alive: pd.DataFrame, words: Words) -> pd.DataFrame:
    """`reason_1` … `reason_3` of each customer alive: what raises the risk, else how long they are there."""
    asked = alive[[name for name in model.feature_names_in_ if name in alive]]
    cycle = float(alive["cycle_days"].median()) if "cycle_days" in alive else np.nan
    result = np.full((len(alive), len(REASONS)), None, dtype=object)
    filled = np.zeros(len(alive), dtype="int64")
    factors = model.top_factors(asked.reset_index(drop=True), n=len(asked.columns) + len(REASONS))
    factors = factors[factors["contribution"] > ORDINARY].sort_values(["row", "rank"], kind="stable")
    for row, feature in zip(factors["row"].tolist(), factors["feature"].tolist(), strict=True):
        text = contract_words(feature, alive.iloc[row], cycle, words) if filled[row] < len(REASONS) else ""
        if text:
            result[row, filled[row]] = text
            filled[row] += 1
    bare = np.flatnonzero(filled == 0)
    months = alive["month"].to_numpy()
    result[bare, 0] = [f"nothing unusual; customer for {span((months[i] - 1) * DAYS_OF_MONTH)}" for i in bare]
    return pd.DataFrame(result, columns=list(REASONS), index=alive.index)


def contract_words(feature: str, row: pd.Series, usual_cycle: float, words: Words) -> str:
    """What a feature says of a customer; nothing where it is one that nobody can make sense of."""
    value = row.get(feature)
    if feature == "tenure":
        return f"customer for {span((row['month'] - 1) * DAYS_OF_MONTH)}"
    if feature == "renewal_due":
        return "renewal due this month"
    if feature == "season":
        return "the time of the year"
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return ""
    if feature == "price":
        return f"pays {words.money(float(value))} a month"
    if feature == "price_change":
        change = f"price {'up' if value > 0 else 'down'} {words.share(abs(value))} in a year"
        return change if value > DEARER or value < CHEAPER else "price unchanged for a year"
    if feature == "cycle_days":
        return f"won in {span(float(value))}, usually {span(usual_cycle)}"
    if feature == "owner":
        return f"looked after by {words.people.get(str(value), str(value))}"
    if feature == "channel":
        return f"came by {str(value).replace('_', ' ')}"
    return f"{value} plan" if feature == "plan" else f"{feature} {value}"


def order_reasons(customers: pd.DataFrame, features: pd.DataFrame) -> pd.DataFrame:
    """`reason_1` … `reason_3` of each customer who orders: silence first, then what has become slower.

    `customers` is a `summary`, `features` those at the same day, of the same customers.
    """
    age = customers["age_weeks"].to_numpy() * 7
    silent = age - customers["t_x_weeks"].to_numpy() * 7
    repeats = customers["repeats"].to_numpy()
    again = np.maximum(repeats, 1)
    gap = customers["t_x_weeks"].to_numpy() * 7 / again
    last_gap = features["gap_last_share"].to_numpy() * np.maximum(age, 1)
    half, rows = features["last_half"].to_numpy(), range(len(customers))
    first = [silence(silent[i], gap[i], int(repeats[i])) for i in rows]
    slower = (repeats >= 2) & (last_gap > SLOWER * gap)
    fewer = (repeats >= 3) & (half < (repeats - half))
    second = [f"the last wait was {span(last_gap[i])}" if slower[i] else None for i in rows]
    counts = half.astype("int64").tolist(), (repeats - half).astype("int64").tolist()
    third = [
        f"{counts[0][i]} repeat orders in the later half of the time, {counts[1][i]} in the earlier"
        if fewer[i] else None
        for i in rows
    ]  # fmt: skip
    moved = [(one, b or c, c if b else None) for one, b, c in zip(first, second, third, strict=True)]
    return pd.DataFrame(moved, columns=list(REASONS), index=customers.index, dtype=object)


def silence(days: float, gap: float, repeats: int) -> str:
    """How long a customer has not ordered, against how often they usually do."""
    if repeats == 0:
        return f"one order only, {span(days)} ago"
    if gap < 1:
        return f"last order {span(days)} ago"
    usual = f"usually every {span(gap)}"
    return (
        f"no order for {span(days)}, {usual}" if days > LATE * gap else f"ordered {span(days)} ago, {usual}"
    )
