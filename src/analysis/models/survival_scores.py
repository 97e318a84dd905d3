"""How good predicted survival is: Brier score, concordance, calibration, and the baselines to beat.

All three allow for customers whose end is not known yet, by the definitions that survival libraries share:
inverse probability of censoring weights (Graf et al. 1999; Uno et al. 2011), with the censoring curve G taken
from the training customers, an end coming before a censoring of the same time, and G at the time itself.

Times are months lived; `observed` says whether the contract ended then (else it was only watched until then).
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from analysis.stats import wilson
from analysis.survival import kaplan_meier, survival_at

BINS = 10


def censoring_curve(durations: ArrayLike, observed: ArrayLike) -> pd.Series:
    """G(t) = P(still watched after t): Kaplan-Meier of the censorings, after the ends of the same time.

    Indexed by every time seen: G(t) = product over u ≤ t of 1 − censored(u) / (at risk(u) − ended(u)).
    """
    time, ended = np.asarray(durations, dtype="float64"), np.asarray(observed).astype(bool)
    times, at = np.unique(time, return_inverse=True)
    events = np.bincount(at, weights=ended, minlength=len(times))
    censored = np.bincount(at, weights=~ended, minlength=len(times))
    gone = np.cumsum(events + censored)
    left = len(time) - gone + censored  # at risk and not ended at the time itself
    step = np.divide(censored, left, out=np.zeros(len(times)), where=left > 0)
    return pd.Series(np.cumprod(1 - step), index=pd.Index(times, name="time"), name="watched")


def inverse_weights(curve: pd.Series, times: ArrayLike) -> np.ndarray:
    """1 / G at the times; 0 where nobody of the training customers was watched that long."""
    watched = survival_at(curve.to_frame("survival"), times)
    return np.divide(1.0, watched, out=np.zeros(len(watched)), where=watched > 0)


def brier_scores(
    survival: ArrayLike, durations: ArrayLike, observed: ArrayLike, months: Sequence[int], curve: pd.Series
) -> np.ndarray:
    """Brier score at each of the months: mean squared error of S(t), weighted for censoring.

    BS(t) = mean of S(t)² / G(T) for those who ended by t, (1 − S(t))² / G(t) for those who lasted longer, 0
    for those censored by t. `survival` has a row per customer and a column per month.
    """
    time, ended = np.asarray(durations, dtype="float64"), np.asarray(observed).astype(bool)
    predicted, at = np.asarray(survival, dtype="float64"), np.asarray(months, dtype="float64")
    own, then = inverse_weights(curve, time), inverse_weights(curve, at)
    scores = np.empty(len(at))
    for i, month in enumerate(at):  # a column at a time: a row per customer and month would be too much
        gone, there = ended & (time <= month), time > month
        error = np.where(gone, predicted[:, i] ** 2 * own, 0)
        scores[i] = np.mean(error + np.where(there, (1 - predicted[:, i]) ** 2 * then[i], 0))
    return scores


def integrated_brier_score(
    survival: ArrayLike, durations: ArrayLike, observed: ArrayLike, months: Sequence[int], curve: pd.Series
) -> float:
    """Mean Brier score over the months (trapezoid rule over their span); the score itself for one month."""
    scores = brier_scores(survival, durations, observed, months, curve)
    at = np.asarray(months, dtype="float64")
    return float(np.trapezoid(scores, at) / (at[-1] - at[0])) if len(at) > 1 else float(scores[0])


def uno_concordance(
    risk: ArrayLike, durations: ArrayLike, observed: ArrayLike, curve: pd.Series, tau: float
) -> float:
    """Uno's C: of two customers, one of whom left first, before `tau`, how often the higher risk was theirs.

    Each pair weighs 1 / G(time of the end)²; equal risks count one half; a customer censored at the time of
    the other's end lasted longer. NaN where no two customers can be compared.
    """
    time, ended = np.asarray(durations, dtype="float64"), np.asarray(observed).astype(bool)
    if not len(time):
        return np.nan
    order = np.lexsort((ended, -time))  # the longest first, and of one time those not ended first
    time, ended = time[order], ended[order]
    rank = np.unique(np.asarray(risk, dtype="float64")[order], return_inverse=True)[1]
    cases = np.flatnonzero(ended & (time < tau))
    first_ended = np.flatnonzero(np.r_[True, (time[1:] != time[:-1]) | (ended[1:] != ended[:-1])])
    longer = first_ended[np.searchsorted(first_ended, cases, side="right") - 1]
    below = count_below(rank, longer, rank[cases])
    ties = count_below(rank, longer, rank[cases] + 1) - below
    weight = inverse_weights(curve, time[cases]) ** 2
    pairs = float(weight @ longer)
    return float(weight @ (below + 0.5 * ties)) / pairs if pairs > 0 else np.nan


def count_below(ranks: np.ndarray, first: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """For each query how many of the first `first` ranks are below its limit (bit by bit, n log n)."""
    sequence, count = ranks, np.zeros(len(first), dtype="int64")
    begin, end = np.zeros(len(first), dtype="int64"), first.astype("int64")
    most = int(max(ranks.max(initial=0), limits.max(initial=0)))
    for bit in range(most.bit_length() - 1, -1, -1):
        one = (sequence >> bit) & 1
        zeros = np.concatenate([[0], np.cumsum(1 - one)])
        left, right, up = zeros[begin], zeros[end], ((limits >> bit) & 1).astype(bool)
        count += np.where(up, right - left, 0)
        begin = np.where(up, zeros[-1] + begin - left, left)
        end = np.where(up, zeros[-1] + end - right, right)
        sequence = np.concatenate([sequence[one == 0], sequence[one == 1]])
    return count


def calibration_table(
    churn: ArrayLike, durations: ArrayLike, observed: ArrayLike, horizon: float, bins: int = BINS
) -> pd.DataFrame:
    """Predicted against observed churn by `horizon`, in equal-sized groups of the predicted probability.

    One row per group (fewer than `bins` where predictions repeat): `n` customers, `predicted` their mean
    probability, `observed` = 1 − Kaplan-Meier at the horizon, `low` and `high` its 95 % interval.
    """
    frame = pd.DataFrame({"churn": np.asarray(churn, dtype="float64")})
    frame["time"], frame["ended"] = np.asarray(durations, dtype="float64"), np.asarray(observed).astype(bool)
    edges = np.unique(frame["churn"].quantile(np.linspace(0, 1, bins + 1)).to_numpy())
    group = np.clip(np.searchsorted(edges, frame["churn"].to_numpy(), side="left") - 1, 0, None)
    rows = []
    for number, part in frame.groupby(group):
        curve = kaplan_meier(part["time"], part["ended"])
        share = 1 - survival_at(curve, [horizon])[0]
        low, high = (1 - survival_at(curve, [horizon], column)[0] for column in ("high", "low"))
        if share in (0, 1) or np.isnan(low + high):  # no interval on the log-log scale
            low, high = (float(end) for end in wilson(share * len(part), len(part)))
        rows.append((int(number), len(part), part["churn"].mean(), share, low, high))
    return pd.DataFrame(rows, columns=["group", "n", "predicted", "observed", "low", "high"])


def calibration_error(table: pd.DataFrame) -> float:
    """Expected calibration error: mean |predicted − observed| over the groups, weighted by customers."""
    return float(np.average((table["predicted"] - table["observed"]).abs(), weights=table["n"]))


def curve_baseline(
    durations: ArrayLike,
    observed: ArrayLike,
    months: Sequence[int],
    groups: ArrayLike | None = None,
    of: ArrayLike | None = None,
) -> np.ndarray:
    """Kaplan-Meier as a prediction: the training customers' curve, or that of each one's group.

    `groups` are the training customers' groups, `of` those of the customers predicted; a group that was not
    there in training gets the curve of all. Without groups one row, else a row for each of `of`.
    """
    time, ended = np.asarray(durations, dtype="float64"), np.asarray(observed).astype(bool)
    overall = survival_at(kaplan_meier(time, ended), months)[None, :]
    if groups is None or of is None:
        return overall
    names, wanted = np.asarray(groups), np.asarray(of)
    result = np.repeat(overall, len(wanted), axis=0)
    for name in pd.unique(names):
        mine = names == name
        result[wanted == name] = survival_at(kaplan_meier(time[mine], ended[mine]), months)
    return result


def survival_report(
    survival: np.ndarray,
    durations: ArrayLike,
    observed: ArrayLike,
    months: Sequence[int],
    trained_on: tuple[ArrayLike, ArrayLike],
    horizons: Sequence[int] = (12, 24, 48),
) -> pd.Series:
    """The scores of predicted survival of held-out customers: `ibs`, `uno_c`, `ece_12` … of the horizons.

    `months` is the grid of the columns of `survival` (whole months, the last is Uno's tau); `trained_on` are
    durations and ends of the training customers, for the censoring curve. The risk that Uno's C ranks by is
    the expected number of months lost up to the last month, − sum of S(t) over the grid. A horizon outside
    the grid is left out.
    """
    curve = censoring_curve(*trained_on)
    scores = {
        "ibs": integrated_brier_score(survival, durations, observed, months, curve),
        "uno_c": uno_concordance(-survival.sum(axis=1), durations, observed, curve, months[-1]),
    }
    for horizon in horizons:
        if horizon in months:
            churn = 1 - survival[:, list(months).index(horizon)]
            table = calibration_table(churn, durations, observed, horizon)
            scores[f"ece_{horizon}"] = calibration_error(table)
    return pd.Series(scores, name="score")
