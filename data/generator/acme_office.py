"""Acme Instruments' office side: orders, e-mails, costs, targets, tasks, activities, notifications."""

from __future__ import annotations

import numpy as np
import pandas as pd

from . import acme_world as world
from .acme_sales import Market
from .common import awake, days, later, office_hour, plain, text
from .mailing import Campaign, messages

CAMPAIGNS = (
    Campaign(
        "2024-07-lato",
        "2024-07-09",
        {"A": "Przegląd przed sezonem", "B": "Czy Twoje sondy są gotowe na lato?"},
        {"A": 0.21, "B": 0.27},
        330,
    ),
    Campaign("2024-09-targi", "2024-09-10", {"A": "Spotkajmy się na targach"}, {"A": 0.30}, 340),
    Campaign(
        "2024-11-audyt",
        "2024-11-05",
        {"A": "Audyt za nami?", "B": "5 błędów przed audytem"},
        {"A": 0.19, "B": 0.29},
        380,
    ),
    Campaign(
        "2025-01-cennik",
        "2025-01-14",
        {"A": "Nowy cennik", "B": "Cennik 2025: co się zmienia"},
        {"A": 0.35, "B": 0.34},
        400,
    ),
    Campaign(
        "2025-03-webinar",
        "2025-03-11",
        {"A": "Webinar: kalibracja w praktyce", "B": "Kalibracja w praktyce – zapisz się"},
        {"A": 0.24, "B": 0.25},
        420,
    ),
    Campaign("2025-05-pro", "2025-05-13", {"A": "Poznaj plan Pro"}, {"A": 0.22}, 420),
    Campaign(
        "2025-07-serwis",
        "2025-07-08",
        {"A": "Serwis w wakacje", "B": "Przerwa? Wykorzystaj ją na serwis"},
        {"A": 0.17, "B": 0.23},
        430,
    ),
    Campaign(
        "2025-09-targi",
        "2025-09-09",
        {"A": "Targi: stoisko C12", "B": "Zapraszamy na kawę, stoisko C12"},
        {"A": 0.26, "B": 0.31},
        450,
    ),
    Campaign("2025-11-raporty", "2025-11-04", {"A": "Raporty jednym kliknięciem"}, {"A": 0.25}, 450),
    Campaign(
        "2026-01-cennik",
        "2026-01-13",
        {"A": "Cennik 2026", "B": "Ceny na 2026 r.: sprawdź swoją"},
        {"A": 0.33, "B": 0.36},
        460,
    ),
    Campaign(
        "2026-04-wiosna",
        "2026-04-14",
        {"A": "Wiosenna kalibracja", "B": "Kiedy ostatnio kalibrowano pH?"},
        {"A": 0.20, "B": 0.28},
        470,
    ),
    Campaign(
        "2026-06-lato",
        "2026-06-29",
        {"A": "Lato bez przestojów", "B": "3 kroki do lata bez przestojów"},
        {"A": 0.23, "B": 0.26},
        480,
    ),
)
MACHINE = 0.22
TITLES = (
    "Zadzwonić do klienta",
    "Wysłać ofertę",
    "Przygotować prezentację",
    "Umówić wizytę serwisu",
    "Sprawdzić warunki umowy",
    "Uzupełnić dane w CRM",
    "Odpowiedzieć na reklamację",
    "Wysłać próbki",
)
KINDS = ("call", "meeting", "email", "note", "stage")
#: monthly budget in PLN at the start, by category and channel ("" is unattributed)
BUDGET = {
    ("advertising", "search"): 14000,
    ("advertising", "billboard"): 9000,
    ("marketing", "newsletter"): 2600,
    ("marketing", "webinar"): 4800,
    ("marketing", "trade_fair"): 8500,
    ("salaries", "cold_call"): 21000,
    ("salaries", ""): 46000,
    ("other", ""): 5200,
}


def orders(market: Market) -> pd.DataFrame:
    """One-off sales to paying customers, most with a cost; about one in thirty is refunded."""
    rng, rows = market.rng, []
    buyers = [account for account in market.accounts if account.acquired is not None]
    for day in days(rng, world.FIRST, world.END.normalize(), 820, world.GROWTH, world.SEASON):
        ready = [a for a in buyers if a.acquired is not None and a.acquired < day]
        account = ready[int(rng.integers(len(ready)))]
        amount = rng.lognormal(np.log(1400), 0.8)
        cost = plain(amount * rng.uniform(0.35, 0.6)) if rng.random() < 0.93 else ""
        row = {
            "customer_id": account.customer_id,
            "ordered_at": office_hour(rng, day),
            "amount": plain(amount),
            "cost": cost,
            "currency": "",
            "channel": account.channel if rng.random() < 0.9 else "",
            "rep_id": account.rep_id,
        }
        rows.append(row)
        back = later(rng, pd.Timestamp(row["ordered_at"]), float(rng.integers(3, 30)))
        if rng.random() < 0.033 and back <= world.END:
            rows.append(
                row | {"ordered_at": back, "amount": f"-{row['amount']}", "cost": cost and f"-{cost}"}
            )
    frame = pd.DataFrame(rows)
    frame = frame[frame["ordered_at"] <= world.END].sort_values("ordered_at", kind="stable")
    frame["ordered_at"] = text(frame["ordered_at"])
    frame.insert(0, "order_id", [f"Z{i:05d}" for i in range(1, len(frame) + 1)])
    return frame


def emails(market: Market) -> pd.DataFrame:
    """The campaigns, sent by the four managers."""
    boxes = [world.mail_address(a.name, box) for a in market.accounts for box in ("biuro", "zakupy")]
    people = sorted(set(boxes))
    return messages(market.rng, CAMPAIGNS, people, ["R01", "R06", "R09", "R12"], world.END, MACHINE)


def costs(rng: np.random.Generator) -> pd.DataFrame:
    """Costs by month, category and channel; trade fairs cost in March, September and October."""
    rows = []
    for place, month in enumerate(pd.date_range("2024-01-01", "2026-06-01", freq="MS")):
        for (category, channel), base in BUDGET.items():
            factor = {3: 2.2, 9: 3.0, 10: 1.8}.get(month.month, 0.35) if channel == "trade_fair" else 1.0
            amount = base * factor * (1 + 0.006) ** place * rng.lognormal(0, 0.06)
            rows.append(
                {
                    "month": f"{month:%Y-%m-%d}",
                    "category": category,
                    "channel": channel,
                    "amount": plain(amount),
                    "currency": "",
                }
            )
    return pd.DataFrame(rows)


def targets(rng: np.random.Generator) -> pd.DataFrame:
    """Targets of the company, the teams and the reps; 2026 was revised upwards on 20 March 2026."""
    rows: list[dict[str, object]] = []
    teams = sorted({rep.team for rep in world.REPS})
    for year, base in ((2024, 205_000), (2025, 370_000), (2026, 400_000)):
        before = f"{year - 1}-12-15"
        for month in range(1, 13):
            whole = base * world.SEASON[month - 1] * (1 + 0.01 * month)
            start = f"{year}-{month:02d}-01"
            month_targets(rows, start, whole, before)
            if year == 2026 and month > 3:
                add(rows, "revenue", "company", "", start, "month", whole * 1.08, "2026-03-20")
        for quarter in range(4):
            start = f"{year}-{quarter * 3 + 1:02d}-01"
            whole = base * sum(world.SEASON[quarter * 3 : quarter * 3 + 3]) * (1.02 + 0.03 * quarter)
            add(rows, "revenue", "company", "", start, "quarter", whole, before)
            add(rows, "units", "company", "", start, "quarter", whole / 3900, before)
            for team in teams:
                add(rows, "new_accounts", "team", team, start, "quarter", int(rng.integers(7, 14)), before)
                add(rows, "units", "team", team, start, "quarter", whole / 15600, before)
            for rep in on_the_list(start):
                add(rows, "new_accounts", "rep", rep, start, "quarter", int(rng.integers(2, 5)), before)
                add(rows, "units", "rep", rep, start, "quarter", whole / 48000, before)
        add(rows, "revenue", "company", "", f"{year}-01-01", "year", base * 12.3, before)
    add(rows, "revenue", "company", "", "2026-01-01", "year", 400_000 * 12.3 * 1.06, "2026-03-20")
    return pd.DataFrame(rows)


def month_targets(rows: list[dict[str, object]], start: str, whole: float, valid_from: str) -> None:
    """The month's revenue and new accounts: company, teams, and reps with five per cent on top."""
    add(rows, "revenue", "company", "", start, "month", whole, valid_from)
    add(rows, "new_accounts", "company", "", start, "month", round(whole / 30_000), valid_from)
    loads = {rep: world.BY_ID[rep].load for rep in on_the_list(start)}
    everybody = sum(loads.values())
    for team in sorted({rep.team for rep in world.REPS}):
        share = sum(load for rep, load in loads.items() if world.BY_ID[rep].team == team) / everybody
        add(rows, "revenue", "team", team, start, "month", whole * share, valid_from)
    for rep, load in loads.items():
        add(rows, "revenue", "rep", rep, start, "month", whole * 1.05 * load / everybody, valid_from)


def add(
    rows: list[dict[str, object]],
    metric: str,
    scope: str,
    scope_id: str,
    start: str,
    period: str,
    target: float,
    valid_from: str,
) -> None:
    """One target; revenue is set in hundreds, the rest in whole pieces."""
    value = round(target, -2) if metric == "revenue" else max(1, round(target))
    rows.append(
        {
            "metric": metric,
            "scope": scope,
            "scope_id": scope_id,
            "period_start": start,
            "period": period,
            "target": str(int(value)),
            "valid_from": valid_from,
        }
    )


def on_the_list(start: str) -> list[str]:
    """The reps on duty when a period begins."""
    return [rep.rep_id for rep in world.REPS if world.on_duty(rep, pd.Timestamp(start))]


def tasks(market: Market, deals: pd.DataFrame) -> pd.DataFrame:
    """To-dos of the last year, most of them done; the rest overdue, open or cancelled."""
    rng, rows = market.rng, []
    for day in days(rng, pd.Timestamp("2025-07-01"), world.END.normalize(), 1300, 0.01, world.SEASON):
        team = on_the_list(f"{day:%Y-%m-%d}")
        rep = team[int(rng.integers(len(team)))]
        created = office_hour(rng, day)
        due = created.normalize() + pd.Timedelta(days=int(rng.integers(1, 15)))
        done = later(rng, created, rng.lognormal(np.log(4), 0.9))
        fate = rng.random()
        title = TITLES[int(rng.integers(len(TITLES)))]
        mine = deals.loc[deals["rep_id"].eq(rep) & deals["created_at"].le(created), "opportunity_id"]
        rows.append(
            {
                "rep_id": rep if rng.random() > 0.01 else "",
                "title": title,
                "created_at": created,
                "due_on": due if rng.random() > 0.05 else pd.NaT,
                "completed_at": done if fate < 0.86 and done <= world.END else pd.NaT,
                "cancelled_at": done if fate > 0.95 and done <= world.END else pd.NaT,
                "points": int(rng.choice((1, 2, 3, 5, 8), p=(0.3, 0.3, 0.2, 0.15, 0.05))),
                "lead_id": "",
                "opportunity_id": mine.iloc[int(rng.integers(len(mine)))] if len(mine) and fate < 0.7 else "",
            }
        )
    frame = pd.DataFrame(rows)
    frame = frame[frame["created_at"] <= world.END].sort_values("created_at", kind="stable")
    frame.insert(0, "task_id", [f"T{i:05d}" for i in range(1, len(frame) + 1)])
    return frame


def activities(rng: np.random.Generator, work: pd.DataFrame, leads: pd.DataFrame) -> pd.DataFrame:
    """Work on tasks, and the first calls to the leads of the last year."""
    rows = []
    for task in work[work["rep_id"].ne("")].itertuples():
        end = min(stamp for stamp in (task.completed_at, task.cancelled_at, world.END) if not pd.isna(stamp))
        for _ in range(int(rng.integers(1, 4))):
            at = awake((task.created_at + (end - task.created_at) * rng.random()).floor("s"))
            rows.append((task.rep_id, at, KINDS[int(rng.integers(5))], task.task_id, "", task.opportunity_id))
    fresh = leads[leads["first_contact_at"].ge(pd.Timestamp("2025-07-01")) & leads["rep_id"].ne("")]
    for lead in fresh.itertuples():
        rows.append((lead.rep_id, lead.first_contact_at, "call", "", lead.lead_id, ""))
    frame = pd.DataFrame(rows, columns=["rep_id", "at", "kind", "task_id", "lead_id", "opportunity_id"])
    frame = frame.sort_values(["at", "rep_id"], kind="stable")
    frame["at"] = text(frame["at"])
    frame.insert(0, "activity_id", [f"A{i:05d}" for i in range(1, len(frame) + 1)])
    return frame


def notifications(rng: np.random.Generator) -> pd.DataFrame:
    """Things to look at; nine in ten were looked at within hours or days."""
    rows = []
    for day in days(rng, pd.Timestamp("2025-07-01"), world.END.normalize(), 620, 0.01, world.SEASON):
        team = on_the_list(f"{day:%Y-%m-%d}")
        created = office_hour(rng, day)
        cleared = awake(created + pd.Timedelta(seconds=int(rng.lognormal(np.log(9 * 3600), 1.2))))
        seen = rng.random() < 0.92 and cleared <= world.END
        rows.append(
            {
                "rep_id": team[int(rng.integers(len(team)))],
                "created_at": created,
                "cleared_at": cleared if seen else pd.NaT,
            }
        )
    frame = pd.DataFrame(rows)
    frame = frame[frame["created_at"] <= world.END].sort_values("created_at", kind="stable")
    frame["created_at"], frame["cleared_at"] = text(frame["created_at"]), text(frame["cleared_at"])
    frame.insert(0, "notification_id", [f"N{i:04d}" for i in range(1, len(frame) + 1)])
    return frame
