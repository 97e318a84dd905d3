"""Spreadsheets of a report: typed cells, a header that stays in view, and text that never is a formula."""

import io
from datetime import date, datetime
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import pandas as pd
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font

LONG_AGO = datetime(2000, 1, 1)  # the same table gives the same bytes, whenever it is written
WIDE, NARROW = 44, 14


def customers_sheet(customers: pd.DataFrame, currency: str) -> bytes:
    """The customer table as XLSX: shares as per cent, amounts in the currency, dates as dates."""
    formats = {
        name: kind
        for name in customers.columns
        for starts, kind in (
            (("p_", "churn"), "0.0%"),
            (("expected_orders",), "0.00"),
            (("expected_value", "clv"), f'#,##0.00 "{currency}"'),
            (("horizon",), "yyyy-mm-dd"),
        )
        if name.startswith(starts)
    }
    return sheet_bytes(customers, formats, "customers")


def sheet_bytes(frame: pd.DataFrame, formats: dict[str, str], title: str) -> bytes:
    """One sheet of a frame; text stays text, also where it begins with = + - or @."""
    book = Workbook(write_only=True)
    book.properties.created = book.properties.modified = LONG_AGO
    sheet = book.create_sheet(title)
    sheet.freeze_panes = "B2"
    for place, name in enumerate(frame.columns):
        letter = chr(ord("A") + place)
        sheet.column_dimensions[letter].width = WIDE if name.startswith("reason") else NARROW
    heads = [WriteOnlyCell(sheet, value=name) for name in frame.columns]
    for head in heads:
        head.font = Font(bold=True)
    sheet.append(heads)
    for line in frame.itertuples(index=False):
        sheet.append([cell_of(sheet, value, formats.get(name, "")) for name, value in
                      zip(frame.columns, line, strict=True)])  # fmt: skip
    sheet.auto_filter.ref = f"A1:{chr(ord('A') + len(frame.columns) - 1)}{len(frame) + 1}"
    written = io.BytesIO()
    book.save(written)
    return without_times(written.getvalue())


def cell_of(sheet: object, value: object, form: str) -> object:
    """A cell with its type; None for what is missing."""
    if value is None or pd.isna(value):
        return None
    plain: object = value.date() if isinstance(value, pd.Timestamp) else value
    cell = WriteOnlyCell(sheet, value=plain)
    if isinstance(plain, str):
        cell.data_type = "s"
    if form and isinstance(plain, float | int | date):
        cell.number_format = form
    return cell


def without_times(packed: bytes) -> bytes:
    """The same archive with one date for all its members."""
    result = io.BytesIO()
    with ZipFile(io.BytesIO(packed)) as old, ZipFile(result, "w", ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(ZipInfo(name, LONG_AGO.timetuple()[:6]), old.read(name), ZIP_DEFLATED)
    return result.getvalue()
