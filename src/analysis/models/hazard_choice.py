"""What a hazard model is chosen and corrected by: held-out periods, ridge, challenger, recalibration."""

from collections.abc import Iterator

import numpy as np
from scipy.special import expit, logit
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

STRENGTHS = (0.01, 0.1, 1.0, 10.0)  # C, the variance that the ridge grants a coefficient
LEAST_HELD_OUT_EVENTS = 10  # in a fold, else it says nothing
HELD_OUT_SHARE = 0.25  # of the events, in each of the last held-out spans
SNAPSHOT_FOLDS = 3
SHIFT_SPREAD, SLOPE_SPREAD = 0.15, 0.1  # recalibration is drawn to none with these standard deviations
SURE = 1 - 1e-9  # no hazard of the trees is nearer to 0 or 1
MOST_TO_CHOOSE = 60_000  # rows; choosing needs no more

Folds = list[tuple[np.ndarray, np.ndarray]]
Strength = float | np.ndarray  # of all columns, or of each


def thinned(y: np.ndarray, weight: np.ndarray, most: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """At most `most` rows, half of them ends if there are so many; weights keep the totals of both kinds."""
    if len(y) <= most:
        return np.arange(len(y)), weight
    rng = np.random.default_rng(seed)
    chosen, weights = [], []
    ends, stays = np.flatnonzero(y > 0), np.flatnonzero(y <= 0)
    room = max(most // 2, most - len(ends))
    for rows, size in ((ends, most // 2), (stays, room)):
        kept = rows if len(rows) <= size else np.sort(rng.choice(rows, size, replace=False, shuffle=False))
        total = weight[kept].sum()
        chosen.append(kept)
        weights.append(weight[kept] * (weight[rows].sum() / total if total > 0 else 1.0))
    at = np.concatenate(chosen)
    order = np.argsort(at, kind="stable")
    return at[order], np.concatenate(weights)[order]


def time_folds(period: np.ndarray, y: np.ndarray) -> Folds:
    """Two splits in time: the last quarter of the events, the one before; trained on what came earlier."""
    ends = np.sort(period[y > 0])
    if len(ends) < 4 * LEAST_HELD_OUT_EVENTS:
        return []
    cuts = [int(ends[int(len(ends) * (1 - share))]) for share in (2 * HELD_OUT_SHARE, HELD_OUT_SHARE)]
    folds = []
    for begin, stop in ((cuts[0], cuts[1]), (cuts[1], int(period.max()) + 1)):
        train, test = np.flatnonzero(period < begin), np.flatnonzero((period >= begin) & (period < stop))
        enough = all(LEAST_HELD_OUT_EVENTS <= y[part].sum() < len(part) for part in (train, test))
        if enough:
            folds.append((train, test))
    return folds


def customer_folds(groups: np.ndarray, y: np.ndarray, seed: int) -> Folds:
    """For data of one moment: customers at random in three parts, those who left spread evenly."""
    names, code = np.unique(groups, return_inverse=True)
    left = np.bincount(code, weights=y, minlength=len(names)) > 0
    part = np.empty(len(names), dtype="int64")
    rng = np.random.default_rng(seed)
    for kind in (left, ~left):
        mine = np.flatnonzero(kind)
        part[rng.permutation(mine)] = np.arange(len(mine)) % SNAPSHOT_FOLDS
    of_row = part[code]
    folds = [(np.flatnonzero(of_row != k), np.flatnonzero(of_row == k)) for k in range(SNAPSHOT_FOLDS)]
    return [f for f in folds if all(0 < y[rows].sum() < len(rows) for rows in f)]


def log_losses(eta: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Minus the log-likelihood of each row at its linear predictor."""
    return np.logaddexp(0, eta) - y * eta


def ridge(Z: np.ndarray, y: np.ndarray, weight: np.ndarray, strength: Strength) -> tuple[np.ndarray, float]:
    """Coefficients and intercept of the logistic regression."""
    scale = np.sqrt(np.broadcast_to(strength, Z.shape[1]))
    model = LogisticRegression(C=1.0, solver="newton-cholesky", max_iter=50, tol=1e-6)
    model.fit(Z * scale, y, sample_weight=weight)
    return model.coef_[0] * scale, float(model.intercept_[0])


def out_of_fold(
    Z: np.ndarray, y: np.ndarray, weight: np.ndarray, folds: Folds, strength: Strength
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Held-out rows and their linear predictors, fold by fold."""
    for train, test in folds:
        coef, intercept = ridge(Z[train], y[train], weight[train], strength)
        yield test, Z[test] @ coef + intercept


def strength_by_folds(
    Z: np.ndarray, y: np.ndarray, weight: np.ndarray, folds: Folds
) -> tuple[float, list[tuple[np.ndarray, np.ndarray]]]:
    """The C of the least held-out loss, and its held-out predictions; 1 and none without folds."""
    if not folds:
        return 1.0, []
    best, least, kept = 1.0, np.inf, []
    for strength in STRENGTHS:
        predicted = list(out_of_fold(Z, y, weight, folds, strength))
        loss = sum(float(weight[rows] @ log_losses(eta, y[rows])) for rows, eta in predicted)
        if loss < least * (1 - 1e-9):
            best, least, kept = strength, loss, predicted
    return best, kept


def recalibration(
    held_out: np.ndarray, refitted: np.ndarray, y: np.ndarray, weight: np.ndarray
) -> tuple[float, float, np.ndarray]:
    """Shift and slope by which linear predictors come out right on the last periods, and their covariance.

    The slope is that of `held_out`, the predictions of a model that had not seen those periods (below 1 where
    it was too sure of itself); the shift brings `refitted`, the predictions of the model fitted to all
    periods, to the level of the last. 0 and 1 correct nothing, and few rows change little: how little was
    chosen on generated companies of 40 to 220 ends whose level drifts by 0 to 0.5 (log-odds) a year.
    """
    theta, spread = drawn_to_none(held_out, y, weight, None)
    slope, slope_variance = theta[1], spread[1, 1]
    theta, spread = drawn_to_none(refitted, y, weight, slope)
    centre = float(np.average(refitted, weights=weight))
    from_centre = np.array([[1.0, -centre], [0.0, 1.0]])
    both = np.diag([spread[0, 0], slope_variance])
    return float(theta[0] - slope * centre), float(slope), from_centre @ both @ from_centre.T


def drawn_to_none(
    eta: np.ndarray, y: np.ndarray, weight: np.ndarray, slope: float | None
) -> tuple[np.ndarray, np.ndarray]:
    """Logistic regression of y on eta about its mean, drawn to no correction by a normal prior.

    Level at the mean and slope (or the level for a given slope), and their covariance; Newton's steps.
    """
    centre = float(np.average(eta, weights=weight))
    x = np.column_stack([np.ones(len(eta)), eta - centre])
    mean, precision = np.array([centre, 1.0]), np.array([SHIFT_SPREAD**-2, SLOPE_SPREAD**-2])
    if slope is not None:
        mean, precision = np.array([centre, slope]), np.array([SHIFT_SPREAD**-2, 1e12])
    theta, curvature = mean.copy(), np.diag(precision)
    for _step in range(25):
        h = expit(x @ theta)
        gradient = x.T @ (weight * (h - y)) + precision * (theta - mean)
        curvature = (x * (weight * h * (1 - h))[:, None]).T @ x + np.diag(precision)
        change = np.linalg.solve(curvature, gradient)
        theta = theta - change / max(1.0, float(np.abs(change).max()))
        if np.abs(change).max() < 1e-10:
            break
    return theta, np.linalg.inv(curvature)


def covariance(
    Z: np.ndarray, y: np.ndarray, weight: np.ndarray, eta: np.ndarray, strength: Strength
) -> np.ndarray:
    """Covariance of the coefficients and, last, the intercept.

    The inverse of the penalised information; of a weighted sample the sandwich, in which a row's score enters
    with its weight, because a row that stands for many brings the chance of having been drawn.
    """
    X = np.column_stack([Z, np.ones(len(Z))])
    penalty = np.append(np.broadcast_to(1 / np.asarray(strength), Z.shape[1]), 1e-8)
    h = expit(eta)
    information = (X * (weight * h * (1 - h))[:, None]).T @ X + np.diag(penalty)
    inverse = np.linalg.pinv(information, hermitian=True)
    if np.ptp(weight) <= 1e-12 * weight.max(initial=0):
        return inverse
    scores = (X * ((weight * (y - h)) ** 2)[:, None]).T @ X + np.diag(penalty)
    return inverse @ scores @ inverse


def boosted(Z: np.ndarray, y: np.ndarray, weight: np.ndarray, seed: int) -> HistGradientBoostingClassifier:
    """The challenger: small trees, no early stopping (that would split at random)."""
    model = HistGradientBoostingClassifier(
        max_iter=150, learning_rate=0.05, max_leaf_nodes=8, min_samples_leaf=50, l2_regularization=1.0,
        early_stopping=False, random_state=seed,
    )  # fmt: skip
    return model.fit(Z, y, sample_weight=weight)


def tree_logits(trees: HistGradientBoostingClassifier, T: np.ndarray) -> np.ndarray:
    """The trees' log-odds, none nearer to certainty than SURE."""
    return logit(np.clip(trees.predict_proba(T)[:, 1], 1 - SURE, SURE))


def gain(mine: np.ndarray, other: np.ndarray, weight: np.ndarray, groups: np.ndarray) -> tuple[float, float]:
    """How much less held-out loss `mine` has than `other` in sum, and its standard error by customers."""
    differences = np.bincount(groups, weights=weight * (other - mine))
    centred = differences - differences.mean()
    return float(differences.sum()), float(np.sqrt(centred @ centred))
