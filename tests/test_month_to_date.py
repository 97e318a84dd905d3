"""The running month against as many selling days of the month before."""

import pytest

from companies import cell, kpis_of, values

GROWTH = ["growth"]
KPI = "sales_growth_mtd"

# May 2026 begins on a Friday, June on a Monday, and has Corpus Christi in Poland on its fourth day.
ORDERS = """
    order_id,ordered_at,amount
    1,2026-04-30,1000
    2,2026-05-01,100
    3,2026-05-02,10
    4,2026-05-04,200
    5,2026-05-05T23:59:59,40
    6,2026-05-06,5000
    7,2026-06-01,300
    8,2026-06-02,120
    9,2026-06-03,35
"""


def on(tmp_path, as_of: str, orders: str = ORDERS, **params):
    return kpis_of(
        tmp_path, {"orders": orders}, GROWTH, revenue_from="orders", as_of=as_of, **{"country": "PL"} | params
    )


@pytest.mark.kpi("worked", KPI)
def test_three_selling_days_of_june_stand_against_three_of_may_with_the_weekend_between(tmp_path):
    row = cell(on(tmp_path, "2026-06-03"), KPI, "2026-06-01")
    # 1 May is a holiday: the first three selling days are the 4th, 5th and 6th
    assert (row["numerator"], row["denominator"]) == (455 - 5350, 5350)
    assert row["value"] == pytest.approx(455 / 5350 - 1)
    assert (row["n"], row["status"], row["unit"]) == (3, "provisional", "ratio")
    anywhere = cell(on(tmp_path, "2026-06-03", country=None), KPI, "2026-06-01")
    assert anywhere["denominator"] == 100 + 10 + 200 + 40, "1, 4 and 5 May, and the Saturday"


@pytest.mark.kpi("worked", KPI)
def test_deals_won_are_compared_like_orders_split_or_not(tmp_path):
    deals = {
        "opportunities": """
            opportunity_id,outcome,closed_at,amount,rep_id
            1,won,2026-05-04,100,ann
            2,lost,2026-05-05,70,ann
            3,won,2026-05-06,900,ann
            4,won,2026-06-01,150,ann
            5,open,2026-06-01,800,ann
        """,
        "opportunity_splits": "opportunity_id,rep_id,share\n1,ann,0.333333\n1,bob,0.666667\n4,bob,1",
    }
    kpis = kpis_of(tmp_path, deals, GROWTH, as_of="2026-06-02", country="PL")
    row = cell(kpis, KPI, "2026-06-01")
    assert (row["value"], row["numerator"], row["denominator"], row["n"]) == (0.5, 50, 100, 1)


@pytest.mark.kpi("empty", KPI)
def test_only_the_running_month_has_a_value_and_only_with_something_before(tmp_path):
    kpis = on(tmp_path, "2026-06-02")
    assert [cell(kpis, KPI, f"2026-0{m}-01")["reason"] for m in (4, 5, 6)] == ["none_eligible"] * 2 + [""]
    over = on(tmp_path, "2026-06-30")
    assert set(over[over["kpi"] == KPI]["reason"]) == {"none_eligible"}
    july = cell(on(tmp_path, "2026-07-02"), KPI, "2026-07-01")
    assert (july["value"], july["n"]) == (-1, 0), "nothing sold yet"
    august = cell(on(tmp_path, "2026-08-20"), KPI, "2026-08-01")
    assert (august["status"], august["reason"], august["denominator"]) == ("undefined", "no_base", 0)
    returned = cell(
        on(tmp_path, "2026-05-05", "order_id,ordered_at,amount\n1,2026-04-01,-5"), KPI, "2026-05-01"
    )
    assert returned["reason"] == "no_base"
    none = kpis_of(tmp_path / "none", {"tasks": "task_id,created_at\n1,2026-02-03"}, GROWTH)
    assert cell(none, KPI, "2026-02-01")["reason"] == "missing_table"


@pytest.mark.kpi("boundary", KPI)
def test_the_last_day_compared_is_the_one_that_has_seen_as_many_selling_days(tmp_path):
    def base(as_of: str, **params) -> float:
        return cell(on(tmp_path, as_of, **params), KPI, f"{as_of[:7]}-01")["denominator"]

    assert [base(f"2026-06-0{d}") for d in (1, 2, 3, 4)] == [310, 350, 5350, 5350], "the 4th is a holiday"
    assert base("2026-05-01") == 0, "no selling day is over yet"
    assert base("2026-05-04") == 0, "one in April, before its only sale"
    assert base("2026-06-29", country=None) == 5350, "June has a selling day more than May had days for"


def test_a_month_before_of_fewer_selling_days_counts_whole(tmp_path):
    orders = "order_id,ordered_at,amount\n1,2026-02-28,7\n2,2026-03-02,14"
    row = cell(on(tmp_path, "2026-03-30", orders, country=None), KPI, "2026-03-01")
    assert row["denominator"] == 7, "21 selling days of March, 20 of February: its last Saturday too"
    row = cell(on(tmp_path, "2026-03-27", orders, country=None), KPI, "2026-03-01")
    assert (row["denominator"], row["reason"]) == (0, "no_base"), "twenty of each: up to Friday the 27th"


@pytest.mark.kpi("law", KPI)
def test_ten_times_the_money_is_the_same_growth_and_the_order_of_rows_does_not_matter(tmp_path):
    head, *rows = ORDERS.strip().splitlines()
    tenfold = "\n".join([head, *(f"{row}0" for row in rows)])
    small = on(tmp_path, "2026-06-03")
    assert values(on(tmp_path, "2026-06-03", tenfold), KPI) == pytest.approx(values(small, KPI), nan_ok=True)
    turned = values(on(tmp_path, "2026-06-03", "\n".join([head, *rows[::-1]])), KPI)
    assert turned == pytest.approx(values(small, KPI), nan_ok=True)


@pytest.mark.kpi("law", KPI)
def test_a_month_that_sells_what_the_one_before_did_on_the_same_selling_days_has_not_grown(tmp_path):
    may = [f"m{d},2026-05-{d:02d},{d}.5" for d in range(1, 32)]
    june = ["j1,2026-06-01,30", "j2,2026-06-06,10"]  # the fifth selling day is the 8th of both: 1.5 + … + 8.5
    even = "\n".join(["order_id,ordered_at,amount", *may, *june])
    row = cell(on(tmp_path, "2026-06-08", even), KPI, "2026-06-01")
    assert (row["value"], row["numerator"], row["denominator"]) == (0, 0, 40)
