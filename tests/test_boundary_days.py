"""One company whose every event lies on the last day of February or the first of March: what each KPI is in
an empty month, and on both sides of the boundary.

November 2025 holds nothing. All figures below are worked by hand from the tables.
"""

from pathlib import Path

import pandas as pd
import pytest

from companies import cell, kpis_of

LAST, FIRST = "2026-02-28T23:59:59", "2026-03-01T00:00:00"
TABLES = {
    "reps": """
        rep_id,name,team,started_on,ended_on
        bob,Bob,North,,2026-02-28
        ann,Ann,North,2026-03-01,
        cyd,Cyd,South,2026-03-01,
    """,
    "customers": """
        customer_id,segment,channel,acquired_on
        c1,small,web,2026-02-28
        c2,small,web,2026-03-01
        c3,large,fair,2025-12-01
        c4,large,fair,2026-03-01
        c5,large,fair,2026-02-28
        c6,large,fair,2025-12-01
    """,
    "leads": f"""
        lead_id,created_at,channel,rep_id,opportunity_id
        l1,2026-02-28T11:59:59,web,bob,a
        l2,{FIRST},web,ann,
        l3,{FIRST},web,ann,
    """,
    "opportunities": f"""
        opportunity_id,outcome,created_at,closed_at,amount,units,rep_id,customer_id
        a,won,{LAST},{LAST},100,2,bob,c1
        b,won,{FIRST},2026-03-03T00:00:00,10,3,ann,c2
        c,lost,2026-02-28T12:00:00,{FIRST},30,9,ann,c3
        d,open,{FIRST},,7,1,ann,c3
        year,won,2025-02-28T00:00:00,2025-02-28T23:59:59,50,1,bob,
        year2,won,2025-03-01,2025-03-01,20,1,bob,
        half,won,2025-08-31T00:00:00,2025-08-31T23:59:59,25,1,bob,
        half2,won,2025-09-01,2025-09-01,5,1,bob,
    """,
    "subscriptions": """
        subscription_id,customer_id,started_on,ended_on,mrr
        s1,c1,2026-02-28,2026-03-31,100
        s2,c2,2026-03-01,2026-04-01,50
        s3,c3,2025-12-01,2026-01-15,40
        s3b,c3,2026-02-28,,40
        s4,c4,2026-03-01,2026-03-31,60
        s5,c5,2026-02-28,2026-03-01,70
        s6,c6,2025-12-01,2026-02-28,100
        s6b,c6,2026-02-28,2026-03-01,130
        s6c,c6,2026-03-01,,120
    """,
    "orders": f"order_id,ordered_at,amount,cost\no1,{LAST},60,20\no2,{FIRST},30,",
    "emails": f"""
        email_id,campaign_id,sent_at,bounced,opened_at,machine_open,clicked_at,unsubscribed_at
        e1,spring,{LAST},false,{FIRST},false,{FIRST},{FIRST}
        e2,spring,{FIRST},false,,,,
        e3,spring,{FIRST},true,,,,
        e4,spring,{LAST},false,{FIRST},true,,
    """,
    "costs": """
        month,category,channel,amount
        2026-02-01,advertising,web,60
        2026-02-01,salaries,,30
        2026-03-01,salaries,,30
    """,
    "targets": """
        metric,scope,scope_id,period_start,period,target
        revenue,company,,2026-02-01,month,200
        revenue,company,,2026-03-01,month,20
        units,company,,2026-02-01,month,4
        units,company,,2026-03-01,month,2
        new_accounts,company,,2026-02-01,month,1
        new_accounts,company,,2026-03-01,month,4
    """,
}
PARAMS = {
    "as_of": "2026-05-31",
    "timezone": "UTC",
    "gross_margin": 0.5,
    "churn": {"basis": "subscriptions"},
    "channels": {"web": "inbound", "fair": "outbound"},
}

# KPI: what it is in the empty November, in February, in March; a word is the reason why there is no value
EXPECTED = {
    "revenue": (0, 100, 10),
    "units": (0, 2, 3),
    "new_accounts": (0, 2, 2),
    "target_revenue": ("no_target", 200, 20),
    "target_units": ("no_target", 4, 2),
    "target_new_accounts": ("no_target", 1, 4),
    "attainment_revenue": ("no_target", 0.5, 0.5),
    "attainment_units": ("no_target", 0.5, 1.5),
    "attainment_new_accounts": ("no_target", 2, 0.5),
    "won_deals": (0, 1, 1),
    "lost_deals": (0, 0, 1),
    "sales_per_rep": (0, 100, 5),
    "deal_size": ("no_denominator", 100, 10),
    "win_rate": ("no_denominator", 1, 0.5),
    "win_rate_amount": ("no_denominator", 1, 0.25),
    "cycle_days": ("no_denominator", 0, 2),
    "cycle_days_mean": ("no_denominator", 0, 2),
    "cycle_days_p90": ("no_denominator", 0, 2),
    "emails_delivered": (0, 2, 1),
    "open_rate": ("no_denominator", 1, 0),
    "open_rate_adjusted": ("no_denominator", 1, 0),
    "click_rate": ("no_denominator", 0.5, 0),
    "click_to_open_rate": ("no_denominator", 0.5, "no_denominator"),
    "bounce_rate": ("no_denominator", 0, 0.5),
    "unsubscribe_rate": ("no_denominator", 0.5, 0),
    "new_leads": (0, 1, 2),
    "new_opportunities": (0, 2, 2),
    "pipeline_created": (0, 130, 17),
    "lead_opportunity_ratio": ("no_denominator", 1, 0),
    "lead_conversion_rate": ("no_denominator", 1, 0),
    "lead_conversion_90d": ("none_eligible", 1, 0),
    "convert_days": ("no_denominator", 0.5, "no_denominator"),
    "sales_growth_mom": ("no_base", "no_base", -0.9),
    "sales_growth_yoy": ("no_base", 1, -0.5),
    "cmgr_6m": ("no_base", 4 ** (1 / 6) - 1, 2 ** (1 / 6) - 1),
    "gross_margin_rate": (0.5, 40 / 60, 0.5),
    "customers_opening": (0, 1, 4),
    "customers_new": (0, 2, 1),
    "customers_reactivated": (0, 1, 0),
    "customers_churned": (0, 0, 2),
    "customers_closing": (0, 4, 3),
    "customers_flash": (0, 0, 1),
    "churn_rate": ("no_denominator", 0, 0.5),
    "retention_rate": ("no_denominator", 1, 0.5),
    "mrr_opening": (0, 100, 340),
    "mrr_new": (0, 170, 50),
    "mrr_reactivated": (0, 40, 0),
    "mrr_expansion": (0, 30, 0),
    "mrr_contraction": (0, 0, 10),
    "mrr_churned": (0, 0, 170),
    "mrr_closing": (0, 340, 210),
    "nrr": ("no_denominator", 1.3, 160 / 340),
    "grr": ("no_denominator", 1, 160 / 340),
    "revenue_churn_rate": ("no_denominator", 0, 180 / 340),
    "quick_ratio": ("no_denominator", "no_denominator", 50 / 180),
    "arpa": ("no_denominator", 85, 70),
    # January lost one of two, February none of one, March two of four: 1/4 and 1/3 on average
    "clv": ("no_denominator", 85 * 0.5 / (1 / 4), 70 * 0.5 / (1 / 3)),
    "acquisition_cost": (0, 90, 30),
    "cac": ("no_denominator", 45, 15),
    "cac_advertising": ("no_denominator", 30, 0),
    "ltv_cac": ("no_denominator", 170 / 45, 105 / 15),
    "cac_payback_months": ("no_denominator", 45 / (85 * 0.5), 15 / (70 * 0.5)),
}


@pytest.fixture(scope="module")
def kpis(tmp_path_factory) -> pd.DataFrame:
    return kpis_of(Path(tmp_path_factory.mktemp("boundary")), TABLES, **PARAMS)


def check(kpis: pd.DataFrame, kpi: str, start: str, expected: float | str) -> None:
    row = cell(kpis, kpi, start)
    if isinstance(expected, str):
        assert (row["status"], row["reason"]) == ("undefined", expected)
        assert pd.isna(row["value"])
    else:
        assert row["value"] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("kpi", [pytest.param(k, marks=pytest.mark.kpi("empty", k)) for k in EXPECTED])
def test_in_a_month_without_anything_it_is_zero_or_undefined_for_a_reason(kpis: pd.DataFrame, kpi: str):
    check(kpis, kpi, "2025-11-01", EXPECTED[kpi][0])


@pytest.mark.parametrize("kpi", [pytest.param(k, marks=pytest.mark.kpi("boundary", k)) for k in EXPECTED])
def test_the_last_second_of_a_month_is_in_it_and_the_first_of_the_next_is_not(kpis: pd.DataFrame, kpi: str):
    check(kpis, kpi, "2026-02-01", EXPECTED[kpi][1])
    check(kpis, kpi, "2026-03-01", EXPECTED[kpi][2])


@pytest.mark.kpi("empty", "cohort_retention")
@pytest.mark.kpi("boundary", "cohort_retention")
def test_a_customer_of_the_last_day_belongs_to_the_cohort_of_that_month(kpis: pd.DataFrame):
    """c1 and c5 came in February: both there at its end, neither on 31 March; c2 and c4 in March."""
    cohorts = kpis[kpis["kpi"] == "cohort_retention"]
    found = {
        (str(r.period_start.date()), r.member): (r.numerator, r.denominator) for r in cohorts.itertuples()
    }
    assert found["2026-02-01", "0"] == (2, 2)
    assert found["2026-02-01", "1"] == (0, 2)
    assert found["2026-03-01", "0"] == (1, 2)
    assert not [key for key in found if key[0] == "2025-11-01"], "nobody came in November"
