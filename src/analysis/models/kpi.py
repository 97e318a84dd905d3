"""`clv_model`: what the models expect customers to bring, as rows of the KPI table."""

import numpy as np
import pandas as pd

from analysis.facts import Facts
from analysis.glossary import GRAINS, UNASSIGNED
from analysis.models.customers import CustomerModels
from analysis.models.outcome import Outcome
from analysis.rows import MONEY_DIGITS, missing_rows, rows
from analysis.stats import ratio

CLV = "clv_model"


def clv_rows(facts: Facts, models: CustomerModels) -> pd.DataFrame:
    """`clv_model`: expected discounted margin within the lifetime horizon / customers alive to the model.

    Only the periods that hold the company's day have a value: no forecast was made in the earlier ones. With
    both models the contractual one speaks for a company whose churn is that of subscriptions, else the other.
    The interval is that of the total, over the same customers. Undefined where no margin is known: revenue
    is no margin.
    """
    outcome = models.first
    if outcome is None:
        return missing_rows([CLV], "missing_table", facts.calendar)
    if not models.inputs.margin_known:
        return missing_rows([CLV], "missing_column", facts.calendar)
    grid = facts.calendar.table()[["grain", "first_month"]].assign(dimension="", member="")
    grid = grid.merge(values(outcome).query("dimension == ''"), how="left", on=["dimension", "member"])
    held = {grain: facts.calendar.of(facts.calendar.last_month, grain) for grain in GRAINS}
    grid.loc[grid["first_month"] != grid["grain"].map(held), ["customers", "value", "low", "high"]] = np.nan
    parts = values(outcome).query("dimension != ''")
    members = [parts.assign(grain=grain, first_month=first) for grain, first in held.items()]
    rolled = pd.concat([grid, *members], ignore_index=True)
    n = rolled["customers"]
    reason = np.where(n == 0, "no_denominator", "none_eligible")
    mean = {end: ratio(rolled[end], n) for end in ("value", "low", "high")}
    return rows(CLV, rolled, mean["value"], numerator=rolled["value"], denominator=n, n=n,
                low=mean["low"], high=mean["high"], reason=reason)  # fmt: skip


def values(outcome: Outcome) -> pd.DataFrame:
    """Customers and their lifetime value: of all, and by segment and channel."""
    total = outcome.total
    whole = pd.DataFrame(
        {
            "dimension": "",
            "member": "",
            "customers": float(len(outcome.customers)),
            "value": total.value,
            "low": total.low,
            "high": total.high,
        },
        index=[0],
    )
    members = outcome.groups.assign(
        member=outcome.groups["member"].astype(object).fillna(UNASSIGNED).astype("str")
    )
    table = pd.concat([whole, members.astype({"customers": "float64"})], ignore_index=True)
    return table.round({name: MONEY_DIGITS for name in ("value", "low", "high")})
