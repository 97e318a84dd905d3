"""Durations that are not all over on the report's day: how long a deal stays open, how long a lead waits.

What has not ended by then is no missing value: it has lasted at least until the end of that day (it is
*censored* there). Facts are counts by month of the start, breakdown, duration and what ended it; each period
and member has its own curve (`analysis.survival`), all those of a grain and breakdown computed at once.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import ibis
import numpy as np
import pandas as pd
from ibis import Table
from ibis.expr.types import Value

from analysis.facts import MICROSECONDS_A_DAY, Facts, elapsed, labelled, month_of, sorted_frame
from analysis.glossary import GRAINS
from analysis.periods import MONTHS_IN, Calendar
from analysis.rows import KEYS, missing_rows, ratio_rows, rows
from analysis.survival import event_tables, median_times, values_at, with_incidence, with_survival

OPEN, WON, LOST = 0, 1, 2
MICROSECONDS_AN_HOUR = MICROSECONDS_A_DAY // 24
BY_DAYS = (30, 60, 90, 180)
AT_ONCE = 1_000_000
"""Counts by duration that become tables of events at a time; a group is never divided, so it may be more."""
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


Summary = Callable[[pd.DataFrame, np.ndarray], dict[str, np.ndarray]]


def cells(
    frame: pd.DataFrame,
    dims: Sequence[str],
    calendar: Calendar,
    summaries: Sequence[Summary],
    measures: Sequence[str] = (),
) -> pd.DataFrame:
    """A row for each curve: of the company in every period shown, and of each member of each breakdown.

    Parameters
    ----------
    frame : facts with `month`, a column per breakdown, `duration` (microseconds), `cause` and `n`; `cause` is
        0 for what had not ended, 1 for what ended in the way of interest, else the number of another; a row
        without a duration is in no curve
    summaries : each gets a table of events (see `survival.event_tables`; `time` in microseconds) and how long
        the longest of each of its groups was followed (-1 for an empty one), and gives columns
    measures : columns of the facts to be summed beside them, also where the duration is missing

    Returns
    -------
    KEYS, `n` (subjects with a duration), the measures and the columns of the summaries.
    """
    known = frame["duration"].notna()
    duration = frame["duration"].fillna(-1).to_numpy(dtype="int64")
    order = np.argsort(duration, kind="stable")  # once: then every breakdown only has to be sorted by group
    duration, month = duration[order], frame["month"].to_numpy(dtype="int64")[order]
    sums = {m: frame[m].to_numpy(dtype="int64")[order] for m in ("n", *measures)}
    sums["n"] = sums["n"] * known.to_numpy()[order]
    cause = frame["cause"].to_numpy(dtype="int8")[order]
    parts = []
    for dim in ("", *dims):
        codes, names = pd.factorize(frame[dim]) if dim else (np.zeros(len(frame), "int64"), [""])
        for grain in GRAINS:
            starts, size, width = calendar.starts(grain), MONTHS_IN[grain], max(len(names), 1)
            period = (calendar.of(month, grain) - starts[0]) // size
            shown = (period >= 0) & (period < len(starts))
            code = (period * width + codes[order])[shown]
            there = (np.bincount(code, minlength=len(starts) * width) > 0) | (not dim)
            present, group = np.flatnonzero(there), (np.cumsum(there) - 1)[code]
            timed, times = duration[shown] >= 0, sums["n"][shown]
            longest = np.full(len(present), -1, dtype="int64")
            np.maximum.at(longest, group, duration[shown])
            part = {
                "grain": np.full(len(present), grain, dtype=object),
                "first_month": starts[0] + present // width * size,
                "dimension": np.full(len(present), dim, dtype=object),
                "member": np.asarray(names, dtype=object)[present % width],
            }
            for measure, counts in sums.items():
                part[measure] = np.bincount(group, weights=counts[shown], minlength=len(present))
            timed_facts = tuple(x[timed] for x in (group, duration[shown], cause[shown], times))
            parts.append(part | summarised(timed_facts, longest, summaries))
    return pd.DataFrame({name: np.concatenate([part[name] for part in parts]) for name in parts[0]})


def summarised(
    facts: Sequence[np.ndarray], longest: np.ndarray, summaries: Sequence[Summary]
) -> dict[str, np.ndarray]:
    """The summaries' columns, a value per group; whole groups are taken together up to AT_ONCE facts, so that
    millions of facts do not lie in memory as many tables of events at once.

    `facts` are group, duration, cause and count, each an array.
    """
    group = facts[0]
    slice_of = np.cumsum(np.bincount(group, minlength=len(longest))) // AT_ONCE
    firsts = np.unique(slice_of, return_index=True)[1] if len(longest) else [0]
    columns: dict[str, list[np.ndarray]] = {}
    for first, last in pairwise([*firsts, len(longest)]):
        chosen = (group >= first) & (group < last) if len(longest) > last - first else slice(None)
        events = event_tables(facts[0][chosen] - first, *(x[chosen] for x in facts[1:]))
        for summary in summaries:
            for name, column in summary(events, longest[first:last]).items():
                columns.setdefault(name, []).append(column)
        del events
    return {name: np.concatenate(each) for name, each in columns.items()}


def median(events: pd.DataFrame, longest: np.ndarray) -> dict[str, np.ndarray]:
    """Kaplan-Meier `median` of each group, with its interval `low`, `high`, in microseconds.

    The interval are the times at which the ends of the curve's own interval reach one half (Brookmeyer and
    Crowley 1982); what is not reached is missing.
    """
    table = with_survival(events)
    columns = {"median": "survival", "low": "low", "high": "high"}
    return {name: median_times(table, len(longest), column) for name, column in columns.items()}


def incidence(events: pd.DataFrame, longest: np.ndarray) -> dict[str, np.ndarray]:
    """Share of each group that ended in the way of interest by each of BY_DAYS, the other ways competing."""
    table = with_incidence(events)
    return by_day(table[["incidence", "incidence_low", "incidence_high"]].to_numpy(), events, longest)


def ended(events: pd.DataFrame, longest: np.ndarray) -> dict[str, np.ndarray]:
    """Share of each group that ended by each of BY_DAYS, in whatever way: 1 - S(t)."""
    return by_day(1 - with_survival(events)[["survival", "high", "low"]].to_numpy(), events, longest)


def by_day(shares: np.ndarray, events: pd.DataFrame, longest: np.ndarray) -> dict[str, np.ndarray]:
    """A share and the ends of its interval (three columns) on each of BY_DAYS: `share_30`, `low_30`, …

    Missing on a day to which nobody was followed, unless the curve ended before it with nobody left.
    """
    nobody_left = np.zeros(len(longest), dtype=bool)
    nobody_left[events["group"].to_numpy()[(events["at_risk"] == events["events"]).to_numpy()]] = True
    found = {}
    for day in BY_DAYS:
        known = nobody_left | (longest >= day * MICROSECONDS_A_DAY)
        share, low, high = values_at(events, len(longest), day * MICROSECONDS_A_DAY, shares).T
        inside = known & (share > 0)  # before the first event there is no interval
        found[f"share_{day}"] = np.where(known, share, np.nan)
        found[f"low_{day}"], found[f"high_{day}"] = (np.where(inside, x, np.nan) for x in (low, high))
    return found


def median_rows(kpi: str, found: pd.DataFrame, unit: int) -> pd.DataFrame:
    """Rows of `median` in units of `unit` microseconds; undefined where it is not reached."""
    low, high = (found[end].where(found["median"].notna()) / unit for end in ("low", "high"))
    reason = np.where(found["n"] > 0, "not_reached", "no_denominator")
    return rows(kpi, found, found["median"] / unit, n=found["n"], low=low, high=high, reason=reason)


def by_day_rows(kpi: str, found: pd.DataFrame) -> pd.DataFrame:
    """Rows of the company's shares `by_day`, a member for each day."""
    whole = found[found["dimension"] == ""]
    each = [
        whole[[*KEYS, "n"]].assign(
            dimension="day",
            member=str(day),
            **{name: whole[f"{name}_{day}"] for name in ("share", "low", "high")},
        )
        for day in BY_DAYS
    ]
    days = pd.concat(each, ignore_index=True)
    reason = np.where(days["n"] > 0, "none_eligible", "no_denominator")
    return rows(kpi, days, days["share"], n=days["n"], low=days["low"], high=days["high"], reason=reason)


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
    found = cells(deal_facts(facts), (), facts.calendar, (median, incidence))
    return pd.concat(
        [median_rows("close_days_km", found, MICROSECONDS_A_DAY), by_day_rows("won_by_day", found)],
        ignore_index=True,
    )


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
    found = cells(frame, WAITING_DIMS, facts.calendar, (median,), ("created", "eligible", "soon"))
    rate = ratio_rows("contacted_24h_rate", found, "soon", "eligible", interval=True)
    undecided = (rate["reason"] != "") & (found.loc[rate.index, "created"] > 0)
    rate["reason"] = rate["reason"].mask(undecided, "none_eligible")
    return pd.concat(
        [median_rows("first_response_hours", found, MICROSECONDS_AN_HOUR), rate], ignore_index=True
    )
