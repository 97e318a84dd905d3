"""Random companies through the whole way, from CSV files to the KPI table, against a plain second
computation.
"""

import math
import random
from datetime import date, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from analysis.company import Company
from analysis.kpi_table import identities, kpi_table
from companies import make_company
from reference import reference

AS_OF = date(2026, 3, 17)


class Maker:
    """A seeded company with the awkward things of real exports, on and around the first and last days of
    months.
    """

    def __init__(self, seed: int):
        self.r = random.Random(seed)
        self.reps = [f"R{i}" for i in range(self.r.randint(1, 5))]
        self.buyers = [f"{i:05d}" for i in range(self.r.randint(2, 25))]

    def some(self, values, none=0.1):
        return "" if self.r.random() < none else self.r.choice(values)

    def day(self, first=date(2024, 9, 20), last=AS_OF) -> date:
        day = first + timedelta(days=self.r.randint(0, (last - first).days))
        edge = self.r.random()
        if edge < 0.2:
            return max(first, day.replace(day=1))
        return (
            min(last, day.replace(day=1) - timedelta(days=1))
            if edge < 0.4 and day.replace(day=1) > first
            else day
        )

    def instant(self, day: date) -> str:
        return f"{day}T{self.r.randint(0, 23):02d}:{self.r.randint(0, 59):02d}:{self.r.randint(0, 59):02d}"

    def later(self, day: date, days: int) -> date:
        return min(AS_OF, day + timedelta(days=self.r.randint(0, days)))

    def money(self) -> str:
        return f"{self.r.choice([100, 999.99, 0.01, 1234.5, 0.1, 0.2, 70000]) * self.r.randint(1, 9):.2f}"

    def tables(self) -> dict[str, str]:
        return {
            name: csv(getattr(self, name)())
            for name in (
                "rep_rows",
                "customer_rows",
                "lead_rows",
                "deal_rows",
                "split_rows",
                "subscription_rows",
                "order_rows",
                "mail_rows",
                "cost_rows",
                "stage_rows",
                "target_rows",
                "task_rows",
                "activity_rows",
                "notification_rows",
            )
        }

    def rep_rows(self):
        for rep in self.reps:
            started = self.day() if self.r.random() < 0.4 else ""
            ended = self.later(started, 300) if started and self.r.random() < 0.3 else ""
            yield {
                "rep_id": rep,
                "name": rep,
                "team": self.some(["North", "South"], 0.2),
                "started_on": started,
                "ended_on": ended,
            }

    def customer_rows(self):
        for buyer in self.buyers:
            yield {
                "customer_id": buyer,
                "segment": self.some(["small", "large"], 0.2),
                "channel": self.some(["web", "fair", "call"]),
                "rep_id": self.some(self.reps),
                "acquired_on": self.some([self.day()], 0.3),
            }

    def lead_rows(self):
        self.leads = {}
        timed = self.r.random() < 0.5
        for i in range(self.r.randint(0, 40)):
            created = self.day()
            self.leads[f"L{i}"] = created
            born = self.instant(created) if timed else created
            contact = self.later(created, self.r.choice([1, 90]))
            contact = max(born, self.instant(contact)) if timed else contact
            named = self.some([f"D{self.r.randint(0, 90)}"], 0.7)  # a deal, or none that is in the data
            yield {
                "lead_id": f"L{i}",
                "created_at": born,
                "channel": self.some(["web", "fair", "call"]),
                "rep_id": self.some(self.reps),
                "first_contact_at": self.some([contact], 0.5),
                "qualified_at": self.some([self.later(created, 90)], 0.3) if named else "",
                "opportunity_id": named,
            }

    def deal_rows(self):
        self.deals, self.begun = [], {}
        timed = self.r.random() < 0.5
        for i in range(self.r.randint(1, 60)):
            lead = self.some(list(self.leads), 0.4) if self.leads else ""
            created = self.later(self.leads[lead], 60) if lead else self.day()
            outcome = self.r.choice(["won", "won", "lost", "open"])
            closed = "" if outcome == "open" else self.later(created, 200)
            self.deals.append(f"D{i}")
            self.begun[f"D{i}"] = created
            start = self.later(created, 3)
            contact = min(start, closed) if closed else start
            yield {
                "opportunity_id": f"D{i}",
                "outcome": outcome,
                "created_at": f"{created}T00:00:01" if timed else created,
                "first_contact_at": "" if timed or self.r.random() < 0.5 else contact,
                "closed_at": f"{closed}T23:59:59" if timed and closed else closed,
                "amount": self.some([self.money()]),
                "units": self.r.randint(0, 9),
                "stage": self.some(["first", "second", "third", "closed"], 0.3),
                "customer_id": self.some(self.buyers),
                "lead_id": lead,
                "rep_id": self.some([*self.reps, "stranger"]),
                "channel": self.some(["web", "fair", "call"]),
            }

    def split_rows(self):
        shares = [["0.5", "0.5"], ["0.25", "0.75"], ["1"], ["0.333333", "0.333333", "0.333334"]]
        for deal in self.deals:
            cut = self.r.choice(shares)
            if self.r.random() < 0.2 and len(cut) <= len(self.reps):
                for rep, share in zip(self.r.sample(self.reps, len(cut)), cut, strict=True):
                    yield {"opportunity_id": deal, "rep_id": rep, "share": share}

    def subscription_rows(self):
        for i in range(self.r.randint(1, 50)):
            start = self.day()
            end = start + timedelta(days=self.r.randint(0, 200)) if self.r.random() < 0.6 else ""
            yield {
                "subscription_id": f"S{i}",
                "customer_id": self.r.choice(self.buyers),
                "started_on": start,
                "ended_on": end,
                "mrr": self.r.choice(["0", "10", "10.5", "99.99", "250"]),
            }

    def order_rows(self):
        for i in range(self.r.randint(1, 80)):
            sign = self.r.choice(["", "", "", "-"])
            yield {
                "order_id": f"O{i}",
                "customer_id": self.some(self.buyers),
                "ordered_at": self.instant(self.day()),
                "amount": sign + self.money(),
                "channel": self.some(["web", "fair"]),
                "rep_id": self.some(self.reps),
            }

    def mail_rows(self):
        for i in range(self.r.randint(0, 60)):
            sent = self.day()
            bounced = self.r.random() < 0.1
            opened = "" if bounced or self.r.random() < 0.5 else self.instant(self.later(sent, 9))
            yield {
                "email_id": f"E{i}",
                "campaign_id": self.some(["spring", "autumn"]),
                "variant": self.some(["A", "B"]),
                "rep_id": self.some(self.reps),
                "sent_at": self.instant(sent),
                "bounced": bounced,
                "opened_at": opened,
                "machine_open": bool(opened) and self.r.random() < 0.4,
                "clicked_at": opened if self.r.random() < 0.3 else "",
                "unsubscribed_at": "",
            }

    def cost_rows(self):
        for i in range(self.r.randint(0, 30)):
            yield {
                "month": self.day().replace(day=1),
                "category": self.r.choice(["marketing", "advertising", "salaries", "other"]),
                "channel": self.some(["web", "fair", "call"], 0.3),
                "amount": f"{i + 0.37:.2f}",
            }

    def target_rows(self):
        """Targets of all scopes, dense enough to tile, some revised, some that fit no period of the year."""
        months = [date(2025 + m // 12, m % 12 + 1, 1) for m in range(18)]
        known = {}
        for month in months:
            for period, every in (("month", 1), ("quarter", 3), ("year", 12)):
                for scope, whom in (
                    ("company", [""]),
                    ("team", ["North", "West"]),
                    ("rep", [*self.reps, ""]),
                ):
                    for who in whom if month.month % every == 1 % every else []:
                        for metric in ("revenue", "units", "new_accounts"):
                            for valid in ["", self.day()] if self.r.random() < 0.2 else [""]:
                                if self.r.random() < (0.8 if period == "month" else 0.2):
                                    key = metric, scope, who, month, period, valid
                                    known[key] = self.r.choice(["0", "7", "1500.5", "250000"])
        for key, target in known.items():
            names = ("metric", "scope", "scope_id", "period_start", "period", "valid_from")
            yield {**dict(zip(names, key, strict=True)), "target": target}

    def stage_rows(self):
        """Some deals' stages, forth and back, at times two in one moment; and those of a deal nobody has."""
        entries = set()
        for deal, begun in [*self.begun.items(), ("ghost", self.day())]:
            for _ in range(self.r.choice([0, 0, 1, 2, 3, 4])):
                day = self.later(begun, 120)
                at = self.some([self.instant(day)], 0.6) or str(day)
                entries.add((deal, self.r.choice(["first", "second", "third", "on hold"]), at))
        for deal, stage, at in sorted(entries):
            yield {"opportunity_id": deal, "stage": stage, "entered_at": at}

    def lately(self) -> date:
        """A day of the last weeks, or of any time."""
        return self.day(AS_OF - timedelta(days=self.r.choice([15, 100, 500])))

    def task_rows(self):
        self.tasks = [f"T{i}" for i in range(self.r.randint(20, 80))]
        timed = self.r.random() < 0.5
        for task in self.tasks:
            created = self.lately()
            done = self.some([self.later(created, self.r.choice([3, 120]))], 0.3)
            yield {
                "task_id": task,
                "rep_id": self.some([*self.reps, "stranger"]),
                "created_at": self.instant(created) if timed else created,
                "due_on": self.some([created + timedelta(days=self.r.randint(-2, 40))], 0.2),
                "completed_at": f"{done}T23:59:59" if timed and done else done,
                "cancelled_at": self.some([self.later(created, 60)], 0.8),
                "points": self.some(["0.5", "1", "2", "3.1"], 0.3),
                "lead_id": self.some(list(self.leads) or [""], 0.7),
                "opportunity_id": self.some(self.deals, 0.7),
            }

    def activity_rows(self):
        for i in range(self.r.randint(30, 120)):
            yield {
                "activity_id": f"A{i}",
                "rep_id": self.r.choice([*self.reps, "stranger"]),
                "at": self.instant(self.lately()),
                "kind": self.some(["call", "meeting"]),
                "task_id": self.some([*self.tasks[:20], "ghost"], 0.3),
                "lead_id": self.some(list(self.leads) or [""], 0.7),
                "opportunity_id": self.some(self.deals, 0.7),
            }

    def notification_rows(self):
        for i in range(self.r.randint(20, 60)):
            created = self.lately()
            cleared = self.some([self.later(created, self.r.choice([0, 20, 200]))], 0.3)
            yield {
                "notification_id": f"N{i}",
                "rep_id": self.r.choice([*self.reps, "stranger"]),
                "created_at": f"{created}T00:00:00",
                "cleared_at": cleared and f"{cleared}T23:59:59",
            }


NAMES = {
    "rep_rows": "reps",
    "customer_rows": "customers",
    "lead_rows": "leads",
    "deal_rows": "opportunities",
    "split_rows": "opportunity_splits",
    "subscription_rows": "subscriptions",
    "order_rows": "orders",
    "mail_rows": "emails",
    "cost_rows": "costs",
    "stage_rows": "stage_history",
    "target_rows": "targets",
    "task_rows": "tasks",
    "activity_rows": "activities",
    "notification_rows": "notifications",
}


def csv(rows) -> str:
    rows = list(rows)
    return (
        "\n".join([",".join(rows[0]), *(",".join(str(v) for v in row.values()) for row in rows)])
        if rows
        else ""
    )


def plain_rows(company: Company, table: str) -> list[dict]:
    """Checked rows of a table as plain Python: an instant that is only a day becomes a date."""
    frame = company.table(table).to_pandas()
    rows = []
    for record in frame.to_dict("records"):
        row = {}
        for column, value in record.items():
            if pd.isna(value):
                value = None
            elif isinstance(value, pd.Timestamp):
                value = value.to_pydatetime()
                only_day = (
                    pd.isna(record[f"{column}_utc"])
                    if f"{column}_utc" in record
                    else not column.endswith("_utc")
                )
                value = (
                    value.date()
                    if only_day and value == datetime.combine(value.date(), datetime.min.time())
                    else value
                )
            elif not isinstance(value, str | bool | date):
                value = float(value)
            row[column] = value
        rows.append(row)
    return rows


def compare(company: Company, params: dict) -> int:
    """Holds every value of the KPI table that the reference knows against it, both ways; returns how many."""
    kpis = kpi_table(company)
    tables = {t: plain_rows(company, t) for t in NAMES.values() if company.has(t)}
    want = reference(tables, params, company.as_of, company.first_event)
    keys = zip(
        kpis["kpi"],
        kpis["grain"],
        kpis["period_start"].dt.date,
        kpis["dimension"],
        kpis["member"],
        strict=True,
    )
    got = dict(zip(keys, kpis["value"], strict=True))
    wrong = []
    for key, value in want.items():
        have = got.get(key, "no row")
        if have == "no row" and key[3]:
            if value:  # a breakdown may leave out a member without rows
                wrong.append((key, value, have))
        elif value is None:
            if have == "no row" or not math.isnan(have):
                wrong.append((key, value, have))
        elif have == "no row" or not math.isclose(have, value, rel_tol=1e-9, abs_tol=1e-6):
            wrong.append((key, value, have))
    known = {(kpi, dim) for kpi, _, _, dim, _ in want}
    wrong += [
        (k, "no row", v)
        for k, v in got.items()
        if (k[0], k[3]) in known and k not in want and v and not math.isnan(v)
    ]
    assert not wrong, f"{len(wrong)} of {len(want)} differ, first: " + "\n".join(map(str, wrong[:12]))
    assert set(identities(company, kpis)["status"]) == {"holds"}
    return len(want)


PARAMS = [
    {
        "churn": {"basis": "subscriptions"},
        "revenue_from": "opportunities",
        "gross_margin": 0.5,
        "fiscal_year_start": 4,
        "country": "PL",
    },
    {
        "churn": {"basis": "orders", "inactive_days": 45},
        "revenue_from": "orders",
        "gross_margin": 0.3,
        "history_months": 9,
    },
]

STAGES = [["first", "second", "third"], ["third", "first"], []]


@pytest.mark.parametrize("seed", range(10))
def test_a_random_company_gives_what_plain_loops_give(tmp_path: Path, seed: int):
    params = {
        **PARAMS[seed % 2],
        "channels": {"web": "inbound", "fair": "outbound"},
        "stages": STAGES[seed % 3],
    }
    tables = {NAMES[k]: text for k, text in Maker(seed).tables().items() if text}
    company = make_company(tmp_path, tables, as_of=str(AS_OF), timezone="UTC", **params)
    assert len(company.quarantine) == 0, company.quarantine.to_string()
    assert compare(company, params) > 500
