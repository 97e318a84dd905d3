"""What the portfolio knows of a company: the same few KPIs of every one, in `summary.json` of its report.

Words are left out of it (statuses, reasons and trends are codes), so that a page in any language can be made
of it; figures are there as numbers and as the company's own locale writes them. It names nobody.
"""

import json
from datetime import date
from math import isfinite
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.company import Company
from analysis.glossary import KPIS
from analysis.labels import Labels
from analysis.report.files import write_text
from analysis.tables import of_source
from analysis.texts import language
from analysis.views import EMPTY, GROWTH, finest, latest, rows, trend

SUMMARY = "summary.json"
SHOWN = (
    "revenue", "sales_growth_yoy", "attainment_revenue", "win_rate", "new_leads", "lead_conversion_rate",
    "churn_rate", "clv", "cac",
)  # fmt: skip
"""The KPIs that every company is shown with, in this order."""
GRAINS = ("month", "quarter", "year")
LAST = 12  # periods of a trend
DIGITS = 6  # that count, of a figure kept as a number
COARSE = 4  # of one in a trend
LONG = 1_000_000  # an amount from here on is written in millions
LONGEST_NAME = 80


def write_summary(client: Company, kpis: pd.DataFrame, checks: pd.DataFrame, folder: Path) -> Path:
    """Write `summary.json`; `checks` are the identities as `kpi_table.identities` gives them."""
    content = summary(client, kpis, checks)
    return write_text(folder / SUMMARY, json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n")


def summary(client: Company, kpis: pd.DataFrame, checks: pd.DataFrame) -> dict[str, Any]:
    """The company's name, its KPIs (see `one`), how fresh its data are, and what was wrong with them.

    `data_to` is the last day on which anything happened, `rows_read` and `quarantined` are rows of the
    source, `identities` how many sums were checked and how many of them do not add up.
    """
    labels, params = Labels.of(client), client.params
    last, read = client.last_event, of_source(client.ledger)
    with language(params.locale):
        shown = {kpi: one(kpis, labels, kpi) for kpi in SHOWN}
    return {
        "company": params.company,
        "name": short_name(params.name),
        "as_of": client.as_of.isoformat(),
        "currency": params.currency,
        "locale": params.locale,
        "data_to": last.isoformat() if last else "",
        "rows_read": int(read["rows_read"].sum()),
        "quarantined": int(read["quarantined"].sum()),
        "identities": {"checked": int(checks["checked"].sum()), "broken": int(checks["broken"].sum())},
        "kpis": {kpi: {**figures, "basis": basis(client, kpi)} for kpi, figures in shown.items()},
    }


def one(kpis: pd.DataFrame, labels: Labels, kpi: str) -> dict[str, Any]:
    """A KPI in its latest period that is over and settled, and the change from the period before it.

    `value` (null without one, with its `reason`) and `text`, `unit`, `status`, `grain`, `start` of the period
    and its name `period`; `change` and `trend` as `compared` gives them; `n`, and the interval `low`, `high`;
    `series`: the values of the last complete periods up to this one, null where there is none.
    """
    grain = finest(kpis, kpi, grains=GRAINS)
    found = rows(kpis, kpi, grain)
    start = latest(kpis, labels, kpi, grain)
    if start not in set(found["period_start"]):
        reason = "missing_table" if labels.lacking(kpi) else "none_eligible"
        return {
            "value": None,
            "text": labels.value(float("nan"), ""),
            "status": "undefined",
            "reason": reason,
        }
    until = found[found["period_start"] <= start]
    now = until.iloc[-1]
    past = until[:-1][~until[:-1]["reason"].isin(EMPTY)]
    shown = {
        "value": _number(now["value"]),
        "text": _text(labels, now["value"], now["unit"], kpi),
        "unit": now["unit"],
        "status": now["status"],
        "reason": now["reason"],
    }
    if shown["value"] is None:
        return shown
    over = until[until["period_end"].map(labels.is_complete).astype(bool)]
    return {
        **shown,
        "grain": grain,
        "start": _day(start),
        "period": labels.period(_date(start), grain),
        **compared(now, None if past.empty else past.iloc[-1], labels),
        **{name: _number(now[name]) for name in ("n", "low", "high") if _number(now[name]) is not None},
        "series": [_number(value, COARSE) for value in over["value"].tail(LAST)],
    }


def compared(now: pd.Series, before: pd.Series | None, labels: Labels) -> dict[str, str]:
    """The step from one period to the next: its `change` as text and its `trend` (see `views.trend`).

    A figure that still moves or of few cases has none, nor has one without a figure before it; what is a
    change itself has no further one.
    """
    word = trend(now, before) if now["status"] == "ok" and pd.notna(now["value"]) else ""
    if not word:
        return {}
    if before is None or now["kpi"] in GROWTH:
        return {"trend": word}
    change = labels.change(now["value"], before["value"], now["unit"], now["kpi"])
    return {"change": change, "trend": word}


def basis(client: Company, kpi: str) -> str:
    """What else than its formula says what a KPI counts: two companies that differ in it do not compare.

    The table a KPI rests on where the params choose it, and the days without an order after which a
    customer counts as lost.
    """
    spec, params = KPIS[kpi], client.params
    if spec.family == "customers" and not spec.needs:
        days = f" {params.churn.inactive_days}" if params.churn.basis == "orders" else ""
        return f"{params.churn.basis}{days}"
    if spec.family in ("team", "growth") and not spec.needs:
        return params.revenue_from
    return ""


def short_name(name: str) -> str:
    """A company's name on one line, cut where it is longer than anybody reads."""
    plain = " ".join(name.split())
    return plain if len(plain) <= LONGEST_NAME else f"{plain[: LONGEST_NAME - 1]}…"


def _text(labels: Labels, value: float, unit: str, kpi: str) -> str:
    return (labels.short if abs(value) >= LONG else labels.value)(value, unit, kpi)


def _number(value: float, digits: int = DIGITS) -> float | int | None:
    """A figure with the digits that count; whole numbers whole."""
    if pd.isna(value) or not isfinite(value):
        return None
    rounded = float(f"{value:.{digits}g}")
    return int(rounded) if rounded.is_integer() else rounded


def _date(day: pd.Timestamp | date) -> date:
    return day.date() if isinstance(day, pd.Timestamp) else day


def _day(day: pd.Timestamp | date) -> str:
    return _date(day).isoformat()
