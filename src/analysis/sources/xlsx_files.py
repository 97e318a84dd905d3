"""Workbooks (XLSX and its kin): one sheet becomes rows of text, as a CSV export of it would hold them."""

from datetime import date, datetime, time, timedelta

import pyarrow as pa
from python_calamine import CalamineError, CalamineWorkbook

from analysis.errors import SourceError
from analysis.params import Format
from analysis.sources.csv_files import BLANKS
from analysis.sources.folder import File

Cell = int | float | str | bool | time | date | datetime | timedelta


def _text(cell: Cell, decimal: str) -> str | None:
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        text = str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
        return text.replace(".", decimal)
    if isinstance(cell, datetime):
        return cell.isoformat(" ")
    if isinstance(cell, date | time):
        return cell.isoformat()
    return str(cell).strip(BLANKS) or None


def _rows(file: File, table: str) -> list[list[Cell]]:
    """The sheet of the table's name, else the first; SourceError when the file is no whole workbook."""
    try:
        book = CalamineWorkbook.from_path(file.path)
        by_name = {name.strip().lower(): name for name in book.sheet_names}
        if not by_name:
            raise SourceError(f"{file.shown}: the workbook has no sheet")
        sheet = book.get_sheet_by_name(by_name.get(table, book.sheet_names[0]))
        return sheet.to_python(skip_empty_area=False)
    except (CalamineError, OSError) as error:
        raise SourceError(
            f"{file.shown}: cannot be read as a workbook: {error}\n"
            "  it may be half-written, locked by a password, or no workbook at all; save it again from Excel"
        ) from None


def read(file: File, table: str, fmt: Format) -> tuple[list[str], pa.Table, int]:
    """Names of the columns, their text (s0, s1, …) and the sheet's row of the first data row.

    A number that is whole loses its `.0`, a cell that is a date or an instant becomes ISO text. In a column
    of dates a cell at midnight stands for the day.

    Raises
    ------
    SourceError
        The file is no whole workbook, the sheet is empty, or a column is named twice.
    """
    rows = _rows(file, table)
    start = next((i for i, row in enumerate(rows) if any(c != "" for c in row)), None)
    if start is None:
        raise SourceError(f"{file.shown}: the sheet is empty; it should have a row of column names at least")
    width = max(i + 1 for row in rows for i, c in enumerate(row) if c != "")
    if fmt.header:
        names = [_text(c, ".") or str(i + 1) for i, c in enumerate(rows[start][:width])]
        start += 1
    else:
        names = [str(i + 1) for i in range(width)]
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        raise SourceError(
            f"{file.shown}: the column {' and '.join(twice)} is there more than once; name every column once"
        )
    data = rows[start:]
    while data and not any(c != "" for c in data[-1]):
        data.pop()
    columns = {
        f"s{i}": pa.array([_text(row[i], fmt.decimal) for row in data], pa.string()) for i in range(width)
    }
    return names, pa.table(columns), start + 1
