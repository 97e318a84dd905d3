from pathlib import Path

from analysis.full_table import full_table
from analysis.glossary import FAMILIES, GRAINS, KPIS, REASONS, REVIEW_GRAINS, STATUSES, as_markdown
from analysis.kpi_table import COLUMNS
from analysis.kpi_table import FAMILIES as COMPUTED
from companies import kpis_of, make_company


def test_the_page_of_definitions_is_the_glossary():
    page = Path(__file__).parents[1] / "docs" / "kpis.md"
    assert page.read_text(encoding="utf-8") == as_markdown(), "run `make docs`"


def test_all_ten_headline_kpis_are_defined():
    assert {kpi.headline for kpi in KPIS.values()} - {None} == set(range(1, 11))


def test_every_kpi_belongs_to_a_family_that_computes_it():
    assert {kpi.family for kpi in KPIS.values()} == set(FAMILIES) == set(COMPUTED)


def test_the_table_has_every_kpi_in_every_period_even_where_a_company_has_next_to_nothing(tmp_path):
    kpis = full_table(make_company(tmp_path, {"tasks": "task_id,created_at\n1,2026-02-03"}))
    assert list(kpis.columns) == COLUMNS
    assert set(kpis["kpi"]) == set(KPIS)
    for kpi, spec in KPIS.items():
        rows = kpis[kpis["kpi"] == kpi]
        assert set(rows["grain"]) == set(spec.grains), kpi
        assert len(rows[rows["grain"] == "month"]) == 2, kpi
        assert set(rows["status"]) == {"undefined"}, kpi
        assert rows["reason"].isin(list(REASONS)).all(), kpi
    assert set(kpis["status"]) <= set(STATUSES)
    assert set(kpis["grain"]) <= {*GRAINS, *REVIEW_GRAINS}


def test_what_is_modelled_is_in_the_table_only_when_asked_for(tmp_path):
    modelled = {kpi for kpi, spec in KPIS.items() if spec.modelled}
    assert modelled == {"clv_model"}
    kpis = kpis_of(tmp_path, {"tasks": "task_id,created_at\n1,2026-02-03"})
    assert set(kpis["kpi"]) == set(KPIS) - modelled
