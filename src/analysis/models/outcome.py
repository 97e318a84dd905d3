"""What one model says of a company's customers: the same shape for contracts and for orders."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from analysis.models.evaluation import Verdict

CONTRACTUAL, NON_CONTRACTUAL = "contractual", "non_contractual"
QUARTER_MONTHS, QUARTER_WEEKS = 3, 13
DAYS_OF_MONTH = 365.25 / 12
COLUMNS = (
    "customer_id", "model", "horizon_end", "p_active", "churn_risk", "expected_orders",
    "expected_orders_low", "expected_orders_high", "expected_value", "clv", "clv_low", "clv_high", "verdict",
    "fallback", "reason_1", "reason_2", "reason_3",
)  # fmt: skip
REASONS = ("reason_1", "reason_2", "reason_3")


@dataclass(frozen=True)
class Estimate:
    """A number with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Outcome:
    """One model's view.

    Attributes
    ----------
    model : `contractual` or `non_contractual`
    customers : a row per customer alive to the model, by `customer_id`; the columns `COLUMNS` but for
        `customer_id`, and `quarter_risk` (of leaving, or not buying, in the next quarter), `watched` (whether
        the customer counts among those who may leave: under contract, or active by the orders)
    leaving : how many of those watched are likely to leave, or not to buy, in the next quarter
    leaving_value : lifetime value of those, risk x value
    total : lifetime value of all
    today : lifetime value of those watched
    method, fallback : what the forecast was made with; the fallback taken instead of a model, or ""
    verdict, missed : a word on it, and by how much the last holdout's total was missed (a share; NaN: none)
    missed_spend : the same of what the orders brought
    tested_from, tested_days : the day the backtest forecast from, and for how long (0: there was none)
    scores : a row per forecast and baseline; the first column is the one they are compared by, the less the
        better
    calibration : `group`, `n`, `predicted`, `observed`, and where known `low`, `high`
    coverage : share of the customers' 95 % intervals that were right (NaN where not known)
    factors : `factor`, `level`, `n`, `risk` (mean `quarter_risk`) of what tells who leaves
    notes : what could not be done, and warnings, in words
    groups : lifetime value by member: `dimension`, `member`, `customers`, `value`, `low`, `high`
    """

    model: str
    customers: pd.DataFrame
    leaving: Estimate
    leaving_value: float
    total: Estimate
    today: Estimate
    method: str
    fallback: str
    verdict: Verdict
    missed: float
    tested_from: date | None
    tested_days: int
    scores: pd.DataFrame
    calibration: pd.DataFrame
    coverage: float
    factors: pd.DataFrame
    notes: tuple[str, ...]
    groups: pd.DataFrame
    missed_spend: float = np.nan
