"""What customers under contract are worth: expected discounted margin over a stated number of months.

CLV_i = sum over k = 1 … K of margin x price_i x S_i(t0 + k) / S_i(t0) x (1 + d)^(−k/12), for customers alive
at t0, with S from a fitted `DiscreteTimeHazard` and d the discount rate a year. What lies after month K is
not counted, so the value is never infinite.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.models.hazard import DiscreteTimeHazard
from analysis.stats import Z95

HORIZON_MONTHS = 36


@dataclass(frozen=True)
class ContractValue:
    """Values of all customers under contract.

    Attributes
    ----------
    customers : in the rows of the customers given: `customer_id` (where there is one), `price`, `months` (the
        horizon), `churn_12` (P(ends within 12 months)), `value` with the 95 % interval `low`, `high` of the
        expected value, and `value_if_stays` (nobody leaves within the horizon)
    total : `customers`, `value`, `low`, `high` of the expected sum; `realised_low`, `realised_high` also hold
        the chance of who happens to leave
    """

    customers: pd.DataFrame
    total: pd.Series


def discount_factors(discount_rate: float, months: int) -> np.ndarray:
    """(1 + d)^(−k/12) for k = 1 … months; `discount_rate` is a year's, above -1."""
    if not discount_rate > -1:
        raise ValueError(f"discount_rate {discount_rate} is not above -1 (0.10 is ten per cent a year)")
    return (1 + discount_rate) ** (-np.arange(1, months + 1) / 12)


def contract_values(
    model: DiscreteTimeHazard,
    alive: pd.DataFrame,
    margin: float,
    discount_rate: float = 0.10,
    months: int = HORIZON_MONTHS,
) -> ContractValue:
    """Value of each customer alive now and of all together, with intervals.

    The intervals are those of the delta method on the coefficients, on the scale logit(value /
    value_if_stays), so that they stay between 0 and what a customer can pay; no random numbers. Where trees
    took the regression's place, the regression's width on that scale is taken.

    Parameters
    ----------
    alive : one row per customer alive, as `person_periods.alive_now` gives: the columns of the model, `price`
        (the MRR now), and others, which are left aside
    margin : share of the price that is margin
    months : the horizon K, 1 or more

    Raises
    ------
    ValueError
        A horizon below 1, a discount rate of -1 or less, a price that is missing or below 0.
    """
    if months < 1:
        raise ValueError(f"months {months}: the horizon is 1 month or more")
    price = alive["price"].to_numpy(dtype="float64")
    if not (np.isfinite(price) & (price >= 0)).all():
        raise ValueError("price: a number of 0 or more is needed for every customer")
    paid = margin * discount_factors(discount_rate, months)
    asked = [name for name in getattr(model, "feature_names_in_", alive.columns) if name in alive]
    unit = np.zeros(
        (len(alive), 5)
    )  # per unit of price: value, its error, churn_12, second moment, regression's
    pulled = np.zeros(len(model.covariance_))
    begin = 0
    for block, worth in blocks(model, alive[asked], paid):
        mine = slice(begin, begin + len(block))
        unit[mine], begin = worth.columns, begin + len(block)
        pulled += price[mine] @ worth.gradient
    most = float(paid.sum())
    low, high = between(unit[:, 0], unit[:, 1], unit[:, 4], np.full(len(alive), most))
    least = least_worth(model, paid)
    if not np.isnan(least):
        low, high = np.minimum(least, unit[:, 0]), np.maximum(least, unit[:, 0])
    customers = pd.DataFrame(
        {
            "price": price,
            "months": months,
            "churn_12": unit[:, 2],
            "value": price * unit[:, 0],
            "low": price * low,
            "high": price * high,
            "value_if_stays": price * most,
        },
        index=alive.index,
    )
    if "customer_id" in alive:
        customers.insert(0, "customer_id", alive["customer_id"])
    total = total_value(model, price, unit, pulled, most)
    if not np.isnan(least):
        total["low"], total["high"] = (float(price @ end) for end in (low, high))
    return ContractValue(customers, total)


def least_worth(model: DiscreteTimeHazard, paid: np.ndarray) -> float:
    """What a unit of price is worth at the hazard that is just possible where nobody ever left; NaN: some
    did."""
    if model.events_ > 0:
        return np.nan
    return float((1 - model.life_table_.unseen()) ** np.arange(1, len(paid) + 1) @ paid)


@dataclass(frozen=True)
class Worth:
    """Values per unit of price of a block of customers, and their derivatives by the model's coefficients."""

    columns: np.ndarray
    gradient: np.ndarray


def blocks(
    model: DiscreteTimeHazard, alive: pd.DataFrame, paid: np.ndarray
) -> Iterator[tuple[pd.DataFrame, Worth]]:
    """Block by block of customers: what a unit of price is worth, and how that hangs on the coefficients."""
    months = max(len(paid), 12)
    sums = np.cumsum(paid)
    squares = np.diff(sums**2, prepend=0)
    for block in model.chunks(alive):
        hazard = model.predict_hazards(block, months)
        survival = np.cumprod(1 - hazard, axis=1)[:, : len(paid)]
        churn = 1 - np.prod(1 - hazard[:, :12], axis=1)
        value, second = survival @ paid, survival @ squares
        slopes, linear = linear_slopes(model, block, paid)
        gradient = model.gradient(block, slopes)
        variance = np.einsum("ij,ij->i", gradient @ model.covariance_, gradient)
        error = np.sqrt(np.maximum(variance, 0))
        yield block, Worth(np.column_stack([value, error, churn, second, linear]), gradient)


def linear_slopes(
    model: DiscreteTimeHazard, block: pd.DataFrame, paid: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Derivative of the regression's value by the logit of each month's hazard, and that value.

    d value / d logit h_j = −h_j x (what is paid in month j and after), as d log S_k / d logit h_j = −h_j for
    k ≥ j. The life table's errors are those of its smoothed hazards.
    """
    if model.kind_ == "kaplan_meier":
        months = block["month"].to_numpy() if "month" in block else np.ones(len(block), dtype="int64")
        hazard = model.life_table_.ahead(np.maximum(months, 1), len(paid), smoothed=True)
    else:
        hazard = model.predict_hazards(block, len(paid), linear=True)
    flows = np.cumprod(1 - hazard, axis=1) * paid
    rest = np.cumsum(flows[:, ::-1], axis=1)[:, ::-1]
    return -hazard * rest, rest[:, 0]


def between(
    value: np.ndarray, error: np.ndarray, linear: np.ndarray, most: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """95 % interval on the scale logit(value / most): around `value`, as wide as `error` is at `linear`.

    Where every month is a loss (`most` below 0) it is the interval of the loss.
    """
    sign = np.where(most < 0, -1.0, 1.0)
    value, linear, most = sign * value, sign * linear, sign * most
    share = np.divide(linear, most, out=np.zeros(len(linear)), where=most > 0)
    room = share * (1 - share) * most
    width = np.divide(error, room, out=np.zeros(len(error)), where=room > 0)
    factor = np.exp(np.minimum(Z95 * width, 50))
    low = np.divide(value * most, value + (most - value) * factor, out=np.zeros(len(value)), where=value > 0)
    top = value * factor + (most - value)
    high = np.divide(value * factor * most, top, out=np.zeros(len(value)), where=top > 0)
    low, high = sign * np.minimum(low, value), sign * np.maximum(high, value)
    return np.minimum(low, high), np.maximum(low, high)


def total_value(
    model: DiscreteTimeHazard, price: np.ndarray, unit: np.ndarray, pulled: np.ndarray, most: float
) -> pd.Series:
    """The sum over customers: errors of the coefficients move all together, chance moves each for itself."""
    value, linear = float(price @ unit[:, 0]), float(price @ unit[:, 4])
    of_model = max(float(pulled @ model.covariance_ @ pulled), 0.0)
    of_chance = float(price**2 @ np.maximum(unit[:, 3] - unit[:, 0] ** 2, 0))
    top = np.array([most * price.sum()])
    result = {"customers": float(len(price)), "value": value}
    for prefix, variance in (("", of_model), ("realised_", of_model + of_chance)):
        low, high = between(np.array([value]), np.sqrt([variance]), np.array([linear]), top)
        result |= {f"{prefix}low": float(low[0]), f"{prefix}high": float(high[0])}
    return pd.Series(result, name="total")
