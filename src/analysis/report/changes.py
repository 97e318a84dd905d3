"""What has changed since the last report, in a sentence each: only what is not chance, a few at most."""

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.glossary import COUNT, KPIS, MONEY, RATIO
from analysis.goal_words import pace_word
from analysis.goals import pace, share_gone
from analysis.labels import Labels
from analysis.phrases import name_of
from analysis.report.files import RECORD
from analysis.texts import mark, say, say_n
from analysis.views import EMPTY, latest, rows

MOST = 6
RESTATED = 0.001  # of a figure: less is not worth a sentence
THRESHOLDS = {  # the value that divides good from bad
    "attainment_revenue": 1.0, "attainment_units": 1.0, "attainment_new_accounts": 1.0, "nrr": 1.0,
    "quick_ratio": 1.0, "ltv_cac": 1.0, "sales_growth_mom": 0.0, "sales_growth_yoy": 0.0,
}  # fmt: skip
GRAIN = "month"
LARGE = 0.25  # a step of an amount or count that has no interval
GOAL = "goal"


@dataclass(frozen=True)
class Earlier:
    """The last good report before this one: its day, its company figures by KPI, grain and period, its goals.

    `goals` are the pace of each by name; `record` is its `run.json`.
    """

    as_of: date
    figures: dict[tuple[str, str, str], dict[str, str]]
    goals: dict[str, str]
    record: dict[str, Any]


@dataclass(frozen=True)
class Changes:
    """The sentences, and the day of the report they compare with; without one it is the first."""

    since: date | None
    sentences: tuple[str, ...]
    more: int = 0


def earlier(reports_dir: Path, company: str, as_of: date) -> Earlier | None:
    """The newest good report of the company from before the day; None when there is none that can be read."""
    place = reports_dir / company
    for path in sorted(place.glob(f"*/{RECORD}"), reverse=True):
        day = _day(path.parent.name)
        record = _record(path)
        table = path.parent / "kpis.csv"
        if day and day < as_of and record.get("status") == "ok" and table.is_file():
            return Earlier(day, *_figures(table), record)
    return None


def _figures(table: Path) -> tuple[dict[tuple[str, str, str], dict[str, str]], dict[str, str]]:
    """The company's own figures of a KPI table, by KPI, grain and first day, and the goals' pace."""
    figures, goals = {}, {}
    with table.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["dimension"] == "":
                figures[row["kpi"], row["grain"], row["period_start"][:10]] = row
            elif row["dimension"] == GOAL and row["kpi"] == "goal_progress":
                goals[row["member"]] = row["value"]
    return figures, goals


def changes(
    kpis: dict[str, pd.DataFrame],
    labels: Labels,
    before: Earlier | None,
    ids: Sequence[str],
    standings: pd.DataFrame,
    quarantined: int,
    broken: Sequence[str],
) -> Changes:
    """What changed since the earlier report, the gravest first: checks, restatements, KPIs, goals, rows."""
    if before is None:
        return Changes(None, tuple(_failed(broken)))
    found = [
        *_failed(broken),
        *_restated(kpis, labels, before, ids),
        *_moved(kpis, labels, before, ids),
        *_goals(labels, before, standings),
        *_rows(before, quarantined),
    ]
    return Changes(before.as_of, tuple(found[:MOST]), max(len(found) - MOST, 0))


def _failed(broken: Sequence[str]) -> Iterator[str]:
    for name in broken:
        yield say("A check has failed: {name}.", name=say(name))


def _restated(
    kpis: dict[str, pd.DataFrame], labels: Labels, before: Earlier, ids: Sequence[str]
) -> Iterator[str]:
    """The latest period that was over and settled then, where its figure is another one now."""
    for kpi in ids:
        if kpi not in kpis or KPIS[kpi].cohort:
            continue
        own = rows(kpis[kpi], kpi, GRAIN)
        for _, now in own[::-1].iterrows():
            old = before.figures.get((kpi, GRAIN, _start(now)))
            if not old or old["status"] in ("provisional", "undefined") or pd.isna(now["value"]):
                continue
            was = float(old["value"])
            if abs(now["value"] - was) > RESTATED * max(abs(was), abs(now["value"])):
                yield say(
                    "Restated: {name} of {period} was {before} in the last report and is {now}.",
                    name=name_of(kpi),
                    period=labels.period(now["period_start"], GRAIN),
                    before=labels.value(was, now["unit"], kpi),
                    now=labels.value(now["value"], now["unit"], kpi),
                )
                break


CROSSED_UP = mark("{name} has risen above {threshold}: {now} in {period}, {before} in {earlier}.")
CROSSED_DOWN = mark("{name} has fallen below {threshold}: {now} in {period}, {before} in {earlier}.")
RISEN = mark("{name} has risen to {now} in {period} from {before} in {earlier}.")
FALLEN = mark("{name} has fallen to {now} in {period} from {before} in {earlier}.")


def _moved(
    kpis: dict[str, pd.DataFrame], labels: Labels, before: Earlier, ids: Sequence[str]
) -> Iterator[str]:
    """The latest settled period against the one the earlier report ended with, where it is not chance."""
    for kpi in ids:
        found = kpis.get(kpi)
        if found is None:
            continue
        own = rows(found, kpi, GRAIN)
        start = latest(found, labels, kpi, GRAIN)
        known = [(row, before.figures.get((kpi, GRAIN, _start(row)))) for _, row in own.iterrows()]
        then = [row for row, old in known if old and _settled(old)]
        if not then or start not in set(own["period_start"]):
            continue
        now, old = own[own["period_start"] == start].iloc[0], then[-1]
        if now["period_start"] <= old["period_start"] or pd.isna(now["value"]) or now["status"] != "ok":
            continue
        text = _step(now, old, kpi)
        if text:
            limit = THRESHOLDS.get(kpi, 0.0)
            yield say(
                text,
                name=name_of(kpi),
                threshold=labels.value(limit, now["unit"], kpi),
                now=labels.value(now["value"], now["unit"], kpi),
                before=labels.value(old["value"], now["unit"], kpi),
                period=labels.period(now["period_start"], GRAIN),
                earlier=labels.period(old["period_start"], GRAIN),
            )


def _step(now: pd.Series, old: pd.Series, kpi: str) -> str:
    """Which sentence the step from one figure to the other is worth; none where it may be chance."""
    if pd.isna(old["value"]):
        return ""
    value, was = float(now["value"]), float(old["value"])
    if kpi in THRESHOLDS and (value >= THRESHOLDS[kpi]) != (was >= THRESHOLDS[kpi]):
        return CROSSED_UP if value > was else CROSSED_DOWN
    if pd.notna(now["low"]) and pd.notna(old["high"]):
        apart = now["low"] > old["high"] or now["high"] < old["low"]
    else:
        counted = KPIS[kpi].unit in (MONEY, COUNT) and old["status"] == "ok"
        apart = counted and abs(value - was) > LARGE * abs(was)
    return "" if not apart else RISEN if value > was else FALLEN


def _goals(labels: Labels, before: Earlier, standings: pd.DataFrame) -> Iterator[str]:
    """Goals whose pace is another one than it was on the day of the earlier report."""
    for _, row in standings[standings["target"] == ""].iterrows():
        was = before.goals.get(row["goal"], "")
        if not was or pd.isna(row["progress"]):
            continue
        started, due = (None if pd.isna(row[day]) else row[day].date() for day in ("started_on", "due_on"))
        overdue = due is not None and due < before.as_of
        old = pace(float(was), share_gone(started, due, before.as_of), overdue)
        if old != row["pace"] and "undefined" not in (old, row["pace"]):
            yield say(
                "The goal “{name}”: {now} ({share}), before: {before} ({earlier}).",
                name=row["goal"],
                now=pace_word(row["pace"]),
                share=labels.value(row["progress"], RATIO),
                before=pace_word(old),
                earlier=labels.value(float(was), RATIO),
            )


def _rows(before: Earlier, quarantined: int) -> Iterator[str]:
    """Rows in quarantine that were not there before."""
    new = quarantined - int(before.record.get("quarantined_rows") or 0)
    if new > 0:
        yield say_n(
            "{n} more row of the data is in quarantine.", "{n} more rows of the data are in quarantine.", new
        )


def _settled(old: dict[str, str]) -> bool:
    return old["status"] in ("ok", "small_n") and old["reason"] not in EMPTY


def _start(row: pd.Series) -> str:
    return str(row["period_start"].date())


def _day(name: str) -> date | None:
    try:
        return date.fromisoformat(name)
    except ValueError:
        return None


def _record(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
