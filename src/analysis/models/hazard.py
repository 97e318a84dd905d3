"""When contracts end: the hazard of each month of tenure, by logistic regression on person-periods.

With h(t) the probability that a contract alive at the start of month t ends in it, S(t) = product of (1 − h).
Sources: Cox 1972; Singer and Willett 1993; Tutz and Schmid 2016.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import (
    _check_sample_weight,
    check_consistent_length,
    check_is_fitted,
    column_or_1d,
    validate_data,
)

from analysis.models.design import HazardDesign, feature_names, months_of
from analysis.models.feature_spread import strengths_by_spread
from analysis.models.hazard_choice import (
    MOST_TO_CHOOSE,
    Folds,
    Strength,
    boosted,
    covariance,
    customer_folds,
    gain,
    log_losses,
    out_of_fold,
    recalibration,
    ridge,
    strength_by_folds,
    thinned,
    time_folds,
    tree_logits,
)
from analysis.models.life_table import LifeTable
from analysis.texts import mark, say

FEW_ENDS = mark("{n} events, at least {limit} are needed: Kaplan-Meier alone")
FEW_OTHERS = mark("{n} months without an event, at least {limit} are needed: Kaplan-Meier alone")
SIMPLE = mark("{n} events: at most {limit} features, with ridge")
LEAST_EVENTS = 20  # below: the life table alone
FEW_EVENTS = 130  # up to here at most FEW_FEATURES features
FEW_FEATURES = 5
CHALLENGED_FROM = 1_000  # events: enough to hold some out for C, and for trees; below, `feature_spread`
CHUNK = 50_000  # rows predicted at once
NOT_OF_THE_MODEL = ("customer_id", "spell", "churned", "weight")


class DiscreteTimeHazard(ClassifierMixin, BaseEstimator):
    """Probability that a contract ends in a month of tenure, and survival over the months to come.

    Fitted on person-periods: a frame with `month` (of tenure), where known `period` (calendar month), and a
    column per feature (numbers or texts, with gaps or without), and y = 1 where the contract ended in the
    month. `customer_id`, `spell`, `churned` and `weight` are not features. An array has features alone.

    Parameters
    ----------
    contract : feature whose levels get a slope in log t of their own; None: `contract`, else `plan`
    term_months : a renewal is due in every multiple of it; 0: contracts have no term
    challenger : whether small gradient-boosted trees may take the place of the regression, which they do from
        1,000 events when they beat it on the last periods by more than two standard errors
    most_rows : of more person-periods the months without an end are sampled, weighted
    random_state : seed of samples and folds

    Attributes
    ----------
    kind_ : 'logistic', 'boosted', or the fallback 'kaplan_meier' (fewer than 20 events, or no others)
    notice_ : why it is not the full regression; empty when it is
    events_, strength_ (the C chosen; below 1,000 events the variance granted to each column in use), shift_
    and slope_ (the recalibration on the last held-out periods; 0 and 1 are none), validated_ ('periods',
    'customers' or 'none': what was held out), coef_, intercept_, covariance_ (its last three rows are the
    intercept's, the shift's and the slope's)
    """

    def __init__(
        self,
        contract: str | None = None,
        term_months: int = 12,
        challenger: bool = True,
        most_rows: int = 300_000,
        random_state: int = 0,
    ) -> None:
        self.contract = contract
        self.term_months = term_months
        self.challenger = challenger
        self.most_rows = most_rows
        self.random_state = random_state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.input_tags.allow_nan = True
        return tags

    # --- fitting ------------------------------------------------------------------------------------

    def fit(
        self,
        X: pd.DataFrame | ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> Self:
        """Fit to person-periods; `groups` are their customers (default: the column `customer_id`).

        A frame without rows is a company too young for a whole month: nobody left, and the fallback says so.
        """
        if groups is None and isinstance(X, pd.DataFrame) and "customer_id" in X.columns:
            groups = X["customer_id"]
        frame = self.frame(X, reset=True)
        target = self.target(y)
        check_consistent_length(frame, target)
        weight = np.ones(len(frame))
        if len(frame):
            weight = _check_sample_weight(sample_weight, frame, dtype="float64", ensure_non_negative=True)
        customers = np.arange(len(frame)) if groups is None else pd.factorize(np.asarray(groups))[0]
        if (weight == 0).any() and (weight > 0).any():
            some = weight > 0
            frame, target, weight, customers = frame[some], target[some], weight[some], customers[some]
        self.events_ = float(weight @ target)
        self.life_table_ = LifeTable().fit(months_of(frame), target, weight)
        self.kind_, self.notice_, self.validated_ = "kaplan_meier", "", "none"
        self.strength_: Strength = np.nan
        self.shift_, self.slope_ = 0.0, 1.0
        others = float(weight.sum()) - self.events_
        if self.events_ < LEAST_EVENTS or others < LEAST_EVENTS:
            why = FEW_ENDS if self.events_ < LEAST_EVENTS else FEW_OTHERS
            self.notice_ = say(why, n=f"{min(self.events_, others):.0f}", limit=LEAST_EVENTS)
            self.covariance_ = np.diag(self.life_table_.variance)
            return self
        return self.fit_regression(frame, target, weight, customers)

    def frame(self, X: pd.DataFrame | ArrayLike, reset: bool = False) -> pd.DataFrame:
        """The columns of the model as a frame; refused when they are not those it was fitted to."""
        if not isinstance(X, pd.DataFrame):
            table = validate_data(self, X, reset=reset, ensure_all_finite="allow-nan", dtype="float64")
            return pd.DataFrame(table, columns=[f"x{i}" for i in range(table.shape[1])])
        mine = X[[name for name in X.columns if name not in NOT_OF_THE_MODEL]]
        validate_data(self, mine, reset=reset, skip_check_array=True)
        return mine.reset_index(drop=True)

    def target(self, y: ArrayLike) -> np.ndarray:
        """1 for an event; sets `classes_`, the second of which is the event."""
        if y is None:
            raise ValueError("requires y to be passed, but the target y is None")
        labels = column_or_1d(y, warn=True)
        check_classification_targets(labels)
        kind = type_of_target(labels, input_name="y")
        found = np.unique(labels)
        if len(found) > 2:
            raise ValueError(f"Only binary classification is supported. The type of the target is {kind}.")
        if found.dtype.kind in "biuf" and set(found.tolist()) <= {0, 1}:
            found = np.array([0, 1], dtype=found.dtype)
        self.classes_ = found
        return (labels == found[1]).astype("float64") if len(found) == 2 else np.zeros(len(labels))

    def fit_regression(
        self, frame: pd.DataFrame, y: np.ndarray, weight: np.ndarray, customers: np.ndarray
    ) -> Self:
        """The regression: design, ridge by held-out data, coefficients, recalibration, challenger."""
        rows, weight = thinned(y, weight, self.most_rows, self.random_state)
        frame, y, customers = frame.iloc[rows], y[rows], customers[rows]
        self.kind_ = "logistic"
        Z = self.fit_design(frame, y, weight)
        some, some_weight = thinned(y, weight, MOST_TO_CHOOSE, self.random_state)
        folds = self.folds(frame.iloc[some], y[some], customers[some])
        if self.events_ < CHALLENGED_FROM:
            self.spread_strengths(Z[some], y[some], some_weight)
            Z = Z[:, self.columns_]
            predicted = list(out_of_fold(Z[some], y[some], some_weight, folds, self.strength_))
        else:
            self.strength_, predicted = strength_by_folds(Z[some], y[some], some_weight, folds)
        self.fit_coefficients(Z, y, weight)
        if self.validated_ == "periods":  # data of one moment have no later period to be corrected by
            rows, held_out = predicted[-1]
            eta = Z[some][rows] @ self.coef_[self.columns_] + self.intercept_
            self.recalibrate(held_out, eta, y[some][rows], some_weight[rows])
            if self.challenger and self.events_ >= CHALLENGED_FROM:
                T = np.column_stack([Z, months_of(frame)])
                self.challenge(T[some], y[some], some_weight, customers[some], folds, predicted)
                if self.kind_ == "boosted":
                    self.trees_ = boosted(T, y, weight, self.random_state)
                    eta = tree_logits(self.trees_, T[some][rows])
                    self.recalibrate(self.held_out_, eta, y[some][rows], some_weight[rows])
        return self

    def fit_design(self, frame: pd.DataFrame, y: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """The design matrix; with few events of log t, and without slopes in it."""
        few = self.events_ <= FEW_EVENTS
        names = feature_names(frame)
        crossed = self.contract or next((name for name in ("contract", "plan") if name in names), None)
        line = self.events_ < CHALLENGED_FROM
        self.design_ = HazardDesign(None if few else crossed, self.term_months, spline=not few, line=line)
        Z = self.design_.fit(frame, y, weight).matrix(frame)
        self.columns_ = np.arange(Z.shape[1])
        return Z

    def spread_strengths(self, Z: np.ndarray, y: np.ndarray, weight: np.ndarray) -> None:
        """A strength by column; with few events tenure, renewals and the few strongest features alone."""
        few, design = self.events_ <= FEW_EVENTS, self.design_
        most = FEW_FEATURES if few else len(design.columns)
        self.columns_, self.strength_, self.wider_ = strengths_by_spread(Z, y, weight, design, most)
        self.notice_ = say(SIMPLE, n=f"{self.events_:.0f}", limit=most) if few else ""

    def folds(self, frame: pd.DataFrame, y: np.ndarray, customers: np.ndarray) -> Folds:
        """Held-out periods, or customers where there is but one moment; `validated_` says which."""
        folds = time_folds(frame["period"].to_numpy(), y) if "period" in frame else []
        self.validated_ = "periods" if folds else "customers"
        folds = folds or customer_folds(customers, y, self.random_state)
        self.validated_ = self.validated_ if folds else "none"
        return folds

    def fit_coefficients(self, Z: np.ndarray, y: np.ndarray, weight: np.ndarray) -> None:
        """Coefficients, intercept and their covariance; 0 for columns left out."""
        coef, self.intercept_ = ridge(Z, y, weight, self.strength_)
        wider = self.wider_ if self.events_ < CHALLENGED_FROM else self.strength_
        inner = covariance(Z, y, weight, Z @ coef + self.intercept_, wider)
        width = len(self.design_.columns)
        at = np.append(self.columns_, width)
        self.coef_, self.covariance_ = np.zeros(width), np.zeros((width + 3, width + 3))
        self.coef_[self.columns_] = coef
        self.covariance_[np.ix_(at, at)] = inner

    def recalibrate(
        self, held_out: np.ndarray, refitted: np.ndarray, y: np.ndarray, weight: np.ndarray
    ) -> None:
        """Shift and slope by which the last periods come out right."""
        self.shift_, self.slope_, spread = recalibration(held_out, refitted, y, weight)
        if self.kind_ == "logistic":
            self.covariance_[-2:, -2:] = spread

    def challenge(
        self,
        T: np.ndarray,
        y: np.ndarray,
        weight: np.ndarray,
        customers: np.ndarray,
        folds: Folds,
        predicted: list[tuple[np.ndarray, np.ndarray]],
    ) -> None:
        """Trees against the regression on the same held-out periods; the trees stay only when they win."""
        trees = []
        for train, test in folds:
            model = boosted(T[train], y[train], weight[train], self.random_state)
            trees.append((test, tree_logits(model, T[test])))
        rows = np.concatenate([rows for rows, eta in trees])
        mine, other = (np.concatenate([eta for rows, eta in part]) for part in (trees, predicted))
        losses = (log_losses(mine, y[rows]), log_losses(other, y[rows]))
        self.challenger_gain_, self.challenger_error_ = gain(*losses, weight[rows], customers[rows])
        if self.challenger_gain_ > 2 * self.challenger_error_:
            self.kind_ = "boosted"
            self.linear_shift_, self.linear_slope_ = self.shift_, self.slope_
            self.held_out_ = trees[-1][1]

    # --- predicting ---------------------------------------------------------------------------------

    def predict_hazards(
        self, X: pd.DataFrame | ArrayLike, months: int = 1, linear: bool = False
    ) -> np.ndarray:
        """Hazards of each row's own month and the months after it: an array of rows x `months`.

        Tenure, season and renewals move on; the features stay as they are. `linear` asks for the regression
        also where the trees won.
        """
        check_is_fitted(self)
        frame = self.frame(X)
        if self.kind_ == "kaplan_meier":
            return self.life_table_.ahead(months_of(frame), months)
        if self.kind_ == "boosted" and not linear:
            return self.boosted_hazards(frame, months)
        shift, slope = self.linear_recalibration()
        eta = self.design_.ahead(frame, self.coef_, months) + self.intercept_
        return expit(shift + slope * eta)

    def linear_recalibration(self) -> tuple[float, float]:
        """Shift and slope of the regression, also where the trees won."""
        if self.kind_ == "boosted":
            return self.linear_shift_, self.linear_slope_
        return self.shift_, self.slope_

    def boosted_hazards(self, frame: pd.DataFrame, months: int) -> np.ndarray:
        """Hazards of the trees, a month at a time."""
        result = np.empty((len(frame), months))
        for k in range(months):
            later = frame.assign(month=months_of(frame) + k, period=frame["period"] + k)
            Z = self.design_.matrix(later)[:, self.columns_]
            inside = np.minimum(months_of(later), self.design_.last_month)
            eta = tree_logits(self.trees_, np.column_stack([Z, inside]))
            result[:, k] = expit(self.shift_ + self.slope_ * eta)
        return result

    def predict_proba(self, X: pd.DataFrame | ArrayLike) -> np.ndarray:
        """Probability of each class (stays, leaves) in each row's own month."""
        hazard = self.predict_hazards(X)[:, 0]
        if len(self.classes_) == 1:
            return np.ones((len(hazard), 1))
        return np.column_stack([1 - hazard, hazard])

    def predict(self, X: pd.DataFrame | ArrayLike) -> np.ndarray:
        """The more probable class of each row's own month."""
        check_is_fitted(self)
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def chunks(self, X: pd.DataFrame) -> Iterator[pd.DataFrame]:
        """The rows of X in blocks that fit into memory with all their months."""
        for begin in range(0, len(X), CHUNK):
            yield X.iloc[begin : begin + CHUNK]

    def predict_survival(self, X: pd.DataFrame, horizons: Sequence[int] = (3, 6, 12)) -> pd.DataFrame:
        """P(still under contract after so many more months | is at the start of `month`), by horizon.

        With `month` 1 in all rows it is the curve from the beginning.
        """
        check_is_fitted(self)
        at = np.asarray(horizons, dtype="int64") - 1
        blocks = [
            np.cumprod(1 - self.predict_hazards(block, int(max(horizons))), axis=1)[:, at]
            for block in self.chunks(X)
        ]
        values = np.concatenate(blocks) if blocks else np.zeros((0, len(at)))
        return pd.DataFrame(values, index=X.index, columns=list(horizons))

    def predict_churn(self, X: pd.DataFrame, horizon: int = 12) -> pd.Series:
        """P(the contract ends within `horizon` months | is alive at the start of `month`)."""
        return (1 - self.predict_survival(X, (horizon,))[horizon]).rename(f"churn_{horizon}")

    def gradient(self, X: pd.DataFrame, by_month: np.ndarray) -> np.ndarray:
        """Derivatives by the logits of the next months' hazards, as those by what `covariance_` is of."""
        frame = self.frame(X)
        if self.kind_ == "kaplan_meier":
            return self.life_table_.pull_back(months_of(frame), by_month)
        slope = self.linear_recalibration()[1]
        inner = self.design_.pull_back(frame, by_month * slope)
        eta = self.design_.ahead(frame, self.coef_, by_month.shape[1]) + self.intercept_
        total, along = by_month.sum(axis=1), np.einsum("ij,ij->i", by_month, eta)
        return np.column_stack([inner, total * slope, total, along])

    # --- explaining ---------------------------------------------------------------------------------

    def contributions(self, X: pd.DataFrame) -> pd.DataFrame:
        """What each feature adds to the log-odds of ending in the month, against the average person-period.

        A column per feature, and `tenure`, `season`, `renewal_due`; all 0 for the fallback. Where the trees
        won it is the regression's view of the same customers.
        """
        check_is_fitted(self)
        if self.kind_ == "kaplan_meier":
            return pd.DataFrame(0.0, index=X.index, columns=["tenure"])
        slope = self.linear_recalibration()[1]
        parts = self.design_.matrix(self.frame(X)) * (self.coef_ * slope)
        names = pd.Index([name for name, label in self.design_.columns])
        unique = list(dict.fromkeys(names))
        sums = {name: parts[:, names == name].sum(axis=1) for name in unique}
        return pd.DataFrame(sums, index=X.index)

    def top_factors(self, X: pd.DataFrame, n: int = 3) -> pd.DataFrame:
        """The `n` features that move each row's risk most, against the average customer.

        One row per row of X and factor: `row` (its label in X), `rank` (1 is the strongest), `feature`,
        `value` (text; of tenure the month), `contribution` (log-odds), `odds_ratio` = exp(contribution),
        `direction` ('raises' or 'lowers'). Features that move nothing are left out.
        """
        parts = self.contributions(X)
        size = np.abs(parts.to_numpy())
        order = np.argsort(-size, axis=1, kind="stable")[:, :n]
        rows, width = np.repeat(np.arange(len(X)), order.shape[1]), order.shape[1]
        feature = np.array(parts.columns, dtype=object)[order.ravel()]
        contribution = np.take_along_axis(parts.to_numpy(), order, axis=1).ravel()
        known = {"tenure": "month", "renewal_due": "month", "season": "period"}
        texts = {name: X[known.get(name, name)].astype(str).to_numpy() for name in set(feature)}
        if "season" in texts:
            texts["season"] = "Q" + (X["period"] % 12 // 3 + 1).astype(str).to_numpy()
        table = pd.DataFrame(
            {
                "row": X.index.to_numpy()[rows],
                "rank": np.tile(np.arange(1, width + 1), len(X)),
                "feature": feature,
                "value": [texts[name][row] for name, row in zip(feature, rows, strict=True)],
                "contribution": contribution,
                "odds_ratio": np.exp(np.clip(contribution, -50, 50)),
                "direction": np.where(contribution > 0, "raises", "lowers"),
            }
        )
        return table[np.abs(contribution) > 1e-9].reset_index(drop=True)

    def coefficients(self) -> pd.DataFrame:
        """The regression's columns: `feature`, `label`, `coefficient` (log-odds a standard unit), `error`."""
        check_is_fitted(self, "coef_")
        table = pd.DataFrame(self.design_.columns, columns=["feature", "label"])
        errors = np.sqrt(np.maximum(np.diag(self.covariance_)[:-3], 0))
        return table.assign(coefficient=self.coef_, error=errors)
