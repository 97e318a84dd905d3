"""How far a forecast may be off: negative binomial for one customer, past errors for the total."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize_scalar
from scipy.stats import nbinom, poisson, t

CALM = 1 + 1e-6  # below this dispersion counts vary as Poisson's
WILD = 1e3


def dispersion(actual: ArrayLike, forecast: ArrayLike) -> float:
    """Variance of what happened in multiples of its forecast, 1 (Poisson) to 1,000, by maximum likelihood.

    The counts are negative binomial with a size in proportion to the mean, forecast / (dispersion − 1): so
    the variance is dispersion · forecast for small and large forecasts alike. Fit on an earlier split, never
    on the one it is used for. 1 of nobody, or where every forecast is 0.
    """
    y, f = np.asarray(actual, dtype="float64"), np.asarray(forecast, dtype="float64")
    y, f = y[f > 0], f[f > 0]
    if not len(f):
        return 1.0

    def cost(log_excess: float) -> float:
        excess = np.exp(log_excess)
        return -float(nbinom.logpmf(y, f / excess, 1 / (1 + excess)).mean())

    best = minimize_scalar(cost, bounds=(np.log(CALM - 1), np.log(WILD - 1)), method="bounded")
    return 1.0 + float(np.exp(best.x))


def count_interval(
    forecast: ArrayLike, dispersion: float, share: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    """Whole numbers `low` and `high` between which a share of the counts with these forecasts lies.

    The forecast itself lies between them too: of a small one nearly every count is 0, and still its mean is
    above that.
    """
    f = np.asarray(forecast, dtype="float64")
    ends = []
    for level in ((1 - share) / 2, (1 + share) / 2):
        if dispersion <= CALM:
            end = poisson.ppf(level, np.maximum(f, 1e-300))
        else:
            end = nbinom.ppf(level, np.maximum(f, 1e-300) / (dispersion - 1), 1 / dispersion)
        ends.append(np.where(f > 0, np.maximum(end, 0.0), 0.0))
    return np.minimum(ends[0], np.floor(f)), np.maximum(ends[1], np.ceil(f))


def p_any(forecast: ArrayLike, dispersion: float) -> np.ndarray:
    """Probability of at least one, of counts with these forecasts."""
    f = np.asarray(forecast, dtype="float64")
    rate = 1.0 if dispersion <= CALM else np.log(dispersion) / (dispersion - 1)
    return -np.expm1(-f * rate)


def total_interval(total: float, errors: ArrayLike) -> tuple[float, float]:
    """95 % interval of a total from the errors (forecast / actual − 1) of earlier forecasts of its kind.

    The logarithms of actual / forecast are taken as scattered around 0 with their root mean square, which k
    errors estimate with k degrees of freedom (Student's t); what all of them missed in one direction widens
    the interval and does not move it. Without errors the interval is from 0 to twice the total.
    """
    missed = np.asarray(errors, dtype="float64")
    missed = missed[np.isfinite(missed) & (missed > -1)]
    if not len(missed):
        return 0.0, 2 * total
    spread = float(np.sqrt(np.mean(np.log1p(missed) ** 2)))
    half = min(float(t.ppf(0.975, len(missed))) * spread, np.log(WILD))
    return total * float(np.exp(-half)), total * float(np.exp(half))
