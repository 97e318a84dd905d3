"""Batteries: how full something is that ends at 100 %, and how full it should be by now."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan
from typing import Any

import pandas as pd
from markupsafe import Markup

from analysis.goal_words import cut, owner_name, pace_word, share, why_none, without_data
from analysis.goals import pace
from analysis.labels import Labels
from analysis.phrases import status_word
from analysis.report import svg
from analysis.texts import say
from analysis.views import rows, still_running

ATTAINED, PACE = "attainment_", "pace_"
LOOKS = {"done": "good", "ahead": "good", "on track": "", "behind": "bad"}
MOST = 12


@dataclass(frozen=True)
class Cell:
    """One battery: its name, its share in words, how it stands, and what else is to be said of it."""

    name: str
    value: str
    drawn: Markup
    look: str = ""
    word: str = ""
    note: str = ""


def kpi_cells(
    kpis: pd.DataFrame, labels: Labels, kpi: str, grains: Sequence[str], by: str, grain: str
) -> tuple[pd.DataFrame, tuple[Cell, ...]]:
    """The rows and batteries of a KPI in the periods under way, or of its members in the shortest of them."""
    if by:
        step = still_running(kpis, labels, kpi, by, (grain,))
        found = rows(kpis, kpi, step, by)
        found = found[(found["period_start"] == found["period_start"].max()) & found["value"].notna()]
        found = found.loc[sorted(found.index, key=lambda at: labels.order(by, found.at[at, "member"]))][:MOST]
    else:
        found = pd.concat([_latest(kpis, labels, kpi, each) for each in grains])
    cells = []
    for _, row in found.iterrows():
        name = labels.member(by, row["member"]) if by else labels.span(
            row["period_start"], row["period_end"], row["grain"]
        )  # fmt: skip
        cells.append(_kpi_cell(kpis, labels, row, name))
    return found, tuple(cells)


def _latest(kpis: pd.DataFrame, labels: Labels, kpi: str, grain: str) -> pd.DataFrame:
    """The row of the period that holds the report's day, where the KPI has a value in it."""
    found = rows(kpis, kpi, grain, last=1)
    return found[found["value"].notna()]


def _kpi_cell(kpis: pd.DataFrame, labels: Labels, row: pd.Series, name: str) -> Cell:
    part, text = float(row["value"]), share(labels, row["value"])
    due = _due(kpis, row)
    word, look = "", ""
    if row["kpi"].startswith(ATTAINED):
        paced = pace(part, due, labels.is_complete(row["period_end"]))
        word, look = pace_word(paced), LOOKS.get(paced, "")
    note = status_word(row["status"])
    if pd.notna(due) and due < 1:
        note = say("{share} due by now", share=share(labels, due))
    spoken = say("{name}: {share}", name=name, share=text)
    return Cell(name, text, svg.battery(part, spoken, look, due if due < 1 else nan), look, word, note)


def _due(kpis: pd.DataFrame, row: pd.Series) -> float:
    """The share of the target that was due by now; NaN for what is no target."""
    if not row["kpi"].startswith(ATTAINED):
        return nan
    paced = kpis[kpis["kpi"] == row["kpi"].replace(ATTAINED, PACE)]
    keys = ["grain", "period_start", "dimension", "member"]
    same = paced[(paced[keys] == row[keys].to_numpy()).all(axis=1)]
    whole = row["denominator"]
    return float(same["denominator"].iloc[0] / whole) if len(same) and whole else nan


def goal_cells(labels: Labels, standings: pd.DataFrame) -> tuple[Cell, ...]:
    """The batteries of the goals, in the params' order."""
    goals = standings[standings["target"] == ""]
    return tuple(_goal_cell(labels, row) for row in goals.head(MOST).itertuples())


def _goal_cell(labels: Labels, row: Any) -> Cell:
    name, text = cut(row.goal), share(labels, row.progress)
    word = why_none(row) if pd.isna(row.progress) else pace_word(row.pace)
    notes = [say("due {day}", day=labels.day(row.due_on))] if pd.notna(row.due_on) else []
    notes += [without_data(row)] if without_data(row) else []
    notes += [owner_name(labels, row.owner)] if row.owner else []
    look = LOOKS.get(row.pace, "")
    spoken = say("{name}: {share}", name=name, share=f"{text} ({word})")
    drawn = svg.battery(float(row.progress), spoken, look, float(row.expected))
    return Cell(name, text, drawn, look, word, " · ".join(notes))
