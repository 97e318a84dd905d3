"""Every notebook on companies of many shapes: few tables, few rows, odd days; a gap is a sentence, never a
traceback.
"""

import json
from pathlib import Path

import matplotlib
import pytest

from companies import write_company
from test_kpis_against_reference import NAMES, Maker

matplotlib.use("agg")
NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
FULL = {NAMES[k]: text for k, text in Maker(3).tables().items() if text}
ORDERS = {"revenue_from": "orders", "churn": {"basis": "orders"}}
LAST = {"as_of": "2026-03-17"}


def only(*tables: str) -> dict[str, str]:
    return {t: FULL[t] for t in tables}


SHAPES = {
    "everything": (FULL, {**LAST, "gross_margin": 0.5}),
    "orders alone": (only("orders"), {**LAST, **ORDERS}),
    "subscriptions and a stated margin": (only("subscriptions", "customers"), {**LAST, "gross_margin": 0.5}),
    "subscriptions alone": (only("subscriptions"), LAST),
    "leads alone": (only("leads"), LAST),
    "deals alone": (only("opportunities"), LAST),
    "leads and deals": (only("leads", "opportunities"), LAST),
    "e-mails alone": (only("emails"), LAST),
    "costs alone": (only("costs"), LAST),
    "one order": ({"orders": "order_id,ordered_at,amount\n1,2026-03-02,5"}, {**LAST, **ORDERS}),
    "no orders yet": (
        {"orders": "order_id,ordered_at,amount", "leads": "lead_id,created_at\n1,2026-03-02"},
        {**LAST, **ORDERS},
    ),
    "one open deal": ({"opportunities": "opportunity_id,outcome,created_at\n1,open,2026-03-02"}, LAST),
    "one refund": (
        {"orders": "order_id,customer_id,ordered_at,amount\n1,a,2026-01-02,-5"},
        {**LAST, **ORDERS},
    ),
    "one target": (
        {
            **only("opportunities"),
            "targets": "metric,scope,period_start,period,target\nunits,company,2026-01-01,year,9",
        },
        LAST,
    ),
    "early in the year": (FULL, {"as_of": "2024-10-03", "fiscal_year_start": 11, "locale": "pl_PL"}),
}


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_notebook_runs_through(
    tmp_path: Path, shape: str, notebook: Path, capsys: pytest.CaptureFixture[str]
):
    tables, params = SHAPES[shape]
    space = {"company": "tiny", "as_of": "", "params_dir": str(write_company(tmp_path, tables, **params))}
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code" and "parameters" not in cell["metadata"].get("tags", []):
            exec(compile("".join(cell["source"]), notebook.name, "exec"), space)  # as the kernel would
    assert "inf" not in capsys.readouterr().out.split()
