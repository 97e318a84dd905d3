"""Targets, attainment, pace and what is left for each selling day."""

import pandas as pd
import pytest

from analysis.facts import Facts
from analysis.targets import known_targets
from companies import cell, kpis_of, make_company, values

TEAM = ["team"]
REPS = """
    rep_id,name,team,started_on,ended_on
    ann,Ann,North,,
    bob,Bob,North,,2026-01-31
    cyd,Cyd,South,2026-03-01,
"""
PACES = ("pace_revenue", "pace_units", "pace_new_accounts")


def deals(*rows: str) -> dict[str, str]:
    head = "opportunity_id,outcome,closed_at,amount,units,rep_id,customer_id"
    return {"opportunities": "\n".join([head, *rows]), "reps": REPS}


def aimed(*rows: str) -> dict[str, str]:
    return {"targets": "\n".join(["metric,scope,scope_id,period_start,period,target,valid_from", *rows])}


# --- targets and attainment -------------------------------------------------------------------------------

TARGETS = """
    metric,scope,scope_id,period_start,period,target,valid_from
    revenue,company,,2026-01-01,month,100,
    revenue,company,,2026-02-01,month,200,2026-01-01
    revenue,company,,2026-02-01,month,250,2026-02-15
    revenue,company,,2026-02-01,month,999,2026-04-01
    revenue,company,,2026-03-01,month,300,
    revenue,rep,ann,2026-01-01,quarter,90,
    revenue,team,North,2026-01-01,year,1000,
"""


@pytest.mark.kpi("worked", "target_revenue", "attainment_revenue")
def test_a_target_is_the_latest_known_one_and_finer_targets_tile_a_coarser_period_but_never_the_other_way(
    tmp_path,
):
    tables = {**deals("1,won,2026-02-28,125,1,ann,A"), "targets": TARGETS}
    kpis = kpis_of(tmp_path, tables, TEAM)
    assert values(kpis, "target_revenue") == {"2026-02-01": 250, "2026-03-01": 300}
    assert values(kpis, "target_revenue", "quarter") == {"2026-01-01": 650}
    assert values(kpis, "attainment_revenue")["2026-02-01"] == 0.5
    year = cell(kpis, "target_revenue", "2026-01-01", "year")
    assert (year["status"], year["reason"]) == ("undefined", "no_target")
    assert values(kpis, "target_revenue", "month", "rep") == {}
    assert cell(kpis, "attainment_revenue", "2026-02-01", "month", "rep", "ann")["reason"] == "no_target"
    assert values(kpis, "attainment_revenue", "quarter", "rep") == {("2026-01-01", "ann"): 125 / 90}
    assert values(kpis, "attainment_revenue", "year", "team") == {("2026-01-01", "North"): 0.125}
    early = make_company(tmp_path, tables, as_of="2026-02-14")
    known = known_targets(Facts(early)).set_index(["grain", "first_month", "dimension"])["target"]
    assert known["month", 2026 * 12 + 1, ""] == 200, "the revision was not known yet"


def test_a_rep_with_a_target_and_no_deal_has_reached_none_of_it(tmp_path):
    tables = {**deals("1,won,2026-02-28,125,1,bob,A"), "targets": TARGETS}
    row = cell(kpis_of(tmp_path, tables, TEAM), "attainment_revenue", "2026-01-01", "quarter", "rep", "ann")
    assert (row["value"], row["numerator"], row["denominator"]) == (0, 0, 90)


# --- pace -------------------------------------------------------------------------------------------------

JULY = (  # 23 weekdays, of which the sixteenth is the twelfth
    "revenue,company,,2026-07-01,month,1000000,",
    "revenue,rep,ann,2026-07-01,month,600000,",
    "revenue,rep,cyd,2026-07-01,month,500000,",
    "revenue,team,North,2026-07-01,month,700000,",
    "units,company,,2026-07-01,month,46,",
    "units,rep,ann,2026-07-01,month,23,",
    "new_accounts,company,,2026-07-01,month,4,",
    "new_accounts,rep,ann,2026-07-01,month,2.3,",
)
WON_IN_JULY = ("1,won,2026-07-02,300000,9,ann,A", "2,won,2026-07-10,180000,9,bob,B")


@pytest.mark.kpi("worked", *PACES, "required_daily_revenue", "target_cascade")
def test_the_worked_case_after_twelve_of_twenty_three_selling_days(tmp_path):
    tables = {**deals(*WON_IN_JULY), **aimed(*JULY)}
    kpis = kpis_of(tmp_path, tables, TEAM, as_of="2026-07-16")
    row = cell(kpis, "pace_revenue", "2026-07-01")
    assert row["value"] == pytest.approx(0.92)
    assert (row["numerator"], row["n"], row["status"]) == (480_000, 2, "provisional")
    assert row["denominator"] == pytest.approx(1_000_000 * 12 / 23)
    ann = cell(kpis, "pace_revenue", "2026-07-01", "month", "rep", "ann")
    assert ann["value"] == pytest.approx(300_000 * 23 / (600_000 * 12))
    cyd = cell(kpis, "pace_revenue", "2026-07-01", "month", "rep", "cyd")
    assert (cyd["value"], cyd["numerator"]) == (0, 0)
    north = cell(kpis, "pace_revenue", "2026-07-01", "month", "team", "North")
    assert north["value"] == pytest.approx(480_000 * 23 / (700_000 * 12))
    assert cell(kpis, "pace_revenue", "2026-07-01", "month", "rep", "bob")["reason"] == "no_target"
    assert cell(kpis, "pace_units", "2026-07-01")["value"] == pytest.approx(18 / 24)
    assert cell(kpis, "pace_units", "2026-07-01", "month", "rep", "ann")["value"] == pytest.approx(9 / 12)
    assert cell(kpis, "pace_new_accounts", "2026-07-01")["value"] == pytest.approx(2 / (4 * 12 / 23))
    daily = cell(kpis, "required_daily_revenue", "2026-07-01")
    assert (daily["numerator"], daily["denominator"], daily["unit"]) == (520_000, 11, "EUR")
    assert daily["value"] == pytest.approx(520_000 / 11)
    handed_down = cell(kpis, "target_cascade", "2026-07-01")
    assert (handed_down["numerator"], handed_down["denominator"]) == (1_100_000, 1_000_000)
    assert handed_down["value"] == pytest.approx(1.1)


def test_a_target_that_is_reached_before_its_time_needs_nothing_more(tmp_path):
    tables = {**deals("1,won,2026-07-02,1200000,9,ann,A"), **aimed(*JULY)}
    row = cell(kpis_of(tmp_path, tables, TEAM, as_of="2026-07-16"), "required_daily_revenue", "2026-07-01")
    assert (row["value"], row["numerator"], row["denominator"]) == (0, 0, 11)


def test_a_public_holiday_is_no_selling_day(tmp_path):
    target = aimed("revenue,company,,2026-06-01,month,2100,")
    tables = {**deals("1,won,2026-06-02,300,1,ann,A"), **target}
    anywhere, in_poland = (
        cell(kpis_of(tmp_path, tables, TEAM, as_of="2026-06-04", **given), "pace_revenue", "2026-06-01")
        for given in ({}, {"country": "PL"})  # Corpus Christi is on the fourth
    )
    assert anywhere["denominator"] == pytest.approx(2100 * 4 / 22)
    assert in_poland["denominator"] == pytest.approx(2100 * 3 / 21)
    assert in_poland["value"] == pytest.approx(1)


@pytest.mark.kpi("empty", *PACES, "required_daily_revenue", "target_cascade")
def test_without_a_target_or_a_selling_day_there_is_no_pace(tmp_path):
    target = aimed(
        "revenue,company,,2026-05-01,month,500,",
        "revenue,rep,ann,2026-06-01,month,50,",
        "revenue,company,,2026-07-01,month,0,",
        "revenue,rep,ann,2026-07-01,month,50,",
        *(f"{metric},company,,2026-08-01,month,100," for metric in ("revenue", "units", "new_accounts")),
    )
    tables = {**deals("1,won,2026-05-04,100,1,ann,A", "2,won,2026-07-04,100,1,ann,A"), **target}
    kpis = kpis_of(tmp_path, tables, TEAM, as_of="2026-08-02")  # August begins on a Saturday

    def reasons(kpi: str) -> list[str]:
        return [cell(kpis, kpi, f"2026-0{month}-01")["reason"] for month in (5, 6, 7, 8)]

    assert reasons("pace_revenue") == ["", "no_target", "no_denominator", "no_denominator"]
    assert reasons("pace_units") == reasons("pace_new_accounts") == [*["no_target"] * 3, "no_denominator"]
    assert reasons("required_daily_revenue") == ["no_denominator", "no_target", "no_denominator", ""]
    assert reasons("target_cascade") == ["no_target", "no_target", "no_denominator", "no_target"]
    nothing = cell(kpis, "pace_revenue", "2026-06-01", "month", "rep", "ann")
    assert (nothing["value"], nothing["n"]) == (0, 0), "a month without a deal"
    assert cell(kpis, "required_daily_revenue", "2026-08-01")["value"] == pytest.approx(100 / 21)


def test_without_the_table_or_the_results_each_says_what_is_missing(tmp_path):
    kpis = kpis_of(tmp_path, deals("1,won,2026-03-04,100,1,ann,A"), TEAM)
    for kpi in (*PACES, "required_daily_revenue", "target_cascade"):
        assert cell(kpis, kpi, "2026-03-01")["reason"] == "missing_table", kpi
    tables = {
        "tasks": "task_id,created_at\n1,2026-03-03",
        **aimed(
            "revenue,company,,2026-03-01,month,100,",
            "revenue,rep,ann,2026-03-01,month,90,",
            "units,company,,2026-03-01,month,0,",
        ),
    }
    kpis = kpis_of(tmp_path / "other", tables, TEAM)
    for kpi in ("pace_revenue", "pace_units", "required_daily_revenue"):
        assert cell(kpis, kpi, "2026-03-01")["reason"] == "missing_table", kpi
    assert cell(kpis, "target_cascade", "2026-03-01")["value"] == pytest.approx(0.9)


@pytest.mark.kpi("boundary", *PACES, "required_daily_revenue", "target_cascade")
def test_the_last_day_of_a_month_and_the_first_of_the_next_count_for_their_own(tmp_path):
    target = aimed(
        *(f"{metric},company,,2026-0{m}-01,month,100," for metric in ("revenue", "units") for m in (6, 7)),
        *(f"new_accounts,company,,2026-0{m}-01,month,2," for m in (6, 7)),
        "revenue,rep,ann,2026-06-01,month,70,",
        "revenue,rep,ann,2026-07-01,month,80,",
    )
    tables = {**deals("1,won,2026-06-30,25,3,ann,A", "2,won,2026-07-01,10,2,ann,B"), **target}

    def on(day: str, kpi: str) -> list[float]:
        kpis = kpis_of(tmp_path, tables, TEAM, as_of=day)
        return [cell(kpis, kpi, start)["value"] for start in ("2026-06-01", "2026-07-01")]

    assert on("2026-07-01", "pace_revenue") == pytest.approx([0.25, 10 * 23 / 100])
    assert on("2026-07-01", "pace_units") == pytest.approx([0.03, 2 * 23 / 100])
    assert on("2026-07-01", "pace_new_accounts") == pytest.approx([0.5, 23 / 2])
    assert on("2026-07-01", "target_cascade") == pytest.approx([0.7, 0.8])
    assert on("2026-07-01", "required_daily_revenue")[1] == pytest.approx(90 / 22)
    last = kpis_of(tmp_path, tables, TEAM, as_of="2026-06-29")
    assert cell(last, "required_daily_revenue", "2026-06-01")["value"] == 100, "one selling day is left"
    over = kpis_of(tmp_path, tables, TEAM, as_of="2026-06-30")
    assert cell(over, "required_daily_revenue", "2026-06-01")["reason"] == "no_denominator"
    friday, sunday, monday = (on(f"2026-07-{d:02d}", "pace_revenue")[1] for d in (3, 5, 6))
    assert friday == sunday > monday, "a weekend is no time to sell in"


@pytest.mark.kpi("law", *PACES, "required_daily_revenue", "target_cascade")
def test_over_a_whole_period_the_pace_is_the_attainment_and_what_is_left_makes_up_the_target(tmp_path):
    won = [
        f"{i},won,2026-0{5 + i % 3}-{1 + i:02d},{i * 1000}.1,{i},{('ann', 'cyd')[i % 2]},{i}"
        for i in range(1, 16)
    ]
    quarter = ("revenue,company,,2026-04-01,quarter,9999,", "units,rep,cyd,2026-05-01,month,7,")
    target = [
        *JULY,
        *quarter,
        "revenue,company,,2026-05-01,month,100,",
        "revenue,rep,ann,2026-05-01,month,3,",
    ]

    def table(won: list[str], target: list[str]) -> pd.DataFrame:
        return kpis_of(tmp_path, {**deals(*won), **aimed(*target)}, TEAM, as_of="2026-07-16")

    kpis = table(won, target)
    compared = 0
    for pace in PACES:
        keys = ["grain", "period_start", "dimension", "member"]
        both = kpis[kpis["kpi"] == pace].merge(
            kpis[kpis["kpi"] == pace.replace("pace", "attainment")], how="outer", on=keys, indicator=True
        )
        assert set(both["_merge"]) == {"both"}
        over = both[(both["status_x"] != "provisional") & both["value_x"].notna()]
        assert over["value_x"].tolist() == over["value_y"].tolist()
        running = both[both["status_x"] == "provisional"]
        assert (running["value_x"] >= running["value_y"]).all(), "no more is due than the whole"
        compared += len(over)
    assert compared == 4
    daily = kpis[(kpis["kpi"] == "required_daily_revenue") & kpis["value"].notna()]
    for row in daily.itertuples():
        made = cell(kpis, "revenue", str(row.period_start.date()), row.grain)["value"]
        aim = cell(kpis, "target_revenue", str(row.period_start.date()), row.grain)["value"]
        assert made + row.value * row.denominator == pytest.approx(max(aim, made))
    for row in kpis[(kpis["kpi"] == "target_cascade") & kpis["value"].notna()].itertuples():
        reps = values(kpis, "target_revenue", row.grain, "rep")
        start = str(row.period_start.date())
        aim = cell(kpis, "target_revenue", start, row.grain)["value"]
        assert row.value * aim == pytest.approx(sum(v for (s, _), v in reps.items() if s == start))
    pd.testing.assert_frame_equal(table(won[::-1], target[::-1]), kpis)


@pytest.mark.kpi("law", *PACES, "required_daily_revenue", "target_cascade")
def test_ten_times_the_money_is_the_same_pace_and_ten_times_as_much_a_day(tmp_path):
    one = {**deals(*WON_IN_JULY), **aimed(*JULY)}
    won = [row.replace("0000,", "00000,") for row in WON_IN_JULY]
    ten = {**deals(*won), **aimed(*(row.replace("00000,", "000000,") for row in JULY))}
    small, large = (
        kpis_of(tmp_path / name, tables, TEAM, as_of="2026-07-16")
        for name, tables in (("1", one), ("10", ten))
    )
    for kpi in (*PACES, "target_cascade"):
        assert values(large, kpi) == pytest.approx(values(small, kpi), nan_ok=True), kpi
    assert values(large, "pace_revenue", dimension="rep") == pytest.approx(
        values(small, "pace_revenue", dimension="rep"), nan_ok=True
    )
    assert values(large, "required_daily_revenue")["2026-07-01"] == pytest.approx(
        10 * values(small, "required_daily_revenue")["2026-07-01"]
    )
