"""Small companies for tests: canonical CSV text and a params file in a folder, opened the way a user opens
them.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from textwrap import dedent

import pandas as pd
from ruamel.yaml import YAML

from analysis.company import Company, open_company
from analysis.kpi_table import kpi_table

DEFAULTS = {
    "name": "Test Company",
    "as_of": "2026-03-31",
    "currency": "EUR",
    "timezone": "Europe/Warsaw",
    "min_n": 1,
    "max_quarantined": 1.0,
}


def write_company(folder: Path, tables: Mapping[str, str], name: str = "tiny", **params) -> Path:
    """Write `params/<name>.yaml` and `data/<name>/<table>.csv` into the folder; returns the params folder.

    A table is CSV text; indentation is removed, so that it can be written beside the test.
    """
    data = folder / "data" / name
    data.mkdir(parents=True, exist_ok=True)
    for table, text in tables.items():
        lines = [line.strip() for line in dedent(text).strip().splitlines()]
        (data / f"{table}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "params").mkdir(exist_ok=True)
    content = {"company": name, **DEFAULTS, **params, "source": {"connect": str(data)}}
    with (folder / "params" / f"{name}.yaml").open("w", encoding="utf-8") as stream:
        YAML().dump(content, stream)
    return folder / "params"


def make_company(folder: Path, tables: Mapping[str, str], name: str = "tiny", **params) -> Company:
    """The opened company of `write_company`."""
    return open_company(name, params_dir=write_company(folder, tables, name, **params))


def kpis_of(
    folder: Path, tables: Mapping[str, str], families: Iterable[str] | None = None, **params
) -> pd.DataFrame:
    """The KPI table of a small company."""
    return kpi_table(make_company(folder, tables, **params), families)


def values(
    kpis: pd.DataFrame, kpi: str, grain: str = "month", dimension: str = "", member: str | None = None
) -> dict:
    """Values of one KPI by first day of the period as text (and by member, when a breakdown is asked for)."""
    rows = kpis[(kpis["kpi"] == kpi) & (kpis["grain"] == grain) & (kpis["dimension"] == dimension)]
    start = rows["period_start"].dt.strftime("%Y-%m-%d")
    if dimension and member is None:
        return dict(zip(zip(start, rows["member"], strict=True), rows["value"], strict=True))
    if member is not None:
        rows = rows[rows["member"] == member]
    return dict(zip(start.loc[rows.index], rows["value"], strict=True))


def cell(
    kpis: pd.DataFrame, kpi: str, start: str, grain: str = "month", dimension: str = "", member: str = ""
) -> pd.Series:
    """The one row of a KPI, period and member."""
    rows = kpis[
        (kpis["kpi"] == kpi)
        & (kpis["grain"] == grain)
        & (kpis["period_start"] == pd.Timestamp(start))
        & (kpis["dimension"] == dimension)
        & (kpis["member"] == member)
    ]
    assert len(rows) == 1, f"{len(rows)} rows of {kpi} {grain} {start} {dimension} {member}"
    return rows.iloc[0]
