"""Spreadsheets of a report: typed cells, a header that stays in view, and text that never is a formula.

The same table gives the same bytes, whenever and wherever it is written.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from math import isfinite
from typing import Any

import pandas as pd
from pandas.api.types import is_datetime64_any_dtype
from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.worksheet import Worksheet

from analysis.glossary import COUNT, DAYS, HOURS, KPIS, MONTHS, RATIO, REASONS, STATUSES
from analysis.labels import TIMES
from analysis.texts import mark, say

LONG_AGO = datetime(2000, 1, 1)
DAY_ZERO = datetime(1899, 12, 30)  # what a spreadsheet counts its days from
WIDE, NARROW = 44, 14
MOST_ROWS = 1_000_000  # of a sheet; the format ends a little above
MOST_LETTERS = 32_767  # of a cell
DAY, WHOLE, TENTHS, SHARE = "yyyy-mm-dd", "#,##0", "#,##0.0", "0.0%"
FORMS = {RATIO: SHARE, COUNT: WHOLE, DAYS: TENTHS, HOURS: TENTHS, MONTHS: TENTHS}

ABOUT = mark("About")
FAMILY_TITLES = {
    "team": mark("Team"),
    "leads": mark("Leads"),
    "growth": mark("Growth"),
    "customers": mark("Customers"),
    "goals": mark("Goals"),
}
HEADS = {
    "name": mark("KPI"),
    "kpi": mark("id"),
    "grain": mark("period"),
    "period_start": mark("from"),
    "period_end": mark("before"),
    "dimension": mark("breakdown"),
    "member": mark("of"),
    "value": mark("value"),
    "unit": mark("unit"),
    "status": mark("status"),
    "reason": mark("reason"),
    "numerator": mark("numerator"),
    "denominator": mark("denominator"),
    "n": mark("observations"),
    "low": mark("interval from"),
    "high": mark("interval to"),
}
OF_THE_UNIT = ("value", "low", "high")


@dataclass(frozen=True)
class About:
    """What the first sheet says of the company; `checks` are the rows of `identities`."""

    company: str
    as_of: date
    currency: str
    checks: Sequence[Mapping[Any, Any]]


# --- the KPI table ----------------------------------------------------------------------------------------


def kpi_book(kpis: pd.DataFrame, about: About) -> bytes:
    """The KPI table as XLSX, a sheet for each family, and a first one that says what stands in them.

    Values, low and high are written by their unit: shares as per cent, amounts with their currency, times
    with one decimal. Ids, units, statuses and reasons are those of `kpis.csv`, and every number is the same.
    """
    families = kpis["kpi"].map({kpi: spec.family for kpi, spec in KPIS.items()})
    with _Book() as book:
        book.about(about, kpis["kpi"].unique().tolist())
        for family in dict.fromkeys(spec.family for spec in KPIS.values()):
            rows = kpis[families == family]
            title = say(FAMILY_TITLES[family]) if family in FAMILY_TITLES else family.capitalize()
            for number, start in enumerate(range(0, len(rows), MOST_ROWS), start=1):
                part = rows.iloc[start : start + MOST_ROWS]
                book.table(title if number == 1 else f"{title} {number}", _shown(part), _forms(part))
    return book.packed


def _shown(kpis: pd.DataFrame) -> pd.DataFrame:
    names = kpis["kpi"].map({kpi: say(KPIS[kpi].name) for kpi in kpis["kpi"].unique()})
    frame = kpis.assign(name=names)[list(HEADS)]
    return frame.set_axis([say(head) for head in HEADS.values()], axis="columns")


def _forms(kpis: pd.DataFrame) -> dict[str, list[str]]:
    """The number format of each row, for the columns that have the KPI's unit or count something."""
    pairs = kpis[["kpi", "unit"]].drop_duplicates().itertuples(index=False)
    forms = {(kpi, unit): TENTHS if kpi in TIMES else form_of(unit) for kpi, unit in pairs}
    own = [forms[pair] for pair in zip(kpis["kpi"], kpis["unit"], strict=True)]
    found = {}
    for name in (*OF_THE_UNIT, "numerator", "denominator", "n"):
        whole = (kpis[name].isna() | (kpis[name] % 1 == 0)).tolist()
        of_rows = own if name in OF_THE_UNIT else [WHOLE] * len(kpis)
        found[say(HEADS[name])] = [
            TENTHS if form == WHOLE and not is_whole else form
            for form, is_whole in zip(of_rows, whole, strict=True)
        ]
    return found


def form_of(unit: str) -> str:
    """The number format of one of the KPI table's units; what is none of the others is a currency code."""
    return FORMS.get(unit, f'#,##0.00 "{unit}"')


# --- the customer table -----------------------------------------------------------------------------------


CALLS, EXPLAINED = mark("Whom to call"), mark("Columns")
CALL_WIDTHS = (36, 14, 26, 16, 14, 16, 16, 90)
COLUMN_HEADS = (mark("Column"), mark("What it is"))


def customer_book(customers: pd.DataFrame, calls: pd.DataFrame, about: pd.DataFrame, currency: str) -> bytes:
    """The customers as XLSX: the whole table with ids, whom to call, the table's columns in words.

    The table is the first sheet, for programs; the one that opens is that of whom to call.

    `calls` has its heads in words, and columns in the order of `CALL_WIDTHS`: customer, id, model, verdict,
    risk, worth, at stake, reasons. `about` has `column` and `meaning`. Shares are written as per cent,
    amounts in the currency, dates as dates.
    """
    risk, *amounts = calls.columns[4:7]
    money = form_of(currency)
    forms = {risk: [SHARE] * len(calls)} | {name: [money] * len(calls) for name in amounts}
    with _Book() as book:
        book.table("customers", customers, customer_forms(customers, currency))
        book.table(say(CALLS), calls, forms, CALL_WIDTHS).activate()
        book.table(
            say(EXPLAINED), about.set_axis([say(head) for head in COLUMN_HEADS], axis=1), {}, (24, 110)
        )
    return book.packed


def customer_forms(customers: pd.DataFrame, currency: str) -> dict[str, list[str]]:
    """The number formats of the customer table's columns."""
    return {
        name: [form] * len(customers)
        for name in customers.columns
        for starts, form in (
            (("p_", "churn"), SHARE),
            (("expected_orders",), "0.00"),
            (("expected_value", "clv"), form_of(currency)),
        )
        if name.startswith(starts)
    }


# --- a book -----------------------------------------------------------------------------------------------


class _Rows(Worksheet):
    """A sheet that is given whole columns: XlsxWriter's own cells, one call each, take three times as long.

    Numbers keep every digit. Text goes through the library's table of texts, which no program computes.
    """

    def __init__(self) -> None:
        super().__init__()
        self._columns: list[list[str]] = []

    def add_column(self, frame_column: pd.Series, styles: Sequence[Format | None]) -> None:
        """The cells below the header, one style for each; what is missing and empty text stay empty."""
        letter = xl_col_to_name(len(self._columns))
        self.dim_rowmax = len(frame_column)
        values = frame_column.astype(object).where(frame_column.notna(), None).tolist()
        marks = {style: f' s="{style._get_xf_index()}"' if style else "" for style in dict.fromkeys(styles)}
        self._columns.append(
            [
                "" if value is None or value == "" else self._xml(f"{letter}{line}", marks[style], value)
                for line, (value, style) in enumerate(zip(values, styles, strict=True), start=2)
            ]
        )

    def _xml(self, place: str, style: str, value: object) -> str:
        if isinstance(value, str):
            index = self.str_table._get_shared_string_index(value[:MOST_LETTERS])
            return f'<c r="{place}"{style} t="s"><v>{index}</v></c>'
        if isinstance(value, date):
            value = (datetime(value.year, value.month, value.day) - DAY_ZERO).days
        if isinstance(value, float) and not isfinite(value):
            return ""
        return f'<c r="{place}"{style}><v>{value!r}</v></c>'

    def _write_rows(self) -> None:
        super()._write_rows()
        for line, cells in enumerate(zip(*self._columns, strict=True), start=2):
            self.fh.write(f'<row r="{line}">{"".join(cells)}</row>')


class _Book:
    """A workbook under way; its bytes are in `packed` when the block ends."""

    packed = b""

    def __init__(self) -> None:
        self._file = io.BytesIO()
        self._book = Workbook(self._file, {"in_memory": True})
        self._book.set_properties({"created": LONG_AGO})
        self._known: dict[str, Format] = {}
        self._bold = self._book.add_format({"bold": True})

    def __enter__(self) -> "_Book":
        return self

    def __exit__(self, *failure: object) -> None:
        self._book.close()
        self.packed = self._file.getvalue()

    def table(
        self,
        title: str,
        frame: pd.DataFrame,
        forms: Mapping[str, Sequence[str]],
        widths: Sequence[int] = (),
    ) -> Worksheet:
        """A sheet of a frame with a header that stays and filters; `forms` has number formats by row."""
        sheet = self._book.add_worksheet(title[:31], _Rows)
        sheet.freeze_panes(1, 1)
        if len(frame.columns):
            sheet.autofilter(0, 0, len(frame), len(frame.columns) - 1)
        for place, name in enumerate(frame.columns):
            wide = WIDE if name.startswith("reason") or place == 0 else NARROW
            sheet.set_column(place, place, widths[place] if widths else wide)
            sheet.write_string(0, place, name, self._bold)
            form = DAY if _holds_days(frame[name]) else ""
            styles = [self._form(f) for f in forms.get(name, [form] * len(frame))]
            sheet.add_column(frame[name], styles)
        return sheet

    def _form(self, form: str) -> Format | None:
        if not form:
            return None
        if form not in self._known:
            self._known[form] = self._book.add_format({"num_format": form})
        return self._known[form]

    def about(self, about: About, kpis: Sequence[str]) -> None:
        """The first sheet: company, day, definitions of the KPIs there are, checks, words of the columns."""
        sheet = self._book.add_worksheet(say(ABOUT))
        sheet.set_column(0, 0, WIDE)
        sheet.set_column(1, 1, NARROW * 2)
        sheet.set_column(2, 2, WIDE * 3)
        lines: list[Sequence[object]] = [
            (say("Company"), about.company),
            (say("As of"), about.as_of),
            (say("Currency"), about.currency),
            (say("Before: the first day that no longer belongs to the period."),),
            (),
            (say("Definition of each KPI"), say("id"), say("formula")),
            *((say(KPIS[kpi].name), kpi, say(KPIS[kpi].formula)) for kpi in kpis),
            (),
            (say("Checks: what must add up"), say("status"), say("sums checked"), say("of them broken")),
            *((say(str(c["identity"])), c["status"], c["checked"], c["broken"]) for c in about.checks),
            (),
            (say("Status"),),
            *((status, say(text)) for status, text in STATUSES.items()),
            (),
            (say("Reason"),),
            *((reason, say(text)) for reason, text in REASONS.items()),
        ]
        heads = {5, 7 + len(kpis), 9 + len(kpis) + len(about.checks)}
        heads.add(max(heads) + len(STATUSES) + 2)
        for line, cells in enumerate(lines):
            for place, value in enumerate(cells):
                if isinstance(value, date):
                    sheet.write_datetime(line, place, value, self._form(DAY))
                elif isinstance(value, int | float):
                    sheet.write_number(line, place, value)
                else:
                    sheet.write_string(line, place, str(value), self._bold if line in heads else None)


def _holds_days(values: pd.Series) -> bool:
    return is_datetime64_any_dtype(values) or isinstance(next(iter(values.dropna()), None), date)
