"""What the models of customers learn from, as plain frames: contracts, orders, and who the customers are.

Everything is as of the company's day. What is known of a customer comes in one frame that all models share:
segment, channel, owner, and how long the deal took that won them.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from analysis.company import Company
from analysis.facts import MICROSECONDS_A_DAY, elapsed
from analysis.labels import Labels
from analysis.models.leakage import Leak, without_leaks
from analysis.models.orders import customer_days
from analysis.models.spells import contract_spells, day_of, days_of, whole_months
from analysis.stats import ratio
from analysis.texts import mark, say

STATED = mark("margin {share}, as stated in the params file")
OF_ORDERS = mark("margin {share}, that of the orders with a cost")
PLAN = "plan"
ABOUT = ("segment", "channel", "rep_id")  # what is known of a customer beside the deal


@dataclass(frozen=True)
class Inputs:
    """A company's customers as the models see them.

    Attributes
    ----------
    as_of : the day everything is known by
    subscriptions : `customer_id`, `started_on`, `ended_on`, `mrr`, and `plan` where there is one that knows
        nothing of the future; None where there are no contracts
    days : of `orders.customer_days`; None where no order names a customer
    customers : `customer_id`, `name`, `segment`, `channel`, `rep_id`, `cycle_days`: one row each
    features : those of the columns above that a model may use: `customer_id` and what `leaks` leaves
    leaks : the columns refused, with their reasons
    margin, margin_note : the share of the price that is earned, and where it comes from, in words
    margin_known : whether there is one; else revenue counts in full
    """

    as_of: date
    subscriptions: pd.DataFrame | None
    days: pd.DataFrame | None
    customers: pd.DataFrame
    features: pd.DataFrame
    leaks: tuple[Leak, ...]
    margin: float
    margin_note: str
    margin_known: bool = True


def inputs_of(company: Company) -> Inputs:
    """The frames of a company; each is None or empty where it has no such table."""
    subscriptions, days = subscriptions_of(company), days_of_purchase(company)
    customers = customers_of(company, subscriptions, days)
    features, leaks = guarded(customers, subscriptions, company.as_of)
    if subscriptions is not None and any(leak.column == PLAN for leak in leaks):
        subscriptions = subscriptions.drop(columns=PLAN)
    margin, note = margin_of(company)
    frames = (subscriptions, days, customers, features)
    return Inputs(
        company.as_of, *frames, tuple(leaks), 1.0 if np.isnan(margin) else margin, note, not np.isnan(margin)
    )


def subscriptions_of(company: Company) -> pd.DataFrame | None:
    """The rows of the contracts, in one order; None without the table."""
    if not company.has("subscriptions"):
        return None
    table = company.table("subscriptions")
    plan = ["plan"] if company.has_column("subscriptions", "plan") else []
    frame = table.select("subscription_id", "customer_id", "started_on", "ended_on", *plan,
                         mrr=table.mrr.cast("float64")).to_pandas()  # fmt: skip
    frame = frame.sort_values(["started_on", "customer_id", "subscription_id"], kind="stable")
    return frame.drop(columns="subscription_id").reset_index(drop=True)


def days_of_purchase(company: Company) -> pd.DataFrame | None:
    """Customers' days with an order; None without the table, or where it names no customer."""
    if not (company.has("orders") and company.has_column("orders", "customer_id")):
        return None
    orders = company.table("orders")
    orders = orders.select("customer_id", day=orders.ordered_at.date(), amount=orders.amount)
    daily = orders.group_by("customer_id", "day", bought=orders.amount >= 0)
    frame = daily.agg(amount=orders.amount.sum().cast("float64")).to_pandas()
    return customer_days(frame)


def customers_of(
    company: Company, subscriptions: pd.DataFrame | None, days: pd.DataFrame | None
) -> pd.DataFrame:
    """One row per customer that is anywhere: who they are, and `cycle_days` of the deal that won them.

    A deal won them when it was their first to be won, and won by the day their first contract began or their
    first order was placed: one that came later can have brought nobody.
    """
    known = pd.DataFrame({"customer_id": pd.Series(dtype="str")})
    if company.has("customers"):
        table = company.table("customers")
        known = table.select("customer_id", "name", *ABOUT).to_pandas()
    parts = [frame["customer_id"] for frame in (subscriptions, days) if frame is not None]
    every = pd.Series(pd.concat([known["customer_id"], *parts]).dropna().unique(), name="customer_id")
    result = every.sort_values(ignore_index=True).to_frame()
    result = result.merge(known, how="left", on="customer_id", validate="1:1")
    result = result.reindex(columns=["customer_id", "name", *ABOUT])
    deals = winning_deals(company)
    began = first_days(subscriptions, days).reindex(result["customer_id"]).to_numpy()
    deal = deals.reindex(result["customer_id"])
    in_time = deal["closed_on"].to_numpy() <= began
    return result.assign(cycle_days=np.where(in_time, deal["cycle_days"].to_numpy(), np.nan))


def winning_deals(company: Company) -> pd.DataFrame:
    """Each customer's first won deal: `closed_on` (day) and `cycle_days` from first contact, else creation.

    As `cycle_days` of the KPI table; missing where the deal has no start or ends before it.
    """
    none = pd.DataFrame({"closed_on": [], "cycle_days": []}, dtype="float64")
    if not (company.has("opportunities") and company.has_column("opportunities", "customer_id")):
        return none
    deals = company.table("opportunities")
    deals = deals.filter(deals.outcome == "won", deals.closed_at.notnull(), deals.customer_id.notnull())
    met = elapsed(deals, "first_contact_at", "closed_at")
    made = elapsed(deals, "created_at", "closed_at")
    frame = deals.select(
        "customer_id", "opportunity_id", "closed_at", "interval_ok", met=met, made=made,
        has_met=deals.first_contact_at.notnull(), has_made=deals.created_at.notnull(),
    ).to_pandas()  # fmt: skip
    frame = frame.sort_values(["customer_id", "closed_at", "opportunity_id"], kind="stable")
    frame = frame.drop_duplicates("customer_id")
    took = np.where(frame["has_met"], frame["met"], frame["made"].where(frame["has_made"])).astype("float64")
    fine = frame["interval_ok"].to_numpy(dtype="bool") & (took >= 0)
    return pd.DataFrame(
        {
            "closed_on": days_of(frame["closed_at"]).astype("float64"),
            "cycle_days": np.where(fine, took / MICROSECONDS_A_DAY, np.nan),
        },
        index=pd.Index(frame["customer_id"], name="customer_id"),
    )


def first_days(subscriptions: pd.DataFrame | None, days: pd.DataFrame | None) -> pd.Series:
    """The day on which each customer's first contract began, else of the first order."""
    parts = []
    if subscriptions is not None:
        started = pd.Series(days_of(subscriptions["started_on"]), index=subscriptions["customer_id"])
        parts.append(started.groupby(level=0).min())
    if days is not None:
        parts.append(days.set_index("customer_id")["day"].groupby(level=0).min())
    if not parts:
        return pd.Series(dtype="float64")
    both = pd.concat(parts).astype("float64")
    return both[~both.index.duplicated()]


def guarded(
    customers: pd.DataFrame, subscriptions: pd.DataFrame | None, as_of: date
) -> tuple[pd.DataFrame, list[Leak]]:
    """The columns that a model of contracts may use, and those refused because they could know the future.

    The plan of a customer's last contract is looked at too, and stays with the subscriptions.
    """
    named = [name for name in (*ABOUT, "cycle_days") if customers[name].notna().any()]
    features = customers[["customer_id", *named]]
    if subscriptions is None or not len(subscriptions):
        return features, []
    spells = contract_spells(subscriptions, as_of)
    spells = spells.drop_duplicates("customer_id", keep="last")
    start, end = days_of(spells["started_on"]), days_of(spells["ended_on"])
    months = whole_months(start, np.minimum(end, day_of(as_of)))
    mine = features.set_index("customer_id").reindex(spells["customer_id"]).reset_index(drop=True)
    if PLAN in subscriptions:
        latest = subscriptions.drop_duplicates("customer_id", keep="last").set_index("customer_id")[PLAN]
        mine[PLAN] = latest.reindex(spells["customer_id"]).to_numpy()
    followed = whole_months(start, np.full(len(start), day_of(as_of)))
    ended = spells["churned"].to_numpy(dtype="bool")
    kept, leaks = without_leaks(mine, months, ended, as_of, spells["ended_on"], followed)
    return features[["customer_id", *(name for name in kept.columns if name != PLAN)]], leaks


def margin_of(company: Company) -> tuple[float, str]:
    """The share of an amount that is earned: as stated, else of the orders with a cost; NaN: not known."""
    stated = company.params.gross_margin
    labels = Labels.of(company)
    if stated is not None:
        return stated, say(STATED, share=labels.value(stated, "ratio"))
    if company.has("orders"):
        orders = company.table("orders")
        orders = orders.filter(orders.cost.notnull())
        sums = orders.agg(amount=orders.amount.sum().cast("float64"), cost=orders.cost.sum().cast("float64"))
        amount, cost = sums.to_pandas().fillna(0.0).iloc[0]
        if amount > 0:
            share = float(ratio(amount - cost, amount))
            return share, say(OF_ORDERS, share=labels.value(share, "ratio"))
    return np.nan, say("no margin is stated and no order has a cost: revenue counts in full")
