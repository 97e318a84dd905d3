import pytest

from companies import cell, kpis_of, values

CUSTOMERS = ["customers"]
SUBSCRIPTIONS = """
    subscription_id,customer_id,started_on,ended_on,mrr
    1,up,2025-12-01,2026-02-10,100
    2,up,2026-02-10,,150
    3,down,2025-12-01,2026-02-10,100
    4,down,2026-02-10,,80
    5,gone,2025-12-01,2026-02-28,100
    6,new,2026-02-28,,500
    7,flash,2026-02-02,2026-02-20,70
    8,back,2025-12-01,2026-01-15,40
    9,back,2026-02-11,,40
    10,trial,2026-02-01,,0
    11,nothing,2026-02-05,2026-02-05,90
"""


@pytest.mark.kpi(
    "worked",
    "customers_opening",
    "customers_new",
    "customers_reactivated",
    "customers_churned",
    "customers_closing",
    "customers_flash",
    "mrr_opening",
    "mrr_new",
    "mrr_reactivated",
    "mrr_expansion",
    "mrr_contraction",
    "mrr_churned",
    "mrr_closing",
    "nrr",
    "grr",
    "revenue_churn_rate",
    "churn_rate",
    "arpa",
)
def test_movements_of_customers_and_of_what_they_pay(tmp_path):
    kpis = kpis_of(tmp_path, {"subscriptions": SUBSCRIPTIONS}, CUSTOMERS, churn={"basis": "subscriptions"})
    names = ("opening", "new", "reactivated", "churned", "closing", "flash")
    assert [cell(kpis, f"customers_{k}", "2026-02-01")["value"] for k in names] == [3, 1, 1, 1, 4, 1]
    moves = ("opening", "new", "reactivated", "expansion", "contraction", "churned", "closing")
    assert [cell(kpis, f"mrr_{k}", "2026-02-01")["value"] for k in moves] == [300, 500, 40, 50, 20, 100, 770]
    assert cell(kpis, "nrr", "2026-02-01")["value"] == pytest.approx(230 / 300)
    assert cell(kpis, "grr", "2026-02-01")["value"] == pytest.approx(0.6)
    assert cell(kpis, "revenue_churn_rate", "2026-02-01")["value"] == pytest.approx(0.4)
    assert cell(kpis, "quick_ratio", "2026-02-01")["value"] == pytest.approx(590 / 120)
    assert cell(kpis, "churn_rate", "2026-02-01")["value"] == pytest.approx(1 / 3)
    assert cell(kpis, "arpa", "2026-02-01")["value"] == 770 / 4


def test_a_customer_is_active_until_the_day_before_the_end(tmp_path):
    table = """
        subscription_id,customer_id,started_on,ended_on,mrr
        1,a,2026-01-01,2026-02-28,10
        2,b,2026-01-31,2026-03-01,10
    """
    kpis = kpis_of(tmp_path, {"subscriptions": table}, CUSTOMERS, churn={"basis": "subscriptions"})
    assert values(kpis, "customers_closing") == {"2026-01-01": 2, "2026-02-01": 1, "2026-03-01": 0}
    assert values(kpis, "customers_churned") == {"2026-01-01": 0, "2026-02-01": 1, "2026-03-01": 1}


def test_with_orders_a_customer_is_active_for_exactly_the_days_given(tmp_path):
    table = """
        order_id,customer_id,ordered_at,amount
        1,a,2026-01-29,10
        2,b,2026-01-30,10
        3,c,2026-01-30,-10
        4,,2026-01-30,5
    """
    kpis = kpis_of(
        tmp_path,
        {"orders": table},
        CUSTOMERS,
        churn={"basis": "orders", "inactive_days": 30},
        revenue_from="orders",
    )
    assert values(kpis, "customers_closing") == {"2026-01-01": 2, "2026-02-01": 1, "2026-03-01": 0}
    assert values(kpis, "arpa")["2026-01-01"] == 15 / 2
    assert cell(kpis, "nrr", "2026-02-01")["reason"] == "missing_table"
    assert cell(kpis, "arpa", "2026-03-01")["reason"] == "no_denominator"


@pytest.mark.kpi("worked", "quick_ratio")
def test_a_quick_ratio_worked_by_hand(tmp_path):
    table = """
        subscription_id,customer_id,started_on,ended_on,mrr
        1,grows,2025-12-01,2026-02-01,20
        2,grows,2026-02-01,,30
        3,shrinks,2025-12-01,2026-02-01,20
        4,shrinks,2026-02-01,,12
        5,leaves,2025-12-01,2026-02-03,7
        6,comes,2026-02-03,,30
        7,returns,2025-11-01,2025-12-31,5
        8,returns,2026-02-20,,5
    """
    kpis = kpis_of(tmp_path, {"subscriptions": table}, CUSTOMERS, churn={"basis": "subscriptions"})
    assert cell(kpis, "quick_ratio", "2026-02-01")["value"] == 3.0
    assert cell(kpis, "quick_ratio", "2026-03-01")["reason"] == "no_denominator"


@pytest.mark.kpi("worked", "clv")
def test_lifetime_value_divides_by_the_mean_churn_of_complete_months_and_is_undefined_without_churn(tmp_path):
    head = "subscription_id,customer_id,started_on,ended_on,mrr"
    rows = [f"{i},c{i},2026-01-01,{'2026-02-28' if i == 0 else ''},100" for i in range(20)]
    tables = {"subscriptions": "\n".join([head, *rows])}
    stated = {"churn": {"basis": "subscriptions"}, "gross_margin": 1}
    kpis = kpis_of(tmp_path, tables, CUSTOMERS, **stated)
    assert cell(kpis, "clv", "2026-02-01")["value"] == pytest.approx(2000)
    assert cell(kpis, "clv", "2026-03-01")["value"] == pytest.approx(100 / 0.025), "mean of 5 % and 0 %"
    assert cell(kpis, "clv", "2026-01-01")["reason"] == "no_denominator"
    running = kpis_of(tmp_path, tables, CUSTOMERS, **stated, as_of="2026-03-30")
    march = cell(running, "clv", "2026-03-01")
    assert (march["value"], march["status"]) == (pytest.approx(2000), "provisional")
    calm = kpis_of(tmp_path, {"subscriptions": "\n".join([head, *rows[1:]])}, CUSTOMERS, **stated)
    assert (cell(calm, "clv", "2026-03-01")["status"], cell(calm, "clv", "2026-03-01")["reason"]) == (
        "undefined",
        "no_churn",
    )
    unstated = kpis_of(tmp_path, tables, CUSTOMERS, churn={"basis": "subscriptions"})
    assert cell(unstated, "clv", "2026-02-01")["reason"] == "missing_table"


@pytest.mark.kpi("worked", "cohort_retention")
def test_cohorts_show_only_complete_months_and_young_ones_are_provisional(tmp_path):
    head = "order_id,customer_id,ordered_at,amount"
    rows = [f"{c}1,{c},2026-01-10,1" for c in "abcde"] + [
        "a2,a,2026-02-11,1",
        "a3,a,2026-03-11,1",
        "b2,b,2026-02-11,-1",
    ]
    rows += ["f1,f,2026-02-28,1"]
    kpis = kpis_of(
        tmp_path,
        {"orders": "\n".join([head, *rows])},
        CUSTOMERS,
        churn={"basis": "orders"},
        as_of="2026-03-30",
        maturity_days=58,
    )
    table = kpis[kpis["kpi"] == "cohort_retention"]
    got = {
        (str(r.period_start.date()), r.member): (r.numerator, r.denominator, r.status)
        for r in table.itertuples()
    }
    assert got == {
        ("2026-01-01", "0"): (5, 5, "ok"),
        ("2026-01-01", "1"): (1, 5, "ok"),
        ("2026-02-01", "0"): (1, 1, "provisional"),
    }


@pytest.mark.kpi("worked", "cac", "cac_advertising", "acquisition_cost")
def test_costs_without_a_channel_and_customers_without_one_are_a_row_of_their_own(tmp_path):
    tables = {
        "customers": """
            customer_id,channel,acquired_on
            1,web,2026-02-01
            2,web,2026-02-28
            3,,2026-02-03
            4,fair,2026-03-01
        """,
        "costs": """
            month,category,channel,amount
            2026-02-01,advertising,web,40
            2026-02-01,salaries,,50
            2026-02-01,other,fair,9
        """,
    }
    kpis = kpis_of(tmp_path, tables, CUSTOMERS, channels={"web": "inbound", "fair": "outbound"})
    assert cell(kpis, "cac", "2026-02-01")["value"] == 33
    by_channel = {m: v for (s, m), v in values(kpis, "cac", dimension="channel").items() if s == "2026-02-01"}
    assert by_channel.pop("fair") != by_channel.get("fair"), "cost without a customer is undefined"
    assert by_channel == {"web": 20, "(unassigned)": 50}
    assert cell(kpis, "cac", "2026-02-01", "month", "channel", "fair")["reason"] == "no_denominator"
    assert cell(kpis, "cac_advertising", "2026-02-01")["value"] == pytest.approx(40 / 3)
    costs = {m: v for (_, m), v in values(kpis, "acquisition_cost", "quarter", "channel").items()}
    assert costs == {"web": 40, "fair": 9, "(unassigned)": 50}
    assert cell(kpis, "cac", "2026-03-01")["value"] == 0


def test_deals_are_worth_the_stated_margin_and_orders_that_of_their_costs(tmp_path):
    tables = {
        "orders": "order_id,customer_id,ordered_at,amount,cost\n1,a,2026-01-02,100,60\n2,b,2026-02-20,100,60",
        "opportunities": "opportunity_id,outcome,closed_at,amount\n1,won,2026-02-02,500",
    }
    basis = {"churn": {"basis": "orders", "inactive_days": 40}, "gross_margin": 0.9}
    of_deals = kpis_of(tmp_path, tables, CUSTOMERS, **basis)
    assert cell(of_deals, "clv", "2026-02-01")["numerator"] == pytest.approx(500 * 0.9)
    of_orders = kpis_of(tmp_path, tables, CUSTOMERS, **basis, revenue_from="orders")
    assert cell(of_orders, "clv", "2026-02-01")["numerator"] == pytest.approx(100 * 0.4)
