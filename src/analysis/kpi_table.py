"""All families into the one tidy table that notebooks, reports and the command line show."""

from collections.abc import Callable, Iterable, Mapping

import numpy as np
import pandas as pd

from analysis import customers, goals, growth, leads, review, team
from analysis.company import Company
from analysis.facts import Facts
from analysis.glossary import KPIS, unit_of
from analysis.identities import identities
from analysis.periods import ALL_GRAINS

__all__ = ["COLUMNS", "FAMILIES", "identities", "kpi_table"]

FAMILIES: Mapping[str, Callable[[Facts], pd.DataFrame]] = {
    "team": team.table,
    "leads": leads.table,
    "growth": growth.table,
    "customers": customers.table,
    "goals": review.table,
}
COLUMNS = [
    "company", "kpi", "grain", "period_start", "period_end", "dimension", "member", "value", "unit", "status",
    "reason", "numerator", "denominator", "n", "low", "high",
]  # fmt: skip
GOALS = "goals"
GRAIN_ORDER = {grain: at for at, grain in enumerate(ALL_GRAINS)}


def kpi_table(company: Company, families: Iterable[str] | None = None) -> pd.DataFrame:
    """Every KPI of the company for every period shown, one row per KPI, period and breakdown member.

    Parameters
    ----------
    company : an opened company
    families : which of team, leads, growth, customers, goals; all by default

    Returns
    -------
    The columns COLUMNS in a fixed order of rows (kpi in the glossary's order, grain, period, breakdown,
    member). `period_end` is exclusive; `value` is null exactly where `status` is undefined, and `reason`
    says why. The same input gives the same bytes when written.

    Raises
    ------
    KeyError
        A family that does not exist.
    """
    facts, chosen = Facts(company), list(families if families is not None else FAMILIES)
    asked = [*chosen, *(goals.families(company) if GOALS in chosen else [])]
    parts = [FAMILIES[family](facts) for family in dict.fromkeys(asked)]
    if GOALS in chosen and not company.params.goals:
        parts.append(goals.no_rows(facts))
    kpis = finished(facts, pd.concat(parts, ignore_index=True))
    if GOALS not in chosen or not company.params.goals:
        return kpis
    kpis = pd.concat([kpis, goal_rows(facts, kpis)], ignore_index=True)  # the glossary ends with them
    if len(parts) == len(chosen):
        return kpis
    return kpis[kpis["kpi"].map(lambda kpi: KPIS[kpi].family).isin(chosen)].reset_index(drop=True)


def goal_rows(facts: Facts, kpis: pd.DataFrame) -> pd.DataFrame:
    """The rows of the KPI table that goals make, which are measured by its other rows."""
    return finished(facts, goals.table(facts, kpis))


def finished(facts: Facts, frame: pd.DataFrame) -> pd.DataFrame:
    """A rows frame (`rows.COLUMNS`) as rows of the KPI table: periods, status, unit, order."""
    company, periods = facts.company, facts.calendar.table(ALL_GRAINS)
    frame = frame.merge(periods, on=["grain", "first_month"], how="inner", validate="m:1")
    frame["status"] = status(frame, company.params.min_n, company.params.maturity_days)
    frame["unit"] = frame["kpi"].map({k: unit_of(spec, company.params.currency) for k, spec in KPIS.items()})
    frame["company"] = company.params.company
    frame["reason"] = frame["reason"].where(frame["status"] == "undefined", "").astype("str")
    for day in ("period_start", "period_end"):
        frame[day] = pd.to_datetime(frame[day]).astype("datetime64[s]")
    return in_order(frame)[COLUMNS]


def status(frame: pd.DataFrame, min_n: int, maturity_days: int) -> np.ndarray:
    """Status of every row: the first that applies of undefined, provisional, small_n, ok."""
    specs = frame["kpi"].map(KPIS)
    settle = np.array([maturity_days if s.cohort else s.settle_days for s in specs])
    provisional = ~frame["complete"] | (frame["age_days"] < settle)
    small = frame["n"] < np.array([max(min_n, s.least_n) for s in specs])
    return np.select(
        [frame["value"].isna(), provisional, small], ["undefined", "provisional", "small_n"], "ok"
    )


def in_order(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows sorted by KPI (glossary order), grain, period, breakdown, member; ages and days as numbers."""
    position = {kpi: at for at, kpi in enumerate(KPIS)}
    counted = frame["dimension"].isin(["age_months", "day"])
    numbers = pd.to_numeric(frame["member"].where(counted), errors="coerce").fillna(-1)
    keys = frame.assign(at=frame["kpi"].map(position), step=frame["grain"].map(GRAIN_ORDER), number=numbers)
    keys = keys.sort_values(["at", "step", "period_start", "dimension", "number", "member"], kind="stable")
    return keys.reset_index(drop=True)
