"""Where one company stands among the others of the portfolio, on a page that names no other.

A percentile is by mid-rank: the share of the others with a worse figure, one that is equal counts half.
Compared are only settled figures of enough cases, of the same kind of period and at most a year apart, that
are counted the same way and, where they are amounts, in the same currency; and only where that leaves
`LEAST` others. The marks of the others' distribution are means of three neighbouring companies, rounded, so
that nobody's own figure can be read from them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from math import floor
from pathlib import Path
from typing import Any

from babel.dates import format_date
from babel.numbers import format_percent
from markupsafe import Markup

from analysis.errors import RunError
from analysis.glossary import COUNT, KPIS, RATIO, Kpi
from analysis.labels import NOTHING, Labels
from analysis.param_values import near
from analysis.report.html import environment
from analysis.report.index import Entry, entries, known_locale
from analysis.report.summary import SHOWN
from analysis.tables.words import why
from analysis.texts import current, language, say

LEAST = 5  # others, for a percentile
DIGITS = (2, 1)  # that a mark of the distribution keeps; fewer where it would be somebody's own figure
QUARTILES = (0.25, 0.5, 0.75)
MONTHS_APART = 12

Figures = dict[str, Any]


def standing_page(reports_dir: Path, company: str, locale: str = "") -> str:
    """The page of a company of the reports folder, in its own language or that of `locale`.

    Raises
    ------
    RunError
        The company has no report there, or one that was written without a summary; there is no
        such locale.
    """
    found = entries(reports_dir) if reports_dir.is_dir() else []
    own = next((entry for entry in found if entry.company == company), None)
    if own is None:
        known = [entry.company for entry in found]
        raise RunError(f"{reports_dir}: no report of `{company}`{near(company, known)}")
    if own.summary is None:
        raise RunError(f"{reports_dir / company}: its newest report has no summary; `kpi run` writes one")
    locale = known_locale(locale) or str(own.summary["locale"])
    labels = Labels(locale, str(own.summary["currency"]), date.fromisoformat(own.as_of))
    others = [entry for entry in found if entry is not own and entry.summary]
    with language(locale):
        return (
            environment()
            .get_template("standing.html.j2")
            .render(
                name=own.name,
                day=format_date(labels.as_of, "long", locale),
                language=current(),
                standings=[standing(kpi, own, others, labels) for kpi in SHOWN],
                least=LEAST,
                example=format_percent(0.72, locale=locale),
            )
        )


@dataclass(frozen=True)
class Standing:
    """A company's figure for a KPI among the others'.

    `better_than` is its percentile, the good way up (0 to 1, as text `share`; None where there is none,
    with the `reason` in words), `others` the number of companies behind it; `marks` are the lower quartile,
    the middle and the upper one of the others in the order of their size, as text, and `places` where they
    and the company lie on a strip from 0 to 100 with the better end right.
    """

    kpi: Kpi
    text: str
    period: str
    others: int = 0
    better_than: float | None = None
    share: str = ""
    reason: str = ""
    marks: tuple[str, ...] = ()
    places: tuple[int, ...] = ()

    @property
    def sentence(self) -> str:
        """The standing in words, or why there is none."""
        if self.better_than is None:
            return self.reason
        return say("better than {share} of {n} companies", share=self.share, n=self.others)

    @property
    def strip(self) -> Markup:
        """The middle half of the others as a box with its middle, and the company as a dot."""
        low, middle, high, own = self.places
        left, right = min(low, high), max(low, high)
        return Markup(
            '<svg aria-hidden="true" viewBox="-6 0 112 20"><path class="axis" d="M0 10H100"/>'
            '<rect x="{}" y="4" width="{}" height="12"/><path class="middle" d="M{} 4v12"/>'
            '<circle cx="{}" cy="10" r="5"/></svg>'
        ).format(left, max(right - left, 1), middle, own)


def standing(kpi: str, own: Entry, others: Sequence[Entry], labels: Labels) -> Standing:
    """Where the company stands in a KPI among these others."""
    spec, figures = KPIS[kpi], own.figures.get(kpi, {})
    value = figures.get("value")
    shown = Standing(spec, figures.get("text", NOTHING), figures.get("period", ""))
    if value is None:
        return Standing(spec, shown.text, "", reason=why(figures.get("reason", ""), kpi))
    if figures["status"] != "ok":
        why_not = say("few cases") if figures["status"] == "small_n" else say("provisional")
        return Standing(spec, shown.text, shown.period, reason=say("not compared: {reason}", reason=why_not))
    peers = [entry.figures[kpi] for entry in others if comparable(figures, entry.figures.get(kpi, {}))]
    if len(peers) < LEAST:
        reason = say("fewer than {n} other companies have a figure that compares", n=LEAST)
        return Standing(spec, shown.text, shown.period, len(peers), reason=reason)
    values = sorted(peer["value"] for peer in peers)
    better_than = percentile(value, values, spec.direction)
    blurred = [blur(values, share) for share in QUARTILES]
    taken = {peer["text"] for peer in peers}
    return Standing(
        spec,
        shown.text,
        shown.period,
        len(peers),
        better_than,
        format_percent(better_than, locale=labels.locale),
        marks=tuple(_mark(number, figures["unit"], labels, taken) for number in blurred),
        places=_places([*blurred, value], spec.direction == "down"),
    )


def comparable(own: Figures, other: Figures) -> bool:
    """Whether another company's figure counts the same thing, is settled, and not of another time."""
    if other.get("value") is None or other["status"] != "ok":
        return False
    same = all(own[part] == other[part] for part in ("unit", "grain", "basis"))
    return same and abs(_month(own["start"]) - _month(other["start"])) <= MONTHS_APART


def percentile(value: float, others: Sequence[float], direction: str) -> float:
    """The share of the others whose figure is worse; an equal one counts half.

    `direction` is the KPI's. At least one other is needed.
    """
    sign = -1 if direction == "down" else 1
    worse = sum(sign * other < sign * value for other in others)
    equal = sum(other == value for other in others)
    return (worse + equal / 2) / len(others)


def blur(values: Sequence[float], share: float) -> float:
    """The mean of the three sorted values nearest to the quantile `share`; there are at least three."""
    middle = floor(share * (len(values) - 1) + 0.5)
    first = min(max(middle - 1, 0), len(values) - 3)
    return sum(values[first : first + 3]) / 3


def _month(day: str) -> int:
    start = date.fromisoformat(day)
    return start.year * 12 + start.month


def _mark(number: float, unit: str, labels: Labels, taken: set[str]) -> str:
    """A mark of the distribution as text, with so few digits that it is nobody's own figure."""
    if unit == RATIO:
        return labels.tick(round(number, 2), unit)  # whole per cents; a company's own has a decimal
    for digits in DIGITS:
        rounded = float(f"{number:.{digits}g}")
        text = labels.value(round(rounded), COUNT) if unit == COUNT else labels.short(rounded, unit)
        if text not in taken:
            return text
    return NOTHING


def _places(numbers: Sequence[float], turned: bool) -> tuple[int, ...]:
    """Where the numbers lie between the least of them (0) and the largest (100), or the other way round."""
    low, high = min(numbers), max(numbers)
    span = high - low or 1.0
    places = [round((number - low) / span * 100) for number in numbers]
    return tuple(100 - place if turned else place for place in places)
