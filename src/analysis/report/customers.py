"""The customer table as files of a report, handed over by the notebook of the models.

In a batch the kernel is told the folder of the report; a notebook that is opened by hand has none, and
writes nothing.
"""

import json
import os
from pathlib import Path

import pandas as pd
from babel.numbers import format_decimal

from analysis.company import Company
from analysis.display import Note
from analysis.full_table import merged, model_table
from analysis.models.customers import CustomerModels
from analysis.report.files import json_text, parquet_bytes, write_text
from analysis.report.sheets import customers_sheet
from analysis.texts import ENGLISH, current, mark, say

FOLDER = "KPI_REPORT_FOLDER"
"""The environment variable of a kernel that names the folder of the report."""
HANDED_OVER = ".kpis-of-models.json"
PARQUET, SHEET = "customers.parquet", "customers.xlsx"
NOT_WRITTEN = mark("Nothing was written: in a report these are {table} and {sheet}, with {rows} rows.")
WRITTEN = mark("Written beside this report: {table} and {sheet}, with {rows} rows.")
DAYS = ("period_start", "period_end")
NUMBERS = ("value", "numerator", "denominator", "n", "low", "high")


def save(company: Company, models: CustomerModels, folder: str | Path | None = None) -> Note:
    """Write `customers.parquet` and `customers.xlsx` into the report's folder, or the one given.

    In a batch the models' rows of the KPI table go with them, to be taken up by `take_over`. The sentence
    that comes back says what was done, and no path.
    """
    place = folder or os.environ.get(FOLDER, "")
    rows = len(models.customers)
    count = f"{rows:,}" if current() == ENGLISH else format_decimal(rows, locale=company.params.locale)
    named = {"table": PARQUET, "sheet": SHEET, "rows": count}
    if not place:
        return Note(say(NOT_WRITTEN, **named))
    target = Path(place)
    (target / PARQUET).write_bytes(parquet_bytes(models.customers))
    (target / SHEET).write_bytes(customers_sheet(models.customers, company.params.currency))
    if not folder:
        write_text(target / HANDED_OVER, json_text(model_table(company, models)))
    return Note(say(WRITTEN, **named))


def take_over(kpis: pd.DataFrame, folder: Path) -> pd.DataFrame:
    """The KPI table with the rows that a notebook has left in the folder, which are gone from it then."""
    left = folder / HANDED_OVER
    if not left.is_file():
        return kpis
    rows = pd.DataFrame(json.loads(left.read_text(encoding="utf-8")), columns=list(kpis.columns))
    left.unlink()
    if rows.empty:
        return kpis
    kinds = {day: kpis[day].dtype for day in DAYS} | {number: "float64" for number in NUMBERS}
    return merged(kpis, rows.astype(kinds))
