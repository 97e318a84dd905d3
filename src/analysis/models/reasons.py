"""Why a customer is at risk, in plain words: three reasons, the strongest first."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from analysis.models.hazard import DiscreteTimeHazard
from analysis.models.outcome import DAYS_OF_MONTH, REASONS
from analysis.texts import say, say_n

LATE = 1.5  # silent for so many of the usual gaps: late
CHEAPER, DEARER = -0.02, 0.02  # smaller changes of price are none
SLOWER = 1.5  # the last gap in mean gaps, from which on they have slowed down
ORDINARY = 0.05  # log-odds below which a feature says nothing of a customer


def bare_number(number: float) -> str:
    """A number as English writes it, with decimals where it is small and has any."""
    small = abs(number) < 10 and number != round(number)
    return f"{number:,.2f}" if small else f"{number:,.0f}"


@dataclass(frozen=True)
class Words:
    """How the company's own things are called: amounts, numbers, people."""

    money: Callable[[float], str] = str
    share: Callable[[float], str] = "{:.0%}".format
    number: Callable[[float], str] = bare_number
    people: Mapping[str, str] = field(default_factory=dict)


def span(days: float) -> str:
    """A time in the largest unit that leaves two of it or more."""
    if round(days) < 1:
        return say("less than a day")
    months, weeks = round(days / DAYS_OF_MONTH), round(days / 7.0)
    if months >= 2:
        return say_n("{n} month", "{n} months", months)
    if weeks >= 2:
        return say_n("{n} week", "{n} weeks", weeks)
    return say_n("{n} day", "{n} days", round(days))


def tenure(month: int) -> str:
    """How long somebody has been a customer who is in this month of a contract (the first is 1)."""
    return say("less than a month") if month <= 1 else span((month - 1) * DAYS_OF_MONTH)


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
    result[bare, 0] = [say("nothing unusual; customer for {time}", time=tenure(months[i])) for i in bare]
    return pd.DataFrame(result, columns=list(REASONS), index=alive.index)


def contract_words(feature: str, row: pd.Series, usual_cycle: float, words: Words) -> str:
    """What a feature says of a customer; nothing where it is one that nobody can make sense of."""
    value = row.get(feature)
    if feature == "tenure":
        return say("customer for {time}", time=tenure(row["month"]))
    if feature == "renewal_due":
        return say("renewal due this month")
    if feature == "season":
        return say("the time of the year")
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return ""
    if feature == "price":
        return say("pays {amount} a month", amount=words.money(float(value)))
    if feature == "price_change":
        if CHEAPER <= value <= DEARER:
            return say("price unchanged for a year")
        share = words.share(abs(value))
        if value > 0:
            return say("price up {share} in a year", share=share)
        return say("price down {share} in a year", share=share)
    if feature == "cycle_days":
        return say("won in {time}, usually {usual}", time=span(float(value)), usual=span(usual_cycle))
    if feature == "owner":
        return say("looked after by {person}", person=words.people.get(str(value), str(value)))
    return about_words(feature, str(value))


def about_words(feature: str, value: str) -> str:
    """What is known of a customer, by its name and value."""
    if feature == "channel":
        return say("came by {channel}", channel=value.replace("_", " "))
    if feature == "plan":
        return say("{plan} plan", plan=value)
    return say("segment {segment}", segment=value) if feature == "segment" else f"{feature} {value}"


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
    second = [say("the last wait was {time}", time=span(last_gap[i])) if slower[i] else None for i in rows]
    counts = half.astype("int64").tolist(), (repeats - half).astype("int64").tolist()
    third = [
        say("{later} in the later half of the time, {earlier} in the earlier",
            later=say_n("{n} repeat order", "{n} repeat orders", counts[0][i]), earlier=counts[1][i])
        if fewer[i] else None
        for i in rows
    ]  # fmt: skip
    moved = [(one, b or c, c if b else None) for one, b, c in zip(first, second, third, strict=True)]
    return pd.DataFrame(moved, columns=list(REASONS), index=customers.index, dtype=object)


def silence(days: float, gap: float, repeats: int) -> str:
    """How long a customer has not ordered, against how often they usually do."""
    today = round(days) < 1
    if repeats == 0:
        return say("one order only, today") if today else say("one order only, {time} ago", time=span(days))
    if gap < 1:
        return say("last order today") if today else say("last order {time} ago", time=span(days))
    usual = say("every day") if round(gap) <= 1 else say("every {time}", time=span(gap))
    if today:
        return say("ordered today, usually {usual}", usual=usual)
    if days > LATE * gap:
        return say("no order for {time}, usually {usual}", time=span(days), usual=usual)
    return say("ordered {time} ago, usually {usual}", time=span(days), usual=usual)
