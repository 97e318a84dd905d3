"""Acme Instruments' leads, deals, accounts and subscriptions, simulated forward in time."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from . import acme_world as world
from .common import awake, days, later, office_hour, pick_one

SIGMA = 0.6
NEVER = pd.Timestamp("2100-01-01")


@dataclass
class Account:
    """A firm that was ever in a deal."""

    customer_id: str
    name: str
    segment: str
    region: str
    industry: str
    channel: str
    rep_id: str
    currency: str
    busy_until: pd.Timestamp = NEVER
    acquired: pd.Timestamp | None = None
    churn: float = 0.02


@dataclass
class Market:
    """Everything that happened, as lists of rows."""

    rng: np.random.Generator
    names: list[str]
    accounts: list[Account] = field(default_factory=list)
    leads: list[dict[str, object]] = field(default_factory=list)
    deals: list[dict[str, object]] = field(default_factory=list)
    subscriptions: list[dict[str, object]] = field(default_factory=list)


def simulate(rng: np.random.Generator) -> Market:
    """Older customers first, then the leads in order of creation, then deals without a lead."""
    market = Market(rng, world.firm_names(rng))
    for _ in range(64):
        old_customer(market)
    created = days(rng, world.FIRST, world.END.normalize(), 3000, world.GROWTH, world.SEASON)
    for number, day in enumerate(created, start=1):
        one_lead(market, f"L{number:05d}", office_hour(rng, day) if rng.random() < 0.9 else evening(rng, day))
    for day in days(rng, world.FIRST, world.END.normalize(), 70, world.GROWTH, world.SEASON):
        rep = free_rep(market, day)
        start = office_hour(rng, day)
        if start < world.END:
            new_deal(market, rep, "referral", start, start + pd.Timedelta(hours=2), "")
    return market


def evening(rng: np.random.Generator, day: pd.Timestamp) -> pd.Timestamp:
    """A lead that comes in through the web outside office hours."""
    return day + pd.Timedelta(seconds=int(rng.integers(18 * 3600, 23 * 3600)))


def free_rep(market: Market, day: pd.Timestamp) -> world.Rep:
    """A rep on duty that day, by load."""
    team = {rep.rep_id: rep.load for rep in world.REPS if world.on_duty(rep, day)}
    return world.BY_ID[pick_one(market.rng, team)]


def new_account(market: Market, rep: world.Rep, channel: str) -> Account:
    """An account nobody has sold to before."""
    rng = market.rng
    segment = pick_one(rng, {name: s.share for name, s in world.SEGMENTS.items()})
    region = rep.team if rng.random() < 0.6 else world.REGIONS[int(rng.integers(len(world.REGIONS)))]
    number = len(market.accounts) + 1
    account = Account(
        f"C{number:04d}",
        market.names[number - 1],
        segment,
        region,
        world.INDUSTRIES[int(rng.integers(len(world.INDUSTRIES)))],
        channel,
        rep.rep_id,
        "EUR" if rng.random() < 0.06 else "PLN",
    )
    account.churn = rep.churn * world.SEGMENTS[segment].churn
    market.accounts.append(account)
    return account


def old_customer(market: Market) -> None:
    """A customer from before the first deal of the export."""
    rng = market.rng
    start = pd.Timestamp("2022-02-01") + pd.Timedelta(days=int(rng.integers(0, 690)))
    veterans = {rep.rep_id: 1.0 for rep in world.REPS if rep.started_on < "2022-02"}
    rep = world.BY_ID[pick_one(rng, veterans)]
    account = new_account(market, rep, pick_one(rng, {name: c.share for name, c in world.CHANNELS.items()}))
    account.acquired = start
    subscribe(market, account, rep, start)


def one_lead(market: Market, lead_id: str, at: pd.Timestamp) -> None:
    """A lead: perhaps answered, perhaps qualified into a deal."""
    rng = market.rng
    channel = pick_one(rng, {name: c.share for name, c in world.CHANNELS.items()})
    rep = free_rep(market, at)
    row: dict[str, object] = {
        "lead_id": lead_id,
        "created_at": at,
        "channel": channel,
        "rep_id": rep.rep_id,
        "first_contact_at": pd.NaT,
        "qualified_at": pd.NaT,
        "opportunity_id": "",
        "customer_id": "",
    }
    market.leads.append(row)
    wait = rng.lognormal(np.log(5.0 if rep.cycle < 30 else 11.0), 1.1) / 24
    contact = (
        later(rng, at, wait) if wait > 0.25 else awake(at + pd.Timedelta(seconds=int(wait * 86400) + 60))
    )
    if rng.random() < 0.11 or contact > world.END:
        return
    row["first_contact_at"] = contact
    qualified = later(rng, contact, rng.lognormal(np.log(3.0), 0.8))
    if rng.random() > world.CHANNELS[channel].qualify or qualified > world.END:
        return
    deal = new_deal(market, rep, channel, qualified, contact, lead_id)
    row |= {
        "qualified_at": qualified,
        "opportunity_id": deal["opportunity_id"],
        "customer_id": deal["customer_id"],
    }


def new_deal(
    market: Market, rep: world.Rep, channel: str, created: pd.Timestamp, contact: pd.Timestamp, lead_id: str
) -> dict[str, object]:
    """A first deal with an account: a new one, or one that was lost before."""
    rng = market.rng
    again = [a for a in market.accounts if a.acquired is None and a.busy_until < created]
    account = again[int(rng.integers(len(again)))] if again and rng.random() < 0.36 else None
    account = account or new_account(market, rep, channel)
    account.busy_until = NEVER
    segment = world.SEGMENTS[account.segment]
    cycle = rng.lognormal(np.log(rep.cycle * segment.cycle), SIGMA)
    closed = later(rng, created, cycle)
    won = rng.random() < min(rep.win * segment.win * world.CHANNELS[channel].win, 0.9)
    plan = list(world.PLANS)[int(rng.choice(3, p=segment.plans))]
    seats = int(np.ceil(rng.lognormal(np.log(6), 0.7)))
    deal = book(
        market,
        account,
        rep.rep_id,
        "new",
        created,
        contact,
        closed,
        won,
        lead_id,
        channel,
        world.PLANS[plan] * 12 * rng.lognormal(0, 0.25),
        seats,
    )
    if closed <= world.END and won:
        account.acquired, account.rep_id, account.channel = closed, rep.rep_id, channel
        account.churn = rep.churn * segment.churn
        begin = closed.normalize() + pd.Timedelta(days=int(rng.integers(0, 11)))
        subscribe(market, account, rep, begin, plan)
    elif closed <= world.END:
        account.busy_until = closed
    return deal


def book(
    market: Market,
    account: Account,
    rep_id: str,
    kind: str,
    created: pd.Timestamp,
    contact: pd.Timestamp,
    closed: pd.Timestamp,
    won: bool,
    lead_id: str,
    channel: str,
    amount: float,
    seats: int,
) -> dict[str, object]:
    """Write the deal down; one that would close after the end of the data is open."""
    is_open = closed > world.END
    rate = 4.3 if account.currency == "EUR" else 1.0
    deal: dict[str, object] = {
        "opportunity_id": f"O{len(market.deals) + 1:05d}",
        "customer_id": account.customer_id,
        "customer": account.name,
        "segment": account.segment,
        "lead_id": lead_id,
        "kind": kind,
        "rep_id": world.owner_today(rep_id) if is_open else rep_id,
        "channel": channel,
        "created_at": created,
        "first_contact_at": contact,
        "closed_at": pd.NaT if is_open else closed,
        "planned_close": closed,
        "outcome": "open" if is_open else "won" if won else "lost",
        "amount": round(amount / rate / 10) * 10,
        "currency": account.currency,
        "units": seats,
    }
    market.deals.append(deal)
    return deal


def subscribe(
    market: Market, account: Account, rep: world.Rep, start: pd.Timestamp, plan: str | None = None
) -> None:
    """Run a customer's contract month by month: price changes, renewals, churn and a way back."""
    rng = market.rng
    segment = world.SEGMENTS[account.segment]
    plan = plan or list(world.PLANS)[int(rng.choice(3, p=segment.plans))]
    mrr = world.PLANS[plan] * rng.lognormal(0, 0.15) / (4.3 if account.currency == "EUR" else 1.0)
    contract = f"S{account.customer_id[1:]}"
    while start <= world.END:
        kind, end = next_event(rng, account.churn, start)
        if kind == "renewal":
            kind = renew(market, account, end, mrr)
        add_subscription(market, account, contract, start, end, mrr, plan)
        if kind == "expansion":
            expand(market, account, end, mrr * 0.35)
            plan, mrr = ("Pro" if plan == "Start" else "Enterprise"), mrr * rng.uniform(1.2, 1.7)
        elif kind == "contraction":
            mrr *= rng.uniform(0.55, 0.85)
        elif kind == "churn":
            if rng.random() > world.WIN_BACK:
                return
            end += pd.Timedelta(days=int(rng.integers(35, 200)))
        start = end


def next_event(rng: np.random.Generator, churn: float, start: pd.Timestamp) -> tuple[str, pd.Timestamp]:
    """The first of churn, expansion, contraction and, for three contracts in ten, a renewal after a year."""
    hazards = {"churn": churn, "expansion": world.EXPANSION, "contraction": world.CONTRACTION}
    months = rng.exponential(1 / sum(hazards.values()))
    if months > 12 and rng.random() < 0.3:
        return "renewal", start + pd.DateOffset(years=1)
    return pick_one(rng, hazards), start + pd.Timedelta(days=max(14, round(months * 30.44)))


def add_subscription(
    market: Market,
    account: Account,
    contract: str,
    start: pd.Timestamp,
    end: pd.Timestamp,
    mrr: float,
    plan: str,
) -> None:
    """One price of one contract; rows of a contract are numbered."""
    number = sum(1 for row in market.subscriptions if row["customer_id"] == account.customer_id) + 1
    market.subscriptions.append(
        {
            "subscription_id": f"{contract}-{number}",
            "customer_id": account.customer_id,
            "started_on": start,
            "ended_on": end if end <= world.END else pd.NaT,
            "mrr": mrr,
            "currency": account.currency,
            "plan": plan,
        }
    )


def follow_up(
    market: Market, account: Account, kind: str, closed: pd.Timestamp, wait: float, won: bool, amount: float
) -> None:
    """A deal with an existing customer that closes on the given day."""
    rng = market.rng
    created = office_hour(rng, closed - pd.Timedelta(days=wait))
    if created < world.FIRST or created > world.END:
        return
    rep = world.BY_ID[account.rep_id]
    owner = rep.rep_id if world.on_duty(rep, created) else world.owner_today(rep.rep_id)
    at = max(office_hour(rng, closed), created + pd.Timedelta(hours=3))
    book(
        market,
        account,
        owner,
        kind,
        created,
        created + pd.Timedelta(hours=1),
        at,
        won,
        "",
        account.channel,
        amount * (4.3 if account.currency == "EUR" else 1.0),
        int(rng.integers(1, 6)),
    )


def expand(market: Market, account: Account, day: pd.Timestamp, step: float) -> None:
    """The deal behind a higher price, and now and then one that came to nothing."""
    rng = market.rng
    follow_up(market, account, "expansion", day, rng.lognormal(np.log(24), 0.4), True, step * 12)
    if rng.random() < 0.45:
        lost_on = day + pd.Timedelta(days=int(rng.integers(40, 240)))
        follow_up(market, account, "expansion", lost_on, rng.lognormal(np.log(30), 0.4), False, step * 9)


def renew(market: Market, account: Account, day: pd.Timestamp, mrr: float) -> str:
    """A renewal deal: won, and the contract runs on; lost, and the customer leaves."""
    won = bool(market.rng.random() < world.RENEWAL_WON)
    follow_up(market, account, "renewal", day, market.rng.lognormal(np.log(40), 0.3), won, mrr * 12)
    return "renewed" if won else "churn"
