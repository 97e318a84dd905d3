"""Maximum likelihood over customers of whom many are alike: identical rows counted once, with a weight."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.optimize import minimize
from scipy.special import digamma, gammaln

CHUNK = 1 << 13  # rows at a time: they stay in the cache, and dot products so short start no threads
THIN = 1 << 12  # rows on which starting values are tried when there are more
FARTHEST = float(np.log(1e5))  # parameters are sought between 1e-5 and 1e5

Terms = tuple[np.ndarray, list[np.ndarray]]  # log-likelihood a row, and its derivative by each parameter


@dataclass(frozen=True)
class Rows:
    """Distinct customers (`x` repeat purchase days, `t_x` and `T` in weeks) and how many there are of each.

    `levels` and `at_level` are the distinct x and the customers of each: terms of x alone need no more.
    """

    x: np.ndarray
    t_x: np.ndarray
    T: np.ndarray
    weight: np.ndarray
    levels: np.ndarray
    at_level: np.ndarray

    @classmethod
    def of(cls, x: np.ndarray, t_x: np.ndarray, T: np.ndarray, weight: np.ndarray) -> Self:
        levels, at = np.unique(x, return_inverse=True)
        return cls(x, t_x, T, weight, levels, np.bincount(at, weights=weight, minlength=len(levels)))

    def __len__(self) -> int:
        return len(self.x)

    def thinned(self, most: int = THIN) -> Self:
        """About `most` of the rows, taken at equal steps."""
        step = max(1, len(self) // most)
        return self.of(self.x[::step], self.t_x[::step], self.T[::step], self.weight[::step])

    def chunks(self) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
        for start in range(0, len(self), CHUNK):
            here = slice(start, start + CHUNK)
            yield self.x[here], self.t_x[here], self.T[here], self.weight[here]


def row_keys(columns: tuple[np.ndarray, ...]) -> tuple[np.ndarray, list[np.ndarray]]:
    """One whole number a row, equal for equal rows, and the distinct values of each column."""
    keys, values = np.zeros(len(columns[0]), dtype="int64"), []
    for column in columns:
        distinct = np.sort(pd.unique(column))
        keys *= max(len(distinct), 1)
        keys += np.searchsorted(distinct, column)
        values.append(distinct)
    return keys, values


def grouped(x: np.ndarray, t_x: np.ndarray, T: np.ndarray, weight: ArrayLike | None = None) -> Rows:
    """The distinct rows with their weights (1 each where none is given), sorted; those of weight 0 left
    out."""
    keys, values = row_keys((x, t_x, T))
    if weight is None:
        keys.sort()
        begins = np.append(0, np.flatnonzero(keys[1:] != keys[:-1]) + 1)
        weights = np.diff(begins, append=len(keys)).astype("float64")
        keys = keys[begins]
    else:
        keys, at = np.unique(keys, return_inverse=True)
        weights = np.bincount(at, weights=np.asarray(weight, dtype="float64"), minlength=len(keys))
        keys, weights = keys[weights > 0], weights[weights > 0]
    columns = []
    for distinct in reversed(values):
        keys, code = np.divmod(keys, max(len(distinct), 1))
        columns.append(np.asarray(distinct, dtype="float64")[code])
    return Rows.of(columns[2], columns[1], columns[0], weights)


def by_distinct_row(
    function: Callable[..., np.ndarray], columns: tuple[np.ndarray, ...], chunk: int = CHUNK
) -> np.ndarray:
    """function(*columns), worked out once for every distinct row."""
    keys = row_keys(columns)[0]
    codes = pd.factorize(keys)[0]
    first = np.flatnonzero(np.diff(np.maximum.accumulate(codes), prepend=-1))
    result = np.empty(len(first))
    for start in range(0, len(first), chunk):
        here = first[start : start + chunk]
        result[start : start + chunk] = function(*(column[here] for column in columns))
    return result[codes]


def rising(start: float, rows: Rows) -> tuple[float, float]:
    """Sum over customers of log Γ(start + x) − log Γ(start), and its derivative by `start`."""
    value = gammaln(start + rows.levels) - gammaln(start)
    slope = digamma(start + rows.levels) - digamma(start)
    return float(rows.at_level @ value), float(rows.at_level @ slope)


def total(terms: Callable[..., Terms], rows: Rows) -> tuple[float, np.ndarray]:
    """The weighted sums of `terms`(x, t_x, T) over all rows."""
    value, slopes = 0.0, np.zeros(1)
    for x, t_x, T, weight in rows.chunks():
        each, derivatives = terms(x, t_x, T)
        value += float(weight @ each)
        slopes = slopes + np.array([weight @ derivative for derivative in derivatives])
    return value, slopes


Objective = Callable[[np.ndarray], tuple[float, np.ndarray]]  # value and gradient at parameters


def in_logs(objective: Objective, customers: float) -> Objective:
    """The objective a customer, by the parameters' logarithms; minus infinity where it is not a number."""

    def scaled(logs: np.ndarray) -> tuple[float, np.ndarray]:
        with np.errstate(all="ignore"):
            value, slope = objective(np.exp(logs))
        if not (np.isfinite(value) and np.isfinite(slope).all()):
            return -np.inf, np.zeros(len(logs))
        return value / customers, slope * np.exp(logs) / customers

    return scaled


def climb(scaled: Objective, start: np.ndarray, tolerance: float) -> tuple[np.ndarray, float]:
    """The top near the start by L-BFGS-B, within parameters of 1e-5 to 1e5; logarithms in and out."""

    def cost(logs: np.ndarray) -> tuple[float, np.ndarray]:
        value, slope = scaled(logs)
        return (-value, -slope) if np.isfinite(value) else (1e10, slope)

    end = minimize(
        cost,
        np.clip(start, -FARTHEST, FARTHEST),
        jac=True,
        method="L-BFGS-B",
        bounds=[(-FARTHEST, FARTHEST)] * len(start),
        options={"ftol": tolerance * 1e-5, "gtol": tolerance, "maxiter": 500, "maxcor": 20},
    )
    return end.x, -float(end.fun)


def polished(scaled: Objective, start: np.ndarray) -> tuple[np.ndarray, float] | None:
    """The top near a start that is already close, by Newton's steps; None where there is no clear one.

    The second derivatives are differences of the gradient, taken at the start and after every sixth step.
    """
    at, (value, slope) = start, scaled(start)
    curvature = np.eye(len(at))
    for number in range(24):
        if number % 6 == 0:
            curvature = -np.array([scaled(at + step)[1] - slope for step in np.eye(len(at)) * 1e-5]) / 1e-5
            curvature = (curvature + curvature.T) / 2
            if not np.isfinite(curvature).all() or np.linalg.eigvalsh(curvature)[0] < 1e-9:
                return None
        step = np.linalg.solve(curvature, slope)
        ahead, ahead_slope = scaled(at + step)
        if np.abs(step).max() > 1 or ahead < value - 1e-9:
            return None
        at, value, slope = at + step, ahead, ahead_slope
        if np.abs(step).max() < 1e-7:
            return at, value
    return None


def best_of(
    starts: list[np.ndarray], part: Objective, part_size: float, whole: Objective, size: float
) -> tuple[np.ndarray, float]:
    """Parameters of the greatest `whole` objective (a sum over `size` customers), and its value.

    Every start is followed on the `part`, and the best end to the finish on the whole: by Newton's method,
    or by L-BFGS-B within parameters of 1e-5 to 1e5 where the top is not a clear one.
    """
    scaled = in_logs(part, part_size)
    ends = [climb(scaled, np.log(start), 1e-5) for start in starts]
    logs = max(ends, key=lambda end: end[1])[0]
    full = in_logs(whole, size)
    logs, value = polished(full, logs) or climb(full, logs, 1e-9)
    return np.exp(np.clip(logs, -FARTHEST, FARTHEST)), value * size


def maximise(
    log_likelihood: Callable[[np.ndarray, Rows], tuple[float, np.ndarray]],
    starts: list[tuple[float, ...]],
    rows: Rows,
) -> tuple[np.ndarray, float]:
    """Parameters of the greatest likelihood of the rows, and its logarithm."""
    part = rows.thinned()
    return best_of(
        [np.array(start) for start in starts],
        lambda at: log_likelihood(at, part),
        float(part.weight.sum()),
        lambda at: log_likelihood(at, rows),
        float(rows.weight.sum()),
    )
