"""Acme Instruments: a Polish firm that rents out measuring instruments by subscription (all tables)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from . import acme_office as office
from . import acme_world as world
from .acme_sales import SIGMA, Market, simulate
from .common import Sheet, plain, text, weekly_rates, write

SEED = 20260630
CRM_DATE = "%d.%m.%Y %H:%M"
CRM_STAGE = {"prospect": "1. Prospect", "qualified": "2. Qualified", "proposal": "3. Proposal",
             "negotiation": "4. Negotiation"}
CRM_COLUMNS = {"opportunity_id": "Deal no", "customer": "Account name", "customer_id": "Account no",
               "rep_id": "Owner", "outcome": "Status", "stage": "Stage", "kind": "Type",
               "created_at": "Created", "first_contact_at": "First contact", "closed_at": "Closed",
               "amount": "Value", "currency": "Currency", "units": "Seats", "channel": "Source",
               "lead_id": "Lead no", "note": "Note"}
ANNOTATIONS = (
    ("2024-09-02", "Nowa handlowczyni na Pomorzu", "", ""),
    ("2024-11-01", "Kampania billboardowa", "2024-12-15", "new_leads"),
    ("2025-01-01", "Nowy cennik, +6 %", "", "revenue"),
    ("2025-03-10", "Przeniesienie CRM do nowego systemu", "2025-03-14", "new_opportunities"),
    ("2025-09-30", "Odejście M. Łopucha, klienci przekazani J. Trzcinowicz", "", ""),
    ("2026-03-20", "Podniesione cele na rok 2026", "", "target_revenue"),
)


def generate(folder: Path) -> dict[str, Any]:
    """Write Acme's CSVs to `folder` and return its truth."""
    rng = np.random.default_rng(SEED)
    market = simulate(rng)
    deals = pd.DataFrame(market.deals).sort_values("created_at", kind="stable").reset_index(drop=True)
    deals["reached"] = [reached(rng, deal) for deal in deals.to_dict("records")]
    history = stage_history(rng, deals)
    leads = pd.DataFrame(market.leads)
    work = office.tasks(market, deals)
    sheets = {
        "reps": reps_sheet(rng),
        "customers": customers_sheet(market),
        "leads": leads_sheet(rng, leads, deals),
        "deals_export": deals_sheet(rng, deals),
        "opportunity_splits": splits_sheet(rng, deals),
        "stage_history": history_sheet(rng, history),
        "subscriptions": subscriptions_sheet(market),
        "orders": orders_sheet(market),
        "emails": emails_sheet(market),
        "costs": costs_sheet(rng),
        "targets": targets_sheet(rng),
        "tasks": tasks_sheet(rng, work),
        "activities": activities_sheet(rng, work, leads),
        "notifications": notifications_sheet(rng),
        "rates": rates_sheet(rng),
        "annotations": Sheet(pd.DataFrame(ANNOTATIONS, columns=["date", "text", "end", "kpi"]), rng),
    }
    tables = write(folder, sheets)
    tables["opportunities"] = tables.pop("deals_export")
    return {"as_of": f"{world.END:%Y-%m-%d}", "generator": parameters(), "tables": dict(sorted(tables.items()))}


def parameters() -> dict[str, Any]:
    """The true parameters: what an ideal analysis of these files would find."""
    return {
        "seed": SEED,
        "growth_a_month": world.GROWTH,
        "season": list(world.SEASON),
        "reps": {rep.rep_id: {"win_probability": rep.win, "median_cycle_days": rep.cycle,
                              "churn_hazard_a_month": rep.churn} for rep in world.REPS},
        "cycle_sigma": SIGMA,
        "channels": {name: {"share": c.share, "qualify_if_contacted": c.qualify, "win_factor": c.win}
                     for name, c in world.CHANNELS.items()},
        "segments": {name: {"share": s.share, "win_factor": s.win, "cycle_factor": s.cycle,
                            "churn_factor": s.churn} for name, s in world.SEGMENTS.items()},
        "subscriptions": {"expansion_hazard_a_month": world.EXPANSION,
                          "contraction_hazard_a_month": world.CONTRACTION, "win_back": world.WIN_BACK,
                          "renewal_won": world.RENEWAL_WON},
        "never_contacted": 0.11,
        "emails": {"machine_open": office.MACHINE, "bounced": 0.025,
                   "open_rate": {c.campaign_id: dict(c.rates) for c in office.CAMPAIGNS}},
    }


def reached(rng: np.random.Generator, deal: dict[str, Any]) -> int:
    """How far the deal came: all stages when won; by elapsed time when open; anywhere when lost."""
    if deal["outcome"] == "won":
        return 3
    if deal["outcome"] == "lost":
        return int(rng.choice(4, p=(0.2, 0.3, 0.3, 0.2)))
    elapsed = (world.END - deal["created_at"]) / (deal["planned_close"] - deal["created_at"])
    return min(3, int(elapsed * 4))


def stage_history(rng: np.random.Generator, deals: pd.DataFrame) -> pd.DataFrame:
    """Entries into stages, a quarter of the cycle apart; some deals skip one, some step back once."""
    rows = []
    for deal in deals.itertuples():
        last = min(deal.planned_close, world.END)
        step = (deal.planned_close - deal.created_at) / 4
        for stage in range(deal.reached + 1):
            if stage in (1, 2) and stage < deal.reached and rng.random() < 0.05:
                continue
            at = (deal.created_at + step * (stage + (rng.uniform(-0.3, 0.3) if stage else 0))).floor("s")
            if at <= last:
                rows.append((deal.opportunity_id, world.STAGES[stage], at))
            if stage == 3 and rng.random() < 0.03:
                rows.append((deal.opportunity_id, "proposal", at + (last - at) * 0.3))
    frame = pd.DataFrame(rows, columns=["opportunity_id", "stage", "entered_at"])
    frame["entered_at"] = text(frame["entered_at"].clip(upper=world.END))
    return frame


def reps_sheet(rng: np.random.Generator) -> Sheet:
    """Fourteen people in four teams, one of whom has left."""
    frame = pd.DataFrame([{"rep_id": r.rep_id, "name": r.name, "team": r.team, "manager_id": r.manager_id,
                           "email": f"{r.rep_id.lower()}@acme-instruments.example",
                           "started_on": r.started_on, "ended_on": r.ended_on} for r in world.REPS])
    return Sheet(frame, rng)


def customers_sheet(market: Market) -> Sheet:
    """Accounts as they are today: those of the rep who left belong to somebody else now."""
    rows = [{"customer_id": a.customer_id, "name": a.name, "segment": a.segment, "region": a.region,
             "industry": a.industry, "channel": a.channel, "rep_id": world.owner_today(a.rep_id),
             "acquired_on": "" if a.acquired is None else f"{a.acquired:%Y-%m-%d}"} for a in market.accounts]
    sheet = Sheet(pd.DataFrame(rows), market.rng)
    paying = sheet.frame["acquired_on"].ne("")
    sheet.repeat(2)
    sheet.conflict(1, "segment", "mid")
    sheet.lose("bad_date", "acquired_on", ["0000-00-00", "wiosna 2023"], paying)
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
    sheet.lose("bad_date", "created_at", ["2025-02-30 10:12:00", "b/d", "2025-13-01 08:00:00"])
    sheet.lose("missing_value", "created_at", [""] * 2)
    sheet.oddity("null_owner", "rep_id", [""] * 40)
    sheet.oddity("null_channel", "channel", [""] * 25)
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
    sheet.lose("bad_date", "closed_at", ["31.02.2025 12:00", "n/d", "2025/07"], closed)
    sheet.lose("unknown_value", "outcome", ["On hold", "Zamrożona"], ~closed)
    sheet.lose("bad_number", "amount", ["do uzgodnienia"], ~closed)
    sheet.lose("no_rate", "currency", ["CHF", "CHF"], won)
    sheet.lose("missing_value", "opportunity_id", [""], ~closed)
    reverse(sheet, 3, won & alone)
    sheet.oddity("null_owner", "rep_id", [""] * 12)
    sheet.oddity("unknown_rep", "rep_id", ["R77", "R77"], closed)
    sheet.oddity("null_created_on_linked_lead", "created_at", [""] * 8, led)
    for row in sheet.pick(3, won & alone):
        sheet.frame.loc[row, ["created_at", "first_contact_at"]] = ""
        sheet.odd["no_date_of_start"] += 1
    sheet.oddity("newline_in_text", "note", ["Dzwonić po 15.\nPytać o „Pana Zdzisława”, nie o sekretariat",
                                             "Oferta 1:\n- sondy\n- przepływomierz, \"duży\""])
    sheet.frame = sheet.frame[list(CRM_COLUMNS)].rename(columns=CRM_COLUMNS)
    sheet.extra = [(at, row[list(CRM_COLUMNS)].rename(index=CRM_COLUMNS)) for at, row in sheet.extra]
    return sheet


def reverse(sheet: Sheet, n: int, where: pd.Series) -> None:
    """Let n won deals close ten days before they were created: kept as revenue, lost for durations."""
    for row in sheet.pick(n, where):
        start = pd.to_datetime(sheet.frame.loc[row, "created_at"], format=CRM_DATE)
        sheet.frame.loc[row, "closed_at"] = f"{start - pd.Timedelta(days=10):{CRM_DATE}}"
        sheet.odd["closed_before_start"] += 1


def splits_sheet(rng: np.random.Generator, deals: pd.DataFrame) -> Sheet:
    """Seventy shared deals; the shares of two of them do not sum to 1."""
    shared = deals.loc[np.sort(rng.choice(len(deals), size=70, replace=False)), ["opportunity_id", "rep_id"]]
    rows = []
    for place, (deal, owner) in enumerate(shared.itertuples(index=False)):
        first, second = ("0.7", "0.3") if rng.random() < 0.5 else ("0.5", "0.5")
        if place in (20, 45):
            first, second = "0.6", "0.5"
        helper = next(r.rep_id for r in (world.REPS[int(i)] for i in rng.permutation(14)) if r.rep_id != owner)
        rows += [(deal, owner, first), (deal, helper, second)]
    sheet = Sheet(pd.DataFrame(rows, columns=["opportunity_id", "rep_id", "share"]), rng)
    sheet.lost["splits_not_one"] = 4
    return sheet


def history_sheet(rng: np.random.Generator, history: pd.DataFrame) -> Sheet:
    """Stage entries; three belong to a deal that is not in the export."""
    sheet = Sheet(history, rng)
    sheet.lose("bad_date", "entered_at", ["?", "2025-04-31 09:00:00"])
    sheet.oddity("unknown_opportunity", "opportunity_id", ["O99901", "O99901", "O99902"])
    return sheet


def subscriptions_sheet(market: Market) -> Sheet:
    """One row per price of a contract."""
    frame = pd.DataFrame(market.subscriptions).sort_values(["started_on", "subscription_id"], kind="stable")
    frame["started_on"], frame["ended_on"] = text(frame["started_on"], "%Y-%m-%d"), text(frame["ended_on"], "%Y-%m-%d")
    frame["mrr"] = [plain(value) for value in frame["mrr"]]
    sheet = Sheet(frame, market.rng)
    ended = sheet.frame["ended_on"].ne("")
    sheet.repeat(2)
    sheet.lose("bad_number", "mrr", ["gratis"], ended)
    sheet.lose("no_rate", "currency", ["CHF"], ended)
    for row in sheet.pick(2, ended):
        start = pd.Timestamp(str(sheet.frame.loc[row, "started_on"]))
        sheet.frame.loc[row, "ended_on"] = f"{start - pd.Timedelta(days=30):%Y-%m-%d}"
        sheet.lost["ended_before_start"] += 1
    return sheet


def orders_sheet(market: Market) -> Sheet:
    """One-off sales; `refund` counts the negative amounts."""
    sheet = Sheet(office.orders(market), market.rng)
    sheet.odd["refund"] = int(sheet.frame["amount"].str.startswith("-").sum())
    sale = ~sheet.frame["amount"].str.startswith("-")
    sheet.repeat(3)
    sheet.lose("bad_number", "amount", ["1.2O0,00", "b/d"], sale)
    sheet.lose("bad_date", "ordered_at", ["2025-06-31 11:00:00"], sale)
    sheet.oddity("null_owner", "rep_id", [""] * 9, sale)
    return sheet


def emails_sheet(market: Market) -> Sheet:
    """Messages of twelve campaigns."""
    sheet = Sheet(office.emails(market), market.rng)
    sheet.repeat(6)
    sheet.conflict(1, "bounced", "true")
    sheet.lose("bad_date", "sent_at", ["1900-00-00", "(null)", "wczoraj"])
    return sheet


def costs_sheet(rng: np.random.Generator) -> Sheet:
    """Costs by month, category and channel."""
    sheet = Sheet(office.costs(rng), rng)
    sheet.odd["unattributed"] = int(sheet.frame["channel"].eq("").sum())
    attributed = sheet.frame["channel"].ne("")
    sheet.lose("unknown_value", "category", ["PR"], attributed)
    sheet.lose("bad_number", "amount", ["ok. 9 tys."], attributed)
    return sheet


def targets_sheet(rng: np.random.Generator) -> Sheet:
    """Targets by month, quarter and year."""
    sheet = Sheet(office.targets(rng), rng)
    sheet.lose("unknown_value", "metric", ["profit"], sheet.frame["scope"].eq("rep"))
    sheet.odd["later_valid_from"] = int(sheet.frame["valid_from"].eq("2026-03-20").sum())
    return sheet


def tasks_sheet(rng: np.random.Generator, work: pd.DataFrame) -> Sheet:
    """To-dos with points."""
    frame = work.copy()
    for column in ("created_at", "completed_at", "cancelled_at"):
        frame[column] = text(frame[column])
    frame["due_on"] = text(frame["due_on"], "%Y-%m-%d")
    sheet = Sheet(frame, rng)
    done = sheet.frame["completed_at"].ne("")
    sheet.odd["null_owner"] = int(sheet.frame["rep_id"].eq("").sum())
    sheet.repeat(2)
    sheet.lose("bad_date", "due_on", ["jutro", "2026-02-29"])
    for row in sheet.pick(3, done):
        start = pd.Timestamp(str(sheet.frame.loc[row, "created_at"]))
        sheet.frame.loc[row, "completed_at"] = f"{start - pd.Timedelta(days=2)}"
        sheet.odd["completed_before_created"] += 1
    sheet.oddity("newline_in_text", "title", ["Wysłać ofertę,\nwersja „B”", "Zadzwonić:\nczy doszło?",
                                              "Zapytać o \"pilne\"\nzamówienie; potwierdzić"])
    return sheet


def activities_sheet(rng: np.random.Generator, work: pd.DataFrame, leads: pd.DataFrame) -> Sheet:
    """Calls, meetings, notes, stage moves."""
    sheet = Sheet(office.activities(rng, work, leads), rng)
    sheet.repeat(2)
    sheet.lose("missing_value", "rep_id", ["", ""])
    return sheet


def notifications_sheet(rng: np.random.Generator) -> Sheet:
    """Notifications, cleared and not."""
    sheet = Sheet(office.notifications(rng), rng)
    sheet.lose("missing_value", "rep_id", [""])
    return sheet


def rates_sheet(rng: np.random.Generator) -> Sheet:
    """Weekly rates of the euro and the dollar; there is none for the franc."""
    sheet = Sheet(weekly_rates(rng, "2021-12-27", "2026-06-30", {"EUR": 4.55, "USD": 4.05}), rng)
    sheet.lose("bad_number", "rate", ["-"])
    return sheet
