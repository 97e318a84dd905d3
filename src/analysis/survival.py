"""Durations that are not all over yet: Kaplan-Meier, Nelson-Aalen, Aalen-Johansen, the log-rank test.

Every function takes durations and whether (or which) event ended them; an event at the time of a censoring
comes first.
`entry` is the time from which a subject is watched (delayed entry): it is at risk at t when entry < t <=
duration.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import chi2

from analysis.stats import Z95


@dataclass(frozen=True)
class LogRank:
    """Result of a log-rank test: chi-squared statistic, degrees of freedom, p-value."""

    statistic: float
    degrees: int
    p_value: float


def event_table(
    durations: ArrayLike,
    observed: ArrayLike,
    weights: ArrayLike | None = None,
    entry: ArrayLike | None = None,
) -> pd.DataFrame:
    """One row per distinct time of an event: subjects `at_risk` just before it and `events` at it.

    `weights` counts identical subjects (a frame of counts by value is as good as the subjects).

    Raises
    ------
    ValueError
        A negative duration, or an entry after the end.
    """
    time, seen, weight, begin = checked(durations, observed, weights, entry)
    times = np.unique(time[seen > 0])
    by_end, by_begin = np.argsort(time, kind="stable"), np.argsort(begin, kind="stable")
    ended = np.concatenate([[0.0], np.cumsum(weight[by_end])])
    begun = np.concatenate([[0.0], np.cumsum(weight[by_begin])])
    out = ended[np.searchsorted(time[by_end], times, side="left")]
    into = begun[np.searchsorted(begin[by_begin], times, side="left")]
    at = np.searchsorted(times, time[seen > 0])
    events = np.bincount(at, weights=weight[seen > 0], minlength=len(times)) if len(times) else np.array([])
    return pd.DataFrame({"at_risk": into - out, "events": events}, index=pd.Index(times, name="time"))


def checked(
    durations: ArrayLike, observed: ArrayLike, weights: ArrayLike | None, entry: ArrayLike | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The four columns as arrays; entry is before every duration where none is given."""
    time = np.asarray(durations, dtype="float64")
    seen = np.asarray(observed).astype("int64")
    weight = np.ones(len(time)) if weights is None else np.asarray(weights, dtype="float64")
    begin = np.full(len(time), -np.inf) if entry is None else np.asarray(entry, dtype="float64")
    if (time < 0).any() or (begin > time).any():
        raise ValueError("a duration is negative or ends before it is watched")
    return time, seen, weight, begin


def kaplan_meier(
    durations: ArrayLike,
    observed: ArrayLike,
    weights: ArrayLike | None = None,
    entry: ArrayLike | None = None,
) -> pd.DataFrame:
    """Kaplan-Meier estimate of S(t) = P(longer than t) at each time of an event.

    Returns `survival` with its 95 % interval `low`, `high` (Greenwood's variance on the log-log scale),
    `at_risk` and
    `events`, indexed by `time`. Durations 1, 2, 2+, 3 give 3/4, 1/2, 0.
    """
    table = event_table(durations, observed, weights, entry)
    n, d = table["at_risk"].to_numpy(), table["events"].to_numpy()
    survival = np.cumprod(1 - d / n)
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = np.cumsum(d / (n * (n - d)))
        middle = np.log(-np.log(survival))
        half = Z95 * np.sqrt(variance) / np.abs(np.log(survival))
        low, high = np.exp(-np.exp(middle + half)), np.exp(-np.exp(middle - half))
    inside = (survival > 0) & (survival < 1)
    return table.assign(
        survival=survival, low=np.where(inside, low, np.nan), high=np.where(inside, high, np.nan)
    )


def survival_at(curve: pd.DataFrame, times: ArrayLike, column: str = "survival") -> np.ndarray:
    """A column of a Kaplan-Meier curve at any times; 1 before the first event."""
    at = np.searchsorted(curve.index.to_numpy(), np.asarray(times, dtype="float64"), side="right")
    return np.concatenate([[1.0], curve[column].to_numpy()])[at]


def median_time(curve: pd.DataFrame, column: str = "survival") -> float:
    """First time at which the curve is at or below one half; NaN where it never is (not reached).

    With `low` or `high` for the column it gives the ends of the median's interval (Brookmeyer and Crowley
    1982).
    """
    below = curve.index[curve[column].to_numpy() <= 0.5]
    return float(below[0]) if len(below) else np.nan


def nelson_aalen(
    durations: ArrayLike,
    observed: ArrayLike,
    weights: ArrayLike | None = None,
    entry: ArrayLike | None = None,
    tied: bool = True,
) -> pd.Series:
    """Nelson-Aalen cumulative hazard at each time of an event.

    `tied` counts simultaneous events as truly simultaneous, d/n; else as one after another, 1/n + 1/(n-1) +
    … (Fleming
    and Harrington), for which the weights must be whole.
    """
    table = event_table(durations, observed, weights, entry)
    if tied:
        steps = (table["events"] / table["at_risk"]).to_numpy()
    else:
        pairs = zip(table["at_risk"].to_numpy(), table["events"].to_numpy(), strict=True)
        steps = np.array([np.sum(1 / (n - np.arange(round(d)))) for n, d in pairs])
    return pd.Series(np.cumsum(steps), index=table.index, name="hazard")


def aalen_johansen(
    durations: ArrayLike, causes: ArrayLike, weights: ArrayLike | None = None, entry: ArrayLike | None = None
) -> pd.DataFrame:
    """Cumulative incidence of each cause when the others compete: P(ended by t, for this cause).

    `causes` is 0 for censored, else the number of the cause; the result has a column per cause, indexed by
    the times at
    which anything ended. The incidences and the survival of all causes together sum to 1.
    """
    time, cause, weight, begin = checked(durations, causes, weights, entry)
    table = event_table(time, cause > 0, weight, begin)
    times, n = table.index.to_numpy(), table["at_risk"].to_numpy()
    before = np.concatenate([[1.0], np.cumprod(1 - table["events"].to_numpy() / n)])[:-1]
    columns = {}
    for kind in np.unique(cause[cause > 0]):
        at = np.searchsorted(times, time[cause == kind])
        ended = np.bincount(at, weights=weight[cause == kind], minlength=len(times))
        columns[int(kind)] = np.cumsum(before * ended / n)
    return pd.DataFrame(columns, index=table.index)


def log_rank(
    durations: ArrayLike, observed: ArrayLike, groups: ArrayLike, weights: ArrayLike | None = None
) -> LogRank:
    """Log-rank test that all groups have one survival curve (Mantel 1966), for two groups or more.

    Raises
    ------
    ValueError
        Fewer than two groups.
    """
    time, seen, weight, _ = checked(durations, observed, weights, None)
    code, names = pd.factorize(np.asarray(groups), sort=True)
    if len(names) < 2:
        raise ValueError("a log-rank test needs at least two groups")
    times = np.unique(time[seen > 0])
    risk, died = np.zeros((len(names), len(times))), np.zeros((len(names), len(times)))
    for group in range(len(names)):
        mine = code == group
        table = event_table(time[mine], seen[mine], weight[mine]).reindex(times)
        died[group] = table["events"].fillna(0)
        order = np.argsort(time[mine], kind="stable")
        left = np.concatenate([np.cumsum(weight[mine][order][::-1])[::-1], [0.0]])
        risk[group] = left[np.searchsorted(time[mine][order], times, side="left")]
    n, d = risk.sum(axis=0), died.sum(axis=0)
    share = risk / n
    excess = (died - d * share).sum(axis=1)[:-1]
    spread = np.where(n > 1, d * (n - d) / np.maximum(n - 1, 1), 0.0)
    covariance = np.diag((spread * share).sum(axis=1)) - (spread * share) @ share.T
    statistic = float(excess @ np.linalg.pinv(covariance[:-1, :-1]) @ excess)
    return LogRank(statistic, len(names) - 1, float(chi2.sf(statistic, len(names) - 1)))
