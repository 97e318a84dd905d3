import random

import pandas as pd
import pytest

from companies import cell, kpis_of, values

TEAM = ["team"]
KPI = "retention_12m_by_rep"
DEALS = """
    opportunity_id,outcome,closed_at,amount,customer_id,rep_id
    1,won,2025-01-10,100,kept,ann
    2,won,2025-01-20,100,gone,ann
    3,won,2025-01-20,100,kept too,bob
    4,won,2025-02-20,100,kept,bob
    5,lost,2024-12-01,100,gone,bob
    6,won,2025-01-05,100,,bob
"""
SUBSCRIPTIONS = """
    subscription_id,customer_id,started_on,ended_on,mrr
    1,kept,2025-01-15,,10
    2,gone,2025-01-20,2026-01-20,10
    3,kept too,2026-01-20,2026-01-21,10
"""


def deals(*rows: str) -> str:
    return "\n".join(["opportunity_id,outcome,closed_at,customer_id,rep_id", *rows])


def retained(folder, opportunities: str, subscriptions: str = SUBSCRIPTIONS, **more) -> pd.DataFrame:
    """`retention_12m_by_rep` of a company that counts subscriptions."""
    tables = {"opportunities": opportunities, "subscriptions": subscriptions, **more.pop("tables", {})}
    kpis = kpis_of(folder, tables, TEAM, **({"churn": {"basis": "subscriptions"}} | more))
    return kpis[kpis["kpi"] == KPI]


def counts(kpis: pd.DataFrame, start: str, member: str = "") -> tuple[float, float]:
    row = cell(kpis, KPI, start, "month", "rep" if member else "", member)
    return row["numerator"], row["denominator"]


@pytest.mark.kpi("worked", KPI)
def test_a_customer_belongs_to_its_first_won_deal_and_is_kept_when_active_a_year_later(tmp_path):
    kpis = retained(tmp_path, DEALS)
    assert counts(kpis, "2025-01-01") == (2, 3)
    assert {m: v for (_, m), v in values(kpis, KPI, dimension="rep").items()} == {"ann": 0.5, "bob": 1}
    row = cell(kpis, KPI, "2025-01-01")
    assert (row["n"], row["low"], row["high"]) == (
        3,
        pytest.approx(0.2077, abs=1e-4),
        pytest.approx(0.9385, abs=1e-4),
    )
    assert cell(kpis, KPI, "2025-02-01")["reason"] == "no_denominator", "the second deal of a customer"
    assert counts(kpis[kpis["grain"] == "year"].assign(grain="month"), "2025-01-01") == (2, 3)


@pytest.mark.kpi("worked", KPI)
def test_every_credited_rep_has_the_customer_once_and_the_company_has_it_once(tmp_path):
    splits = "opportunity_id,rep_id,share\n1,ann,0.5\n1,bob,0.25\n1,cyd,0.25"
    kpis = retained(tmp_path, DEALS, tables={"opportunity_splits": splits})
    assert counts(kpis, "2025-01-01") == (2, 3)
    assert [counts(kpis, "2025-01-01", rep) for rep in ("ann", "bob", "cyd")] == [(1, 2), (2, 2), (1, 1)]


def test_of_two_deals_closed_at_once_the_first_is_that_of_the_smaller_id(tmp_path):
    rows = deals("b,won,2025-01-10T10:00:00,kept,bob", "a,won,2025-01-10T10:00:00,kept,ann")
    kpis = retained(tmp_path, rows)
    assert {m for _, m in values(kpis, KPI, dimension="rep")} == {"ann"}


@pytest.mark.kpi("empty", KPI)
def test_a_month_without_a_new_customer_and_one_whose_customers_are_too_young_say_so(tmp_path):
    rows = deals("1,won,2025-01-10,kept,ann", "2,won,2025-06-10,gone,")
    kpis = retained(tmp_path, rows)
    reasons = {m: cell(kpis, KPI, m)["reason"] for m in ("2025-05-01", "2025-06-01", "2025-07-01")}
    assert reasons == {
        "2025-05-01": "no_denominator",
        "2025-06-01": "none_eligible",
        "2025-07-01": "no_denominator",
    }
    young = cell(kpis, KPI, "2025-06-01", dimension="rep", member="(unassigned)")
    assert (young["status"], young["reason"]) == ("undefined", "none_eligible")


@pytest.mark.kpi("boundary", KPI)
@pytest.mark.parametrize(
    ("as_of", "closed", "seen"),
    [
        ("2026-01-10", "2025-01-10T23:59:59", True),
        ("2026-01-09", "2025-01-10T00:00:00", False),
        ("2025-02-28", "2024-02-29", True),
        ("2025-02-27", "2024-02-29", False),
        ("2024-02-28", "2023-02-28", True),
    ],
)
def test_the_year_is_over_on_the_same_day_of_the_next_and_on_28_february_for_the_29th(
    tmp_path, as_of, closed, seen
):
    kpis = retained(tmp_path, deals(f"1,won,{closed},kept,ann"), as_of=as_of)
    row = cell(kpis, KPI, f"{closed[:7]}-01")
    assert (row["reason"] == "") == seen
    assert seen or row["reason"] == "none_eligible"


@pytest.mark.kpi("boundary", KPI)
def test_a_subscription_counts_on_its_first_day_and_not_on_the_day_it_ends(tmp_path):
    rows = deals(*(f"{i},won,2025-01-20,c{i},ann" for i in range(5)))
    spans = """
        subscription_id,customer_id,started_on,ended_on,mrr
        0,c0,2026-01-20,,1
        1,c1,2026-01-21,,1
        2,c2,2025-01-20,2026-01-20,1
        3,c3,2025-01-20,2026-01-21,1
        4,c4,2025-01-20,,0
    """
    assert counts(retained(tmp_path, rows, spans), "2025-01-01") == (2, 5)


@pytest.mark.kpi("boundary", KPI)
def test_with_orders_a_customer_is_kept_for_exactly_the_days_given(tmp_path):
    rows = deals(*(f"{i},won,2025-01-20,c{i},ann" for i in range(6)))
    orders = """
        order_id,customer_id,ordered_at,amount
        0,c0,2026-01-20T23:59:59,1
        1,c1,2026-01-21T00:00:00,1
        2,c2,2025-12-22,1
        3,c3,2025-12-21,1
        4,c4,2026-01-20,-1
        5,c2,2026-01-02,1
    """
    kpis = retained(tmp_path, rows, tables={"orders": orders}, churn={"basis": "orders", "inactive_days": 30})
    assert counts(kpis, "2025-01-01") == (2, 6)


@pytest.mark.kpi("boundary", KPI)
def test_the_customer_counts_in_the_month_of_the_close(tmp_path):
    rows = deals("1,won,2025-01-31T23:59:59,kept,ann", "2,won,2025-02-01T00:00:00,gone,ann")
    kpis = retained(tmp_path, rows)
    assert counts(kpis, "2025-01-01") == (1, 1)
    assert counts(kpis, "2025-02-01") == (0, 1)


def test_a_period_whose_customers_are_not_all_a_year_old_is_provisional(tmp_path):
    rows = deals("1,won,2025-01-10,kept,ann", "2,won,2025-01-31,gone,ann")
    for as_of, status in (("2026-01-30", "provisional"), ("2026-01-31", "ok")):
        assert cell(retained(tmp_path, rows, as_of=as_of), KPI, "2025-01-01")["status"] == status


@pytest.mark.parametrize(
    ("tables", "reason"),
    [
        ({"opportunities": "opportunity_id,outcome,closed_at\n1,won,2025-01-10"}, "missing_column"),
        ({"opportunities": DEALS}, "missing_table"),
        ({"subscriptions": SUBSCRIPTIONS}, "missing_table"),
    ],
)
def test_it_needs_the_customers_of_the_deals_and_a_table_that_says_who_is_active(tmp_path, tables, reason):
    kpis = kpis_of(tmp_path, tables, TEAM, churn={"basis": "subscriptions"})
    found = kpis[kpis["kpi"] == KPI]
    assert (set(found["reason"]), set(found["dimension"])) == ({reason}, {""})


@pytest.mark.kpi("law", KPI)
def test_the_reps_sum_to_the_company_without_splits_and_later_deals_change_nothing(tmp_path):
    r = random.Random(3)
    day = pd.Timestamp("2024-06-01")
    won = [day + pd.Timedelta(days=r.randint(0, 300)) for _ in range(80)]
    rows = [f"{i:03d},won,{on.date()},c{i},{r.choice(['ann', 'bob', ''])}" for i, on in enumerate(won)]
    spans = [
        f"{i},c{i},2024-06-01,{(day + pd.Timedelta(days=r.randint(200, 700))).date()},5" for i in range(80)
    ]
    subscriptions = "\n".join(["subscription_id,customer_id,started_on,ended_on,mrr", *spans])
    kpis = retained(tmp_path, deals(*rows), subscriptions)
    sums = ["numerator", "denominator"]
    keys = ["grain", "period_start"]
    whole = kpis[(kpis["dimension"] == "") & (kpis["denominator"] > 0)].set_index(keys)[sums]
    parts = kpis[kpis["dimension"] == "rep"].groupby(keys)[sums].sum()
    pd.testing.assert_frame_equal(parts.loc[whole.index], whole)
    assert (whole["numerator"] < whole["denominator"]).any()
    again = [f"x{i},won,2025-12-01,c{i},cyd" for i in range(80)]
    more = retained(tmp_path, deals(*rows, *again), subscriptions)
    pd.testing.assert_frame_equal(more.reset_index(drop=True), kpis.reset_index(drop=True))
