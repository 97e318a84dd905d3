"""Kettlewisp: a webshop that sells camping stoves (orders, e-mails, costs; euro)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .common import NO_RATE, Sheet, by_year, days, pick_one, plain, text, write
from .mailing import Campaign, mailing_totals, messages

SEED = 20260517
DATE = "%d/%m/%Y %H:%M"
FIRST, END = pd.Timestamp("2024-03-18"), pd.Timestamp("2026-05-17 23:59:59")
GROWTH = 0.012
SEASON = (0.7, 0.75, 0.9, 1.05, 1.2, 1.25, 1.15, 1.0, 0.85, 0.9, 1.5, 1.6)
WEEK = (1.0, 0.95, 0.95, 1.0, 1.05, 1.15, 1.3)
HOURS = np.array([0.2, 0.5, 0.8, 1, 1, 1, 1.2, 1, 0.9, 0.9, 1, 1.1, 1.3, 1.7, 1.9, 1.6, 0.8])
#: share of new customers, orders a month, months until a customer leaves for good (mean)
CHANNELS = {
    "search": (0.34, 0.55, 11.0),
    "social": (0.26, 0.40, 5.0),
    "newsletter": (0.14, 0.75, 16.0),
    "direct": (0.16, 0.60, 14.0),
    "marketplace": (0.10, 0.25, 4.0),
}
CUSTOMERS, GUESTS, REFUNDED, RATE_SHAPE = 1800, 0.025, 0.03, 1.4
TOWNS = (
    "Dún Laoghaire",
    "Baile Átha Cliath",
    "Cóbh",
    "Gaillimh",
    "Trá Lí",
    "Köln",
    "Besançon",
    "Málaga",
    "Umeå",
    "Gent",
    "Kilkenny",
    "Sligo",
    "Ennis",
    "Tralee",
    "Bray",
    "Athlone",
    "Wexford",
)
BAD_DATES = ("00/00/0000 00:00", "31/02/2025 10:30", "13/13/2024 09:00", "-")
COLUMNS = {
    "order_id": "Order no",
    "customer_id": "Customer no",
    "ordered_at": "Date",
    "amount": "Total",
    "cost": "Cost of goods",
    "currency": "Currency",
    "channel": "Came from",
    "town": "Ship to",
}
BUDGET = {
    ("advertising", "search"): 1150,
    ("advertising", "social"): 1250,
    ("marketing", "newsletter"): 180,
    ("marketing", "marketplace"): 300,
    ("salaries", ""): 750,
    ("other", ""): 110,
}
CAMPAIGNS = tuple(
    Campaign(f"K{place:02d}", day, {"A": first, "B": second}, {"A": low, "B": high}, size)
    for place, (day, first, second, low, high, size) in enumerate(
        (
            ("2024-06-06", "Stove season is here", "Your kettle is waiting", 0.24, 0.26, 150),
            ("2024-08-29", "Last warm weekends", "Five suppers on one burner", 0.22, 0.28, 220),
            ("2024-11-28", "Three days only: 20 % off", "20 % off, and a free windshield", 0.31, 0.33, 280),
            ("2025-01-16", "Winter clearance", "Winter clearance: last pieces", 0.20, 0.21, 300),
            ("2025-03-13", "Spring check-list", "Is your hose still tight?", 0.22, 0.30, 330),
            ("2025-05-15", "New: the Wisp 2", "The Wisp 2 boils in 92 seconds", 0.27, 0.35, 350),
            ("2025-07-10", "Gas cartridges, 6 for 5", "Never run out again", 0.23, 0.23, 370),
            ("2025-09-11", "Back from the hills?", "Clean it in ten minutes", 0.19, 0.24, 380),
            ("2025-11-27", "Three days only: 25 % off", "25 % off everything with a flame", 0.32, 0.34, 420),
            ("2026-01-15", "Winter clearance", "Clearance, while it lasts", 0.20, 0.22, 420),
            ("2026-03-12", "Spring check-list", "Two checks before you light it", 0.21, 0.29, 440),
            ("2026-05-14", "Long weekend, light rucksack", "What fits in one litre", 0.25, 0.27, 460),
        ),
        start=1,
    )
)


def generate(folder: Path) -> dict[str, Any]:
    """Write the shop's CSVs to `folder` and return its truth."""
    rng = np.random.default_rng(SEED)
    sales = orders(rng)
    sheets = {
        "orders_export": orders_sheet(rng, sales),
        "emails": emails_sheet(rng),
        "costs": costs_sheet(rng),
    }
    tables = write(folder, sheets, orders_export={"sep": ";", "encoding": "cp1252"})
    tables["orders"] = tables.pop("orders_export")
    parameters = {
        "seed": SEED,
        "growth_a_month": GROWTH,
        "season": list(SEASON),
        "customers": CUSTOMERS,
        "guest_orders": GUESTS,
        "refunded": REFUNDED,
        "order_rate_shape": RATE_SHAPE,
        "channels": {
            name: {"share": share, "orders_a_month": rate, "mean_lifetime_months": life}
            for name, (share, rate, life) in CHANNELS.items()
        },
        "emails": {"open_rate": {c.campaign_id: dict(c.rates) for c in CAMPAIGNS}, "bounced": 0.025},
    }
    return {"as_of": f"{END:%Y-%m-%d}", "generator": parameters, "tables": dict(sorted(tables.items()))}


def clock(rng: np.random.Generator, day: pd.Timestamp) -> pd.Timestamp:
    """An instant of the day between 7 in the morning and midnight, most of them in the evening."""
    hour = 7 + int(rng.choice(len(HOURS), p=HOURS / HOURS.sum()))
    return day.normalize() + pd.Timedelta(minutes=60 * hour + int(rng.integers(60)))


def purchase_days(
    rng: np.random.Generator, first: pd.Timestamp, rate: float, life: float
) -> list[pd.Timestamp]:
    """The first purchase and, as long as the customer lives, more at a gamma-distributed seasonal rate."""
    own = rng.gamma(RATE_SHAPE, rate / RATE_SHAPE) * max(SEASON)
    end = min(END, first + pd.Timedelta(days=rng.exponential(life) * 30.4))
    at, found = first, [first]
    while True:
        at += pd.Timedelta(days=max(1.0, rng.exponential(30.4 / own)))
        if at > end:
            return found
        if rng.random() < SEASON[at.month - 1] / max(SEASON):
            found.append(at)


def orders(rng: np.random.Generator) -> pd.DataFrame:
    """Every sale and refund in order of time, before the faults."""
    rows: list[dict[str, Any]] = []
    start = days(rng, FIRST, END.normalize(), CUSTOMERS, GROWTH, SEASON, WEEK)
    for number, first in enumerate(start, start=1):
        channel = pick_one(rng, {name: share for name, (share, _, _) in CHANNELS.items()})
        _, rate, life = CHANNELS[channel]
        town = TOWNS[int(rng.integers(len(TOWNS)))]
        for place, day in enumerate(purchase_days(rng, first, rate, life)):
            source = channel if place == 0 or rng.random() < 0.6 else "direct"
            sell(rng, rows, f"{number:05d}", clock(rng, day), source, town)
    frame = pd.DataFrame(rows)
    frame = frame[frame["ordered_at"] <= END].sort_values("ordered_at", kind="stable", ignore_index=True)
    guests = rng.choice(len(frame), size=int(GUESTS * len(frame)), replace=False)
    frame.loc[guests, "customer_id"] = ""
    frame.insert(0, "order_id", [f"{100000 + i}" for i in range(len(frame))])
    return frame


def sell(
    rng: np.random.Generator,
    rows: list[dict[str, Any]],
    customer: str,
    at: pd.Timestamp,
    channel: str,
    town: str,
) -> None:
    """A sale, and for three in a hundred the refund of all or half of it some days later."""
    amount = float(np.round(rng.lognormal(np.log(46), 0.75), 2))
    cost = float(np.round(amount * rng.uniform(0.45, 0.62), 2))
    row = {
        "customer_id": customer,
        "ordered_at": at,
        "amount": amount,
        "cost": cost,
        "currency": "EUR",
        "channel": channel,
        "town": town,
    }
    rows.append(row)
    if rng.random() < REFUNDED:
        part = 1.0 if rng.random() < 0.7 else 0.5
        back = clock(rng, at + pd.Timedelta(days=int(rng.integers(3, 25))))
        returned = {"amount": round(-part * amount, 2), "cost": round(-part * cost, 2)}
        rows.append(row | {"ordered_at": back} | returned)


def continental(value: float) -> str:
    """1234.5 as 1.234,50."""
    return f"{value:,.2f}".translate(str.maketrans(",.", ".,"))


def orders_sheet(rng: np.random.Generator, sales: pd.DataFrame) -> Sheet:
    """The shop system's export: semicolons, decimal commas, day first, cp1252."""
    frame = sales.copy()
    frame["ordered_at"] = text(frame["ordered_at"], DATE)
    for column in ("amount", "cost"):
        frame[column] = [continental(value) for value in frame[column]]
    sheet = Sheet(frame, rng)
    sale, known = ~sheet.frame["amount"].str.startswith("-"), sheet.frame["customer_id"].ne("")
    ordinary = sale & known
    sheet.repeat(9)
    sheet.conflict(2, "channel", "marketplace")
    sheet.lose("unreadable", "ordered_at", BAD_DATES, ordinary)
    sheet.lose("unreadable", "amount", ["gratis", "1.2.3,4", "n/a"], ordinary)
    sheet.lose(NO_RATE, "currency", ["SEK"] * 4, ordinary)
    sheet.nameless("order_id")
    sheet.oddity("null_channel", "channel", [""] * 30)
    sheet.oddity("null_cost", "cost", [""] * 60, ordinary)
    sheet.oddity("newline_in_text", "town", ["Cóbh,\nCo. Cork", "Köln;\nHinterhaus", 'Ennis\n"The Mill"'])
    sheet.count("refund", "amount", lambda cell: cell.startswith("-"))
    sheet.count("no_customer", "customer_id", lambda cell: cell == "")
    kept = sheet.accepted()
    kept["amount"] = [cell.replace(".", "").replace(",", ".") for cell in kept["amount"]]
    sheet.totals = {"orders": by_year(kept, pd.to_datetime(kept["ordered_at"], format=DATE))}
    sheet.export(COLUMNS)
    return sheet


def recipients() -> Sequence[str]:
    """Addresses at a domain that can never exist (RFC 2606)."""
    return [f"customer{number:05d}@mail.example" for number in range(1, CUSTOMERS + 1)]


def emails_sheet(rng: np.random.Generator) -> Sheet:
    """Newsletters; the mailing tool does not tell machine opens apart."""
    frame = messages(rng, CAMPAIGNS, recipients(), [], END, machine=0.0)
    sheet = Sheet(frame.drop(columns=["machine_open", "rep_id"]), rng)
    sheet.repeat(4)
    sheet.lose("unreadable", "sent_at", ["pending", "2025-02-29 10:00:00"])
    sheet.totals = mailing_totals(sheet.accepted())
    return sheet


def costs_sheet(rng: np.random.Generator) -> Sheet:
    """Costs of every month to May 2026, of which only the first half is booked."""
    rows = []
    for month in pd.date_range("2024-03-01", "2026-05-01", freq="MS"):
        for (category, channel), base in BUDGET.items():
            booked = 0.55 if month == pd.Timestamp("2026-05-01") else 1.0
            amount = base * booked * (SEASON[month.month - 1] if category == "advertising" else 1.0)
            rows.append(
                {
                    "month": f"{month:%Y-%m-%d}",
                    "category": category,
                    "channel": channel,
                    "amount": plain(amount * rng.lognormal(0, 0.08)),
                }
            )
    sheet = Sheet(pd.DataFrame(rows), rng)
    sheet.lose("unknown", "category", ["rent"], sheet.frame["channel"].ne(""))
    sheet.count("unattributed", "channel", lambda cell: cell == "")
    return sheet
