"""Plain numbers in, plain numbers out: ratios, growth, intervals."""

from functools import cache

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import binom

Z95 = 1.959963984540054


def ratio(numerator: ArrayLike, denominator: ArrayLike) -> np.ndarray:
    """numerator / denominator, NaN where the denominator is 0 or either is missing; never inf."""
    n, d = np.asarray(numerator, dtype="float64"), np.asarray(denominator, dtype="float64")
    return np.divide(n, d, out=np.full(np.broadcast(n, d).shape, np.nan), where=(d != 0) & ~np.isnan(d))


def growth(now: ArrayLike, before: ArrayLike) -> np.ndarray:
    """(now - before) / before, NaN where `before` is not above 0 (a growth needs a base)."""
    base = np.asarray(before, dtype="float64")
    return ratio(np.asarray(now, dtype="float64") - base, np.where(base > 0, base, np.nan))


def wilson(successes: ArrayLike, trials: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """95 % score interval of a proportion (Wilson 1927); NaN where there is no trial.

    `successes` may be fractional (credits of split deals). 3 of 4 gives 0.301 to 0.954.
    """
    x, n = np.asarray(successes, dtype="float64"), np.asarray(trials, dtype="float64")
    p = ratio(x, n)
    with np.errstate(invalid="ignore", divide="ignore"):
        middle = (p + Z95**2 / (2 * n)) / (1 + Z95**2 / n)
        half = Z95 / (1 + Z95**2 / n) * np.sqrt(p * (1 - p) / n + Z95**2 / (4 * n**2))
    low, high = np.clip(middle - half, 0, 1), np.clip(middle + half, 0, 1)
    return np.where(x == 0, np.minimum(low, 0), low), np.where(x == n, np.maximum(high, 1), high)


def newcombe(
    successes: ArrayLike, trials: ArrayLike, successes_other: ArrayLike, trials_other: ArrayLike
) -> tuple[np.ndarray, np.ndarray]:
    """95 % interval of the first proportion minus the other (Newcombe 1998, method 10); NaN without a trial.

    It is made of Wilson's intervals of the two sides. 56 of 70 against 48 of 80 gives 0.0524 to 0.3339.
    """
    p, q = ratio(successes, trials), ratio(successes_other, trials_other)
    (p_low, p_high), (q_low, q_high) = wilson(successes, trials), wilson(successes_other, trials_other)
    low = p - q - np.hypot(p - p_low, q_high - q)
    high = p - q + np.hypot(p_high - p, q - q_low)
    return low, high


@cache
def median_ranks(n: int) -> tuple[int, int] | None:
    """1-based ranks of the order statistics that enclose the median with at least 95 %; None below n = 6."""
    low = int(binom.ppf(0.025, n, 0.5)) if n else 0
    return (low, n - low + 1) if low >= 1 else None


def summaries(
    groups: pd.Series | np.ndarray, values: np.ndarray, times: np.ndarray | None = None
) -> pd.DataFrame:
    """Exact order statistics of `values`, each occurring as often as `times` says, within integer `groups`.

    Returns a frame indexed by group: `n`, `median` with its 95 % interval `low`, `high` (binomial order
    statistics; NaN below six values), `mean`, `p90` (linear interpolation between order statistics).
    """
    codes, x = np.asarray(groups), np.asarray(values, dtype="float64")
    often = np.ones(len(x), dtype="int64") if times is None else np.asarray(times, dtype="int64")
    codes, x, often = codes[often > 0], x[often > 0], often[often > 0]
    if not len(codes):
        return pd.DataFrame(columns=["n", "median", "low", "high", "mean", "p90"], dtype="float64")
    order = sorting(codes, x)
    codes, x, often = codes[order], x[order], often[order]
    start = np.flatnonzero(np.concatenate([[True], codes[1:] != codes[:-1]]))
    ends = np.cumsum(often)
    n = np.add.reduceat(often, start)
    before = ends[start] - often[start]

    def value_at(rank: np.ndarray) -> np.ndarray:
        """The values of these ranks, from 0, in their groups."""
        return x[np.searchsorted(ends, before + rank, side="right")]

    at = 0.9 * (n - 1)
    below = np.floor(at).astype("int64")
    p90 = value_at(below)
    p90 = p90 + (at - below) * (value_at(np.minimum(below + 1, n - 1)) - p90)
    distinct, where = np.unique(n, return_inverse=True)
    rank = np.array([(median_ranks(int(k)) or (0, 0))[0] for k in distinct])[where]
    bounds = (value_at(np.maximum(rank - 1, 0)), value_at(np.minimum(n - rank, n - 1)))
    return pd.DataFrame(
        {
            "n": n,
            "median": (value_at((n - 1) // 2) + value_at(n // 2)) / 2,
            "low": np.where(rank > 0, bounds[0], np.nan),
            "high": np.where(rank > 0, bounds[1], np.nan),
            "mean": np.add.reduceat(x * often, start) / n,
            "p90": p90,
        },
        index=codes[start],
    )


def sorting(codes: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The order of rows by code, then value; quick where the values are sorted already and codes are few."""
    if (values[1:] < values[:-1]).any():
        return np.lexsort((values, codes))
    small = len(codes) and codes.min() >= 0 and codes.max() < 2**16
    return np.argsort(codes.astype("uint16") if small else codes, kind="stable")
