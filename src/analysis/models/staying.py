"""How long contracts last: Kaplan-Meier curves by segment or channel, and whether they differ (log-rank)."""

import numpy as np
import pandas as pd

from analysis.models.inputs import Inputs
from analysis.models.spells import contract_spells, months_at_risk
from analysis.survival import kaplan_meier, log_rank, survival_at

LEAST = 5  # contracts of a member, to draw a curve of it
COLUMNS = ["member", "n", "month", "survival", "low", "high"]


def staying(inputs: Inputs, by: str) -> pd.DataFrame:
    """The share of contracts still running, by member and month of tenure from 0 on.

    Columns `member`, `n` (contracts), `month`, `survival`, `low`, `high`. `by` is a column of the customers.
    """
    parts = [
        one_curve(str(member), part["months"].to_numpy(), part["ended"].to_numpy())
        for member, part in durations(inputs, by).groupby("member", sort=True)
    ]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=COLUMNS)


def difference(inputs: Inputs, by: str) -> float:
    """The log-rank test's p that the members' contracts last alike; NaN with fewer than two, or no end."""
    found = durations(inputs, by)
    if found["member"].nunique() < 2 or not found["ended"].any():
        return np.nan
    return float(log_rank(found["months"], found["ended"], found["member"]).p_value)


def durations(inputs: Inputs, by: str) -> pd.DataFrame:
    """`member`, `months`, `ended` of each contract of the members that have enough of them.

    None where the column could know who left.
    """
    if inputs.subscriptions is None or by in {leak.column for leak in inputs.leaks}:
        return pd.DataFrame({"member": [], "months": [], "ended": []})
    spells = contract_spells(inputs.subscriptions, inputs.as_of)
    risk = months_at_risk(spells, inputs.as_of)
    who = spells["customer_id"].to_numpy()[risk["row"]]
    members = inputs.customers.set_index("customer_id")[by].reindex(who).to_numpy(dtype=object)
    table = pd.DataFrame(
        {"member": members, "months": risk["last_month"], "ended": risk["churned"].astype("bool")}
    ).dropna(subset="member")
    return table[table.groupby("member")["months"].transform("size") >= LEAST]


def one_curve(member: str, months: np.ndarray, ended: np.ndarray) -> pd.DataFrame:
    """A member's curve at every month up to the last that a contract of it was watched."""
    curve = kaplan_meier(months, ended)
    at = np.arange(int(months.max()) + 1)
    values = {name: survival_at(curve, at, name) for name in ("survival", "low", "high")}
    return pd.DataFrame({"member": member, "n": len(months), "month": at, **values})[COLUMNS]
