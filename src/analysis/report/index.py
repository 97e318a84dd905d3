"""The portfolio: one page that links every company's reports and says how its last run went.

It is made from the report folders alone, so it can be written again at any time.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from analysis.report.files import FAILED, RECORD, write_text
from analysis.report.html import Link, environment

FILES = ("kpis.csv", "kpis.parquet", "quarantine.csv", "run.json")


@dataclass(frozen=True)
class Report:
    """One report folder: its pages in reading order and its files."""

    as_of: str
    href: str
    pages: tuple[Link, ...]
    files: tuple[Link, ...]


@dataclass(frozen=True)
class Entry:
    """One company: `cause` is why its last run failed, empty when it succeeded; reports newest first."""

    company: str
    name: str
    cause: str
    reports: tuple[Report, ...]


def write_index(reports_dir: Path) -> Path:
    """Write `index.html` of the reports folder from what lies in it; returns its path."""
    page = environment().get_template("portfolio.html.j2").render(companies=entries(reports_dir))
    return write_text(reports_dir / "index.html", page)


def entries(reports_dir: Path) -> list[Entry]:
    """Every company that has a report or a failed run, by its id."""
    good = {folder.name for folder in reports_dir.iterdir() if _visible(folder)}
    failed = {f.parent.name: _record(f) for f in (reports_dir / FAILED).glob(f"*/{RECORD}")}
    found = (_entry(reports_dir, company, failed.get(company, {})) for company in sorted(good | set(failed)))
    return [entry for entry in found if entry.cause or entry.reports]


def _visible(folder: Path) -> bool:
    return folder.is_dir() and not folder.name.startswith(".")


def _entry(reports_dir: Path, company: str, failure: dict[str, Any]) -> Entry:
    found = sorted(_reports(reports_dir, company), key=lambda pair: pair[0].as_of, reverse=True)
    name = failure.get("name") or next((name for _, name in found if name), company)
    return Entry(company, name, failure.get("cause", ""), tuple(report for report, _ in found))


def _reports(reports_dir: Path, company: str) -> Iterator[tuple[Report, str]]:
    """The readable reports of a company, each with the company's name as it was then."""
    for path in (reports_dir / company).glob(f"*/{RECORD}"):
        record = _record(path)
        if not _visible(path.parent) or not record:
            continue
        base = f"{quote(company)}/{quote(path.parent.name)}/"
        notebooks = record.get("notebooks", [])
        pages = tuple(Link(base + quote(n["html"]), n["title"]) for n in notebooks)
        files = tuple(Link(base + name, name) for name in FILES if (path.parent / name).is_file())
        href = pages[0].href if pages else base + RECORD
        yield Report(path.parent.name, href, pages, files), record.get("name", "")


def _record(path: Path) -> dict[str, Any]:
    """A run's record, or nothing when the file is damaged: one bad folder must not hide the others."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
