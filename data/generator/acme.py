"""Acme Instruments: a Polish firm that rents out measuring instruments by subscription (all tables)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from . import acme_office as office
from . import acme_sheets as sheets
from . import acme_world as world
from .acme_sales import SIGMA, simulate
from .common import Sheet, awake, text, write

SEED = 20260630
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
    tables = {
        "reps": sheets.reps_sheet(rng),
        "customers": sheets.customers_sheet(market),
        "leads": sheets.leads_sheet(rng, leads, deals),
        "deals_export": sheets.deals_sheet(rng, deals),
        "opportunity_splits": sheets.splits_sheet(rng, deals),
        "stage_history": sheets.history_sheet(rng, history),
        "subscriptions": sheets.subscriptions_sheet(market),
        "orders": sheets.orders_sheet(market),
        "emails": sheets.emails_sheet(market),
        "costs": sheets.costs_sheet(rng),
        "targets": sheets.targets_sheet(rng),
        "tasks": sheets.tasks_sheet(rng, work),
        "activities": sheets.activities_sheet(rng, work, leads),
        "notifications": sheets.notifications_sheet(rng),
        "rates": sheets.rates_sheet(rng),
        "annotations": Sheet(pd.DataFrame(ANNOTATIONS, columns=["date", "text", "end", "kpi"]), rng),
    }
    truths = write(folder, tables)
    truths["opportunities"] = truths.pop("deals_export")
    return {
        "as_of": f"{world.END:%Y-%m-%d}",
        "generator": parameters(),
        "tables": dict(sorted(truths.items())),
    }


def parameters() -> dict[str, Any]:
    """The true parameters: what an ideal analysis of these files would find."""
    return {
        "seed": SEED,
        "growth_a_month": world.GROWTH,
        "season": list(world.SEASON),
        "reps": {
            rep.rep_id: {
                "win_probability": rep.win,
                "median_cycle_days": rep.cycle,
                "churn_hazard_a_month": rep.churn,
            }
            for rep in world.REPS
        },
        "cycle_sigma": SIGMA,
        "channels": {
            name: {"share": c.share, "qualify_if_contacted": c.qualify, "win_factor": c.win}
            for name, c in world.CHANNELS.items()
        },
        "segments": {
            name: {"share": s.share, "win_factor": s.win, "cycle_factor": s.cycle, "churn_factor": s.churn}
            for name, s in world.SEGMENTS.items()
        },
        "subscriptions": {
            "expansion_hazard_a_month": world.EXPANSION,
            "contraction_hazard_a_month": world.CONTRACTION,
            "win_back": world.WIN_BACK,
            "renewal_won": world.RENEWAL_WON,
        },
        "never_contacted": 0.11,
        "emails": {
            "machine_open": office.MACHINE,
            "bounced": 0.025,
            "open_rate": {c.campaign_id: dict(c.rates) for c in office.CAMPAIGNS},
        },
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
            at = awake(
                (deal.created_at + step * (stage + (rng.uniform(-0.3, 0.3) if stage else 0))).floor("s")
            )
            if at <= last:
                rows.append((deal.opportunity_id, world.STAGES[stage], at))
            if stage == 3 and rng.random() < 0.03:
                rows.append((deal.opportunity_id, "proposal", awake(at + (last - at) * 0.3)))
    frame = pd.DataFrame(rows, columns=["opportunity_id", "stage", "entered_at"])
    frame["entered_at"] = text(frame["entered_at"].clip(upper=world.END))
    return frame
