"""Orders of customers without a contract, as the models count them: days of purchase at a cut-off.

Several orders of a customer on one day are one purchase. An order of at least 0 is a purchase; a refund
(below 0) is none, and takes its money from the customer's last purchase before it. A day is a whole number:
days since 1970-01-01. Everything at a cut-off knows the orders up to and including that day, and nothing
after it.
"""

import numpy as np
import pandas as pd

DAY = "datetime64[D]"
DAYS_OF_WEEK = 7


def as_day(day: object) -> int:
    """A date, timestamp or text such as 2026-06-30 as a whole number; a whole number stays."""
    if isinstance(day, int | np.integer):
        return int(day)
    return int(np.datetime64(pd.Timestamp(day).date(), "D").astype("int64"))


def as_days(days: pd.Series) -> np.ndarray:
    """Dates or timestamps as whole numbers; whole numbers stay."""
    if pd.api.types.is_integer_dtype(days.dtype):
        return days.to_numpy(dtype="int64")
    return pd.to_datetime(days).to_numpy().astype(DAY).astype("int64")


def customer_days(orders: pd.DataFrame) -> pd.DataFrame:
    """One row per customer and day with an order, sorted by both.

    `orders` has `customer_id`, `day` (date, timestamp or whole number) and `amount`; rows that lack any of
    them, or whose amount is infinite, are left out. The result has `customer_id`, `day` (whole number),
    `bought` (whether any order of the day is a purchase), `amount` (of its purchases) and `refund` (0 or
    below).
    """
    amount = orders["amount"].to_numpy(dtype="float64")
    whole = orders["customer_id"].notna() & orders["day"].notna() & np.isfinite(amount)
    kept = orders[whole]
    customer, ids = pd.factorize(kept["customer_id"], sort=True)
    day, amount = as_days(kept["day"]), amount[whole]
    order = np.lexsort((day, customer))
    customer, day, amount = customer[order], day[order], amount[order]
    begins = np.flatnonzero((np.diff(customer, prepend=-1) != 0) | (np.diff(day, prepend=np.int64(-1)) != 0))
    parts = {name: sums(values, begins) for name, values in (
        ("bought", amount >= 0), ("amount", np.maximum(amount, 0)), ("refund", np.minimum(amount, 0)),
    )}  # fmt: skip
    return pd.DataFrame(
        {
            "customer_id": ids.take(customer[begins]),
            "day": day[begins],
            "bought": parts["bought"] > 0,
            "amount": parts["amount"],
            "refund": parts["refund"],
        }
    )


def sums(values: np.ndarray, begins: np.ndarray) -> np.ndarray:
    """Sums of the runs of values that begin at these places."""
    return np.add.reduceat(values.astype("float64"), begins) if len(begins) else np.zeros(0)


def purchases(days: pd.DataFrame, cutoff: object = None) -> pd.DataFrame:
    """One row per customer and day of purchase, up to and including the cut-off (all without one).

    `days` comes from `customer_days`. Columns `customer_id`, `day`, `amount`, and `net`: the amount less the
    refunds from that day until the next purchase, at least 0. Refunds before any purchase have nothing to be
    taken from and are left out.
    """
    known = days if cutoff is None else days[days["day"].to_numpy() <= as_day(cutoff)]
    bought = known["bought"].to_numpy(dtype="bool")
    customer = pd.factorize(known["customer_id"])[0]
    at = np.cumsum(bought) - 1  # the last purchase so far, of whomever
    own = (
        customer == customer[bought][np.maximum(at, 0)]
        if bought.any()
        else np.zeros(len(known), dtype="bool")
    )
    own &= at >= 0
    refund = np.bincount(at[own], weights=known["refund"].to_numpy()[own], minlength=int(bought.sum()))
    result = known.loc[bought, ["customer_id", "day", "amount"]].reset_index(drop=True)
    return result.assign(net=np.maximum(result["amount"].to_numpy() + refund, 0))


def summary(bought: pd.DataFrame, cutoff: object) -> pd.DataFrame:
    """One row per customer at the cut-off; `bought` comes from `purchases` with the same cut-off.

    Indexed by `customer_id`: `repeats` (days of purchase after the first), `t_x_weeks` (first purchase to
    last), `age_weeks` (first purchase to cut-off), `first_day`, `orders` (repeats + 1), and of the amounts
    net of refunds `mean_amount` (of all purchases), `mean_repeat` (of those after the first; NaN where there
    is none).
    """
    customer, ids = pd.factorize(bought["customer_id"])
    begins = np.flatnonzero(np.diff(customer, prepend=-1))
    n = np.diff(begins, append=len(customer))
    day, net = bought["day"].to_numpy(), bought["net"].to_numpy(dtype="float64")
    total, first = sums(net, begins), net[begins]
    with np.errstate(invalid="ignore", divide="ignore"):
        mean_repeat = np.where(n > 1, (total - first) / (n - 1), np.nan)
    return pd.DataFrame(
        {
            "repeats": n - 1.0,
            "t_x_weeks": (day[begins + n - 1] - day[begins]) / DAYS_OF_WEEK,
            "age_weeks": (as_day(cutoff) - day[begins]) / DAYS_OF_WEEK,
            "first_day": day[begins],
            "orders": n.astype("float64"),
            "mean_amount": total / np.maximum(n, 1),
            "mean_repeat": mean_repeat,
        },
        index=pd.Index(ids, name="customer_id"),
    )


def bought_after(days: pd.DataFrame, cutoff: object, weeks: float, customers: pd.Index) -> pd.DataFrame:
    """What these customers did in the `weeks` after the cut-off: `purchases` (days) and `spend`, net of
    refunds.

    A refund counts when it lies in those weeks, whenever the purchase was; spend may be below 0.
    """
    day, start = days["day"].to_numpy(), as_day(cutoff)
    later = days[(day > start) & (day <= start + round(weeks * DAYS_OF_WEEK))]
    at = customers.get_indexer(later["customer_id"])
    known = at >= 0
    size, at, later = len(customers), at[known], later[known]
    spend = (later["amount"] + later["refund"]).to_numpy()
    return pd.DataFrame(
        {
            "purchases": np.bincount(at, weights=later["bought"].to_numpy("float64"), minlength=size),
            "spend": np.bincount(at, weights=spend, minlength=size),
        },
        index=customers,
    )
