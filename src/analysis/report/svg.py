"""Small charts as inline SVG: they follow the page's light and dark by classes, and load and run nothing.

`templates/svg.css` holds their looks. All text is escaped. A figure that still moves is hollow and is never
joined to the trend; one of few cases is grey; a missing one leaves a gap. Charts stretch to the box they
stand in (lines and dots keep their weight), so the words beside them are the page's.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import ceil, floor, isfinite, log10, nan

from markupsafe import Markup, escape

COLOURS = 6  # c1 to c6, told apart by the colour-blind; what follows is c0, grey
CIRCLE = 100 / 6.283185307179586  # a radius whose circumference is 100
CELLS = 5  # of a battery
MOVING = "provisional"
GREY = "small_n"


@dataclass(frozen=True)
class Series:
    """One line or row of bars: a value (NaN for none) and its status for every period, and its interval."""

    values: Sequence[float]
    statuses: Sequence[str]
    name: str = ""
    low: Sequence[float] = field(default=())
    high: Sequence[float] = field(default=())

    @property
    def firm(self) -> list[float]:
        """The values that a trend may join; NaN where there is none or it still moves."""
        return [nan if status == MOVING else v for v, status in zip(self.values, self.statuses, strict=True)]


@dataclass(frozen=True)
class Scale:
    """The values at the bottom and at the top of a chart, and those of its lines across."""

    low: float
    high: float
    ticks: tuple[float, ...] = ()

    def y(self, value: float, height: float = 100) -> float:
        """Where a value lies, from the top."""
        return height - (value - self.low) / (self.high - self.low) * height

    def share(self, value: float) -> float:
        """Where a value lies between low (0) and high (100)."""
        return min(max((value - self.low) / (self.high - self.low), 0), 1) * 100


# --- scales -----------------------------------------------------------------------------------------------


def scale(values: Iterable[float], zero: bool = True, lines: int = 4, whole: bool = False) -> Scale:
    """Round ends around the values, and so many round steps at most; from 0 unless `zero` is false.

    The steps of counts are `whole`.
    """
    known = [value for value in values if isfinite(value)] + ([0.0] if zero else [])
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    if low == high:
        low, high = (low - abs(low) / 2, high + abs(high) / 2) if low else (0.0, 1.0)
    step = _round_step((high - low) / lines, whole)
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    return Scale(first * step, last * step, tuple(round(n * step, 12) for n in range(first, last + 1)))


def _round_step(rough: float, whole: bool) -> float:
    """The next of 1, 2, 2.5, 5 and 10 times a power of ten, or the next whole one of them."""
    rough = max(rough, 1.0) if whole else rough
    power = 10.0 ** floor(log10(rough))
    steps = [power * step for step in (1, 2, 2.5, 5, 10)]
    return next(x for x in steps if x >= rough * (1 - 1e-9) and (not whole or x.is_integer()))


# --- charts -----------------------------------------------------------------------------------------------


def sparkline(values: Sequence[float], statuses: Sequence[str], label: str) -> Markup:
    """A trend the size of a word, with a dot at its last value; what still moves is a hollow dot apart.

    `label` says in words what is seen, for those who do not see it. Without a value it is empty.
    """
    known = [value for value in values if isfinite(value)]
    if not known:
        return Markup("")
    low, high = min(known), max(known)
    span = Scale(low, high) if high > low else Scale(low - 1, low + 1)
    at = [(_x(place, len(values), 3), 3 + span.y(v, 22)) for place, v in enumerate(values)]
    series = Series(values, statuses)
    firm = [place for place, value in enumerate(series.firm) if isfinite(value)]
    dots = [_dot(at[firm[-1]], "dot")] if firm else []
    dots += [_dot(at[n], "open") for n, v in enumerate(values) if n not in firm and isfinite(v)]
    path = _path(at, series.firm)
    return _svg(
        "spark",
        "0 0 100 28",
        label,
        [f'<path class="trend" d="{path}"/>' if path else "", *dots],
        stretch=True,
    )


def line(series: Sequence[Series], span: Scale, label: str, titles: Sequence[str]) -> Markup:
    """Lines over the periods; `titles` are the words of each period, shown where the pointer is.

    A single line shows its interval as a band. Of several, each has its colour and pattern of dashes.
    """
    parts = [*_across(span)]
    for number, one in enumerate(series):
        at = [(_x(place, len(one.values)), span.y(v)) for place, v in enumerate(one.values)]
        look = colour(number)
        if len(series) == 1 and one.low and one.high:
            parts += _band(one, span)
        parts.append(f'<path class="trend {look}" d="{_path(at, one.firm)}"/>')
        for place, (value, status) in enumerate(zip(one.values, one.statuses, strict=True)):
            if isfinite(value) and (status in (MOVING, GREY) or len(series) == 1 or _lonely(one, place)):
                kind = {MOVING: "open", GREY: "few"}.get(status, "dot")
                parts.append(_dot(at[place], f"{kind} {look}"))
    count = len(titles)
    parts += [
        f'<path class="hit" d="M{_n(_x(place, count))} 0V100" style="stroke-width:{_n(100 / max(count, 1))}">'
        f"<title>{escape(title)}</title></path>"
        for place, title in enumerate(titles)
    ]
    return _svg("chart", "0 0 100 100", label, parts, stretch=True)


def columns(one: Series, span: Scale, label: str, titles: Sequence[str]) -> Markup:
    """An upright bar for every period; hollow where it still moves."""
    width = 100 / max(len(one.values), 1)
    parts = [*_across(span)]
    for place, (value, status, title) in enumerate(zip(one.values, one.statuses, titles, strict=True)):
        if isfinite(value):
            top, bottom = sorted((span.y(value), span.y(0)))
            box = f'x="{_n(place * width + width * 0.16)}" y="{_n(top)}" width="{_n(width * 0.68)}"'
            look = {MOVING: "open", GREY: "few"}.get(status, "full")
            parts.append(f'<rect class="{look}" {box} height="{_n(bottom - top)}">{_title(title)}</rect>')
    return _svg("chart", "0 0 100 100", label, parts, stretch=True)


def bar(value: float, status: str, span: Scale, label: str, low: float = nan, high: float = nan) -> Markup:
    """One lying bar, from 0 to the value, and its interval as a thin line on it."""
    zero, end = span.share(0), span.share(value) if isfinite(value) else span.share(0)
    look = {MOVING: "open", GREY: "few"}.get(status, "full")
    left, right = sorted((zero, end))
    parts = [f'<rect class="{look}" x="{_n(left)}" y="1" width="{_n(right - left)}" height="10"/>']
    if isfinite(low) and isfinite(high):
        parts.append(f'<path class="interval" d="M{_n(span.share(low))} 6H{_n(span.share(high))}"/>')
    parts.append(f'<path class="zero" d="M{_n(zero)} 0V12"/>')
    return _svg("bar", "0 0 100 12", label, parts, stretch=True)


def pie(values: Sequence[float], label: str, titles: Sequence[str]) -> Markup:
    """A ring cut into the parts, clockwise from the top in the order given; the values are 0 or more."""
    whole = sum(values)
    parts, begun = [], 0.0
    for number, (value, title) in enumerate(zip(values, titles, strict=True)):
        share = value / whole * 100 if whole > 0 else 0
        gap = min(0.7, share / 2)
        parts.append(
            f'<circle class="{colour(number)}" r="{CIRCLE:.3f}" pathLength="100" '
            f'stroke-dasharray="{share - gap:.2f} {100 - share + gap:.2f}" '
            f'stroke-dashoffset="{-begun:.2f}">{_title(title)}</circle>'
        )
        begun += share
    return _svg("pie", "-21 -21 42 42", label, [f'<g transform="rotate(-90)">{"".join(parts)}</g>'])


def battery(share: float, label: str, look: str = "", due: float = nan) -> Markup:
    """A battery filled to the share (0 to 1, more is full), and a mark where it should be by now.

    `look` is a class that colours the filling; without a share it is empty and dashed.
    """
    filled = min(max(share, 0), 1) * 100 if isfinite(share) else 0
    shell = "shell" if isfinite(share) else "shell none"
    parts = [
        f'<rect class="{shell}" x="1" y="1" width="108" height="30" rx="6"/>',
        '<path class="cap" d="M111 11h2a3 3 0 0 1 3 3v4a3 3 0 0 1 -3 3h-2z"/>',
    ]
    cell = 100 / CELLS
    for number in range(CELLS):
        inside = min(max(filled - number * cell, 0), cell - 1.5)
        if inside > 0:
            box = f'x="{_n(5.6 + number * cell)}" y="5.5" width="{_n(inside)}" height="21" rx="1.5"'
            parts.append(f'<rect class="charge" {box}/>')
    if isfinite(due):
        parts.append(f'<path class="due" d="M{_n(5 + min(max(due, 0), 1) * 100)} 1V31"/>')
    return _svg(f"battery {look}".strip(), "0 0 118 32", label, parts)


def colour(number: int) -> str:
    """The class of the n-th colour; what is beyond the colours is grey."""
    return f"c{number + 1}" if number < COLOURS else "c0"


# --- parts ------------------------------------------------------------------------------------------------


def _svg(kind: str, box: str, label: str, parts: Iterable[str], stretch: bool = False) -> Markup:
    ratio = ' preserveAspectRatio="none"' if stretch else ""
    head = f'<svg class="{kind}" viewBox="{box}"{ratio} role="img" aria-label="{escape(label)}">'
    return Markup(head + "".join(parts) + "</svg>")  # every text in the parts is escaped where it is put in


def _title(text: str) -> str:
    return f"<title>{escape(text)}</title>"


def _across(span: Scale) -> list[str]:
    """The lines across, the one at 0 heavier."""
    lines = "".join(f"M0 {_n(span.y(tick))}H100" for tick in span.ticks if tick)
    zero = [f'<path class="zero" d="M0 {_n(span.y(0))}H100"/>'] if span.low <= 0 <= span.high else []
    return [f'<path class="grid" d="{lines}"/>', *zero]


def _band(one: Series, span: Scale) -> list[str]:
    """The interval of every stretch of firm values that has one."""
    bands: list[list[int]] = [[]]
    for place, value in enumerate(one.firm):
        whole = isfinite(value) and isfinite(one.low[place]) and isfinite(one.high[place])
        bands = [*bands[:-1], [*bands[-1], place]] if whole else [*bands, []]
    found = []
    for places in bands:
        if len(places) > 1:
            count = len(one.values)
            there = [f"{_n(_x(p, count))} {_n(span.y(one.high[p]))}" for p in places]
            back = [f"{_n(_x(p, count))} {_n(span.y(one.low[p]))}" for p in reversed(places)]
            found.append(f'<path class="band" d="M{"L".join([*there, *back])}Z"/>')
    return found


def _lonely(one: Series, place: int) -> bool:
    """Whether no neighbour is there to draw a line to."""
    sides = [one.firm[n] for n in (place - 1, place + 1) if 0 <= n < len(one.values)]
    return not any(isfinite(side) for side in sides)


def _path(at: Sequence[tuple[float, float]], firm: Sequence[float]) -> str:
    """Straight lines through neighbouring firm values; a gap begins a new one."""
    path, pen = "", "M"
    for (x, y), value in zip(at, firm, strict=True):
        path += f"{pen}{_n(x)} {_n(y)}" if isfinite(value) else ""
        pen = "L" if isfinite(value) else "M"
    return path


def _dot(at: tuple[float, float], look: str) -> str:
    """A line of no length with round ends: a dot that stays round however the chart is stretched."""
    d = f"M{_n(at[0])} {_n(at[1])}h0"
    hole = f'<path class="hole" d="{d}"/>' if look.split()[0] == "open" else ""
    return f'<path class="{look}" d="{d}"/>{hole}'


def _x(place: int, count: int, margin: float = 0) -> float:
    """The middle of the n-th of so many equal columns; with a margin, from edge to edge within it."""
    if margin:
        return margin + (100 - 2 * margin) * (place / (count - 1) if count > 1 else 1)
    return (place + 0.5) * 100 / count


def _n(number: float) -> str:
    """A coordinate: one decimal at most."""
    text = f"{number:.1f}"
    return text.removesuffix(".0") if text != "-0.0" else "0"
