"""The table of goals: every goal and target, how far it has come, and whether that is in time."""

from typing import Any

import pandas as pd

from analysis.display import Note, Row, Table
from analysis.glossary import STATUSES
from analysis.goal_words import (
    cut,
    figure,
    judged_by,
    node_figure,
    node_name,
    node_period,
    owner_name,
    pace_word,
    share,
    track_word,
    why_none,
    without_data,
)
from analysis.goals import TOLERANCE
from analysis.labels import NOTHING, Labels
from analysis.texts import say

INDENT = "– "


def goals(found: pd.DataFrame, labels: Labels) -> Table | Note:
    """The frame of `goals.standings` as a table: goals by folder, each followed by its targets."""
    if found.empty:
        return Note(say("This company has no goals; write them under `goals` in its params file."))
    body: list[Row] = []
    folders = sorted(dict.fromkeys(found["folder"]), key=bool)  # those without one come first
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


def goal_map(nodes: pd.DataFrame, labels: Labels) -> Table | Note:
    """The frame of `goal_map.goal_map` as a table, each node below the one it drives."""
    if nodes.empty:
        return Note(say("There is no goal to map."))
    body = [_node(row, labels) for row in nodes.itertuples()]
    head = (
        say("What"),
        say("Value"),
        say("Period"),
        say("Before"),
        say("On track"),
        say("Judged"),
        say("Made of"),
    )
    caption = say("What drives it: {name}", name=cut(node_name(next(nodes.itertuples()))))
    return Table(caption, head, tuple(body), kind="map")


def _node(row: Any, labels: Labels) -> Row:
    before = labels.short(row.before, row.unit, row.kpi) if pd.notna(row.before) else NOTHING
    cells = (
        f"{INDENT * row.depth}{cut(node_name(row))}",
        node_figure(labels, row),
        node_period(labels, row),
        before,
        track_word(row.track),
        judged_by(row.judged_by),
        say(row.formula),
    )
    return Row(cells, row.status if row.status in STATUSES else "undefined" if pd.isna(row.value) else "ok")


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
