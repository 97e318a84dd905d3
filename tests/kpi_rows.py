"""Hand-made pieces of the KPI table for the tests of charts and tables."""

from datetime import date

import pandas as pd

from analysis.glossary import KPIS, unit_of
from analysis.labels import Labels

STEP = {"month": 1, "quarter": 3, "year": 12}


def labels(**changes) -> Labels:
    """An English company in euros as of 30 June 2026, with two salespeople."""
    people = {"r1": "Ann", "r2": "Bob"}
    given = {"locale": "en_US", "currency": "EUR", "as_of": date(2026, 6, 30), "people": people}
    return Labels(**(given | changes))


def row(kpi: str, start: str, value: float | None = None, by: str = "", member: str = "", **more) -> dict:
    """One row of the KPI table; status and reason follow from the value unless given."""
    grain = more.pop("grain", "month")
    first = pd.Timestamp(start)
    none = value is None
    return {
        "company": "test",
        "kpi": kpi,
        "grain": grain,
        "period_start": first,
        "period_end": first + pd.DateOffset(months=STEP[grain]),
        "dimension": by,
        "member": member,
        "value": float("nan") if none else float(value),
        "unit": unit_of(KPIS[kpi], "EUR"),
        "status": "undefined" if none else "ok",
        "reason": "no_denominator" if none else "",
        "numerator": float("nan"),
        "denominator": float("nan"),
        "n": float("nan"),
        "low": float("nan"),
        "high": float("nan"),
    } | more


def table(*found: dict) -> pd.DataFrame:
    """Rows as one KPI table."""
    return pd.DataFrame(list(found))


def months(kpi: str, values: list[float | None], first: str = "2026-01-01", **more) -> list[dict]:
    """A row per month from `first` on."""
    starts = pd.date_range(first, periods=len(values), freq="MS")
    return [row(kpi, str(start.date()), value, **more) for start, value in zip(starts, values, strict=True)]
