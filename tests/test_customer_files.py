"""The customer table as files of a report, and the rows of the KPI table that a notebook hands over."""

import io

import pandas as pd
from openpyxl import load_workbook

from analysis.full_table import full_table
from analysis.kpi_table import kpi_table
from analysis.models.customers import customer_models
from analysis.models.outcome import COLUMNS
from analysis.report.customers import FOLDER, save, take_over
from analysis.report.sheets import customers_sheet
from companies import make_company

ROWS = "1,=a,2025-01-01,,10\n2,+b,2025-01-01,,20\n3,00017,2025-05-01,,30"
TABLES = {"subscriptions": f"subscription_id,customer_id,started_on,ended_on,mrr\n{ROWS}"}


def test_by_hand_nothing_is_written_unless_a_folder_is_given(tmp_path, monkeypatch):
    monkeypatch.delenv(FOLDER, raising=False)
    company = make_company(tmp_path, TABLES)
    models = customer_models(company)
    assert "Nothing was written" in save(company, models).text
    folder = tmp_path / "mine"
    folder.mkdir()
    assert str(tmp_path) not in save(company, models, folder).text
    assert sorted(path.name for path in folder.iterdir()) == ["customers.parquet", "customers.xlsx"]


def test_the_parquet_file_has_the_columns_and_types_of_the_contract(tmp_path):
    company = make_company(tmp_path, TABLES)
    save(company, customer_models(company), tmp_path)
    found = pd.read_parquet(tmp_path / "customers.parquet")
    assert list(found.columns) == list(COLUMNS)
    assert found["customer_id"].tolist() == ["+b", "00017", "=a"]
    assert found["horizon_end"].map(str).tolist() == ["2026-09-29"] * 3
    assert found["expected_orders"].isna().all() and found["clv"].gt(0).all()


def test_in_a_batch_the_rows_of_the_kpi_table_are_handed_over_and_taken_up_once(tmp_path, monkeypatch):
    company = make_company(tmp_path, TABLES)
    folder = tmp_path / "report"
    folder.mkdir()
    monkeypatch.setenv(FOLDER, str(folder))
    save(company, customer_models(company))
    quick = kpi_table(company)
    whole = take_over(quick, folder)
    pd.testing.assert_frame_equal(whole, full_table(company))
    assert sorted(path.name for path in folder.iterdir()) == ["customers.parquet", "customers.xlsx"]
    assert take_over(quick, folder) is quick


def test_a_sheet_has_typed_cells_a_header_that_stays_and_text_that_is_no_formula(tmp_path):
    table = customer_models(make_company(tmp_path, TABLES)).customers
    packed = customers_sheet(table, "EUR")
    sheet = load_workbook(io.BytesIO(packed))["customers"]
    assert sheet.freeze_panes == "B2"
    assert [cell.value for cell in sheet[1]] == list(COLUMNS)
    assert [(cell.value, cell.data_type) for cell in sheet["A"][1:]] == [
        ("+b", "s"),
        ("00017", "s"),
        ("=a", "s"),
    ]
    assert sheet["D2"].number_format == "0.0%" and sheet["D2"].data_type == "n"
    assert sheet["C2"].is_date and sheet["J2"].number_format.endswith('"EUR"')
    assert sheet["F2"].value is None
    assert customers_sheet(table, "EUR") == packed
