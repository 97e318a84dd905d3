"""Worked examples of the KPIs that no other test works by hand."""

from pathlib import Path

import pytest

from companies import cell, kpis_of, values


@pytest.mark.kpi("worked", "lost_deals", "deal_size", "new_accounts")
def test_deals_lost_their_size_when_won_and_new_accounts(tmp_path: Path):
    """Three won of 100, 200 and 300 in February (one shared half and half), two lost, one still open."""
    tables = {
        "reps": "rep_id,name,team\nann,Ann,North\nbob,Bob,South",
        "customers": "customer_id,rep_id,acquired_on\nA,ann,2026-02-10\nB,ann,2026-02-20\nC,bob,2026-03-02",
        "opportunities": """
            opportunity_id,outcome,created_at,closed_at,amount,rep_id,customer_id
            1,won,2026-01-05,2026-02-10,100,ann,A
            2,won,2026-01-05,2026-02-11,200,ann,B
            3,won,2026-01-05,2026-02-12,300,bob,C
            4,lost,2026-01-05,2026-02-13,999,ann,A
            5,lost,2026-01-05,2026-02-14,999,bob,A
            6,open,2026-01-05,,999,bob,A
        """,
        "opportunity_splits": "opportunity_id,rep_id,share\n3,ann,0.5\n3,bob,0.5",
    }
    kpis = kpis_of(tmp_path, tables, ["team"])
    assert cell(kpis, "lost_deals", "2026-02-01")["value"] == 2
    assert cell(kpis, "deal_size", "2026-02-01")["value"] == 600 / 3
    assert values(kpis, "deal_size", dimension="rep") == {
        ("2026-02-01", "ann"): pytest.approx((100 + 200 + 150) / 2.5),
        ("2026-02-01", "bob"): pytest.approx(150 / 0.5),
    }
    assert values(kpis, "new_accounts") == {"2026-01-01": 0, "2026-02-01": 2, "2026-03-01": 1}
    assert values(kpis, "new_accounts", "quarter", "team") == {
        ("2026-01-01", "North"): 2,
        ("2026-01-01", "South"): 1,
    }


@pytest.mark.kpi("worked", "click_rate", "unsubscribe_rate")
def test_clicks_and_farewells_are_shares_of_what_was_delivered(tmp_path: Path):
    """Ten sent, two bounced: of the eight delivered three were clicked and one reader left."""
    head = "email_id,campaign_id,sent_at,bounced,opened_at,clicked_at,unsubscribed_at"
    day = "2026-02-10"
    rows = [f"{i},spring,{day},{'true' if i < 2 else 'false'},,," for i in range(6)]
    rows += [f"{i},spring,{day},false,{day},{day},{day if i == 6 else ''}" for i in range(6, 9)]
    rows.append(f"9,spring,{day},false,,,")
    kpis = kpis_of(tmp_path, {"emails": "\n".join([head, *rows])}, ["leads"])
    assert cell(kpis, "click_rate", "2026-02-01")["value"] == 3 / 8
    assert cell(kpis, "unsubscribe_rate", "2026-02-01")["value"] == 1 / 8


@pytest.mark.kpi("worked", "retention_rate", "ltv_cac", "cac_payback_months")
def test_what_a_customer_is_worth_against_what_one_costs(tmp_path: Path):
    """Ten customers pay 100 a month at a margin of 80 %; one leaves in March, when one new one costs 400.

    Churn 1/10 and the month before 0, so 5 % on average: worth 80 / 0.05 = 1,600, four times its cost, which
    five months of 80 earn back.
    """
    head = "subscription_id,customer_id,started_on,ended_on,mrr"
    rows = [f"{i},c{i},2026-01-10,{'2026-03-10' if i == 0 else ''},100" for i in range(10)]
    rows.append("10,c10,2026-03-05,,100")
    tables = {
        "subscriptions": "\n".join([head, *rows]),
        "customers": "customer_id,acquired_on\n"
        + "\n".join(f"c{i},{'2026-03-05' if i == 10 else '2026-01-10'}" for i in range(11)),
        "costs": "month,category,amount\n2026-03-01,salaries,300\n2026-03-01,advertising,100",
    }
    kpis = kpis_of(tmp_path, tables, ["customers"], churn={"basis": "subscriptions"}, gross_margin=0.8)
    assert cell(kpis, "retention_rate", "2026-03-01")["value"] == pytest.approx(0.9)
    assert cell(kpis, "ltv_cac", "2026-03-01")["value"] == pytest.approx(4)
    assert cell(kpis, "cac_payback_months", "2026-03-01")["value"] == pytest.approx(5)


@pytest.mark.kpi(
    "worked", "target_units", "attainment_units", "target_new_accounts", "attainment_new_accounts"
)
def test_targets_in_pieces_and_in_accounts(tmp_path: Path):
    """February's target of 8 pieces became 10 and 4 were sold; 2 accounts of 3 wanted in the quarter."""
    tables = {
        "customers": "customer_id,acquired_on\nA,2026-02-10\nB,2026-03-20",
        "opportunities": """
            opportunity_id,outcome,created_at,closed_at,amount,units,customer_id
            1,won,2026-02-01,2026-02-10,100,3,A
            2,won,2026-02-01,2026-02-27,100,1,B
        """,
        "targets": """
            metric,scope,scope_id,period_start,period,target,valid_from
            units,company,,2026-02-01,month,8,2026-01-01
            units,company,,2026-02-01,month,10,2026-02-05
            units,company,,2026-03-01,month,5,2026-01-01
            new_accounts,company,,2026-01-01,quarter,3,2026-01-01
        """,
    }
    kpis = kpis_of(tmp_path, tables, ["team"])
    assert values(kpis, "target_units") == {"2026-02-01": 10, "2026-03-01": 5}
    assert values(kpis, "attainment_units") == {"2026-02-01": 0.4, "2026-03-01": 0}
    assert cell(kpis, "target_units", "2026-01-01", "quarter")["reason"] == "no_target", "January has none"
    assert values(kpis, "target_new_accounts", "quarter") == {"2026-01-01": 3}
    assert values(kpis, "attainment_new_accounts", "quarter") == {"2026-01-01": pytest.approx(2 / 3)}
