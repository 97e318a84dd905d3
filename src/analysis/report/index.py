"""The portfolio: one page with every company's KPIs side by side, and how its last run went.

It is made from the report folders alone, so it can be written again at any time: of each company only the
newest report is read, and of that only its summary. Days are counted from the newest day of any report.
"""

import json
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache, cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote

from babel.dates import format_date
from babel.localedata import locale_identifiers
from markupsafe import Markup

from analysis.errors import RunError
from analysis.glossary import KPIS, MONEY
from analysis.labels import Labels
from analysis.phrases import TRENDS
from analysis.report.files import FAILED, RECORD, write_text
from analysis.report.html import TEMPLATES, Link, environment
from analysis.report.summary import SHOWN, SUMMARY, short_name
from analysis.tables.words import why
from analysis.texts import ENGLISH, current, language, mark, say

PAGE = "index.html"
STALE_DAYS = 31  # behind the page's day, a month's figures are missing
EARLIER = 6  # reports before the newest that a page of many companies has room for
CAUSE = 600  # letters of a failure; the rest is in the record that the run left
WIDTH, HEIGHT = 60, 14  # of a trend


@dataclass(frozen=True)
class Entry:
    """One company: its newest readable report and its failed last run, where there are such.

    `summary` is that report's, `href` its first page; `cause` is why the last run failed and `failed_as_of`
    the day it was for, empty when it succeeded; `earlier` reports newest first, `more` beyond them.
    """

    company: str
    name: str
    href: str = ""
    as_of: str = ""
    summary: dict[str, Any] | None = None
    cause: str = ""
    failed_as_of: str = ""
    earlier: tuple[Link, ...] = ()
    more: int = 0

    @property
    def figures(self) -> dict[str, dict[str, Any]]:
        """What the summary says of each KPI."""
        return (self.summary or {}).get("kpis", {})

    @property
    def days(self) -> list[date]:
        """The days its runs were for."""
        return [date.fromisoformat(day) for day in (self.as_of, self.failed_as_of) if _is_day(day)]


def write_index(reports_dir: Path, locale: str = "") -> Path:
    """Write `index.html` of the reports folder from what lies in it; returns its path."""
    return write_text(reports_dir / PAGE, portfolio_page(reports_dir, locale))


def portfolio_page(reports_dir: Path, locale: str = "") -> str:
    """The page of what lies in the reports folder.

    It is in `locale`'s language; without one in that which all companies share, else in English.

    Raises
    ------
    RunError
        There is no such folder, or no such locale.
    """
    if not reports_dir.is_dir():
        raise RunError(f"{reports_dir}: there are no reports; `kpi run --all` writes them")
    found = entries(reports_dir)
    return portfolio(found, known_locale(locale) or shared_locale(found))


def known_locale(locale: str) -> str:
    """The locale as it is. Raises RunError where there is none of that name; none at all is fine."""
    if locale and locale.replace("-", "_") not in locale_identifiers():
        raise RunError(f"--locale: {locale!r} is no locale; write one such as pl_PL or en_GB")
    return locale.replace("-", "_")


def portfolio(found: Sequence[Entry], locale: str = ENGLISH) -> str:
    """The page of these companies, its own words, dates and counts in the locale's language."""
    days = [day for entry in found for day in entry.days]
    script = (TEMPLATES / "portfolio.js").read_text(encoding="utf-8")
    with language(locale):
        companies = [Row(entry, max(days), locale) for entry in found if days]
        companies += [Row(entry, None, locale) for entry in found if not days]
        return (
            environment()
            .get_template("portfolio.html.j2")
            .render(
                companies=companies,
                kpis=[KPIS[kpi] for kpi in SHOWN],
                money=MONEY,
                day=format_date(max(days), "long", locale) if days else "",
                counts={state: sum(state in row.states for row in companies) for state in STATES},
                states=STATES,
                stale_days=STALE_DAYS,
                language=current(),
                script=Markup(script),
                hash=b64encode(sha256(script.encode()).digest()).decode(),
            )
        )


def shared_locale(found: Sequence[Entry]) -> str:
    """The locale of all companies where they have one language, else English."""
    locales = sorted({str(entry.summary["locale"]) for entry in found if entry.summary})
    return locales[0] if len({locale.split("_")[0] for locale in locales}) == 1 else ENGLISH


# --- the folders ------------------------------------------------------------------------------------------


def entries(reports_dir: Path) -> list[Entry]:
    """Every company that has a report or a failed run, by its id."""
    good = {folder.name for folder in reports_dir.iterdir() if _visible(folder)}
    failed = {f.parent.name: _read(f) for f in (reports_dir / FAILED).glob(f"*/{RECORD}")}
    found = (_entry(reports_dir, company, failed.get(company, {})) for company in sorted(good | set(failed)))
    return [entry for entry in found if entry.cause or entry.href]


def _visible(folder: Path) -> bool:
    return folder.is_dir() and not folder.name.startswith(".")


def _entry(reports_dir: Path, company: str, failure: dict[str, Any]) -> Entry:
    place = reports_dir / company
    folders = sorted(path.parent for path in place.glob(f"*/{RECORD}") if _visible(path.parent))
    newest, summary = None, {}
    while folders and newest is None:
        folder = folders.pop()
        summary = _read(folder / SUMMARY)
        record = summary or _read(folder / RECORD)
        newest = folder if record else None
        failure = {"name": record.get("name", ""), **failure} if record else failure
    earlier = folders[: -EARLIER - 1 : -1]
    return Entry(
        company=company,
        name=short_name(str(failure.get("name") or company)),
        href=_href(newest) if newest else "",
        as_of=newest.name if newest else "",
        summary=summary or None,
        cause=str(failure.get("cause", "")),
        failed_as_of=str(failure.get("as_of", "")),
        earlier=tuple(Link(_href(folder), folder.name) for folder in earlier),
        more=len(folders) - len(earlier),
    )


def _href(folder: Path) -> str:
    """A report's first page: the dashboard, or the first notebook where there is none."""
    page = PAGE
    if not (folder / PAGE).is_file():
        books = _read(folder / RECORD).get("notebooks") or [{"html": RECORD}]
        page = str(books[0]["html"])
    return "/".join(quote(part) for part in (folder.parent.name, folder.name, page))


def _read(path: Path) -> dict[str, Any]:
    """A record, or nothing when it is missing or damaged: one bad folder must not hide the others."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


# --- the rows ---------------------------------------------------------------------------------------------

STATES = {
    "failed": mark("last run failed"),
    "stale": mark("data are old"),
    "few": mark("few cases"),
}


@dataclass(frozen=True)
class Row:
    """A company in the page's words. `day` is the page's, None when no run came so far as to have one."""

    entry: Entry
    day: date | None
    locale: str

    @property
    def states(self) -> list[str]:
        """What is wrong with it, by which it can be found: failed, stale, few (cases)."""
        behind = self.behind is None or self.behind > STALE_DAYS
        few = any(figures["status"] == "small_n" for figures in self.entry.figures.values())
        found = {"failed": bool(self.entry.cause), "stale": bool(self.entry.summary) and behind, "few": few}
        return [state for state, there in found.items() if there]

    @cached_property
    def cells(self) -> list["Cell"]:
        """One for each of SHOWN."""
        return [Cell(kpi, self.entry.figures.get(kpi), self.locale) for kpi in SHOWN]

    @property
    def period(self) -> str:
        """The period of its figures, where they do not say another."""
        return next((cell.period for cell in self.cells if cell.period), "")

    @property
    def data_to(self) -> str:
        """The last day with data, ISO."""
        return str(self._told("data_to"))

    @property
    def currency(self) -> str:
        """Its currency, by which amounts are kept apart."""
        return str(self._told("currency"))

    @property
    def quarantined(self) -> str:
        """How many rows of its source were set aside."""
        return str(self._told("quarantined"))

    @property
    def behind(self) -> int | None:
        """How many days its data end before the page's day; None when that is unknown."""
        known = self.day and _is_day(self.data_to)
        return (self.day - date.fromisoformat(self.data_to)).days if self.day and known else None

    @cached_property
    def cause(self) -> str:
        """Why its last run failed, cut to what the page has room for."""
        cause = self.entry.cause
        return cause if len(cause) <= CAUSE else f"{cause[:CAUSE]}…"

    @property
    def age(self) -> int | None:
        """Days from the last good report to the failed run, or to the page's day when that had none."""
        if not (self.entry.cause and _is_day(self.entry.as_of)):
            return None
        failed = self.entry.failed_as_of
        until = date.fromisoformat(failed) if _is_day(failed) else self.day
        return (until - date.fromisoformat(self.entry.as_of)).days if until else None

    def _told(self, what: str) -> object:
        return (self.entry.summary or {}).get(what, "")

    def shown(self, day: str) -> str:
        """An ISO day as the page's language writes it."""
        return format_date(date.fromisoformat(day), "medium", self.locale) if _is_day(day) else day

    def count(self, number: int) -> str:
        """A count as the page's language writes it."""
        return Labels(self.locale, "", self.day or date.min).value(number, "count")


@dataclass(frozen=True)
class Cell:
    """A company's figure for a KPI in the page's words; None: its report has no summary."""

    kpi: str
    figures: dict[str, Any] | None
    locale: str

    @property
    def sort(self) -> str:
        """The number to sort by, empty without one."""
        value = (self.figures or {}).get("value")
        return "" if value is None else f"{value:.6g}"

    @property
    def status(self) -> str:
        """The status of the figure."""
        return self.figures["status"] if self.figures else "undefined"

    @property
    def period(self) -> str:
        """The period of the figure."""
        figures = self.figures or {}
        return period(figures["start"], figures["grain"], self.locale) if "start" in figures else ""

    @property
    def note(self) -> str:
        """Why there is no figure, or how sure it is."""
        if not self.figures:
            return say("not in this report")
        if self.status == "undefined":
            return why(self.figures["reason"], self.kpi)
        return {"small_n": say("few cases"), "provisional": say("provisional")}.get(self.status, "")

    @property
    def trend(self) -> str:
        """The step from the period before, with its sign, and how to take it."""
        figures = self.figures or {}
        word = say(TRENDS[figures["trend"]]) if figures.get("trend") in TRENDS else ""
        change = figures.get("change", "") if figures.get("trend") != "same" else ""
        return f"{change} {word}".strip()

    @property
    def line(self) -> Markup:
        """The trend of the last periods as a line: bare, because a page holds thousands of them."""
        series = (self.figures or {}).get("series") or []
        known = [value for value in series if value is not None]
        if len(known) < 2:
            return Markup("")
        low, high = min(known), max(known)
        path, pen = "", "M"
        for place, value in enumerate(series):
            if value is None:
                pen = "M"
                continue
            x = round(place * WIDTH / (len(series) - 1))
            y = round(HEIGHT - HEIGHT * (value - low) / (high - low)) if high > low else HEIGHT // 2
            path, pen = f"{path}{pen}{x} {y}", "L" if pen == "M" else " "
        return Markup('<svg aria-hidden="true" viewBox="-2 -2 64 18"><path d="{}"/></svg>').format(path)


@cache
def period(start: str, grain: str, locale: str) -> str:
    """A period by name, as the page's language writes it."""
    first = date.fromisoformat(start)
    return Labels(locale, "", first).period(first, grain)


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
