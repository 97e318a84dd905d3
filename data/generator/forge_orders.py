"""Quernstone Forge's spare parts and consumables: what customers order again and again, in dollars or pounds.

Drawn from a seed of their own, so that the maker's other tables do not depend on them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from .common import NO_RATE, Sheet, by_year, later, office_hour, pick_one, plain
from .forge_world import END, FIRST, HOME, LONDON, REPS, SEASON, SOURCES, SUCCESSOR, on_duty, stamp

SEED = 20260401
#: share of the customers who own machines from before the data begin
INSTALLED = 0.30
#: orders a month of a customer (gamma distributed around RATE), and how much more of them after a deal is won
RATE, RATE_SHAPE, BOOST, BOOST_DAYS = 0.45, 4.0, 1.6, 270
#: mean months until a customer stops ordering, counted anew from every deal won
LIFE = 14.0
REFUNDED, COST = 0.03, (0.46, 0.60)


def orders_parameters() -> dict[str, Any]:
    """The true parameters of the orders."""
    return {
        "seed": SEED,
        "installed_before": INSTALLED,
        "orders_a_month": RATE,
        "order_rate_shape": RATE_SHAPE,
        "factor_after_a_won_deal": BOOST,
        "days_after_a_won_deal": BOOST_DAYS,
        "mean_lifetime_months": LIFE,
        "refunded": REFUNDED,
        "cost_of_amount": list(COST),
    }


def orders_sheet(accounts: pd.DataFrame, book: pd.DataFrame) -> Sheet:
    """Orders of the accounts, after the deals of `book` they won; refunds are negative."""
    rng = np.random.default_rng(SEED)
    sheet = Sheet(orders(rng, accounts, book), rng)
    sale = ~sheet.frame["amount"].str.startswith("-")
    dollars, looked_after = sheet.frame["currency"].eq("USD"), sheet.frame["rep_id"].ne("")
    ordinary = sale & looked_after
    sheet.repeat(3)
    sheet.conflict(1, "channel", "outreach")
    sheet.lose("unreadable", "ordered_at", ["2025-06-31T09:00:00-05:00", "next week"], ordinary)
    sheet.lose("unreadable", "amount", ["see invoice", "1,2,3.4"], ordinary)
    sheet.lose(NO_RATE, "currency", ["EUR", "EUR"], ordinary & dollars)
    sheet.nameless("order_id")
    sheet.oddity("no_customer", "customer_id", [""] * 4, ordinary)
    sheet.oddity("null_cost", "cost", [""] * 12, ordinary)
    sheet.count("refund", "amount", lambda cell: cell.startswith("-"))
    sheet.count("null_owner", "rep_id", lambda cell: cell == "")
    sheet.count("owner_left", "rep_id", lambda cell: cell in SUCCESSOR)
    kept = sheet.accepted()
    at = pd.to_datetime(kept["ordered_at"], utc=True, format="ISO8601").dt.tz_convert(HOME)
    sheet.totals = {"orders": by_year(kept, at, first_month=4)}
    return sheet


def orders(rng: np.random.Generator, accounts: pd.DataFrame, book: pd.DataFrame) -> pd.DataFrame:
    """Every sale and refund in order of time, before the faults."""
    won = book[book["outcome"].eq("Won")]
    wins: dict[str, list[pd.Timestamp]] = {}
    for customer, closed in zip(won["customer_id"], won["closed_at"], strict=True):
        wins.setdefault(customer, []).append(pd.Timestamp(closed).tz_localize(None))
    rows: list[dict[str, Any]] = []
    for _, account in accounts.iterrows():
        for day in order_days(rng, sorted(wins.get(str(account["customer_id"]), []))):
            rows += sell(rng, account, office_hour(rng, day))
    frame = pd.DataFrame(rows)
    frame = frame[frame["at"] <= END].sort_values("at", kind="stable", ignore_index=True)
    frame.insert(0, "order_id", [f"801{i + 1:05d}" for i in range(len(frame))])
    return frame.drop(columns="at")


def order_days(rng: np.random.Generator, wins: list[pd.Timestamp]) -> list[pd.Timestamp]:
    """The days on which an account orders: from its first machine on, until it stops for good."""
    own = rng.gamma(RATE_SHAPE, RATE / RATE_SHAPE)
    starts = list(wins)
    if rng.random() < INSTALLED:
        starts.insert(0, FIRST + pd.Timedelta(days=int(rng.integers(0, 150))))
    spans = [(start, start + pd.Timedelta(days=rng.exponential(LIFE) * 30.4)) for start in starts]
    found: list[pd.Timestamp] = []
    most = own * BOOST * max(SEASON)
    at = min(starts, default=END)
    while at < END:
        at += pd.Timedelta(days=rng.exponential(30.4 / most))
        alive = any(start < at <= end for start, end in spans)
        fresh = any(pd.Timedelta(0) < at - win <= pd.Timedelta(days=BOOST_DAYS) for win in wins)
        wanted = SEASON[at.month - 1] / max(SEASON) * (1.0 if fresh else 1 / BOOST)
        if alive and rng.random() < wanted:
            found.append(at)
    return found


def sell(rng: np.random.Generator, account: pd.Series, at: pd.Timestamp) -> list[dict[str, Any]]:
    """A sale, and for three in a hundred the refund of all or half of it some weeks later."""
    british = account["region"] == "United Kingdom"
    zone = LONDON if british else HOME
    amount = float(np.round(rng.lognormal(np.log(640), 0.7) * (0.78 if british else 1.0), 2))
    cost = float(np.round(amount * rng.uniform(*COST), 2))
    channel = account["channel"] if rng.random() < 0.6 else "web"
    row = {
        "customer_id": account["customer_id"],
        "ordered_at": stamp(at, zone),
        "amount": plain(amount),
        "cost": plain(cost),
        "currency": "GBP" if british else "USD",
        "channel": channel if rng.random() < 0.95 else pick_one(rng, SOURCES),
        "rep_id": looks_after(str(account["rep_id"]), at),
        "at": at,
    }
    if rng.random() >= REFUNDED:
        return [row]
    part = 1.0 if rng.random() < 0.6 else 0.5
    back = later(rng, at, float(rng.integers(4, 30)))
    returned = {"amount": plain(-part * amount), "cost": plain(-part * cost)}
    return [row, row | returned | {"ordered_at": stamp(back, zone), "at": back}]


def looks_after(rep: str, at: pd.Timestamp) -> str:
    """The account's rep on that day: the successor of one who has left, nobody before the rep began."""
    if rep in on_duty(at.normalize()):
        return rep
    return SUCCESSOR.get(rep, "") if at >= pd.Timestamp(REPS[rep][2]) else ""
