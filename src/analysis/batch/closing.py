"""The last step of a company's run, when all its notebooks are done: the files that need their results."""

import time
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from analysis.report.customers import take_over
from analysis.report.dashboard import Background, write_page
from analysis.report.files import write_kpis
from analysis.report.pdf import browser, lack_of_browser, print_pages
from analysis.report.sheets import About, kpi_book
from analysis.texts import language

BOOK = "kpis.xlsx"


@dataclass(frozen=True)
class Closed:
    """What the last step did: rows of the whole KPI table, PDF files, and what a person should be told."""

    kpi_rows: int
    seconds: float
    pdf: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def close(
    kpis: pd.DataFrame,
    about: About,
    locale: str,
    background: Background | None,
    reports_dir: Path,
    folder: Path,
    pdf: bool,
) -> Closed:
    """Write the KPI table again with the rows that notebooks handed over; spreadsheet, dashboard, PDF.

    A missing Chromium is no failure: the report is whole without PDF, and the notes say so.
    """
    started = time.monotonic()
    whole = take_over(kpis, folder)
    if whole is not kpis:
        write_kpis(whole, folder)
    with language(locale):
        (folder / BOOK).write_bytes(kpi_book(whole, about))
    if background:
        write_page(background, whole, folder, reports_dir)
    printed: list[str] = []
    notes: list[str] = []
    if pdf and (program := browser()):
        printed, notes = print_pages(sorted(folder.glob("*.html")), program, about.as_of)
    elif pdf:
        notes = [lack_of_browser()]
    return Closed(len(whole), round(time.monotonic() - started, 3), printed, notes)
