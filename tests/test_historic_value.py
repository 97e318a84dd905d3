import numpy as np
import pandas as pd
import pytest

from companies import cell, kpis_of, values

CUSTOMERS = ["customers"]
KNOWN = """
    customer_id,segment,channel,acquired_on
    a,small,web,2026-01-31
    b,small,,2026-02-01
    c,large,web,2026-02-28
    nobody's,large,web,
"""
ORDERS = """
    order_id,customer_id,ordered_at,amount,cost
    1,a,2025-12-01,100,60
    2,a,2026-02-28T23:59:59,50,20
    3,a,2026-03-01,200,
    4,b,2026-03-05,-30,-10
    5,nobody's,2026-02-05,-999,1
    8,stranger,2026-02-05,999,1
    6,,2026-02-05,999,1
    7,c,2026-02-01,10,30
"""


def worth(folder, tables: dict[str, str], **params) -> pd.DataFrame:
    """`clv_historic` of a company that counts orders, or deals where it has none."""
    source = "orders" if "orders" in tables else "opportunities"
    kpis = kpis_of(folder, tables, CUSTOMERS, **({"revenue_from": source} | params))
    return kpis[kpis["kpi"] == "clv_historic"]


@pytest.mark.kpi("worked", "clv_historic")
def test_the_margin_of_all_customers_so_far_is_divided_by_all_of_them(tmp_path):
    kpis = worth(tmp_path, {"customers": KNOWN, "orders": ORDERS}, gross_margin=0.5)
    february = cell(kpis, "clv_historic", "2026-02-01")
    assert (february["numerator"], february["denominator"], february["n"]) == (40 + 30 - 20, 3, 3)
    march = cell(kpis, "clv_historic", "2026-03-01")
    assert march["value"] == pytest.approx((50 + 200 * 0.5 - 20) / 3)
    assert values(kpis, "clv_historic", "quarter")["2026-01-01"] == march["value"], "as at its closing"
    got = {
        m: v for (at, m), v in values(kpis, "clv_historic", dimension="segment").items() if at[5:7] == "03"
    }
    assert got == {"small": (40 + 30 + 100 - 20) / 2, "large": -20}
    got = {
        m: v for (at, m), v in values(kpis, "clv_historic", dimension="channel").items() if at[5:7] == "03"
    }
    assert got == {"web": (40 + 30 + 100 - 20) / 2, "(unassigned)": -20}


@pytest.mark.kpi("worked", "clv_historic")
def test_without_a_stated_margin_orders_have_that_of_those_with_a_cost_and_deals_none(tmp_path):
    rows = """
        order_id,customer_id,ordered_at,amount,cost
        1,a,2026-02-01,100,60
        2,a,2026-02-01,100,
        3,,2026-03-01,300,180
    """
    known = "customer_id,acquired_on\na,2026-02-01\nb,2026-02-01"
    kpis = worth(tmp_path, {"customers": known, "orders": rows})
    assert values(kpis, "clv_historic")["2026-02-01"] == (40 + 100 * 0.4) / 2
    deals = "opportunity_id,outcome,closed_at,amount,customer_id\n1,won,2026-02-03,500,a\n2,won,2026-03-01,,b"
    for tables in (
        {"customers": known, "opportunities": deals},
        {"customers": known, "orders": rows.replace("60\n", "\n").replace("180\n", "\n")},
        {"customers": known, "orders": "order_id,customer_id,ordered_at,amount\n1,a,2026-02-03,5"},
    ):
        unstated = worth(tmp_path, tables)
        assert (set(unstated["reason"]), set(unstated["dimension"])) == ({"missing_column"}, {""})
    stated = worth(tmp_path, {"customers": known, "opportunities": deals}, gross_margin=0.8)
    assert values(stated, "clv_historic")["2026-03-01"] == 200


def test_a_margin_that_no_row_needs_need_not_be_known(tmp_path):
    rows = "order_id,customer_id,ordered_at,amount,cost\n1,a,2026-02-01,100,60\n2,a,2026-02-02,-100,-60"
    kpis = worth(tmp_path, {"customers": "customer_id,acquired_on\na,2026-02-01", "orders": rows})
    assert values(kpis, "clv_historic")["2026-03-01"] == 0


@pytest.mark.kpi("empty", "clv_historic")
def test_before_the_first_customer_it_is_undefined_and_in_a_month_without_sales_it_stays(tmp_path):
    tables = {
        "customers": "customer_id,acquired_on\na,2026-01-20\nb,2026-01-20",
        "orders": "order_id,customer_id,ordered_at,amount,cost\n1,a,2026-01-21,100,60",
        "leads": "lead_id,created_at\n1,2025-12-05",
    }
    kpis = worth(tmp_path, tables)
    assert cell(kpis, "clv_historic", "2025-12-01")["reason"] == "no_denominator"
    got = values(kpis, "clv_historic")
    assert (got["2026-01-01"], got["2026-02-01"], got["2026-03-01"]) == (20, 20, 20)


@pytest.mark.kpi("boundary", "clv_historic")
def test_what_happens_on_the_closing_day_counts_and_the_day_after_does_not(tmp_path):
    known = "customer_id,acquired_on\na,2026-01-31\nb,2026-02-01"
    rows = """
        order_id,customer_id,ordered_at,amount,cost
        1,a,2026-01-31T23:59:59,100,0
        2,a,2026-02-01T00:00:00,10,0
        3,b,2026-01-15,1,0
        4,a,2026-02-14T23:59:59,5,0
        5,a,2026-02-15T00:00:00,3,0
    """
    kpis = worth(tmp_path, {"customers": known, "orders": rows}, as_of="2026-02-14")
    got = {m: cell(kpis, "clv_historic", m) for m in ("2026-01-01", "2026-02-01")}
    assert [(r["numerator"], r["denominator"]) for r in got.values()] == [(100, 1), (116, 2)]
    assert got["2026-02-01"]["status"] == "provisional"


def test_all_history_counts_and_not_only_the_months_that_are_shown(tmp_path):
    tables = {
        "customers": "customer_id,acquired_on\na,2019-05-01\nb,2026-03-31",
        "orders": "order_id,customer_id,ordered_at,amount,cost\n1,a,2019-05-01,100,0\n2,a,2021-01-01,10,0",
    }
    kpis = worth(tmp_path, tables, history_months=2)
    assert values(kpis, "clv_historic") == {"2026-02-01": 110, "2026-03-01": 55}


@pytest.mark.kpi("law", "clv_historic")
def test_the_members_sum_to_the_company_and_a_customer_without_revenue_only_divides(tmp_path):
    rng = np.random.default_rng(5)
    days = (pd.Timestamp("2025-01-01") + pd.to_timedelta(rng.integers(0, 450, 300), "D")).strftime("%Y-%m-%d")
    rows = [f"{i},{rng.integers(0, 40)},{days[i]},{rng.integers(1, 9999)}e-2,1" for i in range(200)]
    known = [f"{i},{rng.choice(['s', 'l', ''])},{rng.choice(['web', ''])},{days[200 + i]}" for i in range(40)]
    heads = {
        "customers": "customer_id,segment,channel,acquired_on",
        "orders": "order_id,customer_id,ordered_at,amount,cost",
    }
    tables = {
        "customers": "\n".join([heads["customers"], *known]),
        "orders": "\n".join([heads["orders"], *rows]),
    }
    kpis = worth(tmp_path, tables)
    keys = ["grain", "period_start"]
    sums = ["numerator", "denominator"]
    whole = kpis[(kpis["dimension"] == "") & (kpis["denominator"] > 0)].set_index(keys)[sums]
    for dim in ("segment", "channel"):
        parts = kpis[kpis["dimension"] == dim].groupby(keys)[sums].sum()
        pd.testing.assert_frame_equal(parts.loc[whole.index], whole)
    idle = worth(tmp_path, tables | {"customers": tables["customers"] + "\nidle,s,web,2024-12-31"})
    after = idle[idle["dimension"] == ""].set_index(keys).loc[whole.index]
    pd.testing.assert_series_equal(after["numerator"], whole["numerator"])
    pd.testing.assert_series_equal(after["denominator"], whole["denominator"] + 1)
