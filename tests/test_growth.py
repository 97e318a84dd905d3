import pytest

from companies import cell, kpis_of, values

GROWTH = ["growth"]
LEADS = """
    lead_id,created_at,channel,rep_id,opportunity_id
    1,2025-10-01,web,ann,a
    2,2025-10-01,web,ann,
    3,2025-10-01,fair,bob,c
    4,2025-10-31,fair,bob,
    5,2026-01-01,web,ann,e
    6,2026-03-30,web,ann,
"""
DEALS = """
    opportunity_id,outcome,created_at,closed_at,lead_id,amount
    a,won,2025-10-05,2025-12-30,,100
    b,won,2025-10-05,2025-12-31,2,100
    c,lost,2025-10-05,2025-11-01,,100
    e,open,2026-01-05,,,100
"""


@pytest.mark.kpi("worked", "lead_opportunity_ratio", "lead_conversion_rate")
def test_conversion_of_a_cohort_counts_links_from_either_side(tmp_path):
    kpis = kpis_of(tmp_path, {"leads": LEADS, "opportunities": DEALS}, GROWTH)
    october = {
        kpi: cell(kpis, kpi, "2025-10-01") for kpi in ("lead_opportunity_ratio", "lead_conversion_rate")
    }
    assert [(r["numerator"], r["denominator"]) for r in october.values()] == [(3, 4), (2, 4)]
    by_rep = values(kpis, "lead_conversion_rate", dimension="rep")
    assert by_rep["2025-10-01", "ann"] == 1
    assert by_rep["2025-10-01", "bob"] == 0


@pytest.mark.kpi("worked", "lead_conversion_90d")
def test_ninety_days_are_counted_to_the_day_and_the_young_are_left_out(tmp_path):
    kpis = kpis_of(tmp_path, {"leads": LEADS, "opportunities": DEALS}, GROWTH)
    october = cell(kpis, "lead_conversion_90d", "2025-10-01")
    assert (october["numerator"], october["denominator"]) == (1, 4), "day 90 counts, day 91 does not"
    january = cell(kpis, "lead_conversion_90d", "2026-01-01")
    assert (january["denominator"], january["status"]) == (1, "provisional"), (
        "90 days old at the end of 31 March"
    )
    march = cell(kpis, "lead_conversion_90d", "2026-03-01")
    assert (march["status"], march["reason"]) == ("undefined", "none_eligible")
    younger = kpis_of(tmp_path, {"leads": LEADS, "opportunities": DEALS}, GROWTH, as_of="2026-03-30")
    assert cell(younger, "lead_conversion_90d", "2026-01-01")["reason"] == "none_eligible"


@pytest.mark.kpi("worked", "convert_days")
def test_days_to_convert_are_those_of_the_converted_only(tmp_path):
    kpis = kpis_of(tmp_path, {"leads": LEADS, "opportunities": DEALS}, GROWTH)
    row = cell(kpis, "convert_days", "2025-10-01")
    assert (row["value"], row["n"]) == (90.5, 2)
    assert cell(kpis, "convert_days", "2026-01-01")["reason"] == "no_denominator"


def test_a_young_cohort_is_provisional_until_it_is_as_old_as_the_company_wants(tmp_path):
    tables = {"leads": LEADS, "opportunities": DEALS}
    for maturity, status in ((59, "ok"), (60, "provisional")):
        kpis = kpis_of(tmp_path, tables, GROWTH, maturity_days=maturity, as_of="2026-03-31")
        assert cell(kpis, "lead_conversion_rate", "2026-01-01")["status"] == (
            "ok" if maturity == 59 else status
        )


def orders(**amounts: float) -> dict[str, str]:
    """One order on the 15th of each month written as m2026_01=..."""
    rows = [f"{m},{m[1:].replace('_', '-')}-15,{a}" for m, a in amounts.items()]
    return {"orders": "\n".join(["order_id,ordered_at,amount", *rows])}


@pytest.mark.kpi("worked", "sales_growth_mom")
def test_growth_needs_a_base_above_zero(tmp_path):
    tables = orders(m2025_11=100, m2025_12=150, m2026_01=-20, m2026_03=80)
    kpis = kpis_of(tmp_path, tables, GROWTH, revenue_from="orders")
    got = values(kpis, "sales_growth_mom")
    assert [got[m] for m in ("2025-12-01", "2026-01-01")] == [0.5, -170 / 150]
    for month in ("2025-11-01", "2026-02-01", "2026-03-01"):
        row = cell(kpis, "sales_growth_mom", month)
        assert (row["status"], row["reason"]) == ("undefined", "no_base"), month


@pytest.mark.kpi("worked", "sales_growth_yoy")
def test_a_year_on_year_comparison_reaches_behind_the_history_that_is_shown(tmp_path):
    tables = orders(m2025_02=100, m2025_03=100, m2026_02=110, m2026_03=150)
    kpis = kpis_of(tmp_path, tables, GROWTH, revenue_from="orders", history_months=2)
    assert values(kpis, "sales_growth_yoy") == {"2026-02-01": 0.1, "2026-03-01": 0.5}
    assert values(kpis, "sales_growth_yoy", "year")["2026-01-01"] == 0.3


@pytest.mark.kpi("worked", "cmgr_6m")
def test_compound_growth_over_six_complete_months(tmp_path):
    tables = orders(m2025_09=100, m2025_10=50, m2026_03=200)
    kpis = kpis_of(tmp_path, tables, GROWTH, revenue_from="orders")
    assert round(values(kpis, "cmgr_6m")["2026-03-01"], 4) == 0.1225
    running = kpis_of(tmp_path, tables, GROWTH, revenue_from="orders", as_of="2026-03-30")
    assert cell(running, "cmgr_6m", "2026-03-01")["reason"] == "no_base"


@pytest.mark.kpi("worked", "gross_margin_rate")
def test_the_margin_is_that_of_orders_with_a_cost_else_the_one_stated(tmp_path):
    tables = {
        "orders": "order_id,ordered_at,amount,cost\n1,2026-01-02,100,60\n2,2026-01-03,900,\n3,2026-02-03,50,"
    }
    kpis = kpis_of(tmp_path, tables, GROWTH, revenue_from="orders", gross_margin=0.5)
    assert values(kpis, "gross_margin_rate") == {"2026-01-01": 0.4, "2026-02-01": 0.5, "2026-03-01": 0.5}
    unstated = kpis_of(tmp_path, tables, GROWTH, revenue_from="orders")
    assert cell(unstated, "gross_margin_rate", "2026-02-01")["reason"] == "no_denominator"
    without = {"orders": "order_id,ordered_at,amount\n1,2026-02-02,100"}
    uncosted = kpis_of(tmp_path, without, GROWTH, revenue_from="orders")
    assert cell(uncosted, "gross_margin_rate", "2026-02-01")["reason"] == "missing_column"
