"""What changed revenue, what customers were worth and what they cost as leads, who is kept: plain loops."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reference import Reference

NONE = "(unassigned)"
SIZES = {"month": 1, "quarter": 3, "year": 12}
DRIVERS = ("new", "lost", "volume", "price", NONE)


def on(value) -> date:
    return value.date() if isinstance(value, datetime) else value


def back(day: date, months: int) -> date:
    """The first of the month so many months before the day's."""
    years, month = divmod(day.month - 1 - months, 12)
    return date(day.year + years, month + 1, 1)


def months_between(first: date, last: date) -> int:
    return (last.year - first.year) * 12 + last.month - first.month


def sales(ref: Reference) -> list[dict]:
    """Won deals or orders: customer, day, amount, cost, and whether it is a purchase."""
    if ref.p.get("revenue_from", "opportunities") == "orders":
        return [
            {
                "customer": o["customer_id"],
                "on": on(o["ordered_at"]),
                "amount": o["amount"],
                "cost": o["cost"],
                "bought": o["amount"] > 0,
            }
            for o in ref.t["orders"]
        ]
    return [
        {
            "customer": d["customer_id"],
            "on": on(d["closed_at"]),
            "amount": d["amount"] or 0.0,
            "cost": None,
            "bought": True,
        }
        for d in ref.t["opportunities"]
        if d["outcome"] == "won"
    ]


def growth_effect(ref: Reference) -> None:
    """Each customer is new, lost, there in both periods or neither; those in both are one group."""
    rows = sales(ref)
    for grain, start, end in ref.periods():
        before = back(start, SIZES[grain])
        now = [r for r in rows if start <= r["on"] < end]
        then = [r for r in rows if before <= r["on"] < start]
        parts = dict.fromkeys(DRIVERS, 0.0)
        amounts, units = [0.0, 0.0], [0, 0]
        for customer in {r["customer"] for r in now + then}:
            mine = [[r for r in some if r["customer"] == customer] for some in (then, now)]
            r0, r1 = (sum(r["amount"] for r in some) for some in mine)
            q0, q1 = (sum(r["bought"] for r in some) for some in mine)
            if customer is None or not (q0 or q1):
                parts[NONE] += r1 - r0
            elif not q0:
                parts["new"] += r1 - r0
            elif not q1:
                parts["lost"] += r1 - r0
            else:
                amounts = [amounts[0] + r0, amounts[1] + r1]
                units = [units[0] + q0, units[1] + q1]
        if units[0]:
            p0, p1 = amounts[0] / units[0], amounts[1] / units[1]
            parts["volume"] = (units[1] - units[0]) * (p0 + p1) / 2
            parts["price"] = (p1 - p0) * (units[0] + units[1]) / 2
        nothing_before = start <= ref.first
        whole = sum(r["amount"] for r in now) - sum(r["amount"] for r in then)
        ref.put("growth_effect", grain, start, "", "", None if nothing_before else whole)
        for driver, value in parts.items():
            ref.put("growth_effect", grain, start, "driver", driver, None if nothing_before else value)


def clv_historic(ref: Reference) -> None:
    """Margin of everything sold by the closing day to the customers acquired by then."""
    rows = sales(ref)
    margin = ref.p.get("gross_margin")
    if margin is None:
        costed = [r for r in rows if r["cost"] is not None]
        amount = sum(r["amount"] for r in costed)
        margin = (amount - sum(r["cost"] for r in costed)) / amount if amount else None
    if margin is None:
        return
    worth = [
        {**r, "margin": r["amount"] * margin if r["cost"] is None else r["amount"] - r["cost"]} for r in rows
    ]
    customers = [c for c in ref.t["customers"] if c["acquired_on"]]
    for grain, start, end in ref.periods():
        closing = min(end - timedelta(days=1), ref.as_of)
        mine = [
            {
                "segment": c["segment"] or NONE,
                "channel": c["channel"] or NONE,
                "margin": sum(
                    r["margin"] for r in worth if r["customer"] == c["customer_id"] and r["on"] <= closing
                ),
            }
            for c in customers
            if c["acquired_on"] <= closing
        ]
        ref.over("clv_historic", mine, grain, start, ("segment", "channel"), mean_margin)


def mean_margin(rows: list[dict]) -> float | None:
    return sum(r["margin"] for r in rows) / len(rows) if rows else None


def first_lead(ref: Reference, customer: str) -> date | None:
    """Day of the customer's first lead: one that names it, or that is linked to one of its deals."""
    deals = [d for d in ref.t.get("opportunities", []) if d["customer_id"] == customer]
    days = [
        on(lead["created_at"])
        for lead in ref.t["leads"]
        if lead["customer_id"] == customer
        or any(
            d["lead_id"] == lead["lead_id"] or d["opportunity_id"] == lead["opportunity_id"] for d in deals
        )
    ]
    return min(days) if days else None


def cac_lagged(ref: Reference) -> None:
    """Each month's cost, by how long the customers of the last twelve months had been leads."""
    if "costs" not in ref.t or "leads" not in ref.t:
        return
    customers = [c for c in ref.t["customers"] if c["acquired_on"]]
    lags = {}
    for c in customers:
        first = first_lead(ref, c["customer_id"])
        if first and first < back(c["acquired_on"], -1):
            lags[c["customer_id"]] = months_between(first, c["acquired_on"])
    for grain, start, end in ref.periods(("month",)):
        seen = [
            lags[c["customer_id"]]
            for c in customers
            if c["customer_id"] in lags and back(start, 11) <= c["acquired_on"] < end
        ]
        spent: dict[str, float] = defaultdict(float)
        for lag in seen:
            for cost in ref.t["costs"]:
                if cost["month"] == back(start, lag):
                    spent[cost["channel"] or NONE] += cost["amount"] / len(seen)
        came = [c["channel"] or NONE for c in customers if start <= c["acquired_on"] < end]
        none = not seen or not came
        ref.put("cac_lagged", grain, start, "", "", None if none else sum(spent.values()) / len(came))
        for channel in {*spent, *came}:
            n = came.count(channel)
            ref.put(
                "cac_lagged", grain, start, "channel", channel, spent[channel] / n if seen and n else None
            )


def year_after(day: date) -> date:
    return date(day.year + 1, 2, 28) if (day.month, day.day) == (2, 29) else day.replace(year=day.year + 1)


def retention_12m_by_rep(ref: Reference) -> None:
    """The first won deal of each customer, and whether the customer is active a year after it."""
    if "opportunities" not in ref.t or ref.p["churn"]["basis"] not in ref.t:
        return
    first: dict[str, dict] = {}
    for deal in ref.t["opportunities"]:
        if deal["outcome"] == "won" and deal["customer_id"]:
            best = first.get(deal["customer_id"], deal)
            keys = [(str(d["closed_at"]), d["opportunity_id"]) for d in (deal, best)]
            first[deal["customer_id"]] = deal if keys[0] < keys[1] else best
    wins = []
    for customer, deal in first.items():
        closed = on(deal["closed_at"])
        later = year_after(closed)
        kept = customer in ref.active(later) if later <= ref.as_of else None
        wins += [{**credit, "on": closed, "kept": kept} for credit in ref.credits(deal)]
    for grain, start, end in ref.periods():
        here = [w for w in wins if start <= w["on"] < end]
        ref.over("retention_12m_by_rep", here, grain, start, ("rep",), share_kept)


def share_kept(rows: list[dict]) -> float | None:
    """Of the customers (each once) whose year is over, the share kept."""
    deals = {r["deal"]["opportunity_id"]: r["kept"] for r in rows if r["kept"] is not None}
    return sum(deals.values()) / len(deals) if deals else None
