"""The columns of a discrete-time hazard model: features, spline of tenure, season, renewal, contract x log t.

A feature's columns do not change as a contract grows older; those of time are tables by month of tenure or by
quarter of the year. The two are kept apart, so that the months to come need no person-period table.
"""

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Self

import numpy as np
import pandas as pd
from sklearn.preprocessing import SplineTransformer

KNOTS = 6
BASELINE_SCALE, CONTRACT_SCALE = 3.0, 2.0  # the ridge holds these back less than a standardised feature
LEAST_ROWS = 20  # a level seen less often is "other"
MOST_LEVELS = 50
HUGE = 1e100  # numbers beyond it are cut to it: their squares would overflow
SKEWED = 10.0  # a feature ≥ 0 whose 99.5th percentile is so many medians goes in as a logarithm
SAME = 1e-9  # numbers that differ by less, relatively, are one
NOT_FEATURES = ("customer_id", "spell", "month", "period", "churned", "weight")


def feature_names(X: pd.DataFrame) -> list[str]:
    """The columns of a person-period table that are features."""
    return [name for name in X.columns if name not in NOT_FEATURES]


@dataclass
class Feature:
    """One feature as it is coded: the levels of a text, or centre and scale of a number."""

    name: str
    levels: list[object] | None = None  # None: a number
    centre: np.ndarray = field(default_factory=lambda: np.zeros(0))
    scale: np.ndarray = field(default_factory=lambda: np.zeros(0))
    low: float = 0.0
    high: float = 0.0
    filler: float = 0.0
    logarithm: bool = False
    above_zero: bool = False  # its logarithm is that of the number itself, else of one more
    missing: bool = False  # whether absence has a column of its own

    @classmethod
    def fitted(cls, name: str, values: pd.Series, weight: np.ndarray) -> Self:
        """How the training rows say the feature is to be coded."""
        feature = cls(name)
        if pd.api.types.is_numeric_dtype(values.dtype):
            feature.fit_number(values.to_numpy(dtype="float64", na_value=np.nan))
        else:
            names, codes = levels_of(values)
            counts = np.bincount(codes, minlength=len(names))
            least = min(LEAST_ROWS, int(counts.max(initial=0)))
            both = zip(names, counts.tolist(), strict=True)
            frequent = sorted(both, key=lambda pair: (-pair[1], str(pair[0])))[:MOST_LEVELS]
            feature.levels = sorted((level for level, count in frequent if count >= least), key=str)
        raw = feature.raw(values)
        total = max(weight.sum(), 1e-300)
        feature.centre = weight @ raw / total
        spread = np.sqrt(np.maximum(weight @ (raw - feature.centre) ** 2 / total, 0))
        feature.scale = np.where(spread > 1e-9 * (1 + np.abs(feature.centre)), spread, np.inf)
        return feature

    def fit_number(self, x: np.ndarray) -> None:
        """Limits, filler and transformation of a number."""
        known = np.clip(x[np.isfinite(x)], -HUGE, HUGE)
        self.missing = len(known) < len(x)
        if len(known):
            self.low, middle, self.high = (float(q) for q in np.quantile(known, [0.005, 0.5, 0.995]))
            self.filler = middle
            self.above_zero = self.low > 0 and nearer_even(np.clip(known, self.low, self.high))
            self.logarithm = self.above_zero or bool(known.min() >= 0 and self.high > SKEWED * middle > 0)

    def raw(self, values: pd.Series) -> np.ndarray:
        """The columns before centring: a number within its limits (and whether it is missing), or levels."""
        if self.levels is not None:
            names, codes = levels_of(values)
            codes = pd.Index(self.levels, dtype=object).get_indexer(pd.Index(names, dtype=object))[codes]
            return (codes[:, None] == np.arange(len(self.levels))).astype("float64")
        x = pd.to_numeric(values, errors="coerce").to_numpy(dtype="float64", na_value=np.nan)
        absent = ~np.isfinite(x)
        x = np.clip(np.where(absent, self.filler, x), self.low, self.high)
        if self.logarithm:
            x = np.log(x) if self.above_zero else np.log1p(np.maximum(x, 0))
        columns = [x]
        return np.column_stack([*columns, absent] if self.missing else columns)

    def columns(self, values: pd.Series) -> np.ndarray:
        """The standardised columns; 0 is the average, and all there is of a feature that never varies."""
        return (self.raw(values) - self.centre) / self.scale

    def units(self) -> np.ndarray:
        """What each column holds of one unit: a level's indicator is divided by its own deviation."""
        width = len(self.labels())
        return (
            np.where(np.isfinite(self.scale), self.scale, 1.0) if self.levels is not None else np.ones(width)
        )

    def labels(self) -> list[str]:
        """What each column stands for."""
        if self.levels is not None:
            return [str(level) for level in self.levels]
        return ["", "missing"] if self.missing else [""]


class HazardDesign:
    """The design matrix of the hazard of month `month` of tenure, which began in calendar month `period`.

    Parameters
    ----------
    contract : the feature whose levels get a slope in log t of their own; None for none
    term_months : a renewal is due in every month that is a multiple of it; 0 for none
    spline : a cubic spline of log t for the baseline, else log t alone
    line : log t beside its spline, which is then a feature of its own
    """

    def __init__(
        self, contract: str | None, term_months: int, spline: bool = True, line: bool = False
    ) -> None:
        self.contract, self.term_months, self.spline, self.line = contract, term_months, spline, line

    def fit(self, X: pd.DataFrame, y: np.ndarray, weight: np.ndarray) -> Self:
        """Learn levels, centres, scales and knots from the training rows."""
        self.features = [Feature.fitted(name, X[name], weight) for name in feature_names(X)]
        month = months_of(X)
        self.last_month = int(month.max())
        self.log_centre = float(np.average(np.log(month), weights=weight)) if weight.sum() > 0 else 0.0
        self.basis: SplineTransformer | None = None
        ended = np.log(month[y > 0])
        if self.spline and len(np.unique(ended)) >= KNOTS:
            knots = np.unique(np.quantile(ended, np.linspace(0, 1, KNOTS)))[:, None]
            self.basis = SplineTransformer(
                degree=3, knots=knots, extrapolation="constant", include_bias=False
            ).fit(knots)
        self.time_centres = np.zeros(0)
        self.seasonal = "period" in X.columns and X["period"].nunique() >= 12
        whose = X["period"].to_numpy()[:, None] if self.seasonal else np.zeros((len(X), 1), dtype="int64")
        self.quarter_shares = np.array(
            [np.average(whose[:, 0] % 12 // 3 == quarter, weights=weight) for quarter in range(4)]
        )
        table = self.time_table(self.last_month)
        counts = np.bincount(month, weights=weight, minlength=self.last_month + 1)[1:]
        self.time_centres = counts @ table / max(counts.sum(), 1e-300)
        self.slots()
        return self

    def slots(self) -> None:
        """Names of all columns, in order, with the feature each belongs to."""
        static = [(f.name, label) for f in self.features for label in f.labels()]
        renewal = [("renewal_due", "")] if self.term_months > 0 else []
        width = self.time_table(1).shape[1] - len(renewal)
        season = [("season", f"Q{quarter}") for quarter in (1, 2, 3, 4)] if self.seasonal else []
        crossed = self.crossed()
        across = [(crossed.name, f"{label} x log t") for label in crossed.labels()] if crossed else []
        self.columns = [*static, *[("tenure", str(i)) for i in range(width)], *renewal, *season, *across]
        starts = np.cumsum([0, len(static), width + len(renewal), len(season), len(across)])
        self.static, self.time, self.season, self.cross = (slice(a, b) for a, b in pairwise(starts))
        at = np.cumsum([0, *[len(f.labels()) for f in self.features]])
        self.cross_from = slice(0, 0)
        if crossed:
            number = [f.name for f in self.features].index(crossed.name)
            self.cross_from = slice(at[number], at[number + 1])

    def units(self) -> np.ndarray:
        """By column, what one unit of its feature is in it (1, or what an indicator was divided by)."""
        result = np.ones(len(self.columns))
        if self.features:
            result[self.static] = np.concatenate([f.units() for f in self.features])
        result[self.cross] = result[self.static][self.cross_from]
        return result

    def numbers(self) -> np.ndarray:
        """By column, the number of its feature; slopes in log t and the curve of tenure are their own."""
        names = [
            f"{name} curve" if self.line and name == "tenure" and label != "0" else name
            for name, label in self.columns
        ]
        names[self.cross] = [f"{name} x log t" for name in names[self.cross]]
        return np.unique(names, return_inverse=True)[1] if names else np.zeros(0, dtype="int64")

    def crossed(self) -> Feature | None:
        """The feature crossed with log t."""
        return next((f for f in self.features if f.name == self.contract), None)

    def log_t(self, month: np.ndarray) -> np.ndarray:
        """log t about its mean; a month beyond the last one seen counts as the last."""
        return np.log(np.clip(month, 1, self.last_month)) - self.log_centre

    def time_table(self, months: int) -> np.ndarray:
        """Columns of tenure (and renewal) for the months 1 … `months`."""
        month = np.arange(1, months + 1)
        log_t = self.log_t(month)[:, None]
        inside = np.log(np.clip(month, 1, self.last_month))[:, None]
        parts = [log_t] if self.line or self.basis is None else []
        if self.basis is not None:
            parts.append(BASELINE_SCALE * self.basis.transform(inside))
        if self.term_months > 0:
            parts.append((month % self.term_months == 0).astype("float64")[:, None])
        table = np.hstack(parts)
        return table - self.time_centres if len(self.time_centres) else table

    def season_table(self) -> np.ndarray:
        """Columns of the quarter of the year, by quarter."""
        return np.eye(4) - self.quarter_shares

    def static_matrix(self, X: pd.DataFrame) -> np.ndarray:
        """Columns of the features."""
        parts = [f.columns(X[f.name]) for f in self.features]
        return np.hstack(parts) if parts else np.zeros((len(X), 0))

    def matrix(self, X: pd.DataFrame) -> np.ndarray:
        """The whole design matrix, each row at its own month."""
        month = months_of(X)
        static = self.static_matrix(X)
        parts = [static, self.time_table(int(month.max(initial=1)))[month - 1]]
        if self.seasonal:
            parts.append(self.season_table()[quarters_of(X)])
        if self.cross_from.stop > self.cross_from.start:
            parts.append(CONTRACT_SCALE * static[:, self.cross_from] * self.log_t(month)[:, None])
        return np.hstack(parts)

    def ahead(self, X: pd.DataFrame, coef: np.ndarray, months: int) -> np.ndarray:
        """Linear predictor (without intercept) of each row's next `months` months: its own, and those after.

        Tenure, season and renewals move on; every feature stays as it is.
        """
        month = months_of(X)
        static = self.static_matrix(X)
        table = self.time_table(int(month.max(initial=1)) + months) @ coef[self.time]
        at = month[:, None] + np.arange(months)
        eta = table[at - 1]
        eta += (static @ coef[self.static])[:, None]
        if self.seasonal:
            season = self.season_table() @ coef[self.season]
            eta += season[(X["period"].to_numpy()[:, None] + np.arange(months)) % 12 // 3]
        if self.cross_from.stop > self.cross_from.start:
            slope = CONTRACT_SCALE * static[:, self.cross_from] @ coef[self.cross]
            eta += slope[:, None] * self.log_t(at)
        return eta

    def pull_back(self, X: pd.DataFrame, by_month: np.ndarray) -> np.ndarray:
        """Derivatives by the linear predictors of the next months, as derivatives by the coefficients."""
        month = months_of(X)
        static = self.static_matrix(X)
        months = by_month.shape[1]
        result = np.zeros((len(X), len(self.columns)))
        result[:, self.static] = static * by_month.sum(axis=1)[:, None]
        table = self.time_table(int(month.max(initial=1)) + months)
        season = self.season_table()
        slope = np.zeros(len(X))
        for k in range(months):
            g = by_month[:, k]
            result[:, self.time] += g[:, None] * table[month - 1 + k]
            slope += g * self.log_t(month + k)
            if self.seasonal:
                result[:, self.season] += g[:, None] * season[(X["period"].to_numpy() + k) % 12 // 3]
        result[:, self.cross] = CONTRACT_SCALE * static[:, self.cross_from] * slope[:, None]
        return result


def nearer_even(x: np.ndarray) -> bool:
    """Whether the logarithms of numbers above 0 are less skewed than the numbers."""
    both = []
    for z in (np.log(x), x / x.max()):
        spread = float(z.std())
        both.append(abs(float(np.mean((z - z.mean()) ** 3))) / spread**3 if spread > SAME else 0.0)
    return both[0] < both[1]


def levels_of(values: pd.Series) -> tuple[list[object], np.ndarray]:
    """The distinct values of a column that is no number, and the place of each row's; missing is ''."""
    column = values.astype("category").cat
    names = [*column.categories, ""]
    return names, np.where(column.codes < 0, len(names) - 1, column.codes)


def months_of(X: pd.DataFrame) -> np.ndarray:
    """The month of tenure of each row, at least 1; 1 where there is no such column."""
    if "month" not in X.columns:
        return np.ones(len(X), dtype="int64")
    return np.maximum(X["month"].to_numpy(dtype="int64"), 1)


def quarters_of(X: pd.DataFrame) -> np.ndarray:
    """The quarter of the year of each row, 0 to 3."""
    return X["period"].to_numpy(dtype="int64") % 12 // 3
