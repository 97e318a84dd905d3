"""One look for every chart, and the picture that a notebook displays.

Figures are made without pyplot, so nothing is shown twice and no state is left behind. Fill and hatching mean
the same everywhere: hatched is provisional, grey is few cases.
"""

from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import BytesIO
from textwrap import fill
from typing import Literal
from warnings import catch_warnings, filterwarnings

import pandas as pd
import seaborn as sns
from IPython.display import display
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator
from PIL import Image

from analysis.display import Folded, Note, Table
from analysis.glossary import UNASSIGNED
from analysis.labels import Labels
from analysis.phrases import OTHERS, status_word
from analysis.views import member_key

# Okabe and Ito's colours for the colour-blind, then Tol's; neighbours differ in lightness too.
PALETTE = (
    "#0072B2", "#E69F00", "#009E73", "#56B4E9", "#D55E00", "#CC79A7",
    "#332288", "#F0E442", "#117733", "#88CCEE", "#882255", "#DDCC77",
)  # fmt: skip
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
DASHES: tuple[Literal["-", "--", "-.", ":"], ...] = ("-", "--", "-.", ":")
MAIN, LOSS, GREY, PALE, INK, FAINT = PALETTE[0], PALETTE[4], "#A6A6A6", "#CFCFCF", "#262626", "#E3E3E3"
BAND = "#E4ECF4"
HATCH = "////"
BEHIND = {"facecolor": "white", "edgecolor": "none", "pad": 0.6}  # a text that stands on lines
TITLE_LETTERS = 60  # of a line
LEGEND_COLUMNS, LEGEND_LETTERS = 6, 84  # at most, side by side
COLOURS = 128  # of a picture; a quarter of the size, and no difference to see
WIDTH = 8.0  # inches; at 100 points an inch a picture is 800 wide on the page, and drawn at twice that
STYLE = {
    **sns.axes_style("white"),
    "font.size": 10,
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 12,
    "axes.labelcolor": INK,
    "axes.edgecolor": GREY,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "hatch.linewidth": 0.7,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "svg.hashsalt": "kpi",
}


@dataclass(frozen=True)
class Picture:
    """A drawn figure: displayed once, as a PNG at twice its size with an alternative text."""

    figure: Figure
    alt: str

    def __repr__(self) -> str:
        return self.alt

    def png(self) -> bytes:
        """The picture; the same bytes each time on the same machine."""
        drawn, small = BytesIO(), BytesIO()
        with rc_context(STYLE), catch_warnings():
            filterwarnings("ignore", "Glyph .* missing from font")  # a name in emoji is drawn as boxes
            self.figure.savefig(drawn, format="png", dpi=200)
        with Image.open(drawn) as image:
            image.convert("RGB").quantize(COLOURS).save(small, format="png", optimize=True)
        return small.getvalue()

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> tuple[dict, dict]:
        image = b64encode(self.png()).decode("ascii")
        width = round(self.figure.get_figwidth() * 100)
        return (
            {"image/png": image, "text/plain": self.alt},
            {"image/png": {"alt": self.alt, "width": width}},
        )


def show(*parts: Axes | Note | Table | Folded | None) -> None:
    """Display charts and tables one below the other; of notes with one cause only the first, None not at
    all."""
    told = set()
    for part in parts:
        if part is None:
            continue
        if isinstance(part, Note):
            if (part.cause or part.text) in told:
                continue
            told.add(part.cause or part.text)
        display(picture(part) if isinstance(part, Axes) else part)


def picture(ax: Axes, alt: str = "") -> Picture:
    """The picture of the figure that the Axes stand in.

    `alt` is the text for who cannot see it; by default the one the chart has written (the label of its Axes).
    """
    figure = ax.figure
    return Picture(figure if isinstance(figure, Figure) else figure.figure, alt or str(ax.get_label()))


def canvas(ax: Axes | None, height: float = 3.4) -> Axes:
    """The Axes to draw on: the given one, or that of a new figure in the project's style."""
    if ax is not None:
        return ax
    with rc_context(STYLE):
        return Figure(figsize=(WIDTH, height), layout="constrained").add_subplot()


def finish(ax: Axes, title: str, alt: str, letters: int = TITLE_LETTERS) -> Axes:
    """Title (it says what is shown) above the legend, its lines so many letters long, and alternative
    text."""
    keys = ax.get_legend()
    texts = [] if keys is None else [text.get_text() for text in keys.get_texts()]
    lines = -(-len(texts) // _columns(texts)) if texts else 0
    title = fill(title, letters)
    ax.set_title(title, loc="left", fontweight="bold", fontsize=12, pad=10 + 17 * lines, color=INK)
    ax.set_label(alt)
    return ax


def value_axis(ax: Axes, labels: Labels, unit: str, kpi: str, horizontal: bool = False) -> None:
    """The axis of the values: its unit in words, ticks in the locale, a faint grid behind."""
    axis = ax.xaxis if horizontal else ax.yaxis
    axis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10], integer=unit == "count"))
    axis.set_major_formatter(FuncFormatter(lambda value, _: labels.tick(value, unit, kpi)))
    axis.set_label_text(labels.unit(unit, kpi))
    ax.grid(True, axis="x" if horizontal else "y", color=FAINT, linewidth=0.8)
    ax.set_axisbelow(True)
    ax.tick_params(length=0)


def period_axis(ax: Axes, labels: Labels, starts: Sequence[pd.Timestamp], grain: str) -> None:
    """The axis of the periods, one step each: months and days (of weeks the first) by short name with the
    year below, others by name.
    """
    if grain in ("day", "week"):
        texts = [labels.day_tick(start, i == 0) for i, start in enumerate(starts)]
    elif grain == "month":
        texts = [labels.month_tick(start, i == 0) for i, start in enumerate(starts)]
    else:
        texts = [labels.period(start, grain) for start in starts]
    step = 1 if len(starts) <= 26 else 3
    ax.tick_params(axis="x", labelsize=9 if len(starts) > 18 else 10)
    ax.set_xticks(range(0, len(starts), step), texts[::step])
    ax.set_xlim(-0.6, len(starts) - 0.4)


def from_zero(ax: Axes, horizontal: bool = False, top: float | None = None) -> None:
    """Starts the value axis at 0, unless something drawn is below it; `top` is its end, where given."""
    low, high = ax.get_xlim() if horizontal else ax.get_ylim()
    drawn = ax.dataLim.x0 if horizontal else ax.dataLim.y0
    bounds = (low if drawn < 0 else 0, high if top is None else top)
    (ax.set_xlim if horizontal else ax.set_ylim)(*bounds)


def colours(names: Iterable[str]) -> dict[str, str]:
    """A colour for each member, by its place in the order of names; (unassigned) and (others) are greys."""
    ordered = sorted({name for name in names if not name.startswith("(")}, key=member_key)
    named = {name: PALETTE[i % len(PALETTE)] for i, name in enumerate(ordered)}
    return named | {UNASSIGNED: PALE, OTHERS: GREY}


def bar_style(status: str, colour: str = MAIN) -> dict:
    """How a bar of this status is drawn: full, hatched when provisional, grey when it rests on few cases."""
    if status == "provisional":
        return {"facecolor": "white", "edgecolor": colour, "hatch": HATCH, "linewidth": 1}
    if status == "small_n":
        return {"facecolor": GREY, "edgecolor": colour, "linewidth": 1}
    return {"facecolor": colour, "edgecolor": colour, "linewidth": 1}


def status_legend(ax: Axes, statuses: Iterable[str], handles: Sequence = (), colour: str = MAIN) -> None:
    """The legend: the given handles, and what hatched and grey mean where they occur; none without any."""
    used = set(statuses)
    keys = list(handles)
    if "provisional" in used:
        keys.append(Patch(label=status_word("provisional"), **bar_style("provisional", colour)))
    if "small_n" in used:
        keys.append(Patch(label=status_word("small_n"), **bar_style("small_n", GREY)))
    legend(ax, keys)


def dot_keys(statuses: Iterable[str]) -> list[Line2D]:
    """The keys of points that mean something by their look: hollow is provisional, grey is few cases."""
    looks = {"provisional": ("white", INK), "small_n": (GREY, GREY)}
    return [
        Line2D([], [], linestyle="none", marker="o", mfc=face, color=edge, label=status_word(status))
        for status, (face, edge) in looks.items()
        if status in set(statuses)
    ]


def legend(ax: Axes, handles: Sequence) -> None:
    """The handles in lines between the title and the chart; nothing without handles."""
    if handles:
        columns = _columns([str(handle.get_label()) for handle in handles])
        ax.legend(
            handles=handles, loc="lower left", bbox_to_anchor=(0, 1), ncols=columns,
            borderaxespad=0.1, borderpad=0.2, handlelength=1.6, columnspacing=1.4, frameon=False, fontsize=9,
        )  # fmt: skip


def _columns(texts: Sequence[str]) -> int:
    """How many of a legend's texts stand side by side: as many as there is room for."""
    wide = max(map(len, texts)) + 6  # letters that a key and the space around it take
    if sum(map(len, texts)) + 6 * len(texts) <= LEGEND_LETTERS + 6 and len(texts) <= LEGEND_COLUMNS:
        return len(texts)
    return max(1, min(LEGEND_COLUMNS, LEGEND_LETTERS // wide, len(texts)))
