"""All the forecasts of purchases that can be made at one cut-off: purchase models, learners, their mean.

The learners are a Poisson regression and gradient boosting with a Poisson loss, on features at earlier
cut-offs and what was bought between those and the cut-off. Their settings were chosen inside the calibration
time of public data (CDNOW, Online Retail), by the mean deviance of forecasts made at 50, 60 and 70 % of that
time for the rest of it: ten sets of cut-offs and horizons, three penalties, fourteen boosters, ten sets of
features. No holdout was used for it.
"""

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import PoissonRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from analysis.models.evaluation import called
from analysis.models.features import exposure, features, linear
from analysis.models.orders import DAYS_OF_WEEK, bought_after, purchases, summary
from analysis.models.pareto import ParetoNBD
from analysis.models.purchases import BGNBD, NBD, MeanRate, PurchaseModel
from analysis.texts import say

CUTOFFS = np.linspace(0.35, 0.85, 11)  # earlier cut-offs, as shares of the time up to the cut-off
HORIZONS = (0.5, 1.0)  # after each, shares of the time ahead: how the rate falls is learnt from both
LEAST_CUTOFFS = 5
MOST_ROWS = 300_000  # that learners are trained on; more customers are thinned at equal steps
HEADROOM = 1.5  # a regression forecasts no rate above so many times the highest ever observed
GEOMETRIC = "geometric_mean"
PURCHASE_MODELS = {"pareto_nbd": ParetoNBD, "bg_nbd": BGNBD, "nbd": NBD, "mean_rate": MeanRate}


@dataclass(frozen=True)
class Candidates:
    """Forecasts of `weeks` after the cut-off, by name, of the customers known at it (a `summary`).

    `model` is the purchase model (named `model_name`) that also says when purchases come and who is active;
    `default` names the forecast to use unless another has proved better; `notes` say what could not be fit.
    """

    customers: pd.DataFrame
    weeks: float
    forecasts: dict[str, np.ndarray]
    model: PurchaseModel
    model_name: str
    default: str
    notes: tuple[str, ...]


def sound(model: PurchaseModel, customers: pd.DataFrame, weeks: float) -> str:
    """Why a fitted model cannot be used for these customers; "" when it can."""
    if model.degenerate_:
        return model.degenerate_
    forecast = model.expected(customers, weeks)
    if not (np.isfinite(forecast).all() and (forecast >= 0).all()):
        return say("a forecast that is not a number")
    return "" if np.isfinite(model.p_alive(customers)).all() else say("a probability that is not a number")


def purchase_model(customers: pd.DataFrame, weeks: float) -> tuple[str, PurchaseModel, tuple[str, ...]]:
    """The first of Pareto/NBD, BG/NBD, NBD and the mean rate that is sound, its name, and why not those
    before."""
    notes: list[str] = []
    for name, model in (("pareto_nbd", ParetoNBD()), ("bg_nbd", BGNBD()), ("nbd", NBD())):
        reason = sound(model.fit(customers), customers, weeks)
        if not reason:
            return name, model, tuple(notes)
        notes.append(f"{called(name)}: {reason}")
    name, mean, _ = averages(customers)
    return name, mean, tuple(notes)


def averages(customers: pd.DataFrame) -> tuple[str, PurchaseModel, tuple[str, ...]]:
    """The mean rate, as `purchase_model` gives it."""
    return "mean_rate", MeanRate().fit(customers), ()


def baselines(customers: pd.DataFrame, weeks: float) -> dict[str, np.ndarray]:
    """What a forecast must beat: each customer's own rate so far, everyone's mean rate, BG/NBD where
    sound."""
    age = np.maximum(customers["age_weeks"].to_numpy(), 1 / DAYS_OF_WEEK)
    found = {
        "naive_rate": customers["repeats"].to_numpy() / age * weeks,
        "mean_rate": MeanRate().fit(customers).expected(customers, weeks),
    }
    for name, model in (("bg_nbd", BGNBD()), ("nbd", NBD())):
        if not sound(model.fit(customers), customers, weeks):
            return {**found, name: model.expected(customers, weeks)}
    return found


def forecast_by(
    name: str, days: pd.DataFrame, cutoff: int, weeks: float, learners: tuple[str, ...]
) -> tuple[pd.DataFrame, np.ndarray] | None:
    """The customers known at a cut-off and the forecast of this name; None where it cannot be made."""
    customers = summary(purchases(days, cutoff), cutoff)
    if name in PURCHASE_MODELS:
        model = PURCHASE_MODELS[name]().fit(customers)
        return None if sound(model, customers, weeks) else (customers, model.expected(customers, weeks))
    if name == "naive_rate":
        return customers, baselines(customers, weeks)[name]
    found = candidates(days, cutoff, weeks, learners)
    return (found.customers, found.forecasts[name]) if name in found.forecasts else None


@dataclass(frozen=True)
class Lessons:
    """Rows that learners are trained on: features, exposure, and days of purchase that followed."""

    table: pd.DataFrame
    exposure: np.ndarray
    purchases: np.ndarray
    highest_rate: float  # of any row, purchases a week


def lessons(days: pd.DataFrame, cutoff: int, weeks: float) -> Lessons | None:
    """Customers at earlier cut-offs and what they bought in the `weeks` after, as far as the cut-off lets
    know.

    None with fewer than five cut-offs after which anybody bought.
    """
    known = days[days["day"].to_numpy() <= cutoff]
    codes = pd.factorize(known["customer_id"])[0]
    step = -(-len(CUTOFFS) * len(HORIZONS) * (int(codes.max()) + 1) // MOST_ROWS)
    known = known[codes % step == 0]
    first = int(known["day"].min())
    tables, exposures, followed, rates, used = [], [], [], [], set()
    for at in np.unique((first + (cutoff - first) * CUTOFFS).astype("int64")):
        bought = purchases(known, int(at))
        customers = summary(bought, int(at))
        for share in HORIZONS:
            horizon = share * min(weeks, (cutoff - int(at)) / DAYS_OF_WEEK)
            later = bought_after(known, int(at), horizon, customers.index)["purchases"].to_numpy()
            if later.any():
                tables.append(features(bought, int(at), horizon))
                exposures.append(exposure(customers, horizon))
                followed.append(later)
                rates.append(later.max() / horizon)
                used.add(at)
    if len(used) < LEAST_CUTOFFS:
        return None
    return Lessons(
        pd.concat(tables, ignore_index=True), np.concatenate(exposures), np.concatenate(followed), max(rates)
    )


def regression() -> Pipeline:
    """Poisson regression with a light ridge (0.01), on standardised features."""
    return make_pipeline(
        StandardScaler(), PoissonRegressor(alpha=0.01, max_iter=300, solver="newton-cholesky")
    )


def boosting() -> HistGradientBoostingRegressor:
    """A hundred small trees (four leaves of at least 100 rows), slowly (0.05): more of them were worse."""
    return HistGradientBoostingRegressor(
        loss="poisson",
        learning_rate=0.05,
        max_iter=100,
        max_leaf_nodes=4,
        min_samples_leaf=100,
        l2_regularization=10.0,
        early_stopping=False,
        random_state=0,
    )


def by_regression(rows: Lessons, table: pd.DataFrame, exposed: np.ndarray, weeks: float) -> np.ndarray | None:
    """The Poisson regression's forecast, or None where it does not converge."""
    model = regression()
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        try:
            model.fit(
                linear(rows.table),
                rows.purchases / rows.exposure,
                poissonregressor__sample_weight=rows.exposure,
            )
        except ConvergenceWarning:
            return None
    with np.errstate(over="ignore"):
        forecast = model.predict(linear(table)) * exposed
    return np.minimum(forecast, HEADROOM * rows.highest_rate * weeks)


def by_boosting(rows: Lessons, table: pd.DataFrame, exposed: np.ndarray) -> np.ndarray:
    """Gradient boosting's forecast."""
    model = boosting().fit(rows.table, rows.purchases / rows.exposure, sample_weight=rows.exposure)
    return model.predict(table) * exposed


def geometric_mean(forecasts: list[np.ndarray]) -> np.ndarray:
    """The geometric mean of forecasts; 0 where any is 0."""
    with np.errstate(divide="ignore"):
        return np.exp(np.mean(np.log(np.stack(forecasts)), axis=0))


def learned(
    rows: Lessons,
    bought: pd.DataFrame,
    customers: pd.DataFrame,
    cutoff: int,
    weeks: float,
    learners: tuple[str, ...],
) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
    """The learners' forecasts, and which could not be made."""
    table, exposed = features(bought, cutoff, weeks), exposure(customers, weeks)
    forecasts: dict[str, np.ndarray] = {}
    notes: tuple[str, ...] = ()
    if "regression" in learners:
        regressed = by_regression(rows, table, exposed, weeks)
        if regressed is not None and np.isfinite(regressed).all():
            forecasts["regression"] = regressed
        else:
            notes = ("regression: did not converge",)
    if "boosting" in learners:
        forecasts["boosting"] = by_boosting(rows, table, exposed)
    return forecasts, notes


def candidates(
    days: pd.DataFrame, cutoff: int, weeks: float, learners: tuple[str, ...], simple: bool = False
) -> Candidates:
    """Every forecast that can be made at the cut-off; `learners` is any of `regression` and `boosting`.

    The default is the geometric mean of the purchase model and the learners; the mean rate of all customers,
    where no purchase model is sound, tells nobody apart and has no part in it. `simple` asks for that rate
    only.
    """
    bought = purchases(days, cutoff)
    customers = summary(bought, cutoff)
    name, model, notes = averages(customers) if simple else purchase_model(customers, weeks)
    forecasts = {name: model.expected(customers, weeks)}
    rows = lessons(days, cutoff, weeks) if learners else None
    if learners and rows is None:
        notes = (*notes, "learners: fewer than five earlier cut-offs to learn from")
    if rows is not None:
        learnt, more = learned(rows, bought, customers, cutoff, weeks, learners)
        forecasts, notes = forecasts | learnt, (*notes, *more)
    parts = {one: forecast for one, forecast in forecasts.items() if one != "mean_rate"} or forecasts
    default = next(iter(parts))
    if len(parts) > 1:
        default = GEOMETRIC
        forecasts[GEOMETRIC] = geometric_mean(list(parts.values()))
    return Candidates(customers, weeks, forecasts, model, name, default, notes)
