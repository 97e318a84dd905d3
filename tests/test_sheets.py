"""The KPI table as a spreadsheet, read back by another library: the same numbers, types, harmless text."""

import io
from datetime import date, datetime

import pandas as pd
import pytest
from openpyxl import load_workbook

from analysis.kpi_table import kpi_table
from analysis.report.sheets import About, kpi_book
from analysis.texts import language
from companies import make_company

EVIL = ["=1+1", "+a", "-b", "@c", "\tq", "<script>alert(1)</script>", "עברית", "🚀", "x" * 3000, "_x0041_"]
CHECKS = [{"identity": "revenue of the months", "status": "holds", "checked": 12, "broken": 0, "worst": 0.0}]
ABOUT = About("=Acme & Sons", date(2026, 3, 31), "EUR", CHECKS)
HEAD = ["KPI", "id", "period", "from", "before", "breakdown", "of", "value", "unit", "status", "reason",
        "numerator", "denominator", "observations", "interval from", "interval to"]  # fmt: skip


@pytest.fixture(scope="module")
def kpis(tmp_path_factory):
    deals = "".join(
        f'{n},won,2026-0{1 + n % 3}-05,2026-0{1 + n % 3}-{10 + n},{100 + n / 3:.2f},"{rep}"\n'
        for n, rep in enumerate(EVIL)
    )
    header = "opportunity_id,outcome,created_at,closed_at,amount,rep_id\n"
    return kpi_table(make_company(tmp_path_factory.mktemp("evil"), {"opportunities": header + deals}))


@pytest.fixture(scope="module")
def packed(kpis):
    return kpi_book(kpis, ABOUT)


@pytest.fixture(scope="module")
def book(packed):
    return load_workbook(io.BytesIO(packed))


def rows_of(book) -> pd.DataFrame:
    """The rows of all sheets but the first, named as in the KPI table."""
    parts = [pd.DataFrame(list(sheet.values)[1:], columns=HEAD) for sheet in book.worksheets[1:]]
    names = {"id": "kpi", "period": "grain", "from": "period_start", "before": "period_end"}
    names |= {"breakdown": "dimension", "of": "member", "observations": "n"}
    names |= {"interval from": "low", "interval to": "high"}
    return pd.concat([part for part in parts if len(part)], ignore_index=True).rename(columns=names)


def test_every_family_has_its_sheet_after_the_one_that_explains(book):
    assert book.sheetnames[:5] == ["About", "Team", "Leads", "Growth", "Customers"]
    for sheet in book.worksheets[1:]:
        assert [cell.value for cell in sheet[1]] == HEAD
        assert sheet.freeze_panes == "B2"
        assert sheet.auto_filter.ref == f"A1:P{sheet.max_row}" == sheet.dimensions


def test_every_row_of_the_table_stands_in_the_book_with_the_same_numbers(book, kpis):
    found = rows_of(book)
    key = ["kpi", "grain", "period_start", "dimension", "member"]
    columns = [name for name in kpis if name not in ("company", "unit")]
    mine, theirs = (
        frame.assign(**{name: frame[name].fillna("") for name in ("dimension", "member", "reason")})
        .astype({"value": "float64", "numerator": "float64", "denominator": "float64", "n": "float64"})
        .astype({"low": "float64", "high": "float64"})
        .sort_values(key)[columns]
        .reset_index(drop=True)
        for frame in (kpis, found)
    )
    pd.testing.assert_frame_equal(mine, theirs, check_exact=True, check_dtype=False)


def test_days_are_days_numbers_are_numbers_and_what_is_missing_is_empty(book, kpis):
    sheet = book["Team"]
    for row in sheet.iter_rows(min_row=2, max_row=200):
        cells = dict(zip(HEAD, row, strict=True))
        assert isinstance(cells["from"].value, datetime) and cells["from"].number_format == "yyyy-mm-dd"
        assert cells["value"].data_type == "n"
        assert (cells["value"].value is None) == (cells["status"].value == "undefined")
        assert (cells["reason"].value is None) == (cells["status"].value != "undefined")


def test_a_number_is_written_by_its_unit(book):
    forms: dict[str, set[str]] = {}
    for sheet in book.worksheets[1:]:
        for row in sheet.iter_rows(min_row=2):
            cells = dict(zip(HEAD, row, strict=True))
            if cells["value"].value is not None:
                forms.setdefault(cells["id"].value, set()).add(cells["value"].number_format)
    assert forms["revenue"] == {'#,##0.00 "EUR"'}
    assert forms["win_rate"] == {"0.0%"}
    assert forms["cycle_days"] == {"#,##0.0"}
    assert forms["won_deals"] == {"#,##0"}


def test_text_that_looks_like_a_formula_is_text_and_stays_as_it_is(book):
    cells = [cell for sheet in book.worksheets[1:] for cell in sheet["G"]]
    assert set(EVIL) - {"\tq"} <= {cell.value for cell in cells}
    assert {cell.data_type for cell in cells if cell.value in EVIL} == {"s"}
    about = {cell.value: cell.data_type for row in book["About"] for cell in row}
    assert about["=Acme & Sons"] == "s"
    assert not any(cell.data_type == "f" for sheet in book for row in sheet for cell in row)


def test_the_first_sheet_has_the_definitions_and_the_checks(book, kpis):
    lines = [[value for value in row if value is not None] for row in book["About"].values]
    assert ["As of", datetime(2026, 3, 31)] in lines
    defined = {line[1]: line for line in lines if len(line) == 3}
    assert set(kpis["kpi"]) <= set(defined)
    assert defined["win_rate"][0] == "Win rate"
    assert ["revenue of the months", "holds", 12, 0] in lines
    bold = [row[0].value for row in book["About"] if row[0].font.bold]
    assert bold == ["Definition of each KPI", "Checks: what must add up", "Status", "Reason"]


def test_the_same_table_gives_the_same_bytes(packed, kpis):
    assert kpi_book(kpis, ABOUT) == packed


def test_a_book_without_rows_still_opens(kpis):
    book = load_workbook(io.BytesIO(kpi_book(kpis.iloc[:0], ABOUT)))
    assert book.sheetnames == ["About"]


def test_sheets_are_named_in_the_readers_language(kpis, monkeypatch):
    monkeypatch.setattr("analysis.report.sheets.say", lambda text, **_: f"pl {text}")
    with language("pl_PL"):
        names = load_workbook(io.BytesIO(kpi_book(kpis, ABOUT))).sheetnames
    assert names[:2] == ["pl About", "pl Team"]
