"""Acme Instruments' tables as its systems export them, with their planted faults."""

from __future__ import annotations

import numpy as np
import pandas as pd

from . import acme_office as office
from . import acme_world as world
from .acme_sales import Market
from .common import NO_RATE, Sheet, by_year, plain, text, weekly_rates
from .mailing import mailing_totals

CRM_DATE = "%d.%m.%Y %H:%M"
CRM_STAGE = {
    "prospect": "1. Prospect",
    "qualified": "2. Qualified",
    "proposal": "3. Proposal",
    "negotiation": "4. Negotiation",
}
CRM_COLUMNS = {
    "opportunity_id": "Deal no",
    "customer": "Account name",
    "customer_id": "Account no",
    "rep_id": "Owner",
    "outcome": "Status",
    "stage": "Stage",
    "kind": "Type",
    "created_at": "Created",
    "first_contact_at": "First contact",
    "closed_at": "Closed",
    "amount": "Value",
    "currency": "Currency",
    "units": "Seats",
    "channel": "Source",
    "lead_id": "Lead no",
    "note": "Note",
}


def reps_sheet(rng: np.random.Generator) -> Sheet:
    """Fourteen people in four teams, one of whom has left."""
    frame = pd.DataFrame(
        [
            {
                "rep_id": r.rep_id,
                "name": r.name,
                "team": r.team,
                "manager_id": r.manager_id,
                "email": f"{r.rep_id.lower()}@acme-instruments.example",
                "started_on": r.started_on,
                "ended_on": r.ended_on,
            }
            for r in world.REPS
        ]
    )
    return Sheet(frame, rng)


def customers_sheet(market: Market) -> Sheet:
    """Accounts as they are today: those of the rep who left belong to somebody else now."""
    rows = [
        {
            "customer_id": a.customer_id,
            "name": a.name,
            "segment": a.segment,
            "region": a.region,
            "industry": a.industry,
            "channel": a.channel,
            "rep_id": world.owner_today(a.rep_id),
            "acquired_on": "" if a.acquired is None else f"{a.acquired:%Y-%m-%d}",
        }
        for a in market.accounts
    ]
    sheet = Sheet(pd.DataFrame(rows), market.rng)
    paying = sheet.frame["acquired_on"].ne("")
    sheet.repeat(2)
    sheet.conflict(1, "segment", "mid")
    sheet.lose("unreadable", "acquired_on", ["0000-00-00", "wiosna 2023"], paying)
    sheet.oddity("null_acquired_on", "acquired_on", [""] * 20, paying)
    sheet.oddity("null_owner", "rep_id", [""] * 6)
    sheet.oddity("null_segment", "segment", [""] * 5)
    return sheet


def leads_sheet(rng: np.random.Generator, leads: pd.DataFrame, deals: pd.DataFrame) -> Sheet:
    """Leads; one link in five to a deal is only on the deal's side."""
    frame = leads.copy()
    for column in ("created_at", "first_contact_at", "qualified_at"):
        frame[column] = text(frame[column])
    linked = frame.index[frame["opportunity_id"].ne("")]
    frame.loc[rng.choice(linked, size=len(linked) // 5, replace=False), "opportunity_id"] = ""
    kept = set(frame.loc[frame["opportunity_id"].ne(""), "lead_id"])
    both = deals.index[deals["lead_id"].isin(kept)]
    deals.loc[rng.choice(both, size=len(both) // 5, replace=False), "lead_id"] = ""
    sheet = Sheet(frame, rng)
    sheet.repeat(5)
    sheet.conflict(1, "channel", "webinar")
    sheet.lose("unreadable", "created_at", ["2025-02-30 10:12:00", "b/d", "2025-13-01 08:00:00"])
    sheet.lose("missing", "created_at", [""] * 2)
    sheet.oddity("null_owner", "rep_id", [""] * 40)
    sheet.oddity("null_channel", "channel", [""] * 25)
    sheet.count("never_contacted", "first_contact_at", lambda cell: cell == "")
    return sheet


def deals_sheet(rng: np.random.Generator, deals: pd.DataFrame) -> Sheet:
    """The CRM export of the deals, under the CRM's own names and values."""
    frame = deals.copy()
    frame["stage"] = [CRM_STAGE[world.STAGES[i]] for i in frame["reached"]]
    frame["outcome"] = frame["outcome"].map({"won": "Won", "lost": "Lost", "open": "In progress"})
    frame["amount"] = [plain(value) for value in frame["amount"]]
    for column in ("created_at", "first_contact_at", "closed_at"):
        frame[column] = text(frame[column].dt.floor("min"), CRM_DATE)
    frame["note"] = ""
    won, closed = frame["outcome"].eq("Won"), frame["outcome"].ne("In progress")
    alone, led = frame["lead_id"].eq(""), frame["lead_id"].ne("")
    sheet = Sheet(frame, rng)
    sheet.repeat(4)
    sheet.conflict(1, "outcome", "Lost")
    sheet.lose("unreadable", "closed_at", ["31.02.2025 12:00", "n/d", "2025/07"], closed)
    sheet.lose("unknown", "outcome", ["On hold", "Zamrożona"], ~closed)
    sheet.lose("unreadable", "amount", ["do uzgodnienia"], ~closed)
    sheet.lose(NO_RATE, "currency", ["CHF", "CHF"], won)
    sheet.nameless("opportunity_id")
    reverse(sheet, 3, won & alone)
    sheet.oddity("null_owner", "rep_id", [""] * 12)
    sheet.oddity("unknown_rep", "rep_id", ["R77", "R77"], closed)
    sheet.oddity("null_created_on_linked_lead", "created_at", [""] * 8, led)
    for row in sheet.pick(3, won & alone):
        sheet.frame.loc[row, ["created_at", "first_contact_at"]] = ""
        sheet.odd["no_date_of_start"] += 1
    sheet.oddity(
        "newline_in_text",
        "note",
        [
            "Dzwonić po 15.\nPytać o „Pana Zdzisława”, nie o sekretariat",
            'Oferta 1:\n- sondy\n- przepływomierz, "duży"',
        ],
    )
    sheet.count("owner_left", "rep_id", lambda cell: cell in world.SUCCESSOR)
    sheet.totals = won_by_year(sheet.accepted())
    sheet.export(CRM_COLUMNS)
    return sheet


def won_by_year(rows: pd.DataFrame) -> dict[str, object]:
    """Won deals by year of their close."""
    won = rows[rows["outcome"].eq("Won")]
    return {"won": by_year(won, pd.to_datetime(won["closed_at"], format=CRM_DATE))}


def reverse(sheet: Sheet, n: int, where: pd.Series) -> None:
    """Let n won deals close ten days before they were created: kept as revenue, lost for durations."""
    for row in sheet.pick(n, where):
        start = pd.to_datetime(sheet.frame.loc[row, "created_at"], format=CRM_DATE)
        sheet.frame.loc[row, "closed_at"] = f"{start - pd.Timedelta(days=10):{CRM_DATE}}"
        sheet.odd["closed before it started"] += 1


def splits_sheet(rng: np.random.Generator, deals: pd.DataFrame) -> Sheet:
    """Seventy shared deals; the shares of two of them do not sum to 1."""
    shared = deals.loc[np.sort(rng.choice(len(deals), size=70, replace=False)), ["opportunity_id", "rep_id"]]
    rows = []
    for place, (deal, owner) in enumerate(shared.itertuples(index=False)):
        first, second = ("0.7", "0.3") if rng.random() < 0.5 else ("0.5", "0.5")
        if place in (20, 45):
            first, second = "0.6", "0.5"
        helper = next(rep for rep in rng.permutation(list(world.BY_ID)) if rep != owner)
        rows += [(deal, owner, first), (deal, helper, second)]
    sheet = Sheet(pd.DataFrame(rows, columns=["opportunity_id", "rep_id", "share"]), rng)
    sheet.lost["splits do not sum to 1"] = 4
    return sheet


def history_sheet(rng: np.random.Generator, history: pd.DataFrame) -> Sheet:
    """Stage entries; three belong to a deal that is not in the export."""
    sheet = Sheet(history, rng)
    sheet.lose("unreadable", "entered_at", ["?", "2025-04-31 09:00:00"])
    sheet.oddity("unknown_opportunity", "opportunity_id", ["O99901", "O99901", "O99902"])
    return sheet


def subscriptions_sheet(market: Market) -> Sheet:
    """One row per price of a contract."""
    frame = pd.DataFrame(market.subscriptions).sort_values(["started_on", "subscription_id"], kind="stable")
    for column in ("started_on", "ended_on"):
        frame[column] = text(frame[column], "%Y-%m-%d")
    frame["mrr"] = [plain(value) for value in frame["mrr"]]
    sheet = Sheet(frame, market.rng)
    ended = sheet.frame["ended_on"].ne("")
    sheet.repeat(2)
    sheet.lose("unreadable", "mrr", ["gratis"], ended)
    sheet.lose(NO_RATE, "currency", ["CHF"], ended)
    for row in sheet.pick(2, ended):
        start = pd.Timestamp(str(sheet.frame.loc[row, "started_on"]))
        sheet.frame.loc[row, "ended_on"] = f"{start - pd.Timedelta(days=30):%Y-%m-%d}"
        sheet.lost["ended before it started"] += 1
    return sheet


def orders_sheet(market: Market) -> Sheet:
    """One-off sales; `refund` counts the negative amounts."""
    sheet = Sheet(office.orders(market), market.rng)
    sale = ~sheet.frame["amount"].str.startswith("-")
    sheet.repeat(3)
    sheet.lose("unreadable", "amount", ["1.2O0,00", "b/d"], sale)
    sheet.lose("unreadable", "ordered_at", ["2025-06-31 11:00:00"], sale)
    sheet.oddity("null_owner", "rep_id", [""] * 9, sale)
    sheet.count("refund", "amount", lambda cell: cell.startswith("-"))
    rows = sheet.accepted().assign(currency="PLN")
    sheet.totals = {"orders": by_year(rows, pd.to_datetime(rows["ordered_at"]))}
    return sheet


def emails_sheet(market: Market) -> Sheet:
    """Messages of twelve campaigns."""
    sheet = Sheet(office.emails(market), market.rng)
    sheet.repeat(6)
    sheet.conflict(1, "bounced", "true")
    sheet.lose("unreadable", "sent_at", ["1900-00-00", "(null)", "wczoraj"])
    sheet.totals = mailing_totals(sheet.accepted())
    return sheet


def costs_sheet(rng: np.random.Generator) -> Sheet:
    """Costs by month, category and channel."""
    sheet = Sheet(office.costs(rng), rng)
    attributed = sheet.frame["channel"].ne("")
    sheet.lose("unknown", "category", ["PR"], attributed)
    sheet.lose("unreadable", "amount", ["ok. 9 tys."], attributed)
    sheet.count("unattributed", "channel", lambda cell: cell == "")
    return sheet


def targets_sheet(rng: np.random.Generator) -> Sheet:
    """Targets by month, quarter and year."""
    sheet = Sheet(office.targets(rng), rng)
    sheet.lose("unknown", "metric", ["profit"], sheet.frame["scope"].eq("rep"))
    sheet.count("later_valid_from", "valid_from", lambda cell: cell == "2026-03-20")
    return sheet


def tasks_sheet(rng: np.random.Generator, work: pd.DataFrame) -> Sheet:
    """To-dos with points."""
    frame = work.copy()
    for column in ("created_at", "completed_at", "cancelled_at"):
        frame[column] = text(frame[column])
    frame["due_on"] = text(frame["due_on"], "%Y-%m-%d")
    sheet = Sheet(frame, rng)
    done = sheet.frame["completed_at"].ne("")
    sheet.repeat(2)
    sheet.lose("unreadable", "due_on", ["jutro", "2026-02-29"])
    for row in sheet.pick(3, done):
        start = pd.Timestamp(str(sheet.frame.loc[row, "created_at"]))
        sheet.frame.loc[row, "completed_at"] = f"{start - pd.Timedelta(days=2)}"
        sheet.odd["completed before it was created"] += 1
    sheet.oddity(
        "newline_in_text",
        "title",
        [
            "Wysłać ofertę,\nwersja „B”",
            "Zadzwonić:\nczy doszło?",
            'Zapytać o "pilne"\nzamówienie; potwierdzić',
        ],
    )
    sheet.count("null_owner", "rep_id", lambda cell: cell == "")
    return sheet


def activities_sheet(rng: np.random.Generator, work: pd.DataFrame, leads: pd.DataFrame) -> Sheet:
    """Calls, meetings, notes, stage moves."""
    sheet = Sheet(office.activities(rng, work, leads), rng)
    sheet.repeat(2)
    sheet.lose("missing", "rep_id", ["", ""])
    return sheet


def notifications_sheet(rng: np.random.Generator) -> Sheet:
    """Notifications, cleared and not."""
    sheet = Sheet(office.notifications(rng), rng)
    sheet.lose("missing", "rep_id", [""])
    return sheet


def rates_sheet(rng: np.random.Generator) -> Sheet:
    """Weekly rates of the euro and the dollar; there is none for the franc."""
    sheet = Sheet(weekly_rates(rng, "2021-12-27", "2026-06-30", {"EUR": 4.55, "USD": 4.05}), rng)
    sheet.lose("unreadable", "rate", ["-"])
    return sheet
