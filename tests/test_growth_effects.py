from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.growth_effects import DRIVERS, volume_and_price
from analysis.kpi_table import identities, kpi_table
from companies import cell, kpis_of, make_company, values

GROWTH = ["growth"]
NONE = "(unassigned)"
ORDERS = """
    order_id,customer_id,ordered_at,amount
    1,stays,2026-01-05,100
    2,stays,2026-01-06,100
    3,stays,2026-02-05,150
    4,stays,2026-02-06,150
    5,stays,2026-02-07,150
    6,stays,2026-02-08,-90
    7,leaves,2026-01-07,50
    8,comes,2026-02-07,70
    9,returned,2026-01-08,-10
    10,returned,2026-02-08,30
    11,sent back,2026-01-09,40
    12,sent back,2026-02-09,-15
    13,only refunds,2026-02-10,-7
    14,,2026-01-10,20
    15,,2026-02-10,5
"""


def effects(kpis: pd.DataFrame, start: str, grain: str = "month") -> dict[str, float]:
    """The change of revenue of one period, under "", and its drivers."""
    found = values(kpis, "growth_effect", grain, "driver")
    whole = cell(kpis, "growth_effect", start, grain)["value"]
    return {"": whole} | {member: value for (at, member), value in found.items() if at == start}


def orders(rows: str, **params) -> tuple[Mapping[str, str], dict]:
    return {"orders": rows}, {"revenue_from": "orders", **params}


@pytest.mark.kpi("worked", "growth_effect")
def test_a_change_of_revenue_is_split_into_customers_won_and_lost_volume_and_price(tmp_path):
    tables, params = orders(ORDERS)
    kpis = kpis_of(tmp_path, tables, GROWTH, **params)
    assert effects(kpis, "2026-02-01") == {
        "": 443 - 300,
        "new": 70 + (30 + 10),  # a refund before is no purchase, but counts in the change
        "lost": -50 - (40 + 15),
        "volume": (3 - 2) * (100 + 120) / 2,
        "price": (120 - 100) * (2 + 3) / 2,  # a refund lowers the price of three orders to 120
        NONE: (5 - 20) - 7,
    }
    rows = kpis[(kpis["kpi"] == "growth_effect") & (kpis["period_start"] == "2026-02-01")]
    assert set(rows["n"]) == {5 + 6}, "orders above 0 of both months"


@pytest.mark.kpi("worked", "growth_effect")
def test_those_who_bought_in_both_periods_are_one_group_and_a_deal_without_an_amount_is_one_more(tmp_path):
    tables = {
        "opportunities": """
            opportunity_id,outcome,closed_at,amount,customer_id
            1,won,2025-11-30,100,a
            2,won,2025-12-30,300,b
            3,won,2026-01-30,500,a
            4,won,2026-02-28,,b
            5,won,2026-03-01,100,b
            6,lost,2026-03-01,900,c
            7,won,2026-03-02,40,d
        """,
        "opportunity_splits": "opportunity_id,rep_id,share\n3,ann,0.5\n3,bob,0.5",
    }
    kpis = kpis_of(tmp_path, tables, GROWTH)
    quarter = {"": 240.0, "new": 40.0, "lost": 0.0, "volume": 200.0, "price": 0.0, NONE: 0.0}
    assert effects(kpis, "2026-01-01", "quarter") == quarter, "two at 200 became three at 200"
    assert effects(kpis, "2026-02-01") == {
        "": -500, "new": 0, "lost": -500, "volume": 0, "price": 0, NONE: 0,
    }  # fmt: skip
    march = effects(kpis, "2026-03-01")
    assert (march["volume"], march["price"]) == (0, 100), "from nothing for one deal to 100 for one"
    assert cell(kpis, "growth_effect", "2026-01-01", "quarter")["n"] == 6


@pytest.mark.kpi("empty", "growth_effect")
def test_a_month_without_sales_has_lost_everybody_and_the_next_has_changed_by_nothing(tmp_path):
    tables, params = orders("order_id,customer_id,ordered_at,amount\n1,a,2026-01-05,100\n2,,2026-01-05,10")
    kpis = kpis_of(tmp_path, tables, GROWTH, **params)
    empty = dict.fromkeys(("", *DRIVERS), 0.0)
    assert effects(kpis, "2026-02-01") == empty | {"": -110, "lost": -100, NONE: -10}
    assert effects(kpis, "2026-03-01") == empty
    assert cell(kpis, "growth_effect", "2026-03-01")["n"] == 0


@pytest.mark.kpi("boundary", "growth_effect")
def test_the_last_second_of_a_month_belongs_to_it_and_the_first_of_the_next_does_not(tmp_path):
    rows = """
        order_id,customer_id,ordered_at,amount
        0,z,2025-12-31,0.5
        1,a,2026-01-31T23:59:59,100
        2,b,2026-02-01T00:00:00,20
    """
    tables, params = orders(rows)
    kpis = kpis_of(tmp_path, tables, GROWTH, **params)
    nothing = dict.fromkeys(("", *DRIVERS), 0.0)
    assert effects(kpis, "2026-01-01") == nothing | {"": 99.5, "new": 100, "lost": -0.5}
    assert effects(kpis, "2026-02-01") == nothing | {"": -80, "new": 20, "lost": -100}
    assert effects(kpis, "2026-03-01") == nothing | {"": -20, "lost": -20}


@pytest.mark.kpi("boundary", "growth_effect")
@pytest.mark.parametrize("first", ["2026-01-31", "2026-02-01"])
def test_there_is_no_base_where_the_whole_period_before_lies_before_the_first_event(tmp_path, first):
    tables, params = orders("order_id,customer_id,ordered_at,amount\n1,a,2026-02-02,100")
    leads = {"leads": f"lead_id,created_at\n1,{first}"}
    kpis = kpis_of(tmp_path, {**tables, **leads}, GROWTH, **params)
    found = kpis[(kpis["kpi"] == "growth_effect") & (kpis["grain"] == "month")]
    undefined = found[found["value"].isna()]
    assert set(undefined["period_start"].astype(str)) == {f"{first[:7]}-01"}
    assert set(undefined["reason"]) == {"no_base"}
    assert list(undefined["member"]) == ["", *sorted(DRIVERS)], "the company and every driver"


def test_the_period_before_the_first_one_shown_is_known_all_the_same(tmp_path):
    rows = "order_id,customer_id,ordered_at,amount\n1,a,2025-02-05,100\n2,a,2026-02-05,130\n3,b,2026-03-05,9"
    tables, params = orders(rows, history_months=1)
    kpis = kpis_of(tmp_path, tables, GROWTH, **params)
    assert effects(kpis, "2026-03-01")[""] == 9 - 130
    assert effects(kpis, "2026-01-01", "quarter") == {
        "": 139, "new": 139, "lost": 0, "volume": 0, "price": 0, NONE: 0,
    }  # fmt: skip
    assert effects(kpis, "2026-01-01", "year") == {
        "": 39, "new": 9, "lost": 0, "volume": 0, "price": 30, NONE: 0,
    }  # fmt: skip


def test_a_running_month_is_provisional(tmp_path):
    tables, params = orders(ORDERS, as_of="2026-02-09")
    row = cell(kpis_of(tmp_path, tables, GROWTH, **params), "growth_effect", "2026-02-01")
    assert (row["status"], row["value"]) == ("provisional", 450 - 90 + 70 + 30 - 15 - 300)


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ({"orders": "order_id,ordered_at,amount\n1,2026-02-03,5"}, "missing_column"),
        ({"leads": "lead_id,created_at\n1,2026-02-03"}, "missing_table"),
    ],
)
def test_without_customers_the_change_is_not_split_and_never_given_zeros(tmp_path, rows, reason):
    kpis = kpis_of(tmp_path, rows, GROWTH, revenue_from="orders")
    found = kpis[kpis["kpi"] == "growth_effect"]
    assert set(found["dimension"]) == {""}
    assert found["value"].isna().all()
    assert set(found["reason"]) == {reason}


units = st.integers(1, 10**6)
money = st.decimals(-(10**9), 10**9, places=2).map(float)


@pytest.mark.kpi("law", "growth_effect")
@given(units, money, units, money)
def test_volume_and_price_sum_to_the_change_and_turn_their_signs_with_time(q0, r0, q1, r1):
    volume, price = map(float, volume_and_price(q0, r0, q1, r1))
    close = {"abs": 1e-9 * (1 + abs(volume) + abs(r0) + abs(r1))}
    assert volume + price == pytest.approx(r1 - r0, **close)
    assert price == pytest.approx((r1 / q1 - r0 / q0) * (q0 + q1) / 2, **close)
    volume_back, price_back = map(float, volume_and_price(q1, r1, q0, r0))
    assert (volume_back, price_back) == (pytest.approx(-volume, **close), pytest.approx(-price, **close))
    assert volume == 0 or q0 != q1


def test_without_units_there_is_neither_volume_nor_price():
    volume, price = volume_and_price([0], [0], [0], [0])
    assert (volume.tolist(), price.tolist()) == ([0], [0])


def many(rng: np.random.Generator, size: int = 400) -> str:
    """Orders of few customers, some refunds, some of nobody, over 20 months."""
    days = pd.Timestamp("2024-08-01") + pd.to_timedelta(rng.integers(0, 600, size), "D")
    amounts = rng.integers(-3000, 90000, size)
    buyers = np.where(rng.random(size) < 0.1, "", rng.integers(0, 30, size).astype(str))
    rows = [f"{i},{buyers[i]},{days[i].date()},{amounts[i]}e-2" for i in range(size)]
    return "\n".join(["order_id,customer_id,ordered_at,amount", *rows])


@pytest.mark.kpi("law", "growth_effect")
@pytest.mark.parametrize("seed", range(3))
def test_the_effects_sum_to_the_change_of_revenue_to_the_cent(tmp_path, seed):
    tables, params = orders(many(np.random.default_rng(seed)))
    kpis = kpis_of(tmp_path, tables, ["team", "growth"], fiscal_year_start=4, **params)
    found = kpis[(kpis["kpi"] == "growth_effect") & kpis["value"].notna()]
    keys = ["grain", "period_start"]
    parts = found[found["dimension"] == "driver"].groupby(keys)["value"].agg(["sum", "size"])
    whole = found[found["dimension"] == ""].set_index(keys)["value"]
    assert (parts["size"] == len(DRIVERS)).all()
    assert (parts["sum"] - whole).abs().max() < 0.005
    revenue = kpis[(kpis["kpi"] == "revenue") & (kpis["dimension"] == "")].set_index(keys)["value"]
    for grain in ("month", "quarter", "year"):
        change = revenue.loc[grain].diff().iloc[1:]
        pd.testing.assert_series_equal(whole.loc[grain].loc[change.index], change, check_names=False)


@pytest.mark.kpi("law", "growth_effect")
def test_a_long_history_is_told_as_well_as_a_short_one(tmp_path):
    months = pd.date_range("2017-01-15", "2026-03-15", freq="MS")
    rows = [f"{i},{b},{m.date()},10" for i, m in enumerate(months) for b in ("x", "y") if i % 2 or b == "x"]
    rows = [f"{i},{row.split(',', 1)[1]}" for i, row in enumerate(rows)]
    tables, params = orders("\n".join(["order_id,customer_id,ordered_at,amount", *rows]), history_months=100)
    got = values(kpis_of(tmp_path, tables, GROWTH, **params), "growth_effect", "month", "driver")
    frame = pd.Series(got).unstack()
    assert len(frame) == 100
    assert set(frame["volume"]) == set(frame["price"]) == set(frame[NONE]) == {0}
    assert set(zip(frame["new"], frame["lost"], strict=True)) == {(10, 0), (0, -10)}


IDENTITY = "growth effects = change of revenue"


@pytest.mark.parametrize("families", [["growth"], ["team", "growth"]])
def test_the_run_checks_that_the_effects_add_up_and_finds_one_that_does_not(tmp_path, families):
    tables, params = orders(ORDERS)
    company = make_company(tmp_path, tables, **params)
    kpis = kpi_table(company, families)
    checked = identities(company, kpis).set_index("identity").loc[IDENTITY]
    assert (checked["status"], checked["broken"]) == ("holds", 0)
    assert checked["checked"] > 2
    driver = (kpis["kpi"] == "growth_effect") & (kpis["member"] == "price") & kpis["value"].notna()
    for wrong in (driver, (kpis["kpi"] == "growth_effect") & kpis["value"].notna()):
        planted = kpis.assign(value=kpis["value"].where(~wrong, kpis["value"] + 0.01))
        assert identities(company, planted).set_index("identity").loc[IDENTITY, "status"] == "broken"
