"""What a large Parquet source has in its columns, found in one pass, so that its rows are read as they are.

A large source is not copied: its tables stay views on the files. What the survey rules out (blanks around
text, times without a zone that need the zone's rules) then costs nothing in any later query.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

import duckdb
import numpy as np

from analysis.contract import Table
from analysis.sources.csv_files import BLANKS
from analysis.sources.parsing import Input, Shift
from analysis.sources.quoting import literal
from analysis.sources.reading import Raw

EARLIEST, LATEST = datetime(1900, 1, 1), datetime(2200, 1, 1)
LONGEST = timedelta(days=60 * 365)
"""Span of times beyond which the zone's rules are looked up row by row."""

_WALL = "TIMESTAMP"
_ZONED = "TIMESTAMP WITH TIME ZONE"


@dataclass(frozen=True)
class _Question:
    """An aggregate over a source, for one canonical column."""

    column: str
    about: str
    sql: str


def _is_wall(source: Input) -> bool:
    return source.type.startswith(_WALL) and source.type != _ZONED


def _untidy(sql: str) -> str:
    """SQL that is true of text that is empty or has blanks at either end."""
    first = f"{sql} < '!'"  # no other way to begin with a space, tab or line end, or to be empty
    ends = [f"suffix({sql}, {literal(b)})" for b in BLANKS]
    return " OR ".join([first, *ends, *(f"prefix({sql}, {literal(b)})" for b in BLANKS if b > "!")])


def _bounds(table: Table, inputs: Mapping[str, Input]) -> list[_Question]:
    """The first and last value of every column of days or times: the files' own statistics answer that."""
    found = []
    for name, source in inputs.items():
        if source.type.startswith((_WALL, "DATE")) and table.column(name).type in ("date", "instant"):
            for pick in ("min", "max"):
                end = f"{pick}({source.sql})"
                end = f"timezone('UTC', {end})" if source.type == _ZONED else end
                found.append(_Question(name, pick, f"CAST({end} AS TIMESTAMP)"))
    return found


def _questions(
    table: Table, inputs: Mapping[str, Input], bounds: Mapping[str, Mapping[str, object]], is_large: bool
) -> list[_Question]:
    found = []
    for name, source in inputs.items():
        ends = [end for end in bounds[name].values() if isinstance(end, datetime)]
        midnights = all(end.time() == time() for end in ends)
        if _is_wall(source) and table.column(name).type == "instant" and midnights:
            midnight = f"bool_and({source.sql} = date_trunc('day', {source.sql}))"
            found.append(_Question(name, "whole_days", midnight))
        if is_large and source.bare:
            found.append(_Question(name, "untidy", f"bool_or({_untidy(source.bare)})"))
    return found


def _asked(
    con: duckdb.DuckDBPyConnection, raw: Raw, questions: Sequence[_Question], columns: Iterable[str]
) -> dict[str, dict[str, object]]:
    """The answers by column and what they are about."""
    answers: dict[str, dict[str, object]] = {name: {} for name in columns}
    if questions:
        found = con.execute(f"SELECT {', '.join(q.sql for q in questions)} FROM {raw.relation}").fetchone()
        for question, answer in zip(questions, found or (), strict=True):
            answers[question.column][question.about] = answer
    return answers


def survey(
    con: duckdb.DuckDBPyConnection,
    table: Table,
    raw: Raw,
    inputs: Mapping[str, Input],
    timezone: str,
    is_large: bool,
) -> dict[str, Input]:
    """The inputs, told what their columns hold.

    Every timestamp column whose values are all midnights means days. In a large source text without blanks
    at its ends is taken as it is, times get the shifts of the zone instead of its rules, and the last day of
    a column is known.
    """
    bounds = _asked(con, raw, _bounds(table, inputs) if is_large else [], inputs)
    answers = _asked(con, raw, _questions(table, inputs, bounds, is_large), inputs)
    told = {}
    for name, source in inputs.items():
        source = replace(source, whole_days=bool(answers[name].get("whole_days")))
        if answers[name].get("untidy") is False:
            source = replace(source, sql=source.bare)
        low, high = bounds[name].get("min"), bounds[name].get("max")
        if isinstance(low, datetime) and isinstance(high, datetime):
            if not source.whole_days and source.type != "DATE":
                source = replace(source, shifts=_shifts(con, timezone, low, high, _is_wall(source)))
            if source.whole_days or source.type == "DATE":
                source = replace(source, latest=high.date())
            elif source.shifts:
                source = replace(source, latest=_last_day(source.shifts, high))
        told[name] = source
    return told


# --- time zones -------------------------------------------------------------------------------------------


def _shifts(
    con: duckdb.DuckDBPyConnection, timezone: str, low: datetime, high: datetime, is_wall: bool
) -> tuple[Shift, ...]:
    """By how much times from `low` to `high` are moved; none where the span is too long or out of range."""
    if low < EARLIEST or high >= LATEST or high - low > LONGEST:
        return ()
    start = low.replace(minute=0, second=0, microsecond=0)
    hours = int((high - start) / timedelta(hours=1)) + 2
    coarse = _sampled(con, timezone, start, 3600, hours, is_wall)
    points = [coarse[:1]]
    for at in np.flatnonzero((coarse[1:, 1:] != coarse[:-1, 1:]).any(axis=1)):
        fine = _sampled(con, timezone, start + timedelta(hours=int(at)), 1, 3601, is_wall)
        points.append(fine[1:][(fine[1:, 1:] != fine[:-1, 1:]).any(axis=1)])
    return tuple(Shift(int(a), int(b), int(c)) for a, b, c in np.concatenate(points))


def _last_day(shifts: tuple[Shift, ...], high: datetime) -> date:
    """The day of the last wall time that any time up to `high` is moved to."""
    last = int((high - datetime(1970, 1, 1)) / timedelta(microseconds=1))
    ends = [*(shift.since - 1 for shift in shifts[1:]), last]
    moved = max(min(end, last) + shift.wall for shift, end in zip(shifts, ends, strict=True))
    return (datetime(1970, 1, 1) + timedelta(microseconds=moved)).date()


def _sampled(
    con: duckdb.DuckDBPyConnection, timezone: str, start: datetime, seconds: int, count: int, is_wall: bool
) -> np.ndarray:
    """Rows of a time and what must be added to it for the wall time and for UTC, in microseconds."""
    zone = literal(timezone)
    instant = f"timezone({zone}, t)" if is_wall else "timezone('UTC', t)"
    found = con.execute(
        f"SELECT epoch_us(t) AS t, epoch_us(timezone({zone}, i)) - epoch_us(t) AS wall, "
        f"epoch_us(timezone('UTC', i)) - epoch_us(t) AS utc FROM (SELECT t, {instant} AS i FROM (SELECT "
        f"CAST({literal(start.isoformat(' '))} AS TIMESTAMP) + to_seconds({seconds} * n) AS t "
        f"FROM range({count}) r(n))) ORDER BY t"
    ).fetchnumpy()
    return np.column_stack([found["t"], found["wall"], found["utc"]])
