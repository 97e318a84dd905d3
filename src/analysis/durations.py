"""Durations that are not all over on the report's day: how long a deal stays open, how long a lead waits.

What has not ended by then is no missing value: it has lasted at least until the end of that day (it is
*censored* there). Facts are counts by month of the start, breakdown, duration and what ended it; each period
and member gets its own curve (`analysis.survival`), all of them in one pass.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import ibis
import numpy as np
import pandas as pd
from ibis import Table
from ibis.expr.types import Value

from analysis.facts import MICROSECONDS_A_DAY, Facts, elapsed, labelled, month_of, sorted_frame
from analysis.glossary import GRAINS
from analysis.periods import MONTHS_IN, Calendar
from analysis.rows import missing_rows, ratio_rows, rows
from analysis.survival import event_tables, median_times, values_at, with_incidence, with_survival

OPEN, WON, LOST = 0, 1, 2
MICROSECONDS_AN_HOUR = MICROSECONDS_A_DAY // 24
BY_DAYS = (30, 60, 90, 180)
WAITING_DIMS = ("rep", "channel")


def age(facts: Facts, table: Table, start: str) -> Value:
    """Whole microseconds from column `start` to the end of the report's day, midnight in the company's zone.

    From a plain date (its `_utc` column is null) it is whole days, to the day after the report's.
    """
    tomorrow = facts.company.as_of + timedelta(days=1)
    midnight = datetime.combine(tomorrow, time(), ZoneInfo(facts.company.params.timezone)).astimezone(UTC)
    utc = table[f"{start}_utc"]
    exact = ibis.literal(midnight.replace(tzinfo=None)).delta(utc, unit="microsecond")
    days = ibis.literal(tomorrow).delta(table[start].date(), unit="day")
    return utc.notnull().ifelse(exact.cast("int64"), days.cast("int64") * MICROSECONDS_A_DAY)


def with_start(deals: Table) -> Table:
    """Deals with `start` and `start_utc`: the first contact, else the creation; null without either."""
    contacted = deals.first_contact_at.notnull()
    return deals.mutate(
        start=contacted.ifelse(deals.first_contact_at, deals.created_at),
        start_utc=contacted.ifelse(deals.first_contact_at_utc, deals.created_at_utc),
    )


# --- curves -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Curves:
    """One curve per period shown, of the company and of each member of a breakdown.

    `cells` has KEYS, `n` (subjects) and `longest` (microseconds that the longest was followed, -1 where there
    is none), one row per curve: every period for the company, and its members for a breakdown. `events` is
    their table of events (see `survival.event_tables`), whose `group` is the row of `cells` and whose `time`
    is microseconds.
    """

    cells: pd.DataFrame
    events: pd.DataFrame


def curves(
    frame: pd.DataFrame,
    dims: Sequence[str],
    calendar: Calendar,
    measures: Sequence[str] = (),
    grains: Sequence[str] = GRAINS,
) -> Curves:
    """Curves of facts with `month`, a column per breakdown, `duration` (microseconds), `cause` and `n`.

    `cause` is 0 for what had not ended, 1 for what ended in the way of interest, else the number of another.
    A row without a duration is in no curve; it is in the sums of `measures`, further columns for the cells.
    """
    month, known = frame["month"].to_numpy(dtype="int64"), frame["duration"].notna().to_numpy()
    duration = frame["duration"].fillna(-1).to_numpy(dtype="int64")
    times, cause = frame["n"].to_numpy(dtype="int64"), frame["cause"].to_numpy(dtype="int64")
    sums = {"n": times * known, **{m: frame[m].to_numpy(dtype="float64") for m in measures}}
    coded = {dim: pd.factorize(frame[dim]) for dim in dims}
    cells, events, groups = [], [], 0
    for grain in grains:
        starts, size = calendar.starts(grain), MONTHS_IN[grain]
        period = (calendar.of(month, grain) - starts[0]) // size
        shown = (period >= 0) & (period < len(starts))
        for dim in ("", *dims):
            member, names = coded[dim] if dim else (np.zeros(len(frame), "int64"), [""])
            width = max(len(names), 1)
            code = (period * width + member)[shown]
            present, group = np.unique(code, return_inverse=True) if dim else (np.arange(len(starts)), code)
            cell = {
                "grain": grain,
                "first_month": starts[0] + present // width * size,
                "dimension": dim,
                "member": np.asarray(names)[present % width],
                "longest": np.full(len(present), -1, dtype="int64"),
            }
            np.maximum.at(cell["longest"], group, duration[shown])
            for measure, counts in sums.items():
                cell[measure] = np.bincount(group, weights=counts[shown], minlength=len(present))
            cells.append(pd.DataFrame(cell))
            timed = known[shown]
            of_cells = (group[timed] + groups, *(x[shown][timed] for x in (duration, cause, times)))
            events.append(event_tables(*of_cells))
            groups += len(present)
    return Curves(pd.concat(cells, ignore_index=True), pd.concat(events, ignore_index=True))


def median_rows(kpi: str, found: Curves, unit: int) -> pd.DataFrame:
    """Rows of the Kaplan-Meier median in units of `unit` microseconds; undefined where it is not reached.

    Its interval are the times at which the ends of the curve's own interval reach one half (Brookmeyer and
    Crowley 1982); an end that is not reached is missing.
    """
    table, groups = with_survival(found.events), len(found.cells)
    value, low, high = (median_times(table, groups, c) / unit for c in ("survival", "low", "high"))
    reached = ~np.isnan(value)
    return rows(
        kpi,
        found.cells,
        value,
        n=found.cells["n"],
        low=np.where(reached, low, np.nan),
        high=np.where(reached, high, np.nan),
        reason=np.where(found.cells["n"] > 0, "not_reached", "no_denominator"),
    )


def incidence_rows(kpi: str, found: Curves) -> pd.DataFrame:
    """Rows by day of the share that ended in the way of interest by then, the other ways competing."""
    table = with_incidence(found.events)
    return by_day_rows(kpi, found, table, ("incidence", "incidence_low", "incidence_high"))


def ended_rows(kpi: str, found: Curves) -> pd.DataFrame:
    """Rows by day of the share that ended by then, in whatever way: 1 - S(t)."""
    table = with_survival(found.events)
    table = table.assign(ended=1 - table["survival"], low=1 - table["high"], high=1 - table["low"])
    return by_day_rows(kpi, found, table, ("ended", "low", "high"))


def by_day_rows(kpi: str, found: Curves, table: pd.DataFrame, columns: tuple[str, str, str]) -> pd.DataFrame:
    """Rows of the company by the days BY_DAYS: value and interval of a table of events on that day.

    Undefined on a day to which nobody was followed, unless the curve ended before it with nobody left.
    """
    nobody_left = np.zeros(len(found.cells), dtype=bool)
    nobody_left[table.loc[table["at_risk"] == table["events"], "group"]] = True
    cells = pd.concat([found.cells.assign(dimension="day", member=str(day)) for day in BY_DAYS])
    times = np.array(BY_DAYS) * MICROSECONDS_A_DAY
    known = np.concatenate([nobody_left | (found.cells["longest"] >= time) for time in times])
    at = [values_at(table, len(found.cells), time, columns, 0.0) for time in times]
    value, low, high = np.where(known, np.concatenate(at).T, np.nan)
    inside = (value > 0) & (value < 1)
    return rows(
        kpi,
        cells,
        value,
        n=cells["n"],
        low=np.where(inside, low, np.nan),
        high=np.where(inside, high, np.nan),
        reason=np.where(cells["n"] > 0, "none_eligible", "no_denominator"),
    )


# --- deals ------------------------------------------------------------------------------------------------


def deal_facts(facts: Facts) -> pd.DataFrame:
    """Deals by month of their start, microseconds to the close (else to the report's day) and outcome: `n`.

    Left out: a deal without a start, one that closed before it, one that was decided nobody knows when.
    """
    deals = with_start(facts.company.table("opportunities"))
    is_open = deals.outcome == "open"
    deals = deals.filter(deals.start.notnull(), deals.interval_ok, is_open | deals.closed_at.notnull())
    counts = deals.group_by(
        month=month_of(deals.start),
        duration=is_open.ifelse(age(facts, deals, "start"), elapsed(deals, "start", "closed_at")),
        cause=deals.outcome.cases(("won", WON), ("lost", LOST), else_=OPEN),
    ).agg(n=deals.count())
    return sorted_frame(counts.filter(counts.month >= facts.calendar.starts("year")[0]))


def closing(facts: Facts) -> pd.DataFrame:
    """`close_days_km` and `won_by_day` of the deals that started in the period."""
    kpis = ("close_days_km", "won_by_day")
    lack = facts.lack("close_days_km")
    if not lack and not facts.has_start:
        lack = "missing_column"
    if lack:
        return missing_rows(kpis, lack, facts.calendar)
    frame, parts = deal_facts(facts), []
    for grain in GRAINS:  # one after the other: with millions of deals a grain's curves are large
        found = curves(frame, (), facts.calendar, grains=(grain,))
        parts += [
            median_rows("close_days_km", found, MICROSECONDS_A_DAY),
            incidence_rows("won_by_day", found),
        ]
        del found
    return pd.concat(parts, ignore_index=True)


# --- leads ------------------------------------------------------------------------------------------------


def response_facts(facts: Facts) -> pd.DataFrame:
    """Leads by month created, rep, channel and microseconds to the first contact (else to the report's day).

    Columns `cause` (1 contacted, 0 not yet), `a_day_old` (at the end of the report's day) and `n`; `duration`
    is missing where the contact lies before the creation.
    """
    leads = facts.company.table("leads")
    contacted = leads.first_contact_at.notnull()
    waited = elapsed(leads, "created_at", "first_contact_at")
    so_far = age(facts, leads, "created_at")
    known = ~contacted | (waited >= 0)
    counts = leads.group_by(
        month=month_of(leads.created_at),
        rep=labelled(leads.rep_id),
        channel=labelled(leads.channel),
        duration=known.ifelse(contacted.ifelse(waited, so_far), ibis.null("int64")),
        cause=contacted.cast("int64"),
        a_day_old=(so_far >= MICROSECONDS_A_DAY).cast("int64"),
    ).agg(n=leads.count())
    return sorted_frame(counts.filter(counts.month >= facts.calendar.starts("year")[0]))


def first_responses(facts: Facts) -> pd.DataFrame:
    """`first_response_hours` and `contacted_24h_rate` of the leads created in the period."""
    kpis = ("first_response_hours", "contacted_24h_rate")
    lack = facts.lack("first_response_hours")
    if lack:
        return missing_rows(kpis, lack, facts.calendar)
    frame = response_facts(facts)
    eligible = frame["duration"].notna() & (frame["a_day_old"] == 1)
    soon = eligible & (frame["cause"] == 1) & (frame["duration"] <= MICROSECONDS_A_DAY)
    frame = frame.assign(
        created=frame["n"], eligible=frame["n"].where(eligible, 0), soon=frame["n"].where(soon, 0)
    )
    found = curves(frame, WAITING_DIMS, facts.calendar, ("created", "eligible", "soon"))
    rate = ratio_rows("contacted_24h_rate", found.cells, "soon", "eligible", interval=True)
    undecided = (rate["reason"] != "") & (found.cells.loc[rate.index, "created"] > 0)
    rate["reason"] = rate["reason"].mask(undecided, "none_eligible")
    return pd.concat(
        [median_rows("first_response_hours", found, MICROSECONDS_AN_HOUR), rate], ignore_index=True
    )
