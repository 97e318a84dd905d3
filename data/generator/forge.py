"""Quernstone Forge: a hardware maker whose year starts in April (units, splits, dollars and pounds)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .common import NO_RATE, Sheet, by_year, days, later, office_hour, pick_one, plain, weekly_rates, write
from .forge_orders import orders_parameters, orders_sheet
from .forge_world import END, FIRST, HOME, LONDON, REPS, SEASON, SOURCES, SUCCESSOR, on_duty, stamp

SEED = 20260331
GROWTH, DEALS, SIGMA = 0.010, 880, 0.55
STAGES = ("Discovery", "Sample", "Quote", "Contract")
PRODUCTS = {"valve": (64.0, 220), "gauge": (38.0, 300), "pump": (870.0, 18), "manifold": (410.0, 40)}
SEGMENTS = {"oem": 0.5, "distributor": 0.3, "public": 0.2}
HEADS = (
    "Bramble",
    "Osprey",
    "Quarry",
    "Lantern",
    "Cinder",
    "Willow",
    "Foxglove",
    "Granite",
    "Juniper",
    "Harrow",
)
TAILS = (
    "gate Fluid",
    "mere Hydraulics",
    "stead Controls",
    "moor Process",
    "field Pumps",
    "wick Irrigation",
    "shaw Brewing",
    "ford Dairies",
    "ley Boilers",
)
COLUMNS = {
    "opportunity_id": "Id",
    "name": "Name",
    "deleted": "IsDeleted",
    "outcome": "Status",
    "stage": "StageName",
    "kind": "Type",
    "created_at": "CreatedDate",
    "first_contact_at": "FirstMeeting",
    "closed_at": "ClosedDate",
    "amount": "Amount",
    "currency": "CurrencyIsoCode",
    "units": "Quantity",
    "customer_id": "AccountId",
    "rep_id": "OwnerId",
    "channel": "LeadSource",
}
#: deals on the nights the clocks change and at the ends of fiscal years: start, close, days between
CLOCK_CHANGES = (
    ("2025-03-08T12:00:00-06:00", "2025-03-09T12:00:00-05:00", 23 / 24),
    ("2025-11-01T12:00:00-05:00", "2025-11-02T12:00:00-06:00", 25 / 24),
    ("2025-11-02T01:30:00-05:00", "2025-11-02T01:30:00-06:00", 1 / 24),
    ("2025-03-20T09:00:00-05:00", "2025-04-01T03:30:00Z", 11 + 13.5 / 24),
    ("2026-03-02T10:00:00-06:00", "2026-03-31T23:45:00-05:00", 29 + 12.75 / 24),
)


def generate(folder: Path) -> dict[str, Any]:
    """Write the maker's CSVs to `folder` and return its truth."""
    rng = np.random.default_rng(SEED)
    accounts = customers(rng)
    book = deals(rng, accounts)
    sheets = {
        "reps": Sheet(
            pd.DataFrame(
                [
                    {"rep_id": rep, "name": name, "team": team, "started_on": start, "ended_on": end}
                    for rep, (name, team, start, end, *_) in REPS.items()
                ]
            ),
            rng,
        ),
        "customers": customers_sheet(rng, accounts),
        "opportunity_export": deals_sheet(rng, book),
        "opportunity_splits": splits_sheet(rng, book),
        "targets": targets_sheet(rng),
        "rates": rates_sheet(rng),
        "annotations": Sheet(
            pd.DataFrame(
                [
                    ("2024-07-01", "Distributor price list raised by 4 %", "revenue"),
                    ("2025-06-30", "I. Poole-Varga left; accounts to O. Fennimore", ""),
                ],
                columns=["date", "text", "kpi"],
            ),
            rng,
        ),
        "orders": orders_sheet(accounts, book),
    }
    tables = write(folder, sheets)
    tables["opportunities"] = tables.pop("opportunity_export")
    return {"as_of": f"{END:%Y-%m-%d}", "generator": parameters(), "tables": dict(sorted(tables.items()))}


def parameters() -> dict[str, Any]:
    """The true parameters, and the deals whose exact length is known."""
    return {
        "seed": SEED,
        "growth_a_month": GROWTH,
        "season": list(SEASON),
        "cycle_sigma": SIGMA,
        "reps": {
            rep: {"win_probability": win, "median_cycle_days": cycle, "share_of_deals": share}
            for rep, (_, _, _, _, win, cycle, share) in REPS.items()
        },
        "clock_changes": {
            f"006{DEALS + place:05d}": {"start": start, "closed": closed, "cycle_days": round(length, 6)}
            for place, (start, closed, length) in enumerate(CLOCK_CHANGES, start=1)
        },
        "orders": orders_parameters(),
    }


def customers(rng: np.random.Generator) -> pd.DataFrame:
    """170 accounts; those of the Atlantic team buy in pounds."""
    names = [head + tail for head in HEADS for tail in TAILS]
    names = [f"{name} {form}" for form in ("Inc.", "Works", "Ltd") for name in names]
    order = rng.permutation(len(names))
    rows = []
    for number in range(170):
        rep = pick_one(rng, {rep: share for rep, (*_, share) in REPS.items()})
        british = REPS[rep][1] == "Atlantic" and rng.random() < 0.55
        rows.append(
            {
                "customer_id": f"001{number + 1:04d}",
                "name": names[order[number]],
                "segment": pick_one(rng, SEGMENTS),
                "region": "United Kingdom" if british else "United States",
                "channel": pick_one(rng, SOURCES),
                "rep_id": rep,
            }
        )
    return pd.DataFrame(rows)


def deals(rng: np.random.Generator, accounts: pd.DataFrame) -> pd.DataFrame:
    """Deals in order of creation, the fixed ones of the clock changes last."""
    rows: list[dict[str, Any]] = []
    sold: set[str] = set()
    for day in days(rng, FIRST, END.normalize() - pd.Timedelta(days=1), DEALS, GROWTH, SEASON):
        rep = pick_one(rng, on_duty(day))
        mine = accounts[accounts["rep_id"].eq(rep)]
        account = mine.iloc[int(rng.integers(len(mine)))]
        rows.append(deal(rng, f"006{len(rows) + 1:05d}", rep, account, office_hour(rng, day), sold))
    for start, closed, _ in CLOCK_CHANGES:
        account = accounts.iloc[int(rng.integers(len(accounts)))]
        rep = SUCCESSOR.get(str(account["rep_id"]), str(account["rep_id"]))
        row = deal(rng, f"006{len(rows) + 1:05d}", rep, account, FIRST, sold)
        rows.append(
            row
            | {
                "outcome": "Won",
                "stage": STAGES[3],
                "created_at": start,
                "first_contact_at": start,
                "closed_at": closed,
                "currency": "USD",
            }
        )
    return pd.DataFrame(rows)


def deal(
    rng: np.random.Generator, number: str, rep: str, account: pd.Series, created: pd.Timestamp, sold: set[str]
) -> dict[str, Any]:
    """One deal: a product in some quantity, won with the rep's probability after the rep's cycle."""
    win, cycle = REPS[rep][4], REPS[rep][5]
    product = list(PRODUCTS)[int(rng.choice(4, p=(0.35, 0.2, 0.25, 0.2)))]
    price, typical = PRODUCTS[product]
    units = max(1, int(rng.lognormal(np.log(typical), 0.6)))
    british = account["region"] == "United Kingdom"
    contact = later(rng, created, rng.lognormal(np.log(2.5), 0.8))
    closed = later(rng, contact, rng.lognormal(np.log(cycle), SIGMA))
    is_open, won = closed > END, bool(rng.random() < win)
    kind = "expansion" if account["customer_id"] in sold else "new"
    if won and not is_open:
        sold.add(account["customer_id"])
    stage = 3 if won and not is_open else int(rng.integers(4))
    zone = LONDON if british else HOME
    owner = SUCCESSOR.get(rep, rep) if is_open else rep
    return {
        "opportunity_id": number,
        "name": f"{units} × {product}, {account['name']}",
        "deleted": "false",
        "outcome": "Open" if is_open else "Won" if won else "Lost",
        "stage": STAGES[stage],
        "kind": kind,
        "created_at": stamp(created, zone),
        "first_contact_at": "" if contact > END else stamp(contact, zone),
        "closed_at": "" if is_open else stamp(closed, zone),
        "amount": plain(units * price * rng.uniform(0.85, 1.05) * (0.78 if british else 1.0)),
        "currency": "GBP" if british else "USD",
        "units": units,
        "customer_id": account["customer_id"],
        "rep_id": owner,
        "channel": account["channel"] if rng.random() < 0.7 else pick_one(rng, SOURCES),
    }


def customers_sheet(rng: np.random.Generator, accounts: pd.DataFrame) -> Sheet:
    """Accounts as they are today: those of the rep who left belong to somebody else now."""
    sheet = Sheet(accounts.assign(rep_id=accounts["rep_id"].replace(SUCCESSOR)), rng)
    sheet.repeat(1)
    sheet.oddity("null_segment", "segment", [""] * 3)
    return sheet


def deals_sheet(rng: np.random.Generator, book: pd.DataFrame) -> Sheet:
    """The CRM export; deleted deals are in it and the params file leaves them out."""
    sheet = Sheet(book, rng)
    fixed = pd.Series(np.arange(len(book)) >= DEALS)
    sheet.used.update(int(i) for i in np.flatnonzero(fixed))
    frame = sheet.frame
    won, closed, dollars = (
        frame["outcome"].eq("Won"),
        frame["outcome"].ne("Open"),
        frame["currency"].eq("USD"),
    )
    sheet.oddity("deleted", "deleted", ["true"] * 8)
    sheet.repeat(3)
    sheet.conflict(1, "stage", "Discovery")
    sheet.lose("unreadable", "closed_at", ["2025-02-30T10:00:00-06:00", "TBD"], closed)
    sheet.lose("unknown", "outcome", ["Stalled"], ~closed)
    sheet.lose(NO_RATE, "currency", ["EUR", "EUR"], won & dollars)
    sheet.lose("unreadable", "units", ["a dozen"], ~closed)
    for row in sheet.pick(2, won & dollars):
        start = pd.Timestamp(str(frame.loc[row, "first_contact_at"])).tz_localize(None)
        frame.loc[row, "closed_at"] = stamp(start - pd.Timedelta(days=14), HOME)
        sheet.odd["closed before it started"] += 1
    sheet.oddity("null_owner", "rep_id", [""] * 8)
    sheet.oddity("unknown_rep", "rep_id", ["005Z9", "005Z9"], closed)
    sheet.oddity("null_created", "created_at", [""] * 4, frame["first_contact_at"].ne(""))
    sheet.oddity("newline_in_text", "name", ["12 × pump,\nrush order", '40 × valve\n("blue" handles)'])
    sheet.count("owner_left", "rep_id", lambda cell: cell in SUCCESSOR)
    sheet.totals = won_by_year(sheet.accepted())
    sheet.export(COLUMNS)
    return sheet


def won_by_year(rows: pd.DataFrame) -> dict[str, Any]:
    """Won deals, deleted ones aside, by fiscal year of their close in local time."""
    won = rows[rows["outcome"].eq("Won") & rows["deleted"].eq("false")]
    closed = pd.to_datetime(won["closed_at"], utc=True, format="ISO8601").dt.tz_convert(HOME)
    return {"won": by_year(won, closed, first_month=4)}


def splits_sheet(rng: np.random.Generator, book: pd.DataFrame) -> Sheet:
    """Eighty shared deals, a few by three people; the shares of two deals do not sum to 1."""
    rows = []
    shared = book.iloc[np.sort(rng.choice(DEALS, size=80, replace=False))]
    for place, (number, owner) in enumerate(zip(shared["opportunity_id"], shared["rep_id"], strict=True)):
        helpers = [rep for rep in rng.permutation(list(REPS)) if rep != owner]
        shares = ("0.5", "0.3", "0.2") if place % 9 == 0 else ("0.6", "0.4")
        shares = {30: ("0.6", "0.6"), 61: ("0.5", "0.4")}.get(place, shares)
        rows += [(number, rep, share) for rep, share in zip([owner, *helpers], shares, strict=False)]
    sheet = Sheet(pd.DataFrame(rows, columns=["opportunity_id", "rep_id", "share"]), rng)
    sheet.lost["splits do not sum to 1"] = 4
    return sheet


def targets_sheet(rng: np.random.Generator) -> Sheet:
    """Targets by fiscal month, quarter and year; the last year has none for the company as a whole."""
    rows: list[dict[str, str]] = []
    for year, base in ((2023, 105_000), (2024, 140_000), (2025, 165_000)):
        valid = f"{year}-03-15"
        for month in pd.date_range(f"{year}-04-01", periods=12, freq="MS"):
            add(rows, "revenue", "company", "", month, "month", base * SEASON[month.month - 1], valid)
        for quarter in pd.date_range(f"{year}-04-01", periods=4, freq="3MS"):
            whole = base * sum(SEASON[(quarter.month - 1 + k) % 12] for k in range(3))
            quarter_targets(rows, quarter, whole, valid)
        if year < 2025:
            add(rows, "revenue", "company", "", pd.Timestamp(f"{year}-04-01"), "year", base * 11.7, valid)
        add(rows, "units", "company", "", pd.Timestamp(f"{year}-04-01"), "year", base / 7.5, valid)
    for quarter in pd.date_range("2025-10-01", periods=2, freq="3MS"):
        add(rows, "revenue", "company", "", quarter, "quarter", 545_000, "2025-09-20")
    sheet = Sheet(pd.DataFrame(rows), rng)
    sheet.lose("unknown", "metric", ["margin"], sheet.frame["scope"].eq("rep"))
    sheet.count("later_valid_from", "valid_from", lambda cell: cell == "2025-09-20")
    return sheet


def quarter_targets(rows: list[dict[str, str]], quarter: pd.Timestamp, whole: float, valid: str) -> None:
    """Revenue, units and new accounts of one quarter: company, teams, reps with eight per cent on top."""
    shares = on_duty(quarter)
    add(rows, "revenue", "company", "", quarter, "quarter", whole, valid)
    add(rows, "units", "company", "", quarter, "quarter", whole / 90, valid)
    add(rows, "new_accounts", "company", "", quarter, "quarter", 9, valid)
    for team in sorted({team for _, team, *_ in REPS.values()}):
        part = sum(share for rep, share in shares.items() if REPS[rep][1] == team) / sum(shares.values())
        add(rows, "revenue", "team", team, quarter, "quarter", whole * part, valid)
        add(rows, "units", "team", team, quarter, "quarter", whole * part / 90, valid)
        add(rows, "new_accounts", "team", team, quarter, "quarter", 3, valid)
    for rep, share in shares.items():
        part = share / sum(shares.values())
        add(rows, "revenue", "rep", rep, quarter, "quarter", whole * 1.08 * part, valid)
        add(rows, "units", "rep", rep, quarter, "quarter", whole * 1.08 * part / 90, valid)


def add(
    rows: list[dict[str, str]],
    metric: str,
    scope: str,
    scope_id: str,
    start: pd.Timestamp,
    period: str,
    target: float,
    valid_from: str,
) -> None:
    """One target; revenue is set in hundreds, the rest in whole pieces."""
    value = round(target, -2) if metric == "revenue" else round(target)
    rows.append(
        {
            "metric": metric,
            "scope": scope,
            "scope_id": scope_id,
            "period_start": f"{start:%Y-%m-%d}",
            "period": period,
            "target": str(int(value)),
            "valid_from": valid_from,
        }
    )


def rates_sheet(rng: np.random.Generator) -> Sheet:
    """Weekly rates of the pound; there is none for the euro."""
    sheet = Sheet(weekly_rates(rng, "2023-03-27", "2026-03-31", {"GBP": 1.24}), rng)
    sheet.lose("unreadable", "rate", ["#N/A"])
    return sheet
