"""What charts of the dashboard have in common: the words at their axes, and what is said of each figure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite

import pandas as pd
from markupsafe import Markup

from analysis.labels import NOTHING, Labels
from analysis.phrases import status_word
from analysis.report import svg
from analysis.report.svg import Series
from analysis.tables.words import why
from analysis.texts import say, say_n

MOST_WORDS = 7
LONG_PERIODS = ("day", "week")  # whose names need room under an axis


@dataclass(frozen=True)
class Plot:
    """A chart over periods: the lines and bars, and the words at its axes with their places in per cent."""

    drawn: Markup
    up: tuple[tuple[float, str], ...]
    along: tuple[tuple[float, str], ...]
    legend: tuple[tuple[str, str], ...] = ()


def span_of(labels: Labels, found: pd.DataFrame, grain: str) -> str:
    """The periods of the rows, from the first to the last."""
    if found.empty:
        return NOTHING
    starts = found["period_start"]
    first, last = starts.min(), found.loc[starts.idxmax()]
    name = labels.span(last["period_start"], last["period_end"], grain)
    return name if first == last["period_start"] else f"{labels.period(first, grain)} – {name}"


def series_of(found: pd.DataFrame, starts: Sequence[pd.Timestamp], labels: Labels, by: str) -> Series:
    """One member's values at each of the periods, missing where it has no row."""
    each = found.drop_duplicates("period_start").set_index("period_start").reindex(starts)
    member = "" if found.empty else str(found["member"].iloc[0])
    low, high = (each[end].astype("float64").tolist() for end in ("low", "high"))
    return Series(
        each["value"].astype("float64").tolist(),
        each["status"].fillna("undefined").tolist(),
        labels.member(by, member) if by else "",
        low if any(isfinite(end) for end in low) else (),
        high if any(isfinite(end) for end in high) else (),
    )


def titles_of(
    labels: Labels, found: pd.DataFrame, starts: Sequence, names: Sequence[str], by: str, grain: str
) -> list[str]:
    """What is said of each period where the pointer is: its name and each member's figure."""
    cells = {(row["period_start"], row["member"]): row for row in found.to_dict("records")}
    said = []
    for start in starts:
        lines = []
        for name in names:
            row = cells.get((start, name))
            if row is not None:
                text = labels.value(row["value"], row["unit"], row["kpi"])
                text = f"{text} ({said_of(row)})" if said_of(row) else text
                lines.append(f"{labels.member(by, name)}: {text}" if by else text)
        said.append("\n".join([labels.period(start, grain), *lines]))
    return said


def said_of(row: Mapping) -> str:
    """The status of a figure, or why there is none, in a few words."""
    return why(row["reason"], row["kpi"]) if pd.isna(row["value"]) else status_word(row["status"])


def spoken_of(labels: Labels, title: str, found: pd.DataFrame, grain: str) -> str:
    """The chart in one sentence."""
    valued = found[found["value"].notna()]
    if valued.empty:
        return title
    low, high = (valued.loc[at()] for at in (valued["value"].idxmin, valued["value"].idxmax))
    return say(
        "{title}, {period}: from {low} to {high}",
        title=title,
        period=span_of(labels, valued, grain),
        low=labels.value(low["value"], low["unit"], low["kpi"]),
        high=labels.value(high["value"], high["unit"], high["kpi"]),
    )


def marks_of(found: pd.DataFrame, left: int) -> str:
    """What the marks of a chart mean, and how many members it leaves to the table."""
    used = set(found.loc[found["value"].notna(), "status"])
    notes = [say("hollow: provisional")] if "provisional" in used else []
    notes += [say("grey: few cases")] if "small_n" in used else []
    if left:
        notes.append(say_n("{n} smaller one in the numbers", "{n} smaller ones in the numbers", left))
    return " · ".join(notes)


def words_up(labels: Labels, span: svg.Scale, found: pd.DataFrame) -> tuple[tuple[float, str], ...]:
    """The words at the upright axis, each with its height in per cent."""
    unit, kpi = found["unit"].iloc[0], found["kpi"].iloc[0]
    return tuple((round(span.share(tick), 2), labels.tick(tick, unit, kpi)) for tick in span.ticks)


def words_along(labels: Labels, starts: Sequence[pd.Timestamp], grain: str) -> tuple[tuple[float, str], ...]:
    """The words under the chart, as many as have room, each with its place in per cent; the last is there."""
    room = MOST_WORDS - 3 if grain in LONG_PERIODS else MOST_WORDS
    step = -(-len(starts) // room)
    chosen = [n for n in range(len(starts)) if (len(starts) - 1 - n) % step == 0]
    words: list[tuple[float, str]] = []
    for n in chosen:
        start = pd.Timestamp(starts[n])
        year = not words or start.year != pd.Timestamp(starts[chosen[len(words) - 1]]).year
        text = labels.month_tick(start, year) if grain == "month" else labels.period(start, grain)
        words.append((round((n + 0.5) * 100 / len(starts), 2), text))
    return tuple(words)
