"""The goal map as a tree: the goal on the left, what drives it to the right, each with whether it is on
track.
"""

from textwrap import wrap
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import FancyBboxPatch

from analysis.charts.glyphs import drawable
from analysis.charts.style import GREY, INK, LOSS, MAIN, canvas, finish, legend
from analysis.display import Note
from analysis.goal_words import (
    BAD,
    GOOD,
    cut,
    judged_by,
    node_figure,
    node_name,
    node_period,
    share,
    track_word,
)
from analysis.labels import Labels
from analysis.texts import say

WIDE, HIGH = 0.86, 0.8  # of a box, in columns and rows
LETTERS, LINES = 20, 2  # of a name
PITCH = 0.62  # inches of a row
SIGNS = {
    "done": "✓", "ahead": "▲", "on track": "●", "behind": "▼", "better": "▲", "worse": "▼", "unchanged": "●",
}  # fmt: skip


def goal_map(nodes: pd.DataFrame, labels: Labels, ax: Axes | None = None) -> Axes | Note:
    """The frame of `goal_map.goal_map` as a tree.

    A blue frame is on track, a red and broad one is not; a sign and a word say the same. A dashed line leads
    to what a KPI rests on, a full one to what it is made of.
    """
    if nodes.empty:
        return Note(say("There is no goal to map."))
    heights = _heights(nodes)
    rows, columns = max(heights.values()) + 1, int(nodes["depth"].max()) + 1
    ax = canvas(ax, 1.3 + PITCH * rows)
    exact = dict(zip(nodes["node"], nodes["exact"], strict=True))
    said = []
    for row in nodes.itertuples():
        colour, width = _frame(row.track)
        if row.parent >= 0:
            parent = int(nodes.loc[nodes["node"] == row.parent, "depth"].iloc[0]), heights[row.parent]
            _branch(ax, parent, (row.depth, heights[row.node]), colour, bool(exact[row.parent]))
        said.append(_box(ax, row, labels, heights[row.node], colour, width))
    ax.set_xlim(-0.02, max(columns, 3) - 1 + WIDE + 0.02)
    ax.set_ylim(rows - 0.45, -0.55)
    ax.set_axis_off()
    legend(ax, _keys(nodes))
    title = say("What drives it: {name}", name=drawable(cut(node_name(next(nodes.itertuples())))))
    return finish(ax, title, say("Tree: {title}. {nodes}.", title=title, nodes="; ".join(said)))


def _heights(nodes: pd.DataFrame) -> dict[int, float]:
    """The row of each node: those without nodes below them one under the other, the others in the middle."""
    children: dict[int, list[int]] = {}
    for node, parent in zip(nodes["node"], nodes["parent"], strict=True):
        children.setdefault(parent, []).append(node)
    heights: dict[int, float] = {}
    place = 0
    for node in nodes["node"]:
        if node not in children:
            heights[node] = float(place)
            place += 1
    for node in nodes["node"][::-1]:
        if node in children:
            own = [heights[child] for child in children[node]]
            heights[node] = (min(own) + max(own)) / 2
    return heights


def _frame(track: str) -> tuple[str, float]:
    """Colour and width of a node's frame."""
    return (MAIN, 1.2) if track in GOOD else (LOSS, 2.2) if track in BAD else (GREY, 1.0)


def _branch(ax: Axes, start: tuple[int, float], end: tuple[int, float], colour: str, exact: bool) -> None:
    """The line from a node to one below it, in right angles."""
    x, y = start[0] + WIDE, start[1]
    bend = (x + end[0]) / 2
    ax.plot(
        [x, bend, bend, end[0]], [y, y, end[1], end[1]],
        color=colour, linewidth=1.2, linestyle="-" if exact else (0, (4, 2)), zorder=1,
    )  # fmt: skip


def _box(ax: Axes, row: Any, labels: Labels, place: float, colour: str, width: float) -> str:
    """Draws one node; returns what it says, for who cannot see it."""
    frame = FancyBboxPatch(
        (row.depth, place - HIGH / 2), WIDE, HIGH, boxstyle="round,pad=0,rounding_size=0.04",
        facecolor="white", edgecolor=colour, linewidth=width, zorder=2,
    )  # fmt: skip
    ax.add_patch(frame)
    name = cut(node_name(row), 200)
    lines = wrap(drawable(name), LETTERS)
    if len(lines) > LINES:
        lines = [*lines[: LINES - 1], f"{lines[LINES - 1][: LETTERS - 1]}…"]
    figure, period = cut(node_figure(labels, row), LETTERS), node_period(labels, row)
    values = f"{figure}, {period}" if period and pd.notna(row.value) else figure  # a reason is long
    word = track_word(row.track)
    if row.kind == "kpi" and row.judged_by == "goal":
        word += f", {share(labels, row.progress)}"
    sign = SIGNS.get(row.track, "○")
    texts = [*((line, "bold") for line in lines), (values, "normal"), (f"{sign} {word}", "normal")]
    for at, (text, weight) in enumerate(texts):
        y = place + HIGH * ((at + 0.5) / len(texts) - 0.5) * 0.92
        ax.text(
            row.depth + 0.03, y, text, fontsize=6.8, fontweight=weight, color=INK, va="center", zorder=3,
            parse_math=False,
        )  # fmt: skip
    told = f"{cut(node_name(row))}: {node_figure(labels, row)}"
    told += f" ({period})" if period else ""
    return f"{told}, {word}" + (f" ({judged_by(row.judged_by)})" if row.judged_by else "")


def _keys(nodes: pd.DataFrame) -> list[Line2D]:
    """The keys of the frames and lines that occur."""
    tracks, keys = set(nodes["track"]), []
    if tracks & GOOD:
        keys.append(Line2D([], [], color=MAIN, linewidth=1.2, label=say("on track, or better than before")))
    if tracks & BAD:
        keys.append(Line2D([], [], color=LOSS, linewidth=2.2, label=say("behind, or worse than before")))
    if not nodes["exact"].all():
        keys.append(Line2D([], [], color=GREY, linestyle=(0, (4, 2)), label=say("rests on")))
    return keys
