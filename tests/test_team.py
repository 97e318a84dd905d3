from math import fsum

import pytest

from companies import cell, kpis_of, values

TEAM = ["team"]
REPS = """
    rep_id,name,team,started_on,ended_on
    ann,Ann,North,,
    bob,Bob,North,,2026-01-31
    cyd,Cyd,South,2026-03-01,
"""


def deals(*rows: str) -> dict[str, str]:
    head = (
        "opportunity_id,outcome,created_at,first_contact_at,closed_at,amount,units,rep_id,customer_id,channel"
    )
    return {"opportunities": "\n".join([head, *rows]), "reps": REPS}


@pytest.mark.kpi("worked", "win_rate", "win_rate_amount")
def test_a_rep_without_a_lost_deal_has_a_win_rate_of_one_and_a_rep_without_a_decided_deal_has_none(tmp_path):
    kpis = kpis_of(
        tmp_path,
        deals(
            "1,won,2026-01-02,,2026-02-10,100,1,ann,A,web",
            "2,won,2026-01-02,,2026-02-11,50,1,bob,B,web",
            "3,lost,2026-01-02,,2026-02-12,50,1,bob,C,fair",
            "4,open,2026-01-02,,,70,1,cyd,D,fair",
        ),
        TEAM,
    )
    assert values(kpis, "win_rate_amount", dimension="rep") == {
        ("2026-02-01", "ann"): 1.0,
        ("2026-02-01", "bob"): 0.5,
    }
    assert values(kpis, "win_rate_amount")["2026-02-01"] == 0.75
    whole = cell(kpis, "win_rate", "2026-02-01")
    assert (whole["numerator"], whole["denominator"], whole["n"]) == (2, 3, 3)
    empty = cell(kpis, "win_rate", "2026-01-01")
    assert (empty["status"], empty["reason"]) == ("undefined", "no_denominator")


@pytest.mark.kpi("worked", "revenue", "units")
def test_a_deal_counts_on_the_last_day_of_the_month_and_not_on_the_first_of_the_next(tmp_path):
    kpis = kpis_of(
        tmp_path,
        deals(
            "1,won,2026-01-02,,2026-01-31T23:59:59,100,2,ann,A,web",
            "2,won,2026-01-02,,2026-02-01,10,3,ann,A,web",
            "3,won,2026-01-02,,2026-02-28T23:30:00Z,1,4,ann,A,web",  # March in Warsaw
        ),
        TEAM,
    )
    assert values(kpis, "revenue") == {"2026-01-01": 100, "2026-02-01": 10, "2026-03-01": 1}
    assert values(kpis, "units") == {"2026-01-01": 2, "2026-02-01": 3, "2026-03-01": 4}
    assert values(kpis, "revenue", "quarter") == {"2026-01-01": 111}


@pytest.mark.kpi("worked", "won_deals", "revenue")
def test_a_split_deal_is_one_deal_and_its_credits_sum_to_it(tmp_path):
    tables = deals(
        "1,won,2026-01-01,,2026-01-11,90,3,ann,A,web",
        "2,won,2026-01-01,,2026-01-21,10,1,,A,web",
    )
    tables["opportunity_splits"] = """
        opportunity_id,rep_id,share
        1,ann,0.333333
        1,bob,0.333333
        1,cyd,0.333334
    """
    kpis = kpis_of(tmp_path, tables, TEAM)
    by_rep = values(kpis, "won_deals", dimension="rep")
    assert by_rep == {
        ("2026-01-01", "(unassigned)"): 1,
        ("2026-01-01", "ann"): 0.333333,
        ("2026-01-01", "bob"): 0.333333,
        ("2026-01-01", "cyd"): 0.333334,
    }
    assert values(kpis, "won_deals")["2026-01-01"] == 2
    assert values(kpis, "revenue")["2026-01-01"] == 100
    assert fsum(values(kpis, "revenue", dimension="rep").values()) == 100
    assert cell(kpis, "won_deals", "2026-01-01")["n"] == 2
    assert cell(kpis, "won_deals", "2026-01-01", dimension="team", member="North")["n"] == 1
    assert values(kpis, "cycle_days")["2026-01-01"] == 15, "the split deal is one of two cycles"


def test_the_cycle_is_whole_days_between_dates_and_exact_between_instants_over_a_clock_change(tmp_path):
    kpis = kpis_of(
        tmp_path,
        deals(
            "1,won,2026-03-20,2026-03-28,2026-03-30,1,1,ann,A,web",  # two dates over the lost hour: 2 days
            "2,won,2026-03-20,2026-03-28T12:00:00,2026-03-30T12:00:00,1,1,bob,A,web",  # 47 hours
            "3,won,2026-01-01,2026-01-10,2026-01-09,5,1,ann,A,web",  # closed too early: no cycle, but revenue
            "4,won,,,2026-01-09,5,1,ann,A,web",  # no start
        ),
        TEAM,
    )
    assert values(kpis, "cycle_days", dimension="rep", member="ann") == {"2026-03-01": 2}
    assert values(kpis, "cycle_days", dimension="rep", member="bob") == {"2026-03-01": 47 / 24}
    assert cell(kpis, "cycle_days", "2026-01-01")["status"] == "undefined"
    assert values(kpis, "revenue")["2026-01-01"] == 10


@pytest.mark.kpi("worked", "cycle_days", "cycle_days_mean", "cycle_days_p90")
def test_the_cycle_has_median_mean_slow_tenth_and_an_interval_from_six_deals_on(tmp_path):
    rows = [f"{d},won,2026-02-01,,2026-02-{1 + d:02d},1,1,ann,A,web" for d in (1, 2, 3, 4, 10, 20)]
    kpis = kpis_of(tmp_path, deals(*rows), TEAM)
    row = cell(kpis, "cycle_days", "2026-02-01")
    assert (row["value"], row["low"], row["high"], row["n"]) == (3.5, 1, 20, 6)
    assert cell(kpis, "cycle_days_mean", "2026-02-01")["value"] == 40 / 6
    assert cell(kpis, "cycle_days_p90", "2026-02-01")["value"] == 15


@pytest.mark.kpi("worked", "sales_per_rep")
def test_sales_per_rep_divides_by_who_was_there_on_any_day_of_the_period(tmp_path):
    rows = ["1,won,2026-01-02,,2026-01-31,600,1,ann,A,web", "2,won,2026-01-02,,2026-03-31,600,1,cyd,A,web"]
    kpis = kpis_of(tmp_path, deals(*rows), TEAM)
    assert values(kpis, "sales_per_rep") == {"2026-01-01": 300, "2026-02-01": 0, "2026-03-01": 300}
    assert values(kpis, "sales_per_rep", "quarter") == {"2026-01-01": 400}
    assert values(kpis, "sales_per_rep", dimension="team")["2026-03-01", "South"] == 600


def test_a_company_without_the_table_is_told_so_and_never_given_a_zero(tmp_path):
    tables = {"orders": "order_id,ordered_at,amount\n1,2026-02-03,5"}
    kpis = kpis_of(tmp_path, tables, TEAM, revenue_from="orders")
    assert values(kpis, "revenue") == {"2026-02-01": 5, "2026-03-01": 0}
    for kpi in ("won_deals", "win_rate", "cycle_days", "deal_size", "target_revenue", "sales_per_rep"):
        rows = kpis[kpis["kpi"] == kpi]
        assert set(rows["reason"]) == {"missing_table"}, kpi
        assert rows["value"].isna().all(), kpi


def test_few_deals_are_small_n_and_a_running_period_is_provisional_before_that(tmp_path):
    rows = [f"{i},won,2026-01-02,,2026-01-{10 + i},1,1,ann,A,web" for i in range(5)]
    kpis = kpis_of(
        tmp_path,
        deals(*rows, "9,won,2026-01-02,,2026-02-20,1,1,ann,A,web"),
        TEAM,
        min_n=5,
        as_of="2026-03-30",
    )
    status = {m: cell(kpis, "win_rate", f"2026-0{m}-01")["status"] for m in (1, 2, 3)}
    assert status == {1: "ok", 2: "small_n", 3: "undefined"}
    assert cell(kpis, "revenue", "2026-03-01")["status"] == "provisional"
    assert cell(kpis, "win_rate", "2026-01-01", "quarter")["status"] == "provisional"
