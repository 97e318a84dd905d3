"""The committed notebooks keep the house rules, run for every sample and show the KPI table's own values."""

import ast
import re
import statistics
import subprocess
import sys
from functools import cache
from pathlib import Path

import nbformat
import pandas as pd
import pytest

from analysis.company import open_company
from analysis.display import Note, Table
from analysis.glossary import GRAINS, KPIS
from analysis.kpi_table import kpi_table
from analysis.labels import Labels
from analysis.params import Params
from analysis.tables import of_source
from conftest import ROOT

NAMES = ["team_performance", "leads", "growth", "customers", "clv_churn", "goals"]
COMPANIES = ["acme", "shop", "forge"]
PARAMETERS = {"company": "acme", "as_of": "", "params_dir": "params"}
LINES = 12
MEDIAN = 3.5
TRACES = re.compile(
    r"/(?:home|root|tmp|work|usr|Users)/|[A-Z]:\\|\b\d{1,2}:\d{2}:\d{2}\b|\bat 0x[0-9a-f]{6,}", re.IGNORECASE
)
PARTS_OF_CODE = (
    ast.FunctionDef,
    ast.ClassDef,
    ast.For,
    ast.While,
    ast.Lambda,
    ast.With,
    ast.Try,
    ast.ListComp,
)


@cache
def notebook(name: str) -> nbformat.NotebookNode:
    return nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)


def cells(name: str, kind: str = "code") -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook(name).cells if cell.cell_type == kind]


def tagged(name: str, tag: str) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook(name).cells if tag in cell.metadata.get("tags", [])]


def texts(output: nbformat.NotebookNode) -> list[str]:
    """All that an output says, pictures aside."""
    data = {kind: text for kind, text in output.get("data", {}).items() if not kind.startswith("image/")}
    return [*data.values(), output.get("text", "")]


def calls(source: str) -> list[ast.Call]:
    return [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]


# --- how they are written ---------------------------------------------------------------------------------


def test_these_are_the_notebooks_there_are():
    assert sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb")) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_title_comes_first_then_the_one_parameters_cell_of_annotated_literals(name):
    first, second = notebook(name).cells[:2]
    assert first.source.startswith("# ")
    assert [cell.id for cell in tagged(name, "parameters")] == [second.id]
    found = ast.parse(second.source).body
    assert all(isinstance(node, ast.AnnAssign) and node.annotation.id == "str" for node in found)
    assert {node.target.id: ast.literal_eval(node.value) for node in found} == PARAMETERS
    assert all("  # " in line for line in second.source.splitlines())


@pytest.mark.parametrize("name", NAMES)
def test_a_cell_is_one_thought(name):
    lengths = [len(cell.source.splitlines()) for cell in cells(name)]
    assert max(lengths) <= LINES
    assert statistics.median(lengths) <= MEDIAN


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_defined_looped_or_computed(name):
    for cell in cells(name):
        for node in ast.walk(ast.parse(cell.source)):
            assert not isinstance(node, (*PARTS_OF_CODE, ast.BinOp, ast.Subscript)), cell.source


@pytest.mark.parametrize("name", NAMES)
def test_only_the_package_is_imported(name):
    for cell in cells(name):
        for node in ast.walk(ast.parse(cell.source)):
            assert not isinstance(node, ast.Import)
            if isinstance(node, ast.ImportFrom):
                assert node.module.split(".")[0] == "analysis"


@pytest.mark.parametrize("name", NAMES)
def test_no_variable_is_named_like_a_key_of_the_params_file_which_papermill_may_inject(name):
    assigned = {
        node.id
        for cell in cells(name)
        if "parameters" not in cell.metadata.get("tags", [])
        for node in ast.walk(ast.parse(cell.source))
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    assert assigned
    assert not assigned & (set(Params.model_fields) | set(PARAMETERS))


@pytest.mark.parametrize("name", NAMES)
def test_prose_never_states_a_value(name):
    for cell in cells(name, "markdown"):
        assert not re.search(r"\d", re.sub(r"`[^`]*`", "", cell.source)), cell.source


@pytest.mark.parametrize("name", NAMES)
def test_every_chart_has_its_numbers_in_the_same_call(name):
    for cell in cells(name):
        made = [ast.unparse(call.func) for call in calls(cell.source)]
        if any(call.startswith("charts.") for call in made):
            assert any(call.startswith("tables.") for call in made), cell.source
            assert made[0] == "show"


def test_every_headline_kpi_is_defined_charted_and_in_a_headline_table():
    wanted = {kpi.id for kpi in KPIS.values() if kpi.headline}
    code = {name: [cell.source for cell in cells(name)] for name in NAMES}
    every = [source for sources in code.values() for source in sources]
    quoted = [set(re.findall(r'"(\w+)"', source)) for source in every]
    for prefix in ("tables.definition(", "tables.headline("):
        shown = set().union(*(q for q, s in zip(quoted, every, strict=True) if s.startswith(prefix)))
        assert wanted <= shown | {"attainment_units", "attainment_new_accounts"}, prefix
    in_charts = set().union(*(q for q, s in zip(quoted, every, strict=True) if s.startswith("show(")))
    assert wanted - {"retention_rate", "attainment_units", "attainment_new_accounts"} <= in_charts


# --- how they are committed -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_they_are_committed_executed_in_order_and_without_errors_or_warnings(name):
    assert [cell.execution_count for cell in cells(name)] == list(range(1, len(cells(name)) + 1))
    for cell in cells(name):
        assert {output.output_type for output in cell.outputs} <= {"execute_result", "display_data"}


@pytest.mark.parametrize("name", NAMES)
def test_no_time_path_or_trace_of_a_machine_is_in_them(name):
    book = notebook(name)
    assert set(book.metadata) == {"kernelspec", "language_info"}
    assert "version" not in book.metadata.language_info
    for cell in book.cells:
        assert set(cell.metadata) <= {"tags"}
        for text in [cell.source, *(text for output in cell.get("outputs", []) for text in texts(output))]:
            assert not TRACES.search(text), text


@pytest.mark.parametrize("name", NAMES)
def test_every_picture_has_an_alternative_text(name):
    pictures = [o for cell in cells(name) for o in cell.outputs if "image/png" in o.get("data", {})]
    assert pictures
    for output in pictures:
        assert output.metadata["image/png"]["alt"] == output.data["text/plain"]
        assert len(output.data["text/plain"]) > 40


@pytest.mark.parametrize("name", NAMES)
def test_checks_and_provenance_close_it_and_provenance_is_not_compared(name):
    checks, provenance = cells(name)[-2:]
    assert checks.source == "tables.checks(identities(client, kpis))"
    assert provenance.metadata["tags"] == ["provenance", "nbval-ignore-output"]
    assert "holds" in checks.outputs[0].data["text/plain"]
    assert "broken" not in [line.split()[-1] for line in checks.outputs[0].data["text/plain"].splitlines()]


# --- that they run, and what they show --------------------------------------------------------------------


class Run:
    """One notebook's cells run here, in this process; what it displayed, and its variables."""

    def __init__(self, name: str, company: str):
        self.shown: list[object] = []
        self.names: dict[str, object] = {}
        for cell in cells(name):
            self._cell(cell)
            if "parameters" in cell.metadata.get("tags", []):
                self.names |= {"company": company, "params_dir": str(ROOT / "params")}

    def _cell(self, cell: nbformat.NotebookNode) -> None:
        body = ast.parse(cell.source).body
        last = body.pop() if isinstance(body[-1], ast.Expr) else None
        exec(compile(ast.Module(body, []), cell.id, "exec"), self.names)
        if last is not None:
            result = eval(compile(ast.Expression(last.value), cell.id, "eval"), self.names)
            self.shown += [] if result is None else [result]


@pytest.fixture(scope="module")
def runs():
    """Every notebook for every sample company."""
    patch = pytest.MonkeyPatch()
    made = {}
    for company in COMPANIES:
        for name in NAMES:
            shown: list[object] = []
            patch.setattr("analysis.charts.style.display", shown.append)
            made[name, company] = Run(name, company)
            made[name, company].shown += shown
    patch.undo()
    return made


@pytest.fixture(scope="module")
def full_tables() -> dict[str, tuple[pd.DataFrame, Labels]]:
    found = {}
    for company in COMPANIES:
        client = open_company(company, None, ROOT / "params")
        found[company] = kpi_table(client), Labels.of(client)
    return found


@pytest.mark.parametrize("company", COMPANIES)
@pytest.mark.parametrize("name", NAMES)
def test_it_runs_for_the_company_and_everything_it_shows_can_be_shown(runs, name, company):
    shown = runs[name, company].shown
    assert len(shown) > 5
    for part in shown:
        assert part._repr_mimebundle_() if hasattr(part, "_repr_mimebundle_") else part._repr_html_()


@pytest.mark.parametrize("company", COMPANIES)
@pytest.mark.parametrize("name", NAMES)
def test_every_value_of_its_headline_is_the_kpi_tables(runs, full_tables, name, company):
    kpis, labels = full_tables[company]
    headlines = [part for part in runs[name, company].shown if getattr(part, "kind", "") == "headline"]
    for line in [row for table in headlines for row in table.body]:
        shown, period, value = line.cells[:3]
        (kpi,) = [spec.id for spec in KPIS.values() if spec.name == shown]
        rows = kpis[(kpis["kpi"] == kpi) & (kpis["dimension"] == "")]
        fits = [
            labels.value(row.value, row.unit, kpi)
            for row in rows.itertuples()
            if row.grain in GRAINS and labels.period(row.period_start, row.grain) == period
        ]
        assert value in fits
    none = {"clv_churn": COMPANIES, "goals": ["shop", "forge"]}  # an outlook; companies without tasks
    assert bool(headlines) != (company in none.get(name, ()))


def test_a_section_without_its_table_is_one_plain_sentence(runs):
    notes = [part for part in runs["customers", "forge"].shown if isinstance(part, Note)]
    assert notes
    assert all(note.text.count(". ") == 0 and note.text.endswith(".") for note in notes)
    assert any("no table `costs`" in note.text for note in notes)
    assert any("no table `subscriptions`" in note.text for note in notes)
    numbers = [p for p in runs["customers", "forge"].shown if isinstance(p, Table) and p.kind == "numbers"]
    assert numbers
    heads = " ".join(f"{table.caption} {table.head}" for table in numbers)
    assert "acquisition cost" not in heads and "MRR" not in heads


def test_a_notebooks_frame_is_the_kpi_tables_rows(runs, full_tables):
    own = runs["leads", "acme"].names["kpis"]
    whole = full_tables["acme"][0]
    expected = whole[whole["kpi"].isin(own["kpi"].unique())].reset_index(drop=True)
    pd.testing.assert_frame_equal(own.reset_index(drop=True), expected)


def test_plain_papermill_with_a_params_file_makes_that_companys_notebook(tmp_path):
    out = tmp_path / "out.ipynb"
    command = [sys.executable, "-m", "papermill", "--no-progress-bar", "-f", "params/shop.yaml"]
    done = subprocess.run(
        [*command, "notebooks/leads.ipynb", str(out)], cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    made = nbformat.read(out, as_version=4)
    ledgers = [cell for cell in made.cells if cell.id == "ledger"]
    expected = open_company("shop", None, Path(ROOT / "params"))
    assert "tables" in ledgers[0].outputs[0].data["text/plain"]
    read = of_source(expected.ledger)["rows_read"].sum()
    assert f"{int(read):,}" in ledgers[0].outputs[0].data["text/plain"]
