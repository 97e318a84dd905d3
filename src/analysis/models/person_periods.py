"""One row per customer and month of tenure at risk: what a model of churn learns from.

Every feature is what was known when the month began. Ends are rare, so of very many rows only a sample of
those without an end is made, with weights that restore their number.
"""

from datetime import date

import numpy as np
import pandas as pd

from analysis.models.spells import add_months, day_of, days_of, month_of_day, months_at_risk, whole_months

MOST_ROWS = 10_000_000  # more person-periods than this are sampled
SAMPLED_ROWS = 500_000
YEAR = 12


def expanded(at_risk: pd.DataFrame, most: int = MOST_ROWS, seed: int = 0) -> pd.DataFrame:
    """The person-periods of `months_at_risk`, or above `most` all ends and a sample of the others.

    Columns `row` (of the spells), `month` (of tenure), `churned`, `weight` (1, or how many months without an
    end each sampled one stands for; the weights add up to all months).
    """
    first, last = at_risk["first_month"].to_numpy(), at_risk["last_month"].to_numpy()
    ends, length = at_risk["churned"].to_numpy(), last - first + 1
    upto = np.cumsum(length)
    total = int(upto[-1]) if len(upto) else 0
    weight = None
    if total > most:
        positions = np.sort(np.random.default_rng(seed).integers(0, total, min(SAMPLED_ROWS, most)))
        positions = positions[np.diff(positions, prepend=-1) > 0]
        which = np.searchsorted(upto, positions, side="right")
        stays = ~((positions == upto[which] - 1) & ends[which])  # the last month of one who left is no stay
        positions = np.concatenate([positions[stays], upto[ends] - 1])
        kept = int(stays.sum())
        weight = np.ones(len(positions))
        weight[:kept] = (total - ends.sum()) / max(kept, 1)
        order = np.argsort(positions, kind="stable")
        positions, weight = positions[order], weight[order]
        which = np.searchsorted(upto, positions, side="right")
    else:
        positions, which = np.arange(total), np.repeat(np.arange(len(length)), length)
    month = last[which] - (upto[which] - 1 - positions)
    return pd.DataFrame(
        {
            "row": at_risk["row"].to_numpy()[which],
            "month": month.astype("int32"),
            "churned": ((month == last[which]) & ends[which]).astype("int8"),
            "weight": np.ones(total) if weight is None else weight,
        }
    )


def person_periods(
    spells: pd.DataFrame,
    subscriptions: pd.DataFrame,
    as_of: date,
    window_start: date | None = None,
    customers: pd.DataFrame | None = None,
    usage: pd.DataFrame | None = None,
    most: int = MOST_ROWS,
    seed: int = 0,
) -> pd.DataFrame:
    """The person-period table: a row per spell and month of tenure in the observed window.

    Parameters
    ----------
    spells : of `contract_spells`
    subscriptions : what the spells were made of; also `plan` where there is one
    window_start : the first day from which ends would have been recorded; None: they always were
    customers : what is known of a customer from the start, one row per `customer_id`: `segment`, `channel`,
        `rep_id` (the feature `owner`), `cycle_days` of the deal that won them …
    usage : `customer_id`, `used_on`: days on which the service was used
    most : above so many rows those without an end are sampled

    Returns
    -------
    `customer_id`, `spell`, `month` (of tenure, 1 is the first), `period` (calendar month in which it began,
    year * 12 + month - 1), `churned` (0 or 1: the contract ended in the month), `weight`, and the features:
    `price` (MRR on the first day), `price_change` (against twelve months before, or the start of a younger
    spell), `plan`, the columns of `customers`, `days_unused` (null: never used so far).
    """
    table = expanded(months_at_risk(spells, as_of, window_start), most, seed)
    row = table["row"].to_numpy()
    start = days_of(spells["started_on"])[row]
    month = table["month"].to_numpy()
    day = add_months(start, month - 1)
    keys = pd.DataFrame(
        {
            "customer_id": spells["customer_id"].to_numpy()[row],
            "spell": spells["spell"].to_numpy()[row],
            "month": month,
            "period": month_of_day(day).astype("int32"),
            "churned": table["churned"],
            "weight": table["weight"],
        }
    )
    return with_features(keys, day, start, subscriptions, customers, usage)


def alive_now(
    spells: pd.DataFrame,
    subscriptions: pd.DataFrame,
    as_of: date,
    customers: pd.DataFrame | None = None,
    usage: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """The customers under contract at the end of `as_of`, with the columns a fitted model asks for.

    As `person_periods`, one row per customer and without `churned` and `weight`: `month` is the month of
    tenure they are in, which is the first whose outcome is open; features are those of `as_of`.
    """
    mine = spells[~spells["churned"].to_numpy()]
    start, today = days_of(mine["started_on"]), day_of(as_of)
    keys = pd.DataFrame(
        {
            "customer_id": mine["customer_id"].to_numpy(),
            "spell": mine["spell"].to_numpy(),
            "month": (whole_months(start, today) + 1).astype("int32"),
            "period": np.full(len(mine), int(month_of_day(np.array([today]))[0]), dtype="int32"),
        }
    )
    return with_features(keys, np.full(len(mine), today), start, subscriptions, customers, usage)


def with_features(
    keys: pd.DataFrame,
    day: np.ndarray,
    start: np.ndarray,
    subscriptions: pd.DataFrame,
    customers: pd.DataFrame | None,
    usage: pd.DataFrame | None,
) -> pd.DataFrame:
    """`keys` with the features known at the beginning of each row's `day`; `start` is that of its spell."""
    names = pd.Index(keys["customer_id"].unique())
    who = names.get_indexer(keys["customer_id"])
    begun = Steps(names.get_indexer(subscriptions["customer_id"]), days_of(subscriptions["started_on"]))
    prices = price_steps(names, subscriptions)
    price = prices.at(who, day)
    year_before = prices.at(who, np.maximum(start, add_months(day, -YEAR)))
    known = year_before > 0
    change = np.where(known, price / np.where(known, year_before, 1) - 1, 0.0)
    result = keys.assign(price=price, price_change=change)
    if "plan" in subscriptions:
        plan = subscriptions["plan"].astype("category")
        dear = subscriptions["mrr"].to_numpy(dtype="float64")
        codes = begun.latest(who, day, plan.cat.codes.to_numpy(), dear)
        result["plan"] = pd.Categorical.from_codes(codes, plan.cat.categories)
    if customers is not None:
        known_of = customers.set_index("customer_id").rename(columns={"rep_id": "owner"})
        place = known_of.index.get_indexer(names)[who]
        for name in known_of:
            values = known_of[name].astype("category") if known_of[name].dtype == object else known_of[name]
            taken = values.take(np.maximum(place, 0)) if len(values) else values.reindex(place)
            result[name] = taken.where(place >= 0).set_axis(result.index)
    if usage is not None:
        used = days_of(usage["used_on"])
        last = Steps(names.get_indexer(usage["customer_id"]), used).latest(who, day - 1, used, used)
        result["days_unused"] = np.where(last >= 0, day - last, np.nan)
    return result


class Steps:
    """Things that happened to customers on days, for looking up the last one by a day."""

    def __init__(self, who: np.ndarray, day: np.ndarray) -> None:
        self.who, self.day = who.astype("int64"), day.astype("int64")

    def order(self, rank: np.ndarray | None = None) -> np.ndarray:
        """Positions by customer, day and rank, without those of nobody."""
        key = (self.who << 32) + self.day
        order = np.argsort(key, kind="stable") if rank is None else np.lexsort((rank, key))
        return order[self.who[order] >= 0]

    def last(self, who: np.ndarray, day: np.ndarray, order: np.ndarray) -> np.ndarray:
        """For each customer and day the place in `order` of the last thing up to it; -1 where none."""
        keys = (self.who[order] << 32) + self.day[order]
        place = np.searchsorted(keys, (who.astype("int64") << 32) + day, side="right") - 1
        mine = (place >= 0) & (self.who[order][np.maximum(place, 0)] == who) if len(order) else place >= 0
        return np.where(mine, place, -1)

    def latest(self, who: np.ndarray, day: np.ndarray, values: np.ndarray, rank: np.ndarray) -> np.ndarray:
        """The value of the last thing up to each day (of one day the highest rank); -1 where none."""
        order = self.order(rank)
        place = self.last(who, day, order)
        ordered = values[order]
        return np.where(place >= 0, ordered[np.maximum(place, 0)], -1) if len(ordered) else place


class PriceSteps(Steps):
    """The MRR of customers as it steps up and down."""

    def __init__(self, who: np.ndarray, day: np.ndarray, change: np.ndarray) -> None:
        super().__init__(who, day)
        self.ordered = self.order()
        self.sums = np.concatenate([[0], np.cumsum(change[self.ordered])])
        heads = np.searchsorted(self.who[self.ordered], np.arange(self.who.max(initial=-1) + 1))
        self.before = self.sums[heads]

    def at(self, who: np.ndarray, day: np.ndarray) -> np.ndarray:
        """The MRR of each customer on each day."""
        place = self.last(who, day, self.ordered)
        units = self.sums[place + 1] - self.before[who] if len(self.ordered) else np.zeros(len(who))
        return np.where(place >= 0, units, 0) / 10_000


def price_steps(names: pd.Index, subscriptions: pd.DataFrame) -> PriceSteps:
    """Every subscription as a step up on its first day and down on its first day without service."""
    who = names.get_indexer(subscriptions["customer_id"])
    start, end = days_of(subscriptions["started_on"]), days_of(subscriptions["ended_on"])
    units = np.round(subscriptions["mrr"].to_numpy(dtype="float64") * 10_000).astype("int64")  # exact sums
    units = np.where((units > 0) & (end > start), units, 0)
    return PriceSteps(np.tile(who, 2), np.concatenate([start, end]), np.concatenate([units, -units]))
