"""The headline of a report: each KPI against the period before, and how far the running periods have come."""

from collections.abc import Sequence

import pandas as pd

from analysis.display import Note, Row, Table
from analysis.glossary import GRAINS
from analysis.labels import NOTHING, Labels
from analysis.phrases import COMPLETE, TRENDS, name_of, status_word
from analysis.tables.words import MARKS, NO_VALUE, SHORT, cell, explained, left_out, marked, why
from analysis.texts import mark, say
from analysis.views import EMPTY, finest, latest, missing, present, rows, trend

OVERLAP = mark("no clear change: the 95 % intervals of the two periods overlap, so it may be chance")
UNTESTED = mark("better, worse: by the two figures alone where a KPI has no interval")
NO_PRESENT = mark("None of these KPIs has a value in the running periods.")


def headline(kpis: pd.DataFrame, labels: Labels, *ids: str, grain: str = "month") -> Table | Note:
    """The KPIs of the latest period that is over and settled, against the period before it.

    Columns: the KPI, its period, its value, the value before, the change, and how to take it in words. A KPI
    that has values at a coarser grain only is shown at that; one whose data are missing is named below.
    """
    given = [kpi for kpi in ids if not labels.lacking(kpi)]
    if not given:
        lacks = dict.fromkeys(f"`{labels.lacking(kpi)[0]}`" for kpi in ids)
        text = say("None of these KPIs can be computed: this company lacks {what}.", what=", ".join(lacks))
        return Note(text)
    body = [_headline_row(kpis, labels, kpi, grain) for kpi in given]
    head = (say("KPI"), say("Period"), say("Value"), say("Before"), say("Change"), say("Reading"))
    caption = say(COMPLETE[grain], day=labels.day(labels.as_of))
    readings = {row.cells[-1] for row in body}
    notes = [say(OVERLAP)] if say(TRENDS["unclear"]) in readings else []
    notes += [say(UNTESTED)] if readings & {say(TRENDS["better"]), say(TRENDS["worse"])} else []
    notes += [*explained(row.status for row in body), *left_out(labels, ids)]
    return Table(caption, head, tuple(body), tuple(notes), "headline")


def running(kpis: pd.DataFrame, labels: Labels, *ids: str, grains: Sequence[str] = GRAINS) -> Table | Note:
    """The KPIs of the month, quarter and year that the report's day lies in, side by side.

    A period that is over on that day is shown as it ended; in one that still runs a figure is marked and
    hatched, and where there is none its reason stands in a few words.
    """
    given = [kpi for kpi in ids if not labels.lacking(kpi)]
    found = present(kpis, labels, ids, grains)
    if not given or found["value"].isna().all():
        return missing(kpis[kpis["kpi"] == ids[0]], labels, ids[:1], grains[0]) or Note(say(NO_PRESENT))
    heads = found.drop_duplicates("grain").set_index("grain")
    grains = [grain for grain in grains if grain in heads.index]
    spans = [
        labels.span(heads.at[grain, "period_start"], heads.at[grain, "period_end"], grain) for grain in grains
    ]
    cells = found.set_index(["kpi", "grain"])
    body = []
    for kpi in given:
        parts = [cell(cells, (kpi, grain)) for grain in grains]
        looks = ["ok" if part is None else part["status"] for part in parts]
        texts = [_present(labels, part, kpi) for part in parts]
        body.append(Row((name_of(kpi), *texts), looks=("ok", *looks)))
    day = labels.day(labels.as_of)
    caption = say("This month, quarter and year, as known on {day}", day=day)
    if len(grains) == 1:
        caption = say("{period}, as known on {day}", period=spans[0], day=day)
    statuses = [look for row in body for look in row.looks]
    notes = (*explained(statuses, MARKS), *left_out(labels, ids))
    return Table(caption, (say("KPI"), *spans), tuple(body), notes, "running")


def _present(labels: Labels, part: pd.Series | None, kpi: str) -> str:
    """A cell of the running periods: the value, or in a few words why there is none."""
    if part is None:
        return NOTHING
    if pd.notna(part["value"]):
        return marked(labels, part, kpi)
    return why(part["reason"], kpi)


def _headline_row(kpis: pd.DataFrame, labels: Labels, kpi: str, grain: str) -> Row:
    grain = max(grain, finest(kpis, kpi), key=GRAINS.index)
    name, found = name_of(kpi), rows(kpis, kpi, grain)
    start = latest(kpis, labels, kpi, grain)
    if start not in set(found["period_start"]):
        return Row((name, *[NOTHING] * 4, say(NO_VALUE)), "undefined")
    now = found[found["period_start"] == start].iloc[0]
    past = found[(found["period_start"] < start) & ~found["reason"].isin(EMPTY)]
    before = None if past.empty else past.iloc[-1]
    old = float("nan") if before is None else before["value"]
    cells = (
        name,
        labels.period(start, grain),
        labels.value(now["value"], now["unit"], kpi),
        labels.value(old, now["unit"], kpi),
        labels.change(now["value"], old, now["unit"], kpi),
        _reading(now, before),
    )
    return Row(cells, now["status"])


def _reading(now: pd.Series, before: pd.Series | None) -> str:
    """The step from one period to the next in words, or why there is none."""
    if pd.isna(now["value"]):
        return why(now["reason"])
    if status_word(now["status"]):
        return status_word(now["status"])
    return say(TRENDS.get(trend(now, before), SHORT["no_base"]))
