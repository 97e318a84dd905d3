"""How often customers without a contract buy: NBD, BG/NBD and MBG/NBD (Pareto/NBD has its own module).

A customer is three numbers: `repeats`, the days of purchase after the first; `t_x_weeks`, weeks from the
first purchase to the last; `age_weeks`, weeks from the first purchase to the cut-off. While active a customer
buys at a steady rate; the rates differ between customers as a gamma distribution of shape `r_` and rate
`alpha_` (weeks). The models differ in how customers fall silent. All follow scikit-learn's rules for
estimators.

Sources: Ehrenberg 1959 (NBD); Fader, Hardie and Lee 2005 (BG/NBD); Batislam, Denizel and Filiztekin 2007
(MBG/NBD).
"""

from typing import ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import expit, hyp2f1
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from analysis.models.likelihood import Rows, Terms, by_distinct_row, grouped, maximise, rising, total
from analysis.texts import mark, say

COLUMNS = ("repeats", "t_x_weeks", "age_weeks")
LEAST, MOST = 1e-3, 1e3  # a parameter outside: the data do not show what it stands for


def customer_columns(X: ArrayLike | pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """`repeats`, `t_x_weeks` and `age_weeks` of a frame (by name) or of an array's three columns.

    Raises
    ------
    ValueError
        Not these three columns, or a customer that cannot be: a missing number, a last purchase after the
        cut-off, repeats that are not whole, or none of them and yet a later purchase.
    """
    if isinstance(X, pd.DataFrame):
        missing = [name for name in COLUMNS if name not in X.columns]
        if missing:
            raise ValueError(f"no column {', '.join(missing)}: expected {', '.join(COLUMNS)}")
        columns = [X[name].to_numpy(dtype="float64") for name in COLUMNS]
    else:
        table = np.asarray(X, dtype="float64")
        if table.ndim != 2 or table.shape[1] != len(COLUMNS):
            raise ValueError(f"X has shape {table.shape}; expected a column each of {', '.join(COLUMNS)}")
        columns = list(table.T)
    x, t_x, T = columns
    if not len(x):
        raise ValueError("no customers: X has 0 rows, at least 1 is needed")
    if not all(np.isfinite(column.sum()) for column in columns):
        raise ValueError("a missing or infinite number among the customers")
    if x.min() < 0 or t_x.min() < 0 or (t_x > T).any() or (x != np.floor(x)).any():
        raise ValueError("impossible customers: expected whole repeats ≥ 0 and 0 ≤ t_x_weeks ≤ age_weeks")
    if ((x == 0) & (t_x > 0)).any():
        raise ValueError("impossible customers: no repeat purchase, yet t_x_weeks above 0")
    return x, t_x, T


class PurchaseModel(RegressorMixin, BaseEstimator):
    """What the models of purchases share: fitting, forecasts, probability of being active.

    Parameters
    ----------
    weeks : length of the time after the cut-off that `predict` forecasts

    Attributes
    ----------
    log_likelihood_ : its logarithm at the maximum
    degenerate_ : why the fit cannot be used ("" when it can): a parameter below 0.001 or above 1,000
    """

    parameters: ClassVar[tuple[str, ...]] = ()
    starts: ClassVar[list[tuple[float, ...]]] = []
    meaning: ClassVar[str] = ""  # of a degenerate fit

    def __init__(self, weeks: float = 52.0) -> None:
        self.weeks = weeks

    def fit(
        self, X: ArrayLike | pd.DataFrame, y: object = None, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Parameters by maximum likelihood; `y` is not used, `sample_weight` counts identical customers."""
        x, t_x, T = customer_columns(X)
        rows = grouped(x, t_x, T, sample_weight)
        scale = max(float(rows.weight @ rows.T) / float(rows.weight.sum()), 1.0)
        starts = [self.scaled(start, scale) for start in self.starts]
        found, self.log_likelihood_ = maximise(self.log_likelihood, starts, rows)
        self.n_features_in_ = len(COLUMNS)
        return self.with_parameters(*found)

    def scaled(self, start: tuple[float, ...], weeks: float) -> tuple[float, ...]:
        """A start for customers of this mean age: `alpha` and `beta` are times."""
        pairs = zip(self.parameters, start, strict=True)
        return tuple(value * weeks if name in ("alpha", "beta") else value for name, value in pairs)

    def with_parameters(self, *values: float) -> Self:
        """The model at parameters known from elsewhere, in the order of `parameters`."""
        for name, value in zip(self.parameters, values, strict=True):
            setattr(self, f"{name}_", float(value))
        odd = [
            name for name, value in zip(self.parameters, values, strict=True) if not LEAST <= value <= MOST
        ]
        self.degenerate_ = f"{say(self.meaning)} ({', '.join(odd)})" if odd else ""
        return self

    @property
    def values(self) -> np.ndarray:
        """The fitted parameters, in the order of `parameters`."""
        check_is_fitted(self, f"{self.parameters[0]}_")
        return np.array([getattr(self, f"{name}_") for name in self.parameters])

    def predict(self, X: ArrayLike | pd.DataFrame) -> np.ndarray:
        """Expected days of purchase in the `weeks` after the cut-off."""
        return self.expected(X, self.weeks)

    def expected(self, X: ArrayLike | pd.DataFrame, weeks: float) -> np.ndarray:
        """Expected days of purchase in so many weeks after the cut-off."""
        self.values  # noqa: B018  fitted?

        def row_by_row(x: np.ndarray, t_x: np.ndarray, T: np.ndarray) -> np.ndarray:
            return self.p_alive_of(x, t_x, T) * self.while_alive(x, T, weeks)

        with np.errstate(all="ignore"):
            return by_distinct_row(row_by_row, customer_columns(X))

    def discounted(self, X: ArrayLike | pd.DataFrame, weeks: float, weekly: float = 1.0) -> np.ndarray:
        """Expected days of purchase in so many weeks, those of the first week times `weekly` ^ 1/2.

        Those of the second week times `weekly` ^ 3/2, and so on: purchases lie in the middle of their week,
        of which the last may be a part of one. 1 discounts nothing.
        """
        self.values  # noqa: B018  fitted?
        ends = np.append(np.arange(1.0, np.ceil(weeks - 1e-9)), weeks) if weeks > 0 else np.zeros(0)

        def row_by_row(x: np.ndarray, t_x: np.ndarray, T: np.ndarray) -> np.ndarray:
            worth, before, begun = np.zeros(len(x)), np.zeros(len(x)), 0.0
            for end in ends:
                until = self.while_alive(x, T, end)
                worth += (until - before) * weekly ** ((begun + end) / 2)
                before, begun = until, end
            return self.p_alive_of(x, t_x, T) * worth

        with np.errstate(all="ignore"):
            return by_distinct_row(row_by_row, customer_columns(X))

    def p_alive(self, X: ArrayLike | pd.DataFrame) -> np.ndarray:
        """Probability of being active at the cut-off."""
        self.values  # noqa: B018  fitted?
        with np.errstate(all="ignore"):
            return by_distinct_row(self.p_alive_of, customer_columns(X))

    def score(
        self, X: ArrayLike | pd.DataFrame, y: object = None, sample_weight: ArrayLike | None = None
    ) -> float:
        """Mean log-likelihood of a customer: greater is better."""
        rows = grouped(*customer_columns(X), sample_weight)
        with np.errstate(all="ignore"):
            return self.log_likelihood(self.values, rows)[0] / float(rows.weight.sum())

    def log_likelihood(self, values: np.ndarray, rows: Rows) -> tuple[float, np.ndarray]:
        """Log-likelihood of all rows at these parameters, and its gradient."""
        raise NotImplementedError

    def while_alive(self, x: np.ndarray, T: np.ndarray, weeks: float) -> np.ndarray:
        """Expected days of purchase of customers who are active at the cut-off, row by row."""
        raise NotImplementedError

    def p_alive_of(self, x: np.ndarray, t_x: np.ndarray, T: np.ndarray) -> np.ndarray:
        """Probability of being active, row by row."""
        raise NotImplementedError


class MeanRate(PurchaseModel):
    """Everyone alike: all repeat purchases by all the weeks they were watched (`rate_`, 0 where there are
    none).

    The fallback of every other model: it cannot fail, and knows nothing of single customers.
    """

    parameters = ("rate",)

    def fit(
        self, X: ArrayLike | pd.DataFrame, y: object = None, sample_weight: ArrayLike | None = None
    ) -> Self:
        """The rate; `y` is not used, `sample_weight` counts identical customers."""
        x, T = customer_columns(X)[::2]
        weight = np.ones(len(x)) if sample_weight is None else np.asarray(sample_weight, dtype="float64")
        repeats, weeks = float((weight * x).sum()), float((weight * T).sum())
        self.rate_, self.degenerate_, self.n_features_in_ = (
            (repeats / weeks if weeks else 0.0),
            "",
            len(COLUMNS),
        )
        return self

    def while_alive(self, x: np.ndarray, T: np.ndarray, weeks: float) -> np.ndarray:
        return np.full(len(x), self.rate_ * weeks)

    def p_alive_of(self, x: np.ndarray, t_x: np.ndarray, T: np.ndarray) -> np.ndarray:
        return np.ones(len(x))


class NBD(PurchaseModel):
    """Nobody falls silent: Poisson purchases at gamma distributed rates (negative binomial)."""

    parameters = ("r", "alpha")
    starts: ClassVar = [(0.5, 0.5), (2.0, 4.0)]
    meaning = mark("no difference between customers visible in this window")

    def log_likelihood(self, values: np.ndarray, rows: Rows) -> tuple[float, np.ndarray]:
        r, alpha = values
        up, up_r = rising(r, rows)

        def terms(x: np.ndarray, t_x: np.ndarray, T: np.ndarray) -> Terms:
            log_T = np.log1p(T / alpha)
            each = -r * log_T - x * np.log(alpha + T)
            return each, [-log_T, r * T / (alpha * (alpha + T)) - x / (alpha + T)]

        value, slope = total(terms, rows)
        return value + up, slope + np.array([up_r, 0.0])

    def while_alive(self, x: np.ndarray, T: np.ndarray, weeks: float) -> np.ndarray:
        return (self.r_ + x) / (self.alpha_ + T) * weeks

    def p_alive_of(self, x: np.ndarray, t_x: np.ndarray, T: np.ndarray) -> np.ndarray:
        return np.ones(len(x))


class BGNBD(PurchaseModel):
    """BG/NBD: after every repeat purchase a customer may fall silent, with a chance that is beta distributed.

    The chance has the parameters `a_`, `b_`. Who bought once is active for certain: there was no repeat
    purchase to fall silent after.
    """

    parameters = ("r", "alpha", "a", "b")
    starts: ClassVar = [(0.3, 0.2, 0.7, 2.0), (1.0, 0.5, 0.3, 3.0), (0.5, 1.0, 2.0, 10.0)]
    meaning = mark("no dropout visible in this window")
    from_first: ClassVar[int] = 0  # 1: a customer may fall silent after the first purchase too

    def log_likelihood(self, values: np.ndarray, rows: Rows) -> tuple[float, np.ndarray]:
        r, alpha, a, b = values
        first = b + self.from_first
        up_r, slope_r = rising(r, rows)
        up_b, slope_b = rising(first, rows)
        up_ab, slope_ab = rising(a + first, rows)
        # the ratio of beta functions at x = 0: 1, or b / (a + b) where the first purchase counts
        customers = float(rows.weight.sum())
        start = customers * np.log(b / (a + b)) if self.from_first else 0.0
        start_a = -customers / (a + b) if self.from_first else 0.0
        start_b = customers * a / (b * (a + b)) if self.from_first else 0.0

        def terms(x: np.ndarray, t_x: np.ndarray, T: np.ndarray) -> Terms:
            alive = self.p_alive_at(x, t_x, T, values)
            log_T = np.log1p(T / alpha)
            with np.errstate(divide="ignore"):
                each = -r * log_T - x * np.log(alpha + T) - np.log(alive)
            gone = 1 - alive
            by_r = -log_T + gone * (np.log(alpha + T) - np.log(alpha + t_x))
            by_alpha = r / alpha - (r + x) * (alive / (alpha + T) + gone / (alpha + t_x))
            return each, [by_r, by_alpha, gone / a, -gone / np.where(gone > 0, first + x - 1, 1)]

        value, slope = total(terms, rows)
        more = np.array([slope_r, 0.0, start_a - slope_ab, start_b + slope_b - slope_ab])
        return value + up_r + up_b - up_ab + start, slope + more

    def p_alive_at(self, x: np.ndarray, t_x: np.ndarray, T: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Probability of being active at these parameters."""
        r, alpha, a, b = values
        before = np.maximum(b + self.from_first + x - 1, b if self.from_first else 0)
        odds = np.log(a) - np.log(before) + (r + x) * (np.log(alpha + T) - np.log(alpha + t_x))
        return np.where((x > 0) | bool(self.from_first), expit(-odds), 1.0)

    def p_alive_of(self, x: np.ndarray, t_x: np.ndarray, T: np.ndarray) -> np.ndarray:
        return self.p_alive_at(x, t_x, T, self.values)

    def while_alive(self, x: np.ndarray, T: np.ndarray, weeks: float) -> np.ndarray:
        """(c / (a − 1)) · (1 − (1 − z)^(a − 1) ₂F₁(c − r − x, a − 1; c; z)), c = a + b + x − 1.

        This is the published formula after Euler's transformation: no factor grows with x. At a = 1, where
        it is 0 / 0, a millionth beside it is taken.
        """
        r, alpha, a, b = self.values
        a = a if abs(a - 1) > 1e-6 else 1 + 1e-6
        c = a + b + x - 1 + self.from_first
        z = weeks / (alpha + T + weeks)
        left = np.exp((a - 1) * np.log1p(-z)) * hyp2f1(c - r - x, a - 1, c, z)
        return c / (a - 1) * (1 - left)


class MBGNBD(BGNBD):
    """MBG/NBD: as BG/NBD, but a customer may fall silent right after the first purchase too."""

    from_first = 1
