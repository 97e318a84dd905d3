"""What a purchase is worth and what a customer without a contract will bring: Gamma-Gamma and lifetime value.

Sources: Fader and Hardie 2013 (Gamma-Gamma); Bühlmann 1967 (credibility).
"""

from dataclasses import dataclass
from typing import ClassVar, Protocol, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.optimize import minimize_scalar
from scipy.special import digamma, gammaln
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from analysis.models.likelihood import THIN, Objective, best_of
from analysis.models.purchases import LEAST, MOST
from analysis.texts import mark, say

VALUE_COLUMNS = ("orders", "mean_amount")
ALIKE = mark("no difference of amounts visible between or within customers ({parameters})")
BEYOND = mark(
    "the horizon of {weeks} weeks is longer than the {watched} weeks observed: the later part is the model's "
    "shape, not experience"
)
WINSOR = 0.995  # purchases above this quantile count as much as it
OWN = 2.5  # but never below so many times the customer's own median purchase
FADING = 0.95  # what a purchase counts, of what the customer's next one counts
LIKELY_SLOPE = 0.2  # how steeply amounts are thought to rise or fall with frequency, before seeing any
LEAST_PAIRS, MOST_PAIRS = 40, 300_000  # purchases with an earlier one that are learnt from
RELATED = 0.3  # from this correlation on, frequency and value are not independent, as Gamma-Gamma supposes
FAR = 2.0  # a mean this many times off the observed one comes from a tail that nobody observed
WEEKS_OF_YEAR = 365.25 / 7


def value_columns(X: ArrayLike | pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """`orders` and `mean_amount` of a frame (by name) or of an array's two columns.

    Raises
    ------
    ValueError
        Not these two columns, a missing number, or a number below 0.
    """
    table = (
        X[list(VALUE_COLUMNS)].to_numpy("float64")
        if isinstance(X, pd.DataFrame)
        else np.asarray(X, "float64")
    )
    if table.ndim != 2 or table.shape[1] != len(VALUE_COLUMNS):
        raise ValueError(f"X has shape {table.shape}; expected a column each of {', '.join(VALUE_COLUMNS)}")
    if not len(table):
        raise ValueError("no customers: X has 0 rows, at least 1 is needed")
    if not np.isfinite(table.sum()) or table.min() < 0:
        raise ValueError("a missing, infinite or negative number among the customers")
    return table[:, 0], table[:, 1]


class GammaGamma(RegressorMixin, BaseEstimator):
    """Mean amount of a customer's purchases in the long run, from the mean of so many `orders`.

    Amounts vary around a customer's own mean as a gamma distribution of shape `p_`; the means vary between
    customers (`q_`, `gamma_` in money). Supposes that how often a customer buys says nothing of how much.
    Customers without orders, or whose mean is 0, are left out of the fit.

    Attributes
    ----------
    p_, q_, gamma_ : the parameters
    log_likelihood_ : its logarithm at the maximum
    mean_ : the population's mean amount
    degenerate_ : why the fit cannot be used ("" when it can): parameters below 0.001 or above 1,000 (gamma in
        mean amounts), no mean (q ≤ 1), or one more than twice or less than half of the observed
    """

    parameters: ClassVar[tuple[str, ...]] = ("p", "q", "gamma")
    starts: ClassVar = [(5.0, 4.0, 0.6), (1.5, 2.0, 1.0), (50.0, 20.0, 0.4)]

    def fit(
        self, X: ArrayLike | pd.DataFrame, y: object = None, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Parameters by maximum likelihood; `y` is not used, `sample_weight` counts identical customers."""
        x, m = value_columns(X)
        weight = np.ones(len(x)) if sample_weight is None else np.asarray(sample_weight, dtype="float64")
        used = (x > 0) & (m > 0) & (weight > 0)
        self.n_features_in_ = len(VALUE_COLUMNS)
        if not used.any():
            self.log_likelihood_ = 0.0
            return self.with_parameters(1.0, 1.0, 1.0, 1.0)
        x, m, weight = x[used], m[used], weight[used]
        scale = float(weight @ m / weight.sum())
        step = max(1, len(x) // THIN)
        few = slice(None, None, step)
        (p, q, gamma), best = best_of(
            [np.array(start) for start in self.starts],
            log_likelihood(x[few], m[few] / scale, weight[few]),
            float(weight[few].sum()),
            log_likelihood(x, m / scale, weight),
            float(weight.sum()),
        )
        self.log_likelihood_ = best - float(weight.sum()) * np.log(scale)
        return self.with_parameters(p, q, gamma * scale, scale)

    def with_parameters(self, p: float, q: float, gamma: float, observed: float | None = None) -> Self:
        """The model at known parameters; `observed` is the customers' mean amount, where it is known."""
        self.p_, self.q_, self.gamma_ = float(p), float(q), float(gamma)
        self.mean_ = self.p_ * self.gamma_ / (self.q_ - 1) if self.q_ > 1 else np.inf
        sizes = {"p": self.p_, "q": self.q_, "gamma": self.gamma_ / (observed or self.gamma_)}
        odd = [name for name, size in sizes.items() if not LEAST <= size <= MOST]
        far = self.q_ <= 1 or (observed is not None and not 1 / FAR <= self.mean_ / observed <= FAR)
        self.degenerate_ = ""
        if odd:
            self.degenerate_ = say(ALIKE, parameters=", ".join(odd))
        elif far:
            self.degenerate_ = say("the amounts' tail is too heavy for a mean (q)")
        return self

    def predict(self, X: ArrayLike | pd.DataFrame) -> np.ndarray:
        """Expected mean amount of each customer's coming purchases; the population's where orders is 0."""
        check_is_fitted(self, "p_")
        x, m = value_columns(X)
        with np.errstate(divide="ignore", invalid="ignore"):
            return self.p_ * (self.gamma_ + m * x) / (self.p_ * x + self.q_ - 1)


def log_likelihood(x: np.ndarray, m: np.ndarray, weight: np.ndarray) -> Objective:
    """The Gamma-Gamma log-likelihood as a function of (p, q, gamma) that gives value and gradient."""
    levels, at = np.unique(x, return_inverse=True)
    each = np.bincount(at, weights=weight)
    customers, orders = weight.sum(), weight * x
    log_m, log_xm = (weight * np.log(m)).sum(), (orders * np.log(x * m)).sum()

    def objective(values: np.ndarray) -> tuple[float, np.ndarray]:
        p, q, gamma = values
        log_all, over = np.log(gamma + x * m), 1 / (gamma + x * m)
        log_all_orders, log_all_customers = (orders * log_all).sum(), (weight * log_all).sum()
        shape = p * levels + q
        value = each @ (gammaln(shape) - gammaln(p * levels)) + customers * (q * np.log(gamma) - gammaln(q))
        value += p * (log_xm - log_all_orders) - log_m - q * log_all_customers
        by_p = each @ (levels * (digamma(shape) - digamma(p * levels))) + log_xm - log_all_orders
        by_q = each @ digamma(shape) - customers * (digamma(q) - np.log(gamma)) - log_all_customers
        by_gamma = customers * q / gamma - p * (orders * over).sum() - q * (weight * over).sum()
        return float(value), np.array([by_p, by_q, by_gamma])

    return objective


@dataclass(frozen=True)
class ValueForecast:
    """What a coming purchase of each customer is worth.

    `mean_amount` is indexed by customer. `method` is `gamma_gamma`, or the fallback taken instead:
    `credibility` or `mean_amount`, and `reason` says why. `correlation` is that of the number of purchases
    with their mean amount, over customers with at least two; `related` warns that it is beyond 0.3 either
    way, so that the product of purchases and amount misses what one tells of the other. `cap` is the amount
    as which larger purchases count.
    """

    mean_amount: pd.Series
    method: str
    reason: str
    correlation: float
    related: bool
    cap: float


def value_forecast(bought: pd.DataFrame) -> ValueForecast:
    """Expected mean amount of each customer's coming purchases, from all purchases up to the cut-off.

    `bought` comes from `orders.purchases`; amounts are net of refunds and winsorised at their 99.5 %
    quantile, or 2.5 times the customer's median purchase where that is more. Gamma-Gamma gives the mean of
    all, of customers with one purchase; n purchases multiply it by n ^ `slope`, and a customer's own mean, in
    which later purchases count more, is drawn to that as far as `pull` says. Where Gamma-Gamma's fit is
    degenerate, credibility: the customer's mean drawn towards all customers', as far as amounts vary within
    customers rather than between them.

    Chosen inside the calibration time of CDNOW and Online Retail, by the spend of forecasts made at 40 to
    80 % of it for the rest, no holdout looked at: against Gamma-Gamma's own forecast the absolute error of
    spend fell on each (0.6 to 0.8 %, beyond chance), and so did squared errors of the amounts' logarithms
    (1 to 12 %); totals of CDNOW's spend came out up to 1.4 % lower.
    """
    customer, ids = pd.factorize(bought["customer_id"])
    net = bought["net"].to_numpy("float64")
    cap = float(np.quantile(net, WINSOR)) if len(net) else 0.0
    n = np.bincount(customer, minlength=len(ids)).astype("float64")
    net = np.minimum(net, np.maximum(cap, own_cap(customer, net, n)[customer]))
    mean = np.bincount(customer, weights=net, minlength=len(ids)) / np.maximum(n, 1)
    correlation = correlated(n[n > 1], mean[n > 1])
    related = bool(abs(correlation) > RELATED)
    reason = say("no purchase above 0") if cap <= 0 else ""
    if not reason:
        usual = n ** slope(n, mean)
        model = GammaGamma().fit(np.column_stack([n, mean / usual]))
        reason = model.degenerate_
    if reason:
        method, values = credibility(customer, net, n, mean)
    else:
        method, usual = "gamma_gamma", model.mean_ * usual
        towards = pull(customer, net, n, usual, (model.q_ - 1) / model.p_)
        own, weight = faded(customer, net, n)
        values = (weight * own + towards * usual) / (weight + towards)
    return ValueForecast(pd.Series(values, index=ids), method, reason, correlation, related, cap)


def slope(n: np.ndarray, mean: np.ndarray) -> float:
    """How amounts go with frequency: b of mean amount = a · n ^ b over customers, between −1 and 1.

    By maximum likelihood of gamma amounts, b thought to lie around 0 (standard deviation 0.2): few customers
    say little. Gamma-Gamma supposes that it is 0.
    """
    levels, at = np.unique(n, return_inverse=True)
    customers, amount, log_n = np.bincount(at), np.bincount(at, weights=mean), np.log(levels)
    total, middle = float(customers.sum()), float(customers @ log_n) / float(customers.sum())

    def cost(b: float) -> float:
        likely = b**2 / (2 * LIKELY_SLOPE**2 * total)
        return float(np.log(amount @ np.exp(-b * log_n)) + b * middle + likely)

    return float(minimize_scalar(cost, bounds=(-1, 1), method="bounded").x) if len(levels) > 1 else 0.0


def pull(customer: np.ndarray, net: np.ndarray, n: np.ndarray, usual: np.ndarray, default: float) -> float:
    """How many of a customer's purchases weigh as much as what is `usual` for such a customer.

    That with which customers' earlier purchases forecast each next one best (Tweedie deviance, power 1.5);
    the default, Gamma-Gamma's (q − 1) / p, with fewer than 40 to forecast. Gamma-Gamma takes it from how
    alike customers' means are, which on CDNOW trusts one purchase seven times as much as is right.
    """
    begins = (np.cumsum(n) - n).astype("int64")
    place = np.arange(len(net)) - begins[customer]
    before = np.cumsum(net) - net
    pairs = np.flatnonzero(place > 0)
    if len(pairs) < LEAST_PAIRS:
        return default
    pairs = pairs[:: -(-len(pairs) // MOST_PAIRS)]
    who = customer[pairs]
    scale = float(usual.mean())
    past, k = (before[pairs] - before[begins][who]) / scale, place[pairs]
    actual, prior = net[pairs] / scale, usual[who] / scale

    def cost(log_pull: float) -> float:
        root = np.sqrt((np.maximum(past, 0) + np.exp(log_pull) * prior) / (k + np.exp(log_pull)))
        return float((actual / root + root).mean())

    return float(np.exp(minimize_scalar(cost, bounds=(-5, 5), method="bounded").x))


def faded(customer: np.ndarray, net: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each customer's mean amount in which a purchase counts 0.95 of the next, and how many that is worth."""
    place = np.arange(len(net)) - (np.cumsum(n) - n)[customer]
    weight = FADING ** (n[customer] - 1 - place)
    total, square = (np.bincount(customer, weights=w, minlength=len(n)) for w in (weight, weight**2))
    return np.bincount(customer, weights=weight * net, minlength=len(n)) / total, total**2 / square


def own_cap(customer: np.ndarray, net: np.ndarray, n: np.ndarray) -> np.ndarray:
    """2.5 times each customer's own median purchase; 0 with fewer than three, which have no middle.

    A large customer's usual order is no outlier. Inside the calibration time of public data this brought the
    total of spend nearer (Online Retail from −14 to −11 %, all of CDNOW from −2.7 to −1.9 %), for an absolute
    error of spend 1.3 % lower on the one, no more than noise, and 0.3 % higher on the other.
    """
    order = np.lexsort((net, customer))
    begins = (np.cumsum(n) - n).astype("int64")
    half = n.astype("int64") // 2
    middle = net[order][begins + half] if len(n) else np.zeros(0)
    below = net[order][begins + np.maximum(half - 1, 0)] if len(n) else np.zeros(0)
    median = np.where(n % 2 == 1, middle, (middle + below) / 2)
    return np.where(n >= 3, OWN * median, 0.0)


def correlated(one: np.ndarray, other: np.ndarray) -> float:
    """Pearson's correlation; 0 where either does not vary."""
    if len(one) < 3 or np.ptp(one) == 0 or np.ptp(other) == 0:
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])


def credibility(
    customer: np.ndarray, net: np.ndarray, n: np.ndarray, mean: np.ndarray
) -> tuple[str, np.ndarray]:
    """Bühlmann and Straub's credibility mean of each customer, or every customer the mean of all.

    The first where amounts differ more between customers than chance within customers explains.
    """
    customers, orders = len(n), float(n.sum())
    overall = float(net.mean()) if len(net) else 0.0
    if orders > customers > 1:
        within = float(((net - mean[customer]) ** 2).sum() / (orders - customers))
        spread = float(n @ (mean - overall) ** 2) - (customers - 1) * within
        between = spread / (orders - float(n @ n) / orders)
        if between > 0:
            share = n * between / (n * between + within)
            return "credibility", share * mean + (1 - share) * overall
    return "mean_amount", np.full(customers, overall)


class Forecaster(Protocol):
    """Whatever gives customers' expected days of purchase, discounted week by week: every purchase model."""

    def discounted(self, X: pd.DataFrame, weeks: float, weekly: float = 1.0) -> np.ndarray:
        """Expected days of purchase in so many weeks, those of week w times `weekly` ^ (w − 1/2)."""
        ...


@dataclass(frozen=True)
class LifetimeValue:
    """Discounted margin each customer is expected to bring within the horizon.

    `clv` and `purchases` (undiscounted, of the horizon) are indexed by customer. `beyond` is true where the
    horizon is longer than the oldest customer has been watched: then it rests on the model's shape alone, and
    `note` says so.
    """

    clv: pd.Series
    purchases: pd.Series
    horizon_months: float
    beyond: bool
    note: str


def lifetime_value(
    model: Forecaster,
    customers: pd.DataFrame,
    mean_amount: ArrayLike,
    margin: float,
    annual_discount: float,
    horizon_months: float = 12.0,
    level: ArrayLike = 1.0,
) -> LifetimeValue:
    """Discounted margin of each customer's purchases over the horizon.

    clv = margin · amount · Σ over weeks w of (E[w] − E[w − 1]) · (1 + d) ^ −((w − 1/2) / 52.18): purchases
    come in the middle of their week. E is `model`'s forecast times `level`, which carries over a better
    forecast of how much (`Forecast.level`) where `model` says when. `customers` is a `summary`; `margin` is
    the share of the amount that is earned; the last week may be a part of one.
    """
    weeks = horizon_months / 12 * WEEKS_OF_YEAR
    weekly = (1 + annual_discount) ** (-1 / WEEKS_OF_YEAR)
    discounted, bought = model.discounted(customers, weeks, weekly), model.discounted(customers, weeks)
    level = np.asarray(level, dtype="float64")
    watched = float(customers["age_weeks"].max()) if len(customers) else 0.0
    beyond = weeks > watched
    note = say(BEYOND, weeks=f"{weeks:.0f}", watched=f"{watched:.0f}")
    return LifetimeValue(
        pd.Series(
            margin * np.asarray(mean_amount, dtype="float64") * level * discounted, index=customers.index
        ),
        pd.Series(level * bought, index=customers.index),
        horizon_months,
        beyond,
        note if beyond else "",
    )
