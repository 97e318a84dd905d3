"""A large Parquet source is read where it lies, and is the same company as its copy in the engine."""

import gc
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from analysis.company import open_company
from analysis.kpi_table import kpi_table
from analysis.sources import checking, loading
from companies import write_company

TABLES = {
    "reps": "SELECT 'R' || i AS rep_id, 'Rep ' || i AS name, 'team ' || i % 2 AS team FROM range(4) t(i)",
    "leads": """
        SELECT 'L' || i AS lead_id, TIMESTAMP '2026-01-20 12:00' + to_hours(5 * i) AS created_at,
            CASE WHEN i % 3 = 0 THEN 'D' || i END AS opportunity_id FROM range(60) t(i)""",
    "opportunities": """
        SELECT CASE i WHEN 7 THEN NULL WHEN 8 THEN ' D8 ' WHEN 9 THEN '' WHEN 11 THEN 'D10' ELSE 'D' || i END
                AS opportunity_id,
            CASE WHEN i = 12 THEN 'sold' WHEN i % 3 = 0 THEN 'won' WHEN i % 3 = 1 THEN 'lost' ELSE 'open' END
                AS outcome,
            {created} AS created_at, TIMESTAMP '2026-02-01 01:30' + to_hours(9 * i) AS first_contact_at,
            CASE WHEN i = 15 THEN TIMESTAMP '2026-01-01' WHEN i % 3 < 2 AND i <> 21
                THEN TIMESTAMP '2026-03-25 02:15' + to_hours(11 * i) END AS closed_at,
            CAST(100 + i AS DECIMAL(9, 2)) AS amount, 'R' || i % 5 AS rep_id, 'C' || i % 9 AS customer_id,
            'EUR' AS currency
        FROM range(60) t(i)""",
    "orders": """
        SELECT 'O' || CASE WHEN i IN (3, 4) THEN 3 WHEN i IN (5, 6) THEN 5 ELSE i END AS order_id,
            'C' || CASE WHEN i IN (5, 6) THEN 5 ELSE i % 9 END AS customer_id,
            {ordered} + to_hours(17 * CASE WHEN i IN (5, 6) THEN 5 ELSE i END) AS ordered_at,
            CAST(CASE WHEN i IN (5, 6) THEN 5 WHEN i = 20 THEN NULL ELSE i END AS DECIMAL(9, 2)) AS amount
        FROM range(150) t(i)""",
}
KINDS = {
    "walls": {
        "created": "TIMESTAMP '2026-01-25' + to_minutes(187 * i)",
        "ordered": "TIMESTAMP '2025-10-24 22:10'",
    },
    "days": {"created": "DATE '2026-01-25' + CAST(i AS INTEGER)", "ordered": "TIMESTAMP '2026-01-01'"},
    "instants": {
        "created": "CASE WHEN i % 4 > 0 THEN TIMESTAMPTZ '2026-03-28 21:00:00+00' + to_minutes(20 * i) END",
        "ordered": "TIMESTAMPTZ '2025-10-25 20:00:00+00'",
    },
}


def write(folder: Path, kind: str) -> Path:
    params = write_company(
        folder, {}, as_of="2026-04-10", revenue_from="orders", churn={"basis": "orders", "inactive_days": 20}
    )
    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")
    for table, sql in TABLES.items():
        con.execute(
            f"COPY ({sql.format(**KINDS[kind])}) TO '{folder}/data/tiny/{table}.parquet' (FORMAT parquet)"
        )
    con.close()
    return params


@pytest.mark.parametrize("as_of", ["2026-04-10", "2026-03-29", "latest"])
@pytest.mark.parametrize("kind", KINDS)
def test_views_on_the_files_give_what_copies_give(tmp_path, monkeypatch, kind, as_of):
    params = write(tmp_path, kind)
    monkeypatch.setattr(checking, "KEYS_AT_A_TIME", 40)
    found = []
    for large in (1 << 40, 0):
        monkeypatch.setattr(loading, "LARGE", large)
        company = open_company("tiny", as_of, params)
        tables = {
            name: company.table(name).to_pandas().sort_values(f"{key}_id", ignore_index=True)
            for name, key in (("opportunities", "opportunity"), ("orders", "order"), ("leads", "lead"))
        }
        found.append((company, tables, kpi_table(company)))
    (copied, rows, kpis), (viewed, same_rows, same_kpis) = found
    assert viewed.as_of == copied.as_of and viewed.first_event == copied.first_event
    assert len(copied.quarantine) >= 6
    pd.testing.assert_frame_equal(viewed.ledger, copied.ledger)
    pd.testing.assert_frame_equal(viewed.quarantine, copied.quarantine)
    for name, frame in rows.items():
        pd.testing.assert_frame_equal(same_rows[name], frame)
    pd.testing.assert_frame_equal(same_kpis, kpis)
    assert viewed.has_column("opportunities", "currency")


def test_what_a_large_company_keeps_on_disk_goes_with_it(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setattr(loading, "LARGE", 0)
    company = open_company("tiny", params_dir=write(tmp_path, "walls"))
    kpi_table(company)
    kept = list(tmp_path.glob("kpi-engine-*"))
    assert [path.name for path in kept[0].iterdir() if path.suffix == ".duckdb"] == ["kept.duckdb"]
    company.con.disconnect()
    del company

    gc.collect()
    assert not kept[0].exists()
