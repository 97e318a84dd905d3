"""What a learner may know of a customer at a cut-off, without units of time: the same for weekly and yearly
trades.

Everything comes from orders up to and including the cut-off. Shares are of the customer's age (first purchase
to cut-off), which counts as one day at least.
"""

import numpy as np
import pandas as pd

from analysis.models.orders import DAYS_OF_WEEK, as_day, summary, sums

FEATURES = (
    "repeats",
    "log_repeats",
    "t_x_share",
    "silent_share",
    "gap_mean_share",
    "gap_sd_share",
    "gap_last_share",
    "overdue",
    "last_quarter",
    "last_half",
    "horizon_share",
    "log_mean_amount",
    "log_first_amount",
    "one_time",
    "history_share",
)
SKEWED = ("overdue", "horizon_share")  # ratios: their logarithms are what a linear model gets


def features(bought: pd.DataFrame, cutoff: object, weeks: float) -> pd.DataFrame:
    """The features of every customer at the cut-off, for a forecast of so many weeks; columns `FEATURES`.

    `bought` comes from `orders.purchases` with the same cut-off. Gaps are between days of purchase; a
    customer of one purchase has the age for a gap. `overdue` is the silence in mean gaps; `last_quarter` and
    `last_half` count repeat purchases in those parts of the customer's age. `history_share` is the age in
    the time since anybody's first purchase: whoever is there from the beginning, where it is near 1, may have
    bought long before it was recorded.
    """
    customers = summary(bought, cutoff)
    repeats = customers["repeats"].to_numpy()
    age = np.maximum(customers["age_weeks"].to_numpy() * DAYS_OF_WEEK, 1.0)
    t_x = customers["t_x_weeks"].to_numpy() * DAYS_OF_WEEK
    silent = np.maximum(customers["age_weeks"].to_numpy() * DAYS_OF_WEEK - t_x, 0.0)
    n = customers["orders"].to_numpy(dtype="int64")
    begins = np.cumsum(n) - n
    day = bought["day"].to_numpy(dtype="float64")
    gap = np.diff(day, prepend=0.0)
    gap[begins] = 0.0
    again, one_time = np.maximum(repeats, 1.0), repeats == 0
    mean_gap = sums(gap, begins) / again
    spread = np.sqrt(np.maximum(sums(gap**2, begins) / again - mean_gap**2, 0.0))
    mean_gap = np.where(one_time, age, mean_gap)
    last_gap = np.where(one_time, age, gap[begins + n - 1])
    back = (as_day(cutoff) - day) / np.repeat(age, n)  # how far back, as a share of the age
    repeat = np.ones(len(day))
    repeat[begins] = 0.0
    net = bought["net"].to_numpy(dtype="float64")
    columns = (
        repeats,
        np.log1p(repeats),
        t_x / age,
        silent / age,
        mean_gap / age,
        spread / age,
        last_gap / age,
        silent / mean_gap,
        sums(repeat * (back < 0.25), begins),
        sums(repeat * (back < 0.5), begins),
        weeks * DAYS_OF_WEEK / age,
        np.log1p(customers["mean_amount"].to_numpy()),
        np.log1p(net[begins]),
        one_time.astype("float64"),
        age / max(as_day(cutoff) - day.min(initial=as_day(cutoff)), 1.0),
    )
    return pd.DataFrame(dict(zip(FEATURES, columns, strict=True)), index=customers.index)


def linear(table: pd.DataFrame) -> pd.DataFrame:
    """The features as a linear model wants them: ratios by their logarithms."""
    skewed = {name: np.log(table[name] + 0.1) for name in SKEWED}
    return table.assign(**skewed)


def exposure(customers: pd.DataFrame, weeks: float) -> np.ndarray:
    """(repeats + 0.3) / (age in weeks + 4) · weeks: purchases at the rate so far, drawn a little to the
    middle.

    Learners forecast a multiple of it. The constants are those of a gamma prior with a mean of one purchase
    in 13 weeks; they only keep newcomers' rates within reason, the learners do the rest.
    """
    return (customers["repeats"].to_numpy() + 0.3) / (customers["age_weeks"].to_numpy() + 4.0) * weeks
