"""The customer table as files of a report, and the rows of the KPI table that a notebook hands over."""

import io

import pandas as pd
from openpyxl import load_workbook

from analysis.full_table import full_table
from analysis.kpi_table import kpi_table
from analysis.models.customers import customer_models
from analysis.models.outcome import COLUMNS
from analysis.report.customers import FOLDER, MEANINGS, packed, save, take_over
from analysis.texts import language
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
    models = customer_models(make_company(tmp_path, TABLES))
    sheet = load_workbook(io.BytesIO(packed(models, "EUR")))["customers"]
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
    assert packed(models, "EUR") == packed(models, "EUR")


def test_the_first_sheet_is_the_action_list_in_words(tmp_path):
    left = "".join(f"\n{9 + i},x{i},2023-01-01,{2023 + i // 12}-{i % 12 + 1:02d}-15,10" for i in range(2, 30))
    tables = {name: text + left for name, text in TABLES.items()}
    models = customer_models(make_company(tmp_path, tables))
    book = load_workbook(io.BytesIO(packed(models, "EUR")))
    assert book.sheetnames == ["customers", "Whom to call", "Columns"]
    assert book.active.title == "Whom to call"
    sheet, found = book["Whom to call"], models.actions
    assert [cell.value for cell in sheet[1]] == [
        "Customer", "id", "Model", "Can it be used?", "Risk in the next quarter", "Worth", "At stake", "Why",
    ]  # fmt: skip
    assert len(found) > 0 and [c.value for c in sheet["B"][1:]] == found["customer_id"].tolist()
    assert {c.value for c in sheet["C"][1:]} == {"Customers under contract"}
    assert {c.data_type for c in sheet["A"][1:]} == {c.data_type for c in sheet["B"][1:]} == {"s"}
    assert [c.value for c in sheet["G"][1:]] == found["at_stake"].tolist()
    assert sheet["E2"].number_format == "0.0%" and sheet["F2"].number_format.endswith('"EUR"')
    assert sheet.column_dimensions["H"].width > 80 and sheet.freeze_panes == "B2"


def test_every_column_is_explained_and_the_words_are_the_readers(tmp_path):
    models = customer_models(make_company(tmp_path, TABLES))
    assert list(MEANINGS) == list(COLUMNS)
    with language("pl_PL"):
        book = load_workbook(io.BytesIO(packed(models, "EUR")))
    assert book.sheetnames == ["customers", "Do kogo zadzwonić", "Kolumny"]
    sheet = book["Kolumny"]
    assert {cell.value for cell in sheet["A"]} >= {*COLUMNS, "Do stracenia"}
    assert all(row[1].value for row in sheet.iter_rows())


def test_without_anybody_to_call_the_list_has_its_heads_alone(tmp_path):
    customers = {"customers": "customer_id,created_on\n1,2025-01-01"}
    models = customer_models(make_company(tmp_path, customers))
    sheet = load_workbook(io.BytesIO(packed(models, "EUR")))["Whom to call"]
    assert sheet.max_row == 1 and sheet["A1"].value == "Customer"
