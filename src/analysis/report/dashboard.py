"""The dashboard: one screen for a manager, `index.html` of a report, and the rows behind every number on it.

`gather` takes from the company what the page needs beside the KPI table, and writes the records; `write_page`
makes the page of that and of the KPI table. They are two so that the page can wait for the notebooks.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path

import pandas as pd

from analysis.company import Company
from analysis.contract import TABLES
from analysis.dashboard_params import Widget
from analysis.display import Note, Row, Table
from analysis.facts import Facts
from analysis.glossary import KPIS
from analysis.goals import COLUMNS as STANDINGS
from analysis.goals import standings
from analysis.labels import NOTHING, Labels
from analysis.report.changes import changes, earlier
from analysis.report.drill import MOST, can_drill, records
from analysis.report.files import csv_text, write_text
from analysis.report.html import Page, environment
from analysis.report.layout import layout
from analysis.report.sections import DASHBOARD, pages_of
from analysis.report.tiles import MTD, TARGETED, Missing, Tile, missing, summary_table, tile
from analysis.report.widgets import Card, Spans, card
from analysis.tables import of_source
from analysis.texts import language, language_of, say, say_n

ROWS = "rows"
RECORDS = "records"
OLD = 35  # days without anything happening in a table: what it says may be out of date
Key = tuple[str, str, Spans]  # KPI, grain, periods


@dataclass(frozen=True)
class Behind:
    """A file of records: its name, how many there are, and whether it holds only the first."""

    file: str
    count: int
    is_cut: bool


@dataclass(frozen=True)
class Background:
    """What the page needs of the company beside its KPI table."""

    company: str
    name: str
    locale: str
    as_of: date
    labels: Labels
    widgets: tuple[Widget, ...]
    standings: pd.DataFrame = field(repr=False, compare=False)
    ledger: pd.DataFrame = field(repr=False, compare=False)
    last_days: dict[str, date | None] = field(default_factory=dict)
    checked: int = 0
    broken: tuple[str, ...] = ()
    records: dict[Key, Behind] = field(default_factory=dict)
    board: "Board | None" = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class Board:
    """All that stands on the page: tiles, cards, and what has no figure."""

    tiles: tuple[Tile, ...]
    missing: Missing | None
    cards: tuple[Card, ...]
    notes: tuple[str, ...]
    ids: tuple[str, ...]

    @property
    def widgets(self) -> tuple[Tile | Card, ...]:
        """Tiles, then cards: a widget's place among them names its files."""
        return (*self.tiles, *self.cards)


@dataclass(frozen=True)
class Files:
    """The files behind a tile or card: the rows of the KPI table, and the records with their number.

    `period` names the one period of the records where the widget shows more.
    """

    rows: str
    records: str = ""
    count: str = ""
    period: str = ""


# --- the page ---------------------------------------------------------------------------------------------


def write_dashboard(
    client: Company, kpis: pd.DataFrame, checks: pd.DataFrame, folder: Path, reports_dir: Path
) -> Path:
    """Write `index.html` and `rows/` into the folder of a report.

    Parameters
    ----------
    client : the opened company
    kpis : its KPI table
    checks : its identities, as `kpi_table.identities` gives them
    folder : of the report; the notebooks' pages in it are linked
    reports_dir : where the company's earlier reports are, to tell what has changed
    """
    return write_page(gather(client, kpis, checks, folder), kpis, folder, reports_dir)


def gather(client: Company, kpis: pd.DataFrame, checks: pd.DataFrame, folder: Path) -> Background:
    """Take from the company what the page needs, and write the records behind its numbers."""
    params = client.params
    with language(params.locale):
        found = Background(
            company=params.company,
            name=params.name,
            locale=params.locale,
            as_of=client.as_of,
            labels=Labels.of(client),
            widgets=tuple(params.dashboard),
            standings=standings(client, kpis) if params.goals else pd.DataFrame(columns=STANDINGS),
            ledger=client.ledger,
            last_days={name: client.last_day(name) for name in client.ledger["table"]},
            checked=int(checks["checked"].sum()),
            broken=tuple(checks.loc[checks["status"] == "broken", "identity"]),
        )
        shown = board(found, _by_kpi(kpis))
    (folder / ROWS).mkdir(exist_ok=True)
    behind = _write_records(client, _wanted(shown), folder / ROWS)
    return replace(found, records=behind, board=None if _is_modelled(params.dashboard) else shown)


def write_page(background: Background, kpis: pd.DataFrame, folder: Path, reports_dir: Path) -> Path:
    """Write the page, and the rows of the KPI table behind every widget."""
    (folder / ROWS).mkdir(exist_ok=True)
    with language(background.locale):
        parts = _by_kpi(kpis)
        shown = background.board or board(background, parts)
        files = _write_rows(background, shown, parts, folder / ROWS)
        before = earlier(reports_dir, background.company, background.as_of)
        quarantined = int(background.ledger["quarantined"].sum())
        news = changes(
            parts, background.labels, before, shown.ids, background.standings, quarantined, background.broken
        )
        pages = pages_of(folder)
        text = environment().get_template("dashboard.html.j2").render(
            page=Page(background.name, background.as_of, background.locale, pages.links),
            lang=_lang(background.locale),
            board=shown, files=files, news=news, pages=pages, data=_data(background),
            overview=summary_table(shown.tiles), say=say, say_n=say_n, labels=background.labels, most=MOST,
        )  # fmt: skip
    return write_text(folder / DASHBOARD, text)


def board(background: Background, parts: dict[str, pd.DataFrame]) -> Board:
    """The tiles and cards of the params' layout or the default one, from the rows of each KPI."""
    labels = background.labels
    goals = not background.standings.empty
    heads, widgets = layout(background.widgets, parts, labels, goals)
    tiles, without = [], []
    for widget in heads:
        found = tile(_about(parts, widget.kpi or ""), labels, widget)
        if found is None:
            without.append(widget.kpi or "")
        else:
            tiles.append(found)
    cards = [card(_about(parts, w.kpi or ""), labels, w, background.standings) for w in widgets]
    notes = dict.fromkeys(one.text for one in cards if isinstance(one, Note))
    empty = pd.concat([_about(parts, kpi) for kpi in without]) if without else pd.DataFrame()
    ids = dict.fromkeys([*(one.kpi for one in tiles), *(f"attainment_{metric}" for metric in TARGETED)])
    return Board(
        tuple(tiles),
        missing(empty, labels, without),
        tuple(one for one in cards if isinstance(one, Card)),
        tuple(notes),
        tuple(ids),
    )


def _by_kpi(kpis: pd.DataFrame) -> dict[str, pd.DataFrame]:
    return {str(kpi): found for kpi, found in kpis.groupby("kpi", sort=False)}


def _is_modelled(widgets: Iterable[Widget]) -> bool:
    """Whether a widget shows what only the models know, which is not there before their notebook has run."""
    return any(KPIS[widget.kpi].modelled for widget in widgets if widget.kpi)


def _about(parts: dict[str, pd.DataFrame], kpi: str) -> pd.DataFrame:
    """The rows of a KPI, and of those that a reader holds it against: target, pace, growth to date."""
    ids = [kpi]
    for metric in TARGETED:
        if kpi in (metric, f"attainment_{metric}"):
            ids += [f"{kind}_{metric}" for kind in ("target", "attainment", "pace")]
    ids += [MTD] if kpi == "revenue" else []
    found = [parts[one] for one in dict.fromkeys(ids) if one in parts]
    return found[0] if len(found) == 1 else pd.concat(found) if found else pd.DataFrame()


def _lang(locale: str) -> str:
    """The language of the page's words as HTML writes it, with the locale's country where it is the same."""
    words = language_of(locale)
    return locale.replace("_", "-") if locale.startswith(words) else words


# --- the files behind it ----------------------------------------------------------------------------------


def _key(one: Tile | Card) -> Key:
    """Which records stand behind a widget."""
    return one.kpi, one.grain, ((one.start, one.end),) if isinstance(one, Tile) else one.spans


def _wanted(shown: Board) -> list[Key]:
    """The records that can be shown, each once."""
    keys = dict.fromkeys(_key(one) for one in shown.widgets if can_drill(one.kpi))
    return [key for key in keys if key[2]]


def _write_records(client: Company, wanted: Iterable[Key], folder: Path) -> dict[Key, Behind]:
    facts, written = Facts(client), {}
    for key in wanted:
        kpi, grain, spans = key
        found = records(facts, kpi, *spans)
        days = [f"{start:%Y-%m-%d}" for start, _ in spans]
        several = f"-to-{days[-1]}-{len(days)}-periods" if len(days) > 1 else ""
        cut = f"-first-{MOST}" if found.is_cut else ""
        name = f"{kpi}-{grain}-{days[0]}{several}-{RECORDS}{cut}.csv"
        write_text(folder / name, csv_text(found.frame))
        written[key] = Behind(name, found.count, found.is_cut)
    return written


def _write_rows(
    background: Background, shown: Board, parts: dict[str, pd.DataFrame], folder: Path
) -> dict[int, Files]:
    """Write the rows behind each tile and card; their files, by the place among tiles and cards together."""
    written: dict[int, Files] = {}
    names: set[str] = set()
    for place, one in enumerate(shown.widgets):
        if isinstance(one, Tile):
            every = parts[one.kpi]
            same = every[(every["grain"] == one.grain) & (every["dimension"] == "")]
            words, found = ["tile", one.kpi], same.tail(one.last)
        else:
            words, found = [one.kind, one.kpi or "goals", *(["by", one.by] if one.by else [])], one.rows
        name = _fresh("-".join(words), names)
        write_text(folder / name, csv_text(found))
        written[place] = Files(f"{ROWS}/{name}")
        behind = background.records.get(_key(one))
        if behind:
            count, period = (
                background.labels.plain(behind.count),
                "" if isinstance(one, Tile) else one.spanned,
            )
            written[place] = Files(f"{ROWS}/{name}", f"{ROWS}/{behind.file}", count, period)
    return written


def _fresh(name: str, taken: set[str]) -> str:
    """A file's name that no other widget has."""
    fresh, number = f"{name}.csv", 1
    while fresh in taken:
        number += 1
        fresh = f"{name}-{number}.csv"
    taken.add(fresh)
    return fresh


# --- the data ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class DataState:
    """How fresh and how sound the data are, in sentences, and a table of every source table."""

    sentences: tuple[str, ...]
    warnings: tuple[str, ...]
    table: Table
    quarantined: int


def _data(background: Background) -> DataState:
    """Rows read and set aside, sums checked, and the last day with data of every table."""
    labels, ledger = background.labels, background.ledger
    days = {table: day for table, day in background.last_days.items() if day}
    source = of_source(ledger)
    read, bad = int(source["rows_read"].sum()), int(source["quarantined"].sum())
    newest = max(days.values(), default=None)
    said = [
        say_n("{count} row read from {tables}.", "{count} rows read from {tables}.", read,
              count=labels.plain(read), tables=say_n("{n} table", "{n} tables", len(source))),
        say_n("{count} sum checked, {broken} broken.", "{count} sums checked, {broken} broken.",
              background.checked, count=labels.plain(background.checked), broken=len(background.broken)),
    ]  # fmt: skip
    if newest:
        said.insert(0, say("Data up to {day}.", day=labels.day(newest)))
    warnings = [
        say("Nothing new in {table} since {day}.", table=table, day=labels.day(days[table]))
        for table in _old(days, background.as_of)
    ]
    return DataState(tuple(said), tuple(warnings), _tables(background, labels), bad)


def _old(days: dict[str, date], as_of: date) -> Iterable[str]:
    """Tables in which nothing has happened for long, but of targets, rates and the like."""
    limit = as_of - timedelta(days=OLD)
    return (table for table, day in days.items() if day < limit and TABLES[table].events)


def _tables(background: Background, labels: Labels) -> Table:
    columns = ("rows_read", "quarantined", "accepted")
    body, read = [], set(of_source(background.ledger)["table"])
    for row in background.ledger.to_dict("records"):
        day = background.last_days.get(row["table"])
        rows = [labels.plain(row[name]) for name in columns]
        cells = rows if row["table"] in read else [NOTHING, NOTHING, rows[-1]]
        status = "small_n" if day and day < background.as_of - timedelta(days=OLD) else "ok"
        body.append(Row((row["table"], labels.day(day) if day else NOTHING, *cells), status))
    head = (say("Table"), say("Last day with data"), say("Rows read"), say("In quarantine"), say("Used"))
    return Table(say("Every table of the data"), head, tuple(body), kind="ledger")
