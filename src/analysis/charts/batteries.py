"""Goals as batteries: each is filled as far as it has come, with a mark where it should be by now."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from analysis.charts.glyphs import drawable
from analysis.charts.style import GREY, INK, LOSS, MAIN, PALETTE, canvas, finish, legend
from analysis.display import Note
from analysis.goal_words import cut, pace_word, share, why_none, without_data
from analysis.labels import Labels
from analysis.texts import say

FILLS = {  # the pace stands beside each battery in words
    "done": PALETTE[2], "ahead": PALETTE[3], "on track": MAIN, "behind": LOSS, "undefined": GREY,
}  # fmt: skip
LETTERS = 34  # of a goal's name beside its battery
HIGH = 0.56


def batteries(found: pd.DataFrame, labels: Labels, ax: Axes | None = None) -> Axes | Note:
    """The goals of `goals.standings` as batteries, in their order; a target's rows are left out.

    A battery without progress is empty, and why is written in it.
    """
    goals = found[found["type"] == "goal"]
    if goals.empty:
        return Note(say("This company has no goals; write them under `goals` in its params file."))
    ax = canvas(ax, 0.9 + 0.46 * max(len(goals), 2))
    said = [_battery(ax, place, row, labels) for place, row in enumerate(goals.itertuples())]
    ax.set_yticks(
        range(len(goals)), [drawable(cut(name, LETTERS)) for name in goals["goal"]], parse_math=False
    )
    ax.set_ylim(len(goals) - 0.4, -0.6)
    ax.set_xlim(-0.01, 1.5)
    ax.set_xticks([])
    ax.tick_params(length=0)
    for side in ax.spines.values():
        side.set_visible(False)
    if (goals["expected"].notna() & goals["progress"].notna()).any():
        due = Line2D([], [], color=INK, linewidth=2, label=say("expected by now"))
        legend(ax, [due])
    title = say("Goals on {day}", day=labels.day(labels.as_of))
    return finish(ax, title, say("Battery chart: {title}. {goals}.", title=title, goals="; ".join(said)))


def _battery(ax: Axes, place: int, row: Any, labels: Labels) -> str:
    """Draws one battery; returns what it says, for who cannot see it."""
    known = pd.notna(row.progress)
    if known and row.progress > 0:
        ax.add_patch(
            Rectangle((0, place - HIGH / 2), row.progress, HIGH, linewidth=0, facecolor=FILLS[row.pace])
        )
    ax.add_patch(Rectangle((0, place - HIGH / 2), 1, HIGH, fill=False, edgecolor=INK, linewidth=1.2))
    ax.add_patch(Rectangle((1, place - HIGH / 5), 0.012, HIGH / 2.5, facecolor=INK, linewidth=0))
    if known and pd.notna(row.expected):
        ax.vlines(row.expected, place - HIGH / 2 - 0.1, place + HIGH / 2 + 0.1, color=INK, linewidth=2)
    if known:
        parts = [share(labels, row.progress), pace_word(row.pace), without_data(row)]
        text, at, size = ", ".join(part for part in parts if part), 1.03, 9.0
    else:
        text, at, size = why_none(row), 0.02, 8.5
    ax.text(at, place, drawable(text), va="center", fontsize=size, color=INK, parse_math=False)
    return f"{cut(row.goal)}: {text}"
