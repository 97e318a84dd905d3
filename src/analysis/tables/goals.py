"""The table of goals: every goal and target, how far it has come, and whether that is in time."""

from typing import Any

import pandas as pd

from analysis.display import Note, Row, Table
from analysis.goal_words import cut, figure, owner_name, pace_word, share, why_none, without_data
from analysis.goals import TOLERANCE
from analysis.labels import NOTHING, Labels
from analysis.texts import say

INDENT = "– "


def goals(found: pd.DataFrame, labels: Labels) -> Table | Note:
    """The frame of `goals.standings` as a table: goals by folder, each followed by its targets."""
    if found.empty:
        return Note(say("This company has no goals; write them under `goals` in its params file."))
    body: list[Row] = []
    folders = list(dict.fromkeys(found["folder"]))
    for folder in folders:
        if folder:
            body.append(Row((cut(folder), *[""] * 8), "folder"))
        body += [_row(row, labels) for row in found[found["folder"] == folder].itertuples()]
    head = (
        say("Goal"), say("Owner"), say("Start"), say("Now"), say("End"), say("Progress"), say("Expected"),
        say("Pace"), say("Due"),
    )  # fmt: skip
    points = labels.plain(round(TOLERANCE * 100, 6))
    notes = [
        say("Expected: share of the days from the first to the last that are over"),
        say("On track: at most {points} points from what is expected", points=points),
        say("A goal's progress is the mean of its targets', by their weights, each from 0 to 100 %"),
    ]
    caption = say("Goals on {day}", day=labels.day(labels.as_of))
    return Table(caption, head, tuple(body), tuple(notes), "goals")


def _row(row: Any, labels: Labels) -> Row:
    whole = row.type == "goal"
    name = cut(row.goal) if whole else INDENT + cut(row.target)
    if row.kpi and pd.notna(row.period_start):
        name += f" ({labels.span(row.period_start, row.period_end, row.grain)})"
    elif whole and without_data(row) and not row.reason:
        name += f" ({without_data(row)})"
    figures = [NOTHING] * 3 if whole else [figure(labels, row, n) for n in (row.start, row.current, row.end)]
    cells = (
        name,
        owner_name(labels, row.owner) if whole else "",
        *figures,
        share(labels, row.progress) if pd.notna(row.progress) else why_none(row),
        share(labels, row.expected) if whole else "",
        pace_word(row.pace),
        labels.day(row.due_on) if whole and pd.notna(row.due_on) else "",
    )
    return Row(cells, "undefined" if pd.isna(row.progress) else "ok")
