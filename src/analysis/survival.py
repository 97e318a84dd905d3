"""Durations that are not all over yet: Kaplan-Meier, Nelson-Aalen, Aalen-Johansen, the log-rank test.

Every function takes durations and whether (or which) event ended them; an event at the time of a censoring
comes first.
`entry` is the time from which a subject is watched (delayed entry): it is at risk at t when entry < t <=
duration.

A *table of events* has a row per time of an event; one with a column `group` holds the tables of many groups
one after the other (`event_tables`), and every estimate begins again with each group.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import chi2

from analysis.stats import Z95, ratio, sorting

LAST_BITS = 1e-12  # by which a sum or product of shares may miss the figure that it is
HALF = 0.5 * (1 + LAST_BITS)


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
    return with_survival(event_table(durations, observed, weights, entry))


def event_tables(
    groups: ArrayLike, durations: ArrayLike, causes: ArrayLike, weights: ArrayLike | None = None
) -> pd.DataFrame:
    """The table of events of each group, all at once, by group and time.

    `causes` is 0 for censored, else the number of the cause. Columns `group`, `time`, subjects `at_risk` just
    before it, `events` at it, and those of cause 1 among them, `of_cause`; durations keep their type.

    Raises
    ------
    ValueError
        A negative duration.
    """
    group, time, cause = np.asarray(groups), np.asarray(durations), np.asarray(causes)
    weight = np.ones(len(time)) if weights is None else np.asarray(weights, dtype="float64")
    if (time < 0).any():
        raise ValueError("a duration is negative")
    order = sorting(group, time)
    group, time, cause, weight = group[order], time[order], cause[order], weight[order]
    first = np.flatnonzero(np.r_[True, (group[1:] != group[:-1]) | (time[1:] != time[:-1])][: len(time)])
    here = group[first]
    left, events, of_cause = (
        np.add.reduceat(w, first) if len(first) else w
        for w in (weight, np.where(cause > 0, weight, 0), np.where(cause == 1, weight, 0))
    )
    gone = np.cumsum(left)
    last_of = np.searchsorted(here, here, side="right") - 1
    kept = events > 0
    columns = {
        "group": here,
        "time": time[first],
        "at_risk": gone[last_of] - gone + left,
        "events": events,
        "of_cause": of_cause,
    }
    return pd.DataFrame({name: column[kept] for name, column in columns.items()})


def breaks(table: pd.DataFrame) -> np.ndarray:
    """Positions at which a further group of a table of events begins."""
    if "group" not in table:
        return np.array([], dtype="int64")
    group = table["group"].to_numpy()
    return np.flatnonzero(group[1:] != group[:-1]) + 1


def running(function: Callable[[np.ndarray], np.ndarray], steps: np.ndarray, at: np.ndarray) -> np.ndarray:
    """A running sum or product (`np.cumsum`, `np.cumprod`) that begins again at each position of `at`."""
    return np.concatenate([function(part) for part in np.split(steps, at)])


def log_log(share: np.ndarray, error: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """95 % interval of a share by the delta method on the scale log(-log(share)); NaN where it is 0 or 1.

    `error` is the standard error over the share itself. A share that only the last bits of adding up keep
    from 0 or 1 is there.
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        middle = np.log(-np.log(share))
        half = Z95 * error / np.abs(np.log(share))
        low, high = np.exp(-np.exp(middle + half)), np.exp(-np.exp(middle - half))
    inside = (share > LAST_BITS) & (share < 1 - LAST_BITS)
    return np.where(inside, low, np.nan), np.where(inside, high, np.nan)


def with_survival(table: pd.DataFrame) -> pd.DataFrame:
    """A table of events with `survival` and its interval `low`, `high`, as in `kaplan_meier`."""
    n, d, at = table["at_risk"].to_numpy(), table["events"].to_numpy(), breaks(table)
    survival = running(np.cumprod, 1 - d / n, at)
    with np.errstate(divide="ignore"):
        greenwood = running(np.cumsum, d / (n * (n - d)), at)
    low, high = log_log(survival, np.sqrt(greenwood))
    return table.assign(survival=survival, low=low, high=high)


def with_incidence(table: pd.DataFrame) -> pd.DataFrame:
    """A table of events with the `incidence` of the cause counted in `of_cause`, the others competing.

    Beside it its `variance` and interval `incidence_low`, `incidence_high` by the delta method, on the scale
    log(-log(incidence)) (Marubini and Valsecchi 1995): with I the incidence, S the survival just before each
    time t_j,

    var I(t) = sum over t_j <= t of (I(t) - I_j)^2 d/(n (n - d)) + S^2 c (n - c)/n^3 - 2 (I(t) - I_j) S c/n^2

    for d events, c of them of this cause, among n at risk. Without competing causes it is Greenwood's.
    """
    n, d, at = table["at_risk"].to_numpy(), table["events"].to_numpy(), breaks(table)
    c = table["of_cause"].to_numpy()
    after = running(np.cumprod, 1 - d / n, at)
    before = np.r_[1.0, after[:-1]][: len(n)]
    before[at] = 1.0
    incidence = np.minimum(running(np.cumsum, before * c / n, at), 1.0)
    squared = ratio(d, n * (n - d))
    squared[n == d] = 0.0  # nobody is left whose incidence could still grow
    own, joint = before**2 * c * (n - c) / n**3, before * c / n**2
    # (I(t) - I_j) is multiplied out, so that each sum over the times before is a running one
    a, ai, aii, b, e, ei = (
        running(np.cumsum, step, at)
        for step in (
            squared, squared * incidence, squared * incidence**2, own, joint, joint * incidence,
        )
    )  # fmt: skip
    variance = np.maximum(incidence**2 * a - 2 * incidence * ai + aii + b - 2 * incidence * e + 2 * ei, 0)
    low, high = log_log(incidence, ratio(np.sqrt(variance), incidence))
    return table.assign(incidence=incidence, variance=variance, incidence_low=low, incidence_high=high)


def survival_at(curve: pd.DataFrame, times: ArrayLike, column: str = "survival") -> np.ndarray:
    """A column of a Kaplan-Meier curve at any times; 1 before the first event."""
    at = np.searchsorted(curve.index.to_numpy(), np.asarray(times, dtype="float64"), side="right")
    return np.concatenate([[1.0], curve[column].to_numpy()])[at]


def median_time(curve: pd.DataFrame, column: str = "survival") -> float:
    """First time at which the curve is at or below one half; NaN where it never is (not reached).

    With `low` or `high` for the column it gives the ends of the median's interval (Brookmeyer and Crowley
    1982).
    """
    below = curve.index[curve[column].to_numpy() <= HALF]
    return float(below[0]) if len(below) else np.nan


def median_times(table: pd.DataFrame, groups: int, column: str = "survival") -> np.ndarray:
    """`median_time` of each of the groups 0, 1, … of a table of events; NaN for one that is not reached."""
    below = np.flatnonzero(table[column].to_numpy() <= HALF)[::-1]
    reached = np.full(groups, np.nan)
    reached[table["group"].to_numpy()[below]] = table["time"].to_numpy()[below]  # the first is written last
    return reached


def values_at(
    table: pd.DataFrame, groups: int, time: float, values: np.ndarray, before: float = 0.0
) -> np.ndarray:
    """The values beside a table of events at a time, a row for each of its groups 0, 1, …

    `values` has the rows of the table and any columns; `before` any event of the group they are that.
    """
    group = table["group"].to_numpy()
    happened = np.bincount(group[table["time"].to_numpy() <= time], minlength=groups)
    last = np.searchsorted(group, np.arange(groups)) + happened - 1
    found = np.full((groups, values.shape[1]), before, dtype="float64")
    found[happened > 0] = values[last[happened > 0]]
    return found


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


def incidence_curve(
    durations: ArrayLike, causes: ArrayLike, weights: ArrayLike | None = None, entry: ArrayLike | None = None
) -> pd.DataFrame:
    """Cumulative incidence of cause 1 when the others compete, with its variance and 95 % interval.

    Returns `at_risk`, `events`, `of_cause` and the columns of `with_incidence`, indexed by the times at which
    anything ended.
    """
    time, cause, weight, begin = checked(durations, causes, weights, entry)
    table = event_table(time, cause > 0, weight, begin)
    mine = cause == 1
    at = np.searchsorted(table.index.to_numpy(), time[mine])
    of_cause = np.bincount(at, weights=weight[mine], minlength=len(table)).astype("float64")
    return with_incidence(table.assign(of_cause=of_cause))


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
